"""One host's part of a run: what of its work was read, how much of it is under way, whether it may go on."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field

from postkeep.stages.fetch.gate import Gate
from postkeep.stages.fetch.outcomes import Kept
from postkeep.store import families
from postkeep.store.media import Due
from postkeep.store.stored_files import StoredFile

Asset = tuple[str, str, str | None]

Found = tuple[StoredFile, int | None, str | None]
"""A file in the cache, its rendition's rank, and that rendition where it is another than the asset's."""


@dataclass(slots=True)
class Lane:
    """A host's rows in order of urgency, read page by page; `dry` when there are no more pages.

    `refusals` counts, for each post or profile, the links the host refused (401, 403) without a success between.
    """

    host: str
    gate: Gate
    rows: deque[Due] = field(default_factory=deque)
    known: dict[Asset, Found] = field(default_factory=dict)
    refusals: dict[str, int] = field(default_factory=dict)
    under_way: int = 0
    dry: bool = False
    listed: bool = False

    def has_room(self, most: int) -> bool:
        """Whether one more of its rows may begin, `most` at a time."""
        return self.under_way < (1 if self.gate.narrow else most) and bool(self.rows or not self.dry)

    def rest(self) -> list[Due]:
        """Give up the rows that were read and have not begun; their work is still there."""
        left, self.dry = list(self.rows), True
        self.rows.clear()
        return left


@dataclass(slots=True)
class Flight:
    """One row under way.

    `first` is what its first try brought when that was cut short, `most` how many bytes fit into the cache, where
    that is limited for good, `arrived` says that its body is here and not written yet, `dropped` that nobody wants
    its outcome any more, `unsent` that its URL was refused before a host was asked, `sent` that a host was,
    `declared` how large its body was said to be. `names` are those it has not been asked for under, the one it is
    under way as first; None is its URL as it was observed.
    """

    row: Due
    lane: Lane
    names: tuple[str | None, ...] = (None,)
    first: Kept | None = None
    most: int | None = None
    arrived: bool = False
    dropped: bool = False
    unsent: bool = False
    sent: bool = False
    declared: int | None = None

    @property
    def url(self) -> str:
        """The address that is asked for."""
        return families.address(self.row.url, self.names[0])

    @property
    def other_rendition(self) -> str | None:
        """What comes, where that is another rendition than the row's."""
        name = self.names[0]
        return None if name is None else families.rendition_of(name)
