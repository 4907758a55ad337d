"""What a confirmation says, in sentences: who has won, how surely, and how lucky the search was."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from hpo.evidence.racing import CROWNING_SEEDS
from hpo.reports.confirmation_warnings import (
    ENOUGH_SEEDS,
    cautioned,
    configurations_added,
    few_seeds,
    seeds_added,
    too_few_for_a_crown,
    unlearned,
)
from hpo.reports.confirmation_words import (
    candidate,
    ends,
    gap,
    how_far,
    is_share,
    reaches,
    seeds_of,
    title,
    value,
)
from hpo.reports.sentences import listed, number, percent, plural

SCORES = (
    ("val_macro_f1", "macro F1"),
    ("val_balanced_accuracy", "balanced accuracy"),
    ("val_loss", "log loss"),
    ("val_loss_tempered", "after temperature scaling"),
    ("val_ece", "calibration error"),
    ("val_ece_tempered", "after temperature scaling"),
    ("val_votes_majority", "agreement with the majority of FER+ votes"),
    ("val_votes_share", "mean share of FER+ votes"),
)
"""Scores of a model's answers, as they are told, in order."""

_PLAIN = frozenset({"val_loss", "val_loss_tempered"})
"""Those in nats; the others are shares."""


def tell(facts: Mapping[str, Any]) -> list[str]:
    """Return the sentences of a confirmation.

    Args:
        facts: as ``hpo.evidence.confirmation.confirmation`` returns them.
    """
    winner = candidate(facts, facts["winner"])
    if winner is None:
        far = "" if facts["over"] else f" The confirmation is not finished: {how_far(facts)}."
        return [
            "The re-runs are too few to compare: no configuration has two that are complete." + far
        ]
    said = (
        [] if facts["over"] else [f"The confirmation is not finished ({how_far(facts)}); so far:"]
    )
    said.append(" ".join(filter(None, [unlearned(facts, winner), _winner(facts, winner)])))
    said += filter(None, [few_seeds(facts["seeds"]), cautioned(facts)])
    said += [_stopped(facts, entry) for entry in facts["candidates"] if entry["stopped"]]
    first = facts["candidates"][0]
    for entry in [first] if first is winner else [first, winner]:
        if entry["optimism"]:
            said.append(_curse(facts, entry, best_of_search=entry is first))
    scores = scores_sentence(winner["scores"])
    if scores:
        said.append(f"{title(winner)}, mean of {seeds_of(winner)}: {scores}.")
    return said


def standing(facts: Mapping[str, Any], entry: Mapping[str, Any]) -> str:
    """Return in a sentence what a confirmation that is over says of one configuration.

    Args:
        facts: as for ``tell``.
        entry: of the configuration, which has a mean.
    """
    chosen = candidate(facts, facts["winner"])
    drawn = "seeds and faces resampled" if facts["images"] else "seeds resampled"
    said = (
        f"{title(entry)} reaches {reaches(facts, entry['mean']['point'])} "
        f"{ends(facts, entry['mean'])} over {seeds_of(entry)} "
        f"({100 * facts['level']:.0f} % bootstrap interval, {drawn})"
    )
    if entry is chosen:
        said += f"; {'it is the winner' if facts['crowned'] else 'it is taken'}"
        return " ".join(filter(None, [f"{said}.", unlearned(facts, entry)]))
    if chosen is not None and entry["behind"]:
        called = "the winner" if facts["crowned"] else "which is taken"
        better = "above" if facts["direction"] == "maximize" else "below"
        said += f"; {title(chosen)}, {called}, is {gap(facts, entry['behind'])} {better} it"
    if entry["stopped"]:
        said += f"; it was stopped after {plural(entry['stopped'], 'seed')}"
    return " ".join(filter(None, [f"{said}.", unlearned(facts, entry)]))


def _winner(facts: Mapping[str, Any], winner: Mapping[str, Any]) -> str:
    faces = f" on {number(facts['images'])} validation faces" if facts["images"] else ""
    level = f"{100 * facts['level']:.0f} %"
    reached = (
        f"{title(winner)} reaches {reaches(facts, winner['mean']['point'])} "
        f"{ends(facts, winner['mean'])} over {seeds_of(winner)}{faces}"
    )
    rivals = [e for e in facts["candidates"] if e["behind"]]
    drawn = "seeds and faces resampled" if facts["images"] else "seeds resampled"
    if not rivals:
        return (
            f"{reached} ({level} bootstrap interval, {drawn}); nothing else was compared with it."
        )
    method = f"{level} bootstrap intervals, {'paired by face, ' if facts['images'] else ''}{drawn}"
    better = "above" if facts["direction"] == "maximize" else "below"
    equal = [e for e in rivals if e["behind"]["low"] <= 0]
    if not equal:
        second = min(rivals, key=lambda e: e["behind"]["point"])
        if facts["over"] and too_few_for_a_crown(facts):
            next_ = ", the next" if len(rivals) > 1 else ""
            return (
                f"{reached}, {gap(facts, second['behind'])} {better} "
                f"{_rival(second, winner)}{next_} ({method}). "
                f"{_uncrowned([winner, *rivals])}, so nobody is called the winner; "
                f"{ENOUGH_SEEDS} are usual. {title(winner)} is taken because its mean is the best."
            )
        verb = "is the winner" if facts["over"] else "leads"
        return (
            f"{title(winner)} {verb}: it {reached.removeprefix(title(winner) + ' ')}, "
            f"{gap(facts, second['behind'])} {better} {_rival(second, winner)}"
            f"{', the next' if len(rivals) > 1 else ''} ({method})"
            f"{_by_chance(facts, len(rivals)) if facts['over'] else ''}."
        )
    names = listed([title(e) for e in (winner, *equal)])
    nearest = min(equal, key=lambda e: e["behind"]["point"])
    # Only who was stopped may be ahead: with later seeds the leader of that look may do worse.
    among = " of those that were not stopped" if nearest["behind"]["point"] < 0 else ""
    return (
        f"{names} are not distinguishable: {reached}, {gap(facts, nearest['behind'])} {better} "
        f"{_rival(nearest, winner)} ({method}), so nobody is called the winner. "
        f"{title(winner)} is taken because its mean is the best{among}."
    )


