"""Media without the work list: single URLs, and the media of one post's JSON, fetched while the caller waits."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Sequence
from dataclasses import dataclass
from functools import partial

from postkeep.errors import FetchError, NotFound, ParseError, PostkeepError, TimedOut, Truncated
from postkeep.log import get_logger
from postkeep.media.staged import Staged
from postkeep.model import (
    Observation,
    ObservedSource,
    Place,
    Platform,
    RawRecord,
)
from postkeep.net.fetcher import Fetcher
from postkeep.platforms.fields import written
from postkeep.stages import looking
from postkeep.stages.archive.returning import Returning, returning_for
from postkeep.stages.eviction import Evictor
from postkeep.stages.fetch.keep import stage
from postkeep.stages.fitting import Fitting
from postkeep.stages.importing import run_import
from postkeep.stages.ingest.candidate import Rejected, candidate, digest
from postkeep.stages.parts import Parts
from postkeep.stages.presence import must_be_there
from postkeep.store import archive_objects, caching, stored_files
from postkeep.views import FileView, OnProgress, Progress, Stop, UrlOutcome

log = get_logger("direct")


@dataclass(frozen=True, slots=True)
class StoredMedia:
    """The media of one post: all their ids, and how they stand."""

    media_ids: tuple[str, ...]
    found: int
    cached: int
    errors: int


def fetch_url(parts: Parts, url: str, *, timeout: float | None) -> FileView:
    """Bring a URL into the cache, or give out what it brought before; raises FetchError or CacheError."""
    must_be_there(parts.store, parts.cache)
    if (known := _known(parts, url, returning_for(parts))) is not None:
        return known

    async def fetch() -> Staged:
        async with parts.fetcher() as fetcher:
            return await _in_time(_download(parts, fetcher, url, _Limit(parts)), timeout, url)

    return _remember(parts, url, asyncio.run(fetch()))


def fetch_urls(
    parts: Parts,
    urls: Sequence[str],
    *,
    at_once: int | None,
    timeout: float | None,
    stop: Stop,
    progress: OnProgress,
) -> list[UrlOutcome]:
    """Bring URLs into the cache; one outcome each, in the order given. A URL given twice is fetched once."""
    must_be_there(parts.store, parts.cache)
    many = at_once or parts.config.fetch.concurrency
    return asyncio.run(_fetch_all(parts, urls, stop, progress, at_once=many, seconds=timeout))


async def _fetch_all(
    parts: Parts,
    urls: Sequence[str],
    stop: Stop,
    progress: OnProgress,
    *,
    at_once: int,
    seconds: float | None,
) -> list[UrlOutcome]:
    slots = asyncio.Semaphore(at_once)
    distinct = list(dict.fromkeys(urls))
    limit = _Limit(parts)
    returning = returning_for(parts, stop=stop)
    done = 0

    async def one(fetcher: Fetcher, url: str) -> UrlOutcome:
        nonlocal done
        async with slots:
            if stop():
                return UrlOutcome(url, None, "stopped before its turn", "cancelled")
            try:
                view = await asyncio.to_thread(_known, parts, url, returning)
                if view is None:
                    staged = await _in_time(_download(parts, fetcher, url, limit), seconds, url)
                    view = await asyncio.to_thread(_remember, parts, url, staged)
                outcome = UrlOutcome(url, view, None, None)
            except FetchError as error:
                log.info("download_failed", url=url, kind=error.kind, reason=error.message)
                outcome = UrlOutcome(url, None, error.message, error.kind)
        done += 1
        progress(Progress("fetching", done, len(distinct), "files"))
        return outcome

    try:
        async with parts.fetcher() as fetcher, asyncio.TaskGroup() as group:
            tasks = {url: group.create_task(one(fetcher, url)) for url in distinct}
    except* PostkeepError as several:
        # The cache or the database refused one, so it refused all: one of these errors tells it.
        raise _first(several) from None
    return [tasks[url].result() for url in urls]


def _first(error: BaseException) -> BaseException:
    while isinstance(error, BaseExceptionGroup):
        error = error.exceptions[0]
    return error


def _known(parts: Parts, url: str, returning: Returning | None) -> FileView | None:
    """What the URL brought before: from the cache, or else from the archive."""
    known = looking.find_file(parts, md5=None, url=url)
    if known is not None or returning is None:
        return known
    with parts.store.reading() as tx:
        found = stored_files.files_of_url(tx, url, looking.url_key(url))
        file_ids = archive_objects.absent(tx, [each.file_id for each in found])
    if not file_ids:
        return None
    returning.bring(file_ids, room=partial(_make_room, parts))
    return looking.find_file(parts, md5=None, url=url)


async def _in_time(download: Awaitable[Staged], seconds: float | None, url: str) -> Staged:
    try:
        return await asyncio.wait_for(download, seconds)
    except TimeoutError:
        raise TimedOut(f"not done after {seconds:g} seconds", url=url) from None


class _Limit:
    """The cache's limit for one command, asked from several threads, where any answer does."""

    def __init__(self, parts: Parts) -> None:
        self._parts = parts
        self._evictor = Evictor(parts.store, parts.cache, parts.config, clock=parts.clock)
        self._fitting = Fitting(self._evictor)

    def check(self) -> None:
        """Raise CacheFull when there is no room for anything, so that nothing is asked for in vain."""
        with self._parts.store.reading() as tx:
            used = caching.cached_bytes(tx)
        self._fitting.most(self._evictor.limit - used)


