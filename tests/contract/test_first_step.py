"""The first step of a trial is traced once, whichever optimizer makes variables in it."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from hpo.training.course import make_variables
from hpo.training.optimizers import build_optimizer
from hpo.training.parameters import TrainingParameters

pytestmark = [
    pytest.mark.keras,
    # TensorFlow's, about an argument that its own arrays lack under numpy 2.
    pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning"),
]

FACES = np.random.default_rng(0).random((32, 8, 8, 1), np.float32)
GOALS = np.eye(3, dtype=np.float32)[np.arange(32) % 3]


def network(traces: list[bool], optimizer: str, *, average: bool = False) -> Any:
    """A compiled network that notes in ``traces`` each time that a training step is traced."""
    import keras

    class Counted(keras.layers.Layer):  # type: ignore[misc]
        def call(self, x: Any, training: bool = False) -> Any:
            traces.append(bool(training))
            return x

    keras.utils.set_random_seed(5)
    faces = keras.Input((8, 8, 1))
    x = keras.layers.BatchNormalization()(keras.layers.Conv2D(4, 3)(Counted()(faces)))
    x = keras.layers.Dense(3, "softmax")(keras.layers.Flatten()(x))
    model = keras.Model(faces, x)
    parameters = TrainingParameters.model_validate({"learning_rate": 1e-2, "optimizer": optimizer})
    model.compile(
        optimizer=build_optimizer(parameters, model, average=average),
        loss="categorical_crossentropy",
        metrics=["accuracy"],
    )
    traces.clear()
    return model


def fitted(model: Any) -> list[float]:
    history = model.fit(FACES, GOALS, batch_size=16, epochs=2, shuffle=False, verbose=0)
    return [round(loss, 5) for loss in history.history["loss"]]


@pytest.mark.parametrize("average", [False, True])
@pytest.mark.parametrize("optimizer", ["adam", "adamw", "sgd", "rmsprop"])
def test_a_step_is_traced_once(optimizer: str, average: bool) -> None:
    traces: list[bool] = []
    model = network(traces, optimizer, average=average)
    make_variables(model)
    assert traces == []
    fitted(model)
    assert traces == [True]


def test_making_variables_first_changes_no_figure() -> None:
    traces: list[bool] = []
    plain = fitted(network(traces, "adam"))
    # Were this 1, TensorFlow would need no help any more.
    assert traces == [True, True]
    model = network(traces, "adam")
    make_variables(model)
    results = model.get_metrics_result()
    assert {name: float(value) for name, value in results.items()} == {"loss": 0, "accuracy": 0}
    assert fitted(model) == plain
