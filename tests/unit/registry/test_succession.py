"""Who was champion before whom, by the history alone."""

from __future__ import annotations

from typing import Any

from hpo.registry.succession import BOXED, Event, predecessor, reigns, stepped_over


def history(*moves: tuple[Any, str, str]) -> list[Event]:
    return [
        Event(f"2026-01-01T00:00:0{place}", what, version, version, before)
        for place, (what, version, before) in enumerate(moves)
    ]


THREE = (("promoted", "1", ""), ("promoted", "2", "1"), ("promoted", "4", "2"))
BACK = ("rolled back", "2", "4")


def test_one_steps_back_to_the_champion_before() -> None:
    events = history(*THREE)
    assert reigns(events) == ["1", "2", "4"]
    assert predecessor(events, "4", {"1", "2", "4"}) == "2"
    assert predecessor(events, "4", {"1", "4"}) == "1"  # 2 was deleted
    assert predecessor(events, "", {"1", "2"}) == "2"  # the champion was
    assert predecessor(events, "1", {"1", "2", "4"}) is None


def test_what_was_stepped_over_is_no_predecessor_until_it_is_promoted_again() -> None:
    events = history(*THREE, ("rolled back", "1", "4"))
    assert reigns(events) == ["1"]
    assert set(stepped_over(events)) == {"2", "4"}
    assert predecessor(events, "1", {"1", "2", "4"}) is None
    events = history(*THREE, BACK, ("promoted", "5", "2"))
    assert predecessor(events, "5", {"1", "2", "4", "5"}) == "2"
    assert set(stepped_over(events)) == {"4"}
    assert stepped_over(history(*THREE, BACK, ("forced", "4", "2"))) == {}


def test_a_champion_from_before_there_was_a_history_is_the_first_of_it() -> None:
    events = history(("promoted", "3", "2"))
    assert predecessor(events, "3", {"1", "2", "3"}) == "2"


def test_other_songs_change_no_champion() -> None:
    events = history(*THREE, ("answers with", "4", "4"))
    assert reigns(events) == ["1", "2", "4"]


def test_whoever_steps_back_past_the_history_steps_over_all_that_came_later() -> None:
    # Version 2 was champion before there was a history.
    events = history(("rolled back", "2", "3"))
    assert reigns(events) == ["2"]
    assert set(stepped_over(events)) == {"3"}
    events = history(("promoted", "4", "3"), ("rolled back", "2", "4"))
    assert reigns(events) == ["2"]
    assert set(stepped_over(events)) == {"3", "4"}


def test_a_step_forward_takes_nobody_off_and_a_step_back_from_there_does() -> None:
    forward = (*THREE, ("rolled back", "1", "4"), ("rolled back", "4", "1"))
    assert reigns(history(*forward)) == ["1", "4"]
    assert set(stepped_over(history(*forward))) == {"2"}
    events = history(*forward, ("rolled back", "2", "4"))
    assert reigns(events) == ["1", "2"]
    assert set(stepped_over(events)) == {"4"}


def test_a_step_back_to_the_model_in_the_box_steps_over_everybody() -> None:
    boxed = (*THREE, ("rolled back", BOXED, "4"))
    assert reigns(history(*boxed)) == []
    assert set(stepped_over(history(*boxed))) == {"1", "2", "4"}
    assert predecessor(history(*boxed), "", {"1", "2", "4"}) is None
    again = history(*boxed, ("rolled back", "2", ""))
    assert reigns(again) == ["2"]
    assert set(stepped_over(again)) == {"1", "4"}
    promoted = history(*boxed, ("promoted", "5", ""))
    assert reigns(promoted) == ["5"]
    assert predecessor(promoted, "5", {"1", "2", "4", "5"}) is None
    # The first champion of a history that began after it.
    assert set(stepped_over(history(("rolled back", BOXED, "3")))) == {"3"}
