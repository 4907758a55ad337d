"""Studies beside each other as plain data, sentences and tables."""

from __future__ import annotations

import dataclasses
import itertools
import json
import re
from typing import Any

import pytest

from hpo.evidence.intervals import Interval
from hpo.evidence.paired import Paired
from hpo.reports.compute import outline
from hpo.reports.differing import differing
from hpo.reports.draw.section import Picture
from hpo.reports.draw.side_by_side import sections
from hpo.reports.equal_trials import Best
from hpo.reports.side_by_side import SideBySide, set_beside
from hpo.reports.side_by_side_page import budget_rows, file_rows, page, result_rows, summary
from tests.unit.reports.conftest import by_loss, loss_spec, study_records, study_spec
from tests.unit.reports.test_confirmation import confirmed_facts, interval


def unpaired(new: Best, old: Best) -> str:
    return "nothing is known of the faces"


def beside(*trials: int, architectures: tuple[str, ...] = ("cnn", "xception")) -> SideBySide:
    sides = [
        outline(study_records(architectures, trials=n, seed=k), study_spec(architectures))
        for k, n in enumerate(trials)
    ]
    return set_beside(sides, [f"study {k}" for k in range(len(sides))], unpaired)


def test_the_outline_of_a_report_has_what_the_whole_has() -> None:
    from hpo.reports.compute import compute

    records = study_records(("cnn",), trials=8)
    short, whole = (f(records, study_spec(("cnn",))) for f in (outline, compute))
    assert short.trials == whole.trials
    assert short.objective == whole.objective
    for key, value in short.architectures[0].items():
        assert whole.architectures[0][key] == value


def test_differences_are_those_from_the_first_study() -> None:
    whole = beside(6, 8, 10)
    for entry in whole.architectures:
        bests = [result["best"]["accuracy"] for result in entry["results"]]
        for best, gap in zip(bests[1:], entry["differences"][1:], strict=True):
            assert gap["point"] == pytest.approx(best - bests[0], abs=1e-5)
            assert gap["low"] < gap["point"] < gap["high"]
    assert whole.differences[0] is None
    assert any("nothing is known of the faces" in note for note in whole.notes)


def test_a_paired_difference_is_marked() -> None:
    def paired(new: Best, old: Best) -> Paired:
        return Paired(both=60, first=20, second=5, neither=15)

    sides = [outline(study_records(("cnn",), trials=4, seed=k), study_spec()) for k in range(2)]
    whole = set_beside(sides, ["A", "B"], paired)
    (gap,) = whole.architectures[0]["differences"][1:]
    assert gap["point"] == pytest.approx(0.15)
    assert "paired" in result_rows(whole)[0][2]
    assert "+15.0 [" in summary(whole)[2]


def test_curves_never_get_worse_and_end_with_all_the_time_spent() -> None:
    whole = beside(12, 20)
    for study, curve in zip(whole.studies, whole.curves, strict=True):
        assert curve["values"] == sorted(curve["values"])
        assert curve["seconds"] == sorted(curve["seconds"])
        assert curve["values"][-1] == pytest.approx(study["best"]["value"], abs=1e-5)
        assert curve["seconds"][-1] == pytest.approx(study["seconds"], rel=1e-3)


def test_what_differs_in_study_files_is_a_line_a_key() -> None:
    def study(high: float, **more: Any) -> dict[str, Any]:
        rate = {"type": "float", "low": 1e-4, "high": high, "log": True, "when": {}}
        return {
            "name": str(high),
            "seed": 1,
            "architectures": {"cnn": {"space": {"rate": rate}}},
        } | more

    assert differing(
        [study(0.1), study(0.2, seed=2, pruner={"name": "median", "options": {}})]
    ) == [
        {"key": "seed", "values": [1, 2]},
        {
            "key": "architectures.cnn.space.rate",
            "values": ["0.0001 to 0.1, log", "0.0001 to 0.2, log"],
        },
        {"key": "pruner.name", "values": [None, "median"]},
    ]


