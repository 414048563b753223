"""Whom a text means: addresses of pages, names with and without their platform, and what is none of these."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from postkeep.model import ProfileKind
from postkeep.platforms.people import KINDS, Whose, is_username, page_of, read_reference, whose_page

PERSON, COMPANY = ProfileKind.PERSON, ProfileKind.COMPANY
CREATOR, REDDITOR, SUBREDDIT = ProfileKind.CREATOR, ProfileKind.REDDITOR, ProfileKind.SUBREDDIT


@pytest.mark.parametrize(
    ("text", "whose"),
    [
        ("https://www.linkedin.com/in/jane-doe/", Whose("jane-doe", "linkedin", PERSON)),
        ("http://de.linkedin.com/in/ren%C3%A9?trk=x#y", Whose("rené", "linkedin", PERSON)),
        ("linkedin.com/company/acme/posts/", Whose("acme", "linkedin", COMPANY)),
        ("https://www.linkedin.com/showcase/acme", Whose("acme", "linkedin", COMPANY)),
        ("HTTPS://WWW.INSTAGRAM.COM/Jane.Doe_/reels/?hl=en", Whose("jane.doe_", "instagram", CREATOR)),
        ("https://old.reddit.com/user/Jane_D/comments", Whose("Jane_D", "reddit", REDDITOR)),
        ("https://www.reddit.com/u/-jane-", Whose("-jane-", "reddit", REDDITOR)),
        ("reddit.com/r/Python", Whose("Python", "reddit", SUBREDDIT)),
        ("r/Python", Whose("Python", "reddit", SUBREDDIT)),
        ("R/python", Whose("python", "reddit", SUBREDDIT)),
        ("U/User3", Whose("User3", "reddit", REDDITOR)),
        ("user/jane", Whose("jane", "reddit", REDDITOR)),
        ("/u/jane/", Whose("jane", "reddit", REDDITOR)),
        (" linkedin/jane-doe ", Whose("jane-doe", "linkedin")),
        ("instagram/Jane", Whose("jane", "instagram")),
        ("reddit/redditor/Jane", Whose("Jane", "reddit", REDDITOR)),
        ("LinkedIn/@jane-doe", Whose("jane-doe", "linkedin")),
        ("reddit/subreddit/python", Whose("python", "reddit", SUBREDDIT)),
        ("@jane", Whose("jane")),
        ("rene\u0301", Whose("ren\u00e9")),
        # None of these is anybody's page; as names they are nobody's either.
        ("https://www.instagram.com/p/Cabc/", Whose("https://www.instagram.com/p/Cabc/")),
        ("https://notlinkedin.com/in/jane", Whose("https://notlinkedin.com/in/jane")),
        ("https://example.com/linkedin.com/in/jane", Whose("https://example.com/linkedin.com/in/jane")),
        ("reddit/somebody/python", Whose("reddit/somebody/python")),
        ("", Whose("")),
    ],
)
def test_whom_a_text_means(text: str, whose: Whose) -> None:
    assert read_reference(text) == whose


@given(
    st.sampled_from([(platform, kind) for platform, kinds in KINDS.items() for kind in kinds]),
    st.from_regex(r"[a-z0-9_][a-z0-9_]{1,18}", fullmatch=True),
)
def test_the_page_of_a_profile_is_that_profiles(of: tuple[str, ProfileKind], name: str) -> None:
    page = page_of(*of, name)
    assert page is not None
    assert whose_page(page) == Whose(name, *of) or name in ("reels", "reel", "stories", "explore", "accounts")


def test_nothing_is_known_of_other_platforms_pages() -> None:
    assert page_of("substack", PERSON, "jane") is None


@pytest.mark.parametrize("name", ["jane-doe", "-j-", "rené", "日本", "x" * 255])
def test_what_a_profile_may_be_called(name: str) -> None:
    assert is_username(name)


@pytest.mark.parametrize("name", ["", "Jane Doe", "a/b", "a;b", "a,b", 'a"b', "a\nb", "a\x00", "x" * 256])
def test_what_no_profile_is_called(name: str) -> None:
    assert not is_username(name)


@given(st.text())
def test_no_text_is_too_odd(text: str) -> None:
    assert isinstance(read_reference(text), Whose)
