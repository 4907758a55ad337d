"""What re-runs over seeds say of a gain stands beside it, and takes the verdict."""

from __future__ import annotations

from typing import Any

from hpo.reports.beside_answer import beside_answer, lucky_tuning
from hpo.reports.confirmed_gains import (
    confirmed_clause,
    confirmed_clauses,
    confirmed_gain,
    tuning_over_seeds,
)
from hpo.reports.gain_sentences import gain_notes, gain_sentence
from hpo.reports.several_gains import gains_sentence

OBJECTIVE = {"name": "val_accuracy", "label": "validation accuracy", "percent": True}


def interval(point: float, half: float) -> dict[str, Any]:
    return {"point": point, "low": point - half, "high": point + half, "level": 0.95, "n": 500}


def architecture(best: int = 3, **more: Any) -> dict[str, Any]:
    """An architecture whose default, trial 0, the search saw beaten by two points."""
    return {
        "label": "cnn",
        "baseline": "default",
        "best": {"origin": "sampler", "number": best, "value": 0.21},
        "gain": {
            "baseline": {"number": 0, "value": 0.19, "interval": interval(0.19, 0.03)},
            "same_trial": best == 0,
            "value": 0.02,
            "accuracy": interval(0.02, 0.01) | {"paired": True},
        },
        "against_majority": "above",
        "counts": {"complete": 4},
        **more,
    }


def candidate(number: int, mean: float, behind: dict[str, Any] | None) -> dict[str, Any]:
    return {
        "label": f"cnn-{number}",
        "architecture": "cnn",
        "number": number,
        "values": [mean] * (5 if behind is None else 3),
        "mean": interval(mean, 0.03),
        "behind": behind,
    }


def confirmation(chosen: int, *candidates: dict[str, Any], **more: Any) -> dict[str, Any]:
    facts = {
        "objective": "val_accuracy",
        "direction": "maximize",
        "over": True,
        "level": 0.95,
        "winner": f"cnn-{chosen}",
        "candidates": list(candidates),
        **more,
    }
    return {"facts": facts}


REFUTED = confirmation(0, candidate(3, 0.11, interval(0.075, 0.045)), candidate(0, 0.185, None))
OVER_SEEDS = "over seeds, which decide, cnn #3 against cnn #0 comes to -7.5 points [-12.0, -3.0]"


def test_a_gain_that_the_seeds_refute_is_told_as_a_loss_in_the_same_breath() -> None:
    said = gain_sentence(architecture(), OBJECTIVE, None, REFUTED)
    assert "tuning gained +2.0 points (Newcombe's 95 % interval +1.0 to +3.0" in said
    assert said.endswith(f"; {OVER_SEEDS} (95 % bootstrap interval, 3 runs against 5), a loss.")
    (note,) = gain_notes(architecture(), OBJECTIVE, REFUTED)[:1]
    assert note.startswith(f"cnn: {OVER_SEEDS}")
    assert note.endswith("a loss. What is drawn are the search's single runs.")
    other = architecture(label="xception")
    several = gains_sentence([architecture(), other], OBJECTIVE, None, REFUTED)
    assert f"xception +2.0 [+1.0, +3.0]; cnn: {OVER_SEEDS}" in several
    assert " The brackets of single runs are Newcombe's" in several


def test_a_gain_over_seeds_is_that_of_what_the_confirmation_chose() -> None:
    chosen = confirmation(4, candidate(4, 0.25, None), candidate(0, 0.2, interval(0.05, 0.02)))
    for best in (3, 0):
        said = confirmed_clause(architecture(best), chosen)
        assert "cnn #4 against cnn #0 comes to +5.0 points [+3.0, +7.0]" in said
        assert said.endswith("5 runs against 3), a gain")


def test_without_the_default_among_the_re_runs_the_gain_is_by_single_runs() -> None:
    alone = confirmation(3, candidate(3, 0.21, None))
    assert confirmed_gain(architecture(), alone) is None
    assert confirmed_clause(architecture(), alone) == (
        "; the gain is by the search's single runs, as the default configuration, trial 0, was "
        "not run again over seeds"
    )
    assert confirmed_clause(architecture(label="xception"), alone) == ""
    assert confirmed_clause(architecture(), {}) == ""
    assert confirmed_clause(architecture(), confirmation(3, over=False)) == ""


