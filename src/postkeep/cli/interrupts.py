"""Ctrl-C and SIGTERM: the first asks the work to stop in good order, the second ends it at once."""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Callable
from types import FrameType, TracebackType
from typing import Any, Self

from postkeep.cli.exits import Exit, of_signal

NOTICE = "stopping after what is under way; once more to stop at once"
_SIGNALS = (signal.SIGINT, signal.SIGTERM)


class StopAtOnce(KeyboardInterrupt):
    """The second signal came; `number` is which."""

    def __init__(self, number: int) -> None:
        self.number = number
        super().__init__(signal.Signals(number).name)


def _notify() -> None:
    # Straight to the descriptor: the signal may have come in the middle of a write to sys.stderr.
    try:
        begin = "\r\x1b[K" if os.isatty(2) else ""
        os.write(2, f"{begin}{NOTICE}\n".encode())
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

    @property
    def stopping(self) -> bool:
        return self._number is not None

    def code(self, otherwise: Exit) -> Exit:
        """The exit code of the signal that came, else the given one."""
        return otherwise if self._number is None else of_signal(self._number)

    def __enter__(self) -> Self:
        if threading.current_thread() is threading.main_thread():
            self._before = {number: signal.signal(number, self._received) for number in _SIGNALS}
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for number, handler in self._before.items():
            signal.signal(number, handler if handler is not None else signal.SIG_DFL)
        self._before = {}

    def _received(self, number: int, _frame: FrameType | None) -> None:
        again, self._number = self.stopping, number
        if again:
            raise StopAtOnce(number)
        self._notify()
