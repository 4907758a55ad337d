"""Whose gain it is, and what else changed between the thesis's trial and the one beside it."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from typing import Any

import pytest

from hpo.reports.baselines import MOST_NAMED, baselines_phrase
from hpo.reports.compute import compute
from hpo.reports.data import ReportData
from hpo.reports.draw import gain
from hpo.reports.gain_sentences import changes, gain_notes, gain_sentence, sampler_sentence
from hpo.reports.gains import unsearched_differences
from hpo.reports.made import made_list
from hpo.reports.page import page
from hpo.reports.selection_sentences import lucky_shares, selection_sentence
from hpo.reports.several_gains import gains_sentence
from hpo.reports.thesis import departures
from hpo.spec.records import TrialRecord

OneTrial = Callable[..., TrialRecord]


def reaching(trial: TrialRecord, accuracy: float, **params: Any) -> TrialRecord:
    """The trial with this accuracy, and with parameters beside the space."""
    assert trial.result is not None
    metrics = {"val_accuracy": accuracy, "val_loss": 1.0}
    result = dataclasses.replace(trial.result, metrics=metrics)
    return dataclasses.replace(
        trial, value=accuracy, result=result, params={**trial.params, **params}
    )


def study(one_trial: OneTrial, spec: dict[str, Any]) -> ReportData:
    """The thesis's trial, a better one written by hand, and one that the sampler drew."""
    spec["architectures"] = {"cnn": {"architecture": "cnn"}}
    thesis = reaching(one_trial(thesis=True), 0.42, channels=3, preprocessing="rescale")
    rest = {"channels": 1, "preprocessing": "own"}
    hand = dataclasses.replace(reaching(one_trial(number=1), 0.52, **rest), origin="enqueued")
    return compute([thesis, hand, reaching(one_trial(number=2), 0.48, **rest)], spec, n_bootstrap=0)


BESIDE = "Beside the searched parameters channels 3→1 and preprocessing rescale→own differ too"


def test_parameters_that_nobody_searched_are_named_beside_every_gain(
    one_trial: OneTrial, spec: dict[str, Any]
) -> None:
    data = study(one_trial, spec)
    (entry,) = data.architectures
    named = [(d["name"], d["first"], d["second"]) for d in entry["gain"]["unsearched"]]
    assert named == [("channels", 3, 1), ("preprocessing", "rescale", "own")]
    assert entry["sampler"]["gain"]["unsearched"] == entry["gain"]["unsearched"]
    gains = [s for s in data.summary if " points (Newcombe's 95 %" in s]
    assert len(gains) == 2
    assert all(BESIDE in sentence for sentence in gains)
    (picture,) = gain.section(data).pictures
    assert picture.note.count(BESIDE) == 2
    gained = [a.text for a in picture.figure.layout.annotations if a.name]
    assert len(gained) == 2
    assert all(text.endswith("*") for text in gained)
    assert BESIDE in page(data)


def test_a_winner_written_by_hand_is_not_credited_to_the_search(
    one_trial: OneTrial, spec: dict[str, Any]
) -> None:
    data = study(one_trial, spec)
    (entry,) = data.architectures
    assert entry["best"]["origin"] == "enqueued"
    assert "trial 1 of cnn, enqueued by hand and not found by the search" in data.summary[0]
    assert not any("tuning gained" in sentence for sentence in data.summary)
    (own,) = [s for s in data.summary if "the sampler itself drew" in s]
    assert "trial 2, with 48.00 %" in own
    assert "+6.0 points" in own


def test_one_sentence_tells_the_gain_of_every_architecture_with_its_interval(
    one_trial: OneTrial, spec: dict[str, Any]
) -> None:
    def pair(label: str, first: float, second: float, **beside: Any) -> list[TrialRecord]:
        return [
            reaching(one_trial(label, thesis=True), first),
            reaching(one_trial(label, number=1), second, **beside),
        ]

    hand = dataclasses.replace(reaching(one_trial("cnn", number=2), 0.6), origin="enqueued")
    alone = reaching(one_trial("xception", number=1), 0.2)
    trials = [*pair("cnn", 0.5, 0.52), hand, *pair("resnet50", 0.4, 0.39, channels=1), alone]
    data = compute(trials, spec, n_bootstrap=0)
    (said,) = [s for s in data.summary if "tuning gained" in s]
    assert said.startswith(
        "What tuning gained over the thesis's configuration as changed here (resnet50: dropout "
        "0.25), in points of validation accuracy: cnn +10.0 [+7.7, +12.3], enqueued by hand and "
        "not found by the search (the sampler's own best +2.0 [-0.3, +4.3]); resnet50 nothing (the "
        "sampler's own best -1.0 [-3.3, +1.3]*); xception unknown (that configuration was not run)."
    )
    only = "n = 3,589 validation faces each, and only that of cnn is distinguishable from nothing."
    assert only in said
    assert "In resnet50 more differs than what was searched (*)" in said
    close = compute([*pair("cnn", 0.5, 0.51), *pair("resnet50", 0.4, 0.39)], spec, n_bootstrap=0)
    assert any("none of them is distinguishable from nothing" in s for s in close.summary)


