"""Which part of a media URL lasts, and which records are the same content."""

from __future__ import annotations

import json
import random
import re
from datetime import UTC, datetime

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from postkeep.errors import ParseError
from postkeep.model import Json
from postkeep.platforms import load_platform
from postkeep.platforms.linkedin.media import Place, locate
from tests.platforms.linkedin_records import JANE, RENE, everything, record
from tests.suites.platform_suite import SEEDED, places, replaced

LINKEDIN = load_platform("linkedin")
SIGNED = "?e=1742428800&v=beta&t=Abc-1_2"


def located(url: str) -> Place:
    place = locate(url)
    assert place
    return place


@pytest.mark.parametrize(
    ("front", "rendition", "rank"),
    [
        ("media.licdn.com/dms/image/v2", "feedshare-shrink_2048_1536", 2048),
        ("media.licdn.com/dms/image/v2", "feedshare-shrink_1280", 1280),
        ("media.licdn.com/dms/image/v2", "profile-displayphoto-shrink_100_100", 100),
        ("media.licdn.com/dms/image/v2", "article-cover_image-shrink_720_1280", 1280),
        ("media.licdn.com/dms/image/v2", "videocover-high", None),
        ("media.licdn.com/dms/image/sync/v2", "articleshare-shrink_1280_800", 1280),
        ("media.licdn.com/dms/document/media/v2", "feedshare-document-url-metadata-scrapper-pdf", None),
        ("dms.licdn.com/playlist/vid/v2", "mp4-720p-30fp-crf28", 720),
        ("MEDIA.LICDN.COM:443/dms/image/v2", "x", None),
        ("licdn.com/dms/image/v2", "x" * 201, None),
    ],
)
@pytest.mark.parametrize("query", ["", SIGNED, "?e=1&v=beta&t=other", "#part"])
def test_assets_of_linkedin(front: str, query: str, rendition: str, rank: int | None) -> None:
    place = located(f"https://{front}/D4E22AQTest/{rendition}/B4EZ/0/1{query}")
    assert place.key == "D4E22AQTest"
    assert place.rendition == (rendition if len(rendition) <= 200 else None)
    assert place.rank == rank


def test_an_asset_without_a_variant() -> None:
    place = located("https://media.licdn.com/dms/image/v2/D4E22AQTest")
    assert (place.key, place.rendition, place.rank) == ("D4E22AQTest", None, None)


@pytest.mark.parametrize(
    "host",
    [
        "evil.example.com",
        "licdn.com.example.com",
        "notlicdn.com",
        "media.licdn.com@evil.example.com",
        "user@media.licdn.com",
        "media.licdn.com:8443",
        "media.licdn.com.",
    ],
)
def test_a_stranger_never_passes_for_an_asset(host: str) -> None:
    place = located(f"https://{host}/dms/image/v2/AAA/feedshare-shrink_800/B")
    assert place.key == f"{host}/dms/image/v2/AAA/feedshare-shrink_800/B"
    assert place.rendition is None


@pytest.mark.parametrize(
    ("url", "key"),
    [
        ("https://AAA", "aaa/"),
        ("http://A.example.com/P?b=1&a=2#f", "a.example.com/P?b=1&a=2"),
        ("https://media.licdn.com/p?e=1742428800&v=beta&t=x&w=5", "media.licdn.com/p?w=5"),
        ("http://127.0.0.1:8080/dms/p?e=1742428800&v=beta&t=x&w=5", "127.0.0.1:8080/dms/p?w=5"),
        ("https://a.example.com/p?v=AAA&t=1&e=1742428800", "a.example.com/p?v=AAA&t=1&e=1742428800"),
        ("https://a.example.com/dms/p?v=AAA&t=1&e=1742428800", "a.example.com/dms/p?v=AAA&t=1&e=1742428800"),
        ("https://a.example.com/p?signature=A&w=1", "a.example.com/p?signature=A&w=1"),
        ("https://a.example.com/p?expires=1", "a.example.com/p?expires=1"),
        ("https://a.example.com/p?X-Amz-Meta=1", "a.example.com/p?X-Amz-Meta=1"),
        ("https://a.example.com/p?sv=1&se=2&sig=3&sp=r&id=4", "a.example.com/p?id=4"),
        ("https://a.example.com/p?se=2&sp=r", "a.example.com/p?se=2&sp=r"),
        ("https://a.example.com/p?e=soon&v=2&t=x", "a.example.com/p?e=soon&v=2&t=x"),
        ("https://a.example.com/p?v=2&t=x", "a.example.com/p?v=2&t=x"),
        ("https://a.example.com/p?e=1742428800&v=2", "a.example.com/p?e=1742428800&v=2"),
        ("https://a.example.com/p?X-Amz-Date=1&x-amz-signature=2&id=3", "a.example.com/p?id=3"),
        ("https://a.example.com/p?Expires=1&Signature=2&Key-Pair-Id=3&utm_source=x", "a.example.com/p"),
    ],
)
def test_keys_of_other_urls(url: str, key: str) -> None:
    assert located(url).key == key


