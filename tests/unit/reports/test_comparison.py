"""Architectures at equal budgets, tuning against architecture, and what trials must say for it."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from hpo.reports.budgets import equal_budgets, purchases, search_value
from hpo.reports.comparison import comparison, completed
from hpo.reports.comparison_sentences import answer_sentence
from hpo.reports.compute import compute
from hpo.reports.data import ReportData, load_data
from hpo.reports.draw.anytime import section as anytime
from hpo.reports.draw.cost import section as cost
from hpo.reports.draw.shares import section as shares
from hpo.reports.rows import row
from hpo.reports.tables import thesis_rows
from hpo.spec.bits import pack_bits
from hpo.spec.records import TrialRecord

Records = Callable[..., list[TrialRecord]]
OneTrial = Callable[..., TrialRecord]
N = 3589
HARD = np.random.default_rng(5).normal(size=N)
TWO = ("cnn", "xception")
CONFIRMED = {"over": False, "winner": None, "crowned": False}


def judged(record: TrialRecord, accuracy: float, **changes: Any) -> TrialRecord:
    """Return a trial that got the easiest faces right, but for some luck."""
    assert record.result is not None
    luck = np.random.default_rng(record.number).normal(0, 0.6, N)
    right = np.zeros(N, bool)
    right[np.argsort(HARD + luck)[: round(accuracy * N)]] = True
    result = dataclasses.replace(
        record.result,
        metrics={"val_accuracy": float(right.mean()), "val_loss": 1.0},
        correct=pack_bits(right.tolist()),
    )
    return dataclasses.replace(record, value=float(right.mean()), result=result, **changes)


def two_searches(one_trial: OneTrial) -> list[TrialRecord]:
    found = []
    for label, default, tops in (
        ("cnn", 0.5, (0.52, 0.6, 0.55, 0.58, 0.57)),
        ("xception", 0.3, (0.35, 0.33, 0.36, 0.31, 0.32)),
    ):
        found.append(judged(one_trial(label, thesis=True), default))
        found += [judged(one_trial(label, k + 1), top) for k, top in enumerate(tops)]
    return found


def report(records: list[TrialRecord], spec: dict[str, Any]) -> ReportData:
    spec["architectures"] = {label: {"architecture": label} for label in TWO}
    return compute(records, spec, n_bootstrap=0)


def test_the_summary_begins_with_the_share_of_the_way_that_tuning_brought(
    one_trial: OneTrial, spec: dict[str, Any]
) -> None:
    data = report(two_searches(one_trial), spec)
    tuned = data.comparison["tuning"]
    # From 50 to 60 and from 30 to 36 of 60: tuning brought 10 and 6 of 40 points.
    assert tuned["mean_share"]["point"] == pytest.approx(0.4, abs=0.002)
    assert tuned["mean_share"]["low"] < 0.4 < tuned["mean_share"]["high"]
    assert tuned["moves"]["xception"]["share"]["point"] == pytest.approx(0.2, abs=0.002)
    assert tuned["paired"]
    said = data.summary[0]
    assert said.startswith("Tuning or architecture? With 6 trials each")
    assert "tuning within the architecture brought 40 % [" in said
    assert "paired over the same n = 3,589 validation faces" in said


@pytest.mark.parametrize("only", ["cnn", "xception"])
def test_the_share_of_a_single_architecture_has_one_interval(
    one_trial: OneTrial, spec: dict[str, Any], only: str
) -> None:
    # Only one has a default: the mean over architectures is its own share.
    found = [r for r in two_searches(one_trial) if r.architecture == only or r.number]
    tuned = report(found, spec).comparison["tuning"]
    assert list(tuned["moves"]) == [only]
    assert tuned["mean_share"] is not None
    assert tuned["moves"][only]["share"] == tuned["mean_share"]


@pytest.mark.parametrize("second", [0.6, 0.598])
def test_no_architecture_wins_where_nothing_tells_the_bests_apart(
    one_trial: OneTrial, spec: dict[str, Any], second: float
) -> None:
    records = [
        judged(record, second)
        if (record.architecture, record.number) == ("xception", 5)
        else record
        for record in two_searches(one_trial)
    ]
    data = report(records, spec)
    tuned = data.comparison["tuning"]
    assert (tuned["top"], tuned["winner"], tuned["rivals"]) == ("cnn", "", ["xception"])
    said = (
        "and the choice of architecture nothing, as the bests of cnn and xception are equally good"
        if second == 0.6
        else "choosing cnn or xception the rest, whose bests nothing tells apart, so neither is "
        "the winner (95 %"
    )
    assert said in data.summary[0]
    assert shares(data).pictures
    assert report(two_searches(one_trial), spec).comparison["tuning"]["winner"] == "cnn"


def test_between_equal_bests_there_is_no_rest_to_choose(
    one_trial: OneTrial, spec: dict[str, Any]
) -> None:
    records = [
        judged(one_trial(label, number, thesis=not number), 0.5 if number else 0.3)
        for label in TWO
        for number in range(3)
    ]
    data = report(records, spec)
    assert "choosing" not in data.summary[0]
    assert (
        "tuning within the architecture brought 100 % [100, 100] of that, and the choice of "
        "architecture nothing, as the bests of cnn and xception are equally good (95 %"
    ) in data.summary[0]
    assert any("in trial 1, the same as cnn (" in said for said in data.summary)
    assert "cnn and xception: +0.0 [" in shares(data).pictures[0].note


def test_where_no_trial_beat_what_nobody_tuned_no_share_of_nothing_is_told(
    one_trial: OneTrial, spec: dict[str, Any]
) -> None:
    first = [
        judged(one_trial(label, thesis=True), value)
        for label, value in zip(TWO, (0.6, 0.3), strict=True)
    ]
    worse = [judged(one_trial(label, 1), 0.2) for label in TWO]
    said = report([*first, *worse], spec).summary[0]
    assert "[0, 0]" not in said
    assert "tuning within the architecture brought nothing of that" in said
    assert "choosing cnn brought it" in said
    alone = report(first, spec).summary[0]
    assert "tuning was not tried, as the one trial of each is the configuration" in alone
    assert "brought nothing" not in alone


def test_one_difference_has_one_interval_on_the_page(
    one_trial: OneTrial, spec: dict[str, Any]
) -> None:
    data = report(two_searches(one_trial), spec)
    (pair,) = data.comparison["pairs"]
    ends = f"{100 * pair['accuracy']['low']:.1f} to {100 * pair['accuracy']['high']:.1f}, paired"
    assert any(
        f"below cnn (Newcombe's 95 % interval of the difference {ends}" in s for s in data.summary
    )
    for entry in data.architectures:
        gained = {k: entry["gain"]["accuracy"][k] for k in ("point", "low", "high")}
        moved = data.comparison["tuning"]["moves"][entry["label"]]["tuning"]
        assert {k: moved[k] for k in gained} == pytest.approx(gained)
    # Each is told with its method.
    assert "Newcombe's 95 % intervals" in shares(data).pictures[0].note
    assert "of the distance normal, of the share by bootstrap over faces" in data.summary[0]


def test_two_architectures_are_told_apart_by_faces_and_by_trials(
    one_trial: OneTrial, spec: dict[str, Any]
) -> None:
    (pair,) = report(two_searches(one_trial), spec).comparison["pairs"]
    assert pair["apart"]
    # All twelve trials of one are better: 2 of the 924 ways to divide them are as far apart.
    assert pair["shuffled"] == pytest.approx(2 / 924)
    few = [r for r in two_searches(one_trial) if r.number < 3]
    (pair,) = report(few, spec).comparison["pairs"]
    assert pair["accuracy"]["low"] > 0
    assert not pair["apart"]
    assert "another search might" in shares(report(few, spec)).pictures[0].note
    drawn = shares(report([r for r in few if not r.number], spec)).pictures[0]
    assert "with the first 1 trial of each" in drawn.figure.layout.title.text
    # There is one way alone to divide two trials.
    assert "shuffling" not in drawn.note
    assert "a single trial of each does not say how far apart their trials lie" in drawn.note
    assert "defaults were not" not in drawn.note
    assert "also where the best is the default itself" in drawn.note


def test_a_gain_is_paired_where_both_trials_say_which_faces_they_got_right(
    one_trial: OneTrial, spec: dict[str, Any]
) -> None:
    known = two_searches(one_trial)
    unknown = [
        dataclasses.replace(r, result=dataclasses.replace(r.result, correct=""))
        for r in known
        if r.result is not None
    ]
    paired, apart = (report(records, spec).architectures[0]["gain"] for records in (known, unknown))
    widths = [g["accuracy"]["high"] - g["accuracy"]["low"] for g in (paired, apart)]
    assert (paired["accuracy"]["paired"], apart["accuracy"]["paired"]) == (True, False)
    assert paired["accuracy"]["point"] == pytest.approx(apart["accuracy"]["point"], abs=1e-6)
    assert widths[0] < 0.9 * widths[1]
    # Of six trials that lie apart a little of the gain is luck, and it is said.
    lucky = paired["selection"]
    assert lucky["trials"] == 6
    assert 0 <= lucky["optimism"] < 0.01
    assert lucky["accuracy"]["high"] == pytest.approx(
        paired["accuracy"]["high"] - lucky["optimism"]
    )
    assert apart["selection"] == {}
    assert any("due to having chosen the best" in s for s in report(known, spec).summary)
    assert any("independent samples" in s for s in report(unknown, spec).summary)


def test_under_another_objective_no_luck_of_the_choice_is_claimed(
    one_trial: OneTrial, spec: dict[str, Any]
) -> None:
    spec["objective"] = {"metric": "val_macro_f1"}
    data = report(two_searches(one_trial), spec)
    assert data.architectures[0]["gain"]["selection"] == {}
    assert data.architectures[0]["gain"]["accuracy"]["paired"]
    assert data.comparison["curves"]["cnn"]["seconds"]["steps"][0]["interval"] is None


def test_lost_pruned_and_failed_trials_cost_and_bring_nothing(one_trial: OneTrial) -> None:
    lost = dataclasses.replace(one_trial(number=0, state="failed"), seconds=5.0, slot=0, lost=True)
    again = judged(one_trial(number=1), 0.5, slot=0, seconds=10.0)
    pruned = dataclasses.replace(one_trial(number=2, state="pruned"), seconds=7.0, slot=1)
    better = judged(one_trial(number=3), 0.6, slot=2, seconds=20.0)
    running = dataclasses.replace(one_trial(number=4), state="running", seconds=0.0, slot=3)
    beyond = judged(one_trial(number=5), 0.9, slot=4, origin="space-filling")
    rows = [row(r) for r in (lost, again, pruned, better, running, beyond)]
    _, seconds = purchases(rows, "seconds")
    assert [(p.cost, p.value is None) for p in seconds] == [
        (5, True),
        (10, False),
        (7, True),
        (20, False),
    ]
    chosen, trials = purchases(rows, "trials")
    assert [r["number"] for r in chosen] == [1, 2, 3]
    assert [p.value is None for p in trials] == [False, True, False]


def test_epochs_that_a_rung_below_trained_are_not_paid_twice(one_trial: OneTrial) -> None:
    below = judged(one_trial(number=0, epochs=3), 0.4, rung=0)
    above = judged(one_trial(number=1, epochs=9), 0.5, rung=1, rungs=[3], continues=0)
    assert above.result is not None
    result = dataclasses.replace(above.result, continued_from_epoch=3)
    rows = [row(below), row(dataclasses.replace(above, result=result, slot=0))]
    assert [p.cost for p in purchases(rows, "epochs")[1]] == [3, 6]
    # So do rows of before it was kept.
    older = [{k: v for k, v in r.items() if k != "epochs_trained"} for r in rows]
    assert [p.cost for p in purchases(older, "epochs")[1]] == [3, 6]
    assert len(purchases(rows, "trials")[1]) == 1


def test_the_best_is_compared_at_the_smallest_common_budget(
    one_trial: OneTrial, spec: dict[str, Any]
) -> None:
    records = [r for r in two_searches(one_trial) if r.architecture == "cnn" or r.number < 3]
    grouped = {label: [row(r) for r in records if r.architecture == label] for label in TWO}
    equal = equal_budgets(grouped, {"name": "val_accuracy", "direction": "maximize"})
    assert equal["common"]["trials"] == 3
    # The best of its first three, and not of all six.
    assert equal["best"]["cnn"]["trials"]["number"] == 2
    spec["budget"] = {"trials": 3}
    spec["architectures"] = {
        "cnn": {"architecture": "cnn", "trials": 6},
        "xception": {"architecture": "xception"},
    }
    (said,) = [c for c in compute(records, spec, n_bootstrap=0).caveats if "equal budgets" in c]
    assert "different budgets of trials (cnn 6, xception 3)" in said
    assert "the first 3 trials of each" in said
    spec["budget"] = {"trials": 1000, "device_hours": 0.5}
    (said,) = [c for c in compute(records, spec, n_bootstrap=0).caveats if "equal budgets" in c]
    assert "trials (cnn 6, xception no limit), and each at most 0.5 device-hours." in said
    del spec["architectures"]["cnn"]["trials"]
    (said,) = [c for c in compute(records, spec, n_bootstrap=0).caveats if "equal budgets" in c]
    assert said.startswith(
        "The study file gives each architecture the same budget of 0.5 device-hours; they have "
        "come to cnn 6 trials, xception 3 trials. In time"
    )


def test_other_values_than_those_of_the_search_can_be_compared(one_trial: OneTrial) -> None:
    rows = [row(r) for r in two_searches(one_trial)]
    confirmed = {("cnn", 1): 0.51, ("xception", 2): 0.55}
    made = comparison(
        rows,
        TWO,
        {},
        {"name": "val_accuracy", "direction": "maximize"},
        value_of=lambda r: confirmed.get((r["architecture"], r["number"])),
        values="confirmed",
    )
    assert made["values"] == "confirmed"
    assert {
        label: [s["number"] for s in each["seconds"]["steps"]]
        for label, each in made["curves"].items()
    } == {"cnn": [1], "xception": [2]}


def test_a_trial_that_breaks_a_constraint_brings_nothing(one_trial: OneTrial) -> None:
    kept = judged(one_trial(number=1), 0.5, excess={"size_mib": -1.0})
    broken = judged(one_trial(number=2), 0.6, excess={"size_mib": 0.5})
    assert [search_value(row(r)) for r in (kept, broken)] == [pytest.approx(0.5, abs=1e-3), None]


def test_that_no_architecture_has_learned_comes_before_any_share(
    one_trial: OneTrial, spec: dict[str, Any]
) -> None:
    data = report(two_searches(one_trial), spec)
    told = answer_sentence(data.comparison, data.facts, data.objective, ["cnn", "xception"])
    assert told.startswith(
        "Of cnn and xception not even the best was shown to do better than always answering one "
        "emotion. Tuning or architecture?"
    )
    assert told.count("always answering") == 1
    one = answer_sentence(data.comparison, data.facts, data.objective, ["cnn"])
    assert one.startswith("Tuning or architecture?")
    assert "; in cnn not even the best was shown" in one


def test_the_best_confirmed_value_stands_where_the_search_had_found_it(
    one_trial: OneTrial, spec: dict[str, Any]
) -> None:
    def candidate(number: int, point: float | None) -> dict[str, Any]:
        mean = {"point": point, "low": 0.5, "high": 0.6, "level": 0.95, "n": N} if point else None
        return {"architecture": "cnn", "number": number, "mean": mean}

    spec["architectures"] = {label: {"architecture": label} for label in TWO}
    facts = {"candidates": [candidate(4, 0.57), candidate(2, 0.55), candidate(3, None)]}
    records = [dataclasses.replace(r, seconds=10.0) for r in two_searches(one_trial)]
    data = compute(
        records,
        spec,
        n_bootstrap=0,
        confirmation={"facts": {**CONFIRMED, **facts}},
    )
    steps = data.comparison["confirmed"]["cnn"]["seconds"]
    # Trial 2 ended after 30 s with the higher search value, trial 4 after 50 s.
    assert [(s["spent"], s["number"], s["value"]) for s in steps] == [(30, 2, 0.55), (50, 4, 0.57)]
    assert list(data.comparison["confirmed"]) == ["cnn"]
    (picture, *_) = anytime(data).pictures
    (marks,) = [t for t in picture.figure.data if t.name == "cnn, confirmed"]
    assert list(marks.y) == [pytest.approx(55), pytest.approx(57)]
    # Beside the jumps of the line, and named after the time itself.
    jumps = {x for trace in picture.figure.data if trace.mode == "lines+markers" for x in trace.x}
    assert all(min(abs(x - jump) for jump in jumps) >= 0.5 for x in marks.x)
    assert [(number, round(x)) for number, x in marks.customdata] == [(2, 30), (4, 50)]
    assert "best confirmed value so far" in picture.note
    # In words there is no need to stand aside: after half a minute and 50 s, as it was found.
    where = marks.customdata[0][1], marks.customdata[1][1]
    assert f"cnn, confirmed: 55 % [50, 60] at {where[0]:.4g}" in picture.words
    assert f", 57 % [50, 60] at {where[1]:.4g}" in picture.words


def test_only_of_a_sampler_whose_order_is_chance_is_the_mean_over_orders_drawn(
    one_trial: OneTrial, spec: dict[str, Any]
) -> None:
    for sampler, drawn in (("random", True), ("tpe", False)):
        spec["sampler"] = {"name": sampler}
        data = report(two_searches(one_trial), spec)
        assert bool(data.comparison["curves"]["cnn"]["seconds"]["expected"]) == drawn
        assert ("random orders" in anytime(data).pictures[0].note) == drawn


def test_at_rungs_no_order_of_trials_is_chance(one_trial: OneTrial, spec: dict[str, Any]) -> None:
    # A trial at a higher rung follows from those below it, whoever drew the configuration.
    spec |= {"sampler": {"name": "random"}, "fidelity": {"strategy": "hyperband"}}
    data = report(two_searches(one_trial), spec)
    assert not data.comparison["any_order"]
    assert data.comparison["curves"]["cnn"]["seconds"]["expected"] == []
    note = anytime(data).pictures[0].note
    assert "Only the best of a rung go on" in note
    assert "The sampler learns" not in note


def test_what_more_epochs_brought_is_not_called_tuning(
    one_trial: OneTrial, spec: dict[str, Any]
) -> None:
    # The best of both went up a rung; of the defaults the cnn's alone did.
    records = []
    for record in two_searches(one_trial):
        above = record.number == 2 or (record.architecture, record.number) == ("cnn", 0)
        records.append(dataclasses.replace(record, rung=int(above)))
    spec["fidelity"] = {"strategy": "asha"}
    data = report(records, spec)
    tuned = data.comparison["tuning"]
    assert list(tuned["moves"]) == ["cnn"]
    assert tuned["left_out"] == {
        "xception": "its default or its best was trained to another rung than the study's best"
    }
    assert data.summary[0].endswith(
        " xception is left out, as its default or its best was trained to another rung than the "
        "study's best."
    )
    rung = next(iter(tuned["left_out"].values()))
    tuned["left_out"] = {"a": "no accuracy", "b": "no accuracy", "c": rung, "d": rung}
    assert answer_sentence(data.comparison, data.facts, data.objective).endswith(
        " a and b are left out, as they have no accuracy. c and d are left out, as the default or "
        "the best of each was trained to another rung than the study's best."
    )


def test_the_note_counts_what_the_report_reads(one_trial: OneTrial, spec: dict[str, Any]) -> None:
    # Attempts that were lost are not among the trials of a report.
    note = anytime(report(two_searches(one_trial), spec)).pictures[0].note
    assert "pruned and failed ones cost, too; attempts that were lost are not counted." in note


def test_beyond_the_smallest_common_budget_lines_are_dotted(
    one_trial: OneTrial, spec: dict[str, Any]
) -> None:
    records = [r for r in two_searches(one_trial) if r.architecture == "cnn" or r.number < 3]
    data = report(records, spec)
    common = data.comparison["equal"]["common"]["epochs"]
    # The share of one answer, which is no architecture's, holds for any budget.
    lines = [t for t in anytime(data).pictures[1].figure.data if t.name and t.line.width and t.meta]
    assert lines
    for trace in lines:
        beyond = [x for x in trace.x if x > common]
        assert bool(beyond) == (trace.line.dash == "dot")


def test_models_that_a_cheaper_one_beats_are_faint(
    one_trial: OneTrial, spec: dict[str, Any]
) -> None:
    records = [
        dataclasses.replace(r, seconds=seconds)
        for r, seconds in zip(two_searches(one_trial)[:3], (10.0, 20.0, 15.0), strict=True)
    ]
    data = report(records, spec)
    (time, size) = cost(data).pictures
    front = {m["number"]: m["front"] for m in data.comparison["models"]}
    # 50 % for 10 s, 52 % for 20 s, 60 % for 15 s, all of one size.
    assert front == {0: ["seconds"], 1: [], 2: ["seconds", "parameters"]}
    assert [len(t.x) for t in time.figure.data if t.legendgroup == "cnn"] == [1, 2]
    assert "n = 3 complete trials, 2 of them on the front" in time.note
    assert size.label == "parameters"


def test_a_report_of_before_is_completed_from_its_rows() -> None:
    source = Path(__file__).parents[3] / "reports" / "two-cores" / "study.json"
    recorded = load_data(source)
    older = dataclasses.replace(
        recorded,
        comparison={},
        summary=[s for s in recorded.summary if not s.startswith("Tuning or architecture")],
        caveats=[c for c in recorded.caveats if "equal budgets" not in c],
    )
    assert [anytime(older).pictures, cost(older).pictures, shares(older).pictures] == [[], [], []]
    data = completed(older)
    assert data.summary[0].startswith("Tuning or architecture? With 6 trials each")
    assert "tuning within the architecture (in cnn by hand) brought 28 % [" in data.summary[0]
    assert "independent samples of n = 3,589" in data.summary[0]
    assert "cnn 8, resnet50 6, xception 6" in data.caveats[-1]
    assert [len(section(data).pictures) for section in (anytime, cost, shares)] == [3, 2, 1]
    told = shares(data).pictures[0]
    assert (
        "in all, and nothing of it by tuning, as no trial did better than the default" in told.note
    )
    assert "cnn, from 41.9 %: tuning +10.3 [+8.0, +12.6] points" in told.words
    (line,) = told.figure.layout.shapes
    assert line.x0 == pytest.approx(24.9, abs=0.05)
    assert told.figure.layout.xaxis.range[0] < line.x0
    assert told.words.endswith("A line at 24.9: always 'happy'.")
    time, _, equal = anytime(data).pictures
    assert (
        "Bands at the end: cnn 50.6 to 53.8, resnet50 29.4 to 32.4, xception 34.2 to 37.4 %. A "
        "line at 24.9" in time.words
    )
    assert "cnn: 6 trials 52.19 % [50.55, 53.82]" in equal.words
    # Where every default does far better, the line is told in place of drawn.
    data.majority["rate"] = 0.02
    (told,) = shares(data).pictures
    assert not told.figure.layout.shapes
    assert told.note.endswith(
        "\nAlways answering 'happy' would score 2.0 %, far from what is drawn."
    )
    assert completed(data) is data


def test_beside_the_thesis_stand_interval_number_budget_data_and_conditions() -> None:
    source = Path(__file__).parents[3] / "reports" / "two-cores" / "study.json"
    told = {r["label"]: r for r in thesis_rows(load_data(source))}
    assert told["cnn"]["our_interval"] == "50.6 – 53.8"
    assert (told["cnn"]["our_n"], told["cnn"]["our_train"]) == ("3,589", "6,000")
    assert told["resnet50"]["our_trials"] == "6"
    assert "224 px, weights imagenet; ours: 48 px, weights none" in told["resnet50"]["note"]
    assert "px" not in told["cnn"]["note"]
    assert "its cnn" not in told["cnn"]["note"]


def test_the_thesis_s_run_beside_a_label_of_the_study_s_own_is_named(
    one_trial: OneTrial, spec: dict[str, Any]
) -> None:
    spec["architectures"] = {"mine": {"architecture": "cnn"}}
    trial = dataclasses.replace(one_trial(), architecture="mine")
    data = compute([trial], spec, n_bootstrap=0)
    assert all(r["note"].startswith("thesis: its cnn") for r in thesis_rows(data))
    assert len(thesis_rows(data)) == 2


def test_one_architecture_is_compared_with_none(one_trial: OneTrial, spec: dict[str, Any]) -> None:
    spec["architectures"] = {"cnn": {"architecture": "cnn"}}
    data = compute(two_searches(one_trial)[:6], spec, n_bootstrap=0)
    assert not any(s.startswith("Tuning or architecture") for s in data.summary)
    assert shares(data).pictures == []
    assert "one architecture" in shares(data).empty
    assert [p.label for p in anytime(data).pictures] == ["time", "epochs"]
