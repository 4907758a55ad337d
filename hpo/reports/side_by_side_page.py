"""The page of several studies, and the tables and sentences that it shares with the terminal."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from hpo.reports.confirmed_beside import confirmed_sentence, figure_text, openings, study_text
from hpo.reports.data import write_atomically
from hpo.reports.draw.side_by_side import sections
from hpo.reports.draw.style import short
from hpo.reports.equals import equals_sentence
from hpo.reports.layout import render, write_folder
from hpo.reports.sentences import (
    counted_states,
    plural,
    shown,
    signed,
    without_best,
)
from hpo.reports.side_by_side import SideBySide, exact
from hpo.reports.tables import duration

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
        summary=summary(whole),
        result_headings=["architecture", *whole.titles],
        results=result_rows(whole),
        budget_headings=["study", *whole.titles],
        budgets=budget_rows(whole),
        file_headings=["key", *whole.titles],
        files=file_rows(whole),
    )


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
        reached = f"{study['objective']['label']} of {shown(best['value'], study['objective'])}"
        if best["interval"]:
            low, high = 100 * best["interval"]["low"], 100 * best["interval"]["high"]
            reached = (
                f"a validation accuracy of {100 * best['interval']['point']:.1f} % "
                f"[{low:.1f}, {high:.1f}] (95 % Wilson interval, n = {best['interval']['n']:,})"
            )
        alike = equals_sentence([(label, n) for label, n in study["equals"]])
        alike = f" {alike}" if alike else ""
        said.append(
            f"The best of {plural(study['trials'], 'trial')} of {study['title']} is trial "
            f"{best['number']} of {best['label']}, with {reached}"
            # Where both are confirmed, the lucky ones are not what is to be compared.
            f"{'' if confirmed else _verdict(whole, gap)}.{alike}"
            f"{confirmed_sentence(study)}"
        )
    return said


def _verdict(whole: SideBySide, gap: Mapping[str, Any] | None) -> str:
    if gap is None:
        return ""
    told = "" if gap["low"] > 0 or gap["high"] < 0 else ": these data do not tell the two apart"
    return f"; {_gap(gap)} points against {whole.titles[0]}{told}"


def _gap(gap: Mapping[str, Any]) -> str:
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
    text = shown(best["value"], study["objective"])
    if interval:
        low, high = 100 * interval["low"], 100 * interval["high"]
        text = f"{100 * interval['point']:.1f} % [{low:.1f}, {high:.1f}]"
    told = f"; {_gap(gap)}" if gap else ""
    known = result.get("confirmed")
    confirmed = f"; confirmed: {figure_text(known)} (trial {known['number']})" if known else ""
    return f"{text}, trial {best['number']} of {result['trials']}{told}{confirmed}"


def budget_rows(whole: SideBySide) -> list[list[str]]:
    """Return what each study had and took: a row per fact, its name, then a cell per study."""
    facts: dict[str, Any] = {
        "objective": lambda s: f"{s['objective']['name']}, {s['objective']['direction']}",
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
    known = {k: v for k, v in budget.items() if v is not None}
    return ", ".join(f"{k.replace('_', ' ')} {short(v)}" for k, v in known.items()) or "–"


def file_rows(whole: SideBySide) -> list[list[str]]:
    """Return what differs in the study files: a row per key, the key, then a cell per study."""
    return [
        [row["key"], *("–" if v is None else _value(v) for v in row["values"])]
        for row in whole.differing
    ]


def _value(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False) if isinstance(value, list | dict) else exact(value)
