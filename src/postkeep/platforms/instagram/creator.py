"""A creator as a caller names one, and the profile a collector hands over, mapped or as the platform answered."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from ...model import BioLink, Json, Profile, ProfileKind
from ..fields import Unread, as_dict
from .names import PLATFORM_NAME
from .nodes import find_account
from .profiles import bio_links, page_of, read_account, username

_PICTURES = ("profile_pic_url_hd", "profile_pic_url", "hd_profile_pic_url_info")


def creator(native_id: str | None, name: str | None) -> Profile:
    """A creator known by the platform's number, by name, or both; a name that is none is left out."""
    plain = username(name)
    return Profile(PLATFORM_NAME, ProfileKind.CREATOR, plain, native_id, url=page_of(plain))


def list_record(items: Sequence[Json], owner: Profile, *, reels: bool) -> dict[str, Json]:
    """The items of a creator's reels or feed as the answer they came in, so that it is known as that list."""
    record: dict[str, Json] = {"items": list(items), "user": {"pk": owner.native_id, "username": owner.username}}
    return {**record, "paging_info": {}} if reels else record


def told_profile(told: Json, known: Profile, *, picture: Json = None, links: Json = None) -> Profile:
    """A creator's profile with all that a collector tells of it.

    `told` is the platform's own answer or what was mapped from it; an answer inside (`raw_data`) comes first, for
    a mapping turns unknown counts to zero. `known` names the creator where the answer does not. `picture` and
    `links` (objects with url and title) stand for what the answer lacks.
    """
    user = _user(told)
    names = {"id": known.native_id, "username": known.username}
    shown = {**names, **{name: value for name, value in user.items() if name not in names or value is not None}}
    if not any(user.get(name) for name in _PICTURES):
        shown["profile_pic_url"] = picture
    profile = read_account(shown, Unread())
    if profile is None or profile.account is None:
        return known
    given = bio_links(links)
    if given or (given is not None and profile.account.links is None):
        profile = replace(profile, account=replace(profile.account, links=given))
    return profile


def links_of(told: Json) -> tuple[BioLink, ...]:
    """The links a profile shows in its biography, each once, in order."""
    return bio_links(_user(told).get("bio_links")) or ()


def _user(told: Json) -> dict[str, Json]:
    outer = as_dict(told)
    answer = outer["raw_data"] if isinstance(outer.get("raw_data"), dict) else outer
    found = find_account(answer)
    return found.inner if found is not None else answer
