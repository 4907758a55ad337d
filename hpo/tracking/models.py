"""Models in MLflow: logging a trial's checkpoint as it is, and keeping the best few.

The ``.keras`` file that training wrote is copied byte for byte, so that its recorded sha256 stays
true from trial to recommender. ``mlflow.keras.log_model`` would load Keras (10 s), save the model
anew under other bytes, and validate the example by a prediction; the folder it makes is a handful
of small files, written here by mlflow's own classes, and ``mlflow.keras.load_model`` and
``mlflow models serve`` read it the same. No pickle is involved, and no process is started.
"""

from __future__ import annotations

import hashlib
import shutil
import tempfile
from collections.abc import Collection, Mapping, Sequence
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote, urlsplit

from hpo.spec.errors import IntegrityError, NotFoundError
from hpo.tracking import names

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

REQUIREMENTS = ("keras", "tensorflow", "numpy")


def log_trial_model(
    client: Any,
    run_id: str,
    checkpoint: Path,
    sha256: str,
    example: NDArray[np.generic],
    classes: Sequence[str],
    requirements: Sequence[str] = REQUIREMENTS,
    backend: str = "tensorflow",
) -> str:
    """Log a trial's checkpoint as an MLflow model and return its URI, ``models:/m-...``.

    A run has one model at most: with the same checksum it is kept, and the checkpoint not asked
    for; one with another checksum is replaced.

    Args:
        client: from ``store.open_client``.
        run_id: of the trial.
        checkpoint: the ``.keras`` file.
        sha256: its checksum as training recorded it.
        example: some faces, shape ``(n, height, width, channels)``, with the values and dtype that
            the model takes; the signature follows from it.
        classes: what the model's outputs stand for, in order.
        requirements: packages to pin at their installed versions.
        backend: Keras's, recorded for the reader.

    Raises:
        NotFoundError: the checkpoint is gone, and MLflow has no copy.
        IntegrityError: the checkpoint is not the one that was trained.
    """
    run = client.get_run(run_id)
    others = []
    for model in run_models(client, run):
        if model.tags.get(names.CHECKPOINT_SHA256) == sha256 and model.status == "READY":
            return f"models:/{model.model_id}"
        others.append(model)
    if not checkpoint.is_file():
        raise NotFoundError(
            "the trial's checkpoint is gone, and MLflow has no copy of it",
            expected=f"a file with sha256 {sha256[:12]}...",
            where=str(checkpoint),
            hint="Put the file back from a copy; no other trial is taken in its place",
        )
    check_sha256(checkpoint, sha256)
    for model in others:
        delete_model(client, model)
    tags = {
        key: run.data.tags[key]
        for key in (names.STUDY, names.ARCHITECTURE, names.TRIAL, names.DATASET_DIGEST)
        if key in run.data.tags
    }
    tags |= {names.CHECKPOINT_SHA256: sha256, names.CLASSES: ", ".join(classes)}
    with tempfile.TemporaryDirectory(prefix="hpo-") as scratch:
        folder = Path(scratch) / names.MODEL_NAME

        def fill(model_id: str) -> None:
            metadata = {"sha256": sha256, "classes": list(classes)}
            write_keras_model(
                folder, checkpoint, example, len(classes), metadata, requirements, backend,
                run_id=run_id, model_id=model_id,
            )  # fmt: skip

        return log_model_folder(client, run, names.MODEL_NAME, folder, tags, fill)


