"""Ensembles in MLflow: models that are made of several trials', beside the run of the best one."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from hpo.tracking import names
from hpo.tracking.logged_models import list_models
from hpo.tracking.model_folder import REQUIREMENTS, check_sha256, write_keras_model
from hpo.tracking.models import log_model_folder

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

NAME = "ensemble"
"""Of the logged model; a trial's own is called otherwise, and neither takes the other's place."""
_WITHOUT_COPIES = ("confusion_without_copies", "validation_size_without_copies")


@dataclass(frozen=True)
class LoggedEnsemble:
    """An ensemble in MLflow.

    Args:
        uri: ``models:/m-...``.
        sha256: of its ``.keras`` file.
        members: its trials, such as ``cnn/7``, the best first.
        classes: what its outputs stand for, in order.
        metrics: on the validation faces, by really predicting them.
        confusion: rows true, columns predicted, likewise.
        confusion_without_copies: the same over the faces that training has no copy of; [] where
            that is all of them, or was not recorded.
        validation_size_without_copies: how many these are; None where that was not recorded.
    """

    uri: str
    sha256: str
    members: tuple[str, ...]
    classes: tuple[str, ...]
    metrics: dict[str, float]
    confusion: list[list[int]]
    confusion_without_copies: list[list[int]] = field(default_factory=list)
    validation_size_without_copies: int | None = None


def find_ensemble(client: Any, run_id: str, members: Sequence[str]) -> LoggedEnsemble | None:
    """Return the ensemble of exactly these members; None if it was not logged, or not to its end.

    Args:
        client: from ``store.open_client``.
        run_id: of the best member.
        members: such as ``cnn/7``, the best first.
    """
    run = client.get_run(run_id)
    for model in list_models(client, run.info.experiment_id):
        tags = model.tags
        same = model.source_run_id == run_id and tags.get(names.MEMBERS) == ", ".join(members)
        if model.name == NAME and same and model.status == "READY":
            facts = json.loads(tags[names.ENSEMBLE])
            return LoggedEnsemble(
                f"models:/{model.model_id}",
                tags[names.CHECKPOINT_SHA256],
                tuple(members),
                tuple(tags[names.CLASSES].split(", ")),
                facts["metrics"],
                facts["confusion"],
                **{name: facts[name] for name in _WITHOUT_COPIES if name in facts},
            )
    return None


def log_ensemble(
    client: Any,
    run_id: str,
    members: Sequence[str],
    built: Mapping[str, Any],
    example: NDArray[np.generic],
    classes: Sequence[str],
    backend: str,
) -> LoggedEnsemble:
    """Log an ensemble's file as a model of the run of its best member.

    Args:
        client: from ``store.open_client``.
        run_id: of the best member.
        members: such as ``cnn/7``, the best first.
        built: as ``training.ensemble.build`` returns it.
        example: some faces, ``(n, height, width, channels)``.
        classes: what the outputs stand for, in order.
        backend: Keras's, recorded for the reader.

    Raises:
        IntegrityError: the file is not the one that was built.
    """
    run = client.get_run(run_id)
    checkpoint, sha256 = Path(built["checkpoint"]), str(built["sha256"])
    check_sha256(checkpoint, sha256)
    facts = {"metrics": built["metrics"], "confusion": built["confusion"]}
    alone = {name: built[name] for name in _WITHOUT_COPIES if name in built}
    facts |= alone
    tags = {
        key: run.data.tags[key]
        for key in (names.STUDY, names.DATASET_DIGEST)
        if key in run.data.tags
    }
    tags |= {
        names.MEMBERS: ", ".join(members),
        names.ENSEMBLE: json.dumps(facts, sort_keys=True),
        names.CHECKPOINT_SHA256: sha256,
        names.CLASSES: ", ".join(classes),
    }
    with tempfile.TemporaryDirectory(prefix="hpo-") as scratch:
        folder = Path(scratch) / NAME

        def fill(model_id: str) -> None:
            metadata = {"sha256": sha256, "classes": list(classes), "members": list(members)}
            write_keras_model(
                folder, checkpoint, example, len(classes), metadata, REQUIREMENTS, backend,
                run_id=run_id, model_id=model_id,
            )  # fmt: skip

        params = {"members": ", ".join(members)}
        uri = log_model_folder(
            client, run, NAME, folder, tags, fill, params=params, repeat_metrics=False
        )
    return LoggedEnsemble(
        uri, sha256, tuple(members), tuple(classes), dict(built["metrics"]), built["confusion"],
        **alone,
    )  # fmt: skip
