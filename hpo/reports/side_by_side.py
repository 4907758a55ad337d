"""Several studies beside each other as plain data: results, differences, time, and what differs.

The first study is what the others are compared with. A difference of accuracies is taken face by
face where it is known for both trials which validation faces they got right, else as that of two
independent samples, and says which. Under a loss the losses are subtracted, without an interval,
as those of single faces are not stored; under different first objectives nothing is.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

from hpo.reports import confirmed_beside
from hpo.reports.beside_notes import notes
from hpo.reports.confirmed_beside import CompareRuns
from hpo.reports.data import ReportData, finite
from hpo.reports.differing import differing
from hpo.reports.equal_trials import CountPairs, difference_of, equal_trials
from hpo.reports.equals import equals
from hpo.reports.results import ranked
from hpo.reports.rows import keeps_constraints
from hpo.reports.sentences import no_better
from hpo.spec.objectives import direction_of

FORMAT = 1


@dataclass(frozen=True)
class SideBySide:
    """Several studies; every field is JSON-able.

    Args:
        studies: one dict per study, the first being what the others are compared with.
        architectures: one dict per architecture that any of them has: ``label``, ``results`` and
            ``differences`` in the order of the studies, None where a study has none.
        differences: of each study's best trial from the first study's; None for the first, and
            where their first objectives differ. ``low`` and ``high`` are None under a loss.
        confirmed_differences: of each study's confirmed mean from the first study's
            (``confirmed_beside.confirmed_differences``); None where not both have one.
        equal_trials: of each study what it had more or fewer trials than the first, and the
            difference at equal numbers (``equal_trials.equal_trials``); None where as many.
        curves: per study the best value against the seconds spent in trials, and the accuracy of
            the same trials.
        differing: what differs in the study files: ``key`` and ``values``.
        notes: what the reader must know to judge it.
        format: version of this layout.
    """

    studies: list[dict[str, Any]]
    architectures: list[dict[str, Any]] = field(default_factory=list)
    differences: list[dict[str, Any] | None] = field(default_factory=list)
    confirmed_differences: list[dict[str, Any] | None] = field(default_factory=list)
    equal_trials: list[dict[str, Any] | None] = field(default_factory=list)
    curves: list[dict[str, Any]] = field(default_factory=list)
    differing: list[dict[str, Any]] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    format: int = FORMAT

    def to_json(self) -> dict[str, Any]:
        """Return one key per field, numbers that are not finite as None."""
        plain: dict[str, Any] = finite(asdict(self))
        return plain

    @property
    def titles(self) -> list[str]:
        """Return what tells the studies apart."""
        return [study["title"] for study in self.studies]


def _not_stored(new: int, old: int) -> str:
    return confirmed_beside.NOT_STORED


def set_beside(
    sides: Sequence[ReportData],
    titles: Sequence[str],
    count_pairs: CountPairs,
    compare_runs: CompareRuns = _not_stored,
) -> SideBySide:
    """Set studies beside each other.

    Args:
        sides: the studies; ``outline`` is enough of each.
        titles: what tells them apart, one each.
        count_pairs: on which faces which of two best trials is right.
        compare_runs: how far the confirmed runs of two studies are apart.
    """
    best = [next(iter(_ranked(side)), None) for side in sides]
    labels = list(dict.fromkeys(label for side in sides for label in side.labels))
    whole = SideBySide(
        studies=[
            _study(side, title, entry)
            for side, title, entry in zip(sides, titles, best, strict=True)
        ],
        architectures=[_architecture(label, sides, count_pairs) for label in labels],
        differences=_differences(best, sides, count_pairs),
        confirmed_differences=confirmed_beside.confirmed_differences(
            [confirmed_beside.confirmed_study(side) for side in sides], compare_runs
        ),
        equal_trials=equal_trials(sides, count_pairs),
        curves=[_curve(side) for side in sides],
        differing=differing([side.study for side in sides]),
    )
    whole.notes.extend(notes(sides, whole))
    return whole


def _ranked(side: ReportData) -> list[Mapping[str, Any]]:
    return ranked(side.architectures, side.objective["direction"])


def _study(side: ReportData, title: str, best: Mapping[str, Any] | None) -> dict[str, Any]:
    facts, study = side.facts, side.study
    return {
        "title": title,
        "name": side.name,
        "objective": side.objective,
        "objectives": _goals(side),
        "dataset": facts.get("dataset", "unknown"),
        "validation_sizes": facts.get("validation_sizes", []),
        "trials": facts.get("trials", len(side.trials)),
        "counts": facts.get("counts", {}),
        "epochs": facts.get("epochs", 0),
        "seconds": facts.get("seconds", 0.0),
        "devices": facts.get("devices", []),
        "budget": study.get("budget"),
        "best": {"label": best["label"], **best["best"]} if best else None,
        "majority": side.majority,
        "doubt": no_better(best, side.majority) if best else "",
        "equals": [list(each) for each in equals(side.architectures, side.objective["direction"])],
        "confirmed": confirmed_beside.confirmed_study(side),
        "confirming": confirmed_beside.going(side),
    }


def _goals(side: ReportData) -> list[list[str]]:
    """Return each objective's metric and direction, the first before all others."""
    first = [side.objective["name"], side.objective["direction"]]
    goals = [
        g["metric"] if isinstance(g, Mapping) else g for g in side.study.get("objectives") or []
    ]
    return [first, *([metric, direction_of(metric)] for metric in goals if metric != first[0])]


