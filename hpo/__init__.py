"""Hyper-parameter optimisation studies of image classifiers."""

__version__ = "0.1.0"
