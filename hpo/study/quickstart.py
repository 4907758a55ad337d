"""``quickstart``: a small study of all three architectures, offline, and what its winner can do."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from hpo.execution.watch import Silence, Watcher
from hpo.spec.errors import InputError, SpecError
from hpo.spec.workspace import Workspace
from hpo.study.listing import studies
from hpo.study.naming import example
from hpo.study.outcome import StudyOutcome

if TYPE_CHECKING:
    from hpo.recommender.recommend import FaceAnswer

NAME = "quickstart"
_MADE_BY = "made_by"
"""User attribute of a study: what made it, where that was no study file of somebody's own."""


@dataclass(frozen=True)
class Tour:
    """What the quickstart made.

    Args:
        outcome: of the study.
        photo: a drawn photo with a face.
        answers: a face's emotion, mood and songs each.
        report: the page.
    """

    outcome: StudyOutcome
    photo: Path
    answers: list[FaceAnswer]
    report: Path

    def to_json(self) -> dict[str, Any]:
        """Return it as plain data."""
        return {
            "study": self.outcome.to_json(),
            "photo": str(self.photo),
            "faces": [answer.to_json() for answer in self.answers],
            "report": str(self.report),
        }


def study_file() -> Path:
    """Return the study file that the package carries."""
    return example(f"{NAME}.yaml")


def quickstart(*, workspace: Workspace | None = None, watcher: Watcher | None = None) -> Tour:
    """Run the quickstart study, recommend songs for a drawn photo and write the report.

    A quickstart that was interrupted is resumed; one that is complete is shown again. One of
    another version of the package, whose study differs, is replaced; a study of that name that
    somebody made otherwise is left alone.

    Args:
        workspace: where everything goes; the current directory by default.
        watcher: is told what happens.

    Raises:
        InputError: a folder cannot be written, or somebody's own study has the name and other
            settings.
        EnvironmentProblem: a library is missing.
    """
    from hpo.data.drawn.photo import write_photo
    from hpo.recommender.answer import recommend
    from hpo.study.planning import plan
    from hpo.study.reporting import report
    from hpo.study.running import run

    workspace = workspace or Workspace.at()
    watcher = watcher or Silence()
    workspace.ensure(workspace.home)
    _replace_older(workspace, watcher)
    # Notes such as "two epochs are too few to prune" are for studies that mean it.
    begun = _exists(workspace)
    own = not begun or _is_own(workspace)
    planned = replace(plan(study_file(), workspace=workspace, resume=begun or None), notes=[])
    try:
        outcome = run(planned, workspace=workspace, resume=begun, watcher=watcher)
    finally:
        if own:
            _claim(workspace)
    outcome.raise_if_stopped("the same command")
    folder = workspace.ensure(workspace.reports / NAME)
    photo = folder / "photo.png"
    write_photo(photo)
    watcher.note("Looking for a face in a drawn photo")
    answered = recommend([photo], workspace=workspace)
    watcher.note("Writing the report")
    paths = report(NAME, workspace=workspace, png=False)
    return Tour(outcome, photo, answered[0].faces, paths.page)


def _replace_older(workspace: Workspace, watcher: Watcher) -> None:
    """Delete the quickstart of another version, whose study differs.

    Raises:
        InputError: the study of that name is somebody's own.
    """
    from hpo.study.deletion import delete
    from hpo.study.planning import plan

    try:
        plan(study_file(), workspace=workspace, resume=True, probe=False)
    except SpecError as error:
        if not _exists(workspace):
            raise
        if not _is_own(workspace):
            raise InputError(
                f"the study '{NAME}' of this workspace was not made by `hpo quickstart`, and has "
                "other settings",
                where=str(workspace.home),
                got=error.got,
                hint=f"Remove it by `hpo delete {NAME}`, or leave it and choose another workspace: "
                "hpo quickstart --home FOLDER",
            ) from None
        watcher.note("Replacing the quickstart of another version")
        delete(NAME, workspace=workspace, force=True)


def _exists(workspace: Workspace) -> bool:
    return any(row["name"] == NAME for row in studies(workspace=workspace))


def _is_own(workspace: Workspace) -> bool:
    from hpo.search.studies import read_attribute

    return bool(read_attribute(workspace.storage_url(), NAME, _MADE_BY) == NAME)


def _claim(workspace: Workspace) -> None:
    """Mark the study as the quickstart's own, so that a later version may replace it."""
    from hpo.search.studies import set_attribute

    set_attribute(workspace.storage_url(), NAME, _MADE_BY, NAME)
