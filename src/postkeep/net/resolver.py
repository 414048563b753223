"""Asks for the addresses of names, in threads of its own, so that a check and a connection see the same answer."""

from __future__ import annotations

import ipaddress
import socket
import threading
from collections import deque
from collections.abc import Callable, Sequence
from functools import partial
from typing import Protocol

from postkeep.errors import AddressRefused, ConfigError, NameUnresolved, TimedOut
from postkeep.net.guard import AddressGuard

KEPT_SECONDS = 60.0

_MOST_AT_ONCE = 32
# So soon a lookup gives its place to another, and is waited for beside it.
_SLOW_SECONDS = 2.0
# A lookup cannot be stopped: those that hang are left behind, one a host, but not without end.
_MOST_THREADS = 256
_MOST_KEPT = 2000

Found = tuple[str, ...] | Exception


class Resolver(Protocol):
    """Knows the addresses of names."""

    def resolve(self, host: str, port: int) -> Sequence[str]:
        """The addresses of a host, best first; may take its time. Raises OSError or NameUnresolved.

        Called from several threads, for different hosts at a time.
        """


class SystemResolver:
    """Asks the system, which looks at its hosts file and its name servers."""

    def resolve(self, host: str, port: int) -> Sequence[str]:
        if host.rpartition(".")[2] == "onion":
            # RFC 7686: such a name must not be shown to name servers.
            raise NameUnresolved("an onion name has no address")
        try:
            found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
        except UnicodeError as error:
            raise NameUnresolved(f"the name cannot be asked for: {error}") from error
        return [str(address[0]) for *_, address in found]


class _Lookup:
    __slots__ = ("begun", "has_place", "host", "over", "port")

    def __init__(self, host: str, port: int) -> None:
        self.host = host
        self.port = port
        self.begun = False
        self.has_place = False
        self.over = False


class Lookups:
    """Runs one lookup a host at a time and tells what came of it; for the engine's thread.

    One that hangs holds up its own host alone: it soon gives its place to another, and after `seconds` its host is
    told so. Until it ends, whoever asks for that host again waits for the same one.
    `post` has a call made on that thread, from any other; `later` makes one after so many seconds. `told` gets
    each host once: its addresses as they came, or the error.
    """

    def __init__(
        self,
        resolver: Resolver,
        seconds: float,
        *,
        post: Callable[[Callable[[], None]], None],
        later: Callable[[float, Callable[[], None]], None],
        told: Callable[[str, Found], None],
    ) -> None:
        self._resolver = resolver
        self._seconds = seconds
        self._post = post
        self._later = later
        self._told = told
        self._waiting: deque[_Lookup] = deque()
        self._asked: set[str] = set()
        self._left: dict[str, _Lookup] = {}
        self._active = 0
        self._threads = 0
        self.slow: set[str] = set()

    def __bool__(self) -> bool:
        """Whether somebody waits for an answer."""
        return bool(self._asked)

    def ask(self, host: str, port: int) -> None:
        """Look a host up, unless that is being done."""
        if host in self._asked:
            return
        self._asked.add(host)
        if (lookup := self._left.pop(host, None)) is not None:
            self.slow.add(host)
            self._later(self._seconds, partial(self._give_up, lookup))
            return
        lookup = _Lookup(host, port)
        self._waiting.append(lookup)
        self._later(self._seconds, partial(self._give_up_waiting, lookup))
        self._start()

    def _start(self) -> None:
        while self._waiting and self._active < _MOST_AT_ONCE and self._threads < _MOST_THREADS:
            lookup = self._waiting.popleft()
            lookup.begun = lookup.has_place = True
            self._active += 1
            self._threads += 1
            self._later(_SLOW_SECONDS, partial(self._make_way, lookup))
            self._later(self._seconds, partial(self._give_up, lookup))
            threading.Thread(target=self._run, args=(lookup,), name="postkeep-dns", daemon=True).start()

    def _run(self, lookup: _Lookup) -> None:
        found: Found
        try:
            found = tuple(self._resolver.resolve(lookup.host, lookup.port))
        except Exception as error:
            found = error
        self._post(partial(self._answered, lookup, found))

    def _answered(self, lookup: _Lookup, found: Found) -> None:
        lookup.over = True
        self._threads -= 1
        self._active -= lookup.has_place
        if self._left.get(lookup.host) is lookup:
            del self._left[lookup.host]
        else:
            self._tell(lookup, found)
        self._start()

    def _make_way(self, lookup: _Lookup) -> None:
        if lookup.over or not lookup.has_place:
            return
        lookup.has_place = False
        self._active -= 1
        self.slow.add(lookup.host)
        self._start()

    def _give_up(self, lookup: _Lookup) -> None:
        if lookup.over:
            return
        self._make_way(lookup)
        self._left[lookup.host] = lookup
        self._tell(lookup, TimedOut(f"no address for the name after {self._seconds:g} seconds"))

    def _give_up_waiting(self, lookup: _Lookup) -> None:
        """End a wait that so many others that hang may make endless."""
        if lookup.begun:
            return
        if self._threads < _MOST_THREADS:
            self._later(self._seconds, partial(self._give_up_waiting, lookup))
            return
        self._waiting.remove(lookup)
        self._tell(lookup, TimedOut("too many lookups of names got no answer"))

    def _tell(self, lookup: _Lookup, found: Found) -> None:
        self._asked.discard(lookup.host)
        self.slow.discard(lookup.host)
        self._told(lookup.host, found)


