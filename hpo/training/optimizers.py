"""From training parameters to a Keras optimizer."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from hpo.training import backend_choice
from hpo.training.parameters import TrainingParameters


def build_optimizer(
    training: TrainingParameters,
    model: Any,
    *,
    average: bool,
    factors: Mapping[int, float] | None = None,
) -> Any:
    """Return the optimizer for ``model``, its weight decay kept off biases and norms.

    Args:
        training: its parameters.
        model: a built keras.Model.
        average: keep an exponential moving average of the weights.
        factors: of the rate, by the ``id`` of a variable; 1 for those that are not there. As of
            ``stage_factors``.
    """
    import keras

    options: dict[str, Any] = {"learning_rate": training.rate}
    if training.clip_norm:
        options["global_clipnorm"] = training.clip_norm
    if average:
        options.update(use_ema=True, ema_momentum=1.0 - training.one_minus_ema_decay)
    decay = training.weight_decay
    if training.optimizer == "sgd":
        options.update(momentum=1.0 - training.one_minus_momentum, nesterov=True)
        # Keras decays w by rate × decay at each step, beside the momentum. An L2 penalty goes
        # through it: in the steady state its pull is larger by 1 / (1 − m), the sum of the
        # momentum's geometric series (Loshchilov & Hutter 2019, section 2).
        decay = decay / training.one_minus_momentum
    if decay:
        options["weight_decay"] = decay
    elif training.optimizer == "lion":
        options["weight_decay"] = None
    kind = {
        "adam": keras.optimizers.Adam,
        # Without decay it is Adam, and Keras's class refuses to be without.
        "adamw": keras.optimizers.AdamW if decay else keras.optimizers.Adam,
        "sgd": keras.optimizers.SGD,
        "rmsprop": keras.optimizers.RMSprop,
        "lion": keras.optimizers.Lion,
    }[training.optimizer]
    if factors:
        variables = model.trainable_variables
        kind = _staged(kind, [factors.get(id(variable), 1.0) for variable in variables])
    optimizer = kind(**options)
    if decay:
        # Biases, and the scales and offsets of norms, are vectors; kernels are not.
        vectors = [v for v in model.trainable_variables if len(v.shape) <= 1]
        optimizer.exclude_from_weight_decay(var_list=vectors)
    return optimizer


def stage_factors(base: Any, stages: Sequence[str], factor: float) -> dict[int, float]:
    """Return what the rate of each of the base's variables is multiplied by, by its ``id``.

    The last stage learns at ``factor`` times the head's rate, the one before it at ``factor``
    squared, and so on: discriminative fine-tuning, Howard & Ruder 2018, section 3.2, who divide by
    2.6 from layer to layer.

    Args:
        base: the nested model.
        stages: what the name of each stage's first layer begins with; layers before the first
            stage belong to it.
        factor: in (0, 1].
    """
    found: dict[int, float] = {}
    stage = 0
    for layer in base.layers:
        if stage + 1 < len(stages) and layer.name.startswith(stages[stage + 1]):
            stage += 1
        for variable in layer.variables:
            found[id(variable)] = factor ** (len(stages) - stage)
    return found


def _staged(kind: Any, factors: list[float]) -> Any:
    """Return ``kind`` of optimizer with a factor of the rate per variable, in the model's order.

    A factor on the gradient would not do: Adam and its kin divide it out again.
    """

    class Staged(kind):  # type: ignore[misc]
        """Takes its own rate for each variable."""

        def update_step(self, gradient: Any, variable: Any, learning_rate: Any) -> None:
            factor = factors[self._get_variable_index(variable)]
            super().update_step(gradient, variable, learning_rate * factor)

        def _backend_update_step(self, grads: Any, trainable_variables: Any, rate: Any) -> None:
            if backend_choice.backend_name() == "torch":
                # Keras's own would update all variables in one call, at one rate.
                for gradient, variable in zip(grads, trainable_variables, strict=True):
                    self.update_step(gradient, variable, rate)
            else:
                super()._backend_update_step(grads, trainable_variables, rate)

        def _apply_weight_decay(self, variables: Any) -> None:
            if self.weight_decay is None:
                return
            for variable in variables:
                if self._use_weight_decay(variable):
                    factor = factors[self._get_variable_index(variable)]
                    share = self.learning_rate * self.weight_decay * factor
                    variable.assign(variable - variable * share)

    return Staged
