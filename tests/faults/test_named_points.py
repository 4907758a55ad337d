"""A worker killed at each point of a trial's life: the doctor mends what it left, and the study
goes on to its exact budget.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import mlflow
import pytest

from hpo.execution import worker
from hpo.execution.running_job import RunningJob
from hpo.registry import models as registry
from hpo.registry import succession
from hpo.search.attempts import Attempts
from hpo.search.studies import read_trials
from hpo.spec.workspace import Workspace
from hpo.study.doctor import doctor
from hpo.study.promoted import answered_before
from hpo.tracking.runs import StudyRuns
from tests.faults.studies import copied, die, elsewhere, run_elsewhere, run_here, study_of

TRIALS = 3


def before(owner: Any, name: str, times: int = 2) -> Callable[[], None]:
    """Return a patch that kills the process when a function is called for the so-many-th time."""

    def patch() -> None:
        inner, calls = getattr(owner, name), [0]

        def killing(*arguments: Any, **keywords: Any) -> Any:
            calls[0] += 1
            if calls[0] == times:
                die()
            return inner(*arguments, **keywords)

        setattr(owner, name, killing)

    return patch


def after(owner: Any, name: str, times: int = 2) -> Callable[[], None]:
    """Return a patch that kills the process when a function has returned so many times."""

    def patch() -> None:
        inner, calls = getattr(owner, name), [0]

        def killing(*arguments: Any, **keywords: Any) -> Any:
            answer = inner(*arguments, **keywords)
            calls[0] += 1
            if calls[0] == times:
                die()
            return answer

        setattr(owner, name, killing)

    return patch


def between_mark_and_fail() -> None:
    """Kill in the middle of losing a trial, which is done to a trial that cannot be started."""

    def refuse(*arguments: Any, **keywords: Any) -> Any:
        raise OSError("no more processes")

    setattr(worker, "RunningJob", refuse)  # noqa: B010
    before(Attempts, "_store_result", times=1)()


def mid_artifact() -> None:
    """Kill while a model's files are on their way into MLflow."""
    client: Any = mlflow.MlflowClient

    def half(self: Any, model_id: str, folder: str) -> None:
        (Path(folder) / "data" / "model.keras").write_bytes(b"half")
        inner(self, model_id, folder)
        die()

    inner = client.log_model_artifacts
    client.log_model_artifacts = half


POINTS: dict[str, Callable[[], None]] = {
    "before the claim": before(Attempts, "insert"),
    "after the claim": after(Attempts, "insert"),
    "before the first sign of life": before(Attempts, "beat"),
    "after an epoch": after(Attempts, "record_epoch", times=3),
    "before the tell": before(Attempts, "finish"),
    "between the result and the tell": before(Attempts, "_end"),
    "after the tell": after(Attempts, "finish"),
    "between the mark and the fail of a lost trial": between_mark_and_fail,
    "after the fail of a lost trial": after(Attempts, "lose", times=1),
    "in the end of a run in MLflow": before(StudyRuns, "_log_params", times=3),
    "in the middle of an artifact": mid_artifact,
    "before a registration": before(registry, "register_classifier", times=1),
    "in the middle of a registration": before(registry, "register_recommender", times=1),
    "before the champion moves": before(succession, "point_alias", times=1),
    "between the champion and its recommender": before(succession, "point_alias", times=2),
}

BEGUN_PROMOTIONS = list(POINTS)[-3:]
"""The doctor finishes them: of what is registered it needs no study."""


def killed_at(point: str, workspace: Workspace) -> None:
    """Run a study in a process that dies at a point."""
    crash = point == "after the fail of a lost trial"

    def patch() -> None:
        if crash:
            between_starts()
        POINTS[point]()

    process = run_elsewhere(study_of(TRIALS), workspace, patch)
    process.join(120)
    assert process.exitcode == -9


def between_starts() -> None:
    """Let the first trial crash, so that it is lost and tried again."""
    starts = [0]

    def first_fails(*arguments: Any, **keywords: Any) -> Any:
        starts[0] += 1
        if starts[0] == 1:
            raise OSError("no more processes")
        return RunningJob(*arguments, **keywords)

    setattr(worker, "RunningJob", first_fails)  # noqa: B010


@pytest.mark.parametrize("point", POINTS)
def test_the_doctor_mends_what_a_killed_worker_left(
    point: str, template: Path, tmp_path: Path
) -> None:
    workspace = copied(template, tmp_path)
    killed_at(point, workspace)

    first = elsewhere(doctor, "study", workspace=workspace, fix=True)
    assert first.problems == []
    second = elsewhere(doctor, "study", workspace=workspace)
    assert (second.problems, second.fixed) == ([], [])

    outcome = elsewhere(run_here, study_of(TRIALS), workspace)
    # Who promotes the winner is told whose place it takes, and nothing else.
    assert outcome.notes == ([] if point in BEGUN_PROMOTIONS else [answered_before()])
    records = elsewhere(read_trials, workspace.storage_url(), "study")
    assert sorted(r.slot for r in records) == list(range(TRIALS))
    assert {r.state for r in records} == {"complete"}
    third = elsewhere(doctor, "study", workspace=workspace)
    assert third.problems == []
