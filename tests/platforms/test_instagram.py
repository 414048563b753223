"""What the Instagram platform makes of each shape and of each trap, exactly."""

from __future__ import annotations

import copy
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from postkeep.errors import ParseError, UnknownShape
from postkeep.model import Alias, BioLink, Json, Link, Location, Mention, Parsed, Post, PostFormat, ProfileKind
from postkeep.platforms import load_platform
from postkeep.platforms.instagram.names import number_of, shortcode_of
from tests.platforms import instagram_records as made
from tests.platforms.instagram_records import CAROUSEL, CLIP, FIRST, GUEST, OWNER, PHOTO, SECOND, TAKEN, THIRD
from tests.suites.platform_suite import PlatformSuite, Sample

INSTAGRAM = load_platform("instagram")


class TestInstagram(PlatformSuite):
    name = "instagram"

    @classmethod
    def samples(cls) -> list[Sample]:
        return made.everything()


def read(record: Json) -> Post:
    (post,) = INSTAGRAM.parse(record).posts
    return post


def media_of(post: Post) -> list[tuple[str, str]]:
    return [(media.role, media.media_key) for media in post.media]


MIXED = [
    ("own", SECOND),
    ("own", FIRST),
    ("thumbnail", "601_1_1_n"),
    ("own", THIRD),
]


# --- one post ---


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
        made.instaloader("Post", made.node()),
        made.gallery(1, PHOTO, "400_401_402", post_id=PHOTO, post_shortcode=made.code_of(PHOTO)),
    ]
    assert {(read(each).native_id, *media_of(read(each))) for each in photos} == {(PHOTO, ("own", PHOTO))}
    carousels = [made.carousel(), made.sidecar_node(), {"data": {"xdt_shortcode_media": made.sidecar_node()}}]
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


# --- media ---


def test_of_equal_videos_the_one_of_the_larger_bandwidth_is_taken() -> None:
    film, still = read(made.clip()).media
    assert film.url == made.film("Clip", "720b")
    assert (film.role, film.media_key, film.rendition) == ("own", CLIP, "video-720x1280")
    assert (still.role, still.media_key, still.rendition) == ("thumbnail", "500_501_502_n", "image-720x960")


@settings(max_examples=100, deadline=None)
@given(st.lists(st.tuples(st.integers(1, 4000), st.integers(1, 4000)), min_size=1, max_size=6))
def test_quality_does_not_stand_in_order(sizes: list[tuple[int, int]]) -> None:
    record = made.photo()
    record["image_versions2"]["candidates"] = [
        {"url": made.picture("400_401_402"), "width": width, "height": height} for width, height in sizes
    ]
    assert read(record).media[0].rendition_rank == max(width * height for width, height in sizes)


def test_one_file_under_another_server_path_and_signature_is_one_thumbnail() -> None:
    record = made.clip()
    before = read(record).media[1].media_key
    moved = made.picture("500_501_502", server="https://x.fbcdn.net", signature="zz").replace(
        "t51.2885", "t51.71878"
    )
    record["image_versions2"]["candidates"] = [{"url": moved, "width": 480, "height": 852}]
    assert read(record).media[1].media_key == before


def test_without_candidates_a_clip_takes_its_first_frame_and_a_photo_tells_nothing() -> None:
    frame = {"url": made.picture("900_1_1"), "width": 480, "height": 852}
    empty = {"candidates": [], "additional_candidates": {"first_frame": frame, "smart_frame": None}}
    assert media_of(read({**made.clip(), "image_versions2": empty})) == [("own", CLIP), ("thumbnail", "900_1_1_n")]
    parsed = INSTAGRAM.parse({**made.photo(), "image_versions2": {"candidates": []}})
    assert (parsed.posts[0].media, parsed.posts[0].tells_media) == ((), False)
    assert parsed.unknown_keys == ("image_versions2=absent",)


def test_a_carousel_that_shows_less_than_it_says_does_not_tell_its_media() -> None:
    assert read(made.carousel()).tells_media
    assert not read({**made.carousel(), "carousel_media_count": 4}).tells_media
    assert not read({**made.carousel(), "carousel_media": []}).tells_media
    short = made.sidecar_node()
    del short["edge_sidecar_to_children"]
    assert not read(short).tells_media
    assert not read({**made.node(), "is_video": True}).tells_media


@pytest.mark.parametrize("url", ["ftp://a.example.com/b", "https://", 7, "https://a.example.com/" + "x" * 4000])
def test_an_unusable_url_is_told_and_nothing_is_taken_for_absent(url: Json) -> None:
    record = made.photo()
    record["image_versions2"]["candidates"] = [{"url": url, "width": 1, "height": 1}]
    parsed = INSTAGRAM.parse(record)
    assert "media.url=unusable" in parsed.unknown_keys
    assert (parsed.posts[0].media, parsed.posts[0].tells_media) == ((), False)