def test_what_holds_of_several_architectures_is_said_once() -> None:
    other = {**candidate(3, 0.2, interval(0.01, 0.02)), "label": "mynet-3", "architecture": "mynet"}
    alone = confirmation(3, candidate(3, 0.21, None), other)
    both = [architecture(), architecture(label="mynet")]
    assert confirmed_clauses(both, alone) == [
        "cnn and mynet: the gains are by the search's single runs, as the default configuration, "
        "trial 0 of each, was not run again over seeds"
    ]
    both[1]["gain"]["baseline"]["number"] = 1
    (said,) = confirmed_clauses(both, alone)
    assert "the default configuration, trial 0 of cnn and trial 1 of mynet, was not" in said
    assert gains_sentence(both, OBJECTIVE, None, alone).count("single runs, as") == 1
    # What the seeds say of one stands by itself.
    known = confirmation(3, candidate(3, 0.21, None), candidate(0, 0.2, interval(0.01, 0.1)), other)
    one, two = confirmed_clauses(both, known)
    assert one.startswith("cnn: over seeds, which decide, ")
    assert two.startswith("mynet: the gain is by the search's single runs, as ")


def test_where_neither_was_chosen_their_means_are_taken_as_independent() -> None:
    mynet = {**candidate(7, 0.3, None), "label": "mynet-7", "architecture": "mynet"}
    known = [candidate(3, 0.21, interval(0.09, 0.02)), candidate(0, 0.20, interval(0.1, 0.02))]
    both = confirmation(0, mynet, *known, winner="mynet-7")
    said = confirmed_clause(architecture(), both)
    assert "cnn #3 against cnn #0 comes to +1.0 points [-3.2, +5.2]" in said
    assert "two means taken as independent), which is not distinguishable from nothing" in said


def test_of_a_loss_the_change_is_told_in_its_own_direction() -> None:
    facts = {"objective": "val_loss", "direction": "minimize"}
    refuted = confirmation(
        0, candidate(3, 1.9, interval(0.1, 0.05)), candidate(0, 1.8, None), **facts
    )
    said = confirmed_clause(architecture(), refuted)
    assert "cnn #3 against cnn #0 comes to +0.1000 [+0.0500, +0.1500] (" in said
    assert said.endswith("a loss")


def test_the_share_of_tuning_does_not_stand_where_seeds_refute_it() -> None:
    said = tuning_over_seeds([architecture()], ["cnn"], REFUTED)
    assert said == (
        "Over seeds, which decide, tuning brought cnn -7.5 points [-12.0, -3.0] (cnn #3 against "
        "cnn #0, 95 % bootstrap interval, 3 runs against 5), a loss: what single runs give tuning "
        "in cnn was not shown to hold."
    )
    both = [architecture(), architecture(label="xception"), architecture(label="resnet50")]
    said = tuning_over_seeds(both, ["cnn", "xception"], REFUTED)
    assert said.endswith(
        " Of xception the default or a tuned configuration was not run again over seeds, so its "
        "share rests on single runs."
    )
    assert "resnet50" not in said


def test_a_share_that_seeds_confirm_is_told_as_a_gain() -> None:
    chosen = confirmation(4, candidate(4, 0.25, None), candidate(0, 0.2, interval(0.05, 0.02)))
    said = tuning_over_seeds([architecture()], ["cnn"], chosen)
    assert said.endswith("5 runs against 3), a gain.")
    assert tuning_over_seeds([architecture(0)], ["cnn"], confirmation(0)) == ""
    assert tuning_over_seeds([architecture()], ["cnn"], {}) == ""


def test_under_a_loss_what_tuning_brought_over_seeds_names_it() -> None:
    facts = {"objective": "val_loss", "direction": "minimize"}
    found = confirmation(
        3, candidate(0, 1.9, interval(0.1, 0.05)), candidate(3, 1.8, None), **facts
    )
    said = tuning_over_seeds([architecture()], ["cnn"], found)
    assert "tuning brought, in log loss, cnn -0.1000 [-0.1500, -0.0500] (" in said


def test_a_share_of_what_may_be_luck_is_told_as_that() -> None:
    left = interval(0.009, 0.03)
    selection = {"trials": 9, "optimism": 0.011, "accuracy": left, "resamples": 99, "n": 500}
    entry = architecture()
    entry["gain"]["selection"] = selection
    moves = {"cnn": {"best": 3, "default": 0}}
    assert lucky_tuning(moves, [entry]) == (
        "Less the luck of having chosen the best on these faces, what tuning gained is not "
        "distinguishable from nothing (cnn +0.9 [-2.1, +3.9] points), so its share may be luck."
    )
    tuned = {"moves": moves, "mean_share": {"point": 0.5, "low": 0.4, "high": 0.6}}
    assert beside_answer(tuned, [entry], REFUTED).endswith(" in cnn was not shown to hold.")
    assert beside_answer(tuned | {"mean_share": None}, [entry], {}) == ""
    assert lucky_tuning({"cnn": {"best": 2, "default": 0}}, [entry]) == ""
    selection["accuracy"] = interval(0.04, 0.03)
    assert lucky_tuning(moves, [entry]) == ""