@pytest.mark.parametrize("labels", [("cnn",), ("cnn", "xception")])
def test_a_gain_over_a_trial_that_breaks_a_constraint_says_so(
    labels: tuple[str, ...], one_trial: OneTrial, spec: dict[str, Any]
) -> None:
    spec["architectures"] = {label: {"architecture": label} for label in labels}
    trials = [
        reaching(one_trial(label, n, thesis=not n), (0.5, 0.52)[n])
        for label in labels
        for n in (0, 1)
    ]
    told = "rial 0 breaks the constraint on size_mib, which the best trial keeps, so the two are"
    for excess in (0.5, -0.5):
        broken = dataclasses.replace(trials[0], excess={"size_mib": excess})
        data = compute([broken, *trials[1:]], spec, n_bootstrap=0)
        (gained,) = [s for s in data.summary if "tuning gained" in s.replace("What t", "t")]
        whose = "In cnn t" if labels[1:] else " T"
        assert gained.count(whose + told) == (1 if excess > 0 else 0)
        notes = " ".join(gain_notes(data.architectures[0], data.objective))
        assert notes.count(told) == (1 if excess > 0 else 0)


def test_a_loss_is_told_as_a_loss() -> None:
    change = {"point": -0.067, "low": -0.129, "high": -0.004, "n": 300, "paired": True}
    chosen = {
        "trials": 3,
        "optimism": 0.016,
        "accuracy": {"point": -0.083, "low": -0.145, "high": -0.02},
        "resamples": 500,
        "n": 300,
    }
    assert selection_sentence({"accuracy": change, "selection": chosen}).startswith(
        "That loss looks about 1.6 points smaller than it is, for having chosen the best of 3 "
        "trials on these faces; with them it is -8.3 [-14.5, -2.0]"
    )
    tied = {**change, "point": 0.0, "low": -0.01, "high": 0.01}
    assert selection_sentence({"accuracy": tied, "selection": chosen}).startswith(
        "Even that looks about 1.6 points better than it is, for having chosen the best of 3 "
    )
    gained = {**change, "point": 0.067, "low": 0.004, "high": 0.129}
    said = selection_sentence({"accuracy": gained, "selection": chosen})
    assert said.startswith(
        "About 1.6 points of the gain are due to having chosen the best of 3 trials"
    )
    # The verdict is of what is left, and stands nowhere else.
    assert "less these it is" in said
    assert "distinguishable" not in said
    kind = {**chosen, "optimism": -0.003}
    assert selection_sentence({"accuracy": gained, "selection": kind}) == (
        "No part of the gain was seen to be due to having chosen the best of 3 trials on these "
        "faces."
    )
    unmoved = {**chosen, "optimism": 0.0002}
    assert selection_sentence({"accuracy": change, "selection": unmoved}) == ""
    interval = {"point": 0.183, "low": 0.144, "high": 0.231, "n": 300, "level": 0.95}
    drawn = {"number": 2, "value": 0.183, "interval": interval}
    gain = {"accuracy": change, "value": -0.067}
    entry = {
        "label": "cnn",
        "best": {"origin": "thesis", "number": 0, "value": 0.25},
        "sampler": {"best": drawn, "gain": gain},
    }
    objective = {"name": "val_accuracy", "label": "validation accuracy", "percent": True}
    said = sampler_sentence(entry, objective)
    assert said.endswith(
        ": against the thesis's own configuration -6.7 points (Newcombe's 95 % interval -12.9 to "
        "-0.4, paired over the same n = 300 validation faces), a loss."
    )
    entry["sampler"]["gain"] = {"accuracy": {**change, "high": 0.004}, "value": -0.067}
    assert sampler_sentence(entry, objective).endswith("not distinguishable from nothing.")


