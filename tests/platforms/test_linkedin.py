"""What the LinkedIn platform makes of each shape and variant, exactly."""

from __future__ import annotations

import copy
from datetime import UTC, datetime, timedelta

import pytest

from postkeep.errors import ParseError, UnknownShape
from postkeep.model import (
    Account,
    Alias,
    Json,
    Link,
    MediaType,
    Mention,
    Metrics,
    Post,
    PostFormat,
    PostKind,
    Profile,
    ProfileKind,
)
from postkeep.platforms import load_platform
from tests.platforms.linkedin_records import COMPANY, DETAIL, JANE, RENE, TOVE, everything, record, records, via
from tests.suites.platform_suite import PlatformSuite, Sample

LINKEDIN = load_platform("linkedin")
KINDS = ("like", "support", "love", "insight", "celebrate", "funny")


class TestLinkedin(PlatformSuite):
    name = "linkedin"

    @classmethod
    def samples(cls) -> list[Sample]:
        return everything()


def only(file: str, text: str | None) -> Post:
    (post,) = LINKEDIN.parse(record(file, text), via(file)).posts
    return post


def read(changed: Json, seen_via: str | None = None) -> Post:
    (post,) = LINKEDIN.parse(changed, seen_via).posts
    return post


def media_of(post: Post) -> list[tuple[str, str, int, str | None, int | None]]:
    return [(m.role, m.media_key, m.occurrence, m.rendition, m.rendition_rank) for m in post.media]


SHRINK = ("feedshare-shrink_2048_1536", 2048)
FILM = ("mp4-720p-30fp-crf28", 720)
COVER = ("videocover-high", None)
PDF = ("feedshare-document-url-metadata-scrapper-pdf", None)
PAGE = ("feedshare-document-cover-images_480", 480)
LINK = ("articleshare-shrink_800", 800)

MEDIA = [
    (JANE, "A new bowl", [("own", "D4E22AQJaneBowl0001", 0, *SHRINK)]),
    (
        JANE,
        "Three views",
        [
            ("own", "D4E22AQJaneView0001", 0, *SHRINK),
            ("own", "D4E22AQJaneView0002", 0, *SHRINK),
            ("own", "D4E22AQJaneView0001", 1, *SHRINK),
            ("own", "D4E22AQJaneView0003", 0, *SHRINK),
        ],
    ),
    (
        JANE,
        "Throwing",
        [("own", "D5605AQJaneFilm0001", 0, *FILM), ("thumbnail", "D5605AQJaneFilm0001", 0, *COVER)],
    ),
    (JANE, "No cover", [("own", "D5605AQJaneFilm0002", 0, *FILM)]),
    (
        JANE,
        "The glaze table",
        [("document", "D4E1FAQJaneBook0001", 0, *PDF), ("cover", "D4E1FAQJaneBook0001", 0, *PAGE)],
    ),
    (JANE, "Worth reading", [("article", "D4E27AQJaneRead0001", 0, *LINK)]),
    (JANE, "", []),
    (JANE, "🏺✨", []),
    (JANE, "Our spring", [("reshared", f"D5622AQKiln{n:02}000001", 0, *SHRINK) for n in range(18)]),
    (
        JANE,
        "Molten",
        [
            ("reshared", "D5605AQOmarFilm0001", 0, *FILM),
            ("reshared_thumbnail", "D5605AQOmarFilm0001", 0, *COVER),
        ],
    ),
    (RENE, "Mon avis : image", [("reshared", "D4E22AQJaneBowl0001", 0, *SHRINK)]),
    (RENE, "Mon avis : gallery", [("reshared", f"D5622AQKiln{n:02}000001", 0, *SHRINK) for n in range(2)]),
    (
        RENE,
        "Mon avis : video",
        [
            ("reshared", "D5605AQOmarFilm0001", 0, *FILM),
            ("reshared_thumbnail", "D5605AQOmarFilm0001", 0, *COVER),
        ],
    ),
    (
        RENE,
        "Mon avis : document",
        [
            ("reshared_document", "D4E1FAQKilnLeaf0001", 0, *PDF),
            ("reshared_cover", "D4E1FAQKilnLeaf0001", 0, *PAGE),
        ],
    ),
    (RENE, "Mon avis : article", [("reshared_article", "D4E27AQGlazNews0001", 0, *LINK)]),
    (RENE, "From the company", [("own", "D5610AQKilnSelf0001", 0, "image-shrink_1280", 1280)]),
    (
        TOVE,
        "🧶",
        [
            ("own", "D4D22AQToveWarp0001", 0, "feedshare-shrink_1280", 1280),
            ("own", "D4D22AQToveWeft0001", 0, "feedshare-shrink_1280", 1280),
        ],
    ),
    (
        TOVE,
        "Pattern book",
        [("document", "D4D1FAQTovePatt0001", 0, *PDF), ("cover", "D4D1FAQTovePatt0001", 0, *PAGE)],
    ),
    (TOVE, "Open house", [("reshared", "D4D22AQLoomOpen0001", 0, "feedshare-shrink_800", 800)]),
    (TOVE, "I was there", [("reshared", "D4D22AQLoomFull0001", 0, "feedshare-shrink_800", 800)]),
    (
        TOVE,
        None,
        [("own", "D4D05AQLoomFilm0001", 0, *FILM), ("thumbnail", "D4D05AQLoomFilm0001", 0, *COVER)],
    ),
    (TOVE, "Read this", [("article", "D4D27AQToveDyes0001", 0, *LINK)]),
    (
        COMPANY,
        "Nine stalls",
        [("own", f"D5610AQKilnFair000{n}", 0, "image-shrink_1280", 1280) for n in range(9)],
    ),
    (
        COMPANY,
        "The price list",
        [("document", "D4D1FAQKilnPric0001", 0, *PDF), ("cover", "D4D1FAQKilnPric0001", 0, *PAGE)],
    ),
    (DETAIL, None, []),
]


