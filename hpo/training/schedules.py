"""Learning rate over the steps of a trial, and patience over its epochs.

Plain arithmetic that knows of no Keras and no optimizer: training asks for the rate of a
step and sets it.
"""

from __future__ import annotations

import bisect
import math
from collections.abc import Mapping, Sequence
from typing import Any

from hpo.training.parameters import HORIZON_SCHEDULES, TrainingParameters

_ONE_CYCLE_RISE = 0.3
_ONE_CYCLE_START = 1 / 25
# Both are the defaults of Smith & Topin 2018 as fastai and PyTorch ship them.
# Momentum is not cycled against the rate as there: it stays a parameter with one meaning.


class Patience:
    """Counts epochs without improvement, as Keras's ``EarlyStopping`` does.

    Args:
        monitor: name of the metric; ``accuracy`` in it means that more is better.
        epochs: how many epochs without improvement are too many.
        minimum_change: how much counts as improvement.
    """

    def __init__(self, monitor: str, epochs: int, minimum_change: float = 0.0) -> None:
        self.monitor = monitor
        self.epochs = epochs
        self.minimum_change = minimum_change
        self._sign = 1.0 if "accuracy" in monitor else -1.0
        self.restart()

    def restart(self) -> None:
        """Begin anew, as if there had been no epoch."""
        self._best = -math.inf
        self._waited = 0

    def exhausted(self, value: float) -> bool:
        """Take an epoch's value; tell whether patience is over, and if so begin anew."""
        score = self._sign * value
        if score > self._best + self.minimum_change:
            self._best = score
            self._waited = 0
            return False
        self._waited += 1
        if self._waited < self.epochs:
            return False
        self._waited = 0
        return True

    def state(self) -> dict[str, float]:
        """Return what it remembers, for ``restore``."""
        return {"best": self._best, "waited": self._waited}

    def restore(self, state: Mapping[str, Any]) -> None:
        """Remember what another of the same arguments did when it gave ``state``."""
        self._best, self._waited = state["best"], state["waited"]


class RateSchedule:
    """The learning rate of every step.

    Where training is compared at rungs, a schedule with a horizon ends at each of them and begins
    anew: a warm restart (SGDR, Loshchilov & Hutter 2017, arXiv:1608.03983), here with the warm-up
    of the part that begins. A schedule without a horizon runs on, and warms up once.

    Args:
        training: the schedule's parameters.
        steps_per_epoch: steps in one epoch.
        rungs: epochs at which earlier rungs ended, ascending, below those of ``training``.
    """

    def __init__(
        self, training: TrainingParameters, steps_per_epoch: int, rungs: Sequence[int] = ()
    ) -> None:
        self._kind = training.schedule
        self._peak = training.rate
        self._ends = [max(1, epoch * steps_per_epoch) for epoch in (*rungs, training.epochs)]
        self._warmup_fraction = 0.0
        if self._kind != "one_cycle":
            self._warmup_fraction = training.warmup_fraction
        self._factor = training.plateau_factor
        self._minimum = training.plateau_minimum
        self._lowered = 1.0
        self._unfrozen = 1.0
        self._plateau: Patience | None = None
        if self._kind == "plateau":
            # 1e-4 is the least change that Keras's ReduceLROnPlateau counts, too.
            self._plateau = Patience(training.plateau_monitor, training.plateau_patience, 1e-4)

    def rate(self, step: int) -> float:
        """Return the rate of ``step``, counted from 0 over the whole trial."""
        step, total = self._part_of(step)
        warmup = round(self._warmup_fraction * total)
        if step < warmup:
            return self._peak * self._unfrozen * (step + 1) / warmup
        if self._kind == "cosine":
            done = (step - warmup) / max(1, total - warmup)
            return self._peak * self._unfrozen * 0.5 * (1.0 + math.cos(math.pi * min(1.0, done)))
        if self._kind == "one_cycle":
            return self._peak * self._unfrozen * _one_cycle(step / total)
        return self._peak * self._unfrozen * self._lowered

    def _part_of(self, step: int) -> tuple[int, int]:
        """Return where ``step`` stands in its part of the trial, and how many steps that has."""
        if self._kind not in HORIZON_SCHEDULES:
            return step, self._ends[0]
        part = min(bisect.bisect_right(self._ends, step), len(self._ends) - 1)
        start = self._ends[part - 1] if part else 0
        return step - start, self._ends[part] - start

    def end_epoch(self, metrics: dict[str, float]) -> None:
        """Lower the rate if the monitor has stalled; only ``plateau`` does."""
        if self._plateau is None or not self._plateau.exhausted(metrics[self._plateau.monitor]):
            return
        current = self._peak * self._unfrozen * self._lowered
        if current > self._minimum:
            lower = max(current * self._factor, self._minimum)
            self._lowered *= lower / current

    def unfreeze(self, factor: float) -> None:
        """Multiply every rate from now on by ``factor``: the base has been unfrozen."""
        self._unfrozen = factor

    def restart_patience(self) -> None:
        """Let ``plateau`` begin to count anew; how far the rate has been lowered stays."""
        if self._plateau is not None:
            self._plateau.restart()

    def state(self) -> dict[str, Any]:
        """Return what has become of the rate so far, for ``restore``."""
        plateau = self._plateau.state() if self._plateau is not None else None
        return {"lowered": self._lowered, "unfrozen": self._unfrozen, "plateau": plateau}

    def restore(self, state: Mapping[str, Any]) -> None:
        """Go on where another of the same arguments was when it gave ``state``."""
        self._lowered, self._unfrozen = state["lowered"], state["unfrozen"]
        if self._plateau is not None:
            self._plateau.restore(state["plateau"])


def _one_cycle(done: float) -> float:
    """Return the share of the peak at ``done`` (0 to 1) of the steps; both legs are cosines."""
    if done < _ONE_CYCLE_RISE:
        rise = 0.5 * (1.0 - math.cos(math.pi * done / _ONE_CYCLE_RISE))
        return _ONE_CYCLE_START + (1.0 - _ONE_CYCLE_START) * rise
    fall = (done - _ONE_CYCLE_RISE) / (1.0 - _ONE_CYCLE_RISE)
    return 0.5 * (1.0 + math.cos(math.pi * min(1.0, fall)))
