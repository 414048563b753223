"""Redditors and communities: as posts name them, and as their own pages show them."""

from __future__ import annotations

from datetime import datetime

from ...errors import ParseError
from ...model import Account, Json, MediaRef, MediaType, Parsed, Profile, ProfileKind, Role
from ..fields import LONGEST_HEADLINE, LONGEST_NAME, Unread, as_count, as_dict, as_line, as_moment, as_text
from . import keys
from .assets import locate
from .escapes import is_escaped, unescape
from .names import ACCOUNT, COMMUNITY, PLATFORM_NAME, community_address, full_id, public_name, user_address

_LONGEST_FACT = 2000

_FACTS_OF_ACCOUNT = (
    *("created_utc", "total_karma", "link_karma", "comment_karma", "awardee_karma", "awarder_karma", "verified"),
    *("has_verified_email", "is_gold", "is_mod", "is_employee", "is_suspended", "hide_from_robots"),
    "accept_followers",
)
_FACTS_OF_COMMUNITY = (
    *("created_utc", "accounts_active", "active_user_count", "over18", "subreddit_type", "quarantine", "lang"),
    *("submission_type", "allow_images", "allow_videos", "allow_polls", "allow_galleries", "submit_text"),
    *("wiki_enabled", "spoilers_enabled", "hide_ads", "should_archive_posts", "restrict_posting"),
    *("comment_score_hide_mins", "public_traffic", "community_reviewed", "whitelist_status"),
)


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
        known = self._known.get(_name(profile))
        # A name without an id may have been somebody else's: it only stands for the one that was seen here.
        if known is not None and profile.native_id in (None, known.native_id):
            return known
        self.profiles.append(profile)
        self._known.setdefault(_name(profile), profile)
        return profile

    def named(self, name: str | None) -> Profile | None:
        """The profile of that name, whatever its kind and letter case; None when it was not seen."""
        if name is None:
            return None
        plain = name.casefold()
        both = (ProfileKind.REDDITOR, plain), (ProfileKind.SUBREDDIT, plain)
        return next((self._known[each] for each in both if each in self._known), None)


def _name(profile: Profile) -> tuple[ProfileKind, str]:
    return profile.kind, (profile.username or profile.native_id or "").casefold()


def author_of(post: dict[str, Json]) -> Profile | None:
    """Who wrote a submission; None when that was deleted."""
    name = public_name(post.get("author"))
    if name is None:
        return None
    native = full_id(post.get("author_fullname"), ACCOUNT)
    return Profile(PLATFORM_NAME, ProfileKind.REDDITOR, name, native, url=user_address(name))


def community_of(post: dict[str, Json]) -> Profile | None:
    """Where a submission stands; a user's own page is a community, too (`u_name`)."""
    name = public_name(post.get("subreddit"))
    if name is None:
        return None
    native = full_id(post.get("subreddit_id"), COMMUNITY)
    return Profile(PLATFORM_NAME, ProfileKind.SUBREDDIT, name, native, url=community_address(name))


def parse_account(record: dict[str, Json], via: str | None) -> Parsed:
    """Read a user's page; raises ParseError when it names nobody."""
    unread, shown = Unread(), as_dict(record.get("data"))
    unread.keys("", record, keys.PAGE)
    _note(unread, "data.", shown, keys.ACCOUNT)
    name, native = public_name(shown.get("name")), full_id(shown.get("id"), ACCOUNT)
    if name is None:
        raise ParseError("no name", field="data.name")
    own = as_dict(shown.get("subreddit"))
    _note(unread, "data.subreddit.", own, keys.COMMUNITY)
    read = _Reader(shown)
    account = Account(
        followers=as_count(own.get("subscribers")),
        biography=read.text(own.get("public_description")),
        facts=read.facts(_FACTS_OF_ACCOUNT),
    )
    profile = Profile(
        PLATFORM_NAME,
        ProfileKind.REDDITOR,
        name,
        native,
        as_line(read.text(own.get("title")), LONGEST_NAME),
        url=user_address(name),
        media=_pictures(
            (shown.get("icon_img"), shown.get("snoovatar_img"), own.get("icon_img")),
            (own.get("banner_img"), own.get("mobile_banner_image")),
        ),
        account=account,
    )
    return _parsed("account", profile, via, unread)


