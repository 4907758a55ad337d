"""The exponential moving average of a model's weights, lent to the model for validation.

Keras's optimizer keeps the average inside its compiled step. It starts from the weights after the
first step, which a decay of 0.999 remembers for thousands of steps: a short trial would be judged
by its first guess. The start is therefore taken out again, as Adam does with its moments (Kingma &
Ba 2015, section 3): average of the steps after the first, weighted by decay^age, nothing else.

Trained batch norms get the statistics of training faces under the averaged weights with it: see
``norms``.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from hpo.training import backend_choice
from hpo.training.norms import NormStatistics

Array = npt.NDArray[Any]


def unbiased(average: Array, first: Array, decay: float, steps: int) -> Array:
    """Return the average without its start.

    Args:
        average: what the recursion ``a ← decay·a + (1 − decay)·w`` holds after ``steps`` steps.
        first: its start, the weights after step 1.
        decay: in (0, 1).
        steps: how many steps have been taken, the first included.
    """
    if steps <= 1:
        return first
    remembered = decay ** (steps - 1)
    return ((average - remembered * first) / (1.0 - remembered)).astype(average.dtype)


class WeightAverage:
    """The average of one model's trainable weights.

    Args:
        model: compiled with an optimizer that has ``use_ema``.
        decay: the optimizer's ``ema_momentum``.
        norms: of the model; None where it trains no batch norm.
    """

    def __init__(self, model: Any, decay: float, norms: NormStatistics | None = None) -> None:
        self._model = model
        self._decay = decay
        self._norms = norms
        self._first: list[Array] = []
        self._raw: list[Array] = []
        self._steps = 0

    @property
    def began(self) -> bool:
        """Tell whether the first step was counted."""
        return self._steps > 0

    def after_steps(self, count: int = 1) -> None:
        """Count steps; the first one, whose weights are kept, must be counted by itself."""
        self._steps += count
        if self._steps == 1:
            self._first = [_copy(v) for v in self._model.trainable_variables]

    def lend(self) -> None:
        """Put the average into the model; ``take_back`` must follow."""
        averages = self._model.optimizer._model_variables_moving_average
        variables = self._model.trainable_variables
        self._raw = [_copy(v) for v in variables]
        for variable, average, first in zip(variables, averages, self._first, strict=True):
            variable.assign(unbiased(_copy(average), first, self._decay, self._steps))
        if self._norms is not None:
            self._norms.lend()

    def take_back(self) -> None:
        """Put the trained weights back."""
        if self._norms is not None:
            self._norms.take_back()
        for variable, raw in zip(self._model.trainable_variables, self._raw, strict=True):
            variable.assign(raw)
        self._raw = []

    def state(self) -> tuple[int, list[Array]]:
        """Return steps and first weights for ``restore``; the average is the optimizer's."""
        return self._steps, self._first

    def restore(self, steps: int, first: list[Array]) -> None:
        """Go on where another was when it gave this state."""
        self._steps, self._first = steps, first


def _copy(variable: Any) -> Array:
    """Return a variable's values, which later steps leave as they are."""
    if backend_choice.backend_name() == "jax":
        values: Array = variable.value  # never changed in place: they may stay on the device
        return values
    import keras

    return np.array(keras.ops.convert_to_numpy(variable))