def test_trials_that_only_a_limit_of_time_put_there_are_no_setting() -> None:
    budgets = {"trials": 1000, "device_hours": 0.03}, {"trials": 20, "device_hours": None}
    assert differing([{"budget": budget} for budget in budgets]) == [
        {"key": "budget.device_hours", "values": [0.03, None]},
        {"key": "budget.trials", "values": [None, 20]},
    ]
    sides = [outline(study_records(("cnn",)), study_spec() | {"budget": b}) for b in budgets]
    (row,) = [r for r in budget_rows(set_beside(sides, ["A", "B"], unpaired)) if r[0] == "budget"]
    assert row[1:] == ["device hours 0.03", "trials 20"]


def test_studies_of_other_objectives_are_drawn_in_the_accuracy_that_all_record() -> None:
    records = study_records(("cnn",), trials=5)
    sides = [outline(records, study_spec(("cnn",))), outline(by_loss(records), loss_spec(("cnn",)))]
    whole = set_beside(sides, ["A", "B"], unpaired)
    assert any("differ in their objectives" in note for note in whole.notes)
    drawn = sections(whole)
    for section in drawn.values():
        (picture,) = section.pictures
        assert "different objectives" in picture.note
        assert {trace.name for trace in picture.figure.data} == {"A", "B"}
    (bests,) = drawn["bests"].pictures
    assert bests.figure.layout.xaxis.title.text == "validation accuracy [%]"
    by_place = [trace.x[0] for trace in bests.figure.data]
    assert by_place == [
        pytest.approx(100 * study["best"]["interval"]["point"]) for study in whole.studies
    ]
    (anytime,) = drawn["anytime"].pictures
    assert anytime.figure.data[1].y[-1] == pytest.approx(by_place[1], abs=1e-3)
    assert "a disadvantage" in page(whole)


def test_the_navigation_leads_to_every_section() -> None:
    text = page(beside(3, 3))
    sections = re.findall(r'<section id="(\w+)"', text)
    assert sections[-1] == "made"
    assert re.findall(r'<li><a href="#(\w+)">', text) == sections


def test_without_an_accuracy_studies_of_other_objectives_say_why_nothing_is_drawn() -> None:
    sides = [outline([], study_spec(("cnn",))), outline([], loss_spec(("cnn",)))]
    for section in sections(set_beside(sides, ["A", "B"], unpaired)).values():
        assert not section.pictures
        assert "recorded an accuracy" in section.empty


def test_all_objectives_are_named() -> None:
    goals = [
        {"metric": "val_accuracy", "direction": "maximize"},
        {"metric": "latency_ms", "direction": "minimize"},
    ]
    records = study_records(("cnn",), trials=3)
    sides = [
        outline(records, study_spec(("cnn",))),
        outline(records, {**study_spec(("cnn",)), "objectives": goals}),
    ]
    whole = set_beside(sides, ["A", "B"], unpaired)
    assert budget_rows(whole)[0] == [
        "objectives",
        "val_accuracy, maximize",
        "val_accuracy, maximize; latency_ms, minimize",
    ]
    assert budget_rows(beside(3, 3))[0][0] == "objective"
    assert any(
        "differ in their objectives (A val_accuracy, B val_accuracy" in n for n in whole.notes
    )


def test_studies_without_a_result_still_stand_beside_each_other() -> None:
    empty = outline([], {"name": "empty"})
    whole = set_beside([empty, empty], ["A", "B"], unpaired)
    assert "no complete trial" in summary(whole)[0]
    assert "No trial is complete" in page(whole)
    json.dumps(whole.to_json(), allow_nan=False)


def test_steps_of_numbers_and_floats_alike_in_four_digits_are_told_apart() -> None:
    def study(kind: str, **changes: Any) -> dict[str, Any]:
        return {"space": {"x": {"type": kind, "low": 0.0, "high": 1.0, "step": None, **changes}}}

    (row,) = differing([study("float", step=0.1), study("float", step=0.25)])
    assert row["values"] == ["0 to 1 by 0.1", "0 to 1 by 0.25"]
    (row,) = differing([study("float"), study("int", step=2)])
    assert row["values"] == ["0 to 1", "0 to 1 by 2"]
    (row,) = differing([study("float", high=0.12345), study("float", high=0.12346)])
    assert row["values"] == ["0 to 0.12345", "0 to 0.12346"]


