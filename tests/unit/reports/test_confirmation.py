"""What a report says and draws of a confirmation and of the test split."""

from __future__ import annotations

import copy
from collections.abc import Callable
from typing import Any

import pytest

from hpo.reports.beside_answer import architectures_over_seeds
from hpo.reports.compute import compute
from hpo.reports.confirmation_sentences import tell
from hpo.reports.confirmation_warnings import (
    few_seeds,
    unasked_sentence,
    unlearned,
)
from hpo.reports.draw.confirmation import _once, section
from hpo.reports.opening_sentences import opening_in_short, tell_openings
from hpo.spec.records import TrialRecord


def interval(point: float, half: float, n: int = 3589) -> dict[str, Any]:
    return {"point": point, "low": point - half, "high": point + half, "level": 0.95, "n": n}


CLASSES = [{"precision": 0.5, "recall": 0.25, "f1": 1 / 3, "faces": 40}] * 6
CLASSES += [{"precision": None, "recall": 0.0, "f1": 0.0, "faces": 4}]


def entry(number: int, mean: float, behind: dict[str, Any] | None, **more: Any) -> dict[str, Any]:
    values = [mean - 0.01, mean, mean + 0.01]
    return {
        "label": f"cnn-{number}",
        "architecture": "cnn",
        "number": number,
        "search_value": mean + 0.012,
        "params": {},
        "numbers": [0, 1, 2],
        "values": values,
        "mean": interval(mean, 0.015),
        "behind": behind,
        "optimism": interval(0.012, 0.02, 3),
        "best_share": 0.5,
        "stopped": None,
        "stopped_by": None,
        "scores": {"val_macro_f1": {"mean": 0.48, "low": 0.47, "high": 0.49}},
        "confusion": [],
        "per_class": CLASSES,
        **more,
    }


def confirmed_facts() -> dict[str, Any]:
    """What a confirmation says that crowned the first of three."""
    return {
        "objective": "val_accuracy",
        "direction": "maximize",
        "seeds": 5,
        "level": 0.95,
        "images": 3589,
        "over": True,
        "winner": "cnn-4",
        "runner_up": "cnn-2",
        "crowned": True,
        "candidates": [
            entry(4, 0.52, None),
            entry(2, 0.50, interval(0.02, 0.01)),
            entry(7, 0.40, interval(0.12, 0.02), stopped=3, stopped_by="cnn-4"),
        ],
    }


@pytest.fixture
def facts() -> dict[str, Any]:
    return confirmed_facts()


OPENING: dict[str, Any] = {
    "opened": "2026-03-01T10:00:00+00:00",
    "finished": "2026-03-01T10:00:09+00:00",
    "reason": "",
    "dataset": "fer2013",
    "images": 3589,
    "confirmed": True,
    "architecture": "cnn",
    "number": 4,
    "runs": [0, 1, 2],
    "accuracy": interval(0.51, 0.016),
    "values": [0.50, 0.51, 0.52],
    "validation": 0.52,
    "gap": interval(0.01, 0.02),
    "per_class": CLASSES,
    "scores": {"test_loss": {"mean": 1.31, "low": 1.3, "high": 1.32}},
}


def test_a_winner_is_told_with_its_lead_and_who_was_stopped(facts: dict[str, Any]) -> None:
    said = tell(facts)
    assert said[0] == (
        "cnn #4 is the winner: it reaches 52.0 % [50.5, 53.5] over 3 seeds on 3,589 validation "
        "faces, 2.0 points [+1.0, +3.0] above cnn #2, the next (95 % bootstrap intervals, paired "
        "by face, seeds and faces resampled), and its interval against every other excludes 0, "
        "a rule by which chance alone crowns one of equally good configurations in about 5 % of "
        "studies at most."
    )
    assert said[1] == "cnn #7 was stopped after 3 seeds, as worse than cnn #4."
    assert (
        "winner's curse 1.2 points [-0.8, +3.2] (95 % Student interval over its seeds)" in said[2]
    )
    assert said[3] == "cnn #4, mean of 3 seeds: macro F1 48.0 %."


def test_after_an_earlier_verdict_no_rate_of_chance_is_promised(facts: dict[str, Any]) -> None:
    assert "chance alone crowns" in tell(facts | {"earlier_verdicts": []})[0]
    added = tell(facts | {"earlier_verdicts": [3]})
    assert "chance alone" not in added[0]
    assert added[0].endswith("seeds and faces resampled).")
    assert added[1].startswith("Caution: of the 5 seeds 2 came after an earlier verdict by 3")


