"""A configuration between being drawn and being stored."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from optuna.trial import FrozenTrial


@dataclass(frozen=True)
class Draw:
    """A configuration for a slot, before it is stored.

    Args:
        trial: Optuna's trial in the view, with parameters, distributions and system attributes.
        overrides: values beyond the space.
        attributes: user attributes that the engine keeps with the trial.
        may_repeat: do not draw again if the configuration was tried before.
    """

    trial: FrozenTrial
    overrides: dict[str, Any] = field(default_factory=dict)
    attributes: dict[str, Any] = field(default_factory=dict)
    may_repeat: bool = False


def kept(system_attrs: Mapping[str, Any]) -> dict[str, Any]:
    """Return what a sampler keeps with a trial, without what only the drawing needed."""
    # TPE notes its draw for workers that ask meanwhile; ours sees the trial with its values.
    return {
        key: value
        for key, value in system_attrs.items()
        if key != "fixed_params" and not key.startswith("tpe:")
    }
