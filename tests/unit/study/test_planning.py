"""What is planned before anything runs: nothing is drawn or written sooner than it must."""

from __future__ import annotations

import time
from pathlib import Path

import numpy as np
import pytest

from hpo.data.drawn.dataset import SPLIT_SIZES, write_dataset
from hpo.spec.emotions import EMOTIONS
from hpo.spec.errors import NotFoundError, SpecError
from hpo.spec.workspace import Workspace
from hpo.study.faces import drawn, find_dataset
from hpo.study.naming import example
from hpo.study.planning import plan
from tests.unit.cli.commands import run

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
    assert (planned.train_size, planned.validation_size) == (1000, 350)
    assert planned.to_json()["data"]["digest"] is None
    assert not workspace.home.exists()


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


def test_a_dry_run_writes_nothing_and_says_that_the_faces_are_not_drawn(tmp_path: Path) -> None:
    began = time.monotonic()
    done = run("run", "search_spaces/quickstart.yaml", "--dry-run", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert "digest not known before they are drawn" in done.stdout
    assert list(tmp_path.iterdir()) == []
    # Under 3 s on an idle machine; tests share theirs. Drawing alone would take longer.
    assert time.monotonic() - began < 8


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