def test_values_that_differ_are_not_written_alike() -> None:
    empty = outline([], {"name": "empty"})
    studies = [dataclasses.replace(empty, study={"rate": rate}) for rate in (0.12345, 0.12349)]
    (cells,) = file_rows(set_beside(studies, ["A", "B"], unpaired))
    assert cells == ["rate", "0.12345", "0.12349"]


def test_objectives_are_told_in_words_among_the_settings() -> None:
    goals = [
        {"metric": "val_accuracy", "direction": "maximize"},
        {"metric": "size_mib", "direction": "minimize"},
    ]
    empty = outline([], {"name": "empty"})
    studies = [dataclasses.replace(empty, study={"objectives": of}) for of in (None, goals)]
    (cells,) = file_rows(set_beside(studies, ["A", "B"], unpaired))
    assert cells == ["objectives", "–", "val_accuracy, maximize; size_mib, minimize"]


def confirmed_beside(
    *confirmed: float | None, over: bool = True, apart: Interval | str = "nothing is known"
) -> SideBySide:
    """Set studies beside each other whose confirmations came to these means."""
    sides = []
    for place, mean in enumerate(confirmed):
        side = outline(study_records(("cnn",), trials=6, seed=place), study_spec(("cnn",)))
        if mean is not None:
            facts = confirmed_facts() | {"over": over}
            facts["candidates"][0]["mean"] = interval(mean, 0.015)
            side = dataclasses.replace(side, confirmation={"facts": facts, "sentences": []})
        sides.append(side)
    titles = [f"study {k}" for k in range(len(sides))]
    return set_beside(sides, titles, unpaired, lambda new, old: apart)


def test_confirmed_is_compared_with_confirmed_first_of_all() -> None:
    whole = confirmed_beside(0.50, 0.54, apart=Interval(0.04, 0.02, 0.06, 0.95, 3589))
    said = summary(whole)
    assert said[0] == (
        "Confirmed against confirmed: study 1 reaches 54.0 % [52.5, 55.5] over 3 seeds with "
        "cnn #4, study 0 50.0 % [48.5, 51.5] over 3 seeds with cnn #4: a difference of 4.0 points "
        "[+2.0, +6.0] (95 % bootstrap intervals over seeds and validation faces, paired by face)."
    )
    # The lucky runs are told, and not set against each other.
    assert "with a validation accuracy of" in said[2]
    assert "points against" not in said[2]
    assert "has a mean validation accuracy of 54.0 % [52.5, 55.5]" in said[2]
    assert "confirmed: 54.0 % [52.5, 55.5] over 3 seeds (trial 4)" in result_rows(whole)[0][2]
    assert "study 1, confirmed" in page(whole)
    assert any("bootstrap over seeds and validation faces" in note for note in whole.notes)


def test_a_difference_of_confirmed_means_that_is_not_paired_says_so() -> None:
    whole = confirmed_beside(0.50, 0.51)
    _, gap = whole.confirmed_differences
    assert gap is not None
    assert gap["point"] == pytest.approx(0.01)
    assert gap["high"] - gap["point"] == pytest.approx(0.015 * 2**0.5)
    assert (
        "the two taken as independent), so these data do not tell the two apart"
        in (summary(whole)[0])
    )
    assert any("as nothing is known" in note for note in whole.notes)


def test_without_two_confirmations_the_bests_are_called_optimistic() -> None:
    for confirmed, lacking in (
        ((0.5, None), "study 1 was not confirmed over seeds"),
        ((None, None), "study 0 and study 1 were not confirmed over seeds"),
    ):
        whole = confirmed_beside(*confirmed)
        said = summary(whole)
        assert said[0].startswith(lacking)
        assert "optimistic" in said[0]
        assert "points against study 0" in said[2]
        assert whole.confirmed_differences == [None, None]


