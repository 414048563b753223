"""Whom and what an erasing means: looked up by whatever names it, and once more when nothing new can come in."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import TypeVar

from sqlalchemy import Connection

from postkeep.errors import NotFound
from postkeep.model import ProfileKind
from postkeep.platforms.people import KINDS, Whose, on_platform, read_reference
from postkeep.stages import which
from postkeep.stages.erasing.names import Names
from postkeep.stages.erasing.searching import Found
from postkeep.stages.holding import profile_of
from postkeep.stages.whom import Several
from postkeep.store import erasing, erasing_records, tombstones
from postkeep.store.erasing import Doomed, DoomedProfile
from postkeep.store.spelling import fold
from postkeep.store.tombstones import Tombstone

_AT_ONCE = 50
"""So many posts are deleted in one transaction; each brings a few dozen rows."""


@dataclass(frozen=True, slots=True)
class Asked:
    """What is to be erased: posts by whatever names them, or one profile with all its posts."""

    posts: Sequence[str] = ()
    profile: str | None = None
    platform: str | None = None


@dataclass(slots=True)
class Records:
    """Counts of records that went: alone, cut, dropped with others in them, and unreadable ones."""

    alone: int = 0
    cut: int = 0
    dropped: int = 0
    quarantined: int = 0

    def add(self, found: Found) -> None:
        for each in found.replaced:
            if each.sha256 not in found.serving:
                self.alone += 1
            elif each.row is not None:
                self.cut += 1
            else:
                self.dropped += 1


@dataclass(slots=True)
class Scope:
    """What is meant, and what it is called; what holds and leaves it behind is found on the way."""

    posts: list[Doomed]
    profile: DoomedProfile | None
    names: Names
    records: set[str]
    sources: set[str]
    post_ids: frozenset[str]
    platforms: frozenset[str]
    near: set[str] = field(default_factory=set)
    begun: tuple[str, ...] = ()
    orphans_of: Whose | None = None
    found: Records = field(default_factory=Records)

    @property
    def profile_id(self) -> str | None:
        return self.profile.profile_id if self.profile else None

    @property
    def subjects(self) -> tuple[str, ...]:
        return (self.profile.profile_id,) if self.profile else tuple(each.post_id for each in self.posts)

    @property
    def usernames(self) -> tuple[str, ...]:
        if self.profile is not None:
            return self.profile.usernames
        return () if self.orphans_of is None else (self.orphans_of.name,)

    @property
    def stones(self) -> list[Tombstone]:
        posts = [tombstones.of_post(each.platform, each.native_id) for each in self.posts]
        return [*posts, *self.person_stones]

    @property
    def person_stones(self) -> list[Tombstone]:
        stones: list[Tombstone] = []
        if (who := self.profile) is not None:
            for name in dict.fromkeys((who.username, *who.usernames)):
                stones += tombstones.of_profile(who.platform, who.kind, native_id=who.native_id, username=name)
        elif (whose := self.orphans_of) is not None and whose.platform is not None:
            for kind in [whose.kind] if whose.kind else KINDS.get(whose.platform, ()):
                if kind is not ProfileKind.SUBREDDIT:
                    stones += tombstones.of_profile(whose.platform, kind, native_id=None, username=whose.name)
        return list(dict.fromkeys(stones))

    def up_to_date(self, tx: Connection) -> Scope:
        """The same with what came in since, for which all of it is read again; itself when nothing did."""
        if self.profile is None:
            return self
        profile = erasing.profile(tx, self.profile.profile_id)
        if profile == self.profile and frozenset(erasing.posts_of(tx, profile)) == self.post_ids:
            return self
        return scope_of(tx, Asked(profile=self.profile.profile_id))


def scope_of(tx: Connection, asked: Asked) -> Scope:
    """All that is meant; raises NotFound, and Several for a name of several."""
    profile, whose, begun = None, None, erasing.begun(tx)
    if asked.profile is not None:
        profile = _profile(tx, asked.profile.strip(), asked.platform)
        if profile is not None:
            post_ids, subjects = erasing.posts_of(tx, profile), [profile.profile_id]
        else:
            whose = _orphaned(asked.profile.strip(), asked.platform)
            post_ids = subjects = _orphans(tx, whose)
            if not post_ids:
                raise NotFound(_nothing(tx, asked.profile.strip(), whose))
            whose = replace(whose, platform=erasing.posts(tx, post_ids[:1])[0].platform)
    else:
        # What is no longer there of an erasing that has begun needs no more than to be forgotten.
        left = [each for each in asked.posts if each.strip() not in begun or erasing.posts(tx, [each.strip()])]
        post_ids = sorted({which.find_post(tx, each) for each in left})
        subjects = sorted({*post_ids, *(each.strip() for each in asked.posts if each not in left)})
    posts, names, records, sources = [], set[str](), set[str](), set[str]()
    for some in in_parts(post_ids):
        posts += erasing.posts(tx, some)
        sources |= erasing.sources_of(tx, some)
        records |= erasing_records.records_of(tx, some, None)
    going = frozenset(post_ids)
    if going:
        names |= erasing.names_of(tx, going)
    near = erasing_records.records_of(tx, set(erasing.sharing(tx, post_ids, names)) - going, None)
    people: list[str] = []
    if profile is not None:
        records |= erasing_records.records_of(tx, (), profile.profile_id)
        people = [*profile.usernames, *filter(None, [profile.native_id])]
    elif whose is not None:
        people = [whose.name]
    platforms = frozenset([each.platform for each in posts] + ([profile.platform] if profile else []))
    return Scope(
        posts,
        profile,
        Names(posts=names, people=people),
        records,
        sources,
        going,
        platforms,
        near=near,
        begun=tuple(subjects),
        orphans_of=whose,
    )


def _profile(tx: Connection, name: str, platform: str | None) -> DoomedProfile | None:
    try:
        return erasing.profile(tx, profile_of(tx, name, platform))
    except Several:
        raise
    except NotFound:
        return None


def _orphaned(name: str, platform: str | None) -> Whose:
    whose = read_reference(name)
    return whose if platform is None else on_platform(replace(whose, platform=platform))


def _orphans(tx: Connection, whose: Whose) -> list[str]:
    """Posts that say who wrote them, who is no profile any more."""
    found = erasing.orphans(tx, {whose.name, fold(whose.name)}, whose.platform)
    if len(platforms := {platform for _, platform in found}) > 1:
        named = ", ".join(f"{platform}/{whose.name}" for platform in sorted(platforms))
        raise NotFound(f"{whose.name!r} is a name of several authors: {named}")
    return sorted(post_id for post_id, _ in found)


def _nothing(tx: Connection, name: str, whose: Whose) -> str:
    stones = [
        stone
        for platform in ([whose.platform] if whose.platform else KINDS)
        for kind in ([whose.kind] if whose.kind else KINDS.get(platform, ()))
        for stone in tombstones.of_comer(platform, kind, native_id=None, username=whose.name)
    ]
    if tombstones.standing(tx, stones):
        return f"nothing of {name!r} is here: it was erased, and stays away"
    return f"no profile is known as {name!r}; `postkeep profiles list --search TEXT` finds whom you mean"


_Each = TypeVar("_Each")


def in_parts(several: Sequence[_Each]) -> Iterator[Sequence[_Each]]:
    for start in range(0, len(several), _AT_ONCE):
        yield several[start : start + _AT_ONCE]
