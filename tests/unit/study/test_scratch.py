"""What is advised where ImageNet weights cannot be had: the study really plans with it."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from hpo.spec.errors import EnvironmentProblem
from hpo.spec.workspace import Workspace
from hpo.study.naming import example
from hpo.study.planning import plan

DRAWN = "data.dataset=drawn-faces"
HELD = """
name: held
data: {dataset: drawn-faces}
architectures:
  big:
    architecture: resnet50
    fixed: {epochs: 3}
    space: {head_epochs: {type: categorical, choices: [0, 2]}}
"""


@pytest.fixture(autouse=True)
def no_network(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def away(*_: object) -> None:
        raise OSError("no network")

    monkeypatch.setenv("KERAS_HOME", str(tmp_path / "keras"))
    monkeypatch.setattr("hpo.architectures.weights._download", away)


def advised(file: Path, workspace: Workspace, *overrides: str) -> list[str]:
    with pytest.raises(EnvironmentProblem, match="cannot be had") as caught:
        plan(file, workspace=workspace, overrides=overrides)
    scratch = str(caught.value).split("train from scratch: ")[1].split("; or ")[0]
    return re.findall(r"--set (\S+)", scratch)


@pytest.mark.parametrize("name", ["competitive", "thesis", "resnet50", "xception"])
def test_a_shipped_study_plans_from_scratch_with_what_is_advised(
    name: str, workspace: Workspace
) -> None:
    file = example(f"{name}.yaml")
    words = advised(file, workspace, DRAWN)
    planned = plan(file, workspace=workspace, overrides=[DRAWN, *words], probe=False)
    needing = [p for p in planned.parts.values() if p.architecture.needs_weights]
    assert {part.spec.fixed["weights"] for part in needing} == {"none"}
    assert not [note for note in planned.notes if "needs ImageNet weights" in note]


def test_no_more_is_advised_than_it_takes(workspace: Workspace, tmp_path: Path) -> None:
    bases = ("resnet50", "xception")
    words = advised(example("thesis.yaml"), workspace, DRAWN)
    assert words == [f"architectures.{label}.weights=none" for label in bases]
    words = advised(example("thesis.yaml"), workspace, DRAWN, "architectures.xception.weights=none")
    assert words == ["architectures.resnet50.weights=none"]
    file = tmp_path / "held.yaml"
    file.write_text(HELD)
    assert advised(file, workspace) == [
        "architectures.big.weights=none",
        "architectures.big.fixed.head_epochs=0",
    ]
