"""What a report says of studies whose truth is known."""

from __future__ import annotations

import dataclasses
import json
import math
from collections.abc import Callable
from typing import Any

import pytest

from hpo.registry.promotion import choose_winner
from hpo.reports.compute import compute
from hpo.reports.data import ReportData
from hpo.reports.draw.confusion import section as confusion
from hpo.reports.sentences import in_points, rung_caveats, signed
from hpo.reports.surface import FEWEST, GRID, surface
from hpo.reports.tables import result_rows
from hpo.spec.records import TrialRecord

Records = Callable[..., list[TrialRecord]]
OneTrial = Callable[..., TrialRecord]


def report(records: list[TrialRecord], spec: dict[str, Any]) -> ReportData:
    return compute(records, spec, n_bootstrap=0)


def entry(data: ReportData, label: str) -> dict[str, Any]:
    return next(e for e in data.architectures if e["label"] == label)


def test_the_best_complete_trial_carries_its_wilson_interval(
    records: Records, spec: dict[str, Any]
) -> None:
    study = records(trials=8)
    data = report(study, spec)
    best = entry(data, "cnn")["best"]
    values = [r.value for r in study if r.architecture == "cnn" and r.state == "complete"]
    assert best["value"] == pytest.approx(max(v for v in values if v is not None), rel=1e-5)
    assert best["interval"]["n"] == 3589
    assert best["interval"]["low"] < best["accuracy"] < best["interval"]["high"]
    (said,) = [s for s in data.summary if s.startswith("The best of ")]
    assert f"trial {best['number']} of cnn" in said
    assert "n = 3,589 validation faces" in said


def test_a_pruned_trial_never_wins(one_trial: OneTrial, spec: dict[str, Any]) -> None:
    lucky = dataclasses.replace(one_trial(number=1, state="pruned"), value=0.99)
    data = report([one_trial(), lucky], spec)
    assert entry(data, "cnn")["best"]["number"] == 0


@pytest.mark.parametrize("labels", [("cnn", "resnet50"), ("resnet50", "cnn")])
@pytest.mark.parametrize("numbers", [(3, 1), (1, 3), (2, 2)])
def test_of_equals_the_report_names_the_trial_that_would_be_promoted(
    one_trial: OneTrial, spec: dict[str, Any], labels: tuple[str, ...], numbers: tuple[int, int]
) -> None:
    tied = []
    for label, number in zip(labels, numbers, strict=True):
        trial = one_trial(label, number)
        assert trial.result is not None
        served = dataclasses.replace(trial.result, checkpoint="m.keras", checkpoint_sha256="c0")
        tied.append(dataclasses.replace(trial, value=0.6, result=served))
    spec["architectures"] = {label: {"architecture": label} for label in labels}
    winner = choose_winner(tied, "maximize")
    data = report(tied, spec)
    named = f"trial {winner.number} of {winner.architecture}"
    assert named in data.summary[0]
    pictures = confusion(data).pictures
    # In the order of the study file, as everywhere; the title says which is the search's best.
    assert [picture.label for picture in pictures] == list(labels)
    (title,) = [t for p in pictures if "(best of" in (t := p.figure.layout.title.text)]
    assert title.startswith(f"{winner.architecture} #{winner.number} (best of the search)")
    # But nothing tells the two apart, and it is said wherever one is named.
    (other,) = [t for t in tied if t is not winner]
    assert (
        f"Trial {other.number} of {other.architecture} came to exactly the same value: nothing "
        "tells them apart, and the first by number is named."
    ) in " ".join(data.summary)


def test_configurations_of_one_architecture_that_are_as_good_are_named(
    one_trial: OneTrial, spec: dict[str, Any]
) -> None:
    tied = [dataclasses.replace(one_trial(number=k), value=0.6) for k in range(8)]
    # One that took the first one's value is no other configuration, nor is a second attempt.
    tied[1] = dataclasses.replace(tied[1], repeats=0)
    tied[2] = dataclasses.replace(tied[2], slot=0)
    said = " ".join(report(tied, spec).summary)
    assert (
        "Trial 3 of cnn, trial 4 of cnn, trial 5 of cnn, trial 6 of cnn and 1 more came to exactly "
        "the same value"
    ) in said
    (line,) = [r for r in result_rows(report(tied, spec)) if r["label"] == "cnn"]
    assert line["remark"].endswith(
        "trials 3, 4, 5, 6 and 1 more came to exactly the same value as trial 0; the first by "
        "number is named"
    )
    apart = [dataclasses.replace(t, value=0.6 + t.number / 100) for t in tied]
    assert "exactly the same" not in " ".join(report(apart, spec).summary)