def test_who_was_stopped_and_is_not_told_apart_is_told_by_what_it_was_stopped(
    facts: dict[str, Any],
) -> None:
    facts["candidates"][0]["values"] = [0.5, 0.51, 0.52, 0.53, 0.54]
    facts["candidates"][2]["behind"] = interval(0.015, 0.02)
    said = tell(facts | {"crowned": False})
    assert "1.5 points [-0.5, +3.5] above cnn #7 over its 3 seeds (95 %" in said[0]
    assert said[1] == (
        "cnn #7 was stopped by the race's look after 3 seeds, whose interval against cnn #4 then "
        "excluded 0; the final comparison, of its 3 seeds with the 5 seeds of cnn #4, does not "
        "exclude it."
    )


def test_re_runs_that_do_better_than_the_search_show_no_optimism(facts: dict[str, Any]) -> None:
    facts["candidates"][0]["optimism"] = interval(-0.003, 0.02, 3)
    (said,) = [sentence for sentence in tell(facts) if "curse" in sentence]
    assert "winner's curse -0.3 points [-2.3, +1.7]" in said
    assert "so no optimism was seen" in said
    assert "the luck of its seed" not in said


def test_how_far_an_unfinished_confirmation_is_is_said_before_it_can_compare(
    facts: dict[str, Any],
) -> None:
    facts |= {"over": False, "winner": None}
    for entry in facts["candidates"]:
        entry |= {"values": [], "stopped": None}
    facts["candidates"][0]["values"] = [0.5]
    assert tell(facts)[0].endswith("The confirmation is not finished: 1 of 15 runs has ended.")


def test_what_fewer_than_five_seeds_cost_is_told(facts: dict[str, Any]) -> None:
    assert not any("fewer than five" in sentence for sentence in tell(facts | {"seeds": 5}))
    told = tell(facts | {"seeds": 2})[1]
    # t(1) / sqrt(2) = 8.98 and t(4) / sqrt(5) = 1.24 deviations of a run, from tables.
    assert told == (
        "2 seeds are fewer than five: the luck of seeds alone makes an interval 7.2 times as wide "
        "as with five, and they do not tell how far seeds lie apart, so nobody is named the "
        "winner, and nobody is stopped early."
    )
    assert "2.0 times as wide" in few_seeds(3)
    assert "a single look" in few_seeds(4)


def test_of_two_seeds_the_best_is_taken_and_nobody_is_the_winner(facts: dict[str, Any]) -> None:
    facts |= {"seeds": 2, "crowned": False}
    for one in facts["candidates"]:
        one |= {"values": one["values"][:2], "stopped": None}
    said = tell(facts)
    assert said[0] == (
        "cnn #4 reaches 52.0 % [50.5, 53.5] over 2 seeds on 3,589 validation faces, 2.0 points "
        "[+1.0, +3.0] above cnn #2, the next (95 % bootstrap intervals, paired by face, seeds and "
        "faces resampled). Two seeds do not tell how far seeds lie apart, so nobody is called the "
        "winner; 5 are usual. cnn #4 is taken because its mean is the best."
    )
    assert not any("is the winner" in sentence for sentence in said)


def test_of_whom_two_runs_are_left_is_named(facts: dict[str, Any]) -> None:
    facts["crowned"] = False
    facts["candidates"][1]["values"][0] = None
    assert "Two seeds of cnn #2 do not tell how far seeds lie apart" in tell(facts)[0]


def test_equals_are_told_as_such(facts: dict[str, Any]) -> None:
    facts["candidates"][1]["behind"] = interval(0.005, 0.01)
    facts["crowned"] = False
    assert "cnn #4 and cnn #2 are not distinguishable" in tell(facts)[0]
    assert "taken because its mean is the best" in tell(facts)[0]


def test_who_was_stopped_and_came_out_ahead_is_not_passed_over(facts: dict[str, Any]) -> None:
    # Stopped at a look, and the leader of that look did worse with its later seeds.
    facts["candidates"][2]["behind"] = interval(-0.005, 0.01)
    facts["crowned"] = False
    said = tell(facts)[0]
    assert said.endswith(
        "cnn #4 is taken because its mean is the best of those that were not stopped."
    )


