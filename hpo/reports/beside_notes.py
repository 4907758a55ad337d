"""What the reader of a comparison must know: what is unlike, and what its intervals hold."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from hpo.reports import confirmed_beside
from hpo.reports.data import ReportData
from hpo.reports.objectives import by_accuracy
from hpo.reports.results import ranked
from hpo.reports.sentences import (
    accuracy_with_interval,
    listed,
    majority_caveats,
    number,
    plural,
)
from hpo.reports.tables import duration

if TYPE_CHECKING:
    from hpo.reports.side_by_side import SideBySide

MUCH_MORE = 1.5
"""Times the seconds of another study from which on the difference in time is said."""


def notes(sides: Sequence[ReportData], whole: SideBySide) -> list[str]:
    """Return what the reader must know, a sentence each.

    Args:
        sides: the studies.
        whole: all that was computed of them.
    """
    said = []
    for what, values in (
        (
            "objectives",
            [listed([metric for metric, _ in study["objectives"]]) for study in whole.studies],
        ),
        ("datasets", [str(study["dataset"]) for study in whole.studies]),
        (
            "numbers of validation faces",
            ["/".join(f"{n:,}" for n in study["validation_sizes"]) for study in whole.studies],
        ),
    ):
        if len(set(values)) > 1:
            each = ", ".join(f"{t} {v}" for t, v in zip(whole.titles, values, strict=True))
            said.append(f"The studies differ in their {what} ({each}): not a like comparison.")
    said += _other_datasets(sides, whole.titles)
    # First of all, as no difference between two that have not learned means much.
    said += [
        f"{title}: {told}"
        for side, title in zip(sides, whole.titles, strict=True)
        for told in majority_caveats(
            ranked(side.architectures, side.objective["direction"]), side.majority
        )
    ]
    said += _other_faces(sides, whole.titles)
    said += _copies(sides, whole.titles)
    said += _warm_starts(sides, whole.titles)
    said += _unequal_trials(whole)
    said += _unequal_time(whole)
    known = [d for d in (*whole.differences, *_all(whole)) if d]
    reasons = list(dict.fromkeys(d["why"] for d in known if d["why"]))
    if any(d["paired"] for d in known):
        said.append(
            "Paired differences count the faces that one trial alone got right (Newcombe 1998, "
            "paired method 10)."
        )
    said += [
        f"Differences without a mark take the two as independent samples, as {reason}"
        f"{confirmed_beside.too_wide(reason, 'such an')}."
        for reason in reasons
    ]
    if any(d["low"] is None for d in known):
        said.append(
            "Differences of the losses of single runs stand without an interval, as the losses of "
            "single faces are not stored: nothing tells them from luck."
        )
    said += confirmed_beside.notes(whole)
    optimistic = (
        "Each search's best was selected on the faces that it is judged by, and is one training "
        "run, so it is optimistic"
    )
    if any(by_accuracy(study["objective"]) for study in whole.studies):
        optimistic += ": an interval of its accuracy knows neither that selection nor other seeds"
    said.append(f"{optimistic}.")
    return said


def _other_faces(sides: Sequence[ReportData], titles: Sequence[str]) -> list[str]:
    """Say who was judged on which validation faces, where a study's seed has drawn them."""
    draws = [_draw(side) for side in sides]
    if len(set(draws)) == 1:
        return []
    each = [
        f"{title} on {f'{number(draw[0])} that its seed {draw[1]} drew' if draw else 'all'}"
        for title, draw in zip(titles, draws, strict=True)
    ]
    return [
        "The studies were not all judged on the same validation faces (data.validation_limit): "
        f"{listed(each)}. A difference between studies with other faces is not paired by face, and "
        "what the faces bring is in it; the same limit and seed draw the same faces of one dataset."
    ]


def _other_datasets(sides: Sequence[ReportData], titles: Sequence[str]) -> list[str]:
    """Say that datasets of one name are not the same faces, where their digests are known."""
    digests: dict[str, dict[str, str]] = {}
    for title, side in zip(titles, sides, strict=True):
        if digest := str(side.facts.get("dataset_digest") or ""):
            name = str(side.facts.get("dataset", "unknown"))
            digests.setdefault(name, {})[title] = digest.removeprefix("sha256:")[:12]
    return [
        f"The dataset {name} was not the same in all of them ("
        + ", ".join(f"{title} {digest}" for title, digest in known.items())
        + "): it was imported anew between them, so they may have been trained and judged on other "
        "faces."
        for name, known in digests.items()
        if len(set(known.values())) > 1
    ]


