"""What ``promote`` registers, against real stores; nothing is trained."""

from __future__ import annotations

import hashlib
import shutil
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import hpo
from hpo.data.store import FaceDataset, RawSplit, write_faces
from hpo.registry.models import CLASSIFIER, RECOMMENDER, TAG_DATASET_DIGEST, TAG_MOODS_DIGEST
from hpo.registry.versions import find_version, versions_of
from hpo.search.engine import open_engine
from hpo.spec.emotions import EMOTIONS
from hpo.spec.errors import DataError, NotFoundError, SpecError
from hpo.spec.records import TrialResult
from hpo.spec.workspace import Workspace
from hpo.tracking.store import ensure_experiment, open_client
from tests.unit.search.analytic import make_spec

# As in test_mirror.
pytestmark = [
    pytest.mark.filterwarnings("ignore::sqlalchemy.exc.SADeprecationWarning"),
    pytest.mark.filterwarnings("ignore:.*Any type hint is inferred:UserWarning"),
]


def draw(folder: Path, seed: int) -> FaceDataset:
    generator = np.random.default_rng(seed)

    def split(count: int) -> RawSplit:
        images = generator.integers(0, 256, (count, 48, 48), dtype=np.uint8)
        labels = np.arange(count, dtype=np.uint8) % 7
        return RawSplit(images=images, labels=labels, names=[str(i) for i in range(count)])

    return write_faces(folder, folder.name, {"train": split(14), "validation": split(7)}, {})


@pytest.fixture
def finished(
    workspace: Workspace, mlflow_tables: Path, monkeypatch: pytest.MonkeyPatch
) -> Workspace:
    """A workspace with a study of one complete trial, its checkpoint and its run in MLflow."""
    # The checkpoint is no model that Keras could load.
    monkeypatch.setattr("hpo.study.promoting.check_answers", lambda file, title: None)
    workspace.ensure(workspace.runs)
    shutil.copy(mlflow_tables, workspace.runs)
    run_study(workspace, "study", value=0.5)
    return workspace


def run_study(workspace: Workspace, name: str, value: float, model: Path | None = None) -> None:
    """Store a study of one complete trial, whose checkpoint is ``model`` or a hollow archive."""
    digest = draw(workspace.data / "faces", seed=0).digest
    checkpoint = model or workspace.runs / f"{name}.keras"
    if model is None:
        with zipfile.ZipFile(checkpoint, "w") as archive:
            for member in ("metadata.json", "config.json", "model.weights.h5"):
                archive.writestr(member, "{}")
    spec = make_spec(1, name=name, data={"dataset": "faces"})
    engine = open_engine(workspace.storage_url(), spec, "cnn", dataset_digest=digest)
    proposal = engine.ask()
    assert proposal is not None
    client = tracked(workspace)
    run_id = client.create_run(ensure_experiment(client, name, {})).info.run_id
    engine.set_run_id(proposal.number, run_id)
    sha256 = hashlib.sha256(checkpoint.read_bytes()).hexdigest()
    result = TrialResult(
        "complete", value, metrics={"val_accuracy": value}, epochs_run=1,
        checkpoint=str(checkpoint), checkpoint_sha256=sha256,
        confusion=[[10] * 7] + [[5] * 7] * 6,
    )  # fmt: skip
    assert engine.finish(proposal.number, result)


def tracked(workspace: Workspace) -> Any:
    return open_client(workspace.tracking_uri(), workspace.runs / "artifacts")


def test_the_version_names_the_faces_that_the_study_was_run_on(finished: Workspace) -> None:
    client = tracked(finished)
    recorded = hpo.promote("study", workspace=finished)
    digest = find_version(client, CLASSIFIER, "champion").tags[TAG_DATASET_DIGEST]
    assert digest == draw(finished.data / "faces", seed=0).digest
    # Other faces of the same name are there now. The model is in MLflow: they are not asked for.
    assert draw(finished.data / "faces", seed=1).digest != digest
    assert hpo.promote("study", workspace=finished) == recorded
    assert find_version(client, CLASSIFIER, "champion").tags[TAG_DATASET_DIGEST] == digest