def test_a_loss_is_told_in_nats_and_lower_is_better(facts: dict[str, Any]) -> None:
    facts |= {"objective": "val_loss", "direction": "minimize", "images": 0}
    said = tell(facts)
    assert (
        "0.0200 [+0.0100, +0.0300] below cnn #2, the next (95 % bootstrap intervals, seeds "
        "resampled)"
    ) in said[0]
    assert "reaches a log loss of 0.5200 [" in said[0]
    # The rule was simulated for accuracies.
    assert "about 5 %" not in said[0]
    assert "5 % of studies if these intervals hold" in said[0]
    assert "points" not in said[2]
    assert "scored 0.5320 when" in said[2]


def test_who_is_alone_or_not_told_apart_is_crowned_by_no_rule(facts: dict[str, Any]) -> None:
    facts["candidates"][1]["behind"] = interval(0.005, 0.01)
    facts["crowned"] = False
    assert "crowns" not in tell(facts)[0]
    assert "so nobody is called the winner" in tell(facts)[0]
    facts["candidates"] = facts["candidates"][:1]
    assert "(95 % bootstrap interval, seeds and faces resampled)" in tell(facts)[0]
    assert "winner" not in tell(facts)[0]


def test_a_leader_of_a_race_that_goes_on_is_not_crowned(facts: dict[str, Any]) -> None:
    facts["over"] = facts["crowned"] = False
    assert "crowns" not in " ".join(tell(facts))


def test_the_interval_of_a_share_ends_where_shares_do(facts: dict[str, Any]) -> None:
    wide = interval(0.165, 0.181)
    facts["candidates"] = [entry(4, 0.165, None) | {"mean": wide}]
    assert "reaches 16.5 % [0.0, 34.6]" in tell(facts)[0]
    opening = OPENING | {"accuracy": interval(0.9, 0.2)}
    assert "90.0 % [70.0, 100.0]" in tell_openings([opening])[0]
    facts |= {"objective": "val_loss", "direction": "minimize", "images": 0}
    assert "[-0.0160, 0.3460]" in tell(facts)[0]


def test_a_confirmation_after_a_look_at_the_test_split_says_so(facts: dict[str, Any]) -> None:
    assert "Caution" not in " ".join(tell(facts))
    facts["after_opening"] = "2026-03-01T10:00:00+00:00"
    assert "after the test split was opened on 2026-03-01 10:00 UTC" in tell(facts)[1]


def test_seeds_that_came_after_a_verdict_are_told(facts: dict[str, Any]) -> None:
    facts["earlier_verdicts"] = [2]
    assert tell(facts)[1] == (
        "Caution: of the 5 seeds 3 came after an earlier verdict by 2; adding seeds and looking "
        "again makes it more likely that luck crowns a winner."
    )
    facts["earlier_verdicts"] = [2, 4]
    assert "of the 5 seeds 3 came after 2 earlier verdicts by 2 and 4;" in tell(facts)[1]
    facts["earlier_verdicts"] = [5]
    assert "Caution" not in " ".join(tell(facts))


def test_configurations_that_joined_after_a_verdict_are_told(facts: dict[str, Any]) -> None:
    facts |= {"earlier_verdicts": [5], "earlier_choices": [2]}
    said = tell(facts)
    assert "chance alone" not in said[0]
    assert said[1] == (
        "Caution: of the 3 configurations 1 joined after an earlier verdict among 2; adding "
        "configurations and looking again makes it more likely that luck crowns a winner."
    )
    both = tell(facts | {"earlier_verdicts": [3, 5], "earlier_choices": [2, 2]})[1]
    assert "of the 5 seeds 2 came after an earlier verdict by 3;" in both
    assert "of the 3 configurations 1 joined after 2 earlier verdicts among 2 and 2;" in both
    # Alone it was compared with nothing; and seeds alone add no configuration.
    for alone in ([1], [3], []):
        assert "Caution" not in " ".join(tell(facts | {"earlier_choices": alone}))


