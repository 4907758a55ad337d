"""What single figures show of studies that are hard to draw."""

from __future__ import annotations

import copy
import dataclasses
import random
from collections.abc import Callable
from typing import Any

import pytest

from hpo.reports.compute import compute
from hpo.reports.data import ReportData
from hpo.reports.draw import (
    anytime,
    confusion,
    contours,
    gain,
    history,
    importance,
    parallel,
    results,
    slices,
)
from hpo.reports.draw.axes import linear_ticks, log_ticks
from hpo.reports.draw.cost import _ticks as cost_ticks
from hpo.reports.draw.section import Section, sections
from hpo.reports.draw.style import THEMES, template
from hpo.spec.records import TrialRecord
from tests.unit.reports.conftest import by_loss, loss_spec, study_records, study_spec

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


def test_the_thesis_is_hollow_the_sampler_filled_and_what_was_written_by_hand_dotted(
    one_trial: OneTrial,
) -> None:
    def shapes(*records: TrialRecord) -> tuple[str, ...]:
        (picture,) = gain.section(report(list(records))).pictures
        return tuple(picture.figure.data[0].marker.symbol)

    def reaching(accuracy: float, number: int, **changes: Any) -> TrialRecord:
        trial = one_trial(number=number, thesis=number == 0)
        return dataclasses.replace(trial, value=accuracy, **changes)

    thesis, worse, better = reaching(0.5, 0), reaching(0.4, 1), reaching(0.6, 2)
    hand = reaching(0.7, 3, origin="enqueued")
    assert shapes(thesis, worse) == ("circle-open", "circle")
    assert shapes(thesis, better) == ("circle-open", "circle")
    assert shapes(thesis, better, hand) == ("circle-open", "circle-open-dot", "circle")


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
    assert axis.tickvals == (0, 1)
    assert axis.ticktext[0] == "relu"
    assert max(map(len, axis.ticktext)) <= 16
    assert any(LONG in text for text in slice_picture.figure.data[0].hovertemplate)
    (lines,) = parallel.section(data).pictures
    assert max(len(a.text) for a in lines.figure.layout.annotations) <= 16
    assert any(LONG in text for trace in lines.figure.data for text in trace.hovertemplate)


@pytest.mark.parametrize("narrow", [False, True])
def test_an_axis_shows_the_whole_range_and_all_choices_that_were_searched(
    one_trial: OneTrial, narrow: bool
) -> None:
    space = {
        "learning_rate": {"type": "float", "low": 1e-5, "high": 0.1, "log": True},
        "activation": {"type": "categorical", "choices": ["relu", "elu", "gelu", "tanh"]},
        "epochs": {"type": "int", "low": 2, "high": 40},
    }
    trials = []
    for k in range(3):
        params = {
            "learning_rate": (1e-3, 5e-3, 2e-2)[k],
            "activation": ("relu", "elu", "relu")[k],
            "epochs": 10 + k,
        }
        trials.append(
            dataclasses.replace(one_trial(number=k), params=params, searched=params, space=space)
        )
    data = report(trials)
    (picture,) = slices.section(data).pictures
    layout = (picture.narrow if narrow else picture.figure).layout
    axes = {layout[n].title.text: layout[n] for n in ("xaxis", "xaxis2", "xaxis3")}
    low, high = axes["learning_rate"].range
    assert low <= -5
    assert high >= -1
    assert axes["epochs"].range[0] <= 2
    assert axes["epochs"].range[1] >= 40
    assert axes["activation"].ticktext == ("relu", "elu", "gelu", "tanh")
    assert axes["activation"].range[1] > 3
    (lines,) = parallel.section(data).pictures
    drawn = lines.narrow if narrow else lines.figure
    texts = {annotation.text for annotation in drawn.layout.annotations}
    assert {"tanh", "1e-05", "0.1", "2", "40"} <= texts