def _architecture(
    label: str, sides: Sequence[ReportData], count_pairs: CountPairs
) -> dict[str, Any]:
    entries = [next((e for e in s.architectures if e["label"] == label), None) for s in sides]
    confirmed = [confirmed_beside.confirmed_architecture(side, label) for side in sides]
    return {
        "label": label,
        "results": [
            entry
            and {
                "trials": sum(entry["counts"].values()),
                "counts": entry["counts"],
                "epochs": entry["epochs"],
                "seconds": entry["seconds"],
                "best": entry["best"],
                "confirmed": known,
                "against_majority": entry["against_majority"],
            }
            for entry, known in zip(entries, confirmed, strict=True)
        ],
        "differences": _differences(entries, sides, count_pairs),
    }


def _differences(
    entries: Sequence[Mapping[str, Any] | None],
    sides: Sequence[ReportData],
    count_pairs: CountPairs,
) -> list[dict[str, Any] | None]:
    """Return of each study's entry what its best has over the first study's; None for the first."""
    return [
        difference_of(entries[0], (place, entry), sides[0].objective, count_pairs)
        if place and side.objective["name"] == sides[0].objective["name"]
        else None
        for place, (side, entry) in enumerate(zip(sides, entries, strict=True))
    ]


def _curve(side: ReportData) -> dict[str, Any]:
    """Return where the best value rises, against the seconds spent in trials as they ended.

    ``seconds, values``, and ``accuracies``: those of the same trials, None where not recorded.
    """
    pick = max if side.objective["direction"] == "maximize" else min
    spent, best, accuracy = 0.0, None, None
    seconds: list[float] = []
    values: list[float] = []
    accuracies: list[float | None] = []
    for trial in sorted(side.trials, key=lambda t: (t["finished"] or "~", t["number"])):
        spent += trial["seconds"]
        counts = trial["state"] == "complete" and keeps_constraints(trial)
        if counts and trial["value"] is not None:
            better = trial["value"] if best is None else pick(best, trial["value"])
            if better != best:
                best, accuracy = better, trial["accuracy"]
                seconds.append(round(spent, 2))
                values.append(best)
                accuracies.append(accuracy)
    if best is not None and spent > seconds[-1]:
        seconds.append(round(spent, 2))
        values.append(best)
        accuracies.append(accuracy)
    return {"seconds": seconds, "values": values, "accuracies": accuracies}
