"""What the gate's tags of a version say against it, for whoever is answered by it.

``hpo.study.gate`` writes them and knows what they mean in full; here only what a warning needs is
read, so that a version of another hpo, with other checks, is read too.
"""

from __future__ import annotations

import json
from collections.abc import Mapping

from hpo.registry.models import TAG_GATE, members_of, over_seeds_of

TAG_NUMBERS = f"{TAG_GATE}.numbers"
"""Everything that the gate said, as JSON (``hpo.study.gate.Decision``)."""

_A_PERSONS_WORD = "rollback"
"""The check that a version fails which somebody stepped back from. It says nothing of the model,
and whoever forced it past took that word back."""


def doubt_of(tags: Mapping[str, str], val_accuracy: float | None) -> str:
    """Return what speaks against a version, a sentence that its name begins; "" if nothing does.

    That is so where it failed the gate, or was promoted past it, or is not above the share of the
    most frequent class.

    Args:
        tags: of the version.
        val_accuracy: what it is said to reach on the validation faces, 0-1; None if unknown.
    """
    if TAG_NUMBERS not in tags:
        return ""
    told = json.loads(tags[TAG_NUMBERS])
    checks = {check["name"]: check for check in told.get("checks", ())}
    failed = [n for n, check in checks.items() if not check["passed"] and n != _A_PERSONS_WORD]
    unseen = told.get("verdict") == "forced" and not checks
    if not failed and not unseen:
        return ""
    why = ", ".join(failed) or "nothing was compared"
    past = "was made the champion past" if told.get("verdict") == "forced" else "did not pass"
    said = f"{past} the gate ({why})"
    accuracy = checks.get("accuracy")
    value = val_accuracy if accuracy is None else accuracy["value"]
    if value is None:
        return f"{said}."
    said += f"; its validation accuracy is {100 * value:.1f} %{_over_seeds(tags)}"
    if accuracy is None or accuracy["passed"]:
        return f"{said}."
    relation = "no more than" if value <= accuracy["bound"] else "not told from"
    rate = f"{100 * accuracy['bound']:.1f} %"
    return f"{said}, {relation} the {rate} of always answering the most frequent emotion."


def _over_seeds(tags: Mapping[str, str]) -> str:
    """Return how far a version's own accuracy is the luck of its seed; "" where nothing is known.

    Of an ensemble there are no seeds, and under another objective than accuracy no mean of it.
    """
    known = over_seeds_of(tags)
    runs = list(known.get("runs", {}).values())
    if members_of(tags) or len(runs) != 1 or known.get("objective") != "val_accuracy":
        return ""
    return f" (the best of {runs[0]['seeds']} seeds, whose mean is {100 * runs[0]['mean']:.1f} %)"
