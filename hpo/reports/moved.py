"""What of an architecture's defaults a study's space could not hold, and moved into its range."""

from __future__ import annotations

import math
from typing import Any

from hpo.spec.errors import HpoError
from hpo.spec.records import TrialRecord
from hpo.spec.space import SearchSpace
from hpo.training.resolve import known_parameters


def moved_inside(architecture: str, record: TrialRecord) -> list[dict[str, Any]]:
    """Return ``name, default, here`` of each default of a trial that is its space's nearest.

    A default that has changed since and lies in the range says nothing of what was asked for then.

    Args:
        architecture: name in the catalogue, or ``module:attribute``. Of one that cannot be loaded,
            such as a module that is elsewhere now, nothing is known.
        record: the trial of the default configuration.
    """
    try:
        known = known_parameters(architecture)
        space = SearchSpace.from_plain(record.space).parameters
    except (HpoError, ValueError):
        return []
    found = []
    for name, here in record.searched.items():
        default = known[name].default if name in known else None
        if name not in space or space[name].contains(default):
            continue
        nearest = space[name].nearest(default)
        if nearest is not None and math.isclose(nearest, here, rel_tol=1e-9):
            found.append({"name": name, "default": default, "here": here})
    return found
