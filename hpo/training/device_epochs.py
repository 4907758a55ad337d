"""Epochs under JAX: faces, augmentation and steps on the device, many steps in one compiled loop.

Keras's ``fit`` hands the device one batch at a time. A small network on a fast chip then waits for
the processor that makes the batch, for its transfer and for the dispatch. Here the faces lie on the
device as bytes, an epoch's draws (``resident.EpochDraws``) follow them, and one compiled function
runs as many steps as it is told to. The network, its loss and Keras's optimizer are those of
``fit``, called without state; what is computed is the same but for rounding. (Under JAX ``fit``
itself would not do: it hides weights from its callbacks within an epoch, and reads the rate that
they set only where the next begins.)
"""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np
import numpy.typing as npt

from hpo.training import backend
from hpo.training.augmentation import Augmentation
from hpo.training.frame import Frame
from hpo.training.resident import Draws, EpochDraws, changed, mixed, noise_bank

if TYPE_CHECKING:
    from hpo.training.loop import EpochLoop

STEPS_PER_CALL = 100
"""On an accelerator. After so many the host looks for a NaN and for the order to stop, which costs
a millisecond. On a processor each step is a call: JAX compiles convolutions in loops to slow code.
"""


class Maker(Protocol):
    """What epochs train on: a ``BatchMaker``, or a ``FeatureMaker``."""

    goals: npt.NDArray[np.float32]
    weights: npt.NDArray[np.float32] | None
    augmentation: Augmentation
    batch_size: int
    seed: int
    frame: Frame | None

    def inputs(self, epoch: int) -> npt.NDArray[Any]:
        """Return faces, uint8 ``(n, height, width, 1)``, or features, floats ``(n, ...)``."""


class DeviceEpochs:
    """Trains a compiled model on a device.

    Args:
        model: compiled with a Keras optimizer.
        maker: the faces, what is to be learned of them, and how they are changed.
        loop: what happens at each epoch.
        steps_per_call: steps between two looks of the host; by default as the device has it.
    """

    def __init__(
        self, model: Any, maker: Maker, loop: EpochLoop, steps_per_call: int | None = None
    ) -> None:
        from keras import ops

        self._model, self._maker, self._loop = model, maker, loop
        model.optimizer.build(model.trainable_variables)
        if steps_per_call is None:
            steps_per_call = STEPS_PER_CALL if backend.on_accelerator() else 1
        self._steps_per_call = steps_per_call
        changes = maker.augmentation != Augmentation()
        size = maker.inputs(1).shape[1:3] if changes else (0, 0)
        self._draws = EpochDraws(
            len(maker.goals), size, maker.augmentation, maker.batch_size, maker.seed, maker.frame
        )
        weights = maker.weights
        if weights is None:
            weights = np.ones(len(maker.goals), np.float32)
        resident: dict[str, npt.NDArray[Any]] = {"goals": maker.goals, "weights": weights}
        if maker.augmentation.erasing:
            resident["noise"] = noise_bank(maker.frame.size if maker.frame else size, maker.seed)
        self._resident = {key: ops.convert_to_tensor(rows) for key, rows in resident.items()}
        self._inputs: dict[int, Any] = {}
        self._steps = backend.compiled(_steps(model, maker, loops=steps_per_call > 1))

    def run(self, first: int, last: int) -> None:
        """Train from after epoch ``first`` to ``last``, or until the loop ends it.

        Raises:
            StopTrial: as of the loop.
        """
        with ThreadPoolExecutor(1) as thread:
            drawn = thread.submit(self._draws.epoch, first + 1)
            for epoch in range(first + 1, last + 1):
                self._loop.begin_epoch()
                draws = drawn.result()
                # While the device is at this epoch, the processor draws the next.
                drawn = thread.submit(self._draws.epoch, epoch + 1)
                loss, accuracy = self._epoch(epoch, draws)
                if self._loop.end_epoch(loss, accuracy):
                    return

    def _epoch(self, number: int, drawn: Draws) -> tuple[float, float]:
        from keras import ops

        steps, loop = self._draws.steps, self._loop
        host = {**drawn, "rate": loop.rates(steps)}
        draws = {key: ops.convert_to_tensor(rows) for key, rows in host.items()}
        resident = {**self._resident, "inputs": self._on_device(self._maker.inputs(number))}
        # Read at each epoch: the loop lends the model its weights' average for validation.
        state = _values(self._model)
        sums = (ops.zeros(()), ops.zeros(()))
        done = 0
        while done < steps:
            average = loop.average
            wants_first = average is not None and not average.began
            until = 1 if wants_first else min(done + self._steps_per_call, steps)
            state, sums = self._steps(state, sums, resident, draws, done, until)
            if wants_first:
                _assign(self._model, state)
            loop.end_steps(float(sums[0]), until - done)
            done = until
        _assign(self._model, state)
        return float(sums[0]) / steps, float(sums[1]) / self._draws.count

    def _on_device(self, inputs: npt.NDArray[Any]) -> Any:
        from keras import ops

        # Views of features take turns; each is sent once.
        if id(inputs) not in self._inputs:
            self._inputs[id(inputs)] = ops.convert_to_tensor(np.asarray(inputs))
        return self._inputs[id(inputs)]


