"""Epochs of a head on kept features under TensorFlow: many steps in one compiled loop.

A step of a head takes a millisecond or two, and Keras's ``fit`` needs several around it: it asks
Python for each batch, dispatches each step and calls back after it. Here a call takes as many steps
as fit into ``BYTES_PER_CALL`` of features. The head, its losses and Keras's optimizer are those of
``fit``, in its order and with its last, shorter batch: what is computed is the same but for
rounding. (JAX has ``device_epochs``.)
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from hpo.training import backend
from hpo.training.features import Features
from hpo.training.frozen import FeatureMaker

if TYPE_CHECKING:
    from hpo.training.loop import EpochLoop

BYTES_PER_CALL = 2**26
"""Of features that the steps of a call read; between calls the trial can be stopped."""
RESIDENT_BYTES = 2**28
"""A view up to this size is handed over once; of a larger one each call gets a copy of its rows."""


class FeatureEpochs:
    """Trains a compiled head.

    Args:
        model: compiled with a Keras optimizer.
        maker: the features, and what is to be learned of them.
        loop: what happens at each epoch.
        steps_per_call: at most; by default as many as fit.
    """

    def __init__(
        self, model: Any, maker: FeatureMaker, loop: EpochLoop, steps_per_call: int | None = None
    ) -> None:
        self._maker, self._loop = maker, loop
        # The view that was handed over last, and as what.
        self._view: tuple[Any, Any] = (None, None)
        features, size = maker.inputs(1), maker.batch_size
        if steps_per_call is None:
            bytes_per_step = size * features[:1].nbytes
            steps_per_call = max(1, BYTES_PER_CALL // bytes_per_step)
        self._steps_per_call = steps_per_call
        model.optimizer.build(model.trainable_variables)
        self._steps = backend.compiled(
            _steps(model, size),
            ((None, *features.shape[1:]), str(features.dtype)),
            ((None, maker.goals.shape[1]), "float32"),
            ((None,), "float32"),
            ((None,), "int32"),
            ((None,), "float32"),
            small=True,
        )

    def run(self, first: int, last: int) -> None:
        """Train from after epoch ``first`` to ``last``, or until the loop ends it.

        Raises:
            StopTrial: as of the loop.
        """
        for epoch in range(first + 1, last + 1):
            self._loop.begin_epoch()
            if self._loop.end_epoch(*self._epoch(epoch)):
                return

    def _epoch(self, number: int) -> tuple[float, float]:
        """Return the epoch's mean loss and accuracy over faces."""
        maker, loop = self._maker, self._loop
        order, features = maker.order(number).astype(np.int32), maker.inputs(number)
        size, count = maker.batch_size, len(order)
        steps = -(-count // size)
        rates = loop.rates(steps)
        loss = right = 0.0
        done = 0
        while done < steps:
            average = loop.average
            wants_first = average is not None and not average.began
            until = 1 if wants_first else min(done + self._steps_per_call, steps)
            chosen = order[done * size : until * size]
            sums = self._steps(*self._faces(features, chosen), rates[done:until])
            loss, right = loss + float(sums[0]), right + float(sums[1])
            loop.end_steps(loss, until - done)
            done = until
        return loss / count, right / count

    def _faces(self, features: Features, chosen: npt.NDArray[np.int32]) -> tuple[Any, ...]:
        """Return features, goals and weights, and which of their rows ``chosen`` are, in order."""
        goals, weights = self._maker.goals, self._maker.weights
        if weights is None:
            weights = np.ones(len(goals), np.float32)
        if features.nbytes > RESIDENT_BYTES:
            rows = np.arange(len(chosen), dtype=np.int32)
            return features[chosen], goals[chosen], weights[chosen], rows
        if self._view[0] is not features:
            import keras

            self._view = features, keras.ops.convert_to_tensor(features)
        return self._view[1], goals, weights, chosen


def _steps(model: Any, size: int) -> Any:
    """Return the function that takes as many steps as it is given rates.

    It returns the sums over its faces of the loss and of right answers.
    """
    import keras
    from keras import ops

    optimizer, trained = model.optimizer, model.trainable_variables

    def one(features: Any, goals: Any, weights: Any) -> tuple[Any, Any]:
        def loss_of() -> tuple[Any, Any]:
            answers = ops.cast(model(features, training=True), "float32")
            losses = keras.losses.categorical_crossentropy(goals, answers)
            return ops.mean(losses * weights) + sum(model.losses), answers

        loss, answers, gradients = backend.gradients_of(loss_of, trained)
        optimizer.apply(gradients, trained)
        right = ops.equal(ops.argmax(answers, axis=-1), ops.argmax(goals, axis=-1))
        right = ops.sum(ops.cast(right, "float32"))
        # Keras's running loss is the mean over faces, too.
        return loss * ops.cast(ops.shape(goals)[0], "float32"), right

    def steps(features: Any, goals: Any, weights: Any, rows: Any, rates: Any) -> tuple[Any, Any]:
        def body(step: Any, loss: Any, right: Any) -> tuple[Any, Any, Any]:
            faces = rows[step * size : (step + 1) * size]
            optimizer.learning_rate.assign(rates[step])
            batch = [ops.take(given, faces, axis=0) for given in (features, goals, weights)]
            more = one(ops.cast(batch[0], "float32"), *batch[1:])
            return step + 1, loss + more[0], right + more[1]

        _, loss, right = ops.while_loop(
            lambda step, loss, right: step < ops.shape(rates)[0],
            body,
            (ops.convert_to_tensor(0, "int32"), ops.zeros(()), ops.zeros(())),
        )
        return loss, right

    return steps
