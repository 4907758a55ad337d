"""Trials in the table lead to their runs in MLflow's page, where the study is there."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from hpo.reports.compute import compute
from hpo.reports.page import page
from hpo.spec.records import TrialRecord

OneTrial = Callable[..., TrialRecord]


def text(one_trial: OneTrial, spec: dict[str, Any], **mlflow: str) -> str:
    return page(compute([one_trial()], spec, n_bootstrap=0, mlflow=mlflow))


def test_a_run_is_linked_at_the_address_of_hpo_ui(
    one_trial: OneTrial, spec: dict[str, Any]
) -> None:
    drawn = text(one_trial, spec, experiment_id="7", address="")
    run = one_trial().mlflow_run_id
    assert f'href="http://127.0.0.1:5000/#/experiments/7/runs/{run}?workflowType=' in drawn
    assert "<code>hpo ui</code> starts" in drawn


def test_a_run_on_a_server_is_linked_there(one_trial: OneTrial, spec: dict[str, Any]) -> None:
    drawn = text(one_trial, spec, experiment_id="7", address="https://mlflow.example/")
    assert 'href="https://mlflow.example/#/experiments/7/runs/' in drawn
    assert "<code>hpo ui</code> starts" not in drawn


@pytest.mark.parametrize("mlflow", [{}, {"experiment_id": ""}])
def test_a_study_without_an_experiment_has_no_links(
    one_trial: OneTrial, spec: dict[str, Any], mlflow: dict[str, str]
) -> None:
    drawn = text(one_trial, spec, **mlflow)
    assert 'data-run="' not in drawn
    assert one_trial().mlflow_run_id[:8] in drawn
