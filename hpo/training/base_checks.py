"""Whether training parameters that speak of a pretrained base fit the architecture."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from hpo.architectures.architecture import Architecture
from hpo.spec.errors import SpecError


def check_base(architecture: Architecture, params: Mapping[str, Any], where: str | None) -> None:
    """Refuse what needs a pretrained base that is not there, or not as it would have to be.

    Args:
        architecture: whose base.
        params: every parameter with its default filled in.
        where: what to name in an error, such as ``study.yaml:12``.

    Raises:
        SpecError: they do not fit.
    """
    _check_head_epochs(architecture, params, where)
    _check_feature_views(architecture, params, where)
    _check_stage_rates(architecture, params, where)


def _check_head_epochs(
    architecture: Architecture, params: Mapping[str, Any], where: str | None
) -> None:
    if params["head_epochs"] == 0:
        return
    problem = None
    if architecture.base_layer is None:
        problem = f"architecture '{architecture.name}' has no pretrained base"
    elif params.get("weights") == "none":
        problem = "with weights: none the base would be frozen at its random start"
    elif params.get("unfreeze") == "none":
        problem = "with unfreeze: none the base is frozen throughout"
    if problem is not None:
        raise SpecError(
            f"head_epochs freezes a pretrained base for its first epochs, but {problem}",
            where=where,
            expected="head_epochs: 0",
            got=str(params["head_epochs"]),
            hint=f"Try --set architectures.{architecture.name}.fixed.head_epochs=0",
        )


def _check_feature_views(
    architecture: Architecture, params: Mapping[str, Any], where: str | None
) -> None:
    if params["feature_views"] and architecture.base_layer is None:
        raise SpecError(
            "feature_views keeps the features of a frozen base, but architecture "
            f"'{architecture.name}' has no pretrained base",
            where=where,
            expected="feature_views: 0",
            got=str(params["feature_views"]),
        )


def _check_stage_rates(
    architecture: Architecture, params: Mapping[str, Any], where: str | None
) -> None:
    if params["stage_rate_factor"] == 1.0 or architecture.stages:
        return
    raise SpecError(
        "stage_rate_factor gives the stages of a pretrained base their own rates, but architecture "
        f"'{architecture.name}' names no stages",
        where=where,
        expected="stage_rate_factor: 1.0",
        got=str(params["stage_rate_factor"]),
        hint="An architecture of your own names them as STAGES, beside BASE_LAYER",
    )
