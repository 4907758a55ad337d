"""What a user's module means by ``params`` where no ``Parameters`` stands beside its ``build``.

Without one ``params`` is a dict, which is fine for who wants a dict. Who wrote a model of another
name, or reads ``params.width``, wants ``Parameters``, and would hear of it from a failed trial.
"""

from __future__ import annotations

import ast
import inspect
import textwrap
from collections.abc import Callable
from typing import Any

from pydantic import BaseModel

from hpo.spec.errors import SpecError


def refuse_misnamed(name: str, build: Callable[..., Any], module: Any, where: str | None) -> None:
    """Refuse an architecture that takes its parameters from a model which hpo does not find.

    Args:
        name: of the architecture.
        build: its function.
        module: where that stands.
        where: what to name in an error.

    Raises:
        SpecError: a pydantic model of another name stands there, or ``build`` reads attributes.
    """
    attribute, as_dict = _reads(build)
    models = [
        key
        for key, value in vars(module).items()
        if isinstance(value, type)
        and issubclass(value, BaseModel)
        and value.__module__ == module.__name__
    ]
    if models and not as_dict:
        raise SpecError(
            f"architecture '{name}' has no 'Parameters' beside its build",
            where=where,
            expected="a pydantic model of the name Parameters, which is fixed",
            got=f"one of the name {models[0]}",
            hint=f"Rename {models[0]} to Parameters",
        )
    if attribute:
        raise SpecError(
            f"architecture '{name}' has no 'Parameters' beside its build, so params is a dict",
            where=where,
            expected="a pydantic model of the name Parameters, or params['" + attribute + "']",
            got=f"params.{attribute}",
            hint="Write class Parameters(pydantic.BaseModel) beside build",
        )


def _reads(build: Callable[..., Any]) -> tuple[str, bool]:
    """Return an attribute that ``build`` reads of its first argument, and whether it uses a dict.

    ("", False) where its source cannot be had, or does neither.
    """
    try:
        tree = ast.parse(textwrap.dedent(inspect.getsource(build)))
        first = next(iter(inspect.signature(build).parameters))
    except (OSError, TypeError, ValueError, SyntaxError, StopIteration):
        return "", False
    attribute, as_dict = "", False
    for node in ast.walk(tree):
        value = getattr(node, "value", None)
        if not (isinstance(value, ast.Name) and value.id == first):
            continue
        if isinstance(node, ast.Subscript):
            as_dict = True
        elif isinstance(node, ast.Attribute):
            if hasattr(dict, node.attr):
                as_dict = True
            else:
                attribute = attribute or node.attr
    return attribute, as_dict
