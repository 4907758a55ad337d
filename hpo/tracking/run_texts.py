"""What a run says in MLflow: its name, its notes, and values as text."""

from __future__ import annotations

import json
import math
from collections.abc import Iterable
from typing import Any

from hpo.spec.confirmation import read_candidate
from hpo.spec.records import SINGLE, SPACE_FILLING, TrialRecord
from hpo.tracking import names
from hpo.tracking.run_metrics import last_value

_SHORT = {"optimizer": "", "learning_rate": "lr", "batch_size": "batch"}
_NAMED_PARAMS = 3
"""Parameters in a run's name: more would not fit MLflow's table."""


def parent_name(study: str, architecture: str, confirms: str = "") -> str:
    """Return the name of an architecture's run, such as ``cnn (study thesis)``.

    Args:
        study: its name.
        architecture: its label there.
        confirms: the study that this one is the confirmation of; ``cnn-4`` is then a configuration,
            and the name ``cnn #4 over seeds (confirms thesis)``.
    """
    if confirms:
        searched, number = read_candidate(architecture)
        return f"{searched} #{number} over seeds (confirms {confirms})"
    return f"{architecture} (study {study})"


def run_name(record: TrialRecord) -> str:
    """Return a trial's name as a researcher would call it.

    ``cnn #3 · adam lr=1.2e-3 batch=64``: three of the parameters that its space searches, those
    that most often decide first; where no space is known or nothing is searched, just those. Trials
    of the thesis, attempts after a lost one, repeats that were not trained, and what was pruned,
    failed or breaks a constraint are marked.
    """
    single = record.origin == SINGLE
    name = f"{record.architecture} single" if single else record.title
    if record.attempt:
        name += f" again ({record.attempt})"
    if record.repeats is not None:
        name += f" repeats #{record.repeats}"
    if record.continues is not None:
        name += f" continues #{record.continues}"
    if record.origin in ("thesis", "default"):
        name += f" {record.origin}"
    if record.origin == SPACE_FILLING:
        name += f" {SPACE_FILLING}"
    if record.state in ("pruned", "failed"):
        # MLflow's table draws the same red cross for both.
        name += f" {record.state}"
    if record.state == "complete" and not record.feasible:
        name += f" {names.INFEASIBLE}"
    facts = []
    for key in _telling(record):
        short, text = _SHORT.get(key, key), short_value(record.params[key])
        facts.append(f"{short}={text}" if short else text)
    return f"{name} · {' '.join(facts)}" if facts else name


def _telling(record: TrialRecord) -> list[str]:
    """Return which of a trial's parameters its name holds."""
    usual = [key for key in _SHORT if not record.space or key in record.space]
    there = [key for key in dict.fromkeys([*usual, *record.space]) if key in record.params]
    return there[:_NAMED_PARAMS]


def outcome_note(record: TrialRecord, objective: str) -> str:
    """Return one Markdown sentence that says how the trial ended."""
    result = record.result
    epochs = record.epochs_run or (result.epochs_run if result else 0)
    if record.state == "failed":
        return f"**Failed** after {epochs} epochs: {(result.reason if result else '') or 'unknown'}"
    if record.state == "pruned":
        value = last_value(record, objective)
        seen = f", where {objective} was {value:.4f}" if value is not None else ""
        return f"**Pruned** after epoch {epochs}{seen}."
    if record.value is None:
        return f"Ended as {record.state} after {epochs} epochs, without a value."
    if record.repeats is not None:
        return f"**{objective} {record.value:.4f}** of trial {record.repeats}; not trained again."
    best = f" at epoch {result.best_epoch} of {epochs}" if result and result.best_epoch else ""
    early = " (early stopping)" if result and result.reason == "early_stopping" else ""
    return f"**{objective} {record.value:.4f}**{best}{early}."


def best_note(record: TrialRecord, objective: str, link: str) -> str:
    """Return one Markdown sentence on the best trial so far; ``link`` is that of its run."""
    return (
        f"Best so far: **{objective} {record.value:.4f}** in "
        f"[trial {record.number}]({link}) ({run_name(record)})."
    )


def report_note(link: str) -> str:
    """Return one Markdown sentence that leads to a study's report."""
    return f"The report of the study: [{names.REPORT_FOLDER}/index.html]({link})."


def short_value(value: Any) -> str:
    """Return ``value`` in two significant digits, ``1.2e-3`` rather than ``0.0012``."""
    if isinstance(value, float) and value and math.isfinite(value):
        if 0.01 <= abs(value) < 1000:
            return f"{value:.2g}"
        mantissa, exponent = f"{value:.1e}".split("e")
        return f"{mantissa.removesuffix('.0')}e{int(exponent)}"
    return param_text(value)


def param_text(value: Any) -> str:
    """Return a parameter as MLflow stores it: text, floats in six significant digits.

    Optuna's storage keeps the exact value; here people read and compare, and MLflow's table cuts
    long numbers before their exponent.
    """
    if isinstance(value, bool):
        return "true" if value else "false"
    if value is None:
        return "none"
    if isinstance(value, float):
        return f"{value:.6g}"
    if isinstance(value, str | int):
        return str(value)
    return json.dumps(value, ensure_ascii=False, sort_keys=True, default=str)


def last_value_text(value: float) -> str:
    """Return the last value of a trial without an objective, as its tag holds it."""
    return f"{value:.6g}"


def comma_list(values: Iterable[str]) -> str:
    """Return names as one tag value, in a stable order."""
    return ", ".join(sorted(values))
