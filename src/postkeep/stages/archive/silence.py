"""How long a store that does not answer is waited for: longer each time, and then no more in this run."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from postkeep.errors import ArchiveUnavailable

# So many tries in a row without an answer mean that the store is not there.
_MANY = 5
_GLANCE = 0.5


class Silence:
    """The tries in a row that got no answer; `rests` are the seconds the store is given, one after the other.

    `answered` says whether the store answered anything in this run.
    """

    def __init__(self, rests: Sequence[float], *, rest: Callable[[float], None], stop: Callable[[], bool]) -> None:
        self._rests, self._rest, self._stop = rests, rest, stop
        self._tries = 0
        self._taken = 0
        self._last = ArchiveUnavailable()
        self.answered = False

    @property
    def is_long(self) -> bool:
        return self._tries >= _MANY

    def lengthen(self, error: ArchiveUnavailable) -> None:
        """A try got no answer."""
        self._tries += 1
        self._last = error

    def end(self) -> None:
        """The store answered."""
        self._tries = self._taken = 0
        self.answered = True

    def wait(self) -> None:
        """Give the store time, unless it had some since the last try.

        Raises ArchiveUnavailable when it had all.
        """
        if not self._tries:
            return
        if self._taken == len(self._rests):
            raise ArchiveUnavailable(f"{self._last.message}; what is left goes on with the next run")
        seconds = self._rests[self._taken]
        self._tries = 0
        self._taken += 1
        while seconds > 0 and not self._stop():
            self._rest(min(seconds, _GLANCE))
            seconds -= _GLANCE
