"""Decides which addresses may be reached: the public internet, and what the configuration names exactly."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Sequence
from functools import lru_cache

from postkeep.errors import AddressRefused, ConfigError
from postkeep.net.url import Target, read_url

_Address = ipaddress.IPv4Address | ipaddress.IPv6Address
_Network = ipaddress.IPv4Network | ipaddress.IPv6Network

# The IANA special-purpose registries, and what clouds answer on. The first match names the reason.
_RESERVED: tuple[tuple[_Network, str], ...] = tuple(
    (ipaddress.ip_network(network), reason)
    for network, reason in (
        ("255.255.255.255/32", "the broadcast address"),
        ("168.63.129.16/32", "a cloud's own address"),
        ("0.0.0.0/8", "an unspecified address"),
        ("10.0.0.0/8", "a private address"),
        ("100.64.0.0/10", "a carrier's private address"),
        ("127.0.0.0/8", "a loopback address"),
        ("169.254.0.0/16", "a link-local address"),
        ("172.16.0.0/12", "a private address"),
        ("192.0.0.0/24", "an address reserved for protocols"),
        ("192.0.2.0/24", "an address for documentation"),
        ("192.88.99.0/24", "an address of 6to4 relays"),
        ("192.168.0.0/16", "a private address"),
        ("198.18.0.0/15", "an address for benchmarks"),
        ("198.51.100.0/24", "an address for documentation"),
        ("203.0.113.0/24", "an address for documentation"),
        ("224.0.0.0/4", "a multicast address"),
        ("240.0.0.0/4", "a reserved address"),
        ("::/128", "the unspecified address"),
        ("::1/128", "a loopback address"),
        ("::ffff:0:0/96", "an IPv4 address inside IPv6"),
        ("::ffff:0:0:0/96", "an IPv4 address inside IPv6"),
        ("::/96", "an IPv4 address inside IPv6"),
        ("64:ff9b::/96", "an IPv4 address inside IPv6 (NAT64)"),
        ("64:ff9b:1::/48", "an IPv4 address inside IPv6 (NAT64)"),
        ("100::/64", "an address that discards"),
        ("2001::/32", "an IPv4 address inside IPv6 (Teredo)"),
        ("2001::/23", "an address reserved for protocols"),
        ("2001:db8::/32", "an address for documentation"),
        ("2002::/16", "an IPv4 address inside IPv6 (6to4)"),
        ("3fff::/20", "an address for documentation"),
        ("fc00::/7", "a private address"),
        ("fe80::/10", "a link-local address"),
        ("fec0::/10", "a site-local address"),
        ("ff00::/8", "a multicast address"),
    )
)
# Who allows one of these allows IPv4 addresses that no entry names.
_HIDING = tuple(network for network, reason in _RESERVED if reason.startswith("an IPv4 address inside IPv6"))
_OWN = ipaddress.IPv6Network("::1/128")
_GLOBAL_UNICAST = ipaddress.IPv6Network("2000::/3")

_ENTRY = re.compile(r"(?:\[([0-9A-Fa-f:.]+(?:/[0-9]+)?)\]|([0-9.]+(?:/[0-9]+)?)):([0-9]{1,5})")
# No network that is meant to be private is wider; anything wider would be a way to switch the guard off.
_WIDEST = {4: 8, 6: 7}


class AddressGuard:
    """Knows what may be reached: public addresses on `ports`, and each of `allow` on its own port.

    `allow` entries are `network:port` (`127.0.0.1:8080`, `10.1.0.0/16:443`, `[fd00::/8]:443`) and allow just
    that. Raises ConfigError naming the entry that cannot be read. Safe for several threads.
    """

    def __init__(self, allow: Sequence[str], ports: Sequence[int]) -> None:
        self._allowed = tuple(_read_entry(entry) for entry in allow)
        self._ports = frozenset(ports)
        self._plausible = self._ports | {port for _, port in self._allowed}
        self._decided = lru_cache(maxsize=4096)(self._decide)
        self._site = lru_cache(maxsize=1024)(self._judge_site)

    def refusal(self, ip: str, port: int) -> str | None:
        """Why this address must not be connected to, or None when it may be."""
        return self._decided(ip, port)

    def names(self, ip: str, port: int) -> bool:
        """Whether `allow` names this address and port."""
        try:
            return self._is_named(ipaddress.ip_address(ip), port)
        except ValueError:
            return False

    def check_url(self, url: str) -> None:
        """Raise AddressRefused for a URL that no transfer should start for.

        A name is not resolved here, and a port that any `allow` entry names passes: what it leads to is
        judged by `refusal` when the connection is opened.
        """
        self.target(url)

    def target(self, url: str) -> Target:
        """Where the URL leads, checked as `check_url` does."""
        target = read_url(url)
        if reason := self._site(target.host, target.port, target.address):
            raise AddressRefused(reason, url=url)
        return target

    def _judge_site(self, host: str, port: int, address: _Address | None) -> str | None:
        if port not in self._plausible:
            return f"port {port} is not one that may be reached"
        return self.refusal(host, port) if address else None

    def _is_named(self, address: _Address, port: int) -> bool:
        return any(port == allowed and address in network for network, allowed in self._allowed)

    def _decide(self, ip: str, port: int) -> str | None:
        try:
            address = ipaddress.ip_address(ip)
        except ValueError:
            return "what the name stands for is no address"
        if address.version == 6 and address.scope_id is not None:
            return f"{address} names one of this machine's interfaces"
        if self._is_named(address, port):
            return None
        for network, reason in _RESERVED:
            if address in network:
                return f"{address} is {reason}"
        if not address.is_global or (address.version == 6 and address not in _GLOBAL_UNICAST):
            return f"{address} is not a public address"
        if port not in self._ports:
            return f"port {port} is not one that may be reached"
        return None


def _read_entry(entry: str) -> tuple[_Network, int]:
    shape = _ENTRY.fullmatch(entry)
    if not shape:
        raise ConfigError(f"fetch.allow: {entry!r} is not network:port, such as 127.0.0.1:8080 or [::1]:8080")
    six, four, port = shape.groups()
    try:
        network: _Network = ipaddress.IPv6Network(six) if six else ipaddress.IPv4Network(four)
    except ValueError as error:
        raise ConfigError(f"fetch.allow: {entry!r}: {error}") from error
    if network.prefixlen < _WIDEST[network.version]:
        raise ConfigError(f"fetch.allow: {entry!r} is wider than any private network")
    if network.version == 6 and network != _OWN and any(network.overlaps(each) for each in _HIDING):
        raise ConfigError(f"fetch.allow: {entry!r} holds IPv4 addresses inside IPv6")
    if not 1 <= int(port) <= 65535:
        raise ConfigError(f"fetch.allow: {entry!r}: there is no port {port}")
    return network, int(port)
