"""A program: a study through its launcher, with an analytic objective in training's place.

``python -m tests.faults.launching FILE HOME [--resume]`` prints the outcome as JSON.
"""

from __future__ import annotations

import json
import os
import secrets
import shutil
import sys
from pathlib import Path
from typing import Any

from hpo.cli.live import Lines
from hpo.spec.errors import HpoError
from hpo.spec.workspace import Workspace
from hpo.study.planning import plan
from hpo.study.running import StudyRun
from tests import loaded
from tests.faults.recorded import TARGET

STUDY = """
name: study
seed: 7
budget: {{trials: {trials}}}
pruner: none
sampler: random
launcher: {launcher}
limits: {{lease_seconds: 5}}
tracking: {{keep_models: 0}}
architectures:
  net:
    architecture: tests.faults.net:build
    fixed: {{epochs: {epochs}, pause: {pause}}}
    space:
      learning_rate: {{type: float, low: 1e-5, high: 1e-1, log: true}}
      layers: {{type: int, low: 1, high: 8}}
    enqueue: []
"""

_APART = {
    "MLFLOW_DISABLE_TELEMETRY": "true",
    # Ray would write a token into the home folder of whoever runs the tests.
    "RAY_AUTH_TOKEN": secrets.token_hex(32),
}


def write_study(
    home: Path,
    launcher: dict[str, Any],
    *,
    trials: int = 4,
    epochs: int = 3,
    pause: float = 0.05,
) -> Path:
    """Write a study file into a workspace and return its path."""
    file = home / "study.yaml"
    text = STUDY.format(launcher=json.dumps(launcher), trials=trials, epochs=epochs, pause=pause)
    file.write_text(text)
    return file


_started: list[loaded.Program] = []


def start(file: Path, *words: str, **environment: str) -> loaded.Program:
    """Start the program on a study file in its workspace; its standard error goes to a file."""
    process = loaded.begin(
        __name__,
        [str(file), str(file.parent), *words],
        env={**os.environ, **_APART, **environment},
        said=file.parent / "stderr.txt",
    )
    _started.append(process)
    return process


def end_all() -> None:
    """Kill what a failed test has left running."""
    while _started:
        process = _started.pop()
        if process.poll() is None:
            process.kill()
            process.communicate()


def outcome_of(process: loaded.Program, *, code: int = 0, seconds: float = 300) -> Any:
    """Wait for the program and return the outcome that it printed."""
    out, _ = process.communicate(timeout=seconds)
    home = Path(process.args[4])
    assert process.returncode == code, (home / "stderr.txt").read_text()[-3000:]
    return json.loads(out) if out else None


def workspace_with_faces(template: Path, home: Path) -> Path:
    """Return a workspace with a copy of the faces and the tables in ``template``."""
    shutil.copytree(template, home, dirs_exist_ok=True)
    return home


def main() -> None:
    """Run the study of the command line; exit as ``hpo run`` would."""
    file, home, *rest = sys.argv[1:]
    workspace, resume = Workspace.at(home), "--resume" in rest
    try:
        planned = plan(file, workspace=workspace, resume=resume)
        outcome = StudyRun(planned, workspace, Lines(), resume=resume, target=TARGET).go()
        print(json.dumps(outcome.to_json()), flush=True)
        outcome.raise_if_stopped()
    except HpoError as error:
        sys.stderr.write(f"Error: {error}\n")
        sys.exit(error.exit_code)


if __name__ == "__main__":
    main()
