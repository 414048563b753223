"""What the Instagram platform makes of one post, and what of a record lasts."""

from __future__ import annotations

import copy
from datetime import UTC, datetime

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from postkeep.errors import ParseError
from postkeep.model import Alias, Json, Link, Location, Mention, PostFormat, ProfileKind
from postkeep.platforms.instagram.names import number_of, shortcode_of
from tests.platforms import instagram_records as made
from tests.platforms.instagram_records import (
    CAROUSEL,
    GUEST,
    INSTAGRAM,
    MIXED,
    OWNER,
    PHOTO,
    TAKEN,
    media_of,
    read,
)
from tests.suites.platform_suite import PlatformSuite, Sample


class TestInstagram(PlatformSuite):
    name = "instagram"

    @classmethod
    def samples(cls) -> list[Sample]:
        return made.everything()


def test_a_photo_of_the_app() -> None:
    post = read(made.photo())
    code = made.code_of(PHOTO)
    assert (post.native_id, post.urn) == (PHOTO, f"instagram:{PHOTO}")
    assert post.aliases == (Alias("shortcode", code),)
    assert post.url == f"https://www.instagram.com/p/{code}/"
    assert post.posted_at == datetime.fromtimestamp(TAKEN, UTC)
    assert (post.format, post.edited, post.flags) == (PostFormat.IMAGE, True, ("is_paid_partnership",))
    assert post.hashtags == ("köln",)
    assert post.mentions == (Mention("guest.gail", "guest.gail", "https://www.instagram.com/guest.gail/"),)
    assert post.links == (Link("https://shop.example.com/a"),)
    assert post.location == Location("Köln", "213", 50.94, 6.96)
    assert post.author
    assert (post.author.kind, post.author.native_id, post.author.username) == (
        ProfileKind.CREATOR,
        OWNER,
        "paula.paints",
    )
    assert [(each.native_id, each.username) for each in post.tagged] == [(GUEST, "guest.gail")]
    assert [(each.native_id, each.username) for each in post.coauthors] == [(GUEST, "guest.gail")]
    # Whoever made the post is shown, whoever is only named in it is not.
    assert (len(post.author.media), post.tagged[0].media) == (1, ())
    (picture,) = post.media
    assert (picture.media_key, picture.caption) == (PHOTO, "A green wall")
    assert (picture.width, picture.height, picture.rendition_rank) == (720, 960, 720 * 960)
    assert picture.expires_at == datetime.fromtimestamp(0x68CF764C, UTC)
    assert post.tells_media
    assert post.tells_text


def test_all_dialects_give_a_post_one_identity_and_equal_keys() -> None:
    photos = [
        made.photo(),
        {"media": made.photo()},
        made.node(),
        {"graphql": {"shortcode_media": made.node()}},
        {"xdt_shortcode_media": made.node()},
        {"items": [made.photo()], "num_results": 1, "more_available": False, "status": "ok"},
        made.web_page(made.web_node(made.photo())),
        made.instaloader("Post", made.node()),
        made.gallery(1, PHOTO, "400_401_402", post_id=PHOTO, post_shortcode=made.code_of(PHOTO)),
    ]
    assert {(read(each).native_id, *media_of(read(each))) for each in photos} == {(PHOTO, ("own", PHOTO))}
    answer = {"data": {"xdt_shortcode_media": made.sidecar_node()}}
    carousels = [made.carousel(), made.sidecar_node(), answer, made.web_post()]
    for each in carousels:
        assert (read(each).native_id, media_of(read(each))) == (CAROUSEL, MIXED)
        assert read(each).format is PostFormat.CAROUSEL


def test_a_numeric_pk_that_was_rounded_is_not_trusted() -> None:
    record = made.photo()
    assert record["pk"] == 3700000000000000000
    assert read(record).native_id == PHOTO
    # Alone it says nothing; the shortcode still does.
    del record["id"]
    assert read(record).native_id == PHOTO
    del record["code"]
    with pytest.raises(ParseError) as caught:
        INSTAGRAM.parse(record)
    assert caught.value.field == "id"


