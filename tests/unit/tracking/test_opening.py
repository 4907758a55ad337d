"""A store that takes its time to open, as on a machine that is busy with much else."""

from __future__ import annotations

import dataclasses
import threading
from collections.abc import Iterator

import pytest

from hpo.spec.errors import EnvironmentProblem
from hpo.tracking import names
from hpo.tracking.cards import DatasetCard, StudyCard
from hpo.tracking.descriptions import experiment_tags
from hpo.tracking.mirror import MlflowMirror
from hpo.tracking.store import renewed

DATA = DatasetCard("none", "0" * 64, "nowhere", {"train": 1, "validation": 1}, classes=("a",))
CARD = StudyCard("study", "val_accuracy", "maximize", 0, DATA, "0", {}, commit="c")


@pytest.fixture
def slow(monkeypatch: pytest.MonkeyPatch) -> Iterator[tuple[MlflowMirror, list[str]]]:
    """A mirror whose store does not open before the test is over, and what it tells."""
    over, told = threading.Event(), list[str]()

    def open_client(*where: object) -> None:
        over.wait(60)
        raise EnvironmentProblem("the test is over")

    monkeypatch.setattr("hpo.tracking.mirror.open_client", open_client)
    mirror = MlflowMirror("http://ada:secret@nowhere:1", CARD, notify=told.append)
    yield mirror, told
    over.set()
    mirror.close(timeout_seconds=0)


def test_it_is_waited_for_and_said_so(
    slow: tuple[MlflowMirror, list[str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    mirror, told = slow
    monkeypatch.setattr("hpo.tracking.mirror._LOOK_SECONDS", 0.01)
    monkeypatch.setattr("hpo.tracking.mirror._TELL_SECONDS", 0.02)
    with pytest.raises(EnvironmentProblem, match="did not open") as caught:
        mirror.wait_ready(timeout_seconds=0.2)
    assert told
    assert set(told) == {"still opening the MLflow store, after 0 s"}
    assert "secret" not in str(caught.value)
    assert "type the same command again" in str(caught.value)


def test_who_is_asked_to_stop_does_not_wait(slow: tuple[MlflowMirror, list[str]]) -> None:
    mirror, told = slow
    mirror.wait_ready(give_up=lambda: True)
    assert told == []


def test_a_persons_own_words_open_the_experiment() -> None:
    own = dataclasses.replace(CARD, description="Is a wide network worth its time?")
    note = experiment_tags(own)[names.NOTE]
    assert note.startswith("Is a wide network worth its time?\n\nStudy **study** of `hpo`:")
    assert experiment_tags(CARD)[names.NOTE].startswith("Study **study**")


def test_another_versions_note_is_renewed_and_what_stands_behind_it_kept() -> None:
    own = experiment_tags(dataclasses.replace(CARD, description="Mine."))[names.NOTE]
    link = "The report of the study: [report/index.html](#/x)"
    before = f"Study **study** of `hpo`: as it was said then.\n\n{link}\n\n**Confirmation**: so."
    assert renewed(before, own) == f"{own}\n\n{link}\n\n**Confirmation**: so."
    assert renewed(renewed(before, own), own) == renewed(before, own)
    # Of a person's own words nothing is lost.
    assert renewed("Wholly mine.", own) == f"{own}\n\nWholly mine."
    assert renewed("", own) == own
