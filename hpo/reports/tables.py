"""The page's tables as text: results, the thesis's numbers and the trials."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from hpo.reports.data import ReportData
from hpo.reports.draw.style import colour, objective_value, short
from hpo.reports.equals import equals_remark
from hpo.reports.judged import judged_cells, judged_headings, judged_mark
from hpo.reports.links import run_link
from hpo.reports.progress import ended_of, ended_trials, status
from hpo.reports.sentences import chance_remark, counted_states, counted_trials, moment
from hpo.reports.thesis import CONDITIONS


@dataclass(frozen=True)
class Column:
    """A column of the table of trials.

    Args:
        heading: as it stands above the column.
        numeric: its cells are numbers, so the greatest come first when it is sorted.
        wide: its cells are sentences, and a narrow page gives them lines of their own.
    """

    heading: str
    numeric: bool = False
    wide: bool = False


def duration(seconds: float) -> str:
    """Return a duration as people read it, such as ``2 h 05 min``."""
    whole = round(seconds)
    if seconds < 10:
        return f"{seconds:.1f} s"
    if whole < 60:
        return f"{whole} s"
    if whole < 3600:
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
    # Reports of before progress was kept know only whether a trial was running.
    known = facts.get("progress") or {
        "budget": None,
        "ended": ended_trials(facts["counts"]),
        "running": facts["counts"].get("running", 0),
        "left": facts["counts"].get("running", 0),
        "read_at": "",
    }
    going = status(known)
    listed = [
        _counted(facts) if going in ("finished", "") else _counted_so_far(facts, known),
        (
            "architecture" if len(data.architectures) == 1 else "architectures",
            str(len(data.architectures)),
        ),
        ("data", str(facts["dataset"])),
    ]
    if facts["validation_sizes"]:
        listed.append(("validation faces", ", ".join(f"{n:,}" for n in facts["validation_sizes"])))
    listed.append(("in trials", duration(facts["seconds"])))
    if going in ("running", "unfinished"):
        at = f"as of {moment(known['read_at'])}" if known["read_at"] else "when this was drawn"
        listed.append((at, "still going" if going == "running" else "not finished"))
    elif facts["finished"]:
        # Under a limit of time or epochs nothing says that no further trial would have fitted.
        listed.append(("finished" if going else "last trial ended", moment(facts["finished"])))
    return listed


def _counted(facts: Mapping[str, Any]) -> tuple[str, str]:
    count, words = counted_trials(facts["counts"]).split(" ", 1)
    return words if facts["trials"] else "trials yet", count if facts["trials"] else "no"


def _counted_so_far(facts: Mapping[str, Any], known: Mapping[str, Any]) -> tuple[str, str]:
    noun = "trial" if known["budget"] in (1, None) and known["ended"] == 1 else "trials"
    states = counted_states(facts["counts"])
    return f"{noun} so far{f' ({states})' if states else ''}", ended_of(known)


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
                "interval": _ends(interval),
                "n": _count(interval["n"] if interval else None),
                "loss": _loss(best.get("loss")),
                "epochs": f"{best['best_epoch']} / {best['epochs_run']}" if best else "–",
                "train": _count(best.get("train_size")),
                "weights": str(best.get("weights") or "–"),
                "parameters": _millions(best.get("parameter_count")),
                "origin": str(best.get("origin") or "–"),
                "time": duration(best["seconds"]) if best else "–",
                "total": duration(entry["seconds"]),
                "remark": "; ".join(
                    remark
                    for remark in (chance_remark(entry, data.majority), equals_remark(best))
                    if remark
                ),
            }
        )
    return rows


def thesis_rows(data: ReportData) -> list[dict[str, str]]:
    """Return one row per published run and architecture of the study that it stands beside."""
    return [
        _thesis_row(data, entry, run)
        for entry in data.architectures
        for run in data.thesis
        if run["architecture"] == entry["architecture"]
    ]


def _thesis_row(
    data: ReportData, entry: Mapping[str, Any], run: Mapping[str, Any]
) -> dict[str, str]:
    best = entry["best"] or {}
    chance = chance_remark(entry, data.majority)
    differing = _conditions(data, entry)
    remarks = (
        # A label of the study's own may stand for any architecture.
        f"thesis: its {run['architecture']}" if entry["label"] != run["architecture"] else "",
        f"thesis: {run['note']}" if run["note"] else "",
        f"ours: {chance}" if chance else "",
        f"thesis: {differing[0]}; ours: {differing[1]}" if differing else "",
    )
    interval = best.get("interval")
    return {
        "label": entry["label"],
        "epochs": str(run["epochs"]),
        "accuracy": _percent(run["accuracy"]),
        "loss": f"{run['loss']:.2f}",
        "our_epochs": str(best["epochs_run"]) if best else "–",
        "our_accuracy": _percent(best.get("accuracy")),
        "our_interval": _ends(interval),
        "our_n": _count(interval["n"] if interval else None),
        "our_train": _count(best.get("train_size")),
        "our_trials": f"{sum(entry['counts'].values()):,}",
        "our_loss": _loss(best.get("loss")),
        "note": "; ".join(r for r in remarks if r),
    }


def _ends(interval: Mapping[str, Any] | None) -> str:
    return f"{100 * interval['low']:.1f} – {100 * interval['high']:.1f}" if interval else "–"


def _conditions(data: ReportData, entry: Mapping[str, Any]) -> tuple[str, str] | None:
    """Return the conditions of the thesis's network and of our best that are not alike."""
    theirs, best = CONDITIONS.get(entry["architecture"]), entry["best"]
    if theirs is None or not best:
        return None
    row = next((t for t in data.trials_of(entry["label"]) if t["number"] == best["number"]), None)
    params = row["params"] if row else {}
    # A network without an input size of its own takes faces as they are.
    ours = {
        "input_size": params.get("input_size", theirs["input_size"]),
        "weights": str(best.get("weights") or "none").split(":")[0],
    }
    names = [name for name in theirs if ours[name] != theirs[name]]
    if not names:
        return None
    told = {"input_size": "{} px", "weights": "weights {}"}
    first, second = (
        ", ".join(told[name].format(each[name]) for name in names) for each in (theirs, ours)
    )
    return first, second


