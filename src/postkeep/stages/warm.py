"""Fetching ahead what people look at most: those media are put before all other work, and fetched at once."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TypeVar

from postkeep.errors import CacheError, NotFound
from postkeep.model import RunStatus, Stage
from postkeep.stages.fetching import under_lease
from postkeep.stages.hosts import host_of
from postkeep.stages.parts import Parts, totals_of
from postkeep.stages.recorded import OpenRun, recorded
from postkeep.store import listing, warming, work
from postkeep.store.work import ASKED_FOR
from postkeep.views import MediaTotals, OnProgress, Stop, WarmBy, WarmPost, WarmSummary

_BATCH = 500
_Each = TypeVar("_Each")


def run_warm(
    parts: Parts,
    *,
    by: WarmBy,
    profile: str | None,
    limit: int,
    wait: bool,
    dry_run: bool,
    stop: Stop,
    progress: OnProgress,
) -> WarmSummary:
    """Fetch the media of the first `limit` posts that miss some; a dry run only lists, and records no run.

    What is asked for stays first in the list of work when this ends before its end. Raises NotFound for a
    username of no post, LeaseTaken with `wait` off while another process fetches.
    """
    posts = _posts(parts, by=by, profile=profile, limit=limit)
    if dry_run:
        return WarmSummary(None, RunStatus.COMPLETED, True, len(posts), 0, MediaTotals(), tuple(posts))
    with recorded(parts.store, "warm", ids=parts.ids, clock=parts.clock) as run:
        media_ids = _ask_for(parts, posts, stop=stop)
        try:
            if media_ids:
                under_lease(parts, run, below=0, limit=None, wait=wait, stop=stop, progress=progress)
        except CacheError as error:
            run.status, run.error = RunStatus.FAILED, error.message
        return _summary(parts, run, posts, media_ids, stopped=stop())


def _posts(parts: Parts, *, by: WarmBy, profile: str | None, limit: int) -> list[WarmPost]:
    with parts.store.reading() as tx:
        if profile is not None and not warming.author_known(tx, profile):
            raise NotFound(f"no post is by {profile!r}")
        return warming.posts(tx, parts.clock(), by=by, author=profile, limit=limit)


def _ask_for(parts: Parts, posts: Sequence[WarmPost], *, stop: Stop) -> list[str]:
    """Put the media of these posts before all other work; returns their ids."""
    asked: list[str] = []
    for some in _cut([post.post_id for post in posts]):
        if stop():
            break
        now = parts.clock()
        with parts.store.writing() as tx:
            wanted = warming.media(tx, some, now)
            rows = [(media_id, host_of(url)) for media_id, url in wanted]
            work.ensure(tx, Stage.FETCH, rows, now, priority=ASKED_FOR)
        asked += [media_id for media_id, _ in wanted]
    return asked


def _summary(
    parts: Parts, run: OpenRun, posts: Sequence[WarmPost], media_ids: list[str], *, stopped: bool
) -> WarmSummary:
    states: dict[str, int] = {}
    cached = incomplete = 0
    with parts.store.reading() as tx:
        for some in _cut(media_ids):
            for (state, is_cached), count in listing.media_totals(tx, some).items():
                states[state] = states.get(state, 0) + count
                cached += count if is_cached else 0
        for some in _cut([post.post_id for post in posts]):
            incomplete += listing.incomplete_of(tx, some)
    totals = totals_of(sum(states.values()), cached, states)
    if stopped:
        run.status = RunStatus.CANCELLED
    elif run.status is RunStatus.COMPLETED and totals.errors:
        run.status = RunStatus.PARTIAL
    complete = len(posts) - incomplete
    run.summary.update(
        processed=len(posts), complete=complete, media_found=totals.found, media_cached=totals.cached
    )
    return WarmSummary(run.run_id, run.status, False, len(posts), complete, totals, tuple(posts), run.error)


def _cut(values: list[_Each]) -> Iterator[list[_Each]]:
    for start in range(0, len(values), _BATCH):
        yield values[start : start + _BATCH]
