"""Errors are one paragraph with an exit code, and survive the way between processes."""

from __future__ import annotations

import pickle

import pytest

from hpo.spec.errors import (
    DataError,
    EnvironmentProblem,
    HpoError,
    IntegrityError,
    NotFoundError,
    SpecError,
    TrainingError,
    did_you_mean,
)


def test_a_paragraph_says_where_what_expected_got_and_what_to_do() -> None:
    error = DataError(
        "the pixels have the wrong length",
        expected="2304 numbers",
        got="2300",
        where="fer2013.csv:17",
        hint="Download the file again",
    )
    assert str(error) == (
        "fer2013.csv:17: the pixels have the wrong length. Expected 2304 numbers; got 2300. "
        "Download the file again."
    )


def test_what_is_not_known_is_left_out() -> None:
    assert str(HpoError("it broke")) == "it broke."
    assert str(HpoError("it broke", got="7")) == "it broke. Got 7."
    # What a library says may end with a stop of its own.
    assert (
        str(HpoError("x", got="no parquet file.", hint="Look.")) == "x. Got no parquet file. Look."
    )
    assert str(HpoError("it broke", hint="Did you mean 'x'?")) == "it broke. Did you mean 'x'?"


@pytest.mark.parametrize(
    ("kind", "code"),
    [
        (SpecError, 2),
        (DataError, 2),
        (NotFoundError, 2),
        (EnvironmentProblem, 3),
        (TrainingError, 1),
        (IntegrityError, 1),
    ],
)
def test_exit_codes_are_stable(kind: type[HpoError], code: int) -> None:
    assert kind("x").exit_code == code


@pytest.mark.parametrize("kind", [SpecError, EnvironmentProblem, TrainingError])
def test_an_error_from_a_child_process_keeps_its_parts(kind: type[HpoError]) -> None:
    error = kind("p", expected="e", got="g", where="w", hint="h")
    back = pickle.loads(pickle.dumps(error))
    assert type(back) is kind
    assert vars(back) == vars(error)
    assert str(back) == str(error)


def test_a_typo_gets_the_closest_names() -> None:
    assert did_you_mean("resnet5", ["cnn", "resnet50", "xception"]) == "Did you mean 'resnet50'?"
    assert did_you_mean("budgte", ["budget", "gate"]) == "Did you mean 'budget'?"
    assert did_you_mean("val_los", ["val_loss", "val_f1"]) == "Did you mean 'val_loss'?"
    assert did_you_mean("dense1", ["dense2", "dense3"]) == "Did you mean 'dense3' or 'dense2'?"


def test_a_name_like_no_other_gets_the_list_cut_at_twelve() -> None:
    assert did_you_mean("zzz", ["b", "a", "a"]) == "Known: a, b"
    assert did_you_mean("zzz", [f"n{i:02}" for i in range(13)]).endswith("n11, …")
    assert did_you_mean("zzz", []) == "There are none"


def test_what_people_call_a_parameter_elsewhere_is_understood() -> None:
    ours = [*(f"a{i}" for i in range(20)), "learning_rate", "batch_size", "optimizer"]
    for theirs, name in (("lr", "learning_rate"), ("batch", "batch_size"), ("LR", "learning_rate")):
        assert did_you_mean(theirs, ours) == f"Did you mean '{name}'?"
    assert did_you_mean("lr", ["cnn"]) == "Known: cnn"
