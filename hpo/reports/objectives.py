"""Whether a study searched for accuracy, and what is said of accuracies where it did not."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any


def by_accuracy(objective: Mapping[str, Any]) -> bool:
    """Return whether a study searched for accuracy, of which alone single runs have intervals."""
    return bool(objective["name"] == "val_accuracy")


def by_other(objective: Mapping[str, Any]) -> str:
    """Return by what trials were chosen whose accuracy is told all the same; "" by accuracy."""
    if by_accuracy(objective):
        return ""
    lowest = "lowest" if objective["direction"] == "minimize" else "highest"
    return f"chosen by the {lowest} {objective['label']} and not by accuracy"
