"""Registers the recommender: one champion classifier, songs and moods in one MLflow model.

Everything goes through a client on explicit ids; MLflow's fluent state is neither read nor set.
The same classifier with the same songs and moods is one version, however often it is published.
"""

from __future__ import annotations

import base64
import hashlib
import json
import shutil
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from importlib.resources import files
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from hpo.recommender.moods import MoodTable, load_moods
from hpo.recommender.photos import opencv
from hpo.recommender.rank import COLUMNS, check_songs
from hpo.registry.models import (
    CHAMPION,
    CLASSIFIER,
    RECOMMENDER,
    TAG_ARCHITECTURE,
    TAG_CLASSIFIER_VERSION,
    TAG_SHA256,
    TAG_STUDY,
    TAG_TRIAL,
    ServedClassifier,
    find_version,
    load_champion,
    register_recommender,
)
from hpo.spec.emotions import EMOTIONS

if TYPE_CHECKING:
    import pandas as pd

ARTIFACTS = ("classifier", "songs", "moods", "manifest")

TAG_CATALOGUE = "hpo.songs"
TAG_SONGS_DIGEST = "hpo.songs_digest"
TAG_MOODS_DIGEST = "hpo.moods_digest"

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
class Contents:
    """What a recommender answers with.

    Args:
        classifier: the pinned version, checked against its checksum.
        songs: columns ``name, artist, album, popularity, mood, id``.
        catalogue: their name.
        moods: emotion → mood, each mood as the songs spell it.
    """

    classifier: ServedClassifier
    songs: pd.DataFrame
    catalogue: str
    moods: MoodTable

    def tags(self) -> dict[str, str]:
        """Return the tags of the version; equal tags mean equal answers."""
        return {
            TAG_STUDY: self.classifier.study,
            TAG_ARCHITECTURE: self.classifier.architecture,
            TAG_TRIAL: str(self.classifier.trial),
            TAG_SHA256: self.classifier.sha256,
            TAG_CATALOGUE: self.catalogue,
            TAG_SONGS_DIGEST: hashlib.sha256(self.songs_csv().encode()).hexdigest(),
            TAG_MOODS_DIGEST: hashlib.sha256(self.moods.to_yaml().encode()).hexdigest(),
        }

    def songs_csv(self) -> str:
        """Return the songs as the served model reads them."""
        return str(self.songs.loc[:, list(COLUMNS)].to_csv(index=False, lineterminator="\n"))


def publish_recommender(
    client: Any,
    songs: pd.DataFrame,
    *,
    moods: MoodTable | None = None,
    which: str = CHAMPION,
    alias: str | None = CHAMPION,
) -> str:
    """Register the recommender of a registered classifier; return its version number.

    Args:
        client: an ``mlflow.MlflowClient``.
        songs: columns ``name, artist, album, popularity, mood, id``; ``attrs["catalogue"]`` names
            them.
        moods: emotion → mood; by default the shipped table.
        which: alias or version of ``emotion-classifier``.
        alias: moved to the version; ``None`` leaves aliases alone.

    Raises:
        NotFoundError: there is no such classifier.
        IntegrityError: its file is not the one that was registered.
        DataError: the songs lack a column or a mood of the table.
    """
    check_songs(songs, [])
    catalogue = str(songs.attrs.get("catalogue", "songs"))
    moods = (moods or load_moods()).matched(songs["mood"].astype(str).unique(), catalogue)
    classifier = load_champion(client, which)
    run_id = find_version(client, CLASSIFIER, classifier.version).run_id
    contents = Contents(classifier, songs, catalogue, moods)
    tags = contents.tags()
    published = _published(client, {**tags, TAG_CLASSIFIER_VERSION: classifier.version})
    uri = published or log_recommender(client, contents, run_id)
    return register_recommender(client, uri, classifier.version, tags, run_id, alias)


def log_recommender(client: Any, contents: Contents, run_id: str) -> str:
    """Log a recommender and return its URI, ``models:/m-...``.

    Args:
        client: an ``mlflow.MlflowClient``.
        contents: what it answers with.
        run_id: the run that trained the classifier; the model is logged in its experiment.
    """
    # No source_run_id: a trial's run has one model, its classifier; the version names the run.
    logged = client.create_logged_model(
        client.get_run(run_id).info.experiment_id,
        name=RECOMMENDER,
        tags={**contents.tags(), TAG_CLASSIFIER_VERSION: contents.classifier.version},
        model_type="recommender",
    )
    try:
        with tempfile.TemporaryDirectory(prefix="hpo-") as scratch:
            parts = _write_parts(Path(scratch) / "parts", contents)
            folder = Path(scratch) / "model"
            save_recommender(folder, parts, run_id=run_id, model_id=logged.model_id)
            client.log_model_artifacts(logged.model_id, str(folder))
        client.finalize_logged_model(logged.model_id, "READY")
    except BaseException:
        client.finalize_logged_model(logged.model_id, "FAILED")
        raise
    return f"models:/{logged.model_id}"


def _published(client: Any, tags: Mapping[str, str]) -> str | None:
    for entry in client.search_model_versions(f"name = '{RECOMMENDER}'"):
        if dict(entry.tags) == dict(tags):
            return str(entry.source)
    return None


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


def _write_parts(folder: Path, contents: Contents) -> dict[str, Path]:
    folder.mkdir()
    parts = {
        "classifier": folder / "classifier.keras",
        "songs": folder / "songs.csv",
        "moods": folder / "moods.yaml",
        "manifest": folder / "manifest.json",
    }
    classifier = contents.classifier
    shutil.copyfile(classifier.keras_path, parts["classifier"])
    parts["songs"].write_text(contents.songs_csv(), encoding="utf-8", newline="")
    parts["moods"].write_text(contents.moods.to_yaml(), encoding="utf-8", newline="")
    manifest = {
        "classifier": {
            "model": CLASSIFIER,
            "version": classifier.version,
            "study": classifier.study,
            "architecture": classifier.architecture,
            "trial": classifier.trial,
        },
        "catalogue": contents.catalogue,
        "classes": list(classifier.classes),
        "sha256": {
            # The classifier's is the one that was recorded when it was trained.
            "classifier": classifier.sha256,
            "songs": hashlib.sha256(parts["songs"].read_bytes()).hexdigest(),
            "moods": hashlib.sha256(parts["moods"].read_bytes()).hexdigest(),
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
