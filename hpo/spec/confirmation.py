"""How a confirmation and what is in it are named; its section of study files is ``sections``'."""

from __future__ import annotations

from hpo.spec.errors import InputError

SUFFIX = ".confirmation"
"""Of the name of the study that holds the re-runs of another."""

ORIGIN = "confirmation"
"""Origin of a re-run: a trial that no search has asked for."""


def refuse_confirmation(study: str, instead: str) -> None:
    """Make sure that what is only for a study that was searched is not asked of its re-runs.

    Args:
        study: its name.
        instead: the command for the searched study, with ``{study}`` in its place.

    Raises:
        InputError: it is a confirmation.
    """
    if study.endswith(SUFFIX):
        searched = study.removesuffix(SUFFIX)
        raise InputError(
            f"'{study}' is a confirmation itself",
            expected="the study that was searched, whose record it belongs to",
            hint=f"Type `{instead.format(study=searched)}`",
        )


def confirmation_name(study: str) -> str:
    """Return the name of the study that holds the re-runs of ``study``."""
    return study + SUFFIX


def way_on(study: str) -> str:
    """Return what to do where the model of a trial that should be promoted is lost.

    A configuration that is trained once more gives another file, and a single run of ``hpo train``
    is none of the study's trials. But the runs of a confirmation are promoted in place of the
    search's best.

    Args:
        study: the name of the trial's study, which may be a confirmation itself.
    """
    searched = study.removesuffix(SUFFIX)
    if searched == study:
        return (
            f"`hpo confirm {study}` trains the best configurations again, and `hpo promote {study}`"
            " then takes the best run of the one that wins there"
        )
    return (
        f"`hpo confirm {searched} --seeds N`, with a larger N, adds runs, and "
        f"`hpo promote {searched}` takes one of these where it is better than the lost one"
    )


def candidate_label(architecture: str, number: int) -> str:
    """Return the label, there, of the configuration of a trial."""
    return f"{architecture}-{number}"


def read_candidate(label: str) -> tuple[str, int]:
    """Return the architecture and the trial that ``candidate_label`` made a label of."""
    architecture, _, number = label.rpartition("-")
    return architecture, int(number)


def rerun_title(label: str, slot: int) -> str:
    """Return what people call a run of a confirmation: ``cnn #7 seed 3``.

    Args:
        label: of its configuration, there.
        slot: its place of the budget, from 0, which stands for a seed.
    """
    architecture, number = read_candidate(label)
    return f"{architecture} #{number} seed {slot + 1}"


def trial_title(label: str, number: int, slot: int, origin: str) -> str:
    """Return what people call a trial: ``cnn #7``, and of a confirmation ``cnn #7 seed 3``.

    Args:
        label: of its architecture in the study.
        number: its number there.
        slot: its place of the budget, from 0.
        origin: as a record has it.
    """
    return rerun_title(label, slot) if origin == ORIGIN else f"{label} #{number}"