def test_without_importance_usual_parameters_come_first_and_then_as_the_file_has_them(
    one_trial: OneTrial,
) -> None:
    names = ["zoom", "clip_norm", "optimizer", "beta", "learning_rate"]
    space = {n: {"type": "float", "low": 0.0, "high": float(k)} for k, n in enumerate(names, 1)}
    trials = []
    for k in range(3):
        params = dict.fromkeys(names, 0.1 + k / 10)
        trials.append(
            dataclasses.replace(one_trial(number=k), params=params, searched=params, space=space)
        )
    (picture,) = slices.section(report(trials)).pictures
    layout = picture.figure.layout
    drawn = [layout[f"xaxis{k or ''}"].title.text for k in (0, 2, 3, 4, 5)]
    assert drawn == ["learning_rate", "optimizer", "zoom", "clip_norm", "beta"]


def test_parallel_lines_are_wide_and_name_the_best_trial(
    records: Callable[..., list[TrialRecord]],
) -> None:
    data = report(records(("cnn",), trials=20))
    (picture,) = parallel.section(data).pictures
    best = data.architectures[0]["best"]
    *_, last = picture.figure.data
    assert last.name == f"best, {100 * best['value']:.4g} %"
    assert last.line.width >= 4
    # One line per trial, each with a gap after it.
    trials = data.trials_of("cnn", "complete", "pruned")
    assert sum(list(t.x).count(None) for t in picture.figure.data) == len(trials)


def test_where_importance_refuses_no_two_parameters_are_foremost_and_it_is_said(
    one_trial: OneTrial, records: Callable[..., list[TrialRecord]]
) -> None:
    many = records(("cnn",), trials=14, pruned_share=0, failed_share=0)
    data = report([*many, one_trial("xception"), one_trial("xception", number=1)])
    assert data.contours["xception"] == []
    for section in (contours.section(data), importance.section(data)):
        assert {p.label.split(",")[0] for p in section.pictures} == {"cnn"}
        line, *shared = section.empty.splitlines()
        # What all share is refused, too, where the importance stands.
        assert all(told.startswith("all architectures") for told in shared)
        assert line.startswith("xception: no ")
        assert "2 usable trials; importance needs at least 10" in line


def test_what_is_not_told_from_no_effect_is_pale_and_grey(
    records: Callable[..., list[TrialRecord]],
) -> None:
    data = report(records(("cnn",), trials=14, pruned_share=0, failed_share=0))
    rows = data.importance["cnn"]["fanova"]["parameters"]
    rows[0]["distinct"], rows[1]["distinct"] = True, False
    (picture,) = importance.section(data).pictures
    bars = next(t for t in picture.figure.data if t.name == "fANOVA")
    assert bars.marker.opacity[1] < bars.marker.opacity[0]
    assert "like chance" in bars.y[1]
    assert "like chance" not in bars.y[0]
    assert "shuffled copies" in picture.note
    # A record of before chance was asked for draws as it did.
    for row in rows:
        del row["distinct"]
    (picture,) = importance.section(data).pictures
    assert "shuffled" not in picture.note


def test_reasons_for_missing_figures_are_a_line_each(one_trial: OneTrial) -> None:
    data = report([one_trial(label) for label in ("cnn", "resnet50", "xception")])
    # One for each architecture, and one for what all share.
    assert len(importance.section(data).empty.splitlines()) == 4


def test_parameters_are_told_by_the_names_of_their_choices(one_trial: OneTrial) -> None:
    records = [
        dataclasses.replace(
            one_trial(number=number),
            value=value,
            params={"optimizer": optimizer, "dropout": dropout},
            searched={"optimizer": optimizer, "dropout": dropout},
        )
        for number, (value, optimizer, dropout) in enumerate(
            [(0.5, "adam", 0.1), (0.25, "adam", 0.2), (0.3, "sgd", 0.4), (0.4, "adam", 0.3)]
        )
    ]
    drawn = sections(compute(records, {"name": "demo"}, n_bootstrap=0))
    assert drawn["slices"].pictures[0].words == (
        "Values: validation accuracy [%]. optimizer: 50 %, the best of 3 trials, with adam; 30 % "
        "with sgd; no trial with rmsprop. dropout: 50 % at 0.1, 25 % at 0.2, 40 % at 0.3, 30 % at "
        "0.4."
    )
    assert drawn["parallel"].pictures[0].words == (
        "Values: validation accuracy [%]. best, 50 %: optimizer adam; dropout 0.1. better half, 40 "
        "%: optimizer adam; dropout 0.3. others, 25 to 30 % (2 trials): optimizer adam in 1 and "
        "sgd in 1; dropout 0.2 to 0.4."
    )
    # Equal values are on one side, and never more than asked for are better.
    assert parallel._undivided([0.4, 0.3, 0.3, 0.2], 2) == 1
    assert parallel._undivided([0.4, 0.3, 0.3, 0.2], 3) == 3
    assert parallel._undivided([0.3, 0.3], 1) == 0
    assert parallel._undivided([0.4, 0.3], 1) == 1
    assert parallel._undivided([], 0) == 0
    few = sections(compute(records[:2], {"name": "demo"}, n_bootstrap=0))["parallel"]
    assert few.pictures[0].words.endswith("best, 50 %: dropout 0.1. others, 25 %: dropout 0.2.")


