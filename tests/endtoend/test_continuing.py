"""A trial that was interrupted goes on from its last epoch as if nothing had happened."""

from __future__ import annotations

import dataclasses
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from hpo.data.store import write_faces
from hpo.spec.records import EpochReport, TrialJob, TrialResult
from hpo.training import gathered
from hpo.training.fit import train
from tests.endtoend.bars import PLAIN, TINY, bars

pytestmark = [
    pytest.mark.keras,
    # TensorFlow's, about an argument that its own arrays lack under numpy 2.
    pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning"),
]

Attempt = tuple[TrialResult, list[EpochReport]]

HOW: dict[str, dict[str, Any]] = {
    "sgd, dropout": {"optimizer": "sgd", "dropout": 0.3, "conv_dropout": 0.2},
    "augmentation": {
        "flip": True,
        "rotation_degrees": 10.0,
        "erasing": 0.3,
        "mixup": True,
        "class_weights": True,
        "schedule": "one_cycle",
    },
    "average, plateau": {"ema": True, "one_minus_ema_decay": 0.05, "plateau_patience": 1},
    # Nothing improves, and statistics hardly move: the best epoch is the first, from before the
    # interruption; the rate falls after it, and patience that began before it ends the trial.
    "stall": {
        "learning_rate": 1e-9,
        "norm_momentum": 0.999,
        "plateau_patience": 2,
        "plateau_minimum": 0.0,
        "early_stopping_patience": 3,
        "early_stopping_monitor": "val_accuracy",
        "plateau_monitor": "val_accuracy",
    },
}


class Crash(Exception):
    """Stands for whatever ends a process."""


@pytest.fixture(scope="module")
def job(tmp_path_factory: pytest.TempPathFactory) -> TrialJob:
    folder = tmp_path_factory.mktemp("continuing")
    # 219 faces in batches of 32: the last batch of an epoch is smaller.
    splits = {"train": bars(219, 0), "validation": bars(75, 1)}
    dataset = write_faces(folder / "bars", "bars", splits, {"kind": "test"})
    return TrialJob(
        "t/cnn/0",
        "cnn",
        {**TINY, "epochs": 5},
        str(folder / "bars"),
        dataset.digest,
        str(folder / "out"),
        seed=7,
        keep_state=True,
    )


def attempt(job: TrialJob, at_epoch: Callable[[int], Any] = lambda _: None) -> Attempt:
    seen: list[EpochReport] = []

    def report(epoch: EpochReport) -> None:
        seen.append(epoch)
        at_epoch(epoch.epoch)

    return train(job, report, lambda: False), seen


def uninterrupted(job: TrialJob, kept: Path) -> Attempt:
    """Train; keep each epoch's state in a folder of its name, as a kill after it would have."""

    def copy(epoch: int) -> None:
        if epoch > 1:  # the state of the epoch before is the one that lies there now
            shutil.copytree(job.output, kept / str(epoch - 1))

    return attempt(job, copy)


def continued(job: TrialJob, state: Path) -> Attempt:
    # Whatever is left over in this process must not matter.
    np.random.seed(123)
    output = str(state.parent / f"{state.name}-continued")
    return attempt(dataclasses.replace(job, output=output, continue_from=str(state)))


def assert_the_same(whole: Attempt, later: Attempt, after: int) -> None:
    """Compare to the last digit: the same operations on the same threads."""
    result, epochs = later
    assert result.notes == []
    assert result.continued_from_epoch == after
    assert [e.epoch for e in epochs] == [e.epoch for e in whole[1][after:]]
    assert [e.metrics for e in epochs] == [e.metrics for e in whole[1][after:]]
    for name in (
        "state",
        "reason",
        "value",
        "best_epoch",
        "epochs_run",
        "metrics",
        "final_metrics",
        "confusion",
        "predictions",
        "correct",
        "params",
        "model_summary",
    ):
        assert getattr(result, name) == getattr(whole[0], name), name
    for one, other in zip(weights(whole[0]), weights(result), strict=True):
        np.testing.assert_array_equal(one, other)


def weights(result: TrialResult) -> list[np.ndarray]:
    import keras

    model: Any = keras.saving.load_model(result.checkpoint, safe_mode=True)
    return list(model.get_weights())


@pytest.mark.parametrize("how", HOW)
def test_a_continued_trial_equals_an_uninterrupted_one(
    job: TrialJob, tmp_path: Path, how: str
) -> None:
    job = dataclasses.replace(
        job, params={**job.params, **HOW[how]}, output=str(tmp_path / "whole")
    )
    whole = uninterrupted(job, tmp_path)
    assert whole[0].continued_from_epoch == 0
    later = continued(job, tmp_path / "2")
    assert_the_same(whole, later, 2)
    if how == "stall":
        assert (whole[0].reason, whole[0].best_epoch) == ("early_stopping", 1)
        assert whole[1][-1].metrics["learning_rate"] < whole[1][0].metrics["learning_rate"]
    # What a trial kept goes when it ends; what it went on from is not its to delete.
    for result in (whole[0], later[0]):
        assert [p.name for p in Path(result.checkpoint or "").parent.iterdir()] == ["model.keras"]
    assert (tmp_path / "2" / "state.json").is_file()


FROZEN_FIRST = """
import keras
from hpo.architectures.weights import read_into

BASE_LAYER = "base"

def make_base(shape):
    return keras.Sequential([
        keras.Input(shape),
        keras.layers.Conv2D(4, 3, name="conv"),
        keras.layers.BatchNormalization(name="norm"),
        keras.layers.GlobalAveragePooling2D(),
    ], name="base")

def build(params, input_shape, classes):
    base, faces = make_base(input_shape), keras.Input(input_shape)
    read_into(base, params["weights"])
    x = keras.layers.Dropout(0.2)(base(faces))
    x = keras.layers.Dense(classes, "softmax", dtype="float32")(x)
    return keras.Model(faces, x)
"""


