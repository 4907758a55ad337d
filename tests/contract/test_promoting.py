"""What ``promote`` registers, against real stores; nothing is trained."""

from __future__ import annotations

import contextlib
import dataclasses
import hashlib
import json
import shutil
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from typer.testing import CliRunner

import hpo
from hpo.cli.app import app
from hpo.data.store import FaceDataset, RawSplit, write_faces
from hpo.recommender.choice import Origin, classifier_for
from hpo.registry import succession
from hpo.registry.consistency import HalfDone, half_promoted
from hpo.registry.models import (
    CLASSIFIER,
    RECOMMENDER,
    TAG_CLASSIFIER_VERSION,
    TAG_DATASET_DIGEST,
    TAG_GATE,
    TAG_MOODS_DIGEST,
    TAG_STUDY,
)
from hpo.registry.versions import fetch_folder, find_version, versions_of
from hpo.search.engine import open_engine
from hpo.search.studies import read_spec, read_trials, set_attribute
from hpo.spec.bits import pack_bits
from hpo.spec.emotions import EMOTIONS
from hpo.spec.errors import DataError, InputError, IntegrityError, NotFoundError, SpecError
from hpo.spec.records import TrialResult
from hpo.spec.workspace import Workspace
from hpo.study.answering import register_answering
from hpo.study.confirming import confirmation_spec
from hpo.study.decision import Measured, decision_of
from hpo.study.deletion import what_goes
from hpo.study.finishing import finish
from hpo.study.gated import Examined
from hpo.study.opening import OPENINGS
from hpo.tracking.store import ensure_experiment, open_client
from tests.unit.reports.test_confirmation import OPENING
from tests.unit.search.analytic import make_spec

# As in test_mirror.
pytestmark = [
    pytest.mark.filterwarnings("ignore::sqlalchemy.exc.SADeprecationWarning"),
    pytest.mark.filterwarnings("ignore:.*Any type hint is inferred:UserWarning"),
]


def draw(folder: Path, seed: int, *, test: bool = False) -> FaceDataset:
    generator = np.random.default_rng(seed)

    def split(count: int) -> RawSplit:
        images = generator.integers(0, 256, (count, 48, 48), dtype=np.uint8)
        labels = np.arange(count, dtype=np.uint8) % 7
        return RawSplit(images=images, labels=labels, names=[str(i) for i in range(count)])

    splits = {"train": split(14), "validation": split(7)}
    return write_faces(folder, folder.name, {**splits, **({"test": split(7)} if test else {})}, {})


LABELS = [number % 7 for number in range(700)]
RIGHT: dict[str, Callable[[int], bool]] = {
    "study": lambda i: i % 10 < 5,
    "equal": lambda i: i % 10 >= 5,
    "better": lambda i: i % 10 < 6,
    "best": lambda i: i % 10 < 7,
    "collapsed": lambda i: i % 10 < 9 and LABELS[i] != 1,
    "chance": lambda i: LABELS[i] == 0,
}
"""Of which faces each study's winner is right, of seven hundred."""


def examined(keras_file: Path, *_: Any) -> Examined:
    """What a hollow archive answers: whose winner it is says how."""
    with zipfile.ZipFile(keras_file) as archive:
        right = RIGHT[json.loads(archive.read("config.json"))["study"]]
    answers = [y if right(i) else (y + 1) % 7 for i, y in enumerate(LABELS)]
    return Examined(LABELS, Measured(answers, 0.05, 20.0, 1.0))


@pytest.fixture
def finished(
    workspace: Workspace, mlflow_tables: Path, monkeypatch: pytest.MonkeyPatch
) -> Workspace:
    """A workspace with a study of one complete trial, its checkpoint and its run in MLflow."""
    # The checkpoint is no model that Keras could load.
    monkeypatch.setattr("hpo.study.gated.examine", examined)
    monkeypatch.setattr("hpo.study.gated.check_answers", lambda file, title: None)
    workspace.ensure(workspace.runs)
    shutil.copy(mlflow_tables, workspace.runs)
    run_study(workspace, "study", value=0.5)
    return workspace


