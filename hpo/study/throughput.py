"""How fast earlier trials in this workspace trained, against the table of arithmetic."""

from __future__ import annotations

import os
import statistics

from hpo.spec.records import TrialRecord
from hpo.spec.study import StudySpec
from hpo.spec.workspace import Workspace

_RECENT_STUDIES = 5


def recorded_factors(spec: StudySpec, workspace: Workspace) -> dict[str, float]:
    """Return, by label, measured images per second over those that the table expects.

    The median over the trials of the same architecture in the workspace's latest studies; labels
    of which nothing was recorded are absent. Without a local store nothing is opened: asking how
    long a study takes should not wait for a database elsewhere.
    """
    url = workspace.storage_url(spec.storage)
    path = url.removeprefix("sqlite:///")
    if path == url or not os.path.isfile(path):
        return {}
    from hpo.search.studies import list_studies, read_trials

    records: list[TrialRecord] = []
    for study in list_studies(url)[-_RECENT_STUDIES:]:
        records += read_trials(url, study.name)
    factors = {}
    for label, section in spec.architectures.items():
        ratios = [
            ratio
            for record in records
            if record.architecture == label
            and (ratio := _ratio(section.architecture, record)) is not None
        ]
        if ratios:
            factors[label] = statistics.median(ratios)
    return factors


def _ratio(architecture: str, record: TrialRecord) -> float | None:
    from hpo.training.throughput import estimate_images_per_second

    result = record.result
    if result is None or result.images_per_second <= 0 or not result.params:
        return None
    expected, _ = estimate_images_per_second(architecture, result.params, os.cpu_count() or 1)
    return result.images_per_second / expected
