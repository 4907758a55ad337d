"""What the test split said, in sentences."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from hpo.evidence.intervals import majority_rate
from hpo.reports.confirmation_sentences import scores_sentence
from hpo.reports.confirmation_words import within
from hpo.reports.sentences import in_points, moment, number, percent, plural, signed

_GAP = "That is "
"""What the sentence on the gap to validation begins with."""


def tell_opening(opening: Mapping[str, Any]) -> list[str]:
    """Return the sentences of one opening of the test split.

    Args:
        opening: as ``hpo.study.opening.open_test`` stores it.
    """
    accuracy, gap = opening["accuracy"], opening["gap"]
    low, high = within(accuracy)
    runs = opening["runs"]
    # As ``hpo.study.opening`` computes them: of one run there are no seeds to draw again.
    over = (
        f"bootstrap interval over seeds and faces, mean of {plural(len(runs), 'seed')}"
        if len(runs) > 1
        else "Wilson interval, one run"
    )
    said = [
        f"On the {number(opening['images'])} test faces of {opening['dataset']} "
        f"{opening['architecture']} #{opening['number']} reaches an accuracy of "
        f"{percent(accuracy['point'])} "
        f"[{100 * low:.1f}, {100 * high:.1f}] "
        f"({100 * accuracy['level']:.0f} % {over}), opened {moment(opening['opened'])}."
    ]
    if chance := _no_better(opening):
        said[0] = f"{said[0]} {chance}"
    if gap:
        apart = f"{in_points(abs(100 * gap['point']))} points"
        side = f"{apart} {'below' if gap['point'] >= 0 else 'above'}"
        if apart.startswith("0.0 "):
            side = "to a tenth of a point"
        said.append(
            f"{_GAP}{side} the validation accuracy of "
            f"{'the same runs' if len(runs) > 1 else 'the same run'}, "
            f"{percent(opening['validation'])} (gap {signed(100 * gap['point'])} "
            f"[{signed(100 * gap['low'])}, {signed(100 * gap['high'])}], by bootstrap), which the "
            "selection could see."
        )
    if opening.get("loss_gap"):
        said.append(_losses(opening["loss_gap"]))
    told = scores_sentence(
        {name.replace("test_", "val_", 1): known for name, known in opening["scores"].items()}
    )
    if told:
        said.append(f"On them: {told}.")
    if alone := _without_copies(opening):
        said.append(alone)
    if not opening["confirmed"]:
        said.append(
            f"{opening['architecture']} #{opening['number']} was not confirmed over seeds before "
            "the test split was opened."
        )
    return said


def _losses(gap: Mapping[str, Any]) -> str:
    """Say how far the loss, by which the search went, lies from that on validation."""
    runs = "the same run" if gap["n"] == 1 else "the same runs"
    side = "above" if gap["point"] >= 0 else "below"
    unknown = "the losses of single faces are not stored"
    if gap["low"] is None:
        sure = f"of one run no interval is known, as {unknown}"
    else:
        sure = (
            f"gap {gap['point']:+.4f} [{gap['low']:+.4f}, {gap['high']:+.4f}], "
            f"{100 * gap['level']:.0f} % Student interval over {plural(gap['n'], 'seed')}; as "
            f"{unknown}, what other faces would change is not in it"
        )
    return (
        f"Its log loss there, {gap['test']:.4f}, is {abs(gap['point']):.4f} {side} that of {runs} "
        f"on validation, {gap['validation']:.4f}, by which it was chosen ({sure})."
    )


def _no_better(opening: Mapping[str, Any]) -> str:
    """Say that it was not shown to beat always answering one class; "" where it was."""
    rate = majority_rate([sum(row) for row in opening.get("confusion") or []])
    low, high = opening["accuracy"]["low"], opening["accuracy"]["high"]
    if rate is None or low > rate:
        return ""
    where = "lies below" if high < rate else "contains"
    return (
        f"There it was not shown to have learned: the interval {where} the {percent(rate)} that "
        "always answering the most frequent emotion would score."
    )


def _without_copies(opening: Mapping[str, Any]) -> str:
    """Say how it does on the faces that no split before has a copy of; "" where it is not known."""
    # Openings of an earlier version looked for copies in training alone.
    searched = opening.get("copies_in", ["train"])
    alone, faces = opening.get("without_copies"), number(opening["images"])
    if alone:
        low, high = within(alone["accuracy"])
        seen = opening["images"] - alone["images"]
        most = majority_rate([sum(row) for row in alone.get("confusion") or []])
        beside = (
            f", where always answering one emotion scores {percent(most)} at best" if most else ""
        )
        # In one breath with the figure, as of all faces.
        if most and alone["accuracy"]["low"] <= most:
            beside += ", so there it was not shown to have learned"
        return (
            f"{number(seen)} of the {faces} test faces {'has' if seen == 1 else 'have'} an exact, "
            f"mirrored or near duplicate {_there(searched)}: on the others it reaches "
            f"{percent(alone['accuracy']['point'])} [{100 * low:.1f}, {100 * high:.1f}]"
            f"{beside}."
        )
    if opening.get("images_without_copies") == opening["images"]:
        chosen_by = " or was chosen by" if "validation" in searched else ""
        return f"None of the {faces} test faces has a copy in what it trained on{chosen_by}."
    return ""


def _there(searched: Sequence[str]) -> str:
    """Say in which splits copies were looked for."""
    if list(searched) == ["validation"]:
        return "in the validation split, by which it was chosen"
    if "validation" in searched:
        return "in the training or the validation split"
    return "in the training split"


def searched_on(opened: str, *, begun: bool) -> str:
    """Return what is to be known of a search that goes on after a look at the test split.

    Args:
        opened: when it was first opened, an ISO 8601 time (UTC); "" if it was not.
        begun: whether trials have begun since; else they are to begin now.
    """
    if not opened:
        return ""
    told = "is chosen now is selected with knowledge of it."
    when = f"test split was opened on {moment(opened)}"
    if begun:
        return f"Trials were begun after the {when}: what {told}"
    return f"The {when}, before the trials that begin now: what {told}"


def opening_figures(openings: Sequence[Mapping[str, Any]]) -> tuple[str, ...]:
    """Return what a paragraph about the last finished opening tells of it, whatever its words.

    Args:
        openings: in the order in which they were made.
    """
    finished = [opening for opening in openings if opening.get("finished")]
    if not finished:
        return ()
    last = finished[-1]
    low, high = within(last["accuracy"])
    return (
        f"{last['architecture']} #{last['number']}",
        f"{percent(last['accuracy']['point'])} [{100 * low:.1f}, {100 * high:.1f}]",
        f"opened {moment(last['opened'])}",
    )


def tell_openings(openings: Sequence[Mapping[str, Any]]) -> list[str]:
    """Return the sentences of the last opening that was finished, and of its being no first one.

    Args:
        openings: in the order in which they were made.
    """
    finished = [opening for opening in openings if opening.get("finished")]
    if not finished:
        return []
    said = tell_opening(finished[-1])
    if len(finished) > 1:
        first = finished[0]
        low, high = within(first["accuracy"])
        # In one breath with the figure: who quotes it quotes this as well.
        said[0] += (
            f" It was opening {len(finished)} (“{finished[-1]['reason']}”), after "
            f"{percent(first['accuracy']['point'])} [{100 * low:.1f}, {100 * high:.1f}] of "
            f"{first['architecture']} #{first['number']} in the first: what is chosen after a look "
            "at the test split is selected on it, and its figure is optimistic."
        )
    return said


def opening_in_short(test: Sequence[str]) -> list[str]:
    """Return what the summary of a study tells of ``tell_openings``: the figure with its gap."""
    told = [*test[:1], *(said for said in test[1:2] if said.startswith(_GAP))]
    return [" ".join(told)] if told else []
