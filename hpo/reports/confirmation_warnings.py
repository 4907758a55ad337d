"""What is to be known beside the verdict of a confirmation, in sentences: warnings, or none."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from hpo.evidence.intervals import majority_rate, wilson
from hpo.evidence.racing import CROWNING_SEEDS, FIRST_LOOK
from hpo.reports.confirmation_words import decided, is_share, seeds_of, title
from hpo.reports.sentences import listed, moment, number, percent, plural

ENOUGH_SEEDS = 5
"""Seeds that a verdict should rest on, at the least."""


def few_seeds(seeds: int) -> str:
    """Return what it costs to confirm with fewer than five seeds; "" of five and more.

    The half-width of Student's 95 % interval of a mean of S runs is t(S - 1) / sqrt(S) of their
    deviations; ``hpo.evidence.hierarchical`` widens its bootstrap by the same t.
    """
    if seeds >= ENOUGH_SEEDS:
        return ""
    race = (
        "nobody is stopped early"
        if seeds <= FIRST_LOOK
        else "the race has a single look at who may stop"
    )
    named = (
        "so a winner is named more rarely"
        if seeds >= CROWNING_SEEDS
        else "and they do not tell how far seeds lie apart, so nobody is named the winner"
    )
    return (
        f"{plural(seeds, 'seed')} are fewer than five: the luck of seeds alone makes an interval "
        f"{half_width(seeds) / half_width(ENOUGH_SEEDS):.1f} times as wide as with five, {named}, "
        f"and {race}."
    )


def too_few_for_a_crown(facts: Mapping[str, Any]) -> bool:
    """Tell whether only the number of runs kept the best of several from being the winner.

    Args:
        facts: as for ``tell``, of a confirmation that is over.
    """
    rivals = [entry for entry in facts["candidates"] if entry["behind"]]
    ahead = all(entry["behind"]["low"] > 0 for entry in rivals)
    return bool(rivals) and ahead and not facts["crowned"]


def half_width(seeds: int) -> float:
    """Return the half-width of Student's 95 % interval of a mean, in deviations of one run."""
    from scipy.special import stdtrit

    return float(stdtrit(seeds - 1, 0.975)) / math.sqrt(seeds)


def cautioned(facts: Mapping[str, Any]) -> str:
    """Return what is to be known of runs that began after a look, at the test split or a verdict.

    "" if none did.
    """
    return " ".join(filter(None, [_after_opening(facts), _after_verdicts(facts)]))


def _after_opening(facts: Mapping[str, Any]) -> str:
    opened = facts.get("after_opening")
    if not opened:
        return ""
    return (
        f"Caution: runs of this confirmation began after the test split was opened on "
        f"{moment(opened)}; what is chosen now is chosen with knowledge of it."
    )


def seeds_added(facts: Mapping[str, Any]) -> list[int]:
    """Return by how many seeds each earlier verdict was, before others were added; [] if none."""
    return [seeds for seeds in facts.get("earlier_verdicts") or () if seeds < facts["seeds"]]


def configurations_added(facts: Mapping[str, Any]) -> list[int]:
    """Return among how many configurations each earlier verdict was, before others joined; or [].

    Of one alone nobody could be crowned by luck.
    """
    now = len(facts["candidates"])
    return [among for among in facts.get("earlier_choices") or () if 1 < among < now]


def _after_verdicts(facts: Mapping[str, Any]) -> str:
    """Say what came after an earlier verdict, seeds or configurations, or both; "" if nothing."""
    told = (
        (seeds_added(facts), facts["seeds"], "seed", "came", "by"),
        (configurations_added(facts), len(facts["candidates"]), "configuration", "joined", "among"),
    )
    return " ".join(
        f"Caution: of the {plural(now, what)} {number(now - looks[0])} {came} after "
        f"{'an earlier verdict' if len(looks) == 1 else f'{len(looks)} earlier verdicts'} "
        f"{of} {listed([str(look) for look in looks])}; adding {what}s and looking again makes it "
        "more likely that luck crowns a winner."
        for looks, now, what, came, of in told
        if looks
    )


def unasked_sentence(confirmation: Mapping[str, Any]) -> str:
    """Say that the test split was asked about another configuration than the one chosen now.

    "" where it was asked about that one, or about none.

    Args:
        confirmation: as in ``ReportData``.
    """
    chosen = decided(confirmation)
    asked = [one for one in confirmation.get("openings") or () if one.get("finished")]
    if chosen is None or not asked:
        return ""
    names = list(dict.fromkeys(title(one) for one in asked))
    if title(chosen) in names:
        return ""
    return (
        f"The test split was asked about {listed(names)}; {title(chosen)}, which is chosen now, "
        "was never asked about it."
    )


def unlearned(facts: Mapping[str, Any], entry: Mapping[str, Any]) -> str:
    """Say that a configuration's mean was not shown to beat always answering one class, or "".

    Under a loss the mean accuracy has an interval over faces alone (Wilson's), which is too narrow:
    whom it holds below or at the share was not shown to have learned in any case.

    Args:
        facts: as for ``confirmation_sentences.tell``.
        entry: of the configuration, which has a mean.
    """
    rate = majority_rate([sum(row) for row in entry.get("confusion") or []])
    if rate is None:
        return ""
    if is_share(facts) and facts["objective"] == "val_accuracy":
        low, high = entry["mean"]["low"], entry["mean"]["high"]
        if low > rate:
            return ""
        where = "its interval lies below" if high < rate else "its interval contains"
    else:
        accuracy = (entry["scores"].get("val_accuracy") or {}).get("mean")
        runs = sum(v is not None for v in entry["values"])
        faces = sum(map(sum, entry["confusion"])) // max(1, runs)
        if accuracy is None or not faces or wilson(accuracy, faces).low > rate:
            return ""
        known = wilson(accuracy, faces)
        where = (
            f"the interval of its mean accuracy over the {number(faces)} faces, "
            f"{percent(accuracy)} [{100 * known.low:.1f}, {100 * known.high:.1f}], "
            f"{'lies below' if known.high < rate else 'contains'}"
        )
    return (
        f"{title(entry)} was not shown to have learned: {where} the {percent(rate)} that always "
        "answering the most frequent emotion would score."
    )


def of_one_run(facts: Mapping[str, Any], entry: Mapping[str, Any]) -> str:
    """Say why one run may pass a gate though its configuration was not shown to have learned.

    "" where it was. ``facts`` and ``entry`` as in ``unlearned``.
    """
    if not unlearned(facts, entry):
        return ""
    return (
        f"The gate judges one run, the best of {seeds_of(entry)} of {title(entry)}; that it was "
        "not shown to have learned is said of the mean over them, which is what to expect of it."
    )