def test_where_the_sampler_won_its_best_is_said_once(
    one_trial: OneTrial, spec: dict[str, Any]
) -> None:
    trials = [reaching(one_trial(thesis=True), 0.4), reaching(one_trial(number=1), 0.5)]
    data = compute(trials, spec, n_bootstrap=0)
    assert "trial 1 of cnn, drawn by the sampler," in data.summary[0]
    assert not any("the sampler itself" in sentence for sentence in data.summary)
    assert not any("Beside the searched" in sentence for sentence in data.summary)


def test_a_sampler_that_completed_nothing_is_said(
    one_trial: OneTrial, spec: dict[str, Any]
) -> None:
    hand = dataclasses.replace(one_trial(number=1), origin="enqueued")
    data = compute([one_trial(number=2, state="pruned"), hand], spec, n_bootstrap=0)
    assert data.architectures[0]["sampler"] == {}
    assert "The sampler itself completed no trial in cnn." in data.summary


def test_what_the_search_decided_is_no_difference_beside_it(one_trial: OneTrial) -> None:
    # Momentum waits for sgd, so its default in a trial with adam is the search's doing too.
    adam, sgd = one_trial(number=1), one_trial(number=2)
    space = adam.space
    first = {"optimizer": "adam", "dropout": 0.1}
    second = {"optimizer": "sgd", "dropout": 0.3, "momentum": 0.7}
    one = dataclasses.replace(adam, params={**first, "momentum": 0.9}, searched=first, space=space)
    two = dataclasses.replace(sgd, params=second, searched=second, space=space)
    assert unsearched_differences(one, two) == []
    # A choice that the space lacks came from elsewhere, though the parameter is searched.
    odd = dataclasses.replace(
        one, params={**one.params, "activation": "tanh"}, searched=first, space=space
    )
    two = dataclasses.replace(
        two,
        params={**second, "activation": "relu"},
        searched={**second, "activation": "relu"},
    )
    assert [d["name"] for d in unsearched_differences(odd, two)] == ["activation"]


def test_of_two_architectures_only_what_both_have_and_neither_searched_is_compared(
    one_trial: OneTrial,
) -> None:
    cnn = dataclasses.replace(
        one_trial("cnn"),
        params={"width": 32, "patience": 10, "dense": 256},
        searched={"dense": 256},
        space={},
    )
    other = dataclasses.replace(
        one_trial("xception"), params={"patience": 7, "dense": 64}, searched={}, space={}
    )
    assert [d["name"] for d in unsearched_differences(cnn, other)] == ["patience"]


def test_how_many_dense_layers_there_are_of_none_is_no_difference(
    one_trial: OneTrial, spec: dict[str, Any]
) -> None:
    one, two = (
        dataclasses.replace(
            one_trial(number=k), params={"dense": 0, "dense_layers": n}, searched={}, space={}
        )
        for k, n in enumerate((1, 6))
    )
    assert unsearched_differences(one, two) == []
    some = dataclasses.replace(two, params={"dense": 64, "dense_layers": 6})
    assert [d["name"] for d in unsearched_differences(one, some)] == ["dense"]
    assert [d["name"] for d in departures("cnn", {"dense": 0, "dense_layers": 1})] == ["dense"]
    assert [d["name"] for d in departures("cnn", {"dense": 1024, "dense_layers": 1})] == [
        "dense_layers"
    ]


def test_many_differences_are_counted_not_listed() -> None:
    many = [{"name": f"p{k}", "first": 0.1 + 0.2, "second": None} for k in range(MOST_NAMED + 3)]
    text = changes(many)
    assert text.endswith(" and 3 more (all are in study.json)")
    assert text.startswith("p0 0.3→–, ")
    assert changes([]) == ""


