"""How a served model is called whose trials are runs of a confirmation, and what to expect of it.

``standing`` is what was known when it was registered: ``objective, level, runs``, the latter by
run (``cnn-7/2``) with ``of`` (``cnn #7``), ``seed`` (from 1), and over the seeds of that
configuration ``seeds`` (how many), ``mean, low, high``. {} where nothing is known.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

from hpo.spec.confirmation import SUFFIX, read_candidate

_RERUN = re.compile(r".+-\d+")


def who_serves(
    study: str,
    architecture: str,
    number: int,
    members: Sequence[str] = (),
    standing: Mapping[str, Any] | None = None,
) -> str:
    """Return a served trial, or the trials of an ensemble, in words.

    Args:
        study: of the trial; of an ensemble that of its best member.
        architecture: its label there.
        number: its number there.
        members: of an ensemble, such as ``cnn/7``; () for a single trial.
        standing: see the module.
    """
    runs = (standing or {}).get("runs", {})
    if members:
        return f"mean of {', '.join(_member(study, name, runs) for name in members)}"
    return _run(study, architecture, str(number), runs) or f"{architecture} #{number}"


def expected_of(standing: Mapping[str, Any], *, ensemble: bool = False) -> str:
    """Return the means over seeds of what is served, in a sentence; "" where none is known.

    Args:
        standing: see the module.
        ensemble: whether it is the mean of several runs.
    """
    runs = list(standing.get("runs", {}).values())
    if not runs:
        return ""
    interval = f"{100 * standing['level']:.0f} % bootstrap interval"
    told = ", ".join(
        f"{run['of']} {run['mean']:.4f} [{run['low']:.4f}, {run['high']:.4f}] of "
        f"{run['seeds']} seeds"
        for run in runs
    )
    said = f"{standing['objective']}, mean over seeds ({interval}): {told}."
    if ensemble:
        return (
            f"{said} Of each it is the run with the best seed on validation, and the ensemble was "
            "put together on the same faces, so its own figures on them are optimistic."
        )
    return (
        f"{said} That is what to expect; its own figures are of seed {runs[0]['seed']}, the best "
        "on validation, and optimistic."
    )


def _member(study: str, name: str, runs: Mapping[str, Any]) -> str:
    architecture, _, number = name.rpartition("/")
    if not study.endswith(SUFFIX):
        return f"{architecture} #{number}"
    return _run(study, architecture, number, runs) or f"{architecture} #{number} of the search"


def _run(study: str, architecture: str, number: str, runs: Mapping[str, Any]) -> str:
    """Return a run of a confirmation in words; "" of another trial.

    An earlier version noted no seed; the label there ends with the number of the search's trial.
    """
    known = runs.get(f"{architecture}/{number}")
    if known:
        return f"{known['of']} seed {known['seed']}"
    if runs or not study.endswith(SUFFIX) or not _RERUN.fullmatch(architecture):
        return ""
    searched, trial = read_candidate(architecture)
    return f"{searched} #{trial} over seeds (run {number})"
