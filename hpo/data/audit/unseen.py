"""The held-out faces of which training has no copy: those that a score is told over once more.

Of the test split those of which validation has none, either: what is asked about it was chosen by
its answers to validation.

They are the same faces in every trial of a study, also where a trial trains on a part of the
training split: a face counts as seen if any training face of the dataset is a copy of it. Of how
many a copy was among those faces is counted beside.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from hpo.data.audit.leakage import photographs
from hpo.data.splits import subset_places
from hpo.data.store import FaceDataset


@dataclass(frozen=True)
class Unseen:
    """The faces, of validation or test, of which no split before theirs has a copy.

    Args:
        places: int64, ascending, among the faces that are asked about.
        faces: how many are asked about.
        digest: ``sha256:…`` of the pixels of the others, in no order: figures with equal digests
            leave the same faces out.
        remembered: of how many of the others a copy is among the faces that were trained on: a
            trial on a part of the training split has seen but a part of the copies.
        beside: the splits in which copies were looked for; none where there can be none.
    """

    places: npt.NDArray[np.int64]
    faces: int
    digest: str
    remembered: int
    beside: tuple[str, ...] = ()

    def __len__(self) -> int:
        return len(self.places)


def unseen(
    dataset: FaceDataset,
    validation_limit: int | None = None,
    data_seed: int = 0,
    *,
    drop: bool,
    split: str = "validation",
    train_limit: int | None = None,
) -> Unseen:
    """Return which faces of a trial's validation have no copy in training, or of the test split.

    Those of the test split have none in validation, either.

    Args:
        dataset: an opened dataset with ``train`` and the split.
        validation_limit, data_seed: the subset that is validated on, as in ``TrialJob``.
        drop: whether training leaves out what is a copy of a held-out face; then none has one
            there.
        split: of which the faces are.
        train_limit: of the subset that is trained on, as in ``TrialJob``.

    Raises:
        DataError: a split cannot be read.
    """
    faces = dataset.split(split)
    chosen = subset_places(np.asarray(faces.labels), validation_limit, data_seed)
    has_copy, remembered = np.zeros(len(chosen), dtype=bool), 0
    beside = (() if drop else ("train",)) + (() if split == "validation" else ("validation",))
    if beside:
        shown = photographs(dataset)
        has_copy = np.isin(shown[split][chosen], np.concatenate([shown[name] for name in beside]))
    if not drop:
        trained = subset_places(np.asarray(dataset.split("train").labels), train_limit, data_seed)
        remembered = int(np.isin(shown[split][chosen], shown["train"][trained]).sum())
    pixels = sorted(hashlib.sha256(faces.images[i].tobytes()).digest() for i in chosen[has_copy])
    digest = hashlib.sha256(b"".join(pixels)).hexdigest()
    places = np.flatnonzero(~has_copy).astype(np.int64)
    return Unseen(places, len(chosen), f"sha256:{digest}", remembered, beside)
