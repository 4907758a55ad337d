"""The best trials of a study become one model, which is registered and answers."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import hpo
from hpo.data.audit.unseen import Unseen, unseen
from hpo.data.drawn.photo import write_photo
from hpo.data.store import open_faces
from hpo.registry.models import CLASSIFIER, TAG_MEMBERS, load_champion
from hpo.registry.versions import versions_of
from hpo.search.engine import open_engine
from hpo.search.studies import read_trials
from hpo.spec.emotions import EMOTIONS
from hpo.spec.errors import DataError, InputError, NotFoundError
from hpo.spec.records import TrialResult
from hpo.spec.workspace import Workspace
from hpo.study.deletion import delete
from hpo.tracking.ensembles import find_ensemble
from hpo.tracking.store import ensure_experiment, open_client
from hpo.training.ensemble import build, join
from hpo.training.temperature import fit_temperature, tempered
from hpo.training.validation import judge
from tests.contract.test_promoting import draw
from tests.unit.search.analytic import make_spec

pytestmark = [
    pytest.mark.keras,
    pytest.mark.filterwarnings("ignore::sqlalchemy.exc.SADeprecationWarning"),
    pytest.mark.filterwarnings("ignore:.*Any type hint is inferred:UserWarning"),
]

VALUES = (0.2, 0.5, 0.4)


def tiny(seed: int, side: int = 48) -> Any:
    """A model with layers of the same names whatever the seed, like two trials of a study."""
    import keras

    keras.utils.set_random_seed(seed)
    faces = keras.Input((side, side, 1), name="faces")
    x = keras.layers.Rescaling(1 / 255, name="preprocess")(faces)
    x = keras.layers.AveragePooling2D(8, name="pool")(x)
    x = keras.layers.Dense(7, activation="softmax", name="emotion")(
        keras.layers.Flatten(name="flatten")(x)
    )
    return keras.Model(faces, x, name="cnn")


def store_study(workspace: Workspace, name: str) -> list[Path]:
    """Store a study of three complete trials with checkpoints and runs; return the files."""
    workspace.ensure(workspace.runs)
    digest = draw(workspace.data / "faces", seed=0).digest
    spec = make_spec(3, name=name, data={"dataset": "faces"})
    engine = open_engine(workspace.storage_url(), spec, "cnn", dataset_digest=digest)
    client = tracked(workspace)
    files = []
    for number, value in enumerate(VALUES):
        proposal = engine.ask()
        assert proposal is not None
        run_id = client.create_run(ensure_experiment(client, name, {})).info.run_id
        engine.set_run_id(proposal.number, run_id)
        file = workspace.runs / f"{name}-{number}.keras"
        tiny(number).save(file)
        result = TrialResult(
            "complete", value, metrics={"val_accuracy": value}, epochs_run=1, best_epoch=1,
            checkpoint=str(file), checkpoint_sha256=hashlib.sha256(file.read_bytes()).hexdigest(),
            confusion=[[1] * 7] * 7,
        )  # fmt: skip
        assert engine.finish(proposal.number, result)
        files.append(file)
    return files


def tracked(workspace: Workspace) -> Any:
    return open_client(workspace.tracking_uri(), workspace.runs / "artifacts")


def answers(file: Path, faces: Any) -> Any:
    import keras

    model = keras.models.load_model(file, compile=False, safe_mode=True)
    return np.asarray(model(faces.astype(np.float32)))


@pytest.fixture(scope="module")
def promoted(tmp_path_factory: pytest.TempPathFactory) -> tuple[Workspace, list[Path], Any]:
    workspace = Workspace.at(tmp_path_factory.mktemp("workspace"))
    files = store_study(workspace, "study")
    # Untrained, on seven faces of noise: no gate lets it through.
    promotion = hpo.promote("study", workspace=workspace, ensemble=2, force=True)
    return workspace, files, promotion


def test_the_champion_answers_the_mean_of_the_best_two(
    promoted: tuple[Workspace, list[Path], Any],
) -> None:
    workspace, files, promotion = promoted
    served = load_champion(tracked(workspace))
    faces = np.random.default_rng(5).integers(0, 256, (9, 48, 48, 1), dtype=np.uint8)
    expected = (answers(files[1], faces) + answers(files[2], faces)) / 2
    np.testing.assert_allclose(answers(served.keras_path, faces), expected, atol=1e-6)
    assert promotion.members == ("cnn/1", "cnn/2")
    assert served.tags[TAG_MEMBERS] == "cnn/1, cnn/2"
    assert (served.architecture, served.trial) == ("cnn", 1)


def test_a_temperature_is_fitted_on_the_mean_and_served_with_it(
    promoted: tuple[Workspace, list[Path], Any], tmp_path: Path
) -> None:
    workspace, files, _ = promoted
    built = build(
        print, lambda: False, members=[str(file) for file in files[:2]], output=str(tmp_path),
        dataset=str(workspace.data / "faces"), validation_limit=None, data_seed=0, drop=False,
        scale=True,
    )  # fmt: skip
    split = open_faces(workspace.data / "faces").split("validation")
    faces = np.asarray(split.images)[..., None]
    mean = (answers(files[0], faces) + answers(files[1], faces)) / 2
    found = built["metrics"]["temperature"]
    assert found == pytest.approx(fit_temperature(mean, split.labels), rel=1e-3)
    assert found != 1.0
    served = answers(Path(built["checkpoint"]), faces)
    np.testing.assert_allclose(served, tempered(mean, found), atol=1e-5)
    labels = split.labels.astype(np.int64)
    assert built["metrics"]["val_loss"] < judge(mean, labels).metrics["val_loss"]


def test_classes_are_counted_again_without_the_faces_that_have_copies(
    promoted: tuple[Workspace, list[Path], Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    workspace, files, _ = promoted
    alone = Unseen(np.array([0, 2, 3]), 7, "", 4)
    monkeypatch.setattr("hpo.data.audit.unseen.unseen", lambda *_, **__: alone)
    built = build(
        print, lambda: False, members=[str(file) for file in files[:2]], output=str(tmp_path),
        dataset=str(workspace.data / "faces"), validation_limit=None, data_seed=0, drop=False,
        scale=False,
    )  # fmt: skip
    matrix = np.array(built["confusion_without_copies"])
    assert (matrix.sum(), built["validation_size_without_copies"]) == (3, 3)
    assert (matrix.sum(axis=1) == [1, 0, 1, 1, 0, 0, 0]).all()
    assert (matrix <= np.array(built["confusion"])).all()


def test_its_value_is_that_of_its_answers_on_the_validation_faces(
    promoted: tuple[Workspace, list[Path], Any],
) -> None:
    workspace, _, promotion = promoted
    served = load_champion(tracked(workspace))
    split = open_faces(workspace.data / "faces").split("validation")
    rows = answers(served.keras_path, np.asarray(split.images)[..., None])
    accuracy = float((rows.argmax(axis=1) == split.labels).mean())
    assert promotion.value == pytest.approx(accuracy, abs=1e-12)
    assert served.metrics["val_accuracy"] == promotion.value
    alone = unseen(open_faces(workspace.data / "faces"), drop=False)
    assert len(alone)
    right = (rows.argmax(axis=1) == split.labels)[alone.places]
    without = right.mean()
    assert served.metrics["val_accuracy_without_copies"] == pytest.approx(without, abs=1e-12)
    run = next(r for r in read_trials(workspace.storage_url(), "study") if r.number == 1)
    kept = find_ensemble(tracked(workspace), run.mlflow_run_id, ("cnn/1", "cnn/2"))
    assert kept is not None
    assert kept.validation_size_without_copies == len(alone)
    if len(alone) < len(split.labels):
        assert np.trace(kept.confusion_without_copies) == right.sum()
    else:
        assert kept.confusion_without_copies == []
    assert (promotion.single, promotion.faces) == (0.5, 7)
    line = promotion.line()
    assert "mean of cnn #1, cnn #2 of study study" in line
    assert f"val_accuracy {accuracy:.4f} on 7 validation faces; cnn #1 alone 0.5000" in line


def test_an_ensemble_that_is_no_better_than_its_best_is_told_of(
    promoted: tuple[Workspace, list[Path], Any],
) -> None:
    _, _, promotion = promoted
    assert promotion.value <= 0.5  # Untrained, on seven faces of noise.
    assert any("its best member alone 0.5000" in warning for warning in promotion.warnings)


def test_twice_is_once_and_a_single_winner_is_another_version(
    promoted: tuple[Workspace, list[Path], Any],
) -> None:
    workspace, _, promotion = promoted
    again = hpo.promote("study", workspace=workspace, ensemble=2)
    assert again.outcome == "unchanged"
    assert again.classifier_version == promotion.classifier_version
    assert again.gate == promotion.gate
    alone = hpo.promote("study", workspace=workspace)
    assert alone.members == ()
    assert alone.outcome == "refused"
    assert alone.classifier_version != promotion.classifier_version
    assert hpo.promote("study", workspace=workspace, ensemble=2) == again
    assert len(versions_of(tracked(workspace), CLASSIFIER)) == 2


def test_the_recommender_says_who_answers(
    promoted: tuple[Workspace, list[Path], Any], tmp_path: Path
) -> None:
    workspace, _, promotion = promoted
    write_photo(tmp_path / "drawn.png")
    (answer,) = hpo.recommend(
        tmp_path / "drawn.png", workspace=workspace, model=promotion.classifier_version
    )
    assert str(answer.champion).endswith("(study study, mean of cnn #1, cnn #2)")
    assert answer.to_json()["champion"]["members"] == ("cnn/1", "cnn/2")
    manifest = next((workspace.runs / "artifacts").rglob("manifest.json"))
    assert json.loads(manifest.read_text())["classes"] == list(EMOTIONS)


def test_the_doctor_finishes_it_as_what_it_was_and_it_goes_with_its_study(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from hpo.registry import models as registry
    from hpo.registry.consistency import half_promoted
    from hpo.study.doctor import doctor
    from hpo.study.finishing import finish

    workspace = Workspace.at(tmp_path / "workspace")
    store_study(workspace, "gone")
    with monkeypatch.context() as cut_off:
        cut_off.setattr(registry, "register_recommender", None)
        with pytest.raises(TypeError):
            hpo.promote("gone", workspace=workspace, ensemble=3, force=True)
    client = tracked(workspace)
    half = half_promoted(client, "gone")
    assert half is not None
    assert "1 is registered, but no song-recommender answers with it" in half.why
    finish(client, "gone", workspace)
    assert half_promoted(client, "gone") is None
    assert len(load_champion(client).tags[TAG_MEMBERS].split(", ")) == 3

    broken = [p.what for p in doctor("gone", workspace=workspace).problems if "broken" in p.kind]
    assert broken == []
    delete("gone", workspace=workspace, force=True)
    assert versions_of(tracked(workspace), CLASSIFIER) == []


def test_members_without_checkpoints_are_named_and_one_alone_is_refused(tmp_path: Path) -> None:
    workspace = Workspace.at(tmp_path / "workspace")
    files = store_study(workspace, "study")
    files[1].unlink()
    promotion = hpo.promote("study", workspace=workspace, ensemble=2)
    assert promotion.members == ("cnn/2", "cnn/0")
    assert any("cnn #1 is among the best" in warning for warning in promotion.warnings)
    files[2].unlink()
    with pytest.raises(NotFoundError, match=r"two trials at least.*tracking\.keep_models: 2"):
        hpo.promote("study", workspace=workspace, ensemble=2)
    with pytest.raises(NotFoundError, match=r"only 3 to choose from.*keep_models: 3"):
        hpo.promote("study", workspace=workspace, ensemble=9)
    with pytest.raises(InputError, match="a member at least"):
        hpo.promote("study", workspace=workspace, ensemble=0)
    with pytest.raises(InputError, match="32 at most"):
        hpo.promote("study", workspace=workspace, ensemble=33)


def test_models_of_different_inputs_are_no_ensemble() -> None:
    with pytest.raises(DataError, match="do not make an ensemble"):
        join([tiny(0), tiny(1, side=32)])
    with pytest.raises(DataError, match="two or more"):
        join([tiny(0)])
