"""The card beside a report: of the best trial, and of old reports as far as they know it."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from pathlib import Path
from typing import Any

from hpo.evidence.model_cards import model_card
from hpo.reports.compute import compute
from hpo.reports.confirmation_sentences import tell
from hpo.reports.draw.confusion import section
from hpo.reports.opening_sentences import tell_openings
from hpo.reports.page import page, write_report
from hpo.reports.winner import card_of
from hpo.spec.records import TrialRecord
from tests.unit.reports.test_confirmation import OPENING, entry, interval

Records = Callable[..., list[TrialRecord]]


def test_a_report_brings_the_card_of_its_best_trial(
    records: Records, spec: dict[str, Any], tmp_path: Path
) -> None:
    data = compute(records(trials=5), spec, n_bootstrap=0, dataset_digest="sha256:c0ffee")
    write_report(data, tmp_path)
    best = max((t for t in data.trials if t["state"] == "complete"), key=lambda t: t["value"])
    card = (tmp_path / "model-card.md").read_text(encoding="utf-8")
    assert f"# Model card: trial {best['number']} of {best['architecture']}, study demo" in card
    assert "digest `sha256:c0ffee`" in card
    assert 'href="model-card.md"' in page(data)


def test_an_old_report_has_a_card_of_what_it_knows(records: Records, spec: dict[str, Any]) -> None:
    data = compute(records(trials=5), spec, n_bootstrap=0)
    old = dataclasses.replace(data, card={})
    known, whole = card_of(old), card_of(data)
    for key in ("architecture", "number", "confusion", "params", "train_size", "validation_size"):
        assert known[key] == whole[key], key
    assert "## Forbidden uses" in model_card(known)


def test_a_card_knows_from_the_study_that_copies_were_left_out(
    records: Records, spec: dict[str, Any]
) -> None:
    said = "`data.leakage: drop`"
    spec["data"] = {"dataset": "fer2013", "leakage": "keep"}
    assert said not in model_card(card_of(compute(records(trials=5), spec, n_bootstrap=0)))
    spec["data"] = {"dataset": "fer2013", "leakage": "drop"}
    data = compute(records(trials=5), spec, n_bootstrap=0)
    for known in (data, dataclasses.replace(data, card={})):
        assert said in model_card(card_of(known))


def test_on_the_card_a_verdict_says_once_that_nothing_was_shown_to_have_learned(
    records: Records, spec: dict[str, Any]
) -> None:
    found = records(("cnn",), trials=6)
    told = confirmed_by(worse_of(found))
    told["facts"]["candidates"][1]["confusion"] = [[60, 0], [40, 0]]
    doubt = "was not shown to have learned: its interval lies below the 60.0 %"
    for sentences in (tell(told["facts"]), told["sentences"]):
        confirmation = {**told, "sentences": sentences}
        data = compute(found, spec, n_bootstrap=0, confirmation=confirmation)
        assert card_of(data)["confirmed"]["Over seeds"].count(doubt) == 1


def confirmed_by(number: int, *, over: bool = True, crowned: bool = True) -> dict[str, Any]:
    facts = {
        "objective": "val_accuracy",
        "direction": "maximize",
        "seeds": 3,
        "level": 0.95,
        "images": 3589,
        "over": over,
        "winner": f"cnn-{number}",
        "runner_up": "cnn-1",
        "crowned": crowned,
        "candidates": [
            entry(1, 0.50, interval(0.02, 0.01 if crowned else 0.03)),
            entry(number, 0.52, None),
        ],
    }
    opening = OPENING | {"number": number}
    return {
        "facts": facts,
        "sentences": tell(facts),
        "openings": [opening],
        "test": tell_openings([opening]),
    }


def worse_of(found: list[TrialRecord]) -> int:
    """The last complete trial that is not the best."""
    complete = [r for r in found if r.state == "complete"]
    best = max(complete, key=lambda r: r.value or 0.0)
    return max(r.number for r in complete if r is not best)


def served_by(one_trial: Callable[..., TrialRecord], number: int) -> TrialRecord:
    made = one_trial(f"cnn-{number}", 2, study="demo.confirmation")
    return dataclasses.replace(made, origin="confirmation", seed=99)


def test_after_a_confirmation_the_card_is_of_the_run_that_is_served(
    records: Records,
    spec: dict[str, Any],
    one_trial: Callable[..., TrialRecord],
    tmp_path: Path,
) -> None:
    found = records(("cnn",), trials=6)
    number = worse_of(found)
    served = served_by(one_trial, number)
    confirmation = confirmed_by(number)
    data = compute(found, spec, n_bootstrap=0, confirmation=confirmation, served=served)
    assert served.result is not None
    assert data.card["metrics"]["val_accuracy"] == served.result.metrics["val_accuracy"]
    write_report(data, tmp_path)
    card = (tmp_path / "model-card.md").read_text(encoding="utf-8")
    assert f"# Model card: trial {number} of cnn, study demo" in card
    # The mean over the seeds with its interval, what the test split said, and what is served.
    assert confirmation["sentences"][0] in card
    assert "52.0 % [50.5, 53.5] over 3 seeds" in card
    assert "On the 3,589 test faces of fer2013" in card
    assert "`hpo promote demo` serves this run" in card
    drawn = page(data)
    assert f"trial {number} of cnn: cnn #{number} seed 3 of demo.confirmation" in drawn
    assert drawn.count("serves this run") == 1
    # An ensemble is of the search's trials, whatever was confirmed.
    joined = compute(
        found, spec | {"ensemble": 5}, n_bootstrap=0, confirmation=confirmation, served=served
    )
    assert "serves an ensemble of the best 5, the confirmed ones first" in model_card(
        card_of(joined)
    )


def test_what_the_test_split_said_of_another_is_not_on_the_card(
    records: Records, spec: dict[str, Any], one_trial: Callable[..., TrialRecord]
) -> None:
    found = records(("cnn",), trials=6)
    number = worse_of(found)
    opening = OPENING | {"number": number + 100}
    other = confirmed_by(number) | {"openings": [opening], "test": tell_openings([opening])}
    served = served_by(one_trial, number)
    data = compute(found, spec, n_bootstrap=0, confirmation=other, served=served)
    assert "test faces" not in model_card(card_of(data))


def test_a_test_split_that_was_opened_without_a_confirmation_is_on_the_card(
    records: Records, spec: dict[str, Any]
) -> None:
    found = records(("cnn",), trials=6)
    best = max((r for r in found if r.state == "complete"), key=lambda r: r.value or 0.0)
    opening = OPENING | {"number": best.number, "confirmed": False, "runs": [best.number]}
    told = {"openings": [opening], "test": tell_openings([opening])}
    card = model_card(card_of(compute(found, spec, n_bootstrap=0, confirmation=told)))
    assert "## Test split\n\n- Test split: On the 3,589 test faces of fer2013" in card
    # It speaks of runs of a confirmation that is gone.
    opening["confirmed"] = True
    card = model_card(card_of(compute(found, spec, n_bootstrap=0, confirmation=told)))
    assert "test faces" not in card


def test_a_card_of_the_search_says_so_once_a_confirmation_is_over(
    records: Records, spec: dict[str, Any]
) -> None:
    found = records(("cnn",), trials=6)
    number = worse_of(found)
    # An older report, or one whose confirmed models are lost.
    data = compute(found, spec, n_bootstrap=0, confirmation=confirmed_by(number))
    assert f"best trial of the search, not the confirmed cnn #{number}" in model_card(card_of(data))
    going = compute(found, spec, n_bootstrap=0, confirmation=confirmed_by(number, over=False))
    assert "of the search" not in model_card(card_of(going))


def test_the_winner_on_the_page_is_who_was_confirmed(
    records: Records, spec: dict[str, Any]
) -> None:
    found = records(("cnn",), trials=6)
    best = max((r for r in found if r.state == "complete"), key=lambda r: r.value or 0.0).number
    other = worse_of(found)

    def title(confirmation: dict[str, Any]) -> str:
        data = compute(found, spec, n_bootstrap=0, confirmation=confirmation)
        (picture,) = [p for p in section(data).pictures if p.label == "cnn"]
        return str(picture.figure.layout.title.text)

    # Before it is confirmed the best of single runs is no winner.
    assert title({}).startswith(f"cnn #{best} (best of the search): ")
    going = title(confirmed_by(other, over=False))
    assert going.startswith(f"cnn #{best} (best of the search): ")
    assert title(confirmed_by(other)).startswith(f"cnn #{best} (best of the search): ")
    assert title(confirmed_by(best)).startswith(f"cnn #{best} (winner; its run in the search): ")
    # Nobody is called the winner whose lead may be luck.
    equal = title(confirmed_by(best, crowned=False))
    assert equal.startswith(f"cnn #{best} (taken by the confirmation; its run in the search): ")


def test_a_study_without_a_result_has_no_card_and_an_earlier_one_goes(
    one_trial: Callable[..., TrialRecord], tmp_path: Path
) -> None:
    (tmp_path / "model-card.md").write_text("of before")
    data = compute([one_trial(state="failed")], {"name": "poor"}, n_bootstrap=0)
    write_report(data, tmp_path)
    assert not (tmp_path / "model-card.md").exists()
    assert 'id="card"' not in page(data)
