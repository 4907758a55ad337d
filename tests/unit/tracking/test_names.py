"""The names of tags, metrics and artifacts in MLflow."""

from __future__ import annotations

import json
from pathlib import Path

from hpo.tracking import names

GOLDEN = Path(__file__).parents[2] / "golden" / "mlflow_names.json"


def test_names_are_those_that_dashboards_were_built_on() -> None:
    now = {
        "tags": sorted(names.TAGS),
        "metrics": sorted(names.METRICS),
        "artifacts": sorted(names.ARTIFACTS),
        "status": names.STATUS,
    }
    assert now == json.loads(GOLDEN.read_text())


def test_every_constant_of_a_name_is_in_its_list() -> None:
    listed = {*names.TAGS, *names.METRICS, *names.ARTIFACTS}
    hpo_tags = {v for k, v in vars(names).items() if isinstance(v, str) and v.startswith("hpo.")}
    assert hpo_tags - {"hpo.tracking.names", "hpo.tracking"} <= listed
