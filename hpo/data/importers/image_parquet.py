"""Image parquet, the layout that dataset hubs serve: encoded images, a label, often a usage.

One file, or a folder with ``train``, ``validation`` and ``test`` as files, shards
(``train-00000-of-00002.parquet``) or subfolders. A column ``usage`` wins over file names. A file
that ends in ``.sealed`` is never opened.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from hpo.data.importers.labels import emotion_index, split_named
from hpo.data.importers.shards import source_files, split_of
from hpo.data.importers.source import FaceCollector, Progress, SourceFaces
from hpo.data.store import VOTE_COLUMNS
from hpo.spec.emotions import EMOTIONS
from hpo.spec.errors import DataError

if TYPE_CHECKING:
    import pyarrow.parquet

_ROWS_PER_BATCH = 1024
_MOST_VOTES = 65535
"""What the store's array of votes holds; FER+ has ten votes a face."""


def read(path: Path, progress: Progress) -> SourceFaces:
    """Read an image parquet, or a folder of them.

    Raises:
        DataError: wrong columns, a label out of range or at odds with ``emotion``, a shard that
            is missing, a file that is no parquet, a sealed file; the row is named.
    """
    files = source_files(path)
    opened = [(file, *_open(file)) for file in files]
    total = sum(parquet.metadata.num_rows for _, parquet, _ in opened)
    collector = FaceCollector(path)
    with_votes = False
    done = 0
    for file, parquet, columns in opened:
        with_votes = with_votes or columns.votes is not None
        rows = _Rows(file, columns)
        for row in _rows(file, parquet, columns):
            collector.add_encoded(*rows.face(row))
            done += 1
            if done % _ROWS_PER_BATCH == 0:
                progress(done, total)
        progress(done, total)
    source = {"format": "image-parquet", "files": [file.name for file in files]}
    return SourceFaces(collector.splits(with_votes=with_votes), source, collector.unreadable)


class _Columns:
    """Which columns of one file hold what."""

    def __init__(self, file: Path, schema: Any) -> None:
        by_name = {name.lower(): name for name in schema.names}
        twice = sorted({name for name in schema.names if schema.names.count(name) > 1})
        if twice:
            raise DataError(
                f"the column {twice[0]} stands twice", where=str(file), hint="Drop one of the two"
            )
        image = by_name.get("image") or by_name.get("img")
        label = by_name.get("label") or by_name.get("labels")
        self.emotion = by_name.get("emotion")
        # An encoded image is binary; a nested list of numbers would be another layout.
        encoded = image is not None and "binary" in str(schema.field(image).type)
        if image is None or not encoded or (label is None and self.emotion is None):
            raise DataError(
                "these columns do not hold labelled images",
                expected="image (a struct of bytes and path, or bytes) and label",
                got=", ".join(f"{f.name} ({f.type})" for f in list(schema)[:8]) or "no columns",
                where=str(file),
                hint="Give FER-2013 as image parquet, as Kaggle's CSV or as image folders",
            )
        kind = "null" if self.emotion is None else str(schema.field(self.emotion).type)
        if "string" not in kind and kind != "null":
            raise DataError(
                "the column emotion holds no names of emotions",
                expected=f"text, such as {', '.join(EMOTIONS)}",
                got=kind,
                where=str(file),
                hint="Numbers stand in a column label, in this order: 0 for "
                f"{EMOTIONS[0]}, 1 for {EMOTIONS[1]} and so on; rename the column if they do",
            )
        self.image, self.label = image, label
        self.usage = by_name.get("usage")
        self.votes = by_name.get("ferplus_votes")
        self.label_names = _hub_label_names(schema, label)

    def wanted(self) -> list[str]:
        every = (self.image, self.label, self.emotion, self.usage, self.votes)
        return [column for column in every if column is not None]


def _hub_label_names(schema: Any, label: str | None) -> list[str] | None:
    """Return the label names that the ``datasets`` library left in the file's metadata, if any."""
    raw = (schema.metadata or {}).get(b"huggingface")
    try:
        names = json.loads(raw)["info"]["features"][label]["names"] if raw else None
    except (ValueError, KeyError, TypeError):
        return None
    return [str(name) for name in names] if isinstance(names, list) else None


def _open(file: Path) -> tuple[pyarrow.parquet.ParquetFile, _Columns]:
    import pyarrow
    import pyarrow.parquet

    try:
        schema = pyarrow.parquet.read_schema(file)
        columns = _Columns(file, schema)
        leaves = pyarrow.parquet.ParquetFile(file).schema
        # A value that many rows share is stored once, in a dictionary, and stays one when read so:
        # written out, a small file of one huge value would fill the memory.
        texts = [
            leaf.path
            for leaf in (leaves.column(at) for at in range(len(leaves)))
            if leaf.physical_type == "BYTE_ARRAY"
        ]
        return pyarrow.parquet.ParquetFile(file, read_dictionary=texts), columns
    except (pyarrow.ArrowException, OSError) as error:
        raise _unreadable(file, error) from error