def _rival(rival: Mapping[str, Any], winner: Mapping[str, Any]) -> str:
    """Return a rival's name, with its seeds where they are not as many as the winner's."""
    as_many = seeds_of(rival) == seeds_of(winner)
    return title(rival) if as_many else f"{title(rival)} over its {seeds_of(rival)}"


def _uncrowned(compared: Sequence[Mapping[str, Any]]) -> str:
    """Return why runs do not suffice for a winner; of some they may have failed."""
    few = [e for e in compared if sum(v is not None for v in e["values"]) < CROWNING_SEEDS]
    whose = "" if len(few) in (0, len(compared)) else f" of {listed([title(e) for e in few])}"
    return f"Two seeds{whose} do not tell how far seeds lie apart"


def _by_chance(facts: Mapping[str, Any], rivals: int) -> str:
    """Return the rule by which a winner is named, and how often chance alone satisfies it.

    Between equals ``hpo.evidence.racing.decide`` names one in at most 1 - level of all studies, as
    far as the intervals hold; ``benchmarks/selection.py`` measured for accuracies that it does, at
    5.2 % [4.0, 6.8] in the worst of its cases (``docs/selection.md``). That is of numbers of seeds
    and configurations that were fixed beforehand: "" where some were added to an earlier verdict.
    """
    if seeds_added(facts) or configurations_added(facts):
        return ""
    rarely = f"{100 * (1 - facts['level']):.0f} % of studies"
    known = f"about {rarely} at most" if facts["images"] else f"{rarely} if these intervals hold"
    which = "its interval against every other" if rivals > 1 else "the interval of that difference"
    return (
        f", and {which} excludes 0, a rule by which chance alone crowns one of equally good "
        f"configurations in {known}"
    )


def _stopped(facts: Mapping[str, Any], entry: Mapping[str, Any]) -> str:
    leader = candidate(facts, entry["stopped_by"])
    by = f" than {title(leader)}" if leader else ""
    after = f"after {plural(entry['stopped'], 'seed')}"
    chosen = candidate(facts, facts["winner"])
    if chosen is None or not entry["behind"] or entry["behind"]["low"] > 0:
        return f"{title(entry)} was stopped {after}, as worse{by}."
    against = f" against {title(leader)}" if leader else ""
    now = "final comparison" if facts["over"] else "comparison so far"
    return (
        f"{title(entry)} was stopped by the race's look {after}, whose interval{against} then "
        f"excluded 0; the {now}, of its {seeds_of(entry)} with the {seeds_of(chosen)} of "
        f"{title(chosen)}, does not exclude it."
    )


def _curse(facts: Mapping[str, Any], entry: Mapping[str, Any], *, best_of_search: bool) -> str:
    luck = entry["optimism"]
    # None is the winner whose lead over another may be luck.
    chosen = "The winner" if facts["crowned"] else "The one that is taken"
    which = chosen if facts["over"] else "The one that leads"
    which = "The search's best" if best_of_search else which
    lost = (
        f"winner's curse {gap(facts, luck)}"
        if is_share(facts)
        else f"winner's curse {luck['point']:.4f} [{luck['low']:+.4f}, {luck['high']:+.4f}]"
    )
    # Re-runs that do better than the search show that its seed was not a lucky one.
    whose = "the luck of its seed" if luck["point"] > 0 else "so no optimism was seen"
    if luck["point"] > 0 >= luck["low"]:
        whose = "which is not distinguishable from none"
    return (
        f"{which}, {title(entry)}, scored {value(facts, entry['search_value'])} when it was "
        f"found; its {number(luck['n'])} re-runs {_mean_of(facts, entry)}: {lost} "
        f"({100 * luck['level']:.0f} % Student interval over its seeds), {whose}. What it owes to "
        "these faces is in both, and other faces alone show it."
    )


def _mean_of(facts: Mapping[str, Any], entry: Mapping[str, Any]) -> str:
    known = [v for v in entry["values"] if v is not None]
    return f"have a mean of {value(facts, sum(known) / len(known))}"


def scores_sentence(scores: Mapping[str, Any]) -> str:
    """Return scores as ``macro F1 48.1 %, log loss 1.35, after temperature scaling 1.31``.

    Args:
        scores: by name, a number or a dict with ``mean``.
    """
    told = []
    for name, words in SCORES:
        if name in scores:
            known = scores[name]
            shown = float(known["mean"] if isinstance(known, Mapping) else known)
            told.append(f"{words} {shown:.3f}" if name in _PLAIN else f"{words} {percent(shown)}")
    return ", ".join(told)
