"""What MLflow's page tells of a confirmation and of the test split, against a real store."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest

from hpo.search.engine import open_engine
from hpo.search.inspection import Inspection, inspecting
from hpo.search.studies import read_spec, read_trials, set_attribute
from hpo.spec.workspace import Workspace
from hpo.study.deletion import delete
from hpo.study.doctor import doctor
from hpo.study.jobs import study_card
from hpo.study.opening import OPENINGS
from hpo.study.reconciling import look, reconcile
from hpo.tracking import names
from hpo.tracking.cards import DatasetCard
from hpo.tracking.experiment import all_runs
from hpo.tracking.reports import keep_report
from hpo.tracking.runs import StudyRuns
from hpo.tracking.store import open_client
from hpo.tracking.views import TRIALS_VIEW
from tests.unit.search.analytic import make_spec
from tests.unit.study.test_confirmed_members import RERUNS, SEARCHED, confirm, result, run_all

# As in test_mirror.
pytestmark = [
    pytest.mark.filterwarnings("ignore::sqlalchemy.exc.SADeprecationWarning"),
    pytest.mark.filterwarnings("ignore:.*Any type hint is inferred:UserWarning"),
]

OPENED = {
    "opened": "2026-01-02T03:04:05+00:00", "finished": "2026-01-02T03:05:05+00:00",
    "images": 700, "dataset": "faces", "architecture": "cnn", "number": 3, "runs": [0, 1, 2],
    "accuracy": {"point": 0.71, "low": 0.69, "high": 0.73, "level": 0.95, "n": 3},
    "gap": {"point": 0.03, "low": 0.01, "high": 0.05, "level": 0.95, "n": 3},
    "validation": 0.74, "confirmed": True, "values": [0.7, 0.71, 0.72],
    "scores": {"test_accuracy": {"mean": 0.71, "low": 0.7, "high": 0.72},
               "test_loss": {"mean": 1.0, "low": 0.9, "high": 1.1}},
    "metrics": [{"test_accuracy": 0.7, "test_loss": 0.9}, {"test_accuracy": 0.71, "test_loss": 1.0},
                {"test_accuracy": 0.72, "test_loss": 1.1}],
}  # fmt: skip


class Place:
    """A workspace with a study in Optuna and what MLflow is told of it."""

    def __init__(self, workspace: Workspace) -> None:
        self.artifacts = workspace.runs / "artifacts"
        self.client = open_client(workspace.tracking_uri(), self.artifacts)
        self.url = workspace.storage_url()

    def told(self, study: str) -> list[str]:
        spec = read_spec(self.url, study)
        with inspecting(self.url, spec) as inspection:
            return [d.what for d in look(self.client, self.url, spec, inspection)[0]]

    def mend(self, study: str) -> None:
        assert reconcile(self.client, self.url, read_spec(self.url, study), self.artifacts) == []
        assert self.told(study) == []

    def experiment(self, study: str) -> Any:
        return self.client.get_experiment_by_name(study)

    def parents(self, study: str) -> dict[str, Any]:
        tags = {names.KIND: names.KIND_ARCHITECTURE}
        found = all_runs(self.client, self.experiment(study).experiment_id, tags)
        return {run.info.run_name: run for run in found}

    def note(self) -> str:
        return str(self.parents("study")["cnn (study study)"].data.tags[names.NOTE])


@pytest.fixture
def place(workspace: Workspace, mlflow_tables: Path) -> Place:
    workspace.ensure(workspace.runs)
    shutil.copy(mlflow_tables, workspace.runs)
    run_all(workspace.storage_url(), make_spec(4), "cnn", SEARCHED)
    there = Place(workspace)
    there.mend("study")
    return there


def test_a_confirmation_says_what_it_is_and_its_runs_are_told_apart(place: Place) -> None:
    confirm(place.url, 3)
    place.mend("study.confirmation")
    tags = place.experiment("study.confirmation").tags
    note = tags[names.NOTE]
    assert note.startswith("Confirmation of study **study** of `hpo` (`hpo confirm study`): the ")
    assert "best 3 of its search run again with up to 3 seeds each" in note
    assert "(`hpo report study`)" in note
    assert "**Confirmation**: cnn #3" in note
    assert set(place.parents("study.confirmation")) == {
        f"cnn #{number} over seeds (confirms study)" for number in (1, 2, 3)
    }
    found = all_runs(
        place.client, place.experiment("study.confirmation").experiment_id,
        {names.KIND: names.KIND_TRIAL},
    )  # fmt: skip
    titles = sorted(run.info.run_name.split(" · ")[0] for run in found)
    assert titles == [f"cnn #{n} seed {k + 1}" for n in (1, 2, 3) for k in range(3)]
    view = json.loads(tags[names.VIEW_PREFIX + TRIALS_VIEW])
    assert view["name"] == "Re-runs, best first"
    columns = json.loads(view["state"])["selectedColumns"]
    assert {"params.`architecture`", "tags.`hpo.seed`", "metrics.`objective`"} <= set(columns)
    # What sets the configurations apart.
    assert "params.`learning_rate`" in columns


def test_the_run_of_a_configuration_tells_the_mean_over_seeds_and_not_the_luckiest(
    place: Place,
) -> None:
    confirm(place.url, 2)
    place.mend("study.confirmation")
    title = "cnn #2 over seeds (confirms study)"
    run = place.parents("study.confirmation")[title]
    note = "**val_accuracy 0.6900**, mean of 2 seeds, from 0.6800 to 0.7000."
    assert run.data.tags[names.NOTE] == note
    assert run.data.tags[names.OVER_SEEDS] == "0.69 over 2 seeds"
    confirm_rest(place)
    assert "cnn-2: MLflow tells 0.69 over 2 seeds, Optuna 0.72 over 3 seeds" in place.told(
        "study.confirmation"
    )
    place.mend("study.confirmation")
    run = place.parents("study.confirmation")[title]
    note = run.data.tags[names.NOTE]
    assert note.startswith("**val_accuracy 0.7200**, mean of 3 seeds, from 0.6800 to 0.7800.")
    assert "**Confirmation**: cnn #2 reaches 72.0 % [" in note
    assert "over 3 seeds (95 % bootstrap interval, seeds and faces resampled); cnn #3, " in note
    shown = {name: round(value, 6) for name, value in run.data.metrics.items()}
    assert shown == {
        "mean_objective": 0.72, "lowest_objective": 0.68, "highest_objective": 0.78, "seeds": 3,
    }  # fmt: skip


def test_a_mirror_tells_the_mean_over_seeds_as_they_end(place: Place) -> None:
    confirm(place.url, 1)
    spec = read_spec(place.url, "study.confirmation")
    card = study_card(spec, DatasetCard("faces", "0" * 64, "nowhere"))
    runs = StudyRuns(place.client, card, place.artifacts)
    for record in read_trials(place.url, "study.confirmation", architecture="cnn-3"):
        runs.finish(record)
    confirm_rest(place)
    for record in read_trials(place.url, "study.confirmation", architecture="cnn-3")[1:]:
        runs.finish(record)
    run = place.parents("study.confirmation")["cnn #3 over seeds (confirms study)"]
    assert run.data.tags[names.OVER_SEEDS] == "0.74 over 3 seeds"
    assert run.data.metrics["mean_objective"] == pytest.approx(0.74)
    assert "best_objective" not in run.data.metrics


def test_the_notes_of_the_search_tell_what_came_of_it_and_keep_the_rest(place: Place) -> None:
    experiment = place.experiment("study").experiment_id
    keep_report(place.client, experiment, {"index.html": "<p>"})
    before = place.note()
    assert "**Confirmation**" not in before
    confirm(place.url, 2)
    assert place.told("study") == [], "it is not over"
    confirm_rest(place)
    assert place.told("study") == [
        "MLflow's note of the experiment study lacks what came of it",
        "MLflow's note of the run cnn lacks what came of it",
    ]
    place.mend("study.confirmation")
    note = place.note()
    assert note.startswith(before)
    assert "**Confirmation**: cnn #3" in note
    assert "[over seeds](#/experiments/" in note
    again = place.experiment("study").tags[names.NOTE]
    assert "**Confirmation**: cnn #3" in again
    assert "report/index.html" in again
    # Told again from the beginning, as by a study that goes on, nothing is lost.
    place.client.delete_tag(place.parents("study")["cnn (study study)"].info.run_id, names.NOTE)
    place.mend("study")
    assert "**Confirmation**: cnn #3" in place.note()
    assert "report/index.html" in place.experiment("study").tags[names.NOTE]


def test_a_note_in_an_earlier_versions_words_lacks_nothing(
    place: Place, workspace: Workspace
) -> None:
    confirm(place.url, 3)
    place.mend("study.confirmation")
    run = place.parents("study")["cnn (study study)"]
    before, note = run.data.tags[names.CONFIRMED], run.data.tags[names.NOTE]

    def reword(now: str) -> None:
        place.client.set_tag(run.info.run_id, names.NOTE, note.replace(before, now))
        place.client.set_tag(run.info.run_id, names.CONFIRMED, now)

    reword(before.replace(" reaches ", " comes to "))
    found = doctor(workspace=workspace)
    told = ("study", "MLflow's note of the run cnn is worded by an earlier version")
    # Model files were never written here.
    assert [(p.study, p.what) for p in found.reworded] == [told]
    assert not {"note differs", "note reworded"} & {p.kind for p in found.problems}
    assert [(p.study, p.what) for p in doctor(workspace=workspace, fix=True).fixed].count(told) == 1
    assert place.note() == note
    # Without one of its numbers it lacks something.
    reword(before.replace(" over 3 seeds", " over seeds"))
    found = doctor(workspace=workspace)
    assert [p.what for p in found.problems if p.kind == "note differs"] == [
        "MLflow's note of the run cnn lacks what came of it"
    ]
    assert found.reworded == []
    # What a later version adds to the same result is no more than words, with numbers or without.
    reword(before.replace("(95 % bootstrap intervals", "(bootstrap intervals"))
    found = doctor(workspace=workspace)
    assert [(p.study, p.what) for p in found.reworded] == [told]
    # The result of a confirmation of before is another one.
    mean = before.partition(" reaches ")[2].partition(" %")[0]
    reword(before.replace(f"reaches {mean} %", "reaches 1.0 %"))
    found = doctor(workspace=workspace)
    assert "note differs" in {p.kind for p in found.problems}


def test_notes_are_not_missed_while_others_run_the_best_again(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    confirm(place.url, 3)
    assert "MLflow's note of the run cnn lacks what came of it" in place.told("study")

    def with_others(self: Inspection, since: float | None = None) -> set[tuple[str, int]]:
        return {("cnn-1", 0)} if self._name == "study.confirmation" else set()

    monkeypatch.setattr(Inspection, "with_others", with_others)
    assert place.told("study") == []


def confirm_rest(place: Place) -> None:
    spec = read_spec(place.url, "study.confirmation")
    for label in spec.architectures:
        engine = open_engine(place.url, spec, label, resume=True)
        while (proposal := engine.ask()) is not None:
            value = RERUNS[int(label.rpartition("-")[2])][proposal.slot]
            assert engine.finish(proposal.number, result(value))


def test_what_the_test_split_said_is_told_anew_where_mlflow_was_away(place: Place) -> None:
    confirm(place.url, 3)
    place.mend("study.confirmation")
    set_attribute(place.url, "study", OPENINGS, [OPENED])
    assert "MLflow's note of the run cnn lacks what came of it" in place.told("study")
    place.mend("study")
    for note in (place.note(), place.experiment("study.confirmation").tags[names.NOTE]):
        assert (
            "**Test split**: On the 700 test faces of faces cnn #3 reaches an accuracy of 71.0 %"
            in note
        )
        assert "gap +3.0 [+1.0, +5.0]" in note
    second = {**OPENED, "accuracy": {**OPENED["accuracy"], "point": 0.7}, "reason": "why"}
    set_attribute(place.url, "study", OPENINGS, [OPENED, second])
    place.mend("study")
    assert place.note().count("**Test split**") == 1
    assert "reaches an accuracy of 70.0 %" in place.note()


@pytest.mark.parametrize("kept", ["all metrics", "accuracies alone"])
def test_the_test_metrics_of_runs_are_written_later_where_mlflow_was_away(
    kept: str, place: Place
) -> None:
    confirm(place.url, 3)
    place.mend("study.confirmation")
    earlier = {key: value for key, value in OPENED.items() if key != "metrics"}
    opened = OPENED if kept == "all metrics" else earlier
    set_attribute(place.url, "study", OPENINGS, [opened])
    assert "MLflow's runs of cnn #3 lack what the test split said on 2026-01-02" in place.told(
        "study"
    )
    place.mend("study")
    title = "cnn #3 over seeds (confirms study)"

    def told() -> dict[str, Any]:
        records = read_trials(place.url, "study.confirmation", architecture="cnn-3")
        runs = [place.client.get_run(record.mlflow_run_id) for record in records]
        above = place.parents("study.confirmation")[title]
        assert all(run.data.tags[names.TEST_OPENED] == OPENED["opened"] for run in [*runs, above])
        return {
            "runs": [run.data.metrics["test_accuracy"] for run in runs],
            "mean": above.data.metrics["test_accuracy"],
            "loss": [run.data.metrics.get("test_loss") for run in runs],
        }

    losses = [0.9, 1.0, 1.1] if kept == "all metrics" else [None, None, None]
    expected = {"runs": [0.7, 0.71, 0.72], "mean": 0.71, "loss": losses}
    assert told() == expected
    # Of a run that is written anew, too.
    record = read_trials(place.url, "study.confirmation", architecture="cnn-3")[0]
    place.client.delete_run(record.mlflow_run_id)
    place.mend("study.confirmation")
    assert told() == expected


def test_the_notes_of_a_search_forget_a_confirmation_that_is_deleted(
    place: Place, workspace: Workspace
) -> None:
    before = place.note()
    confirm(place.url, 3)
    place.mend("study.confirmation")
    assert "**Confirmation**" in place.note()
    delete("study.confirmation", workspace=workspace)
    assert place.note() == before
    experiment = place.experiment("study")
    assert "**Confirmation**" not in experiment.tags[names.NOTE]
    assert place.told("study") == []
    run = place.parents("study")["cnn (study study)"]
    assert names.CONFIRMED not in {*run.data.tags, *experiment.tags}


def test_what_people_wrote_around_a_finding_closes_up_when_it_goes(
    place: Place, workspace: Workspace
) -> None:
    confirm(place.url, 3)
    place.mend("study.confirmation")
    run_id = place.parents("study")["cnn (study study)"].info.run_id
    place.client.set_tag(run_id, names.NOTE, f"{place.note()}\n\nMine.")
    delete("study.confirmation", workspace=workspace)
    assert place.note().endswith("\n\nMine.")
    assert "\n\n\n" not in place.note()
    # What an earlier version left is taken away, too.
    place.client.set_tag(run_id, names.CONFIRMED, "")
    place.mend("study")
    assert names.CONFIRMED not in place.parents("study")["cnn (study study)"].data.tags
