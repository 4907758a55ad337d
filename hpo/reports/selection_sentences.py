"""How much of a gain is due to having chosen the best on the faces that judge it, in sentences."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from hpo.reports.sentences import number, signed


def selection_sentence(gain: Mapping[str, Any]) -> str:
    """Say how much of a gain is due to having chosen the best on these faces; "" if unknown."""
    found = gain.get("selection") or {}
    if not found or found["trials"] < 2:
        return ""
    lowered = found["accuracy"]
    points = f"{100 * found['optimism']:.1f} points"
    chosen = f"having chosen the best of {number(found['trials'])} trials on these faces"
    said = f"Of the gain, about {points} are due to {chosen}; without them it is"
    lost = bool(gain["accuracy"] and gain["accuracy"]["point"] < 0)
    if round(100 * found["optimism"], 1) < 0 and not lost:
        # Faces left out by the resamples were, by chance, kinder to whoever was chosen.
        return f"No part of the gain was seen to be due to {chosen}."
    if lost:
        if points == "0.0 points":
            return ""
        said = f"That loss looks about {points} smaller than it is, for {chosen}; with them it is"
    return (
        f"{said} {signed(100 * lowered['point'])} [{signed(100 * lowered['low'])}, "
        f"{signed(100 * lowered['high'])}] (chosen again on {number(found['resamples'])} "
        f"resamples of n = {number(found['n'])} faces, judged on the faces left out)."
    )


def lucky_shares(entries: Sequence[Mapping[str, Any]]) -> str:
    """Return the sentence on selection for several architectures; "" if it is unknown of all."""
    said = []
    for entry in entries:
        found = named_gain(entry).get("selection") or {}
        if found and found["trials"] > 1:
            lowered = found["accuracy"]
            if round(100 * found["optimism"], 1) < 0:
                said.append(f"{entry['label']} none that was seen")
                continue
            said.append(
                f"{entry['label']} {100 * found['optimism']:.1f} points, leaving "
                f"{signed(100 * lowered['point'])} [{signed(100 * lowered['low'])}, "
                f"{signed(100 * lowered['high'])}]"
            )
    if not said:
        return ""
    return (
        "So much of each figure is due to having chosen the best on these faces: "
        f"{'; '.join(said)}."
    )


def named_gain(entry: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return the gain that is told of an architecture: of its best, else of the sampler's best."""
    gain: Mapping[str, Any] = entry["gain"]
    if gain and gain["same_trial"]:
        found: Mapping[str, Any] = (entry.get("sampler") or {}).get("gain") or {}
        return found
    return gain