@pytest.mark.parametrize(("file", "text", "expected"), MEDIA)
def test_every_place_of_media_is_found_in_order(
    file: str, text: str | None, expected: list[tuple[str, str, int, str | None, int | None]]
) -> None:
    post = only(file, text)
    assert media_of(post) == expected
    assert post.tells_media is (file != DETAIL)


def test_sizes_types_and_expiry_are_read() -> None:
    picture = only(JANE, "A new bowl").media[0]
    assert (picture.media_type, picture.width, picture.height) == (MediaType.IMAGE, 2048, 1536)
    assert picture.expires_at == datetime(2025, 3, 20, tzinfo=UTC)
    film, cover = only(JANE, "Throwing").media
    assert (film.media_type, cover.media_type) == (MediaType.VIDEO, MediaType.IMAGE)
    assert film.expires_at == datetime(2025, 3, 8, 7, tzinfo=UTC)
    assert [m.media_type for m in only(JANE, "The glaze").media] == [MediaType.DOCUMENT, MediaType.IMAGE]


@pytest.mark.parametrize(("found", "seen_via"), everything())
def test_the_id_tells_the_time(found: Json, seen_via: str | None) -> None:
    post = read(found, seen_via)
    assert post.posted_at == datetime.fromtimestamp(0, UTC) + timedelta(milliseconds=int(post.native_id) >> 22)
    assert post.urn == f"urn:li:activity:{post.native_id}"
    assert post.platform == "linkedin"