def test_what_is_not_over_is_not_a_winner(facts: dict[str, Any]) -> None:
    facts["winner"] = "cnn-2"
    facts["candidates"][0]["behind"], facts["candidates"][1]["behind"] = interval(0.02, 0.03), None
    facts["crowned"] = False
    assert "The one that is taken, cnn #2, scored" in " ".join(tell(facts))
    facts["over"] = False
    assert "The one that leads, cnn #2, scored" in " ".join(tell(facts))
    facts["winner"], facts["candidates"][0]["behind"] = "cnn-4", None
    facts["candidates"][1]["behind"] = interval(0.02, 0.01)
    assert tell(facts)[0] == "The confirmation is not finished (9 of 13 runs have ended); so far:"
    assert " leads: " in tell(facts)[1]
    facts["winner"] = None
    assert "too few to compare" in tell(facts)[0]


def test_a_second_look_at_the_test_split_is_told_as_one() -> None:
    first = tell_openings([{"opened": "2026-02-28T09:00:00+00:00"}, OPENING])
    assert (
        "51.0 % [49.4, 52.6] (95 % bootstrap interval over seeds and faces, mean of 3 seeds), "
        "opened 2026-03-01 10:00 UTC"
    ) in first[0]
    assert (
        "1.0 points below the validation accuracy of the same runs, 52.0 % (gap +1.0 [-1.0, +3.0]"
    ) in first[1]
    (alone, *_) = tell_openings([OPENING | {"runs": [0]}])
    assert "(95 % Wilson interval, one run), opened" in alone
    assert "log loss 1.310" in first[2]
    assert len(first) == 3
    again = tell_openings([OPENING, OPENING | {"reason": "a mistake"}])
    assert (
        "It was opening 2 (“a mistake”), after 51.0 % [49.4, 52.6] of cnn #4 in the first: what is "
    ) in again[0]
    assert "optimistic. That is 1.0 points below the validation" in opening_in_short(again)[0]
    assert opening_in_short([]) == []
    same = tell_openings([OPENING | {"gap": interval(0.0002, 0.02)}])
    assert "That is to a tenth of a point the validation accuracy of the same runs" in same[1]
    assert tell_openings([]) == []


def test_under_a_loss_the_gap_of_the_losses_is_told() -> None:
    gap = {**interval(0.05, 0.02, 3), "test": 1.35, "validation": 1.3}
    said = tell_openings([OPENING | {"loss_gap": gap}])
    assert said[2] == (
        "Its log loss there, 1.3500, is 0.0500 above that of the same runs on validation, 1.3000, "
        "by which it was chosen (gap +0.0500 [+0.0300, +0.0700], 95 % Student interval over 3 "
        "seeds; as the losses of single faces are not stored, what other faces would change is not "
        "in it)."
    )
    alone = gap | {"low": None, "high": None, "level": None, "n": 1, "point": -0.05}
    (_, _, told, *_) = tell_openings([OPENING | {"loss_gap": alone}])
    assert "0.0500 below that of the same run on validation" in told
    assert "of one run no interval is known" in told
    assert "log loss there" not in " ".join(tell_openings([OPENING | {"loss_gap": None}]))


def test_who_is_chosen_and_was_never_asked_about_the_test_split_is_named(
    records: Callable[..., list[TrialRecord]], spec: dict[str, Any], facts: dict[str, Any]
) -> None:
    known = {"facts": facts, "sentences": tell(facts), "openings": [OPENING]}
    assert unasked_sentence(known) == ""
    known["openings"] = [OPENING | {"number": 2}, {"opened": "2026-03-02T10:00:00+00:00"}]
    told = (
        "The test split was asked about cnn #2; cnn #4, which is chosen now, was never asked "
        "about it."
    )
    assert unasked_sentence(known) == told
    data = compute(records(trials=4), spec, n_bootstrap=0, confirmation=known)
    assert told in data.summary
    assert told in data.caveats
    assert unasked_sentence(known | {"facts": facts | {"over": False}}) == ""


def test_a_mean_that_does_not_beat_one_answer_is_told_in_the_verdict(facts: dict[str, Any]) -> None:
    first, *others = facts["candidates"]
    told = "cnn #4 was not shown to have learned: its interval contains the 52.0 % that always"
    assert "learned" not in tell(facts)[0]
    matrix = [[520, 0], [300, 180]]
    dull = facts | {"candidates": [first | {"confusion": matrix}, *others]}
    assert told in tell(dull)[0]
    matrix = [[500, 0], [400, 100]]
    assert (
        "learned" not in tell(facts | {"candidates": [first | {"confusion": matrix}, *others]})[0]
    )
    # Under a loss the accuracy that came with it has the interval over faces.
    loss = facts | {"objective": "val_loss"}
    reached = first | {"confusion": matrix, "scores": {"val_accuracy": {"mean": 0.5}}}
    assert "over the 333 faces, 50.0 % [44.7, 55.3], contains the 50.0 %" in unlearned(
        loss, reached
    )
    assert "contains" in unlearned(loss, reached | {"scores": {"val_accuracy": {"mean": 0.55}}})
    assert unlearned(loss, reached | {"scores": {"val_accuracy": {"mean": 0.6}}}) == ""


