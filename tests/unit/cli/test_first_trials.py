"""A dry run says of the thesis's trial what the file fixes otherwise."""

from __future__ import annotations

from pathlib import Path

import pytest

from hpo.cli.plans import print_plan
from hpo.spec.workspace import Workspace
from hpo.study.naming import example
from hpo.study.planning import plan


def test_a_dry_run_names_what_is_not_as_in_the_thesis(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file, workspace = example("competitive.yaml"), Workspace.at(tmp_path)
    words = ["data.dataset=drawn-faces"]
    print_plan(plan(file, workspace=workspace, overrides=words, resume=False, probe=False))
    said = " ".join(capsys.readouterr().out.split())
    assert (
        "not as in the thesis: stages=4 dense_layers=1 early_stopping_monitor=none "
        "reference_batch_size=128 temperature_scaling=true"
    ) in said
