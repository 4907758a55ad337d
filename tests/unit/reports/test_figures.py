"""What single figures show of studies that are hard to draw."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from typing import Any

from hpo.reports.compute import compute
from hpo.reports.data import ReportData
from hpo.reports.draw import gain, history, parallel, slices
from hpo.reports.draw.axes import linear_ticks, log_ticks
from hpo.spec.records import TrialRecord

OneTrial = Callable[..., TrialRecord]
LONG = "a choice whose name is longer than its axis"


def report(records: list[TrialRecord]) -> ReportData:
    return compute(records, {"name": "demo"}, n_bootstrap=0)


def searched(trial: TrialRecord, **params: Any) -> TrialRecord:
    """The trial with these parameters alone, searched among what they were."""
    space = {name: {"type": "categorical", "choices": ["relu", LONG]} for name in params}
    return dataclasses.replace(trial, params=params, searched=params, space=space)


def test_a_trial_is_not_compared_with_itself(one_trial: OneTrial) -> None:
    thesis = one_trial(thesis=True)
    worse = dataclasses.replace(one_trial(number=1), value=0.2)
    (picture,) = gain.section(report([thesis, worse])).pictures
    texts = [annotation.text for annotation in picture.figure.layout.annotations]
    assert texts[0] == "nothing did better"
    # The other mark is the sampler's best, which did worse.
    assert texts[1].startswith("sampler: -")
    alone = dataclasses.replace(worse, origin="enqueued")
    (picture,) = gain.section(report([thesis, alone])).pictures
    assert len(picture.figure.data[0].x) == 1


def test_the_two_intervals_of_a_gain_lie_apart(one_trial: OneTrial) -> None:
    thesis = one_trial(thesis=True)
    assert thesis.value is not None
    better = dataclasses.replace(one_trial(number=1), value=thesis.value + 0.01)
    (picture,) = gain.section(report([thesis, better])).pictures
    (trace,) = picture.figure.data
    assert trace.y[0] != trace.y[1]


def test_failed_trials_stand_below_every_value(one_trial: OneTrial) -> None:
    trials = [one_trial(number=k) for k in range(3)] + [one_trial(number=3, state="failed")]
    (picture,) = history.section(report(trials)).pictures
    drawn = {trace.name: trace for trace in picture.figure.data}
    values = [v for name, trace in drawn.items() if "failed" not in name for v in trace.y]
    assert max(drawn["cnn, failed"].y) < min(values)
    low, high = picture.figure.layout.xaxis.range
    assert low < 0
    assert high > 3
    assert picture.figure.layout.xaxis.dtick == 1


def test_long_choices_are_clipped_on_axes_and_whole_in_hover_text(one_trial: OneTrial) -> None:
    trials = [searched(one_trial(number=k), activation=("relu", LONG)[k % 2]) for k in range(4)]
    data = report(trials)
    (slice_picture,) = slices.section(data).pictures
    axis = slice_picture.figure.layout.xaxis
    assert axis.tickvals == ("relu", LONG)
    assert max(map(len, axis.ticktext)) <= 16
    assert any(LONG in text for text in slice_picture.figure.data[0].hovertemplate)
    (lines,) = parallel.section(data).pictures
    assert max(map(len, lines.figure.data[0].dimensions[0].ticktext)) <= 16


def test_axes_of_whole_numbers_have_whole_ticks(one_trial: OneTrial) -> None:
    assert linear_ticks([3, 5, 4]) == [3.0, 4.0, 5.0]
    assert linear_ticks([0.0, 0.2, 1.0]) == [0.0, 0.25, 0.5, 0.75, 1.0]
    trials = [
        dataclasses.replace(
            one_trial(number=k), params={"n": 3 + k}, searched={"n": 3 + k}, space={}
        )
        for k in range(3)
    ]
    (picture,) = slices.section(report(trials)).pictures
    assert picture.figure.layout.xaxis.dtick == 1


def test_log_axes_name_their_ends_unless_a_decade_is_near() -> None:
    assert log_ticks(-3.5, -0.5) == [-3.5, -3.0, -2.0, -1.0, -0.5]
    assert log_ticks(-3.1, -1.0) == [-3.0, -2.0, -1.0]
    assert log_ticks(0.2, 0.7) == [0.2, 0.7]
