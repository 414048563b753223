"""Who wrote a post, and through whose profile it was seen."""

from __future__ import annotations

import re
from functools import lru_cache
from unicodedata import normalize
from urllib.parse import unquote

from ...model import Account, Json, MediaRef, MediaType, Profile, ProfileKind, Role
from ..fields import (
    LONGEST_HEADLINE,
    LONGEST_NAME,
    LONGEST_URL,
    Unread,
    as_count,
    as_line,
    as_number,
    as_text,
    as_url,
)
from .media import UNUSABLE, locate
from .names import PLATFORM_NAME

LONGEST_USERNAME = 255

_PROFILE_URL = re.compile(
    r"(https?://(?:[a-z0-9-]+\.)*linkedin\.com/(in|company|showcase|school)/([^/?#\s]+)[^?#\s]*)", re.IGNORECASE
)
_LINKEDIN_URL = re.compile(r"(https?://(?:[a-z0-9-]+\.)*linkedin\.com/[^?#\s]*)", re.IGNORECASE)
_MEMBER_IN_URL = re.compile(r"fsd_profile(?:%3A|:)([A-Za-z0-9_-]{5,200})", re.IGNORECASE)
_MEMBER = re.compile(r"ACoAA[A-Za-z0-9_-]{5,200}")
_FOLLOWERS = re.compile(r"([0-9]{1,3}(?:,[0-9]{3})*|[0-9]{1,10}) followers?")
_CONTROL = re.compile(r"[\x00-\x1f\x7f]")

_AUTHOR_KEYS = frozenset(
    {
        *("first_name", "last_name", "headline", "username", "profile_url", "profile_picture"),
        *("name", "follower_count", "company_url", "logo_url"),
    }
)
_ACTOR_KEYS = frozenset(
    {
        *("id", "publicIdentifier", "universalName", "type", "name", "linkedinUrl", "info", "avatar", "urn"),
        *("website", "websiteLabel", "position", "picture", "pictureUrl"),
    }
)


def username(value: Json) -> str | None:
    """A public name, percent-decoded and NFC; None when it is empty, above 255 characters or not a name."""
    name = as_line(value, LONGEST_URL)
    if name is None:
        return None
    if "%" in name:
        name = unquote(name, errors="replace")
    if not name.isascii():
        name = normalize("NFC", name)
    return None if len(name) > LONGEST_USERNAME or _CONTROL.search(name) else name


def plain_url(value: Json) -> str | None:
    """A URL of LinkedIn's own pages without query, any other as it is; None when it is not one."""
    url = as_url(value)
    match = _LINKEDIN_URL.match(url) if url else None
    return match[1] if match else url


class Cast:
    """The profiles of one record, each once: who appears again is the one that appeared first."""

    __slots__ = ("_known", "profiles")

    def __init__(self) -> None:
        self.profiles: list[Profile] = []
        self._known: dict[tuple[ProfileKind, str], Profile] = {}

    def admit(self, profile: Profile | None) -> Profile | None:
        """Take a profile in; returns the one that stands for it."""
        if profile is None:
            return None
        # A member's id begins with capitals and a company's is a number, so ids and names share one table.
        names = [(profile.kind, name) for name in (profile.native_id, profile.username) if name is not None]
        for name in names:
            if name in self._known:
                return self._known[name]
        self.profiles.append(profile)
        self._known.update((name, profile) for name in names)
        return profile

    def scraped(self, name: str | None, kind: ProfileKind = ProfileKind.PERSON) -> Profile | None:
        """The profile whose list was read, known by its public name alone; somebody already seen, maybe."""
        plain = username(name)
        if plain is None:
            return None
        other = ProfileKind.COMPANY if kind is ProfileKind.PERSON else ProfileKind.PERSON
        known = self._known.get((kind, plain)) or self._known.get((other, plain))
        return known or self.admit(Profile(PLATFORM_NAME, kind, plain))


