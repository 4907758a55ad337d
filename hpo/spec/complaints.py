"""What pydantic finds wrong with a study, said in one paragraph with file and line.

The first fault is told in full, the others by their lines: a file is mended in one go.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass
from typing import Any, get_args, get_origin

from pydantic import BaseModel, ValidationError

from hpo.spec.errors import SpecError, close_to, did_you_mean
from hpo.spec.faults import Fault, demand, shown
from hpo.spec.parameters import CategoricalParameter, FloatParameter, IntParameter
from hpo.spec.study import StudySpec
from hpo.spec.yaml12 import KeyPath

Locate = Callable[[KeyPath], str]

_PLUG_INS = ("sampler", "pruner", "engine", "launcher")
_SHARED = ("space", "fixed")
_SCALAR_PLACES = ("fixed", "enqueue", "choices", "when")
_PARAMETERS: dict[str, type[BaseModel]] = {
    "float": FloatParameter,
    "int": IntParameter,
    "categorical": CategoricalParameter,
}
_MOST_OTHERS = 6
"""How many further faults are named; a page of them helps nobody."""


@dataclass(frozen=True)
class _Complaint:
    """One fault: its path as written in the file, where that is, and what is to be said of it."""

    path: KeyPath
    where: str
    problem: str
    got: str | None = None
    hint: str | None = None
    missing: bool = False

    @property
    def name(self) -> str:
        return _dotted(self.path)

    def briefly(self) -> str:
        """Return where the fault is, for a list."""
        return briefly(f"{self.name} is missing" if self.missing else self.name, self.where)


def as_spec_error(error: ValidationError, locate: Locate) -> SpecError:
    """Turn pydantic's complaints into one paragraph."""
    errors = error.errors(include_url=False)
    # An unknown key explains much of what is wrong beside it, so it goes first.
    errors.sort(key=lambda e: e["type"] != "extra_forbidden")
    found = list(_distinct(_complaint(e, locate) for e in _unexplained(errors)))
    first, others = found[0], [complaint.briefly() for complaint in found[1:]]
    hint = with_others(first.hint, others)
    return SpecError(first.problem, where=first.where, got=first.got, hint=hint)


def briefly(name: str, where: str) -> str:
    """Return where a fault is, for ``with_others``: ``line 9 (data.datset)``.

    Args:
        name: of the key, dotted, and what else is to be said.
        where: ``file:line``, or the ``--set`` that it came by.
    """
    _, colon, line = where.rpartition(":")
    if colon and line.isdigit():
        return f"line {line} ({name})"
    return where if where.startswith("--set") else name


def with_others(hint: str | None, others: Collection[str]) -> str | None:
    """Return the hint of the fault that is told in full, with where the others are.

    Args:
        hint: what to do about the first; None if nothing is to be said.
        others: as ``briefly`` tells each; none leaves the hint as it is.
    """
    if not others:
        return hint
    others = sorted(set(others), key=_line)
    count = f" ({len(others)})" if len(others) > 1 else ""
    also = f"Also wrong{count}: " + ", ".join(others[:_MOST_OTHERS])
    also += ", …" if len(others) > _MOST_OTHERS else ""
    stop = "" if not hint or hint.endswith(("?", ".")) else "."
    return f"{hint}{stop} {also}" if hint else also


def _line(text: str) -> tuple[int, str]:
    """Return what sorts faults by their lines; those without one come last."""
    number = text.removeprefix("line ").partition(" ")[0]
    return (int(number), text) if number.isdigit() else (10**9, text)


def _unexplained(errors: list[Any]) -> Iterator[Any]:
    """Leave out what another error explains: a key that is missing because it is mistyped."""
    mistyped: set[KeyPath] = set()
    for error in errors:
        loc = error["loc"]
        if error["type"] == "extra_forbidden":
            known = _known_keys(loc)
            mistyped |= {(*_untagged(loc[:-1]), key) for key in close_to(str(loc[-1]), known)}
        explained = error["type"] == "missing" and _untagged(loc) in mistyped
        if not explained and error["type"] != "default_factory_not_called":
            yield error


