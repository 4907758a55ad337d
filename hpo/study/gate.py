"""The gate of promotion: whether a challenger becomes the champion, and the numbers behind it.

A pure rule over what both classifiers answer on the same validation faces. A study's winner was
selected on them: the best of twenty trials that are all no better than the champion looks better by
chance in a fifth of all studies (``benchmarks/gate.py``). So the more trials a challenger was
selected from, the wider are its intervals; see ``decide``.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

from hpo.evidence.intervals import majority_rate, wilson
from hpo.evidence.paired import mcnemar, pair, paired_difference
from hpo.spec.emotions import EMOTIONS
from hpo.spec.gate import GateSpec
from hpo.spec.objectives import size_text
from hpo.study.decision import Check, Decision, Measured


def decide(
    rule: GateSpec,
    labels: Sequence[int],
    challenger: Measured,
    champion: Measured | None,
    *,
    against: str,
    at: str,
    dataset_digest: str,
    selected_on: str = "",
    selected_from: int = 1,
    reruns: int = 0,
    members: int = 1,
    champion_selected_from: int = 1,
    notes: Sequence[str] = (),
) -> Decision:
    """Judge a challenger by the rule.

    Selection is accounted for by Bonferroni's inequality: what lies outside an interval is divided
    by the number of chances that the challenger had. Against the majority rate these are all runs
    that it was chosen from: the search's trials and, where it is one of them, a confirmation's
    re-runs, which were measured on the same faces. Against a champion that is itself the best of c
    on these faces they are the runs divided by c, rounded up: the best of each group of c had the
    same chances as the champion.

    Args:
        rule: the study file's.
        labels: the class of each validation face, at least one.
        challenger: what it does on them.
        champion: what the champion does on them; None if there is none.
        against: the champion's version.
        at: when, in UTC.
        dataset_digest: of the faces.
        selected_on: names the faces.
        selected_from: of how many runs the challenger is the best on these faces.
        reruns: how many of these were a confirmation's; the others are the search's trials.
        members: of how many runs it is the mean; 1 for a single one.
        champion_selected_from: of how many the champion is; 1 if it was not selected on them.
        notes: to keep with the decision.
    """
    level = 1 - (1 - rule.level) / selected_from
    checks = [_accuracy(level, labels, challenger, champion)]
    said = list(notes)
    if selected_from > 1:
        said.append(_selection(selected_from, reruns, members))
    if champion is not None:
        chances = math.ceil(selected_from / champion_selected_from)
        level = 1 - (1 - rule.level) / chances
        checks += [
            _gain(rule.min_gain, level, labels, challenger, champion),
            _recall(rule, labels, challenger, champion),
        ]
    else:
        never = [_class(c) for c, recall in _recalls(labels, challenger).items() if recall == 0]
        if never:
            either = " or ".join([", ".join(never[:-1]), never[-1]] if never[1:] else never)
            said.append(f"No face of {either} was recognised.")
    for name, unit, bound in (
        ("calibration", "", rule.max_calibration_error),
        ("latency", " ms", rule.max_latency_ms),
        ("size", " MiB", rule.max_size_mib),
    ):
        checks.append(_at_most(name, unit, bound, challenger, champion))
    return Decision(
        "promoted" if all(check.passed for check in checks) else "refused",
        against,
        at,
        len(labels),
        dataset_digest,
        selected_on,
        selected_from,
        reruns,
        rule.model_dump(),
        tuple(checks),
        tuple(said),
    )


def _selection(runs: int, reruns: int, members: int) -> str:
    """Say what the challenger was chosen from."""
    if members == runs:
        return (
            f"The challenger is the mean of all {_chosen_from(runs, reruns)}, whose checkpoints "
            "were chosen on these faces: the intervals are as wide as for the best of them, its "
            "figures are optimistic all the same."
        )
    best = "the best" if members == 1 else f"the mean of the best {members}"
    return (
        f"The challenger is {best} of {_chosen_from(runs, reruns)} on these faces: the intervals "
        "allow for that, its figures are optimistic all the same."
    )


def _chosen_from(runs: int, reruns: int) -> str:
    trials = runs - reruns
    told = f"{trials} trial{'' if trials == 1 else 's'}"
    return told + (f" and {reruns} re-run{'' if reruns == 1 else 's'}" if reruns else "")


def _accuracy(
    level: float, labels: Sequence[int], challenger: Measured, champion: Measured | None
) -> Check:
    counts = [0] * (max(labels) + 1)
    for label in labels:
        counts[label] += 1
    rate = majority_rate(counts) or 0.0
    n = len(labels)
    own = wilson(_share_right(labels, challenger), n, level)
    return Check(
        "accuracy",
        own.low > rate,
        own.point,
        rate,
        f"{100 * own.point:.1f} % [{100 * own.low:.1f}, {100 * own.high:.1f}]",
        f"{100 * _share_right(labels, champion):.1f} %" if champion else "",
        f"low end above the {100 * rate:.1f} % of always answering "
        f"'{_class(counts.index(max(counts)))}'",
        {"low": own.low, "high": own.high, "level": level},
    )


def _gain(
    needed: float, level: float, labels: Sequence[int], challenger: Measured, champion: Measured
) -> Check:
    counts = pair(labels, challenger.predictions, champion.predictions)
    gain = paired_difference(counts, level)
    p = mcnemar(counts)
    return Check(
        "gain",
        gain.low > needed,
        gain.point,
        needed,
        f"{100 * gain.point:+.1f} points [{100 * gain.low:+.1f}, {100 * gain.high:+.1f}], "
        f"right alone on {counts.first}, McNemar p = {p:.2g}",
        f"right alone on {counts.second}",
        f"low end above {100 * needed:g} points",
        {
            "low": gain.low,
            "high": gain.high,
            "level": level,
            "p": p,
            "challenger_alone": counts.first,
            "champion_alone": counts.second,
        },
    )


def _recall(
    rule: GateSpec, labels: Sequence[int], challenger: Measured, champion: Measured
) -> Check:
    """Compare the class that lost the largest share of the champion's recall."""
    mine, theirs = _recalls(labels, challenger), _recalls(labels, champion)
    known = [c for c in theirs if theirs[c] > 0]
    needs = f"of no class under {100 * rule.min_recall_share:.0f} % of the champion's, nor 0"
    if not known:
        return Check("recall", True, 1.0, rule.min_recall_share, "", "0 of every class", needs)
    worst = min(known, key=lambda c: mine[c] / theirs[c])
    share = mine[worst] / theirs[worst]
    return Check(
        "recall",
        share >= rule.min_recall_share and mine[worst] > 0,
        share,
        rule.min_recall_share,
        f"least for {_class(worst)}, {100 * mine[worst]:.1f} %",
        f"{100 * theirs[worst]:.1f} %",
        needs,
    )


