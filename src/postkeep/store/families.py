"""The other names under which a place's content may be had, as its row keeps them."""

from __future__ import annotations

from pathlib import PurePosixPath
from typing import Any
from urllib.parse import quote, urlsplit, urlunsplit

import orjson

_KEPT_AS_IS = "!$&'()*+,;=:@%"


def names_in(stored: str | None) -> tuple[str, ...]:
    """The names in a row's `alternatives`; what can be no name is left out."""
    if stored is None:
        return ()
    try:
        found: Any = orjson.loads(stored)
    except orjson.JSONDecodeError:
        return ()
    names = found if isinstance(found, list) else []
    return tuple(dict.fromkeys(name for name in names if isinstance(name, str) and name not in ("", ".", "..")))


def rendition_of(name: str) -> str:
    """The rendition a name stands for: the name without its ending, as platforms call renditions."""
    return PurePosixPath(name).stem or name


def address(url: str, name: str | None) -> str:
    """The URL with its last segment replaced by a name; None for the URL itself."""
    if name is None:
        return url
    parts = urlsplit(url)
    folder = parts.path.rpartition("/")[0]
    return urlunsplit(parts._replace(path=f"{folder}/{quote(name, safe=_KEPT_AS_IS)}"))


def answered(stored: str | None, file_rendition: str | None) -> str | None:
    """The rendition that came under another name than the observed one; None when none did."""
    if file_rendition is None or stored is None:
        return None
    return file_rendition if file_rendition in map(rendition_of, names_in(stored)) else None


def came_as(came_from: str, url: str, stored: str | None) -> str | None:
    """The rendition that an address beside `url` stands for; None for an address of no name of the family."""
    for name in names_in(stored):
        if address(url, name) == came_from:
            return rendition_of(name)
    return None
