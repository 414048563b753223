"""What is taken out of text before it is logged or reported: signatures, user names, secrets."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from datetime import datetime
from functools import lru_cache
from typing import Any

HIDDEN = "***"

_URL = re.compile(r"\b([A-Za-z][A-Za-z0-9+.-]*)://([^\s\"'<>]+)")
_LOGIN = re.compile(r"://[^\s/@:]*:(?!\d+(?:[/\s\"',]|$))[^\s@]*@")
_QUERY = re.compile(r"\?[\w.~%+\[\]-]+=[^\s\"'<>]*")
_HEADER = re.compile(r"(?i)\b((?:proxy-)?authorization|(?:set-)?cookie)\s*:\s*[^\r\n]*")
_ASSIGNED = re.compile(
    r"(?i)([\w-]*(?:passw(?:or)?d|secret|token|api_?key|dsn))(\s*=\s*)(\"[^\"]*\"|'[^']*'|[^\s,;&]+)"
)
_WORDS = re.compile(r"[^A-Za-z0-9]+|(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])")
_SECRET = ("token", "secret", "password", "passwd", "key", "dsn", "authorization", "cookie", "credential")
_HARMLESS = frozenset({"media_key", "url_key", "tokens_used"})
_DEPTH = 12


def redact_value(value: Any, depth: int = 0) -> Any:
    """The value as plain JSON types, at any depth without user names, queries and secrets.

    A URL keeps scheme, host and path; a value under a name that looks secret becomes ***.
    """
    if value is None or isinstance(value, bool | int):
        return value
    if isinstance(value, float):
        return value if math.isfinite(value) else str(value)
    if isinstance(value, str):
        return redact_text(str(value))
    if depth >= _DEPTH:
        return "…"
    if isinstance(value, Mapping):
        return {
            _name(str(key)): HIDDEN
            if _is_secret(str(key)) and inner is not None
            else redact_value(inner, depth + 1)
            for key, inner in value.items()
        }
    if isinstance(value, list | tuple | set | frozenset):
        return [redact_value(inner, depth + 1) for inner in value]
    if isinstance(value, datetime):
        return value.isoformat()
    return redact_text(str(value))


@lru_cache(1024)
def _name(key: str) -> str:
    return redact_text(key)


def redact_text(text: str) -> str:
    """The text with every URL cut to scheme, host and path, and without credentials written out in it."""
    if text.isalnum():
        return text
    if "://" in text:
        # First, and generously: a password may hold the very characters that end a URL.
        text = _LOGIN.sub("://", text)
        text = _URL.sub(_short_url, text)
    if "?" in text:
        text = _QUERY.sub(f"?{HIDDEN}", text)
    if ":" in text:
        text = _HEADER.sub(rf"\1: {HIDDEN}", text)
    if "=" in text:
        text = _ASSIGNED.sub(rf"\1\2{HIDDEN}", text)
    return text


def _short_url(match: re.Match[str]) -> str:
    place, mark, _ = match[2].partition("#" if "?" not in match[2] else "?")
    authority, slash, path = place.partition("/")
    end = mark + HIDDEN if mark else ""
    return f"{match[1]}://{authority.rpartition('@')[2]}{slash}{path.partition('#')[0]}{end}"


@lru_cache(1024)
def _is_secret(name: str) -> bool:
    if name in _HARMLESS:
        return False
    return any(word.lower().rstrip("s").endswith(_SECRET) for word in _WORDS.split(name) if word)