def write_keras_model(
    folder: Path,
    checkpoint: Path,
    example: NDArray[np.generic],
    outputs: int,
    metadata: Mapping[str, Any],
    requirements: Sequence[str],
    backend: str,
    run_id: str | None = None,
    model_id: str | None = None,
) -> None:
    """Write an MLflow model folder around a ``.keras`` file, as ``mlflow.keras.save_model`` does.

    Args:
        folder: made here; must not exist.
        checkpoint: copied to ``data/model.keras``.
        example: faces, shape ``(n, height, width, channels)``.
        outputs: number of classes; the signature's output is ``(-1, outputs)`` float32.
        metadata: kept in the MLmodel file.
        requirements: packages to pin.
        backend: Keras's.
        run_id: of the run that trained it.
        model_id: of the logged model.
    """
    import numpy as np
    from mlflow import pyfunc
    from mlflow.models import Model, ModelSignature
    from mlflow.models.utils import _save_example
    from mlflow.types.schema import Schema, TensorSpec

    (folder / "data").mkdir(parents=True)
    shutil.copyfile(checkpoint, folder / "data" / "model.keras")
    (folder / "data" / "keras_module.txt").write_text("keras")
    model = Model(
        run_id=run_id,
        model_id=model_id,
        model_uuid=model_id,
        metadata=dict(metadata),
        signature=ModelSignature(
            inputs=Schema([TensorSpec(np.dtype(example.dtype), (-1, *example.shape[1:]))]),
            outputs=Schema([TensorSpec(np.dtype("float32"), (-1, outputs))]),
        ),
    )
    _save_example(model, example, str(folder))
    model.add_flavor(
        "keras",
        data="data",
        keras_version=_installed("keras"),
        keras_backend=backend,
        save_exported_model=False,
    )
    pyfunc.add_to_model(
        model, loader_module="mlflow.keras", conda_env="conda.yaml", python_env="python_env.yaml"
    )
    _write_environment(folder, requirements)
    model.model_size_bytes = sum(f.stat().st_size for f in folder.rglob("*") if f.is_file())
    model.save(str(folder / "MLmodel"))


def _write_environment(folder: Path, requirements: Sequence[str]) -> None:
    """Write the three files that say what a server must install, without inferring any of it."""
    import yaml
    from mlflow.utils.environment import _mlflow_conda_env, _PythonEnv

    pinned = [f"mlflow=={_installed('mlflow')}"]
    pinned += [f"{name}=={_installed(name)}" for name in requirements if name != "mlflow"]
    (folder / "requirements.txt").write_text("\n".join(pinned) + "\n")
    with (folder / "conda.yaml").open("w") as file:
        yaml.safe_dump(_mlflow_conda_env(additional_pip_deps=pinned, install_mlflow=False), file)
    _PythonEnv.current().to_yaml(str(folder / "python_env.yaml"))


def _installed(package: str) -> str:
    try:
        return version(package)
    except PackageNotFoundError as error:
        raise NotFoundError(f"the model needs '{package}', which is not installed") from error


def log_model_folder(
    client: Any,
    run: Any,
    name: str,
    folder: Path,
    tags: Mapping[str, str],
    fill: Any = None,
) -> str:
    """Log a folder that holds an MLmodel file as a model of ``run``; return ``models:/m-...``.

    Args:
        client: from ``store.open_client``.
        run: from ``client.get_run``.
        name: of the model among the run's.
        folder: what to upload.
        tags: of the logged model.
        fill: called with the new model's id before the upload, to write it into the folder.
    """
    from mlflow.entities import LoggedModelOutput

    model = client.create_logged_model(
        run.info.experiment_id,
        name=name,
        source_run_id=run.info.run_id,
        tags=dict(tags),
        params=dict(run.data.params),
    )
    try:
        if fill is not None:
            fill(model.model_id)
        client.log_model_artifacts(model.model_id, str(folder))
        client.finalize_logged_model(model.model_id, "READY")
    except BaseException:
        client.finalize_logged_model(model.model_id, "FAILED")
        delete_model(client, model)
        raise
    client.log_outputs(run.info.run_id, [LoggedModelOutput(model.model_id, step=0)])
    _repeat_metrics(client, run, model.model_id)
    return f"models:/{model.model_id}"


