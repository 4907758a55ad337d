"""A dataset's folder: its name, its manifest with checksums, and how it is replaced as a whole.

Faces and songs share this. A folder is written beside its place and renamed into it, so a reader
never meets half a dataset and a failed import leaves the old one as it was.
"""

from __future__ import annotations

import contextlib
import errno
import hashlib
import json
import os
import re
import shutil
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from hpo.spec.errors import (
    DataError,
    EnvironmentProblem,
    InputError,
    IntegrityError,
    NotFoundError,
)

FORMAT_VERSION = 1

_KEYS = {
    "faces": {"name", "classes", "height", "width", "digest", "splits", "source", "skipped"},
    "songs": {"name", "count", "moods", "digest", "source"},
}
_TICK_NS = 2_000_000_000
_HASHED: dict[tuple[str, int, int, int, int], str] = {}


def read_manifest(folder: Path) -> dict[str, Any]:
    """Return the manifest of the dataset in ``folder``, whatever its kind.

    Raises:
        NotFoundError: there is no dataset in this folder.
        DataError: the manifest cannot be read, or a newer hpo wrote it.
    """
    path = folder / "manifest.json"
    try:
        manifest = json.loads(path.read_text(encoding="utf-8"))
    except (FileNotFoundError, NotADirectoryError) as error:
        raise NotFoundError(
            "there is no dataset here",
            expected="a folder with a manifest.json",
            where=str(folder),
            hint="`hpo data list` shows what there is; `hpo data import --help` how more gets in",
        ) from error
    except (OSError, ValueError) as error:
        raise broken(folder, f"its manifest cannot be read: {error}") from error
    if not isinstance(manifest, dict) or not isinstance(manifest.get("kind"), str):
        raise broken(folder, "its manifest.json is none of hpo's")
    if manifest.get("format_version") != FORMAT_VERSION:
        raise DataError(
            f"dataset '{folder.name}' is in another format",
            expected=f"format version {FORMAT_VERSION}",
            got=str(manifest.get("format_version")),
            where=str(path),
            hint="Import it again with this version of hpo",
        )
    missing = sorted((_KEYS.get(manifest["kind"], set()) | {"files"}) - set(manifest))
    if missing:
        raise broken(folder, f"its manifest.json lacks {listed(missing)}")
    return manifest


def write_manifest(folder: Path, manifest: Mapping[str, Any]) -> None:
    """Write ``manifest.json`` with size and sha256 of every file beside it, as the last file."""
    files = {
        path.name: {"bytes": path.stat().st_size, "sha256": file_sha256(path)}
        for path in sorted(folder.iterdir())
    }
    text = json.dumps({**manifest, "files": files}, indent=2, ensure_ascii=False)
    (folder / "manifest.json").write_text(text + "\n", encoding="utf-8")


def verify(folder: Path) -> None:
    """Check every file of the dataset in ``folder`` against its recorded sha256.

    A hundred megabytes take a third of a second; in one process a file that did not change in size
    or time is read once.

    Raises:
        IntegrityError: a file is missing or differs.
        NotFoundError: there is no dataset in this folder.
    """
    for file_name, recorded in read_manifest(folder)["files"].items():
        path = folder / file_name
        got = _known_sha256(path) if path.is_file() else "no such file"
        if got != recorded["sha256"]:
            raise IntegrityError(
                "a stored file differs from its recorded checksum",
                expected=f"sha256 {recorded['sha256']}",
                got=got,
                where=str(path),
                hint="Import the dataset again",
            )


def file_sha256(path: Path) -> str:
    """Return the hex sha256 of a file."""
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def _known_sha256(path: Path) -> str:
    facts = path.stat()
    # An inode and its time of change tell a file apart even if a copy kept its time of writing.
    key = (str(path), facts.st_ino, facts.st_size, facts.st_mtime_ns, facts.st_ctime_ns)
    if key in _HASHED:
        return _HASHED[key]
    started_ns = time.time_ns()
    got = file_sha256(path)
    # Clocks of file systems tick coarsely: a file just written may change again within one tick.
    if started_ns - max(facts.st_mtime_ns, facts.st_ctime_ns) > _TICK_NS:
        _HASHED[key] = got
    return got


def check_dataset_name(name: str) -> str:
    """Return ``name`` if it can name a folder on every system.

    Raises:
        DataError: it is empty, too long, or holds a path separator or another odd character.
    """
    if not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9._-]{0,99}", name) or name.endswith("."):
        raise DataError(
            "this cannot be a dataset's name",
            expected="letters, digits, '-', '_' and '.', at most 100, a letter or digit first",
            got=repr(name),
            hint="Give another with --name NAME",
        )
    return name


@contextlib.contextmanager
def replaced_folder(folder: Path) -> Iterator[Path]:
    """Yield an empty folder beside ``folder``; on a clean exit it takes ``folder``'s place.

    An error or Ctrl-C on the way removes it and leaves what was there untouched.

    Raises:
        InputError: the place cannot be written.
        EnvironmentProblem: the disk is full.
    """
    new: Path | None = None
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        new = Path(tempfile.mkdtemp(prefix=f".{folder.name}.", suffix=".new", dir=folder.parent))
        new.chmod(0o755)  # mkdtemp's 0700 would shut out the other users of a shared workspace.
        yield new
        _take_place(new, folder)
    except OSError as error:
        full = error.errno in (errno.ENOSPC, errno.EDQUOT)
        raise (EnvironmentProblem if full else InputError)(
            "cannot write this dataset",
            expected="a folder that you may write to, with room for the dataset",
            got=error.strerror or str(error),
            where=str(folder),
            hint="Choose another workspace with --home FOLDER, change permissions or free space",
        ) from error
    finally:
        if new is not None:
            shutil.rmtree(new, ignore_errors=True)


def _take_place(new: Path, folder: Path, attempts: int = 50) -> None:
    # A folder that is not empty cannot be renamed over: move the old one aside first. Another
    # process may put its own there in between, hence the attempts; the last writer wins.
    asides: list[Path] = []
    try:
        for attempt in range(attempts):
            aside = new.with_suffix(f".old{attempt}")
            with contextlib.suppress(FileNotFoundError):
                os.rename(folder, aside)
                asides.append(aside)
            try:
                os.rename(new, folder)
                return
            except OSError as error:
                taken = error.errno in (errno.ENOTEMPTY, errno.EEXIST)
                if not taken or attempt + 1 == attempts:
                    if asides:
                        with contextlib.suppress(OSError):
                            os.rename(asides[-1], folder)  # Nothing is lost: it goes back.
                    raise
    finally:
        for aside in asides:
            shutil.rmtree(aside, ignore_errors=True)


def listed(items: Sequence[object], limit: int = 5) -> str:
    """Return the first ``limit`` items as words: ``a, b, c and 4 more``."""
    text = ", ".join(str(item) for item in items[:limit])
    return text + (f" and {len(items) - limit} more" if len(items) > limit else "")


def missing_columns(missing: Sequence[str]) -> str:
    """Return which columns are missing, as words: ``columns emotion and usage are missing``."""
    if len(missing) == 1:
        return f"column {missing[0]} is missing"
    return f"columns {', '.join(missing[:-1])} and {missing[-1]} are missing"


def broken(folder: Path, problem: str) -> DataError:
    """Return the error for a dataset whose files do not read as they were written."""
    return DataError(
        f"dataset '{folder.name}' is damaged: {problem}",
        where=str(folder),
        hint="Delete the folder and import the dataset again",
    )
