"""From what a person or a sampler gave to every parameter of a trial, checked. No Keras.

A trial's parameters are those of its architecture and those of training under one roof: the names
are disjoint, so a study file does not say which is which.
"""

from __future__ import annotations

import dataclasses
import functools
import types
import typing
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

from pydantic import BaseModel, ValidationError
from pydantic.fields import FieldInfo
from pydantic_core import PydanticUndefined

from hpo.architectures.architecture import Architecture, load
from hpo.spec.errors import SpecError, did_you_mean
from hpo.training.base_checks import check_base
from hpo.training.parameters import TrainingParameters


@dataclass(frozen=True)
class ParameterInfo:
    """What is known of one parameter.

    Args:
        name: its name in study files.
        type: ``float``, ``int``, ``bool``, ``choice``, ``text``, or ``any`` where a user's own
            model says no more.
        choices: the values of a choice; ``(False, True)`` of a bool; () of others.
        minimum: the lowest number; None if there is no limit.
        maximum: the highest number; None if there is no limit.
        minimum_excluded: whether ``minimum`` itself is out.
        maximum_excluded: whether ``maximum`` itself is out.
        default: its value where none is given; None if one must be given.
        description: a sentence or two.
        owner: ``architecture`` or ``training``.
    """

    name: str
    type: Literal["float", "int", "bool", "choice", "text", "any"]
    choices: tuple[Any, ...]
    minimum: float | None
    maximum: float | None
    minimum_excluded: bool
    maximum_excluded: bool
    default: Any
    description: str
    owner: Literal["architecture", "training"]

    def problem(self, value: Any) -> str | None:
        """Return what was expected in place of ``value``, or None if it is fine."""
        if self.type == "any":
            return None
        if self.type == "text":
            return None if isinstance(value, str) else "text"
        if self.type in ("choice", "bool"):
            # True == 1 in Python; here they are different choices.
            fits = any(
                value == c and isinstance(value, bool) == isinstance(c, bool) for c in self.choices
            )
            return None if fits else self.allowed()
        kinds = int if self.type == "int" else (int, float)
        if isinstance(value, bool) or not isinstance(value, kinds):
            return self.allowed()
        low, high = self.minimum, self.maximum
        too_low = low is not None and (value < low or (value == low and self.minimum_excluded))
        too_high = high is not None and (value > high or (value == high and self.maximum_excluded))
        # `not (x == x)` is how a NaN shows.
        return self.allowed() if too_low or too_high or value != value else None

    def allowed(self) -> str:
        """Return the allowed values in words, such as ``a number from 0 to 0.9``."""
        if self.type in ("choice", "bool"):
            return "one of " + ", ".join(_shown(c) for c in self.choices)
        if self.type in ("text", "any"):
            return "text" if self.type == "text" else "any value"
        words = "a whole number" if self.type == "int" else "a number"
        if self.minimum is not None:
            words += (
                f" above {self.minimum:g}" if self.minimum_excluded else (f" from {self.minimum:g}")
            )
        if self.maximum is not None:
            words += (
                f" below {self.maximum:g}" if self.maximum_excluded else (f" to {self.maximum:g}")
            )
        return words


@dataclass(frozen=True)
class ResolvedParameters:
    """Every parameter of a trial.

    Args:
        architecture: the architecture's ``Parameters``, or a plain dict where it declares none.
        training: the training's.
        params: both, by name, as plain data.
    """

    architecture: BaseModel | dict[str, Any]
    training: TrainingParameters
    params: dict[str, Any]


def known_parameters(architecture_name: str | Architecture) -> dict[str, ParameterInfo]:
    """Return every parameter that the architecture and its training know, defaults included.

    Raises:
        NotFoundError, SpecError: there is no such architecture, or it is malformed.
    """
    architecture = _loaded(architecture_name)
    infos = dict(_infos(TrainingParameters, "training"))
    if architecture.parameters is not None:
        own = _infos(architecture.parameters, "architecture")
        infos = {**own, **{name: info for name, info in infos.items() if name not in own}}
    for name, default in architecture.defaults.items():
        if name in infos:
            infos[name] = dataclasses.replace(infos[name], default=default)
    return infos


@functools.cache
def _infos(
    model: type[BaseModel], owner: Literal["architecture", "training"]
) -> Mapping[str, ParameterInfo]:
    # Kept, because an estimate of a study's time asks thousands of times.
    return {name: _info(name, field, owner) for name, field in model.model_fields.items()}


def accepts_any_parameter(architecture_name: str | Architecture) -> bool:
    """Tell whether names beyond ``known_parameters`` go to ``build`` as they are.

    So it is with an architecture of the user's own that declares no ``Parameters``.
    """
    return _loaded(architecture_name).parameters is None


def check_value(
    architecture_name: str | Architecture, name: str, value: Any, where: str | None = None
) -> None:
    """Check one value by itself: what a space's choices, bounds and fixed values go through.

    Raises:
        SpecError: there is no such parameter, or it does not take this value.
    """
    architecture = _loaded(architecture_name)
    _check_value(architecture, known_parameters(architecture), name, value, where)


