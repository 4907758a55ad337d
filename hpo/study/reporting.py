"""``report``: a study's trials, computed, drawn and laid out under ``reports/<study>/``."""

from __future__ import annotations

import contextlib
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Literal

from hpo.spec.errors import NotFoundError
from hpo.spec.records import TrialRecord
from hpo.spec.workspace import Workspace
from hpo.study.naming import resolve_study


@dataclass(frozen=True)
class ReportPaths:
    """What a report wrote.

    Args:
        page: ``index.html``, which opens offline.
        data: ``study.json``, from which the page can be drawn again.
        pictures: a PNG for each figure.
        notes: why there are no pictures, if there are none.
    """

    page: Path
    data: Path
    pictures: list[Path] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)

    def to_json(self) -> dict[str, Any]:
        """Return the paths as text."""
        return {
            "page": str(self.page),
            "data": str(self.data),
            "pictures": [str(p) for p in self.pictures],
            "notes": self.notes,
        }


def report(
    study: str | Path, *, workspace: Workspace | None = None, png: bool | None = None
) -> ReportPaths:
    """Write the report of a study, and put its page among the study's artifacts in MLflow.

    Args:
        study: its name or its study file. Where the store has no such study, the page is drawn
            again from the ``study.json`` that an earlier report left.
        workspace: where stores and reports are; the current directory by default.
        png: draw PNG files too; None draws them where a browser is at hand.

    Raises:
        NotFoundError: there is no such study, and no report of it.
        InputError: the folder cannot be written.
        EnvironmentProblem: ``png`` is True without a browser.
    """
    from hpo.reports.compute import compute
    from hpo.reports.importance_tables import Remembered
    from hpo.reports.page import write_report
    from hpo.search.studies import read_dataset_digest, read_spec, read_trials
    from hpo.search.warm_start import counts_taken
    from hpo.study import tracked

    study, workspace = resolve_study(study, workspace)
    folder = workspace.reports / study
    url = workspace.storage_url()
    # Before the trials are read, which takes a while: they may be newer than told, never older.
    read_at = datetime.now(UTC).isoformat(timespec="seconds")
    try:
        records = read_trials(url, study)
    except NotFoundError as error:
        if not (folder / "study.json").is_file():
            known = error.hint or ""
            raise NotFoundError(
                error.problem,
                expected=f"a study in the store, or {folder / 'study.json'} of an earlier report",
                hint=f"{known}{'' if known.endswith('?') else '.'} A report that lies elsewhere is "
                "redrawn by `hpo report --from PATH/study.json`",
            ) from error
        redrawn = redraw(folder / "study.json", png=png)
        redrawn.notes.insert(0, f"The store has no study '{study}': redrawn from {redrawn.data}")
        return redrawn
    in_mlflow = tracked.find(study, workspace)
    spec = read_spec(url, study)
    beyond, served = _confirmation(url, study, spec.objective.direction, records)
    remembered = Remembered(folder / "importance.json")
    data = compute(
        records,
        spec.to_plain(),
        read_at=read_at,
        mlflow=in_mlflow.facts(),
        dataset_digest=read_dataset_digest(url, study),
        remembered=remembered,
        confirmation=beyond,
        served=served,
        warm_start=None if spec.warm_start is None else counts_taken(url, study),
    )
    workspace.ensure(folder)
    remembered.save()
    page = write_report(data, folder)
    in_mlflow.keep(page)
    paths = _with_pictures(data, page, png)
    paths.notes.extend(in_mlflow.notes)
    return paths


def _confirmation(
    url: str,
    study: str,
    direction: Literal["maximize", "minimize"],
    records: Sequence[TrialRecord],
) -> tuple[dict[str, Any], TrialRecord | None]:
    """Return what is known beyond the search, as ``ReportData.confirmation``, and what is served.

    The latter is a run of the confirmed configuration; None where there is none.
    """
    from hpo.reports.confirmation_words import decided
    from hpo.reports.opening_sentences import tell_openings
    from hpo.study.confirmed import confirmed, opened_before, run_of
    from hpo.study.opening import openings_of, with_loss_gaps

    found: dict[str, Any] = {}
    served = None
    told = confirmed(study, storage_url=url, classes=True)
    if told is not None:
        found |= {"facts": told.facts, "sentences": told.sentences}
        if decided(found) is not None:
            # A card can be of a run that is kept alone; where none is, it says so.
            with contextlib.suppress(NotFoundError):
                served = run_of(told, direction, url)
    openings = with_loss_gaps(openings_of(url, study), url, study)
    if openings:
        found |= {"openings": openings, "test": tell_openings(openings)}
        if after := opened_before(openings, records):
            found["searched_after"] = after
    return found, served


def redraw(source: Path, *, png: bool | None = None) -> ReportPaths:
    """Draw a page from its ``study.json``, beside it.

    Raises:
        NotFoundError: there is no such file.
        DataError: it is no report's data.
    """
    from hpo.reports.comparison import completed
    from hpo.reports.data import load_data
    from hpo.reports.page import write_report

    if source.is_dir():
        source = source / "study.json"
    data = completed(load_data(source))
    return _with_pictures(data, write_report(data, source.resolve().parent), png)


def _with_pictures(data: Any, page: Path, png: bool | None) -> ReportPaths:
    from hpo.reports.pictures import draw_pictures

    folder = page.parent
    if png is False:
        return ReportPaths(page, folder / "study.json")
    drawn = draw_pictures(data, folder / "figures", required=png is True)
    notes = [drawn.missing] if drawn.missing else []
    return ReportPaths(page, folder / "study.json", list(drawn.files), notes)
