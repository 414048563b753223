"""Who posted, took part or is shown, and what a profile tells of itself."""

from __future__ import annotations

import re
from collections.abc import Iterable

from ...model import Account, BioLink, Json, MediaRef, MediaType, Profile, ProfileKind, Role
from ..bio import kind_of
from ..fields import (
    LONGEST_HEADLINE,
    LONGEST_NAME,
    LONGEST_URL,
    Unread,
    as_count,
    as_dict,
    as_line,
    as_list,
    as_side,
    as_text,
    as_url,
    objects,
)
from .media import UNUSABLE, Version, best, locate, sized
from .names import PLATFORM_NAME, exact_number

MOST_LINKS = 100

_NAME = re.compile(r"[A-Za-z0-9._]{1,64}")
_SIDES = re.compile(r"(?:^|[?&])stp=[^&]*?_[sp]([0-9]{2,4})x([0-9]{2,4})")
_FACTS = (
    *("fbid", "eimu_id", "category_enum", "business_category_name", "overall_category_name", "account_type"),
    *("business_email", "business_phone_number", "business_contact_method", "public_email", "pronouns"),
    *("highlight_reel_count", "hide_like_and_view_counts", "is_verified_by_mv4b", "has_clips", "has_guides"),
    *("has_channel", "has_ar_effects", "has_onboarded_to_text_post_app", "is_joined_recently"),
    *(
        "is_embeds_disabled",
        "is_supervision_enabled",
        "is_regulated_c18",
        "country_block",
        "pinned_channels_list_count",
    ),
    *("total_clips_count", "total_igtv_videos", "mutual_followers_count", "ai_agent_owner_username"),
)


class Cast:
    """The profiles of one record, each once: who appears again is the one that appeared first."""

    __slots__ = ("_known", "profiles")

    def __init__(self) -> None:
        self.profiles: list[Profile] = []
        self._known: dict[str, Profile] = {}

    def admit(self, profile: Profile | None) -> Profile | None:
        """Take a profile in; returns the one that stands for it."""
        if profile is None:
            return None
        # An id is digits alone, and so may be a name; two ids that differ are two people, whatever their names.
        number = f"#{profile.native_id}" if profile.native_id else None
        if number and number in self._known:
            return self._known[number]
        known = self._known.get(f"@{profile.username}") if profile.username else None
        if known is not None and (known.native_id is None or number is None):
            return known
        self.profiles.append(profile)
        for name in (number, f"@{profile.username}" if profile.username and known is None else None):
            if name:
                self._known[name] = profile
        return profile

    def admit_all(self, users: Iterable[Json], unread: Unread, but: Profile | None = None) -> tuple[Profile, ...]:
        """The profiles of several users, each once, without the one named and without their pictures.

        Whoever is only named by others is not looked at more closely.
        """
        found = (self.admit(read_user(user, unread, pictured=False)) for user in users)
        # Told apart by identity: a profile is long, and who appears again is the same object.
        return tuple({id(each): each for each in found if each is not None and each is not but}.values())

    def scraped(self, name: str | None) -> Profile | None:
        """The profile whose list was read, known by its name alone; somebody already seen, maybe."""
        plain = username(name)
        return (
            self.admit(Profile(PLATFORM_NAME, ProfileKind.CREATOR, plain, url=page_of(plain))) if plain else None
        )


def username(value: Json) -> str | None:
    """A username in lower case; None when it is none."""
    name = as_line(value, LONGEST_URL)
    return name.lower() if name and _NAME.fullmatch(name) else None


def page_of(name: str | None) -> str | None:
    """The address of a profile's page."""
    return f"https://www.instagram.com/{name}/" if name else None


