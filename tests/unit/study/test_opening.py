"""Opening the test split: what is said where there is nobody to ask."""

from __future__ import annotations

from pathlib import Path

import pytest

from hpo.spec.errors import NotFoundError
from hpo.spec.workspace import Workspace
from hpo.study.opening import open_test
from tests.unit.search.analytic import empty_database, make_spec, open_it


def test_a_study_without_a_finished_trial_has_no_test_split_to_open(tmp_path: Path) -> None:
    url = f"sqlite:///{empty_database(tmp_path)}"
    open_it(url, make_spec(2))
    workspace = Workspace.at(tmp_path).of_file(url, None)
    with pytest.raises(NotFoundError, match="no trial to open the test split for"):
        open_test("study", workspace=workspace)
