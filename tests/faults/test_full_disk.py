"""The disk that everything lies on is full for a while: the study waits for room and goes on."""

from __future__ import annotations

import os
import shutil
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml

from hpo.spec.workspace import Workspace
from hpo.study.doctor import doctor
from tests import loaded
from tests.faults.disks import small_disk
from tests.faults.studies import copied, elsewhere, study_of
from tests.faults.workers import states

TRIALS = 6


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[Path]:
    with small_disk(tmp_path / "disk", 24) as folder:
        yield folder


def fill(folder: Path) -> Path:
    """Take all room that is left."""
    filler = folder / "filler"
    with filler.open("wb", buffering=0) as file:
        for size in (1 << 20, 1 << 12):
            try:
                while True:
                    file.write(bytes(size))
            except OSError:
                continue
    assert shutil.disk_usage(folder).free < 1 << 13
    return filler


def test_a_study_waits_for_room_for_its_databases(template: Path, disk: Path) -> None:
    workspace: Workspace = copied(template, disk / "home")
    spec = study_of(TRIALS, promote=False)
    (workspace.home / "study.yaml").write_text(yaml.safe_dump(spec.to_plain()))
    process = loaded.begin(
        "tests.faults.cli",
        ["--home", str(workspace.home), "run", str(workspace.home / "study.yaml")],
        env={**os.environ, "HPO_TEST_PAUSE": "0.2"},
    )
    assert any("cnn #1 starts" in line for line in process.lines())
    filler = fill(disk)
    assert any("no room for the study's database" in line for line in process.lines())
    time.sleep(2.0)
    filler.unlink()
    _, told = process.communicate(timeout=120)
    assert process.returncode == 0, told
    assert "Traceback" not in told
    counted = states(workspace.storage_url())
    assert set(counted) <= {"COMPLETE", "FAIL"}, told
    assert counted.total() == TRIALS
    # What the full disk kept from MLflow comes with the trial's end, or by the doctor.
    elsewhere(doctor, "study", workspace=workspace, fix=True)
    assert elsewhere(doctor, "study", workspace=workspace).problems == []