def run_study(
    workspace: Workspace, name: str, value: float, model: Path | None = None, *, test: bool = False
) -> None:
    """Store a study of one complete trial, whose checkpoint is ``model`` or a hollow archive."""
    digest = draw(workspace.data / "faces", seed=0, test=test).digest
    checkpoint = model or workspace.runs / f"{name}.keras"
    if model is None:
        with zipfile.ZipFile(checkpoint, "w") as archive:
            for member in ("metadata.json", "config.json", "model.weights.h5"):
                archive.writestr(member, json.dumps({"study": name}))
    spec = make_spec(1, name=name, data={"dataset": "faces"})
    engine = open_engine(workspace.storage_url(), spec, "cnn", dataset_digest=digest)
    proposal = engine.ask()
    assert proposal is not None
    client = tracked(workspace)
    run_id = client.create_run(ensure_experiment(client, name, {})).info.run_id
    engine.set_run_id(proposal.number, run_id)
    sha256 = hashlib.sha256(checkpoint.read_bytes()).hexdigest()
    result = TrialResult(
        "complete", value, metrics={"val_accuracy": value}, epochs_run=1,
        checkpoint=str(checkpoint), checkpoint_sha256=sha256,
        confusion=[[10] * 7] + [[5] * 7] * 6,
    )  # fmt: skip
    assert engine.finish(proposal.number, result)


def confirm_study(workspace: Workspace, name: str, values: tuple[float, ...]) -> None:
    """Run a study's only trial again, once for each of these values; the models are its own."""
    url = workspace.storage_url()
    (searched,) = read_trials(url, name)
    assert searched.result is not None
    spec = confirmation_spec(read_spec(url, name), {"cnn-0": searched}, len(values))
    digest = draw(workspace.data / "faces", seed=0).digest
    engine = open_engine(url, spec, "cnn-0", dataset_digest=digest)
    client = tracked(workspace)
    experiment = ensure_experiment(client, spec.name, {})
    while (proposal := engine.ask()) is not None:
        engine.set_run_id(proposal.number, client.create_run(experiment).info.run_id)
        value = values[proposal.slot]
        right = np.arange(100) < 100 * value
        result = dataclasses.replace(
            searched.result, value=value, metrics={"val_accuracy": value},
            correct=pack_bits(right), validation_size=100,
        )  # fmt: skip
        assert engine.finish(proposal.number, result)


def tracked(workspace: Workspace) -> Any:
    return open_client(workspace.tracking_uri(), workspace.runs / "artifacts")


def who_answers(workspace: Workspace, version: str | None = None) -> Origin:
    """Who would answer ``hpo recommend``; its weights are not loaded."""
    with pytest.MonkeyPatch.context() as patch:
        for kind in ("keras", "packed"):
            patch.setattr(f"hpo.recommender.choice.classifier_from_{kind}", lambda path: None)
        return classifier_for(workspace, version)[1]


def test_the_version_names_the_faces_that_the_study_was_run_on(finished: Workspace) -> None:
    client = tracked(finished)
    recorded = hpo.promote("study", workspace=finished)
    assert (recorded.outcome, recorded.classifier_version) == ("promoted", "1")
    digest = find_version(client, CLASSIFIER, "champion").tags[TAG_DATASET_DIGEST]
    assert digest == draw(finished.data / "faces", seed=0).digest
    # Other faces of the same name are there now. The model is in MLflow: they are not asked for.
    assert draw(finished.data / "faces", seed=1).digest != digest
    again = hpo.promote("study", workspace=finished)
    assert again == dataclasses.replace(recorded, outcome="unchanged", warnings=())
    assert find_version(client, CLASSIFIER, "champion").tags[TAG_DATASET_DIGEST] == digest


def test_other_faces_are_no_example_for_a_model_that_is_not_logged(finished: Workspace) -> None:
    draw(finished.data / "faces", seed=1)
    with pytest.raises(DataError, match="'faces' has changed since the study was run"):
        hpo.promote("study", workspace=finished)
    assert versions_of(tracked(finished), CLASSIFIER) == []


def test_a_test_split_that_came_after_the_study_is_no_other_faces(finished: Workspace) -> None:
    client = tracked(finished)
    before = draw(finished.data / "faces", seed=0)
    raw = {s: before.split(s) for s in before.splits}
    splits = {s: RawSplit(np.array(r.images), r.labels, r.names) for s, r in raw.items()}
    splits["test"] = splits["validation"]
    assert write_faces(finished.data / "faces", "faces", splits, {}).digest != before.digest
    assert hpo.promote("study", workspace=finished).outcome == "promoted"
    digest = find_version(client, CLASSIFIER, "champion").tags[TAG_DATASET_DIGEST]
    assert digest == before.digest


def test_the_gate_calls_no_data_other_where_a_test_split_came_between(finished: Workspace) -> None:
    first = hpo.promote("study", workspace=finished)
    run_study(finished, "better", value=0.6, test=True)
    later = hpo.promote("better", workspace=finished)
    assert first.gate is not None
    assert later.gate is not None
    assert later.gate.dataset_digest != first.gate.dataset_digest
    assert later.gate.against == first.classifier_version
    assert "other data" not in " ".join(later.gate.notes)


