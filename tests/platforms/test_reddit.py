"""What the Reddit platform makes of each shape and variant, exactly."""

from __future__ import annotations

import copy
import json
import re
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from postkeep.errors import ParseError, UnknownShape
from postkeep.model import (
    Alias,
    Json,
    Link,
    Listed,
    MediaType,
    Mention,
    Parsed,
    Post,
    PostFormat,
    PostKind,
    Presence,
    ProfileKind,
    Role,
)
from postkeep.platforms import load_platform
from tests.platforms import reddit_records as records
from tests.platforms.reddit_records import CREATED, comment, escaped, listing, thing
from tests.suites.platform_suite import SEEDED, PlatformSuite, Sample, check

REDDIT = load_platform("reddit")


class TestReddit(PlatformSuite):
    name = "reddit"

    @classmethod
    def samples(cls) -> list[Sample]:
        return [*records.everything(), *records.pages()]


def read(content: dict[str, Any]) -> Post:
    (post,) = REDDIT.parse(thing(content)).posts
    return post


def assets(post: Post) -> list[str]:
    return [f"{ref.role}:{ref.media_key}" for ref in post.media]


# --- the sample file ---------------------------------------------------------------------------


def test_nothing_of_the_sample_is_kept_under_a_signature() -> None:
    for post in REDDIT.parse(records.sample()).posts:
        for ref in post.media:
            assert re.fullmatch(r"[A-Za-z0-9_-]+", ref.media_key)
            if ref.role in (Role.OWN, Role.AUDIO_TRACK):
                assert re.fullmatch(r"https://[iv]\.redd\.it/[\w./]+(\?source=fallback)?", ref.url)


def test_the_sample_reads_the_same_escaped() -> None:
    raw, other = REDDIT.parse(records.sample()), REDDIT.parse(escaped(records.sample()))
    assert other == raw


# --- identity, words, numbers ------------------------------------------------------------------


def test_a_post_is_named_by_its_id_and_tells_who_and_where() -> None:
    post = read(records.post("link01", name=...))
    assert (post.native_id, post.urn) == ("link01", "t3_link01")
    assert post.aliases == (Alias("t3", "link01"),)
    assert post.posted_at == datetime.fromtimestamp(CREATED, UTC)
    assert post.url == "https://www.reddit.com/r/pottery/comments/link01/title_of_link01/"
    assert post.author
    assert (post.author.kind, post.author.native_id, post.author.username) == (
        *(ProfileKind.REDDITOR, "t2_jane01", "jane_potter"),
    )
    assert post.community
    assert (post.community.kind, post.community.native_id, post.community.username) == (
        *(ProfileKind.SUBREDDIT, "t5_pots1", "pottery"),
    )


def test_an_author_without_a_full_name_is_known_by_the_username() -> None:
    post = read(records.post("link01", author_fullname=...))
    assert post.author
    assert (post.author.native_id, post.author.username) == (None, "jane_potter")
    assert read(records.post("link01", author="[deleted]", author_fullname=...)).author is None


@pytest.mark.parametrize(
    ("changed", "field"),
    [
        ({"id": "a b", "name": ...}, "id"),
        ({"id": 7, "name": "t1_abc"}, "id"),
        ({"created_utc": None}, "created_utc"),
        ({"created_utc": True}, "created_utc"),
    ],
)
def test_what_cannot_be_identified_or_dated_is_refused(changed: dict[str, Any], field: str) -> None:
    with pytest.raises(ParseError) as caught:
        REDDIT.parse(thing(records.post("link01", **changed)))
    assert caught.value.field == field


def test_text_is_title_and_body() -> None:
    post = read(records.text_post())
    assert post.title == "Title of text01"
    assert post.text == (
        "Title of text01\n\nAsk u/kiln\\_master & co: [glazes](https://glaze.example.com/a_(b)), #wheel"
    )
    assert post.hashtags == ("wheel",)
    assert post.mentions == (Mention("kiln_master", "kiln_master", "https://www.reddit.com/user/kiln_master/"),)
    assert post.links == (Link("https://glaze.example.com/a_(b)"),)
    assert read(records.post("link01")).text == "Title of link01"


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("u/jane_p and /u/Omar-C, again U/x u/JANE_P", ["jane_p", "Omar-C"]),
        ("https://www.reddit.com/u/jane_p/ menu/jane_p r/u/jane_p", []),
        ("(u/jane_p) u/ab u/way/there", ["jane_p"]),
    ],
)
def test_users_are_mentioned_with_their_prefix(text: str, names: list[str]) -> None:
    assert [mention.name for mention in read(records.text_post(selftext=text)).mentions] == names


