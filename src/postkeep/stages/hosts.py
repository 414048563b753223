"""The host a URL belongs to, as the key under which its work is queued and paced."""

from __future__ import annotations

import re

_AUTHORITY = re.compile(r"^[A-Za-z][A-Za-z0-9+.-]*://(?:[^/?#@]*@)?([^/?#]*)")


def host_of(url: str) -> str:
    """Host and port in lower case, without user information; `unknown` when the URL names none."""
    found = _AUTHORITY.match(url)
    return found.group(1).lower() if found and found.group(1) else "unknown"