def test_a_regular_post_in_full() -> None:
    found = record(JANE, "A new bowl")
    parsed = LINKEDIN.parse(found, "jane-doe")
    (post,) = parsed.posts
    (jane,) = parsed.profiles
    native = found["urn"]["activity_urn"]
    assert parsed.shape == "apimaestro"
    assert parsed.via is jane
    assert post.author is jane
    assert post.native_id == native
    assert post.full_urn == f"urn:li:activity:{native}"
    assert post.kind is PostKind.REGULAR
    assert post.aliases == (Alias("share", found["urn"]["share_urn"]),)
    assert post.text == found["text"]
    assert post.url == found["url"].partition("?")[0]
    assert (post.hashtags, post.mentions) == (("pottery", "glaze2025"), ())
    assert post.links == (Link("https://clay.example.com/bowl(1)"),)
    assert post.original is None
    assert (post.edited, post.tells_text, post.metrics_of_original) == (False, True, False)
    stats = found["stats"]
    assert post.metrics == Metrics(
        reactions=stats["total_reactions"], comments=stats["comments"], reposts=stats["reposts"], detail=stats
    )
    assert post.metrics.reactions == sum(post.metrics.detail[kind] for kind in KINDS)
    assert jane == Profile(
        "linkedin",
        ProfileKind.PERSON,
        "jane-doe",
        "ACoAAJaneDoe0000000000000000000000000",
        "Jane Doe",
        "Potter | Glazes & kilns",
        "https://www.linkedin.com/in/jane-doe",
        jane.media,
    )
    (avatar,) = jane.media
    assert (avatar.role, avatar.media_key, avatar.rendition_rank) == ("avatar", "D4E03AQJaneAvatar01", 100)


@pytest.mark.parametrize(
    ("file", "text", "expected"),
    [
        (RENE, "Mon avis : image", (ProfileKind.PERSON, "rené-imagined", "René Imagined")),
        (RENE, "From the company", (ProfileKind.COMPANY, "kiln-and-clay", "Kiln & Clay Ltd")),
        (JANE, "Plain talk", (ProfileKind.PERSON, "omar-example", "Omar Example")),
        (COMPANY, "Nine stalls", (ProfileKind.COMPANY, "kiln-and-clay", "Kiln & Clay Ltd")),
        (TOVE, "🧶", (ProfileKind.PERSON, "tove-made-up", "Tove Madeup")),
        (TOVE, None, (ProfileKind.COMPANY, "loom-house", "Loom House")),
        (DETAIL, None, (ProfileKind.PERSON, "jane-doe", "Jane Doe")),
    ],
)
def test_authors(file: str, text: str | None, expected: tuple[ProfileKind, str, str]) -> None:
    author = only(file, text).author
    assert author
    assert (author.kind, author.username, author.name) == expected


def test_authors_by_every_sign_they_have() -> None:
    found = record(RENE, "Mon avis : article")
    assert (original := read(found).original)
    assert original.author == Profile(
        *("linkedin", ProfileKind.COMPANY, "glazeworks", None, "Glazeworks", "912 followers"),
        url="https://www.linkedin.com/showcase/glazeworks/posts",
        account=Account(followers=912),
    )
    author = {**record(JANE, "A new bowl")["author"]}
    del author["username"], author["profile_picture"]
    post = read({**found, "author": author})
    assert post.author
    assert (post.author.username, post.author.media) == ("jane-doe", ())
    assert read({**found, "author": {"first_name": "Nobody"}}).author is None
    assert read({**found, "author": {"username": "%00"}}).author is None
    assert read({**found, "author": {"username": "x" * 256}}).author is None
    company = read(record(TOVE, None)).author
    assert company
    assert company.native_id == "90210"
    assert company.media[0].media_key == "D4E03AQLoomAvatar02"


@pytest.mark.parametrize(
    ("headline", "count", "followers"),
    [
        ("37,761 followers", None, 37761),
        ("1 follower", None, 1),
        ("0 followers", None, 0),
        ("1,234,567 followers", 7, 7),
        ("We have 5,000 followers", None, None),
        ("37,76 followers", None, None),
        ("12M followers", None, None),
        ("9,999,999,999 followers", None, None),
        (None, 12, 12),
        (None, "12", None),
    ],
)
def test_a_companys_followers_are_counted_where_they_are_told(
    headline: Json, count: Json, followers: int | None
) -> None:
    author = {"name": "Kiln", "company_url": "https://www.linkedin.com/company/kiln/", "headline": headline}
    found = {**record(JANE, "A new bowl"), "author": {**author, "follower_count": count}}
    company = read(found).author
    assert company
    assert company.account == (None if followers is None else Account(followers=followers))
    # Whatever a person writes there is a text.
    person = read({**found, "author": {**author, "company_url": "https://www.linkedin.com/in/kiln/"}}).author
    assert person
    assert person.headline == headline
    assert count is not None or person.account is None


