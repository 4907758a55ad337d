"""What a search that began with an earlier study's trials owes to their luck, in sentences."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from hpo.reports.selection_sentences import named_gain
from hpo.reports.sentences import plural


def began_sentence(study: Mapping[str, Any], known: Sequence[int] | None) -> str:
    """Say that luck of an earlier study's trials is in a search that began with them, or "".

    Args:
        study: the study file as plain data.
        known: of how many trials of the earlier study the sampler was told, which it is only of
            those judged on the same faces, and how many configurations of it are tried first; None
            where that is unknown.
    """
    earlier = _earlier(study, known)
    if not earlier:
        return ""
    seen, first = known or (0, 0)
    tried = f"{plural(first, 'configuration')} of it {'was' if first == 1 else 'were'} tried first"
    if seen:
        what = f"{plural(seen, 'trial')} of study {earlier}, judged on the same faces"
        what += f" ({tried})" if first else ""
        where = "the luck of that trial" if seen == 1 else "the luck of these"
    else:
        what = f"what study {earlier} had found{f' ({tried})' if first else ''}"
        where = "where that was judged on these faces too, the luck of its trials"
    return (
        f"The search began with {what}: {where} may be in its best, and estimates of how much of a "
        "gain is due to having chosen the best leave it out, as they count this study's own trials "
        "alone."
    )


def luck_left_out(
    study: Mapping[str, Any], known: Sequence[int] | None, entries: Sequence[Mapping[str, Any]]
) -> str:
    """Return what belongs beside the estimates of luck in the gains of ``entries``; "" for none.

    ``study`` and ``known`` as in ``began_sentence``; ``entries`` as ``architecture_entry`` returns
    them.
    """
    earlier = _earlier(study, known)
    told = [(named_gain(entry).get("selection") or {}).get("trials", 0) for entry in entries]
    if not earlier or max(told, default=0) < 2:
        return ""
    seen = (known or (0, 0))[0]
    whose = f"the {plural(seen, 'trial')} of study {earlier}" if seen else f"study {earlier}"
    return (
        f" What is due to having chosen the best leaves out the luck of {whose}, with which the "
        "search began."
    )


def _earlier(study: Mapping[str, Any], known: Sequence[int] | None) -> str:
    """Return the earlier study's name; "" where nothing was taken of one."""
    if known is not None and not any(known):
        return ""
    given = study.get("warm_start") or {}
    return str(given.get("study", "") if isinstance(given, Mapping) else given)
