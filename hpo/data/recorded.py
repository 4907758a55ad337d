"""Whether a dataset is the one that a study recorded, a test split that came later apart.

A study binds the digest of all faces of its dataset. A test split is often imported afterwards,
beside the same training and validation faces; nothing that a study does looks at it before
``hpo test``, so those are the study's faces still.
"""

from __future__ import annotations

import dataclasses
from typing import Any

from hpo.data.splits import join_digests
from hpo.data.store import FaceDataset

_LATER = "test"
"""The split that may be imported after a study."""


def as_recorded(dataset: FaceDataset, digest: str) -> FaceDataset | None:
    """Return the dataset that a digest names, as this one holds it; None where it is another.

    Where the digest is that of the other splits alone, what is returned has no test split and this
    digest: copies are then looked for, and left out, among the faces that they were before.

    Args:
        dataset: an opened dataset.
        digest: what was recorded; "" where nothing was, and any dataset will do.
    """
    if digest in ("", dataset.digest):
        return dataset
    if digest not in digests_of(dataset):
        return None
    manifest = {**dataset.manifest, "splits": _earlier(dataset), "digest": digest}
    return dataclasses.replace(dataset, manifest=manifest)


def digests_of(dataset: FaceDataset) -> tuple[str, ...]:
    """Return every digest that a study of these training and validation faces may have recorded.

    Args:
        dataset: an opened dataset, whole. Of embedded faces that are not drawn yet it is "" alone.
    """
    splits = _earlier(dataset)
    if not all("digest" in told for told in splits.values()):
        return (dataset.digest,)
    return dataset.digest, join_digests({s: told["digest"] for s, told in splits.items()})


def _earlier(dataset: FaceDataset) -> dict[str, Any]:
    return {s: dataset.manifest["splits"][s] for s in dataset.splits if s != _LATER}
