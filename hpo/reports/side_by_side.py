"""Several studies beside each other as plain data: results, differences, time, and what differs.

The first study is what the others are compared with. A difference of accuracies is taken face by
face where it is known for both trials which validation faces they got right, else as that of two
independent samples, and says which.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

from hpo.evidence.intervals import Interval, difference
from hpo.evidence.paired import Paired, paired_difference
from hpo.reports import confirmed_beside
from hpo.reports.confirmed_beside import CompareRuns
from hpo.reports.data import ReportData, finite
from hpo.reports.equals import equals
from hpo.reports.results import ranked
from hpo.reports.rows import keeps_constraints
from hpo.reports.sentences import value_text

FORMAT = 1

Best = tuple[int, str]
"""A study's place and an architecture's label: the best trial of that architecture there."""
CountPairs = Callable[[Best, Best], Paired | str]
"""Counts on which faces which of two trials is right, or says why that cannot be known."""


@dataclass(frozen=True)
class SideBySide:
    """Several studies; every field is JSON-able.

    Args:
        studies: one dict per study, the first being what the others are compared with.
        architectures: one dict per architecture that any of them has: ``label``, ``results`` and
            ``differences`` in the order of the studies, None where a study has none.
        differences: of each study's best trial from the first study's; None for the first.
        confirmed_differences: of each study's confirmed mean from the first study's
            (``confirmed_beside.confirmed_differences``); None where not both have one.
        curves: per study the best value against the seconds spent in trials.
        differing: what differs in the study files: ``key`` and ``values``.
        notes: what the reader must know to judge it.
        format: version of this layout.
    """

    studies: list[dict[str, Any]]
    architectures: list[dict[str, Any]] = field(default_factory=list)
    differences: list[dict[str, Any] | None] = field(default_factory=list)
    confirmed_differences: list[dict[str, Any] | None] = field(default_factory=list)
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
        differences=[
            None if place == 0 else _difference((0, best[0]), (place, entry), count_pairs)
            for place, entry in enumerate(best)
        ],
        confirmed_differences=confirmed_beside.confirmed_differences(
            [confirmed_beside.confirmed_study(side) for side in sides], compare_runs
        ),
        curves=[_curve(side) for side in sides],
        differing=differing([side.study for side in sides]),
    )
    whole.notes.extend(_notes(sides, whole))
    return whole


def _ranked(side: ReportData) -> list[Mapping[str, Any]]:
    return ranked(side.architectures, side.objective["direction"])


def _study(side: ReportData, title: str, best: Mapping[str, Any] | None) -> dict[str, Any]:
    facts, study = side.facts, side.study
    return {
        "title": title,
        "name": side.name,
        "objective": side.objective,
        "dataset": facts.get("dataset", "unknown"),
        "validation_sizes": facts.get("validation_sizes", []),
        "trials": facts.get("trials", len(side.trials)),
        "counts": facts.get("counts", {}),
        "epochs": facts.get("epochs", 0),
        "seconds": facts.get("seconds", 0.0),
        "devices": facts.get("devices", []),
        "budget": study.get("budget"),
        "best": {"label": best["label"], **best["best"]} if best else None,
        "equals": [list(each) for each in equals(side.architectures, side.objective["direction"])],
        "confirmed": confirmed_beside.confirmed_study(side),
        "confirming": bool(side.confirmation.get("facts")),
    }


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
            }
            for entry, known in zip(entries, confirmed, strict=True)
        ],
        "differences": [
            None if place == 0 else _difference((0, entries[0]), (place, entry), count_pairs)
            for place, entry in enumerate(entries)
        ],
    }


def _difference(
    first: tuple[int, Mapping[str, Any] | None],
    other: tuple[int, Mapping[str, Any] | None],
    count_pairs: CountPairs,
) -> dict[str, Any] | None:
    """Return accuracy of the other less that of the first; None without both intervals."""
    (base, before), (place, after) = first, other
    if not before or not after or not before["best"] or not after["best"]:
        return None
    old, new = before["best"]["interval"], after["best"]["interval"]
    if not old or not new:
        return None
    counts = count_pairs((place, after["label"]), (base, before["label"]))
    if isinstance(counts, Paired):
        return {**paired_difference(counts).to_json(), "paired": True, "why": ""}
    gap = difference(Interval(**new), Interval(**old))
    return {**gap.to_json(), "paired": False, "why": counts}


def _curve(side: ReportData) -> dict[str, Any]:
    """Return where the best value rises, against the seconds spent in trials as they ended."""
    pick = max if side.objective["direction"] == "maximize" else min
    spent, best = 0.0, None
    seconds: list[float] = []
    values: list[float] = []
    for trial in sorted(side.trials, key=lambda t: (t["finished"] or "~", t["number"])):
        spent += trial["seconds"]
        counts = trial["state"] == "complete" and keeps_constraints(trial)
        if counts and trial["value"] is not None:
            better = trial["value"] if best is None else pick(best, trial["value"])
            if better != best:
                best = better
                seconds.append(round(spent, 2))
                values.append(best)
    if best is not None and spent > seconds[-1]:
        seconds.append(round(spent, 2))
        values.append(best)
    return {"seconds": seconds, "values": values}


def differing(studies: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Return the keys of study files in which they differ, in their order, with a value each.

    What a study file does not have, or has nothing in, is None. Names and descriptions always
    differ, and are left out.
    """
    flat = [_flat(study) for study in studies]
    keys = dict.fromkeys(key for one in flat for key in one)
    return [
        {"key": key, "values": [one.get(key) for one in flat]}
        for key in keys
        if key not in ("name", "description")
        and any(one.get(key) != flat[0].get(key) for one in flat)
    ]


