"""Times of a record as MLflow counts them, in milliseconds since 1970."""

from __future__ import annotations

from datetime import datetime

from hpo.spec.records import EpochReport, TrialRecord


class EpochClock:
    """When the epochs of a trial ended: the same, however often and by whomever it is told.

    MLflow drops a point only if its time is that of the point which is there. Taken from the
    record rather than from the wall, times cannot differ between two tellings of one epoch.

    Args:
        record: says when the trial started, and which epochs were told before.
    """

    def __init__(self, record: TrialRecord) -> None:
        self._at = float(milliseconds(record.started))
        for report in record.epochs:
            self.tick(report)

    def tick(self, report: EpochReport) -> int:
        """Return the end of the next epoch, in milliseconds since 1970."""
        self._at += report.seconds * 1000
        return int(self._at)


def milliseconds(iso: str) -> int:
    """Return an ISO 8601 time in milliseconds since 1970; 0 for none."""
    return int(datetime.fromisoformat(iso).timestamp() * 1000) if iso else 0