@pytest.mark.parametrize(
    ("file", "text", "expected"),
    [
        (JANE, "A new bowl", PostFormat.IMAGE),
        (JANE, "Throwing", PostFormat.VIDEO),
        (JANE, "The glaze", PostFormat.DOCUMENT),
        (JANE, "Plain talk", PostFormat.TEXT),
        (COMPANY, "Nine stalls", PostFormat.CAROUSEL),
        (DETAIL, None, None),
    ],
)
def test_what_a_post_is_made_of(file: str, text: str | None, expected: PostFormat | None) -> None:
    assert only(file, text).format is expected


def test_a_link_is_one_with_and_without_its_preview_and_a_quote_is_made_of_its_own() -> None:
    article = {"url": "https://kiln.example.com/fair", "title": "The fair"}
    preview = {**article, "thumbnail": "https://media.licdn.com/dms/image/v2/D4E27AQFair/articleshare/0/1"}
    plain = record(JANE, "Plain talk")
    assert {read({**plain, "article": each}).format for each in (article, preview)} == {PostFormat.LINK}
    quote = {**plain, "post_type": "quote", "reshared_post": record(JANE, "Throwing")}
    assert read(quote).format is PostFormat.TEXT
    # A bare repost has nothing of its own: it is what it shares.
    assert read({**record(JANE, "Throwing"), "post_type": "repost"}).format is PostFormat.VIDEO
    # What lacks the parts that every full record has may lack its pictures as well.
    assert read({**plain, "stats": None}).format is None


def test_a_bare_repost_belongs_to_the_scraped_profile() -> None:
    found = record(JANE, "Our spring")
    parsed = LINKEDIN.parse(found, "jane-doe")
    (post,) = parsed.posts
    own, named = found["urn"]["activity_urn"], found["full_urn"].rpartition(":")[2]
    assert post.kind is PostKind.REPOST
    assert (post.native_id, post.full_urn) == (own, found["full_urn"])
    assert post.author == parsed.via == Profile("linkedin", ProfileKind.PERSON, "jane-doe")
    assert (post.text, post.aliases, post.hashtags, post.links) == (None, (), (), ())
    assert post.url == f"https://www.linkedin.com/feed/update/urn:li:activity:{own}/"
    assert (post.tells_text, post.tells_media, post.edited) == (True, True, None)
    assert post.metrics_of_original
    assert post.metrics.detail == found["stats"]
    assert (original := post.original)
    assert original.refs == (Alias("activity", named), Alias("share", found["urn"]["share_urn"]))
    assert original.text == found["text"]
    assert original.url == found["url"].partition("?")[0]
    assert original.posted_at == datetime.fromtimestamp(0, UTC) + timedelta(milliseconds=int(named) >> 22)
    assert original.author in parsed.profiles
    assert len(parsed.profiles) == 2


def test_a_bare_repost_of_a_ugc_post_through_an_unknown_profile() -> None:
    found = record(JANE, "Molten")
    parsed = LINKEDIN.parse(found)
    (post,) = parsed.posts
    assert (post.author, parsed.via) == (None, None)
    assert post.original
    assert post.original.refs == (Alias("ugcPost", found["urn"]["ugcPost_urn"]),)
    assert post.original.posted_at is None


def test_one_who_reposts_himself_is_one_profile() -> None:
    parsed = LINKEDIN.parse(record(JANE, "Molten"), "omar-example")
    (omar,) = parsed.profiles
    assert parsed.posts[0].author is omar
    assert omar.name == "Omar Example"


