"""How much of a gain is due to having chosen the best on the faces that judge it, in sentences.

What is left of it is what a verdict rests on: one sentence must not call a gain real that the next
one takes back.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from hpo.reports.sentences import in_points, listed, number, signed

NOTHING = "which is not distinguishable from nothing"


def is_apart(change: Mapping[str, Any]) -> bool:
    """Tell whether the interval of a difference leaves 0 out."""
    return bool(change["low"] > 0 or change["high"] < 0)


def lowered(gain: Mapping[str, Any]) -> Mapping[str, Any] | None:
    """Return a gain's ``selection`` where having chosen the best moved it at all; else None."""
    found: Mapping[str, Any] = gain.get("selection") or {}
    if not found or found["trials"] < 2 or round(100 * found["optimism"], 1) <= 0:
        return None
    return found


def judged_change(gain: Mapping[str, Any]) -> Mapping[str, Any] | None:
    """Return the change of accuracy that a verdict rests on: less the luck of the choice."""
    found = lowered(gain)
    change: Mapping[str, Any] | None = found["accuracy"] if found else gain["accuracy"]
    return change


def _by_luck_alone(gain: Mapping[str, Any]) -> bool:
    """Tell whether only the luck that is taken off makes a loss of a change.

    Taken off a gain it is caution; a loss it makes larger, so one that was none before is not
    claimed: the estimate of the luck has no interval of its own here.
    """
    change = judged_change(gain)
    return bool(change and change["high"] < 0 <= gain["accuracy"]["high"])


def selection_sentence(gain: Mapping[str, Any]) -> str:
    """Say what is left of a gain less what is due to having chosen the best on these faces.

    The verdict is in it. "" if unknown, or of one trial, which nobody chose.
    """
    known = gain.get("selection") or {}
    if not known or known["trials"] < 2:
        return ""
    chosen = f"having chosen the best of {number(known['trials'])} trials on these faces"
    lost = bool(gain["accuracy"] and gain["accuracy"]["point"] < 0)
    found = lowered(gain)
    if found is None:
        # Faces left out by the resamples were, by chance, kinder to whoever was chosen.
        return "" if lost else f"No part of the gain was seen to be due to {chosen}."
    points = f"{in_points(100 * found['optimism'])} points"
    left = found["accuracy"]
    said = (
        f"About {points} of the gain are due to {chosen} (chosen again on "
        f"{number(found['resamples'])} resamples of n = {number(found['n'])} faces, judged on the "
        "faces left out); less these it is"
    )
    if gain["accuracy"] and not round(100 * gain["accuracy"]["point"], 1):
        said = f"Even that looks about {points} better than it is, for {chosen}; less these it is"
    elif lost:
        said = f"That loss looks about {points} smaller than it is, for {chosen}; with them it is"
    verdict = "" if is_apart(left) else f", {NOTHING}"
    if _by_luck_alone(gain):
        verdict = "; as it is no loss but by that luck, none is claimed"
    return f"{said} {_ends(left)} (the same interval, moved down){verdict}."


def lucky_shares(entries: Sequence[Mapping[str, Any]]) -> str:
    """Return the sentence on selection for several architectures; "" if it is unknown of all."""
    said, left, by_luck = [], {}, []
    for entry in entries:
        gain, label = named_gain(entry), str(entry["label"])
        if not gain or not gain["accuracy"]:
            continue
        if not (known := gain.get("selection") or {}):
            said.append(f"{label} not known")
            continue
        found, change = lowered(gain), judged_change(gain) or gain["accuracy"]
        if known["trials"] < 2:
            said.append(f"{label} none, as its one trial was not chosen")
        elif found is None:
            said.append(f"{label} none that was seen")
        else:
            luck = in_points(100 * found["optimism"])
            lost = gain["accuracy"]["point"] < 0
            then = "by which its loss looks smaller, making it" if lost else "leaving"
            said.append(f"{label} {luck} points, {then} {_ends(change)}")
        left[label] = change
        by_luck += [label] if _by_luck_alone(gain) else []
    chosen = [(named_gain(entry).get("selection") or {}).get("trials", 0) for entry in entries]
    if max(chosen, default=0) < 2:
        return ""
    return (
        "So much of each figure is due to having chosen the best on these faces: "
        f"{'; '.join(said)} (the same intervals, moved down); {_verdict(left, by_luck)}."
    )


def _verdict(left: Mapping[str, Mapping[str, Any]], by_luck: Sequence[str] = ()) -> str:
    """Say which of the changes that are left, by architecture, are told from nothing."""
    if by_luck:
        rest = {label: change for label, change in left.items() if label not in by_luck}
        none = f"{listed(by_luck)} shows no loss but by that luck, so none is claimed there"
        if len(by_luck) > 1:
            none = none.replace(" shows ", " show ")
        told = [f"in {label} {_verdict({label: change})}" for label, change in rest.items()]
        return "; ".join([*told, none])
    real = [label for label, change in left.items() if is_apart(change)]
    losses = [label for label in real if left[label]["high"] < 0]
    lost = all(change["point"] < 0 for change in left.values())
    if not real:
        what = "loss" if lost else "gain"
        if len(left) == 1:
            return f"that {what} is then not distinguishable from nothing"
        return f"no {what} is then distinguishable from nothing"
    if len(left) == 1:
        what = "that loss" if losses else "what is left"
        return f"{what} is distinguishable from nothing"
    what = "the loss" if losses == real else "what is left"
    verdict = f"{what} is distinguishable from nothing in {listed(real)}"
    verdict += " alone" if len(real) < len(left) else ""
    return verdict + (f", a loss in {listed(losses)}" if losses and losses != real else "")


def named_gain(entry: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return the gain that is told of an architecture: of its best, else of the sampler's best."""
    gain: Mapping[str, Any] = entry["gain"]
    if gain and gain["same_trial"]:
        found: Mapping[str, Any] = (entry.get("sampler") or {}).get("gain") or {}
        return found
    return gain


def _ends(change: Mapping[str, Any]) -> str:
    return (
        f"{signed(100 * change['point'])} [{signed(100 * change['low'])}, "
        f"{signed(100 * change['high'])}]"
    )
