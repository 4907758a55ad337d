"""The card beside a report: of the best trial, and of old reports as far as they know it."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from pathlib import Path
from typing import Any

from hpo.evidence.model_cards import model_card
from hpo.reports.compute import compute
from hpo.reports.page import page, write_report
from hpo.reports.winner import card_of
from hpo.spec.records import TrialRecord

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


def test_a_study_without_a_result_has_no_card_and_an_earlier_one_goes(
    one_trial: Callable[..., TrialRecord], tmp_path: Path
) -> None:
    (tmp_path / "model-card.md").write_text("of before")
    data = compute([one_trial(state="failed")], {"name": "poor"}, n_bootstrap=0)
    write_report(data, tmp_path)
    assert not (tmp_path / "model-card.md").exists()
    assert 'id="card"' not in page(data)
