"""The composition: what a person can do with a study, as functions."""
