"""Model cards: every figure from the record, with what a model is and is not for."""

from __future__ import annotations

import dataclasses
import random
from typing import Any

import pytest

from hpo.evidence.card_figures import class_table
from hpo.evidence.metric_words import METRIC_WORDS, metric_words
from hpo.evidence.model_cards import (
    DRAWN_LIMIT,
    LONGEST_DESCRIPTION,
    card_facts,
    described,
    described_ensemble,
    model_card,
)
from hpo.reports.confirmation_sentences import SCORES
from hpo.spec.emotions import EMOTIONS
from hpo.spec.records import TrialRecord
from tests.unit.reports.conftest import trial


def facts(dataset: str = "fer2013", **changes: Any) -> dict[str, Any]:
    """Return the facts of a trial whose result has these changes."""
    made: TrialRecord = trial("cnn", 3, random.Random(0))
    assert made.result is not None
    metrics = {"val_accuracy": 0.64, "val_loss": 1.02, "val_macro_f1": 0.61}
    values = {"metrics": metrics, "checkpoint_sha256": "ab" * 32, **changes}
    made = dataclasses.replace(made, result=dataclasses.replace(made.result, **values), seed=11)
    return card_facts(made, dataset=dataset, digest="sha256:c0ffee", classes=EMOTIONS)


def test_a_card_says_what_it_is_how_well_it_does_and_what_it_is_not_for() -> None:
    card = model_card(facts())
    for heading in (
        *("What it is", "Data", "Figures", "Intended uses", "Forbidden uses", "Limits"),
        *("How it was made", "How to make it again"),
    ):
        assert f"\n## {heading}\n" in card
    # Wilson's interval of 64 % at n = 3,589.
    assert "62.4 % to 65.6 % (n = 3,589)" in card
    assert "| macro F1 | 0.610 |" in card
    assert "| happy | 895 |" in card
    assert "Article 5(1)(f)" in card
    assert "sha256): `" + "ab" * 32 in card
    assert "Seed 11." in card
    assert "--architecture cnn --trial 3" in card


def test_a_model_that_beats_no_constant_answer_is_told_as_such() -> None:
    metrics = {"val_accuracy": 0.252, "val_accuracy_without_copies": 0.21}
    known = {**facts(metrics=metrics), "without_copies": 3000}
    known["confusion_without_copies"] = [[400] * 7, *[[0] * 7] * 5, [200, *[0] * 6]]
    card = model_card(known)
    # Of 3,589 faces 895 are happy.
    assert "The interval holds the 24.9 % of always answering one emotion: it was not shown" in card
    assert "The interval without these lies below the 93.3 % of always" in card
    assert "not shown to have learned" not in model_card(facts())


def test_faces_that_training_has_a_copy_of_are_left_out_beside_where_that_is_known() -> None:
    metrics = {"val_accuracy": 0.64, "val_accuracy_without_copies": 0.60, "val_loss": 1.0}
    card = model_card(facts(metrics=metrics, validation_size_without_copies=3000))
    assert "| accuracy | 64.0 % | 60.0 % |" in card
    assert "| log loss | 1.000 | – |" in card
    assert "58.2 % to 61.7 % (n = 3,000)" in card
    assert "was not recorded" in model_card(facts())


def test_a_card_says_that_copies_were_left_out_of_training_and_none_is_left() -> None:
    left_out = "near duplicate of a held-out one were left out of training (`data.leakage: drop`)."
    none = "Training has a copy of none of these faces: without copies all is the same."
    known = facts(validation_size_without_copies=3589)
    for card in (model_card({**known, "leakage": "drop"}), described({**known, "leakage": "drop"})):
        assert left_out in card
        assert none in card
    kept = model_card({**known, "leakage": "keep"})
    assert left_out not in kept
    assert none in kept
    some = model_card(facts(validation_size_without_copies=3000))
    assert none not in some
    assert none not in model_card(facts())


def test_a_card_tells_latency_and_size_where_a_study_was_judged_by_them() -> None:
    scores = {"val_accuracy": 0.64, "val_loss": 1.02}
    measured = {"latency_ms": 2.7308, "latency_ms_spread": 0.4534, "size_mib": 0.599063}
    card = model_card(facts(metrics={**scores, **measured}))
    assert (
        "It answers for one face in 2.731 ms (median, quartiles 0.4534 ms apart; measured on the "
        "machine that trained it). Its file has 0.6 MiB."
    ) in card
    small = model_card(facts(metrics={**scores, "size_mib": 8.0}))
    assert "Its file has 8.0 MiB." in small
    for silent in (small, model_card(facts(metrics=scores))):
        assert "answers for one face" not in silent
    assert "Its file has" not in model_card(facts(metrics=scores))