def test_what_a_study_changed_in_the_thesis_configuration_is_named_where_the_gain_is_told(
    one_trial: OneTrial, spec: dict[str, Any]
) -> None:
    own = reaching(one_trial(thesis=True), 0.5)
    own = dataclasses.replace(own, params=own.params | {"dropout": 0.25, "learning_rate": 1e-3})
    better = reaching(one_trial(number=1), 0.6)
    said = " ".join(compute([own, better], spec, n_bootstrap=0).summary)
    assert "The thesis's own configuration of cnn, trial 0, reached" in said
    params = own.params | {"width": 16, "dense": 64, "epochs": 3}
    changed = compute([dataclasses.replace(own, params=params), better], spec, n_bootstrap=0)
    entry = next(e for e in changed.architectures if e["label"] == "cnn")
    assert [(d["name"], d["thesis"], d["here"]) for d in entry["departures"]] == [
        ("epochs", 100, 3),
        ("width", 32, 16),
        ("dense", 1024, 64),
    ]
    said = " ".join(changed.summary)
    assert (
        "The thesis's configuration of cnn with this study's epochs 3, width 16 and dense 64"
        in said
    )
    assert "thesis's own" not in said
    (picture,) = gain.section(changed).pictures
    assert "epochs 3, width 16 and dense 64" in picture.note


def test_a_default_that_was_moved_into_the_space_is_not_told_as_the_default(
    one_trial: OneTrial, spec: dict[str, Any]
) -> None:
    own = dataclasses.replace(reaching(one_trial(), 0.5), origin="default")
    better = reaching(one_trial(number=1), 0.6)
    said = " ".join(compute([own, better], spec, n_bootstrap=0).summary)
    assert "The default configuration of cnn, trial 0, reached" in said
    params = {**own.params, "width": 8}
    moved = dataclasses.replace(own, params=params, moved={"width": 32})
    changed = compute([moved, better], spec, n_bootstrap=0)
    entry = next(e for e in changed.architectures if e["label"] == "cnn")
    assert entry["departures"] == [{"name": "width", "default": 32, "here": 8}]
    said = " ".join(changed.summary)
    told = "(width 32 → 8, the space's nearest)"
    assert f"The default configuration of cnn {told}, trial 0, reached" in said
    (picture,) = gain.section(changed).pictures
    assert f"cnn: trial 0 is the default configuration {told}." in picture.note
    best = compute([moved], spec, n_bootstrap=0)
    rows = dict(made_list(best))
    assert rows["Best of cnn"].startswith(f"trial 0, the default configuration {told}: ")


def test_moved_defaults_are_named_beside_several_baselines() -> None:
    moved = {
        "baseline": "default",
        "departures": [{"name": "width", "default": 32, "here": 8}],
    }
    plain = {"baseline": "default", "departures": []}
    nearest = "width 32 → 8, the space's nearest"
    assert baselines_phrase({"a": plain, "b": plain}) == "the default configuration"
    changed = "the default configuration as changed here"
    assert baselines_phrase({"a": moved, "b": plain}) == changed
    assert baselines_phrase({"a": moved, "b": plain}, named=True) == f"{changed} (a: {nearest})"
    thesis = {"baseline": "thesis", "departures": []}
    own = "the thesis's own configuration (in a the default configuration"
    assert baselines_phrase({"a": moved, "b": thesis}) == f"{own} as changed here)"
    named = baselines_phrase({"a": moved, "b": thesis}, named=True)
    assert named == f"{own}; a: {nearest})"


def test_a_gain_between_two_that_have_not_learned_is_told_as_that(
    one_trial: OneTrial, spec: dict[str, Any]
) -> None:
    def said(first: float, second: float) -> str:
        trials = [
            reaching(one_trial(thesis=True), first),
            reaching(one_trial(number=1), second),
        ]
        (found,) = [s for s in compute(trials, spec, n_bootstrap=0).summary if "gained" in s]
        return found

    told = "shown to do better than always answering 'happy' (24.9 %)"
    assert f"; neither of the two was {told}." in said(0.2, 0.25)
    assert "always answering" not in said(0.2, 0.3)
    assert f"; it was not {told}." in said(0.25, 0.24)
    several = [
        reaching(one_trial(label, number=k, thesis=not k), 0.2 + 0.02 * k)
        for label in ("cnn", "resnet50")
        for k in (0, 1)
    ]
    (found,) = [s for s in compute(several, spec, n_bootstrap=0).summary if "gained" in s]
    assert f"In cnn and resnet50 not even the best was {told}." in found


