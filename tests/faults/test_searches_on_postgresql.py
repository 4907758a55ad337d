"""What else a search does to its storage, on PostgreSQL: the same as on SQLite, trial by trial."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from hpo.search.next_version import evolve_study
from hpo.search.storage import open_storage
from hpo.search.studies import read_trials
from tests.faults.studies import elsewhere
from tests.unit.search.analytic import choices, make_spec, open_it, run
from tests.unit.search.test_evolution import TPE, spec_of
from tests.unit.search.test_objectives import run_several, several


def test_postgresql_takes_the_same_trials_as_sqlite(postgresql: str, tmp_path: Path) -> None:
    here = elsewhere(everything, f"sqlite:///{tmp_path / 'optuna.db'}")
    assert elsewhere(everything, postgresql) == here
    assert here["versions"] == [1] * 4 + [2] * 3


def everything(url: str) -> dict[str, Any]:
    """Let a space grow, start another study with its trials, and search several objectives."""
    open_storage(url).engine.dispose()
    begin, wider = spec_of(4), spec_of(7, wider=True)
    proposals = run(open_it(url, begin), begin)
    evolve_study(url, wider)
    proposals += run(open_it(url, wider, resume=True), wider)
    warm = make_spec(
        3,
        name="warm",
        warm_start="study",
        sampler=TPE,
        seed=8,
        architecture={"space": wider.architectures["cnn"].space.to_plain(), "fixed": {}},
    )
    engine: Any = open_it(url, warm)
    goals = several(5, name="several", budget={"trials": 5, "importance_trials": 2})
    return {
        "grown": choices(proposals),
        "versions": [record.space_version for record in read_trials(url, "study")],
        "taught": list(engine.warm.seen),
        "warm": choices(run(engine, warm)),
        "several": choices(run_several(open_it(url, goals), goals)),
        "values": [(r.values, r.feasible, r.origin) for r in read_trials(url, "several")],
    }
