"""Addresses of stores as they may be shown: without their passwords."""

from __future__ import annotations

import re

# Up to the last @ before white space: a password may hold any sign, an @ and a slash too.
_ACCOUNT = re.compile(r"(://[^\s/:@]*):\S*@")
_PARAMETER = re.compile(r"([?&](?:ssl)?password=)[^&\s]*", re.IGNORECASE)


def without_password(text: str) -> str:
    """Return an address, or a text with addresses in it, with every password hidden."""
    return _PARAMETER.sub(r"\1***", _ACCOUNT.sub(r"\1:***@", text))


def has_password(address: str) -> bool:
    """Tell whether an address holds a password."""
    return without_password(address) != address


def password_of(address: str) -> str | None:
    """Return the password before an address's host; None if there is none."""
    account, at, _ = address.partition("://")[2].rpartition("@")
    return account.partition(":")[2] or None if at else None
