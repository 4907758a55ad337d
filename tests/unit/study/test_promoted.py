"""What is said of a promotion."""

from __future__ import annotations

from pathlib import Path

import pytest

from hpo.recommender import box
from hpo.study.promoted import answered_before


def test_a_first_champion_is_told_whom_it_replaces() -> None:
    said = answered_before()
    facts = box.open_box().described.facts
    assert f"{100 * facts['metrics']['val_accuracy']:.1f} % [" in said
    assert f"of the {facts['validation_faces']:,} validation faces of fer2013" in said
    assert "`hpo champion --rollback`" in said


def test_nothing_is_said_of_an_empty_box(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(box.open_box, "__defaults__", (tmp_path,))
    assert answered_before() == ""
