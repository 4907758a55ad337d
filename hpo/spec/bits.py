"""Yes and no, one per face, as text that a store keeps: four to a hexadecimal digit."""

from __future__ import annotations

from collections.abc import Iterable


def pack_bits(flags: Iterable[bool]) -> str:
    """Return flags as hexadecimal digits; "" for none.

    The first flag is the highest bit of the first digit, and the last digit is filled up with
    zeros, so that how many flags there were must be known from elsewhere.
    """
    bits = "".join("1" if flag else "0" for flag in flags)
    bits += "0" * (-len(bits) % 4)
    return f"{int(bits, 2):0{len(bits) // 4}x}" if bits else ""


def unpack_bits(text: str, count: int) -> list[bool]:
    """Return the first ``count`` flags that ``pack_bits`` wrote.

    Raises:
        ValueError: the text is too short or too long for so many, or is not hexadecimal.
    """
    if len(text) != (count + 3) // 4:
        raise ValueError(f"{len(text)} digits for {count} flags")
    bits = f"{int(text, 16):0{4 * len(text)}b}" if text else ""
    return [bit == "1" for bit in bits[:count]]
