"""Figures as PNG files, where Kaleido and a Chrome or Chromium are there to draw them."""

from __future__ import annotations

import copy
import importlib
import importlib.util
import os
import tempfile
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from hpo.reports.data import ReportData
from hpo.reports.draw.section import sections
from hpo.reports.draw.style import template
from hpo.reports.layout import file_name
from hpo.spec.errors import EnvironmentProblem

WIDTH = 960
"""Pixels; about 2 MB of pictures per study of three architectures, which may be committed."""
SECONDS_PER_PICTURE = 60.0
SECONDS_IN_ALL = 300.0
"""A browser that hangs must not hold up a study; 24 pictures took 29 s on two shared cores."""


@dataclass(frozen=True)
class Pictures:
    """What was drawn.

    Args:
        files: the pictures, in the order of the page.
        missing: why there are none, with what to do; "" if they were drawn.
    """

    files: list[Path] = field(default_factory=list)
    missing: str = ""


def browser() -> str | None:
    """Return the path of the Chrome or Chromium that Kaleido would use; None if there is none.

    ``BROWSER_PATH`` comes first, as it does for Kaleido.
    """
    configured = os.environ.get("BROWSER_PATH")
    if configured:
        return configured if Path(configured).is_file() else None
    from choreographer.browsers.chromium import Chromium

    found: str | None = Chromium.find_browser(skip_local=False)
    return found


def what_is_missing() -> str:
    """Return why no picture can be drawn, with what to do; "" if all is there."""
    if importlib.util.find_spec("kaleido") is None:
        return "no PNG: kaleido is not installed (pip install 'hpo[png]')"
    if browser() is None:
        return (
            "no PNG: no Chrome or Chromium was found (install one, such as Debian's package "
            "chromium, or run kaleido_get_chrome, or set BROWSER_PATH)"
        )
    return ""


def draw_pictures(data: ReportData, folder: Path, *, required: bool = False) -> Pictures:
    """Write one PNG per figure into ``folder``: ``<section>.png``, or ``<section>-<label>.png``.

    All are drawn before the first is moved into place. Pictures of an earlier report that this
    one no longer has are removed.

    Args:
        data: the report.
        folder: where the pictures go; made if absent.
        required: raise if they cannot be drawn, in place of saying so in ``missing``.

    Raises:
        EnvironmentProblem: ``required`` and something is missing, or the browser failed.
    """
    missing = what_is_missing()
    if not missing:
        try:
            return Pictures(_draw(data, folder))
        except Exception as error:
            # Kaleido raises what its browser, its tabs and asyncio raise; none of it is worth
            # losing the page for.
            first_line = str(error).strip().splitlines()[:1]
            missing = f"no PNG: the browser failed ({' '.join(first_line) or type(error).__name__})"
    if required:
        raise EnvironmentProblem(
            missing,
            expected="kaleido and a working Chrome or Chromium",
            hint="Leave out --png to write the page alone",
        )
    return Pictures(missing=missing)


def _draw(data: ReportData, folder: Path) -> list[Path]:
    kaleido = importlib.import_module("kaleido")
    folder.mkdir(parents=True, exist_ok=True)
    figures = {
        file_name(name, picture.label): _on_paper(picture.figure)
        for name, section in sections(data).items()
        for picture in section.pictures
    }
    if not figures:
        return []
    with tempfile.TemporaryDirectory(dir=folder, prefix=".drawing-") as scratch:
        # Without MathJax: by default Kaleido fetches it from the network. Kaleido starts its
        # browser without a sandbox, so it also runs as root.
        _within(
            SECONDS_IN_ALL,
            lambda: kaleido.write_fig_from_object_sync(
                [
                    {
                        "fig": figure,
                        "path": str(Path(scratch) / f"{name}.png"),
                        "opts": {
                            "format": "png",
                            "width": WIDTH,
                            "height": figure["layout"].get("height", 420),
                        },
                    }
                    for name, figure in figures.items()
                ],
                kopts={"n": 1, "timeout": SECONDS_PER_PICTURE, "mathjax": False},
            ),
        )
        drawn = [Path(scratch) / f"{name}.png" for name in figures]
        absent = [path.name for path in drawn if not path.is_file()]
        if absent:
            raise RuntimeError(f"{', '.join(absent)} not drawn")
        placed = [path.replace(folder / path.name) for path in drawn]
    for old in folder.glob("*.png"):
        if old not in placed:
            old.unlink()
    return placed


def _within(seconds: float, work: Callable[[], object]) -> None:
    """Run ``work`` to its end, or give up on it: its own timeout does not end a stuck renderer."""
    raised: list[Exception] = []

    def run() -> None:
        try:
            work()
        except Exception as error:
            # Carried over to the thread that waits, which raises it.
            raised.append(error)

    thread = threading.Thread(target=run, daemon=True, name="pictures")
    thread.start()
    thread.join(seconds)
    if thread.is_alive():
        raise TimeoutError(f"no end after {seconds:.0f} s")
    if raised:
        raise raised[0]


def _on_paper(figure: Any) -> dict[str, Any]:
    """Return a figure as plain data in the light theme on white."""
    plain: dict[str, Any] = copy.deepcopy(figure.to_plotly_json())
    paper = template("light")
    paper["layout"] |= {"paper_bgcolor": "#ffffff", "plot_bgcolor": "#ffffff"}
    plain["layout"]["template"] = paper
    return plain
