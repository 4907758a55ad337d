"""YAML 1.2 in and out, with the line of every key.

PyYAML reads YAML 1.1, in which ``1e-3`` is a word, ``off`` a boolean, ``010`` eight and ``1:30``
ninety. Researchers write these as YAML 1.2 means them, so the scalars' resolvers are replaced.
"""

from __future__ import annotations

import re
from importlib.resources import files
from pathlib import Path
from typing import Any

import yaml

from hpo.spec.errors import EnvironmentProblem, NotFoundError, SpecError, close_to, did_you_mean
from hpo.spec.yaml_nodes import TAG, KeyPath, Refused, check, line_too_deep, lines_of

__all__ = ["KeyPath", "Lines", "dump", "parse_value", "read_mapping"]

Lines = dict[KeyPath, int | str]
"""The line of each key path, from 1; or in words where a value came from, if not from the file."""

_FOLDER = "search_spaces"
_EXAMPLES = "hpo carries examples, in any folder: search_spaces/thesis.yaml is one"
_MOST_BYTES = 1_000_000  # a study file is a page or two

_SCALARS: list[tuple[str, str, str]] = [
    ("null", r"~|null|Null|NULL|", "~nN\0"),
    ("bool", r"true|True|TRUE|false|False|FALSE", "tTfF"),
    ("int", r"[-+]?[0-9]+|0o[0-7]+|0x[0-9a-fA-F]+", "-+0123456789"),
    (
        "float",
        r"[-+]?(?:\.[0-9]+|[0-9]+(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]+)?"
        r"|[-+]?\.(?:inf|Inf|INF)|\.(?:nan|NaN|NAN)",
        "-+0123456789.",
    ),
    ("merge", r"<<", "<"),
]
_PATTERNS = {TAG + name: re.compile(f"^(?:{pattern})$") for name, pattern, _ in _SCALARS}


class _Loader(yaml.SafeLoader):
    """Safe YAML with the scalars of YAML 1.2's core schema, and merge keys."""

    yaml_implicit_resolvers: dict[str, Any] = {}  # noqa: RUF012 (PyYAML's own protocol)


class _Dumper(yaml.SafeDumper):
    """Safe YAML that quotes whatever either version of YAML would not read as a word."""


for _name, _, _first in _SCALARS:
    for _class in (_Loader, _Dumper):
        _class.add_implicit_resolver(
            TAG + _name, _PATTERNS[TAG + _name], ["" if c == "\0" else c for c in _first]
        )


def _construct_int(loader: _Loader, node: yaml.ScalarNode) -> int:
    text = loader.construct_scalar(node)
    bases = {"0o": 8, "0x": 16}
    return int(text, bases.get(text[:2], 10))


_Loader.add_constructor(TAG + "int", _construct_int)


def parse_value(text: str) -> Any:
    """Return the YAML value of ``text``: ``1e-3`` a float, ``[a, b]`` a list, ``adam`` a word.

    Raises:
        SpecError: it is no YAML.
    """
    try:
        node = yaml.compose(text, Loader=_Loader)
        if node is None:
            return None
        check(node, _PATTERNS)
        return _construct(node)
    except (yaml.YAMLError, RecursionError, ValueError, KeyError) as error:
        reason = getattr(error, "problem", None)
        about = f" ({reason})" if reason else ""
        raise SpecError(f"the value is no YAML{about}", got=repr(text)) from error


def dump(data: Any) -> str:
    """Return plain data as YAML that ``parse_value`` and ``read_mapping`` read back to it."""
    return yaml.dump(data, Dumper=_Dumper, sort_keys=False, allow_unicode=True)


def read_mapping(path: Path) -> tuple[dict[str, Any], Lines]:
    """Return what a YAML file holds, and the line of every key and list item.

    No part of the data is shared with another, whatever aliases the file uses: a change of one
    (by ``--set``) changes nothing else.

    Raises:
        NotFoundError: there is no such file.
        EnvironmentProblem: it may not be read.
        SpecError: it is no YAML, no mapping, or holds a key twice.
    """
    node = _compose(_text(path), path)
    if not isinstance(node, yaml.MappingNode):
        raise SpecError(
            "a study file is a mapping of keys to values",
            got=_kind(node),
            where=f"{path}:1",
            hint="See search_spaces/quickstart.yaml for an example",
        )
    lines: Lines = {}
    try:
        check(node, _PATTERNS)
        for key_path, line in lines_of(node):
            lines[key_path] = line
        return _construct(node), lines
    except Refused as refused:
        raise SpecError(
            refused.problem, where=f"{path}:{refused.line}", hint=refused.hint
        ) from None
    except (yaml.YAMLError, RecursionError, ValueError, KeyError) as error:
        raise _no_yaml(error, path) from None