def test_another_mood_table_is_another_recommender_of_the_same_classifier(
    finished: Workspace, tmp_path: Path
) -> None:
    client = tracked(finished)
    first = hpo.promote("study", workspace=finished)
    moods = tmp_path / "moods.yaml"
    moods.write_text("".join(f"{emotion}: Calm\n" for emotion in EMOTIONS))
    other = hpo.promote("study", workspace=finished, moods=moods)
    assert other.classifier_version == first.classifier_version
    assert other.recommender_version != first.recommender_version
    assert hpo.promote("study", workspace=finished, moods=moods) == other
    back = hpo.promote("study", workspace=finished)
    assert back == dataclasses.replace(first, outcome="unchanged", warnings=())
    assert [e.what for e in succession.history(client)] == ["promoted", *["answers with"] * 2]
    digests = [v.tags[TAG_MOODS_DIGEST] for v in versions_of(client, RECOMMENDER)]
    assert len(set(digests)) == len(digests) == 2


def test_a_mood_without_songs_moves_no_champion(finished: Workspace, tmp_path: Path) -> None:
    moods = tmp_path / "moods.yaml"
    moods.write_text("".join(f"{emotion}: Furious\n" for emotion in EMOTIONS))
    with pytest.raises(DataError, match="no song of the mood 'Furious'"):
        hpo.promote("study", workspace=finished, moods=moods)
    assert versions_of(tracked(finished), CLASSIFIER) == []


def champions(workspace: Workspace) -> tuple[str, str]:
    """The versions that are champion: of the classifier, and that its recommender answers with."""
    client = tracked(workspace)
    recommender = find_version(client, RECOMMENDER, "champion")
    return (
        str(find_version(client, CLASSIFIER, "champion").version),
        recommender.tags[TAG_CLASSIFIER_VERSION],
    )


def test_a_better_challenger_replaces_the_champion_and_steps_back_again(
    finished: Workspace,
) -> None:
    hpo.promote("study", workspace=finished)
    with pytest.raises(NotFoundError, match=f"there is no version 99 of {CLASSIFIER}"):
        hpo.rollback("99", workspace=finished)
    run_study(finished, "better", value=0.6)
    better = hpo.promote("better", workspace=finished)
    assert better.outcome == "promoted"
    assert "replaces emotion-classifier 1 (cnn #0 of study study, val_accuracy 0.5000)" in (
        better.line()
    )
    replaced = better.to_json()["replaced"]
    assert (replaced["study"], replaced["trial"], replaced["value"]) == ("study", 0, 0.5)
    assert champions(finished) == ("2", "2")

    back = hpo.rollback(workspace=finished)
    assert (back.changed, back.before, back.classifier, back.recommender) == (True, "2", "1", "1")
    assert champions(finished) == ("1", "1")
    # Done again, it is nothing, by either way of asking; it does not go a step further.
    assert hpo.rollback(workspace=finished).changed is False
    assert hpo.rollback("1", workspace=finished).changed is False
    # What a person stepped back from comes back by a person's word alone.
    again = hpo.promote("better", workspace=finished)
    assert again.outcome == "refused"
    assert again.gate is not None
    assert again.gate.failed == ("rollback",)
    assert champions(finished) == ("1", "1")
    assert half_done(finished, "better") is None
    assert hpo.promote("better", workspace=finished, force=True).outcome == "promoted"
    shown = hpo.champion(workspace=finished)
    assert shown.classifier is not None
    assert shown.classifier.gate is not None
    assert (shown.classifier.study, shown.classifier.gate.verdict) == ("better", "forced")
    assert [move.what for move in shown.history] == [
        "forced",
        "rolled back",
        "promoted",
        "promoted",
    ]
    assert (shown.recommender, shown.pinned, shown.challenger) == ("2", "2", None)