def _flat(value: Mapping[str, Any], path: str = "") -> dict[str, Any]:
    found: dict[str, Any] = {}
    for key, item in value.items():
        name = f"{path}.{key}" if path else str(key)
        if isinstance(item, Mapping) and item.get("type") in ("float", "int", "categorical"):
            found[name] = _searched(item)
        elif isinstance(item, Mapping):
            found |= _flat(item, name)
        else:
            found[name] = item
    return found


def _searched(parameter: Mapping[str, Any]) -> str:
    """Return what is searched of a parameter in a line, such as ``0.0001 to 0.1, log``."""
    if parameter["type"] == "categorical":
        text = " | ".join(exact(choice) for choice in parameter.get("choices") or ())
    else:
        text = f"{exact(parameter.get('low'))} to {exact(parameter.get('high'))}"
        step = parameter.get("step")
        if step is not None and not (parameter["type"] == "int" and step == 1):
            text += f" by {exact(step)}"
        text += ", log" if parameter.get("log") else ""
    conditions = [
        f"{name} {' or '.join(map(value_text, values)) if isinstance(values, list) else values}"
        for name, values in (parameter.get("when") or {}).items()
    ]
    return text + (f", if {' and '.join(conditions)}" if conditions else "")


def exact(value: Any) -> str:
    """Return a value so that what differs does not look alike."""
    return f"{value:.12g}" if isinstance(value, float) else value_text(value)


def _notes(sides: Sequence[ReportData], whole: SideBySide) -> list[str]:
    said = []
    for what, values in (
        ("objectives", [side.objective["name"] for side in sides]),
        ("datasets", [str(study["dataset"]) for study in whole.studies]),
        (
            "numbers of validation faces",
            ["/".join(f"{n:,}" for n in study["validation_sizes"]) for study in whole.studies],
        ),
    ):
        if len(set(values)) > 1:
            listed = ", ".join(f"{t} {v}" for t, v in zip(whole.titles, values, strict=True))
            said.append(f"The studies differ in their {what} ({listed}): not a like comparison.")
    spent = [study["seconds"] for study in whole.studies]
    if min(spent) > 0 and max(spent) > 1.5 * min(spent):
        said.append(
            f"One study spent {max(spent) / min(spent):.1f} times the seconds in trials of another:"
            " compare the curves at equal time rather than the bests."
        )
    known = [d for d in (*whole.differences, *_all(whole)) if d]
    reasons = list(dict.fromkeys(d["why"] for d in known if not d["paired"]))
    if any(d["paired"] for d in known):
        said.append(
            "Paired differences count the faces that one trial alone got right (Newcombe 1998, "
            "paired method 10)."
        )
    said += [
        f"Differences without a mark take the two as independent samples, as {reason}; for models "
        "judged on the same faces such an interval is rather too wide."
        for reason in reasons
    ]
    said += confirmed_beside.notes(whole)
    said.append(
        "Each search's best was selected on the faces that it is judged by, and is one training "
        "run, so it is optimistic: its interval knows neither that selection nor other seeds."
    )
    return said


def _all(whole: SideBySide) -> list[dict[str, Any] | None]:
    return [d for entry in whole.architectures for d in entry["differences"]]
