"""The registered models: ``emotion-classifier``, ``song-recommender``, and their champions.

A version is a pointer at a logged model with tags that say where it comes from. Registering the
same thing twice is one version; the alias ``champion`` moves. Loading a champion checks it against
its recorded checksum and an allow-list first (``allowlist``), and loads no Keras.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType
from typing import Any

from hpo.registry.allowlist import check_classifier_folder
from hpo.registry.versions import (
    create_version,
    fetch,
    fetch_folder,
    find_version,
    lacks_files,
    point_alias,
    versions_of,
)
from hpo.spec.errors import IntegrityError
from hpo.spec.reruns import expected_of, who_serves

CLASSIFIER = "emotion-classifier"
RECOMMENDER = "song-recommender"
CHAMPION = "champion"
CHALLENGER = "challenger"
"""The alias of what was registered last and is not the champion."""

# Tags of versions. Those that runs have too (study, architecture, trial, data digest) are the same.
TAG_STUDY = "hpo.study"
TAG_ARCHITECTURE = "hpo.architecture"
TAG_TRIAL = "hpo.trial"
TAG_METRICS = "hpo.metrics"
TAG_DATASET_DIGEST = "hpo.dataset_digest"
TAG_SHA256 = "hpo.checkpoint_sha256"
TAG_CLASSES = "hpo.classes"
TAG_VERSION = "hpo.version"
TAG_MEMBERS = "hpo.members"
TAG_OVER_SEEDS = "hpo.over_seeds"
"""JSON: what a confirmation said of the configurations, as ``hpo.spec.reruns`` has it."""
TAG_GATE = "hpo.gate"
"""What the gate said: ``promoted``, ``refused`` or ``forced``; its checks are tags below it."""
TAG_CLASSIFIER_VERSION = "hpo.classifier_version"
TAG_CATALOGUE = "hpo.catalogue"
TAG_CATALOGUE_DIGEST = "hpo.catalogue_digest"
TAG_MOODS_DIGEST = "hpo.moods_digest"

_LONGEST_TAG = 5000
"""Characters that MLflow takes in a tag of a version."""

_DESCRIPTIONS = {
    CLASSIFIER: "Emotion of a face, 48 x 48 grey: the winners of studies. Trained on FER-2013 or "
    "drawn faces; it has no place in judging people at work or in education.",
    RECOMMENDER: "Songs for a photo: finds faces, classifies their emotions with one pinned "
    "version of emotion-classifier, and picks songs of the mood.",
}


@dataclass(frozen=True)
class Origin:
    """Where a classifier comes from.

    Args:
        study: name of the study.
        architecture: label in the study file.
        trial: number within the architecture.
        run_id: of the trial in MLflow.
        sha256: of the ``.keras`` file.
        classes: emotions in the order of the model's outputs.
        dataset_digest: of the data it was trained on.
        metrics: of the checkpoint, such as ``val_accuracy``.
        version: of hpo.
        members: of an ensemble, such as ``cnn/7``, the best first; architecture, trial and run are
            then the best member's. () for a single trial.
        card: what of its model card stands in the version's description, as Markdown.
        over_seeds: what a confirmation said of its configuration, or of its members', as
            ``hpo.spec.reruns`` has it.
    """

    study: str
    architecture: str
    trial: int
    run_id: str
    sha256: str
    classes: tuple[str, ...]
    dataset_digest: str
    metrics: Mapping[str, float] = field(default_factory=dict)
    version: str = ""
    members: tuple[str, ...] = ()
    card: str = ""
    over_seeds: Mapping[str, Any] = field(default_factory=dict)

    def tags(self) -> dict[str, str]:
        """Return the tags of the version."""
        return {
            TAG_STUDY: self.study,
            TAG_ARCHITECTURE: self.architecture,
            TAG_TRIAL: str(self.trial),
            TAG_METRICS: json.dumps(dict(self.metrics), sort_keys=True),
            TAG_DATASET_DIGEST: self.dataset_digest,
            TAG_SHA256: self.sha256,
            TAG_CLASSES: json.dumps(list(self.classes)),
            TAG_VERSION: self.version,
            **({TAG_MEMBERS: ", ".join(self.members)} if self.members else {}),
            **self.seeds_tag(),
        }

    def seeds_tag(self) -> dict[str, str]:
        """Return the tag of what a confirmation said; {} where nothing is known."""
        told = json.dumps(self.over_seeds, separators=(",", ":")) if self.over_seeds else ""
        # What is too long for MLflow is left out whole: half of it could not be read.
        return {TAG_OVER_SEEDS: told} if 0 < len(told) <= _LONGEST_TAG else {}

    def description(self) -> str:
        """Return a line for MLflow's list of versions, whose columns cut tags short, and the card.

        The list shows the beginning, the page of the version all of it.
        """
        trial = f"Trial {self.trial} of {self.architecture} in study {self.study}"
        if self.members or self.over_seeds:
            who = who_serves(
                self.study, self.architecture, self.trial, self.members, self.over_seeds
            )
            trial = f"{who[0].upper() if self.members else who[0]}{who[1:]} in study {self.study}"
        metrics = ", ".join(
            f"{name} {value:.4f}"
            for name, value in sorted(self.metrics.items())
            if name.startswith("val_")
        )
        line = f"{trial}: {metrics}." if metrics else f"{trial}."
        if expected := expected_of(self.over_seeds, ensemble=bool(self.members)):
            line += f" {expected}"
        return f"{line}\n\n{self.card}" if self.card else line


@dataclass(frozen=True)
class ServedClassifier:
    """A classifier that passed its checks and may be loaded.

    Args:
        version: of ``emotion-classifier``.
        keras_path: the ``.keras`` file on this machine.
        sha256: its checksum, verified.
        classes: emotions in the order of the model's outputs.
        study: it comes from.
        architecture: label in that study.
        trial: number within the architecture.
        metrics: of the checkpoint.
        tags: all tags of the version.
    """

    version: str
    keras_path: Path
    sha256: str
    classes: tuple[str, ...]
    study: str
    architecture: str
    trial: int
    metrics: dict[str, float]
    tags: dict[str, str]


def logged_classifier(client: Any, model_uri: str, sha256: str) -> Path:
    """Return the ``.keras`` file of a logged model that is to be registered, checked.

    Args:
        client: an ``mlflow.MlflowClient``.
        model_uri: ``models:/m-...``.
        sha256: as training recorded it.

    Raises:
        NotFoundError: its files are gone.
        IntegrityError: it is not what was trained, or could run code when loaded.
    """
    model = client.get_logged_model(model_uri.removeprefix("models:/"))
    folder = fetch(client, model.artifact_location, f"the model of run {model.source_run_id}")
    return check_classifier_folder(folder, sha256)


def members_of(tags: Mapping[str, str]) -> tuple[str, ...]:
    """Return the trials of an ensemble by the tags of its version; () of a single trial."""
    return tuple(name for name in tags.get(TAG_MEMBERS, "").split(", ") if name)


def over_seeds_of(tags: Mapping[str, str]) -> dict[str, Any]:
    """Return what a confirmation said of a version's configurations; {} where nothing is known."""
    return dict(json.loads(tags.get(TAG_OVER_SEEDS, "{}")))


