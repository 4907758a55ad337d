"""What a served model's folder may hold, checked before anything of it is loaded.

Loading an MLflow model can run code: ``code`` paths are put on ``sys.path``, ``loader_module`` is
imported, other flavours unpickle. So a classifier's folder must be exactly what we log: a
``.keras`` file, a few text files, and an MLmodel that names ``mlflow.keras`` and nothing else.
"""

from __future__ import annotations

import hashlib
import zipfile
from pathlib import Path
from typing import Any

import yaml

from hpo.spec.errors import IntegrityError

KERAS_FILE = "data/model.keras"

_FILES = {
    *("MLmodel", "conda.yaml", "python_env.yaml", "requirements.txt"),
    *("input_example.json", "serving_input_example.json"),
    *("data/keras_module.txt", KERAS_FILE),
}
_PYFUNC_KEYS = {"loader_module", "python_version", "env"}
_KERAS_KEYS = {"data", "keras_version", "keras_backend", "save_exported_model"}
_ARCHIVE_MEMBERS = {"metadata.json", "config.json", "model.weights.h5"}


def check_classifier_folder(folder: Path, sha256: str) -> Path:
    """Return the ``.keras`` file of a model folder that passed every check.

    Args:
        folder: a downloaded MLflow model.
        sha256: the checksum that was recorded when the model was registered.

    Raises:
        IntegrityError: a file that does not belong, an MLmodel that could run code, or a
            ``.keras`` file other than the recorded one.
    """
    _check_files(folder)
    _check_mlmodel(folder / "MLmodel")
    keras_file = folder / KERAS_FILE
    _check_checksum(keras_file, sha256)
    _check_archive(keras_file)
    return keras_file


def _check_files(folder: Path) -> None:
    found = set()
    for path in folder.rglob("*"):
        name = path.relative_to(folder).as_posix()
        if path.is_symlink():
            raise _refused(path, "a link", "plain files")
        if path.is_file():
            found.add(name)
    strange = sorted(found - _FILES)
    if strange:
        raise _refused(folder / strange[0], "a file that no classifier has", ", ".join(_FILES))
    for needed in ("MLmodel", KERAS_FILE):
        if needed not in found:
            raise _refused(folder / needed, "nothing", f"the file {needed}")


def _check_mlmodel(path: Path) -> None:
    try:
        model: Any = yaml.safe_load(path.read_text(encoding="utf-8"))
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise _refused(path, "a file that is no YAML", "an MLmodel file") from error
    flavors = model.get("flavors") if isinstance(model, dict) else None
    if not isinstance(flavors, dict) or set(flavors) != {"keras", "python_function"}:
        listed = ", ".join(map(str, flavors)) if isinstance(flavors, dict) else "none"
        raise _refused(path, f"flavors {listed}", "the flavors keras and python_function")
    pyfunc, keras = flavors["python_function"], flavors["keras"]
    if not isinstance(pyfunc, dict) or pyfunc.get("loader_module") != "mlflow.keras":
        raise _refused(path, "another loader_module", "loader_module mlflow.keras")
    if not isinstance(keras, dict) or keras.get("data") != "data":
        raise _refused(path, "other data", "a keras flavor with data in data/")
    # MLflow's Model.add_flavor writes 'code' even when it is empty.
    strange = {k for k, v in pyfunc.items() if k not in _PYFUNC_KEYS and v is not None}
    strange |= {k for k, v in keras.items() if k not in _KERAS_KEYS and v is not None}
    if strange:
        raise _refused(path, f"the keys {', '.join(sorted(strange))}", "nothing that runs code")
    if keras.get("save_exported_model"):
        raise _refused(path, "an exported TensorFlow program", "a .keras file")


def _check_checksum(path: Path, sha256: str) -> None:
    with path.open("rb") as stream:
        found = hashlib.file_digest(stream, "sha256").hexdigest()
    if found != sha256:
        raise IntegrityError(
            "this is not the model that was registered",
            where=str(path),
            expected=f"sha256 {sha256[:16]}…",
            got=f"{found[:16]}…",
            hint="The file was changed or damaged; promote the study again",
        )


def _check_archive(path: Path) -> None:
    try:
        with zipfile.ZipFile(path) as archive:
            members = set(archive.namelist())
    except zipfile.BadZipFile as error:
        raise _refused(path, "a file that is no archive", "a .keras file") from error
    strange = {m for m in members - _ARCHIVE_MEMBERS if not m.startswith("assets/")}
    if strange or not members >= _ARCHIVE_MEMBERS:
        raise _refused(path, ", ".join(sorted(members)), ", ".join(sorted(_ARCHIVE_MEMBERS)))


def _refused(path: Path, got: str, expected: str) -> IntegrityError:
    return IntegrityError(
        "the registered model is not one that may be loaded",
        where=str(path),
        expected=expected,
        got=got,
        hint="Promote the study again, or choose another version",
    )