def _check_value(
    architecture: Architecture,
    infos: Mapping[str, ParameterInfo],
    name: str,
    value: Any,
    where: str | None,
) -> None:
    if name not in infos:
        if accepts_any_parameter(architecture):
            return
        raise _unknown(architecture, name, infos, where)
    expected = infos[name].problem(value)
    if expected is not None:
        raise SpecError(
            f"parameter '{name}' of architecture '{architecture.name}' does not take this value",
            where=where,
            expected=expected,
            got=_shown(value),
            hint=_number_hint(infos[name], value),
        )


def resolve_parameters(
    architecture: Architecture | str, given: Mapping[str, Any], where: str | None = None
) -> ResolvedParameters:
    """Fill in defaults and check every parameter and their combinations.

    Args:
        architecture: the architecture or its name.
        given: parameters of the architecture and of training, by name.
        where: what to name in an error.

    Raises:
        SpecError: an unknown name, a value out of range, or values that do not go together.
    """
    architecture = _loaded(architecture)
    known = known_parameters(architecture)
    for name, value in given.items():
        _check_value(architecture, known, name, value, where)
    own = {n: v for n, v in given.items() if n not in known or known[n].owner == "architecture"}
    shared = {n: v for n, v in given.items() if n not in own}
    # A user's own model may claim a name of training's for itself; then training keeps its default.
    defaults = {
        n: v for n, v in architecture.defaults.items() if n in TrainingParameters.model_fields
    }
    training = _validated(TrainingParameters, {**defaults, **shared}, architecture, where)
    if architecture.parameters is None:
        layers = dict(own)
        params = {**training.model_dump(), **own}
    else:
        layers = _validated(architecture.parameters, own, architecture, where)
        params = {**training.model_dump(), **layers.model_dump()}
    check_base(architecture, params, where)
    return ResolvedParameters(layers, training, params)


def _loaded(architecture: Architecture | str) -> Architecture:
    return load(architecture) if isinstance(architecture, str) else architecture


def _validated(
    model: type[Any], values: dict[str, Any], architecture: Architecture, where: str | None
) -> Any:
    try:
        return model(**values)
    except ValidationError as error:
        first = error.errors()[0]
        name = ".".join(str(part) for part in first["loc"])
        message = first["msg"].removeprefix("Value error, ")
        raise SpecError(
            f"parameter '{name}' of architecture '{architecture.name}': {message}"
            if name
            else f"parameters of architecture '{architecture.name}' do not go together: {message}",
            where=where,
            got=_shown(first["input"]) if name else None,
        ) from error


def _unknown(
    architecture: Architecture,
    name: str,
    infos: Mapping[str, ParameterInfo],
    where: str | None,
) -> SpecError:
    return SpecError(
        f"unknown parameter '{name}' of architecture '{architecture.name}'",
        where=where,
        # All of them: who has no name close to it needs the list.
        hint=did_you_mean(name, infos, most=len(infos)),
    )


def _info(name: str, field: FieldInfo, owner: Literal["architecture", "training"]) -> ParameterInfo:
    limits: dict[str, float] = {}
    for constraint in field.metadata:
        for key in ("ge", "gt", "le", "lt"):
            if getattr(constraint, key, None) is not None:
                limits[key] = getattr(constraint, key)
    kind, choices = _kind(field.annotation)
    default = None if field.default is PydanticUndefined else field.default
    return ParameterInfo(
        name=name,
        type=kind,
        choices=choices,
        minimum=limits.get("ge", limits.get("gt")),
        maximum=limits.get("le", limits.get("lt")),
        minimum_excluded="gt" in limits,
        maximum_excluded="lt" in limits,
        default=default,
        description=field.description or "",
        owner=owner,
    )


def _kind(
    annotation: Any,
) -> tuple[Literal["float", "int", "bool", "choice", "text", "any"], tuple[Any, ...]]:
    if typing.get_origin(annotation) is Literal:
        return "choice", typing.get_args(annotation)
    if isinstance(annotation, types.UnionType) or not isinstance(annotation, type):
        return "any", ()
    if issubclass(annotation, bool):
        return "bool", (False, True)
    if issubclass(annotation, int):
        return "int", ()
    if issubclass(annotation, float):
        return "float", ()
    return ("text", ()) if issubclass(annotation, str) else ("any", ())


def _shown(value: Any) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    return value if isinstance(value, str) else repr(value)


def _number_hint(info: ParameterInfo, value: Any) -> str | None:
    """Explain YAML's trap: ``1e-3`` without a point is text to it."""
    if info.type not in ("float", "int") or not isinstance(value, str):
        return None
    try:
        float(value)
    except ValueError:
        return None
    return f"It came as text; write the number without quotes, such as {float(value)!r}"
