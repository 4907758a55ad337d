"""From training parameters to a Keras optimizer."""

from __future__ import annotations

from typing import Any

from hpo.training.parameters import TrainingParameters


def build_optimizer(training: TrainingParameters, model: Any, *, average: bool) -> Any:
    """Return the optimizer for ``model``, its weight decay kept off biases and norms.

    Args:
        training: its parameters.
        model: a built keras.Model.
        average: keep an exponential moving average of the weights.
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
    elif training.optimizer in ("adamw", "lion"):
        options["weight_decay"] = None
    kind = {
        "adam": keras.optimizers.Adam,
        "adamw": keras.optimizers.AdamW,
        "sgd": keras.optimizers.SGD,
        "rmsprop": keras.optimizers.RMSprop,
        "lion": keras.optimizers.Lion,
    }[training.optimizer]
    optimizer = kind(**options)
    if decay:
        # Biases, and the scales and offsets of norms, are vectors; kernels are not.
        vectors = [v for v in model.trainable_variables if len(v.shape) <= 1]
        optimizer.exclude_from_weight_decay(var_list=vectors)
    return optimizer
