"""Opening the test split: what is said where there is nobody to ask."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from hpo.search.studies import set_attribute
from hpo.spec.errors import NotFoundError
from hpo.spec.records import TrialRecord, TrialResult
from hpo.spec.workspace import Workspace
from hpo.study import opening
from hpo.study.opening import open_test
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

    def asked(*_: Any, **__: Any) -> list[Any]:
        set_attribute(url, "study", opening.OPENINGS, [*opening.openings_of(url, "study"), theirs])
        return []

    monkeypatch.setattr(opening, "_winner", lambda *_: ([run], ("cnn", 0), True))
    monkeypatch.setattr(opening, "_faces", lambda *_: faces)
    monkeypatch.setattr("hpo.evidence.tested.opening_figures", lambda *_: {"images": 7})
    monkeypatch.setattr(opening, "_sentences", lambda openings: [str(len(openings))])
    monkeypatch.setattr(opening, "_mirrored", lambda *_: [])
    monkeypatch.setattr("hpo.tracking.store.open_client", lambda *_: None)
    monkeypatch.setattr("hpo.study.ensembles.checkpoint_of", lambda *_: tmp_path)
    monkeypatch.setattr("hpo.execution.children.ChildServer.call", asked)
    opened = open_test("study", workspace=workspace)
    assert opening.openings_of(url, "study") == [theirs, opened.opening]
    assert opened.sentences == ["2"]
