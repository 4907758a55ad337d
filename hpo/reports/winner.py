"""The study's best trial as a model card tells it, also of reports of before cards were made."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from hpo.evidence.model_cards import card_facts
from hpo.reports.data import ReportData
from hpo.reports.results import ranked
from hpo.reports.trials import Direction
from hpo.spec.records import TrialRecord


def winner_facts(
    records: Sequence[TrialRecord],
    entries: Sequence[Mapping[str, Any]],
    direction: Direction,
    *,
    dataset: str,
    digest: str,
    classes: Sequence[str],
) -> dict[str, Any]:
    """Return what a card says of the best trial of a study; {} if none is complete.

    Args:
        records: all trials of the study.
        entries: its architectures, as ``architecture_entry`` returns them.
        direction: of the objective.
        dataset: name of the faces.
        digest: of the faces; "" if it was not recorded.
        classes: in the order of the model's answers.
    """
    order = ranked(entries, direction)
    if not order:
        return {}
    label, number = order[0]["label"], order[0]["best"]["number"]
    best = next(r for r in records if r.architecture == label and r.number == number)
    if best.result is None:
        return {}
    return card_facts(best, dataset=dataset, digest=digest, classes=classes)


def card_of(data: ReportData) -> dict[str, Any]:
    """Return what a card says of a report's best trial; {} if there is none.

    An older report has not all of it: what it does not know is left out.
    """
    if data.card:
        return data.card
    order = ranked(data.architectures, data.objective["direction"])
    if not order:
        return {}
    label, best = order[0]["label"], order[0]["best"]
    trial = next(t for t in data.trials_of(label) if t["number"] == best["number"])
    metrics = {"val_accuracy": trial["accuracy"], "val_loss": trial["loss"]}
    shown = data.confusion.get(label) or {}
    matrix = shown.get("matrix", []) if shown.get("number") == best["number"] else []
    return {
        "study": data.name,
        "architecture": label,
        "number": best["number"],
        "dataset": data.facts.get("dataset", "unknown"),
        "classes": data.classes,
        "metrics": {name: value for name, value in metrics.items() if value is not None},
        "confusion": matrix,
        "params": trial["params"],
        "environment": data.facts.get("environment", {}),
        "weights": trial["weights"],
        "parameter_count": trial["parameter_count"],
        "best_epoch": trial["best_epoch"],
        "epochs_run": trial["epochs_run"],
        "train_size": trial["train_size"],
        "validation_size": trial["validation_size"],
        "without_copies": trial.get("validation_size_without_copies"),
    }
