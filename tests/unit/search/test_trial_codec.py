import json
import math

from hypothesis import given
from hypothesis import strategies as st

from hpo.search.pruners import improved_lately
from hpo.search.trials import (
    best_of,
    epoch_attribute,
    plain,
    read_epochs,
    read_result,
    result_attribute,
)
from hpo.spec.records import EpochReport, TrialResult

FLOATS = st.floats(allow_nan=True, allow_infinity=True)


def alike(one: float, other: float) -> bool:
    return one == other or (math.isnan(one) and math.isnan(other))


@given(st.dictionaries(st.text(max_size=5), FLOATS, max_size=4), st.floats(0, 1e6))
def test_an_epoch_survives_strict_json(metrics: dict[str, float], seconds: float) -> None:
    report = EpochReport(3, metrics, seconds)
    key, value = epoch_attribute(report)
    text = json.dumps(value, allow_nan=False)
    (back,) = read_epochs({key: json.loads(text), "slot": 0})
    assert (back.epoch, back.seconds) == (3, seconds)
    assert back.metrics.keys() == metrics.keys()
    assert all(alike(back.metrics[k], v) for k, v in metrics.items())


@given(st.lists(st.integers(0, 12), max_size=20), FLOATS)
def test_a_result_survives_without_its_summary(predictions: list[int], loss: float) -> None:
    result = TrialResult(
        state="complete",
        value=0.5,
        metrics={"val_loss": loss},
        confusion=[[1, 0], [2, 3]],
        predictions=predictions,
        params={"dense": [64, 32], "name": None},
        model_summary="a table",
        environment={"python": "3.11"},
    )
    back = read_result(json.loads(json.dumps(result_attribute(result), allow_nan=False)))
    assert back.model_summary == ""
    assert alike(back.metrics["val_loss"], loss)
    assert (back.predictions, back.confusion) == (predictions, [[1, 0], [2, 3]])
    assert (back.params, back.environment) == (result.params, result.environment)


def test_predictions_of_seven_classes_take_one_byte_each() -> None:
    stored = result_attribute(TrialResult(state="complete", predictions=[6] * 3589))
    assert len(json.dumps(stored)) < 3589 + 100


def test_epochs_come_back_in_order() -> None:
    attributes = dict(epoch_attribute(EpochReport(n, {}, 1.0)) for n in (10, 2, 1))
    assert [e.epoch for e in read_epochs(attributes)] == [1, 2, 10]


def test_numpy_scalars_become_plain() -> None:
    import numpy as np

    assert plain({"a": np.float32(0.5), "b": [np.int64(3)]}) == {"a": 0.5, "b": [3]}


def test_the_best_is_a_number_in_the_right_direction() -> None:
    values = [math.nan, 1.0, 3.0, math.inf]
    assert best_of(values, maximize=True) == 3.0
    assert best_of(values, maximize=False) == 1.0
    assert best_of([math.nan], maximize=True) is None


def test_standing_still_is_no_improvement() -> None:
    assert improved_lately([0.2, 0.3], 1, maximize=True)
    assert not improved_lately([0.25, 0.25], 1, maximize=True)
    assert improved_lately([0.2, 0.3, 0.3], 2, maximize=True)
    assert not improved_lately([0.3, 0.2, 0.3], 2, maximize=True)
    assert improved_lately([0.3, 0.2], 1, maximize=False)
    assert not improved_lately([0.3, math.nan], 1, maximize=True)
    assert improved_lately([0.3], 1, maximize=True), "too early to tell"
    assert not improved_lately([0.1, 0.9], 0, maximize=True), "no patience at all"
