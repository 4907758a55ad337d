"""A state is read back whole, or known to be unusable and why."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from hpo.spec.records import EpochReport, TrialJob
from hpo.training import state as module
from hpo.training.state import (
    StateUnusable,
    TrainingState,
    finished_epochs,
    read_state,
    remove_state,
    trial_identity,
    write_state,
)

VERSIONS = {"keras": "3.15", "backend": "tensorflow", "tensorflow": "2.21", "python": "3.11"}
JOB = TrialJob("t/cnn/0", "cnn", {}, "data", "sha256:1", "out", seed=7)
PARAMS = {"learning_rate": 0.1 + 0.2, "sizes": (64, 32), "epochs": 5}


def identity(job: TrialJob = JOB, **changes: Any) -> dict[str, Any]:
    params = {**PARAMS, **changes}
    return trial_identity(job, params, "sha256:1", "none", VERSIONS)


def a_state(epochs: int = 2) -> TrainingState:
    generator = np.random.default_rng(epochs)
    return TrainingState(
        identity(),
        [EpochReport(k + 1, {"loss": 1 / (k + 3)}, 0.1) for k in range(epochs)],
        {"step": 7 * epochs, "stopping": None, "schedule": {"lowered": 0.1 + 0.2}},
        {
            # More than ten: their order must not be that of their names.
            "model": [generator.random(k + 1, dtype=np.float32) for k in range(12)],
            "optimizer": [np.array(3, np.int64), np.array([1, 2], np.uint32)],
        },
    )


def folder_with(tmp_path: Path, epochs: int = 2) -> str:
    folder = tmp_path / "out"
    write_state(a_state(epochs), str(folder))
    return str(folder)


def test_a_state_comes_back_to_the_last_bit(tmp_path: Path) -> None:
    folder = folder_with(tmp_path)
    read, written = read_state(folder, identity()), a_state()
    assert (read.epochs, read.numbers) == (written.epochs, written.numbers)
    assert list(read.arrays) == list(written.arrays)
    for name, rows in written.arrays.items():
        for back, row in zip(read.arrays[name], rows, strict=True):
            assert back.dtype == row.dtype
            np.testing.assert_array_equal(back, row)
    assert finished_epochs(folder) == written.epochs


def test_a_later_epoch_takes_the_place_of_the_one_before(tmp_path: Path) -> None:
    folder_with(tmp_path, 2)
    folder = folder_with(tmp_path, 3)
    assert sorted(p.name for p in Path(folder).iterdir()) == ["state-3.npz", "state.json"]
    assert len(read_state(folder, identity()).epochs) == 3


@pytest.mark.parametrize("killed_at", ["savez", "first rename", "second rename", "deletion"])
def test_a_kill_while_writing_leaves_one_epoch_whole(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, killed_at: str
) -> None:
    folder = folder_with(tmp_path, 2)

    def dies(*_: Any, **__: Any) -> None:
        raise KeyboardInterrupt

    rename = Path.replace

    def dies_at_json(self: Path, target: Path) -> Path:
        if self.suffix == ".json":
            raise KeyboardInterrupt
        return rename(self, target)

    if killed_at == "savez":
        monkeypatch.setattr(module.np, "savez", dies)
    elif killed_at == "deletion":
        monkeypatch.setattr(Path, "glob", dies)
    else:
        monkeypatch.setattr(Path, "replace", dies if killed_at == "first rename" else dies_at_json)
    with pytest.raises(KeyboardInterrupt):
        write_state(a_state(3), folder)
    monkeypatch.undo()
    expected = 3 if killed_at == "deletion" else 2
    assert len(read_state(folder, identity()).epochs) == expected


def truncated(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:-100])


def flipped(path: Path) -> None:
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 1
    path.write_bytes(bytes(data))


@pytest.mark.parametrize("damage", [truncated, flipped, Path.unlink], ids=lambda f: f.__name__)
@pytest.mark.parametrize("name", ["state.json", "state-2.npz"])
def test_damage_is_found_and_named(
    tmp_path: Path, damage: Callable[[Path], None], name: str
) -> None:
    folder = folder_with(tmp_path)
    damage(Path(folder) / name)
    with pytest.raises(StateUnusable) as caught:
        read_state(folder, identity())
    if damage is not Path.unlink:
        assert str(caught.value) == f"{name} is damaged"
    elif name == "state.json":
        assert str(caught.value) == "there is no state"
    else:
        assert str(caught.value) == "state-2.npz is missing"


def test_json_that_is_no_state_is_no_state(tmp_path: Path) -> None:
    for text in ("[]", "{}", '{"sha256": "", "state": {}}', "null"):
        (tmp_path / "state.json").write_text(text)
        with pytest.raises(StateUnusable, match=r"state\.json is damaged"):
            finished_epochs(str(tmp_path))


def test_a_state_of_another_format_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = folder_with(tmp_path)
    written = module.FORMAT
    monkeypatch.setattr(module, "FORMAT", written + 1)
    with pytest.raises(StateUnusable, match=f"its state has format {written}, not {written + 1}"):
        read_state(folder, identity())


@pytest.mark.parametrize(
    ("other", "named"),
    [
        (identity(learning_rate=0.3), "parameter learning_rate"),
        (identity(dataclasses.replace(JOB, seed=8)), "seed"),
        (identity(dataclasses.replace(JOB, train_limit=100)), "train_limit"),
        (identity(dataclasses.replace(JOB, leakage="drop")), "leakage"),
        ({**identity(), "dataset digest": "sha256:2", "tensorflow": "2.22"}, "dataset digest, "),
        (trial_identity(JOB, PARAMS, "sha256:1", "none", {**VERSIONS, "python": "3.12"}), None),
        (identity(dataclasses.replace(JOB, job_id="t/cnn/1", output="other", threads=1)), None),
    ],
)
def test_only_the_same_trial_goes_on(
    tmp_path: Path, other: dict[str, Any], named: str | None
) -> None:
    folder = folder_with(tmp_path)
    if named is None:
        assert len(read_state(folder, other).epochs) == 2
    else:
        with pytest.raises(StateUnusable, match=f"another trial's, which differs in {named}"):
            read_state(folder, other)


def test_pickled_objects_are_neither_written_nor_read(tmp_path: Path) -> None:
    objects = dataclasses.replace(a_state(), arrays={"model": [np.array([{}], object)]})
    with pytest.raises(ValueError, match="allow_pickle"):
        write_state(objects, str(tmp_path))
    assert list(tmp_path.iterdir()) == []

    # Even where the checksums were made to fit.
    folder = folder_with(tmp_path)
    np.savez(Path(folder) / "state-2.npz", **{"model.0": np.array([{}], object)})  # type: ignore[arg-type]
    body = json.loads((Path(folder) / "state.json").read_text())["state"]
    body["arrays"]["sha256"] = module._digest_of(Path(folder) / "state-2.npz")
    (Path(folder) / "state.json").write_text(
        json.dumps({"sha256": module._digest(body), "state": body})
    )
    with pytest.raises(StateUnusable, match=r"state-2\.npz cannot be read"):
        read_state(folder, identity())


def test_removal_leaves_other_files_and_no_empty_folder(tmp_path: Path) -> None:
    folder = Path(folder_with(tmp_path))
    (folder / ".123.part.npz").touch()
    (folder / "log.txt").touch()
    remove_state(str(folder))
    assert [p.name for p in folder.iterdir()] == ["log.txt"]
    (folder / "log.txt").unlink()
    remove_state(str(folder))
    assert not folder.exists()
    remove_state(str(folder))
