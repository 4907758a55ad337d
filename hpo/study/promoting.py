"""``promote``: a study's winner becomes the champion, and the recommender that answers with it."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import hpo
from hpo.spec.records import TrialRecord
from hpo.spec.workspace import Workspace
from hpo.study.naming import resolve_study

if TYPE_CHECKING:
    from hpo.data.store import FaceDataset


@dataclass(frozen=True)
class Promotion:
    """What was registered.

    Args:
        study: whose winner it is.
        architecture: its label there.
        trial: its number.
        objective: name of the objective.
        value: the objective on validation.
        classifier_version: of ``emotion-classifier``, now ``champion``.
        recommender_version: of ``song-recommender``, now ``champion``.
        catalogue: the songs that it recommends.
    """

    study: str
    architecture: str
    trial: int
    objective: str
    value: float
    classifier_version: str
    recommender_version: str
    catalogue: str

    def line(self) -> str:
        """Return it in a sentence."""
        return (
            f"emotion-classifier {self.classifier_version} ({self.architecture} #{self.trial} of "
            f"study {self.study}, {self.objective} {self.value:.4f}), answering in "
            f"song-recommender {self.recommender_version} with {self.catalogue}"
        )

    def to_json(self) -> dict[str, Any]:
        """Return it as plain data."""
        return dataclasses.asdict(self)


def promote(
    study: str | Path,
    *,
    workspace: Workspace | None = None,
    storage_url: str | None = None,
    tracking_uri: str | None = None,
    songs: str | None = None,
) -> Promotion:
    """Register a study's winner and move the alias ``champion`` to it; twice is once.

    The winner is the complete trial with the best objective on validation, over all architectures.

    Args:
        study: its name or its study file.
        workspace: where it is; the current directory by default.
        storage_url: of Optuna's storage, where it is not the workspace's.
        tracking_uri: of MLflow, where it is not the workspace's.
        songs: a song catalogue; the imported one by default, else the embedded one.

    Raises:
        NotFoundError: there is no such study, nothing to promote, or its checkpoint is gone.
        IntegrityError: the checkpoint is not the one that was trained.
        EnvironmentProblem: a store cannot be opened.
    """
    from hpo.data import library, store
    from hpo.registry import models as registry
    from hpo.registry.promotion import choose_winner
    from hpo.search.studies import read_spec, read_trials
    from hpo.study.models import log_model
    from hpo.tracking.store import open_client

    study, workspace = resolve_study(study, workspace)
    url = workspace.storage_url(storage_url)
    spec = read_spec(url, study)
    winner = choose_winner(read_trials(url, study), spec.objective.direction)
    dataset = store.open_faces(library.find_faces(workspace, spec.data.dataset))
    client = open_client(workspace.tracking_uri(tracking_uri), workspace.runs / "artifacts")
    model_uri = log_model(client, winner, dataset)
    version = registry.register_classifier(client, model_uri, _origin(winner, dataset))
    recommender, catalogue = _register_recommender(client, winner, version, workspace, songs)
    return Promotion(
        study=study,
        architecture=winner.architecture,
        trial=winner.number,
        objective=spec.objective.metric,
        value=winner.value or 0.0,
        classifier_version=version,
        recommender_version=recommender,
        catalogue=catalogue,
    )


def _origin(winner: TrialRecord, dataset: FaceDataset) -> Any:
    from hpo.registry.models import Origin

    assert winner.result is not None  # choose_winner has seen to it.
    return Origin(
        study=winner.study,
        architecture=winner.architecture,
        trial=winner.number,
        run_id=winner.mlflow_run_id,
        sha256=winner.result.checkpoint_sha256 or "",
        classes=dataset.classes,
        dataset_digest=dataset.digest,
        metrics=winner.result.metrics,
        version=hpo.__version__,
    )


def _register_recommender(
    client: Any, winner: TrialRecord, version: str, workspace: Workspace, songs: str | None
) -> tuple[str, str]:
    """Log and register the recommender unless the same one is there; return version, catalogue."""
    from hpo.data.songs import load_songs
    from hpo.recommender.moods import load_moods
    from hpo.recommender.publish import Pin, log_recommender
    from hpo.registry import models as registry

    frame = load_songs(workspace, songs)
    catalogue = str(frame.attrs["catalogue"])
    served = registry.load_champion(client, version)
    tags = {
        "hpo.study": winner.study,
        "hpo.trial": f"{winner.architecture}/{winner.number}",
        "hpo.catalogue": catalogue,
        "hpo.catalogue_digest": str(frame.attrs.get("digest", "")),
        "hpo.checkpoint_sha256": served.sha256,
        "hpo.version": hpo.__version__,
    }
    found = registry.find_recommender(client, version, tags)
    if found is None:
        pin = Pin(
            model=registry.CLASSIFIER,
            version=version,
            study=winner.study,
            trial=f"{winner.architecture}/{winner.number}",
            classes=served.classes,
        )
        logged = log_recommender(
            client,
            pin,
            Path(served.keras_path),
            frame,
            load_moods(None),
            winner.mlflow_run_id,
            catalogue=catalogue,
        )
        found = logged.uri
    number = registry.register_recommender(
        client, found, version, tags, run_id=winner.mlflow_run_id
    )
    return number, catalogue
