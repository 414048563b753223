"""Pages of a store's listing, waited for in a thread of their own.

The library asks on by itself while pages hold nothing, and hears no signal meanwhile; here a page that does not
come is given up, and whoever waits for it can be interrupted.
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Iterator, Sequence
from queue import Empty, Full, Queue
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from obstore import ListStream, ObjectMeta

    Page = Sequence[ObjectMeta]

_AHEAD = 2
_GLANCE = 0.2


def pages(begin: Callable[[], ListStream[Page]], seconds: float) -> Iterator[Page]:
    """Each page in turn; raises TimeoutError when one takes longer than so many seconds."""
    pump = _Pump(begin, seconds)
    pump.start()
    try:
        while (page := pump.next()) is not None:
            yield page
    finally:
        pump.given_up.set()


class _Pump(threading.Thread):
    """Fetches pages a little ahead, until they end, fail or nobody wants them any more."""

    def __init__(self, begin: Callable[[], ListStream[Page]], seconds: float) -> None:
        super().__init__(name="postkeep-listing", daemon=True)
        self.given_up = threading.Event()
        self._begin, self._seconds = begin, seconds
        self._queue: Queue[Page | BaseException | None] = Queue(_AHEAD)

    def next(self) -> Page | None:
        """The next page, None at the end."""
        while True:
            try:
                came = self._queue.get(timeout=_GLANCE)
            except Empty:
                continue
            if isinstance(came, BaseException):
                raise came
            return came

    def run(self) -> None:
        try:
            asyncio.run(self._fill())
        except BaseException as error:
            self._hand_over(error)
        else:
            self._hand_over(None)

    async def _fill(self) -> None:
        stream = self._begin()
        while not self.given_up.is_set():
            try:
                page = await asyncio.wait_for(stream.__anext__(), self._seconds)
            except StopAsyncIteration:
                return
            self._hand_over(page)

    def _hand_over(self, came: Page | BaseException | None) -> None:
        while not self.given_up.is_set():
            try:
                self._queue.put(came, timeout=_GLANCE)
            except Full:
                continue
            return
