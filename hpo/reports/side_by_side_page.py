"""The page of several studies, and the tables and sentences that it shares with the terminal."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from hpo.reports.confirmed_beside import (
    confirmed_sentence,
    doubt_text,
    figure_text,
    openings,
    study_text,
)
from hpo.reports.data import write_atomically
from hpo.reports.differing import exact
from hpo.reports.draw.side_by_side import sections
from hpo.reports.draw.style import short
from hpo.reports.equals import equals_sentence
from hpo.reports.layout import render, write_folder
from hpo.reports.objectives import by_accuracy
from hpo.reports.sentences import (
    accuracy_with_interval,
    counted_states,
    number,
    plural,
    shown,
    signed,
    without_best,
)
from hpo.reports.side_by_side import SideBySide
from hpo.reports.tables import duration
from hpo.spec.limits import asked_budget

PAGE = "index.html"
DATA = "comparison.json"


def write_comparison(whole: SideBySide, folder: Path) -> Path:
    """Write ``index.html``, ``comparison.json`` and ``plotly.min.js``; return the page's path.

    Raises:
        EnvironmentProblem: the folder cannot be written to.
    """
    text = json.dumps(whole.to_json(), indent=1, ensure_ascii=False, allow_nan=False) + "\n"
    return write_folder(folder, PAGE, page(whole), lambda f: write_atomically(f / DATA, text))


def page(whole: SideBySide) -> str:
    """Return the page as HTML."""
    return render(
        "compare.html.jinja",
        sections(whole),
        [],
        whole=whole,
        **_told(whole),
        summary=summary(whole),
        result_headings=["architecture", *whole.titles],
        results=result_rows(whole),
        budget_headings=["study", *whole.titles],
        budgets=budget_rows(whole),
        file_headings=["key", *whole.titles],
        files=file_rows(whole),
    )


def _told(whole: SideBySide) -> dict[str, str]:
    """Return what the page says of its differences, of its first table and of its intervals."""
    names = {study["objective"]["name"] for study in whole.studies}
    first = whole.titles[0]
    confirmed = (
        "Confirmed: the mean over seeds of the configuration that was best in re-runs, with its "
        "95 % bootstrap interval."
    )
    by_accuracy = (
        "Intervals of accuracies are Wilson's (1927), of their differences Newcombe's (1998, "
        "method 10: for paired data where marked so, else for independent samples). "
    )
    means = (
        "Intervals of confirmed means are of a hierarchical bootstrap over seeds and validation "
        "faces, as are those of their differences where paired"
    )
    if names == {"val_accuracy"}:
        return {
            "differences": f"Differences are those from {first}, in points of validation accuracy.",
            "table_look": (
                "The best trial of each study, with its 95 % Wilson interval, and the difference "
                f"from {first} with its 95 % interval (Newcombe's). {confirmed}"
            ),
            "intervals": f"{by_accuracy}{means}",
        }
    if len(names) == 1:
        return {
            "differences": f"Differences are those from {first}, in nats of validation loss: what "
            "is below 0 is better.",
            "table_look": (
                "The best trial of each study, the one with the lowest validation loss, and the "
                f"difference from {first}; neither has an interval, as the losses of single faces "
                f"are not stored. {confirmed}"
            ),
            "intervals": "Intervals of confirmed means, which are losses, are of a bootstrap over "
            "seeds alone",
        }
    return {
        "differences": "The studies have different objectives: differences are those from "
        f"{first}, of studies with its objective ({whole.studies[0]['objective']['label']}) alone.",
        "table_look": "The best trial of each study by its own objective, an accuracy with its "
        f"95 % Wilson interval. {confirmed}",
        "intervals": f"{by_accuracy}{means}; of losses over seeds alone",
    }


def summary(whole: SideBySide) -> list[str]:
    """Return what is known of the differences, then a sentence per study on what it reached.

    Confirmed figures are compared where both studies have one.
    """
    said = openings(whole)
    for study, gap, confirmed in zip(
        whole.studies, whole.differences, whole.confirmed_differences, strict=True
    ):
        best = study["best"]
        if best is None:
            yet = "" if study["counts"].get("complete") else " yet"
            said.append(f"{study['title']} has {without_best(study['counts'])}{yet}.")
            continue
        value = shown(best["value"], study["objective"])
        reached = f"a {study['objective']['label']} of {value}{_unit(study)}"
        if best["interval"] and by_accuracy(study["objective"]):
            low, high = 100 * best["interval"]["low"], 100 * best["interval"]["high"]
            reached = (
                f"a validation accuracy of {100 * best['interval']['point']:.1f} % "
                f"[{low:.1f}, {high:.1f}] (95 % Wilson interval, n = {best['interval']['n']:,})"
            )
        elif best["interval"] and study["doubt"]:
            # What is said of always answering one emotion is said of it.
            reached += f" and a validation accuracy of {accuracy_with_interval(best['interval'])}"
        doubt = f", {study['doubt']}" if study["doubt"] else ""
        alike = equals_sentence([(label, n) for label, n in study["equals"]])
        alike = f" {alike}" if alike else ""
        said.append(
            f"The best of {plural(study['trials'], 'trial')} of {study['title']} is trial "
            f"{best['number']} of {best['label']}, with {reached}{doubt}"
            # Where both are confirmed, the lucky ones are not what is to be compared.
            f"{'' if confirmed else _verdict(whole, gap)}."
            f"{_unequal(whole, study, gap, confirmed)}{alike}"
            f"{confirmed_sentence(study)}"
        )
    return said


def _unit(study: Mapping[str, Any]) -> str:
    return "" if study["objective"]["percent"] else " nats"


def _verdict(whole: SideBySide, gap: Mapping[str, Any] | None) -> str:
    if gap is None:
        return ""
    if gap["low"] is None:
        if not gap["point"]:
            return f", the same as {whole.titles[0]}"
        side = "below" if gap["point"] < 0 else "above"
        return (
            f", {abs(gap['point']):.4g} {side} {whole.titles[0]} (lower is better; nothing tells "
            "single runs from luck)"
        )
    told = "" if gap["low"] > 0 or gap["high"] < 0 else ": these data do not tell the two apart"
    return f"; {_gap(gap)} points against {whole.titles[0]}{told}"


def _unequal(
    whole: SideBySide,
    study: Mapping[str, Any],
    gap: Mapping[str, Any] | None,
    confirmed: Mapping[str, Any] | None,
) -> str:
    """Say that one of two bests is of more trials, and how they differ at equal numbers, or ""."""
    unequal = whole.equal_trials[whole.titles.index(study["title"])]
    if unequal is None or unequal["trials"][0] == unequal["trials"][1]:
        return ""
    old, new = unequal["trials"]
    had = f" {whole.titles[0]} had {plural(old, 'trial')} and {study['title']} {number(new)}"
    if confirmed:
        return f"{had}: what more search finds is in the difference of the confirmed, too."
    had += ": a best of more is better already by luck"
    known, each = unequal["difference"], unequal["each"]
    if known is None:
        return f"{had}; {_of_shared(unequal)}."
    # Where each has its own number it is as many as both studies have.
    first = f"the first {plural(each, 'trial')}" if each else "as many first trials"
    first += " of each architecture" if len(whole.architectures) > 1 else " of both"
    if known == gap:
        return f"{had}; among {first} the difference is the same."
    return f"{had}; among {first} {_at_equal(known)}."


def _of_shared(unequal: Mapping[str, Any]) -> str:
    """Return the difference at equal numbers of each architecture that both have, or why not."""
    shared = unequal.get("shared") or {}
    if not shared:
        return (
            "no difference at equal numbers is given, as no architecture has a comparable best in "
            "both"
        )
    told = [
        f"among the first {plural(one['trials'], 'trial')} of {label} {_at_equal(one)}"
        for label, one in shared.items()
    ]
    which = "the architecture" if len(told) == 1 else "the architectures"
    return f"of {which} that both have: {', '.join(told)}"


def _at_equal(known: Mapping[str, Any]) -> str:
    unit = " nats" if known["low"] is None else " points"
    told = known["low"] is None or known["low"] > 0 or known["high"] < 0
    apart = "" if told else ", which does not tell the two apart"
    return f"the difference is {_gap(known)}{unit}{apart}"


def _gap(gap: Mapping[str, Any]) -> str:
    if gap["low"] is None:
        return f"{gap['point']:+.4g}"
    ends = f"{signed(100 * gap['low'])}, {signed(100 * gap['high'])}"
    return f"{signed(100 * gap['point'])} [{ends}]{' paired' if gap['paired'] else ''}"


def result_rows(whole: SideBySide) -> list[list[str]]:
    """Return a row per architecture: its label, then a cell per study."""
    return [
        [
            entry["label"],
            *(
                _result(result, gap, study)
                for result, gap, study in zip(
                    entry["results"], entry["differences"], whole.studies, strict=True
                )
            ),
        ]
        for entry in whole.architectures
    ]


def _result(
    result: Mapping[str, Any] | None, gap: Mapping[str, Any] | None, study: Mapping[str, Any]
) -> str:
    if result is None:
        return "–"
    best = result["best"]
    if best is None:
        return f"{without_best(result['counts'])} of {result['trials']}"
    interval = best["interval"]
    text = f"{shown(best['value'], study['objective'])}{_unit(study)}"
    if interval and by_accuracy(study["objective"]):
        low, high = 100 * interval["low"], 100 * interval["high"]
        text = f"{100 * interval['point']:.1f} % [{low:.1f}, {high:.1f}]"
    told = f"; {_gap(gap)}" if gap else ""
    if result["against_majority"] in ("contains", "below"):
        told = f", not shown to have learned{told}"
    known = result.get("confirmed")
    confirmed = ""
    if known:
        mean = f"{figure_text(known)} (trial {known['number']}){doubt_text(known)}"
        confirmed = f"; confirmed: {mean}"
    return f"{text}, trial {best['number']} of {result['trials']}{told}{confirmed}"


def budget_rows(whole: SideBySide) -> list[list[str]]:
    """Return what each study had and took: a row per fact, its name, then a cell per study."""
    several = any(len(study["objectives"]) > 1 for study in whole.studies)
    facts: dict[str, Any] = {
        "objectives" if several else "objective": lambda s: "; ".join(
            f"{metric}, {direction}" for metric, direction in s["objectives"]
        ),
        "data": lambda s: str(s["dataset"]),
        "validation faces": lambda s: ", ".join(f"{n:,}" for n in s["validation_sizes"]) or "–",
        "budget": lambda s: _budget(s["budget"]),
        "confirmed": study_text,
        "trials": lambda s: counted_states(s["counts"]) or "none",
        "epochs": lambda s: f"{s['epochs']:,}",
        "time in trials": lambda s: duration(s["seconds"]),
        "devices": lambda s: ", ".join(s["devices"]) or "–",
    }
    return [[name, *(told(study) for study in whole.studies)] for name, told in facts.items()]


def _budget(budget: Any) -> str:
    if not isinstance(budget, Mapping):
        return "–" if budget is None else str(budget)
    known = {k: v for k, v in asked_budget(budget).items() if v is not None}
    return ", ".join(f"{k.replace('_', ' ')} {short(v)}" for k, v in known.items()) or "–"


def file_rows(whole: SideBySide) -> list[list[str]]:
    """Return what differs in the study files: a row per key, the key, then a cell per study."""
    return [
        [row["key"], *("–" if v is None else _value(v) for v in row["values"])]
        for row in whole.differing
    ]


def _value(value: Any) -> str:
    if isinstance(value, list) and all(isinstance(v, Mapping) and "metric" in v for v in value):
        # As among the facts above.
        return "; ".join(f"{goal['metric']}, {goal.get('direction', '')}" for goal in value)
    return json.dumps(value, ensure_ascii=False) if isinstance(value, list | dict) else exact(value)
