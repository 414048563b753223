"""Hashtags, mentions and links as people really write them."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from postkeep.platforms.text import MOST, hashtags, links, mentions
from tests.suites.platform_suite import SEEDED


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", ()),
        ("nothing here", ()),
        ("#One #two #ONE", ("one", "two")),
        ("(#in) #a_b, #c3!", ("in", "a_b", "c3")),
        ("#one#two", ("one",)),
        ("a#b C#d # e ## #2025 #2025goals #_ #___", ("2025goals",)),
        ("https://a.example.com/#part https://a.example.com/x?y=#z #real", ("real",)),
        ("&#39; it&#x27;s", ()),
        ("#Straße #ÉCOLE #\u0065\u0301cole", ("straße", "école")),
        ("#मिट्टी #سيراميك #日本語 ＃全角", ("मिट्टी", "سيراميك", "日本語", "全角")),
        ("🏺#pot🏺 #", ("pot",)),
        ("#" + "a" * 100, ("a" * 100,)),
        ("#" + "a" * 101, ()),
    ],
)
def test_hashtags(text: str, expected: tuple[str, ...]) -> None:
    assert hashtags(text) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("thanks @jane_doe and @Jane_Doe, @omar.example.", ("jane_doe", "omar.example")),
        ("mail me: jane@example.com", ()),
        ("https://blog.example.com/@jane", ()),
        ("@ nobody @@twice", ()),
        ("(@rené-imagined)", ("rené-imagined",)),
    ],
)
def test_mentions(text: str, expected: tuple[str, ...]) -> None:
    assert mentions(text) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("see https://a.example.com/x.", ("https://a.example.com/x",)),
        ("(https://a.example.com/x) https://a.example.com/x", ("https://a.example.com/x",)),
        ("https://a.example.com/b(1), and", ("https://a.example.com/b(1)",)),
        ("[https://a.example.com/b(1)]!?", ("https://a.example.com/b(1)",)),
        ("Https://A.example.com HTTP://b.example.com", ("Https://A.example.com", "HTTP://b.example.com")),
        ('<a href="https://a.example.com/x">', ("https://a.example.com/x",)),
        ("https:// ftp://a.example.com file:///etc://", ()),
        ("https://a.example.com/\u200bnext", ("https://a.example.com/",)),
        ("https://a.example.com/" + "a" * 1978, ("https://a.example.com/" + "a" * 1978,)),
        ("https://a.example.com/" + "a" * 1979, ()),
    ],
)
def test_links(text: str, expected: tuple[str, ...]) -> None:
    assert links(text) == expected


def test_a_flood_is_bounded() -> None:
    assert len(hashtags(" ".join(f"#t{number}" for number in range(5000)))) == MOST
    assert len(mentions(" ".join(f"@t{number}" for number in range(5000)))) == MOST
    assert len(links(" ".join(f"https://t{number}.example.com" for number in range(5000)))) == MOST
    assert links("https://" + ")" * 500_000) == ()


@SEEDED
@given(st.text(alphabet="#@aé_.:/()ht p्s1\u0301", max_size=60))
def test_what_is_found_stands_in_the_text(text: str) -> None:
    assert all(link in text for link in links(text))
    assert all(name in text for name in mentions(text))
    for tag in hashtags(text):
        assert not tag.isdecimal()
        assert hashtags(f"#{tag}") == (tag,)