@pytest.mark.parametrize("to", ["boxed", None])
def test_from_the_first_champion_one_steps_back_to_the_model_in_the_box(
    finished: Workspace, to: str | None
) -> None:
    run_study(finished, "chance", value=0.25)
    assert hpo.promote("chance", workspace=finished, force=True).outcome == "promoted"
    assert who_answers(finished).version == "1"
    words = ["--home", str(finished.home), "champion", "--rollback", *(["--to", to] if to else [])]
    told = CliRunner().invoke(app, words)
    assert told.exit_code == 0, told.output
    assert "the model in the box answers, in place of emotion-classifier 1." in told.stderr
    assert "champion --rollback --to 1 --home" in told.stderr
    # Both aliases are gone, and the history tells why.
    for model in (CLASSIFIER, RECOMMENDER):
        with pytest.raises(NotFoundError):
            find_version(tracked(finished), model, "champion")
    assert who_answers(finished).boxed
    shown = hpo.champion(workspace=finished)
    assert (shown.classifier, shown.recommender) == (None, "")
    move = shown.history[0]
    assert (move.what, move.classifier, move.recommender, move.before) == (
        *("rolled back", "boxed"),
        *("", "1"),
    )
    assert shown.since == move.at
    page = CliRunner().invoke(app, ["--home", str(finished.home), "champion"])
    assert "A person stepped back from the champion at" in page.stderr
    assert half_done(finished, "chance") is None
    # Done again, it is nothing.
    again = hpo.rollback(to, workspace=finished)
    assert again.line() == "Nothing to do: the model in the box answers already."
    assert len(hpo.champion(workspace=finished).history) == 2
    # No --resume undoes it; a person does, in either way.
    assert hpo.promote("chance", workspace=finished).outcome == "refused"
    assert hpo.rollback(1, workspace=finished).changed
    assert champions(finished) == ("1", "1")
    hpo.rollback("boxed", workspace=finished)
    assert hpo.promote("chance", workspace=finished, force=True).outcome == "promoted"
    assert champions(finished) == ("1", "1")
    # Another study's winner becomes champion as the first one does.
    hpo.rollback("boxed", workspace=finished)
    assert hpo.promote("study", workspace=finished).outcome == "promoted"
    assert champions(finished) == ("2", "2")
    assert hpo.rollback(workspace=finished).classifier == "boxed"


def test_a_step_back_to_the_box_that_was_cut_off_is_finished(finished: Workspace) -> None:
    hpo.promote("study", workspace=finished)
    why = f"{CLASSIFIER} 1 is champion no more, but its {RECOMMENDER} is"
    for finish_it in (
        lambda: hpo.rollback("boxed", workspace=finished),
        lambda: hpo.rollback(workspace=finished),
        lambda: finished_as_the_doctor_does(finished, "study", why),
    ):
        hpo.rollback(1, workspace=finished)
        tracked(finished).delete_registered_model_alias(CLASSIFIER, "champion")
        shown = CliRunner().invoke(app, ["--home", str(finished.home), "champion"])
        assert "Warning: song-recommender 1 is champion still" in shown.stderr
        finish_it()
        shown = hpo.champion(workspace=finished)
        assert (shown.classifier, shown.recommender) == (None, "")
        move = shown.history[0]
        assert (move.what, move.classifier, move.before) == ("rolled back", "boxed", "1")
        assert half_done(finished, "study") is None


