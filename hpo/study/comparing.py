"""``compare``: several studies beside each other, from the store or from reports' data."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from hpo.spec.confirmation import confirmation_name
from hpo.spec.errors import HpoError, InputError, NotFoundError
from hpo.spec.records import TrialRecord
from hpo.spec.workspace import Workspace
from hpo.study.naming import resolve_study

if TYPE_CHECKING:
    from hpo.evidence.intervals import Interval
    from hpo.evidence.paired import Paired
    from hpo.evidence.racing import Run
    from hpo.reports.data import ReportData
    from hpo.reports.equal_trials import Best
    from hpo.reports.side_by_side import SideBySide
    from hpo.spec.study import StudySpec
    from hpo.study.confirmed import Confirmed

STORED = "study.json"


@dataclass(frozen=True)
class Compared:
    """What a comparison found and wrote.

    Args:
        page: ``index.html``, which opens offline.
        data: ``comparison.json``, everything on it.
        whole: the same as plain data.
    """

    page: Path
    data: Path
    whole: SideBySide

    def to_json(self) -> dict[str, Any]:
        """Return the paths as text, and the comparison."""
        return {"page": str(self.page), "data": str(self.data), **self.whole.to_json()}


@dataclass(frozen=True)
class _Source:
    """One of the studies.

    Args:
        data: the outline of its report.
        records: its trials; () where only its report is at hand.
        runs: of the configuration that its confirmation has chosen, what each run scored on each
            validation face; () likewise, or where there is no confirmation that is over.
        spec: its study file; None likewise.
        digest: of its faces; "" if it did not record them.
        workspace: where its faces are.
        report: where its report's data is, or would be.
    """

    data: ReportData
    report: Path
    records: Sequence[TrialRecord] = ()
    runs: Sequence[Run] = ()
    spec: StudySpec | None = None
    digest: str = ""
    workspace: Workspace = field(default_factory=Workspace.at)

    def is_same(self, other: _Source) -> bool:
        """Tell whether both are one study of one store, or have one report."""
        if self.spec is not None and other.spec is not None:
            mine, theirs = ((s.data.name, s.workspace.storage_url()) for s in (self, other))
            return mine == theirs
        return self.report.resolve() == other.report.resolve()


def compare(
    *studies: str | Path, workspace: Workspace | None = None, into: Path | None = None
) -> Compared:
    """Set studies beside each other: bests with intervals, differences, time, what differs.

    Where a study has a confirmation, its mean over seeds stands beside its search's best, and
    confirmed figures are compared where both studies have one. Differences are those from the
    first study. They are paired, face by face, where the studies judged the same validation faces
    and it is stored which of them both trials got right, or their predictions are stored and the
    faces are here.

    Args:
        studies: two or more, each a name, a study file, a report's ``study.json`` or its folder.
        workspace: where they are; the current directory by default.
        into: the folder of the page; ``reports/compare-A-B`` by default.

    Raises:
        InputError: fewer than two studies, one beside itself, or the folder cannot be written.
        NotFoundError: there is no such study.
        DataError: a file is no report's data.
    """
    from hpo.reports.side_by_side import set_beside
    from hpo.reports.side_by_side_page import DATA, write_comparison

    if len(studies) < 2:
        raise InputError(
            "a comparison needs two studies at least",
            got=", ".join(map(str, studies)) or "none",
            hint="Try `hpo studies` for the names, then `hpo compare A B`",
        )
    workspace = workspace or Workspace.at()
    sources = [_open(study, workspace) for study in studies]
    _check_different(sources, studies)
    titles = _titles([source.data.name for source in sources], studies)
    faces: dict[str, Any] = {}
    for place, source in enumerate(sources):
        # A test split that came between makes another digest, and no other faces.
        for earlier in sources[:place]:
            both = earlier.spec and source.spec and earlier.digest and source.digest
            if both and _are_of_one_dataset(earlier, source):
                source.data.facts["dataset_digest"] = earlier.data.facts["dataset_digest"]
                break
    whole = set_beside(
        [source.data for source in sources],
        titles,
        lambda new, old: _count_pairs(sources, new, old, faces),
        lambda new, old: _compare_runs(sources[new], sources[old]),
    )
    folder = into or workspace.reports / f"compare-{'-'.join(s.data.name for s in sources)}"
    page = write_comparison(whole, workspace.ensure(folder))
    return Compared(page, folder / DATA, whole)


def _open(study: str | Path, workspace: Workspace) -> _Source:
    from hpo.reports.compute import outline
    from hpo.reports.data import finite, load_data
    from hpo.search.studies import read_dataset_digest, read_spec, read_trials
    from hpo.search.warm_start import counts_taken
    from hpo.study.confirmed import confirmed

    path = Path(study)
    if path.suffix == ".json" or (path.is_dir() and len(path.parts) > 1):
        report = path / STORED if path.is_dir() else path
        return _Source(load_data(report), report)
    name, kept = resolve_study(study, workspace)
    url, left = kept.storage_url(), kept.reports / name / STORED
    try:
        records = read_trials(url, name)
    except NotFoundError:
        if not left.is_file():
            raise
        return _Source(load_data(left), left)
    spec = read_spec(url, name)
    digest = read_dataset_digest(url, name)
    data = outline(records, spec.to_plain())
    data.facts["dataset_digest"] = digest
    if spec.warm_start is not None:
        data.facts["warm_start"] = list(counts_taken(url, name))
    runs: Sequence[Run] = ()
    told = confirmed(name, storage_url=url)
    if told is not None:
        known = finite({"facts": told.facts, "sentences": told.sentences})
        data, runs = dataclasses.replace(data, confirmation=known), _runs(told, url)
    return _Source(data, left, records, runs, spec, digest, kept)


def _runs(told: Confirmed, url: str) -> Sequence[Run]:
    """Return the scores of the runs of the configuration that a confirmation has chosen."""
    from hpo.evidence.confirmation import runs_of
    from hpo.search.studies import read_trials

    facts, name = told.facts, confirmation_name(told.study)
    if not facts["over"] or facts["winner"] is None:
        return ()
    found = read_trials(url, name, architecture=facts["winner"])
    runs = runs_of(found, facts["seeds"], facts["objective"], facts["direction"])
    return runs.get(facts["winner"], ())


def _check_different(sources: Sequence[_Source], studies: Sequence[str | Path]) -> None:
    """Refuse a study beside itself, whether it is given by name, by file or by its report."""
    for place, source in enumerate(sources):
        for earlier, other in zip(studies[:place], sources[:place], strict=True):
            if source.is_same(other):
                raise InputError(
                    "a study cannot be compared with itself",
                    got=f"{earlier} and {studies[place]}, both study '{source.data.name}'",
                    hint="Try `hpo studies` for the names of others",
                )


def _titles(names: Sequence[str], studies: Sequence[str | Path]) -> list[str]:
    """Return the names, with where it came from beside one that several have."""
    return [
        name if names.count(name) == 1 else f"{name} ({study})"
        for name, study in zip(names, studies, strict=True)
    ]


def _count_pairs(
    sources: Sequence[_Source], new: Best, old: Best, faces: dict[str, Any]
) -> Paired | str:
    """Count on which validation faces which of two trials is right, or say why not."""
    from hpo.evidence.paired import pair
    from hpo.reports.confirmed_beside import NOT_STORED
    from hpo.reports.trials import right_faces

    both = [sources[place] for place, _, _ in (new, old)]
    if any(source.spec is None for source in both):
        return NOT_STORED
    records = [_record(sources[place], label, number) for place, label, number in (new, old)]
    said = [record.result.predictions if record.result else [] for record in records]
    right = [right_faces(record) for record in records]
    if not all(said) and not all(right):
        return "the predictions of a trial were not stored"
    one, other = right if all(right) else said
    if why := _other_faces(both[0], both[1], len(one), len(other)):
        return why
    if all(right):
        return pair([True] * len(right[0]), *right)
    key = f"{both[0].digest} {_drawn_faces(both[0], len(one))}"
    if key not in faces:
        faces[key] = _labels(both[0], len(one))
    labels = faces[key]
    if isinstance(labels, str):
        return labels
    if len(labels) != len(said[0]):
        return "the stored predictions are not of the faces that are here"
    return pair(labels, *said)


def _other_faces(one: _Source, other: _Source, faces: int, others: int) -> str:
    """Return why two studies are not known to judge the same validation faces; "" if they are."""
    from hpo.reports.confirmed_beside import OTHER_FACES

    if not one.digest or not other.digest or not _are_of_one_dataset(one, other):
        return "the studies were not run on the same faces, as far as is recorded"
    if _drawn_faces(one, faces) != _drawn_faces(other, others) or faces != others:
        return OTHER_FACES
    return ""


def _are_of_one_dataset(one: _Source, other: _Source) -> bool:
    """Tell whether two studies ran on one dataset, of which the test split may have come between.

    Only the faces that are here can tell that of unequal digests.
    """
    from hpo.data.recorded import as_recorded
    from hpo.study.faces import find_dataset

    if one.digest == other.digest:
        return True
    assert one.spec is not None
    try:
        here = find_dataset(one.workspace, one.spec.data.dataset)
    except HpoError:
        return False
    return all(as_recorded(here, source.digest) is not None for source in (one, other))


def _compare_runs(new: _Source, old: _Source) -> Interval | str:
    """Return by how much the confirmed runs of one are above those of the other, or say why not."""
    from hpo.evidence.confirmation import BY_FACE
    from hpo.evidence.hierarchical import compare
    from hpo.evidence.racing import scores_of
    from hpo.reports.confirmed_beside import NOT_STORED
    from hpo.spec.seeds import derive_seed

    if new.spec is None or old.spec is None:
        return NOT_STORED
    if any(source.data.confirmation["facts"]["objective"] != BY_FACE for source in (new, old)):
        return "single faces have no part in the objective"
    scores = [scores_of(source.runs) for source in (new, old)]
    if why := _other_faces(new, old, *(of.shape[1] for of in scores)):
        return why
    seed = derive_seed("compare", new.data.name, old.data.name)
    return compare(scores, seed=seed).difference(0, 1)


def _record(source: _Source, label: str, number: int) -> TrialRecord:
    return next(r for r in source.records if r.architecture == label and r.number == number)


def _drawn_faces(source: _Source, faces: int) -> tuple[int, int] | None:
    """Return limit and seed of the draw of validation faces; None for all of them.

    Args:
        source: the study.
        faces: how many it judged; where there are fewer than the limit, all of them are.
    """
    from hpo.spec.seeds import derive_seed

    assert source.spec is not None
    limit = source.spec.data.validation_limit
    if limit is None or faces < limit:
        return None
    return limit, derive_seed(source.spec.seed, "data")


def _labels(source: _Source, faces: int) -> list[int] | str:
    from hpo.data.recorded import as_recorded
    from hpo.data.splits import subset
    from hpo.study.faces import find_dataset

    assert source.spec is not None
    try:
        dataset = find_dataset(source.workspace, source.spec.data.dataset)
    except HpoError:
        return f"the faces '{source.spec.data.dataset}' are not in this workspace"
    if as_recorded(dataset, source.digest) is None:
        return f"the faces '{source.spec.data.dataset}' have changed since"
    limit, seed = _drawn_faces(source, faces) or (None, 0)
    labels: list[int] = subset(dataset.split("validation"), limit, seed).labels.tolist()
    return labels
