"""What differs between study files, a line per key."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from hpo.reports.sentences import value_text
from hpo.spec.limits import asked_budget


def differing(studies: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Return the keys of study files in which they differ, in their order, with a value each.

    What a study file does not have, or has nothing in, is None; so are trials that only another
    limit of its budget put there. Names and descriptions always
    differ, and are left out.
    """
    flat = [_flat({**study, "budget": asked_budget(study.get("budget"))}) for study in studies]
    keys = dict.fromkeys(key for one in flat for key in one)
    return [
        {"key": key, "values": [one.get(key) for one in flat]}
        for key in keys
        if key not in ("name", "description")
        and any(one.get(key) != flat[0].get(key) for one in flat)
    ]


def _flat(value: Mapping[str, Any], path: str = "") -> dict[str, Any]:
    found: dict[str, Any] = {}
    for key, item in value.items():
        name = f"{path}.{key}" if path else str(key)
        if isinstance(item, Mapping) and item.get("type") in ("float", "int", "categorical"):
            found[name] = _searched(item)
        elif isinstance(item, Mapping):
            found |= _flat(item, name)
        else:
            found[name] = item
    return found


def _searched(parameter: Mapping[str, Any]) -> str:
    """Return what is searched of a parameter in a line, such as ``0.0001 to 0.1, log``."""
    if parameter["type"] == "categorical":
        text = " | ".join(exact(choice) for choice in parameter.get("choices") or ())
    else:
        text = f"{exact(parameter.get('low'))} to {exact(parameter.get('high'))}"
        step = parameter.get("step")
        if step is not None and not (parameter["type"] == "int" and step == 1):
            text += f" by {exact(step)}"
        text += ", log" if parameter.get("log") else ""
    conditions = [
        f"{name} {' or '.join(map(value_text, values)) if isinstance(values, list) else values}"
        for name, values in (parameter.get("when") or {}).items()
    ]
    return text + (f", if {' and '.join(conditions)}" if conditions else "")


def exact(value: Any) -> str:
    """Return a value so that what differs does not look alike."""
    return f"{value:.12g}" if isinstance(value, float) else value_text(value)
