"""What docs/python.md shows runs as it stands there."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

PAGE = Path(__file__).parents[2] / "docs" / "python.md"
BLOCK = re.compile(r"^```python\n(.*?)^```", re.MULTILINE | re.DOTALL)
TIMEOUT_SECONDS = 240


def test_the_code_of_the_python_page_runs_a_study_and_draws_it(tmp_path: Path) -> None:
    script = tmp_path / "shown.py"
    script.write_text("\n".join(BLOCK.findall(PAGE.read_text("utf-8"))), encoding="utf-8")
    apart = {"HPO_STORAGE", "MLFLOW_TRACKING_URI"}
    ended = subprocess.run(
        [sys.executable, str(script)],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=TIMEOUT_SECONDS,
        env={name: value for name, value in os.environ.items() if name not in apart},
    )
    assert ended.returncode == 0, ended.stderr[-2000:]
    best, *trials, page = ended.stdout.splitlines()
    assert best.startswith("cnn ")
    assert [line.split()[:2] for line in trials] == [["0", "complete"], ["1", "complete"]]
    assert Path(page).is_file()
    import optuna

    told = re.search(r'study_name="([^"]+)", storage="([^"]+)"', PAGE.read_text("utf-8"))
    assert told
    storage = told[2].replace("sqlite:///", f"sqlite:///{tmp_path}/")
    assert len(optuna.load_study(study_name=told[1], storage=storage).trials) == 2
