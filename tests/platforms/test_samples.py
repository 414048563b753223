"""The sample files are read as they were written down from the raw JSON: every field, and no more."""

from __future__ import annotations

import json
import re
from collections import Counter
from dataclasses import fields, replace
from pathlib import Path
from typing import Any

import pytest

from postkeep.model import Json, MediaRef, Parsed, Post
from postkeep.platforms import load_platform
from tests.platforms.written import told
from tests.suites.platform_suite import check

DATA = Path(__file__).parents[1] / "data"
PAGES = [
    ("instagram", "instagram_looter2_profile.json"),
    ("instagram", "instagram_looter2_reels_page1.json"),
    ("instagram", "instagram_looter2_user_feeds_page1.json"),
    ("reddit", "reddit_oauth_r_popular_hot.json"),
]
DATASETS = sorted(path.name for path in (DATA / "linkedin_sample").glob("*.json"))


def read(*parts: str) -> Json:
    return json.loads(DATA.joinpath(*parts).read_text(encoding="utf-8"))


def page(platform: str, file: str) -> Parsed:
    return load_platform(platform).parse(read(platform, file))


def dataset(file: str) -> list[Parsed]:
    """The records of one LinkedIn file, as seen through the profile that its name tells."""
    match = re.fullmatch(r"dataset_(.+)_2025-11-25_23-22-57-717\.json", file)
    assert match
    linkedin = load_platform("linkedin")
    return [linkedin.parse(record, match[1]) for record in read("linkedin_sample", file)]


@pytest.mark.parametrize(("platform", "file"), PAGES)
def test_a_page_is_read_as_it_is_written_down(platform: str, file: str) -> None:
    parsed = page(platform, file)
    check(parsed)
    assert told(parsed) == read(platform, "expected", file)
    assert len(parsed.contents) == len(parsed.posts)


@pytest.mark.parametrize("file", DATASETS)
def test_a_dataset_is_read_as_it_is_written_down(file: str) -> None:
    records = dataset(file)
    for parsed in records:
        check(parsed)
    assert [told(parsed) for parsed in records] == read("linkedin_sample", "expected", file)


def test_the_samples_hold_what_their_description_says() -> None:
    """Counted by whoever made the samples."""
    posts = [post for file in DATASETS for parsed in dataset(file) for post in parsed.posts]
    assert Counter(post.kind for post in posts) == {"regular": 13, "repost": 8, "quote": 1}
    assert Counter(post.format for post in posts) == {"image": 15, "link": 3, "video": 2, "carousel": 1, "text": 1}
    profile, reels, feed = (page(*each).posts for each in PAGES[:3])
    assert Counter(post.format for post in profile) == {"carousel": 6, "image": 5, "reel": 1}
    assert sum(len(post.media) for post in profile if post.format == "carousel") == 14
    assert Counter(post.format for post in feed) == {"carousel": 6, "image": 5, "reel": 1}
    assert [len(post.media) for post in feed if post.format == "carousel"] == [2, 3, 2, 2, 2, 3]
    assert [post.metrics.views for post in reels] == [1444625, 10125, 29454, 38169, 35389, 36173]
    assert [post.metrics.likes for post in reels] == [13298, 948, 960, 2744, 1461, 2110]
    assert [post.metrics.comments for post in reels] == [105, 35, 65, 94, 37, 46]
    assert [post.metrics.likes for post in feed] == [
        *(941, 595, 951, 1459, 1365, 1866, 1382, 1601, 5796, 2020, 3128, 1455),
    ]
    assert [post.metrics.comments for post in feed] == [35, 19, 36, 47, 33, 43, 38, 26, 75, 33, 62, 15]
    assert len({post.native_id for post in (*reels, *feed)}) == 17
    hot = page(*PAGES[3]).posts
    assert Counter(post.format for post in hot) == {"carousel": 14, "video": 24, "text": 6, "image": 7, "link": 3}
    galleries = Counter(len(post.media) for post in hot if post.format == "carousel")
    assert galleries == {2: 9, 3: 1, 4: 2, 10: 1, 20: 1}
    assert sum(media.role == "audio_track" for post in hot for media in post.media) == 22
    assert (sum(post.edited is True for post in hot), sum(post.metrics.hidden for post in hot)) == (4, 3)


@pytest.mark.parametrize("name", [each.name for each in fields(Post)])
def test_no_field_of_a_post_escapes_the_comparison(name: str) -> None:
    parsed = page(*PAGES[2])
    other: Any = "something else"
    changed = (replace(parsed.posts[0], **{name: other}), *parsed.posts[1:])
    assert told(replace(parsed, posts=changed)) != told(parsed)


@pytest.mark.parametrize("name", [each.name for each in fields(MediaRef)])
def test_no_field_of_an_asset_escapes_the_comparison(name: str) -> None:
    parsed = page(*PAGES[2])
    first, *rest = parsed.posts
    other: Any = "something else"
    media = (replace(first.media[0], **{name: other}), *first.media[1:])
    assert told(replace(parsed, posts=(replace(first, media=media), *rest))) != told(parsed)
