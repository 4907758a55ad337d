"""The page of a study that searched for the lowest validation loss: what is better is lower."""

from __future__ import annotations

from typing import Any

import pytest

from hpo.reports.compute import compute
from hpo.reports.data import ReportData
from hpo.reports.draw import anytime, curves, gain, history, shares, slices
from hpo.reports.draw.section import sections
from hpo.reports.gain_sentences import gain_sentence, sampler_sentence
from hpo.reports.page import page
from tests.unit.reports.conftest import by_loss, loss_spec, study_records, study_spec


def told(*architectures: str) -> ReportData:
    records = by_loss(study_records(architectures, trials=24))
    return compute(records, loss_spec(architectures), n_bootstrap=0)


@pytest.fixture(scope="module")
def data() -> ReportData:
    return told("cnn", "xception")


def test_hints_point_to_the_lower_end(data: ReportData) -> None:
    hints = " ".join(section.look_for for section in sections(data).values())
    for word in ("lowest at the vertical line", "still falling", "at the top", "lower edge"):
        assert word in hints
    for word in ("highest", "rising", "at the foot", "upper edge", "bands overlap"):
        assert word not in hints


def test_hints_of_an_accuracy_point_to_the_upper_end() -> None:
    better = {"direction": "maximize", "name": "val_accuracy"}
    assert "highest" in anytime.look_for(better)
    assert "bands apart" in anytime.look_for(better)
    # Of a single architecture nothing is to be compared.
    assert "vertical line" not in anytime.look_for(better, 1)
    assert "rising" in history.look_for(better)
    assert "foot" in history.look_for(better)
    assert "upper edge" in slices.look_for(better)


def test_a_failed_trial_lies_beyond_the_worst_and_has_no_value_in_words(data: ReportData) -> None:
    (picture,) = history.section(data).pictures
    failed = [t for t in picture.figure.data if (t.name or "").endswith("failed")]
    values = [v for t in picture.figure.data for v in t.y if t not in failed]
    assert failed
    assert all(y > max(values) for trace in failed for y in trace.y)
    assert "failed and without a value: trial" in picture.words
    assert "failed: " not in picture.words


def test_pruned_curves_are_of_what_the_pruner_looked_at(data: ReportData) -> None:
    picture = next(p for p in curves.section(data).pictures if p.label == "pruned")
    assert picture.figure.layout.yaxis.title.text == "validation loss [nats]"
    pruned = next(t for t in picture.figure.data if "pruned" in t.name)
    stopped = next(t for t in data.trials_of("cnn", "pruned") if t["curves"])
    assert list(pruned.y) == pytest.approx(stopped["curves"]["val_loss"])


def test_accuracies_are_told_as_those_of_trials_chosen_by_loss(data: ReportData) -> None:
    said = " ".join(data.summary)
    assert (
        "the validation accuracy of the best result, chosen by the lowest validation loss" in said
    )
    bests = [entry["best"]["value"] for entry in data.architectures]
    away = f"a validation loss of {bests[1]:.4g}, {bests[1] - bests[0]:.4g} above cnn"
    assert f"The next architecture, xception, reached {away} as far as single runs tell" in said
    assert "in validation loss, of which lower is better" in said
    for section in (gain, shares):
        assert (
            "Bests were chosen by the lowest validation loss"
            in section.section(data).pictures[0].note
        )
    assert "selected by its validation loss" in page(data)


def test_accuracies_stand_beside_that_of_one_answer_where_it_was_not_beaten() -> None:
    data = told("cnn")
    (entry,) = data.architectures
    low = entry | {"against_majority": "contains", "baseline_against_majority": "below"}
    said = gain_sentence(low, data.objective, {"label": "happy", "rate": 0.25})
    first, second = (entry["gain"]["baseline"], entry["best"])
    assert (
        "; neither of the two was shown to do better than always answering 'happy' (25.0 %), with "
        f"validation accuracies of {100 * first['interval']['point']:.1f} % ["
    ) in said
    assert f" and {100 * second['interval']['point']:.1f} % [" in said


def test_what_tuning_changed_in_one_architecture_is_told_in_loss_first() -> None:
    data = told("cnn")
    (entry,) = data.architectures
    said = gain_sentence(entry, data.objective)
    base, value = entry["gain"]["baseline"]["value"], entry["gain"]["value"]
    assert value < 0
    assert f"reached a validation loss of {base:.4g}; against it tuning changed" in said
    assert f"validation loss by {value:+.4g} (lower is better; single runs, without" in said
    assert ", and validation accuracy by +" in said


def test_a_sampler_that_did_worse_is_set_beside_the_best(data: ReportData) -> None:
    entry: dict[str, Any] = dict(data.architectures[0])
    best = {**entry["best"], "origin": "enqueued", "number": 99, "value": 0.5}
    said = sampler_sentence({**entry, "best": best}, data.objective)
    assert "beside 0.5 of trial 99, the best of cnn: against the thesis's own" in said
    assert "it changed validation loss by " in said


def test_a_way_that_loses_accuracy_is_no_gain_that_cannot_be_told() -> None:
    from hpo.reports.comparison_sentences import answer_sentence

    data = told("cnn", "xception")
    made = dict(data.comparison)
    lost = {"point": -0.05, "low": -0.07, "high": -0.03, "level": 0.95, "n": 3589}
    made["tuning"] = {**made["tuning"], "mean_whole": lost, "mean_share": None}
    said = answer_sentence(made, data.facts, data.objective)
    assert "5.0 points [3.0, 7.0] below the thesis's configuration of cnn" in said
    assert "accuracy was lost on the way" in said
    assert "do not tell from nothing" not in said
    made["tuning"]["mean_whole"] = {**lost, "high": 0.01}
    said = answer_sentence(made, data.facts, data.objective)
    assert "nor the choice of architecture was shown to matter to accuracy" in said


def test_shares_beyond_the_whole_are_explained() -> None:
    from hpo.reports.comparison_sentences import answer_sentence, beyond

    wide = {"point": 0.9, "low": 0.51, "high": 1.56, "level": 0.95, "n": 300}
    lost = {**wide, "low": -0.2, "high": 0.95}
    assert "over 100 %" in beyond([wide, None])
    assert beyond([lost]) == "a share under 0 % says that tuning may have lost"
    assert ", and one under 0 %" in beyond([wide, lost])
    assert beyond([{**wide, "high": 1.0}, None]) == ""
    data = compute(study_records(("cnn", "xception"), trials=9), study_spec(), n_bootstrap=0)
    made = {**data.comparison, "tuning": {**data.comparison["tuning"], "mean_share": wide}}
    said = answer_sentence(made, data.facts, data.objective)
    assert "brought 90 % [51, 156] of that" in said
    assert "A share over 100 % says that an architecture's own best may be better" in said


def test_the_bars_of_tuning_are_told_in_points(data: ReportData) -> None:
    (picture,) = shares.section(data).pictures
    assert "differences in points" in picture.words
    for label, move in data.comparison["tuning"]["moves"].items():
        assert f"{label}, from " in picture.words
        assert f"tuning {100 * move['tuning']['point']:+.1f} [" in picture.words
    assert "tuning cnn" not in picture.words