def parse_community(record: dict[str, Json], via: str | None) -> Parsed:
    """Read a community's page; raises ParseError when it names none."""
    unread, shown = Unread(), as_dict(record.get("data"))
    unread.keys("", record, keys.PAGE)
    _note(unread, "data.", shown, keys.COMMUNITY)
    name = public_name(shown.get("display_name"))
    native = full_id(shown.get("name"), COMMUNITY) or full_id(shown.get("id"), COMMUNITY)
    if name is None:
        raise ParseError("no name", field="data.display_name")
    read = _Reader(shown)
    kind = shown.get("subreddit_type")
    account = Account(
        followers=as_count(shown.get("subscribers")),
        biography=read.text(shown.get("description")),
        category=as_line(read.text(shown.get("advertiser_category")), LONGEST_NAME),
        is_private=kind == "private" if isinstance(kind, str) else None,
        facts=read.facts(_FACTS_OF_COMMUNITY),
    )
    profile = Profile(
        PLATFORM_NAME,
        ProfileKind.SUBREDDIT,
        name,
        native,
        as_line(read.text(shown.get("title")), LONGEST_NAME),
        as_line(read.text(shown.get("public_description")), LONGEST_HEADLINE),
        community_address(name),
        _pictures(
            (shown.get("community_icon"), shown.get("icon_img")),
            (shown.get("banner_background_image"), shown.get("banner_img"), shown.get("mobile_banner_image")),
        ),
        account,
    )
    return _parsed("community", profile, via, unread)


class _Reader:
    """Texts of one page, unescaped when the page was escaped."""

    __slots__ = ("_escaped", "_shown")

    def __init__(self, shown: dict[str, Json]) -> None:
        self._shown = shown
        self._escaped = is_escaped((shown,))

    def text(self, value: Json) -> str | None:
        text = as_text(value)
        return unescape(text) if text is not None and self._escaped else text

    def facts(self, names: tuple[str, ...]) -> dict[str, str | int | bool]:
        found: dict[str, str | int | bool] = {}
        for name in names:
            value = self._shown.get(name)
            if name == "created_utc":
                moment: datetime | None = as_moment(value)
                value = int(moment.timestamp()) if moment else None
            if isinstance(value, str):
                value = as_line(self.text(value), _LONGEST_FACT)
            elif not isinstance(value, bool):
                value = _number(value)
            if value is not None:
                found[name] = value
        return found


def _number(value: Json) -> int | None:
    # Karma may be below zero.
    if isinstance(value, int | float) and -(2**31) < value < 2**63 and value == int(value):
        return int(value)
    return None


def _pictures(avatars: tuple[Json, ...], banners: tuple[Json, ...]) -> tuple[MediaRef, ...]:
    """The first usable address of each."""
    found: list[MediaRef] = []
    for role, values in ((Role.AVATAR, avatars), (Role.BANNER, banners)):
        place = next((place for value in values if (place := locate(value))), None)
        if place is not None:
            found.append(MediaRef(role, MediaType.IMAGE, place.url, place.key, len(found)))
    return tuple(found)


def _note(unread: Unread, prefix: str, value: dict[str, Json], known: frozenset[str]) -> None:
    seen = {name: each for name, each in value.items() if not name.startswith("user_")}
    unread.keys(prefix, seen, known)


def _parsed(shape: str, profile: Profile, via: str | None, unread: Unread) -> Parsed:
    seen = profile if via is not None and via.casefold() == (profile.username or "").casefold() else None
    return Parsed(shape, (), (profile,), seen, unread.names())
