"""The faces of a plan; the embedded ones are known by their sizes before they are drawn."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from typing import TYPE_CHECKING

from hpo.spec.workspace import Workspace

if TYPE_CHECKING:
    from hpo.data.importers.source import Progress
    from hpo.data.store import FaceDataset
    from hpo.execution.watch import Watcher
    from hpo.spec.study import StudySpec


During = Callable[[str], AbstractContextManager["Progress | None"]]
"""Is entered for as long as a long work is done, told which; gives what is told its progress."""


def find_dataset(workspace: Workspace, name: str) -> FaceDataset:
    """Return a dataset of faces with both splits that a study needs; nothing is written.

    Where the embedded faces are yet to be drawn, because they are not there, are damaged or come
    from another version, what is returned has their sizes and no digest.

    Raises:
        NotFoundError: there is no such dataset.
        DataError: it holds songs, lacks a split, or cannot be read.
        IntegrityError: a file is not the one that was imported.
    """
    from hpo.data import library, store

    if name == library.DRAWN_FACES:
        there = _drawn_before(workspace)
        if there is None:
            return _undrawn(workspace)
        dataset = there
    else:
        dataset = store.open_faces(library.find_faces(workspace, name))
    for split in ("train", "validation"):
        dataset.split(split)
    return dataset


def _drawn_before(workspace: Workspace) -> FaceDataset | None:
    """Return the embedded faces if they need not be drawn."""
    from hpo.data import library, store
    from hpo.data.drawn.dataset import GENERATOR_VERSION
    from hpo.spec.errors import DataError, IntegrityError, NotFoundError

    try:
        dataset = store.open_faces(workspace.data / library.DRAWN_FACES)
    except (DataError, IntegrityError, NotFoundError):
        return None
    # As the library decides it when it draws them.
    current = dataset.manifest["source"].get("generator_version") == GENERATOR_VERSION
    return dataset if current else None


def drawn(dataset: FaceDataset, workspace: Workspace) -> FaceDataset:
    """Return the dataset itself, or the embedded faces, drawn now.

    Raises:
        InputError: they cannot be written.
    """
    from hpo.data import library, store

    if dataset.digest:
        return dataset
    return store.open_faces(library.find_faces(workspace, dataset.name))


def silently(what: str) -> AbstractContextManager[Progress | None]:
    """Say nothing of a long work."""
    return nullcontext()


def told_to(watcher: Watcher) -> During:
    """Return what tells a watcher of a long work, in place of a bar that its display would cover.

    Args:
        watcher: is told in a line when the work begins.
    """

    def told(what: str) -> AbstractContextManager[Progress | None]:
        watcher.note(f"{what[0].upper()}{what[1:]}")
        return nullcontext()

    return told


def count_leaked(
    spec: StudySpec,
    dataset: FaceDataset,
    *,
    remember: bool = True,
    during: During = silently,
) -> int:
    """Return how many training faces the study leaves out as duplicates of held-out ones.

    Looking for them takes up to a minute, once per dataset; the trials then find the answer beside
    it. A study that keeps them needs it too, to tell its scores without the faces that have a copy.

    Args:
        spec: the study.
        dataset: its faces; of embedded ones that are not drawn yet nothing is known.
        remember: whether the answer may be written.
        during: is entered for as long as they are looked for, told what is done; not where the
            answer is known.
    """
    keep = spec.data.leakage == "keep"
    if not dataset.digest or (keep and not remember):
        return 0
    from hpo.data.audit.leakage import leaked_faces

    with _looking(dataset, during) as progress:
        leaked = leaked_faces(dataset, remember=remember, progress=progress)
    return 0 if keep else len(leaked)


def look_for_copies(dataset: FaceDataset, during: During = silently) -> None:
    """Look for copies among faces, so that whoever asks next, in a child too, finds the answer.

    Args:
        dataset: the faces.
        during: as for ``count_leaked``.
    """
    from hpo.data.audit.leakage import photographs

    with _looking(dataset, during) as progress:
        photographs(dataset, progress=progress)


@contextmanager
def _looking(dataset: FaceDataset, during: During) -> Iterator[Progress]:
    from hpo.data.audit.leakage import is_searched
    from hpo.data.importers.source import silent

    shown = silently if is_searched(dataset) else during
    with shown(f"looking for copies in '{dataset.name}', a minute for 30,000 faces") as progress:
        yield progress or silent


def _undrawn(workspace: Workspace) -> FaceDataset:
    from hpo.data.drawn.dataset import DATASET_NAME, SPLIT_SIZES
    from hpo.data.store import FaceDataset
    from hpo.spec.emotions import EMOTIONS

    # The emotions take turns, so each has its share, and the first ones what is over.
    splits = {
        split: {
            "count": size,
            "counts": {
                emotion: (size + len(EMOTIONS) - 1 - place) // len(EMOTIONS)
                for place, emotion in enumerate(EMOTIONS)
            },
        }
        for split, size in SPLIT_SIZES.items()
    }
    manifest = {
        "name": DATASET_NAME,
        "kind": "faces",
        "classes": list(EMOTIONS),
        "height": 48,
        "width": 48,
        "digest": "",
        "splits": splits,
    }
    return FaceDataset(DATASET_NAME, workspace.data / DATASET_NAME, manifest)
