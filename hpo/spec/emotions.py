"""The seven emotions, in the one order that every label in a store, model and table uses."""

from __future__ import annotations

EMOTIONS: tuple[str, ...] = ("angry", "disgust", "fear", "happy", "neutral", "sad", "surprise")
"""Alphabetical: the order in which Keras's directory readers and the dataset hubs number them."""
