"""The comparison of architectures in sentences: tuning or architecture, and at which budgets."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Any

from hpo.reports.baselines import baselines_phrase
from hpo.reports.objectives import by_accuracy, by_other
from hpo.reports.progress import status
from hpo.reports.sentences import (
    NEWCOMBE,
    in_points,
    listed,
    number,
    percent,
    plural,
    shown,
    signed,
)
from hpo.reports.tables import duration
from hpo.spec.limits import asked_budget, budget_text, other_limits


def bracketed(change: Mapping[str, Any]) -> str:
    """Return a difference of accuracies in points with its interval: ``+4.4 [+2.2, +6.6]``."""
    return (
        f"{signed(100 * change['point'])} [{signed(100 * change['low'])}, "
        f"{signed(100 * change['high'])}]"
    )


def share_text(share: Mapping[str, Any]) -> str:
    """Return a share with its interval: ``28 % [24, 32]``."""
    return f"{percent(share['point'], 0)} [{100 * share['low']:.0f}, {100 * share['high']:.0f}]"


def beyond(shares: Sequence[Mapping[str, Any] | None]) -> str:
    """Explain shares that reach under 0 or over 100 %; "" if none does."""
    ends = [end for share in shares if share for end in (share["low"], share["high"])]
    over = any(round(100 * end) > 100 for end in ends)
    under = any(round(100 * end) < 0 for end in ends)
    said = [
        "a share over 100 % says that an architecture's own best may be better than the study's, "
        "so that choosing another would cost something"
    ] * over
    said += [f"{'one' if over else 'a share'} under 0 % says that tuning may have lost"] * under
    return ", and ".join(said)


def basis(is_paired: bool, n: int) -> str:
    """Name what an interval of a difference rests on."""
    if is_paired:
        return f"paired over the same n = {number(n)} validation faces"
    return f"taken as independent samples of n = {number(n)} validation faces"


def answer_sentence(
    made: Mapping[str, Any],
    facts: Mapping[str, Any],
    objective: Mapping[str, Any],
    unlearned: Collection[str] = (),
) -> str:
    """Answer whether tuning or the choice of architecture mattered; "" without two architectures.

    Args:
        made: what ``comparison.comparison`` returns.
        facts: of the report, which know whether the study goes on.
        objective: of the study; under another than accuracy it is told in accuracy all the same.
        unlearned: the architectures whose best was not shown to beat always answering one class.
    """
    tuned = made["tuning"]
    if not tuned or len(tuned["moves"]) + len(tuned["left_out"]) < 2:
        return ""
    moves, whole, share = tuned["moves"], tuned["mean_whole"], tuned["mean_share"]
    trials = int(made["equal"]["common"]["trials"])
    known = facts.get("progress")
    going = known is not None and status(known) in ("running", "unfinished")
    best = (
        "the best result lies"
        if by_accuracy(objective)
        else f"the validation accuracy of the best result, {by_other(objective)}, lies"
    )
    point, low, high, side = whole["point"], whole["low"], whole["high"], "above"
    if point < 0:
        point, low, high, side = -point, -high, -low, "below"
    over = baselines_phrase(moves)
    base = over.replace(" as changed here", "")
    said = (
        f"Tuning or architecture? With {plural(trials, 'trial')} each{' so far' if going else ''}, "
        f"{best} {'on average ' if len(moves) > 1 else ''}"
        f"{in_points(100 * point)} points [{in_points(100 * low)}, {in_points(100 * high)}] "
        f"{side} {base} of {listed(list(moves))}{', as changed here' if base != over else ''}"
    )
    by_faces = outside = ""
    if share is None and whole["high"] < 0:
        said += ": accuracy was lost on the way, so there is no gain to divide"
    elif share is None:
        said += (
            ", which these data do not tell from nothing: neither tuning nor the choice of "
            f"architecture was shown to matter{'' if by_accuracy(objective) else ' to accuracy'}"
        )
    else:
        hands = [label for label, move in moves.items() if move.get("origin") == "enqueued"]
        by_hand = f" (in {listed(hands)} by hand)" if hands else ""
        chosen, unsure = _chosen(tuned)
        if trials == 1 and all(move["default"] == move["best"] for move in moves.values()):
            said += (
                ": tuning was not tried, as the one trial of each is the configuration that nobody "
                f"tuned; choosing {chosen} brought it{unsure}"
            )
        elif all(move["default"] == move["best"] for move in moves.values()):
            said += (
                ": tuning within the architecture brought nothing of that, as no trial did better "
                f"than the configuration that nobody tuned; choosing {chosen} brought it{unsure}"
            )
        else:
            by_faces = ", of the share by bootstrap over faces"
            level = len(moves) > 1 and all(move["rest"]["point"] == 0 for move in moves.values())
            said += (
                f": tuning within the architecture{by_hand} brought {share_text(share)} of that, "
            )
            outside = beyond([share])
            said += (
                "and the choice of architecture nothing, as the bests of "
                f"{listed(list(moves))} are equally good"
                if level
                else f"choosing {chosen} the rest{unsure}"
            )
    beaten = [label for label in moves if label in unlearned]
    # Of none that learned it is to be known before any share.
    none = set(unlearned) >= {*moves, *tuned["left_out"]}
    if none:
        each = listed([*moves, *tuned["left_out"]])
        said = (
            f"Of {each} not even the best was shown to do better than always answering one "
            f"emotion. {said}"
        )
    elif beaten:
        where = f"in {listed(beaten)} " if len(moves) > 1 else ""
        said += (
            f"; {where}not even the best was shown to do better than always answering one emotion"
        )
    return (
        f"{said} (95 % intervals, of the distance "
        f"{'normal' if len(moves) > 1 else NEWCOMBE}{by_faces}, the trials "
        f"{basis(tuned['paired'], tuned['n'])}; one training run each)."
        f"{f' {outside[0].upper()}{outside[1:]}.' if outside else ''}"
        f"{_left_out(tuned['left_out'])}"
    )


def _left_out(left: Mapping[str, str]) -> str:
    """Return a sentence on the architectures that have no move, for each reason; "" if all have."""
    said = ""
    for reason in dict.fromkeys(left.values()):
        labels = [label for label, why in left.items() if why == reason]
        several = len(labels) > 1
        if reason.startswith("no "):
            why = f"{'they have' if several else 'it has'} {reason}"
        else:
            own = "its default or its best"
            why = reason.replace(own, "the default or the best of each") if several else reason
        said += f" {listed(labels)} {'are' if several else 'is'} left out, as {why}."
    return said


def _chosen(tuned: Mapping[str, Any]) -> tuple[str, str]:
    """Return which architecture the best is of, and that others may be meant as well."""
    # Reports of before rivals were kept name the first of several as the winner.
    if not tuned.get("rivals"):
        return tuned["winner"], ""
    names = [tuned["top"], *tuned["rivals"]]
    return (
        f"{', '.join(names[:-1])} or {names[-1]}",
        f", whose bests nothing tells apart, so {'neither' if len(names) == 2 else 'none of them'} "
        "is the winner",
    )


def moves_sentence(tuned: Mapping[str, Any]) -> str:
    """Say how far tuning moved each architecture, and how far another one would have."""
    each = [f"{label} {_moved(move)}" for label, move in tuned["moves"].items()]
    return (
        f"From its default, {baselines_phrase(tuned['moves'])}, to the study's best, in points of "
        f"validation accuracy: {'; '.join(each)} ({NEWCOMBE} 95 % intervals, the trials "
        f"{basis(tuned['paired'], tuned['n'])})."
    )


def _moved(move: Mapping[str, Any]) -> str:
    whole = bracketed(move["whole"])
    if move["default"] == move["best"]:
        if not move["whole"]["point"]:
            return "nothing, as its default is the study's best"
        return (
            f"{whole} in all, and nothing of it by tuning, as no trial did better than the default"
        )
    by_hand = " (written by hand)" if move.get("origin", "sampler") == "enqueued" else ""
    return f"{bracketed(move['tuning'])} by tuning{by_hand}, {whole} in all"


def pair_sentence(pair: Mapping[str, Any]) -> str:
    """Say whether two trained models differ, and whether their architectures do."""
    one, other = pair["first"], pair["second"]
    gap = pair["accuracy"]
    if gap is not None and gap["point"] < 0:
        one, other = other, one
        gap = {"point": -gap["point"], "low": -gap["high"], "high": -gap["low"], "n": gap["n"]}
    distance = (
        f"{one} {'over' if gap['point'] else 'and'} {other}: {bracketed(gap)} points "
        f"({NEWCOMBE} 95 % interval, {basis(pair['paired'], gap['n'])})"
        if gap
        else f"{one} and {other}: no accuracies to compare"
    )
    chance = (
        f"shuffling their {2 * pair['trials']} trials between them sets what they find as far "
        f"apart in {_chance(pair['shuffled'])} of all cases"
    )
    if pair["trials"] == 1:
        # There is one way alone to divide two.
        chance = "a single trial of each does not say how far apart their trials lie"
    if pair["apart"]:
        return f"{distance}; {chance}, so the two architectures are told apart."
    if gap is not None and gap["low"] > 0:
        return (
            f"{distance}, so the two models differ; but {chance}, so another search might "
            "turn the order of the architectures around."
        )
    return f"{distance}; {chance}. The two are not told apart."


def _chance(share: float) -> str:
    return percent(share, 1) if share >= 0.001 else "under 0.1 %"


def variance_sentence(found: Mapping[str, Any], trials: int) -> str:
    """Say how much of the scatter of trials lies between the architectures."""
    if found["refused"]:
        return (
            "How much of the variance of trials lies between architectures cannot be said: "
            f"{found['refused']}."
        )
    counts = ", ".join(f"{label} {n}" for label, n in found["counts"].items())
    pruned = f", {found['pruned']} of them pruned" if found["pruned"] else ""
    return (
        f"Over the first {plural(trials, 'trial')} of each architecture, "
        f"{share_text(found['share'])} of the variance of the objective lies between architectures "
        f"and the rest within them, between hyper-parameters and seeds (90 % bootstrap interval, "
        f"n = {found['share']['n']} trials with a value: {counts}{pruned})."
    )


def budget_sentence(
    made: Mapping[str, Any], study: Mapping[str, Any], objective: Mapping[str, Any]
) -> str:
    """Say whether budgets were equal, and what each architecture had at the smallest common one."""
    equal = made["equal"]
    spent, common = equal["spent"], equal["common"]
    if len(spent) < 2:
        return ""
    asked = _asked(study, list(spent))
    limits = other_limits(study.get("budget"))
    trials = {label: int(each["trials"]) for label, each in spent.items()}
    if len(set(asked.values())) > 1:
        told = ", ".join(f"{label} {n or 'no limit'}" for label, n in asked.items())
        said = f"The study file gives the architectures different budgets of trials ({told})"
        said += f", and each at most {limits}." if limits else "."
    elif limits:
        # These are the study's, so that each architecture has as much.
        counts = ", ".join(f"{label} {plural(n, 'trial')}" for label, n in trials.items())
        said = (
            "The study file gives each architecture the same budget of "
            f"{budget_text(study.get('budget'))}; they have come to {counts}."
        )
    elif len(set(trials.values())) > 1:
        told = ", ".join(f"{label} {n}" for label, n in trials.items())
        said = f"The architectures have come to different numbers of trials ({told})."
    else:
        said = f"All architectures had {plural(next(iter(trials.values())), 'trial')}."
    times = ", ".join(f"{label} {duration(each['seconds'])}" for label, each in spent.items())
    lines = [
        f"{said} In time their trials took {times}.",
        f"At equal budgets, the first {plural(int(common['trials']), 'trial')} of each, the best "
        f"are {_bests(equal, 'trials', objective)}",
    ]
    if common["seconds"]:
        lines[-1] += (
            f"; within the first {duration(common['seconds'])} of trials of each, "
            f"{_bests(equal, 'seconds', objective)}"
        )
    return " ".join(lines) + "."


def _asked(study: Mapping[str, Any], labels: list[str]) -> dict[str, int]:
    """Return the trials that each may have; 0 where their number has no limit."""
    listed_in = study.get("architectures")
    common = asked_budget(study.get("budget")).get("trials")
    asked = {}
    for label in labels:
        own = listed_in.get(label) if isinstance(listed_in, Mapping) else None
        trials = (own.get("trials") if isinstance(own, Mapping) else None) or common
        asked[label] = int(trials or 0)
    return asked


def _bests(equal: Mapping[str, Any], measure: str, objective: Mapping[str, Any]) -> str:
    said = []
    for label, best in equal["best"].items():
        at = best[measure]
        if at is None:
            said.append(f"{label} nothing yet")
            continue
        interval = at["interval"]
        ends = f" [{100 * interval['low']:.1f}, {100 * interval['high']:.1f}]" if interval else ""
        said.append(f"{label} {shown(at['value'], objective)}{ends}")
    return ", ".join(said)
