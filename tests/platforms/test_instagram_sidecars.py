"""What two downloaders left beside their files."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from postkeep.errors import UnknownShape
from postkeep.model import Json, Location, PostFormat
from tests.platforms import instagram_records as made
from tests.platforms.instagram_records import (
    CAROUSEL,
    CLIP,
    FIRST,
    GUEST,
    INSTAGRAM,
    MIXED,
    OWNER,
    SECOND,
    TAKEN,
    THIRD,
    account_of,
    media_of,
    read,
)


def test_instaloaders_post_takes_the_larger_picture_of_the_app() -> None:
    plain = made.instaloader("Post", made.node())
    assert read(plain).media[0].rendition == "image-1080x1440"
    wide = made.photo()
    wide["image_versions2"]["candidates"][0].update(width=1440, height=1920)
    post = read(made.instaloader("Post", {**made.node(), "iphone_struct": wide}))
    assert post.media[0].rendition == "image-1440x1920"
    assert (post.metrics.likes, post.metrics.shares) == (1382, 3)
    assert post.location == Location("Köln", "213")


def test_instaloaders_older_and_shorter_posts() -> None:
    node = made.node()
    del node["taken_at_timestamp"], node["edge_media_to_caption"], node["edge_media_to_comment"]
    post = read(made.instaloader("Post", {**node, "date": TAKEN, "caption": "Short", "comments": 4}))
    assert (post.text, post.metrics.comments) == ("Short", 4)
    assert post.posted_at == datetime.fromtimestamp(TAKEN, UTC)


def test_instaloaders_story_and_profile() -> None:
    post = read(made.instaloader_story())
    assert post.flags == ("story",)
    assert post.url == f"https://www.instagram.com/stories/paula.paints/{CLIP}/"
    assert media_of(post) == [("own", CLIP), ("thumbnail", "500_501_502_n")]
    assert post.media[0].url == made.film("Clip", "720b")
    account = account_of(made.instaloader_profile())
    assert (account.followers, account.posts) == (108221, None)


@pytest.mark.parametrize("kind", ["Hashtag", "FrozenNodeIterator", None, 7, ["Post"]])
def test_instaloaders_other_files_are_not_ours(kind: Json) -> None:
    record = {"node": {"name": "walls"}, "instaloader": {"node_type": kind}}
    assert not INSTAGRAM.recognises(record)
    with pytest.raises(UnknownShape):
        INSTAGRAM.parse(record)


def test_gallery_dls_files_of_one_carousel_make_one_post() -> None:
    files = [
        made.gallery(1, SECOND, "602_1_1"),
        made.gallery(2, FIRST, "601_1_1", video_url=made.film("601_1_1")),
        made.gallery(3, THIRD, "603_1_1", media_id=int(THIRD)),
    ]
    posts = [read(each) for each in files]
    assert {post.native_id for post in posts} == {CAROUSEL}
    assert [media for post in posts for media in media_of(post)] == MIXED
    assert not any(post.tells_media for post in posts)
    first = posts[0]
    assert first.posted_at == datetime(2025, 9, 3, 11, 46, 40, tzinfo=UTC)
    assert (first.text, first.hashtags, first.format) == ("Three #walls", ("walls",), PostFormat.CAROUSEL)
    assert (first.metrics.likes, first.location) == (12, Location("old town", "213"))
    assert [each.native_id for each in first.tagged] == [GUEST]
    assert [read(each).media[0].position for each in files] == [0, 1, 2]


def test_gallery_dls_zero_likes_may_be_an_unknown_count() -> None:
    assert read(made.gallery(1, SECOND, "602_1_1", likes=0)).metrics.likes is None


def test_gallery_dls_rounded_or_numeric_ids_are_spelt_by_the_shortcode() -> None:
    assert read(made.gallery(1, SECOND, "602_1_1", post_id=int(CAROUSEL))).native_id == CAROUSEL


def test_gallery_dls_still_of_a_video_is_the_same_video() -> None:
    still = made.gallery(2, FIRST, "601_1_1", media_id=FIRST + "p", video_url=made.film("601_1_1"))
    assert media_of(read(still)) == MIXED[1:3]


def test_gallery_dls_stories_are_posts_of_their_own() -> None:
    post = read(made.gallery_story())
    assert (post.native_id, post.flags, post.tells_text) == (CLIP, ("story",), False)


def test_gallery_dls_avatar_and_profile() -> None:
    parsed = INSTAGRAM.parse(made.gallery_avatar())
    (profile,) = parsed.profiles
    assert (parsed.posts, profile.native_id, profile.account) == ((), OWNER, None)
    assert [media.media_key for media in profile.media] == ["111_222_333_n"]
    assert account_of(made.gallery_info()).followers == 108221
