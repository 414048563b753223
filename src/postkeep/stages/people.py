"""People kept in order: looked for, added, made active or not, annotated."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace

from sqlalchemy import Connection

from postkeep.errors import ConfigError, NotFound, StoreClash, StoreInterrupted
from postkeep.ids import IdFactory
from postkeep.log import get_logger
from postkeep.model import ProfileKind
from postkeep.platforms.people import KINDS, Whose, is_username, on_platform, page_of, read_reference
from postkeep.stages import tagging, whom
from postkeep.stages.parts import Parts
from postkeep.store import people, tags, told
from postkeep.store.people import Person
from postkeep.store.types import storable
from postkeep.views.people import AddedProfile, NewProfile, ProfileDetail, ProfileLine

log = get_logger("people")

DEFAULT_PLATFORM = "linkedin"
_SEARCHED = 1000


# --- looking ------------------------------------------------------------------------------------------


def list_profiles(
    parts: Parts,
    *,
    limit: int,
    after: str | None,
    platform: str | None,
    tag_names: Sequence[str],
    active: bool | None,
    search: str | None,
) -> list[ProfileLine]:
    """A page of profiles by platform, kind and username; raises NotFound for an unknown tag, platform or `after`.

    `search` is looked for in every name a profile has or had and in its notes, whatever its case.
    """
    with parts.store.reading() as tx:
        if platform is not None:
            whom.must_be_platform(tx, platform)
        tag_ids = list(tagging.ids_of(tx, tag_names).values())
        last: Person | ProfileLine | None = None
        if after is not None:
            try:
                last = whom.find(tx, after)
            except NotFound as error:
                raise NotFound(f"there is no {after!r} to go on after") from error
        found: list[ProfileLine] = []
        while len(found) < limit:
            many = limit if search is None else max(limit, _SEARCHED)
            page = people.page(tx, limit=many, after=last, platform=platform, tag_ids=tag_ids, active=active)
            found += page if search is None else _matching(tx, page, search)
            if len(page) < many:
                break
            last = page[-1]
        return people.filled(tx, found[:limit])


def _matching(tx: Connection, page: Sequence[ProfileLine], search: str) -> list[ProfileLine]:
    # Not by the database: the two differ in what they hold for the same letter.
    wanted = search.strip().casefold()
    former = people.usernames_of(tx, [line.profile_id for line in page])
    return [
        line
        for line in page
        if any(
            wanted in text.casefold()
            for text in (line.username or "", line.name, line.notes or "", *former.get(line.profile_id, ()))
        )
    ]


def show_profile(parts: Parts, reference: str) -> ProfileDetail:
    """A profile with all that was observed of it; raises NotFound for none, and for several, naming them."""
    with parts.store.reading() as tx:
        profile_id = whom.find(tx, reference).profile_id
        return ProfileDetail(
            people.lines(tx, [profile_id])[profile_id],
            tuple(people.names(tx, profile_id)),
            told.account(tx, profile_id),
            tuple(told.texts(tx, profile_id)),
            tuple(told.links(tx, profile_id)),
            tuple(told.pictures(tx, profile_id)),
            tuple(told.counts(tx, profile_id)),
        )


def _lines(tx: Connection, found: Iterable[Person]) -> list[ProfileLine]:
    ids = [each.profile_id for each in found]
    lines = people.lines(tx, ids)
    return [lines[each] for each in ids]


# --- changing -----------------------------------------------------------------------------------------


def add_profile(parts: Parts, new: NewProfile) -> AddedProfile:
    """Make a profile, or bring a known one up to date: doing it again changes nothing.

    Raises NotFound for a platform nobody knows and a name of several, ConfigError for what is no username.
    """
    must_be_storable(new.name, new.notes)
    whose = stated(read_reference(new.who), new.platform, new.kind)
    try:
        with parts.store.writing() as tx:
            whom.must_be_platform(tx, whose.platform or "")
            before = whom.Known(tx, [whose.name]).find(whose)
            after = new_person(parts.ids, whose, new) if before is None else changed(before, new)
            write(tx, parts, [(before, after, new.tags)])
            [line] = _lines(tx, [after])
    except StoreInterrupted:
        raise
    except StoreClash as error:
        raise ConfigError(
            f"somebody else added {whose.name!r} just now: see what is there and try again"
        ) from error
    log.info("profile_added", profile_id=after.profile_id, new=before is None, active=after.active)
    return AddedProfile(line, before is None)


def set_active(parts: Parts, references: Sequence[str], *, active: bool) -> list[ProfileLine]:
    """Let profiles be collected, or not; raises NotFound, and then changes none of them."""
    with parts.store.writing() as tx:
        found = whom.find_all(tx, references)
        turned = [replace(each, active=active) for each in found if each.active != active]
        people.edit(tx, turned, parts.clock())
        lines = _lines(tx, found)
    log.info("profiles_turned", active=active, profile_ids=[each.profile_id for each in turned])
    return lines


def set_notes(parts: Parts, reference: str, notes: str | None) -> ProfileLine:
    """Write a note on a profile in place of the one it has; None removes it. Raises NotFound."""
    must_be_storable(notes or "")
    with parts.store.writing() as tx:
        found = whom.find(tx, reference)
        people.edit(tx, [replace(found, notes=notes)], parts.clock())
        [line] = _lines(tx, [found])
    log.info("profile_noted", profile_id=found.profile_id)
    return line


def must_be_storable(*texts: str) -> None:
    """Raise ConfigError for what no database can keep."""
    if not all(map(storable, texts)):
        raise ConfigError("the name or note has characters that no database can keep")


# --- what a change makes of a profile (pure but for `write`) ------------------------------------------


def stated(whose: Whose, platform: str | None, kind: ProfileKind | None) -> Whose:
    """Whom a name means with what else was said of it; raises ConfigError where the two differ."""
    for said, name in ((platform, whose.platform), (kind, whose.kind)):
        if said is not None and name is not None and said != name:
            raise ConfigError(f"{whose.name!r} is written as one of {name}, but said to be one of {said}")
    whose = on_platform(Whose(whose.name, whose.platform or platform or DEFAULT_PLATFORM, whose.kind or kind))
    kinds = KINDS.get(whose.platform or "", ())
    if whose.kind is not None and kinds and whose.kind not in kinds:
        raise ConfigError(f"{whose.platform} has no {whose.kind}; it has: {', '.join(kinds)}")
    return whose


def new_person(ids: IdFactory, whose: Whose, new: NewProfile) -> Person:
    """The profile of somebody nobody knows yet; raises ConfigError for what is no username."""
    if not is_username(whose.name):
        raise ConfigError(f"{whose.name[:100]!r} is neither a username nor the address of a profile's page")
    platform = whose.platform or DEFAULT_PLATFORM
    kind = whose.kind or KINDS.get(platform, (ProfileKind.PERSON,))[0]
    url = page_of(platform, kind, whose.name)
    name = new.name or whose.name
    return Person(ids.new("prf"), platform, kind, whose.name, name, None, url, new.active, new.notes or None)


def changed(person: Person, new: NewProfile) -> Person:
    """A known profile as it should be; its name is only filled in, for what was observed knows it better."""
    name = new.name if new.name and person.name in ("", person.username) else person.name
    return replace(person, name=name, active=new.active, notes=new.notes or person.notes)


def write(
    tx: Connection, parts: Parts, changes: Sequence[tuple[Person | None, Person, Sequence[str]]]
) -> list[bool]:
    """Write profiles as they were (None: new) and should be, and put tags on them; tells which were changed.

    Tags there are not yet are made.
    """
    now = parts.clock()
    tag_ids = tagging.made_of(tx, sorted({name for _, _, names in changes for name in names}), parts)
    have = tags.carrying(tx, [before.profile_id for before, _, _ in changes if before is not None])
    wanted = [{(after.profile_id, tag_ids[name]) for name in names} - have for _, after, names in changes]
    people.put(tx, [after for before, after, _ in changes if before is None], now)
    people.edit(tx, [after for before, after, _ in changes if before is not None and before != after], now)
    tags.put_on_profiles(tx, sorted(set().union(*wanted)), parts.ids, now)
    return [before != after or bool(new) for (before, after, _), new in zip(changes, wanted, strict=True)]