def test_what_several_studies_lack_is_said_once() -> None:
    records, spec = study_records(("cnn",), trials=6), study_spec(("cnn",))
    names = ["first", "second", "third"]
    sides = [outline(records, {**spec, "name": name}) for name in names]
    said = summary(set_beside(sides, names, unpaired))
    assert [sentence for sentence in said if "optimistic" in sentence] == [
        "first, second and third were not confirmed over seeds, so they can be compared by their "
        "searches' bests alone, which are optimistic: each was chosen for its value on the faces "
        "that it is told of. `hpo confirm first`, `hpo confirm second` and "
        "`hpo confirm third` would tell what to expect."
    ]


def test_nobody_is_sent_to_confirm_a_confirmation() -> None:
    records, spec = study_records(("cnn",), trials=6), study_spec(("cnn",))
    search, again = (
        outline(records, spec),
        outline(records, {**spec, "name": "thesis.confirmation"}),
    )
    said = summary(set_beside([search, again], ["thesis", "thesis.confirmation"], unpaired))
    assert said[0] == (
        "thesis.confirmation is a confirmation itself: its best is the luckiest of its seeds, and "
        "optimistic. thesis, named in its place, is compared by the mean over them."
    )


def test_a_confirmation_that_goes_on_is_no_confirmed_figure() -> None:
    whole = confirmed_beside(0.5, 0.6, over=False)
    assert whole.confirmed_differences == [None, None]
    assert (
        "The confirmation of study 1 is not finished: 9 of 13 runs have ended." in summary(whole)[2]
    )
    assert "confirmed:" not in result_rows(whole)[0][2]
    assert ["confirmed", *["not finished: 9 of 13 runs have ended"] * 2] in budget_rows(whole)
    assert summary(whole)[0].startswith(
        "The confirmation of study 0 is not finished (9 of 13 runs have ended) and the "
        "confirmation of study 1 is not finished (9 of 13 runs have ended), so study 0"
    )


def test_confirmations_under_other_objectives_are_not_subtracted() -> None:
    whole = confirmed_beside(0.5, 0.6)
    assert all(whole.confirmed_differences[1:])
    sides = [
        dataclasses.replace(
            outline(study_records(("cnn",), trials=3), study_spec(("cnn",))),
            confirmation={"facts": confirmed_facts() | {"objective": objective}},
        )
        for objective in ("val_accuracy", "val_macro_f1")
    ]
    other = set_beside(sides, ["A", "B"], unpaired)
    assert other.confirmed_differences == [None, None]
    assert summary(other)[0] == (
        "A was confirmed for its accuracy and B for its macro F1, so no difference of the two is "
        "given."
    )


def test_trials_of_a_study_that_are_as_good_as_its_best_are_named() -> None:
    records = [
        dataclasses.replace(record, value=0.5)
        for record in study_records(("cnn",), trials=2, pruned_share=0, failed_share=0)
    ]
    side = outline(records, study_spec(("cnn",)))
    said = summary(set_beside([side, side], ["A", "B"], unpaired))
    assert "Trial 1 of cnn came to exactly the same value" in said[1]


def losses_beside(*trials: int, confirmed: bool = False) -> SideBySide:
    """Set studies beside each other that searched for the lowest loss."""
    sides = []
    for place, count in enumerate(trials):
        records = by_loss(study_records(("cnn", "xception"), trials=count, seed=place))
        side = outline(records, loss_spec(("cnn", "xception")))
        if confirmed:
            facts = confirmed_facts() | {
                "objective": "val_loss",
                "direction": "minimize",
                "images": 0,
            }
            for later, each in enumerate(facts["candidates"]):
                each["mean"] = interval(1.2 + 0.3 * place + 0.01 * later, 0.01, 3)
            side = dataclasses.replace(side, confirmation={"facts": facts, "sentences": []})
        sides.append(side)
    titles = [f"study {k}" for k in range(len(sides))]

    def asked(new: Best, old: Best) -> str:
        raise AssertionError("under a loss no faces are counted")

    return set_beside(sides, titles, asked, lambda new, old: "single faces have no part in it")


