"""``hpo quickstart`` as a person types it: minutes, so outside CI (``pytest -m slow``)."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

pytestmark = [pytest.mark.keras, pytest.mark.slow]


def answer(*words: str, cwd: Path) -> Any:
    done = subprocess.run(
        [sys.executable, "-m", "hpo", *words, "--json"],
        capture_output=True,
        text=True,
        timeout=120,
        check=True,
        cwd=cwd,
    )
    return json.loads(done.stdout)


def test_it_ends_with_a_champion_songs_a_report_and_what_to_type_next(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "hpo", "quickstart"],
        capture_output=True,
        text=True,
        timeout=1800,
        check=False,
        cwd=tmp_path,
    )
    assert done.returncode == 0, done.stderr
    trials = answer("trials", "quickstart", cwd=tmp_path)
    by_architecture: dict[str, list[dict[str, Any]]] = {}
    for trial in trials:
        by_architecture.setdefault(trial["architecture"], []).append(trial)
    assert {name: len(rows) for name, rows in by_architecture.items()} == {
        "cnn": 3,
        "resnet50": 3,
        "xception": 3,
    }
    assert {trial["state"] for trial in trials} == {"complete", "pruned"}
    (hopeless,) = [trial for trial in trials if trial["params"]["learning_rate"] == 3.0]
    assert hopeless["state"] == "pruned"
    champion = answer("champion", cwd=tmp_path)
    assert champion["classifier"]["study"] == "quickstart"
    # Chance is 14 %: the small network has learned something in its minute.
    assert champion["classifier"]["metrics"]["val_accuracy"] > 0.4
    reports = tmp_path / "reports" / "quickstart"
    assert (reports / "index.html").is_file()
    (photo,) = answer("recommend", str(reports / "photo.png"), cwd=tmp_path)
    (face,) = photo["faces"]
    assert len(face["songs"]) == 5
    # Songs are data; what to type next is told to people, on standard error.
    told = done.stdout + done.stderr
    for said in ("photo.png: a ", "popularity", "hpo ui", "hpo recommend", "hpo data import"):
        assert said in told
