"""Training one of a study's trials again: the same trial, or a refusal that says why not."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest

from hpo.architectures.architecture import load
from hpo.search.engine import open_engine
from hpo.spec.errors import EnvironmentProblem, InputError, SpecError
from hpo.spec.loading import load_study
from hpo.spec.workspace import Workspace
from hpo.study.parts import PlannedArchitecture
from hpo.study.planned import Plan
from hpo.study.single import _beside, _only_label, _seed, _source, train
from hpo.training.resolve import resolve_parameters
from tests.unit.search.analytic import make_spec, run

DIGEST = "sha256:" + "a" * 64
ONE = """
name: one
architectures: {resnet50: {fixed: {input_size: 48}}}
"""


def planned(digest: str = DIGEST, **changes: Any) -> Plan:
    spec = make_spec(2, **changes)
    part = PlannedArchitecture("cnn", spec.architectures["cnn"], cast("Any", None), None, [])
    return Plan(spec, {"cnn": part}, cast("Any", SimpleNamespace(digest=digest)), [], "")


@pytest.fixture
def begun(tmp_path: Path) -> tuple[Workspace, list[int]]:
    """A workspace with a study of two trials, and their seeds."""
    workspace = Workspace.at(tmp_path)
    workspace.ensure(workspace.runs)
    spec = make_spec(2)
    engine = open_engine(workspace.storage_url(), spec, "cnn", dataset_digest=DIGEST)
    return workspace, [proposal.trial_seed for proposal in run(engine, spec)]


def test_what_a_run_has_beside_the_space_is_told() -> None:
    section = make_spec(1, architecture={"fixed": {"width": 8}}).architectures["cnn"]
    part = PlannedArchitecture("cnn", section, load("cnn"), None, [])
    thesis = resolve_parameters("cnn", {"width": 8, "channels": 3, "learning_rate": 0.01}).params
    assert _beside(part, thesis) == {"channels": 3, "learning_rate": 0.01}
    assert _beside(part, resolve_parameters("cnn", {"width": 8}).params) == {}


def test_the_seed_is_the_one_that_the_trial_was_trained_with(
    begun: tuple[Workspace, list[int]],
) -> None:
    workspace, seeds = begun
    plan = planned()
    for number, seed in enumerate(seeds):
        source = _source(plan, plan.parts["cnn"], number, workspace)
        assert source is not None
        assert _seed(plan, plan.parts["cnn"], source) == seed


@pytest.mark.parametrize(
    ("changes", "named"),
    [
        ({"seed": 8}, "seed: 8, there 7"),
        ({"data": {"train_limit": 70}}, "data.train_limit: 70, there nothing"),
        ({"data": {"validation_limit": 70}}, "data.validation_limit"),
        ({"data": {"leakage": "drop"}}, "data.leakage: drop, there keep"),
        ({"precision": "mixed_bfloat16"}, "precision: mixed_bfloat16"),
        ({"architecture": {"weights": "none"}}, "architectures.cnn.weights"),
        ({"architecture": {"train_limit": 7}}, "architectures.cnn.train_limit"),
        ({"digest": "sha256:" + "b" * 64}, "has changed since study"),
    ],
)
def test_other_settings_than_the_trials_are_refused_by_name(
    changes: dict[str, Any], named: str, begun: tuple[Workspace, list[int]]
) -> None:
    plan = planned(**changes)
    with pytest.raises(SpecError, match="trial 0 cannot be trained again as it was") as caught:
        _source(plan, plan.parts["cnn"], 0, begun[0])
    assert named in str(caught.value)
    assert "--params and --seed" in str(caught.value)


def test_other_settings_are_told_before_weights_are_looked_for(
    workspace: Workspace, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def away(*_: object, **__: object) -> None:
        raise EnvironmentProblem("the weights cannot be had")

    monkeypatch.setattr("hpo.architectures.weights.check_weights", away)
    file = tmp_path / "one.yaml"
    file.write_text(ONE)
    workspace.ensure(workspace.runs)
    open_engine(workspace.storage_url(), load_study(file), "resnet50").ask()
    with pytest.raises(SpecError, match="seed: 8, there 0") as caught:
        train(file, workspace=workspace, trial=0, overrides=["seed=8"])
    assert "`hpo train one -a resnet50 --trial 0`" in str(caught.value)
    # By its name it is taken as it was run, and comes as far as its weights.
    with pytest.raises(EnvironmentProblem, match="weights cannot be had"):
        train("one", workspace=workspace, trial=0)
    with pytest.raises(InputError, match="--set changes a study file"):
        train("one", workspace=workspace, trial=0, overrides=["seed=8"])


def test_of_several_architectures_one_must_be_named() -> None:
    spec = make_spec()
    two = spec.model_copy(update={"architectures": dict.fromkeys("ab", spec.architectures["cnn"])})
    with pytest.raises(InputError, match="--architecture and one of a, b"):
        _only_label(two, ())
    assert _only_label(spec, ()) == "cnn"


def test_training_the_only_architecture_looks_for_its_weights_first(
    workspace: Workspace, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def away(*_: object, **__: object) -> None:
        raise EnvironmentProblem("the weights cannot be had")

    monkeypatch.setattr("hpo.architectures.weights.check_weights", away)
    (tmp_path / "one.yaml").write_text(ONE)
    with pytest.raises(EnvironmentProblem, match="weights cannot be had"):
        train(tmp_path / "one.yaml", workspace=workspace)
    assert not workspace.home.exists()
