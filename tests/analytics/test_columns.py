"""Counted a column at a time, creators have the sums they have post by post."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from postkeep.analytics.content import Content, Kind, hashtags
from postkeep.analytics.result import ViralRule
from postkeep.analytics.sample import sample_of_merged
from postkeep.analytics.sums import Sums, microseconds, sums_of
from tests.analytics.lists import NOW

columns = pytest.importorskip("postkeep.analytics.columns", reason="needs the extra [analytics]")

RULE = ViralRule(min_views=40, multiplier=2.0, minimum_sample=2)
# Few values each, so that times are equal, counts tie and medians are met exactly.
COUNTS = st.none() | st.sampled_from([0, 1, 10, 20, 40, 41, 100, 2**40])
TIMES = st.integers(-3, 12).map(lambda hours: NOW - timedelta(hours=hours))
STANDS = st.sets(st.sampled_from(list(Kind)))


@st.composite
def contents(draw: Any, number: int) -> tuple[Content, set[Kind]]:
    kind = draw(st.sampled_from(list(Kind)))
    likes, comments, saves, shares, views = (draw(COUNTS) for _ in range(5))
    return Content(
        str(number),
        kind,
        draw(TIMES),
        views,
        likes,
        comments,
        saves,
        shares,
        caption=draw(st.sampled_from([None, "", "plain", "#one #two", "é#no #köln"])),
        pinned=draw(st.booleans()),
        own=draw(st.integers(0, 5)) > 0,
        hidden=draw(st.integers(0, 5)) == 0,
        views_as=draw(st.sampled_from([None, "play_count", "view_count"])) if views is not None else None,
    ), draw(STANDS)


@st.composite
def creators(draw: Any) -> list[tuple[list[tuple[Content, set[Kind]]], dict[Kind, datetime | None] | None]]:
    found = []
    for _ in range(draw(st.integers(1, 3))):
        posts = [draw(contents(number)) for number in range(draw(st.integers(1, 14)))]
        window = st.fixed_dictionaries({kind: st.none() | TIMES for kind in Kind})
        found.append((posts, draw(st.none() | window)))
    return found


@settings(deadline=None)
@given(creators())
def test_the_same_as_post_by_post(found: Any) -> None:
    rows: dict[str, list[Any]] = {name: [] for name in columns.POSTS}
    windows: dict[str, list[Any]] = {name: [] for name in columns.WINDOWS}
    expected: dict[int, Sums] = {}
    for number, (posts, window) in enumerate(found):
        for content, stands in posts:
            for name, value in _row(number, content, stands if window is not None else set()).items():
                rows[name].append(value)
        if window is not None:
            windows["creator"].append(number)
            windows["reels_from"].append(_stamp(window[Kind.REEL]))
            windows["posts_from"].append(_stamp(window[Kind.POST]))
        expected[number] = sums_of(
            sample_of_merged(
                [content for content, _ in posts],
                now=NOW,
                windows=window,
                stands=None if window is None else {each.native_id: list(stands) for each, stands in posts},
            ),
            RULE,
        )

    frames = columns.frame(rows, columns.POSTS), columns.frame(windows, columns.WINDOWS)
    assert columns.sums_of_columns(*frames, now=NOW, viral=RULE) == expected
    shuffled = frames[0].sample(fraction=1, shuffle=True, seed=1)
    assert columns.sums_of_columns(shuffled, frames[1], now=NOW, viral=RULE) == expected


def test_a_creator_whose_counts_are_too_large_is_named() -> None:
    rows = [
        _row(number, Content("1", Kind.POST, NOW, likes=likes), set())
        for number, likes in enumerate([2**40, 2**40 + 1])
    ]
    posts = columns.frame({name: [row[name] for row in rows] for name in columns.POSTS}, columns.POSTS)
    assert columns.too_large(posts) == {1}


def _row(number: int, content: Content, stands: set[Kind]) -> Mapping[str, Any]:
    caption = content.caption
    return {
        "creator": number,
        "reel": content.kind is Kind.REEL,
        "at": _stamp(content.posted_at),
        **{name: getattr(content, name) for name in ("views", "likes", "comments", "saves", "shares", "views_as")},
        "signs": None if caption is None else len(caption),
        "tags": None if caption is None else hashtags(caption),
        **{name: getattr(content, name) for name in ("pinned", "own", "hidden")},
        "in_reels": Kind.REEL in stands,
        "in_posts": Kind.POST in stands,
    }


def _stamp(at: datetime | None) -> int | None:
    return None if at is None else microseconds(at)
