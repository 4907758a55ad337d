"""Study files: read with ``file:line`` in every error, ``--set`` on top, written back as YAML."""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from pydantic import ValidationError

from hpo.spec.catalogue import allow_modules_beside
from hpo.spec.complaints import as_spec_error
from hpo.spec.overrides import apply_override, yield_to_pins
from hpo.spec.study import StudySpec
from hpo.spec.yaml12 import KeyPath, dump, read_mapping


@dataclass(frozen=True)
class StudyFile:
    """A study file that was read.

    Args:
        spec: the study.
        locate: turns a key path such as ``("architectures", "cnn", "space")`` into ``file:line``
            (or ``--set ...`` where the value came from there).
        notes: what the person should know of the overrides, a sentence each.
    """

    spec: StudySpec
    locate: Callable[[KeyPath], str]
    notes: tuple[str, ...] = ()


def load_study(path: str | Path, overrides: Iterable[str] = ()) -> StudySpec:
    """Return the study that a file describes; see ``read_study_file``."""
    return read_study_file(path, overrides).spec


def read_study_file(path: str | Path, overrides: Iterable[str] = ()) -> StudyFile:
    """Read a study file and apply ``path.to.key=value`` overrides.

    From then on the modules beside the file can be named in it (``package.module:attribute``).

    Raises:
        NotFoundError: there is no such file.
        EnvironmentProblem: it may not be read.
        SpecError: it is no YAML, or not a study; the message names file and line.
    """
    path = Path(path)
    data, lines = read_mapping(path)
    as_written = copy.deepcopy(data)
    changed: list[KeyPath] = []
    for override in overrides:
        key_path = apply_override(data, override)
        changed.append(key_path)
        # What the file says below is gone.
        lines = {path: line for path, line in lines.items() if path[: len(key_path)] != key_path}
        lines[key_path] = f"--set {override.split('=', 1)[0].strip()}"
    locate = _locator(str(path), lines)
    try:
        spec = StudySpec.model_validate(data)
    except ValidationError as error:
        raise as_spec_error(error, locate) from None
    spec, notes = yield_to_pins(spec, as_written, changed)
    allow_modules_beside(path)
    return StudyFile(spec, locate, tuple(notes))


def dump_study(spec: StudySpec) -> str:
    """Return the study as YAML that ``load_study`` reads back to an equal study."""
    return dump(spec.to_plain())


def _locator(file: str, lines: Mapping[KeyPath, int | str]) -> Callable[[KeyPath], str]:
    def locate(path: KeyPath) -> str:
        # What is shared by all architectures stands at the top of the file.
        candidates = [path]
        if len(path) > 2 and path[0] == "architectures":
            candidates.append(path[2:])
        best: int | str | None = None
        depth = -1
        for candidate in candidates:
            for length in range(len(candidate), 0, -1):
                found = lines.get(candidate[:length])
                if found is not None:
                    shared = candidate is not path
                    # Prefer the deeper match, counted from the architecture down.
                    reach = length + (2 if shared else 0)
                    if reach > depth:
                        best, depth = found, reach
                    break
        overridden = [
            found
            for candidate in candidates
            for key_path, found in lines.items()
            if isinstance(found, str) and key_path[: len(candidate)] == candidate
        ]
        if overridden:
            return overridden[0]
        if best is None:
            return file
        return best if isinstance(best, str) else f"{file}:{best}"

    return locate
