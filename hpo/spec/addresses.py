"""Addresses of stores: what is one, and how it may be shown, without its password."""

from __future__ import annotations

import re

_URL = re.compile(r"[a-z][a-z0-9+.-]*://.*", re.DOTALL)
# Up to the last @ before white space: a password may hold any sign, an @ and a slash too.
_ACCOUNT = re.compile(r"(://[^\s/:@]*):\S*@")
_PARAMETER = re.compile(r"([?&](?:ssl)?password=)[^&\s]*", re.IGNORECASE)


def is_url(text: str) -> bool:
    """Tell whether a text begins as a URL does; whether it leads anywhere is not asked."""
    return _URL.fullmatch(text) is not None


def without_password(text: str) -> str:
    """Return an address, or a text with addresses in it, with every password hidden."""
    return _PARAMETER.sub(r"\1***", _ACCOUNT.sub(r"\1:***@", text))


def password_of(address: str) -> str | None:
    """Return the password before an address's host; None if there is none."""
    account, at, _ = address.partition("://")[2].rpartition("@")
    return account.partition(":")[2] or None if at else None
