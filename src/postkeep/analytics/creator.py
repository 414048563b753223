"""The door to a creator's figures: raw lists or merged posts in, one result out, in either mode."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime, tzinfo

from postkeep.model import Json

from .compat import analytics_as_built, broken_off
from .content import Content, Kind
from .corrected import corrected_figures
from .raw import creator_of, read, read_as_built
from .result import Analytics, Figure, Input, Mode, Tally, Value, ViralRule
from .sample import sample_of_lists, sample_of_merged
from .sums import Clock, Sums, sums_of

RULE = ViralRule()
"""By which rule a post is viral where nothing else is said."""


def calculate_analytics(
    reels: Sequence[Json],
    posts: Sequence[Json],
    followers: int | None,
    *,
    now: datetime,
    mode: Mode = Mode.CORRECTED,
    zone: tzinfo = UTC,
    viral: ViralRule = RULE,
    creator: str | None = None,
    private: bool = False,
) -> Analytics:
    """The 50 figures of a creator from an API's two lists, raw as they came; `now` is aware.

    `creator` is the account's own id; unknown, the account that signs most of the posts is taken for it. Of a
    `private` account no rate is known. In compat mode neither says anything. Whatever the lists hold, nothing is
    raised; a mode that is none raises ValueError.
    """
    if Mode(mode) is Mode.COMPAT:
        return _as_built(reels, posts, followers, now=now, zone=zone, viral=viral)
    owner = creator or creator_of([*reels, *posts])
    lists = {Kind.REEL: read(reels, Kind.REEL, owner), Kind.POST: read(posts, Kind.POST, owner)}
    unreadable = len(reels) + len(posts) - sum(len(each) for each in lists.values())
    sample = sample_of_lists(lists, now=now, unreadable=unreadable)
    known = None if private else followers
    return _corrected(sums_of(sample, viral), known, Input.LISTS, now=now, clock=Clock(zone), viral=viral)


def analytics_of_merged(
    contents: Iterable[Content],
    followers: int | None,
    *,
    now: datetime,
    mode: Mode = Mode.CORRECTED,
    zone: tzinfo = UTC,
    viral: ViralRule = RULE,
    windows: Mapping[Kind, datetime | None] | None = None,
    stands: Mapping[str, Collection[Kind]] | None = None,
    private: bool = False,
) -> Analytics:
    """The 50 figures from posts that are one row each, of any platform; `windows`, `stands`: sample_of_merged.

    A row cannot tell a count that was null from one that was missing: in compat mode both are 0, as a missing one
    was.
    """
    if Mode(mode) is Mode.CORRECTED:
        sample = sample_of_merged(contents, now=now, windows=windows, stands=stands)
        sums = sums_of(sample, viral)
        return analytics_of_sums(sums, followers, now=now, clock=Clock(zone), viral=viral, private=private)
    every = tuple(replace(each, likes=each.likes or 0, comments=each.comments or 0) for each in contents)
    reels, posts = (tuple(each for each in every if each.kind is kind) for kind in Kind)
    values, failed = analytics_as_built(reels, posts, followers, now=now, zone=zone, viral=viral)
    return _compat(values, failed, Input.MERGED, len(every), followers, now=now, zone=zone)


def analytics_of_sums(
    sums: Sums,
    followers: int | None,
    *,
    now: datetime,
    clock: Clock,
    viral: ViralRule = RULE,
    private: bool = False,
) -> Analytics:
    """The 50 corrected figures from what posts that are one row each sum up to by the same rule."""
    return _corrected(sums, None if private else followers, Input.MERGED, now=now, clock=clock, viral=viral)


def _corrected(
    sums: Sums, followers: int | None, form: Input, *, now: datetime, clock: Clock, viral: ViralRule
) -> Analytics:
    figures = corrected_figures(sums, followers, now=now, clock=clock, viral=viral)
    return Analytics(Mode.CORRECTED, form, now, str(clock.zone), followers, sums.tally, figures)


def _as_built(
    reels: Sequence[Json],
    posts: Sequence[Json],
    followers: int | None,
    *,
    now: datetime,
    zone: tzinfo,
    viral: ViralRule,
) -> Analytics:
    handed = len(reels) + len(posts)
    try:
        lists = read_as_built(reels, Kind.REEL), read_as_built(posts, Kind.POST)
    except AttributeError as error:
        values, failed = broken_off(len(reels), len(posts), error)
    else:
        values, failed = analytics_as_built(*lists, followers, now=now, zone=zone, viral=viral)
    return _compat(values, failed, Input.LISTS, handed, followers, now=now, zone=zone)


def _compat(
    values: Mapping[str, Value],
    failed: str | None,
    form: Input,
    handed: int,
    followers: int | None,
    *,
    now: datetime,
    zone: tzinfo,
) -> Analytics:
    figures = {name: Figure(value) for name, value in values.items()}
    tally = Tally(handed=handed, counted=handed)
    return Analytics(Mode.COMPAT, form, now, str(zone), followers, tally, figures, failed=failed)
