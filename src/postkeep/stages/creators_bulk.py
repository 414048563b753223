"""The corrected figures of many creators at once: their posts as columns, a bounded number at a time.

Needs the extra `[analytics]`; what comes out is what one creator's page shows.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from importlib.util import find_spec
from typing import TYPE_CHECKING, Final

import orjson

from postkeep.analytics.content import Kind, hashtags
from postkeep.analytics.creator import RULE, analytics_of_sums
from postkeep.analytics.result import Mode
from postkeep.analytics.sums import Clock, Sums, microseconds
from postkeep.stages.creator_lists import NewestLists, newest_lists
from postkeep.stages.creator_sheet import REPOSTS_ARE_SHARES, growth_of, views_as
from postkeep.stages.kept_figures import KeptFigures
from postkeep.store import Store, creator_columns, creator_posts
from postkeep.store.creator_columns import PostColumns
from postkeep.store.creator_posts import CreatorRow

if TYPE_CHECKING:
    import polars as pl

_POSTS: Final = 50_000
"""Creators are taken together until they have so many posts."""

_BY_THEMSELVES: Final = frozenset({"reddit"})
"""Platforms with figures of their own."""


def available() -> bool:
    return find_spec("polars") is not None


def computed(
    store: Store, profile_ids: Sequence[str], *, now: datetime, clock: Clock
) -> Iterator[tuple[str, KeptFigures | None]]:
    """The figures of these profiles in this order; None for one that has to be computed by itself.

    That is one of another kind of figures, without posts, or with counts so large that columns would round them.
    """
    with store.reading() as tx:
        numbers = creator_columns.how_many(tx, profile_ids)
    for together in _together(profile_ids, numbers):
        yield from _computed(store, together, now=now, clock=clock)


def _together(profile_ids: Sequence[str], numbers: Mapping[str, int]) -> Iterator[list[str]]:
    group: list[str] = []
    posts = 0
    for profile_id in profile_ids:
        if group and posts + numbers.get(profile_id, 0) > _POSTS:
            yield group
            group, posts = [], 0
        group.append(profile_id)
        posts += numbers.get(profile_id, 0)
    if group:
        yield group


def _computed(
    store: Store, profile_ids: Sequence[str], *, now: datetime, clock: Clock
) -> list[tuple[str, KeptFigures | None]]:
    newest: dict[str, datetime] = {}
    with store.reading() as tx:
        creators = [creator_posts.creator(tx, each) for each in profile_ids]
        lists = [newest_lists(creator_posts.windows(tx, each)) for each in profile_ids]
        histories = [creator_posts.history(tx, each) for each in profile_ids]
        made = _Frames(creators, lists)
        together = [each.profile_id for each in creators if each.platform not in _BY_THEMSELVES]
        for columns in creator_columns.columns_of(tx, together):
            made.add(columns)
            for profile_id, at in columns.newest_observations().items():
                newest[profile_id] = max(at, newest.get(profile_id, at))
    sums = made.sums(now)
    found: list[tuple[str, KeptFigures | None]] = []
    for number, (creator, history) in enumerate(zip(creators, histories, strict=True)):
        summed = sums.get(number)
        found.append((creator.profile_id, None))
        if summed is not None:
            analytics = analytics_of_sums(
                summed, creator.followers, now=now, clock=clock, private=bool(creator.is_private)
            )
            observed = [at for at in (newest.get(creator.profile_id), creator.account_at) if at]
            figures = KeptFigures(
                creator,
                analytics,
                growth_of(history, Mode.CORRECTED),
                max(observed, default=None),
                summed.tally.handed,
            )
            found[-1] = (creator.profile_id, figures)
    return found


class _Frames:
    """The posts of some creators as frames; each creator is known by its place among them."""

    def __init__(self, creators: Sequence[CreatorRow], lists: Sequence[NewestLists]) -> None:
        self._lists = lists
        self._places = {each.profile_id: place for place, each in enumerate(creators)}
        self._shared = [place for place, each in enumerate(creators) if each.platform in REPOSTS_ARE_SHARES]
        self._frames: list[pl.DataFrame] = []

    def add(self, columns: PostColumns) -> None:
        import polars as pl

        from postkeep.analytics.columns import POSTS

        places = [self._places[each] for each in columns.profile_ids]
        signs, tags = _captions(columns.texts, columns.tells_text)
        raw = pl.DataFrame(
            {
                "creator": places,
                "form": columns.forms,
                "at": columns.at,
                **columns.counts,
                "views_as": _views_as(columns),
                "signs": signs,
                "tags": tags,
                "hidden": columns.hidden,
                **self._stands(places, columns.native_ids),
            },
            schema_overrides={
                "form": pl.String,
                **dict.fromkeys(columns.counts, pl.Int64),
                **{name: POSTS[name] for name in ("views_as", "signs", "tags")},
            },
        )
        shared = pl.col("creator").is_in(self._shared)
        self._frames.append(
            raw.with_columns(
                (pl.col("form") == Kind.REEL.value).fill_null(value=False).alias("reel"),
                pl.coalesce("likes", "reactions").alias("likes"),
                pl.when(shared).then(pl.coalesce("shares", "reposts")).otherwise("shares").alias("shares"),
                pl.lit(columns.own).alias("own"),
            ).select(list(POSTS))
        )

    def _stands(self, places: Iterable[int], native_ids: Iterable[str]) -> dict[str, list[bool]]:
        """In which lists each post stands, and whether out of order."""
        found: dict[str, list[bool]] = {"pinned": [], "in_reels": [], "in_posts": []}
        for place, native_id in zip(places, native_ids, strict=True):
            newest = self._lists[place]
            kinds = newest.stands.get(native_id, ())
            found["pinned"].append(native_id in newest.pinned)
            found["in_reels"].append(Kind.REEL in kinds)
            found["in_posts"].append(Kind.POST in kinds)
        return found

    def sums(self, now: datetime) -> dict[int, Sums]:
        """What the posts of each creator sum up to; one that columns cannot count exactly is left out."""
        import polars as pl

        from postkeep.analytics import columns

        if not self._frames:
            return {}
        posts = pl.concat(self._frames)
        posts = posts.filter(~pl.col("creator").is_in(list(columns.too_large(posts))))
        return columns.sums_of_columns(posts, self._windows(), now=now, viral=RULE)

    def _windows(self) -> pl.DataFrame:
        from postkeep.analytics.columns import WINDOWS, frame

        known = [(place, each.starts) for place, each in enumerate(self._lists) if each.starts is not None]
        return frame(
            {
                "creator": [place for place, _ in known],
                "reels_from": [_stamp(starts[Kind.REEL]) for _, starts in known],
                "posts_from": [_stamp(starts[Kind.POST]) for _, starts in known],
            },
            WINDOWS,
        )


def _captions(
    texts: Iterable[str | None], tells_text: Iterable[bool]
) -> tuple[list[int | None], list[int | None]]:
    """The length of each caption and its hashtags; a post that is known to have none has an empty one."""
    signs: list[int | None] = []
    tags: list[int | None] = []
    for text, tells in zip(texts, tells_text, strict=True):
        known = "" if text is None and tells else text
        signs.append(None if known is None else len(known))
        tags.append(None if known is None else hashtags(known) if "#" in known else 0)
    return signs, tags


def _views_as(columns: PostColumns) -> list[str | None]:
    return [
        None if detail is None else views_as(views, orjson.loads(detail))
        for detail, views in zip(columns.details, columns.counts["views"], strict=True)
    ]


def _stamp(at: datetime | None) -> int | None:
    return None if at is None else microseconds(at)