def test_a_loss_objective_is_minimised(one_trial: OneTrial, spec: dict[str, Any]) -> None:
    spec["objective"] = {"metric": "val_loss"}
    trials = [dataclasses.replace(one_trial(number=k), value=1.5 - 0.1 * k) for k in range(4)]
    data = report(trials, spec)
    assert data.objective["direction"] == "minimize"
    assert entry(data, "cnn")["best"]["number"] == 3
    assert "validation loss of 1.2" in data.summary[0]


def test_the_majority_rate_comes_from_the_validation_faces_and_names_who_is_not_above_it(
    one_trial: OneTrial, spec: dict[str, Any]
) -> None:
    good, poor = one_trial(), one_trial("xception")
    assert poor.result is not None
    low = dataclasses.replace(poor.result, metrics={"val_accuracy": 0.25, "val_loss": 1.8})
    data = report([good, dataclasses.replace(poor, value=0.25, result=low)], spec)
    assert data.majority["label"] == "happy"
    assert data.majority["rate"] == pytest.approx(895 / 3589, rel=1e-5)
    assert entry(data, "xception")["against_majority"] == "contains"
    assert entry(data, "cnn")["against_majority"] == "above"
    (named,) = [c for c in data.caveats if "not shown to have learned" in c]
    assert named.startswith("xception")
    assert "24.9 %" in named
    (next_one,) = [s for s in data.summary if s.startswith("The next architecture")]
    doubt = "; it was not shown to do better than always answering 'happy' (24.9 %)."
    assert doubt in next_one
    (best,) = [s for s in data.summary if s.startswith("The best of")]
    assert doubt not in best
    alone = report([dataclasses.replace(poor, value=0.25, result=low)], spec)
    assert f"validation faces){doubt} It is a single training run" in alone.summary[0]


def test_the_gain_is_over_the_thesis_configuration_with_an_interval(
    one_trial: OneTrial, spec: dict[str, Any]
) -> None:
    thesis, better = one_trial(thesis=True), one_trial(number=1)
    assert better.result is not None
    metrics = {"val_accuracy": 0.9, "val_loss": 0.3}
    better = dataclasses.replace(
        better, value=0.9, result=dataclasses.replace(better.result, metrics=metrics)
    )
    data = report([thesis, better], spec)
    gain = entry(data, "cnn")["gain"]
    assert gain["baseline"]["number"] == 0
    assert gain["accuracy"]["point"] == pytest.approx(0.9 - (thesis.value or 0), abs=1e-5)
    assert gain["accuracy"]["low"] < gain["accuracy"]["point"] < gain["accuracy"]["high"]
    assert any("tuning gained" in sentence for sentence in data.summary)


def test_without_the_thesis_configuration_the_gain_is_unknown_and_says_why(
    one_trial: OneTrial, spec: dict[str, Any]
) -> None:
    data = report([one_trial(number=1)], spec)
    assert entry(data, "cnn")["gain"] == {}
    assert any(
        "the study ran neither the thesis's own configuration of it nor" in s for s in data.summary
    )
    pruned = one_trial(thesis=True, state="pruned")
    data = report([pruned, one_trial(number=1)], spec)
    assert any("that trial is pruned" in s for s in data.summary)


