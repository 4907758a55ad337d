"""What a report says of a study that is not over: what ended, and that more is to come."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from typing import Any

import pytest

from hpo.reports.compute import compute
from hpo.reports.data import ReportData
from hpo.reports.draw import gain
from hpo.reports.made import made_list
from hpo.reports.tables import fact_list
from hpo.spec.records import TrialRecord

OneTrial = Callable[..., TrialRecord]
READ_AT = "2026-03-01T09:30:12+00:00"


@pytest.fixture
def running(one_trial: OneTrial) -> TrialRecord:
    """A trial that was claimed and has reported one epoch."""
    begun = one_trial(number=1)
    return dataclasses.replace(
        begun, state="running", value=None, result=None, finished="", epochs=begun.epochs[:1]
    )


def study(spec: dict[str, Any], *records: TrialRecord, **budget: Any) -> ReportData:
    spec["architectures"] = {"cnn": {"architecture": "cnn"}}
    spec["budget"] = {"trials": 6, **budget}
    return compute(records, spec, n_bootstrap=0, read_at=READ_AT)


def test_a_running_study_says_that_it_goes_on_and_counts_what_ended(
    one_trial: OneTrial, spec: dict[str, Any], running: TrialRecord
) -> None:
    data = study(spec, one_trial(thesis=True), running)
    first, second, *rest = data.summary
    assert first.startswith(
        "The study is still going: 1 of 6 trials ended so far and 1 is running as of 2026-03-01 "
        "09:30 UTC."
    )
    assert second.startswith("The only trial that ended, trial 0 of cnn")
    assert not any("gained nothing" in sentence for sentence in data.summary)
    assert any(s.startswith("What tuning gains in cnn is unknown yet") for s in rest)
    facts = fact_list(data)
    assert facts[0] == ("trials so far (1 complete, 1 running)", "1 of 6")
    assert facts[-1] == ("as of 2026-03-01 09:30 UTC", "still going")
    assert not any("finished" in name for name, _ in facts)
    assert dict(made_list(data))["Ran"] == (
        "from 2026-03-01 00:00 UTC, still going as of 2026-03-01 09:30 UTC"
    )
    (picture,) = gain.section(data).pictures
    assert picture.figure.layout.annotations[0].text == "nothing better so far"


def test_only_ended_trials_are_compared_with_the_thesis(
    one_trial: OneTrial, spec: dict[str, Any], running: TrialRecord
) -> None:
    worse = dataclasses.replace(one_trial(number=2), value=0.2)
    data = study(spec, one_trial(thesis=True), running, worse)
    assert any(
        "gained nothing in cnn so far: the other trial that ended did not do better" in s
        for s in data.summary
    )
    assert "The best of 2 complete trials so far is trial 0" in data.summary[1]


def test_a_study_that_stopped_before_its_budget_is_not_finished(
    one_trial: OneTrial, spec: dict[str, Any]
) -> None:
    data = study(spec, one_trial(thesis=True), one_trial(number=1))
    assert data.summary[0].startswith(
        "The study is not finished: 2 of 6 trials ended as of 2026-03-01 09:30 UTC and none is"
    )
    assert fact_list(data)[-1] == ("as of 2026-03-01 09:30 UTC", "not finished")


def test_a_study_whose_budget_is_used_up_is_finished_whenever_it_is_read(
    one_trial: OneTrial, spec: dict[str, Any]
) -> None:
    data = study(spec, one_trial(thesis=True), one_trial(number=1), trials=2)
    assert data.summary[0].startswith("The best of 2 complete trials is")
    assert fact_list(data)[-1] == ("finished", "2026-03-01 00:01 UTC")
    assert data.facts["progress"]["read_at"] == ""


@pytest.mark.parametrize(
    "changed", [{"budget": {"trials": 1000, "hours": 2}}, {"sampler": "grid"}, {"engine": "mine"}]
)
def test_what_may_end_before_its_trials_are_used_up_is_not_called_unfinished(
    one_trial: OneTrial, spec: dict[str, Any], running: TrialRecord, changed: dict[str, Any]
) -> None:
    spec |= {"budget": {"trials": 6}, "architectures": {"cnn": {"architecture": "cnn"}}, **changed}
    over = compute([one_trial()], spec, n_bootstrap=0, read_at=READ_AT)
    assert over.summary[0].startswith("The study's only trial")
    assert fact_list(over)[-1][0] == "last trial ended"
    going = compute([one_trial(), running], spec, n_bootstrap=0, read_at=READ_AT)
    assert going.summary[0].startswith("The study is still going: 1 trial ended so far")


def test_a_report_of_before_progress_was_kept_is_drawn_as_far_as_it_goes(
    one_trial: OneTrial, spec: dict[str, Any], running: TrialRecord
) -> None:
    data = study(spec, one_trial(), running)
    del data.facts["progress"]
    assert fact_list(data)[-1] == ("when this was drawn", "still going")