def who_of(tags: Mapping[str, str]) -> str:
    """Return by its tags which trial, or trials, a version is, in words."""
    return who_serves(
        tags.get(TAG_STUDY, ""),
        tags.get(TAG_ARCHITECTURE, "unknown"),
        int(tags.get(TAG_TRIAL, -1)),
        members_of(tags),
        over_seeds_of(tags),
    )


def find_classifier(client: Any, model_uri: str, origin: Origin) -> Any | None:
    """Return MLflow's entry of the version that is this logged model; None if there is none."""
    for version in versions_of(client, CLASSIFIER):
        same = version.run_id == origin.run_id and version.tags.get(TAG_SHA256) == origin.sha256
        # A model that was logged anew has another id, and the version's files may be gone.
        if same and model_uri.removeprefix("models:/") in (version.source or ""):
            return version
    return None


def register_classifier(
    client: Any,
    model_uri: str,
    origin: Origin,
    alias: str | None = CHAMPION,
    tags: Mapping[str, str] = MappingProxyType({}),
) -> str:
    """Register a logged model as a version of ``emotion-classifier`` and return its number.

    Args:
        client: an ``mlflow.MlflowClient``.
        model_uri: ``models:/m-...``, as ``tracking.models.log_trial_model`` returns.
        origin: where it comes from.
        alias: moved to this version; None leaves aliases alone.
        tags: what else the version says; written over what a version that is there says of it.
    """
    there = find_classifier(client, model_uri, origin)
    if there is not None:
        number = str(there.version)
        for name, value in tags.items():
            if there.tags.get(name) != value:
                client.set_model_version_tag(CLASSIFIER, number, name, value)
    else:
        number = create_version(
            client,
            CLASSIFIER,
            _DESCRIPTIONS[CLASSIFIER],
            model_uri,
            origin.run_id,
            {**origin.tags(), **tags},
            origin.description(),
        )
    if alias is not None:
        point_alias(client, CLASSIFIER, alias, number)
    return number


