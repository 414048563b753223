"""The one place where ids are made."""

from __future__ import annotations

import re
import secrets
import threading
import time
from collections.abc import Callable

ID_PATTERN = re.compile(r"^[a-z]{1,3}-(?:[0-9a-f]{8}|[0-9a-f]{17})$")
"""New ids have 17 hex digits, those of the predecessor 8."""

_COUNTER_BITS = 36


class IdFactory:
    """Draws ids `{prefix}-` + 8 hex digits of Unix seconds + 9 of a counter.

    The counter starts at random every second, so ids of one process sort by time, ids of several processes do
    not meet except by chance, and the store draws again when they do. Safe to share between threads.
    """

    def __init__(self, clock: Callable[[], float] = time.time) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        self._second = -1
        self._counter = 0

    def new(self, prefix: str) -> str:
        """Draw an id; `prefix` is one to three lowercase letters."""
        with self._lock:
            second = int(self._clock())
            if second > self._second:
                # The upper half stays free, so that a second's counter cannot run over.
                self._second, self._counter = second, secrets.randbits(_COUNTER_BITS - 1)
            self._counter += 1
            return f"{prefix}-{self._second:08x}{self._counter:09x}"


def is_id(text: str, prefix: str | None = None) -> bool:
    """Whether `text` is an id of either length (and, when given, of this prefix)."""
    return bool(ID_PATTERN.match(text)) and (prefix is None or text.startswith(f"{prefix}-"))
