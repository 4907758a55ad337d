"""The search space: floats, ints and choices, some of them conditional on others.

A space is plain data (YAML in, YAML out). It does not search: ``suggest`` walks it, parents before
children, and asks a ``Suggester`` for each value. An Optuna trial is a ``Suggester`` as it stands.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator, Mapping, Sequence
from typing import Annotated, Any, Self

from pydantic import ConfigDict, Field, RootModel, model_validator

from hpo.spec.errors import SpecError, close_to
from hpo.spec.faults import Fault
from hpo.spec.parameters import (
    CategoricalParameter,
    FloatParameter,
    IntParameter,
    Scalar,
    Suggester,
    describe,
    same,
)

__all__ = [
    "CategoricalParameter",
    "FloatParameter",
    "IntParameter",
    "Scalar",
    "SearchSpace",
    "Suggester",
    "describe",
    "same",
]

_LARGEST_GRID = 100_000

Parameter = Annotated[
    FloatParameter | IntParameter | CategoricalParameter, Field(discriminator="type")
]


class SearchSpace(RootModel[dict[str, Parameter]]):
    """Parameters by name.

    Raises:
        ValueError: conditions that form a circle, or that no value of the parent can meet
            (pydantic wraps it; a study file's loader adds file and line).
    """

    model_config = ConfigDict(frozen=True)

    @property
    def parameters(self) -> dict[str, FloatParameter | IntParameter | CategoricalParameter]:
        """Return the parameters by name, as written."""
        return self.root

    @model_validator(mode="after")
    def _conditions(self) -> Self:
        self.order()
        for name, parameter in self.root.items():
            for parent, allowed in parameter.when.items():
                if parent in self.root:
                    _check_condition(name, parent, self.root[parent], allowed)
        return self

    def order(self) -> list[str]:
        """Return the names with every parent before its children, else as written.

        Raises:
            ValueError: the conditions form a circle.
        """
        done: list[str] = []
        left = list(self.root)
        while left:
            ready = [n for n in left if all(p in done or p not in self.root for p in self._of(n))]
            if not ready:
                circle = self._circle(left)
                raise Fault(
                    f"the conditions of {', '.join(circle)} form a circle"
                    if len(circle) > 1
                    else f"'{circle[0]}' hangs on itself",
                    *(circle[0], "when"),
                    hint="Remove 'when' from one of them" if len(circle) > 1 else "Remove 'when'",
                )
            # Only the first, so that an unconditional space keeps the order of the file.
            done.append(ready[0])
            left.remove(ready[0])
        return done

    def _circle(self, left: list[str]) -> list[str]:
        """Return the parameters of one circle, as written, given names that all wait for others."""
        path = [left[0]]
        while True:
            parent = next(p for p in self._of(path[-1]) if p in left)
            if parent in path:
                circle = path[path.index(parent) :]
                return [name for name in self.root if name in circle]
            path.append(parent)

    def _of(self, name: str) -> list[str]:
        return list(self.root[name].when)

    def suggest(
        self, suggester: Suggester, fixed: Mapping[str, Any] | None = None
    ) -> dict[str, Any]:
        """Return chosen values of the active parameters.

        Args:
            suggester: chooses the values.
            fixed: parameters that are not searched; conditions may lean on them, and a parameter
                of the space that stands in ``fixed`` is not asked for.
        """
        values: dict[str, Any] = dict(fixed or {})
        chosen: dict[str, Any] = {}
        for name in self.order():
            parameter = self.root[name]
            if name not in values and parameter.active(values):
                chosen[name] = values[name] = parameter.suggest(name, suggester)
        return chosen

    def active(self, values: Mapping[str, Any]) -> list[str]:
        """Return the names whose conditions hold among ``values``, in ``order``."""
        seen: dict[str, Any] = {k: v for k, v in values.items() if k not in self.root}
        names = []
        for name in self.order():
            if self.root[name].active(seen):
                names.append(name)
                if name in values:
                    seen[name] = values[name]
        return names

    def check(self, values: Mapping[str, Any], where: str | None = None) -> None:
        """Check that each value of a searched parameter lies in its range.

        Raises:
            SpecError: a value lies outside.
        """
        for name, value in values.items():
            parameter = self.root.get(name)
            if parameter is not None and not parameter.contains(value):
                raise SpecError(
                    f"'{name}' lies outside the search space",
                    where=where,
                    expected=describe(parameter),
                    got=repr(value),
                    hint="Widen the space, or change the value",
                )

    def fit(self, values: Mapping[str, Any]) -> tuple[dict[str, Any], dict[str, Any], list[str]]:
        """Bring a configuration that was made without this space as near to it as it allows.

        Returns:
            ``inside``: values of searched parameters, numbers clamped to their ranges;
            ``outside``: values that the space cannot express (unsearched parameters, and choices
            that it lacks), to be used as they are; and a note for each value that changed.
        """
        inside: dict[str, Any] = {}
        outside: dict[str, Any] = {}
        notes: list[str] = []
        for name, value in values.items():
            parameter = self.root.get(name)
            if parameter is None:
                outside[name] = value
            elif parameter.contains(value):
                inside[name] = value
            elif (nearest := parameter.nearest(value)) is not None:
                inside[name] = nearest
                notes.append(f"{name} {value:g} → {nearest:g}, the space's nearest")
            else:
                outside[name] = value
                notes.append(
                    f"{name} {value!r} is not among the space's choices; used all the same"
                )
        return inside, outside, notes

    def grid(self, fixed: Mapping[str, Any] | None = None) -> list[dict[str, Any]]:
        """Return every configuration once, conditions honoured.

        Raises:
            SpecError: as of ``grid_size``.
        """
        self.grid_size(fixed)
        return list(self._grid(self.order(), dict(fixed or {})))

    def grid_size(self, fixed: Mapping[str, Any] | None = None) -> int:
        """Return how many configurations the grid has.

        Raises:
            SpecError: a float has no step, so there is no grid over it; or there are too many
                configurations to list.
        """
        for name, parameter in self.root.items():
            if parameter.count() is None:
                raise SpecError(
                    f"a grid needs steps, and '{name}' is a float without one",
                    where=f"space.{name}",
                    expected="a step, or a list of choices",
                    hint=f"Give '{name}' a step, make it categorical, or choose another sampler",
                )
        size = self.size(fixed)
        if size is None:
            raise SpecError(
                f"the grid has more than {_LARGEST_GRID:,} configurations",
                where="space",
                hint="Take wider steps or fewer parameters, or choose another sampler",
            )
        return size

    def _grid(self, names: list[str], values: dict[str, Any]) -> Iterator[dict[str, Any]]:
        if not names:
            yield {n: v for n, v in values.items() if n in self.root}
            return
        first, rest = names[0], names[1:]
        parameter = self.root[first]
        if first in values or not parameter.active(values):
            yield from self._grid(rest, values)
            return
        for value in parameter.values() or []:
            yield from self._grid(rest, {**values, first: value})

    def size(
        self, fixed: Mapping[str, Any] | None = None, limit: int = _LARGEST_GRID
    ) -> int | None:
        """Return the number of configurations; None if it is infinite or above ``limit``."""
        fixed = dict(fixed or {})
        counts = {name: p.count() for name, p in self.root.items() if name not in fixed}
        if any(count is None for count in counts.values()):
            return None
        # What takes part in no condition multiplies; only the rest must be walked.
        parents = {parent for p in self.root.values() for parent in p.when}
        entangled = [n for n in self.order() if n in parents or self.root[n].when]
        free = math.prod(count or 1 for name, count in counts.items() if name not in entangled)
        if free > limit:
            return None
        most = limit // free
        walked = sum(1 for _ in itertools.islice(self._grid(entangled, fixed), most + 1))
        return free * walked if walked <= most else None

    def to_plain(self) -> dict[str, Any]:
        """Return JSON-able data; ``from_plain`` reverses it."""
        return {name: p.model_dump(mode="json") for name, p in self.root.items()}

    @classmethod
    def from_plain(cls, data: Mapping[str, Any]) -> SearchSpace:
        """Return the space that ``to_plain`` described."""
        return cls.model_validate(dict(data))

    def differences(self, other: SearchSpace) -> list[str]:
        """Return a line for each parameter that differs from ``other``'s."""
        lines = []
        for name in dict.fromkeys([*self.root, *other.root]):
            mine, theirs = self.root.get(name), other.root.get(name)
            if mine != theirs:
                one = describe(mine) if mine else "absent"
                two = describe(theirs) if theirs else "absent"
                lines.append(f"{name}: {one}, there {two}")
        return lines


def _check_condition(
    child: str,
    parent: str,
    parameter: FloatParameter | IntParameter | CategoricalParameter,
    allowed: Sequence[Scalar],
) -> None:
    if isinstance(parameter, FloatParameter):
        raise Fault(
            f"'{child}' hangs on '{parent}', a float; a condition needs a categorical or an int",
            *(child, "when", parent),
        )
    for value in allowed:
        if not parameter.contains(value):
            choices = [str(v) for v in parameter.values()[:20]]
            raise Fault(
                f"'{child}' waits for {parent} = {value}, which '{parent}' never is "
                f"({describe(parameter)})",
                *(child, "when", parent),
                hint=_misspelt(str(value), choices, parent),
            )


def _misspelt(value: str, choices: Sequence[str], parent: str) -> str:
    close = close_to(value, choices)
    if not close:
        return f"Let '{parent}' take {value} as well, or drop the condition"
    # Which of the two is right, only the person knows.
    return f"'{close[0]}' there and '{value}' here are alike: is one of them misspelt?"