def read_user(
    value: Json, unread: Unread, account: Account | None = None, *, pictured: bool = True
) -> Profile | None:
    """Read a user as either dialect shows one; None when neither an id nor a username is known."""
    user = as_dict(value)
    fields = (user.get("pk"), user.get("id"), user.get("pk_id"), user.get("strong_id__"))
    number = next((number for number in map(exact_number, fields) if number), None)
    name = username(user.get("username"))
    if number is None and name is None:
        return None
    return Profile(
        PLATFORM_NAME,
        ProfileKind.CREATOR,
        name,
        number,
        as_line(user.get("full_name"), LONGEST_NAME),
        url=page_of(name),
        media=_avatar(user, unread) if pictured else (),
        account=account,
    )


def read_account(user: dict[str, Json], unread: Unread) -> Profile | None:
    """Read a profile's own record; what it lacks is unknown, and a missing count is not zero."""
    account = Account(
        followers=_counted(user, "edge_followed_by", "follower_count"),
        following=_counted(user, "edge_follow", "following_count"),
        posts=_counted(user, "edge_owner_to_timeline_media", "media_count"),
        biography=as_text(user.get("biography")),
        external_url=_external(user),
        links=bio_links(user.get("bio_links")),
        category=as_line(user.get("category_name") or user.get("category"), LONGEST_NAME),
        is_verified=_flag(user, "is_verified"),
        is_private=_flag(user, "is_private"),
        is_business=_flag(user, "is_business_account", "is_business"),
        is_professional=_flag(user, "is_professional_account"),
        facts=_facts(user),
    )
    return read_user(user, unread, account)


def _counted(user: dict[str, Json], edge: str, plain: str) -> int | None:
    count = as_count(as_dict(user.get(edge)).get("count"))
    return as_count(user.get(plain)) if count is None else count


def _flag(user: dict[str, Json], *names: str) -> bool | None:
    return next((value for name in names if isinstance(value := user.get(name), bool)), None)


def _external(user: dict[str, Json]) -> str | None:
    if "external_url" not in user:
        return None
    stated = user["external_url"]
    # A link that was taken away is null here, which is a fact; a link nobody can read is none.
    return "" if stated is None or stated == "" else as_url(stated)


def bio_links(value: Json) -> tuple[BioLink, ...] | None:
    """The links of a list of objects with url and title, each once, in order; None when it is no list."""
    if not isinstance(value, list):
        return None
    found = {
        url: BioLink(url, as_line(link.get("title"), LONGEST_NAME), kind_of(url))
        for link in objects(value[:MOST_LINKS])
        if (url := as_url(link.get("url"))) is not None
    }
    return tuple(found.values())


def _facts(user: dict[str, Json]) -> dict[str, str | int | bool]:
    facts: dict[str, str | int | bool] = {}
    for name in _FACTS:
        value = user.get(name)
        if name == "pronouns":
            value = "/".join(each for each in as_list(value)[:10] if isinstance(each, str))
        told = value if isinstance(value, bool) else as_line(value, LONGEST_HEADLINE) or as_count(value)
        if told is not None:
            facts[name] = told
    return facts


def _avatar(user: dict[str, Json], unread: Unread) -> tuple[MediaRef, ...]:
    if user.get("has_anonymous_profile_picture") is True:
        return ()
    versions = [
        Version(place, as_side(each.get("width")), as_side(each.get("height")))
        for each in (as_dict(user.get("hd_profile_pic_url_info")), *objects(user.get("hd_profile_pic_versions")))
        if (place := locate(as_url(each.get("url")) or "")) is not None
    ]
    for name in ("profile_pic_url_hd", "profile_pic_url"):
        stated = user.get(name)
        if versions or not stated:
            continue
        place = locate(as_url(stated) or "")
        if place is None:
            unread.note(UNUSABLE)
            continue
        sides = _SIDES.search(place.url)
        versions.append(Version(place, *((int(sides[1]), int(sides[2])) if sides else (None, None))))
    chosen = best(versions)
    return (sized(Role.AVATAR, MediaType.IMAGE, chosen),) if chosen else ()
