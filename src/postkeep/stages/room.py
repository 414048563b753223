"""The cache's limit in words, the same for everything that fills it."""

from __future__ import annotations

from dataclasses import dataclass

from postkeep.errors import CacheFull
from postkeep.views import human_size

NEARLY = 0.8
"""How full, of 1, the cache is when people are told."""


@dataclass(frozen=True, slots=True)
class Room:
    """The cache and its limit, in bytes.

    `rule` is `cache.evict`; `evictable` is what may leave under it now, `under_lru` what may under `lru`.
    """

    limit: int
    used: int
    rule: str
    evictable: int
    under_lru: int

    @property
    def nearly_full(self) -> bool:
        return self.used > NEARLY * self.limit


def cache_full(limit: int, room: Room | None = None) -> CacheFull:
    """The error that says what to do when the cache holds as much as it may, `limit` bytes."""
    return CacheFull(
        f"the cache has reached its limit of {human_size(limit)} ({limit:,} bytes){_stays(room)};"
        f" {_remedies(room)}, and run `postkeep media download-all`"
    )


def nearly_full(room: Room) -> str:
    """The warning above 80 %."""
    text = (
        f"the cache holds {human_size(room.used)} of {human_size(room.limit)} ({room.used / room.limit:.0%})"
        f"{_stays(room)}"
    )
    if room.evictable:
        return text
    return f"{text}; at the limit fetching stops: {_remedies(room)}"


def refetched(files: int, size: int, suggested: int) -> str:
    """What a run says that fetched again what had made room a short while ago.

    `suggested` is a limit in bytes, in whole GiB.
    """
    what = "1 file" if files == 1 else f"{files} files"
    return (
        f"{what} ({human_size(size)}) had made room within the last 30 days and had to be fetched again: the cache"
        f' is too small for what is used; cache.max_bytes = "{suggested // 1024**3} GiB" would hold them'
    )


def _stays(room: Room | None) -> str:
    """What may leave it, where that is known."""
    if room is None:
        return ""
    if room.evictable:
        return f", and {human_size(room.evictable)} of it can make room"
    return ", and nothing in it may make room"


def _remedies(room: Room | None) -> str:
    raise_it = "raise cache.max_bytes (POSTKEEP_CACHE_MAX_BYTES)"
    if room is None or room.rule == "lru" or not room.under_lru:
        return raise_it
    return f'{raise_it} or set cache.evict = "lru" ({human_size(room.under_lru)} could make room)'
