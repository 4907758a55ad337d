"""``doctor``: do Optuna, MLflow and the disk tell the same story of a study, and if not, make them.

Optuna's storage is the truth. Each way of mending may be repeated and cut off anywhere; what it
could not do shows up again at the next look.
"""

from __future__ import annotations

from hpo.spec.errors import SpecError
from hpo.spec.workspace import Workspace
from hpo.study.diagnosis import REWORDED, Diagnosis, Problem
from hpo.study.patient import Patient
from hpo.study.strangers import look_for_strangers

_ROUNDS = 3
"""Mending one thing may bring another to light: a run that is written anew wants its model."""


def doctor(
    study: str | None = None, *, workspace: Workspace | None = None, fix: bool = False
) -> Diagnosis:
    """Compare Optuna's storage, MLflow and the disk; with ``fix`` bring the others to Optuna's.

    Args:
        study: its name; None for every study of the storage, and those that MLflow or the
            checkpoints tell of and the storage does not know. What is left of these is never
            mended: it may be all that there is. Nor is one that this version does not understand;
            the others are looked at all the same.
        workspace: where they are; the current directory by default.
        fix: mend what can be mended.

    Raises:
        NotFoundError: there is no such study.
        EnvironmentProblem: a store cannot be reached.
        SpecError: ``study`` was stored with settings that this version does not understand.
    """
    from hpo.search.summaries import list_studies

    workspace = workspace or Workspace.at()
    names = [study] if study else [s.name for s in list_studies(workspace.storage_url())]
    problems: list[Problem] = []
    fixed: list[Problem] = []
    notes: list[str] = []
    for name in names:
        try:
            patient = Patient(name, workspace)
        except SpecError as error:
            if study is not None:
                raise
            problems.append(
                Problem(name, "optuna", "study not understood", "", None, str(error), fixable=False)
            )
            continue
        found = patient.look()
        seen = list(found)
        for _ in range(_ROUNDS if fix else 0):
            if not any(problem.fixable for problem in found):
                break
            patient.mend()
            found = patient.look()
            seen += [problem for problem in found if problem not in seen]
        # What a note lacks is seen in the study and in its confirmation.
        fixed += [problem for problem in seen if problem not in [*found, *fixed]]
        problems += [problem for problem in found if problem not in problems]
        notes += patient.notes
    if study is None:
        found, told = look_for_strangers(workspace, names)
        problems += found
        notes += told
    wrong = [problem for problem in problems if problem.kind != REWORDED]
    return Diagnosis(
        wrong, fixed, notes, names, [problem for problem in problems if problem not in wrong]
    )