def test_a_challenger_that_differs_by_nothing_stays_one(
    finished: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    hpo.promote("study", workspace=finished)
    run_study(finished, "equal", value=0.5)
    refused = hpo.promote("equal", workspace=finished)
    assert (refused.outcome, refused.recommender_version) == ("refused", "")
    assert "did not pass the gate (gain); the champion stays emotion-classifier 1" in refused.line()
    client = tracked(finished)
    version = find_version(client, CLASSIFIER, "challenger")
    assert version.tags[TAG_STUDY] == "equal"
    assert version.tags[TAG_GATE] == "refused"
    assert version.tags["hpo.gate.gain"].startswith("failed: +0.0 points [")
    assert decision_of(version.tags) == refused.gate
    assert champions(finished) == ("1", "1")
    # Twice is once, and nobody is asked again.
    monkeypatch.setattr("hpo.study.gated.examine", None)
    assert hpo.promote("equal", workspace=finished) == refused
    assert len(versions_of(client, CLASSIFIER)) == 2
    # It answers nobody, so nobody need be promoted in its stead before it goes.
    with pytest.raises(InputError, match="--force to delete this version too: it is not the champ"):
        what_goes("equal", workspace=finished)
    with pytest.raises(InputError, match="or promote another study"):
        what_goes("study", workspace=finished)
    assert len(versions_of(client, RECOMMENDER)) == 1
    assert half_done(finished, "equal") is None
    with pytest.raises(NotFoundError, match=r"never was champion.*hpo promote equal --force"):
        hpo.rollback(2, workspace=finished)

    told = CliRunner().invoke(app, ["--home", str(finished.home), "promote", "equal"])
    assert told.exit_code == 4
    assert "FAILED" in told.stdout
    assert "promote equal --force --home" in told.stderr
    shown = CliRunner().invoke(app, ["--home", str(finished.home), "champion"])
    assert shown.exit_code == 0
    assert "emotion-classifier 1 answers, in song-recommender 1" in shown.stdout
    assert "challenger: emotion-classifier 2, cnn #0 of equal" in shown.stdout


def test_a_confirmed_winner_is_the_best_of_all_that_ran_on_these_faces(
    finished: Workspace,
) -> None:
    run_study(finished, "better", value=0.6)
    confirm_study(finished, "better", (0.55, 0.65, 0.6))
    promotion = hpo.promote("better", workspace=finished)
    assert (promotion.architecture, promotion.trial) == ("cnn-0", 1)
    assert promotion.gate is not None
    assert (promotion.gate.selected_from, promotion.gate.reruns) == (4, 3)
    # People read the configuration and its seed, and the mean over them beside the best of them.
    # By its faces: 56 of 100 are below 100 * 0.55.
    assert "(cnn #0 seed 2 of study better, val_accuracy 0.6500, mean over 3 seeds 0.6033)" in (
        promotion.line()
    )
    shown = CliRunner().invoke(app, ["--home", str(finished.home), "champion"])
    assert "study better.confirmation, cnn #0 seed 2\n" in shown.stdout
    assert "val_accuracy, mean over seeds (95 % bootstrap interval): cnn #0 0.6033 [" in (
        " ".join(shown.output.split())
    )
    levels = {c.name: c.details["level"] for c in promotion.gate.checks if "level" in c.details}
    assert levels["accuracy"] == 1 - (1 - 0.95) / 4
    assert "the best of 1 trial and 3 re-runs on these faces" in " ".join(promotion.gate.notes)
    champion = find_version(tracked(finished), CLASSIFIER, "champion")
    assert decision_of(champion.tags) == promotion.gate
    # Who is compared with it later finds how many chances it had.
    run_study(finished, "best", value=0.7)
    confirm_study(finished, "best", (0.7, 0.75, 0.7))
    later = hpo.promote("best", workspace=finished)
    assert later.gate is not None
    gain = next(check for check in later.gate.checks if check.name == "gain")
    assert gain.details["level"] == 1 - (1 - 0.95) / 1


def test_one_at_chance_becomes_no_champion(finished: Workspace) -> None:
    run_study(finished, "chance", value=0.25)
    refused = hpo.promote("chance", workspace=finished)
    assert (refused.outcome, refused.replaced) == ("refused", None)
    assert "(accuracy); there is still no champion" in refused.line()
    assert hpo.champion(workspace=finished).classifier is None
    assert half_done(finished, "chance") is None
    # There is no champion, so the next one is the first.
    assert hpo.promote("study", workspace=finished).outcome == "promoted"


def doubt(workspace: Workspace) -> str:
    return who_answers(workspace).doubt


def test_who_answers_past_the_gate_is_named_with_its_accuracy(finished: Workspace) -> None:
    run_study(finished, "chance", value=0.25)
    hpo.promote("chance", workspace=finished, force=True)
    name = f"{CLASSIFIER} version 1 (study chance, cnn #0)"
    assert doubt(finished) == (
        f"{name} was made the champion past the gate (accuracy); its validation accuracy is "
        "14.3 %, no more than the 14.3 % of always answering the most frequent emotion."
    )
    hpo.promote("study", workspace=finished)
    assert doubt(finished) == ""
    run_study(finished, "collapsed", value=0.8)
    hpo.promote("collapsed", workspace=finished, force=True)
    assert "past the gate (recall); its validation accuracy is 77.1 %." in doubt(finished)
    # One that was stepped back from and forced past that alone is as good as it was.
    hpo.rollback(2, workspace=finished)
    hpo.rollback("boxed", workspace=finished)
    hpo.promote("study", workspace=finished, force=True)
    assert doubt(finished) == ""
    # Asked for by its number, one that did not pass says so too.
    run_study(finished, "equal", value=0.5)
    hpo.promote("equal", workspace=finished)
    assert "did not pass the gate (gain)" in who_answers(finished, "4").doubt


def test_the_champion_tells_what_the_test_split_said_of_its_configuration(
    finished: Workspace,
) -> None:
    def tested() -> tuple[str, ...]:
        shown = hpo.champion(workspace=finished).classifier
        assert shown is not None
        return shown.tested

    hpo.promote("study", workspace=finished)
    assert tested() == ()
    opening = OPENING | {"number": 0, "runs": [0], "values": [0.51], "confirmed": False}
    url = finished.storage_url()
    set_attribute(url, "study", OPENINGS, [opening])
    assert "On the 3,589 test faces of fer2013 cnn #0 reaches an accuracy of 51.0 %" in tested()[0]
    told = CliRunner().invoke(app, ["--home", str(finished.home), "champion"]).stdout
    assert tested()[0] in told
    # One that was cut off has said nothing, and what it said of another is none of this one's.
    set_attribute(url, "study", OPENINGS, [{**opening, "finished": ""}])
    assert tested() == ()
    set_attribute(url, "study", OPENINGS, [{**opening, "number": 1}])
    assert tested() == ()


def test_the_champion_tells_what_a_confirmation_has_found_since(finished: Workspace) -> None:
    def news() -> tuple[str, ...]:
        shown = hpo.champion(workspace=finished).classifier
        assert shown is not None
        return shown.news

    hpo.promote("study", workspace=finished)
    assert news() == ()
    confirm_study(finished, "study", (0.55, 0.5, 0.45))
    (seeds,) = news()
    assert seeds.startswith("By now its configuration, cnn #0, reaches 50.3 % [")
    assert seeds.endswith("over 3 seeds.")
    # What was registered with that mean has nothing to add to it.
    run_study(finished, "better", value=0.6)
    confirm_study(finished, "better", (0.6, 0.55, 0.65))
    assert hpo.promote("better", workspace=finished, force=True).over_seeds
    assert news() == ()


def test_a_confirmed_champion_that_is_doubted_is_told_with_its_mean(finished: Workspace) -> None:
    run_study(finished, "chance", value=0.25)
    confirm_study(finished, "chance", (0.25, 0.15, 0.2))
    hpo.promote("chance", workspace=finished, force=True)
    assert "is 14.3 % (the best of 3 seeds, whose mean is 20.0 %), no more than" in doubt(finished)


def test_one_that_lost_a_class_is_promoted_by_a_person_only(finished: Workspace) -> None:
    hpo.promote("study", workspace=finished)
    run_study(finished, "collapsed", value=0.8)
    refused = hpo.promote("collapsed", workspace=finished)
    assert refused.gate is not None
    assert refused.gate.failed == ("recall",)
    forced = hpo.promote("collapsed", workspace=finished, force=True)
    assert forced.outcome == "promoted"
    assert forced.warnings == ("Warning: promoted past the gate (recall).",)
    assert champions(finished) == ("2", "2")
    version = find_version(tracked(finished), CLASSIFIER, "champion")
    assert version.tags[TAG_GATE] == "forced"
    with pytest.raises(NotFoundError, match="no version of emotion-classifier is the challenger"):
        find_version(tracked(finished), CLASSIFIER, "challenger")


def test_the_champions_own_model_from_another_study_changes_nothing(finished: Workspace) -> None:
    hpo.promote("study", workspace=finished)
    run_study(finished, "copy", value=0.5, model=finished.runs / "study.keras")
    same = hpo.promote("copy", workspace=finished)
    assert (same.outcome, same.classifier_version, same.recommender_version) == (
        *("unchanged", "1"),
        "1",
    )
    assert len(versions_of(tracked(finished), CLASSIFIER)) == 1


@contextlib.contextmanager
def cut_off_before(name: str) -> Iterator[None]:
    """Cut a move off before this model's alias is moved."""
    inner = succession.point_alias

    def point(client: Any, model: str, alias: str, number: str) -> None:
        if model == name:
            raise KeyboardInterrupt
        inner(client, model, alias, number)

    with pytest.MonkeyPatch.context() as patch, contextlib.suppress(KeyboardInterrupt):
        patch.setattr(succession, "point_alias", point)
        yield
        pytest.fail("it was not cut off")


def half_done(workspace: Workspace, study: str) -> HalfDone | None:
    return half_promoted(tracked(workspace), study)


def finished_as_the_doctor_does(workspace: Workspace, study: str, why: str) -> None:
    client = tracked(workspace)
    half = half_promoted(client, study)
    assert half is not None
    assert half.why == why
    finish(client, study, workspace)
    # Whoever saw it too, and comes second, finds nothing to do.
    before = succession.history(client), len(versions_of(client, RECOMMENDER))
    finish(client, study, workspace)
    assert (succession.history(client), len(versions_of(client, RECOMMENDER))) == before
    assert half_promoted(client, study) is None


def test_a_move_that_was_cut_off_is_finished_as_what_it_was(finished: Workspace) -> None:
    hpo.promote("study", workspace=finished)
    run_study(finished, "better", value=0.6)
    with cut_off_before(RECOMMENDER):
        hpo.promote("better", workspace=finished)
    assert champions(finished) == ("2", "1")
    assert half_done(finished, "study") is None
    why = f"{CLASSIFIER} 2 is champion, but the {RECOMMENDER} of another version is"
    finished_as_the_doctor_does(finished, "better", why)
    assert champions(finished) == ("2", "2")

    with cut_off_before(RECOMMENDER):
        hpo.rollback(workspace=finished)
    assert champions(finished) == ("1", "2")
    # The same command again finishes the step, and goes none further.
    finishing = hpo.rollback(workspace=finished)
    assert (finishing.finished, finishing.classifier) == (True, "1")
    assert hpo.rollback(workspace=finished).changed is False
    assert champions(finished) == ("1", "1")
    moves = [move.what for move in hpo.champion(workspace=finished).history]
    assert moves == ["rolled back", "promoted", "promoted"]

    # A version may be named by a number as well.
    with cut_off_before(RECOMMENDER):
        hpo.rollback(2, workspace=finished)
    finishing = hpo.rollback(2, workspace=finished)
    assert (finishing.finished, finishing.classifier) == (True, "2")
    assert champions(finished) == ("2", "2")


def test_a_champion_whose_first_recommender_was_cut_off_is_shown_as_it_stands(
    finished: Workspace,
) -> None:
    with cut_off_before(RECOMMENDER):
        hpo.promote("study", workspace=finished)
    shown = CliRunner().invoke(app, ["--home", str(finished.home), "champion"])
    assert shown.exit_code == 0, shown.output
    assert shown.stdout.startswith("emotion-classifier 1 answers\n")
    assert "Warning: no song-recommender is champion: a move was cut off." in shown.stderr


def test_what_passed_the_gate_and_was_cut_off_is_judged_anew_by_another_champion(
    finished: Workspace,
) -> None:
    hpo.promote("study", workspace=finished)
    for name, value in (("better", 0.6), ("best", 0.7)):
        run_study(finished, name, value)
    with cut_off_before(CLASSIFIER):
        hpo.promote("better", workspace=finished)
    assert champions(finished) == ("1", "1")
    hpo.promote("best", workspace=finished)
    why = f"{CLASSIFIER} 2 passed the gate, but is not champion"
    finished_as_the_doctor_does(finished, "better", why)
    assert champions(finished) == ("3", "3")
    assert find_version(tracked(finished), CLASSIFIER, "2").tags[TAG_GATE] == "refused"


def test_what_passed_the_gate_while_nobody_was_champion_is_judged_by_one_that_came_meanwhile(
    finished: Workspace,
) -> None:
    run_study(finished, "better", value=0.6)
    with cut_off_before(CLASSIFIER):
        hpo.promote("study", workspace=finished)
    hpo.promote("better", workspace=finished)
    assert champions(finished) == ("2", "2")
    why = f"{CLASSIFIER} 1 passed the gate, but is not champion"
    finished_as_the_doctor_does(finished, "study", why)
    assert champions(finished) == ("2", "2")
    assert find_version(tracked(finished), CLASSIFIER, "1").tags[TAG_GATE] == "refused"


def test_a_champion_that_came_while_the_gate_was_asked_is_asked_about_too(
    finished: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    hpo.promote("study", workspace=finished)
    for name, value in (("better", 0.6), ("best", 0.7)):
        run_study(finished, name, value)

    def meanwhile(*told: Any) -> str:
        monkeypatch.setattr("hpo.study.promoting.register_answering", register_answering)
        # As from another storage with the same MLflow: the lock is a storage's.
        monkeypatch.setattr(
            "hpo.study.promoting.alone_with_registry", lambda url: contextlib.nullcontext()
        )
        assert hpo.promote("best", workspace=finished).outcome == "promoted"
        return register_answering(*told)

    monkeypatch.setattr("hpo.study.promoting.register_answering", meanwhile)
    refused = hpo.promote("better", workspace=finished)
    assert (refused.outcome, refused.recommender_version) == ("refused", "")
    assert refused.gate is not None
    assert refused.gate.against == "3"
    assert champions(finished) == ("3", "3")
    assert half_done(finished, "better") is None


def test_a_champion_that_is_not_what_it_was_is_compared_with_nobody(finished: Workspace) -> None:
    hpo.promote("study", workspace=finished)
    served = finished.runs / "artifacts"
    (file,) = [f for f in served.rglob("model.keras") if "song" not in str(f)]
    file.write_bytes(b"another")
    run_study(finished, "better", value=0.6)
    with pytest.raises(IntegrityError, match="emotion-classifier 1, cannot be compared with"):
        hpo.promote("better", workspace=finished)
    assert champions(finished) == ("1", "1")
    forced = hpo.promote("better", workspace=finished, force=True)
    assert forced.gate is not None
    assert forced.gate.checks == ()
    assert "Nothing was compared" in forced.gate.notes[0]
    assert champions(finished) == ("2", "2")


def test_champions_from_before_there_was_a_gate_step_back_too(
    finished: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    run_study(finished, "better", value=0.6)
    with pytest.MonkeyPatch.context() as patch:
        # As they were registered then: without tags of the gate, and without a history.
        patch.setattr("hpo.study.gate.Decision.tags", lambda self: {})
        patch.setattr(succession, "note", lambda client, event: None)
        hpo.promote("study", workspace=finished)
        hpo.promote("better", workspace=finished)
    shown = hpo.champion(workspace=finished)
    assert shown.classifier is not None
    assert (shown.classifier.version, shown.classifier.gate, shown.history) == ("2", None, ())
    assert half_done(finished, "study") is half_done(finished, "better") is None
    assert hpo.promote("better", workspace=finished).outcome == "unchanged"
    assert hpo.rollback(workspace=finished).classifier == "1"
    assert champions(finished) == ("1", "1")
    # What a person stepped back from stays behind, though no history knows it as a champion.
    refused = hpo.promote("better", workspace=finished)
    assert refused.gate is not None
    assert refused.gate.failed == ("rollback",)
    assert champions(finished) == ("1", "1")


def test_without_a_store_nobody_is_champion_and_none_is_made(workspace: Workspace) -> None:
    workspace.ensure(workspace.home)
    assert hpo.champion(workspace=workspace).classifier is None
    with pytest.raises(NotFoundError, match="no champion to roll back"):
        hpo.rollback(workspace=workspace)
    assert hpo.rollback("boxed", workspace=workspace).changed is False
    with pytest.raises(InputError, match="a number, or 'boxed'"):
        hpo.rollback("bokst", workspace=workspace)
    assert list(workspace.home.iterdir()) == []


@pytest.mark.keras
@pytest.mark.parametrize("activation", [None, "softmax"])
def test_a_model_without_a_softmax_becomes_no_champion(
    workspace: Workspace, tmp_path: Path, activation: str | None
) -> None:
    import keras

    layers = keras.layers
    model = keras.Sequential(
        [keras.Input((48, 48, 1)), layers.Flatten(), layers.Dense(7, activation=activation)]
    )
    model.save(tmp_path / "model.keras")
    workspace.ensure(workspace.runs)
    run_study(workspace, "study", value=0.5, model=tmp_path / "model.keras")
    if activation is None:
        with pytest.raises(SpecError, match="'study/cnn/0' must be a softmax over 7 classes"):
            hpo.promote("study", workspace=workspace)
        assert versions_of(tracked(workspace), CLASSIFIER) == []
    else:
        promotion = hpo.promote("study", workspace=workspace)
        assert (promotion.outcome, promotion.classifier_version) == ("refused", "1")
        # Untrained, it was asked in earnest: about each face, timed and weighed.
        assert promotion.gate is not None
        told = {check.name: check.value for check in promotion.gate.checks}
        assert promotion.gate.faces == 7
        assert told["accuracy"] * 7 == pytest.approx(round(told["accuracy"] * 7))
        assert told["latency"] > 0.0
        assert told["size"] == pytest.approx(
            (tmp_path / "model.keras").stat().st_size / 2**20, abs=1e-9
        )


def test_files_of_a_model_that_are_gone_are_written_again_from_the_checkpoint(
    finished: Workspace,
) -> None:
    hpo.promote("study", workspace=finished)
    shutil.rmtree(finished.runs / "artifacts" / "study" / "models")
    with pytest.raises(NotFoundError, match="are gone"):
        files_of_champion(finished)
    again = hpo.promote("study", workspace=finished)
    assert (again.outcome, again.classifier_version) == ("unchanged", "1")
    assert again.recommender_version == "2", "the first has no files any more"
    assert files_of_champion(finished).is_relative_to(finished.runs)


def test_a_workspace_that_was_moved_goes_on_where_it_is_now(
    finished: Workspace, tmp_path: Path
) -> None:
    hpo.promote("study", workspace=finished)
    elsewhere = tmp_path / "elsewhere"
    shutil.copytree(finished.home, elsewhere)
    moved = Workspace.at(elsewhere)
    assert files_of_champion(moved).is_relative_to(elsewhere)
    assert hpo.promote("study", workspace=moved).outcome == "unchanged"
    # The original is as it was, and looks at its own files.
    assert files_of_champion(finished).is_relative_to(finished.runs)


def files_of_champion(workspace: Workspace) -> Path:
    client = tracked(workspace)
    folder = fetch_folder(client, find_version(client, "emotion-classifier", "1"), None)
    assert (folder / "data" / "model.keras").is_file()
    return folder