def test_links_do_not_run_into_their_brackets() -> None:
    text = "[https://a.example.com/x](https://a.example.com/x). See [b](https://b.example.com/y\\_z),or https://c.example.com"
    found = [link.url for link in read(records.text_post(selftext=text)).links]
    assert found == ["https://a.example.com/x", "https://b.example.com/y_z", "https://c.example.com"]


def test_numbers_keep_their_own_names() -> None:
    metrics = read(records.post("link01")).metrics
    assert (metrics.reactions, metrics.comments, metrics.reposts) == (120, 14, 2)
    assert (metrics.likes, metrics.views, metrics.hidden) == (None, None, False)
    assert metrics.detail == {
        **{"score": 120, "ups": 120, "num_comments": 14, "num_crossposts": 2, "gilded": 0},
        **{"total_awards_received": 1, "upvote_ratio_percent": 97, "gildings.gid_1": 1},
    }


@pytest.mark.parametrize("name", ["hide_score", "score_hidden"])
def test_a_hidden_score_is_unknown(name: str) -> None:
    metrics = read(records.post("link01", **{name: True})).metrics
    assert (metrics.hidden, metrics.reactions, metrics.comments) == (True, None, 14)
    assert not metrics.detail.keys() & {"score", "ups", "upvote_ratio_percent"}


def test_unknown_numbers_are_not_zero() -> None:
    metrics = read(records.post("link01", score=None, num_comments="7", num_crossposts=..., gildings=None)).metrics
    assert (metrics.reactions, metrics.comments, metrics.reposts) == (None, None, None)
    assert "score" not in metrics.detail


@pytest.mark.parametrize(
    ("stated", "edited"), [(False, False), (1_760_000_100.0, True), (True, True), (None, None)]
)
def test_edited_is_false_or_a_time(stated: Json, edited: bool | None) -> None:
    assert read(records.post("link01", edited=stated)).edited is edited


def test_flags_are_reddits_own_words() -> None:
    post = read(records.post("link01", over_18=True, stickied=True, spoiler=False, distinguished="moderator"))
    assert post.flags == ("distinguished", "over_18", "stickied")


# --- what is gone ------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("content", "presence"),
    [
        (records.removed_post(), Presence.REMOVED),
        (records.removed_post(category="deleted"), Presence.DELETED),
        (records.removed_post(category="copyright_takedown"), Presence.REMOVED),
        (records.deleted_post(), Presence.DELETED),
        (records.deleted_post(removed_by_category=None), Presence.DELETED),
        (records.text_post(selftext="[removed]"), Presence.REMOVED),
        (records.text_post(selftext="[deleted]"), Presence.DELETED),
        (records.image_post(title="[ Removed by Reddit ]"), Presence.REMOVED),
        (records.text_post(subreddit_type="private"), Presence.PRIVATE),
    ],
)
def test_what_is_gone_is_kept_as_such_and_takes_nothing_away(content: Json, presence: Presence) -> None:
    post = read(content)
    assert (post.presence, post.tells_media, post.tells_text) == (presence, False, False)
    assert not re.search(r"(?i)\[ ?(removed|deleted)", f"{post.title} {post.text}")


def test_who_left_reddit_may_have_left_the_post() -> None:
    post = read(records.text_post(author="[deleted]", author_fullname=...))
    assert (post.author, post.presence, post.tells_text) == (None, Presence.THERE, True)


def test_a_removed_post_keeps_its_title() -> None:
    post = read(records.removed_post())
    assert (post.title, post.text) == ("Title of remov1", "Title of remov1")


# --- lists -------------------------------------------------------------------------------------


def test_a_list_tells_places_and_pins_and_each_posts_own_bytes() -> None:
    pinned = records.text_post(stickied=True)
    parsed = REDDIT.parse(listing(pinned, records.image_post(), records.video_post(), after="t3_video1"))
    assert parsed.listing
    assert parsed.listing.entries == (Listed("text01", 0, True), Listed("image1", 1), Listed("video1", 2))
    assert not parsed.listing.complete
    assert len(set(parsed.contents)) == 3
    # A neighbour's change, and the next page's name, are not this post's.
    other = REDDIT.parse(listing(pinned, records.image_post(score=7), records.video_post(), after=None))
    assert other.listing
    assert other.listing.complete
    assert [a == b for a, b in zip(parsed.contents, other.contents, strict=True)] == [True, False, True]