def test_a_long_key_is_its_digest() -> None:
    place = located("https://a.example.com/" + "x" * 500)
    assert re.fullmatch(r"sha256:[0-9a-f]{64}", place.key)


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("?e=1742428800&v=beta&t=x", datetime(2025, 3, 20, tzinfo=UTC)),
        ("?t=x&e=1742428800", datetime(2025, 3, 20, tzinfo=UTC)),
        ("?e=0", None),
        ("?e=99999999999", None),
        ("?e=1742428800000", None),
        ("?e=soon", None),
        ("?ee=1742428800", None),
        ("", None),
    ],
)
def test_expiry(query: str, expected: datetime | None) -> None:
    assert located(f"https://cdn.example.com/x{query}").expires_at == expected


# --- canonical -------------------------------------------------------------------------------------------------


def rotated(value: Json, chance: random.Random, key: str = "") -> Json:
    """The same content as another run of the scraper would deliver it."""
    if isinstance(value, dict):
        entries = [(name, rotated(child, chance, name)) for name, child in value.items()]
        chance.shuffle(entries)
        return dict(entries)
    if isinstance(value, list):
        return [rotated(child, chance) for child in value]
    if key in ("pagination_token", "relative", "postedAgoShort", "postedAgoText"):
        return f"{value} {chance.random()}"
    if key == "expiresAt":
        return value + 604800000
    if isinstance(value, str) and re.match(r"https://[a-z]+\.licdn\.com/\S+$", value):
        return re.sub(r"\?.*", f"?e={chance.randrange(10**9, 2 * 10**9)}&v=beta&t={chance.random()}", value)
    if isinstance(value, str) and re.match(r"https://www\.linkedin\.com/posts/\S+$", value):
        return re.sub(r"\?.*", f"?utm_source=other&rcm=ACoAA{chance.random()}", value)
    return value


@SEEDED
@given(st.sampled_from(everything()), st.randoms(use_true_random=False))
def test_what_rotates_is_not_content(sample: tuple[Json, str | None], chance: random.Random) -> None:
    again = rotated(sample[0], chance)
    assert LINKEDIN.canonical(again) == LINKEDIN.canonical(sample[0])


VOLATILE = {"pagination_token", "query", "ame", "datetime_obj", "_searchable", "_mark_metadata"}
VOLATILE |= {"relative", "date", "postedAgoShort", "postedAgoText", "expiresAt"}


@SEEDED
@given(st.data())
def test_everything_else_is(draw: st.DataObject) -> None:
    found, _ = draw.draw(st.sampled_from(everything()))
    lasting = [path for path in places(found) if VOLATILE.isdisjoint(path) or path[0] == "postedAt"]
    path = draw.draw(st.sampled_from([path for path in lasting if path[-1] not in VOLATILE]))
    assert LINKEDIN.canonical(replaced(found, path, "something else")) != LINKEDIN.canonical(found)


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("a", "b"),
        ("https://www.linkedin.com/posts/x?a good", "https://www.linkedin.com/posts/x?a bad"),
        ("https://www.linkedin.com/posts/x?a\u00a0good", "https://www.linkedin.com/posts/x?a\u00a0bad"),
        ("https://media.licdn.com/x oh?yes", "https://media.licdn.com/x oh?no"),
        ('he said "https://media.licdn.com/x?a"', 'he said "https://media.licdn.com/x?b"'),
        (':"https://media.licdn.com/x?a"', ':"https://media.licdn.com/x?b"'),
        ('"expiresAt":1,', '"expiresAt":2,'),
    ],
)
def test_a_changed_text_is_another_content(before: str, after: str) -> None:
    found = record(JANE, "Plain talk")
    assert LINKEDIN.canonical({**found, "text": before}) != LINKEDIN.canonical({**found, "text": after})


def test_the_tools_own_keys_are_not_content() -> None:
    found = record(JANE, "Plain talk")
    own = {key: value for key, value in found.items() if key not in VOLATILE}
    assert len(own) < len(found)
    assert LINKEDIN.canonical(own) == LINKEDIN.canonical(found)


def test_the_shared_post_is_cleaned_as_well() -> None:
    found = record(RENE, "Mon avis : image")
    before = LINKEDIN.canonical(found)
    found["reshared_post"]["posted_at"]["relative"] = "long ago"
    assert LINKEDIN.canonical(found) == before
    found["reshared_post"]["text"] = "Other"
    assert LINKEDIN.canonical(found) != before


def test_huge_numbers_and_deep_nesting() -> None:
    found = record(JANE, "Plain talk")
    huge = LINKEDIN.canonical({**found, "stats": {"like": 10**40}})
    assert json.loads(huge)["stats"] == {"like": 10**40}
    deep: Json = 1
    for _ in range(300):
        deep = [deep]
    with pytest.raises(TypeError):
        orjson.dumps(deep)
    assert b"[[[" in LINKEDIN.canonical({**found, "deep": deep})
    for _ in range(100_000):
        deep = {"repost": deep}
    with pytest.raises(ParseError):
        LINKEDIN.canonical({**found, "repost": deep})
    # Taken apart here, for its own deallocation must not be what fails.
    while isinstance(deep, dict):
        deep = deep["repost"]
