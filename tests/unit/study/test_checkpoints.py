from __future__ import annotations

import hashlib
from dataclasses import replace
from pathlib import Path
from typing import Any

from hpo.spec.records import TrialRecord, TrialResult
from hpo.spec.workspace import Workspace
from hpo.study.checkpoints import LOG, Keeper, folder_of
from hpo.study.disk_check import Leftover, leftovers
from hpo.study.single import _own_number
from hpo.training.state import remove_state


def _finished(workspace: Workspace, number: int, value: float) -> TrialRecord:
    folder = folder_of(workspace, "s", "cnn", number)
    folder.mkdir(parents=True)
    checkpoint = folder / "model.keras"
    checkpoint.write_bytes(b"weights")
    return TrialRecord(
        study="s",
        architecture="cnn",
        number=number,
        state="complete",
        value=value,
        params={},
        searched={},
        slot=number,
        result=TrialResult(state="complete", value=value, checkpoint=str(checkpoint)),
    )


def looked(workspace: Workspace, records: list[TrialRecord], **how: Any) -> list[Leftover]:
    return leftovers(
        workspace, "s", lambda: records, "maximize", 9, unless_known=lambda *_: False, **how
    )


def test_only_the_best_checkpoints_stay_on_disk(tmp_path: Path) -> None:
    workspace = Workspace(tmp_path)
    keeper = Keeper(workspace, "maximize", keep=2)
    for number, value in enumerate([0.5, 0.7, 0.6, 0.4]):
        keeper.judge(_finished(workspace, number, value))
    assert [r.number for r in keeper.kept("cnn")] == [1, 2]
    left = sorted(path.parent.name for path in workspace.checkpoints.rglob("model.keras"))
    assert left == ["1", "2"]


def test_a_state_outlives_the_checkpoint_that_fell_behind(tmp_path: Path) -> None:
    workspace = Workspace(tmp_path)
    keeper = Keeper(workspace, "maximize", keep=1)
    worse, better = _finished(workspace, 0, 0.5), _finished(workspace, 1, 0.7)
    folder = folder_of(workspace, "s", "cnn", 0)
    for name in ("state.json", "state-1.npz", LOG):
        (folder / name).write_text("x")
    keeper.judge(worse)
    keeper.judge(better)
    assert sorted(p.name for p in folder.iterdir()) == ["state-1.npz", "state.json"]
    remove_state(str(folder))
    assert not folder.exists()


def test_the_state_of_a_rung_is_left_over_once_its_configuration_has_gone_on(
    tmp_path: Path,
) -> None:
    workspace = Workspace(tmp_path)
    below = replace(_finished(workspace, 0, 0.5), rung=0)
    above = replace(_finished(workspace, 1, 0.7), slot=0, rung=1, continues=0)
    (folder_of(workspace, "s", "cnn", 0) / "state.json").write_text("x")

    def found(records: list[TrialRecord], **how: bool) -> list[str]:
        return [x.kind for x in looked(workspace, records, **how)]

    assert "leftover state" not in found([below])
    assert "leftover state" in found([below], over=True)
    assert "leftover state" in found([below, above])


def test_checkpoints_of_an_earlier_run_are_ranked_before_any_trial_ends(tmp_path: Path) -> None:
    workspace = Workspace(tmp_path)
    records = [_finished(workspace, n, v) for n, v in enumerate([0.5, 0.7, 0.6])]
    keeper = Keeper(workspace, "maximize", keep=1)
    keeper.remember(records)
    assert [r.number for r in keeper.kept("cnn")] == [1, 2, 0]


def test_single_runs_that_start_in_one_second_have_numbers_of_their_own(tmp_path: Path) -> None:
    workspace = Workspace(tmp_path)
    numbers = [_own_number(workspace, "s", "cnn") for _ in range(3)]
    assert len(set(numbers)) == 3
    assert all(folder_of(workspace, "s", "cnn", number).is_dir() for number in numbers)


def _recorded(workspace: Workspace) -> TrialRecord:
    """Return a trial whose checkpoint was cut short after its checksum was recorded."""
    record = _finished(workspace, 0, 0.5)
    assert record.result is not None
    sha256 = hashlib.sha256(b"weights").hexdigest()
    record = replace(record, result=replace(record.result, checkpoint_sha256=sha256))
    (folder_of(workspace, "s", "cnn", 0) / "model.keras").write_bytes(b"wei")
    return record


def test_a_damaged_checkpoint_is_put_back_from_a_copy(tmp_path: Path) -> None:
    workspace = Workspace(tmp_path)
    record = _recorded(workspace)
    copy = tmp_path / "copy.keras"
    copy.write_bytes(b"weights")
    (damaged,) = looked(workspace, [record], copies=lambda r: copy)
    assert "MLflow's copy is, and takes its place" in damaged.what
    damaged.mend()
    folder = folder_of(workspace, "s", "cnn", 0)
    assert [f.name for f in folder.iterdir()] == ["model.keras"]
    assert (folder / "model.keras").read_bytes() == b"weights"
    assert looked(workspace, [record]) == []


def test_of_a_damaged_checkpoint_without_a_copy_it_is_said_that_the_model_is_lost(
    tmp_path: Path,
) -> None:
    workspace = Workspace(tmp_path)
    record = _recorded(workspace)
    (damaged,) = looked(workspace, [record])
    assert "this trial's model is lost" in damaged.what
    assert "`hpo confirm s`" in damaged.what
    assert "`hpo promote s`" in damaged.what
    assert "STUDY" not in damaged.what
    assert "hpo train" not in damaged.what
    damaged.mend()
    assert list(folder_of(workspace, "s", "cnn", 0).iterdir()) == []
