"""Study files: read with ``file:line`` in every error, ``--set`` on top, written back as YAML."""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from hpo.spec.catalogue import allow_modules_beside
from hpo.spec.complaints import as_spec_error
from hpo.spec.errors import SpecError, did_you_mean
from hpo.spec.study import StudySpec
from hpo.spec.yaml12 import KeyPath, dump, parse_value, read_mapping


@dataclass(frozen=True)
class StudyFile:
    """A study file that was read.

    Args:
        spec: the study.
        locate: turns a key path such as ``("architectures", "cnn", "space")`` into ``file:line``
            (or ``--set ...`` where the value came from there).
    """

    spec: StudySpec
    locate: Callable[[KeyPath], str]


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
    for override in overrides:
        key_path = _apply(data, override)
        _replace_other_role(data, key_path)
        # What the file says below is gone.
        lines = {path: line for path, line in lines.items() if path[: len(key_path)] != key_path}
        lines[key_path] = f"--set {override.split('=', 1)[0].strip()}"
    locate = _locator(str(path), lines)
    try:
        spec = StudySpec.model_validate(data)
    except ValidationError as error:
        raise as_spec_error(error, locate) from None
    allow_modules_beside(path)
    return StudyFile(spec, locate)


def parse_assignment(text: str, option: str) -> tuple[str, Any]:
    """Split ``key=value`` as given to ``option``.

    Raises:
        SpecError: there is no ``=``, or the value is no YAML.
    """
    key, sign, value = text.partition("=")
    if not sign or not key.strip():
        raise SpecError(
            "cannot read this assignment", expected="key=value", got=repr(text), where=option
        )
    try:
        return key.strip(), parse_value(value)
    except SpecError as error:
        raise SpecError(
            error.problem, got=error.got, where=f"{option} {key.strip()}", hint=error.hint
        ) from error


def dump_study(spec: StudySpec) -> str:
    """Return the study as YAML that ``load_study`` reads back to an equal study."""
    return dump(spec.to_plain())


def _apply(data: dict[str, Any], override: str) -> KeyPath:
    key, value = parse_assignment(override, "--set")
    path: list[str | int] = []
    here: Any = data
    parts = key.split(".")
    _own_what_is_shared(data, parts)
    for position, part in enumerate(parts):
        last = position == len(parts) - 1
        if isinstance(here, list):
            if not part.isdigit() or int(part) >= len(here):
                raise SpecError(
                    f"'{'.'.join(parts[:position])}' is a list of {len(here)}",
                    where=f"--set {key}",
                    expected="a position from 0",
                    got=repr(part),
                )
            index: Any = int(part)
        elif isinstance(here, dict):
            index = part
        else:
            raise SpecError(
                f"'{'.'.join(parts[:position])}' holds a value, nothing lies below it",
                where=f"--set {key}",
            )
        path.append(index)
        if last:
            here[index] = value
        elif isinstance(here, dict) and not isinstance(here.get(index), dict | list):
            # `sampler: tpe` is short for `sampler: {name: tpe}`; other scalars end the path above.
            short = here.get(index)
            if index in ("sampler", "pruner", "engine") and isinstance(short, str):
                here[index] = {"name": short}
            elif short is None:
                here[index] = {}
            here = here[index]
        else:
            here = here[index]
    return tuple(path)


def _replace_other_role(data: dict[str, Any], path: KeyPath) -> None:
    """Let ``--set ....fixed.x=1`` pin a parameter that the file searches, and the other way round.

    A file that says both contradicts itself; an option beside a file says what is to hold instead.
    """
    other = {"fixed": "space", "space": "fixed"}
    if len(path) == 4 and path[0] == "architectures":
        section = data["architectures"][path[1]]
    elif len(path) == 2:
        section = data
    else:
        return
    role, name = path[-2:]
    if isinstance(role, str) and isinstance(rest := section.get(other.get(role, "")), dict):
        rest.pop(name, None)


def _own_what_is_shared(data: dict[str, Any], parts: list[str]) -> None:
    """Let ``architectures.cnn.space.x.low`` change a parameter that stands in the shared space."""
    architectures = data.get("architectures")
    if len(parts) < 3 or parts[0] != "architectures" or not isinstance(architectures, dict):
        return
    if parts[1] not in architectures:
        raise SpecError(
            f"the study has no architecture '{parts[1]}'",
            where=f"--set {'.'.join(parts)}",
            hint=did_you_mean(parts[1], architectures),
        )
    shared = data.get("space")
    if len(parts) < 5 or parts[2] != "space" or not isinstance(shared, dict):
        return
    section = architectures[parts[1]] = architectures[parts[1]] or {}
    if isinstance(section, dict) and parts[3] in shared:
        own = section["space"] = section.get("space") or {}
        if isinstance(own, dict):
            own.setdefault(parts[3], copy.deepcopy(shared[parts[3]]))


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
