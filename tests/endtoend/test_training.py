"""Training on drawn bars: a tiny network learns them in seconds, so every path is a real one."""

from __future__ import annotations

import dataclasses
import functools
import hashlib
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from hpo.data.store import open_faces, write_faces
from hpo.spec.bits import unpack_bits
from hpo.spec.errors import EnvironmentProblem, SpecError
from hpo.spec.records import WITHOUT_COPIES, EpochReport, TrialJob, TrialResult
from hpo.training import fit
from hpo.training.batches import load_data
from hpo.training.fit import train
from hpo.training.testing import judge_files
from hpo.training.validation import judge
from tests.endtoend.bars import PLAIN, TINY, bars

pytestmark = [
    pytest.mark.keras,
    # TensorFlow's, about an argument that its own arrays lack under numpy 2.
    pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning"),
]

COPIES = 5
"""Validation faces that are among the training faces too."""


@pytest.fixture(scope="module")
def job(tmp_path_factory: pytest.TempPathFactory) -> TrialJob:
    folder = tmp_path_factory.mktemp("training")
    splits = {"train": bars(224, 0), "validation": bars(75, 1)}
    splits["validation"].images[:COPIES] = splits["train"].images[:COPIES]  # Their labels agree.
    splits["test"] = bars(30, 2)
    splits["test"].images[:3] = splits["train"].images[:3]
    dataset = write_faces(folder / "bars", "bars", splits, {"kind": "test"})
    return TrialJob(
        "t/cnn/0", "cnn", TINY, str(folder / "bars"), dataset.digest, str(folder / "out"), seed=7
    )


def run(job: TrialJob, **params: Any) -> tuple[TrialResult, list[EpochReport]]:
    epochs: list[EpochReport] = []
    job = dataclasses.replace(job, params={**job.params, **params})
    return train(job, epochs.append, lambda: False), epochs


@pytest.fixture(scope="module")
def trained(job: TrialJob) -> tuple[TrialResult, list[EpochReport]]:
    return run(job, epochs=6)


def test_the_checkpoints_scores_are_told_without_faces_that_training_has_copies_of(
    trained: tuple[TrialResult, list[EpochReport]], job: TrialJob
) -> None:
    result, _ = trained
    assert result.validation_size_without_copies == 75 - COPIES
    assert result.validation_copies_trained_on == COPIES
    assert result.copies_digest.startswith("sha256:")
    labels = np.asarray(open_faces(Path(job.dataset)).split("validation").labels)
    right = np.array(result.predictions) == labels
    assert result.metrics["val_accuracy_without_copies"] == right[COPIES:].mean()
    assert unpack_bits(result.unseen, 75) == [False] * COPIES + [True] * (75 - COPIES)
    alone = np.array(result.confusion_without_copies)
    assert (alone.sum(), np.diag(alone).sum()) == (75 - COPIES, right[COPIES:].sum())
    told = {name for name in result.metrics if name.startswith("val_")}
    whole = {name for name in told if not name.endswith(WITHOUT_COPIES)}
    assert told - whole == {name + WITHOUT_COPIES for name in whole}


def test_the_test_split_is_told_without_faces_that_training_has_copies_of_too(
    trained: tuple[TrialResult, list[EpochReport]], job: TrialJob
) -> None:
    asked = functools.partial(
        judge_files, print, lambda: False, files=[trained[0].checkpoint], dataset=job.dataset
    )
    (told,) = asked(drop=False)
    assert unpack_bits(told["unseen"], 30) == [False] * 3 + [True] * 27
    alone = np.array(told["confusion_without_copies"])
    assert told["images_without_copies"] == alone.sum() == 27
    assert np.diag(alone).sum() == sum(told["correct"][3:])
    assert told["metrics"]["test_accuracy_without_copies"] == sum(told["correct"][3:]) / 27
    assert told["copies_in"] == ["train", "validation"]
    # Trained without the copies, it was chosen by its answers to these faces all the same.
    (dropped,) = asked(drop=True)
    assert dropped["copies_in"] == ["validation"]
    assert dropped["unseen"] == told["unseen"]