def test_an_id_rounded_into_a_text_gives_way_to_the_shortcode() -> None:
    record = {**made.photo(), "id": f"3700000000000000000_{OWNER}"}
    assert read(record).native_id == PHOTO


def test_an_id_and_a_shortcode_of_two_posts_are_refused() -> None:
    with pytest.raises(ParseError, match="different posts") as caught:
        INSTAGRAM.parse({**made.photo(), "code": made.code_of(CAROUSEL[:-5] + "99999")})
    assert caught.value.field == "id"


def test_a_private_accounts_longer_shortcode_names_the_same_post() -> None:
    longer = made.code_of(PHOTO) + "x" * 28
    post = read({**made.photo(), "code": longer})
    assert post.native_id == PHOTO
    assert post.aliases == (Alias("shortcode", made.code_of(PHOTO)), Alias("shortcode", longer))
    assert post.url == f"https://www.instagram.com/p/{longer}/"


def test_the_devices_timestamp_is_never_a_date() -> None:
    record = {**made.photo(), "device_timestamp": TAKEN}
    del record["taken_at"]
    with pytest.raises(ParseError) as caught:
        INSTAGRAM.parse(record)
    assert caught.value.field == "taken_at"


def test_the_owner_is_the_author_whoever_shows_the_post() -> None:
    record = {**made.photo(), "user": made.user(GUEST, "guest.gail"), "coauthor_producers": [made.user()]}
    post = read(record)
    assert post.author
    assert post.author.username == "guest.gail"
    assert [each.username for each in post.coauthors] == ["paula.paints"]
    # Among his own co-authors an author is not one.
    assert read({**made.photo(), "coauthor_producers": [made.user()]}).coauthors == ()


def test_without_a_user_the_id_names_the_owner() -> None:
    record = made.photo()
    del record["user"]
    author = read(record).author
    assert author
    assert (author.native_id, author.username) == (OWNER, None)


@pytest.mark.parametrize(("caption", "text", "told"), [(None, "", True), ("Old", "Old", True), (7, None, False)])
def test_captions(caption: Json, text: str | None, told: bool) -> None:
    post = read({**made.photo(), "caption": caption})
    assert (post.text, post.tells_text) == (text, told)


def test_a_record_without_a_caption_does_not_tell_the_text() -> None:
    record = made.photo()
    del record["caption"]
    assert (read(record).text, read(record).tells_text) == (None, False)
    empty = {**made.node(), "edge_media_to_caption": {"edges": []}}
    assert (read(empty).text, read(empty).tells_text) == ("", True)


@settings(max_examples=100, deadline=None)
@given(st.integers(1, 2**63 - 1))
def test_a_shortcode_spells_its_number(number: int) -> None:
    assert shortcode_of(str(number)) == made.code_of(str(number))
    assert number_of(shortcode_of(str(number))) == str(number)


def test_counts_by_their_own_names_and_zero_is_one() -> None:
    metrics = read(made.photo()).metrics
    assert metrics.detail == {"like_count": 10, "comment_count": 0, "reshare_count": 3}
    assert (metrics.likes, metrics.reactions, metrics.comments, metrics.shares) == (10, 10, 0, 3)
    assert (metrics.reposts, metrics.views, metrics.saves, metrics.hidden) == (None, None, None, False)


def test_missing_and_null_counts_are_unknown() -> None:
    record = made.carousel()
    del record["comment_count"]
    metrics = read(record).metrics
    assert (metrics.likes, metrics.comments, metrics.detail) == (None, None, {})


@pytest.mark.parametrize(
    ("counts", "views"),
    [
        ({"play_count": 0, "ig_play_count": 5}, 0),
        ({"play_count": None, "ig_play_count": 5}, 5),
        ({"video_view_count": 4, "view_count": 3}, 4),
        ({"view_count": 3}, 3),
        ({"play_count": "12"}, None),
    ],
)
def test_the_first_views_that_are_known(counts: dict[str, Json], views: int | None) -> None:
    record = made.clip()
    del record["play_count"], record["ig_play_count"]
    assert read({**record, **counts}).metrics.views == views


