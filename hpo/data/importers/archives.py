"""Zips, read in place: nothing is extracted, and whatever is wrong ends in one ``DataError``.

``zipfile`` lets the errors of the decompressors through, and tells of encryption and of methods
that it lacks by ``RuntimeError`` and ``NotImplementedError``.
"""

from __future__ import annotations

import io
import lzma
import struct
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, TYPE_CHECKING

from hpo.spec.errors import DataError

if TYPE_CHECKING:
    from _typeshed import WriteableBuffer

_METHODS = {zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED, zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA}
_ERRORS = (
    zipfile.BadZipFile,
    zlib.error,
    lzma.LZMAError,
    struct.error,
    EOFError,
    OSError,
    ValueError,
    RuntimeError,  # and NotImplementedError
)


@contextmanager
def open_archive(path: Path) -> Iterator[zipfile.ZipFile]:
    """Open the zip at ``path``.

    Raises:
        DataError: it is no zip, or its list of members is damaged.
        OSError: it cannot be opened.
    """
    with path.open("rb") as stream:
        try:
            archive = zipfile.ZipFile(stream)
        except _ERRORS as error:
            raise DataError(
                f"this is no readable zip: {_short(error)}",
                where=str(path),
                hint="Download it again",
            ) from error
        with archive:
            yield archive


def check_member(member: zipfile.ZipInfo, where: str) -> None:
    """Refuse a member that cannot be read however whole it is.

    Raises:
        DataError: it is encrypted, or compressed by a method that Python lacks.
    """
    if member.flag_bits & 1:
        raise DataError(
            "this zip is encrypted", where=where, hint="Unpack it and give what was in it"
        )
    if member.compress_type not in _METHODS:
        raise DataError(
            "this zip is compressed in a way that Python cannot read",
            expected="deflate, bzip2, LZMA or none",
            got=f"method {member.compress_type}",
            where=where,
            hint="Unpack it and give what was in it",
        )


def open_member(archive: zipfile.ZipFile, member: zipfile.ZipInfo, where: str) -> IO[bytes]:
    """Open a member for reading; it gives no more bytes than it declares.

    Raises:
        DataError: it is encrypted or damaged; the same may come while it is read.
    """
    check_member(member, where)
    with _told(where):
        stream = archive.open(member)
    return io.BufferedReader(_Member(stream, where), 1 << 16)


def read_member(archive: zipfile.ZipFile, member: zipfile.ZipInfo, where: str) -> bytes:
    """Return the bytes of a member.

    Raises:
        DataError: it is encrypted or damaged.
    """
    with open_member(archive, member, where) as stream:
        return stream.read()


class _Member(io.RawIOBase):
    def __init__(self, stream: IO[bytes], where: str) -> None:
        self._stream, self._where = stream, where

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: WriteableBuffer) -> int:
        view = memoryview(buffer)
        with _told(self._where):
            data = self._stream.read(len(view))
        view[: len(data)] = data
        return len(data)

    def tell(self) -> int:
        return self._stream.tell()

    def close(self) -> None:
        self._stream.close()
        super().close()


def _short(error: Exception) -> str:
    # zipfile may quote a damaged name, kilobytes of it.
    return (str(error) or type(error).__name__)[:100].rstrip(".")


@contextmanager
def _told(where: str) -> Iterator[None]:
    try:
        yield
    except _ERRORS as error:
        raise DataError(
            "this file is damaged inside its zip",
            got=_short(error),
            where=where,
            hint="Download the zip again",
        ) from error
