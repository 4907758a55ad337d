"""When a study stops because its other trials would fail in the same way."""

from __future__ import annotations

from hpo.execution.patterns import Patterns
from hpo.spec.errors import EnvironmentProblem, TrainingError
from hpo.spec.records import TrialResult


def failed(reason: str) -> TrialResult:
    return TrialResult(state="failed", reason=reason)


def some() -> int:
    return 1


def test_three_trials_with_one_error_stop_a_study_though_it_names_each_ones_folder() -> None:
    patterns = Patterns()
    for number in range(3):
        assert patterns.hopeless is None
        patterns.ended("cnn", failed(f"error: study/cnn/{number}/log.txt: no folder"), some)
    assert isinstance(patterns.hopeless, TrainingError)
    assert "3 trials of cnn in a row" in str(patterns.hopeless)


def test_where_nothing_is_left_nothing_is_spared() -> None:
    patterns = Patterns()
    for _ in range(3):
        patterns.ended("mine", failed("error: one"), lambda: 0)
    assert patterns.hopeless is None
    patterns.ended("mine", failed("error: one"), some)
    assert "for what is left" in str(patterns.hopeless)


def test_any_other_end_breaks_the_row() -> None:
    patterns = Patterns()
    for end in (failed("nan_loss: at epoch 1"), TrialResult(state="complete", value=0.5)):
        patterns.ended("cnn", failed("error: one"), some)
        patterns.ended("cnn", failed("error: one"), some)
        patterns.ended("cnn", end, some)
    patterns.ended("cnn", failed("error: one"), some)
    patterns.ended("cnn", failed("error: two"), some)
    patterns.ended("resnet50", failed("error: two"), some)
    patterns.ended("cnn", failed("error: two"), some)
    assert patterns.hopeless is None


def test_a_machine_that_starts_no_process_is_told_after_the_third_time() -> None:
    patterns = Patterns()
    patterns.not_started(OSError("Resource temporarily unavailable"))
    patterns.started()
    for _ in range(3):
        assert patterns.hopeless is None
        patterns.not_started(EOFError())
    assert isinstance(patterns.hopeless, EnvironmentProblem)
    assert "Got EOFError" in str(patterns.hopeless)