def test_hidden_likes_and_views_are_no_observation() -> None:
    post = read({**made.clip(), "like_and_view_counts_disabled": True})
    assert post.flags == ("like_and_view_counts_disabled",)
    assert post.metrics.hidden
    assert (post.metrics.likes, post.metrics.reactions, post.metrics.views) == (None, None, None)
    assert (post.metrics.comments, post.metrics.detail) == (35, {"comment_count": 35})


def test_a_nodes_likes_are_those_of_the_preview() -> None:
    record = made.node()
    assert read(record).metrics.likes == 1382
    assert read(record).metrics.detail["edge_liked_by"] == 1294
    del record["edge_media_preview_like"]
    assert read(record).metrics.likes == 1294


def test_likes_of_minus_one_are_hidden_ones() -> None:
    metrics = read({**made.node(), "edge_media_preview_like": {"count": -1}}).metrics
    assert (metrics.hidden, metrics.likes, metrics.comments) == (True, None, 38)


def test_the_wrappers_fields_fill_gaps_and_never_override() -> None:
    (post,) = INSTAGRAM.parse(made.reels_page()).posts
    assert (post.metrics.likes, post.metrics.detail["view_count"]) == (948, 77)
    inner = made.clip()
    inner["play_count"] = None
    del inner["ig_play_count"]
    assert read({"media": inner, "play_count": 5}).metrics.views == 5


def signed_again(record: Json) -> Json:
    """The record as it comes an hour later: other servers, signatures, cursors and tokens."""
    if isinstance(record, dict):
        fresh = {key: signed_again(value) for key, value in record.items()}
        for name in ("attempts", "next_max_id", "organic_tracking_token", "lynx_url"):
            if name in fresh:
                fresh[name] = "other"
        return fresh
    if isinstance(record, list):
        return [signed_again(each) for each in record]
    if isinstance(record, str):
        changed = record.replace("scontent-aaa1-1", "scontent-zzz9-9").replace("oe=68C", "oe=69C")
        return changed.replace("oh=00_", "oh=01_")
    return record


@pytest.mark.parametrize("record", [shape for shape, _ in made.everything()])
def test_a_record_that_is_only_signed_again_is_the_same(record: Json) -> None:
    again = signed_again(record)
    assert again != record
    assert INSTAGRAM.canonical(again) == INSTAGRAM.canonical(record)
    assert INSTAGRAM.parse(again).contents == INSTAGRAM.parse(record).contents


def test_a_like_changes_one_post_and_not_its_neighbours() -> None:
    record = made.feed_page()
    more = copy.deepcopy(record)
    more["items"][0]["like_count"] += 1
    assert INSTAGRAM.canonical(more) != INSTAGRAM.canonical(record)
    before, after = INSTAGRAM.parse(record).contents, INSTAGRAM.parse(more).contents
    assert [one == other for one, other in zip(before, after, strict=True)] == [False, True, True]


def test_words_behind_an_address_last() -> None:
    one, other = made.photo(), made.photo()
    one["caption"]["text"] = made.picture("1") + " one"
    other["caption"]["text"] = made.picture("1") + " other"
    assert INSTAGRAM.canonical(one) != INSTAGRAM.canonical(other)


def test_a_record_nested_too_deeply_is_refused() -> None:
    deep: Json = []
    for _ in range(100_000):
        deep = [deep]
    with pytest.raises(ParseError):
        INSTAGRAM.canonical({**made.photo(), "preview": deep})


def test_unknown_keys_inside_are_told_by_their_path() -> None:
    record = made.feed_page()
    record["items"][0]["hologram"] = 1
    record["items"][2]["carousel_media"][0]["scent"] = 1
    assert INSTAGRAM.parse(record).unknown_keys == ("items.carousel_media.scent", "items.hologram")
    profile = made.profile()
    profile["edge_owner_to_timeline_media"]["edges"][0]["node"]["scent"] = 1
    assert INSTAGRAM.parse(profile).unknown_keys == ("edge_owner_to_timeline_media.scent",)