@pytest.fixture
def frozen_first(job: TrialJob, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> TrialJob:
    """A trial whose base is frozen for its first epochs; ``head_epochs`` is yet to be said."""
    (tmp_path / "frozen_first.py").write_text(FROZEN_FIRST)
    monkeypatch.syspath_prepend(str(tmp_path))
    import frozen_first  # type: ignore[import-not-found]

    frozen_first.make_base((24, 24, 1)).save_weights(tmp_path / "base.weights.h5")
    return dataclasses.replace(
        job,
        architecture="frozen_first:build",
        params={**PLAIN, "batch_size": 32, "ema": True},
        weights=str(tmp_path / "base.weights.h5"),
        output=str(tmp_path / "whole"),
    )


def test_a_base_that_is_frozen_at_first_is_continued_in_either_phase(
    frozen_first: TrialJob, tmp_path: Path
) -> None:
    params = {**frozen_first.params, "head_epochs": 2, "epochs": 4}
    job = dataclasses.replace(frozen_first, params=params)
    whole = uninterrupted(job, tmp_path)
    for epoch in (1, 2, 3):
        assert_the_same(whole, continued(job, tmp_path / str(epoch)), epoch)


def test_patience_with_the_head_alone_ends_that_phase_and_not_the_trial(
    frozen_first: TrialJob, tmp_path: Path
) -> None:
    # Nothing improves after a phase's first epoch, so each of them ends after its third.
    stalled = {
        **frozen_first.params,
        "epochs": 10,
        "head_epochs": 5,
        "learning_rate": 1e-9,
        "early_stopping_patience": 2,
        "early_stopping_monitor": "val_accuracy",
        "plateau_patience": 3,
        "plateau_monitor": "val_accuracy",
        "plateau_minimum": 0.0,
    }
    job = dataclasses.replace(frozen_first, params=stalled)
    whole = uninterrupted(job, tmp_path)
    result, epochs = whole
    assert (result.state, result.reason) == ("complete", "early_stopping")
    # Had the rate's patience gone on counting, it would have fallen once more.
    assert [e.metrics["learning_rate"] for e in epochs] == pytest.approx([1e-9] * 3 + [1e-10] * 3)
    # The end of a phase leaves no state of its own: its last epoch is run again.
    for folder, after in (("1", 1), ("3", 2), ("4", 4), ("5", 5)):
        assert_the_same(whole, continued(job, tmp_path / folder), after)


def test_a_crash_leaves_the_state_and_damage_means_the_beginning(
    job: TrialJob, tmp_path: Path
) -> None:
    job = dataclasses.replace(job, output=str(tmp_path / "out"))
    whole = attempt(job)

    def crash(epoch: int) -> None:
        if epoch == 3:
            raise Crash

    with pytest.raises(Crash):
        attempt(job, crash)
    names = {p.name for p in (tmp_path / "out").iterdir()}
    assert names == {"model.keras", "state.json", "state-2.npz"}
    arrays = tmp_path / "out" / "state-2.npz"
    content = arrays.read_bytes()
    # In the folder of the attempt before, as well as in another.
    here = dataclasses.replace(job, continue_from=job.output)
    later = attempt(here)
    assert_the_same(whole, later, 2)

    with pytest.raises(Crash):
        attempt(job, crash)
    arrays.write_bytes(content[: len(content) // 2])
    result, epochs = attempt(here)
    assert result.continued_from_epoch == 0
    assert result.notes == [
        f"began at the first epoch, not from {job.output}: state-2.npz is damaged"
    ]
    assert [e.metrics for e in epochs] == [e.metrics for e in whole[1]]
    assert (result.value, result.predictions) == (whole[0].value, whole[0].predictions)
    assert [p.name for p in (tmp_path / "out").iterdir()] == ["model.keras"]


def test_another_configuration_does_not_go_on_from_it(job: TrialJob, tmp_path: Path) -> None:
    job = dataclasses.replace(
        job, params={**job.params, "epochs": 2}, output=str(tmp_path / "whole")
    )
    uninterrupted(job, tmp_path)
    other = dataclasses.replace(job, seed=8)
    result, epochs = continued(other, tmp_path / "1")
    assert result.notes[0].endswith("its state is another trial's, which differs in seed")
    assert [e.epoch for e in epochs] == [1, 2]
    result, epochs = continued(job, tmp_path / "nothing")
    assert result.notes[0].endswith("there is no state")
    assert [e.epoch for e in epochs] == [1, 2]


def test_a_trial_that_is_stopped_leaves_no_state(job: TrialJob, tmp_path: Path) -> None:
    job = dataclasses.replace(job, output=str(tmp_path / "out"))
    seen: list[EpochReport] = []
    result = train(job, seen.append, lambda: len(seen) == 2)
    assert (result.state, result.epochs_run) == ("pruned", 2)
    assert not (tmp_path / "out").exists()


def test_a_state_that_cannot_be_written_costs_a_note_and_no_trial(
    job: TrialJob, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: Any) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(gathered, "write_state", full)
    job = dataclasses.replace(job, params={**job.params, "epochs": 3}, output=str(tmp_path / "out"))
    result, epochs = attempt(job)
    assert (result.state, len(epochs)) == ("complete", 3)
    assert result.notes == [
        f"could not keep a state in {tmp_path / 'out'}: No space left on device"
    ]
