"""A workspace knows its folders, makes none before it must, and refuses what it cannot write."""

from __future__ import annotations

from pathlib import Path

import pytest

from hpo.spec.errors import InputError
from hpo.spec.workspace import Workspace


def test_the_current_directory_is_the_default(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    assert Workspace.at().home == tmp_path.resolve()
    assert Workspace.at("below").home == tmp_path.resolve() / "below"


def test_a_home_may_be_named_with_a_tilde(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    assert Workspace.at("~/faces").home == tmp_path.resolve() / "faces"


def test_naming_folders_creates_nothing(tmp_path: Path) -> None:
    workspace = Workspace.at(tmp_path / "new")
    assert workspace.data.parent == workspace.home
    assert workspace.checkpoints.parent == workspace.runs
    assert workspace.reports.name == "reports"
    assert not workspace.home.exists()


def test_stores_are_two_sqlite_files_unless_told_otherwise(
    workspace: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("HPO_STORAGE", raising=False)
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    assert workspace.storage_url() == f"sqlite:///{workspace.runs}/optuna.db"
    assert workspace.tracking_uri() == f"sqlite:///{workspace.runs}/mlflow.db"
    monkeypatch.setenv("HPO_STORAGE", "postgresql://db/optuna")
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "http://127.0.0.1:5000")
    assert workspace.storage_url() == "postgresql://db/optuna"
    assert workspace.tracking_uri() == "http://127.0.0.1:5000"
    # A study file goes before the environment,
    assert workspace.storage_url("sqlite:///own.db") == "sqlite:///own.db"
    assert workspace.tracking_uri("sqlite:///own.db") == "sqlite:///own.db"
    # and what was given for this call before the study file.
    given = Workspace.at(workspace.home, storage="sqlite:///a.db", tracking="sqlite:///b.db")
    assert given.storage_url("sqlite:///own.db") == "sqlite:///a.db"
    assert given.tracking_uri("sqlite:///own.db") == "sqlite:///b.db"


def test_what_is_no_url_is_refused_without_showing_it(tmp_path: Path) -> None:
    for store in ("storage", "tracking"):
        with pytest.raises(InputError, match=f"--{store}: this is no URL") as caught:
            Workspace.at(tmp_path, **{store: "postgresql:/ada:secret@db/hpo"})
        assert "secret" not in str(caught.value)
        assert caught.value.exit_code == 2


def test_a_workspace_does_not_show_its_passwords(tmp_path: Path) -> None:
    assert "secret" not in repr(Workspace.at(tmp_path, storage="postgresql://ada:secret@db/hpo"))


def test_ensure_makes_the_folder_and_its_parents(workspace: Workspace) -> None:
    assert workspace.ensure(workspace.checkpoints / "study").is_dir()
    assert workspace.ensure(workspace.checkpoints / "study").is_dir()


def test_a_folder_below_a_file_is_refused_with_a_way_on(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    workspace = Workspace.at(tmp_path / "file")
    with pytest.raises(InputError, match=r"cannot write .* --home FOLDER") as caught:
        workspace.ensure(workspace.data)
    assert caught.value.exit_code == 2


def test_a_folder_without_permission_is_refused(
    workspace: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Root may write anywhere, so the refusal is the operating system's answer, set here.
    monkeypatch.setattr("os.access", lambda path, mode: False)
    with pytest.raises(InputError, match="no permission to write"):
        workspace.ensure(workspace.data)


def test_a_folder_that_cannot_be_made_is_told_by_the_one_above_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(self: Path, **how: bool) -> None:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(Path, "mkdir", refuse)
    with pytest.raises(InputError) as caught:
        Workspace.at(tmp_path).ensure(tmp_path / "there" / "data")
    assert caught.value.where == str(tmp_path)
