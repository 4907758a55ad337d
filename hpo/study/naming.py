"""Which study is meant: its name, or the study file that it was run with."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING

from hpo.spec.workspace import Workspace

if TYPE_CHECKING:
    from hpo.spec.loading import StudyFile
    from hpo.spec.study import StudySpec

_SUFFIXES = (".yaml", ".yml")
_EXAMPLES = "search_spaces"


def example(name: str) -> Path:
    """Return where the package carries an example study file, such as ``thesis.yaml``."""
    from importlib.resources import files

    return Path(str(files("hpo") / _EXAMPLES / name))


def find_file(path: str | Path) -> tuple[Path, list[str]]:
    """Return the study file that is meant by a path, and what a person should know of it.

    ``search_spaces/NAME.yaml``, as documents and commands show it, is the package's own where the
    current directory has none, so that what is shown works in any folder.
    """
    path = Path(path)
    carried = example(path.name)
    if path.exists() or path.parts != (_EXAMPLES, path.name) or not carried.is_file():
        return path, []
    return carried, [f"There is no {path} in this folder: the one that hpo carries is used."]


def open_study(
    study: str | Path | StudySpec, overrides: Iterable[str] = ()
) -> tuple[StudyFile, list[str]]:
    """Read a study file with its overrides, or wrap a study; the second is notes on the file.

    Raises:
        NotFoundError: there is no such file.
        SpecError: it is no study, or overrides were given to what is no file.
    """
    from hpo.spec.errors import SpecError
    from hpo.spec.loading import StudyFile, read_study_file

    if isinstance(study, str | Path):
        path, notes = find_file(study)
        file = read_study_file(path, overrides)
        return file, [*notes, *file.notes]
    if tuple(overrides):
        raise SpecError("overrides go with a study file", got="a StudySpec")
    return StudyFile(study, lambda path: ".".join(str(p) for p in path)), []


def resolve_study(study: str | Path, workspace: Workspace | None = None) -> tuple[str, Workspace]:
    """Return the name of a study, and the workspace with the stores that it is kept in.

    Args:
        study: a name, or the path of a study file (``*.yaml`` or ``*.yml`` that exists), whose
            name, ``storage`` and ``tracking.uri`` then hold.
        workspace: where it is; the current directory by default. Stores that it names itself go
            before the file's.

    Raises:
        NotFoundError: the path leads nowhere.
        SpecError: the file is no study.
    """
    workspace = workspace or Workspace.at()
    path, _ = find_file(study)
    # No study's name has a slash in it, so a path that leads nowhere is a mistyped path.
    if path.suffix not in _SUFFIXES or (not path.is_file() and len(path.parts) == 1):
        return str(study), workspace
    spec = open_study(path)[0].spec
    return spec.name, workspace.of_file(spec.storage, spec.tracking.uri)


def known_study(study: str | Path | StudySpec, workspace: Workspace) -> str | Path | StudySpec:
    """Return the study of this name as the storage has it; a file or a study as it is.

    Args:
        study: a name, a study file, or a study.
        workspace: where it is.

    Raises:
        NotFoundError: no study has this name, or the path leads nowhere.
        SpecError: it was stored with settings that this version does not understand.
        EnvironmentProblem: the storage cannot be read.
    """
    if not isinstance(study, str | Path):
        return study
    name, workspace = resolve_study(study, workspace)
    if name != str(study):
        return study
    from hpo.search.studies import read_spec

    return read_spec(workspace.storage_url(), name)
