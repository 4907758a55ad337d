"""Nothing that could run code, and nothing but what was registered, is loaded."""

from __future__ import annotations

import hashlib
import zipfile
from pathlib import Path
from typing import Any

import pytest
import yaml

from hpo.registry.allowlist import check_classifier_folder
from hpo.spec.errors import IntegrityError

MLMODEL: dict[str, Any] = {
    "flavors": {
        "keras": {
            "data": "data",
            "keras_version": "3.15.1",
            "keras_backend": "tensorflow",
            "save_exported_model": False,
        },
        "python_function": {
            "loader_module": "mlflow.keras",
            "python_version": "3.11.7",
            "env": {"virtualenv": "python_env.yaml"},
        },
    }
}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    folder = tmp_path / "model"
    (folder / "data").mkdir(parents=True)
    with zipfile.ZipFile(folder / "data" / "model.keras", "w") as archive:
        for member in ("metadata.json", "config.json", "model.weights.h5"):
            archive.writestr(member, "{}")
    write(folder, MLMODEL)
    return folder


def write(folder: Path, mlmodel: Any) -> None:
    (folder / "MLmodel").write_text(yaml.safe_dump(mlmodel))


def sha256(folder: Path) -> str:
    return hashlib.sha256((folder / "data" / "model.keras").read_bytes()).hexdigest()


def changed(**flavors: dict[str, Any]) -> dict[str, Any]:
    merged = {name: {**MLMODEL["flavors"].get(name, {}), **f} for name, f in flavors.items()}
    return {"flavors": {**MLMODEL["flavors"], **merged}}


def test_what_we_log_passes(folder: Path) -> None:
    assert check_classifier_folder(folder, sha256(folder)) == folder / "data" / "model.keras"


def test_another_file_than_the_recorded_is_refused(folder: Path) -> None:
    with pytest.raises(IntegrityError, match="not the model that was registered"):
        check_classifier_folder(folder, "0" * 64)


@pytest.mark.parametrize(
    "mlmodel",
    [
        changed(python_function={"code": "code"}),
        changed(python_function={"loader_module": "evil"}),
        changed(python_function={"loader_module": "mlflow.pyfunc.model"}),
        changed(python_function={"model_code_path": "agent.py"}),
        changed(keras={"save_exported_model": True}),
        changed(keras={"data": "../elsewhere"}),
        changed(keras={"custom_objects": "x.cloudpickle"}),
        changed(sklearn={"pickled_model": "model.pkl"}),
        {"flavors": {"keras": MLMODEL["flavors"]["keras"]}},
        {"flavors": []},
        {"flavors": {"keras": None, "python_function": None}},
        ["no", "mapping"],
    ],
)
def test_an_mlmodel_that_could_run_code_is_refused(folder: Path, mlmodel: Any) -> None:
    write(folder, mlmodel)
    with pytest.raises(IntegrityError, match="not one that may be loaded"):
        check_classifier_folder(folder, sha256(folder))


@pytest.mark.parametrize("name", ["code/evil.py", "data/model.h5", "model.pkl", "sitecustomize.py"])
def test_a_file_that_does_not_belong_is_refused(folder: Path, name: str) -> None:
    (folder / name).parent.mkdir(exist_ok=True)
    (folder / name).write_text("")
    with pytest.raises(IntegrityError, match="may be loaded"):
        check_classifier_folder(folder, sha256(folder))


def test_links_are_refused(folder: Path) -> None:
    (folder / "requirements.txt").symlink_to("/etc/hostname")
    with pytest.raises(IntegrityError, match="a link"):
        check_classifier_folder(folder, sha256(folder))


def test_yaml_that_builds_objects_is_refused(folder: Path) -> None:
    (folder / "MLmodel").write_text("!!python/object/apply:os.system ['true']")
    with pytest.raises(IntegrityError, match="no YAML"):
        check_classifier_folder(folder, sha256(folder))


@pytest.mark.parametrize("missing", ["MLmodel", "data/model.keras"])
def test_a_missing_file_is_named(folder: Path, missing: str) -> None:
    recorded = sha256(folder)
    (folder / missing).unlink()
    with pytest.raises(IntegrityError, match=missing):
        check_classifier_folder(folder, recorded)


def test_a_file_that_is_no_keras_archive_is_refused(folder: Path) -> None:
    (folder / "data" / "model.keras").write_bytes(b"\x80\x04pickle")
    with pytest.raises(IntegrityError, match="no archive"):
        check_classifier_folder(folder, sha256(folder))
