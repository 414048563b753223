"""What the library answers about people: profiles, the tags they and posts carry, and lists of them as CSV."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from postkeep.model import MediaState, ProfileKind
from postkeep.views import TextView


class TagColor(StrEnum):
    """The colours a tag may be shown in."""

    CYAN = "cyan"
    MAGENTA = "magenta"
    GREEN = "green"
    YELLOW = "yellow"
    BLUE = "blue"
    RED = "red"
    WHITE = "white"


@dataclass(frozen=True, slots=True)
class ProfileLine:
    """A profile in a list; `posts` are those it wrote (a community: that stand in it), `tags` names in order.

    `username` is None for one whose name another profile has now; `active` says that it is to be collected.
    """

    profile_id: str
    platform: str
    kind: str
    username: str | None
    name: str
    native_id: str | None
    headline: str | None
    url: str | None
    active: bool
    notes: str | None
    last_synced_at: datetime | None
    observed_at: datetime | None
    created_at: datetime
    posts: int = 0
    tags: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class NameView:
    """A name a profile was seen under (`kind`: username or name), first and last."""

    kind: str
    value: str
    first_seen_at: datetime
    last_seen_at: datetime


@dataclass(frozen=True, slots=True)
class AccountView:
    """What the records of a profile itself told last; unknown is None.

    `observed_at` is when such a record was observed last, though each value may be older: what one record leaves
    out stays as another told it. `facts` is what has no field of its own, by the platform's names.
    """

    observed_at: datetime
    biography: str | None
    category: str | None
    external_url: str | None
    external_url_kind: str | None
    is_verified: bool | None
    is_private: bool | None
    is_business: bool | None
    is_professional: bool | None
    followers: int | None
    following: int | None
    posts: int | None
    facts: Mapping[str, str | int | bool]


@dataclass(frozen=True, slots=True)
class BioLinkView:
    """A link a profile shows or, with `shown` False, showed; `kind` says where it leads, None when unknown."""

    url: str
    title: str | None
    kind: str | None
    first_seen_at: datetime
    last_seen_at: datetime
    shown: bool


@dataclass(frozen=True, slots=True)
class PictureView:
    """An avatar or banner (`role`) a profile has or had, and where its bytes are."""

    media_id: str
    role: str
    state: MediaState
    cached: bool
    url: str
    path: str | None
    width: int | None
    height: int | None
    first_seen_at: datetime
    last_seen_at: datetime | None
    absent_since: datetime | None


@dataclass(frozen=True, slots=True)
class CountsView:
    """What a profile counted at one time, and where that time is known from."""

    observed_at: datetime
    source: str
    followers: int | None
    following: int | None
    posts: int | None


@dataclass(frozen=True, slots=True)
class ProfileDetail:
    """A profile with all that was observed of it.

    `names` are all it was seen under, oldest first. `texts` are all it introduced itself with, the one of now
    among them, `pictures` and `counts` all there were, each newest first; `links` those of now in their order,
    then the others. `account` is None when no record of the profile itself was seen.
    """

    line: ProfileLine
    names: tuple[NameView, ...]
    account: AccountView | None = None
    texts: tuple[TextView, ...] = ()
    links: tuple[BioLinkView, ...] = ()
    pictures: tuple[PictureView, ...] = ()
    counts: tuple[CountsView, ...] = ()


@dataclass(frozen=True, slots=True)
class NewProfile:
    """What a person says of a profile to be added; what is empty or None is left as it is, or by default.

    `who` is the address of its page, `platform/username`, `platform/kind/username` or a username.
    """

    who: str
    name: str = ""
    platform: str | None = None
    kind: ProfileKind | None = None
    active: bool = True
    notes: str = ""
    tags: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class AddedProfile:
    """A profile after it was added; `new` is False when it was known already, under whatever name."""

    line: ProfileLine
    new: bool


@dataclass(frozen=True, slots=True)
class LineProblem:
    """A line of a CSV file (counted from 1) that was skipped, and why."""

    line: int
    reason: str


@dataclass(frozen=True, slots=True)
class PeopleImport:
    """What a CSV file did. `lines` = `new` + `changed` + `unchanged` + the number of problems.

    `remarks` say how the file was read, where that was not obvious.
    """

    source: str
    lines: int
    new: int
    changed: int
    unchanged: int
    problems: tuple[LineProblem, ...]
    remarks: tuple[str, ...]
    stopped: bool = False


@dataclass(frozen=True, slots=True)
class PersonRow:
    """A profile as a line of CSV."""

    name: str
    username: str
    platform: str
    kind: str
    active: bool
    notes: str
    tags: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class PeopleExport:
    """Profiles by platform, kind and username; `unnamed` is how many were left out for lack of a username."""

    people: tuple[PersonRow, ...]
    unnamed: int
    csv: str
    path: str | None = None


@dataclass(frozen=True, slots=True)
class TagView:
    """A tag, and how many profiles and posts carry it."""

    tag_id: str
    name: str
    color: str
    description: str | None
    created_at: datetime
    profiles: int = 0
    posts: int = 0


@dataclass(frozen=True, slots=True)
class Tagged:
    """How many profiles and posts got a tag, or lost it; those that had it, or had it not, are not counted."""

    tag: str
    profiles: int
    posts: int
