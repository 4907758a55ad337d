"""What an error says of MLflow, for errors as its client and its drivers raise them."""

from __future__ import annotations

import sqlite3
import urllib.error

import pytest
import requests

from hpo.spec.errors import EnvironmentProblem
from hpo.tracking.failures import Failure, in_a_sentence, judge


class Answer(Exception):
    """An error of MLflow's, which carries a code."""

    def __init__(self, code: str, text: str = "") -> None:
        super().__init__(text)
        self.error_code = code


def behind(error: Exception, cause: BaseException) -> Exception:
    """Return an error that was raised while another was handled."""
    error.__context__ = cause
    return error


@pytest.mark.parametrize(
    "error",
    [
        ConnectionRefusedError("refused"),
        requests.ConnectionError("refused"),
        requests.ReadTimeout("20 s"),
        sqlite3.OperationalError("database is locked"),
        urllib.error.URLError(ConnectionRefusedError("refused")),
        Answer("TEMPORARILY_UNAVAILABLE"),
        Answer("REQUEST_LIMIT_EXCEEDED"),
        # As MLflow's client wraps what happened on the wire.
        behind(Answer("INTERNAL_ERROR"), requests.ConnectionError("refused")),
        behind(
            Answer("INTERNAL_ERROR"), requests.exceptions.RetryError("too many 503 error responses")
        ),
        behind(EnvironmentProblem("cannot reach it"), urllib.error.URLError(TimeoutError())),
    ],
)
def test_nobody_answered(error: Exception) -> None:
    assert judge(error) is Failure.AWAY


@pytest.mark.parametrize(
    "error",
    [
        Answer("INTERNAL_ERROR"),
        behind(
            Answer("INTERNAL_ERROR"), requests.exceptions.RetryError("too many 500 error responses")
        ),
        PermissionError("artifacts"),
        EnvironmentProblem("cannot open the store"),
    ],
)
def test_another_attempt_may_fare_better(error: Exception) -> None:
    assert judge(error) is Failure.PASSING


@pytest.mark.parametrize(
    "error",
    [Answer("INVALID_PARAMETER_VALUE"), Answer("RESOURCE_DOES_NOT_EXIST"), ValueError("port")],
)
def test_it_would_fail_again(error: Exception) -> None:
    assert judge(error) is Failure.LASTING


def test_a_chain_that_bites_its_tail_is_followed_once() -> None:
    first, second = ValueError("a"), ValueError("b")
    first.__context__, second.__context__ = second, first
    assert judge(first) is Failure.LASTING


def test_of_a_databases_error_a_person_reads_one_sentence() -> None:
    from sqlalchemy.exc import IntegrityError

    error = IntegrityError(
        "INSERT INTO logged_model_metrics VALUES (?)",
        [("m-1", i) for i in range(25)],
        sqlite3.IntegrityError("FOREIGN KEY constraint failed"),
    )
    told = "the database refused it (FOREIGN KEY constraint failed)."
    assert in_a_sentence(error) == told
    assert in_a_sentence(Answer("INTERNAL_ERROR", str(error))) == told
    assert in_a_sentence(Answer("INTERNAL_ERROR", str(error).replace("\n", " "))) == told
    assert in_a_sentence(ValueError("first.\nsecond")) == "first."
    assert in_a_sentence(RuntimeError()) == "RuntimeError."
    ours = EnvironmentProblem("it is away", hint="Start it")
    assert in_a_sentence(ours) == str(ours)
