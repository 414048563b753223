"""What could not be fetched, or is lost, by class, and beginning anew with it: by state, kind, host, or id."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from itertools import chain

from sqlalchemy import Connection

from postkeep.errors import NotFound
from postkeep.log import get_logger
from postkeep.model import MediaState
from postkeep.stages import lost
from postkeep.stages.archive.returning import returning_for
from postkeep.stages.hosts import host_of
from postkeep.stages.parts import Parts
from postkeep.stages.queues import resume
from postkeep.store import failures, old_ids
from postkeep.store.failures import STATES, Lost, Wanted
from postkeep.store.places import UNREAD_PLATFORM
from postkeep.views import LOST, FailureClass, FailureView, MediaFailures, RetrySummary, Stop

log = get_logger("failures")

_PAGE = 500


def look(
    tx: Connection,
    *,
    states: Sequence[MediaState],
    kinds: Sequence[str],
    host: str | None,
    limit: int,
    after: str | None,
) -> MediaFailures:
    """The classes of media without bytes, the largest first, and a page of the media, the newest first.

    The classes come with the first page alone.
    """
    if after is not None:
        after = old_ids.current(tx, after)
        if not failures.known(tx, [after]):
            raise NotFound(f"there is no {after!r} to go on after")
    wanted = Wanted(states=tuple(states), kinds=tuple(kinds))
    if host is not None:
        counted, page = _of_host(tx, wanted, host.lower(), limit=limit, after=after)
    else:
        counted = _classes(tx, wanted) if after is None else []
        page = _newest(tx, wanted, before=after, limit=limit)
    examples = {each.media_id: each for each in failures.by_id(tx, [newest for *_, newest in counted])}
    lost_examples = lost.by_id(tx, [newest for _, kind, _, newest in counted if kind == LOST])
    examples |= {each.media_id: each for each in lost_examples}
    classes = [
        _class(state, kind, count, examples.get(newest))
        for state, kind, count, newest in sorted(counted, key=lambda each: (-each[2], each[0], each[1] or ""))
    ]
    return MediaFailures(sum(each.media for each in classes), tuple(classes), tuple(_view(each) for each in page))


def _means_lost(wanted: Wanted) -> bool:
    """Whether lost media are meant, too: their state is none of those that failed, and their kind is their own."""
    return not wanted.states and (not wanted.kinds or LOST in wanted.kinds)


def _classes(tx: Connection, wanted: Wanted) -> list[tuple[str, str | None, int, str]]:
    counted = failures.classes(tx, wanted)
    number, newest = lost.count(tx) if _means_lost(wanted) else (0, "")
    return [*counted, (MediaState.FETCHED, LOST, number, newest)] if number else counted


def _newest(tx: Connection, wanted: Wanted, *, before: str | None, limit: int) -> list[Lost]:
    rows = failures.newest(tx, wanted, before=before, limit=limit)
    if _means_lost(wanted):
        rows += lost.newest(tx, before=before, limit=limit)
    return sorted(rows, key=lambda each: each.media_id, reverse=True)[:limit]


def _of_host(
    tx: Connection, wanted: Wanted, host: str, *, limit: int, after: str | None
) -> tuple[list[tuple[str, str | None, int, str]], list[Lost]]:
    """The same for one host, which only the URLs tell: one pass over all that failed, a page in memory."""
    counts: Counter[tuple[str, str | None]] = Counter()
    newest: dict[tuple[str, str | None], str] = {}
    page: list[Lost] = []
    last = after
    while rows := _newest(tx, wanted, before=last, limit=_PAGE):
        last = rows[-1].media_id
        for each in rows:
            if host_of(each.url) == host:
                key = (str(each.state), each.kind)
                counts[key] += 1
                newest.setdefault(key, each.media_id)
                if len(page) < limit:
                    page.append(each)
        if after is not None and len(page) == limit:
            break
    if after is not None:
        return [], page
    return [(*key, count, newest[key]) for key, count in counts.items()], page


def _class(state: str, kind: str | None, count: int, example: Lost | None) -> FailureClass:
    return FailureClass(
        state=MediaState(state),
        kind=kind,
        media=count,
        message=example.message if example else None,
        host=host_of(example.url) if example else None,
    )


def _view(lost: Lost) -> FailureView:
    of_post = lost.media_id.startswith("med")
    return FailureView(
        media_id=lost.media_id,
        post_id=lost.owner if of_post else None,
        profile_id=None if of_post else lost.owner,
        host=host_of(lost.url),
        url=lost.url,
        state=lost.state,
        kind=lost.kind,
        message=lost.message,
        error_at=lost.error_at,
        expires_at=lost.expires_at,
        next_try_at=lost.next_try_at,
        fails=lost.fails,
    )


# --- beginning anew -----------------------------------------------------------------------------------


def run_retry(
    parts: Parts,
    *,
    states: Sequence[MediaState],
    kinds: Sequence[str],
    host: str | None,
    media_ids: Sequence[str],
    dry_run: bool,
    stop: Stop,
) -> RetrySummary:
    """Queue media that have no bytes as if nothing had been tried, in short transactions.

    What is gone is left out unless its state, its kind of error or its id is named, and what has an expired link,
    or is of a platform nobody reads, always. What is lost (kind `lost`, no state) is asked for again, and its rows
    keep what they know. A host that is named is no longer left alone. Raises NotFound for an id nobody knows.
    """
    host = host.lower() if host is not None else None
    named = tuple(states) or tuple(state for state in STATES if kinds or media_ids or state is not MediaState.GONE)
    ids = _known(parts, media_ids)
    queued: Counter[str] = Counter()
    expired = seen = 0
    batches = _batches(parts, named, kinds, host, ids, dry_run=dry_run, stop=stop)
    if _means_lost(Wanted(tuple(states), tuple(kinds))):
        even_gone = bool(kinds or ids)
        more = _lost_batches(parts, host, ids, even_gone=even_gone, dry_run=dry_run, stop=stop)
        batches = chain(batches, more)
        if returning_for(parts) is not None:
            batches = chain(batches, _left_there_batches(parts, host, ids, dry_run=dry_run, stop=stop))
    for rows, left in batches:
        queued.update(LOST if each.kind == LOST else str(each.state) for each in rows)
        expired += left
        seen += len(rows) + left
    if not dry_run:
        log.info("media_queued_again", media=queued.total(), expired=expired, host=host)
    return RetrySummary(
        dry_run=dry_run,
        queued=queued.total(),
        states=dict(queued),
        expired=expired,
        other=len(ids) - seen if ids else 0,
        resumed=host is not None and not dry_run and resume(parts, host),
        stopped=stop(),
    )


def _batches(
    parts: Parts,
    states: Sequence[MediaState],
    kinds: Sequence[str],
    host: str | None,
    ids: Sequence[str],
    *,
    dry_run: bool,
    stop: Stop,
) -> Iterator[tuple[list[Lost], int]]:
    """What was queued, and how many links had expired, batch by batch."""
    for start in range(0, max(1, len(ids)), _PAGE):
        wanted = Wanted(tuple(states), tuple(kinds), tuple(ids[start : start + _PAGE]))
        last = ""
        while not stop():
            now = parts.clock()
            with parts.store.reading() if dry_run else parts.store.writing() as tx:
                rows = failures.oldest(tx, wanted, after=last, limit=_PAGE, lock=not dry_run)
                read = [each for each in rows if each.kind != UNREAD_PLATFORM]
                of_host = [each for each in read if host is None or host_of(each.url) == host]
                alive = [each for each in of_host if each.expires_at is None or each.expires_at > now]
                if not dry_run:
                    failures.again(tx, [(each, host_of(each.url)) for each in alive], now)
            if not rows:
                break
            last = rows[-1].media_id
            yield alive, len(of_host) - len(alive)


def _lost_batches(
    parts: Parts, host: str | None, ids: Sequence[str], *, even_gone: bool, dry_run: bool, stop: Stop
) -> Iterator[tuple[list[Lost], int]]:
    """The same for what is lost; what is gone at its source only with `even_gone`."""
    for start in range(0, max(1, len(ids)), _PAGE):
        last = ""
        while not stop():
            now = parts.clock()
            with parts.store.reading() if dry_run else parts.store.writing() as tx:
                rows = lost.oldest(tx, ids[start : start + _PAGE], after=last, limit=_PAGE)
                meant = [
                    each.place
                    for each in rows
                    if (host is None or host_of(each.place.url) == host)
                    and (even_gone or each.last_kind not in lost.GONE)
                ]
                alive = [each for each in meant if each.expires_at is None or each.expires_at > now]
                if not dry_run:
                    lost.again(tx, alive, now)
            if not rows:
                break
            last = rows[-1].place.media_id
            yield alive, len(meant) - len(alive)


def _left_there_batches(
    parts: Parts, host: str | None, ids: Sequence[str], *, dry_run: bool, stop: Stop
) -> Iterator[tuple[list[Lost], int]]:
    """The same for what an archive holds, whose links need not be good."""
    for start in range(0, max(1, len(ids)), _PAGE):
        last = ""
        while not stop():
            now = parts.clock()
            with parts.store.reading() if dry_run else parts.store.writing() as tx:
                rows = lost.left_there(tx, ids[start : start + _PAGE], after=last, limit=_PAGE)
                meant = [each.place for each in rows if host is None or host_of(each.place.url) == host]
                if not dry_run:
                    lost.again(tx, meant, now)
            if not rows:
                break
            last = rows[-1].place.media_id
            yield meant, 0


def _known(parts: Parts, media_ids: Sequence[str]) -> tuple[str, ...]:
    """The ids in order, old ones as they are now; raises NotFound for those of nothing."""
    if not media_ids:
        return ()
    with parts.store.reading() as tx:
        changed = old_ids.current_of(tx, media_ids)
        ids = {each: changed.get(each, each) for each in media_ids}
        known = failures.known(tx, list(ids.values()))
    unknown = [name for name, media_id in ids.items() if media_id not in known]
    if unknown:
        raise NotFound(f"no media is known as {', '.join(map(repr, unknown[:5]))}")
    return tuple(sorted(set(ids.values())))
