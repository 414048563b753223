"""What of a media URL stays the same when it is signed again, and when its signature ends."""

from __future__ import annotations

import re
from datetime import datetime
from functools import lru_cache
from hashlib import sha256
from typing import NamedTuple

from .fields import LONGEST_URL, as_moment

LONGEST_KEY = 400

_PARTS = re.compile(r"https?://([^\s/?#\\]+)(/[^\s?#]*)?(?:\?([^\s#]*))?(?:#\S*)?", re.IGNORECASE)
_HOST = re.compile(r"(?:.*@)?(\[[0-9a-f:.]+\]|[^:@\[\]]+)(:[0-9]*)?")
_SPECIAL = re.compile(r"[@:\[\]]")
_SECONDS = re.compile(r"(?:^|&)e=([0-9]{9,11})(?=&|$)")
_CAMPAIGN = "utm_"
_OF_HOSTS = {"licdn.com": frozenset({"e", "v", "t"})}
"""What signs on hosts that are known to sign so; elsewhere the same names may tell one picture from another."""
_AMAZON = "x-amz-"
_FAMILIES: tuple[tuple[frozenset[str], frozenset[str]], ...] = (
    (frozenset({"expires", "signature", "key-pair-id"}), frozenset()),
    (frozenset({"policy", "signature", "key-pair-id"}), frozenset()),
    (
        frozenset({"sig", "se", "sv"}),
        frozenset({"sp", "sr", "st", "spr", "sip", "ske", "skt", "sks", "skv", "skoid", "sktid"}),
    ),
)
"""Signatures that are told by their names on any host, when they are complete, and what else belongs to them."""


class Address(NamedTuple):
    """A URL in its parts: `host` is lower case without user and port, and empty when the port is unusual
    or a user stands before it, so that nobody takes it for a host he knows."""

    authority: str
    host: str
    path: str
    query: str


def split(url: str) -> Address | None:
    """Take an http or https URL apart; None when it is longer than 4,000 characters or has no host."""
    match = _PARTS.fullmatch(url) if len(url) <= LONGEST_URL else None
    if match is None:
        return None
    authority = match[1].lower()
    if not _SPECIAL.search(authority):
        return Address(authority, authority, match[2] or "/", match[3] or "")
    host = _HOST.fullmatch(authority)
    if host is None:
        return None
    plain = "@" not in authority and host[2] in (None, ":443", ":80")
    return Address(authority, host[1] if plain else "", match[2] or "/", match[3] or "")


def is_host(host: str, domain: str) -> bool:
    """Whether the host is the domain or lies below it."""
    return host == domain or host.endswith(f".{domain}")


def lasting_key(address: Address) -> str:
    """What identifies the URL whenever it was signed: no scheme, fragment or known signature.

    It always holds a slash, so that it is never equal to a platform's own asset id.
    """
    query = _lasting_query(address) if address.query else ""
    return bounded_key(f"{address.authority}{address.path}{'?' if query else ''}{query}")


def bounded_key(key: str) -> str:
    """The key itself up to 400 characters, else `sha256:` and its digest."""
    return key if len(key) <= LONGEST_KEY else f"sha256:{sha256(key.encode('utf-8', 'surrogatepass')).hexdigest()}"


def expiry(address: Address) -> datetime | None:
    """When the signature ends, from the parameter `e` (Unix seconds)."""
    match = _SECONDS.search(address.query)
    return _ends(match[1]) if match else None


# Whole weeks and hours end together, so a few values serve all URLs of a scrape.
@lru_cache(maxsize=256)
def _ends(seconds: str) -> datetime | None:
    return as_moment(int(seconds))


def _lasting_query(address: Address) -> str:
    pairs = address.query.split("&")
    names = [pair.partition("=")[0].lower() for pair in pairs]
    dropped = _signing(address, pairs, frozenset(names))
    return "&".join(
        pair
        for pair, name in zip(pairs, names, strict=True)
        if name not in dropped and not name.startswith(_CAMPAIGN)
    )


def _signing(address: Address, pairs: list[str], names: frozenset[str]) -> frozenset[str]:
    """The names of a query that only sign; what nobody knows for a signature stays in the key."""
    dropped: set[str] = set()
    if "t" in names and any(pair.startswith("e=") and pair[2:].isdecimal() for pair in pairs):
        for domain, own in _OF_HOSTS.items():
            # `v=beta` with both others is LinkedIn's whole signature, which mirrors of its hosts have, too.
            if is_host(address.host, domain) or "v=beta" in pairs:
                dropped |= own
    for needed, more in _FAMILIES:
        if needed <= names:
            dropped |= needed | more
    if {"x-amz-signature", "x-amz-date"} <= names:
        dropped.update(name for name in names if name.startswith(_AMAZON))
    return frozenset(dropped)