def test_a_trial_learns_and_says_how(trained: tuple[TrialResult, list[EpochReport]]) -> None:
    result, epochs = trained
    assert result.state == "complete"
    assert [e.epoch for e in epochs] == [1, 2, 3, 4, 5, 6]
    assert set(epochs[0].metrics) >= {"loss", "accuracy", "val_loss", "val_accuracy"}
    assert result.value is not None
    assert result.value > 0.5  # chance is 1/7
    assert result.value == max(e.metrics["val_accuracy"] for e in epochs)
    assert result.metrics.items() >= epochs[result.best_epoch - 1].metrics.items()
    assert result.final_metrics == epochs[-1].metrics
    assert (result.train_size, result.validation_size, result.epochs_run) == (224, 75, 6)
    assert set(result.seconds) == {"load", "build", "fit", "evaluate", "checkpoint", "total"}
    assert sum(v for k, v in result.seconds.items() if k != "total") <= result.seconds["total"]
    assert result.images_per_second > 0
    assert result.params["schedule"] == "plateau"
    assert {"python", "keras", "backend", "numpy", "hpo", "device", "precision", "cores"} <= set(
        result.environment
    )
    assert f"{result.parameter_count:,}" in result.model_summary


def test_the_checkpoint_is_the_best_epoch_and_gives_the_reported_value(
    job: TrialJob, trained: tuple[TrialResult, list[EpochReport]]
) -> None:
    import keras

    from hpo.training.batches import load_data

    result, _ = trained
    assert result.checkpoint is not None
    file = Path(result.checkpoint)
    assert [p.name for p in file.parent.iterdir()] == ["model.keras"]
    assert hashlib.sha256(file.read_bytes()).hexdigest() == result.checkpoint_sha256
    model = keras.saving.load_model(file, safe_mode=True)
    data = load_data(job).validation
    # Batches of another size sum in another order: a face on the fence may fall to the other side,
    # and losses agree to five digits.
    answers = model.predict(data.faces, batch_size=25, verbose=0)
    assert (answers.argmax(axis=1) == np.array(result.predictions)).mean() >= 74 / 75
    accuracy = (answers.argmax(axis=1) == data.labels).mean()
    assert accuracy == pytest.approx(result.value, abs=1 / 75)
    right = unpack_bits(result.correct, len(data.labels))
    assert right == (np.array(result.predictions) == data.labels).tolist()
    model.compile(loss="sparse_categorical_crossentropy")
    loss = model.evaluate(data.faces, data.labels, verbose=0)
    assert loss == pytest.approx(result.metrics["val_loss"], rel=1e-4)
    confusion = np.array(result.confusion)
    assert confusion.sum() == 75
    assert np.diag(confusion).sum() / 75 == pytest.approx(result.value)


def test_the_same_job_gives_the_same_epochs(job: TrialJob) -> None:
    changes = {"epochs": 2, "flip": True, "rotation_degrees": 10.0, "conv_dropout": 0.2}
    for params in ({"epochs": 2}, changes):
        once, again = run(job, **params)[1], run(job, **params)[1]
        for first, second in zip(once, again, strict=True):
            for name, value in first.metrics.items():
                # The same operations in the same order on one processor; threads may still split
                # sums differently.
                assert second.metrics[name] == pytest.approx(value, rel=1e-4), name
    other = run(dataclasses.replace(job, seed=8), epochs=2)[1]
    assert other[0].metrics["loss"] != pytest.approx(once[0].metrics["loss"], rel=1e-4)


def test_a_loss_that_is_no_number_fails_the_trial_and_says_so(
    job: TrialJob, tmp_path: Path
) -> None:
    hopeless = dataclasses.replace(job, output=str(tmp_path / "out"))
    # Without batch normalisation's brake one step of SGD at rate 10 overflows the dense layers.
    result, _ = run(
        hopeless, learning_rate=10.0, optimizer="sgd", weight_decay=1.0, one_minus_momentum=0.001
    )
    assert result.state == "failed"
    assert result.reason.startswith("nan_loss: ")
    assert result.value is None
    assert result.checkpoint is None
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(
    ("error", "told"),
    [
        (MemoryError(), "out_of_memory: MemoryError"),
        (MemoryError("no more arrays\nat all"), "out_of_memory: no more arrays"),
    ],
)
def test_memory_that_ran_out_fails_the_trial_with_words_or_without(
    job: TrialJob,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    error: MemoryError,
    told: str,
) -> None:
    def load(_: TrialJob) -> Any:
        raise error

    monkeypatch.setattr(fit, "load_data", load)
    result, epochs = run(dataclasses.replace(job, output=str(tmp_path / "out")))
    assert (result.state, result.reason, epochs) == ("failed", told, [])


