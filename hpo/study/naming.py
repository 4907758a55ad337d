"""Which study is meant: its name, or the study file that it was run with."""

from __future__ import annotations

from pathlib import Path

from hpo.spec.workspace import Workspace

_SUFFIXES = (".yaml", ".yml")


def resolve_study(study: str | Path, workspace: Workspace | None = None) -> tuple[str, Workspace]:
    """Return the name of a study, and the workspace with the stores that it is kept in.

    Args:
        study: a name, or the path of a study file (``*.yaml`` or ``*.yml`` that exists), whose
            name, ``storage`` and ``tracking.uri`` then hold.
        workspace: where it is; the current directory by default. Stores that it names itself go
            before the file's.

    Raises:
        SpecError: the file is no study.
    """
    workspace = workspace or Workspace.at()
    path = Path(study)
    if path.suffix not in _SUFFIXES or not path.is_file():
        return str(study), workspace
    from hpo.spec.loading import load_study

    spec = load_study(path)
    return spec.name, workspace.of_file(spec.storage, spec.tracking.uri)