def _rows(
    file: Path, parquet: pyarrow.parquet.ParquetFile, columns: _Columns
) -> Iterator[dict[str, Any]]:
    import pyarrow

    try:
        for batch in parquet.iter_batches(_ROWS_PER_BATCH, columns=columns.wanted()):
            arrays = list(zip(batch.schema.names, batch.columns, strict=True))
            for at in range(batch.num_rows):
                yield {name: array[at].as_py() for name, array in arrays}
    except (pyarrow.ArrowException, OSError, UnicodeDecodeError) as error:
        raise _unreadable(file, error) from error


def _unreadable(file: Path, error: Exception) -> DataError:
    return DataError(
        "this is no readable parquet file",
        got=(str(error).splitlines() or [type(error).__name__])[0],
        where=str(file),
        hint="Download it again",
    )


class _Rows:
    """Turns the rows of one file into faces; counts them for errors."""

    def __init__(self, file: Path, columns: _Columns) -> None:
        self.file, self.columns = file, columns
        self.split = split_of(file)
        self.number = 0
        self.emotion_of_label: dict[int, int] = {}

    def face(self, row: dict[str, Any]) -> tuple[str, bytes | None, int, str, Any]:
        self.number += 1
        place = f"{self.file.name}: row {self.number}"
        where = str(self.file.parent / place)
        image = row[self.columns.image]
        data, name = (
            (image.get("bytes"), image.get("path")) if isinstance(image, dict) else (image, None)
        )
        encoded = data if isinstance(data, bytes) else None
        votes = row[self.columns.votes] if self.columns.votes else None
        if votes is not None and not _are_votes(votes):
            raise DataError(
                "the votes do not fit",
                expected=f"{len(VOTE_COLUMNS)} counts, 0 to {_MOST_VOTES}: "
                + ", ".join(VOTE_COLUMNS),
                got=str(votes)[:60],
                where=where,
            )
        return self._split(row, where), encoded, self._label(row, where), name or place, votes

    def _split(self, row: dict[str, Any], where: str) -> str:
        usage = row[self.columns.usage] if self.columns.usage else None
        split = split_named(str(usage)) if usage is not None else self.split
        if split is None:
            raise DataError(
                "this row's split cannot be told",
                expected="a column usage with Training, PublicTest or PrivateTest, or a file "
                "named train, validation or test",
                got=f"usage {usage!r}" if usage is not None else f"a file named {self.file.name}",
                where=where,
                hint="Rename the file, or give the folder that holds train and validation",
            )
        return split

    def _label(self, row: dict[str, Any], where: str) -> int:
        """Return the canonical label.

        Where a row holds the emotion's name too, the name decides: sources number differently. The
        numbers must then stand for one name each, or one of the two columns is wrong.
        """
        raw = row[self.columns.label] if self.columns.label else None
        word = row[self.columns.emotion] if self.columns.emotion else None
        label = self._of_raw(raw)
        named = emotion_index(word) if isinstance(word, str) else None
        if (label is None and (raw is not None or named is None)) or (word and named is None):
            raise _label_error(repr(word if label is not None else raw), where)
        if label is None or named is None:
            chosen = named if label is None else label
            assert chosen is not None
            return chosen
        if self.emotion_of_label.setdefault(label, named) != named:
            raise DataError(
                "label and emotion contradict each other",
                expected=f"{EMOTIONS[self.emotion_of_label[label]]} beside label {raw!r}, as above",
                got=f"emotion {word!r}",
                where=where,
                hint="Drop the wrong one of the two columns",
            )
        return named

    def _of_raw(self, raw: Any) -> int | None:
        names = self.columns.label_names
        if isinstance(raw, str):
            return emotion_index(raw)
        if not isinstance(raw, int) or isinstance(raw, bool):
            return None
        if names is not None:
            return emotion_index(names[raw]) if 0 <= raw < len(names) else None
        return raw if 0 <= raw < len(EMOTIONS) else None


def _are_votes(votes: Any) -> bool:
    return (
        isinstance(votes, list)
        and len(votes) == len(VOTE_COLUMNS)
        and all(isinstance(n, int | float) and float(n).is_integer() for n in votes)
        and 0 <= min(votes) <= max(votes) <= _MOST_VOTES
    )


def _label_error(got: str, where: str) -> DataError:
    listing = ", ".join(f"{i} {emotion}" for i, emotion in enumerate(EMOTIONS))
    return DataError("label out of range", expected=f"one of {listing}", got=got, where=where)
