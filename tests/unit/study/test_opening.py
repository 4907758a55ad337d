"""Opening the test split: what is said where there is nobody to ask."""

from __future__ import annotations

from contextlib import AbstractContextManager, nullcontext
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from hpo.data.store import RawSplit, write_faces
from hpo.search.engine import open_engine
from hpo.search.studies import set_attribute
from hpo.spec.confirmation import ORIGIN
from hpo.spec.errors import DataError, NotFoundError
from hpo.spec.records import TrialRecord, TrialResult
from hpo.spec.workspace import Workspace
from hpo.study import opening, sealed
from hpo.study.faces import look_for_copies
from hpo.study.opening import open_test, with_loss_gaps
from tests.unit.data.planted import planted, stored
from tests.unit.search.analytic import empty_database, make_spec, open_it


def test_a_study_without_a_finished_trial_has_no_test_split_to_open(tmp_path: Path) -> None:
    url = f"sqlite:///{empty_database(tmp_path)}"
    open_it(url, make_spec(2))
    workspace = Workspace.at(tmp_path).of_file(url, None)
    with pytest.raises(NotFoundError, match="no trial to open the test split for"):
        open_test("study", workspace=workspace)


def test_what_another_person_opened_meanwhile_stays_on_record(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    url = f"sqlite:///{empty_database(tmp_path)}"
    open_it(url, make_spec(2))
    workspace = Workspace.at(tmp_path).of_file(url, None)
    run = TrialRecord("study", "cnn", 0, "complete", 0.5, {}, {}, result=TrialResult("complete"))
    faces = SimpleNamespace(name="faces", digest="sha256:0", folder=tmp_path)
    theirs = {"opened": "2026-01-01T00:00:00+00:00", "by": "another"}
    looked: list[int] = []
    notes: list[str] = []

    def asked(*_: Any, **given: Any) -> list[Any]:
        given["on_report"](0)
        # Copies were looked for before it counted as opened, and here, where a person is told.
        assert looked == [0]
        set_attribute(url, "study", opening.OPENINGS, [*opening.openings_of(url, "study"), theirs])
        return []

    monkeypatch.setattr(opening, "_winner", lambda *_: ([run], ("cnn", 0), True))
    monkeypatch.setattr(opening, "faces_to_test", lambda *_: faces)
    monkeypatch.setattr(
        opening,
        "look_for_copies",
        lambda *_: looked.append(len(opening.openings_of(url, "study"))),
    )
    monkeypatch.setattr("hpo.evidence.tested.opening_figures", lambda *_: {"images": 7})
    monkeypatch.setattr(opening, "_sentences", lambda openings: [str(len(openings))])
    monkeypatch.setattr(opening, "_mirrored", lambda *_: [])
    monkeypatch.setattr("hpo.tracking.store.open_client", lambda *_: None)
    monkeypatch.setattr("hpo.study.ensembles.checkpoint_of", lambda *_: tmp_path)
    monkeypatch.setattr("hpo.execution.children.ChildServer.call", asked)
    opened = open_test("study", workspace=workspace, note=notes.append)
    assert notes == ["Asking cnn #0"]
    assert opening.openings_of(url, "study") == [theirs, opened.opening]
    assert opened.sentences == ["2"]


def drawn(seed: int) -> RawSplit:
    images = np.random.default_rng(seed).integers(0, 256, (7, 48, 48), dtype=np.uint8)
    return RawSplit(images, np.arange(7, dtype=np.uint8), [str(i) for i in range(7)])


def test_a_test_split_may_be_imported_after_the_study(tmp_path: Path) -> None:
    url = f"sqlite:///{empty_database(tmp_path)}"
    workspace = Workspace.at(tmp_path).of_file(url, None)
    folder = workspace.data / "faces"
    splits = {"train": drawn(0), "validation": drawn(1)}
    digest = write_faces(folder, "faces", splits, {}).digest
    spec = make_spec(2, data={"dataset": "faces"})
    open_engine(url, spec, "cnn", dataset_digest=digest)
    with pytest.raises(NotFoundError, match="no test split") as caught:
        sealed.faces_to_test(workspace, spec, url, "study")
    assert "hpo data import fer2013 SOURCE --name faces`, where SOURCE" in str(caught.value)
    assert "then `hpo test study`" in str(caught.value)
    write_faces(folder, "faces", splits, {"deduplicated": {}})
    with pytest.raises(NotFoundError, match=r"--name faces --dedupe`.*run anew"):
        sealed.faces_to_test(workspace, spec, url, "study")
    assert not sealed.may_be_opened("study", workspace)
    whole = write_faces(folder, "faces", {**splits, "test": drawn(2)}, {})
    assert sealed.may_be_opened("study", workspace)
    seen = {"finished": True, "opened": "2026-01-01T00:00:00+00:00"}
    set_attribute(url, "study", opening.OPENINGS, [seen])
    assert not sealed.may_be_opened("study", workspace)
    set_attribute(url, "study", opening.OPENINGS, [])
    assert sealed.faces_to_test(workspace, spec, url, "study").digest == whole.digest != digest
    write_faces(folder, "faces", {**splits, "train": drawn(3), "test": drawn(2)}, {})
    assert not sealed.may_be_opened("study", workspace)
    with pytest.raises(DataError, match="has changed since study 'study' was run"):
        sealed.faces_to_test(workspace, spec, url, "study")


def test_of_test_faces_that_came_later_training_has_left_no_copy_out(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    url = f"sqlite:///{empty_database(tmp_path)}"
    workspace = Workspace.at(tmp_path).of_file(url, None)
    spec = make_spec(2, data={"leakage": "drop"})
    open_engine(url, spec, "cnn", dataset_digest="sha256:0")
    run = TrialRecord("study", "cnn", 0, "complete", 0.5, {}, {}, result=TrialResult("complete"))
    told: list[bool] = []
    looked: list[str] = []

    def asked(*_: Any, **given: Any) -> list[Any]:
        told.append(given["drop"])
        return []

    monkeypatch.setattr(opening, "_winner", lambda *_: ([run], ("cnn", 0), True))
    monkeypatch.setattr("hpo.evidence.tested.opening_figures", lambda *_: {})
    monkeypatch.setattr(opening, "_sentences", lambda openings: [])
    monkeypatch.setattr(opening, "_mirrored", lambda *_: [])
    monkeypatch.setattr(opening, "look_for_copies", lambda faces, _: looked.append(faces.digest))
    monkeypatch.setattr("hpo.tracking.store.open_client", lambda *_: None)
    monkeypatch.setattr("hpo.study.ensembles.checkpoint_of", lambda *_: tmp_path)
    monkeypatch.setattr("hpo.execution.children.ChildServer.call", asked)
    for digest in ("sha256:0", "sha256:1"):
        faces = SimpleNamespace(name="faces", digest=digest, folder=tmp_path)
        monkeypatch.setattr(opening, "faces_to_test", lambda *_, faces=faces: faces)
        open_test("study", workspace=workspace, again="why not")
    assert told == [True, False]
    # Of copies in validation nothing is known by having left them out of training.
    assert looked == ["sha256:0", "sha256:1"]


def test_runs_are_told_by_their_seeds_while_they_are_asked() -> None:
    runs = [
        TrialRecord("study.confirmation", "cnn-1", k, "complete", 0.5, {}, {}, slot, origin=ORIGIN)
        for k, slot in enumerate((0, 2))
    ]
    assert opening._each_of(runs) == ["cnn #1 seed 1 (1 of 2)", "cnn #1 seed 3 (2 of 2)"]


def test_whoever_waits_for_copies_of_the_test_split_is_told_so(tmp_path: Path) -> None:
    faces = stored(tmp_path / "planted", planted())
    said: list[str] = []

    def told(what: str) -> AbstractContextManager[None]:
        said.append(what)
        return nullcontext()

    look_for_copies(faces, told)
    look_for_copies(faces, told)
    assert said == ["looking for copies in 'planted', a minute for 30,000 faces"]


@pytest.mark.parametrize("metric", ["val_loss", "val_accuracy"])
def test_an_opening_of_before_is_given_the_gap_of_its_losses(metric: str, tmp_path: Path) -> None:
    url = f"sqlite:///{empty_database(tmp_path)}"
    engine = open_it(url, make_spec(1, objective={"metric": metric}))
    proposal = engine.ask()
    assert proposal is not None
    metrics = {"val_accuracy": 0.5, "val_loss": 1.2}
    assert engine.finish(proposal.number, TrialResult("complete", metrics[metric], metrics=metrics))
    kept: dict[str, Any] = {
        "architecture": "cnn",
        "number": 0,
        "confirmed": False,
        "runs": [proposal.number],
        "metrics": [{"test_loss": 1.3}],
    }
    begun = {"opened": "2026-01-01T00:00:00+00:00"}
    gone = kept | {"runs": [99]}
    first, second, third = with_loss_gaps([begun, kept, gone], url, "study")
    assert (first, third) == (begun, gone)
    if metric == "val_accuracy":
        assert second == kept
    else:
        assert second["loss_gap"]["point"] == pytest.approx(0.1)