class _Entry:
    __slots__ = ("answers", "by_port", "until")

    def __init__(self, answers: tuple[str, ...], until: float) -> None:
        self.answers = answers
        self.until = until
        self.by_port: dict[int, tuple[str, ...]] = {}


class AddressBook:
    """The answers of the last minute, judged; for the engine's thread."""

    def __init__(self, guard: AddressGuard, clock: Callable[[], float]) -> None:
        self._guard = guard
        self._clock = clock
        self._entries: dict[str, _Entry] = {}

    def put(self, host: str, answers: Sequence[str]) -> None:
        """Keep an answer; raises NameUnresolved when it is empty."""
        if not answers:
            raise NameUnresolved("the host has no address")
        if len(self._entries) >= _MOST_KEPT:
            now = self._clock()
            self._entries = {name: entry for name, entry in self._entries.items() if entry.until > now}
        self._entries[host] = _Entry(tuple(answers), self._clock() + KEPT_SECONDS)

    def get(self, host: str, port: int) -> tuple[str, ...] | None:
        """The addresses that may be connected to; None when the host has to be looked up.

        One that must not be reached is reason enough to refuse them all, with AddressRefused: who mixes them
        wants to get inside. Except that where the configuration names some of them, only these count.
        """
        entry = self._entries.get(host)
        if entry is None or entry.until <= self._clock():
            return None
        judged = entry.by_port.get(port)
        if judged is None:
            judged = entry.by_port[port] = self._judge(entry.answers, port)
        return judged

    def _judge(self, answers: tuple[str, ...], port: int) -> tuple[str, ...]:
        addresses = tuple(dict.fromkeys(canonical(each) for each in answers))
        if named := tuple(each for each in addresses if self._guard.names(each, port)):
            return named
        for each in addresses:
            if reason := self._guard.refusal(each, port):
                raise AddressRefused(reason)
        return addresses


class Detours:
    """libcurl's CONNECT_TO entries, read: where a host and port lead whatever its name stands for."""

    def __init__(self, entries: Sequence[str]) -> None:
        self._entries = tuple(_read_detour(entry) for entry in entries)

    def get(self, host: str, port: int) -> tuple[str, ...] | None:
        """The address that takes the place of a lookup, if any does."""
        for name, number, address in self._entries:
            if name in ("", host) and number in ("", str(port)):
                return (address,)
        return None


def canonical(address: str) -> str:
    """The one spelling of an address; what is none stays as it is, for the guard to refuse."""
    try:
        return str(ipaddress.ip_address(address))
    except ValueError:
        return address


def handed_over(host: str, port: int, addresses: Sequence[str]) -> str:
    """The entry for libcurl's cache of names; it replaces an older one, and ages as others do."""
    shown = ",".join(f"[{each}]" if ":" in each else each for each in addresses)
    return f"+{host}:{port}:{shown}"


def _read_detour(entry: str) -> tuple[str, str, str]:
    host, port, rest = entry.split(":", 2)
    address = rest.rpartition(":")[0].strip("[]")
    try:
        ipaddress.ip_address(address)
    except ValueError as error:
        raise ConfigError(f"{entry!r} leads to no address") from error
    return host.lower(), port, address
