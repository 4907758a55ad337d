"""What confirmations say where studies stand beside each other: means over seeds, and their gaps.

A search's best is one run, chosen as the luckiest of many; a confirmed figure is the mean of runs
with other seeds, with its interval by the hierarchical bootstrap (``evidence.hierarchical``).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from hpo.evidence.intervals import Interval, difference
from hpo.evidence.metric_words import metric_words
from hpo.reports.confirmation_warnings import cautioned, too_few_for_a_crown, unlearned
from hpo.reports.confirmation_words import decided, ends, gap, how_far, title, value
from hpo.reports.data import ReportData
from hpo.reports.sentences import listed, number, plural, shown
from hpo.spec.confirmation import SUFFIX

if TYPE_CHECKING:
    from hpo.reports.side_by_side import SideBySide

CompareRuns = Callable[[int, int], Interval | str]
"""By how much the confirmed runs of one study, by its place, are above those of another; or why
that cannot be taken face by face."""

NOT_STORED = "a report's study.json keeps no predictions"
OTHER_FACES = "the studies judged other validation faces"


def confirmed_study(data: ReportData) -> dict[str, Any] | None:
    """Return what a study's confirmation has chosen; None where there is none that is over.

    Keys: as ``confirmed_figure``, and ``crowned``, whether it was told from all others, ``alone``,
    whether there were none, ``few``, whether it has no crown for want of seeds, and ``caution``,
    what is to be known of runs after a look at the test split.
    """
    chosen = decided(data.confirmation)
    if chosen is None:
        return None
    facts = data.confirmation["facts"]
    return {
        **confirmed_figure(facts, chosen),
        "crowned": facts["crowned"],
        "alone": len(facts["candidates"]) == 1,
        "few": too_few_for_a_crown(facts),
        "caution": cautioned(facts),
    }


def going(data: ReportData) -> str:
    """Return how far a confirmation that is not over has come; "" where it is, or there is none."""
    facts = data.confirmation.get("facts") or {}
    return how_far(facts) if facts and not facts["over"] else ""


def confirmed_architecture(data: ReportData, label: str) -> dict[str, Any] | None:
    """Return the best confirmed configuration of an architecture, as ``confirmed_figure``.

    Of those that were not stopped as worse, where there are any. None if none was confirmed.
    """
    facts = data.confirmation.get("facts") or {}
    known = [
        entry
        for entry in facts.get("candidates", ())
        if facts.get("over") and entry["architecture"] == label and entry["mean"]
    ]
    known = [entry for entry in known if not entry["stopped"]] or known
    if not known:
        return None
    pick = max if facts["direction"] == "maximize" else min
    return confirmed_figure(facts, pick(known, key=lambda entry: entry["mean"]["point"]))


def confirmed_figure(facts: Mapping[str, Any], entry: Mapping[str, Any]) -> dict[str, Any]:
    """Return a configuration's confirmed figure as plain data.

    Keys: ``architecture, number, mean`` (with its interval), ``seeds`` (runs that it is the mean
    of), ``images`` (faces that were drawn again; 0 under an objective that single faces have no
    part in), ``objective, direction, level, search_value`` and ``unlearned``, the sentence that
    says that it was not shown to beat always answering one emotion; "" where it was.
    """
    return {
        **{key: entry[key] for key in ("architecture", "number", "mean", "search_value")},
        "seeds": sum(v is not None for v in entry["values"]),
        **{key: facts[key] for key in ("images", "objective", "direction", "level")},
        "unlearned": unlearned(facts, entry),
    }


def confirmed_differences(
    confirmed: Sequence[Mapping[str, Any] | None], compare_runs: CompareRuns
) -> list[dict[str, Any] | None]:
    """Return each study's confirmed mean less the first's; None where not both have one.

    ``point, low, high, level, n, paired, why``. Where the runs cannot be compared face by face the
    two intervals are combined as those of independent estimates, by the square root of the sum of
    the squared distances of their ends (Zou and Donner 2008, "Construction of confidence limits
    about effect measures: a general approach", Statistics in Medicine 27(10)).
    """
    first = confirmed[0]
    found: list[dict[str, Any] | None] = [None]
    for place, other in enumerate(confirmed[1:], start=1):
        if first is None or other is None or first["objective"] != other["objective"]:
            found.append(None)
            continue
        apart = compare_runs(place, 0)
        if isinstance(apart, Interval):
            found.append({**apart.to_json(), "paired": True, "why": ""})
        else:
            apart_by = difference(Interval(**other["mean"]), Interval(**first["mean"]))
            found.append({**apart_by.to_json(), "paired": False, "why": apart})
    return found


def openings(whole: SideBySide) -> list[str]:
    """Return what confirmations say of the differences from the first study, or why nothing.

    A sentence for each other study; those of which searches' bests alone are known share one.
    """
    first = whole.studies[0]
    said = []
    alone = []
    for study, apart in zip(whole.studies[1:], whole.confirmed_differences[1:], strict=True):
        if apart is not None:
            said.append(_against(study, first, apart))
            continue
        if not study["best"] or not first["best"]:
            continue
        goals = [s["objective"] for s in (first, study)]
        if goals[0]["name"] != goals[1]["name"]:
            said.append(
                f"{first['title']} and {study['title']} have different objectives "
                f"({goals[0]['label']} and {goals[1]['label']}), and nothing is subtracted."
            )
            continue
        lacking = [s for s in (first, study) if not s.get("confirmed")]
        if not lacking:
            by = [metric_words(s["confirmed"]["objective"]) for s in (first, study)]
            said.append(
                f"{first['title']} was confirmed for its {by[0]} and {study['title']} for its "
                f"{by[1]}, so no difference of the two is given."
            )
            continue
        reruns = [s for s in lacking if s["name"].endswith(SUFFIX)]
        if reruns:
            said.append(" ".join(_rerun(s) for s in reruns))
            continue
        alone.append(study)
    if alone:
        lacking = [s for s in (first, *alone) if not s.get("confirmed")]
        named = len(lacking) > len(alone) and not any(s.get("confirming") for s in lacking)
        who = "they" if named else listed([s["title"] for s in (first, *alone)])
        commands = listed([f"`hpo confirm {s['name']}`" for s in lacking])
        said.append(
            f"{_lacking(lacking)}, so {who} can be compared by their searches' bests alone, which "
            "are optimistic: each was chosen for its value on the faces that it is told of. "
            f"{commands} would tell what to expect."
        )
    return said


def _lacking(studies: Sequence[Mapping[str, Any]]) -> str:
    """Say of each study whether it was not confirmed, or not to the end."""
    never = [s["title"] for s in studies if not s.get("confirming")]
    said = [
        f"the confirmation of {s['title']} is not finished ({s['confirming']})"
        for s in studies
        if s.get("confirming")
    ]
    if never:
        verb = "was" if len(never) == 1 else "were"
        said.insert(0, f"{listed(never)} {verb} not confirmed over seeds")
    text = listed(said)
    return text if never else text[0].upper() + text[1:]


def _rerun(study: Mapping[str, Any]) -> str:
    return (
        f"{study['title']} is a confirmation itself: its best is the luckiest of its seeds, and "
        f"optimistic. {study['name'].removesuffix(SUFFIX)}, named in its place, is compared by the "
        "mean over them."
    )


NO_FACES = " What other validation faces would change is not in the interval."


def _against(study: Mapping[str, Any], first: Mapping[str, Any], apart: Mapping[str, Any]) -> str:
    new, old = study["confirmed"], first["confirmed"]
    told = apart["low"] > 0 or apart["high"] < 0
    drawn = "seeds and validation faces" if new["images"] else "seeds"
    way = "paired by face" if apart["paired"] else "the two taken as independent"
    way += "" if new["direction"] == "maximize" else ", lower is better"
    return (
        f"Confirmed against confirmed: {study['title']} reaches {figure_text(new)} with "
        f"{title(new)}, {first['title']} {figure_text(old)} with {title(old)}: a difference of "
        f"{gap(new, apart)} ({100 * apart['level']:.0f} % bootstrap intervals over {drawn}, {way})"
        f"{'' if told else ', so these data do not tell the two apart'}."
        f"{'' if new['images'] else NO_FACES}"
    )


def figure_text(known: Mapping[str, Any]) -> str:
    """Return a confirmed figure as ``52.0 % [50.5, 53.5] over 5 seeds``."""
    reached = f"{value(known, known['mean']['point'])} {ends(known, known['mean'])}"
    return f"{reached} over {plural(known['seeds'], 'seed')}"


def study_text(study: Mapping[str, Any]) -> str:
    """Return a cell on a study's confirmation for a table."""
    known = study.get("confirmed")
    if known is None:
        return f"not finished: {study['confirming']}" if study.get("confirming") else "–"
    reason = "of too few seeds for a winner" if known["few"] else "not told from others"
    told = "" if known["crowned"] or known["alone"] else f" (taken, {reason})"
    return f"{title(known)}{told}: {figure_text(known)}{doubt_text(known)}"


def doubt_text(known: Mapping[str, Any]) -> str:
    """Return in a cell that a confirmed figure does not beat one answer; "" where it does."""
    return ", not shown to have learned" if known["unlearned"] else ""


def confirmed_sentence(study: Mapping[str, Any]) -> str:
    """Return what beside its search's best a study's confirmation says; "" if there is none."""
    known = study.get("confirmed")
    if known is None:
        going = study.get("confirming")
        return f" The confirmation of {study['title']} is not finished: {going}." if going else ""
    of = f" on {number(known['images'])} validation faces" if known["images"] else ""
    label = study["objective"]["label"]
    reason = "of too few seeds for a winner" if known["few"] else "not told from the others"
    chosen = "crowned the winner" if known["crowned"] else f"taken, though {reason}"
    if known["alone"]:
        chosen = "the only one that was run again"
    search = shown(known["search_value"], study["objective"])
    return (
        f" Confirmed over {plural(known['seeds'], 'seed')}{of}, {title(known)}, {chosen}, has a "
        f"mean {label} of {value(known, known['mean']['point'])} {ends(known, known['mean'])} "
        f"({100 * known['level']:.0f} % bootstrap interval); its one run in the search had "
        f"{search}.{' ' + known['unlearned'] if known['unlearned'] else ''}"
    )


def too_wide(reason: str, whose: str) -> str:
    """Return what taking two studies as independent costs; "" where that is what they are.

    Args:
        reason: why they are taken so.
        whose: word before the interval, such as ``its``.
    """
    if reason == OTHER_FACES:
        return ""
    return f"; for models judged on the same faces {whose} interval is rather too wide"


def notes(whole: SideBySide) -> list[str]:
    """Return what the reader must know to judge confirmed figures."""
    if not any(study.get("confirmed") for study in whole.studies):
        return []
    by_face = {bool(s["confirmed"]["images"]) for s in whole.studies if s.get("confirmed")}
    drawn = "a hierarchical bootstrap over seeds and validation faces"
    if by_face == {True, False}:
        drawn += " (over seeds alone under a loss)"
    elif by_face == {False}:
        drawn = "a bootstrap over seeds alone, as the losses of single faces are not stored"
    said = [
        f"Confirmed figures are means over runs with other seeds, with intervals by {drawn}; those "
        "runs are of the configurations that the search thought best, on the faces that it chose "
        "them by."
    ]
    said += [
        f"{study['title']}: {study['confirmed']['caution']}"
        for study in whole.studies
        if study.get("confirmed") and study["confirmed"]["caution"]
    ]
    reasons = dict.fromkeys(
        (d["why"], bool(study["confirmed"]["images"]))
        for study, d in zip(whole.studies, whole.confirmed_differences, strict=True)
        if d and d["why"]
    )
    said += [
        "The difference of confirmed figures takes them as independent (Zou and Donner 2008), as "
        f"{reason}{too_wide(reason, 'its')}."
        if faces
        else "The difference of confirmed losses takes them as independent (Zou and Donner 2008), "
        "as their seeds are; its interval speaks of other seeds alone, not of other faces."
        for reason, faces in reasons
    ]
    return said
