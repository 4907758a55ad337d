"""One face of each photograph: which copies an import leaves out, and why.

The rule, for each group of exact, mirrored and near duplicates (``group_duplicates``):

- The last of train, validation and test that has a copy decides: held-out splits keep their faces,
  and the copies in the splits before it are left out.
- Of several copies in that split one is kept, with the label that more than half of them have.
  Where no label has more than half, nobody can tell which one is right, and the whole group is left
  out.
- Which of equally good copies is kept follows from their pixels, so that the same faces in another
  order leave the same ones.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from hpo.data.audit.duplicates import Indices, members_of_groups
from hpo.data.audit.leakage import photographs_of
from hpo.data.importers.source import Progress, silent
from hpo.data.splits import SPLITS, RawSplit, join_digests, multiset_digest

REASONS = ("held_out", "same_split", "no_majority")
"""Why a face is left out: a later split has a copy; another copy of its split is kept; its copies'
labels do not agree."""


@dataclass(frozen=True)
class Deduplication:
    """What was left out of a dataset; plain data, kept in its manifest.

    Args:
        groups: photographs of which there was more than one copy.
        faces: faces before, by split.
        left_out: by split, the number left out for each of ``REASONS``.
        digest: of the dataset before.
    """

    groups: int
    faces: dict[str, int]
    left_out: dict[str, dict[str, int]]
    digest: str

    def to_json(self) -> dict[str, Any]:
        """Return what a manifest keeps."""
        return asdict(self)

    @property
    def total(self) -> int:
        """Return how many faces were left out."""
        return sum(sum(counts.values()) for counts in self.left_out.values())

    def note(self) -> str:
        """Return what a person should know, a sentence without its full stop."""
        before = sum(self.faces.values())
        if not self.total:
            return f"no face was left out: none of the {before:,} is a copy of another"
        split = {name: sum(counts.values()) for name, counts in self.left_out.items()}
        each = ", ".join(f"{count:,} of {name}" for name, count in split.items() if count)
        why = {r: sum(c[r] for c in self.left_out.values()) for r in REASONS}
        return (
            f"left out {self.total:,} of {before:,} faces ({each}), of {self.groups:,} photographs "
            f"with copies: {why['held_out']:,} that a held-out split has too, "
            f"{why['same_split']:,} further copies in one split, {why['no_majority']:,} whose "
            "copies have several labels and none of them a majority"
        )


def deduplicate(
    splits: Mapping[str, RawSplit], progress: Progress = silent, data: Path | None = None
) -> tuple[dict[str, RawSplit], Deduplication]:
    """Return the splits with one face of each photograph, by the rule above, and what was left out.

    A split of which nothing is left is not there any more. A minute for 32,000 faces.

    Args:
        splits: of images of one height and width.
        progress: told how much of the search for copies is done.
        data: the folder of a workspace's datasets: what one of the same images knows of its copies
            is not searched for again.
    """
    ordered = {name: splits[name] for name in SPLITS if name in splits}
    sizes = {name: len(raw.labels) for name, raw in ordered.items()}
    images = np.concatenate([raw.images for raw in ordered.values()])
    labels = np.concatenate([raw.labels for raw in ordered.values()])
    place = np.repeat(np.arange(len(ordered)), list(sizes.values()))
    groups = members_of_groups(photographs_of(ordered, data, progress))
    why = np.full(len(images), -1)
    for members in groups:
        last = place[members].max()
        own = members[place[members] == last]
        kept = _kept(own, images, labels)
        if kept is None:
            why[members] = REASONS.index("no_majority")
        else:
            why[members] = REASONS.index("held_out")
            why[own] = REASONS.index("same_split")
            why[kept] = -1
    digests = {name: multiset_digest(raw.images, raw.labels) for name, raw in ordered.items()}
    remaining, left_out = {}, {}
    for number, (name, raw) in enumerate(ordered.items()):
        reasons = why[place == number]
        left_out[name] = {r: int((reasons == k).sum()) for k, r in enumerate(REASONS)}
        rest = np.flatnonzero(reasons < 0)
        if len(rest):
            remaining[name] = _take(raw, rest)
    return remaining, Deduplication(len(groups), sizes, left_out, join_digests(digests))


def _kept(own: Indices, images: npt.NDArray[np.uint8], labels: npt.NDArray[np.uint8]) -> int | None:
    """Return the copy that stays, or None where no label has more than half of the copies."""
    counts = np.bincount(labels[own])
    if 2 * counts.max() <= len(own) and len(own) > 1:
        return None
    agreeing = own[labels[own] == counts.argmax()]
    return int(min(agreeing, key=lambda index: images[index].tobytes()))


def _take(raw: RawSplit, rest: Indices) -> RawSplit:
    return RawSplit(
        images=raw.images[rest],
        labels=raw.labels[rest],
        names=[raw.names[i] for i in rest],
        votes=None if raw.votes is None else raw.votes[rest],
    )
