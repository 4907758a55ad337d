"""Where in a person's own files an error arose: the line that they can mend."""

from __future__ import annotations

import sysconfig
import traceback
from pathlib import Path

_NOT_THEIRS = (
    Path(__file__).resolve().parents[1],
    *(Path(sysconfig.get_path(name)).resolve() for name in ("stdlib", "platstdlib")),
)
_INSTALLED = {"site-packages", "dist-packages"}


def own_line(error: BaseException) -> str:
    """Return ``mynet.py:14``, the last line of the traceback in a file that is not installed.

    It is "" where no such line had a part in it.
    """
    for frame in reversed(traceback.extract_tb(error.__traceback__)):
        path = Path(frame.filename)
        # Names such as <frozen importlib>, and what TensorFlow generates, nobody can open.
        if path.is_file() and not path.name.startswith("__autograph_generated_file"):
            path = path.resolve()
            theirs = not any(path.is_relative_to(folder) for folder in _NOT_THEIRS)
            if theirs and not _INSTALLED & set(path.parts):
                return f"{path.name}:{frame.lineno}"
    return ""
