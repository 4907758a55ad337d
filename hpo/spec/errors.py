"""Every error that hpo raises on purpose, and how one is told to a person.

An error is one paragraph: where it is, what is wrong, what was expected, what came, and what to do
next. The command line prints exactly ``str(error)`` and leaves with ``error.exit_code``.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable

OTHER_NAMES = {
    "batch": "batch_size",
    "bs": "batch_size",
    "decay": "weight_decay",
    "epoch": "epochs",
    "l2": "weight_decay",
    "lr": "learning_rate",
    "momentum": "one_minus_momentum",
    "opt": "optimizer",
    "optimiser": "optimizer",
    "rate": "learning_rate",
    "scheduler": "schedule",
    "wd": "weight_decay",
}
"""What people call parameters of training elsewhere, and too far from our names to be a typo."""


class HpoError(Exception):
    """Base of all errors raised on purpose; ``exit_code`` 1.

    Args:
        problem: what is wrong, a sentence without its full stop.
        expected: what would have been right.
        got: what came instead.
        where: ``file:line``, a path, or a dotted parameter.
        hint: what to do next, a sentence without its full stop.
    """

    exit_code = 1

    def __init__(
        self,
        problem: str,
        *,
        expected: str | None = None,
        got: str | None = None,
        where: str | None = None,
        hint: str | None = None,
    ) -> None:
        self.problem = problem
        self.expected = expected
        self.got = got
        self.where = where
        self.hint = hint
        super().__init__(self._paragraph())

    def _paragraph(self) -> str:
        text = _stopped(f"{self.where}: {self.problem}" if self.where else self.problem)
        facts = []
        if self.expected:
            facts.append(f"expected {self.expected}")
        if self.got:
            facts.append(f"got {self.got}")
        if facts:
            sentence = "; ".join(facts)
            text += _stopped(f" {sentence[0].upper()}{sentence[1:]}")
        if self.hint:
            text += _stopped(f" {self.hint}")
        return text

    def __reduce__(self) -> tuple[object, ...]:
        # Errors cross process boundaries; the default reduce would drop the keyword arguments.
        return (
            _rebuild,
            (type(self), self.problem, self.expected, self.got, self.where, self.hint),
        )


def _stopped(text: str) -> str:
    # What libraries say often ends with a stop of its own.
    return text if text.endswith(("?", ".", "!")) else f"{text}."


def _rebuild(
    kind: type[HpoError],
    problem: str,
    expected: str | None,
    got: str | None,
    where: str | None,
    hint: str | None,
) -> HpoError:
    return kind(problem, expected=expected, got=got, where=where, hint=hint)


class InputError(HpoError):
    """Something a person gave is wrong, a folder that cannot be written included.

    ``exit_code`` 2; nothing was written.
    """

    exit_code = 2


class SpecError(InputError):
    """A study file, a ``--set`` or a parameter is wrong."""


class DataError(InputError):
    """A dataset, a song list or a photo is wrong."""


class NotFoundError(InputError):
    """A name (study, trial, dataset, catalogue entry, file) stands for nothing."""


class EnvironmentProblem(HpoError):
    """The machine lacks something (network, library, room on the disk); ``exit_code`` 3."""

    exit_code = 3


class TrainingError(HpoError):
    """A trial cannot go on (NaN loss, out of memory, a worker process that died)."""


class IntegrityError(HpoError):
    """A stored file differs from its recorded checksum, or a model is not on the allow-list."""


def close_to(name: str, choices: Iterable[str]) -> list[str]:
    """Return which of ``choices`` a mistyped ``name`` may have meant: two at the most."""
    other = OTHER_NAMES.get(name.lower())
    if other is not None and other in (choices := set(choices)):
        return [other]
    close = difflib.get_close_matches(name, sorted(set(choices)), n=2, cutoff=0.6)
    # A second one only where it is about as close: "budgte" means budget, and not gate.
    return [c for c in close if _likeness(name, c) > _likeness(name, close[0]) - 0.1]


def _likeness(one: str, other: str) -> float:
    return difflib.SequenceMatcher(None, one, other).ratio()


def did_you_mean(name: str, choices: Iterable[str], *, listed: bool = False, most: int = 12) -> str:
    """Return a hint sentence for a mistyped ``name``: the closest choices, or all of them.

    Args:
        name: as it was given.
        choices: what it might have been.
        listed: the error names all of them already, so that without a close one nothing is said.
        most: how many of them are named where none is close.
    """
    known = sorted(set(choices))
    close = close_to(name, known)
    if close:
        return "Did you mean " + " or ".join(f"'{c}'" for c in close) + "?"
    if listed:
        return ""
    if not known:
        return "There are none"
    return "Known: " + ", ".join(known[:most]) + (", …" if len(known) > most else "")