def test_a_quote_keeps_its_own_numbers_and_names_the_original() -> None:
    found = record(RENE, "Mon avis : document")
    parsed = LINKEDIN.parse(found, "ren%C3%A9-imagined")
    (post,) = parsed.posts
    inner = found["reshared_post"]
    assert post.kind is PostKind.QUOTE
    assert post.metrics.detail == found["stats"]
    assert not post.metrics_of_original
    assert (original := post.original)
    assert original.refs == (
        Alias("activity", inner["urn"]["activity_urn"]),
        Alias("share", inner["urn"]["share_urn"]),
    )
    assert original.text == "Leaflet"
    assert original.author
    assert original.author.username == "kiln-and-clay"
    assert original.posted_at
    assert original.posted_at.timestamp() * 1000 == inner["posted_at"]["timestamp"]
    assert [profile.username for profile in parsed.profiles] == ["rené-imagined", "kiln-and-clay"]
    assert parsed.via is parsed.profiles[0]


def test_a_quote_whose_full_urn_differs_keeps_it_as_an_alias() -> None:
    found = {**record(RENE, "Mon avis : image"), "full_urn": "urn:li:activity:7290000000000000001"}
    post = read(found)
    assert post.native_id == found["urn"]["activity_urn"]
    assert Alias("activity", "7290000000000000001") in post.aliases


BORN = "7300000000000000000"


@pytest.mark.parametrize(
    ("urn", "full_urn", "kind"),
    [
        (BORN, None, "activity"),
        (f"urn:li:activity:{BORN}", None, "activity"),
        ({"activity_urn": int(BORN)}, None, "activity"),
        ({"activity_urn": f"0{BORN}"}, None, "activity"),
        ({"activity_urn": None}, f"urn:li:activity:{BORN}", "activity"),
        ({"activity_urn": "x", "ugcPost_urn": BORN}, None, "ugcPost"),
        (f"urn:li:share:{BORN}", None, "share"),
    ],
)
def test_ids_in_their_older_forms(urn: Json, full_urn: Json, kind: str) -> None:
    found = {**record(JANE, "Plain talk"), "urn": urn, "full_urn": full_urn, "url": None, "posted_at": None}
    post = read(found)
    assert post.urn == f"urn:li:{kind}:{BORN}"
    assert (post.native_id, post.aliases) == (BORN, ())
    assert post.posted_at == datetime(2025, 2, 25, 3, 53, 47, 441000, UTC)


def test_the_address_tells_the_activity_when_the_id_does_not() -> None:
    found = record(JANE, "Throwing")
    native = found["urn"].pop("activity_urn")
    post = read(found)
    assert post.native_id == native
    assert post.aliases == (Alias("ugcPost", found["urn"]["ugcPost_urn"]),)


@pytest.mark.parametrize("digits", ["0", "-1", "9" * 20, "9" * 21, "73²", "٧٣", "", "1e3", 1.5, 2**63, True])
def test_ids_that_are_none(digits: Json) -> None:
    found = {**record(JANE, "Plain talk"), "urn": {"activity_urn": digits}, "full_urn": None, "url": None}
    with pytest.raises(ParseError) as caught:
        LINKEDIN.parse(found)
    assert caught.value.field == "urn"


def test_a_repost_without_an_id_of_its_own_is_refused() -> None:
    found = record(JANE, "Molten")
    found["urn"]["activity_urn"] = None
    with pytest.raises(ParseError) as caught:
        LINKEDIN.parse(found, "jane-doe")
    assert caught.value.field == "urn.activity_urn"


@pytest.mark.parametrize(
    "stated", [None, 0, -1, 10**30, True, "1740455627441", 1740455627441.5, [1], 57_000 * 31_556_952_000]
)
def test_a_time_that_is_none_is_read_from_the_id(stated: Json) -> None:
    found = record(JANE, "Plain talk")
    expected = read(found).posted_at
    found["posted_at"]["timestamp"] = stated
    assert read(found).posted_at == expected