def test_the_ring_of_a_checkpoint_has_a_name_in_words(one_trial: OneTrial) -> None:
    for picture in sections(report([one_trial()]))["curves"].pictures[:2]:
        rings = [t for t in picture.figure.data if t.marker.symbol == "circle-open"]
        assert [t.name for t in rings] == ["cnn #0, the checkpoint"]


def test_a_log_axis_of_costs_has_several_ticks_within_it() -> None:
    assert list(cost_ticks(14.28, 24.19)) == [15.0, 17.0, 19.0, 21.0, 23.0]
    assert cost_ticks(9083, 106_775) == {1e4: "10 k", 2e4: "20 k", 5e4: "50 k", 1e5: "100 k"}
    assert cost_ticks(20.0, 20.0) == {20.0: "20"}


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


def test_the_words_on_the_matrix_name_the_end_of_the_scale_that_high_shares_have() -> None:
    def lightness(shade: str) -> int:
        return sum(int(shade[k : k + 2], 16) for k in (1, 3, 5))

    (_, least), *_, (_, most) = confusion.SHADES
    assert lightness(most) < lightness(least)
    assert "the darker a cell" in confusion.LOOK_FOR
    assert "bright" not in confusion.LOOK_FOR


@pytest.mark.parametrize("theme", THEMES)
def test_a_line_behind_a_word_does_not_show_through(theme: str) -> None:
    behind = template(theme)["layout"]["annotationdefaults"]["bgcolor"]
    assert float(behind.removesuffix(")").split(",")[-1]) >= 0.9


def test_the_epochs_of_a_published_run_stand_clear_of_the_majority_and_of_one_another(
    one_trial: OneTrial,
) -> None:
    data = report([one_trial(label) for label in ("cnn", "resnet50", "xception")])
    assert data.majority["rate"] == pytest.approx(0.249, abs=0.001)
    (picture,) = results.section(data).pictures
    sides = {
        (round(trace.x[0], 2), trace.text[0]): trace.textposition
        for trace in picture.figure.data
        if trace.legendgroup == "thesis"
    }
    # 27.22 % lies right of the dashed line at 24.9 %.
    assert sides[27.22, "5"] == "bottom right"
    assert sides[63.46, "40"] == "bottom left"
    assert sides[64.97, "100"] == "bottom right"
    # Their marks would touch on a phone.
    height = {t.text[0]: t.y[0] for t in picture.figure.data if 63 < t.x[0] < 65}
    assert height["100"] - height["40"] > 0.1
    data.majority["rate"] = 0.30
    (picture,) = results.section(data).pictures
    (side,) = [t.textposition for t in picture.figure.data if t.x[0] == 27.22]
    assert side == "bottom left"


def test_the_note_on_importance_claims_nothing_that_was_not_computed(
    records: Callable[..., list[TrialRecord]],
) -> None:
    data = report(records(("cnn",), trials=14, pruned_share=0, failed_share=0))
    tables = data.importance["cnn"]
    tables["fanova"] |= {"widened": True, "trials": 100, "adaptive": 25}
    tables["fanova"] |= {"resamples": 4, "interactions": []}
    (picture,) = importance.section(data).pictures
    assert "25 of 100 trials were chosen by an adaptive sampler or by hand" in picture.note
    # A table of before they were counted so, and of mostly adaptive trials.
    del tables["fanova"]["widened"]
    tables["fanova"]["adaptive"] = 60
    (picture,) = importance.section(data).pictures
    assert "60 of 100 trials were chosen" in picture.note
    assert "no pair stands out" in picture.note
    # Where fANOVA has no answer it found no pair, nor none.
    tables["pedanova"] |= {"parameters": tables["fanova"]["parameters"], "refused": ""}
    for name in ("fanova", "mdi"):
        tables[name] |= {
            "parameters": [],
            "interactions": [],
            "refused": "a forest foretells nothing",
        }
    tables["pedanova"] |= {"interactions": [], "resamples": 4}
    (picture,) = importance.section(data).pictures
    assert "fANOVA has no answer: a forest foretells nothing." in picture.note
    assert "no pair stands out" not in picture.note


