"""``--set path.to.key=value`` on top of a study file's plain data.

What the command line says holds instead of what the file says: a value replaces a value, and a
parameter that is fixed by it is no longer searched, nor the other way round.
"""

from __future__ import annotations

import copy
from collections.abc import Iterable, Mapping
from typing import Any

from hpo.spec.errors import SpecError, did_you_mean
from hpo.spec.faults import shown
from hpo.spec.parameters import same
from hpo.spec.study import StudySpec
from hpo.spec.yaml12 import KeyPath, parse_value

_OTHER_ROLE = {"fixed": "space", "space": "fixed"}


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


def apply_override(data: dict[str, Any], override: str) -> KeyPath:
    """Set one value in place; return its path.

    Raises:
        SpecError: there is no such place, or the value is no YAML.
    """
    key, value = parse_assignment(override, "--set")
    path: list[str | int] = []
    here: Any = data
    parts = key.split(".")
    if "" in parts:
        raise SpecError(
            "cannot read this assignment",
            expected="path.to.key=value",
            got=repr(override),
            where="--set",
        )
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
        if last and value is None and part in here and path[:-1] == ["architectures"]:
            # Beside a file that has it null can but mean that it is to go; {} is its defaults.
            del here[part]
        elif last:
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
    _leave_other_role(data, path, value)
    return tuple(path)


def _leave_other_role(data: dict[str, Any], path: list[str | int], value: Any) -> None:
    """Let what is fixed by ``--set`` be searched no more, and what is searched by it not fixed.

    A file that says both contradicts itself; an option beside a file says what is to hold instead.
    """
    depth = 2 if path[0] == "architectures" else 0
    section = data["architectures"][path[1]] if depth and len(path) > depth else data
    if len(path) <= depth or not isinstance(section, dict):
        return
    role, names = str(path[depth]), path[depth + 1 : depth + 2]
    if not names and isinstance(value, Mapping):
        names = list(value)
    rest = section.get(_OTHER_ROLE.get(role, ""))
    if isinstance(rest, dict):
        for name in names:
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


def yield_to_pins(
    spec: StudySpec, file: Mapping[str, Any], paths: Iterable[KeyPath]
) -> tuple[StudySpec, list[str]]:
    """Return the study with what ``--set`` pins in its enqueued configurations, and notes on that.

    In a file an enqueued value is stronger than a fixed one, on purpose. One that was written for
    a searched parameter knows nothing of the pin, which is a person's word for this run. With it go
    values that hang on another value of what is pinned, such as a momentum of SGD's under Adam.

    Args:
        spec: the study with the overrides.
        file: the plain data without them.
        paths: where overrides set values.
    """
    notes: list[str] = []
    sections = {}
    for label, section in spec.architectures.items():
        own = (file.get("architectures") or {}).get(label) or {}
        searched = {*(file.get("space") or {}), *(own.get("space") or {})}
        set_here = [p[2:] if p[:2] == ("architectures", label) else p for p in paths]
        pinned = {
            str(name)
            for path in set_here
            if path[:1] == ("fixed",)
            for name in path[1:2] or section.fixed
        } & searched
        kept: list[Any] = []
        for entry in section.enqueue:
            if isinstance(entry, str):
                kept.append(entry)
                continue
            other = {
                name
                for name in sorted(pinned & set(entry) & set(section.fixed))
                if not _agree(section.fixed[name], entry[name])
            }
            notes += [
                f"{label}: an enqueued configuration sets {name} to {shown(entry[name])}; --set "
                f"pins it at {shown(section.fixed[name])}, which holds"
                for name in sorted(other)
            ]
            hanging = {
                name
                for name, parameter in section.space.parameters.items()
                if other & set(parameter.when) and not _hangs(parameter.when, section.fixed)
            }
            kept.append({k: v for k, v in entry.items() if k not in other | hanging})
        sections[label] = section.model_copy(update={"enqueue": kept})
    if not notes:
        return spec, []
    return spec.model_copy(update={"architectures": sections}), notes


def _hangs(when: Mapping[str, Any], fixed: Mapping[str, Any]) -> bool:
    """Return whether what a parameter hangs on may hold beside what is fixed."""
    return all(
        any(_agree(fixed[parent], value) for value in allowed)
        for parent, allowed in when.items()
        if parent in fixed
    )


def _agree(one: Any, other: Any) -> bool:
    if isinstance(one, list) or isinstance(other, list):
        return bool(one == other)
    return same(one, other)