@pytest.mark.parametrize("stated", [1740455627, 1740455627000, 1740455627000.0, 1740455627.0])
def test_seconds_and_milliseconds_are_told_apart(stated: Json) -> None:
    found = record(JANE, "Plain talk")
    found["posted_at"]["timestamp"] = stated
    assert read(found).posted_at == datetime(2025, 2, 25, 3, 53, 47, tzinfo=UTC)


def test_neither_time_nor_telling_id() -> None:
    found = {**record(JANE, "Plain talk"), "urn": "12345", "full_urn": None, "url": None, "posted_at": None}
    with pytest.raises(ParseError) as caught:
        LINKEDIN.parse(found)
    assert caught.value.field == "posted_at"


def test_null_author_stats_and_media_are_unknown() -> None:
    post = only(RENE, "Nul")
    assert (post.author, post.media, post.metrics) == (None, (), Metrics())
    assert not post.tells_media


@pytest.mark.parametrize("odd", [-1, 1.5, "12", True, None, 2**31, [], {}])
def test_a_count_that_is_none_is_unknown(odd: Json) -> None:
    found = record(JANE, "Plain talk")
    found["stats"]["comments"] = odd
    metrics = read(found).metrics
    assert metrics.comments is None
    assert "comments" not in metrics.detail
    found["stats"]["comments"] = 7.0
    assert read(found).metrics.comments == 7


@pytest.mark.parametrize(
    ("relative", "expected"),
    [("1d • Edited • Visible", True), ("1d • Visible", False), ("", False), (None, None), (7, None)],
)
def test_edited(relative: Json, expected: bool | None) -> None:
    found = record(JANE, "Plain talk")
    found["posted_at"]["relative"] = relative
    assert read(found).edited is expected
    assert only(COMPANY, "Nine stalls").edited is True
    assert only(COMPANY, "The price list").edited is False


def test_an_unknown_media_type_is_kept_by_best_guess_and_told() -> None:
    found = record(JANE, "Throwing")
    found["media"]["type"] = "hologram"
    parsed = LINKEDIN.parse(found)
    (post,) = parsed.posts
    assert parsed.unknown_keys == ("media.type=hologram",)
    assert [(m.role, m.media_type) for m in post.media] == [("own", "video"), ("thumbnail", "image")]
    assert not post.tells_media


@pytest.mark.parametrize(
    "url",
    [
        "ftp://media.licdn.com/x",
        "file:///etc/passwd",
        "https://",
        "https:///path",
        "//media.licdn.com/x",
        "https://a.example.com/" + "x" * 4000,
        "https://a.example.com\\@media.licdn.com/x",
        "https://:443/x",
        7,
        ["https://a.example.com"],
    ],
)
def test_an_unusable_url_is_told_and_nothing_is_taken_for_absent(url: Json) -> None:
    found = record(JANE, "A new bowl")
    found["media"]["images"][0]["url"] = url
    parsed = LINKEDIN.parse(found)
    assert parsed.unknown_keys == ("media.url=unusable",)
    assert (parsed.posts[0].media, parsed.posts[0].tells_media) == ((), False)


def test_media_are_bounded() -> None:
    found = record(JANE, "A new bowl")
    found["media"]["images"] *= 1001
    parsed = LINKEDIN.parse(found)
    assert len(parsed.posts[0].media) == 1000
    assert parsed.posts[0].media[-1].occurrence == 999
    assert parsed.unknown_keys == ("media=too_many",)


def test_a_picture_that_is_the_articles_preview_is_one() -> None:
    found = record(JANE, "Worth reading")
    found["media"]["images"] = [{"url": found["media"]["url"], "width": 800, "height": 400}]
    (preview,) = read(found).media
    assert (preview.role, preview.width) == ("article", 800)
    del found["media"]
    assert [m.role for m in read(found).media] == ["article"]
    found["media"] = {"type": "image", "url": found["article"].pop("thumbnail")}
    assert [m.role for m in read(found).media] == ["article"]