def _kind(node: yaml.Node | None) -> str:
    if node is None:
        return "an empty file"
    return "a list" if isinstance(node, yaml.SequenceNode) else "a single value"


def _near(path: Path) -> str:
    """Return which study files may be meant by a path that leads nowhere."""
    folder = path.parent
    beside = list(folder.glob("*.y*ml")) if folder.is_dir() else []
    # As they are named in any folder, whether it has them itself or hpo carries them.
    here = [*Path(_FOLDER).glob("*.y*ml"), *Path(str(files("hpo") / _FOLDER)).glob("*.y*ml")]
    names = {str(p): p.stem for p in beside} | {f"{_FOLDER}/{p.name}": p.stem for p in here}
    alike = close_to(path.stem, names.values())
    if alike:
        meant = sorted(name for name, stem in names.items() if stem in alike)
        return "Did you mean " + " or ".join(f"'{name}'" for name in meant) + "?"
    known = [f"{did_you_mean('', map(str, beside))}. "] if beside else []
    return "".join([*known, _EXAMPLES])


def _text(path: Path) -> str:
    if not path.is_file():
        kind = "is a folder, not a study file" if path.is_dir() else "there is no such study file"
        hint = _near(path)
        raise NotFoundError(kind, where=str(path), hint=hint)
    try:
        if path.stat().st_size > _MOST_BYTES:
            raise SpecError("too large for a study file", expected="under 1 MB", where=str(path))
        return path.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError as error:
        line = error.object.count(b"\n", 0, error.start) + 1
        raise SpecError(
            "not UTF-8 text",
            got=f"the byte 0x{error.object[error.start]:02x}",
            where=f"{path}:{line}",
            hint="Save the file as UTF-8",
        ) from None
    except OSError as error:
        raise EnvironmentProblem(
            "cannot read this file", got=error.strerror or str(error), where=str(path)
        ) from error


def _compose(text: str, path: Path) -> yaml.Node | None:
    try:
        return yaml.compose(text, Loader=_Loader)
    except (yaml.YAMLError, RecursionError) as error:
        raise _no_yaml(error, path, text) from None


def _no_yaml(error: Exception, path: Path, text: str = "") -> SpecError:
    if isinstance(error, RecursionError):
        where = f"{path}:{line_too_deep(text, _Loader)}"
        return SpecError("nested too deeply for a study file", where=where)
    if isinstance(error, yaml.reader.ReaderError):
        return SpecError(
            "not valid YAML",
            got=f"the control character 0x{int(error.character):02x}",
            where=f"{path}:{text.count(chr(10), 0, error.position) + 1}",
        )
    if not isinstance(error, yaml.MarkedYAMLError):
        first = str(error).splitlines()[0].rstrip(".")
        return SpecError(f"not valid YAML ({first})", where=str(path))
    mark = error.problem_mark or error.context_mark
    where = f"{path}:{mark.line + 1}" if mark else str(path)
    hint = None
    if "'\\t'" in str(error.problem):
        hint = "Indent with spaces, not tabs"
    elif "another document" in str(error.problem):
        hint = "Keep one study per file, with no '---' between"
    elif "mapping values are not allowed" in str(error.problem):
        hint = "Is the indentation right, and is text with a colon in quotes?"
    return SpecError(f"not valid YAML ({error.problem})", where=where, hint=hint)


def _construct(node: yaml.Node) -> Any:
    return _unshared(_Loader("").construct_document(node))


def _unshared(data: Any) -> Any:
    if isinstance(data, dict):
        return {key: _unshared(value) for key, value in data.items()}
    if isinstance(data, list):
        return [_unshared(value) for value in data]
    return data
