"""Reddit's figures as built and mended: each pair of values shows why they differ."""

from __future__ import annotations

import math
import random
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from postkeep.analytics.reddit import (
    RedditAuthor,
    RedditPost,
    age_mark,
    comment_to_upvote_ratio,
    community_figures,
    karma_mark,
    karma_per_day,
    most_viral,
    name_mark,
    posting_requirements,
    submission,
    user_score,
    viral_score,
)
from postkeep.analytics.reddit_compat import (
    comment_to_upvote_ratio_as_built,
    community_figures_as_built,
    content_type_as_built,
    requirement_as_built,
    viral_score_as_built,
)
from postkeep.model import Metrics, Post, PostFormat, PostKind, Presence, Profile, ProfileKind
from tests.analytics.lists import DAY, HOUR, NOW
from tests.suites.platform_suite import SEEDED

NOON = datetime(2025, 9, 15, 12, tzinfo=UTC)  # a Monday


def post(number: int, score: int | None, comments: int | None, at: datetime = NOON, **more: Any) -> RedditPost:
    return RedditPost(f"zz{number}", "pics", at, score, comments, **more)


def figures(posts: list[RedditPost]) -> dict[str, Any]:
    return {name: figure.value for name, figure in community_figures(posts, zone=UTC).items()}


def as_built(posts: list[RedditPost]) -> dict[str, Any]:
    return dict(community_figures_as_built(posts, ["link"] * len(posts)))


def test_a_hidden_score_is_not_zero_and_a_pinned_post_no_measure() -> None:
    posts = [post(1, 100, 10), post(2, None, 30), post(3, 1, 500, counts=False), post(1, 90, 10)]
    assert [as_built(posts)[name] for name in ("avg_upvotes_per_post", "avg_comments_per_post")] == [47.75, 137.5]
    assert [figures(posts)[name] for name in ("avg_upvotes_per_post", "avg_comments_per_post")] == [100, 20]
    assert (as_built(posts)["engagement"], figures(posts)["engagement"]) == (550 / 191, 0.1)
    counted = community_figures(posts, zone=UTC)["engagement"]
    assert (counted.counted, counted.of) == (1, 2)


def test_of_two_records_the_one_that_knows_more() -> None:
    posts = [post(1, None, 9), post(1, 0, 3), post(2, 5, None), post(2, 5, 1)]
    assert [figures(posts)[name] for name in ("avg_upvotes_per_post", "avg_comments_per_post")] == [2.5, 2]
    assert figures(posts[::-1]) == figures(posts)


def test_votes_cancel_out_of_the_score_as_built() -> None:
    """It is the root of 1000 mean comments, whatever the votes; mended, both count."""
    few, many = ([post(1, votes, 10), post(2, votes, 30)] for votes in (10, 1000))
    assert as_built(few)["subreddit_score"] == pytest.approx(math.sqrt(1000 * 20))
    assert as_built(many)["subreddit_score"] == pytest.approx(math.sqrt(1000 * 20))
    assert figures(few)["subreddit_score"] == pytest.approx(math.sqrt(10 * 20))
    assert figures(many)["subreddit_score"] == pytest.approx(math.sqrt(1000 * 20))


def test_one_lucky_post_makes_no_best_hour() -> None:
    steady = [post(number, 50, 1, NOON + number * 7 * DAY) for number in range(3)]
    posts = [*steady, post(9, 5000, 1, NOON + DAY + 3 * HOUR)]
    assert [as_built(posts)[name] for name in ("best_posting_day", "best_posting_hour")] == ["Tuesday", 15]
    assert [figures(posts)[name] for name in ("best_posting_day", "best_posting_hour")] == ["Monday", 12]
    there = community_figures(posts, zone=ZoneInfo("Europe/Vienna"))
    assert there["best_posting_hour"].value == 14
    assert figures(steady[:2])["best_posting_day"] is None


