"""Seeds derived from what they are for, so that no two uses share one and a resume repeats them."""

from __future__ import annotations

import hashlib


def derive_seed(*parts: str | int) -> int:
    """Return a seed in [0, 2**31) from a stable hash of ``parts``.

    The same parts give the same seed in every process and version (unlike ``hash``), and seeds of
    different parts are independent for practical purposes.
    """
    text = "\x1f".join(f"{type(part).__name__}:{part}" for part in parts)
    return int.from_bytes(hashlib.sha256(text.encode()).digest()[:4], "big") >> 1