def test_losses_are_compared_as_losses() -> None:
    whole = losses_beside(6, 9)
    gap = whole.differences[1]
    assert gap is not None
    bests = [study["best"]["value"] for study in whole.studies]
    assert gap["point"] == pytest.approx(bests[1] - bests[0])
    assert gap["low"] is None
    told = page(whole)
    for word in ("accuracy", "accuracies", "Wilson", "Newcombe", "points", "paired"):
        assert word not in told.split("<main")[1].split("</main>")[0], word
    side = "below" if bests[1] < bests[0] else "above"
    said = " ".join(summary(whole))
    assert f"a validation loss of {bests[1]:.4g} nats" in said
    assert f"{abs(gap['point']):.4g} {side} study 0 (lower is better; nothing tells" in said
    assert f"{bests[1]:.4g} nats, trial" in result_rows(whole)[0][2]
    assert "nats of validation loss: what is below 0 is better" in told
    assert "What lies further left is better" in told
    assert "The lower a line, the better" in told
    json.dumps(whole.to_json(), allow_nan=False)


def test_confirmed_losses_are_drawn_and_said_to_be_better_when_lower() -> None:
    whole = losses_beside(6, 9, confirmed=True)
    said = summary(whole)[0]
    assert "a difference of 0.3000 [+0.2859, +0.3141]" in said
    assert "the two taken as independent, lower is better" in said
    assert any("over seeds alone, as the losses of single faces" in note for note in whole.notes)
    assert any("speaks of other seeds alone" in note for note in whole.notes)
    assert not any("hierarchical" in note or "too wide" in note for note in whole.notes)
    (picture,) = sections(whole)["bests"].pictures
    assert picture.figure.layout.xaxis.title.text == "validation loss [nats]"
    hollow = [trace for trace in picture.figure.data if (trace.name or "").endswith("confirmed")]
    assert [list(trace.x) for trace in hollow[:2]] == [[1.2], [1.5]]
    assert all(trace.error_x.array is None for trace in picture.figure.data if trace.showlegend)


def test_studies_of_other_objectives_are_not_subtracted() -> None:
    records = study_records(("cnn",), trials=3)
    sides = [outline(records, study_spec(("cnn",))), outline(by_loss(records), loss_spec(("cnn",)))]
    whole = set_beside(sides, ["A", "B"], unpaired)
    assert whole.differences == [None, None]
    assert whole.architectures[0]["differences"] == [None, None]
    assert "of studies with its objective (validation accuracy) alone" in page(whole)
    assert "a validation loss of" in summary(whole)[2]


def test_who_spent_how_much_more_time_than_whom_is_said() -> None:
    whole = beside(4, 20, architectures=("cnn",))
    (note,) = [n for n in whole.notes if "in trials" in n]
    assert note.startswith("study 1 spent ")
    assert " of study 0: compare the curves at equal time" in note


@pytest.mark.parametrize("count", [2, 6, 9])
def test_marks_of_many_studies_keep_clear_of_each_other(count: int) -> None:
    whole = confirmed_beside(*[0.5] * count)
    (picture,) = sections(whole)["bests"].pictures
    marks = [trace for trace in picture.figure.data if trace.y[0] is not None]
    down = sorted(y for trace in marks for y in trace.y)
    low, high = sorted(picture.figure.layout.yaxis.range)
    # The axis' name takes 80 pixels, and on a phone each study a line of the legend.
    pixels = (picture.figure.layout.height - 80 - 19 * (count + 1)) / (high - low)
    assert min(b - a for a, b in itertools.pairwise(down)) * pixels > 10
    looks = {(trace.marker.color, trace.marker.symbol) for trace in marks}
    assert len(looks) == len(marks)
    assert picture.words.count("confirmed:") == count


def test_two_datasets_of_one_name_are_told_apart() -> None:
    sides = [outline(study_records(trials=n), study_spec()) for n in (4, 6)]
    sides[0].facts["dataset_digest"] = "sha256:" + "1" * 64
    assert "not the same" not in " ".join(set_beside(sides, ["one", "two"], unpaired).notes)
    sides[1].facts["dataset_digest"] = "sha256:" + "2" * 64
    notes = set_beside(sides, ["one", "two"], unpaired).notes
    assert any(
        "was not the same in all of them (one 111111111111, two 222222222222)" in note
        for note in notes
    )


