"""Architectures are opened one after the other, for hours: the database may be away meanwhile."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest
from sqlalchemy.exc import OperationalError

from hpo.search.storage import explained
from hpo.spec.errors import EnvironmentProblem
from hpo.study.launchers.local import LocalLauncher

URL = "postgresql://me@db/hpo"


def launcher(
    labels: tuple[str, ...], *, give_up: bool = False, resume: bool = False
) -> LocalLauncher:
    made = LocalLauncher.__new__(LocalLauncher)
    spec = SimpleNamespace(space=SimpleNamespace(to_plain=dict))
    parts = {label: SimpleNamespace(label=label, baselines={}, spec=spec) for label in labels}
    launch: Any = SimpleNamespace(
        storage_url=URL,
        spec=SimpleNamespace(slots_of=lambda label: [0]),
        plan=SimpleNamespace(parts=parts, dataset=SimpleNamespace(digest="", splits=())),
        watcher=SimpleNamespace(note=lambda text: None),
        interrupts=SimpleNamespace(now=give_up),
        resume=resume,
        joining=False,
    )
    made._launch = launch
    return made


@pytest.fixture
def opened(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """What is tried to be opened; the database is away at the tries that ``away`` holds."""
    tried: list[str] = []

    def open_engine(url: str, spec: Any, label: str, **how: Any) -> Any:
        tried.append(label)
        if len(tried) in away:
            with explained(url):
                raise OperationalError("SELECT 1", {}, Exception("connection refused"))
        return SimpleNamespace(notes=[])

    monkeypatch.setattr("hpo.search.engine.open_engine", open_engine)
    away = {2, 3}
    return tried


MIRROR: Any = SimpleNamespace(start_architecture=lambda *told: None)


def test_the_next_architecture_waits_for_a_database_that_is_away(opened: list[str]) -> None:
    lanes = launcher(("cnn", "resnet50"))._lanes(MIRROR)
    assert [lane.label for lane in lanes] == ["cnn", "resnet50"]
    assert opened == ["cnn", "resnet50", "resnet50", "resnet50"]


def test_the_first_one_is_told_of_at_once(opened: list[str]) -> None:
    opened.append("a study before")
    with pytest.raises(EnvironmentProblem, match="connection refused"):
        next(launcher(("cnn",))._lanes(MIRROR))


def test_whoever_is_asked_to_stop_waits_no_longer(opened: list[str]) -> None:
    lanes = launcher(("cnn", "resnet50"), give_up=True)._lanes(MIRROR)
    assert next(lanes).label == "cnn"
    with pytest.raises(EnvironmentProblem, match="connection refused"):
        next(lanes)


@pytest.mark.parametrize(("resume", "asked"), [(False, [False, True]), (True, [True, True])])
def test_a_new_study_is_not_gone_on_with_where_another_call_was_first(
    resume: bool, asked: list[bool], monkeypatch: pytest.MonkeyPatch
) -> None:
    told: list[bool] = []

    def open_engine(url: str, spec: Any, label: str, *, resume: bool, **how: Any) -> Any:
        told.append(resume)
        return SimpleNamespace(notes=[])

    monkeypatch.setattr("hpo.search.engine.open_engine", open_engine)
    list(launcher(("cnn", "resnet50"), resume=resume)._lanes(MIRROR))
    assert told == asked
