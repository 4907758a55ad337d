"""Metrics in words, for cards and reports."""

from __future__ import annotations

METRIC_WORDS = {
    "val_loss": "log loss",
    "val_macro_f1": "macro F1",
    "val_balanced_accuracy": "balanced accuracy",
    "val_ece": "calibration error",
    "val_loss_tempered": "log loss after temperature scaling",
    "val_ece_tempered": "calibration error after temperature scaling",
    "val_majority_share": "accuracy of always answering the most frequent emotion",
    "val_votes_majority": "agreement with the majority of FER+ votes",
    "val_votes_share": "mean share of FER+ votes",
}
"""Metrics whose names are no words, as reports and cards tell them (``hpo.training.scores``)."""


def metric_words(name: str) -> str:
    """Return the words for a validation metric; of one that nobody knows here its name's."""
    return METRIC_WORDS.get(name, name.removeprefix("val_").replace("_", " "))