def test_an_architecture_without_a_thesis_gains_over_its_defaults(
    one_trial: OneTrial, spec: dict[str, Any]
) -> None:
    default = dataclasses.replace(one_trial(), origin="default")
    better = dataclasses.replace(one_trial(number=1), value=0.9)
    data = report([default, better], spec)
    found = entry(data, "cnn")
    assert (found["baseline"], found["gain"]["baseline"]["number"]) == ("default", 0)
    said = " ".join(data.summary)
    assert "The default configuration of cnn, trial 0, reached" in said
    assert "thesis's own configuration" not in said
    # The thesis's is the baseline where both were run.
    both = report([default, dataclasses.replace(better, origin="thesis")], spec)
    assert entry(both, "cnn")["gain"]["baseline"]["number"] == 1
    pruned = one_trial(number=2, thesis=True, state="pruned")
    beside = entry(report([pruned, default, better], spec), "cnn")
    assert (beside["baseline"], beside["gain"]["baseline"]["number"]) == ("default", 0)


def test_the_thesis_beating_the_search_is_said(one_trial: OneTrial, spec: dict[str, Any]) -> None:
    thesis = one_trial(thesis=True)
    worse = dataclasses.replace(one_trial(number=1), value=0.2)
    said = report([thesis, worse], spec).summary
    assert any("gained nothing in cnn: the other trial did not do better" in s for s in said)


def test_the_thesis_alone_says_nothing_of_tuning(one_trial: OneTrial, spec: dict[str, Any]) -> None:
    said = report([one_trial(thesis=True)], spec).summary
    assert any(s.startswith("What tuning gains in cnn is unknown") for s in said)
    assert said[0].startswith("The study's only trial, trial 0 of cnn, the thesis's conf")


def test_every_figure_of_the_summary_has_its_interval_and_n(
    records: Records, spec: dict[str, Any]
) -> None:
    for sentence in compute(records(), spec, n_bootstrap=2).summary:
        assert "interval" in sentence
        assert "n = " in sentence


@pytest.mark.parametrize(
    ("points", "text"), [(2.34, "+2.3"), (-0.04, "0.0"), (0.04, "+0.0"), (-1.0, "-1.0")]
)
def test_a_difference_that_rounds_to_nothing_is_not_negative(points: float, text: str) -> None:
    assert signed(points) == text


@pytest.mark.parametrize("points", [2.25, 100 * (0.1675 - 0.145), 2.2500000000000004])
def test_half_a_tenth_of_a_point_reads_the_same_however_it_was_computed(points: float) -> None:
    assert signed(points) == "+2.3"
    assert signed(-points) == "-2.3"
    assert in_points(points) == "2.3"


def test_the_thesis_numbers_follow_the_catalogue_name_of_a_label(
    one_trial: OneTrial, spec: dict[str, Any]
) -> None:
    spec["architectures"] = {"small": {"architecture": "cnn"}, "mine": {"architecture": "m:b"}}
    data = report([one_trial("small"), one_trial("mine")], spec)
    assert {run["architecture"] for run in data.thesis} == {"cnn"}
    assert [(r["epochs"], r["accuracy"], r["loss"]) for r in data.thesis] == [
        (40, 0.6346, 0.98),
        (100, 0.6497, 0.95),
    ]


def test_other_data_than_the_thesis_is_said(one_trial: OneTrial, spec: dict[str, Any]) -> None:
    spec["data"] = {"dataset": "drawn-faces"}
    assert any("not FER-2013" in c for c in report([one_trial()], spec).caveats)


def test_unlike_conditions_between_architectures_are_said(
    records: Records, spec: dict[str, Any]
) -> None:
    caveats = report(records(trials=3, pruned_share=0, failed_share=0), spec).caveats
    assert any("training faces (cnn 6,000, resnet50 3,000" in c for c in caveats)


def test_architectures_that_overlap_are_not_told_apart(
    one_trial: OneTrial, spec: dict[str, Any]
) -> None:
    one = one_trial("cnn")
    twin = dataclasses.replace(one, architecture="resnet50")
    data = report([one, twin], spec)
    assert any("do not tell the two apart" in s for s in data.summary)


@pytest.mark.parametrize("states", [[], ["failed"] * 3, ["pruned"], ["running"]])
def test_a_study_without_a_complete_trial_says_so(
    one_trial: OneTrial, spec: dict[str, Any], states: list[str]
) -> None:
    data = report([one_trial(number=k, state=s) for k, s in enumerate(states)], spec)
    assert any(s.startswith("No result yet") for s in data.summary[:2])
    assert entry(data, "cnn")["best"] is None
    assert data.facts["trials"] == len(states)


