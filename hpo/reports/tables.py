"""The page's tables as text: results, the thesis's numbers, trials, and how the study was made."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from hpo.reports.data import ReportData
from hpo.reports.draw.style import colour, objective_axis, objective_value, short
from hpo.reports.sentences import counted_states

TRIAL_COLUMNS: list[tuple[str, bool]] = [
    ("architecture", False),
    ("trial", True),
    ("state", False),
    ("objective", True),
    ("accuracy [%]", True),
    ("loss", True),
    ("epochs", True),
    ("time", True),
    ("origin", False),
    ("MLflow run", False),
    ("searched parameters", False),
    ("reason", False),
]
"""Heading, and whether it is a column of numbers."""

SETTINGS = ("seed", "engine", "sampler", "pruner", "budget", "data", "precision")
"""Keys of the study file that the page repeats."""


def duration(seconds: float) -> str:
    """Return a duration as people read it, such as ``2 h 05 min``."""
    whole = round(seconds)
    if seconds < 10:
        return f"{seconds:.1f} s"
    if whole < 120:
        return f"{whole} s"
    if whole < 7200:
        return f"{whole // 60} min {whole % 60:02d} s"
    return f"{whole // 3600} h {whole % 3600 // 60:02d} min"


def _percent(value: float | None) -> str:
    return "–" if value is None else f"{100 * value:.2f}"


def _loss(value: float | None) -> str:
    return "–" if value is None else f"{value:.3f}"


def _count(value: int | None) -> str:
    return f"{value:,}" if value else "–"


def _millions(count: int | None) -> str:
    if not count:
        return "–"
    return f"{count / 1e6:.1f} M" if count >= 1e6 else f"{count / 1e3:.1f} k"


def fact_list(data: ReportData) -> list[tuple[str, str]]:
    """Return the facts under the heading: name and value."""
    facts = data.facts
    if not facts:
        return []
    noun = "trial" if facts["trials"] == 1 else "trials"
    listed = [
        (f"{noun} ({counted_states(facts['counts']) or 'none yet'})", f"{facts['trials']:,}"),
        (
            "architecture" if len(data.architectures) == 1 else "architectures",
            str(len(data.architectures)),
        ),
        ("data", str(facts["dataset"])),
    ]
    if facts["validation_sizes"]:
        listed.append(("validation faces", ", ".join(f"{n:,}" for n in facts["validation_sizes"])))
    listed.append(("in trials", duration(facts["seconds"])))
    if facts["finished"]:
        listed.append(("finished", facts["finished"][:16].replace("T", " ") + " UTC"))
    return listed


def result_rows(data: ReportData) -> list[dict[str, str]]:
    """Return one row per architecture."""
    rows = []
    for entry in data.architectures:
        best = entry["best"] or {}
        interval = best.get("interval")
        rows.append(
            {
                "label": entry["label"],
                "colour": colour(data.labels, entry["label"]),
                "trials": f"{sum(entry['counts'].values()):,}",
                "states": counted_states(entry["counts"]),
                "best": str(best["number"]) if best else "–",
                "accuracy": _percent(best.get("accuracy")),
                "interval": (
                    f"{100 * interval['low']:.1f} – {100 * interval['high']:.1f}"
                    if interval
                    else "–"
                ),
                "n": _count(interval["n"] if interval else None),
                "loss": _loss(best.get("loss")),
                "epochs": f"{best['best_epoch']} / {best['epochs_run']}" if best else "–",
                "train": _count(best.get("train_size")),
                "weights": str(best.get("weights") or "–"),
                "parameters": _millions(best.get("parameter_count")),
                "time": duration(entry["seconds"]),
            }
        )
    return rows


def thesis_rows(data: ReportData) -> list[dict[str, str]]:
    """Return one row per published run and architecture of the study that it stands beside."""
    return [
        _thesis_row(entry["label"], run, entry["best"] or {})
        for entry in data.architectures
        for run in data.thesis
        if run["architecture"] == entry["architecture"]
    ]


def _thesis_row(label: str, run: Mapping[str, Any], best: Mapping[str, Any]) -> dict[str, str]:
    return {
        "label": label,
        "epochs": str(run["epochs"]),
        "accuracy": _percent(run["accuracy"]),
        "loss": f"{run['loss']:.2f}",
        "our_epochs": str(best["epochs_run"]) if best else "–",
        "our_accuracy": _percent(best.get("accuracy")),
        "our_loss": _loss(best.get("loss")),
        "note": run["note"],
    }


def trial_rows(data: ReportData) -> list[dict[str, Any]]:
    """Return one row per trial: cells of (text, number to sort by or None)."""
    return [_trial_row(trial, data.objective) for trial in data.trials]


def _trial_row(trial: Mapping[str, Any], objective: Mapping[str, Any]) -> dict[str, Any]:
    value = objective_value(trial["value"], objective)
    params = ", ".join(f"{n} = {short(trial['params'].get(n))}" for n in trial["searched"])
    return {
        "architecture": trial["architecture"],
        "state": trial["state"],
        "cells": [
            (trial["architecture"], None),
            (str(trial["number"]), trial["number"]),
            (trial["state"], None),
            (_objective(value, objective), value),
            (_percent(trial["accuracy"]), trial["accuracy"]),
            (_loss(trial["loss"]), trial["loss"]),
            (str(trial["epochs_run"]), trial["epochs_run"]),
            (duration(trial["seconds"]), trial["seconds"]),
            (trial["origin"], None),
            (trial["mlflow_run_id"][:8] or "–", None),
            (params or "–", None),
            (trial["reason"] or "–", None),
        ],
    }


def _objective(value: float | None, objective: Mapping[str, Any]) -> str:
    if value is None:
        return "–"
    return f"{value:.2f}" if objective["percent"] else f"{value:.4g}"


def made_list(data: ReportData) -> list[tuple[str, str]]:
    """Return how the study was made: name and value."""
    study = data.study
    listed = [("Objective", f"{objective_axis(data.objective)}, {data.objective['direction']}")]
    listed += [(k.capitalize(), _setting(study[k])) for k in SETTINGS if study.get(k) is not None]
    for entry in data.architectures:
        if entry["best"]:
            params = ", ".join(f"{n} = {short(v)}" for n, v in entry["best"]["params"].items())
            listed.append((f"Best of {entry['label']}", params or "no searched parameters"))
    environment = data.facts.get("environment", {})
    if environment:
        listed.append(("Versions", ", ".join(f"{k} {v}" for k, v in environment.items())))
    if data.facts.get("started"):
        listed.append(("Ran", f"{data.facts['started']} to {data.facts['finished'] or 'now'}"))
    return listed


def _setting(value: Any) -> str:
    if not isinstance(value, Mapping):
        return str(value)
    shown = {k: v for k, v in value.items() if v is not None and v != {}}
    name = shown.pop("name", None)
    options = shown.pop("options", {})
    rest = ", ".join(f"{k.replace('_', ' ')} {v}" for k, v in {**shown, **options}.items())
    if name is None:
        return rest
    return f"{name} ({rest})" if rest else str(name)
