"""Figures of creators from the store: computed for a page, or for many and kept."""

from __future__ import annotations

import heapq
from collections.abc import Iterable, Iterator, Sequence
from datetime import UTC, datetime, tzinfo
from itertools import chain

from sqlalchemy import Connection

from postkeep.analytics.engagement import calculate_engagement_rate
from postkeep.analytics.registry import metric
from postkeep.analytics.result import Mode
from postkeep.analytics.sums import Clock
from postkeep.errors import PostkeepError
from postkeep.log import get_logger
from postkeep.model import RunStatus
from postkeep.stages import creator_sheet, creators_bulk, reddit_sheet, whom
from postkeep.stages.creator_sheet import Sheet, followers_then, sheet_of
from postkeep.stages.kept_figures import KeptFigures, keep
from postkeep.stages.parts import Parts
from postkeep.stages.recorded import OpenRun, recorded
from postkeep.stages.reddit_sheet import RedditSheet
from postkeep.store import Store, creator_analytics, creator_posts, creator_top, told
from postkeep.store.creator_posts import FollowerCount
from postkeep.store.creator_top import Ranked
from postkeep.views import OnProgress, Progress, Stop
from postkeep.views.creators import AnalyticsMode, CreatorDetail, CreatorsUpdated, TopBy, TopPost

log = get_logger("creators")

_BATCH = 500
_MANY = 10
"""From how many creators on it pays to compute with columns."""


def named(store: Store, names: Sequence[str]) -> list[str]:
    """The profile_ids that ids, addresses and names mean, in order, each once.

    Raises NotFound for a name of nobody, and for one of several, naming them.
    """
    with store.reading() as tx:
        return [each.profile_id for each in whom.find_all(tx, names)]


def compute(
    store: Store, profile_id: str, *, now: datetime, mode: Mode, zone: tzinfo
) -> tuple[Sheet, list[FollowerCount]]:
    """All figures of one profile as of `now`, and its follower history, oldest first."""
    with store.reading() as tx:
        creator = creator_posts.creator(tx, profile_id)
        lists = creator_posts.windows(tx, profile_id)
        history = creator_posts.history(tx, profile_id)
        if creator.platform == reddit_sheet.PLATFORM:
            return reddit_sheet.read(tx, creator, lists, history, now=now, mode=mode, zone=zone), history
        posts = creator_posts.posts_of(tx, profile_id)
        return sheet_of(creator, posts, lists, history, now=now, mode=mode, zone=zone), history


def detail(parts: Parts, name: str, *, mode: AnalyticsMode, zone: tzinfo, top: int) -> CreatorDetail:
    """A creator's figures as of now, computed anew; raises NotFound."""
    [profile_id] = named(parts.store, [name])
    sheet, history = compute(parts.store, profile_id, now=parts.clock(), mode=Mode(mode.value), zone=zone)
    creator = sheet.creator
    with parts.store.reading() as tx:
        account = told.account(tx, profile_id)
    if isinstance(sheet, RedditSheet):
        types, best, rising = reddit_sheet.types(sheet), reddit_sheet.top(sheet, top), reddit_sheet.rising(sheet)
    else:
        types, best, rising = creator_sheet.types(sheet), creator_sheet.top(sheet, history, top), ()
    return CreatorDetail(
        creator.profile_id,
        creator.platform,
        creator.kind,
        creator.username,
        creator.name,
        creator.url,
        creator.is_active,
        creator.followers,
        creator.followers_at,
        sheet.newest_observation,
        mode,
        sheet.analytics.as_json(),
        creator_sheet.figures(sheet.analytics, creator.platform),
        creator_sheet.growth_as_json(sheet.growth),
        creator_sheet.drawn(history),
        types,
        best,
        creator_sheet.hours(sheet),
        rising,
        creator.is_private,
        account.biography if account else None,
    )


# --- figures that are kept ----------------------------------------------------------------------------------


def run_update(
    parts: Parts,
    names: Sequence[str],
    *,
    mode: AnalyticsMode,
    zone: tzinfo = UTC,
    stop: Stop,
    progress: OnProgress,
) -> CreatorsUpdated:
    """Compute and store the figures of these profiles; none named: of all whose figures are kept.

    One profile that fails is told and stops no other. Raises NotFound, before anything is computed, for a name
    of nothing or of several.
    """
    asked = named(parts.store, names) if names else None
    with recorded(
        parts.store, "creators", ids=parts.ids, clock=parts.clock, command="postkeep creators update"
    ) as run:
        return _update(parts, run, asked, mode=Mode(mode.value), zone=zone, stop=stop, progress=progress)


