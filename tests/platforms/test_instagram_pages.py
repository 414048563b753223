"""Pages and profiles: the posts of a list, whose list it is, and what a profile tells of itself."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest

from postkeep.errors import ParseError
from postkeep.model import BioLink, Post, ProfileKind
from tests.platforms import instagram_records as made
from tests.platforms.instagram_records import (
    CAROUSEL,
    CLIP,
    GUEST,
    INSTAGRAM,
    OWNER,
    PHOTO,
    account_of,
    media_of,
    read,
)


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


def test_a_page_of_a_timeline_belongs_to_whoever_made_its_posts() -> None:
    parsed = INSTAGRAM.parse(made.timeline_page())
    assert parsed.listing
    assert (parsed.listing.kind, parsed.listing.complete) == ("timeline", False)
    assert parsed.listing.owner
    assert (parsed.listing.owner.native_id, parsed.listing.owner.account) == (OWNER, None)


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


def test_what_the_website_lists_is_what_the_app_lists() -> None:
    app, web = INSTAGRAM.parse(made.feed_page()), INSTAGRAM.parse(made.web_feed_page())
    assert web.posts == app.posts
    assert web.profiles == app.profiles
    assert (web.shape, web.unknown_keys, len(web.contents)) == ("web", (), 3)
    assert app.listing
    assert web.listing == replace(app.listing, complete=False)
    assert web.via is web.listing.owner
    assert INSTAGRAM.parse(made.web_feed_page()["data"]) == web
    ended = INSTAGRAM.parse(made.web_page(made.web_node(made.photo()), more=False)).listing
    assert ended
    assert ended.complete


def test_the_websites_reels_are_a_list_with_its_own_pins() -> None:
    parsed = INSTAGRAM.parse(made.web_reels_page())
    assert [post.native_id for post in parsed.posts] == [CLIP]
    assert parsed.listing
    assert (parsed.listing.kind, parsed.listing.complete) == ("reels", True)
    assert [each.pinned for each in parsed.listing.entries] == [True]


def test_a_list_of_the_website_that_is_nobodys_own_tells_posts_alone() -> None:
    shown = made.web_page(made.web_node(made.photo()), name=made.TAGGED, more=False)
    for record in (shown, made.web_post(), {"data": {made.LOOKED_UP: {"items": [made.photo()]}}}):
        parsed = INSTAGRAM.parse(record)
        assert (len(parsed.posts), parsed.listing, parsed.via) == (1, None, None)
    seen = INSTAGRAM.parse(shown, "Guest.Gail")
    assert seen.via
    assert (seen.listing, seen.via.username) == (None, "guest.gail")


def test_an_empty_list_of_the_website_is_no_list() -> None:
    parsed = INSTAGRAM.parse(made.web_page())
    assert (parsed.posts, parsed.listing) == ((), None)
    assert not INSTAGRAM.recognises(made.web_page(name=made.TAGGED))
    assert not INSTAGRAM.recognises({"data": {made.TIMELINE: None, "xdt_shortcode_media": None}})


def test_one_bad_post_of_the_website_leaves_the_others_and_is_told() -> None:
    bad = made.web_node(made.clip())
    del bad["taken_at"]
    parsed = INSTAGRAM.parse(made.web_page(made.web_node(made.photo()), bad, None))
    assert [post.native_id for post in parsed.posts] == [PHOTO]
    assert parsed.listing is None
    assert parsed.unknown_keys == ("items.post=unusable", "items.taken_at=unusable")
    assert [(each.field, json.loads(each.body)) for each in parsed.refused] == [("taken_at", bad), (None, None)]
    with pytest.raises(ParseError) as caught:
        INSTAGRAM.parse(made.web_page(bad))
    assert caught.value.field == "taken_at"


def test_the_clip_in_three_lists_is_one_post_and_seventeen_are_distinct() -> None:
    lists = [INSTAGRAM.parse(made.sample(file)).posts for file in (made.PROFILE, made.REELS, made.FEED)]
    seen = [post for posts in lists for post in posts if ("shortcode", "DOqjISDarhB") in _names(post)]
    assert [post.metrics.likes for post in seen] == [937, 948, 941]
    assert len({(post.native_id, *media_of(post)) for post in seen}) == 1
    assert len({post.native_id for posts in lists[1:] for post in posts}) == 17


def _names(post: Post) -> list[tuple[str, str]]:
    return [(alias.kind, alias.value) for alias in post.aliases]
