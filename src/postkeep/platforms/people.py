"""How people write down whom they mean: the address of a page, or a platform and a username."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from types import MappingProxyType
from unicodedata import normalize
from urllib.parse import quote, unquote

from ..model import ProfileKind

LONGEST_USERNAME = 255

KINDS: Mapping[str, tuple[ProfileKind, ...]] = MappingProxyType(
    {
        "linkedin": (ProfileKind.PERSON, ProfileKind.COMPANY),
        "instagram": (ProfileKind.CREATOR,),
        "reddit": (ProfileKind.REDDITOR, ProfileKind.SUBREDDIT),
    }
)
"""The kinds of profile a platform has; the first is meant where nobody says which."""


@dataclass(frozen=True, slots=True)
class Whose:
    """Whom somebody means: a username, or a platform's own id; None where platform or kind are not said."""

    name: str
    platform: str | None = None
    kind: ProfileKind | None = None


_SCHEME = r"(?:https?://)?(?:[a-z0-9-]+\.)*"
_END = r"(?:[/?#].*)?"
_LINKEDIN = re.compile(rf"{_SCHEME}linkedin\.com/(in|company|showcase|school)/([^/?#\s]+){_END}", re.I)
_INSTAGRAM = re.compile(rf"{_SCHEME}instagram\.com/([a-z0-9._]{{1,30}}){_END}", re.I)
_REDDIT = re.compile(rf"{_SCHEME}reddit\.com/(r|u|user)/([a-z0-9_-]{{2,40}}){_END}", re.I)
_SHORT = re.compile(r"/?(r|u|user)/([a-z0-9_-]{2,40})/?", re.I)
_NO_PEOPLE = frozenset({"p", "reel", "reels", "tv", "stories", "explore", "accounts", "direct", "about"})
_UNFIT = re.compile(r"[\s\x00-\x1f\x7f/\\?#,;\"<>]")

_PAGES = {
    ("linkedin", ProfileKind.PERSON): "https://www.linkedin.com/in/{}/",
    ("linkedin", ProfileKind.COMPANY): "https://www.linkedin.com/company/{}/",
    ("instagram", ProfileKind.CREATOR): "https://www.instagram.com/{}/",
    ("reddit", ProfileKind.REDDITOR): "https://www.reddit.com/user/{}/",
    ("reddit", ProfileKind.SUBREDDIT): "https://www.reddit.com/r/{}/",
}


def read_reference(text: str) -> Whose:
    """Whom a text means: a page's address, `platform/kind/username`, `platform/username`, or a name alone.

    What is none of these is taken for a name, which nobody has.
    """
    text = text.strip()
    page = whose_page(text)
    if page is not None:
        return page
    parts = text.split("/")
    if len(parts) == 3 and parts[1] in list(ProfileKind):
        return on_platform(Whose(plain_name(parts[2]), parts[0].lower(), ProfileKind(parts[1])))
    if len(parts) == 2 and all(parts):
        return on_platform(Whose(plain_name(parts[1]), parts[0].lower()))
    return Whose(plain_name(text))


def on_platform(whose: Whose) -> Whose:
    """The name as its platform writes it: Instagram's have no capitals."""
    return replace(whose, name=whose.name.lower()) if whose.platform == "instagram" else whose


def whose_page(address: str) -> Whose | None:
    """Whose page an address is, with or without its scheme; None for any other text. Also `r/name`, `u/name`."""
    if match := _LINKEDIN.fullmatch(address):
        kind = ProfileKind.PERSON if match[1].lower() == "in" else ProfileKind.COMPANY
        return Whose(plain_name(unquote(match[2], errors="replace")), "linkedin", kind)
    if match := _INSTAGRAM.fullmatch(address):
        name = match[1].lower()
        return None if name in _NO_PEOPLE else Whose(name, "instagram", ProfileKind.CREATOR)
    if match := _REDDIT.fullmatch(address) or _SHORT.fullmatch(address):
        kind = ProfileKind.SUBREDDIT if match[1].lower() == "r" else ProfileKind.REDDITOR
        return Whose(match[2], "reddit", kind)
    return None


def page_of(platform: str, kind: ProfileKind, username: str) -> str | None:
    """The address of a profile's page; None on platforms of which nothing is known."""
    pattern = _PAGES.get((platform, kind))
    return pattern.format(quote(username, safe="")) if pattern else None


def plain_name(text: str) -> str:
    """A username without an `@` before it, NFC."""
    return normalize("NFC", text.strip()).removeprefix("@")


def is_username(name: str) -> bool:
    """Whether a new profile may be called so: no blanks, no separators, at most 255 characters."""
    return 0 < len(name) <= LONGEST_USERNAME and _UNFIT.search(name) is None