def test_other_things_in_a_list_are_left_out_and_counted() -> None:
    page = listing(comment(), records.text_post(), records.community(), thing({}, "more"))
    parsed = REDDIT.parse(page)
    check(parsed)
    assert [post.native_id for post in parsed.posts] == ["text01"]
    assert parsed.unknown_keys == (*("data.children.kind=more", "data.children.kind=t1", "data.children.kind=t5"),)


def test_one_bad_submission_does_not_cost_its_neighbours() -> None:
    page = listing(records.post("link01", created_utc=None), records.text_post(), records.text_post())
    parsed = REDDIT.parse(page)
    check(parsed)
    assert [post.native_id for post in parsed.posts] == ["text01"]
    assert parsed.unknown_keys == ("data.children=unreadable",)
    for bad in (records.post("link01", created_utc=None), {"kind": "t3"}, thing(None)):
        with pytest.raises(ParseError):
            REDDIT.parse(listing(bad))


def test_both_pages_of_a_submissions_comments_are_read() -> None:
    head = REDDIT.parse(listing(records.text_post(num_duplicates=3)))
    assert (len(head.posts), head.listing, head.shape) == (1, None, "submission")
    assert head.posts[0].metrics.detail["num_duplicates"] == 3
    for page in (listing(comment()), listing()):
        assert REDDIT.recognises(page)
        parsed = REDDIT.parse(page)
        check(parsed)
        assert (parsed.posts, parsed.profiles, parsed.listing, parsed.contents) == ((), (), None, ())


def submitted(*contents: dict[str, Any], via: str | None = None) -> tuple[str, str | None]:
    found = REDDIT.parse(listing(*contents), via).listing
    assert found
    return found.kind, found.owner.username if found.owner else None


def test_what_one_user_submitted_is_told_from_other_lists() -> None:
    first = records.image_post(created_utc=CREATED + 5)
    second = records.text_post(subreddit="kilns", subreddit_id="t5_kiln1")
    assert submitted(first, second) == ("submitted", "jane_potter")
    # A pinned one stands before newer ones.
    assert (
        submitted(records.post("old001", pinned=True, created_utc=CREATED - 999), first, second)[0] == "submitted"
    )
    # The best of a user skips what lies between; one community's list may be anybody's; comments lie between.
    assert submitted(second, first) == ("listing", None)
    assert submitted(first, records.text_post()) == ("listing", None)
    assert submitted(first, records.text_post(), via="Jane_Potter") == ("submitted", "jane_potter")
    assert submitted(first, {**second, "author": "omar", "author_fullname": "t2_o"}) == ("listing", None)
    assert submitted(first, comment(), second) == ("listing", None)


def test_via_is_somebody_who_was_seen() -> None:
    page = listing(records.text_post())
    assert [REDDIT.parse(page, via).via is not None for via in ("POTTERY", "jane_potter", "nobody", None)] == [
        *(True, True, False, False),
    ]


# --- shapes ------------------------------------------------------------------------------------


def test_all_shapes_of_a_submission_say_the_same() -> None:
    content = records.gallery_post()
    shapes: list[Parsed] = [
        REDDIT.parse(record)
        for record in (
            *(thing(content), content, listing(content), records.sidecar(content), records.sidecar(content, 2)),
            *(escaped(thing(content)), escaped(listing(content))),
        )
    ]
    assert {parsed.posts == shapes[0].posts for parsed in shapes} == {True}
    assert {parsed.contents for parsed in shapes} == {shapes[0].contents}
    assert [parsed.shape for parsed in shapes[:4]] == ["submission", "submission", "listing", "gallery-dl"]


def test_sidecars_of_comments_alone_hold_no_post() -> None:
    record = records.sidecar({**comment()["data"]}, subcategory="user")
    assert REDDIT.recognises(record)
    assert REDDIT.parse(record).posts == ()
    of_comment = records.sidecar(records.text_post(), comment=comment()["data"])
    assert [post.native_id for post in REDDIT.parse(of_comment).posts] == ["text01"]


@pytest.mark.parametrize(
    "stranger",
    [
        records.sidecar(records.post("link01"), category="instagram"),
        {"category": "reddit", "subcategory": "image", "filename": "a", "extension": "jpg"},
        {"kind": "Listing", "data": {"children": None}},
        {"kind": "youtube#video", "data": {}},
        {"message": "Forbidden", "reason": "private", "error": 403},
        comment(),
        comment()["data"],
    ],
)
def test_strangers_that_look_like_it_are_left_alone(stranger: Json) -> None:
    assert not REDDIT.recognises(stranger)
    with pytest.raises(UnknownShape):
        REDDIT.parse(stranger)


# --- crossposts --------------------------------------------------------------------------------


