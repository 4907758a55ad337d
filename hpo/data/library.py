"""What datasets a workspace has, the ones that the package carries included."""

from __future__ import annotations

import fcntl
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from hpo.data.folders import check_dataset_name, read_manifest
from hpo.data.store import open_faces
from hpo.spec.errors import DataError, HpoError, IntegrityError, NotFoundError, did_you_mean
from hpo.spec.workspace import Workspace

DRAWN_FACES = "drawn-faces"
"""Grey drawn faces that the package generates: written on first use."""
EMBEDDED_SONGS = "embedded-songs"
"""Public-domain works that the package carries as a file."""


@dataclass(frozen=True)
class DatasetEntry:
    """One line of the list of datasets.

    Args:
        name: what to call it in a study file or command.
        kind: ``faces`` or ``songs``.
        counts: faces per split, or songs per mood; empty while ``drawn-faces`` is not written.
        folder: where it lies; ``None`` if it lies in the package or is not written yet.
        note: anything else, such as what is wrong with it.
    """

    name: str
    kind: str
    counts: dict[str, int]
    folder: Path | None
    note: str = ""


def find_faces(workspace: Workspace, name: str) -> Path:
    """Return the folder of the dataset of faces called ``name``.

    ``drawn-faces`` is generated into the workspace on first use, and again when it is damaged or
    another version of the generator drew it; two processes that ask at once get one dataset.

    Raises:
        NotFoundError: the workspace has no such dataset.
        DataError: it is a dataset of songs, or damaged.
        IntegrityError: a file of it is missing or was changed since the import.
        EnvironmentProblem: ``drawn-faces`` cannot be written.
    """
    if name == DRAWN_FACES:
        return _drawn_faces(workspace)
    try:
        folder = workspace.data / check_dataset_name(name)
        open_faces(folder)
    except NotFoundError as error:
        known = [entry.name for entry in list_datasets(workspace) if entry.kind == "faces"]
        raise unknown_dataset(workspace, name, known) from error
    return folder


def unknown_dataset(
    workspace: Workspace, name: str, known: list[str], kind: str = "faces"
) -> NotFoundError:
    """Return the error for a dataset that is not there: what is, and the command that imports.

    Args:
        workspace: where it was looked for.
        name: what was asked for.
        known: the names that there are.
        kind: ``faces`` or ``songs``, what was asked for.
    """
    songs = name == "songs" or (kind == "songs" and name != "fer2013")
    command = "hpo data import songs CSV" if songs else "hpo data import fer2013 PATH"
    if name not in ("fer2013", "songs"):
        command += f" --name {name}"
    suggestion = did_you_mean(name, known)
    mistyped = suggestion.endswith("?")
    if mistyped and name not in ("fer2013", "songs"):
        # Nobody is to import under a name that was mistyped.
        return NotFoundError(
            f"there is no dataset '{name}'", where=str(workspace.data), hint=suggestion
        )
    suggestion += "" if mistyped else "."
    return NotFoundError(
        f"there is no dataset '{name}'",
        where=str(workspace.data),
        hint=f"{suggestion} Import one with: `{command}`",
    )


def list_datasets(workspace: Workspace | None = None) -> list[DatasetEntry]:
    """Return the datasets of the workspace by name, then what the package carries.

    Args:
        workspace: where they are; the current directory by default.
    """
    from hpo.data.songs import embedded_mood_counts

    workspace = workspace or Workspace.at()
    entries = []
    folders = sorted(workspace.data.iterdir()) if workspace.data.is_dir() else []
    for folder in folders:
        if folder.is_dir() and not folder.name.startswith("."):
            entry = _entry(folder)
            if entry is not None:
                entries.append(entry)
    if not any(entry.name == DRAWN_FACES for entry in entries):
        note = "carried by the package; drawn on first use"
        entries.append(DatasetEntry(DRAWN_FACES, "faces", {}, None, note))
    counts = embedded_mood_counts()
    entries.append(DatasetEntry(EMBEDDED_SONGS, "songs", counts, None, "carried by the package"))
    return entries


def _entry(folder: Path) -> DatasetEntry | None:
    try:
        manifest = read_manifest(folder)
    except NotFoundError:
        return None
    except HpoError as error:
        return DatasetEntry(folder.name, "damaged", {}, folder, str(error))
    if manifest["kind"] == "songs":
        return DatasetEntry(folder.name, "songs", dict(manifest["moods"]), folder)
    counts = {split: int(facts["count"]) for split, facts in manifest["splits"].items()}
    outdated = folder.name == DRAWN_FACES and not _is_current(manifest)
    note = "another version of hpo drew these; drawn anew on next use" if outdated else ""
    return DatasetEntry(folder.name, "faces", counts, folder, note)


def _drawn_faces(workspace: Workspace) -> Path:
    folder = workspace.data / DRAWN_FACES
    if not _is_written(folder):
        with _lock(workspace.ensure(workspace.data) / f".{DRAWN_FACES}.lock"):
            if not _is_written(folder):  # Another process may have drawn them meanwhile.
                from hpo.data.drawn.dataset import write_dataset

                write_dataset(folder)
    return folder


def _is_written(folder: Path) -> bool:
    """Tell whether the drawn faces are there, whole, and what this version would draw."""
    try:
        return _is_current(open_faces(folder).manifest)
    except (DataError, NotFoundError, IntegrityError):
        return False


def _is_current(manifest: Mapping[str, Any]) -> bool:
    from hpo.data.drawn.dataset import GENERATOR_VERSION

    return bool(manifest["source"].get("generator_version") == GENERATOR_VERSION)


@contextmanager
def _lock(path: Path) -> Iterator[None]:
    # flock ends with the process that holds it, so a kill leaves no stale lock.
    with path.open("w") as stream:
        fcntl.flock(stream, fcntl.LOCK_EX)
        yield