def test_a_parameter_that_a_trial_did_not_have_is_no_point_of_a_surface(
    one_trial: OneTrial,
) -> None:
    # Momentum is sgd's alone; other trials hold its default among all their parameters.
    generator = random.Random(3)
    records: list[TrialRecord] = []
    for number in range(40):
        sgd = number < 20
        params = {"optimizer": "sgd" if sgd else "adam", "learning_rate": generator.uniform(0.1, 1)}
        searched = {**params, "momentum": generator.uniform(0.5, 0.9)} if sgd else params
        record = dataclasses.replace(
            one_trial(number=number),
            value=0.3 + 0.2 * params["learning_rate"],
            params={"momentum": 0.9, **searched},
            searched=searched,
            space={
                "optimizer": {"type": "categorical", "choices": ["adam", "sgd"]},
                "learning_rate": {"type": "float", "low": 0.1, "high": 1.0},
                "momentum": {"low": 0.5, "high": 1.0, "when": {"optimizer": ["sgd"]}},
            },
            origin="sampler" if sgd else "enqueued",
        )
        records.append(record)
    pictures = {p.label: p for p in contours.section(report(records)).pictures}
    picture = pictures["cnn, numbers"]
    points = picture.figure.data[-1]
    assert "n = 20 trials" in picture.figure.layout.title.text
    assert len(points.x) == 20


def test_a_picture_of_two_parameters_that_are_like_chance_says_so() -> None:
    demo = compute(study_records(("cnn",), trials=60), study_spec(("cnn",)), n_bootstrap=4)
    drawn = next(iter(contours.section(demo).pictures))
    label = drawn.architecture
    contour = demo.contours[label][0]
    names = [contour[axis]["name"] for axis in "xy"]
    for silent, said in (
        ((), ""),
        (names[1:], f"Like chance: {names[1]} is not distinguishable from no effect (fANOVA)"),
        (names, f"Like chance: {names[0]} and {names[1]} are not distinguishable from no effect"),
    ):
        data = copy.deepcopy(demo)
        for row in data.importance[label]["fanova"]["parameters"]:
            row["distinct"] = row["name"] not in silent
        note = next(iter(contours.section(data).pictures)).note
        assert said in note
        assert ("Like chance" in note) == bool(silent)


def test_a_best_that_the_sampler_did_not_draw_says_where_it_came_from(one_trial: OneTrial) -> None:
    thesis = dataclasses.replace(one_trial(thesis=True), value=0.4)
    for origin, named in (
        ("enqueued", "by hand"),
        ("warm_start", "earlier study"),
        ("space-filling", "space-filling"),
    ):
        best = dataclasses.replace(one_trial(number=1), value=0.6, origin=origin)
        drawn = gain.section(report([thesis, best]))
        (picture,) = drawn.pictures
        assert picture.figure.data[0].marker.symbol[1] == "circle-open-dot"
        assert picture.figure.layout.annotations[0].text.startswith(f"{named}: ")
        assert "by hand, from an earlier study or from the even sample" in drawn.look_for


