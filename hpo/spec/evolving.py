"""Whether one search space is another one grown: what it adds, and why it is another if it is.

A space grows by a new choice, a wider range, a finer step that keeps the old values, a condition
that is met more often, or a new parameter. Every configuration of the smaller space then lies in
the larger one, so what was learned of it holds there.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from hpo.spec.parameters import (
    CategoricalParameter,
    FloatParameter,
    IntParameter,
    Scalar,
    describe,
    same,
)
from hpo.spec.space import SearchSpace

_Parameter = FloatParameter | IntParameter | CategoricalParameter


@dataclass(frozen=True)
class Growth:
    """What leads from one space to another.

    Args:
        added: a line for each parameter that is new or wider.
        refused: a line for each change that takes something away, with the reason.
        new: names of the new parameters.
    """

    added: list[str] = field(default_factory=list)
    refused: list[str] = field(default_factory=list)
    new: list[str] = field(default_factory=list)


def growth(old: SearchSpace, new: SearchSpace) -> Growth:
    """Return what ``new`` adds to ``old``, and what it takes away."""
    found = Growth()
    written, new = new, arranged(new, old)
    for name in dict.fromkeys([*old.parameters, *new.parameters]):
        before, after = old.parameters.get(name), new.parameters.get(name)
        if after is None:
            found.refused.append(f"{name}: it is not searched any more")
        elif before is None:
            found.added.append(f"{name}: {describe(written.parameters[name])}, new")
            found.new.append(name)
        elif before != after:
            reason = narrower(before, after)
            # Whoever compares it with the file finds the file's order.
            line = f"{name}: {describe(written.parameters[name])}, until now {describe(before)}"
            if reason:
                found.refused.append(f"{line}: {reason}")
            else:
                found.added.append(line)
    return found


def narrower(before: _Parameter, after: _Parameter) -> str:
    """Return why ``after`` lacks something that ``before`` has; "" if it does not."""
    if before.type != after.type:
        return f"{before.type} and {after.type} are different kinds"
    for parent, allowed in after.when.items():
        if parent not in before.when:
            return f"it now hangs on '{parent}'"
        lost = _lacking(before.when[parent], allowed)
        if lost:
            return f"it is not used with {parent} {_listed(lost)} any more"
    if isinstance(before, CategoricalParameter) and isinstance(after, CategoricalParameter):
        lost = _lacking(before.choices, after.choices)
        return f"it lacks {_listed(lost)}" if lost else ""
    if isinstance(before, CategoricalParameter) or isinstance(after, CategoricalParameter):
        return "they are different kinds"
    if before.log != after.log:
        return "one is on a log scale and the other is not"
    if after.low > before.low or after.high < before.high:
        return "the range is narrower"
    return "" if _keeps_steps(before, after) else "its steps leave out earlier values"


def _keeps_steps(
    before: FloatParameter | IntParameter, after: FloatParameter | IntParameter
) -> bool:
    """Tell whether every value of a range is one of a wider range's steps."""
    if after.step is None:
        return True
    if before.step is None:
        return False
    # Both are arithmetic sequences: the first two values decide, and the last one.
    count = before.count() or 1
    places = {0, min(1, count - 1), count - 1}
    values = before.values() or []
    return all(after.contains(values[place]) for place in places)


def arranged(new: SearchSpace, old: SearchSpace) -> SearchSpace:
    """Return ``new`` with what ``old`` has in its order, and what was added after that.

    Optuna stores a choice by its place among the others, samplers draw by it, and a fixed sequence
    has a coordinate for each parameter; so the order in which a file lists them may change.
    """
    found = {}
    for name in dict.fromkeys([*old.parameters, *new.parameters]):
        before, after = old.parameters.get(name), new.parameters.get(name)
        if after is None:
            continue
        if before is not None:
            when = {p: _in_order(v, before.when.get(p, [])) for p, v in after.when.items()}
            after = after.model_copy(update={"when": when})
        if isinstance(after, CategoricalParameter) and isinstance(before, CategoricalParameter):
            choices = _in_order(after.choices, before.choices)
            after = after.model_copy(update={"choices": choices})
        found[name] = after
    return SearchSpace(found)


def _in_order(values: list[Scalar], earlier: list[Scalar]) -> list[Scalar]:
    kept = [e for e in earlier if any(same(e, value) for value in values)]
    return [*kept, *_lacking(values, kept)]


def _lacking(wanted: list[Scalar], there: list[Scalar]) -> list[Scalar]:
    return [value for value in wanted if not any(same(value, other) for other in there)]


def _listed(values: list[Scalar]) -> str:
    return ", ".join(map(str, values))