def test_a_trial_that_just_began_has_neither_result_nor_epochs(spec: dict[str, Any]) -> None:
    waiting = TrialRecord("demo", "cnn", 0, "waiting", None, {}, {})
    running = TrialRecord("demo", "cnn", 1, "running", None, {"a": 1}, {"a": 1})
    data = report([waiting, running], spec)
    assert data.facts["counts"]["waiting"] == 1
    assert data.trials[1]["epochs_run"] == 0


def test_nan_and_infinity_become_null_and_the_json_is_strict(
    one_trial: OneTrial, spec: dict[str, Any]
) -> None:
    trial = one_trial(number=1)
    trial.epochs[0].metrics["val_loss"] = math.nan
    broken = dataclasses.replace(trial, value=math.inf, params={**trial.params, "x": math.nan})
    data = report([one_trial(), broken], spec)
    text = json.dumps(data.to_json(), allow_nan=False)
    assert "null" in text
    assert data.trials[1]["value"] is None
    assert data.trials[1]["curves"]["val_loss"][0] is None
    assert entry(data, "cnn")["best"]["number"] == 0


def test_few_trials_refuse_importance_with_the_number(
    one_trial: OneTrial, spec: dict[str, Any]
) -> None:
    data = report([one_trial()], spec)
    assert any("1 usable trial;" in s for s in data.summary)
    assert data.importance["cnn"]["fanova"]["parameters"] == []


def test_time_is_counted_by_architecture_and_state(records: Records, spec: dict[str, Any]) -> None:
    study = records(trials=6)
    data = report(study, spec)
    total = sum(r.seconds for r in study if r.architecture == "cnn")
    cnn = entry(data, "cnn")
    assert cnn["seconds"] == pytest.approx(total, abs=0.01)
    # Each state is rounded to hundredths of a second by itself.
    assert sum(cnn["seconds_by_state"].values()) == pytest.approx(total, abs=0.05)


def test_the_surface_is_smooth_near_trials_and_blank_far_from_them() -> None:
    from hpo.evidence.optuna_study import Observation

    # Trials on the diagonal only: the corners off it hold none.
    trials = [Observation(k / 20, {"x": k / 20, "y": k / 20}) for k in range(21)]
    drawn = surface(trials, ["x", "y"], {})
    assert len(drawn["grid"]) == len(drawn["grid"][0]) == GRID
    assert drawn["grid"][0][-1] is None
    # The mean at the middle of a linear ramp is its middle; the kernel is symmetric there.
    middle = drawn["grid"][GRID // 2][GRID // 2]
    assert middle == pytest.approx(0.5, abs=0.05)
    assert surface(trials[: FEWEST - 1], ["x", "y"], {})["grid"] == []
    choices = {"x": {"choices": ["a", "b"]}}
    assert surface(trials, ["x", "y"], choices)["grid"] == []


def test_rungs_say_what_was_compared_among_which_trials() -> None:
    unknown = {"lower": 1, "upper": 2, "pairs": 1, "measured": None, "corrected": None}
    (said,) = rung_caveats([{"label": "cnn", "rungs": [unknown]}, {"label": "xception"}])
    assert said.startswith("Which configurations go on was decided among trials of one rung alone.")
    assert "best of all rungs (of equals the one at the highest)" in said
    known = dict(unknown, pairs=6, measured=0.5, corrected=0.6)
    first, second = rung_caveats([{"label": "cnn", "rungs": [known]}])
    assert first.startswith("cnn: the rank correlation between 1 and 2 epochs is 0.60")
    assert second == said
    assert not rung_caveats([{"label": "cnn", "rungs": []}])
    assert "to go by" not in first
    assert "stopped" not in first
    first, _ = rung_caveats([{"label": "cnn", "rungs": [known]}], 0.7)
    assert first.endswith("under 0.7, so that nothing was stopped after 1 epoch any more.")
    first, _ = rung_caveats([{"label": "cnn", "rungs": [dict(known, pairs=2)]}], 0.7)
    assert first.endswith("n = 2), of too few pairs to go by.")
