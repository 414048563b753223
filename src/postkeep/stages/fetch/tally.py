"""How far a fetch is, as the faces show it while it runs and when it is over."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime

from postkeep.model import MediaState
from postkeep.stages.fetch.figures import Figures


@dataclass(slots=True)
class FetchTally:
    """What a fetch did so far.

    `due` is how much there was to do when it began, `resting` are hosts left alone and until when, `held` how
    much of what was due is theirs. `restored` contents came from the archive. `waiting` is for how many seconds
    nothing is done but wait.
    """

    due: int = 0
    restored: int = 0
    figures: Figures = field(default_factory=Figures)
    states: dict[str, int] = field(default_factory=dict)
    done: int = 0
    resting: dict[str, datetime] = field(default_factory=dict)
    held: dict[str, int] = field(default_factory=dict)
    waiting: float = 0.0

    @property
    def total(self) -> int:
        """How much this run will settle, as far as it is known: what resting hosts hold back is not for it."""
        return max(self.done, self.due - sum(self.held.values()))

    @property
    def cached(self) -> int:
        return self.figures.cached

    @property
    def linked(self) -> int:
        return self.figures.linked

    @property
    def failed(self) -> int:
        """Rows that brought nothing, asked for or not; `figures` count tries."""
        return sum(count for state, count in self.states.items() if state != MediaState.FETCHED)

    @property
    def requests(self) -> int:
        return self.figures.requests

    @property
    def bytes(self) -> int:
        return self.figures.bytes

    def count(self, state: str) -> None:
        """Take one more row as settled, and the state it ended in."""
        self.done += 1
        self.states[state] = self.states.get(state, 0) + 1