def test_a_test_split_that_one_answer_does_as_well_on_is_told_as_that() -> None:
    assert "learned" not in tell_openings([OPENING])[0]
    matrix = [[505, 0], [300, 195]]
    said = tell_openings([OPENING | {"confusion": matrix}])[0]
    assert said.endswith(
        "There it was not shown to have learned: the interval contains the 50.5 % that always "
        "answering the most frequent emotion would score."
    )
    assert "lies below the 60.0 %" in tell_openings([OPENING | {"confusion": [[60], [40]]}])[0]


def test_the_answer_on_architectures_knows_what_re_runs_tell_apart(facts: dict[str, Any]) -> None:
    assert architectures_over_seeds({"facts": facts}) == ""
    first, second, *rest = facts["candidates"]
    other = second | {"architecture": "xception", "behind": interval(0.005, 0.02)}
    equal = facts | {"candidates": [first, other, *rest]}
    said = architectures_over_seeds({"facts": equal})
    assert said.startswith("Over seeds the re-runs do not tell cnn from xception, so what")
    assert architectures_over_seeds({"facts": equal | {"over": False}}) == ""
    worse = other | {"behind": interval(0.05, 0.02)}
    said = architectures_over_seeds({"facts": facts | {"candidates": [first, worse, *rest]}})
    assert said == (
        f"Over seeds, which decide, cnn #{first['number']} is 5.0 points [+3.0, +7.0] better than "
        f"xception #{other['number']}."
    )
    # Of two of another architecture the better one counts.
    both = facts | {"candidates": [first, worse, other | {"label": "xception-9"}, *rest]}
    assert "which decide" not in architectures_over_seeds({"facts": both})


def test_what_was_not_told_from_no_luck_is_not_called_luck(facts: dict[str, Any]) -> None:
    said = " ".join(tell(facts))
    assert "Student interval over its seeds), which is not distinguishable from none." in said
    first, *others = facts["candidates"]
    lucky = first | {"optimism": interval(0.03, 0.02, 3)}
    assert "the luck of its seed." in " ".join(tell(facts | {"candidates": [lucky, *others]}))


def test_no_sentence_of_the_section_stands_there_twice() -> None:
    tail = "What it owes to these faces is in both."
    said = _once(
        [f"One scored 29.7 %. {tail}", "Three seeds.", f"Two scored. {tail}", "Three seeds."]
    )
    assert said == ["One scored 29.7 %.", "Three seeds.", f"Two scored. {tail}"]


def test_the_report_draws_a_row_for_each_and_sums_it_up(
    records: Callable[..., list[TrialRecord]], spec: dict[str, Any], facts: dict[str, Any]
) -> None:
    facts["after_opening"] = OPENING["opened"]
    known = {"facts": facts, "sentences": tell(facts)}
    data = compute(
        records(trials=4),
        spec,
        n_bootstrap=0,
        confirmation={**known, "openings": [OPENING], "test": tell_openings([OPENING])},
    )
    # Who has won, that it was chosen after a look at the test split, and what that said, come
    # before the search's best.
    place = data.summary.index(known["sentences"][0])
    assert data.summary[place : place + 2] == known["sentences"][:2]
    assert "3,589 test faces" in data.summary[place + 2]
    assert "That is 1.0 points below the validation accuracy" in data.summary[place + 2]
    assert data.summary[place + 3].startswith("The best of")
    drawn = section(data)
    picture, classes = drawn.pictures
    names = list(picture.figure.layout.yaxis.ticktext)
    assert names == ["cnn #4", "cnn #2", "cnn #7<br>(stopped after 3 seeds)"]
    test = next(t for t in picture.figure.data if t.name == "test split")
    assert test.x[0] == pytest.approx(51.0)
    means = [t for t in picture.figure.data if t.name == "mean of the seeds"]
    assert [m.x[0] for m in means] == pytest.approx([52.0, 50.0, 40.0])
    assert known["sentences"][1] in picture.note
    shares = {t.name: list(t.x) for t in classes.figure.data}
    assert shares["precision, validation"] == [50.0] * 6  # Nothing was given the seventh class.
    assert shares["recall, test"] == [25.0] * 6 + [0.0]


