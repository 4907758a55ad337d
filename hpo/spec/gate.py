"""The section ``gate``: what a challenger must show before it becomes the champion."""

from __future__ import annotations

from pydantic import Field

from hpo.spec.numbers import Real
from hpo.spec.sections import Section


class GateSpec(Section):
    """The rule of promotion: bounds on what both classifiers do on the same validation faces."""

    level: Real = Field(
        default=0.95, gt=0, lt=1, description="Nominal coverage of the gate's intervals."
    )
    min_gain: Real = Field(
        default=0.0,
        ge=-1,
        lt=1,
        description="In accuracy over the champion: the low end of the paired interval must be "
        "above it.",
    )
    min_recall_share: Real = Field(
        default=0.5,
        ge=0,
        le=1,
        description="Of each class at least this share of the champion's recall; of a class that "
        "the champion knows, at least one face.",
    )
    max_calibration_error: Real = Field(
        default=0.2, ge=0, le=1, description="Expected calibration error over 15 bins."
    )
    max_latency_ms: Real = Field(
        default=1000.0, gt=0, description="Median milliseconds for one face on this machine, warm."
    )
    max_size_mib: Real = Field(default=1000.0, gt=0, description="Of the model's file.")
