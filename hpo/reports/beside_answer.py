"""What stands right behind the answer on tuning or architecture: what takes it back, or decides it.

The answer is by single runs that were chosen on the faces that judge them. How much of that is the
luck of the choice, and what re-runs over seeds say, must be read in the same breath.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from hpo.reports.confirmation_words import decided, gap, title
from hpo.reports.confirmed_gains import tuning_over_seeds
from hpo.reports.selection_sentences import is_apart, lowered
from hpo.reports.sentences import listed, signed


def beside_answer(
    tuned: Mapping[str, Any],
    entries: Sequence[Mapping[str, Any]],
    confirmation: Mapping[str, Any],
) -> str:
    """Return the sentences that belong to ``comparison_sentences.answer_sentence``; "" if none do.

    Args:
        tuned: ``tuning`` of what ``comparison.comparison`` returns.
        entries: as ``architecture_entry`` returns them.
        confirmation: as in ``ReportData``.
    """
    told = [architectures_over_seeds(confirmation)]
    if tuned["mean_share"] is not None:
        told[:0] = [
            lucky_tuning(tuned["moves"], entries),
            tuning_over_seeds(entries, tuned["moves"], confirmation),
        ]
    return " ".join(filter(None, told))


def lucky_tuning(
    moves: Mapping[str, Mapping[str, Any]], entries: Sequence[Mapping[str, Any]]
) -> str:
    """Name the architectures whose tuning may be the luck of the choice; "" if there is none.

    Its share says nothing there: what is divided would be nothing.
    """
    lucky = {}
    for entry in entries:
        gain, move = entry["gain"], moves.get(entry["label"])
        # The gain is of all trials, the way of the first ones that each architecture had.
        if not gain or not move or entry["best"]["number"] != move["best"]:
            continue
        found = lowered(gain)
        if found and not is_apart(found["accuracy"]):
            lucky[entry["label"]] = found["accuracy"]
    if not lucky:
        return ""
    left = "; ".join(
        f"{label} {signed(100 * one['point'])} [{signed(100 * one['low'])}, "
        f"{signed(100 * one['high'])}]"
        for label, one in lucky.items()
    )
    return (
        "Less the luck of having chosen the best on these faces, what tuning gained is not "
        f"distinguishable from nothing ({left} points), so its share may be luck."
    )


def architectures_over_seeds(confirmation: Mapping[str, Any]) -> str:
    """Say from which architectures re-runs tell the chosen one, and from which they do not.

    Args:
        confirmation: as in ``ReportData``; one that is not over says nothing.
    """
    chosen = decided(confirmation)
    if chosen is None:
        return ""
    facts, own = confirmation["facts"], chosen["architecture"]
    equal: list[str] = []
    nearest: dict[str, Mapping[str, Any]] = {}
    for entry in facts["candidates"]:
        label, behind = entry["architecture"], entry["behind"]
        if not behind or label == own:
            continue
        if behind["low"] <= 0:
            equal.append(label)
        if label not in nearest or behind["point"] < nearest[label]["behind"]["point"]:
            nearest[label] = entry
    told = [
        f"{title(chosen)} is {gap(facts, entry['behind'])} better than {title(entry)}"
        for label, entry in nearest.items()
        if label not in equal
    ]
    said = [f"Over seeds, which decide, {listed(told)}."] if told else []
    if equal:
        said.append(
            f"Over seeds the re-runs do not tell {own} from {listed(list(dict.fromkeys(equal)))}, "
            "so what the choice of architecture brought may be the luck of single runs."
        )
    return " ".join(said)
