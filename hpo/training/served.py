"""What is served of a trained model: the model itself, or one that asks it about several views.

Everything here is a stock Keras layer, so that a saved model loads under ``safe_mode=True``, passes
the allow-list and runs on every backend. A view chooses rows and columns of the face, which is a
product with a matrix of zeros and ones; pixels are whole numbers up to 255, which pass through it
exactly even where a GPU multiplies in bfloat16.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from hpo.spec.errors import SpecError
from hpo.training.batches import Labelled
from hpo.training.temperature import fit_temperature
from hpo.training.validation import Judgement, judge_model, predict_views
from hpo.training.views import Indices, choices

_NAME = "views"


def serve(model: Any, which: str) -> Any:
    """Return ``model``, or one that averages its probabilities over views of the face.

    The result shares the model's weights, and was never compiled. It answers what
    ``validation.predict_views`` averages, up to the rounding of a mean in float32.

    Args:
        model: takes faces ``(n, height, width, 1)``, values 0-255, and ends in a softmax.
        which: as in ``views.choices``; a model that has views already is returned as it is.
    """
    if which == "none" or model.name == _NAME:
        return model
    import keras

    from hpo.architectures.layers import grey_input

    # Without what it was compiled with: a nested optimizer would be saved as well.
    inner = keras.Model(model.inputs[0], model.outputs[0], name=model.name)
    shape = tuple(inner.input_shape[1:])
    faces = grey_input(shape)
    plans = choices(which, shape[0], shape[1])
    chosen: dict[tuple[str, bytes], Any] = {}

    def choose(x: Any, axis: str, indices: Indices) -> Any:
        if np.array_equal(indices, np.arange(len(indices))):
            return x
        key = axis, indices.tobytes()
        if key not in chosen:
            # Each column of the matrix picks one row or column of the face.
            matrix = np.zeros((len(indices), len(indices)), np.float32)
            matrix[indices, np.arange(len(indices))] = 1.0
            layer = keras.layers.EinsumDense(
                "nhwc,hv->nvwc" if axis == "rows" else "nhwc,wv->nhvc",
                output_shape=shape,
                dtype="float32",
                trainable=False,
                name=f"{axis}{len(chosen) + 1}",
            )
            layer.build((None, *shape))
            layer.set_weights([matrix])
            chosen[key] = layer
        return chosen[key](x)

    answers = [inner(choose(choose(faces, "rows", r), "columns", c)) for r, c in plans]
    mean = keras.layers.Average(dtype="float32", name="mean_of_views")(answers)
    return keras.Model(faces, mean, name=_NAME)


def check_scalable(model: Any, name: str) -> None:
    """Make sure that a temperature could be put into ``model``.

    Raises:
        SpecError: its last layer is no ``Dense`` with a softmax.
    """
    if _softmax_layer(model) is None:
        raise SpecError(
            f"temperature_scaling divides the weights of the last layer, but that of '{name}' is "
            "no Dense with a softmax",
            expected='keras.layers.Dense(classes, activation="softmax") at the end, or '
            "temperature_scaling: false",
        )


def scale(model: Any, validation: Labelled, batch_size: int, which: str) -> tuple[float, Judgement]:
    """Put the best temperature into ``model`` and judge it again.

    The last layer's weights and biases are divided by the temperature, which is ``softmax(z / T)``
    for every view. The new ``val_loss`` flatters the model a little: one number was fitted on the
    faces that it is measured on.

    Args:
        model: with the weights of its best epoch; its last layer is changed.
        validation: on which the temperature is fitted.
        batch_size: of the predictions.
        which: the views that are averaged.

    Returns:
        The temperature, and the judgement of the changed model.
    """
    answers = predict_views(model, validation.faces, which, batch_size)
    temperature = fit_temperature(answers, validation.labels)
    layer = _softmax_layer(model)
    layer.set_weights([weight / temperature for weight in layer.get_weights()])
    return temperature, judge_model(model, validation, batch_size, which)


def _softmax_layer(model: Any) -> Any:
    import keras

    outputs = getattr(model, "outputs", None) or []
    if len(outputs) != 1:
        return None
    for layer in reversed(model.layers):
        if _gives(layer, outputs[0]) and type(layer) is keras.layers.Dense:
            return layer if layer.activation is keras.activations.softmax else None
    return None


def _gives(layer: Any, output: Any) -> bool:
    history = getattr(output, "_keras_history", None)
    return history is not None and history.operation is layer
