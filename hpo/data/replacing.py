"""What an import finds in the place of its dataset, and whether it may take that place."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from hpo.data.folders import read_manifest
from hpo.data.splits import RawSplit, multiset_digest
from hpo.spec.errors import DataError, NotFoundError

REPLACED = "replaced "
"""What a note begins with that tells of the dataset that an import took the place of."""


def refuse_other_faces(folder: Path, splits: Mapping[str, RawSplit]) -> bool:
    """Refuse an import that would take the place of other faces; tell whether it is of the same.

    The same faces may be imported as often as one likes, and a test split beside them.

    Args:
        folder: where the dataset would be stored.
        splits: that fit together.

    Raises:
        DataError: a sound dataset of faces lies there, and a split of it is gone or another.
    """
    try:
        manifest = read_manifest(folder)
    except (NotFoundError, DataError):
        return False  # A damaged dataset is what an import repairs.
    there = {s: (told["count"], told["digest"]) for s, told in manifest["splits"].items()}
    here = {
        s: (len(raw.labels), multiset_digest(raw.images, raw.labels)) for s, raw in splits.items()
    }
    others = [s for s, told in there.items() if here.get(s) != told]
    # A test split may come beside the faces that studies were run on; no other split may.
    others += [s for s in here if s not in there and s != "test"]
    if not others:
        return here == there
    raise DataError(
        f"dataset '{folder.name}' is there already, with other faces",
        expected=_held(there, others),
        got=_held(here, others),
        where=str(folder),
        hint="Give the new ones another name with --name NAME, or let them take the place of the "
        "old with --replace: studies that were run on those then cannot go on",
    )


def _held(known: Mapping[str, tuple[int, str]], splits: list[str]) -> str:
    """Return what splits hold: ``5 in train (digest 0123456789ab) and none in test``."""
    return " and ".join(
        f"{known[s][0]:,} in {s} (digest {known[s][1].removeprefix('sha256:')[:12]})"
        if s in known
        else f"none in {s}"
        for s in splits
    )


def replacing(folder: Path, *, same: bool = False) -> list[str]:
    """Return a note if an import into ``folder`` takes the place of a dataset, of the same faces
    as it brings or of others.
    """
    try:
        manifest = read_manifest(folder)
    except NotFoundError:
        return []
    except DataError:
        return [f"{REPLACED}a damaged dataset of this name"]
    if manifest["kind"] == "songs":
        count, one = int(manifest["count"]), "song"
    else:
        count, one = sum(int(split["count"]) for split in manifest["splits"].values()), "face"
    plural, which = "" if count == 1 else "s", "the same " if same else ""
    return [f"{REPLACED}an earlier dataset of this name, which held {which}{count} {one}{plural}"]