def _at_most(
    name: str, unit: str, bound: float, challenger: Measured, champion: Measured | None
) -> Check:
    def of(measured: Measured) -> float:
        if name == "calibration":
            return measured.calibration_error
        return measured.latency_ms if name == "latency" else measured.size_mib

    def told(value: float) -> str:
        if name == "size":
            return size_text(value)
        return f"{value:.1f}{unit}" if unit else f"{value:.3f}"

    value = of(challenger)
    return Check(
        name,
        value <= bound,
        value,
        bound,
        told(value),
        told(of(champion)) if champion else "",
        f"at most {bound:g}{unit}",
    )


def _share_right(labels: Sequence[int], measured: Measured) -> float:
    hits = sum(p == label for p, label in zip(measured.predictions, labels, strict=True))
    return hits / len(labels)


def _recalls(labels: Sequence[int], measured: Measured) -> dict[int, float]:
    """Return of each class that has faces the share of them that is recognised."""
    faces: dict[int, int] = {}
    hits: dict[int, int] = {}
    for prediction, label in zip(measured.predictions, labels, strict=True):
        faces[label] = faces.get(label, 0) + 1
        hits[label] = hits.get(label, 0) + (prediction == label)
    return {label: hits[label] / count for label, count in sorted(faces.items())}


def _class(label: int) -> str:
    return EMOTIONS[label] if label < len(EMOTIONS) else str(label)
