"""What the commands that list, delete and show print for people."""

from __future__ import annotations

import io
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console
from typer.testing import CliRunner

from hpo.cli.app import app
from hpo.cli.live import Lines
from hpo.cli.live_table import Table
from hpo.cli.ui import experiments_link
from hpo.execution.watch import StudyStart, told_origin
from hpo.search.engine import open_engine
from hpo.spec.records import SINGLE, EpochReport, TrialResult
from hpo.spec.workspace import Workspace
from hpo.study.deletion import Deleted, what_goes
from hpo.study.outcome import StudyOutcome
from hpo.study.quickstart import Tour
from hpo.study.single import _main_parameters
from tests.unit.search.analytic import make_spec
from tests.unit.search.analytic import run as run_trials
from tests.unit.search.test_climbing import climb, climbing
from tests.unit.search.test_objectives import run_several, several
from tests.unit.study.test_single import planned


def call(workspace: Workspace, *words: str) -> Any:
    return CliRunner().invoke(app, ["--home", str(workspace.home), *words])


@pytest.fixture
def begun(workspace: Workspace) -> Workspace:
    """A workspace with a study of two trials and one lost attempt."""
    workspace.ensure(workspace.runs)
    spec = make_spec(2)
    engine = open_engine(workspace.storage_url(), spec, "cnn")
    given_up = engine.ask()
    assert given_up is not None
    engine.release(given_up.number, "interrupted")
    run_trials(engine, spec)
    return workspace


@pytest.mark.parametrize("words", [["studies"], ["trials", "study"]])
def test_two_formats_at_once_are_refused(begun: Workspace, words: Sequence[str]) -> None:
    done = call(begun, *words, "--json", "--csv")
    assert "Expected --json or --csv; got --json --csv" in str(done.exception)
    assert done.stdout == ""


def test_attempts_that_were_lost_are_counted_below_the_trials(begun: Workspace) -> None:
    shown = call(begun, "trials", "study")
    assert "Not listed: 1 attempt without a result, whose place is given again." in shown.stderr
    assert "cnn #0" not in shown.stdout


def test_more_trials_than_the_last_budget_are_counted_truly(begun: Workspace) -> None:
    assert "2 of 2" in call(begun, "studies").stdout
    open_engine(begun.storage_url(), make_spec(1), "cnn", resume=True)
    shown = call(begun, "studies").stdout
    assert "2 (budget 1)" in shown
    assert "2 of 1" not in shown


@pytest.mark.parametrize(
    ("budget", "told"),
    [
        ({"device_hours": 0.5}, "0 in 0.5 device-hours each"),
        ({"trials": 2, "epochs": 9}, "0 of 2 or 9 epochs each"),
    ],
)
def test_a_budget_that_is_no_number_of_trials_is_told_as_it_was_given(
    budget: dict[str, float], told: str, workspace: Workspace
) -> None:
    workspace.ensure(workspace.runs)
    open_engine(workspace.storage_url(), make_spec(budget=budget), "cnn")
    shown = call(workspace, "studies").stdout
    assert told in shown
    (listed,) = json.loads(call(workspace, "studies", "--json").stdout)
    assert (listed["trials"], listed["budget"]) == ((2, 2) if "trials" in budget else (0, 0))


def test_confirmations_stand_beneath_their_studies(workspace: Workspace) -> None:
    workspace.ensure(workspace.runs)
    # The last one's study is gone.
    for name in ("one", "two", "one.confirmation", "three", "two.confirmation", "x.confirmation"):
        open_engine(workspace.storage_url(), make_spec(2, name=name), "cnn")
    shown = [line[:20].rstrip() for line in call(workspace, "studies").stdout.splitlines()]
    assert shown[1:] == [
        "one",
        "  one.confirmation",
        "two",
        "  two.confirmation",
        "three",
        "x.confirmation",
    ]
    rows = json.loads(call(workspace, "studies", "--json").stdout)
    assert [row["name"] for row in rows][:3] == ["one", "two", "one.confirmation"]


def test_trials_say_where_they_came_from_unless_the_sampler_drew_all(workspace: Workspace) -> None:
    workspace.ensure(workspace.runs)
    for name, first in (("drawn", []), ("asked", [{"layers": 2}])):
        spec = make_spec(2, name=name, architecture={"enqueue": first})
        run_trials(open_engine(workspace.storage_url(), spec, "cnn"), spec)
    heading, asked, drawn = call(workspace, "trials", "asked").stdout.splitlines()
    assert "origin" in heading
    assert "enqueued" in asked
    assert "sampler" not in drawn
    assert "origin" not in call(workspace, "trials", "drawn").stdout