def test_kinds_of_posts() -> None:
    posts = [
        post(1, 10, 0, form=PostFormat.IMAGE),
        post(2, 30, 0, form=PostFormat.CAROUSEL),
        post(3, 25, 0, form=PostFormat.VIDEO),
        post(4, None, 0, form=PostFormat.TEXT),
        post(5, 900, 0),
    ]
    told = figures(posts)
    assert [told[f"{name}_post_avg_score"] for name in ("image", "video", "text", "link")] == [20, 25, None, None]
    assert told["top_content_type"] == "video"
    assert community_figures(posts, zone=UTC)["top_content_type"].counted == 3
    built = community_figures_as_built(
        [*posts, post(6, 20, 0)], ["gallery", "image", "video", "text", "link", "image"]
    )
    assert [built[f"{name}_post_avg_score"] for name in ("image", "video", "text", "link")] == [25, 25, 0, 900]
    assert built["top_content_type"] == "link"


@pytest.mark.parametrize(
    ("raw", "expected"),
    [
        ({"is_gallery": True, "url": "https://x.example/a.jpg"}, "gallery"),
        ({"is_video": True}, "video"),
        ({"is_self": True}, "text"),
        ({"url": "https://i.redd.it/a.JPEG?x=1"}, "image"),
        ({"url": "https://i.redd.it/a"}, "link"),
        ({"url": "https://[broken"}, "link"),
        ({"url": None}, "link"),
    ],
)
def test_the_kind_as_built(raw: dict[str, Any], expected: str) -> None:
    assert content_type_as_built(raw) == expected


@pytest.mark.parametrize(
    ("score", "comments", "mended", "built"),
    [(50, 10, 0.2, 0.2), (-40, 10, None, 10), (None, 10, None, 10), (5, None, None, 0), (0, 0, None, 0)],
)
def test_comments_per_vote(score: int | None, comments: int | None, mended: float | None, built: float) -> None:
    assert comment_to_upvote_ratio(score, comments) == mended
    assert comment_to_upvote_ratio_as_built(score, comments) == built


def test_the_viral_score() -> None:
    """Safe for work is no measure of spreading; as built it gives a tenth more."""
    safe = post(1, 500, 25, NOW - 36 * HOUR)
    marks = 0.35 * 5 + 0.35 * 5 + 0.1 * 10 + 0.2 * 5
    assert viral_score(safe, now=NOW) == pytest.approx(marks)
    assert viral_score_as_built(safe, now=NOW) == pytest.approx(marks * 1.1)
    adult = post(1, 500, 25, NOW - 36 * HOUR, over_18=True)
    assert viral_score(adult, now=NOW) == viral_score(safe, now=NOW)
    assert viral_score_as_built(adult, now=NOW) == pytest.approx(marks)
    assert viral_score(post(1, None, 25), now=NOW) is None
    assert viral_score(post(1, 5, 25, NOW + HOUR), now=NOW) is None


def test_three_of_each_community_within_three_days() -> None:
    posts = [post(number, number * 100, 0, NOW - HOUR) for number in range(1, 6)]
    other = RedditPost("zz9", "cats", NOW - HOUR, 1, 1)
    old = post(7, 10**6, 10**6, NOW - timedelta(hours=73))
    told = most_viral([*posts, posts[4], old, other], now=NOW)
    assert {name: [each.native_id for each in found] for name, found in told.items()} == {
        "cats": ["zz9"],
        "pics": ["zz5", "zz4", "zz3"],
    }


def author(number: int, karma: int | None, days: int | None = 10, at: datetime = NOW) -> RedditAuthor:
    created = None if days is None else at - days * DAY
    return RedditAuthor(f"user{number}", created, at, karma, karma)