State = tuple[list[Any], list[Any], list[Any]]


def _values(model: Any) -> State:
    return (
        [v.value for v in model.trainable_variables],
        [v.value for v in model.non_trainable_variables],
        [v.value for v in model.optimizer.variables],
    )


def _assign(model: Any, state: State) -> None:
    lists = (model.trainable_variables, model.non_trainable_variables, model.optimizer.variables)
    for variables, values in zip(lists, state, strict=True):
        for variable, value in zip(variables, values, strict=True):
            variable.assign(value)


def _steps(model: Any, maker: Maker, *, loops: bool) -> Callable[..., Any]:
    """Return the function that takes steps ``begin`` to ``end`` of an epoch.

    It takes and returns the state of model and optimizer and the sums over the epoch of loss and of
    right answers; ``begin`` and ``end`` may be any, without compiling anew. Without ``loops`` it
    takes the step ``begin`` alone.
    """
    import keras
    from keras import ops

    optimizer, augmentation = model.optimizer, maker.augmentation
    size = maker.frame.size if maker.frame is not None else None
    place = [v is optimizer._learning_rate for v in optimizer.variables].index(True)

    def loss_of(
        trained: list[Any], others: list[Any], inputs: Any, goals: Any, weights: Any
    ) -> tuple[Any, Any]:
        answers, others, penalties = model.stateless_call(
            trained, others, inputs, return_losses=True, training=True
        )
        answers = ops.cast(answers, "float32")
        losses = keras.losses.categorical_crossentropy(goals, answers)
        loss = ops.mean(losses * weights) + sum(penalties)
        return loss, (answers, others)

    gradient = backend.with_gradient(loss_of)

    def one(
        step: Any, state: State, sums: tuple[Any, Any], resident: dict[str, Any], epoch: Any
    ) -> tuple[State, tuple[Any, Any]]:
        trained, others, kept = state
        draws = {key: rows[step] for key, rows in epoch.items()}
        index, counted = draws["index"], draws["weight"]
        inputs = ops.cast(ops.take(resident["inputs"], index, axis=0), "float32")
        goals = ops.take(resident["goals"], index, axis=0)
        weights = ops.take(resident["weights"], index, axis=0)
        if augmentation != Augmentation():
            faces = changed(inputs[..., 0], draws, augmentation, resident.get("noise"), size)
            inputs = faces[..., None]
        if augmentation.mixup_alpha:
            inputs, goals, weights = (mixed(rows, draws) for rows in (inputs, goals, weights))
        kept = [*kept[:place], draws["rate"], *kept[place + 1 :]]
        (loss, (answers, others)), gradients = gradient(
            trained, others, inputs, goals, weights * counted
        )
        trained, kept = optimizer.stateless_apply(kept, gradients, trained)
        right = ops.equal(ops.argmax(answers, axis=-1), ops.argmax(goals, axis=-1))
        right = ops.logical_and(right, counted > 0)
        sums = (sums[0] + loss, sums[1] + ops.sum(ops.cast(right, "float32")))
        return (list(trained), list(others), list(kept)), sums

    def steps(
        state: State,
        sums: tuple[Any, Any],
        resident: dict[str, Any],
        epoch: dict[str, Any],
        begin: Any,
        end: Any,
    ) -> Any:
        if not loops:
            return one(begin, state, sums, resident, epoch)

        def body(step: Any, carried: Any) -> Any:
            state, sums = carried
            return one(step, state, sums, resident, epoch)

        return ops.fori_loop(begin, end, body, (state, sums))

    return steps
