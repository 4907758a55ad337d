"""What pydantic finds wrong with a study, said in one paragraph with file and line."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

from pydantic import BaseModel, ValidationError

from hpo.spec.errors import SpecError, did_you_mean
from hpo.spec.parameters import CategoricalParameter, FloatParameter, IntParameter
from hpo.spec.study import (
    ArchitectureSpec,
    BudgetSpec,
    DataSpec,
    ObjectiveSpec,
    PlugIn,
    StudySpec,
    TrackingSpec,
)
from hpo.spec.yaml12 import KeyPath

_SECTIONS: dict[str, type[BaseModel]] = {
    "data": DataSpec,
    "objective": ObjectiveSpec,
    "budget": BudgetSpec,
    "tracking": TrackingSpec,
    "sampler": PlugIn,
    "pruner": PlugIn,
    "engine": PlugIn,
}
_SHARED = ("space", "fixed")
_SCALAR_PLACES = ("fixed", "enqueue", "choices", "when")
_DEMANDS = {
    "bool_parsing": "takes true or false",
    "bool_type": "takes true or false",
    "dict_type": "takes a mapping of keys to values",
    "finite_number": "takes a finite number",
    "float_parsing": "takes a number",
    "float_type": "takes a number",
    "greater_than": "must be above {gt}",
    "greater_than_equal": "must be at least {ge}",
    "int_from_float": "takes a whole number",
    "int_parsing": "takes a whole number",
    "int_type": "takes a whole number",
    "less_than": "must be below {lt}",
    "less_than_equal": "must be at most {le}",
    "list_type": "takes a list",
    "literal_error": "takes {expected}",
    "model_attributes_type": "takes a mapping of keys to values",
    "model_type": "takes a mapping of keys to values",
    "string_type": "takes a word (in quotes, if it looks like a number)",
    "too_short": "needs at least one entry",
}
_PARAMETERS: dict[str, type[BaseModel]] = {
    "float": FloatParameter,
    "int": IntParameter,
    "categorical": CategoricalParameter,
}


def as_spec_error(error: ValidationError, locate: Callable[[KeyPath], str]) -> SpecError:
    """Turn pydantic's first complaint into one paragraph; say how many more there are."""
    errors = error.errors(include_url=False)
    # An unknown key explains the missing one beside it, so it goes first.
    errors.sort(key=lambda e: e["type"] != "extra_forbidden")
    first = errors[0]
    path = _untagged(first["loc"])
    where = locate(path)
    # A union complains once per member, and what is shared once per architecture.
    others = {locate(_untagged(e["loc"])) for e in errors} - {where}
    more = f" (and {len(others)} more)" if others else ""
    name = f"'{'.'.join(str(part) for part in _as_written(path, locate))}'"
    kind = first["type"]
    if kind == "extra_forbidden":
        hint = did_you_mean(str(path[-1]), _known_keys(first["loc"]))
        return SpecError(f"unknown key {name}{more}", where=where, hint=hint)
    if kind == "missing":
        return SpecError(f"{name} is missing{more}", where=where)
    if kind == "value_error":
        problem, _, hint = str(first["ctx"]["error"]).partition(". ")
        if named := re.match(r"'([^']+)'", problem):
            # A complaint about one parameter, or about a section at the top: point at its line.
            direct = path[-1:] in (("space",), ("architectures",)) or named[1] in _SHARED
            where = locate((*path, *(() if direct else ("space",)), named[1]))
        elif path:
            problem = f"{name}: {problem}"
        return SpecError(f"{problem}{more}", where=where, hint=hint or None)
    return SpecError(
        f"{name} {_demand(first, path)}{more}", where=where, got=_short(first.get("input"))
    )


def _as_written(path: KeyPath, locate: Callable[[KeyPath], str]) -> KeyPath:
    """Return the path of what is shared by all architectures as it stands in the file."""
    shared = path[0] == "architectures" and len(path) > 3 and path[2] in _SHARED if path else False
    return path[2:] if shared and locate(path) == locate(path[2:]) else path


def _demand(error: Any, path: KeyPath) -> str:
    """Return what a value should have been, in a researcher's words."""
    if _is_tag(error["loc"], len(error["loc"]) - 1) and any(k in path for k in _SCALAR_PLACES):
        return "takes a number, a word, true, false or null (or a list of them)"
    if path[-2:-1] == ("space",):
        if error["type"].startswith("union_tag"):
            return "needs a type: float, int or categorical"
        return "takes a range or choices, such as {type: categorical, choices: [a, b]}"
    template = _DEMANDS.get(error["type"])
    if template is None:
        message = str(error["msg"])
        return f"does not fit: {message[0].lower()}{message[1:]}"
    limits = {k: f"{v:g}" if isinstance(v, float) else v for k, v in error.get("ctx", {}).items()}
    return template.format(**limits)


def _untagged(loc: tuple[str | int, ...]) -> KeyPath:
    return tuple(part for position, part in enumerate(loc) if not _is_tag(loc, position))


def _is_tag(loc: tuple[str | int, ...], position: int) -> bool:
    """Tell whether pydantic put a union's tag at this place of its error's location."""
    value = loc[position]
    if position >= 2 and loc[position - 2] == "space" and value in _PARAMETERS:
        return True
    return (
        isinstance(value, str)
        and (
            value in ("bool", "int", "float", "str", "none") or value.startswith(("list[", "dict["))
        )
        and position >= 2
        and any(key in loc[:position] for key in _SCALAR_PLACES)
    )


def _known_keys(loc: tuple[str | int, ...]) -> list[str]:
    if len(loc) == 1:
        return [*StudySpec.model_fields, *_SHARED]
    if loc[0] == "architectures" and len(loc) == 3:
        return list(ArchitectureSpec.model_fields)
    if "space" in loc and len(loc) >= 2 and loc[-2] in _PARAMETERS:
        return list(_PARAMETERS[str(loc[-2])].model_fields)
    section = _SECTIONS.get(str(loc[0]))
    return list(section.model_fields) if section else []


def _short(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= 80 else text[:77] + "..."
