"""How large an encoded image says it is, read before anything is decoded.

A hundred kilobytes can decode to gigabytes, and an image may come from a stranger. What a decoder
will ask memory for stands in the first bytes, so it is read there; an image whose size cannot be
read is not decoded at all.

Sources: PNG (ISO/IEC 15948) 11.2.2; JPEG (ITU-T T.81) B.1.1 and B.2.2; BITMAPCOREHEADER and
BITMAPINFOHEADER; WebP container (RFC 9649) 2.5 to 2.7; GIF89a 18; TIFF 6.0 section 2 and BigTIFF;
AVIF, ISO/IEC 23008-12 6.5.3 (``ispe``).
"""

from __future__ import annotations

import struct

Size = tuple[int, int]

# TIFF's types of whole numbers, and how struct spells them.
_TIFF_TYPES = {1: "B", 3: "H", 4: "I", 6: "b", 8: "h", 9: "i", 16: "Q", 17: "q"}
_WIDTH, _HEIGHT, _TILE_WIDTH, _TILE_HEIGHT = 256, 257, 322, 323
_MOST_TAGS = 4096


def declared_size(data: bytes) -> Size | None:
    """Return width and height in pixels as the header of an image declares them.

    ``None`` for what is no PNG, JPEG, BMP, WebP, GIF, TIFF or AVIF, or has a broken header, and for
    a PNG that is cut off. A TIFF whose tiles are larger than itself has the size of a tile: that
    much is decoded.
    """
    try:
        if data[:8] == b"\x89PNG\r\n\x1a\n":
            return _png(data)
        if data[:2] == b"\xff\xd8":
            return _jpeg(data)
        if data[:2] == b"BM":
            return _bmp(data)
        if data[:6] in (b"GIF87a", b"GIF89a"):
            return _unpack("<HH", data, 6)
        if data[:4] == b"RIFF" and data[8:12] == b"WEBP":
            return _webp(data)
        if data[:4] in (b"II*\0", b"MM\0*", b"II+\0", b"MM\0+"):
            return _tiff(data)
        if data[4:8] == b"ftyp":
            return _avif(data)
    except (struct.error, OverflowError):  # The header is cut off, or points into nothing.
        return None
    return None


def _unpack(layout: str, data: bytes, at: int) -> Size:
    width, height = struct.unpack_from(layout, data, at)
    return abs(width), abs(height)


def _png(data: bytes) -> Size | None:
    # OpenCV asks memory for each chunk as long as it says it is, so all of them have to be there.
    at = 8
    while at < len(data):
        (chunk_bytes,) = struct.unpack_from(">I", data, at)
        last = data[at + 4 : at + 8] == b"IEND"
        at += 12 + chunk_bytes
        if at > len(data):
            return None
        if last:
            break
    return _unpack(">II", data, 16)


def _jpeg(data: bytes) -> Size | None:
    at = 2
    while 0 <= (at := data.find(b"\xff", at)) < len(data) - 1:  # Decoders skip what is between.
        marker = data[at + 1]
        if 0xC0 <= marker <= 0xCF and marker not in (0xC4, 0xC8, 0xCC):
            height, width = _unpack(">HH", data, at + 5)
            return width, height
        if marker == 0xFF:  # a fill byte
            at += 1
        elif marker in (0x00, 0x01) or 0xD0 <= marker <= 0xD8:  # these have no length
            at += 2
        elif marker in (0xD9, 0xDA):  # the end, or pixels without a frame
            return None
        else:
            at += 2 + int.from_bytes(data[at + 2 : at + 4], "big")
    return None


def _bmp(data: bytes) -> Size:
    (header_bytes,) = struct.unpack_from("<I", data, 14)
    # The height is negative where the rows run downwards.
    return _unpack("<HH" if header_bytes == 12 else "<ii", data, 18)


def _webp(data: bytes) -> Size | None:
    kind = data[12:16]
    if kind == b"VP8 ":
        width, height = _unpack("<HH", data, 26)
        return width & 0x3FFF, height & 0x3FFF
    if kind == b"VP8L":
        (bits,) = struct.unpack_from("<I", data, 21)
        return (bits & 0x3FFF) + 1, (bits >> 14 & 0x3FFF) + 1
    if kind == b"VP8X" and len(data) >= 30:
        width, height = (int.from_bytes(data[at : at + 3], "little") for at in (24, 27))
        return width + 1, height + 1
    return None


def _tiff(data: bytes) -> Size | None:
    order = "<" if data[:2] == b"II" else ">"
    big = b"+" in data[2:4]
    (at,) = struct.unpack_from(order + ("Q" if big else "I"), data, 8 if big else 4)
    (count,) = struct.unpack_from(order + ("Q" if big else "H"), data, at)
    at += 8 if big else 2
    entry_bytes, value_at = (20, 12) if big else (12, 8)
    sides: dict[int, int] = {}
    for entry in range(at, at + min(count, _MOST_TAGS) * entry_bytes, entry_bytes):
        tag, kind = struct.unpack_from(order + "HH", data, entry)
        if tag not in (_WIDTH, _HEIGHT, _TILE_WIDTH, _TILE_HEIGHT):
            continue
        if kind not in _TIFF_TYPES:
            return None
        (side,) = struct.unpack_from(order + _TIFF_TYPES[kind], data, entry + value_at)
        # Decoders differ in which of two equal tags they take: the larger one is on the safe side.
        sides[tag] = max(abs(side), sides.get(tag, 0))
    if _WIDTH not in sides or _HEIGHT not in sides:
        return None
    whole = sides[_WIDTH], sides[_HEIGHT]
    tile = sides.get(_TILE_WIDTH, 0), sides.get(_TILE_HEIGHT, 0)
    return max(whole, tile, key=lambda size: size[0] * size[1])


def _avif(data: bytes) -> Size | None:
    # A file may describe several images, a thumbnail beside the photo: the largest one counts.
    sizes, at = [], 0
    while (at := data.find(b"ispe", at)) >= 0:
        sizes.append(_unpack(">II", data, at + 8))
        at += 4
    return max(sizes, key=lambda size: size[0] * size[1], default=None)
