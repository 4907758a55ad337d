"""Which parquet files a source has, and which split a file's name stands for.

Dataset hubs write ``train-00000-of-00002.parquet``, some with a hash of the content behind it:
``train-00000-of-00002-5a1c9b1e3d.parquet``.
"""

from __future__ import annotations

import re
from pathlib import Path

from hpo.data.folders import listed
from hpo.data.importers.labels import split_named
from hpo.spec.errors import DataError

_SHARD = re.compile(
    r"^(?P<split>[A-Za-z_]+?)(?:-(?P<number>\d{1,6})-of-(?P<of>\d{1,6})(?:-[0-9A-Fa-f]+)?)?$"
)


def parquet_files(folder: Path) -> list[Path]:
    """Return the parquet files in ``folder`` and two levels below, none of them sealed."""
    patterns = ("*.parquet", "*/*.parquet", "*/*/*.parquet")
    return sorted({file for pattern in patterns for file in folder.glob(pattern)})


def source_files(path: Path) -> list[Path]:
    """Return the files to read at ``path``, a file or a folder of whole sets of shards.

    Raises:
        DataError: a sealed file, no file, a shard that is missing or there twice.
    """
    if path.name.endswith(".sealed"):
        raise DataError(
            "this file is sealed, and hpo opens no sealed file",
            where=str(path),
            hint="Give the folder of the open splits, train and validation",
        )
    if not path.is_dir():
        return [path]
    files = parquet_files(path)
    if not files:
        raise DataError("there is no parquet file here", where=str(path))
    _check_shards(path, files)
    return files


def split_of(file: Path) -> str | None:
    """Return the split that a file's name stands for, else that of its folder's name."""
    match = _SHARD.match(file.stem)
    return (split_named(match["split"]) if match else None) or split_named(file.parent.name)


def _check_shards(path: Path, files: list[Path]) -> None:
    met: dict[tuple[str, int], dict[int, Path]] = {}
    for file in files:
        match = _SHARD.match(file.stem)
        if not match or not match["of"]:
            continue
        shards = met.setdefault((match["split"], int(match["of"])), {})
        twin = shards.setdefault(int(match["number"]), file)
        if twin is not file and twin.parent == file.parent:
            raise DataError(
                f"shard {int(match['number'])} of '{match['split']}' is there twice",
                expected="one file per shard",
                got=f"{twin.name} and {file.name}",
                where=str(file.parent),
                hint="Delete the older one",
            )
    for (split, of), shards in met.items():
        missing = sorted(set(range(of)) - set(shards))
        if missing:
            raise DataError(
                f"shards of '{split}' are missing: {listed(missing)}",
                expected=f"{of} files {split}-…-of-{of:05d}.parquet",
                got=f"{len(shards)}",
                where=str(path),
                hint="Download the missing files",
            )
