"""Study files: YAML in with ``file:line`` in every error, ``--set`` on top, YAML out.

YAML here is 1.2: ``1e-3`` is a float and ``off`` is a word. (PyYAML reads YAML 1.1, in which they
are a word and a boolean; researchers write both, so the resolvers are replaced.)
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml
from pydantic import BaseModel, ValidationError

from hpo.spec.errors import NotFoundError, SpecError, did_you_mean
from hpo.spec.space import CategoricalParameter, FloatParameter, IntParameter
from hpo.spec.study import (
    ArchitectureSpec,
    BudgetSpec,
    DataSpec,
    ObjectiveSpec,
    PlugIn,
    StudySpec,
    TrackingSpec,
)

KeyPath = tuple[str | int, ...]

# A study file is a page or two; a file of megabytes, or aliases that multiply, is a mistake.
_MOST_BYTES = 1_000_000
_MOST_NODES = 100_000


class _Loader(yaml.SafeLoader):
    """Safe YAML with 1.2's booleans and floats."""


_Loader.yaml_implicit_resolvers = {
    first: [
        (tag, pattern)
        for tag, pattern in resolvers
        if tag not in ("tag:yaml.org,2002:bool", "tag:yaml.org,2002:float")
    ]
    for first, resolvers in yaml.SafeLoader.yaml_implicit_resolvers.items()
}
_Loader.add_implicit_resolver(
    "tag:yaml.org,2002:bool", re.compile(r"^(?:true|True|TRUE|false|False|FALSE)$"), list("tTfF")
)
_Loader.add_implicit_resolver(
    "tag:yaml.org,2002:float",
    re.compile(
        r"^(?:[-+]?(?:\.[0-9]+|[0-9]+(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]+)"
        r"|[-+]?(?:\.[0-9]+|[0-9]+\.[0-9]*)|[-+]?\.(?:inf|Inf|INF)|\.(?:nan|NaN|NAN))$"
    ),
    list("-+0123456789."),
)


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

    Raises:
        NotFoundError: there is no such file.
        SpecError: it is no YAML, or not a study; the message names file and line.
    """
    path = Path(path)
    data, lines = _read_yaml(path)
    for override in overrides:
        key_path = _apply(data, override)
        lines[key_path] = f"--set {override.split('=', 1)[0]}"
    locate = _locator(str(path), lines)
    try:
        spec = StudySpec.model_validate(data)
    except ValidationError as error:
        raise _as_spec_error(error, locate) from None
    return StudyFile(spec, locate)


def parse_value(text: str) -> Any:
    """Return the YAML value of ``text``: ``1e-3`` a float, ``[a, b]`` a list, ``adam`` a word."""
    return yaml.load(text, Loader=_Loader)


def parse_assignment(text: str, option: str) -> tuple[str, Any]:
    """Split ``key=value`` as given to ``option``.

    Raises:
        SpecError: there is no ``=``, or the value is no YAML.
    """
    key, sign, value = text.partition("=")
    if not sign or not key.strip():
        raise SpecError(
            "cannot read this assignment",
            expected="key=value",
            got=repr(text),
            where=option,
        )
    try:
        return key.strip(), parse_value(value)
    except yaml.YAMLError as error:
        raise SpecError("the value is no YAML", got=repr(value), where=f"{option} {key}") from error


def dump_study(spec: StudySpec) -> str:
    """Return the study as YAML that ``load_study`` reads back to an equal study."""
    return yaml.safe_dump(spec.to_plain(), sort_keys=False, allow_unicode=True)


def _read_yaml(path: Path) -> tuple[dict[str, Any], dict[KeyPath, int | str]]:
    if not path.is_file():
        folder = path.parent
        near = [str(p) for p in folder.glob("*.y*ml")] if folder.is_dir() else []
        kind = "is a folder, not a study file" if path.is_dir() else "there is no such study file"
        raise NotFoundError(kind, where=str(path), hint=did_you_mean(str(path), near))
    if path.stat().st_size > _MOST_BYTES:
        raise SpecError("too large for a study file", expected="under 1 MB", where=str(path))
    try:
        node = yaml.compose(path.read_text(encoding="utf-8"), Loader=_Loader)
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        where = f"{path}:{mark.line + 1}" if mark else str(path)
        raise SpecError(f"not valid YAML ({error.problem})", where=where) from None
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise SpecError(f"not valid YAML ({error})", where=str(path)) from None
    if not isinstance(node, yaml.MappingNode):
        raise SpecError(
            "a study file is a mapping of keys to values",
            where=f"{path}:1",
            hint="See search_spaces/quickstart.yaml for an example",
        )
    lines: dict[KeyPath, int | str] = {}
    _record_lines(node, (), lines, str(path))
    try:
        data = _Loader.construct_document(_constructor(), node)
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark
        where = f"{path}:{mark.line + 1}" if mark else str(path)
        raise SpecError(f"not valid YAML ({error.problem})", where=where) from None
    return data, lines


def _constructor() -> _Loader:
    return _Loader("")


def _record_lines(
    node: yaml.Node, path: KeyPath, lines: dict[KeyPath, int | str], file: str
) -> None:
    """Note the line of each key path, and refuse a key that stands twice in one mapping."""
    if len(lines) > _MOST_NODES:
        raise SpecError("too many values for a study file (aliases that multiply?)", where=file)
    if isinstance(node, yaml.MappingNode):
        for key_node, value_node in node.value:
            key = key_node.value
            line = key_node.start_mark.line + 1
            if key == "<<":
                merged = (
                    value_node.value if isinstance(value_node, yaml.SequenceNode) else [value_node]
                )
                for source in merged:
                    _record_lines(source, path, lines, file)
                continue
            here = (*path, key)
            if isinstance(lines.get(here), int) and any(
                k is not key_node and k.value == key for k, _ in node.value
            ):
                raise SpecError(
                    f"the key '{key}' stands twice",
                    where=f"{file}:{line}",
                    hint=f"Remove one (the first is on line {lines[here]})",
                )
            lines[here] = line
            _record_lines(value_node, here, lines, file)
    elif isinstance(node, yaml.SequenceNode):
        for position, item in enumerate(node.value):
            here = (*path, position)
            lines[here] = item.start_mark.line + 1
            _record_lines(item, here, lines, file)


def _apply(data: dict[str, Any], override: str) -> KeyPath:
    key, value = parse_assignment(override, "--set")
    path: list[str | int] = []
    here: Any = data
    parts = key.split(".")
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
            for key_path, found in lines.items()
            if isinstance(found, str) and key_path[: len(path)] == path
        ]
        if overridden:
            return overridden[0]
        if best is None:
            return file
        return best if isinstance(best, str) else f"{file}:{best}"

    return locate


_SECTIONS: dict[str, type[BaseModel]] = {
    "data": DataSpec,
    "objective": ObjectiveSpec,
    "budget": BudgetSpec,
    "tracking": TrackingSpec,
    "sampler": PlugIn,
    "pruner": PlugIn,
    "engine": PlugIn,
}
_PARAMETERS: dict[str, type[BaseModel]] = {
    "float": FloatParameter,
    "int": IntParameter,
    "categorical": CategoricalParameter,
}


def _as_spec_error(error: ValidationError, locate: Callable[[KeyPath], str]) -> SpecError:
    """Turn pydantic's first complaint into one paragraph; say how many more there are."""
    errors = error.errors(include_url=False)
    # An unknown key explains the missing one beside it, so it goes first.
    errors.sort(key=lambda e: e["type"] != "extra_forbidden")
    first = errors[0]
    loc = tuple(first["loc"])
    path = _untagged(loc)
    dotted = ".".join(str(p) for p in path)
    where = locate(path)
    # A union complains once per member, and what is shared once per architecture.
    others = {locate(_untagged(tuple(e["loc"]))) for e in errors} - {where}
    more = f" (and {len(others)} more)" if others else ""
    kind = first["type"]
    if kind == "extra_forbidden":
        known = _known_keys(loc)
        return SpecError(
            f"unknown key '{dotted}'{more}", where=where, hint=did_you_mean(str(path[-1]), known)
        )
    if kind == "missing":
        return SpecError(f"'{dotted}' is missing{more}", where=where)
    if kind in ("union_tag_invalid", "union_tag_not_found"):
        return SpecError(
            f"'{dotted}' needs a type{more}",
            where=where,
            expected="type: float, int or categorical",
            got=_short(first.get("input")),
        )
    if kind == "value_error":
        reason = str(first["ctx"]["error"]) if "ctx" in first else first["msg"]
        if named := re.match(r"'([^']+)'", reason):
            # A complaint about one parameter of a space: point at its own line.
            below = () if path[-1:] == ("space",) else ("space",)
            where = locate((*path, *below, named[1]))
        return SpecError(
            f"'{dotted}': {reason.rstrip('.')}{more}" if dotted else f"{reason}{more}", where=where
        )
    message = first["msg"]
    if any(key in path for key in ("fixed", "enqueue", "choices", "when")):
        message = "takes a number, a word, true, false or null (or a list of them)"
    return SpecError(
        f"'{dotted}': {message[0].lower()}{message[1:]}{more}",
        where=where,
        got=_short(first.get("input")),
    )


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
        and any(k in loc[:position] for k in ("fixed", "enqueue", "choices", "when"))
    )


def _known_keys(loc: tuple[str | int, ...]) -> list[str]:
    if len(loc) == 1:
        return [*StudySpec.model_fields, "space", "fixed"]
    if loc[0] == "architectures" and len(loc) == 3:
        return list(ArchitectureSpec.model_fields)
    if "space" in loc and len(loc) >= 2 and loc[-2] in _PARAMETERS:
        return list(_PARAMETERS[str(loc[-2])].model_fields)
    section = _SECTIONS.get(str(loc[0]))
    return list(section.model_fields) if section else []


def _short(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= 80 else text[:77] + "..."
