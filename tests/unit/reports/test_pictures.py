"""PNG files: what is said where no browser is, and that one is drawn where there is."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from hpo.reports.compute import compute
from hpo.reports.pictures import _within, draw_pictures, what_is_missing
from hpo.spec.errors import EnvironmentProblem
from hpo.spec.records import TrialRecord


def test_without_a_browser_a_line_says_what_to_install(
    one_trial: Callable[..., TrialRecord],
    spec: dict[str, Any],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    pytest.importorskip("kaleido")
    monkeypatch.setenv("BROWSER_PATH", str(tmp_path / "no-such-browser"))
    data = compute([one_trial()], spec, n_bootstrap=0)
    drawn = draw_pictures(data, tmp_path / "figures")
    assert drawn.files == []
    assert "chromium" in drawn.missing
    assert not (tmp_path / "figures").exists()
    with pytest.raises(EnvironmentProblem, match="--png"):
        draw_pictures(data, tmp_path / "figures", required=True)


def test_a_browser_that_hangs_or_fails_does_not_hold_up_the_report() -> None:
    import threading

    never = threading.Event()
    with pytest.raises(TimeoutError, match="no end"):
        _within(0.05, never.wait)
    never.set()
    with pytest.raises(ZeroDivisionError):
        _within(5.0, lambda: 1 / 0)


@pytest.mark.slow
def test_a_picture_per_figure_is_drawn_and_older_ones_go(
    records: Callable[..., list[TrialRecord]], spec: dict[str, Any], tmp_path: Path
) -> None:
    if what_is_missing():
        pytest.skip(what_is_missing())
    (tmp_path / "older.png").write_bytes(b"")
    data = compute(records(trials=12), spec, n_bootstrap=0)
    drawn = draw_pictures(data, tmp_path, required=True)
    assert {p.name for p in tmp_path.iterdir()} == {p.name for p in drawn.files}
    assert all(p.read_bytes().startswith(b"\x89PNG") for p in drawn.files)
    assert "results.png" in {p.name for p in drawn.files}
