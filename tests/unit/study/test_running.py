"""A study from its plan to its outcome, without a trial."""

from __future__ import annotations

import signal

import pytest

from hpo.execution.interrupts import Interrupted
from hpo.execution.watch import Silence
from hpo.search.engine import open_engine
from hpo.spec.errors import TrainingError
from hpo.spec.study import StudySpec
from hpo.spec.workspace import Workspace
from hpo.study.launchers.launch import Ended
from hpo.study.naming import example, open_study
from hpo.study.outcome import ArchitectureOutcome, StudyOutcome
from hpo.study.planning import plan
from hpo.study.running import StudyRun
from tests.unit.data.planted import planted, stored
from tests.unit.study.test_confirmed_members import result


@pytest.mark.parametrize(
    ("promote", "used_up", "hint"),
    [
        (
            True,
            True,
            "All trials of the budget are done; the same command with --resume goes on with the "
            "promotion of its winner",
        ),
        (
            False,
            True,
            "All trials of the budget are done; the same command with --resume goes on with what "
            "MLflow may lack",
        ),
        (True, False, "Everything finished is kept; the same command with --resume goes on"),
    ],
)
def test_who_stops_a_study_after_its_last_trial_is_told_what_is_left(
    promote: bool, used_up: bool, hint: str, workspace: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    faces = stored(workspace.data / "planted", planted())
    spec = open_study(example("quickstart.yaml"), ())[0].spec
    changes = {
        "name": "one",
        "data": {"dataset": "planted", "leakage": "drop"},
        "architectures": {"cnn": spec.architectures["cnn"]},
        "promote": promote,
    }
    spec = StudySpec.model_validate({**spec.model_dump(), **changes})
    workspace.ensure(workspace.runs)
    engine = open_engine(workspace.storage_url(), spec, "cnn", dataset_digest=faces.digest)
    proposal = engine.ask()
    assert proposal is not None
    assert engine.finish(proposal.number, result(0.5))
    planned = plan(spec, workspace=workspace, resume=True)
    run = StudyRun(planned, workspace, Silence(), resume=True)

    def work() -> Ended:
        run.interrupts.handle(signal.SIGINT)
        return Ended(used_up, [])

    monkeypatch.setattr(run.launcher, "work", work)
    outcome = run.go()
    assert outcome.begun == ("budget" if used_up else "trials")
    with pytest.raises(Interrupted) as caught:
        outcome.raise_if_stopped()
    assert str(caught.value) == f"The study was stopped. {hint}."


def test_where_all_failed_what_helps_is_told() -> None:
    rows = [ArchitectureOutcome("mine", 0, 0, 3, None, None, "")]
    outcome = StudyOutcome("bad", "val_accuracy", {"mine": 3}, rows)
    with pytest.raises(TrainingError, match="none is left: mend it, then `hpo delete bad` and st"):
        outcome.raise_if_all_failed()