def test_the_verdict_on_a_gain_is_of_what_the_luck_of_the_choice_leaves() -> None:
    change = {"point": 0.05, "low": 0.003, "high": 0.097, "n": 400, "paired": True}
    left = {"point": 0.03, "low": -0.017, "high": 0.077}
    chosen = {"trials": 4, "optimism": 0.02, "accuracy": left, "resamples": 500, "n": 400}
    interval = {"point": 0.3, "low": 0.25, "high": 0.35, "n": 400, "level": 0.95}
    base = {"number": 0, "value": 0.25, "interval": interval}
    entry = {
        "label": "cnn",
        "best": {"origin": "sampler", "number": 1, "value": 0.3},
        "gain": {
            "baseline": base,
            "same_trial": False,
            "value": 0.05,
            "accuracy": change,
            "selection": chosen,
        },
        "against_majority": "above",
        "counts": {"complete": 4},
    }
    objective = {"name": "val_accuracy", "label": "validation accuracy", "percent": True}
    said = gain_sentence(entry, objective)
    assert said.count("distinguishable from nothing") == 1
    assert said.endswith("moved down), which is not distinguishable from nothing.")
    short = gains_sentence([entry, entry | {"label": "xception"}], objective)
    assert "no gain is then distinguishable from nothing." in short
    assert "none of them" not in short
    real = chosen | {"accuracy": {"point": 0.04, "low": 0.01, "high": 0.07}}
    other = entry | {"label": "xception", "gain": entry["gain"] | {"selection": real}}
    short = gains_sentence([entry, other], objective)
    assert "what is left is distinguishable from nothing in xception alone." in short


def test_a_loss_is_told_as_one_and_no_architecture_is_passed_over() -> None:
    def entry(label: str, trials: int, *lost: float) -> dict[str, Any]:
        change = dict(zip(("point", "low", "high"), lost, strict=True))
        luck = {
            "trials": trials,
            "optimism": 0.014,
            "accuracy": {k: v - 0.014 for k, v in change.items()},
        }
        return {
            "label": label,
            "gain": {"same_trial": False, "accuracy": change, "selection": luck},
        }

    cnn, wide = entry("cnn", 3, -0.051, -0.09, -0.013), entry("wide", 1, -0.055, -0.096, -0.014)
    told = "cnn 1.4 points, by which its loss looks smaller, making it -6.5 [-10.4, -2.7]"
    said = lucky_shares([cnn, wide])
    assert f"these faces: {told}; wide none, as its one trial was not chosen (" in said
    assert said.endswith("the loss is distinguishable from nothing in cnn and wide.")
    assert lucky_shares([cnn]).endswith("that loss is distinguishable from nothing.")
    small = entry("small", 3, -0.01, -0.05, 0.03)
    assert lucky_shares([small]).endswith("that loss is then not distinguishable from nothing.")
    lucky = entry("lucky", 3, -0.008, -0.019, 0.004)
    assert lucky_shares([lucky]).endswith(
        "lucky shows no loss but by that luck, so none is claimed there."
    )
    assert lucky_shares([cnn, lucky]).endswith(
        "in cnn that loss is distinguishable from nothing; lucky shows no loss but by that luck, "
        "so none is claimed there."
    )
    known = lucky["gain"]["selection"] | {"resamples": 500, "n": 400}
    alone = selection_sentence(lucky["gain"] | {"selection": known})
    assert alone.endswith("moved down); as it is no loss but by that luck, none is claimed.")
    better = entry("better", 3, 0.05, 0.02, 0.08)
    assert lucky_shares([better, cnn]).endswith(
        "what is left is distinguishable from nothing in better and cnn, a loss in cnn."
    )
    wide["gain"]["selection"] = {}
    assert "; wide not known (" in lucky_shares([cnn, wide])
    assert lucky_shares([wide]) == ""


def test_tuning_gained_nothing_is_said_only_where_another_trial_came_to_its_end(
    one_trial: OneTrial, spec: dict[str, Any]
) -> None:
    base = reaching(one_trial(thesis=True), 0.5)
    pruned = [one_trial(number=k, state="pruned") for k in (1, 2, 3)]
    said = " ".join(compute([base, *pruned], spec, n_bootstrap=0).summary)
    assert "Tuning gained nothing" not in said
    assert "no trial was trained to its end (3 pruned)." in said
    beside = reaching(one_trial(number=4), 0.4)
    said = " ".join(compute([base, *pruned, beside], spec, n_bootstrap=0).summary)
    assert "Tuning gained nothing in cnn: none of 4 other trials" in said
