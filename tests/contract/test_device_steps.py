"""Steps that TensorFlow takes on a device, as a GPU has them: in one graph, each handed to XLA.

That they compute what ``fit`` does, and what JAX and PyTorch do, is shown in ``test_backends``.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from hpo.spec.records import EpochReport, TrialJob
from hpo.training.augmentation import Augmentation
from hpo.training.batches import BatchMaker, Labelled, targets
from hpo.training.device_epochs import DeviceEpochs
from hpo.training.loop import EpochLoop, StopTrial
from hpo.training.optimizers import build_optimizer
from hpo.training.parameters import TrainingParameters

pytestmark = [
    pytest.mark.keras,
    # TensorFlow's, about an argument that its own arrays lack under numpy 2.
    pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning"),
]

FACES = np.random.default_rng(0).integers(0, 256, (50, 12, 12, 1), dtype=np.uint8)
LABELS = np.arange(50, dtype=np.int64) % 3
CHANGES = {
    "flip": True, "rotation_degrees": 10.0, "erasing": 0.5, "mixup": True, "clip_norm": 1.0,
}  # fmt: skip


def trained(
    *, xla: bool, steps_per_call: int, orders_to_stop: int = -1, spoiled: bool = False
) -> tuple[list[EpochReport], list[Any]]:
    """Epochs and the weights after them, of one network from one seed."""
    import keras

    keras.utils.set_random_seed(5)
    faces = keras.Input((12, 12, 1))
    x = keras.layers.Conv2D(4, 3, use_bias=False)(keras.layers.Rescaling(1 / 255)(faces))
    x = keras.layers.ReLU()(keras.layers.BatchNormalization()(x))
    x = keras.layers.Dense(3, "softmax")(keras.layers.GlobalAveragePooling2D()(x))
    model = keras.Model(faces, x)
    training = TrainingParameters.model_validate(
        {**CHANGES, "learning_rate": 1e-2, "epochs": 2, "batch_size": 8, "optimizer": "adamw"}
    )
    model.compile(
        build_optimizer(training, model, average=True), "categorical_crossentropy", jit_compile=xla
    )
    if spoiled:
        model.layers[-1].bias.assign([float("nan")] * 3)
    asked = iter(range(10_000))
    epochs: list[EpochReport] = []
    loop = EpochLoop(
        TrialJob("t/cnn/0", "cnn", {}, "", "", "", seed=5),
        training,
        model,
        Labelled(FACES[:20], LABELS[:20]),
        7,
        epochs.append,
        lambda: next(asked) == orders_to_stop,
    )
    maker = BatchMaker(FACES, targets(LABELS, 3), None, Augmentation.of(training), 8, seed=5)
    DeviceEpochs(model, maker, loop, steps_per_call).run(0, 2)
    return epochs, model.get_weights()


@pytest.mark.parametrize(("xla", "steps_per_call"), [(False, 3), (True, 100), (True, 1)])
def test_xla_and_calls_of_many_steps_change_nothing_but_rounding(
    xla: bool, steps_per_call: int
) -> None:
    epochs, weights = trained(xla=xla, steps_per_call=steps_per_call)
    expected, expected_weights = trained(xla=False, steps_per_call=1)
    assert [epoch.epoch for epoch in epochs] == [1, 2]
    for epoch, other in zip(epochs, expected, strict=True):
        assert epoch.metrics["loss"] == pytest.approx(other.metrics["loss"], rel=1e-4)
        assert epoch.metrics["learning_rate"] == other.metrics["learning_rate"]
    for found, other in zip(weights, expected_weights, strict=True):
        np.testing.assert_allclose(found, other, atol=2e-3)
    assert epochs[0].metrics["loss"] > epochs[1].metrics["loss"], "they learn"


def test_the_order_to_stop_is_heard_between_calls_of_many_steps() -> None:
    with pytest.raises(StopTrial) as stopped:
        trained(xla=False, steps_per_call=3, orders_to_stop=1)
    assert stopped.value.state == "pruned"


def test_a_loss_that_is_no_number_ends_the_trial() -> None:
    with pytest.raises(StopTrial) as stopped:
        trained(xla=False, steps_per_call=3, spoiled=True)
    assert stopped.value.state == "failed"
    assert stopped.value.reason.startswith("nan_loss")
