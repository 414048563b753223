"""Reads a URL strictly: what two parsers could take for different hosts is refused, not interpreted."""

from __future__ import annotations

import ipaddress
import re
from functools import lru_cache
from typing import NamedTuple, NoReturn
from urllib.parse import quote, urljoin

from postkeep.errors import AddressRefused

MOST_CHARACTERS = 8000

_Address = ipaddress.IPv4Address | ipaddress.IPv6Address

_PORTS = {"http": 80, "https": 443}
_FORBIDDEN = re.compile(r"[\x00-\x1f\x7f-\x9f\\\s\ud800-\udfff]")
_SHAPE = re.compile(r"([A-Za-z][A-Za-z0-9+.-]*):(?://([^/?#]*))?(.*)")
_AUTHORITY = re.compile(r"(\[[0-9A-Fa-f:.]+\]|[^\[\]:]+)(?::([0-9]{0,5}))?")
_QUERY = re.compile(r"[?#]")
_NAME = re.compile(r"(?:[A-Za-z0-9_-]{1,63}\.)*[A-Za-z0-9_-]{1,63}\.?")
# What resolvers take for a number, so that the whole host may be an address in disguise.
_NUMBER = re.compile(r"[0-9]+|0[xX][0-9A-Fa-f]*")
# What clients may take for a step up or for nothing, and so ask for another path than the one that was read.
_DOTS = re.compile(r"(?:[/\\]|%5c)(?:\.|%2e){1,2}(?=[/\\]|%5c|$)", re.IGNORECASE)
_BEYOND_ASCII = re.compile(r"[^\x00-\x7f]+")


class Target(NamedTuple):
    """Where a URL leads: lowercase ASCII host without brackets or a final dot, and the URL as it is sent.

    `address` is set when the host is an address and not a name.
    """

    scheme: str
    host: str
    port: int
    wire: str
    address: ipaddress.IPv4Address | ipaddress.IPv6Address | None = None


def read_url(url: str) -> Target:
    """Take an http or https URL apart.

    Raises AddressRefused for other schemes, user information, a missing host, addresses in other spellings
    than the canonical one, dot segments, control characters, white space, backslashes, and more than 8,000
    characters.
    """
    if len(url) > MOST_CHARACTERS:
        _refuse(url, f"the URL is longer than {MOST_CHARACTERS} characters")
    if _FORBIDDEN.search(url):
        _refuse(url, "the URL holds white space, a backslash or a control character")
    shape = _SHAPE.fullmatch(url)
    scheme = shape[1].lower() if shape else ""
    if not shape or scheme not in _PORTS:
        _refuse(url, f"only http and https are fetched, not {scheme[:20] or 'a URL without a scheme'}")
    try:
        host, port, address = _site(scheme, shape[2] or "")
    except ValueError as error:
        _refuse(url, str(error))
    if _DOTS.search(_QUERY.split(shape[3], maxsplit=1)[0]):
        _refuse(url, "the URL's path has dot segments")
    wire = url
    # Written anew where libcurl, which is handed the addresses of `host`, could read another name.
    if host.endswith(".") or not url.isascii():
        host = host.rstrip(".")
        shown = f"[{host}]" if ":" in host else host
        wire = f"{scheme}://{shown}:{port}" + _BEYOND_ASCII.sub(lambda part: quote(part[0]), shape[3])
    return Target(scheme, host, port, wire, address)


@lru_cache(maxsize=1024)
def _site(scheme: str, authority: str) -> tuple[str, int, _Address | None]:
    """The host, its port and its address, if it is one; raises ValueError with the reason."""
    if "@" in authority:
        raise ValueError("the URL names a user")
    parts = _AUTHORITY.fullmatch(authority)
    if not parts:
        raise ValueError("the URL's host or port cannot be read" if authority else "the URL has no host")
    host, address = _address(parts[1]) if parts[1].startswith("[") else _name(parts[1])
    port = int(parts[2]) if parts[2] else _PORTS[scheme]
    if not 1 <= port <= 65535:
        raise ValueError(f"there is no port {port}")
    return host, port, address


def follow(url: str, location: bytes) -> str:
    """The URL a Location header of `url` leads to, not judged yet; raises AddressRefused when there is none."""
    try:
        text = location.decode()
    except UnicodeDecodeError:
        text = location.decode("latin-1")
    # Servers do send blanks; browsers encode them. Everything else that is odd is refused.
    text = text.strip(" \t\r\n").replace(" ", "%20")
    if _FORBIDDEN.search(text):
        _refuse(url, "a redirect to a URL with white space, a backslash or a control character")
    if _SHAPE.fullmatch(text):
        # It has a scheme: joining would mend what is no whole URL, and mending is guessing.
        return text
    try:
        return urljoin(url, text)
    except ValueError:
        _refuse(url, "a redirect to a URL that cannot be read")


def _address(bracketed: str) -> tuple[str, _Address]:
    try:
        address = ipaddress.IPv6Address(bracketed[1:-1])
    except ValueError as error:
        raise ValueError("the URL's IPv6 address cannot be read") from error
    return str(address), address


def _name(host: str) -> tuple[str, _Address | None]:
    if not host.isascii():
        try:
            host = host.encode("idna").decode()
        except UnicodeError as error:
            raise ValueError("the URL's host name cannot be encoded") from error
    if len(host) > 254 or not _NAME.fullmatch(host):
        raise ValueError("the URL's host is not a host name")
    if not _NUMBER.fullmatch(host.rstrip(".").rpartition(".")[2]):
        return host.lower(), None
    try:
        address = ipaddress.IPv4Address(host)
    except ValueError as error:
        raise ValueError(f"{host[:40]} is no canonical spelling of an address") from error
    return host, address


def _refuse(url: str, reason: str) -> NoReturn:
    raise AddressRefused(reason, url=url)