def test_media_are_bounded() -> None:
    parsed = INSTAGRAM.parse({**made.carousel(), "carousel_media": made.carousel()["carousel_media"][:1] * 1001})
    assert len(parsed.posts[0].media) == 1000
    assert parsed.unknown_keys == ("media=too_many",)


# --- counts ---


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


# --- lists ---


def test_a_feed_page() -> None:
    parsed = INSTAGRAM.parse(made.feed_page())
    assert [post.native_id for post in parsed.posts] == [PHOTO, CLIP, CAROUSEL]
    listing = parsed.listing
    assert listing
    assert (listing.kind, listing.complete, listing.page) == ("feed", True, None)
    assert [(each.native_id, each.position, each.pinned) for each in listing.entries] == [
        (PHOTO, 0, True),
        (CLIP, 1, False),
        (CAROUSEL, 2, False),
    ]
    assert listing.owner
    assert listing.owner.username == "paula.paints"
    assert parsed.via is listing.owner
    assert len(parsed.contents) == 3


def test_a_reels_page_has_its_own_pins() -> None:
    record = made.reels_page()
    record["items"][0]["media"]["clips_tab_pinned_user_ids"] = [int(OWNER)]
    listing = INSTAGRAM.parse(record).listing
    assert listing
    assert (listing.kind, listing.complete, listing.entries[0].pinned) == ("reels", False, True)


def test_an_empty_page_is_no_list() -> None:
    for record in ({"items": [], "more_available": False}, {"items": [], "paging_info": {}, "status": "ok"}):
        parsed = INSTAGRAM.parse(record)
        assert (parsed.posts, parsed.listing, parsed.contents) == ((), None, ())


def test_one_bad_post_leaves_the_others_and_the_page_is_no_list_then() -> None:
    record = made.feed_page()
    del record["items"][1]["taken_at"]
    parsed = INSTAGRAM.parse(record)
    assert [post.native_id for post in parsed.posts] == [PHOTO, CAROUSEL]
    assert (parsed.listing, parsed.unknown_keys) == (None, ("items.taken_at=unusable",))
    for each in record["items"]:
        each.pop("taken_at", None)
    with pytest.raises(ParseError):
        INSTAGRAM.parse(record)


def test_a_post_that_stands_in_a_page_twice_is_one() -> None:
    record = made.feed_page()
    record["items"].append(made.photo())
    parsed = INSTAGRAM.parse(record)
    assert [post.native_id for post in parsed.posts] == [PHOTO, CLIP, CAROUSEL]


def test_a_post_that_was_looked_up_is_no_list() -> None:
    parsed = INSTAGRAM.parse({"items": [made.photo()], "num_results": 1, "more_available": False, "status": "ok"})
    assert (len(parsed.posts), parsed.listing) == (1, None)


def test_the_list_belongs_to_whoever_took_part_in_all_of_it() -> None:
    record = made.feed_page()
    record["items"][0] = {
        **made.photo(),
        "user": made.user(GUEST, "guest.gail"),
        "coauthor_producers": [made.user()],
    }
    listing = INSTAGRAM.parse(record).listing
    assert listing
    assert listing.owner
    assert listing.owner.username == "paula.paints"


# --- profiles ---


def test_a_profile_answer() -> None:
    parsed = INSTAGRAM.parse(made.profile())
    profile = parsed.profiles[0]
    assert (profile.kind, profile.native_id, profile.username, profile.name) == (
        *(ProfileKind.CREATOR, OWNER, "paula.paints", "Paula"),
    )
    account = profile.account
    assert account
    assert (account.followers, account.following, account.posts) == (108221, 0, 34)
    assert (account.biography, account.external_url) == ("Walls", "https://x.com/paula")
    assert account.links == (BioLink("https://linktr.ee/paula", "Shop", "linktree"),)
    assert (account.category, account.is_verified, account.is_private) == ("Artist", True, False)
    assert (account.is_business, account.is_professional) == (False, True)
    assert account.facts == {"highlight_reel_count": 3, "eimu_id": "17341022930532879"}
    (avatar,) = profile.media
    assert (avatar.role, avatar.media_key, avatar.rendition) == ("avatar", "111_222_333_n", "image-320x320")
    assert [post.native_id for post in parsed.posts] == [PHOTO, CAROUSEL]
    assert all(post.author is profile for post in parsed.posts)
    assert parsed.listing
    assert (parsed.listing.kind, parsed.listing.complete, parsed.listing.owner) == ("timeline", False, profile)
    assert [each.pinned for each in parsed.listing.entries] == [True, False]
    assert read(made.node()).flags == ("comments_disabled",)