@pytest.mark.parametrize(("below", "drawn"), [(-0.02, True), (0.02, True), (0.4, False)])
def test_always_the_most_frequent_class_stands_beside_a_gain_unless_it_is_far_off(
    below: float, *, drawn: bool, one_trial: OneTrial
) -> None:
    thesis = dataclasses.replace(one_trial(thesis=True), value=0.4)
    best = dataclasses.replace(one_trial(number=1), value=0.6)
    data = report([thesis, best])
    gained = data.architectures[0]["gain"]["baseline"], data.architectures[0]["best"]
    rate = min(each["interval"]["low"] for each in gained) - below
    data.majority.update(rate=rate, label="happy")
    (picture,) = gain.section(data).pictures
    layout = picture.figure.layout
    named = f"always 'happy': {100 * rate:.1f}"
    assert (named in [a.text for a in layout.annotations]) == drawn
    assert (f"Always answering 'happy' would score {100 * rate:.1f} %" in picture.note) != drawn
    assert (layout.xaxis.range[0] < 100 * rate) == drawn
    assert (f"A line at {100 * rate:.1f}: always 'happy'." in picture.words) == drawn


@pytest.mark.parametrize(("rate", "drawn"), [(0.39, True), (0.01, False)])
def test_the_share_of_one_answer_is_a_line_in_pictures_of_values_against_what_was_spent(
    rate: float, *, drawn: bool, one_trial: OneTrial
) -> None:
    trials = [
        dataclasses.replace(one_trial(label, number=k), value=0.4 + 0.05 * k)
        for label in ("cnn", "resnet50")
        for k in range(3)
    ]
    data = report(trials)
    data.majority.update(rate=rate, label="happy")
    named, told = (
        f"always 'happy': {100 * rate:.1f}",
        f"A line at {100 * rate:.1f}: always 'happy'.",
    )
    far = f"Always answering 'happy' would score {100 * rate:.1f} %, far from what is drawn."
    *pictures, equal = [*history.section(data).pictures, *anytime.section(data).pictures]
    assert len(pictures) == 3
    for picture in pictures:
        lines = [t for t in picture.figure.data if t.name == named]
        assert len(lines) == drawn
        for line in lines:
            assert picture.figure.data[0] is line, "under what it would hide"
            assert line.y == (100 * rate, 100 * rate)
            assert line.x == picture.figure.layout.xaxis.range
    for picture in (*pictures, equal):
        assert (told in picture.words) == drawn
        assert (far in picture.note) != drawn
    assert (named in [a.text for a in equal.figure.layout.annotations]) == drawn


def test_a_best_result_is_told_with_its_interval_and_the_share_of_one_answer(
    one_trial: OneTrial,
) -> None:
    data = report([dataclasses.replace(one_trial(), value=0.5)])
    (picture,) = results.section(data).pictures
    best = data.architectures[0]["best"]
    low, high = (100 * best["interval"][end] for end in ("low", "high"))
    assert f"cnn {100 * best['accuracy']:.4g} % [{low:.4g}, {high:.4g}]" in picture.words
    assert picture.words.endswith("A line at 24.9: always 'happy'.")


def test_under_a_loss_no_share_of_one_answer_is_drawn_against_what_was_spent(
    records: Callable[..., list[TrialRecord]],
) -> None:
    data = compute(by_loss(records(("cnn",), trials=4)), loss_spec(("cnn",)), n_bootstrap=0)
    for picture in (*history.section(data).pictures, *anytime.section(data).pictures):
        assert "always" not in picture.words + picture.note.lower()


@pytest.mark.parametrize("count", [1, 2, 6])
def test_the_words_of_a_gain_keep_clear_of_other_lanes(count: int) -> None:
    rows = gain.AROUND + gain.ROOM * count - 45 - 60
    lane = gain.LANE * rows / (count + 0.1)
    # Words are 17 pixels high, their middle 16 above a lane; a mark is 16 pixels high.
    assert lane - 8 >= 16 + 8.5


def test_a_surface_and_its_points_are_of_one_rung(one_trial: OneTrial) -> None:
    generator = random.Random(4)
    space = {
        name: {"type": "float", "low": 0.0, "high": 1.0} for name in ("learning_rate", "dropout")
    }
    records: list[TrialRecord] = []
    for number in range(61):
        # Twenty configurations went on to the second rung, and one took another's value there.
        rung = int(number >= 40)
        params = {name: generator.random() for name in space}
        record = dataclasses.replace(
            one_trial(number=number),
            value=0.3 + 0.2 * params["learning_rate"] + 0.1 * rung,
            params=params,
            searched=params,
            space=space,
            rung=rung,
            repeats=40 if number == 60 else None,
        )
        records.append(record)
    (picture,) = contours.section(report(records)).pictures
    assert "n = 20 trials" in picture.figure.layout.title.text
    assert len(picture.figure.data[-1].x) == 20
    assert "repeats and trials of other rungs are left out" in picture.note