def _distinct(complaints: Iterator[_Complaint]) -> Iterator[_Complaint]:
    """Leave out repetitions: a union complains once per member, what is shared per architecture."""
    seen: list[KeyPath] = []
    for complaint in complaints:
        path = complaint.path
        if not any(path[: len(s)] == s or s[: len(path)] == path for s in seen):
            seen.append(path)
            yield complaint


def _complaint(error: Any, locate: Locate) -> _Complaint:
    kind, path = error["type"], _untagged(error["loc"])
    if kind == "value_error":
        return _own_complaint(error["ctx"]["error"], path, locate)
    written, where = _as_written(path, locate), locate(path)
    name = f"'{_dotted(written)}'"
    if kind == "extra_forbidden":
        hint = did_you_mean(str(path[-1]), _known_keys(error["loc"]))
        return _Complaint(written, where, f"unknown key {name}", hint=hint)
    if kind == "missing":
        return _Complaint(written, where, f"{name} is missing", missing=True)
    problem = f"{name} {_demand(error, path)}"
    return _Complaint(written, where, problem, got=shown(error.get("input")))


def _own_complaint(raised: Exception, path: KeyPath, locate: Locate) -> _Complaint:
    """Return what one of our own validators says; what names no value itself is given its name."""
    if isinstance(raised, Fault):
        path, problem, hint = (*path, *raised.at), raised.problem, raised.hint
    else:
        problem, hint = str(raised), None
    written = _as_written(path, locate)
    if not problem.startswith("'"):
        colon = "" if problem.startswith("takes ") else ":"
        problem = f"'{_dotted(written)}'{colon} {problem}"
    return _Complaint(written, locate(path), problem, hint=hint)


def _dotted(path: KeyPath) -> str:
    return ".".join(str(part) for part in path)


def _as_written(path: KeyPath, locate: Locate) -> KeyPath:
    """Return the path of what is shared by all architectures as it stands in the file."""
    shared = len(path) > 3 and path[0] == "architectures" and path[2] in _SHARED
    return path[2:] if shared and locate(path) == locate(path[2:]) else path


def _demand(error: Any, path: KeyPath) -> str:
    """Return what a value should have been, in a researcher's words."""
    if len(path) == 1 and path[0] in _PLUG_INS:
        return "takes a name, or a mapping of a name and options"
    if path == ("objective",):
        return "takes a mapping, such as {metric: val_loss}"
    if path[-2:-1] == ("enqueue",):
        return "takes 'thesis', 'default' or a mapping of parameters"
    if _is_tag(error["loc"], len(error["loc"]) - 1) and any(k in path for k in _SCALAR_PLACES):
        return "takes a number, a word, true, false or null (or a list of them)"
    if path[-2:-1] == ("space",):
        if error["type"].startswith("union_tag"):
            return "needs a type: float, int or categorical"
        return "takes a range or choices, such as {type: categorical, choices: [a, b]}"
    return demand(error)


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
    """Return the keys of the section that the key at the end of ``loc`` was found in."""
    if "space" in loc and len(loc) >= 2 and loc[-2] in _PARAMETERS:
        return list(_PARAMETERS[str(loc[-2])].model_fields)
    section = _section_at(loc[:-1])
    if section is StudySpec:
        return [*StudySpec.model_fields, *_SHARED]
    return list(section.model_fields) if section else []


def _section_at(path: tuple[str | int, ...]) -> type[BaseModel] | None:
    """Return the model of the section at ``path``, by the annotations of ``StudySpec``."""
    annotation: Any = StudySpec
    for part in path:
        annotation = _below(annotation, part)
    # One that may be left out is a union with None.
    found = [a for a in (annotation, *get_args(annotation)) if _is_model(a)]
    return found[0] if found and get_origin(annotation) not in (list, dict) else None


def _below(annotation: Any, part: str | int) -> Any:
    """Return the annotation of what lies at a key or index of a value; None without one."""
    if _is_model(annotation):
        field = annotation.model_fields.get(part)
        return None if field is None else field.annotation
    if get_origin(annotation) in (list, dict):
        return get_args(annotation)[-1]
    members = (_below(member, part) for member in get_args(annotation))
    return next((found for found in members if found is not None), None)


def _is_model(annotation: Any) -> bool:
    return isinstance(annotation, type) and issubclass(annotation, BaseModel)