def _repeat_metrics(client: Any, run: Any, model_id: str) -> None:
    """Tell the run's summary again for its model, which MLflow's list of models then shows."""
    from mlflow.entities import Metric

    shown = (names.METRIC_OBJECTIVE, names.BEST_PREFIX)
    points = [
        Metric(p.key, p.value, p.timestamp, p.step, model_id=model_id, run_id=run.info.run_id)
        for name in run.data.metrics
        if name.startswith(shown)
        for p in client.get_metric_history(run.info.run_id, name)[-1:]
    ]
    client.log_batch(run.info.run_id, metrics=points)


def run_models(client: Any, run: Any) -> list[Any]:
    """Return a run's logged checkpoints that were not deleted; other models of it are not ours."""
    found = client.search_logged_models(
        [run.info.experiment_id], filter_string=f"source_run_id = '{run.info.run_id}'"
    )
    return [model for model in found if model.name == names.MODEL_NAME]


def prune_models(client: Any, study: str, keep_run_ids: Collection[str]) -> list[str]:
    """Delete the checkpoints of runs outside ``keep_run_ids``; return the ids of those runs.

    What a registered version points to stays, whatever its rank; so do models of other names.

    Args:
        client: from ``store.open_client``.
        study: whose experiment to look at; nothing happens if there is none.
        keep_run_ids: runs of the best trials.
    """
    experiment = client.get_experiment_by_name(study)
    if experiment is None:
        return []
    # A database's versions do not say their model's id, but both forms of a source hold it.
    sources = [version.source or "" for version in registered_versions(client)]
    pruned = []
    for model in list_models(client, experiment.experiment_id):
        registered = any(model.model_id in source for source in sources)
        if registered or model.name != names.MODEL_NAME or model.source_run_id in keep_run_ids:
            continue
        delete_model(client, model)
        pruned.append(str(model.source_run_id))
    return pruned


def list_models(client: Any, experiment_id: str) -> list[Any]:
    """Return all logged models of an experiment that were not deleted."""
    found: list[Any] = []
    token = None
    while True:
        page = client.search_logged_models([experiment_id], max_results=50, page_token=token)
        found.extend(page)
        token = page.token
        if not token:
            return found


def registered_versions(client: Any) -> list[Any]:
    """Return every version of every registered model."""
    found: list[Any] = []
    token = None
    while True:
        page = client.search_model_versions(max_results=200, page_token=token)
        found.extend(page)
        token = page.token
        if not token:
            return found


def delete_model(client: Any, model: Any) -> None:
    """Delete a logged model: its files where they are on this machine, and its entry.

    A database behind us forgets it entirely; a server marks it for its own ``mlflow gc``.
    """
    client.delete_logged_model(model.model_id)
    folder = local_folder(model.artifact_location)
    if folder is not None:
        shutil.rmtree(folder, ignore_errors=True)
        if folder.name == "artifacts" and folder.parent.name == model.model_id:
            shutil.rmtree(folder.parent, ignore_errors=True)
    store = client._tracking_client.store
    if hasattr(store, "_hard_delete_logged_model"):
        store._hard_delete_logged_model(model.model_id)


def local_folder(location: str | None) -> Path | None:
    """Return the folder behind an artifact location; None if it is not on this machine."""
    if not location:
        return None
    parts = urlsplit(location)
    if parts.scheme == "":
        return Path(location)
    if parts.scheme == "file" and parts.netloc in ("", "localhost"):
        return Path(unquote(parts.path))
    return None


def check_sha256(file: Path, sha256: str) -> None:
    """Compare a file with its recorded checksum.

    Raises:
        IntegrityError: it differs.
    """
    with file.open("rb") as stream:
        found = hashlib.file_digest(stream, "sha256").hexdigest()
    if found != sha256:
        raise IntegrityError(
            "this is not the file that was recorded",
            where=str(file),
            expected=f"sha256 {sha256[:16]}…",
            got=f"{found[:16]}…",
        )
