"""What every use case works with, and how the media of a run are counted."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime

from postkeep.config import Config
from postkeep.ids import IdFactory
from postkeep.media.cache import Cache
from postkeep.media.journal import Journal
from postkeep.model import MediaState
from postkeep.net.fetcher import Fetcher
from postkeep.store import Store
from postkeep.views import MediaTotals

ERRORS = (MediaState.RETRY, MediaState.FAILED, MediaState.REFUSED, MediaState.UNSUPPORTED)
"""The states that count as errors in a summary; expired and gone are facts."""


@dataclass(frozen=True, slots=True)
class Parts:
    """What the use cases work with, joined once by the library."""

    store: Store
    cache: Cache
    journal: Journal
    fetcher: Callable[[], Fetcher]
    config: Config
    ids: IdFactory
    clock: Callable[[], datetime]


def totals_of(found: int, cached: int, states: Mapping[str, int]) -> MediaTotals:
    """The media of a run from their number, how many are in the cache, and how many are in each state."""
    return MediaTotals(
        found=found,
        cached=cached,
        errors=sum(states.get(state, 0) for state in ERRORS),
        pending=states.get(MediaState.PENDING, 0),
        expired=states.get(MediaState.EXPIRED, 0),
        gone=states.get(MediaState.GONE, 0),
        refused=states.get(MediaState.REFUSED, 0),
    )
