"""A configuration that was proposed before: found, and not paid for twice.

In small discrete spaces samplers repeat themselves (a model-based one wants to be where it was
best). A repeat is drawn again a few times; if it stays one, its slot takes the value that the first
trial reached, without training. It is then no evidence of its own: samplers do not see it.
"""

from __future__ import annotations

import json
import time
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from hpo.search import trials as stored
from hpo.search.goals import CONSTRAINT
from hpo.spec.records import TrialResult

if TYPE_CHECKING:
    from optuna.trial import FrozenTrial

_LEAST_SECONDS = 1e-5
"""Between start and end of a trial that was not trained, for what sorts by both."""


def twin_of(
    configuration: Mapping[str, Any],
    known: Mapping[int, FrozenTrial],
    fixed: Mapping[str, Any],
) -> FrozenTrial | None:
    """Return the first trial with the same configuration, one with a value before any other.

    Args:
        configuration: every value that is fixed, searched or set beside the space.
        known: Optuna's trials by slot.
        fixed: what the study fixes.
    """
    wanted = _fingerprint(configuration)
    found: FrozenTrial | None = None
    for _, trial in sorted(known.items()):
        overrides = trial.user_attrs.get(stored.OVERRIDES, {})
        if _fingerprint({**fixed, **trial.params, **overrides}) == wanted:
            if has_own_value(trial):
                return trial
            found = found or trial
    return found


def has_own_value(trial: FrozenTrial) -> bool:
    """Tell whether a trial was trained to its end and has a value."""
    return trial.state.name == "COMPLETE" and stored.REPEATS not in trial.user_attrs


def unpaid(template: FrozenTrial, original: FrozenTrial) -> FrozenTrial:
    """Return a complete trial with ``original``'s value, to be inserted in ``template``'s place.

    Args:
        template: the running trial that would have been claimed.
        original: a complete trial with the same configuration, as it is stored.
    """
    from optuna.trial import TrialState, create_trial

    told = original.user_attrs.get(stored.RESULT)
    earlier = stored.read_result(told) if told else TrialResult(state="complete")
    # What an attempt costs and leaves behind is the original's alone.
    result = TrialResult(
        state="complete",
        value=original.values[0],
        metrics=earlier.metrics,
        final_metrics=earlier.final_metrics,
        params=earlier.params,
        parameter_count=earlier.parameter_count,
        weights_used=earlier.weights_used,
        train_size=earlier.train_size,
        validation_size=earlier.validation_size,
        notes=[f"not trained: the configuration of #{original.number}, whose value it has"],
    )
    now = time.time()
    return create_trial(
        state=TrialState.COMPLETE,
        values=original.values,
        params=template.params,
        distributions=template.distributions,
        user_attrs={
            **template.user_attrs,
            stored.REPEATS: original.number,
            stored.RESULT: stored.result_attribute(result),
            stored.PARAMS: stored.plain(earlier.params or template.user_attrs[stored.PARAMS]),
            stored.STARTED: now,
            stored.ENDED: now + _LEAST_SECONDS,
        },
        system_attrs={
            **template.system_attrs,
            **{k: v for k, v in original.system_attrs.items() if k.startswith(CONSTRAINT)},
        },
    )


def _fingerprint(configuration: Mapping[str, Any]) -> str:
    return json.dumps(stored.plain(configuration), sort_keys=True)
