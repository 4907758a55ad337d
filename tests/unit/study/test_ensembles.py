"""What is said where a study has too few checkpoints for an ensemble."""

from __future__ import annotations

import pytest

from hpo.study.ensembles import _too_few


@pytest.mark.parametrize(
    ("complete", "count", "told"),
    [
        (9, 5, "5 best; got 1 of 9 complete trials. A study keeps them with ensemble: 5 in"),
        (4, 9, "4 best; got 1 of 4 complete trials. It has only 4 to choose from. A study keeps"),
        (1, 9, "2 best; got 1 of 1 complete trial. Give it more trials: `hpo run STUDY.yaml"),
    ],
)
def test_what_could_help_fits_the_trials_that_there_are(
    complete: int, count: int, told: str
) -> None:
    text = str(_too_few("faces", 1, complete, count))
    assert told in text
    assert (f"keep_models: {min(count, complete)};" in text) == (complete > 1)
