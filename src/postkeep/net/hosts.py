"""Who is next: a queue a host, taken in turns, so that no host gets too much and none waits for another."""

from __future__ import annotations

from collections import OrderedDict, deque
from collections.abc import Hashable, Iterator
from typing import Generic, TypeVar

Waiting = TypeVar("Waiting", bound=Hashable)


class _Host(Generic[Waiting]):
    __slots__ = ("active", "held", "listed", "waiting")

    def __init__(self) -> None:
        # Ordered, and any one can leave at once: whoever cancels thousands must not search for each.
        self.waiting: OrderedDict[Waiting, None] = OrderedDict()
        self.active = 0
        self.held = 0
        self.listed = False


class HostQueues(Generic[Waiting]):
    """Hands out at most `limit` at a time for each host, in the order they came; for one thread."""

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._hosts: dict[str, _Host[Waiting]] = {}
        self._turns: deque[str] = deque()

    def put(self, name: str, one: Waiting, *, first: bool = False) -> None:
        """Add one to the end of its host's queue, or to its front."""
        host = self._hosts.setdefault(name, _Host())
        host.waiting[one] = None
        if first:
            host.waiting.move_to_end(one, last=False)
        self._list(name, host)

    def next(self) -> Waiting | None:
        """Take the next one whose host has room; it counts until `release`."""
        while self._turns:
            name = self._turns.popleft()
            host = self._hosts[name]
            host.listed = False
            if host.held or not host.waiting:
                self._forget(name, host)
                continue
            one, _ = host.waiting.popitem(last=False)
            host.active += 1
            self._list(name, host)
            return one
        return None

    def release(self, name: str) -> None:
        """Give back the room of one that was taken."""
        host = self._hosts[name]
        host.active -= 1
        self._list(name, host)
        self._forget(name, host)

    def hold(self, name: str) -> None:
        """Hand none of this host's out until `free`; each hold needs one."""
        self._hosts.setdefault(name, _Host()).held += 1

    def free(self, name: str) -> None:
        """Take one hold back."""
        host = self._hosts[name]
        host.held -= 1
        self._list(name, host)
        self._forget(name, host)

    def take_waiting(self, name: str) -> list[Waiting]:
        """Take out all that wait for this host; they count no longer."""
        host = self._hosts[name]
        waiting = list(host.waiting)
        host.waiting.clear()
        self._forget(name, host)
        return waiting

    def withdraw(self, name: str, one: Waiting) -> None:
        """Take one out that still waits."""
        host = self._hosts[name]
        del host.waiting[one]
        self._forget(name, host)

    def waiting(self, name: str) -> int:
        """How many wait for this host."""
        host = self._hosts.get(name)
        return 0 if host is None else len(host.waiting)

    def drain(self) -> Iterator[Waiting]:
        """All that still wait; none of them waits afterwards."""
        hosts, self._hosts = self._hosts, {}
        self._turns.clear()
        for host in hosts.values():
            yield from host.waiting

    def _list(self, name: str, host: _Host[Waiting]) -> None:
        if host.waiting and not host.listed and not host.held and host.active < self._limit:
            host.listed = True
            self._turns.append(name)

    def _forget(self, name: str, host: _Host[Waiting]) -> None:
        # A listed host is looked at when its turn comes.
        if not (host.waiting or host.active or host.listed or host.held):
            del self._hosts[name]