@pytest.mark.parametrize(
    ("earlier", "known", "told"),
    [
        (
            "demo",
            [5, 1],
            "B began with what study demo had found (its sampler was shown 5 trials, and 1 "
            "configuration of it is tried first): its own trials alone do not tell what its search "
            "cost, and the two searches are not independent.",
        ),
        (
            "gone",
            [0, 3],
            "B began with what study gone had found (3 configurations of it are tried first): its "
            "own trials alone do not tell what its search cost.",
        ),
        (
            "gone",
            None,
            "B began with what study gone had found: its own trials alone do not tell what its "
            "search cost.",
        ),
        ("gone", [0, 0], ""),
    ],
)
def test_who_began_with_what_another_had_found_is_said(
    earlier: str, known: list[int] | None, told: str
) -> None:
    sides = [outline(study_records(trials=4), study_spec()) for _ in range(2)]
    assert sides[0].name == "demo"
    sides[1].study["warm_start"] = {"study": earlier, "trials": None, "enqueue": None}
    sides[1].facts.update({} if known is None else {"warm_start": known})
    notes = [note for note in set_beside(sides, ["A", "B"], unpaired).notes if "began" in note]
    assert notes == ([told] if told else [])


def test_bests_are_told_without_the_faces_that_training_has_copies_of() -> None:
    sides = [outline(study_records(trials=4), study_spec()) for _ in range(2)]
    assert not any("copy" in note for note in set_beside(sides, ["A", "B"], unpaired).notes)
    alone = {"point": 0.3, "low": 0.27, "high": 0.33, "level": 0.95, "n": 90}
    for side, n in zip(sides, (100, 90), strict=True):
        for entry in side.architectures:
            entry["best"]["without_copies"] = {"n": n, "of": 100, "interval": alone}
    sides[0].study["data"] = {"dataset": "faces", "leakage": "drop"}
    first, second = (
        note for note in set_beside(sides, ["A", "B"], unpaired).notes if "cop" in note
    )
    assert "differ in data.leakage (A drop, B keep): a score may be partly memory" in first
    assert "the same, as copies are left out of its training; B (" in second
    assert "30.0 % (95 % Wilson interval 27.0 to 33.0 %, n = 90 validation faces) of 100." in second


def test_a_best_of_more_trials_is_told_beside_the_difference_at_equal_numbers() -> None:
    whole = beside(6, 12)
    unequal = whole.equal_trials[1]
    assert unequal is not None
    assert unequal["trials"] == [12, 24]
    assert unequal["labels"] == {"cnn": [6, 12], "xception": [6, 12]}
    same = beside(6, 6)
    assert same.equal_trials == [None, None]
    # The first six of each are the trials of a study that was stopped there.
    longer = study_records(("cnn", "xception"), trials=12, seed=1)
    first = max(r.value or 0 for r in longer if r.slot < 6 and r.state == "complete")
    gap = first - whole.studies[0]["best"]["accuracy"]
    assert unequal["difference"]["point"] == pytest.approx(gap, abs=1e-5)
    told = summary(whole)[-1]
    assert "study 0 had 12 trials and study 1 24: a best of more is better already by luck" in told
    assert "among the first 6 trials of each architecture the difference is" in told
    assert not any("already by luck" in said for said in (*summary(same), *same.notes))
    assert any("cnn 6 and 12" in note for note in whole.notes)


def test_unequal_trials_of_other_architectures_are_compared_in_those_that_both_have() -> None:
    labels = ("cnn",), ("cnn", "xception")
    each = zip(labels, (6, 4), strict=True)
    sides = [outline(study_records(own, trials=n), study_spec(own)) for own, n in each]
    whole = set_beside(sides, ["A", "B"], unpaired)
    unequal = whole.equal_trials[1]
    assert unequal is not None
    assert list(unequal["shared"]) == ["cnn"]
    assert unequal["shared"]["cnn"]["trials"] == 4
    assert (
        "A had 6 trials and B 8: a best of more is better already by luck; of the architecture "
        "that both have: among the first 4 trials of cnn the difference is "
    ) in summary(whole)[-1]