def test_trials_say_which_constraint_they_break(workspace: Workspace) -> None:
    workspace.ensure(workspace.runs)
    spec = several(6)
    run_several(open_engine(workspace.storage_url(), spec, "cnn"), spec)
    rows = json.loads(call(workspace, "trials", "study", "--json").stdout)
    assert {row["feasible"]: row["broken"] for row in rows} == {True: [], False: ["size_mib"]}
    assert {row["front"] for row in rows} == {True, False}
    shown = call(workspace, "trials", "study").stdout
    assert shown.count("complete, breaks size_mib") == sum(not row["feasible"] for row in rows)


def test_one_objective_has_no_front(begun: Workspace) -> None:
    rows = json.loads(call(begun, "trials", "study", "--json").stdout)
    assert [row["front"] for row in rows] == [None, None]


def test_trials_at_rungs_say_how_well_each_rung_foretold_the_next(workspace: Workspace) -> None:
    workspace.ensure(workspace.runs)
    spec = climbing(18)
    climb(open_engine(workspace.storage_url(), spec, "cnn"), spec)
    said = call(workspace, "trials", "study").stderr.splitlines()
    assert [line.split(" epochs")[0] for line in said] == [
        f"cnn: the rank correlation between {lower} and {upper}"
        for lower, upper in [(1, 3), (3, 9)]
    ]
    rows = json.loads(call(workspace, "trials", "study", "--json").stdout)
    agreements = {row["rung"]: row["rank_agreement"] for row in rows}
    assert agreements[0]["pairs"] > agreements[1]["pairs"] > 1
    assert (agreements[1]["lower"], agreements[1]["upper"]) == (3, 9)
    assert agreements[2] is None
    assert "rank_agreement" not in call(workspace, "trials", "study", "--csv").stdout


def test_the_log_of_a_failed_trial_is_named_if_there_is_one(begun: Workspace) -> None:
    engine = open_engine(begun.storage_url(), make_spec(4), "cnn", resume=True)
    numbers = []
    for _ in range(2):
        proposal = engine.ask()
        assert proposal is not None
        engine.finish(proposal.number, TrialResult("failed", reason="error: broken"))
        numbers.append(proposal.number)
    log = begun.checkpoints / "study" / "cnn" / str(numbers[0]) / "log.txt"
    log.parent.mkdir(parents=True)
    log.write_text("Traceback")
    said = call(begun, "trials", "study").stderr
    assert said.splitlines()[1:] == [f"Log of cnn #{numbers[0]}: {log}"]


def test_a_deletion_counts_the_trials_that_are_listed_and_the_attempts_beside_them(
    begun: Workspace,
) -> None:
    going = what_goes("study", workspace=begun)
    assert (going.trials, going.lost) == (2, 1)
    assert going.line() == "2 trials (and 1 lost attempt); 0 MLflow runs"
    assert Deleted(1, 1, (), []).line() == "1 trial; 1 MLflow run"


def test_a_question_that_nobody_answers_ends_its_line(begun: Workspace) -> None:
    words = ["--home", str(begun.home), "delete", "study"]
    # As ``main`` calls it, which writes the error that follows.
    shown = CliRunner().invoke(app, words, standalone_mode=False)
    assert shown.exit_code == 1
    asked, after = shown.stderr.split("[y/N]:")
    assert "Delete study 'study': 2 trials" in asked
    assert after.strip(" ") == "\n"
    assert len(json.loads(call(begun, "studies", "--json").stdout)) == 1


