"""What stays in memory of trials that have ended, and that nothing else is read from there."""

from __future__ import annotations

from pathlib import Path

from hpo.search import trials as stored
from hpo.search.ledger import LedgerEngine
from hpo.spec.records import EpochReport, TrialResult
from tests.unit.search.analytic import make_spec, open_it


def ended(url: str, epochs: int = 40) -> LedgerEngine:
    """Run one trial with as much to tell as one on FER-2013 has, and one that is lost."""
    engine = open_it(url, make_spec(3))
    assert isinstance(engine, LedgerEngine)
    for number in range(2):
        assert engine.ask() is not None
        for epoch in range(1, epochs + 1):
            metrics = {"val_accuracy": 0.5, "val_loss": 1.0, "accuracy": 0.5, "loss": 1.0}
            engine.record_epoch(number, EpochReport(epoch, metrics, 1.0))
        params = {f"parameter_{i}": i for i in range(40)}
        result = TrialResult(
            state="complete", value=0.5, params=params, predictions=[3] * 3589, epochs_run=epochs
        )
        if number == 0:
            assert engine.finish(0, result)
        else:
            assert engine.release(1, "crashed: segfault", {"batch_size": 16})
    return engine


def test_an_ended_trial_is_remembered_without_its_result_and_its_epochs(storage_url: str) -> None:
    engine = ended(storage_url)
    done, lost = engine._attempts.all()
    assert stored.count_epochs(done.user_attrs) == 40
    assert not any(stored.is_epoch(key) for key in (*done.user_attrs, *lost.user_attrs))
    assert stored.RESULT not in {*done.user_attrs, *lost.user_attrs}
    assert stored.PARAMS not in done.user_attrs
    assert lost.user_attrs[stored.PARAMS]["epochs"] == 3, "the next attempt takes it over"
    assert done.user_attrs[stored.SLOT] == 0
    assert len(done.intermediate_values) == 40, "pruners read them"
    name = "learning_rate"
    assert done.distributions[name] is lost.distributions[name]


def test_a_record_is_read_whole(storage_url: str) -> None:
    engine = ended(storage_url)
    engine._attempts.all()
    record = engine.record(0)
    assert len(record.epochs) == 40
    assert record.result is not None
    assert len(record.result.predictions) == 3589
    assert record.params["parameter_39"] == 39


def test_a_retry_takes_over_what_was_remembered(storage_url: str, tmp_path: Path) -> None:
    engine = ended(storage_url)
    again = engine.ask()
    assert again is not None
    assert (again.slot, again.retry_of) == (1, 1)
    assert again.overrides == {"batch_size": 16}
    record = engine.record(again.number)
    assert record.params["batch_size"] == 16
    assert record.epochs == []
    assert record.result is None