def test_a_crosspost_shows_its_parents_media_as_reshared() -> None:
    parsed = REDDIT.parse(thing(records.crosspost()))
    (post,) = parsed.posts
    assert (post.kind, post.format) == (PostKind.QUOTE, PostFormat.CAROUSEL)
    assert assets(post) == ["reshared:vase0000000cc", "reshared:vase0000000aa"]
    assert post.original
    assert post.original.refs == (Alias("t3", "parent"),)
    assert post.original.author
    assert post.original.author.username == "omar_clay"
    assert post.original.text == "Title of parent"
    assert post.original.url == "https://www.reddit.com/r/pottery/comments/parent/title_of_parent/"
    assert post.original.posted_at == datetime.fromtimestamp(CREATED, UTC)
    assert post.author
    assert post.author.username == "jane_potter"
    assert post.tells_media


def test_a_crossposted_video_is_reshared_with_sound_and_poster() -> None:
    post = read(records.crosspost(parent=records.video_post("parent")))
    assert [ref.role for ref in post.media] == [Role.RESHARED, Role.AUDIO_TRACK, Role.RESHARED_THUMBNAIL]
    text = read(records.crosspost(parent=records.text_post("parent")))
    assert (text.media, text.links, text.format) == ((), (), PostFormat.TEXT)


def test_a_crosspost_of_what_is_gone_takes_nothing_away() -> None:
    lost = read(records.crosspost(crosspost_parent_list=[]))
    assert (lost.kind, lost.tells_media) == (PostKind.QUOTE, False)
    assert lost.original
    assert (lost.original.refs, lost.original.author) == ((Alias("t3", "parent"),), None)
    removed = read(records.crosspost(parent=records.removed_post("parent")))
    assert (removed.presence, removed.tells_media) == (Presence.THERE, False)


# --- what lasts --------------------------------------------------------------------------------


def test_only_what_rotates_or_is_the_viewers_does_not_count() -> None:
    for content in records.posts():
        other = copy.deepcopy(content)
        other |= {"saved": True, "likes": True, "clicked": True, "subreddit_subscribers": 1, "visited": True}
        signed = re.sub(r"(?<=[?&]s=)\w+", "0" * 40, json.dumps(other))
        again = json.loads(re.sub(r"(?<=\?a=)[\w%]+", "1%2C2", signed))
        assert REDDIT.canonical(thing(again)) == REDDIT.canonical(thing(content))
        assert REDDIT.parse(thing(again)).contents == REDDIT.parse(thing(content)).contents
        assert REDDIT.canonical(thing({**content, "score": 121})) != REDDIT.canonical(thing(content))
        assert REDDIT.canonical(thing({**content, "title": "Other"})) != REDDIT.canonical(thing(content))


def test_words_behind_a_signed_address_count() -> None:
    text = "https://preview.redd.it/a0000.png?width=9&s=ab {} https://x.example.com/?s=1"
    one, two = (REDDIT.canonical(thing(records.text_post(selftext=text.format(word)))) for word in ("red", "blue"))
    assert one != two
    other = text.replace("?s=1", "?s=2").format("red")
    assert one != REDDIT.canonical(thing(records.text_post(selftext=other)))


# --- escaping ----------------------------------------------------------------------------------


def test_texts_are_unescaped_only_where_the_record_shows_that_they_were_escaped() -> None:
    typed = "I typed &amp; and &lt;"
    assert read(records.text_post(selftext=typed)).text == f"Title of text01\n\n{typed}"
    assert read(escaped(records.text_post(selftext=typed))).text == f"Title of text01\n\n{typed}"
    # Nothing tells: the words stay as they are, and the address is mended.
    unknown = read(
        records.post("link01", title=typed, url_overridden_by_dest="https://a.example.com/?a=1&amp;b=2")
    )
    assert unknown.title == typed
    assert unknown.links == (Link("https://a.example.com/?a=1&b=2", "article"),)


@SEEDED
@given(st.text(alphabet="&<>;amplgt x#"))
def test_whatever_was_written_comes_back(text: str) -> None:
    content = records.text_post(selftext=f"x{text}", title=f"y{text}")
    assert read(escaped(content)) == read(content)
    assert read(content).text == f"y{text}\n\nx{text}"


def test_one_of_a_page_tells_for_all() -> None:
    page = escaped(listing(records.post("link01", title="A & B"), records.video_post()))
    assert [post.title for post in REDDIT.parse(page).posts] == ["A & B", "Title of video1"]


def test_media_types_are_only_those_the_model_has() -> None:
    kinds = {ref.media_type for content in records.posts() for ref in read(content).media}
    assert kinds == {MediaType.IMAGE, MediaType.VIDEO}
