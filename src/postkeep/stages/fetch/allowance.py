"""How many rows may still begin, for the parts of a run that begin, read ahead and give back."""

from __future__ import annotations

from collections.abc import Callable


class Allowance:
    """The limit of one run, none when it is None, and whether somebody asked to stop; `begun` counts rows."""

    def __init__(self, limit: int | None, stop: Callable[[], bool]) -> None:
        self.limit, self.stop = limit, stop
        self.begun = 0

    def left(self) -> int | None:
        """How many rows may still begin; None for any number."""
        return None if self.limit is None else max(0, self.limit - self.begun)

    def is_over(self) -> bool:
        """Whether nothing more may begin."""
        return self.stop() or self.left() == 0
