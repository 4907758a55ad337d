"""Which models a study keeps."""

from __future__ import annotations

from typing import Any

import pytest

from hpo.spec.records import TrialRecord
from hpo.study import models
from hpo.study.models import best_records, log_models
from tests.unit.search.analytic import make_spec


def trial(number: int, value: float, architecture: str = "cnn", **more: Any) -> TrialRecord:
    return TrialRecord("study", architecture, number, "complete", value, {}, {}, **more)


def test_a_repeat_takes_no_place_among_the_models_that_are_kept() -> None:
    spec = make_spec(4, tracking={"keep_models": 2})
    records = [trial(0, 0.5), trial(1, 0.7), trial(2, 0.7, repeats=1), trial(3, 0.4)]
    assert [r.number for r in best_records(records, spec)] == [1, 0]


def test_an_architecture_that_the_file_has_left_out_since_keeps_its_models() -> None:
    records = [trial(0, 0.5), trial(0, 0.7, "net")]
    assert best_records(records, make_spec(1)) == records


class Refused(Exception):
    """An error of MLflow's, with the statement that its database refused."""


def test_a_model_that_mlflow_refuses_takes_no_other_with_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    logged: list[int] = []

    def log(client: Any, record: TrialRecord, dataset: Any) -> str:
        if record.number == 0:
            raise Refused("(sqlite3.IntegrityError) FOREIGN KEY constraint failed\n[SQL: INSERT")
        logged.append(record.number)
        return "models:/m-1"

    monkeypatch.setattr(models, "log_model", log)
    dataset: Any = object()
    (told,) = log_models(object(), [trial(0, 0.5), trial(1, 0.4)], dataset)
    assert logged == [1]
    assert told == (
        "cnn #0 has no model in MLflow: the database refused it (FOREIGN KEY constraint failed). "
        "`hpo doctor study --fix` logs it"
    )


def test_with_an_mlflow_that_is_away_no_further_model_is_tried(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def log(client: Any, record: TrialRecord, dataset: Any) -> str:
        raise ConnectionError("nobody answers")

    monkeypatch.setattr(models, "log_model", log)
    dataset: Any = object()
    with pytest.raises(ConnectionError):
        log_models(object(), [trial(0, 0.5), trial(1, 0.4)], dataset)
