"""Every command that the README and the documents show is one that hpo understands."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from hpo.cli.app import _root_options_first
from hpo.spec.loading import load_study
from tests.unit.cli.commands import ROOT

REPOSITORY = Path(__file__).parents[3]
DOCUMENTS = [REPOSITORY / "README.md", *sorted((REPOSITORY / "docs").rglob("*.md"))]
BLOCK = re.compile(r"^```(?:sh|bash|console|shell)\n(.*?)^```", re.MULTILINE | re.DOTALL)
SPAN = re.compile(r"`(hpo [^`\n]+)`")
# Placeholders stand for what the reader has: STUDY, PHOTO…, <name>, [options]; so do bare `hpo x`.
PLACEHOLDER = re.compile(r"…|\.\.\.|[<\[|]|\b[A-Z]{3,}\b")


def shown(document: Path) -> Iterator[tuple[str, str]]:
    """Yield where and what: each hpo command of the document's shell blocks and code spans."""
    if not document.is_file():
        return
    text = document.read_text(encoding="utf-8")
    places = [(match.start(1), match[1]) for match in BLOCK.finditer(text)]
    places += [(match.start(1), match[1]) for match in SPAN.finditer(text)]
    for start, block in places:
        line = text.count("\n", 0, start) + 1
        for command in block.replace("\\\n", " ").splitlines():
            for part in re.split(r"&&|;|(?<!\S)\|(?!\S)", command.partition(" #")[0]):
                words = re.sub(r"^\s*\$ ", "", part).strip()
                words = re.sub(r"^(?:\S*/)?hpo(?= |$)", "hpo", words)
                if re.match(r"hpo(?: |$)", words):
                    yield f"{document.relative_to(REPOSITORY)}:{line}", words


COMMANDS = [found for document in DOCUMENTS for found in shown(document)]
WHOLE = [(where, words) for where, words in COMMANDS if not PLACEHOLDER.search(words)]


def understand(words: str) -> None:
    """Parse a command line to its last option without running anything.

    Raises:
        Exception: the command line's own, for a word that it does not know.
    """
    arguments = _root_options_first(shlex.split(re.sub(r"[<>]\s*\S+", "", words))[1:])
    command: Any = ROOT
    context: Any = None
    while True:
        name = "hpo" if context is None else command.name
        context = command.make_context(name, arguments, parent=context)
        rest = [*context._protected_args, *context.args]
        if not hasattr(command, "commands"):
            return
        _, command, arguments = command.resolve_command(context, rest)


@pytest.mark.parametrize(("where", "words"), WHOLE, ids=[f"{w} {c}" for w, c in WHOLE])
def test_a_shown_command_is_understood(where: str, words: str) -> None:
    try:
        understand(words)
    except Exception as error:
        kind = type(error).__name__
        if kind in ("Exit", "NoArgsIsHelpError"):  # --help, --version, bare hpo
            return
        if kind == "MissingParameter" and len(words.split()) == 2:  # a command's name in prose
            return
        message = getattr(error, "message", error)
        pytest.fail(f"{where}: `{words}` is not understood: {message}")


@pytest.mark.parametrize(
    "words", ["hpo rnu x.yaml", "hpo run", "hpo data show", "hpo run x --trails 3"]
)
def test_a_wrong_command_would_be_noticed(words: str) -> None:
    with pytest.raises(Exception, match=r"No such|Missing"):
        understand(words)


@pytest.mark.parametrize(
    ("where", "words"),
    [(where, words) for where, words in WHOLE if re.match(r"hpo (run|train) ", words)],
    ids=str,
)
def test_a_shown_study_file_is_there_and_takes_what_is_set(where: str, words: str) -> None:
    split = shlex.split(words)
    file = REPOSITORY / split[2]
    if not split[2].startswith("search_spaces/"):
        return  # the reader's own
    assert file.is_file(), f"{where}: there is no {split[2]}"
    load_study(file, [split[i + 1] for i, word in enumerate(split) if word == "--set"])


def test_the_readme_shows_the_two_commands_that_set_everything_up() -> None:
    readme = (REPOSITORY / "README.md").read_text(encoding="utf-8")
    assert re.search(r"pip install .*-c constraints\.txt .*&& .*hpo quickstart", readme)
    assert "bash tests/run.sh" in readme
    assert any("quickstart" in words for _, words in COMMANDS)