def test_without_a_common_architecture_the_reason_for_no_difference_is_told() -> None:
    labels = ("cnn",), ("xception",)
    each = zip(labels, (6, 4), strict=True)
    sides = [outline(study_records(own, trials=n), study_spec(own)) for own, n in each]
    told = summary(set_beside(sides, ["A", "B"], unpaired))[-1]
    assert "no difference at equal numbers is given, as no architecture has" in told


def test_nothing_is_subtracted_where_objectives_differ() -> None:
    records = study_records(("cnn",), trials=5)
    sides = [outline(records, study_spec(("cnn",))), outline(by_loss(records), loss_spec(("cnn",)))]
    sides[1].architectures[0]["against_majority"] = "contains"
    told = summary(set_beside(sides, ["A", "B"], unpaired))
    assert told[0] == (
        "A and B have different objectives (validation accuracy and validation loss), and nothing "
        "is subtracted."
    )
    assert not any("hpo confirm" in said for said in told)
    assert re.search(
        r"a validation loss of [\d.]+ nats and a validation accuracy of [\d.]+ % \(95 % Wilson "
        r"interval [^)]+\), not shown to do better than always",
        told[-1],
    )


def test_the_share_of_one_answer_is_a_line_where_it_is_the_same_for_all() -> None:
    sides = [outline(study_records(("cnn",), trials=4), study_spec(("cnn",))) for _ in range(2)]
    for side in sides:
        reached = side.architectures[0]["best"]["accuracy"]
        side.majority.update({"rate": reached, "label": "happy", "n": 3589})

    def pictures() -> list[Picture]:
        drawn = sections(set_beside(sides, ["A", "B"], unpaired))
        return [part.pictures[0] for part in drawn.values()]

    def lines() -> list[str]:
        named = [
            name
            for picture in pictures()
            for name in (
                *(note.text for note in picture.figure.layout.annotations),
                *(trace.name for trace in picture.figure.data),
            )
        ]
        return [name for name in named if "always" in name]

    assert lines() == [f"always 'happy': {100 * reached:.1f}"] * 2
    told = f"A line at {100 * reached:.1f}: always 'happy'."
    assert all(picture.words.endswith(told) for picture in pictures())
    sides[1].majority["rate"] -= 0.001
    assert lines() == []
    for side in sides:
        side.majority["rate"] = 0.01
    assert lines() == []
    far = "Always answering 'happy' would score 1.0 %, far from what is drawn."
    assert all(picture.note.endswith(far) for picture in pictures())


def test_a_confirmed_cell_says_that_it_was_not_shown_to_have_learned() -> None:
    facts = confirmed_facts()
    facts["candidates"][0]["confusion"] = [[60, 0], [40, 0]]
    spec = study_spec(("cnn",))
    side = outline(study_records(("cnn",), trials=8), spec)
    side = dataclasses.replace(side, confirmation={"facts": facts, "sentences": []})
    whole = set_beside([side, side], ["A", "B"], unpaired)
    doubted = "over 3 seeds (trial 4), not shown to have learned"
    assert doubted in result_rows(whole)[0][1]
    (row,) = [row for row in budget_rows(whole) if row[0] == "confirmed"]
    assert row[1].endswith("over 3 seeds, not shown to have learned")


def test_who_was_not_shown_to_have_learned_is_said_of_every_architecture() -> None:
    labels = ("cnn", "xception")
    sides = [outline(study_records(labels, trials=4), study_spec(labels)) for _ in range(2)]
    for entry in sides[1].architectures:
        entry["against_majority"] = "contains"
    whole = set_beside(sides, ["A", "B"], unpaired)
    doubted = [note for note in whole.notes if "was not shown to have learned" in note]
    assert [note.split(" was")[0] for note in doubted] == ["B: cnn", "B: xception"]
    assert all("not shown to have learned" in row[2] for row in result_rows(whole))
    assert not any("not shown" in row[1] for row in result_rows(whole))
    assert ", not shown to do better than always answering 'happy' (24.9 %)" in summary(whole)[-1]
