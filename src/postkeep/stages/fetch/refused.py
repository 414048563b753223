"""What was refused because of a limit or an address gets another chance when those settings change."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

import orjson

from postkeep.config import FetchConfig
from postkeep.log import get_logger
from postkeep.model import MediaState, Stage
from postkeep.stages.hosts import host_of
from postkeep.store import Store, places, remembered, work

log = get_logger("fetch")

_NAME = "fetch_limits"
_PAGE = 500


def take_up_refused(store: Store, config: FetchConfig, *, clock: Callable[[], datetime]) -> int:
    """Queue all refused media once after the settings that refuse were changed; returns how many. Idempotent."""
    limits = _limits(config)
    with store.reading() as tx:
        before = remembered.recall(tx, _NAME)
    if before == limits:
        return 0
    count = 0 if before is None else _queue_all(store, clock)
    with store.writing() as tx:
        remembered.remember(tx, _NAME, limits, clock())
    if count:
        log.info("refused_taken_up", media=count)
    return count


def _limits(config: FetchConfig) -> str:
    return orjson.dumps(
        {
            "allow": sorted(config.allow),
            "ports": sorted(config.ports),
            "max_bytes": config.max_bytes,
            "max_redirects": config.max_redirects,
        }
    ).decode()


def _queue_all(store: Store, clock: Callable[[], datetime]) -> int:
    count = 0
    for prefix in places.PLACES:
        last = ""
        while True:
            with store.reading() as tx:
                rows = places.in_state(tx, prefix, MediaState.REFUSED, after=last, limit=_PAGE)
            if not rows:
                break
            last = rows[-1].media_id
            with store.writing() as tx:
                places.start_again(tx, [row.media_id for row in rows], clock())
                work.add(
                    tx,
                    Stage.FETCH,
                    [(row.media_id, host_of(row.url)) for row in rows],
                    clock(),
                    expiries={row.media_id: row.expires_at for row in rows},
                )
            count += len(rows)
    return count
