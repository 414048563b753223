"""Stores what somebody else's collector fetched: items of one creator, each as the record it is."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from typing import TypeVar

import orjson
from sqlalchemy import Connection

from postkeep.errors import NotFound, ParseError
from postkeep.ids import is_id
from postkeep.model import (
    BadRecord,
    Json,
    Observation,
    ObservedSource,
    Place,
    Platform,
    Profile,
    ProfileKind,
    RawRecord,
    RunStatus,
)
from postkeep.platforms.fields import as_number, written
from postkeep.platforms.instagram.creator import creator, list_record
from postkeep.platforms.instagram.names import PLATFORM_NAME
from postkeep.stages.ingest import Ingest
from postkeep.stages.ingest.candidate import digest
from postkeep.stages.ingest.profiles import ProfileFold
from postkeep.stages.parts import Parts
from postkeep.stages.recorded import recorded
from postkeep.store import Store, collected, known, old_ids, tombstones, write
from postkeep.store.collected import Creator
from postkeep.store.engine import despite_clashes
from postkeep.store.known import Known
from postkeep.store.rows import ProfileRow
from postkeep.views.collected import SavedPosts

Made = TypeVar("Made")


def store_collected(
    parts: Parts,
    platform: Platform,
    name: str,
    creator_id: str | int,
    username: str | None,
    items: Sequence[Json],
    *,
    reels: bool,
) -> SavedPosts:
    """Store items as observed now, in a recorded run called `name`; their media are queued, none is fetched.

    They are remembered as the creator's list of reels or feed, when all of them can be read; an item nobody can
    read is quarantined. Raises NotFound for a creator who cannot be, before anything is stored.
    """
    observation = Observation(parts.clock(), ObservedSource.COLLECTOR)

    def find(tx: Connection) -> tuple[Profile, ProfileRow]:
        named = creator_named(tx, creator_id, username)
        return named, observed(tx, parts, named, observation)

    named, row = settled(parts.store, find)
    page = _page(platform, items, named, reels=reels)
    with recorded(parts.store, name, ids=parts.ids, clock=parts.clock) as run:
        ingest = Ingest(
            parts.store,
            platforms=[platform],
            ids=parts.ids,
            run_id=run.run_id,
            clock=parts.clock,
            fetch_avatars=parts.config.fetch.avatars,
        )
        for _ in ingest.feed(_records(name, items if page is None else [page], observation, row.username)):
            pass
        tally = ingest.tally
        if tally.errors:
            run.status = RunStatus.PARTIAL
        run.summary.update(
            processed=tally.processed,
            new=tally.new,
            duplicates=tally.duplicates,
            updated=tally.updated,
            errors=tally.errors,
        )
        with parts.store.reading() as tx:
            outcomes = collected.outcomes(tx, run.run_id)
        new = outcomes.pop("new", 0)
        return SavedPosts(run.run_id, new, sum(outcomes.values()), tally.errors)


def _page(platform: Platform, items: Sequence[Json], named: Profile, *, reels: bool) -> Json:
    """The items as one page; None where one cannot be read: each has its own place in the quarantine then."""
    page = list_record(items, named, reels=reels)
    try:
        parsed = platform.parse(orjson.loads(written(page)))
    except (ParseError, orjson.JSONDecodeError):
        return None
    return page if parsed.listing is not None else None


def _records(
    name: str, items: Sequence[Json], observation: Observation, via: str | None
) -> Iterator[RawRecord | BadRecord]:
    for number, item in enumerate(items, start=1):
        place = Place(name, number, 0)
        try:
            yield RawRecord(written(item), place, observation, via)
        except ParseError as error:
            yield BadRecord(place, observation, error.message, 0, digest(b""), via=via)


def content_counts(parts: Parts, creator_id: str | int) -> tuple[int, int]:
    """How many reels and how many other posts of a creator are stored; none of a number nobody knows."""
    with parts.store.reading() as tx:
        _, row = _find(tx, creator_id)
        return collected.content_counts(tx, row.profile_id) if row is not None else (0, 0)


# --- whom a caller means --------------------------------------------------------------------------------------


def creator_named(tx: Connection, creator_id: str | int, username: str | None) -> Profile:
    """The creator of a profile's id, old or new, or of the platform's number; by its name of now, where told.

    A name is only taken over where the platform's own id says that it is the same creator. Raises NotFound.
    """
    number, row = _find(tx, creator_id)
    if row is None:
        return creator(number, username)
    if number is None and row.username is None:
        raise NotFound(f"{creator_id} has neither a number nor a name on {PLATFORM_NAME} any more")
    named = creator(number, (number and username) or row.username)
    return replace(named, kind=ProfileKind(row.kind))


def _find(tx: Connection, creator_id: str | int) -> tuple[str | None, Creator | None]:
    """The platform's number and our row for a creator, of which one is there at least; raises NotFound."""
    name = old_ids.current(tx, str(creator_id).strip())
    if not is_id(name, "prf"):
        number = as_number(name)
        if number is None:
            raise NotFound(f"{creator_id!r} is neither the id of a profile nor a number of {PLATFORM_NAME}'s")
        return number, collected.creator_of_number(tx, PLATFORM_NAME, number)
    row = collected.creator(tx, name)
    if row is None:
        raise NotFound(f"no profile is known as {creator_id!r}")
    if row.platform != PLATFORM_NAME:
        raise NotFound(f"{creator_id} is a profile of {row.platform}, not of {PLATFORM_NAME}")
    return row.native_id, row


def fold_creator(
    tx: Connection, parts: Parts, named: Profile, observation: Observation
) -> tuple[Known, ProfileRow]:
    """What is known of a creator, with his row as it is from now on; nothing is written yet. Raises NotFound."""
    rows = Known()
    rows.profiles, rows.names = known.load_profiles(
        tx, {named.username} if named.username else (), {named.native_id} if named.native_id else ()
    )
    names = tombstones.of_comer(named.platform, named.kind, native_id=named.native_id, username=named.username)
    rows.erased = tombstones.standing(tx, names)
    row = ProfileFold(rows, parts.ids).observe(named, observation.at)
    if row is None:
        raise NotFound(f"{named.username or named.native_id} was erased, and is not stored again")
    return rows, row


def observed(tx: Connection, parts: Parts, named: Profile, observation: Observation) -> ProfileRow:
    """The creator's row, made or brought up to date; the profile is locked from here on. Raises NotFound."""
    rows, row = fold_creator(tx, parts, named, observation)
    write.write_profiles(tx, rows.profiles, rows.names, observation.at)
    return row


def settled(store: Store, make: Callable[[Connection], Made]) -> Made:
    """Write in one transaction; when somebody else was quicker with the same key, look again and write then."""

    def attempt() -> Made:
        with store.writing() as tx:
            return make(tx)

    return despite_clashes(attempt)