def test_a_search_that_went_on_after_a_look_at_the_test_split_is_read_with_care(
    records: Callable[..., list[TrialRecord]], spec: dict[str, Any]
) -> None:
    looked = {"openings": [OPENING], "test": tell_openings([OPENING])}
    data = compute(records(trials=4), spec, n_bootstrap=0, confirmation=looked)
    assert "knowledge" not in " ".join(data.caveats)
    later = looked | {"searched_after": OPENING["opened"]}
    data = compute(records(trials=4), spec, n_bootstrap=0, confirmation=later)
    assert (
        "Trials were begun after the test split was opened on 2026-03-01 10:00 UTC: what is "
        "chosen now is selected with knowledge of it."
    ) in data.caveats


def test_a_study_without_one_says_how_to_have_it(
    records: Callable[..., list[TrialRecord]], spec: dict[str, Any]
) -> None:
    data = compute(records(trials=4), spec, n_bootstrap=0)
    assert "hpo confirm" in section(data).empty
    alone = compute(
        records(trials=4),
        spec,
        n_bootstrap=0,
        confirmation={"openings": [OPENING], "test": tell_openings([copy.deepcopy(OPENING)])},
    )
    assert "3,589 test faces" in section(alone).empty


def test_the_report_of_a_confirmation_does_not_send_people_to_confirm_it(
    records: Callable[..., list[TrialRecord]], spec: dict[str, Any]
) -> None:
    data = compute(records(trials=4), {**spec, "name": "thesis.confirmation"}, n_bootstrap=0)
    assert section(data).empty == (
        "These are the re-runs of study thesis; hpo report thesis says what they come to."
    )


def test_what_the_test_split_said_of_another_trial_is_not_drawn_as_the_winners(
    records: Callable[..., list[TrialRecord]], spec: dict[str, Any], facts: dict[str, Any]
) -> None:
    known = {"facts": facts, "sentences": tell(facts)}
    # Number 2 raced and lost; number 1 was opened before others were found, and never raced.
    for number, marks in ((2, [1.22]), (1, [])):
        opening = OPENING | {"number": number, "confirmed": False}
        told = {**known, "openings": [opening], "test": tell_openings([opening])}
        data = compute(records(trials=4), spec, n_bootstrap=0, confirmation=told)
        seeds, classes = section(data).pictures
        assert [t.y[0] for t in seeds.figure.data if t.name == "test split"] == marks
        assert {t.name for t in classes.figure.data} == {
            "precision, validation",
            "recall, validation",
        }
        assert f"cnn #{number} reaches an accuracy of 51.0 %" in seeds.note
        # What always answering one emotion scores is drawn where it is near what is.
        assert not seeds.figure.layout.shapes
        assert seeds.note.endswith(
            "\nAlways answering 'happy' would score 24.9 %, far from what is drawn."
        )
        assert "cnn #4 52 % [50.5, 53.5]" in seeds.words
        data.majority["rate"] = 0.45
        (near, _) = section(data).pictures
        (line,) = near.figure.layout.shapes
        assert line.x0 == pytest.approx(45)
        assert near.words.endswith("A line at 45.0: always 'happy'.")
        assert "Always answering" not in near.note


def test_seeds_are_rings_of_the_whole_tone_which_a_dark_page_does_not_swallow(
    records: Callable[..., list[TrialRecord]], spec: dict[str, Any], facts: dict[str, Any]
) -> None:
    known = {"facts": facts, "sentences": tell(facts)}
    data = compute(records(trials=4), spec, n_bootstrap=0, confirmation=known)
    seeds = [t for t in section(data).pictures[0].figure.data if t.name == "a seed"]
    assert seeds
    for trace in seeds:
        assert trace.marker.symbol == "circle-open"
        assert trace.marker.color.startswith("#")


