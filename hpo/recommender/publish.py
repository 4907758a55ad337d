"""Logs the recommender into MLflow: classifier, songs, moods and their checksums in one model.

Everything goes through a client on explicit ids; MLflow's fluent state is neither read nor set.
Making it a registered version and moving the alias is the registry's part.
"""

from __future__ import annotations

import base64
import hashlib
import json
import shutil
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass, field
from importlib.metadata import PackageNotFoundError, version
from importlib.resources import files
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from hpo.data.decoding import opencv
from hpo.data.song_csv import COLUMNS
from hpo.recommender.moods import MoodTable
from hpo.recommender.rank import check_songs
from hpo.registry.models import (
    RECOMMENDER,
    TAG_CATALOGUE,
    TAG_CLASSIFIER_VERSION,
    TAG_STUDY,
    TAG_TRIAL,
)
from hpo.spec.emotions import EMOTIONS
from hpo.spec.errors import NotFoundError

if TYPE_CHECKING:
    import pandas as pd

ARTIFACTS = ("classifier", "songs", "moods", "manifest")

# What the served code imports. hpo itself is not on any index: --env-manager local.
_DISTRIBUTIONS = (
    "mlflow",
    "tensorflow",
    "keras",
    "opencv-python",
    "numpy",
    "pandas",
    "pydantic",
    "pyyaml",
)


@dataclass(frozen=True)
class Pin:
    """The classifier that a recommender answers with.

    Args:
        model: its registered name.
        version: its version there.
        study: the study that it won.
        trial: the trial, such as ``cnn/7``.
        classes: emotions in the order of its outputs.
    """

    model: str
    version: str
    study: str
    trial: str
    classes: tuple[str, ...] = EMOTIONS


@dataclass(frozen=True)
class LoggedRecommender:
    """A recommender in MLflow, not yet registered.

    Args:
        model_id: of the logged model.
        uri: ``models:/<model_id>``, to load it.
        artifact_location: where its files are; register it from here, because MLflow looks a
            ``models:/`` source up in its global tracking URI instead of the client's.
        run_id: the run that it came from.
        tags: of the logged model: the pinned classifier, study, trial, catalogue.
    """

    model_id: str
    uri: str
    artifact_location: str
    run_id: str
    tags: Mapping[str, str] = field(default_factory=dict)


def log_recommender(
    client: Any,
    pin: Pin,
    checkpoint: Path,
    songs: pd.DataFrame,
    moods: MoodTable,
    run_id: str,
    *,
    catalogue: str,
) -> LoggedRecommender:
    """Log a recommender that answers with exactly this classifier, these songs and these moods.

    Args:
        client: an ``mlflow.MlflowClient``.
        pin: which registered classifier ``checkpoint`` is.
        checkpoint: its ``.keras`` file.
        songs: columns ``name, artist, album, popularity, mood, id``.
        moods: emotion → mood.
        run_id: the run that trained the classifier.
        catalogue: name of the song catalogue.

    Raises:
        NotFoundError: there is no checkpoint.
        DataError: the songs lack a column or a mood of the table.
    """
    if not checkpoint.is_file():
        raise NotFoundError(
            "the winner's checkpoint is gone", where=str(checkpoint), expected="a .keras file"
        )
    check_songs(songs, [])
    moods = moods.matched(songs["mood"].astype(str).unique(), catalogue)

    tags = {
        TAG_CLASSIFIER_VERSION: pin.version,
        TAG_STUDY: pin.study,
        TAG_TRIAL: pin.trial,
        TAG_CATALOGUE: catalogue,
    }
    experiment_id = client.get_run(run_id).info.experiment_id
    # No source_run_id: a trial's run has one model, its classifier, and logging that again would
    # replace whatever else the run has. The registered version names the run.
    logged = client.create_logged_model(
        experiment_id, name=RECOMMENDER, tags=tags, model_type="recommender"
    )
    try:
        with tempfile.TemporaryDirectory() as folder:
            parts = _write_parts(Path(folder) / "parts", pin, checkpoint, songs, moods, catalogue)
            saved = Path(folder) / "model"
            save_recommender(saved, parts, run_id=run_id, model_id=logged.model_id)
            client.log_model_artifacts(logged.model_id, str(saved))
    except BaseException:
        client.finalize_logged_model(logged.model_id, "FAILED")
        raise
    client.finalize_logged_model(logged.model_id, "READY")
    return LoggedRecommender(
        logged.model_id, f"models:/{logged.model_id}", logged.artifact_location, run_id, tags
    )