def _update(
    parts: Parts,
    run: OpenRun,
    asked: list[str] | None,
    *,
    mode: Mode,
    zone: tzinfo,
    stop: Stop,
    progress: OnProgress,
) -> CreatorsUpdated:
    failed: dict[str, str] = {}
    seen = updated = posts = 0
    total = len(asked) if asked is not None else None
    clock = Clock(zone)
    batches = _kept(parts.store) if asked is None else _batches(asked)
    for profile_id, made in chain.from_iterable(_computed(parts, each, mode, clock) for each in batches):
        if stop():
            run.status = RunStatus.CANCELLED
            break
        seen += 1
        try:
            posts += _store(parts, profile_id, made, mode=mode, zone=zone)
            updated += 1
        except PostkeepError as error:
            failed[profile_id] = error.message
            log.warning("creator_failed", profile_id=profile_id, error=error.message)
        progress(Progress("computing", seen, total, "profiles"))
    if failed and run.status is RunStatus.COMPLETED:
        run.status = RunStatus.PARTIAL if updated else RunStatus.FAILED
    run.summary.update(processed=seen, updated=updated, errors=len(failed), posts=posts)
    return CreatorsUpdated(run.run_id, run.status, seen, updated, posts, failed, run.error)


def _batches(profile_ids: Sequence[str]) -> Iterator[Sequence[str]]:
    return (profile_ids[first : first + _BATCH] for first in range(0, len(profile_ids), _BATCH))


def _kept(store: Store) -> Iterator[list[str]]:
    last = ""
    while True:
        with store.reading() as tx:
            page = creator_analytics.chosen(tx, limit=_BATCH, after=last)
        if not page:
            return
        yield page
        last = page[-1]


def _computed(
    parts: Parts, profile_ids: Sequence[str], mode: Mode, clock: Clock
) -> Iterable[tuple[str, KeptFigures | None]]:
    """These profiles, with their figures where they can be had for many at once."""
    if mode is Mode.CORRECTED and len(profile_ids) >= _MANY and creators_bulk.available():
        return creators_bulk.computed(parts.store, profile_ids, now=parts.clock(), clock=clock)
    return ((profile_id, None) for profile_id in profile_ids)


def _store(parts: Parts, profile_id: str, made: KeptFigures | None, *, mode: Mode, zone: tzinfo) -> int:
    """Write a profile's figures, computing them when they are not made yet; returns of how many posts."""
    if made is None:
        sheet, _ = compute(parts.store, profile_id, now=parts.clock(), mode=mode, zone=zone)
        made = KeptFigures(
            sheet.creator,
            sheet.analytics,
            sheet.growth,
            sheet.newest_observation,
            len(sheet.posts),
            reddit_sheet.to_store(sheet) if isinstance(sheet, RedditSheet) else None,
        )
    with parts.store.writing() as tx:
        keep(tx, made)
    return made.posts


# --- the posts that did best --------------------------------------------------------------------------------


def run_top(
    parts: Parts, *, by: TopBy, limit: int, since: datetime | None, author: str | None, platform: str | None
) -> list[TopPost]:
    """The posts with the largest known number, of equals the newer; numbers of a reposted original never count.

    Raises NotFound for an author or platform nobody knows.
    """
    best: list[tuple[float, int, str, Ranked]] = []
    with parts.store.reading() as tx:
        person = whom.find(tx, author) if author is not None else None
        if platform is not None:
            whom.must_be_platform(tx, platform)
        for page in creator_top.pages(
            tx,
            since=since,
            profile_id=person.profile_id if person else None,
            platform=platform,
            inside=person is not None and reddit_sheet.is_community(person.kind),
        ):
            followers = _histories(tx, page) if by is TopBy.RATE else {}
            for each in page:
                post = _ranked(each, followers.get(each.profile_id or "", []))
                value = getattr(post, str(by))
                if value is not None:
                    found = (float(value), each.stamp, each.post_id, each)
                    (heapq.heappush if len(best) < limit else heapq.heappushpop)(best, found)
        ranked = [each for *_, each in sorted(best, key=lambda each: each[:3], reverse=True)]
        followers = _histories(tx, ranked)
        texts = creator_top.texts(tx, [each.post_id for each in ranked])
    return [
        creator_top.with_text(_ranked(each, followers.get(each.profile_id or "", [])), texts) for each in ranked
    ]


def _histories(tx: Connection, posts: Iterable[Ranked]) -> dict[str, list[tuple[datetime, int]]]:
    """The follower counts of those who wrote these posts."""
    return creator_posts.histories(tx, sorted({each.profile_id for each in posts if each.profile_id}))


def _ranked(each: Ranked, history: Sequence[tuple[datetime, int]]) -> TopPost:
    at, followers = followers_then(history, each.observed_at)
    rate = None
    if metric("engagement_rate", each.platform) is not None:
        rate = calculate_engagement_rate(each.likes, each.comments, followers)
    return TopPost(
        each.post_id,
        each.platform,
        each.native_id,
        each.form,
        each.posted_at,
        each.author,
        None,
        None,
        each.likes,
        each.comments,
        each.views,
        rate,
        followers,
        at,
        each.observed_at,
        hidden=each.hidden,
    )