def _warm_starts(sides: Sequence[ReportData], titles: Sequence[str]) -> list[str]:
    """Say which studies began with what an earlier one had found, as its trials are not counted."""
    said = []
    for title, side in zip(titles, sides, strict=True):
        earlier = (side.study.get("warm_start") or {}).get("study")
        # Of a study that is known by its report alone the numbers are not.
        known = side.facts.get("warm_start")
        if not earlier or known == [0, 0]:
            continue
        seen, first = known or (0, 0)
        each = [
            f"its sampler was shown {plural(seen, 'trial')}" if seen else "",
            f"{plural(first, 'configuration')} of it {'is' if first == 1 else 'are'} tried first"
            if first
            else "",
        ]
        told = ", and ".join(filter(None, each))
        beside = any(other.name == earlier for other in sides)
        said.append(
            f"{title} began with what study {earlier} had found{f' ({told})' if told else ''}: its "
            "own trials alone do not tell what its search cost"
            f"{', and the two searches are not independent' if beside else ''}."
        )
    return said


def _copies(sides: Sequence[ReportData], titles: Sequence[str]) -> list[str]:
    """Tell the bests without the faces that training has a copy of, and who trained on such."""
    ways = [str((side.study.get("data") or {}).get("leakage") or "keep") for side in sides]
    each, differ = [], False
    for side, title, way in zip(sides, titles, ways, strict=True):
        entries = ranked(side.architectures, side.objective["direction"])
        best = entries[0]["best"] if entries else None
        found = (best or {}).get("without_copies")
        if not best or not found or not found["of"]:
            continue
        of = f"{title} ({entries[0]['label']} #{best['number']})"
        if way == "drop" or found["n"] == found["of"]:
            why = "copies are left out of its training" if way == "drop" else "it has none"
            each.append(f"{of} the same, as {why}")
        elif found["interval"]:
            differ = True
            each.append(
                f"{of} {accuracy_with_interval(found['interval'])} of {number(found['of'])}"
            )
    if not differ:
        return []
    said = []
    if len(set(ways)) > 1:
        told = ", ".join(f"{title} {way}" for title, way in zip(titles, ways, strict=True))
        said.append(
            f"The studies differ in data.leakage ({told}): a score may be partly memory where "
            "copies of validation faces were trained on, so this is not a like comparison."
        )
    said.append(
        "On the validation faces without a copy in the training split the bests reach: "
        f"{'; '.join(each)}."
    )
    return said


def _draw(side: ReportData) -> tuple[int, int] | None:
    """Return how many validation faces were drawn, and by which seed; None for all of them."""
    limit = (side.study.get("data") or {}).get("validation_limit")
    sizes = side.facts.get("validation_sizes") or ()
    # Where there are fewer than the limit, all of them are judged.
    if limit is None or any(size < limit for size in sizes):
        return None
    return int(limit), int(side.study.get("seed") or 0)


def _unequal_trials(whole: SideBySide) -> list[str]:
    """Name the architectures whose bests are of unequal numbers of trials."""
    first = whole.titles[0]
    said = []
    for title, unequal in zip(whole.titles, whole.equal_trials, strict=True):
        if unequal and unequal["labels"]:
            each = [f"{label} {old} and {new}" for label, (old, new) in unequal["labels"].items()]
            said.append(
                f"{first} and {title} gave architectures unequal numbers of trials "
                f"({', '.join(each)}): in the table, too, a best of more is better already by luck."
            )
    return said


def _unequal_time(whole: SideBySide) -> list[str]:
    """Name the studies that took the most and the least time where they are far apart."""
    spent = {study["title"]: study["seconds"] for study in whole.studies}
    most, least = max(spent, key=lambda t: spent[t]), min(spent, key=lambda t: spent[t])
    if spent[least] <= 0 or spent[most] <= MUCH_MORE * spent[least]:
        return []
    return [
        f"{most} spent {duration(spent[most])} in trials, {spent[most] / spent[least]:.1f} times "
        f"the {duration(spent[least])} of {least}: compare the curves at equal time rather than "
        "the bests."
    ]


def _all(whole: SideBySide) -> list[dict[str, Any] | None]:
    return [d for entry in whole.architectures for d in entry["differences"]]
