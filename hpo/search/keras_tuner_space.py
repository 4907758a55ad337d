"""A ``SearchSpace`` in keras-tuner's words, and its values back.

Categorical choices travel as JSON text: keras-tuner's ``Choice`` takes only one type of value, no
None, and calls numbers ordered.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from hpo.spec.space import CategoricalParameter, FloatParameter, IntParameter, SearchSpace, same

Parameter = FloatParameter | IntParameter | CategoricalParameter


def to_hyperparameters(space: SearchSpace) -> Any:
    """Return keras-tuner's ``HyperParameters`` of ``space``, parents before children.

    Args:
        space: without conditions on anything outside it (see ``fold_fixed``).
    """
    from hpo.training import backend, backend_choice

    backend_choice.configure()
    with backend.quietly():
        import keras_tuner

    declared = keras_tuner.HyperParameters()
    declared.merge([_declare(space, name) for name in space.order()])
    return declared


def _declare(space: SearchSpace, name: str) -> Any:
    from keras_tuner.engine import hyperparameters

    parameter = space.parameters[name]
    common: dict[str, Any] = {"name": name, "conditions": _conditions(space, parameter)}
    if isinstance(parameter, CategoricalParameter):
        choices = [json.dumps(c) for c in parameter.choices]
        return hyperparameters.Choice(values=choices, ordered=False, **common)
    kind = hyperparameters.Float if isinstance(parameter, FloatParameter) else hyperparameters.Int
    return kind(
        min_value=parameter.low,
        max_value=parameter.high,
        # On a log scale keras-tuner's step multiplies; ours has none there.
        step=None if parameter.log else parameter.step,
        sampling="log" if parameter.log else "linear",
        **common,
    )


def _conditions(space: SearchSpace, parameter: Parameter) -> list[Any]:
    # keras-tuner's public name for a condition is the scope that makes one, and scopes do not nest
    # over parents that have conditions of their own.
    from keras_tuner.src.engine.conditions import Parent

    conditions = []
    for parent, allowed in parameter.when.items():
        chosen = space.parameters[parent]
        if isinstance(chosen, CategoricalParameter):
            own = [c for c in chosen.choices if any(same(c, a) for a in allowed)]
            conditions.append(Parent(parent, [json.dumps(c) for c in own]))
        else:
            conditions.append(Parent(parent, list(allowed)))
    return conditions


def decode(space: SearchSpace, values: Mapping[str, Any]) -> dict[str, Any]:
    """Return keras-tuner's values as ours, numbers brought back onto their steps."""
    decoded = {}
    for name, value in values.items():
        parameter = space.parameters.get(name)
        if isinstance(parameter, CategoricalParameter):
            decoded[name] = json.loads(value)
        elif parameter is not None:
            decoded[name] = parameter.nearest(value)
    return decoded


def encode(space: SearchSpace, values: Mapping[str, Any]) -> dict[str, Any]:
    """Return our values as keras-tuner's; those outside the space are left out."""
    encoded = {}
    for name, value in values.items():
        parameter = space.parameters.get(name)
        if parameter is None or not parameter.contains(value):
            continue
        if isinstance(parameter, CategoricalParameter):
            own = next(c for c in parameter.choices if same(c, value))
            encoded[name] = json.dumps(own)
        else:
            encoded[name] = value
    return encoded
