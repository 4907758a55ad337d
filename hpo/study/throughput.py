"""How fast earlier trials in this workspace trained, against the table of arithmetic."""

from __future__ import annotations

import os
import statistics
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass

from hpo.spec.records import TrialRecord
from hpo.spec.study import StudySpec
from hpo.spec.workspace import Workspace

_RECENT_STUDIES = 5
_LOOKED_AT = 50
"""Studies among which the recent ones of an architecture are looked for."""
_ALIKE = 3.0
"""Networks are alike if the table expects speeds within this factor of each other: a tiny network
spends its time between the layers, and tells nothing about a large one."""


@dataclass(frozen=True)
class Measured:
    """One earlier trial.

    Args:
        expected: images per second that the table gives for it.
        actual: images per second that it trained at.
        beside: seconds that it took beside its epochs, from claim to tell.
    """

    expected: float
    actual: float
    beside: float = 0.0


def told(measured: Iterable[Measured], expected: float) -> tuple[float, float] | None:
    """Return what trials like one of ``expected`` speed tell of it; None if there are none.

    The medians of actual over expected speed, and of the seconds beside the epochs.
    """
    alike = [
        m for m in measured if m.expected > 0 and 1 / _ALIKE <= m.expected / expected <= _ALIKE
    ]
    if not alike:
        return None
    speed = statistics.median(m.actual / m.expected for m in alike)
    return speed, statistics.median(m.beside for m in alike)


def recorded(spec: StudySpec, workspace: Workspace) -> tuple[dict[str, list[Measured]], list[str]]:
    """Return, by label, the trials of the latest studies of its architecture that tell its speed.

    They are of the same precision. Beside them are the names of the studies that
    could not be read. Without a local store nothing is opened:
    asking how long a study takes should not wait for a database elsewhere.
    """
    url = workspace.storage_url(spec.storage)
    path = url.removeprefix("sqlite:///")
    if path == url or not os.path.isfile(path):
        return {}, []
    from hpo.search.studies import read_spec, read_trials
    from hpo.search.summaries import list_studies
    from hpo.spec.errors import NotFoundError, SpecError

    # Only these: another study's architecture may be a module that is not at hand here.
    wanted = {section.architecture for section in spec.architectures.values()}
    found: dict[str, list[Measured]] = {}
    unread: list[str] = []
    seen: Counter[str] = Counter()
    for summary in reversed(list_studies(url)[-_LOOKED_AT:]):
        try:
            sections = read_spec(url, summary.name).architectures
            here = {section.architecture for section in sections.values()} & wanted
            if all(seen[architecture] >= _RECENT_STUDIES for architecture in here):
                continue
            seen.update(here)
            records = read_trials(url, summary.name)
        except NotFoundError:  # deleted meanwhile
            continue
        except SpecError:
            unread.append(summary.name)
            continue
        for record in records:
            section = sections.get(record.architecture)
            if section is None or section.architecture not in wanted:
                continue
            measured = _measured(section.architecture, record, spec.precision)
            if measured is not None:
                found.setdefault(section.architecture, []).append(measured)
    by_label = {
        label: found[section.architecture]
        for label, section in spec.architectures.items()
        if section.architecture in found
    }
    return by_label, unread


def _measured(architecture: str, record: TrialRecord, precision: str) -> Measured | None:
    from hpo.training.throughput import estimate_images_per_second

    result = record.result
    if result is None or result.images_per_second <= 0 or not result.params:
        return None
    if result.params.get("feature_views"):  # Of a head alone, at hundreds of times the speed.
        return None
    if precision != "auto" and result.environment.get("precision", precision) != precision:
        return None
    expected, _ = estimate_images_per_second(architecture, result.params, os.cpu_count() or 1)
    beside = record.seconds - sum(epoch.seconds for epoch in record.epochs)
    return Measured(expected, result.images_per_second, max(0.0, beside))