def read_author(value: Json, unread: Unread, prefix: str = "") -> Profile | None:
    """Read an `author` of apimaestro's actors; None when neither a username nor an id is known."""
    if not isinstance(value, dict):
        return None
    unread.keys(f"{prefix}author.", value, _AUTHOR_KEYS)
    get = value.get
    picture = get("profile_picture") or get("logo_url")
    profile = _profile(
        _short(get("profile_url") or get("company_url")),
        _short(get("username")),
        as_line(get("name"), LONGEST_NAME),
        as_line(get("first_name"), LONGEST_NAME),
        as_line(get("last_name"), LONGEST_NAME),
        as_line(get("headline"), LONGEST_HEADLINE),
        _short(picture),
        followers=as_count(get("follower_count")),
    )
    if picture and profile and not profile.media:
        unread.note(UNUSABLE)
    return profile


def read_actor(value: Json, unread: Unread, prefix: str) -> Profile | None:
    """Read an `author` or `repostedBy` of the harvestapi actor; None when nothing identifies it."""
    if not isinstance(value, dict):
        return None
    unread.keys(prefix, value, _ACTOR_KEYS)
    avatar = value.get("avatar") or value.get("picture") or value.get("pictureUrl")
    picture = avatar.get("url") if isinstance(avatar, dict) else avatar
    is_company = value.get("type") == "company" or (
        bool(value.get("universalName")) and not value.get("publicIdentifier")
    )
    native = as_text(value.get("id"))
    if is_company:
        native = as_number(value.get("id"))
    elif native is not None and not _MEMBER.fullmatch(native):
        native = None
    profile = _profile(
        _short(value.get("linkedinUrl")),
        _short(value.get("universalName" if is_company else "publicIdentifier")),
        as_line(value.get("name"), LONGEST_NAME),
        None,
        None,
        as_line(value.get("info") or value.get("position"), LONGEST_HEADLINE),
        _short(picture),
        native=native,
        is_company=is_company,
    )
    if picture and profile and not profile.media:
        unread.note(UNUSABLE)
    return profile


def _short(value: Json) -> str | None:
    # What is longer is no address and no name, and must not stay in memory.
    return value if isinstance(value, str) and len(value) <= LONGEST_URL else None


def company_of(url: Json) -> str | None:
    """The company's name in the address of its page (or the bare name)."""
    if not isinstance(url, str):
        return None
    match = _PROFILE_URL.match(url)
    return username(match[3]) if match else None if "/" in url else username(url)


@lru_cache(maxsize=512)
def _profile(
    address: str | None,
    stated: str | None,
    name: str | None,
    first: str | None,
    last: str | None,
    headline: str | None,
    picture: str | None,
    *,
    native: str | None = None,
    is_company: bool = False,
    followers: int | None = None,
) -> Profile | None:
    match = _PROFILE_URL.match(address) if address else None
    if match:
        is_company = match[2].lower() != "in"
    slug = username(match[3]) if match else None
    # What an address says of a company is the same in all dialects; of a person it may be an old name.
    public = (slug or username(stated)) if is_company else (username(stated) or slug)
    if native is None and not is_company and address and (member := _MEMBER_IN_URL.search(address)):
        native = member[1]
    if public is None and native is None:
        return None
    if name is None:
        name = " ".join(part for part in (first, last) if part)
    if followers is None and is_company:
        followers = _followers(headline)
    return Profile(
        PLATFORM_NAME,
        ProfileKind.COMPANY if is_company else ProfileKind.PERSON,
        public,
        native,
        as_line(name, LONGEST_NAME),
        headline,
        plain_url(address),
        _avatar(picture),
        None if followers is None else Account(followers=followers),
    )


def _followers(headline: str | None) -> int | None:
    """Companies have no headline of their own: LinkedIn writes their followers there, as of that moment."""
    told = _FOLLOWERS.fullmatch(headline) if headline else None
    return as_count(int(told[1].replace(",", ""))) if told else None


def _avatar(url: str | None) -> tuple[MediaRef, ...]:
    place = locate(url) if url else None
    if place is None:
        return ()
    return (
        MediaRef(
            Role.AVATAR,
            MediaType.IMAGE,
            place.url,
            place.key,
            position=0,
            rendition=place.rendition,
            rendition_rank=place.rank,
            expires_at=place.expires_at,
        ),
    )
