"""Configurations that are known before the search: what is fixed, and what is tried first."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from hpo.spec.errors import SpecError
from hpo.spec.space import SearchSpace
from hpo.spec.study import ArchitectureSpec

Origin = Literal[
    "sampler", "enqueued", "thesis", "default", "warm_start", "space-filling", "confirmation"
]
Baselines = Mapping[Literal["thesis", "default"], Mapping[str, Any]]
"""What ``enqueue`` may name: a configuration of the thesis, and what nobody has tuned."""


@dataclass(frozen=True)
class Enqueued:
    """One configuration to try before the sampler's own.

    Args:
        values: values of searched parameters; those left open are the sampler's to choose.
        overrides: values beyond the space, stronger than the study's fixed ones.
        origin: ``"thesis"``, ``"default"``, ``"enqueued"`` or ``"warm_start"``.
        notes: what was changed to make it fit, for people.
        moved: the values that were asked for where ``values`` has the range's nearest, by name.
    """

    values: dict[str, Any]
    overrides: dict[str, Any] = field(default_factory=dict)
    origin: Origin = "enqueued"
    notes: tuple[str, ...] = ()
    moved: dict[str, Any] = field(default_factory=dict)


def resolve_enqueue(
    architecture: ArchitectureSpec,
    baselines: Baselines | None,
    label: str,
    locate: Callable[..., str] | None = None,
) -> list[Enqueued]:
    """Return the configurations that ``enqueue`` names, in order.

    A baseline is fitted to the space (numbers clamped to their ranges) and yields to what the study
    file fixes, such as its number of epochs. A mapping written into the file must lie inside the
    space as it stands, and is stronger than what is fixed.

    Args:
        architecture: the section of the study file.
        baselines: of this architecture. In place of a thesis's configuration that it has not, its
            defaults are taken; without these as well the entry is passed over.
        label: the architecture's name in the study file, for errors.
        locate: turns a key path below the architecture into ``file:line``, for errors.

    Raises:
        SpecError: an enqueued value lies outside its range.
    """
    found: list[Enqueued] = []
    taken: list[str] = []
    for position, entry in enumerate(architecture.enqueue):
        if isinstance(entry, str):
            named = baseline_of(entry, baselines or {})
            if named is not None and named not in taken:
                taken.append(named)
                found.append(_fitted(architecture, (baselines or {})[named], named))
            continue
        where = (
            locate("enqueue", position) if locate else f"architectures.{label}.enqueue[{position}]"
        )
        architecture.space.check(entry, where)
        _check_active(architecture, entry, where)
        searched = architecture.space.parameters
        found.append(
            Enqueued(
                values={k: v for k, v in entry.items() if k in searched},
                overrides={k: v for k, v in entry.items() if k not in searched},
            )
        )
    return found


def baseline_of(entry: str, baselines: Baselines) -> Literal["thesis", "default"] | None:
    """Return which of the ``baselines`` an entry of ``enqueue`` comes to; None if to none."""
    if entry == "thesis" and "thesis" in baselines:
        return "thesis"
    return "default" if "default" in baselines else None


def _fitted(
    architecture: ArchitectureSpec,
    baseline: Mapping[str, Any],
    origin: Literal["thesis", "default"],
) -> Enqueued:
    free = {k: v for k, v in baseline.items() if k not in architecture.fixed}
    inside, outside, notes = architecture.space.fit(free)
    moved = {name: free[name] for name, value in inside.items() if value != free[name]}
    return Enqueued(inside, outside, origin, tuple(notes), moved)


def _check_active(architecture: ArchitectureSpec, entry: Mapping[str, Any], where: str) -> None:
    """Refuse a value whose parameter cannot be active beside the entry's own values."""
    values = {**architecture.fixed, **entry}
    for name in entry:
        parameter = architecture.space.parameters.get(name)
        if parameter is None or all(parent not in values for parent in parameter.when):
            continue
        if not parameter.active(
            {p: values.get(p, allowed[0]) for p, allowed in parameter.when.items()}
        ):
            parents = ", ".join(f"{p}: {values[p]}" for p in parameter.when if p in values)
            raise SpecError(
                f"'{name}' is not used with {parents}",
                where=where,
                hint=f"Leave out '{name}', or change what it hangs on",
            )


def fold_fixed(space: SearchSpace, fixed: Mapping[str, Any]) -> SearchSpace:
    """Return ``space`` with the conditions on fixed parameters decided.

    Parameters that can never be active are gone, and no condition leans on anything outside.
    """
    kept: dict[str, Any] = {}
    for name in space.order():
        if name in fixed:
            continue
        parameter = space.parameters[name]
        outside = {
            p: v for p, v in parameter.when.items() if p not in space.parameters or p in fixed
        }
        if not parameter.model_copy(update={"when": outside}).active(fixed):
            continue
        inside = {p: v for p, v in parameter.when.items() if p not in outside}
        if all(parent in kept for parent in inside):
            kept[name] = parameter.model_copy(update={"when": inside})
    return SearchSpace(kept)