def account_of(record: Json) -> Any:
    return INSTAGRAM.parse(record).profiles[0].account


@pytest.mark.parametrize(
    ("edge", "field"),
    [("edge_followed_by", "followers"), ("edge_follow", "following"), ("edge_owner_to_timeline_media", "posts")],
)
def test_a_missing_edge_is_unknown_and_not_zero(edge: str, field: str) -> None:
    record = made.profile()
    del record[edge]
    assert getattr(account_of(record), field) is None
    assert getattr(account_of({**record, edge: None}), field) is None
    assert getattr(account_of({**record, edge: {"count": 0}}), field) == 0


def test_what_a_profile_took_away_is_a_fact() -> None:
    account = account_of({**made.profile(), "external_url": None, "bio_links": [], "biography": ""})
    assert (account.external_url, account.links, account.biography) == ("", (), "")
    record = made.profile()
    del record["external_url"], record["bio_links"], record["biography"]
    account = account_of(record)
    assert (account.external_url, account.links, account.biography) == (None, None, None)


def test_an_answer_that_says_it_failed_is_refused() -> None:
    with pytest.raises(ParseError) as caught:
        INSTAGRAM.parse({**made.profile(), "status": False})
    assert caught.value.field == "status"


def test_a_timeline_is_complete_only_when_it_says_so() -> None:
    listing = INSTAGRAM.parse(made.graphql_profile()).listing
    assert listing
    assert listing.complete


def test_a_profile_of_which_no_post_can_be_read_still_tells_of_itself() -> None:
    record = made.profile()
    for edge in record["edge_owner_to_timeline_media"]["edges"]:
        del edge["node"]["taken_at_timestamp"]
    parsed = INSTAGRAM.parse(record)
    assert (parsed.posts, parsed.listing) == ((), None)
    assert parsed.profiles[0].account


def test_a_profile_of_the_app() -> None:
    account = account_of(made.app_profile())
    assert (account.followers, account.following, account.posts, account.biography) == (5, 6, 7, "")
    assert INSTAGRAM.parse(made.app_profile()).profiles[0].media[0].rendition == "image-1080x1080"


def test_an_anonymous_picture_is_none() -> None:
    record = made.app_profile()
    record["user"]["has_anonymous_profile_picture"] = True
    assert INSTAGRAM.parse(record).profiles[0].media == ()


# --- what others wrote ---


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


# --- what lasts ---


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


# --- the sample files ---


def listed(parsed: Parsed) -> list[dict[str, Any]]:
    return [
        {
            "code": post.aliases[0].value,
            "id": post.native_id,
            "format": post.format,
            "likes": post.metrics.likes,
            "comments": post.metrics.comments,
            "views": post.metrics.views,
            "shares": post.metrics.shares,
            "reposts": post.metrics.reposts,
            "assets": [f"{media.role} {media.media_key}" for media in post.media],
        }
        for post in parsed.posts
    ]


@pytest.mark.parametrize(
    ("file", "kind"), [(made.PROFILE, "timeline"), (made.REELS, "reels"), (made.FEED, "feed")]
)
def test_the_sample_files_hold_what_was_written_down(file: str, kind: str) -> None:
    parsed = INSTAGRAM.parse(made.sample(file))
    assert listed(parsed) == made.expected()[kind]
    assert parsed.listing
    assert (parsed.listing.kind, parsed.listing.complete) == (kind, False)
    assert [each.pinned for each in parsed.listing.entries] == [
        kind == "reels" and position == 0 for position in range(len(parsed.posts))
    ]
    assert parsed.unknown_keys == ()
    assert all(post.tells_media and post.tells_text for post in parsed.posts)
    assert {post.author.native_id for post in parsed.posts if post.author} == {"76445488180"}


def test_the_clip_in_three_lists_is_one_post_and_seventeen_are_distinct() -> None:
    lists = [INSTAGRAM.parse(made.sample(file)).posts for file in (made.PROFILE, made.REELS, made.FEED)]
    seen = [post for posts in lists for post in posts if ("shortcode", "DOqjISDarhB") in _names(post)]
    assert [post.metrics.likes for post in seen] == [937, 948, 941]
    assert len({(post.native_id, *media_of(post)) for post in seen}) == 1
    assert len({post.native_id for posts in lists[1:] for post in posts}) == 17


def _names(post: Post) -> list[tuple[str, str]]:
    return [(alias.kind, alias.value) for alias in post.aliases]
