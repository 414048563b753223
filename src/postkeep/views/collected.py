"""What collectors hand over and hear back: how many posts were saved, and how a creator grew."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from postkeep.model import Json


@dataclass(frozen=True, slots=True)
class SavedPosts:
    """What became of the posts of one call; `saved` are those that are in the library now, new or known."""

    run_id: str
    new: int
    known: int
    quarantined: int

    @property
    def saved(self) -> int:
        return self.new + self.known


@dataclass(frozen=True, slots=True)
class FollowerGrowth:
    """Growth in percent per day and week, and the newest count that was another one; each None when unknown.

    `basis` is what it was made from, as JSON values; `refused` says why the count was not written down.
    """

    daily: float | None
    weekly: float | None
    previous: int | None
    basis: Mapping[str, Json] = field(default_factory=dict)
    refused: str | None = None
