"""What a confirmation says of the gain of tuning: runs over seeds decide where single runs told.

A search's gain is that of its luckiest run over one run of the default; where both were run again
with other seeds, their difference over these is what the gain is worth.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from hpo.evidence.intervals import Interval, difference
from hpo.evidence.metric_words import metric_words
from hpo.reports.baselines import baseline_phrase, baselines_phrase
from hpo.reports.confirmation_words import decided, is_share, title
from hpo.reports.objectives import by_accuracy
from hpo.reports.selection_sentences import NOTHING, is_apart
from hpo.reports.sentences import listed, signed


@dataclass(frozen=True)
class ConfirmedGain:
    """A tuned configuration against the baseline of its architecture, both run over seeds.

    Args:
        facts: of the confirmation.
        tuned: the entry of the tuned one, with a mean.
        baseline: that of the baseline.
        ahead: by how much the first is better, with its interval; below 0 where it is worse.
        paired: whether the interval looks at the same faces, else the means are independent.
    """

    facts: Mapping[str, Any]
    tuned: Mapping[str, Any]
    baseline: Mapping[str, Any]
    ahead: Mapping[str, Any]
    paired: bool

    @property
    def names(self) -> str:
        """Return who stands against whom, ``cnn #3 against cnn #0``."""
        return f"{title(self.tuned)} against {title(self.baseline)}"

    @property
    def change(self) -> str:
        """Return the difference in the objective, ``-7.5 points [-12.2, -3.2]``."""
        change = self.ahead if self.facts["direction"] == "maximize" else _minus(self.ahead)
        if is_share(self.facts):
            point, low, high = (signed(100 * change[end]) for end in ("point", "low", "high"))
            return f"{point} points [{low}, {high}]"
        return f"{change['point']:+.4f} [{change['low']:+.4f}, {change['high']:+.4f}]"

    @property
    def verdict(self) -> str:
        """Return whether that is a gain, a loss or nothing that can be told from nothing."""
        if not is_apart(self.ahead):
            return NOTHING
        return "a gain" if self.ahead["low"] > 0 else "a loss"

    @property
    def basis(self) -> str:
        """Return what the interval rests on."""
        runs = [sum(v is not None for v in e["values"]) for e in (self.tuned, self.baseline)]
        how = "" if self.paired else ", the two means taken as independent"
        return (
            f"{100 * self.ahead['level']:.0f} % bootstrap interval, {runs[0]} runs against "
            f"{runs[1]}{how}"
        )


def confirmed_gain(
    entry: Mapping[str, Any], confirmation: Mapping[str, Any]
) -> ConfirmedGain | None:
    """Return what the re-runs say of an architecture's gain; None where they do not say it.

    Of the tuned configurations it is the one that the confirmation has chosen, else the search's
    best.

    Args:
        entry: as ``architecture_entry`` returns it.
        confirmation: as in ``ReportData``; one that is not over says nothing.
    """
    chosen = decided(confirmation)
    if chosen is None or not entry["gain"]:
        return None
    facts = confirmation["facts"]
    tuned, baseline = _tuned(entry, facts, chosen), _baseline(entry, facts)
    if tuned is None or baseline is None:
        return None
    if chosen is tuned and baseline["behind"]:
        return ConfirmedGain(facts, tuned, baseline, baseline["behind"], paired=True)
    if chosen is baseline and tuned["behind"]:
        return ConfirmedGain(facts, tuned, baseline, _minus(tuned["behind"]), paired=True)
    apart = difference(Interval(**tuned["mean"]), Interval(**baseline["mean"])).to_json()
    ahead = apart if facts["direction"] == "maximize" else _minus(apart)
    return ConfirmedGain(facts, tuned, baseline, ahead, paired=False)


def confirmed_clauses(
    entries: Sequence[Mapping[str, Any]], confirmation: Mapping[str, Any]
) -> list[str]:
    """Return the clauses of several architectures, each with whose it is.

    Those whose gains are by single runs alone stand in one.
    """
    known = [(entry, confirmed_clause(entry, confirmation)) for entry in entries]
    alone = [e for e, told in known if told and confirmed_gain(e, confirmation) is None]
    if len(alone) < 2:
        return [f"{entry['label']}: {told[2:]}" for entry, told in known if told]
    over = [f"{e['label']}: {told[2:]}" for e, told in known if told and e not in alone]
    numbers = {e["label"]: e["gain"]["baseline"]["number"] for e in alone}
    if len(set(numbers.values())) == 1:
        trials = f"trial {next(iter(numbers.values()))} of each"
    else:
        trials = listed([f"trial {number} of {label}" for label, number in numbers.items()])
    return [
        *over,
        f"{listed(list(numbers))}: the gains are by the search's single runs, as "
        f"{baselines_phrase({e['label']: e for e in alone})}, {trials}, was not run again over "
        "seeds",
    ]


