"""One at a time under a lock, whose file may go with its last holder."""

from __future__ import annotations

import threading
import time
from pathlib import Path

import pytest

from hpo.spec.file_lock import locked


@pytest.mark.parametrize("passing", [False, True])
def test_one_at_a_time_holds_it_whoever_removes_its_file(passing: bool, tmp_path: Path) -> None:
    path = tmp_path / "x.lock"
    inside: list[int] = []
    most: list[int] = []

    def work(me: int) -> None:
        for _ in range(60):
            with locked(path, passing=passing):
                inside.append(me)
                time.sleep(0)
                most.append(len(inside))
                inside.remove(me)

    threads = [threading.Thread(target=work, args=(me,)) for me in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert most == [1] * 240
    assert path.exists() is not passing


def test_an_error_under_it_removes_its_file_too(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="x"), locked(tmp_path / "x.lock", passing=True):
        raise ValueError("x")
    assert not (tmp_path / "x.lock").exists()


def test_who_does_not_wait_is_told_that_it_is_held(tmp_path: Path) -> None:
    path = tmp_path / "x.lock"
    with locked(path), pytest.raises(BlockingIOError), locked(path, waiting=False):
        pass
    with locked(path, waiting=False):
        pass