def test_a_deleted_champion_is_told_without_a_question_too(
    begun: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("hpo.cli.studies._champion_is_among", lambda models, workspace: True)
    said = call(begun, "delete", "study", "--force", "--yes").stderr
    assert "The champion is gone with it" in said


def test_the_songs_of_the_quickstart_stand_under_headings(
    workspace: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    from hpo.recommender.rank import Song
    from hpo.recommender.recommend import FaceAnswer

    song = Song(0, "A Title", "An Artist", "An Album", 77, "Happy")
    face = FaceAnswer((0, 0, 9, 9), "happy", 0.9, {"happy": 0.9}, "Happy", [song])
    outcome = StudyOutcome("quickstart", "val_accuracy", {}, [])
    tour = Tour(outcome, Path("photo.png"), [face], Path("index.html"))
    monkeypatch.setattr("hpo.study.quickstart.quickstart", lambda **_: tour)
    shown = [line.split() for line in call(workspace, "quickstart").stdout.splitlines()]
    assert ["song", "artist", "popularity"] in shown
    assert ["A", "Title", "An", "Artist", "77"] in shown


def test_the_live_table_stands_below_its_bar() -> None:
    display, out = Table(), io.StringIO()
    terminal = Console(file=out, width=100, force_terminal=True, color_system=None)
    terminal.print(display)
    assert out.getvalue().strip() == "Getting ready"
    display.study_started(StudyStart("s", {"cnn": 2}, {}, "val_accuracy", "maximize"))
    display.trial_started("cnn", 1, {"dropout": 0.5}, 40, "sampler")
    terminal.print(display)
    _, first, bar, header, row = out.getvalue().splitlines()
    assert first.startswith("s  0 of 2 trials")
    assert set(bar.strip()) <= {"━", "╺", "╸", " "}
    assert header.split() == ["trial", "state", "value", "epochs", "time", "parameters"]
    assert row.split()[:4] == ["cnn", "#1", "running", "–"]


def test_a_single_run_has_no_number_and_no_study(capsys: pytest.CaptureFixture[str]) -> None:
    display = Lines(single=True)
    display.study_started(StudyStart("good", {"cnn": 1}, {}, "val_accuracy", "maximize"))
    display.trial_started("cnn", 1795559384, {"epochs": 2, "learning_rate": 0.001}, 2, SINGLE)
    display.trial_finished("cnn", 1795559384, TrialResult("complete", 0.5, epochs_run=2), 3.0)
    assert capsys.readouterr().err == (
        "cnn single run starts: epochs=2 learning_rate=0.001\n"
        "cnn single run complete: 0.5000 after 2 epochs, 3 s\n"
    )


def test_a_long_trial_says_now_and_then_how_far_it_is(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    now = [1000.0]
    monkeypatch.setattr("hpo.cli.live.time.monotonic", lambda: now[0])
    display = Lines()
    display.study_started(StudyStart("s", {"cnn": 2}, {}, "val_accuracy", "maximize"))
    display.trial_started("cnn", 1, {}, 40, "sampler")
    capsys.readouterr()
    for epoch in range(1, 7):
        now[0] += 50
        display.epoch_finished("cnn", 1, EpochReport(epoch, {"val_accuracy": epoch / 10}, 50.0))
    assert capsys.readouterr().err == (
        "cnn #1 has done epoch 3 of 40, val_accuracy 0.3000\n"
        "cnn #1 has done epoch 6 of 40, val_accuracy 0.6000\n"
    )


@pytest.mark.parametrize("slot", [1, 2])
def test_a_run_of_a_confirmation_is_called_by_configuration_and_seed(
    slot: int, capsys: pytest.CaptureFixture[str]
) -> None:
    display = Lines()
    # After a lost attempt numbers are ahead of seeds.
    display.trial_started("cnn-7", 2, {}, 40, told_origin("confirmation", slot, None))
    display.trial_finished("cnn-7", 2, TrialResult("complete", 0.5, epochs_run=1), 60.0)
    told = capsys.readouterr().err
    assert told.startswith(f"cnn #7 seed {slot + 1} starts\ncnn #7 seed {slot + 1} complete: 0.5")


def test_the_main_parameters_are_shown_whether_given_or_not() -> None:
    part = planned().parts["cnn"]
    every = {"optimizer": "adam", "learning_rate": 0.1, "batch_size": 64, "epochs": 3, "zoom": 0.1}
    shown = _main_parameters(part, every, {"epochs": 3})
    assert next(iter(shown)) == "epochs"
    assert {"optimizer", "learning_rate", "batch_size"} <= set(shown)
    assert "zoom" not in shown
    assert _main_parameters(part, every, {"zoom": 0.1})["zoom"] == 0.1


def test_a_smaller_budget_than_what_is_done_is_shown_as_what_it_is(
    capsys: pytest.CaptureFixture[str],
) -> None:
    display = Lines()
    display.study_started(StudyStart("s", {"cnn": 1}, {"cnn": 2}, "val_accuracy", "maximize"))
    assert capsys.readouterr().err == "study s: cnn 1 trial (2 done already)\n"
    assert display.progress.line() == "2 trials done, 1 asked for"


def test_trials_of_other_processes_count_too(capsys: pytest.CaptureFixture[str]) -> None:
    display, done = Lines(), TrialResult(state="complete", value=0.5, epochs_run=1)
    display.study_started(StudyStart("s", {"cnn": 9}, {}, "val_accuracy", "maximize"))
    display.trials_done("cnn", 5)
    display.trial_finished("cnn", 4, done, 60.0)
    assert "; 5 of 9 trials, about 4 min 00 s left" in capsys.readouterr().err
    display.trials_done("cnn", 9)
    display.trial_finished("cnn", 7, done, 60.0)
    assert capsys.readouterr().err.endswith("; 9 of 9 trials\n")


def test_the_time_left_reckons_with_trials_that_run_at_once() -> None:
    display = Lines()
    start = StudyStart("s", {"cnn": 5}, {}, "val_accuracy", "maximize", workers=2)
    display.study_started(start)
    display.trial_started("cnn", 0, {}, 1, "sampler")
    display.trial_finished("cnn", 0, TrialResult("complete", 0.5, epochs_run=1), 60.0)
    assert display.progress.line() == "1 of 5 trials, about 2 min 00 s left"


def test_what_one_run_takes_is_known_before_any_has_ended(
    capsys: pytest.CaptureFixture[str],
) -> None:
    display = Lines()
    seconds = {"cnn-0": 60.0, "cnn-2": 10.0}
    trials = {"cnn-0": 2, "cnn-2": 2}
    display.study_started(StudyStart("s", trials, {}, "val_accuracy", "maximize", seconds=seconds))
    assert capsys.readouterr().err == "study s: cnn-0 2, cnn-2 2 trials, about 2 min 20 s\n"
    display.trial_started("cnn-0", 0, {}, 1, told_origin("confirmation", 0, None))
    display.trial_finished("cnn-0", 0, TrialResult("complete", 0.5, epochs_run=1), 90.0)
    # The run took half as long again as was thought; so may the others.
    assert display.progress.line() == "1 of 4 trials, about 2 min 00 s left"


def test_the_guess_of_an_architecture_to_come_learns_from_those_that_ran() -> None:
    display = Lines()
    guessed = {"cnn": 20.0, "resnet50": 100.0}
    start = StudyStart("s", {"cnn": 2, "resnet50": 3}, {}, "loss", "minimize", seconds=guessed)
    display.study_started(start)
    assert display.progress.seconds_left() == pytest.approx(2 * 20 + 3 * 100)
    display.trial_finished("cnn", 0, TrialResult("complete", 0.5), 30.0)
    display.trial_finished("cnn", 1, TrialResult("complete", 0.5), 50.0)
    # Twice as long as guessed, and so the rest.
    assert display.progress.seconds_left() == pytest.approx(3 * 200)
    display.trial_finished("resnet50", 0, TrialResult("complete", 0.5), 90.0)
    assert display.progress.seconds_left() == pytest.approx(2 * 90), "its own trials count alone"


def test_a_limit_of_time_is_told_in_place_of_a_guess_at_trials(
    capsys: pytest.CaptureFixture[str],
) -> None:
    display, done = Lines(), TrialResult(state="complete", value=0.5, epochs_run=1)
    given: dict[str, Any] = {"limit": "0.01 device-hours", "left": {"cnn": (None, 30.0)}}
    start = StudyStart("s", {"cnn": 1000}, {"cnn": 1}, "val_accuracy", "maximize", **given)
    display.study_started(start)
    told = "study s: cnn at most 0.01 device-hours (1 trial done already), about 30 s\n"
    assert capsys.readouterr().err == told
    assert display.progress.share == 0
    display.trial_finished("cnn", 1, done, 12.0)
    told = "2 trials, at most 0.01 device-hours, about 18 s left"
    assert capsys.readouterr().err.endswith(f"; {told}\n")
    assert display.progress.share == pytest.approx(12 / 30)
    display.trial_finished("cnn", 2, done, 20.0)
    assert display.progress.line() == "3 trials, at most 0.01 device-hours"
    assert display.progress.share == 1


def test_the_smaller_of_trials_and_limits_is_what_is_left(monkeypatch: pytest.MonkeyPatch) -> None:
    now = [1000.0]
    monkeypatch.setattr("hpo.cli.live.time.monotonic", lambda: now[0])
    left = {"cnn": (100.0, 400.0)}
    start = StudyStart("s", {"cnn": 9}, {}, "loss", "minimize", workers=2, left=left)
    display = Lines()
    display.study_started(start)
    display.trial_started("cnn", 0, {}, 1, "sampler")
    for number, seconds in enumerate((60.0, 10.0, 2.0, 2.0)):
        now[0] += 10
        display.trial_finished("cnn", number, TrialResult("complete", 0.5), seconds)
        # Of trials 8 x 60 / 2, 7 x 35 / 2, 6 x 24 / 2 and 5 x 18.5 / 2; of hours 90 and less.
        assert display.progress.seconds_left() == pytest.approx((90, 80, 70, 46.25)[number])


def test_several_architectures_have_a_limit_each(capsys: pytest.CaptureFixture[str]) -> None:
    both = {"cnn": 1000, "mine": 1000}
    left: dict[str, tuple[float | None, float | None]] = dict.fromkeys(both, (60.0, None))
    start = StudyStart("s", both, {}, "loss", "minimize", limit="0.0167 hours", left=left)
    Lines().study_started(start)
    told = "study s: cnn, mine at most 0.0167 hours each, about 2 min 00 s\n"
    assert capsys.readouterr().err == told


def test_the_ui_is_opened_at_the_studies() -> None:
    for address in ("http://127.0.0.1:5000", "http://127.0.0.1:5000/"):
        assert experiments_link(address) == "http://127.0.0.1:5000/#/experiments"
