"""A storage may be shared: other people's studies, and those of another version of hpo."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from hpo.cli.app import app
from hpo.search.creation import SPEC, check_same
from hpo.search.studies import (
    check_study,
    delete_study,
    read_attribute,
    read_spec,
    read_trials,
    set_attribute,
)
from hpo.search.summaries import list_studies
from hpo.spec.errors import NotFoundError, SpecError
from hpo.spec.workspace import Workspace
from hpo.study.throughput import recorded
from tests.unit.search.analytic import make_spec, open_it, run


def add_foreign(url: str, name: str, **attributes: Any) -> None:
    import optuna

    study = optuna.create_study(storage=url, study_name=name, directions=["minimize", "maximize"])
    study.add_trial(optuna.trial.create_trial(values=[1.0, 2.0]))
    for key, value in attributes.items():
        study.set_user_attr(key, value)


def age(url: str, study: str) -> None:
    """Store the study file as another version of hpo might have."""
    spec = read_attribute(url, study, "spec")
    set_attribute(url, study, "spec", {**spec, "budget": {"generations": 3}})
    set_attribute(url, study, "hpo_version", "9.1")


def test_studies_of_others_are_neither_listed_nor_read_nor_deleted(storage_url: str) -> None:
    add_foreign(storage_url, "team/llm-tuning", spec="a text of theirs")
    spec = make_spec(2)
    run(open_it(storage_url, spec), spec)
    assert [summary.name for summary in list_studies(storage_url)] == ["study"]
    for touch in (read_trials, delete_study, read_spec):
        with pytest.raises(NotFoundError, match="no study named 'team'"):
            touch(storage_url, "team")
    import optuna

    assert "team/llm-tuning" in optuna.get_all_study_names(storage_url)


def test_a_foreign_study_of_the_very_name_is_not_overrun(storage_url: str) -> None:
    add_foreign(storage_url, "study/cnn")
    with pytest.raises(SpecError, match="that hpo did not make"):
        check_study(storage_url, make_spec(), resume=True)


def test_a_study_of_another_version_breaks_only_what_needs_its_settings(storage_url: str) -> None:
    old, new = make_spec(2, name="old"), make_spec(2)
    for spec in (old, new):
        run(open_it(storage_url, spec), spec)
    age(storage_url, "old")
    with pytest.raises(
        SpecError, match=r"'old' was stored with settings .* hpo 9\.1 .*generations"
    ):
        read_spec(storage_url, "old")
    one, two = list_studies(storage_url)
    assert "generations" in one.problem
    assert (one.states, one.budget) == ({"complete": 2}, 0)
    assert (two.problem, two.budget) == ("", 2)
    assert read_spec(storage_url, "study") == new
    assert len(read_trials(storage_url, "old")) == 2
    assert delete_study(storage_url, "old") == 2


def test_the_estimate_and_the_list_pass_over_it_with_a_note(
    storage_url: str, tmp_path: Path
) -> None:
    spec = make_spec(1, name="old")
    run(open_it(storage_url, spec), spec)
    age(storage_url, "old")
    workspace = Workspace.at(tmp_path, storage=storage_url)
    assert recorded(make_spec(), workspace) == ({}, ["old"])
    words = ["--home", str(tmp_path), "--storage", storage_url, "studies"]
    shown = CliRunner().invoke(app, words)
    assert shown.exit_code == 0, shown.output
    assert "1 of unknown" in shown.stdout
    assert "Note: study 'old' was stored with settings" in shown.stderr


def test_a_study_of_before_leakage_was_asked_about_kept_it() -> None:
    spec = make_spec(2)
    there = spec.to_plain()
    del there["data"]["leakage"]
    attributes = {SPEC: there, "space": spec.architectures["cnn"].space.to_plain()}
    check_same(attributes, spec, "cnn")
    dropping = spec.model_copy(update={"data": spec.data.model_copy(update={"leakage": "drop"})})
    with pytest.raises(SpecError, match=r"data\.leakage: drop, there keep"):
        check_same(attributes, dropping, "cnn")