async def _download(parts: Parts, fetcher: Fetcher, url: str, limit: _Limit) -> Staged:
    """Fetch and stage a URL; a file without its own end is asked for once more, over a connection of its own."""
    await asyncio.to_thread(limit.check)
    first = await _staged(parts, fetcher, url)
    if first.whole:
        return first
    try:
        second = await _staged(parts, fetcher, url, fresh=True)
    finally:
        parts.cache.discard(first)
    if not second.whole and second.digest != first.digest:
        parts.cache.discard(second)
        raise Truncated("the file has no end, twice, and not the same", url=url)
    return second


async def _staged(parts: Parts, fetcher: Fetcher, url: str, *, fresh: bool = False) -> Staged:
    fetched = await fetcher.fetch(url, fresh=fresh)
    return await asyncio.to_thread(stage, parts.cache, fetched, parts.config.fetch.placeholders)


def _remember(parts: Parts, url: str, staged: Staged) -> FileView:
    """Give the bytes their name and their row together, so that nobody evicts them in between."""
    try:
        make_room(parts, staged)
    except BaseException:
        parts.cache.discard(staged)
        raise
    with parts.cache.sharing():
        committed = parts.cache.commit(staged)
        file = committed.file
        parts.cache.sync_directories()
        now = parts.clock()
        with parts.store.writing() as tx:
            stored = caching.keep_files(tx, [file], ids=parts.ids, now=now)[file.digest.sha256]
            if not staged.whole:
                caching.mark_incomplete(tx, [file.digest.sha256])
            stored_files.keep_url(tx, looking.url_key(url), url, stored.file_id, now)
    if committed.collision:
        log.error("md5_collision", url=url, path=file.path)
    log.info("media_cached", url=url, size=file.digest.size, sha256=file.digest.sha256, md5=file.digest.md5)
    return looking.file_view(parts, stored, url=url)


def make_room(parts: Parts, staged: Staged) -> None:
    """Make room for these bytes where they need some; raises CacheFull."""
    if not _fits(parts, staged.digest.size) and parts.cache.locate(staged.digest, staged.kind) is None:
        _make_room(parts, staged.digest.size)


def _fits(parts: Parts, size: int) -> bool:
    with parts.store.reading() as tx:
        return caching.cached_bytes(tx) + size <= parts.config.cache.max_bytes


def _make_room(parts: Parts, size: int) -> None:
    evictor = Evictor(parts.store, parts.cache, parts.config, clock=parts.clock)
    if not _fits(parts, size) and evictor.make_room(size).room < size:
        raise evictor.full()


def store_media(parts: Parts, platforms: list[Platform], post_id: str, post: object) -> StoredMedia:
    """Store a post's JSON as observed now, and fetch its media once.

    `post_id` is the stored post the JSON belongs to, or empty for one that may be new. Raises ParseError when
    the JSON is no post, NotFound when it is another post than `post_id`. A media failure is counted, not raised.
    """
    body = written(post)
    observation = Observation(parts.clock(), ObservedSource.COLLECTOR)
    raw = RawRecord(body, Place("extract_and_store_media", 1, 0), observation)
    made = candidate(raw, digest(body), platforms)
    if isinstance(made, Rejected):
        raise ParseError(made.bad.reason, field=made.field)
    native_ids = [each.native_id for each in made.parsed.posts]
    if post_id:
        with parts.store.reading() as tx:
            stored = looking.one_post(tx, post_id)
        if stored.line.native_id not in native_ids:
            raise NotFound(f"the JSON is of post {', '.join(native_ids)}, not of {post_id}")
    summary = run_import(
        parts,
        [raw],
        platforms,
        fetch=True,
        wait=True,
        stop=lambda: False,
        progress=lambda step: None,
        reading=lambda event, records: Progress("reading", records, None, "records"),
    )
    with parts.store.reading() as tx:
        detail = looking.one_post(tx, post_id or native_ids[0])
    return StoredMedia(
        tuple(each.media_id for each in detail.media if each.absent_since is None),
        summary.media.found,
        summary.media.cached,
        summary.media.errors,
    )
