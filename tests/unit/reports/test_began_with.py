"""What a study that began with another's trials says of their luck."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import pytest

from hpo.reports.compute import compute
from hpo.spec.records import TrialRecord
from tests.unit.reports.conftest import study_spec
from tests.unit.reports.test_comparison import two_searches

TWO = {"study": "two", "trials": None, "enqueue": None}
LEFT_OUT = (
    " may be in its best, and estimates of how much of a gain is due to having chosen the best "
    "leave it out, as they count this study's own trials alone."
)
UNSURE = "where that was judged on these faces too, the luck of its trials"


@pytest.mark.parametrize(
    ("known", "caveat", "beside"),
    [
        (
            [18, 0],
            "18 trials of study two, judged on the same faces: the luck of these",
            "the 18 trials of study two",
        ),
        (
            [1, 2],
            "1 trial of study two, judged on the same faces (2 configurations of it were tried "
            "first): the luck of that trial",
            "the 1 trial of study two",
        ),
        (
            [0, 3],
            "what study two had found (3 configurations of it were tried first): " + UNSURE,
            "study two",
        ),
        (None, "what study two had found: " + UNSURE, "study two"),
        ([0, 0], "", ""),
    ],
)
@pytest.mark.parametrize("labels", [("cnn",), ("cnn", "xception")])
def test_the_luck_of_trials_that_a_search_began_with_is_said_to_be_left_out(
    labels: tuple[str, ...],
    known: Sequence[int] | None,
    caveat: str,
    beside: str,
    one_trial: Callable[..., TrialRecord],
) -> None:
    spec: dict[str, Any] = study_spec(labels) | {"warm_start": TWO}
    records = [record for record in two_searches(one_trial) if record.architecture in labels]
    data = compute(records, spec, n_bootstrap=0, warm_start=known)
    told = [said for said in data.caveats if "search began" in said]
    assert told == ([f"The search began with {caveat}{LEFT_OUT}"] if caveat else [])
    (gained,) = [said for said in data.summary if "due to having chosen the best" in said]
    said = (
        f" What is due to having chosen the best leaves out the luck of {beside}, with which the "
        "search began."
    )
    assert gained.endswith(said) if beside else "search began" not in gained
    assert data.facts.get("warm_start") == (None if known is None else list(known))
