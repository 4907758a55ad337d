"""What the doctor looks at, without MLflow."""

from __future__ import annotations

from pathlib import Path

import pytest

from hpo.search.studies import read_attribute, set_attribute
from hpo.spec.errors import SpecError
from hpo.spec.workspace import Workspace
from hpo.study.doctor import doctor
from tests.unit.search.analytic import empty_database, make_spec, open_it, run


@pytest.fixture
def kept(tmp_path: Path) -> Workspace:
    return Workspace.at(tmp_path, storage=f"sqlite:///{empty_database(tmp_path)}")


def test_a_study_that_is_not_understood_hides_no_other(kept: Workspace) -> None:
    url = kept.storage_url()
    for name in ("old", "study"):
        spec = make_spec(1, name=name)
        run(open_it(url, spec), spec)
    stored = read_attribute(url, "old", "spec")
    set_attribute(url, "old", "spec", {**stored, "budget": {"generations": 3}})
    (kept.checkpoints / "study" / "cnn" / "99").mkdir(parents=True)
    found = doctor(workspace=kept)
    kinds = {problem.study: (problem.kind, problem.fixable) for problem in found.problems}
    assert kinds == {"old": ("study not understood", False), "study": ("orphaned folder", True)}
    with pytest.raises(SpecError, match="does not understand"):
        doctor("old", workspace=kept)