def test_what_authors_have() -> None:
    """As built an author counts for each post and an unknown karma as nothing."""
    authors = [author(number, number * 10) for number in range(1, 6)]
    told = posting_requirements([*authors, author(1, 3, at=NOW - DAY), author(6, None)])
    assert {name: figure.value for name, figure in told.items()} == {
        "min_account_age_days": 10,
        "min_post_karma": 10,
        "min_comment_karma": 10,
    }
    many = posting_requirements([author(number, number) for number in range(31)])["min_post_karma"]
    assert (many.value, many.counted, many.of) == (3, 31, 31)
    assert posting_requirements(authors[:4])["min_post_karma"].value is None
    karmas = [50, 40, 30, 20, None]
    assert requirement_as_built(karmas) == 0
    assert requirement_as_built(karmas, 0.25) == 20
    assert requirement_as_built(karmas[:4]) is None


def test_accounts() -> None:
    assert karma_per_day(author(1, 50)) == 10
    assert karma_per_day(author(1, 50, days=0)) == 100
    assert karma_per_day(author(1, None)) is karma_per_day(author(1, 5, days=None)) is None
    assert user_score(10, 10, 10) == pytest.approx(10)
    assert user_score(2, 4, 6) == pytest.approx(0.3 + 1.4 + 3)
    assert user_score(2, None, 6) is None


def test_marks_of_an_account() -> None:
    assert [name_mark(name) for name in ("jane", "Big-Cat-1234", "77", "")] == [10, 5, 0, None]
    assert [age_mark(author(1, 0, days)) for days in (0, 365, 5000, None)] == [0, 2, 10, None]
    karmas = [(None, 5), (-70, 3), (0, 1), (99, 1), (10**7, 0)]
    assert [karma_mark(RedditAuthor("x", None, NOW, *each)) for each in karmas] == [None, 0, 0, 4, 10]


def test_a_parsed_submission() -> None:
    there = Post(
        "reddit", "zz1", "t3_zz1", NOON, PostKind.REGULAR, metrics=Metrics(reactions=5, comments=2),
        author=Profile("reddit", ProfileKind.REDDITOR, "somebody"), format=PostFormat.LINK, flags=("over_18",),
        community=Profile("reddit", ProfileKind.SUBREDDIT, "pics"),
    )  # fmt: skip
    assert submission(there) == post(1, 5, 2, form=PostFormat.LINK, author="somebody", over_18=True)
    assert submission(replace(there, metrics=Metrics(reactions=1, comments=2, hidden=True))).score is None
    for gone in (replace(there, presence=Presence.REMOVED), replace(there, flags=("stickied",))):
        assert submission(gone).counts is False


def test_nothing_gives_nothing() -> None:
    assert set(figures([]).values()) == {None}
    assert set(as_built([])) == set(figures([]))
    assert as_built([])["subreddit_score"] == 0


counts = st.none() | st.integers(-50, 10**6)
posts_ = st.builds(
    RedditPost,
    native_id=st.sampled_from("abcdefgh"),
    community=st.sampled_from(["pics", "cats"]),
    posted_at=st.timedeltas(timedelta(-1), timedelta(10)).map(lambda ago: NOW - ago),
    score=counts,
    comments=st.none() | st.integers(0, 10**5),
    form=st.none() | st.sampled_from(PostFormat),
    counts=st.booleans(),
)


@SEEDED
@given(posts=st.lists(posts_, max_size=10, unique_by=lambda each: each.native_id), seed=st.integers())
def test_no_order_no_range(posts: list[RedditPost], seed: int) -> None:
    shuffled = random.Random(seed).sample(posts, len(posts))
    told = community_figures(posts, zone=UTC)
    assert community_figures(shuffled, zone=UTC) == told
    assert most_viral(shuffled, now=NOW) == most_viral(posts, now=NOW)
    for figure in told.values():
        assert 0 <= (figure.counted or 0) <= (figure.of or 0)
    for each in posts:
        score = viral_score(each, now=NOW)
        assert score is None or 0 <= score <= 10 + 1e-9
    assert set(as_built(posts)) == set(told)
