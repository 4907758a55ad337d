"""A head on kept features comes out the same whether its base is built or stood for."""

from __future__ import annotations

import dataclasses
import hashlib
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from hpo.data.store import write_faces
from hpo.spec.records import EpochReport, TrialJob, TrialResult
from hpo.training.batches import load_data
from hpo.training.fit import train
from tests.endtoend.bars import PLAIN, bars

pytestmark = [
    pytest.mark.keras,
    # TensorFlow's, about an argument that its own arrays lack under numpy 2.
    pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning"),
]

HEAD: dict[str, Any] = {
    **PLAIN, "unfreeze": "none", "epochs": 2, "batch_size": 16, "dense": 8, "feature_views": 1,
    "learning_rate": 1e-2,
}  # fmt: skip


@pytest.fixture(scope="module")
def weights(tmp_path_factory: pytest.TempPathFactory) -> Callable[..., str]:
    """Write weights that no network has learned, once for each base and seed."""
    folder = tmp_path_factory.mktemp("weights")

    def written(name: str = "ResNet50", seed: int = 0) -> str:
        import keras

        file = folder / f"{name}{seed}.weights.h5"
        if not file.exists():
            keras.utils.set_random_seed(seed)
            base = getattr(keras.applications, name)
            base(include_top=False, weights=None, input_shape=(71, 71, 3)).save_weights(file)
        return str(file)

    return written


@pytest.fixture
def job(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, weights: Callable[..., str]) -> TrialJob:
    monkeypatch.setenv("HPO_FEATURES", str(tmp_path / "features"))
    splits = {"train": bars(40, 0), "validation": bars(25, 1)}
    dataset = write_faces(tmp_path / "bars", "bars", splits, {"kind": "test"})
    return TrialJob(
        "t/resnet50/0", "resnet50", {**HEAD, "input_size": 32}, str(tmp_path / "bars"),
        dataset.digest, str(tmp_path / "out"), seed=7, weights=weights(),
    )  # fmt: skip


@pytest.fixture
def built(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The bases that were built from now on."""
    import keras

    names: list[str] = []
    for name in ("ResNet50", "Xception"):
        real = getattr(keras.applications, name)

        def noted(*args: Any, _real: Any = real, _name: str = name, **named: Any) -> Any:
            names.append(_name)
            return _real(*args, **named)

        monkeypatch.setattr(keras.applications, name, noted)
    return names


def run(job: TrialJob, **params: Any) -> tuple[TrialResult, list[dict[str, float]]]:
    """Train; return the result and what its epochs told."""
    epochs: list[EpochReport] = []
    job = dataclasses.replace(job, params={**job.params, **params})
    result = train(job, epochs.append, lambda: False)
    assert result.checkpoint is not None
    file = Path(result.checkpoint)
    assert [one.name for one in file.parent.iterdir()] == [file.name]
    assert hashlib.sha256(file.read_bytes()).hexdigest() == result.checkpoint_sha256
    return result, [epoch.metrics for epoch in epochs]


def answers(job: TrialJob, result: TrialResult) -> Any:
    import keras

    model = keras.saving.load_model(result.checkpoint, safe_mode=True)
    return model.predict(load_data(job).validation.faces, verbose=0)


def of_base(job: TrialJob) -> list[Path]:
    return list((Path(job.output).parent / "features").glob("*.h5"))


@pytest.mark.parametrize(
    ("name", "size"),
    # Half a minute more for the same code; the architectures' own contract builds both.
    [("resnet50", 32), pytest.param("xception", 71, marks=pytest.mark.slow)],
)
def test_a_trial_without_its_base_is_the_trial_with_it(
    job: TrialJob, built: list[str], weights: Callable[..., str], name: str, size: int
) -> None:
    base = {"resnet50": "ResNet50", "xception": "Xception"}[name]
    job = dataclasses.replace(
        job, architecture=name, params={**job.params, "input_size": size}, weights=weights(base)
    )
    built.clear()
    first, first_epochs = run(job)
    # That Xception's file is the same is seen where its base is kept; asking it takes long.
    first_answers = answers(job, first) if name == "resnet50" else None
    assert built == [base]
    built.clear()
    second, second_epochs = run(job)
    assert built == [], "nothing asked the base"
    assert first_epochs == second_epochs
    if first_answers is not None:
        assert np.array_equal(first_answers, answers(job, second))
    for told in ("parameter_count", "model_summary", "predictions", "weights_used", "params"):
        assert getattr(first, told) == getattr(second, told), told


def test_a_base_is_shared_by_heads_and_built_where_it_is_another_or_asked_or_damaged(
    job: TrialJob, built: list[str], weights: Callable[..., str]
) -> None:
    others = weights(seed=1)
    _, epochs = run(job)
    built.clear()
    result, _ = run(job, dense=0, head="flatten", dropout=0.1, learning_rate=1e-3, batch_size=8)
    assert built == [], "another head has the same base"
    assert "flatten" in result.model_summary
    run(dataclasses.replace(job, weights=others))
    assert built == ["ResNet50"], "other weights are another base"
    assert len(of_base(job)) == 2
    built.clear()
    run(dataclasses.replace(job, measure=["size_mb"]))
    assert built == ["ResNet50"], "what is served is measured in full"

    for file in of_base(job):
        damaged = bytearray(file.read_bytes())
        damaged[len(damaged) // 2] ^= 1
        file.write_bytes(damaged)
    built.clear()
    assert run(job)[1] == epochs
    assert built == ["ResNet50"], "a damaged base is not used"
    for features in (Path(job.output).parent / "features").glob("*.npy"):
        features.unlink()
    built.clear()
    assert run(job)[1] == epochs
    assert built == ["ResNet50"], "features that are gone are computed by it"


def test_where_keras_would_save_another_file_no_base_is_kept(
    job: TrialJob, monkeypatch: pytest.MonkeyPatch
) -> None:
    import hpo.training.kept_base

    real = hpo.training.kept_base._described

    def other(model: Any, layer: str) -> dict[str, Any]:
        return {**real(model, layer), "new": "in this version"}

    monkeypatch.setattr(hpo.training.kept_base, "_described", other)
    run(job)
    assert of_base(job) == []


def test_the_budget_of_features_counts_bases(
    job: TrialJob, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HPO_FEATURES_GIB", "0.15")  # Room for one of 94 MB, twice over not.
    run(job)
    assert of_base(job) == []
    documents = (Path(job.output).parent / "features").glob("*.json")
    assert {json.loads(one.read_text())["key"].get("layer") for one in documents} == {"resnet50"}
