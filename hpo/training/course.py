"""The course of a trial through Keras: one phase, or two where a base is frozen at first.

Each phase compiles anew, with an optimizer of its own, and is patient anew: that the head has
learned what it can is the time to train the base, not the end of the trial. The second goes on from
the best epoch of the first. A course can be
interrupted after any epoch and restored in another process: its state is that of the model, the
optimizer and the loop.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from hpo.training import backend, backend_choice
from hpo.training.averaging import WeightAverage
from hpo.training.device_epochs import DeviceEpochs
from hpo.training.feature_epochs import FeatureEpochs
from hpo.training.frozen import FrozenBase
from hpo.training.loop import EpochLoop, callback
from hpo.training.norms import NormStatistics, count_batches, trained_norms
from hpo.training.optimizers import build_optimizer, stage_factors
from hpo.training.parameters import TrainingParameters
from hpo.training.state import Array, StateUnusable, TrainingState

_MEASURED_EPOCH = 0
"""Whose batches the statistics of averaged weights are measured on, the same after each epoch, so
that epochs are compared alike and an interruption changes nothing. It is never trained on."""


class Course:
    """Trains a model to its last epoch.

    Args:
        model: built, with its weights.
        training: the training parameters.
        loop: what happens at each step and epoch.
        base_layer: name of the layer that ``head_epochs`` freeze; None if there is none.
        core: what takes the training faces in the model's place, sharing its weights: the model
            behind the layers whose work the batches do (``frame.cut``); by default the model.
        stages: of that layer, as of ``Architecture``.
        frozen: cuts the model behind its frozen base, whose features are then computed once; None
            runs the base at each step.
    """

    def __init__(
        self,
        model: Any,
        training: TrainingParameters,
        loop: EpochLoop,
        base_layer: str | None,
        frozen: Callable[[], FrozenBase] | None = None,
        stages: Sequence[str] = (),
        core: Any = None,
    ) -> None:
        self.loop = loop
        # What is compiled and trained at the moment: the model, or its head on cached features.
        self._active, self._frozen = model, frozen
        self._core = model if core is None else core
        self._model, self._training, self._base_layer = model, training, base_layer
        self._stages = stages
        self._restored: TrainingState | None = None
        # After which epoch the base was thawed; None before that, and where none is frozen.
        self._thawed_after: int | None = None

    def run(self, batches: Any) -> None:
        """Train until the last epoch, or until the loop ends it; ``batches`` as of an epoch."""
        head = self._training.head_epochs
        if self._thawed_after is None and len(self.loop.epochs) < head:
            frozen = _freeze(self._model.get_layer(self._base_layer))
            self._run_phase(batches, 0, head, average=False)
            _thaw(frozen)
        if head:
            if self._thawed_after is None:
                # From the head that was chosen, which need not be the one of the last epoch.
                if self.loop.best_weights:
                    self._model.set_weights(self.loop.best_weights)
                self._thawed_after = len(self.loop.epochs)
                self.loop.restart_patience()
            self.loop.schedule.unfreeze(self._training.unfrozen_rate_factor)
        first = self._thawed_after or 0
        self._run_phase(batches, first, self._training.epochs, average=self._training.ema)

    def _run_phase(self, batches: Any, first: int, last: int, *, average: bool) -> None:
        """Train from after epoch ``first``, or from where a restored state stands, to ``last``."""
        self._active, validation = self._core, None
        if self._frozen is not None and _is_frozen(self._model, self._base_layer):
            base = self._frozen()
            self._active, validation = base.head, base.validation()
            batches = base.batches()
        self.loop.look_at(self._active, validation)
        self._compile(average=average)
        self.loop.average = self._average(batches) if average else None
        done = len(self.loop.epochs)
        # A state from the very end of the phase before holds an optimizer that is gone.
        if self._restored is not None and done > first:
            self._restore_optimizer(self._restored)
        self._restored = None
        if validation is not None and backend_choice.backend_name() == "tensorflow":
            FeatureEpochs(self._active, batches.maker, self.loop).run(done, last)
            return
        if backend_choice.backend_name() == "jax" or backend.on_accelerator():
            DeviceEpochs(self._active, batches.maker, self.loop).run(done, last)
            return
        make_variables(self._active)
        self._active.fit(
            x=batches,
            shuffle=False,
            initial_epoch=done,
            epochs=last,
            verbose=0,
            callbacks=[callback(self.loop, batches)],
        )

    def _compile(self, *, average: bool) -> None:
        model, training = self._active, self._training
        factors = None
        if self._base_layer is not None and training.stage_rate_factor != 1.0:
            base = self._model.get_layer(self._base_layer)
            factors = stage_factors(base, self._stages, training.stage_rate_factor)
        model.compile(
            optimizer=build_optimizer(training, model, average=average, factors=factors),
            loss="categorical_crossentropy",
            metrics=["accuracy"],
        )
        self.loop.recompiled()

    def _average(self, batches: Any) -> WeightAverage:
        norms = None
        if trained_norms(self._active):
            batches.turn_to(_MEASURED_EPOCH)
            count = count_batches(len(batches.maker.goals), batches.maker.batch_size)
            norms = NormStatistics(self._active, [batches[k][0] for k in range(count)])
            batches.turn_to(1)
        return WeightAverage(self._active, 1.0 - self._training.one_minus_ema_decay, norms)

    def state(self, trial: dict[str, Any]) -> TrainingState:
        """Return the state after the last finished epoch.

        Args:
            trial: as in ``TrainingState``.
        """
        numbers, arrays = self.loop.state()
        numbers["thawed_after"] = self._thawed_after
        # Seeds of dropout are among a model's variables, averages of weights among an optimizer's.
        arrays["model"] = _values(self._model.variables)
        arrays["optimizer"] = _values(self._active.optimizer.variables)
        if self.loop.average is not None:
            numbers["average_steps"], arrays["average_first"] = self.loop.average.state()
        return TrainingState(trial, self.loop.epochs, numbers, arrays)

    def restore(self, state: TrainingState) -> None:
        """Take up ``state``, before ``run``.

        Raises:
            StateUnusable: it is of a model of another shape; nothing has been changed.
        """
        variables, values = self._model.variables, state.arrays["model"]
        if [tuple(v.shape) for v in variables] != [v.shape for v in values]:
            raise StateUnusable("its state is of a model with other layers")
        _assign(variables, values)
        self.loop.restore(state.epochs, state.numbers, state.arrays)
        self._thawed_after = state.numbers["thawed_after"]
        self._restored = state

    def _restore_optimizer(self, state: TrainingState) -> None:
        optimizer = self._active.optimizer
        optimizer.build(self._active.trainable_variables)
        _assign(optimizer.variables, state.arrays["optimizer"])
        if self.loop.average is not None:
            self.loop.average.restore(state.numbers["average_steps"], state.arrays["average_first"])


def make_variables(model: Any) -> None:
    """Make the variables that a compiled model otherwise makes in its first step.

    TensorFlow traces a step that makes variables a second time, without that: ResNet50's first step
    takes 20 s so and 36 s otherwise (two cores, Keras 3.15, TensorFlow 2.21).
    """
    model.optimizer.build(model.trainable_variables)
    answers = np.full((1, model.output_shape[-1]), 1.0 / model.output_shape[-1], np.float32)
    model.compute_loss(y=answers, y_pred=answers)
    model.compute_metrics(None, answers, answers)
    model.reset_metrics()


def _values(variables: list[Any]) -> list[Array]:
    import keras

    arrays = [np.asarray(keras.ops.convert_to_numpy(variable)) for variable in variables]
    # numpy's files know no bfloat16; float32 holds each of its values.
    return [array.astype(np.float32) if array.dtype.kind == "V" else array for array in arrays]


def _assign(variables: list[Any], values: list[Array]) -> None:
    for variable, value in zip(variables, values, strict=True):
        variable.assign(value)


def _is_frozen(model: Any, base_layer: str | None) -> bool:
    return base_layer is not None and not model.get_layer(base_layer).trainable_variables


def _freeze(base: Any) -> list[tuple[Any, bool]]:
    """Freeze ``base``; return its layers with what they were."""
    layers = [(layer, layer.trainable) for layer in (base, *base.layers)]
    base.trainable = False
    return layers


def _thaw(layers: list[tuple[Any, bool]]) -> None:
    # The base comes first: setting it sets all of its layers.
    for layer, trainable in layers:
        layer.trainable = trainable
