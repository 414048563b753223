"""Finding posts whose media are not all there, and trying those batch by batch, with pauses."""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Iterator
from datetime import date

from postkeep.errors import CacheError
from postkeep.model import RunStatus, Stage
from postkeep.stages.fetching import under_lease
from postkeep.stages.hosts import host_of
from postkeep.stages.parts import Parts, totals_of
from postkeep.stages.recorded import OpenRun, recorded
from postkeep.store import listing, work
from postkeep.store.work import ASKED_FOR
from postkeep.views import BackfillPost, BackfillSummary, MediaTotals, OnProgress, Progress, Stop

_STEP_SECONDS = 0.2


def run_backfill(
    parts: Parts,
    *,
    dry_run: bool,
    limit: int | None,
    start_date: date | None,
    batch_size: int,
    sleep_min: float,
    sleep_max: float,
    stop: Stop,
    progress: OnProgress,
    pause: Callable[[float], None] = time.sleep,
) -> BackfillSummary:
    """Find posts whose media are not all in the cache and try those, batch by batch, with a pause between.

    Resume is the query itself: what is there is not found again. A dry run only lists, and records no run.
    """
    batches = _incomplete(parts, batch_size=batch_size, limit=limit, since=start_date, stop=stop)
    if dry_run:
        posts = tuple(post for batch in batches for post in batch)
        status = RunStatus.CANCELLED if stop() else RunStatus.COMPLETED
        return BackfillSummary(None, status, True, len(posts), len(posts), 0, 0, MediaTotals(), posts)
    with recorded(parts.store, "backfill", ids=parts.ids, clock=parts.clock) as run:
        checked = processed = failed = 0
        totals = MediaTotals()
        with parts.store.reading() as tx:
            number_of_posts = listing.incomplete_count(tx, parts.clock(), since=start_date)
        expected = number_of_posts if limit is None else min(limit, number_of_posts)
        for number, batch in enumerate(batches):
            if number:
                _rest(random.uniform(sleep_min, sleep_max), pause, stop)
                if stop():
                    break
            try:
                found, bad_posts = _backfill_batch(parts, run, [post.post_id for post in batch], stop=stop)
            except CacheError as error:
                run.status, run.error = RunStatus.FAILED, error.message
                break
            totals = _sum(totals, found)
            checked += len(batch)
            failed += bad_posts
            processed += len(batch) - bad_posts
            expected = max(expected, checked)
            progress(Progress("backfilling", checked, expected, "posts", f"{totals.cached} files cached"))
        if stop():
            run.status = RunStatus.CANCELLED
        elif run.status is RunStatus.COMPLETED and totals.errors:
            run.status = RunStatus.PARTIAL
        run.summary.update(
            processed=processed, failed=failed, media_found=totals.found, media_cached=totals.cached
        )
        return BackfillSummary(
            run.run_id, run.status, False, checked, checked, processed, failed, totals, error=run.error
        )


def _rest(seconds: float, pause: Callable[[float], None], stop: Stop) -> None:
    """Pause in steps, so that who stops it does not wait."""
    while seconds > 0 and not stop():
        step = min(seconds, _STEP_SECONDS)
        pause(step)
        seconds -= step


def _incomplete(
    parts: Parts, *, batch_size: int, limit: int | None, since: date | None, stop: Stop
) -> Iterator[list[BackfillPost]]:
    last, left = "", limit
    while not stop():
        size = batch_size if left is None else min(batch_size, left)
        if size <= 0:
            return
        with parts.store.reading() as tx:
            rows = listing.incomplete_posts(tx, parts.clock(), after=last, limit=size, since=since)
        if not rows:
            return
        last = rows[-1][0]
        left = None if left is None else left - len(rows)
        yield [BackfillPost(*row) for row in rows]


def _backfill_batch(parts: Parts, run: OpenRun, post_ids: list[str], *, stop: Stop) -> tuple[MediaTotals, int]:
    """Try the media of these posts; returns their totals and how many of the posts still lack one."""
    now = parts.clock()
    with parts.store.writing() as tx:
        wanted = listing.incomplete_media(tx, post_ids, now)
        work.ensure(
            tx,
            Stage.FETCH,
            [(media_id, host_of(url)) for media_id, _, url in wanted],
            now,
            priority=ASKED_FOR,
        )
    under_lease(parts, run, below=0, limit=None, wait=True, stop=stop, progress=lambda step: None)
    with parts.store.reading() as tx:
        counts = listing.media_totals(tx, [media_id for media_id, _, _ in wanted])
        left = listing.failed_of(tx, post_ids)
    states: dict[str, int] = {}
    for (state, _), count in counts.items():
        states[state] = states.get(state, 0) + count
    cached = sum(count for (_, is_cached), count in counts.items() if is_cached)
    return totals_of(sum(states.values()), cached, states), left


def _sum(one: MediaTotals, other: MediaTotals) -> MediaTotals:
    return MediaTotals(
        one.found + other.found,
        one.cached + other.cached,
        one.errors + other.errors,
        one.pending + other.pending,
        one.expired + other.expired,
        one.gone + other.gone,
        one.refused + other.refused,
    )
