"""The audit of a dataset of faces: a pure function from what it holds to what is wrong with it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

import numpy as np
import numpy.typing as npt

from hpo.data.audit.duplicates import LOW_SPREAD, exact_copies, members_of_groups, spread
from hpo.data.audit.faceless import suspected_non_faces
from hpo.data.audit.findings import Audit, Face, Finding, Group
from hpo.data.audit.leakage import photographs as same_photographs
from hpo.data.audit.votes import COLUMN_OF_EMOTION, NO_MAJORITY, emotion_majorities, not_faces
from hpo.data.importers.source import Progress, silent
from hpo.data.library import find_faces
from hpo.data.splits import VOTE_COLUMNS
from hpo.data.store import FaceDataset, open_faces
from hpo.spec.workspace import Workspace

_NO_VOTES = "Not looked for: this dataset has no votes of FER+."
_NO_FACE_FOUND = (
    "Images of few grey values in which no cascade of OpenCV's finds a face or an eye, as in "
    "drawings, lettering and placeholders. This dataset has no votes of FER+, which would tell "
    "more: of FER-2013's training faces, which have some, 87 % of those suspected so are no face, "
    "and 35 % of those that are none are suspected. Look at the sheet."
)


def audit_faces(workspace: Workspace, name: str) -> Audit:
    """Return what is wrong with the dataset ``name``.

    Raises:
        NotFoundError, DataError, IntegrityError: as for ``find_faces``.
    """
    return audit_dataset(open_faces(find_faces(workspace, name)))


def audit_dataset(dataset: FaceDataset, progress: Progress = silent) -> Audit:
    """Return what is wrong with ``dataset``; a minute and 0.6 GiB for 32,000 faces.

    The same faces give the same findings in whatever order they lie. Which are copies is found once
    (``hpo.data.audit.leakage``), for this and for the studies of these faces.

    Args:
        dataset: an opened dataset.
        progress: told how much of the search for copies is done; not where these are known.

    Raises:
        DataError: a split cannot be read.
    """
    splits = {name: dataset.split(name) for name in dataset.splits}
    images = np.concatenate([split.images for split in splits.values()])
    faces = [
        Face(name, index, split.names[index], dataset.classes[int(split.labels[index])])
        for name, split in splits.items()
        for index in range(len(split))
    ]
    same = exact_copies(images)
    found = same_photographs(dataset, progress=progress)
    exact = _groups(same, same, faces)
    photographs = _groups(np.concatenate([found[name] for name in splits]), same, faces)
    spreads = spread(images)
    findings = (
        _exact(exact),
        _near([group for group in photographs if not group.exact]),
        _conflicts(_differing(photographs), len(_differing(exact))),
        _spans([group for group in photographs if len(group.splits) > 1]),
        _constant(_at(faces, spreads == 0)),
        _faint(_at(faces, (spreads > 0) & (spreads < LOW_SPREAD))),
        *_by_votes(_votes(dataset), faces, images),
    )
    return Audit(dataset.name, dataset.digest, dataset.counts(), findings)


def _groups(
    numbers: npt.NDArray[np.int64], exact: npt.NDArray[np.int64], faces: list[Face]
) -> list[Group]:
    """Return the groups of two and more, in the order of their first faces."""
    return [
        Group(tuple(faces[i] for i in part), exact=len(np.unique(exact[part])) == 1)
        for part in members_of_groups(numbers)
    ]


def _at(faces: list[Face], chosen: npt.NDArray[np.bool_]) -> tuple[Face, ...]:
    return tuple(faces[i] for i in np.flatnonzero(chosen))


def _grouped(key: str, title: str, advice: str, groups: Iterable[Group]) -> Finding:
    groups = tuple(groups)
    return Finding(key, title, advice, tuple(f for group in groups for f in group.faces), groups)


def _exact(groups: list[Group]) -> Finding:
    copies = sum(len(group.faces) - 1 for group in groups)
    return _grouped(
        "exact_duplicates",
        "exact duplicates",
        f"{copies:,} of these are copies, pixel by pixel or mirrored. A copy weighs twice in "
        "training, and a figure measured on copies is less sure than its interval says.",
        groups,
    )


def _near(groups: list[Group]) -> Finding:
    return _grouped(
        "near_duplicates",
        "near-duplicates",
        "Groups of one photograph in other light or encoding, shifted by up to a sixteenth of the "
        "side, enlarged by a few per cent, or mirrored, their exact duplicates included. To a "
        "classifier these are copies too. What was moved, enlarged or turned further, or lettered "
        "over, is not found.",
        groups,
    )


def _differing(groups: list[Group]) -> list[Group]:
    return [group for group in groups if len(group.labels) > 1]


def _conflicts(groups: list[Group], exact: int) -> Finding:
    return _grouped(
        "conflicting_labels",
        "conflicting labels",
        "Duplicates with more than one label. Groups in which the very same pixels have two: "
        f"{exact:,}. No classifier can be right about all of them: take their labels for noise "
        "(label_smoothing), or mend them in the source.",
        groups,
    )


def _spans(groups: list[Group]) -> Finding:
    held_out = sum(face.split != "train" for group in groups for face in group.faces)
    return _grouped(
        "in_two_splits",
        "in two splits",
        f"Duplicates that more than one split has: {held_out:,} held-out faces have a copy "
        "elsewhere, and a score on them is partly memory. `data: {leakage: drop}` in the study "
        "file leaves the training faces among them out; `hpo data import fer2013 PATH --dedupe` "
        "makes a dataset without copies.",
        groups,
    )


def _constant(faces: tuple[Face, ...]) -> Finding:
    return Finding(
        "constant",
        "constant images",
        "Images of a single grey value, of which nothing can be learned. Leave them out of the "
        "source.",
        faces,
    )


def _faint(faces: tuple[Face, ...]) -> Finding:
    return Finding(
        "low_variance",
        "low-variance images",
        f"Grey values that vary by less than {LOW_SPREAD:g} of 255 (standard deviation), in which "
        "nothing can be seen. Look at the sheet, and leave them out of the source.",
        faces,
    )


def _votes(dataset: FaceDataset) -> npt.NDArray[np.integer] | None:
    """Return the votes on all faces, ``(n, 10)``; None unless every split has them."""
    found = [dataset.split(name).votes for name in dataset.splits]
    present = [votes for votes in found if votes is not None]
    return np.concatenate(present) if len(present) == len(found) else None


def _by_votes(
    votes: npt.NDArray[np.integer] | None, faces: list[Face], images: npt.NDArray[np.uint8]
) -> tuple[Finding, Finding]:
    one, other = ("non_faces", "suspected non-faces"), ("label_against_votes", "label against FER+")
    if votes is None:
        none = suspected_non_faces(images)
        flat = int((none & (spread(images) < LOW_SPREAD)).sum())
        told = f" Among the constant and low-variance images, too: {flat:,}." if flat else ""
        suspected = Finding(*one, _NO_FACE_FOUND + told, _at(faces, none))
        return suspected, Finding(*other, _NO_VOTES, checked=False)
    majority = emotion_majorities(votes)
    own = np.array([COLUMN_OF_EMOTION[face.label] for face in faces])
    wrong = (majority != NO_MAJORITY) & (majority != own)
    decided = int((majority != NO_MAJORITY).sum())
    against = tuple(
        replace(faces[i], votes=VOTE_COLUMNS[majority[i]]) for i in np.flatnonzero(wrong)
    )
    return (
        Finding(
            *one,
            "Images that FER+ left out, or that most of its annotators call no face. Look at the "
            "sheet: what is none cannot be labelled rightly.",
            _at(faces, not_faces(votes)),
        ),
        Finding(
            *other,
            "Faces whose label is not the emotion that more than half of FER+'s ten annotators "
            f"chose; {decided:,} faces have such a majority. They bound what a score on these "
            "labels can mean.",
            against,
        ),
    )