def test_other_faces_are_no_example_for_a_model_that_is_not_logged(finished: Workspace) -> None:
    draw(finished.data / "faces", seed=1)
    with pytest.raises(DataError, match="'faces' has changed since the study was run"):
        hpo.promote("study", workspace=finished)
    assert versions_of(tracked(finished), CLASSIFIER) == []


def test_another_mood_table_is_another_recommender_of_the_same_classifier(
    finished: Workspace, tmp_path: Path
) -> None:
    client = tracked(finished)
    first = hpo.promote("study", workspace=finished)
    moods = tmp_path / "moods.yaml"
    moods.write_text("".join(f"{emotion}: Calm\n" for emotion in EMOTIONS))
    other = hpo.promote("study", workspace=finished, moods=moods)
    assert other.classifier_version == first.classifier_version
    assert other.recommender_version != first.recommender_version
    assert hpo.promote("study", workspace=finished, moods=moods) == other
    assert hpo.promote("study", workspace=finished) == first
    digests = [v.tags[TAG_MOODS_DIGEST] for v in versions_of(client, RECOMMENDER)]
    assert len(set(digests)) == len(digests) == 2


def test_a_mood_without_songs_moves_no_champion(finished: Workspace, tmp_path: Path) -> None:
    moods = tmp_path / "moods.yaml"
    moods.write_text("".join(f"{emotion}: Furious\n" for emotion in EMOTIONS))
    with pytest.raises(DataError, match="no song of the mood 'Furious'"):
        hpo.promote("study", workspace=finished, moods=moods)
    assert versions_of(tracked(finished), CLASSIFIER) == []


def test_the_champion_that_goes_is_named(finished: Workspace) -> None:
    first = hpo.promote("study", workspace=finished)
    assert (first.replaced, first.warnings) == (None, ())
    with pytest.raises(NotFoundError, match=f"there is no version 99 of {CLASSIFIER}"):
        find_version(tracked(finished), CLASSIFIER, "99")
    with pytest.raises(NotFoundError, match=f"no version of {CLASSIFIER} is the challenger"):
        find_version(tracked(finished), CLASSIFIER, "challenger")
    run_study(finished, "other", value=0.4)
    other = hpo.promote("other", workspace=finished)
    assert "replaces emotion-classifier 1 (cnn #0 of study study, val_accuracy 0.5000)" in (
        other.line()
    )
    replaced = other.to_json()["replaced"]
    assert (replaced["study"], replaced["trial"], replaced["value"]) == ("study", 0, 0.5)
    assert other.to_json()["warnings"] == (
        "Warning: on the same faces the replaced champion reached val_accuracy 0.5000, the new one "
        "0.4000.",
    )


def test_one_at_chance_is_promoted_with_a_warning(finished: Workspace) -> None:
    run_study(finished, "chance", value=0.25)
    (warning,) = hpo.promote("chance", workspace=finished).warnings
    assert "not shown to beat chance" in warning
    assert "contains the 25.0% that always answering 'angry' would score" in warning


@pytest.mark.keras
@pytest.mark.parametrize("activation", [None, "softmax"])
def test_a_model_without_a_softmax_becomes_no_champion(
    workspace: Workspace, tmp_path: Path, activation: str | None
) -> None:
    import keras

    layers = keras.layers
    model = keras.Sequential(
        [keras.Input((48, 48, 1)), layers.Flatten(), layers.Dense(7, activation=activation)]
    )
    model.save(tmp_path / "model.keras")
    workspace.ensure(workspace.runs)
    run_study(workspace, "study", value=0.5, model=tmp_path / "model.keras")
    if activation is None:
        with pytest.raises(SpecError, match="'study/cnn/0' must be a softmax over 7 classes"):
            hpo.promote("study", workspace=workspace)
        assert versions_of(tracked(workspace), CLASSIFIER) == []
    else:
        assert hpo.promote("study", workspace=workspace).classifier_version == "1"