def save_recommender(
    folder: Path,
    parts: Mapping[str, Path],
    *,
    run_id: str | None = None,
    model_id: str | None = None,
) -> None:
    """Write the MLflow model into ``folder``: the served file, its four artifacts, signature.

    Args:
        folder: must not exist.
        parts: a file for each of ``ARTIFACTS``.
        run_id: recorded in the model's description.
        model_id: recorded in the model's description.
    """
    from mlflow import models, pyfunc

    pyfunc.save_model(
        path=str(folder),
        python_model=str(files("hpo.recommender").joinpath("served.py")),
        artifacts={name: str(parts[name]) for name in ARTIFACTS},
        signature=signature(),
        input_example=_example(),
        pip_requirements=requirements(),
        mlflow_model=models.Model(run_id=run_id, model_id=model_id),
    )


def signature() -> Any:
    """Return what the served model takes and gives.

    One string column ``image`` in; per row an array of faces out; parameter ``top`` (default 5).
    """
    from mlflow.models import ModelSignature
    from mlflow.types.schema import (
        Array,
        ColSpec,
        DataType,
        Object,
        ParamSchema,
        ParamSpec,
        Property,
        Schema,
    )

    text, number, whole = DataType.string, DataType.double, DataType.long
    song = Object(
        [
            Property("index", whole),
            Property("name", text),
            Property("artist", text),
            Property("album", text),
            Property("popularity", whole),
            Property("mood", text),
        ]
    )
    face = Object(
        [
            Property("box", Array(whole)),
            Property("emotion", text),
            Property("probability", number),
            Property("probabilities", Object([Property(name, number) for name in EMOTIONS])),
            Property("mood", text),
            Property("songs", Array(song)),
        ]
    )
    return ModelSignature(
        inputs=Schema([ColSpec(text, "image")]),
        outputs=Schema([ColSpec(Array(face))]),
        params=ParamSchema([ParamSpec("top", whole, 5)]),
    )


def requirements() -> list[str]:
    """Return the packages that the served model imports, at the versions installed here."""
    pinned = []
    for name in _DISTRIBUTIONS:
        try:
            pinned.append(f"{name}=={version(name)}")
        except PackageNotFoundError:  # such as tensorflow on a machine with another backend
            continue
    return pinned


def _write_parts(
    folder: Path,
    pin: Pin,
    checkpoint: Path,
    songs: pd.DataFrame,
    moods: MoodTable,
    catalogue: str,
) -> dict[str, Path]:
    folder.mkdir()
    parts = {
        "classifier": folder / "classifier.keras",
        "songs": folder / "songs.csv",
        "moods": folder / "moods.yaml",
        "manifest": folder / "manifest.json",
    }
    shutil.copyfile(checkpoint, parts["classifier"])
    songs.loc[:, list(COLUMNS)].to_csv(parts["songs"], index=False, encoding="utf-8")
    parts["moods"].write_text(moods.to_yaml(), encoding="utf-8")
    manifest = {
        "classifier": {
            "model": pin.model,
            "version": pin.version,
            "study": pin.study,
            "trial": pin.trial,
        },
        "catalogue": catalogue,
        "classes": list(pin.classes),
        "sha256": {
            name: hashlib.sha256(parts[name].read_bytes()).hexdigest()
            for name in ARTIFACTS
            if name != "manifest"
        },
    }
    parts["manifest"].write_text(json.dumps(manifest, indent=2) + "\n", encoding="utf-8")
    return parts


def _example() -> Any:
    """Return one request: a plain grey square, in which there is no face."""
    import pandas as pd

    cv2 = opencv()
    _, encoded = cv2.imencode(".png", np.full((48, 48), 127, np.uint8))
    return pd.DataFrame({"image": [base64.b64encode(encoded.tobytes()).decode("ascii")]})
