"""The ways on where ImageNet weights cannot be had, with words of ``--set`` that were tried."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from hpo.spec.errors import EnvironmentProblem, SpecError
from hpo.spec.study import StudySpec
from hpo.study.naming import open_study
from hpo.study.parts import PlannedArchitecture, check_weights, plan_architecture

_CHANGES = (
    ("weights=none",),
    ("weights=none", "fixed.unfreeze=all"),
    ("weights=none", "fixed.head_epochs=0"),
    ("weights=none", "fixed.unfreeze=all", "fixed.head_epochs=0"),
)
"""What makes a study train from scratch, the least first: nothing frozen goes without weights."""


def with_ways_on(
    error: EnvironmentProblem,
    study: str | Path | StudySpec,
    overrides: tuple[str, ...],
    part: PlannedArchitecture,
    parts: Mapping[str, PlannedArchitecture],
) -> EnvironmentProblem:
    """Return the error with what to type so that the study trains from scratch.

    One answer for all of the study's architectures whose weights are not here: the others would
    be refused next.

    Args:
        error: the weights of ``part`` cannot be had.
        study: a study file; a study that is none has no ``--set``, and the error stays as it is.
        overrides: ``path.to.key=value``, as they were given.
        part: the architecture.
        parts: all of the study's.
    """
    from hpo.architectures.weights import ways_on

    published = part.architecture.imagenet
    if isinstance(study, StudySpec) or published is None:
        return error
    lacking = [label for label, other in parts.items() if _lacks_weights(other)]
    found = [_words(study, overrides, label) for label in lacking]
    words = " ".join(f"--set {word}" for each in found for word in each) if all(found) else ""
    return type(error)(
        error.problem,
        expected=error.expected,
        got=error.got,
        where=error.where,
        hint=ways_on(published, part.label, words),
    )


def _lacks_weights(part: PlannedArchitecture) -> bool:
    from hpo.architectures.weights import is_cached

    published = part.architecture.imagenet
    wants = part.spec.fixed.get("weights", "imagenet") == "imagenet"
    return wants and published is not None and not is_cached(published)


def _words(study: str | Path, overrides: tuple[str, ...], label: str) -> tuple[str, ...]:
    """Return the least words with which an architecture plans without weights; () if none do."""
    for change in _CHANGES:
        words = tuple(f"architectures.{label}.{each}" for each in change)
        try:
            file, _ = open_study(study, (*overrides, *words))
            part = plan_architecture(label, file.spec.architectures[label], file)
            check_weights(part, file, probe=False)
        except SpecError:
            continue
        return words
    return ()
