"""Image folders, or a zip of them: ``train/<emotion>/*.jpg``, ``test/<emotion>/*.jpg``.

In Kaggle's copy of FER-2013 ``test/`` mixes the contest's PublicTest and PrivateTest, and only the
file names (``PublicTest_…``, ``PrivateTest_…``) tell validation and test apart. A zip is read in
place: nothing is extracted, and its size is bounded. JPEG is lossy, so a JPEG copy has the counts
of the original and other pixels.
"""

from __future__ import annotations

import os
import re
import stat
import zipfile
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from hpo.data.importers.archives import check_member, open_archive, read_member
from hpo.data.importers.labels import emotion_index, split_named
from hpo.data.importers.source import FaceCollector, Progress, SourceFaces
from hpo.spec.emotions import EMOTIONS
from hpo.spec.errors import DataError, did_you_mean

IMAGE_SUFFIXES = frozenset({".jpg", ".jpeg", ".png", ".webp", ".bmp"})
MAX_MEMBERS = 500_000
"""Members of a zip; FER-2013 has 35,887 images."""
MAX_UNCOMPRESSED_BYTES = 4 * 1024**3
"""Declared size of a zip's members in all; FER-2013 as PNG takes about 0.1 GB."""
MAX_IMAGE_BYTES = 16 * 1024**2
"""One image; a 48×48 face takes about 2 kB."""

_USAGE_PREFIX = re.compile(r"^(training|publictest|privatetest)(?![a-z])", re.IGNORECASE)
_IMAGES_PER_REPORT = 256


@dataclass(frozen=True)
class _Image:
    path: PurePosixPath
    load: Callable[[], bytes | None]


def read(path: Path, progress: Progress) -> SourceFaces:
    """Read image folders at ``path``, a folder or a zip; a wrapping top folder is fine.

    Raises:
        DataError: no images, a folder that names no emotion, images in no split, training images
            that are named as contest test images, a zip that is damaged, encrypted, too large or
            that points outside itself.
    """
    collector = FaceCollector(path)
    with _images(path) as images:
        if not images:
            raise DataError(
                "there are no images here",
                expected="train/<emotion>/*.jpg (or png, webp) and test/<emotion>/*.jpg",
                where=str(path),
            )
        formats = Counter(image.path.suffix.lower().lstrip(".") for image in images)
        for number, image in enumerate(sorted(images, key=lambda i: i.path), start=1):
            split, label = _place(image.path, path)
            collector.add_encoded(split, image.load(), label, str(image.path))
            if number % _IMAGES_PER_REPORT == 0 or number == len(images):
                progress(number, len(images))
    lossy = formats["jpg"] + formats["jpeg"]
    notes = (
        [f"{lossy} images are JPEG, which is lossy: the digest differs from a lossless source's"]
        if lossy
        else []
    )
    source = {"format": "image-folders", "images": dict(sorted(formats.items()))}
    return SourceFaces(collector.splits(), source, collector.unreadable, notes)


def _place(path: PurePosixPath, root: Path) -> tuple[str, int]:
    """Return split and label of an image from its folders and, where they are mixed, its name."""
    where = f"{root}/{path}"
    folders = list(path.parts[:-1])
    label = emotion_index(folders[-1]) if folders else None
    if label is None:
        name = folders[-1] if folders else root.name
        close = did_you_mean(name.lower(), EMOTIONS)
        raise DataError(
            f"the folder '{name}' names none of the seven emotions",
            expected=f"<split>/<emotion>/<image>, emotion one of {', '.join(EMOTIONS)}",
            where=where,
            hint=close if close.endswith("?") else "Give the folder that holds train and test",
        )
    prefix = _USAGE_PREFIX.match(path.name)
    named = split_named(prefix[1]) if prefix else None
    folder = next((s for s in map(split_named, reversed(folders[:-1])) if s), None)
    if folder == "train" and named in ("validation", "test"):
        raise DataError(
            "a contest test image lies among the training images",
            expected="PublicTest_… and PrivateTest_… images in test/ or validation/",
            where=where,
            hint="Training on it would spoil every validation figure: move or delete it",
        )
    # Only test/ is known to be mixed; another folder is what someone arranged on purpose.
    split = named if named and folder in (None, "test") else folder
    if split is None:
        raise DataError(
            "this image's split cannot be told",
            expected="a folder train, validation or test above the emotion's, or a name that "
            "begins with Training_, PublicTest_ or PrivateTest_",
            where=where,
            hint="Give the folder that holds train and test",
        )
    return split, label


@contextmanager
def _images(path: Path) -> Iterator[list[_Image]]:
    if path.is_dir():
        yield [image for image in _walk(path) if _is_image(image.path)]
        return
    with open_archive(path) as archive:
        yield [image for image in _members(archive, path) if _is_image(image.path)]


def _is_image(path: PurePosixPath) -> bool:
    # macOS adds __MACOSX/ and ._name twins to its zips: no images, whatever their suffix says.
    hidden = any(part.startswith((".", "__MACOSX")) for part in path.parts)
    return path.suffix.lower() in IMAGE_SUFFIXES and not hidden


def _walk(root: Path) -> Iterator[_Image]:
    for folder, _, files in os.walk(root):
        for name in files:
            file = Path(folder, name)
            yield _Image(PurePosixPath(file.relative_to(root).as_posix()), _file_loader(file))


def _file_loader(file: Path) -> Callable[[], bytes | None]:
    def load() -> bytes | None:
        try:
            facts = file.stat()
            whole = stat.S_ISREG(facts.st_mode) and facts.st_size <= MAX_IMAGE_BYTES
            return file.read_bytes() if whole else None
        except OSError:
            return None

    return load


def _members(archive: zipfile.ZipFile, path: Path) -> Iterator[_Image]:
    members = [member for member in archive.infolist() if not member.is_dir()]
    size_bytes = sum(member.file_size for member in members)
    if len(members) > MAX_MEMBERS or size_bytes > MAX_UNCOMPRESSED_BYTES:
        raise DataError(
            "this zip is too large",
            expected=f"at most {MAX_MEMBERS:,} members and {MAX_UNCOMPRESSED_BYTES / 1e9:.1f} GB",
            got=f"{len(members):,} members and {size_bytes / 1e9:.1f} GB unpacked",
            where=str(path),
            hint="Unpack it yourself and give the folder",
        )
    for member in members:
        inside = PurePosixPath(member.filename.replace("\\", "/"))
        if inside.is_absolute() or ".." in inside.parts:
            raise DataError(
                "this zip points outside itself",
                got=repr(member.filename[:80]),
                where=str(path),
                hint="Do not trust it; download the dataset again",
            )
        check_member(member, str(path))
        yield _Image(inside, _member_loader(archive, member, f"{path}/{inside}"))


def _member_loader(
    archive: zipfile.ZipFile, member: zipfile.ZipInfo, where: str
) -> Callable[[], bytes | None]:
    def load() -> bytes | None:
        if member.file_size > MAX_IMAGE_BYTES:
            return None
        try:
            return read_member(archive, member, where)
        except DataError:  # One damaged image is counted; how many are too many is asked later.
            return None

    return load
