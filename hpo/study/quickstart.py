"""``quickstart``: a small study of all three architectures, offline, and what its winner can do."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from hpo.execution.watch import Silence, Watcher
from hpo.spec.errors import NotFoundError, SpecError
from hpo.spec.workspace import Workspace
from hpo.study.outcome import StudyOutcome

if TYPE_CHECKING:
    from hpo.recommender.recommend import FaceAnswer

NAME = "quickstart"


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
    from importlib.resources import files

    return Path(str(files("hpo") / "search_spaces" / f"{NAME}.yaml"))


def quickstart(*, workspace: Workspace | None = None, watcher: Watcher | None = None) -> Tour:
    """Run the quickstart study, recommend songs for a drawn photo and write the report.

    A quickstart that was interrupted is resumed; one that is complete is shown again. One of
    another version of the package, whose study differs, is replaced.

    Args:
        workspace: where everything goes; the current directory by default.
        watcher: is told what happens.

    Raises:
        InputError: a folder cannot be written.
        EnvironmentProblem: a library is missing.
    """
    from hpo.data.drawn.photo import write_photo
    from hpo.recommender.answer import recommend
    from hpo.study.listing import studies
    from hpo.study.planning import plan
    from hpo.study.reporting import report
    from hpo.study.running import run

    workspace = workspace or Workspace.at()
    watcher = watcher or Silence()
    workspace.ensure(workspace.home)
    _replace_older(workspace, watcher)
    # Notes such as "two epochs are too few to prune" are for studies that mean it.
    begun = any(row["name"] == NAME for row in studies(workspace=workspace))
    planned = replace(plan(study_file(), workspace=workspace, resume=begun or None), notes=[])
    outcome = run(planned, workspace=workspace, resume=begun, watcher=watcher)
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
    from hpo.study.deletion import delete
    from hpo.study.planning import plan

    try:
        plan(study_file(), workspace=workspace, resume=True)
    except SpecError:
        watcher.note("Replacing the quickstart of another version")
        try:
            delete(NAME, workspace=workspace, force=True)
        except NotFoundError:
            return
