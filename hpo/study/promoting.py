"""``promote``: a study's winner becomes the champion, and the recommender that answers with it."""

from __future__ import annotations

import dataclasses
import hashlib
import os
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import hpo
from hpo.spec.errors import InputError
from hpo.spec.records import TrialRecord
from hpo.spec.study import StudySpec
from hpo.spec.workspace import Workspace
from hpo.study.champions import champion_now, check_answers, warnings
from hpo.study.ensembles import Members, choose_members, doubts
from hpo.study.naming import resolve_study
from hpo.study.promoted import Promotion

if TYPE_CHECKING:
    import pandas as pd

    from hpo.data.store import FaceDataset
    from hpo.recommender.moods import MoodTable
    from hpo.registry.models import Origin


def promote(
    study: str | Path,
    *,
    workspace: Workspace | None = None,
    storage_url: str | None = None,
    tracking_uri: str | None = None,
    songs: str | None = None,
    moods: str | os.PathLike[str] | None = None,
    ensemble: int | None = None,
) -> Promotion:
    """Register a study's winner and move the alias ``champion`` to it; twice is once.

    The winner is the complete trial with the best objective on validation, over all architectures;
    or, as an ensemble, the mean of the best few, judged by predicting the validation faces.
    One that is no better than chance, or than the champion before it, is registered all the same;
    the promotion's ``warnings`` say so.

    Args:
        study: its name or its study file.
        workspace: where it is; the current directory by default.
        storage_url: of Optuna's storage, where it is not the workspace's.
        tracking_uri: of MLflow, where it is not the workspace's.
        songs: a song catalogue; the imported one by default, else the embedded one.
        moods: a YAML table from emotion to mood, in place of the shipped one.
        ensemble: how many of the best trials answer together; what the study file says by default,
            1 for the winner alone.

    Raises:
        InputError: ``ensemble`` is under 1.
        NotFoundError: there is no such study, catalogue or table, nothing to promote, its
            checkpoint is gone, or an ensemble would have fewer than two members.
        DataError: songs and moods do not go together, or the faces at hand are not those that the
            study was run on and its model is not in MLflow yet.
        SpecError: the winner's answers are no probabilities.
        IntegrityError: the checkpoint is not the one that was trained.
        EnvironmentProblem: a store cannot be opened.
    """
    from hpo.registry import models as registry
    from hpo.registry.promotion import choose_winner
    from hpo.search.studies import read_dataset_digest, read_spec, read_trials
    from hpo.tracking.store import open_client

    study, workspace = resolve_study(study, workspace)
    url = workspace.storage_url(storage_url)
    spec = read_spec(url, study)
    records = read_trials(url, study)
    winner = choose_winner(records, spec.objective.direction)
    count = spec.ensemble if ensemble is None else ensemble
    if count < 1:
        raise InputError("an ensemble has a member at least", expected="1 or more", got=str(count))
    # Before anything is registered: what was given may be wrong.
    answering = _answering(workspace, songs, moods)
    client = open_client(workspace.tracking_uri(tracking_uri), workspace.runs / "artifacts")
    digest = read_dataset_digest(url, study)
    said: list[str] = []
    single = None
    if count > 1:
        members = choose_members(client, records, spec, count)
        winner, origin, model_uri = _ensemble(client, members, workspace, spec, digest)
        single = members.records[0].value
        said += doubts(members, winner, spec, count)
    else:
        origin, model_uri = _classifier(client, winner, workspace, spec.data.dataset, digest)
    title = f"{study}/{winner.architecture}/{winner.number}"
    check_answers(registry.logged_classifier(client, model_uri, origin.sha256), title)
    metric = spec.objective.metric
    before = champion_now(client, metric)
    version = registry.register_classifier(client, model_uri, origin)
    replaced = None if before is None or before.version == version else before
    return Promotion(
        study=study,
        architecture=winner.architecture,
        trial=winner.number,
        objective=metric,
        value=winner.value or 0.0,
        classifier_version=version,
        recommender_version=_register_recommender(client, winner, version, answering),
        catalogue=answering.catalogue,
        members=origin.members,
        single=single,
        faces=sum(map(sum, winner.result.confusion)) if winner.result else 0,
        replaced=replaced,
        warnings=(
            *said,
            *warnings(winner, metric, spec.objective.direction, origin.dataset_digest, replaced),
        ),
    )


