"""A fault of one value in words: what our own validators raise, and what pydantic's errors mean."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

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
    "int_parsing_size": "takes a whole number of at most 15 digits",
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


class Fault(ValueError):
    """Raised by a validator of the study file's models, which knows the place but not the line.

    Args:
        problem: what is wrong, a sentence without its full stop.
        at: keys from the validated model down to the value that is wrong.
        hint: what to do next, a sentence without its full stop.
    """

    def __init__(self, problem: str, *at: str | int, hint: str | None = None) -> None:
        super().__init__(problem + (f". {hint}" if hint else ""))
        self.problem = problem
        self.at = at
        self.hint = hint


def demand(error: Any) -> str:
    """Return what one of pydantic's errors asks of a value: ``must be above 0``.

    Args:
        error: one of ``ValidationError.errors()``.
    """
    template = _DEMANDS.get(error["type"])
    if template is None:
        message = str(error["msg"])
        return f"does not fit: {message[0].lower()}{message[1:]}"
    limits = {k: f"{v:g}" if isinstance(v, float) else v for k, v in error.get("ctx", {}).items()}
    return template.format(**limits)


def shown(value: Any) -> str:
    """Return a value as an error quotes it, cut to a line."""
    words = {None: "nothing", True: "true", False: "false"}
    text = words[value] if value is None or isinstance(value, bool) else repr(value)
    return text if len(text) <= 80 else text[:77] + "..."


def written(value: Any) -> str:
    """Return a setting as a study file would have it on one line, without keys that are unset.

    Args:
        value: plain data, such as ``StudySpec.to_plain`` returns.
    """
    if value is None:
        return "nothing"
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, Mapping):
        pairs = (f"{key}: {written(v)}" for key, v in value.items() if v is not None)
        return "{" + ", ".join(pairs) + "}"
    if isinstance(value, list | tuple):
        return "[" + ", ".join("null" if v is None else written(v) for v in value) + "]"
    return str(value)