def confirmed_clause(entry: Mapping[str, Any], confirmation: Mapping[str, Any]) -> str:
    """Return what stands in one breath with a gain of single runs; "" where nothing was confirmed.

    The difference over seeds, or that the gain is by single runs, as one of the two was not run
    again.
    """
    known = confirmed_gain(entry, confirmation)
    if known:
        return (
            f"; over seeds, which decide, {known.names} comes to {known.change} ({known.basis}), "
            f"{known.verdict}"
        )
    chosen = decided(confirmation)
    if chosen is None or not entry["gain"] or entry["gain"]["same_trial"]:
        return ""
    if _tuned(entry, confirmation["facts"], chosen) is None:
        return ""
    return (
        f"; the gain is by the search's single runs, as {baseline_phrase(entry)}, trial "
        f"{entry['gain']['baseline']['number']}, was not run again over seeds"
    )


def tuning_over_seeds(
    entries: Sequence[Mapping[str, Any]], labels: Collection[str], confirmation: Mapping[str, Any]
) -> str:
    """Say what the re-runs make of tuning's share of the way to the study's best.

    The share is of single runs, so it stands for nothing where seeds say otherwise.

    Args:
        entries: as ``architecture_entry`` returns them.
        labels: the architectures whose way is divided.
        confirmation: as in ``ReportData``.

    Returns:
        One or two sentences; "" where nothing was confirmed or tuning moved none of them.
    """
    if decided(confirmation) is None:
        return ""
    divided = [e for e in entries if e["label"] in labels and e["gain"]]
    known = {e["label"]: confirmed_gain(e, confirmation) for e in divided}
    moved = [
        e["label"] for e in divided if known[e["label"]] is not None or not e["gain"]["same_trial"]
    ]
    if not moved:
        return ""
    told = [
        f"{label} {found.change} ({found.names}, {found.basis}), {found.verdict}"
        for label in moved
        if (found := known[label])
    ]
    unknown = [label for label in moved if known[label] is None]
    not_again = (
        f"of {listed(unknown)} the default or a tuned configuration was not run again over seeds, "
        "so its share rests on single runs"
        if len(unknown) == 1
        else f"of {listed(unknown)} the defaults or tuned configurations were not run again over "
        "seeds, so their shares rest on single runs"
    )
    if not told:
        return f"{not_again[0].upper()}{not_again[1:]}."
    refuted = [label for label in moved if (found := known[label]) and found.verdict != "a gain"]
    # The way itself is in accuracy, whatever was searched for.
    facts = confirmation["facts"]
    words = metric_words(facts["objective"])
    metric = "" if by_accuracy({"name": facts["objective"]}) else f", in {words},"
    said = f"Over seeds, which decide, tuning brought{metric} {'; '.join(told)}"
    if refuted:
        said += f": what single runs give tuning in {listed(refuted)} was not shown to hold"
    return f"{said}.{f' {not_again[0].upper()}{not_again[1:]}.' if unknown else ''}"


def _tuned(
    entry: Mapping[str, Any], facts: Mapping[str, Any], chosen: Mapping[str, Any]
) -> Mapping[str, Any] | None:
    base = entry["gain"]["baseline"]["number"]
    if chosen["architecture"] == entry["label"] and chosen["number"] != base:
        return chosen
    best = entry["best"]["number"]
    return None if best == base else _run_again(facts, entry["label"], best)


def _baseline(entry: Mapping[str, Any], facts: Mapping[str, Any]) -> Mapping[str, Any] | None:
    return _run_again(facts, entry["label"], entry["gain"]["baseline"]["number"])


def _run_again(facts: Mapping[str, Any], label: str, number: int) -> Mapping[str, Any] | None:
    return next(
        (
            e
            for e in facts["candidates"]
            if (e["architecture"], e["number"]) == (label, number) and e["mean"]
        ),
        None,
    )


def _minus(interval: Mapping[str, Any]) -> dict[str, Any]:
    ends = {"low": -interval["high"], "high": -interval["low"]}
    return {**interval, "point": -interval["point"], **ends}