def test_harvestapi_regular() -> None:
    parsed = LINKEDIN.parse(record(TOVE, "🧶"), "tove-made-up")
    (post,) = parsed.posts
    assert parsed.shape == "harvestapi"
    assert parsed.via is post.author
    assert post.metrics == Metrics(
        reactions=14,
        comments=2,
        reposts=1,
        detail={"likes": 14, "comments": 2, "shares": 1, "like": 9, "praise": 3, "empathy": 2},
    )
    assert post.mentions == (
        Mention("Loom House", "loom-house", "https://www.linkedin.com/company/loom-house/"),
        Mention("Jane Doe"),
    )
    assert post.hashtags == ("weaving",)
    assert only(TOVE, "Read this").links == (Link("https://paper.example.com/dyes", "article", "Dyes"),)
    assert (only(TOVE, None).text, only(TOVE, None).tells_text) == (None, False)


def test_harvestapi_repost_is_told_from_the_original_by_its_time() -> None:
    found = record(TOVE, "Open house")
    parsed = LINKEDIN.parse(found, "tove-made-up")
    (post,) = parsed.posts
    assert post.kind is PostKind.REPOST
    assert post.native_id == found["id"]
    assert post.author is parsed.via
    assert post.original
    assert post.original.refs[0] == Alias("activity", found["entityId"])
    assert post.metrics_of_original
    # The same, with the repost's id in the other field.
    other = read({**found, "id": found["entityId"], "repostId": found["id"]})
    assert (other.native_id, other.original) == (post.native_id, post.original)
    # Without an id of the repost, the record shows the original alone.
    alone = read({**found, "id": found["entityId"]})
    assert (alone.kind, alone.native_id) == (PostKind.REGULAR, found["entityId"])
    assert not alone.metrics_of_original


def test_harvestapi_quote() -> None:
    found = record(TOVE, "I was there")
    post = read(found)
    assert post.kind is PostKind.QUOTE
    assert post.original
    assert post.original.refs[0] == Alias("activity", found["repostId"])
    assert post.original.text == "The house was full"
    assert not post.metrics_of_original


def test_company_posts() -> None:
    found = record(COMPANY, "Nine stalls")
    parsed = LINKEDIN.parse(found, "ignored")
    (post,) = parsed.posts
    assert parsed.shape == "company-posts"
    assert parsed.via is post.author
    assert post.aliases == (Alias("ugcPost", found["full_urn"].rpartition(":")[2]),)
    assert (post.metrics.reactions, post.metrics.comments, post.metrics.reposts) == (8, None, 8)
    assert only(COMPANY, "The price list").metrics == Metrics()


def test_post_detail() -> None:
    (found,) = records(DETAIL)
    parsed = LINKEDIN.parse(found)
    (post,) = parsed.posts
    assert parsed.shape == "post-detail"
    assert (post.text, post.tells_text, post.tells_media) == (found["post"]["text"], True, False)
    assert (post.metrics.reactions, post.metrics.comments, post.metrics.reposts) == (5, 1, 2)
    assert post.mentions == (Mention("Kiln"),)


def test_comments_and_reactions_of_the_same_actor_are_no_posts() -> None:
    comment = {**record(TOVE, "Pattern book"), "type": "comment", "commentary": "Lovely"}
    assert not LINKEDIN.recognises(comment)
    with pytest.raises(UnknownShape):
        LINKEDIN.parse(comment)


def test_unknown_keys_inside_are_told_by_their_path() -> None:
    found = copy.deepcopy(record(RENE, "Mon avis : image"))
    found["author"]["pronouns"] = "?"
    found["reshared_post"]["media"]["images"][0]["alt"] = "?"
    found["reshared_post"]["poll"] = {}
    found["stats"]["curious"] = 3
    found["stats"]["views"] = "many"
    parsed = LINKEDIN.parse(found)
    assert parsed.unknown_keys == (
        *("author.pronouns", "reshared_post.media.images.alt", "reshared_post.poll", "stats.views"),
    )
    assert parsed.posts[0].metrics.detail["curious"] == 3
