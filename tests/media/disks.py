"""Disks for tests: one that notes what is done to it, and one that refuses or dies after so many steps."""

from __future__ import annotations

import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

from postkeep.media.disk import Disk

STEPS = ("create", "write", "restrict", "sync_file", "link", "rename", "unlink", "make_folder", "sync_folder")


class Step(NamedTuple):
    """One operation: its name and its first arguments, as it was asked for."""

    name: str
    arguments: tuple[Any, ...]


class Watched(Disk):
    """A real disk that shows each step to `look` before it happens; what that raises happens instead of it."""

    def __init__(self, look: Callable[[Step], None]) -> None:
        self._look = look
        # One at a time, so that what is noted is the order in which it happened.
        self._lock = threading.Lock()

    def __getattribute__(self, name: str) -> Any:
        found = super().__getattribute__(name)
        if name not in STEPS:
            return found

        def call(*arguments: Any) -> Any:
            with self._lock:
                step = Step(name, arguments)
                self._look(step)
                result = found(*arguments)
                self.done(step)
                return result

        return call

    def done(self, step: Step) -> None:
        """The step happened."""


class Noting(Watched):
    """A real disk that notes the steps that happened."""

    def __init__(self) -> None:
        self.steps: list[Step] = []
        super().__init__(lambda step: None)

    def done(self, step: Step) -> None:
        self.steps.append(step)

    def paths(self, name: str) -> list[Path]:
        """The paths of all steps of this name, in order."""
        return [Path(step.arguments[0]) for step in self.steps if step.name == name]


class Failing(Watched):
    """A disk that lets `count` steps pass and then raises `error` at each further one, or only at the next."""

    def __init__(self, count: int, error: BaseException, *, once: bool = False) -> None:
        self.left = count
        self.failed: Step | None = None
        self._error = error
        self._once = once
        super().__init__(self._fail)

    def _fail(self, step: Step) -> None:
        self.left -= 1
        if self.left < 0 and not (self._once and self.failed):
            self.failed = self.failed or step
            raise self._error
