"""The gate's rule over known answers."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from hpo.spec.gate import GateSpec
from hpo.study.decision import Check, Decision, Measured, decision_of
from hpo.study.gate import decide
from hpo.study.gated import Candidate, _selected_there, judge
from tests.unit.search.analytic import make_spec

FACES = 700
LABELS = [number % 7 for number in range(FACES)]


def answering(right: Callable[[int], bool], **how: float) -> Measured:
    """A classifier that is right on these faces, and answers the next class on the others."""
    predictions = [y if right(i) else (y + 1) % 7 for i, y in enumerate(LABELS)]
    usual = {"calibration_error": 0.05, "latency_ms": 20.0, "size_mib": 1.0}
    return Measured(predictions, **{**usual, **how})


CHAMPION = answering(lambda i: i % 10 < 6)


def said(
    challenger: Measured,
    champion: Measured | None = CHAMPION,
    selected_from: int = 1,
    champion_selected_from: int = 1,
    reruns: int = 0,
    members: int = 1,
    **rule: Any,
) -> Decision:
    return decide(
        GateSpec(**rule), LABELS, challenger, champion,
        against="1" if champion else "", at="2026-01-01T00:00:00", dataset_digest="sha256:1",
        selected_from=selected_from, champion_selected_from=champion_selected_from,
        reruns=reruns, members=members,
    )  # fmt: skip


def test_a_challenger_that_differs_by_nothing_is_refused() -> None:
    assert said(CHAMPION).failed == ("gain",)
    # As often right, on other faces.
    other = said(answering(lambda i: i % 10 >= 4))
    assert (other.verdict, other.failed) == ("refused", ("gain",))
    (gain,) = [check for check in other.checks if check.name == "gain"]
    assert gain.value == 0.0
    assert gain.details["low"] < 0.0 < gain.details["high"]
    assert gain.details["p"] == 1.0
    assert gain.details["challenger_alone"] == gain.details["champion_alone"] == 280


def test_a_better_challenger_passes_unless_more_is_asked_for() -> None:
    better = answering(lambda i: i % 10 < 7)
    assert said(better).verdict == "promoted"
    (gain,) = [check for check in said(better).checks if check.name == "gain"]
    assert (gain.value, gain.details["champion_alone"]) == (0.1, 0)
    assert "+10.0 points [" in gain.challenger
    assert said(better, min_gain=0.09).failed == ("gain",)


def test_a_class_that_is_lost_is_refused_however_much_is_gained() -> None:
    lost = answering(lambda i: i % 10 < 9 and LABELS[i] != 1)
    decision = said(lost)
    assert decision.failed == ("recall",)
    (recall,) = [check for check in decision.checks if check.name == "recall"]
    assert recall.challenger == "least for disgust, 0.0 %"
    # Not to be right on any face of it is a loss whatever share is asked for.
    assert said(lost, min_recall_share=0.0).failed == ("recall",)
    # What the champion does not know either is no loss.
    assert said(lost, answering(lambda i: i % 10 < 6 and LABELS[i] != 1)).verdict == "promoted"


def test_the_first_one_must_beat_the_majority_and_stay_in_bounds() -> None:
    first = said(CHAMPION, None)
    assert [check.name for check in first.checks] == ["accuracy", "calibration", "latency", "size"]
    assert first.verdict == "promoted"
    chance = said(answering(lambda i: LABELS[i] == 3), None)
    assert chance.failed == ("accuracy",)
    assert "No face of angry, disgust, fear, " in chance.notes[0]
    assert " or surprise was recognised." in chance.notes[0]
    assert "14.3 % of always answering 'angry'" in chance.checks[0].needs


@pytest.mark.parametrize(
    ("check", "how"),
    [
        ("calibration", {"calibration_error": 0.3}),
        ("latency", {"latency_ms": 1500.0}),
        ("size", {"size_mib": 1500.0}),
    ],
)
def test_each_bound_holds_for_a_better_challenger_too(check: str, how: dict[str, Any]) -> None:
    assert said(answering(lambda i: i % 10 < 7, **how)).failed == (check,)


def test_the_best_of_many_trials_must_show_more() -> None:
    # Five points more on some faces, two and a half less on others.
    better = answering(lambda i: (i % 10 < 6 and i % 40 != 3) or i % 20 == 7)
    assert said(better).verdict == "promoted"
    assert said(better, selected_from=20).failed == ("gain",)
    # A champion that was selected alike, on the same faces, had the same chances.
    alike = said(better, selected_from=20, champion_selected_from=20)
    assert alike.verdict == "promoted"
    assert "best of 20 trials" in alike.notes[0]
    checks = said(better, selected_from=20, champion_selected_from=6).checks
    levels = {c.name: c.details["level"] for c in checks if "level" in c.details}
    assert levels == {"accuracy": 1 - (1 - 0.95) / 20, "gain": 1 - (1 - 0.95) / 4}


def test_re_runs_are_chances_as_trials_are_and_are_told_apart() -> None:
    better = answering(lambda i: (i % 10 < 6 and i % 40 != 3) or i % 20 == 7)
    decision = said(better, selected_from=16, reruns=13)
    assert decision.failed == ("gain",)
    assert "the best of 3 trials and 13 re-runs on these faces" in decision.notes[0]
    known = decision_of(decision.tags())
    assert known is not None
    assert (known.selected_from, known.reruns) == (16, 13)
    assert "best of 1 trial and 2 re-runs" in said(better, selected_from=3, reruns=2).notes[0]
    # Decisions of before re-runs were counted have no such number.
    tags = decision.tags()
    plain = json.loads(tags["hpo.gate.numbers"])
    del plain["reruns"]
    old = decision_of(tags | {"hpo.gate.numbers": json.dumps(plain)})
    assert old is not None
    assert old.reruns == 0


def test_an_ensemble_is_not_told_as_the_best_of_the_trials_that_it_joins() -> None:
    better = answering(lambda i: i % 10 < 7)
    all_of_them = said(better, selected_from=3, members=3)
    assert all_of_them.notes[0].startswith("The challenger is the mean of all 3 trials, whose ")
    some = said(better, selected_from=20, reruns=6, members=5)
    told = "The challenger is the mean of the best 5 of 14 trials and 6 re-runs on these faces: "
    assert some.notes[0].startswith(told)


def test_a_decision_is_tags_that_people_and_programs_read() -> None:
    decision = said(CHAMPION)
    tags = decision.tags()
    assert tags["hpo.gate"] == "refused"
    assert tags["hpo.gate.gain"].startswith("failed: +0.0 points [")
    assert tags["hpo.gate.size"] == "passed: 1.0 MiB; champion 1.0 MiB; needs at most 1000 MiB"
    small = said(dataclasses.replace(CHAMPION, size_mib=0.03)).tags()
    assert small["hpo.gate.size"].startswith("passed: 30.7 KiB; champion 1.0 MiB; needs at most")
    assert json.loads(tags["hpo.gate.numbers"])["rule"]["min_gain"] == 0.0
    assert decision_of(tags) == decision
    assert decision_of({"hpo.study": "before there was a gate"}) is None


@pytest.mark.parametrize(
    ("digest", "subset", "same"),
    [("now", "all", True), ("before", "all", True), ("before", "500 of seed 1", False),
     ("other", "all", False)],
)  # fmt: skip
def test_a_champion_was_selected_on_faces_that_had_no_test_split_yet(
    digest: str, subset: str, same: bool
) -> None:
    told = Decision("promoted", "", "", dataset_digest=digest, selected_on=f"{digest} {subset}")
    candidate = Candidate(Path("x.keras"), "study/cnn/0", "now", 3)
    assert _selected_there(told, make_spec(1), candidate, ("now", "before")) is same


def test_a_refusal_for_a_step_back_has_the_time_of_the_refusal() -> None:
    spec = make_spec(1)
    passed = Check("accuracy", True, 0.1, 0.0, "0.7", "", "more than 0")
    before = Decision(
        *("promoted", "", "2026-03-01T20:51:00"),
        dataset_digest="now",
        selected_on="now all",
        selected_from=3,
        rule=spec.gate.model_dump(),
        checks=(passed,),
    )

    def asked(known: Decision) -> Decision:
        entry = SimpleNamespace(tags=known.tags())
        candidate = Candidate(Path("x.keras"), "study/cnn/0", "now", 3, entry=entry)
        return judge(None, spec, candidate, None, pytest.fail, stepped_over="2026-03-01T20:52:00")

    refused = asked(before)
    assert (refused.verdict, refused.failed) == ("refused", ("rollback",))
    assert refused.at > before.at
    # Asked again it is the same decision.
    then = dataclasses.replace(refused, at="2026-03-01T20:53:00")
    assert asked(then) == then
