"""Epochs on a device: faces, augmentation and steps there, the host looks in now and then.

Keras's ``fit`` hands the device one batch at a time. A small network on a fast chip then waits for
the processor that makes the batch, for its transfer and for the dispatch. Here the faces lie on the
device as bytes, an epoch's draws (``resident.EpochDraws``) follow them, and one call takes as many
steps as it is told to (``device_steps``). The network, its loss and Keras's optimizer are those of
``fit``; what is computed is the same but for rounding and for the last batch, which is filled up.
"""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np
import numpy.typing as npt

from hpo.training import backend
from hpo.training.augmentation import Augmentation
from hpo.training.device_steps import steps_of
from hpo.training.frame import Frame
from hpo.training.resident import Draws, EpochDraws, noise_bank

if TYPE_CHECKING:
    from hpo.training.loop import EpochLoop

STEPS_PER_CALL = 100
"""On an accelerator. After so many the host looks for a NaN and for the order to stop, which costs
a millisecond. On a processor each step is a call.
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

        self._maker, self._loop = maker, loop
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
        out = maker.frame.size if maker.frame is not None else None
        self._steps = steps_of(model, maker.augmentation, out, loops=steps_per_call > 1)

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
        self._steps.begin(resident, draws)
        loss, done = 0.0, 0
        while done < steps:
            average = loop.average
            wants_first = average is not None and not average.began
            until = 1 if wants_first else min(done + self._steps_per_call, steps)
            loss = self._steps.take(done, until)
            if wants_first:
                self._steps.put_back()
            loop.end_steps(loss, until - done)
            done = until
        self._steps.put_back()
        return loss / steps, self._steps.right() / self._draws.count

    def _on_device(self, inputs: npt.NDArray[Any]) -> Any:
        from keras import ops

        # Views of features take turns; each is sent once.
        if id(inputs) not in self._inputs:
            self._inputs[id(inputs)] = ops.convert_to_tensor(np.asarray(inputs))
        return self._inputs[id(inputs)]
