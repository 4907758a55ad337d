"""What ``deploy/`` starts is a worker as the command line knows it, and it drains when told to."""

from __future__ import annotations

import os
import re
import shlex
import shutil
import signal
import subprocess
import time
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.unit.cli.commands import ROOT
from tests.unit.cli.test_readme import understand

DEPLOY = Path(__file__).parents[2] / "deploy"
SBATCH = DEPLOY / "slurm/worker.sbatch"
CONTAINER = (DEPLOY / "Containerfile").read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def job() -> Any:
    text = (DEPLOY / "kubernetes/worker-job.yaml").read_text(encoding="utf-8")
    (document,) = yaml.safe_load_all(text)
    return document


def test_the_job_starts_workers_whose_secrets_are_not_in_it(job: Any) -> None:
    assert (job["apiVersion"], job["kind"]) == ("batch/v1", "Job")
    assert job["spec"]["parallelism"] >= 1
    pod = job["spec"]["template"]["spec"]
    assert pod["restartPolicy"] == "Never"
    (container,) = pod["containers"]
    assert container["args"][0] == "worker"
    understand(shlex.join(["hpo", *container["args"]]))
    secret = {e["name"]: e["valueFrom"]["secretKeyRef"]["name"] for e in container["env"]}
    assert set(secret) == {"HPO_STORAGE", "MLFLOW_TRACKING_URI"}
    assert set(container["resources"]) == {"requests", "limits"}


def test_the_job_drains_and_is_not_root(job: Any) -> None:
    pod = job["spec"]["template"]["spec"]
    assert pod["terminationGracePeriodSeconds"] >= 600
    assert pod["securityContext"]["runAsNonRoot"] is True
    (user,) = re.findall(r"^USER (\d+)$", CONTAINER, re.MULTILINE)
    assert pod["securityContext"]["runAsUser"] == int(user) != 0
    mounted = {mount["name"] for mount in pod["containers"][0]["volumeMounts"]}
    assert mounted == {volume["name"] for volume in pod["volumes"]}


def test_the_image_runs_hpo_itself_so_that_it_hears_the_signal() -> None:
    assert 'ENTRYPOINT ["hpo"]' in CONTAINER
    assert "-c constraints.txt" in CONTAINER
    copied = [
        word
        for line in re.findall(r"^COPY (.*)$", CONTAINER, re.MULTILINE)
        for word in line.split()[:-1]
    ]
    assert [name for name in copied if not (DEPLOY.parent / name).exists()] == []


def test_the_script_is_bash_and_calls_a_worker() -> None:
    done = subprocess.run(["bash", "-n", str(SBATCH)], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    text = SBATCH.read_text(encoding="utf-8")
    assert re.search(r"^#SBATCH --signal=B:TERM@\d+$", text, re.MULTILINE)
    (command,) = re.findall(r"^srun (hpo worker [^&]*) &$", text, re.MULTILINE)
    understand(command.replace('"$study"', "thesis"))
    assert "worker" in ROOT.commands


SRUN = '#!/bin/bash\necho $$ >"$PIDS/step"\nexec "$@"\n'
SCANCEL = '#!/bin/bash\n[ "$*" = "--signal=TERM 7.0" ] && kill -TERM "$(cat "$PIDS/step")"\n'
HPO = """#!/bin/bash
echo "$*" >"$PIDS/called"
trap 'sleep 0.3; echo drained >"$PIDS/end"; exit 143' TERM
for _ in $(seq 300); do sleep 0.1; done
"""


@pytest.fixture
def slurm(tmp_path: Path) -> dict[str, str]:
    """An environment in which Slurm's commands and hpo are stand-ins."""
    for name, text in (("srun", SRUN), ("scancel", SCANCEL), ("hpo", HPO)):
        (tmp_path / name).write_text(text)
        (tmp_path / name).chmod(0o755)
    return {
        "PATH": f"{tmp_path}{os.pathsep}{os.environ['PATH']}",
        "PIDS": str(tmp_path),
        "SLURM_JOB_ID": "7",
        "HPO_STORAGE": "postgresql://db/hpo",
    }


@pytest.mark.skipif(shutil.which("bash") is None, reason="there is no bash")
def test_the_script_passes_the_signal_on_and_waits_for_the_trial(
    slurm: dict[str, str], tmp_path: Path
) -> None:
    script = subprocess.Popen(["bash", str(SBATCH), "thesis"], env=slurm)
    until = time.monotonic() + 20
    while not (tmp_path / "called").exists():
        assert time.monotonic() < until
        time.sleep(0.05)
    time.sleep(0.2)  # for the stand-in's trap
    script.send_signal(signal.SIGTERM)
    assert script.wait(20) == 0
    assert (tmp_path / "called").read_text() == "worker thesis\n"
    assert (tmp_path / "end").read_text() == "drained\n"


@pytest.mark.parametrize("absent", ["thesis", "HPO_STORAGE"])
def test_the_script_says_what_it_lacks(absent: str, slurm: dict[str, str]) -> None:
    words = [word for word in ("thesis",) if word != absent]
    environment = {name: value for name, value in slurm.items() if name != absent}
    done = subprocess.run(
        ["bash", str(SBATCH), *words],
        env=environment,
        capture_output=True,
        text=True,
        timeout=20,
        check=False,
    )
    assert done.returncode == 1
    assert ("study file" if words == [] else "postgresql://") in done.stderr