def test_a_trial_stops_at_the_next_step_when_told(job: TrialJob, tmp_path: Path) -> None:
    job = dataclasses.replace(job, output=str(tmp_path / "out"))
    epochs: list[EpochReport] = []
    asked = 0

    def after_the_second_epoch() -> bool:
        nonlocal asked
        asked += 1
        return len(epochs) == 2

    result = train(job, epochs.append, after_the_second_epoch)
    assert result.state == "pruned"
    assert result.epochs_run == len(epochs) == 2
    assert asked == 2 * 7 + 2  # seven steps per epoch, and once after each epoch
    assert result.value is None
    assert result.metrics
    assert not (tmp_path / "out").exists()


def test_early_stopping_ends_a_trial_that_no_longer_improves(job: TrialJob) -> None:
    asked = dataclasses.replace(job, measure=["latency_ms", "size_mib", "parameter_count"])
    result, epochs = run(asked, learning_rate=1e-9, epochs=8, early_stopping_patience=1)
    assert result.state == "complete"
    assert result.reason == "early_stopping"
    assert 2 <= len(epochs) < 8
    # What further objectives ask of the checkpoint is measured when its training has ended.
    assert result.checkpoint is not None
    assert result.metrics["size_mib"] == Path(result.checkpoint).stat().st_size / 2**20
    assert result.metrics["parameter_count"] == result.parameter_count > 0
    assert 0 < result.metrics["latency_ms"] < 1000
    assert result.metrics["latency_ms_spread"] >= 0
    noisy = result.metrics["latency_ms_spread"] > result.metrics["latency_ms"] / 2
    assert any("latency_ms is uncertain" in note for note in result.notes) == noisy
    assert "latency_ms" not in epochs[result.best_epoch - 1].metrics


def test_plateau_and_cosine_show_in_the_reported_rate(job: TrialJob) -> None:
    _, epochs = run(job, schedule="cosine", epochs=3, learning_rate=0.02)
    rates = [e.metrics["learning_rate"] for e in epochs]
    assert rates == sorted(rates, reverse=True)
    assert rates[-1] < 1e-3
    _, epochs = run(job, learning_rate=1e-9, plateau_patience=1, plateau_minimum=0.0, epochs=4)
    assert epochs[-1].metrics["learning_rate"] < 1e-9


@pytest.mark.parametrize(
    "params",
    [
        {"optimizer": "sgd", "weight_decay": 1e-3, "clip_norm": 1.0, "schedule": "one_cycle"},
        {"optimizer": "adamw", "weight_decay": 0.1, "warmup_fraction": 0.1, "ema": True},
        {"optimizer": "rmsprop", "mixup": True, "class_weights": True, "label_smoothing": 0.1},
        {"optimizer": "lion", "learning_rate": 1e-4, "erasing": 0.5, "zoom": 0.2, "flip": True},
    ],
    ids=lambda params: str(params["optimizer"]),
)
def test_every_optimizer_and_option_trains(job: TrialJob, params: dict[str, Any]) -> None:
    result, epochs = run(job, epochs=2, **params)
    assert result.state == "complete"
    assert all(np.isfinite(list(e.metrics.values())).all() for e in epochs)


def test_the_average_of_weights_is_what_is_served(job: TrialJob) -> None:
    """With a decay that forgets nothing, the average of a fast run lags behind: both are told."""
    import keras

    plain, _ = run(job, epochs=3, schedule="constant")
    averaged, epochs = run(job, epochs=3, schedule="constant", ema=True, one_minus_ema_decay=0.05)
    # With the statistics that it was judged with, for they are measured for it.
    served: Any = keras.saving.load_model(averaged.checkpoint, safe_mode=True)
    # Training itself is untouched by averaging; only what is validated differs.
    assert epochs[0].metrics["loss"] == pytest.approx(plain_loss(job), rel=1e-4)
    assert averaged.metrics["val_loss"] != plain.metrics["val_loss"]
    assert averaged.value is not None
    validation = load_data(job).validation
    judged = judge(served.predict(validation.faces, verbose=0), validation.labels)
    assert judged.predictions.tolist() == averaged.predictions
    assert judged.metrics["val_loss"] == pytest.approx(averaged.metrics["val_loss"], rel=1e-5)