def trial_columns(data: ReportData) -> list[Column]:
    """Return the columns of the table of trials, without those that would say nothing new.

    An objective that is the accuracy or the loss has its column there, reasons are shown only
    where a trial has one, and the accuracy without copies where some validation faces are copies.
    """
    own = data.objective["name"] not in ("val_accuracy", "val_loss")
    return [
        Column("architecture"),
        Column("trial", numeric=True),
        Column("state"),
        *([Column("objective", numeric=True)] if own else []),
        Column("accuracy [%]", numeric=True),
        *([Column("without copies [%]", numeric=True)] if _has_copies(data) else []),
        Column("loss", numeric=True),
        *(Column(name, numeric=True) for name in judged_headings(data.study).values()),
        Column("epochs", numeric=True),
        Column("time", numeric=True),
        Column("origin"),
        Column("MLflow run"),
        Column("searched parameters", wide=True),
        *([Column("reason", wide=True)] if any(t["reason"] for t in data.trials) else []),
    ]


def _has_copies(data: ReportData) -> bool:
    # Reports of before copies were looked for have no such key.
    sizes = [(t.get("validation_size_without_copies"), t["validation_size"]) for t in data.trials]
    return any(alone is not None and alone != whole for alone, whole in sizes)


def trial_rows(data: ReportData) -> list[dict[str, Any]]:
    """Return one row per trial: ``(column, text, number to sort by or None)`` for each column."""
    columns = trial_columns(data)
    return [
        _trial_row(trial, data.objective, columns, run_link(data, trial)) for trial in data.trials
    ]


def _trial_row(
    trial: Mapping[str, Any], objective: Mapping[str, Any], columns: list[Column], link: str
) -> dict[str, Any]:
    value = objective_value(trial["value"], objective)
    params = ", ".join(f"{n}\u00a0{short(trial['params'].get(n))}" for n in trial["searched"])
    cells = {
        "architecture": (trial["architecture"], None),
        "trial": (str(trial["number"]), trial["number"]),
        "state": (trial["state"], None),
        "objective": (_objective(value, objective), value),
        "accuracy [%]": (_percent(trial["accuracy"]), trial["accuracy"]),
        "without copies [%]": (
            _percent(trial.get("accuracy_without_copies")),
            trial.get("accuracy_without_copies"),
        ),
        "loss": (_loss(trial["loss"]), trial["loss"]),
        **judged_cells(trial),
        "epochs": (str(trial["epochs_run"]), trial["epochs_run"]),
        "time": (duration(trial["seconds"]), trial["seconds"]),
        "origin": (_origin(trial), None),
        "MLflow run": (trial["mlflow_run_id"][:8] or "–", None),
        "searched parameters": (params or "–", None),
        "reason": (trial["reason"] or "–", None),
    }
    return {
        "architecture": trial["architecture"],
        "state": trial["state"],
        "mark": judged_mark(trial),
        "run": link,
        "cells": [(column, *cells[column.heading]) for column in columns],
    }


def _origin(trial: Mapping[str, Any]) -> str:
    # Reports of before repeats and rungs were known have neither.
    repeats, continues = trial.get("repeats"), trial.get("continues")
    told = f", repeats {repeats}" if repeats is not None else ""
    told += f", continues {continues}" if continues is not None else ""
    return f"{trial['origin']}{told}"


def _objective(value: float | None, objective: Mapping[str, Any]) -> str:
    if value is None:
        return "–"
    return f"{value:.2f}" if objective["percent"] else f"{value:.4g}"
