"""Ctrl-C and SIGTERM: the first asks the work to stop in good order, the second ends it at once.

Python tells the main thread of a signal, and that may wait in a library that hears none, or for such a thread.
So a thread of its own hears them, too: after the second, what does not end by itself soon is ended.
"""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Callable
from types import FrameType, TracebackType
from typing import Any, Self

from postkeep.cli.exits import Exit, of_signal

NOTICE = "stopping after what is under way; once more to stop at once"
ENDED = "ended: the rest did not stop by itself"
_SIGNALS = (signal.SIGINT, signal.SIGTERM)
# How long the main thread may take to say that it stops, and everything to stop at once.
_ANSWER_SECONDS = 0.5
_END_SECONDS = 3.0


class StopAtOnce(KeyboardInterrupt):
    """The second signal came; `number` is which."""

    def __init__(self, number: int) -> None:
        self.number = number
        super().__init__(signal.Signals(number).name)


def _notify() -> None:
    _tell(NOTICE)


def _tell(line: str) -> None:
    # Straight to the descriptor: the signal may have come in the middle of a write to sys.stderr.
    try:
        begin = "\r\x1b[K" if os.isatty(2) else ""
        os.write(2, f"{begin}{line}\n".encode())
    except OSError:
        pass


class Interrupts:
    """While it is entered, signals set `stopping`; the handlers that were there come back afterwards.

    Outside the main thread, which alone gets signals, it changes nothing.
    """

    def __init__(self, notify: Callable[[], None] = _notify) -> None:
        self._notify = notify
        self._before: dict[signal.Signals, Any] = {}
        self._number: int | None = None
        self._told = threading.Lock()
        self._over = threading.Event()
        self._hears: int | None = None
        self._heard_before = -1

    @property
    def stopping(self) -> bool:
        return self._number is not None

    def code(self, otherwise: Exit) -> Exit:
        """The exit code of the signal that came, else the given one."""
        return otherwise if self._number is None else of_signal(self._number)

    def __enter__(self) -> Self:
        if threading.current_thread() is threading.main_thread():
            self._before = {number: signal.signal(number, self._received) for number in _SIGNALS}
            reading, self._hears = os.pipe()
            os.set_blocking(self._hears, False)
            self._heard_before = signal.set_wakeup_fd(self._hears, warn_on_full_buffer=False)
            threading.Thread(target=self._hear, args=(reading,), name="postkeep-signals", daemon=True).start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for number, handler in self._before.items():
            signal.signal(number, handler if handler is not None else signal.SIG_DFL)
        self._before = {}
        if self._hears is not None:
            signal.set_wakeup_fd(self._heard_before)
            self._over.set()
            os.close(self._hears)
            self._hears = None

    def _received(self, number: int, _frame: FrameType | None) -> None:
        again, self._number = self.stopping, number
        if again:
            raise StopAtOnce(number)
        self._notify_once()

    def _notify_once(self) -> None:
        # Taken for good: whichever thread is the first tells.
        if self._told.acquire(blocking=False):
            self._notify()

    def _hear(self, reading: int) -> None:
        """See that a first signal is answered and a second one ends the process, whatever the main thread does."""
        came = 0
        try:
            while number := os.read(reading, 1):
                if number[0] not in _SIGNALS:
                    continue
                came += 1
                if came == 1:
                    if not self._over.wait(_ANSWER_SECONDS):
                        self._notify_once()
                elif not self._over.wait(_END_SECONDS):
                    _tell(ENDED)
                    os._exit(of_signal(number[0]))
        finally:
            os.close(reading)
