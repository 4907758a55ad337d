"""The model that a card tells of: the confirmed one, or the best trial of the search.

Also of reports of before cards were made.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from hpo.evidence.model_cards import TEST_SPLIT, card_facts, run_title
from hpo.reports.confirmation_warnings import cautioned, unlearned
from hpo.reports.confirmation_words import decided, title
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
    served: TrialRecord | None = None,
) -> dict[str, Any]:
    """Return what a card says of a study's model; {} if no trial is complete.

    Args:
        records: all trials of the study.
        entries: its architectures, as ``architecture_entry`` returns them.
        direction: of the objective.
        dataset: name of the faces.
        digest: of the faces; "" if it was not recorded.
        classes: in the order of the model's answers.
        served: the run of the confirmed configuration that is served; None where none was
            confirmed, and the card is of the best trial of the search.
    """
    if served is not None:
        return card_facts(served, dataset=dataset, digest=digest, classes=classes)
    order = ranked(entries, direction)
    if not order:
        return {}
    label, number = order[0]["label"], order[0]["best"]["number"]
    best = next(r for r in records if r.architecture == label and r.number == number)
    if best.result is None:
        return {}
    return card_facts(best, dataset=dataset, digest=digest, classes=classes)


def card_of(data: ReportData) -> dict[str, Any]:
    """Return what a card says of a report's model; {} if there is none.

    After a confirmation, or a look at the test split, with ``confirmed``: what they say, and what
    is served, by name. An older report has not all of it: what it does not know is left out.
    """
    facts = data.card or _best_of(data)
    given = data.study.get("data")
    if facts and isinstance(given, Mapping):
        facts = {**facts, "leakage": given.get("leakage", "")}
    told = _confirmed(data, facts) if facts else {}
    return {**facts, "confirmed": told} if told else facts


def _confirmed(data: ReportData, facts: Mapping[str, Any]) -> dict[str, str]:
    chosen = decided(data.confirmation)
    if chosen is None:
        return _tested(data, facts, confirmed=False)
    known = data.confirmation["facts"]
    over = [*data.confirmation["sentences"][:1], cautioned(known)]
    # The verdict holds it already, except in reports of before it did.
    doubt = unlearned(known, chosen)
    over += [] if doubt in " ".join(over) else [doubt]
    told = {"Over seeds": " ".join(filter(None, over))}
    told |= _tested(data, chosen, confirmed=True)
    members = data.study.get("ensemble") or 1
    if facts.get("run") is None:
        told["Shown"] = f"the best trial of the search, not the confirmed {title(chosen)}."
    elif members > 1:
        told["Served"] = (
            f"`hpo promote {data.name}` serves an ensemble of the best {members}, the confirmed "
            "ones first, as the study file asks; with `--ensemble 1` it serves this run."
        )
    else:
        told["Served"] = (
            f"`hpo promote {data.name}` serves this run, {run_title(facts)} of "
            f"{facts['run_study']}: the best of its seeds, whose own figures are optimistic."
        )
    return told


def _tested(data: ReportData, chosen: Mapping[str, Any], *, confirmed: bool) -> dict[str, str]:
    """Return what the test split said of a configuration; {} if it was asked about another one."""
    looks = [o for o in data.confirmation.get("openings") or [] if o.get("finished")]
    if not looks:
        return {}
    last = looks[-1]
    if (last["architecture"], last["number"]) != (chosen["architecture"], chosen["number"]):
        return {}
    if last.get("confirmed") and not confirmed:
        return {}  # It speaks of runs of a confirmation that was deleted since.
    return {TEST_SPLIT: " ".join(data.confirmation["test"])}


def _best_of(data: ReportData) -> dict[str, Any]:
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
