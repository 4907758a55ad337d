"""Golden files: text that a test must reproduce to the letter, kept beside this module.

``pytest --update-golden`` writes them anew; read the difference before it is committed.
"""

from __future__ import annotations

import difflib
from dataclasses import dataclass
from pathlib import Path

FOLDER = Path(__file__).parent


@dataclass(frozen=True)
class Golden:
    """Compares text with golden files, or writes them.

    Args:
        update: write instead of comparing.
    """

    update: bool

    def check(self, name: str, text: str) -> None:
        """Fail with a line-by-line difference if ``text`` is not what ``name`` holds."""
        file = FOLDER / name
        if self.update:
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(text, encoding="utf-8")
            return
        assert file.is_file(), f"no golden file {name}; write it with: pytest --update-golden"
        recorded = file.read_text(encoding="utf-8")
        difference = "\n".join(
            difflib.unified_diff(
                recorded.splitlines(), text.splitlines(), f"golden/{name}", "now", lineterm=""
            )
        )
        assert recorded == text, f"{difference}\nIf this is right: pytest --update-golden"
