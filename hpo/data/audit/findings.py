"""What an audit found, as plain data."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any


@dataclass(frozen=True)
class Face:
    """One image of a dataset.

    Args:
        split: the split that it is in.
        index: its place in the split, from 0.
        name: the source's name of it; names are not keys.
        label: its emotion.
        votes: what the majority of annotators says instead, where that is the finding; else "".
    """

    split: str
    index: int
    name: str
    label: str
    votes: str = ""


@dataclass(frozen=True)
class Group:
    """Images that are one photograph.

    Args:
        faces: two and more, in the order of splits and places.
        exact: all have the same pixels, or those of the mirror.
    """

    faces: tuple[Face, ...]
    exact: bool

    @property
    def labels(self) -> tuple[str, ...]:
        """The different labels of the group, by name."""
        return tuple(sorted({face.label for face in self.faces}))

    @property
    def splits(self) -> frozenset[str]:
        """The splits that the group has images in."""
        return frozenset(face.split for face in self.faces)


@dataclass(frozen=True)
class Finding:
    """One kind of fault.

    Args:
        key: its name in JSON and file names.
        title: its name for people.
        advice: what it means and what to do about it; sentences.
        faces: the images that have it.
        groups: the groups that these are in; None where single images are at fault.
        checked: False where the dataset does not hold what is needed to look for it.
    """

    key: str
    title: str
    advice: str
    faces: tuple[Face, ...] = ()
    groups: tuple[Group, ...] | None = None
    checked: bool = True

    def per_split(self, splits: tuple[str, ...]) -> dict[str, int]:
        """Return how many of its images are in each of ``splits``."""
        return {split: sum(face.split == split for face in self.faces) for split in splits}


@dataclass(frozen=True)
class Audit:
    """What is wrong with a dataset of faces.

    Args:
        name: the dataset's.
        digest: the dataset's, of all its faces.
        counts: faces per split and emotion.
        findings: in the order in which they are told; those without any image too.
    """

    name: str
    digest: str
    counts: Mapping[str, Mapping[str, int]]
    findings: tuple[Finding, ...]

    @property
    def splits(self) -> tuple[str, ...]:
        """The splits that there are."""
        return tuple(self.counts)

    def finding(self, key: str) -> Finding:
        """Return the finding of this key.

        Raises:
            KeyError: there is none.
        """
        for finding in self.findings:
            if finding.key == key:
                return finding
        raise KeyError(key)

    def balance(self) -> dict[str, dict[str, Any]]:
        """Return per split the most frequent emotion, its share, and that of the rarest one."""
        return {split: _balance(counts) for split, counts in self.counts.items()}

    def to_json(self) -> dict[str, Any]:
        """Return everything as plain data; a group is told once, its faces by split and index."""
        return {
            "name": self.name,
            "digest": self.digest,
            "counts": {split: dict(counts) for split, counts in self.counts.items()},
            "balance": self.balance(),
            "findings": {finding.key: self._told(finding) for finding in self.findings},
        }

    def _told(self, finding: Finding) -> dict[str, Any]:
        told: dict[str, Any] = {
            "title": finding.title,
            "advice": finding.advice,
            "checked": finding.checked,
            "count": len(finding.faces) if finding.checked else None,
            "per_split": finding.per_split(self.splits) if finding.checked else None,
        }
        if finding.groups is None:
            return {**told, "faces": [asdict(face) for face in finding.faces]}
        groups = [
            {"exact": group.exact, "faces": [asdict(face) for face in group.faces]}
            for group in finding.groups
        ]
        return {**told, "groups": groups}


def _balance(counts: Mapping[str, int]) -> dict[str, Any]:
    total = sum(counts.values())
    if not total:
        return {"majority": None, "majority_share": None, "rarest": None, "rarest_share": None}
    most, least = max(counts, key=lambda e: counts[e]), min(counts, key=lambda e: counts[e])
    return {
        "majority": most,
        "majority_share": counts[most] / total,
        "rarest": least,
        "rarest_share": counts[least] / total,
    }
