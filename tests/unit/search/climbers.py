"""Analytic trials on rungs: learning curves that cross, continued as training continues them."""

from __future__ import annotations

import math
import random
from collections.abc import Callable
from typing import Any

from hpo.search.engine import Engine, Proposal
from hpo.spec.records import EpochReport, TrialResult
from hpo.spec.study import StudySpec
from tests.unit.search.analytic import make_spec

SPACE: dict[str, Any] = {
    "learning_rate": {"type": "float", "low": 1e-4, "high": 1e-1, "log": True},
    "layers": {"type": "int", "low": 1, "high": 8},
}

Curve = Callable[[dict[str, Any], int], float]

KINDS: dict[str, Any] = {
    "successive_halving": {"name": "successive_halving", "min_rank_correlation": -1},
    "switched off": {"name": "successive_halving", "min_rank_correlation": 1},
    "hyperband": {"name": "hyperband"},
    "first_epoch": {"name": "first_epoch", "keep": 2},
}


def climbing(trials: int = 9, **changes: Any) -> StudySpec:
    """Return a study with rungs at 1, 3 and 9 epochs."""
    section = {"space": SPACE, "fixed": {"epochs": 9}, **changes.pop("architecture", {})}
    given = {"fidelity": {"name": "successive_halving", "min_rank_correlation": -1}, **changes}
    return make_spec(trials, architecture=section, **{"sampler": "random", **given})


def curve(params: dict[str, Any], epoch: int) -> float:
    """Return a value that rises to its end the faster, the higher the rate and the fewer layers."""
    rate = math.log10(params["learning_rate"])
    end = 0.8 - 0.05 * (rate + 2.5) ** 2 + 0.02 * params["layers"]
    speed = 0.5 * 10 ** (0.4 * (rate + 2.5)) / params["layers"] ** 0.5
    return end * (1.0 - math.exp(-speed * epoch))


def noise(params: dict[str, Any], epoch: int) -> float:
    """Return a value of a network that learns nothing: each epoch's is a draw of its own."""
    dice = random.Random(f"{params['learning_rate']} {params['layers']} {epoch}")
    return 1 / 7 + dice.gauss(0, 0.02)


def train(
    engine: Engine, proposal: Proposal, fixed: dict[str, Any], read: Curve = curve
) -> TrialResult:
    """Run a trial from where its rung begins, the epochs before told as inherited."""
    params = proposal.configuration(fixed)
    metric = engine.spec.objective.metric  # type: ignore[attr-defined]
    done = proposal.rungs[-1] if proposal.continues is not None else 0
    values = [read(params, epoch) for epoch in range(1, params["epochs"] + 1)]
    for epoch, value in enumerate(values, 1):
        report = EpochReport(epoch, {metric: value}, 0.1)
        engine.record_epoch(proposal.number, report, inherited=epoch <= done)
    return TrialResult(
        state="complete",
        value=min(values) if metric == "val_loss" else max(values),
        epochs_run=params["epochs"],
        params=params,
        continued_from_epoch=done,
    )


def climb(
    engine: Engine, spec: StudySpec, at_most: int = 10**6, read: Curve = curve
) -> list[Proposal]:
    """Run trials until the engine has no more; return what it proposed."""
    fixed = dict(spec.architectures["cnn"].fixed)
    proposals: list[Proposal] = []
    while len(proposals) < at_most and (proposal := engine.ask()) is not None:
        proposals.append(proposal)
        assert engine.finish(proposal.number, train(engine, proposal, fixed, read))
    return proposals


def steps(proposals: list[Proposal]) -> list[Any]:
    """Return what makes two runs the same."""
    return [
        (p.slot, p.params, p.overrides, p.trial_seed, p.rungs, p.continues is not None)
        for p in proposals
    ]
