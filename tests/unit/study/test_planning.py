"""What is planned before anything runs: nothing is drawn or written sooner than it must."""

from __future__ import annotations

import dataclasses
import json
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from click.testing import Result
from typer.testing import CliRunner

from hpo.cli.app import app
from hpo.data.audit.leakage import leaked_faces
from hpo.data.drawn.dataset import SPLIT_SIZES, write_dataset
from hpo.data.store import FaceDataset, open_faces
from hpo.execution.watch import Silence
from hpo.search.engine import open_engine
from hpo.search.ledger import LedgerEngine
from hpo.search.studies import read_dataset_digest
from hpo.spec.emotions import EMOTIONS
from hpo.spec.errors import InputError, NotFoundError, SpecError
from hpo.spec.study import StudySpec
from hpo.spec.workspace import Workspace
from hpo.study.confirming import confirm
from hpo.study.faces import drawn, find_dataset
from hpo.study.jobs import make_job
from hpo.study.joining import worker
from hpo.study.naming import example, open_study
from hpo.study.planning import plan
from hpo.study.running import StudyRun
from hpo.study.single import train
from hpo.training.batches import load_data
from tests.unit.cli.commands import run
from tests.unit.data.planted import planted, stored
from tests.unit.study.test_confirmed_members import result

ONE = """
name: one
architectures: {resnet50: {fixed: {input_size: 48}}}
"""