def _ensemble(
    client: Any, members: Members, workspace: Workspace, spec: StudySpec, recorded: str
) -> tuple[TrialRecord, Origin, str]:
    """Return an ensemble as if it were its best member's trial, its origin and its model in MLflow.

    Args:
        client: of MLflow.
        members: of the ensemble.
        workspace: where the faces are.
        spec: of the study.
        recorded: the digest of the faces; "" if the study did not record it.
    """
    from hpo.registry.models import Origin
    from hpo.study.ensembles import find_or_build

    best = members.records[0]
    assert best.result is not None  # choose_members has seen to it.
    logged = find_or_build(
        client, members, spec, lambda: _same_faces(workspace, spec.data.dataset, recorded)
    )
    result = dataclasses.replace(
        best.result,
        value=logged.metrics[spec.objective.metric],
        metrics=logged.metrics,
        confusion=logged.confusion,
        checkpoint_sha256=logged.sha256,
    )
    origin = Origin(
        study=best.study,
        architecture=best.architecture,
        trial=best.number,
        run_id=best.mlflow_run_id,
        sha256=logged.sha256,
        classes=logged.classes,
        dataset_digest=recorded,
        metrics=logged.metrics,
        version=hpo.__version__,
        members=logged.members,
    )
    return dataclasses.replace(best, value=result.value, result=result), origin, logged.uri


def _classifier(
    client: Any, winner: TrialRecord, workspace: Workspace, dataset_name: str, recorded: str
) -> tuple[Origin, str]:
    """Return where the winner comes from and its model in MLflow, logged if need be.

    Args:
        client: of MLflow.
        winner: the trial.
        workspace: where the faces are.
        dataset_name: what the study was run on.
        recorded: the digest of those faces; "" if the study did not record it.
    """
    from hpo.registry.models import Origin
    from hpo.study.models import find_model, log_model

    found = find_model(client, winner)
    if found is not None:
        model_uri, classes = found
    else:
        # The model's example and classes come from the faces.
        dataset = _same_faces(workspace, dataset_name, recorded)
        model_uri, classes = log_model(client, winner, dataset), dataset.classes
        recorded = recorded or dataset.digest
    assert winner.result is not None  # choose_winner has seen to it.
    origin = Origin(
        study=winner.study,
        architecture=winner.architecture,
        trial=winner.number,
        run_id=winner.mlflow_run_id,
        sha256=winner.result.checkpoint_sha256 or "",
        classes=classes,
        dataset_digest=recorded,
        metrics=winner.result.metrics,
        version=hpo.__version__,
    )
    return origin, model_uri


def _same_faces(workspace: Workspace, name: str, recorded: str) -> FaceDataset:
    from hpo.data import library, store
    from hpo.spec.errors import DataError

    dataset = store.open_faces(library.find_faces(workspace, name))
    if recorded and dataset.digest != recorded:
        raise DataError(
            f"dataset '{name}' has changed since the study was run, and its winner's model, which "
            "MLflow does not have yet, is logged with an example of the faces that it was "
            "trained on",
            where=str(dataset.folder),
            expected=f"digest {recorded.removeprefix('sha256:')[:12]}",
            got=f"digest {dataset.digest.removeprefix('sha256:')[:12]}",
            hint="Import the faces that the study was run on again, then promote",
        )
    return dataset


@dataclass(frozen=True)
class _Answering:
    """What a recommender answers with: songs, and the moods that choose among them."""

    songs: pd.DataFrame
    catalogue: str
    moods: MoodTable

    def tags(self) -> dict[str, str]:
        from hpo.registry import models as registry

        return {
            registry.TAG_CATALOGUE: self.catalogue,
            registry.TAG_CATALOGUE_DIGEST: str(self.songs.attrs.get("digest", "")),
            registry.TAG_MOODS_DIGEST: "sha256:"
            + hashlib.sha256(self.moods.to_yaml().encode("utf-8")).hexdigest(),
        }


def _answering(
    workspace: Workspace, songs: str | None, moods: str | os.PathLike[str] | None
) -> _Answering:
    from hpo.data.songs import load_songs
    from hpo.recommender.moods import load_moods

    table = load_moods(moods)
    frame = load_songs(workspace, songs)
    catalogue = str(frame.attrs["catalogue"])
    known = frame["mood"].astype(str).unique()
    return _Answering(frame, catalogue, table.matched(known, catalogue))


def _register_recommender(
    client: Any, winner: TrialRecord, version: str, answering: _Answering
) -> str:
    """Register the recommender, logged unless the same one is there, and return its version."""
    from hpo.recommender.publish import Pin, log_recommender
    from hpo.registry import models as registry

    served = registry.load_champion(client, version)
    trial = f"{winner.architecture}/{winner.number}"
    tags = {
        registry.TAG_STUDY: winner.study,
        registry.TAG_TRIAL: trial,
        **answering.tags(),
        registry.TAG_SHA256: served.sha256,
        registry.TAG_VERSION: hpo.__version__,
    }
    if registry.TAG_MEMBERS in served.tags:
        tags[registry.TAG_MEMBERS] = served.tags[registry.TAG_MEMBERS]

    def log() -> str:
        logged = log_recommender(
            client,
            Pin(registry.CLASSIFIER, version, winner.study, trial, served.classes),
            Path(served.keras_path),
            answering.songs,
            answering.moods,
            winner.mlflow_run_id,
            catalogue=answering.catalogue,
        )
        return logged.uri

    return registry.register_recommender(client, log, version, tags, run_id=winner.mlflow_run_id)
