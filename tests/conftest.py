"""Fixtures that every test may use."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

from hpo.spec.workspace import Workspace
from tests.golden.files import Golden
from tests.stores import make_mlflow_tables

# The same examples in every run, so that a red build is red again; no deadline, because two busy
# cores stretch a millisecond to a second; no complaint about slow drawing, for the same reason.
settings.register_profile(
    "repeatable",
    deadline=None,
    derandomize=True,
    suppress_health_check=[HealthCheck.too_slow],
)
settings.load_profile("repeatable")


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--update-golden", action="store_true", help="Write the files of tests/golden anew."
    )


@pytest.fixture
def workspace(tmp_path: Path) -> Workspace:
    return Workspace.at(tmp_path / "workspace")


@pytest.fixture(scope="session")
def golden(request: pytest.FixtureRequest) -> Golden:
    return Golden(update=request.config.getoption("--update-golden"))


@pytest.fixture(scope="session")
def shared_data() -> Path:
    folder = Path(__file__).resolve().parents[2] / "shared" / "data"
    if not folder.is_dir():
        pytest.skip(
            f"the real faces and songs are not beside this checkout ({folder.name}/ absent)"
        )
    return folder


@pytest.fixture(scope="session")
def mlflow_tables(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An MLflow database without anything in it, to copy."""
    made = tmp_path_factory.mktemp("mlflow") / "mlflow.db"
    make_mlflow_tables(made)
    return made


@pytest.fixture(scope="session")
def faces(tmp_path_factory: pytest.TempPathFactory, mlflow_tables: Path) -> Path:
    """A workspace to copy, of a handful of drawn faces and MLflow's tables; nothing is trained."""
    from hpo.data.drawn import dataset

    home = tmp_path_factory.mktemp("faces")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(dataset, "SPLIT_SIZES", {"train": 14, "validation": 7, "test": 7})
        dataset.write_dataset(home / "data" / dataset.DATASET_NAME)
    (home / "mlruns").mkdir()
    shutil.copy(mlflow_tables, home / "mlruns" / "mlflow.db")
    return home
