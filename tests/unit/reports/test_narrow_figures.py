"""What figures show where there is little room: long names, ticks of a phone, a late best."""

from __future__ import annotations

import dataclasses
import itertools
import math
from collections.abc import Callable
from html import unescape
from typing import Any

from hpo.reports.compute import compute
from hpo.reports.data import ReportData
from hpo.reports.draw import anytime, gain, parallel, slices
from hpo.reports.draw.axes import log_settings, whole_settings
from hpo.reports.draw.cost import APART
from hpo.reports.draw.cost import _ticks as cost_ticks
from hpo.spec.records import TrialRecord

OneTrial = Callable[..., TrialRecord]


def report(records: list[TrialRecord]) -> ReportData:
    return compute(records, {"name": "demo"}, n_bootstrap=0)


def searched(trial: TrialRecord, **params: Any) -> TrialRecord:
    """The trial with these parameters alone."""
    space = {name: {"type": "float", "low": 0.0, "high": 1.0} for name in params}
    return dataclasses.replace(trial, params=params, searched=params, space=space)


def test_long_names_of_parameters_are_folded_to_the_width_of_their_panel(
    one_trial: OneTrial,
) -> None:
    names = ("units_of_the_densely_connected_layer", "classifierheadlearningrate", "<b>_rate")
    trials = [searched(one_trial(number=k), **dict.fromkeys(names, 0.1 * k)) for k in range(4)]
    (picture,) = slices.section(report(trials)).pictures
    for drawn, letters in ((picture.figure, 22), (picture.narrow, 15)):
        titles = [drawn.layout[n].title.text for n in ("xaxis", "xaxis2", "xaxis3")]
        lines = [unescape(line) for title in titles for line in title.split("<br>")]
        assert max(map(len, lines)) <= letters
        assert {t.replace("<br>", "") for t in map(unescape, titles)} == set(names)


def test_long_names_stand_upright_under_the_axes_of_parallel_coordinates(
    one_trial: OneTrial,
) -> None:
    names = [f"units_of_the_densely_connected_layer_{place}" for place in range(4)]
    trials = [searched(one_trial(number=k), **dict.fromkeys(names, 0.1 * k)) for k in range(4)]
    (picture,) = parallel.section(report(trials)).pictures
    axis = picture.figure.layout.xaxis
    assert axis.tickangle == 0
    assert axis.ticktext[0].replace("<br>", "") == names[0]
    # Axes stand at least 85 pixels apart, a letter takes about seven and a half.
    assert max(map(len, axis.ticktext[0].split("<br>"))) <= 11
    (few,) = parallel.section(
        report([searched(t, learning_rate=t.number) for t in trials])
    ).pictures
    assert few.figure.layout.xaxis.ticktext[0] == "learning_rate", "two axes have the room"


def test_ticks_on_the_lines_of_a_phone_do_not_lie_on_each_other(one_trial: OneTrial) -> None:
    space = {
        "optimizer": {"type": "categorical", "choices": ["adam", "sgd"]},
        "momentum": {"type": "float", "low": 0.00012, "high": 0.99, "log": True},
        "head": {"type": "categorical", "choices": [f"head number {k}" for k in range(7)]},
    }
    trials = []
    for k in range(8):
        params = {"optimizer": ("adam", "sgd")[k % 2], "head": f"head number {k % 7}"}
        if k % 2:
            params["momentum"] = 0.1 * k
        trials.append(
            dataclasses.replace(one_trial(number=k), params=params, searched=params, space=space)
        )
    (picture,) = parallel.section(report(trials)).pictures
    low, high = picture.narrow.layout.xaxis.range
    boxes: dict[tuple[float, float], list[tuple[float, float]]] = {}
    for word in picture.narrow.layout.annotations:
        if not word.text.startswith("<b>"):
            middle = 300 * (word.x - low) / (high - low)
            half = 3.2 * max(map(len, word.text.split("<br>")))
            boxes.setdefault((word.y, word.yshift), []).append((middle - half, middle + half))
    for row in boxes.values():
        ends = sorted(row)
        assert all(left[1] <= right[0] for left, right in itertools.pairwise(ends))
    texts = [word.text for word in picture.narrow.layout.annotations]
    assert "not active" in texts
    assert sum(text.startswith("head number") for text in texts) == 7, "no choice is left out"


