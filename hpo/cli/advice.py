"""Commands that an error advises, with the options that say where the call's things are."""

from __future__ import annotations

import re
import shlex
from collections.abc import Sequence

from hpo.spec.workspace import shown_url

_COMMAND = re.compile(r"`hpo ([a-z][^`\n]*)`")
_STORES = ("--storage", "--tracking")
_WITHOUT_STORES = ("data", "ui", "recommend")


def placed(text: str, arguments: Sequence[str]) -> str:
    """Return a text whose commands in backticks act on the workspace of the call.

    The rooms that word an error know the workspace but not how a person named it: what is advised
    must not delete or import elsewhere than what was complained of.

    Args:
        text: of an error.
        arguments: of the call, without ``hpo``.
    """
    homes = _typed("--home", arguments)
    stores = [shown_url(word) for name in _STORES for word in _typed(name, arguments)]

    def with_options(found: re.Match[str]) -> str:
        command = found[1]
        if "--home" in command:
            return found[0]
        options = [*homes, *([] if command.split()[0] in _WITHOUT_STORES else stores)]
        return " ".join([f"`hpo {command}", *map(shlex.quote, options)]) + "`"

    return _COMMAND.sub(with_options, text)


def _typed(option: str, arguments: Sequence[str]) -> list[str]:
    """Return the option and its value, if it was typed; the last one counts."""
    found: list[str] = []
    for place, word in enumerate(arguments):
        if word == "--":
            break
        if word == option and place + 1 < len(arguments):
            found = [option, arguments[place + 1]]
        elif word.startswith(f"{option}="):
            found = [option, word.removeprefix(f"{option}=")]
    return found