@pytest.mark.parametrize("draw", [slices.section, parallel.section])
def test_pictures_of_trials_of_all_rungs_say_so(
    draw: Callable[[ReportData], Section], one_trial: OneTrial
) -> None:
    space = {"dropout": {"type": "float", "low": 0.0, "high": 1.0}}
    records = []
    for number in range(4):
        params = {"dropout": 0.2 * number}
        records.append(
            dataclasses.replace(
                one_trial(number=number),
                value=0.3 + 0.1 * number,
                params=params,
                searched=params,
                space=space,
                rung=number % 2,
            )
        )
    (mixed,) = draw(report(records)).pictures
    assert "fewer epochs, which alone may make them worse" in mixed.note
    (alike,) = draw(report([dataclasses.replace(r, rung=0) for r in records])).pictures
    assert "epochs" not in alike.note


def _grown(one_trial: OneTrial) -> list[TrialRecord]:
    """Four trials, of which the first two ran before dropout and decay were searched."""
    rate = {"learning_rate": {"type": "float", "low": 0.001, "high": 0.1, "log": True}}
    new = {
        "dropout": {"type": "float", "low": 0.0, "high": 0.5},
        "decay": {"type": "float", "low": 0.001, "high": 0.1, "log": True},
        "momentum": {"type": "float", "low": 0.5, "high": 0.9, "when": {"optimizer": ["sgd"]}},
    }
    records = []
    for number in range(4):
        params: dict[str, Any] = {"learning_rate": 0.01 * (number + 1), "optimizer": "adam"}
        params |= {"dropout": 0.25, "decay": 0.0, "momentum": 0.9}
        later = {"dropout": 0.1 * number, "decay": 0.01 * number}
        if number == 3:
            later |= {"momentum": 0.7}
            params |= {"optimizer": "sgd"}
        params |= later if number > 1 else {}
        names = ["learning_rate", *(later if number > 1 else ())]
        records.append(
            dataclasses.replace(
                one_trial(number=number),
                value=0.5 - 0.1 * number,
                params=params,
                searched={name: params[name] for name in names},
                space=rate | new if number > 1 else rate,
                space_version=1 + (number > 1),
            )
        )
    return records


def test_trials_of_before_a_parameter_was_searched_stand_at_the_value_that_they_had(
    one_trial: OneTrial,
) -> None:
    data = report(_grown(one_trial))
    (lines,) = parallel.section(data).pictures
    best = lines.words[lines.words.index("best, ") :]
    assert "dropout 0.25" in best
    assert "decay 0, outside its axis" in best, "a log axis has no place for it"
    assert "one value only: momentum." in lines.note, "a condition that is not met leaves it out"
    said = "Trials that did not search dropout are drawn at the value that they had."
    assert said in lines.note
    (panels,) = slices.section(data).pictures
    assert "dropout: 30 % at 0.2, 50 % at 0.25, 40 % at 0.25, 20 % at 0.3." in panels.words
    assert said in panels.note


def test_of_many_parameters_the_first_of_the_space_are_drawn_where_no_importance_is_known(
    one_trial: OneTrial,
) -> None:
    names = ["z_rate", *(f"p{k:02}" for k in reversed(range(12)))]
    space = {name: {"type": "float", "low": 0.0, "high": 1.0} for name in names}
    records = []
    for number in range(3):
        params = dict.fromkeys(names, 0.2 * number + 0.1)
        made = one_trial(number=number)
        records.append(dataclasses.replace(made, params=params, searched=params, space=space))
    data = report(records)
    (picture,) = parallel.section(data).pictures
    assert "Of 13 parameters the first 8 are drawn." in picture.note
    assert "z_rate 0.1" in picture.words
    assert "p00" not in picture.words
    ranked = [{"name": name} for name in sorted(names)]
    data.importance["cnn"] = {"fanova": {"parameters": ranked}}
    (picture,) = parallel.section(data).pictures
    assert "Of 13 parameters the 8 most important are drawn." in picture.note
    assert "z_rate" not in picture.words
