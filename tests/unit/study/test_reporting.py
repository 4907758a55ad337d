"""What a report is drawn from, and what is said where there is nothing."""

from __future__ import annotations

from pathlib import Path

import pytest

from hpo.spec.errors import NotFoundError
from hpo.spec.workspace import Workspace
from hpo.study.reporting import report


def test_a_report_of_nothing_says_how_to_redraw_one_that_lies_elsewhere(tmp_path: Path) -> None:
    with pytest.raises(NotFoundError) as caught:
        report("two-cores", workspace=Workspace.at(tmp_path))
    assert "there is no study named 'two-cores'" in str(caught.value)
    assert "two-cores/study.json of an earlier report" in str(caught.value)
    assert "makes one. A report that lies elsewhere is redrawn by" in str(caught.value)
    assert "`hpo report --from PATH/study.json`" in str(caught.value)
    assert list(tmp_path.iterdir()) == []