def test_a_run_that_failed_is_no_seed_of_a_mean(facts: dict[str, Any]) -> None:
    facts["candidates"][0]["values"] = [0.51, None, 0.53]
    said = tell(facts)
    assert "over 2 seeds on 3,589 validation faces" in said[0]
    assert said[-1] == "cnn #4, mean of 2 seeds: macro F1 48.0 %."


def test_the_star_has_its_own_mark_of_always_answering_one_emotion(
    records: Callable[..., list[TrialRecord]], spec: dict[str, Any], facts: dict[str, Any]
) -> None:
    # Three of five test faces are of the most frequent emotion.
    matrix = [[50, 30], [60, 60]]
    openings = [OPENING | {"confusion": matrix, "accuracy": interval(0.55, 0.03)}]
    confirmation = {"facts": facts, "sentences": [], "test": [], "openings": openings}
    data = compute(records(trials=4), spec, n_bootstrap=0, confirmation=confirmation)
    drawn = section(data).pictures[0].figure
    (tick,) = [t for t in drawn.data if t.name == "always one emotion, test split"]
    (star,) = [t for t in drawn.data if t.name == "test split"]
    assert tick.x == (60.0,)
    assert tick.y == star.y
    openings[0]["confusion"] = []
    drawn = section(compute(records(trials=4), spec, n_bootstrap=0, confirmation=confirmation))
    assert not any("always" in (t.name or "") for t in drawn.pictures[0].figure.data)


def test_each_class_is_drawn_with_its_interval(
    one_trial: Callable[..., TrialRecord], facts: dict[str, Any]
) -> None:
    sure = {"precision": interval(0.5, 0.1), "recall": interval(0.25, 0.3), "f1": None}
    classes = [c | {"intervals": sure} for c in CLASSES[:6]] + CLASSES[6:]
    facts["candidates"][0]["per_class"] = classes
    trials = [one_trial("cnn", k) for k in (2, 4, 7)]
    data = compute(trials, {"name": "demo"}, n_bootstrap=0, confirmation={"facts": facts})
    picture = section(data).pictures[1]
    assert picture.architecture == "cnn"
    assert picture.figure.layout.title.text.endswith("over its seeds, with 95 % intervals")
    precision, recall = picture.figure.data
    assert precision.error_x.array[0] == pytest.approx(10)
    # A share ends at 0, and what has no interval has no line.
    assert recall.error_x.arrayminus[0] == pytest.approx(25)
    assert recall.error_x.array[6] is None
    facts["candidates"][0]["per_class"] = CLASSES
    bare = compute(trials, {"name": "demo"}, n_bootstrap=0, confirmation={"facts": facts})
    assert section(bare).pictures[1].figure.layout.title.text.endswith("over its seeds")


def test_the_test_split_is_told_without_copies_where_it_has_some() -> None:
    alone = {"images": 3500, "accuracy": interval(0.5, 0.016, 3500)}
    said = tell_openings([OPENING | {"without_copies": alone, "images_without_copies": 3500}])
    assert said[-1] == (
        "89 of the 3,589 test faces have an exact, mirrored or near duplicate in the training "
        "split: on the others it reaches 50.0 % [48.4, 51.6]."
    )
    poor = alone | {"confusion": [[1700, 0], [1750, 50]]}
    unlearned = tell_openings([OPENING | {"without_copies": poor, "images_without_copies": 3500}])
    assert unlearned[-1].endswith(
        "[48.4, 51.6], where always answering one emotion scores 51.4 % at best, so there it was "
        "not shown to have learned."
    )
    clean = tell_openings([OPENING | {"images_without_copies": 3589}])
    assert clean[-1] == "None of the 3,589 test faces has a copy in what it trained on."
    # What validation has a copy of was chosen by, also where training has left its copies out.
    both = OPENING | {"copies_in": ["train", "validation"]}
    shown = tell_openings([both | {"without_copies": alone, "images_without_copies": 3500}])
    assert "near duplicate in the training or the validation split: on the others" in shown[-1]
    clean = tell_openings([both | {"images_without_copies": 3589}])
    assert clean[-1].endswith("has a copy in what it trained on or was chosen by.")
    left = OPENING | {"copies_in": ["validation"], "images_without_copies": 3500}
    dropped = tell_openings([left | {"without_copies": alone}])
    assert "duplicate in the validation split, by which it was chosen: on the" in dropped[-1]
    # An opening of before that was looked for.
    assert "copy" not in " ".join(tell_openings([OPENING]))