def test_figures_have_the_words_that_a_report_has() -> None:
    metrics = {
        "val_balanced_accuracy": 0.5,
        "val_ece": 0.1,
        "val_loss_tempered": 1.01,
        "val_ece_tempered": 0.05,
        "val_temperature": 1.2,
        "val_votes_majority": 0.7,
        "val_votes_share": 0.6,
    }
    card = model_card(facts(metrics=metrics))
    for line in (
        "| balanced accuracy | 50.0 % |",
        "| calibration error | 0.100 |",
        "| log loss after temperature scaling | 1.010 |",
        "| calibration error after temperature scaling | 0.050 |",
        "| temperature | 1.200 |",
        "| agreement with the majority of FER+ votes | 70.0 % |",
        "| mean share of FER+ votes | 60.0 % |",
    ):
        assert line in card
    # Each score that is told of a model's answers has words of its own.
    assert {name for name, _ in SCORES} <= METRIC_WORDS.keys()
    # A metric of somebody's own is told by its name.
    assert metric_words("val_top_two") == "top two"


def test_classes_are_told_without_copies_on_a_card_and_not_in_a_description() -> None:
    alone = [[60, 30], [0, 10]]
    told = facts(
        metrics={"val_accuracy": 0.64, "val_accuracy_without_copies": 0.60},
        confusion=[[80, 30], [0, 15]],
        confusion_without_copies=alone,
        validation_size=125,
        validation_size_without_copies=100,
    ) | {"classes": ["happy", "sad"]}
    card = model_card(told)
    assert "Without the faces that training has a copy of:" in card
    assert card.count("| emotion | faces |") == 2
    assert class_table(["happy", "sad"], alone) in card
    assert described(told).count("| emotion | faces |") == 1


def test_a_model_of_drawn_faces_says_that_photographs_are_beyond_it() -> None:
    card = model_card(facts("drawn-faces"))
    assert DRAWN_LIMIT in card
    assert "FER-2013 was gathered" not in card


@pytest.mark.parametrize(
    "changes",
    [
        {"metrics": {}},
        {"confusion": [], "validation_size": 0},
        {"params": {}, "environment": {}, "checkpoint_sha256": None},
    ],
)
def test_what_is_not_known_is_left_out(changes: dict[str, Any]) -> None:
    card = model_card(facts(**changes))
    assert "None" not in card.replace("None were recorded", "")
    assert "## Forbidden uses" in card


def test_of_one_epoch_a_card_speaks_in_the_singular() -> None:
    assert "1 epoch, whose end is the model." in model_card(facts() | {"epochs_run": 1})


def test_a_re_run_is_told_as_the_configuration_that_it_is_of() -> None:
    made = trial("cnn-two-4", 3, random.Random(0), study="demo.confirmation")
    told = card_facts(dataclasses.replace(made, origin="confirmation", seed=11), dataset="fer2013")
    assert (told["study"], told["architecture"], told["number"]) == ("demo", "cnn-two", 4)
    card = model_card(told)
    assert "# Model card: trial 4 of cnn-two, study demo\n" in card
    assert "It is cnn-two #4 seed 4 in the study `demo.confirmation`" in card
    # With its parameters the trial of the search, and with its seed the re-run.
    assert "--architecture cnn-two --trial 4 --seed 11" in card
    assert " in the study `" not in model_card(facts())


def test_a_description_fits_its_column_and_keeps_the_forbidden_uses() -> None:
    params = {f"parameter_{k}": "x" * 100 for k in range(200)}
    assert len(model_card(facts(params=params))) > LONGEST_DESCRIPTION
    for text in (described(facts()), described(facts(params=params))):
        assert len(text) <= LONGEST_DESCRIPTION
        assert "## Forbidden uses" in text
    many = {f"val_score_{k}": 0.5 for k in range(300)}
    assert len(described(facts(metrics=many))) <= LONGEST_DESCRIPTION


def test_an_ensemble_is_described_with_its_figures_also_without_copies() -> None:
    matrix = [[9 if k == j else 1 for k in range(7)] for j in range(7)]
    text = described_ensemble(facts(confusion_without_copies=matrix))
    assert "by which its members were chosen" in text
    assert "trial itself" not in text
    assert text.count("| emotion | faces |") == 2
    assert "Without the faces that training has a copy of:" in text
    assert "Article 5(1)(f)" in text
    assert "## How to make it again" not in text
    assert len(text) <= LONGEST_DESCRIPTION
    many = {f"val_{k}": 0.5 for k in range(200)}
    assert len(described_ensemble(facts(metrics=many))) <= LONGEST_DESCRIPTION


def test_the_table_of_classes_divides_by_what_was_there_and_by_what_was_answered() -> None:
    table = class_table(["happy", "sad", "fear"], [[8, 2, 0], [0, 0, 0], [4, 0, 0]]).splitlines()
    assert table[2].startswith(
        "| happy | 10 | 80.0 % | 49.0 % to 94.3 % | 66.7 % | 39.1 % to 86.2 % |"
    )
    assert table[3] == "| sad | 0 | – |  | 0.0 % | 0.0 % to 65.8 % |"
    assert table[4].startswith("| fear | 4 | 0.0 % |")
    assert table[4].endswith("| – |  |"), "what was never answered has no precision"