def register_recommender(
    client: Any,
    model: str | Callable[[], str],
    classifier_version: str,
    tags: Mapping[str, str],
    run_id: str | None = None,
    alias: str | None = CHAMPION,
) -> str:
    """Register a logged model as a version of ``song-recommender`` and return its number.

    Args:
        client: an ``mlflow.MlflowClient``.
        model: ``models:/m-...`` or the address of a model folder; or what logs the model and
            returns that, called only if there is no such version yet.
        classifier_version: the version of ``emotion-classifier`` that it holds.
        tags: what else tells it from other versions, such as digests of songs and moods. A version
            with the same tags and classifier is not registered again, unless its files are gone.
        run_id: of the classifier's trial.
        alias: moved to this version; None leaves aliases alone.
    """
    wanted = {**tags, TAG_CLASSIFIER_VERSION: classifier_version}
    for version in versions_of(client, RECOMMENDER):
        if version.tags == wanted and not lacks_files(client, version):
            number = str(version.version)
            break
    else:
        number = create_version(
            client,
            RECOMMENDER,
            _DESCRIPTIONS[RECOMMENDER],
            model if isinstance(model, str) else model(),
            run_id,
            wanted,
            f"With version {classifier_version} of {CLASSIFIER}.",
        )
    if alias is not None:
        point_alias(client, RECOMMENDER, alias, number)
    return number


def load_champion(
    client: Any, which: str = CHAMPION, cache: Path | None = None
) -> ServedClassifier:
    """Return a version of ``emotion-classifier``, downloaded and checked, not loaded.

    Args:
        client: an ``mlflow.MlflowClient``.
        which: an alias or a version number.
        cache: folder for downloads from a server; by default a temporary one. Artifacts on this
            machine are used where they are.

    Raises:
        NotFoundError: there is no such version, or its files are gone.
        IntegrityError: it is not what was registered, or could run code when loaded.
    """
    version = find_version(client, CLASSIFIER, which)
    tags = dict(version.tags)
    missing = [t for t in (TAG_SHA256, TAG_CLASSES, TAG_STUDY, TAG_ARCHITECTURE) if t not in tags]
    if missing:
        raise IntegrityError(
            f"version {version.version} of {CLASSIFIER} was not registered by hpo",
            expected=f"the tags {', '.join(missing)}",
            got="none",
            hint="Promote a study (`hpo promote STUDY`)",
        )
    folder = fetch_folder(client, version, cache)
    return ServedClassifier(
        version=str(version.version),
        keras_path=check_classifier_folder(folder, tags[TAG_SHA256]),
        sha256=tags[TAG_SHA256],
        classes=tuple(json.loads(tags[TAG_CLASSES])),
        study=tags[TAG_STUDY],
        architecture=tags[TAG_ARCHITECTURE],
        trial=int(tags.get(TAG_TRIAL, -1)),
        metrics=json.loads(tags.get(TAG_METRICS, "{}")),
        tags=tags,
    )
