"""Checkpoints of a workspace that was moved or copied: they are beside its database.

A trial's result holds the whole path of its file, which another machine may have as well. After
``mv`` it leads nowhere, and after ``cp -r`` to the original, which the copy must not depend on.
"""

from __future__ import annotations

import dataclasses
from pathlib import Path

from hpo.spec.records import TrialRecord


def beside(database: Path, record: TrialRecord) -> TrialRecord:
    """Return a trial whose checkpoint is the one beside the database, if there is one.

    Args:
        database: SQLite, in ``mlruns`` of a workspace or elsewhere.
        record: of a trial in it.
    """
    result = record.result
    if result is None or not result.checkpoint:
        return record
    place = Path("checkpoints", record.study, record.architecture, str(record.number))
    here = database.parent.absolute() / place / Path(result.checkpoint).name
    if str(here) == result.checkpoint or not here.is_file():
        return record
    moved = dataclasses.replace(result, checkpoint=str(here))
    return dataclasses.replace(record, result=moved)
