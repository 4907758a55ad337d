"""The quickstart replaces what it made itself, and nothing else of that name."""

from __future__ import annotations

import pytest

from hpo.execution.watch import Silence
from hpo.search.engine import open_engine
from hpo.search.studies import read_trials
from hpo.spec.errors import InputError, NotFoundError
from hpo.spec.workspace import Workspace
from hpo.study.quickstart import _claim, _is_own, _replace_older
from tests.unit.search.analytic import make_spec, run


class Notes(Silence):
    def __init__(self) -> None:
        self.notes: list[str] = []

    def note(self, text: str) -> None:
        self.notes.append(text)


@pytest.fixture
def taken(workspace: Workspace) -> Workspace:
    """A workspace with another study named quickstart."""
    spec = make_spec(2, name="quickstart")
    run(open_engine(workspace.storage_url(), spec, "cnn"), spec)
    return workspace


def test_somebodys_own_study_is_left_alone_with_two_ways_on(taken: Workspace) -> None:
    with pytest.raises(InputError, match="not made by `hpo quickstart`") as caught:
        _replace_older(taken, Silence())
    assert "hpo delete quickstart" in str(caught.value)
    assert "--home FOLDER" in str(caught.value)
    assert len(read_trials(taken.storage_url(), "quickstart")) == 2


def test_its_own_of_another_version_is_replaced(taken: Workspace) -> None:
    assert not _is_own(taken)
    _claim(taken)
    assert _is_own(taken)
    watcher = Notes()
    _replace_older(taken, watcher)
    assert watcher.notes == ["Replacing the quickstart of another version"]
    with pytest.raises(NotFoundError):
        read_trials(taken.storage_url(), "quickstart")


def test_where_nothing_is_nothing_is_replaced_or_claimed(workspace: Workspace) -> None:
    _replace_older(workspace, Silence())
    _claim(workspace)
    assert not workspace.home.exists()