@pytest.fixture
def undrawable(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(folder: Path) -> None:
        raise AssertionError("the faces were drawn")

    monkeypatch.setattr("hpo.data.drawn.dataset.write_dataset", refuse)


@pytest.mark.usefixtures("undrawable")
def test_a_plan_to_look_at_knows_the_embedded_faces_without_drawing_them(
    workspace: Workspace,
) -> None:
    planned = plan(example("quickstart.yaml"), workspace=workspace, resume=False, probe=False)
    assert (planned.train_size, planned.validation_size) == (700, 280)
    assert planned.to_json()["data"]["digest"] is None
    assert not workspace.home.exists()


@pytest.mark.usefixtures("undrawable")
def test_the_guessed_time_counts_every_view_that_an_epoch_is_judged_by(
    workspace: Workspace,
) -> None:
    def seconds(views: str) -> float:
        words = [f"architectures.cnn.fixed.test_views={views}"]
        file = example("quickstart.yaml")
        looked = plan(file, workspace=workspace, overrides=words, resume=False, probe=False)
        return looked.parts["cnn"].seconds_per_trial

    one, two, ten = (seconds(views) for views in ("none", "mirror", "mirror_shifts"))
    assert two > one
    assert ten - one == pytest.approx(9 * (two - one))


def test_the_sizes_that_are_told_are_those_that_are_drawn(workspace: Workspace) -> None:
    for split, counts in find_dataset(workspace, "drawn-faces").counts().items():
        # As draw_split labels them: the emotions take turns.
        turns = np.bincount(np.arange(SPLIT_SIZES[split]) % len(EMOTIONS))
        assert counts == dict(zip(EMOTIONS, turns.tolist(), strict=True))


@pytest.mark.parametrize("spoilt", ["", "outdated", "damaged"])
def test_faces_that_are_to_be_drawn_anew_count_as_undrawn(
    spoilt: str, workspace: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("hpo.data.drawn.dataset.SPLIT_SIZES", {"train": 14, "validation": 7})
    folder = workspace.data / "drawn-faces"
    write_dataset(folder)
    if spoilt == "outdated":
        monkeypatch.setattr("hpo.data.drawn.dataset.GENERATOR_VERSION", 999)
    elif spoilt == "damaged":
        (folder / "train.images.npy").write_bytes(b"")
    before = find_dataset(workspace, "drawn-faces")
    assert bool(before.digest) == (not spoilt)
    after = drawn(before, workspace)
    assert after.digest
    assert find_dataset(workspace, "drawn-faces").digest == after.digest


@pytest.mark.usefixtures("undrawable")
@pytest.mark.parametrize(
    "override", ["architectures.cnn.fixed.widht=3", "sampler=tpee", "sampler={name: tpe, x: 1}"]
)
def test_faces_are_drawn_after_everything_that_may_be_refused(
    override: str, workspace: Workspace
) -> None:
    with pytest.raises((SpecError, NotFoundError)):
        plan(example("quickstart.yaml"), workspace=workspace, overrides=[override])
    assert not workspace.home.exists()


def test_a_plan_counts_the_faces_that_are_left_out_and_remembers_them(workspace: Workspace) -> None:
    folder = workspace.data / "planted"
    faces = sum(stored(folder, planted()).counts()["train"].values())
    change = ["data.dataset=planted", "data.leakage=drop"]
    file = example("quickstart.yaml")
    overrides = [*change, "data.train_limit=1000", "data.validation_limit=1000"]
    before = sorted(path.name for path in folder.iterdir())
    looked = plan(file, workspace=workspace, overrides=overrides, resume=False, probe=False)
    assert looked.train_size == faces - 3
    assert sorted(path.name for path in folder.iterdir()) == before, "a look writes nothing"
    assert plan(file, workspace=workspace, overrides=overrides).train_size == faces - 3
    assert list(folder.glob("duplicates-*.npy"))
    words = ["--set", change[0], "--set", change[1], "--dry-run"]
    home = str(workspace.home)
    done = CliRunner().invoke(app, ["--home", home, "run", "search_spaces/quickstart.yaml", *words])
    assert "to validate, 3 training faces left out as copies of held-out ones, " in done.output
    done = CliRunner().invoke(
        app, ["--home", home, "run", "search_spaces/quickstart.yaml", *words, "--json"]
    )
    assert json.loads(done.stdout)["data"]["copies_left_out"] == 3


def test_a_room_for_features_that_is_no_size_is_refused_before_a_trial_is_lost_by_it(
    workspace: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    weights = workspace.home / "base.weights.h5"
    weights.parent.mkdir(parents=True, exist_ok=True)
    weights.write_bytes(b"of a base")
    monkeypatch.setattr("hpo.study.planning.check_weights", lambda *_, **given: [])
    fixed = ["unfreeze=none", "feature_views=2", "mixup=false"]
    overrides = [
        f"architectures.resnet50.weights={weights}",
        *(f"architectures.resnet50.fixed.{change}" for change in fixed),
    ]
    planned = plan(example("quickstart.yaml"), workspace=workspace, overrides=overrides)
    assert planned.parts["resnet50"].spec.fixed["feature_views"] == 2
    monkeypatch.setenv("HPO_FEATURES_GIB", "x")
    with pytest.raises(InputError, match="HPO_FEATURES_GIB"):
        plan(example("quickstart.yaml"), workspace=workspace, overrides=overrides)
    # Who keeps none needs none.
    assert plan(example("quickstart.yaml"), workspace=workspace).parts


def of_one_architecture(**changes: Any) -> StudySpec:
    spec = open_study(example("quickstart.yaml"), ())[0].spec
    only = {"architectures": {"cnn": spec.architectures["cnn"]}}
    return StudySpec.model_validate({**spec.model_dump(), **only, "name": "one", **changes})


@pytest.fixture
def begun(workspace: Workspace) -> StudySpec:
    """A study of one finished trial, on faces of which the test split was not imported."""
    faces = stored(workspace.data / "planted", [one for one in planted() if one[0] != "test"])
    spec = of_one_architecture(data={"dataset": "planted", "leakage": "drop"})
    workspace.ensure(workspace.runs)
    engine = open_engine(workspace.storage_url(), spec, "cnn", dataset_digest=faces.digest)
    proposal = engine.ask()
    assert proposal is not None
    assert engine.finish(proposal.number, result(0.5))
    return spec


def test_a_study_goes_on_after_its_test_split_was_imported(
    begun: StudySpec, workspace: Workspace
) -> None:
    before = plan(begun, workspace=workspace, resume=True)
    stored(workspace.data / "planted", planted())
    after = plan(begun, workspace=workspace, resume=True)
    assert (after.dataset.digest, after.train_size) == (before.dataset.digest, before.train_size)
    (note,) = plan(begun, workspace=workspace, resume=False).notes[-1:]
    assert "--resume goes on with it" in note
    # Whoever begins anew takes the whole of it.
    other = begun.model_copy(update={"name": "other"})
    assert "test" in plan(other, workspace=workspace, resume=False).dataset.splits
    run = StudyRun(after, workspace, Silence(), resume=True)
    job = make_job(
        run.plan, after.parts["cnn"], {"epochs": 1}, number=1, seed=1, workspace=workspace
    )
    assert len(load_data(dataclasses.replace(job, train_limit=None)).validation)


class Looked(Exception):
    """Copies were looked for."""


@pytest.fixture
def looked(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Of whose faces copies were looked for, which ends the call."""
    asked: list[str] = []

    def look(dataset: FaceDataset, **_: object) -> None:
        asked.append(dataset.digest)
        raise Looked

    monkeypatch.setattr("hpo.data.audit.leakage.leaked_faces", look)
    return asked


@pytest.mark.parametrize("command", ["confirm", "train", "worker", "plan"])
def test_faces_are_compared_before_copies_are_looked_for(
    command: str, begun: StudySpec, workspace: Workspace, looked: list[str]
) -> None:
    recorded = read_dataset_digest(workspace.storage_url(), "one")

    def start() -> None:
        if command == "plan":
            plan(begun, workspace=workspace, resume=True)
        elif command == "train":
            train(begun, workspace=workspace, trial=0)
        else:
            {"confirm": confirm, "worker": worker}[command](begun, workspace=workspace)

    stored(workspace.data / "planted", planted())
    with pytest.raises(Looked):
        start()
    assert looked == [recorded]
    others = [one for one in planted() if one[1] != "alone0"]
    stored(workspace.data / "planted", others)
    # A single run compares its trial's faces when it has planned.
    with pytest.raises(Looked if command == "train" else InputError) as caught:
        start()
    if command != "train":
        assert "has changed since study 'one'" in str(caught.value)
        assert len(looked) == 1


def test_a_dry_run_says_that_it_looks_for_copies_while_standard_output_stays_data(
    tmp_path: Path,
) -> None:
    workspace = Workspace.at(tmp_path)
    stored(workspace.data / "planted", planted())
    change = ["--set", "data.dataset=planted", "--set", "data.leakage=drop"]
    words = ["run", "search_spaces/quickstart.yaml", "--dry-run", "--json", *change]
    said = "Looking for copies in 'planted', a minute for 30,000 faces\n"

    def looked() -> Result:
        done = CliRunner().invoke(app, ["--home", str(tmp_path), *words])
        assert done.exit_code == 0, done.output
        assert json.loads(done.stdout)["data"]["dataset"] == "planted"
        return done

    first = looked()
    assert first.stderr == said
    estimate = json.loads(first.stdout)
    assert estimate["copy_search_seconds"] > 0
    leaked_faces(open_faces(workspace.data / "planted"))
    again = looked()
    assert again.stderr == "", "what is known is not looked for"
    known = json.loads(again.stdout)
    assert known["copy_search_seconds"] == 0
    assert known["seconds"] < estimate["seconds"]


def test_a_dry_run_tells_the_search_for_copies_that_is_still_to_be_done(tmp_path: Path) -> None:
    words = ["--home", str(tmp_path), "run", "search_spaces/quickstart.yaml", "--dry-run"]
    done = CliRunner().invoke(app, words)
    assert "Of these 5 s are the search for copies among the faces, once." in done.output


@pytest.mark.parametrize("command", ["confirm", "train", "worker"])
def test_whoever_waits_for_copies_to_be_found_is_told_so(
    command: str, workspace: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    stored(workspace.data / "planted", planted())
    change = {"data": {"dataset": "planted"}, "name": "one"}
    spec = open_study(example("quickstart.yaml"), ())[0].spec
    only = {"architectures": {"cnn": spec.architectures["cnn"]}}
    spec = StudySpec.model_validate({**spec.model_dump(), **only, **change})
    workspace.ensure(workspace.runs)
    engine = open_engine(workspace.storage_url(), spec, "cnn")
    proposal = engine.ask()
    assert proposal is not None
    assert engine.finish(proposal.number, result(0.5))

    class Looked(Exception):
        pass

    def look(*_: object, **__: object) -> None:
        assert said == ["Looking for copies in 'planted', a minute for 30,000 faces"]
        raise Looked

    said: list[str] = []
    watcher = Silence()
    monkeypatch.setattr(watcher, "note", said.append)
    monkeypatch.setattr("hpo.data.audit.leakage.leaked_faces", look)
    start = {"confirm": confirm, "train": train, "worker": worker}[command]
    with pytest.raises(Looked):
        start(spec, workspace=workspace, watcher=watcher)


def test_a_dry_run_writes_nothing_and_says_that_the_faces_are_not_drawn(tmp_path: Path) -> None:
    began = time.monotonic()
    done = run("run", "search_spaces/quickstart.yaml", "--dry-run", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert "digest not known before they are drawn" in done.stdout
    assert list(tmp_path.iterdir()) == []
    # Under 3 s on an idle machine; tests share theirs. Drawing alone would take longer.
    assert time.monotonic() - began < 8


@pytest.mark.parametrize(
    ("pruner", "saved"), [("median", "pruning and early stopping save"), ("none", "early stopping")]
)
def test_a_dry_run_tells_of_pruning_where_there_is_a_pruner(
    pruner: str, saved: str, tmp_path: Path
) -> None:
    words = ["run", "search_spaces/quickstart.yaml", "--dry-run", "--set", f"pruner={pruner}"]
    done = CliRunner().invoke(app, ["--home", str(tmp_path), *words])
    assert done.exit_code == 0, done.output
    assert f", less what {saved}" in done.output


def test_a_dry_run_tells_how_configurations_go_on_and_at_which_rungs(tmp_path: Path) -> None:
    change = ["fidelity={name: successive_halving, rungs: [1, 2]}", "pruner=none"]
    labels = ("cnn", "resnet50", "xception")
    change += [f"architectures.{label}.fixed.epochs=2" for label in labels]
    words = ["run", "search_spaces/quickstart.yaml", "--dry-run"]
    words += [word for each in change for word in ("--set", each)]
    done = CliRunner().invoke(app, ["--home", str(tmp_path), *words])
    assert done.exit_code == 0, done.output
    assert ", successive halving, one of 3 goes on, seed " in done.output
    assert " to train, rungs at 1 and 2 epochs\n" in done.output


def test_an_example_that_is_not_here_is_the_packages_own_and_said_to_be(
    workspace: Workspace, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    overrides = ["data.dataset=drawn-faces"]
    planned = plan(
        "search_spaces/thesis.yaml", workspace=workspace, overrides=overrides, probe=False
    )
    assert planned.spec.name == "thesis"
    assert any("the one that hpo carries is used" in note for note in planned.notes)
    for absent in ("search_spaces/thesys.yaml", "spaces/thesis.yaml", "thesis.yaml"):
        with pytest.raises(NotFoundError):
            plan(absent, workspace=workspace, probe=False)
    own = tmp_path / "search_spaces" / "thesis.yaml"
    own.parent.mkdir()
    own.write_text(ONE)
    assert plan("search_spaces/thesis.yaml", workspace=workspace, probe=False).spec.name == "one"


def test_a_resume_that_does_not_fit_is_told_before_weights_are_looked_for(
    workspace: Workspace, tmp_path: Path
) -> None:
    file = tmp_path / "one.yaml"
    file.write_text(ONE + "data: {dataset: drawn-faces}\n")
    begun = plan(
        file, workspace=workspace, overrides=["architectures.resnet50.weights=none"], probe=False
    )
    workspace.ensure(workspace.runs)
    open_engine(workspace.storage_url(), begun.spec, "resnet50")
    with pytest.raises(SpecError, match="the file and every --set that it was begun with"):
        plan(file, workspace=workspace, resume=True)


OWN = """
DEFAULTS = {"epochs": 3, "schedule": "plateau"}


def build(params, input_shape, classes):
    raise AssertionError("a plan builds nothing")
"""


@pytest.fixture
def own_epochs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    """A study of an architecture whose trials have three epochs if the file does not say."""
    (tmp_path / "own_epochs.py").write_text(OWN)
    monkeypatch.syspath_prepend(str(tmp_path))
    section: dict[str, Any] = {"architecture": "own_epochs:build", "enqueue": []}
    return {
        "name": "own",
        "budget": {"trials": 9, "epochs": 7},
        "pruner": "hyperband",
        "architectures": {"mine": section},
    }


def test_an_architectures_own_epochs_count_in_budgets_and_under_hyperband(
    own_epochs: dict[str, Any], workspace: Workspace
) -> None:
    planned = plan(StudySpec.model_validate(own_epochs), workspace=workspace, probe=False)
    assert planned.likely_of("mine") == 2
    workspace.ensure(workspace.runs)
    engine = open_engine(workspace.storage_url(), planned.spec, "mine", resume=False)
    assert isinstance(engine, LedgerEngine)
    assert engine.pruner()._max_resource == 3
    running = [engine.ask() for _ in range(3)]
    # Forty epochs, the default of others, would not have fitted once.
    assert [proposal is not None for proposal in running] == [True, True, False]


def test_a_thesis_that_an_architecture_does_not_have_is_passed_over_aloud(
    own_epochs: dict[str, Any], workspace: Workspace
) -> None:
    own_epochs["data"] = {"dataset": "drawn-faces"}
    section = own_epochs["architectures"]["mine"]
    for enqueue, notes in (({"enqueue": ["thesis"]}, 1), ({}, 0)):
        del section["enqueue"]
        section.update(enqueue)
        planned = plan(StudySpec.model_validate(own_epochs), workspace=workspace, probe=False)
        assert sum("'thesis' in its enqueue is passed over" in n for n in planned.notes) == notes


def test_an_architecture_without_a_thesis_starts_from_its_defaults(
    own_epochs: dict[str, Any], workspace: Workspace
) -> None:
    own_epochs["data"] = {"dataset": "drawn-faces"}
    section = own_epochs["architectures"]["mine"]
    section |= {
        "enqueue": ["thesis"],
        "space": {
            "optimizer": {"type": "categorical", "choices": ["sgd", "adam"]},
            "learning_rate": {"type": "float", "low": 1e-4, "high": 1e-2, "log": True},
            # In use with an optimizer that is not the default.
            "momentum": {"type": "float", "low": 0.1, "high": 0.5, "when": {"optimizer": "sgd"}},
        },
    }
    planned = plan(StudySpec.model_validate(own_epochs), workspace=workspace, probe=False)
    (first,) = planned.parts["mine"].first
    assert (first.origin, first.values) == ("default", {"optimizer": "adam", "learning_rate": 1e-3})
    assert any("'thesis' in its enqueue stands for its defaults" in n for n in planned.notes)
    # Calling it would load Keras.
    (said,) = (n for n in planned.notes if "not called" in n)
    assert said.startswith(f"mine: {section['architecture']} was loaded and not called;")


def test_a_parameter_that_must_be_given_and_is_not_is_refused(
    workspace: Workspace, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    lines = ["import pydantic", "class Parameters(pydantic.BaseModel):", "    width: int"]
    (tmp_path / "demands.py").write_text("\n".join([*lines, OWN]))
    monkeypatch.syspath_prepend(str(tmp_path))
    section: dict[str, Any] = {"architecture": "demands:build", "enqueue": ["default"]}
    study = {"name": "own", "architectures": {"mine": section}}
    with pytest.raises(SpecError, match="'width' of architecture 'demands:build' has no default"):
        plan(StudySpec.model_validate(study), workspace=workspace, probe=False)
    section["space"] = {"width": {"type": "int", "low": 1, "high": 9}}
    planned = plan(StudySpec.model_validate(study), workspace=workspace, probe=False)
    assert planned.parts["mine"].first == []
    told = "mine has no default for width, so 'default' in its enqueue is passed over."
    assert told in planned.notes


def test_all_values_that_an_architecture_does_not_take_are_told_at_once(
    workspace: Workspace, tmp_path: Path
) -> None:
    file = tmp_path / "study.yaml"
    file.write_text(
        "name: wrong\n"
        "data: {dataset: drawn-faces}\n"
        "architectures:\n"
        "  cnn:\n"
        "    fixed: {width: 0}\n"
        "    space:\n"
        "      dropout: {type: float, low: -1.0, high: 3.0}\n"
        "      batch_size: {type: int, low: 0, high: 32}\n"
    )
    with pytest.raises(SpecError) as caught:
        plan(file, workspace=workspace, probe=False)
    said = str(caught.value)
    assert f"{file}:5: parameter 'width' of architecture 'cnn' does not take this value" in said
    assert said.endswith("Also wrong (2): line 7 (space.dropout), line 8 (space.batch_size).")


def test_an_own_module_that_imports_keras_finds_the_backend_chosen(
    workspace: Workspace, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("KERAS_BACKEND", "TF_CPP_MIN_LOG_LEVEL"):
        monkeypatch.setenv(name, "")
        monkeypatch.delenv(name)
    lines = ["import os", "FOUND = os.environ['KERAS_BACKEND'], os.environ['TF_CPP_MIN_LOG_LEVEL']"]
    (tmp_path / "asks.py").write_text("\n".join([*lines, OWN]))
    monkeypatch.syspath_prepend(str(tmp_path))
    section = {"architecture": "asks:build"}
    spec = StudySpec.model_validate({"name": "own", "architectures": {"mine": section}})
    plan(spec, workspace=workspace, probe=False)
    assert sys.modules["asks"].FOUND == ("tensorflow", "2")


def test_a_searched_parameter_that_nobody_declared_has_no_default(
    own_epochs: dict[str, Any], workspace: Workspace
) -> None:
    own_epochs["data"] = {"dataset": "drawn-faces"}
    section = own_epochs["architectures"]["mine"]
    section |= {"enqueue": ["default"], "space": {"units": {"type": "int", "low": 1, "high": 9}}}
    planned = plan(StudySpec.model_validate(own_epochs), workspace=workspace, probe=False)
    assert planned.parts["mine"].first == []


@pytest.mark.parametrize(
    ("said", "fixed"),
    [
        ({"fixed": {"epochs": 5}}, {"epochs": 5}),
        ({"space": {"epochs": {"type": "int", "low": 2, "high": 4}}}, {}),
    ],
)
def test_what_the_file_says_of_epochs_is_stronger(
    own_epochs: dict[str, Any], workspace: Workspace, said: dict[str, Any], fixed: dict[str, Any]
) -> None:
    own_epochs["architectures"]["mine"] |= said
    spec = StudySpec.model_validate({**own_epochs, "pruner": "median"})
    planned = plan(spec, workspace=workspace, probe=False)
    assert planned.spec.architectures["mine"].fixed == fixed


def test_an_architectures_own_schedule_is_judged_beside_the_pruner(
    own_epochs: dict[str, Any], workspace: Workspace, tmp_path: Path
) -> None:
    (tmp_path / "own_schedule.py").write_text(OWN.replace("plateau", "cosine"))
    own_epochs["architectures"]["mine"]["architecture"] = "own_schedule:build"
    with pytest.raises(SpecError, match=r"'cosine' and the pruner 'hyperband' exclude each other"):
        plan(StudySpec.model_validate(own_epochs), workspace=workspace, probe=False)
