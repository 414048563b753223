"""Under which names a place is asked for, and in which order. Pure."""

from __future__ import annotations

from collections.abc import Collection

from postkeep.errors import FetchError, HttpStatus
from postkeep.store.families import rendition_of
from postkeep.store.media import Due

Name = str | None
"""The last segment of an address; None is the address as it was observed."""

_NOT_THERE = frozenset({403, 404, 410})
"""What file servers say of a name they do not have; some tell nobody which names those are."""


def names_of(row: Due, absent: Collection[Name] = ()) -> tuple[Name, ...]:
    """The names to ask for: that which answered before, the observed one, and the others in their order.

    Without those that are known to be `absent`; never none.
    """
    others: list[Name] = [None, *row.alternatives]
    if row.answered is not None:
        others.sort(key=lambda name: name is None or rendition_of(name) != row.answered)
    return tuple(name for name in others if name not in absent) or (None,)


def is_not_there(error: FetchError) -> bool:
    """Whether an answer says that there is nothing of this name."""
    return isinstance(error, HttpStatus) and error.status in _NOT_THERE
