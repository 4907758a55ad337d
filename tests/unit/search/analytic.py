"""Small studies with an analytic objective, on a real SQLite file, run by any engine."""

from __future__ import annotations

import math
import shutil
from pathlib import Path
from typing import Any

from hpo.search.engine import Engine, Proposal, open_engine
from hpo.search.storage import open_storage
from hpo.spec.records import EpochReport, TrialResult, TrialState
from hpo.spec.study import StudySpec

SPACE: dict[str, Any] = {
    "learning_rate": {"type": "float", "low": 1e-5, "high": 1e-1, "log": True},
    "optimizer": {"type": "categorical", "choices": ["adam", "sgd"]},
    "momentum": {"type": "float", "low": 0.5, "high": 0.99, "when": {"optimizer": "sgd"}},
    "layers": {"type": "int", "low": 1, "high": 8},
}
DISCRETE: dict[str, Any] = {
    "optimizer": {"type": "categorical", "choices": ["adam", "sgd", None]},
    "nesterov": {"type": "categorical", "choices": [True, False], "when": {"optimizer": "sgd"}},
    "layers": {"type": "int", "low": 1, "high": 5, "step": 2},
    "rate": {"type": "float", "low": 0.1, "high": 0.3, "step": 0.1},
}
THESIS = {"learning_rate": 1e-3, "optimizer": "adam", "layers": 6, "epochs": 100}


def make_spec(trials: int = 8, **changes: Any) -> StudySpec:
    """Return a study of one architecture, ``cnn``; ``architecture=`` changes its section."""
    section = {
        "fixed": {"epochs": 3},
        "space": SPACE,
        "enqueue": [],
        **changes.pop("architecture", {}),
    }
    return StudySpec.model_validate(
        {
            "name": "study",
            "seed": 7,
            "budget": {"trials": trials},
            "pruner": "none",
            "architectures": {"cnn": section},
            **changes,
        }
    )


def empty_database(folder: Path) -> Path:
    """Make a database with tables and nothing in them, to copy: copying is quicker."""
    path = folder / "optuna.db"
    open_storage(f"sqlite:///{path}").engine.dispose()
    return path


def copied(database: Path, folder: Path) -> str:
    """Return the URL of a copy of ``database`` in ``folder``."""
    shutil.copy(database, folder / "optuna.db")
    return f"sqlite:///{folder}/optuna.db"


def objective(params: dict[str, Any]) -> float:
    """Best at a learning rate of 1e-3, with many layers, under sgd with much momentum."""
    value: float = -((math.log10(params.get("learning_rate", 1e-3)) + 3) ** 2)
    value += 0.1 * params["layers"] + (params.get("momentum") or 0.0)
    value += params.get("rate", 0.0)
    return value + (0.5 if params.get("nesterov") else 0.0)


def open_it(url: str, spec: StudySpec, *, resume: bool = False) -> Engine:
    """Return the study file's engine for ``cnn``."""
    return open_engine(url, spec, "cnn", resume=resume, baselines={"thesis": THESIS})


def train(engine: Engine, proposal: Proposal, fixed: dict[str, Any]) -> TrialResult:
    """Run a trial's epochs: values climb to the objective, unless the pruner says stop."""
    params = proposal.configuration(fixed)
    value = objective(params)
    state: TrialState = "complete"
    for epoch in range(1, params["epochs"] + 1):
        reached = value - 1.0 / epoch
        engine.record_epoch(proposal.number, EpochReport(epoch, {"val_accuracy": reached}, 0.1))
        if engine.should_prune(proposal.number):
            value, state = reached, "pruned"
            break
    return TrialResult(state=state, value=value, epochs_run=epoch, params=params)


def run(engine: Engine, spec: StudySpec, at_most: int = 10**6) -> list[Proposal]:
    """Run trials until the engine has no more; return what it proposed."""
    fixed = dict(spec.architectures["cnn"].fixed)
    proposals: list[Proposal] = []
    while len(proposals) < at_most and (proposal := engine.ask()) is not None:
        proposals.append(proposal)
        assert engine.finish(proposal.number, train(engine, proposal, fixed))
    return proposals


def choices(proposals: list[Proposal]) -> list[Any]:
    """Return what makes two runs the same: slot, values and seed of each trial."""
    return [(p.slot, p.params, p.overrides, p.trial_seed) for p in proposals]