def plain_loss(job: TrialJob) -> float:
    return run(job, epochs=1, schedule="constant")[1][0].metrics["loss"]


def test_precision_auto_is_measured_and_says_what_it_took(
    job: TrialJob, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    result, _ = run(dataclasses.replace(job, precision="auto"), epochs=1)
    (rates,) = json.loads((tmp_path / "hpo" / "precision.json").read_text()).values()
    faster = rates["mixed_bfloat16"] > 1.05 * rates["float32"]
    assert result.environment["precision"] == ("mixed_bfloat16" if faster else "float32")
    assert any(note.startswith("precision ") for note in result.notes)
    # What was measured before it leaves no trace in the trial.
    alone, _ = run(dataclasses.replace(job, precision=result.environment["precision"]), epochs=1)
    assert alone.final_metrics == result.final_metrics


def test_mixed_precision_answers_in_float32(job: TrialJob) -> None:
    import keras

    result, _ = run(dataclasses.replace(job, precision="mixed_bfloat16"), epochs=2)
    assert result.state == "complete"
    assert result.environment["precision"] == "mixed_bfloat16"
    model = keras.saving.load_model(result.checkpoint, safe_mode=True)
    assert model.output.dtype == "float32"


def test_head_epochs_leave_the_base_alone_and_then_train_it(
    job: TrialJob, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import keras

    (tmp_path / "based.py").write_text(
        "import keras\n"
        "from hpo.architectures.weights import read_into\n"
        "BASE_LAYER = 'base'\n"
        "def make_base(shape):\n"
        "    return keras.Sequential([keras.Input(shape), keras.layers.Conv2D(4, 3, name='conv'),\n"
        "        keras.layers.GlobalAveragePooling2D()], name='base')\n"
        "def build(params, input_shape, classes):\n"
        "    base, faces = make_base(input_shape), keras.Input(input_shape)\n"
        "    read_into(base, params['weights'])\n"
        "    x = keras.layers.Dense(classes, 'softmax', dtype='float32')(base(faces))\n"
        "    return keras.Model(faces, x)\n"
    )
    monkeypatch.syspath_prepend(str(tmp_path))
    import based  # type: ignore[import-not-found]

    base = based.make_base((24, 24, 1))
    base.save_weights(tmp_path / "base.weights.h5")
    own = dataclasses.replace(
        job,
        architecture="based:build",
        params={**PLAIN, "head_epochs": 2, "learning_rate": 1e-3},
        weights=str(tmp_path / "base.weights.h5"),
        output=str(tmp_path / "out"),
        objective="val_loss",
    )
    result, epochs = run(own, epochs=3)
    assert result.state == "complete"
    assert result.weights_used.startswith("base.weights.h5 sha256:")
    assert [e.metrics["learning_rate"] for e in epochs] == pytest.approx([1e-3, 1e-3, 1e-4])
    frozen = dataclasses.replace(own, direction="maximize")
    for direction_job in (own, frozen):
        result, epochs = run(direction_job, epochs=3)
        model = keras.saving.load_model(result.checkpoint, safe_mode=True)
        same = np.array_equal(model.get_layer("base").get_weights()[0], base.get_weights()[0])
        assert same == (result.best_epoch <= 2)


BASED = """
import keras
from hpo.architectures.weights import read_into

BASE_LAYER = "base"


def make_base(shape):
    layers = [keras.layers.Conv2D(4, 3, strides=2, activation="relu", name="conv")]
    return keras.Sequential([keras.Input(shape), *layers], name="base")


def build(params, input_shape, classes):
    base, faces = make_base(input_shape), keras.Input(input_shape)
    read_into(base, params["weights"])
    base.trainable = params.get("train_base", False)
    x = base(keras.layers.Rescaling(1 / 255)(faces))
    x = keras.layers.Flatten()(x)
    x = keras.layers.Dense(int(params.get("units", 8)), "relu")(x)
    if params.get("norm", False):
        x = keras.layers.BatchNormalization(momentum=0.9)(x)
    x = keras.layers.Dense(classes, "softmax", dtype="float32")(x)
    return keras.Model(faces, x)
"""


@pytest.fixture
def based(job: TrialJob, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> TrialJob:
    """A job of an architecture with a frozen base, whose features are kept in a folder here."""
    (tmp_path / "frozen_net.py").write_text(BASED)
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.setenv("HPO_FEATURES", str(tmp_path / "features"))
    import frozen_net  # type: ignore[import-not-found]

    frozen_net.make_base((24, 24, 1)).save_weights(tmp_path / "base.weights.h5")
    return dataclasses.replace(
        job,
        architecture="frozen_net:build",
        params={**PLAIN, "learning_rate": 1e-2, "batch_size": 32},
        weights=str(tmp_path / "base.weights.h5"),
        output=str(tmp_path / "out"),
    )


def stored(job: TrialJob) -> dict[Path, int]:
    features = Path(job.output).parent / "features"
    return {file: file.stat().st_mtime_ns for file in features.glob("*.npy")}


def test_a_head_learns_the_same_from_features_that_were_computed_once(based: TrialJob) -> None:
    import keras

    from hpo.training.batches import load_data

    faces = load_data(based).validation.faces

    def answers(result: TrialResult) -> Any:
        model = keras.saving.load_model(result.checkpoint, safe_mode=True)
        return model.predict(faces, verbose=0)

    plain, plain_epochs = run(based, epochs=3)
    plain_answers = answers(plain)
    assert stored(based) == {}
    cached, epochs = run(based, epochs=3, feature_views=1)
    for one, other in zip(plain_epochs, epochs, strict=True):
        for name in ("loss", "val_loss"):
            # Features are kept in half precision, 1/2048 of their size.
            assert one.metrics[name] == pytest.approx(other.metrics[name], abs=1e-3), name
    assert plain.best_epoch == cached.best_epoch
    cached_answers = answers(cached)
    assert np.abs(plain_answers - cached_answers).max() < 1e-3
    assert (cached_answers.argmax(axis=1) == np.array(cached.predictions)).mean() >= 74 / 75
    first = stored(based)
    assert len(first) == 2, "one of the training faces and one of the validation faces"
    # Another head, rate and batch size use what is there.
    run(based, epochs=1, feature_views=1, units=16, learning_rate=1e-3, batch_size=64)
    assert stored(based) == first


def test_views_of_changed_faces_take_turns(based: TrialJob) -> None:
    _, epochs = run(based, epochs=4, feature_views=2, flip=True, rotation_degrees=20.0)
    assert len(stored(based)) == 3
    assert epochs[-1].metrics["loss"] < epochs[0].metrics["loss"]
    again = run(based, epochs=4, feature_views=2, flip=True, rotation_degrees=20.0)[1]
    assert [e.metrics for e in again] == [
        {name: pytest.approx(value, rel=1e-4) for name, value in e.metrics.items()} for e in epochs
    ]


def test_fine_tuning_takes_over_from_a_head_on_features(based: TrialJob) -> None:
    changes = {"head_epochs": 2, "epochs": 4, "train_base": True}
    plain = run(based, **changes)[1]
    cached = run(based, **changes, feature_views=1)[1]
    assert len(stored(based)) == 2
    for one, other in zip(plain, cached, strict=True):
        # After the head's epochs the base learns: half a thousandth there grows a little.
        assert one.metrics["loss"] == pytest.approx(other.metrics["loss"], abs=5e-3)


@pytest.mark.parametrize("feature_views", [0, 1])
def test_fine_tuning_goes_on_from_the_best_epoch_of_the_head(
    based: TrialJob, feature_views: int
) -> None:
    # By this objective the best epoch of the head is its first one.
    job = dataclasses.replace(based, objective="val_loss", direction="maximize")
    still = {"train_base": True, "unfrozen_rate_factor": 1e-9, "schedule": "constant"}
    first, second, third = run(job, head_epochs=2, epochs=3, feature_views=feature_views, **still)[
        1
    ]
    assert second.metrics["val_loss"] < first.metrics["val_loss"] - 1e-3
    assert third.metrics["val_loss"] == pytest.approx(first.metrics["val_loss"], abs=1e-4)


def test_a_head_on_features_is_averaged_as_one_on_faces(based: TrialJob) -> None:
    changes = {"epochs": 2, "norm": True, "ema": True, "one_minus_ema_decay": 0.1}
    plain = run(based, **changes)[1]
    cached = run(based, **changes, feature_views=1)[1]
    for one, other in zip(plain, cached, strict=True):
        assert one.metrics["val_loss"] == pytest.approx(other.metrics["val_loss"], abs=1e-2)


def test_a_head_on_features_weighs_faces_and_sets_rates_as_one_on_faces(
    based: TrialJob, monkeypatch: pytest.MonkeyPatch
) -> None:
    import hpo.training.feature_epochs

    changes = {
        "epochs": 3, "class_weights": True, "label_smoothing": 0.1, "schedule": "cosine",
        "warmup_epochs": 1, "batch_size": 17,
    }  # fmt: skip
    plain = run(based, **changes)[1]
    cached = run(based, **changes, feature_views=1)[1]
    # As of a set too large for a call, and to be handed over whole.
    monkeypatch.setattr(hpo.training.feature_epochs, "BYTES_PER_CALL", 1)
    monkeypatch.setattr(hpo.training.feature_epochs, "RESIDENT_BYTES", 0)
    by_step = run(based, **changes, feature_views=1)[1]
    for one, other, stepped in zip(plain, cached, by_step, strict=True):
        assert one.metrics["learning_rate"] == pytest.approx(other.metrics["learning_rate"])
        for name in ("loss", "accuracy", "val_loss"):
            assert one.metrics[name] == pytest.approx(other.metrics[name], abs=5e-3), name
            assert stepped.metrics[name] == pytest.approx(other.metrics[name], abs=1e-5), name


def test_another_base_has_other_features(based: TrialJob, tmp_path: Path) -> None:
    import frozen_net

    run(based, epochs=1, feature_views=1)
    base = frozen_net.make_base((24, 24, 1))
    base.set_weights([weights + 0.1 for weights in base.get_weights()])
    base.save_weights(tmp_path / "other.weights.h5")
    other = dataclasses.replace(based, weights=str(tmp_path / "other.weights.h5"))
    run(other, epochs=1, feature_views=1)
    assert len(stored(based)) == 4


def test_an_architecture_of_ones_own_needs_no_change_here(
    job: TrialJob, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "mine.py").write_text(
        "import keras\n"
        "def build(params, input_shape, classes):\n"
        "    return keras.Sequential([keras.Input(input_shape),\n"
        "        keras.layers.Rescaling(1 / 255), keras.layers.Flatten(),\n"
        "        keras.layers.Dense(params['units'], 'relu'),\n"
        "        keras.layers.Dense(classes, 'softmax', dtype='float32')])\n"
    )
    monkeypatch.syspath_prepend(str(tmp_path))
    own = dataclasses.replace(
        job, architecture="mine:build", params={"units": 5, "epochs": 1, **PLAIN}
    )
    result, _ = run(own)
    assert result.state == "complete"
    assert result.params["units"] == 5


def test_wrong_jobs_are_refused_before_anything_is_built(job: TrialJob, tmp_path: Path) -> None:
    with pytest.raises(SpecError, match="Did you mean 'epochs'"):
        run(job, epoch=3)
    with pytest.raises(SpecError, match="unknown objective 'val_acc'"):
        run(dataclasses.replace(job, objective="val_acc"))
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(EnvironmentProblem, match="cannot write the checkpoint"):
        run(dataclasses.replace(job, output=str(tmp_path / "file" / "out")), epochs=1)


NO_SOFTMAX = """
import keras

def build(params, input_shape, classes):
    return keras.Sequential([
        keras.Input(input_shape),
        keras.layers.Flatten(),
        keras.layers.Dense(classes, activation=params["last"]),
    ])
"""


@pytest.mark.parametrize(
    ("last", "got"), [("linear", "negative numbers"), ("sigmoid", "a row that sums to")]
)
def test_a_network_that_ends_without_a_softmax_is_not_trained(
    job: TrialJob, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, last: str, got: str
) -> None:
    monkeypatch.syspath_prepend(str(tmp_path))
    (tmp_path / "no_softmax.py").write_text(NO_SOFTMAX)
    own = dataclasses.replace(
        job,
        architecture="no_softmax:build",
        params={"last": last, "epochs": 1},
        output=str(tmp_path / "out"),
    )
    with pytest.raises(SpecError, match="must be a softmax over 7 classes") as caught:
        run(own)
    assert got in str(caught.value)