def test_a_last_trial_that_is_the_best_is_seen_in_best_so_far(one_trial: OneTrial) -> None:
    trials = []
    for label, values in (("cnn", (0.4, 0.6)), ("xception", (0.3, 0.5))):
        for k, value in enumerate(values):
            trial = one_trial(label, number=k)
            assert trial.result is not None
            matrix = [[round(100 * value), 100 - round(100 * value)], [0, 0]]
            metrics = {**trial.result.metrics, "val_accuracy": value}
            result = dataclasses.replace(trial.result, confusion=matrix, metrics=metrics)
            trials.append(dataclasses.replace(trial, value=value, result=result))
    for picture in anytime.section(report(trials)).pictures[:2]:
        ends = {}
        for trace in picture.figure.data:
            if trace.hovertemplate:
                bars = trace.error_y.array or [None] * len(trace.x)
                steps = zip(trace.x, trace.y, bars, trace.marker.size, strict=True)
                ends[trace.name] = max(steps, key=lambda s: s[0])
        longest = max(x for x, *_ in ends.values())
        assert picture.figure.layout.xaxis.range[1] > 1.02 * longest
        for name, best in (("cnn", 60), ("xception", 50)):
            _, y, bar, size = ends[name]
            assert y == best
            assert size > 0, "the trial is a mark"
            assert bar > 0, "its interval has no width along the axis"


def test_ticks_of_a_log_axis_are_fewer_and_shorter_where_it_is_narrow() -> None:
    assert log_settings(-4, -1, 170)["ticktext"] == ["0.0001", "0.001", "0.01", "0.1"]
    powers = log_settings(-4, -1, 100)
    assert powers["ticktext"] == ["10<sup>\u22124</sup>", "10<sup>\u22122</sup>"]
    assert powers["tickvals"] == [1e-4, 1e-2]
    # Nobody reads 1e-05 beside 0.0001.
    assert log_settings(-5, -3, 400)["ticktext"][0] == "10<sup>\u22125</sup>"
    # Without two decades there are no powers of ten.
    assert log_settings(-3.5, -2.5, 60)["ticktext"] == ["0.00032", "0.001", "0.0032"]
    assert log_settings(0, 0, 115)["ticktext"] == ["1"]


def test_ticks_of_whole_numbers_are_fewer_where_the_axis_is_narrow() -> None:
    assert whole_settings(1, 6, 115)["dtick"] == 1
    assert whole_settings(4, 16, 170)["dtick"] == 2
    assert whole_settings(4, 16, 115)["dtick"] == 5
    assert whole_settings(0, 100, 115) == {}, "Plotly chooses those of a long axis"
    assert whole_settings(3, 3, 115)["dtick"] == 1


def test_ticks_of_costs_over_several_decades_stand_apart() -> None:
    assert list(cost_ticks(1209, 152_823).values()) == ["3 k", "10 k", "30 k", "100 k"]


def test_ticks_of_costs_within_two_decades_stand_apart() -> None:
    assert list(cost_ticks(4.79, 18.39).values()) == ["5", "7", "10", "15"]
    for low, high in ((3.1, 9.9), (2.0, 12.0), (800.0, 1900.0), (41.0, 47.0)):
        ticks = list(cost_ticks(low, high))
        assert len(ticks) > 1
        for one, next_ in itertools.pairwise(ticks):
            assert math.log10(next_ / one) >= APART * math.log10(high / low)


def test_a_gain_in_words_stays_within_its_axis(
    records: Callable[..., list[TrialRecord]], spec: dict[str, Any]
) -> None:
    (picture,) = gain.section(compute(records(trials=12), spec, n_bootstrap=0)).pictures
    low, high = picture.figure.layout.xaxis.range
    for words in filter(lambda a: a.name, picture.figure.layout.annotations):
        across = gain.LETTER * len(words.text) / gain.LEAST_AXIS * (high - low)
        left = words.x - across if words.xanchor == "right" else words.x
        assert low - 1e-9 <= left
        assert left + across <= high + 1e-9
