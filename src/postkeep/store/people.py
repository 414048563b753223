"""Profiles as people look for them and change them: by name, by former name, in pages by key."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from sqlalchemy import Connection

from postkeep.model import ProfileKind
from postkeep.store import bulk, schema
from postkeep.store.bulk import moment
from postkeep.store.spelling import fold, folded
from postkeep.store.types import storable
from postkeep.views.people import NameView, ProfileLine

USERNAME, NAME = "username", "name"
"""The kinds of names that `profile_names` keeps."""


@dataclass(frozen=True, slots=True)
class Person:
    """What of a profile finding and changing it needs."""

    profile_id: str
    platform: str
    kind: str
    username: str | None
    name: str
    native_id: str | None
    url: str | None
    active: bool
    notes: str | None


_PERSON = "p.profile_id, p.platform, p.kind, p.username, p.name, p.native_id, p.profile_url, p.is_active, p.notes"
_LINE = (
    "p.profile_id, p.platform, p.kind, p.username, p.name, p.native_id, p.headline, p.profile_url, p.is_active,"
    " p.notes, p.last_synced_at, p.observed_at, p.created_at"
)


# --- finding ------------------------------------------------------------------------------------------


def called(tx: Connection, names: Iterable[str]) -> list[Person]:
    """The profiles that have one of these usernames now, however spelled, or as their platform's own id."""
    asked = {name for name in names if storable(name)}
    found = {}
    for column, wanted in ((folded(tx, "p.username"), set(map(fold, asked))), ("p.native_id", asked)):
        for row in bulk.among(tx, f"SELECT {_PERSON} FROM profiles p WHERE {column} {{in}}", wanted):  # noqa: S608
            found[row[0]] = _person(row)
    return list(found.values())


def once_called(tx: Connection, names: Iterable[str]) -> list[tuple[str, Person]]:
    """The profiles that were seen under one of these usernames, with that name as it was spelled then."""
    rows = bulk.among(
        tx,
        f"SELECT n.value, {_PERSON} FROM profile_names n JOIN profiles p ON p.profile_id = n.profile_id"  # noqa: S608
        f" WHERE {folded(tx, 'n.value')} {{in}} AND n.kind = ?",
        {fold(name) for name in names if storable(name)},
        USERNAME,
    )
    return [(row[0], _person(row[1:])) for row in rows]


def spellings(tx: Connection, name: str) -> list[str]:
    """Every way a username was spelled, the one that is asked for first."""
    if not storable(name):
        return [name]
    seen = bulk.among(
        tx,
        f"SELECT DISTINCT value FROM profile_names WHERE {folded(tx, 'value')} {{in}} AND kind = ?",  # noqa: S608
        [fold(name)],
        USERNAME,
    )
    return list(dict.fromkeys([name, *sorted(value for (value,) in seen)]))


def by_id(tx: Connection, profile_ids: Iterable[str]) -> dict[str, Person]:
    rows = bulk.among(tx, f"SELECT {_PERSON} FROM profiles p WHERE p.profile_id {{in}}", profile_ids)  # noqa: S608
    return {row[0]: _person(row) for row in rows}


def has_platform(tx: Connection, platform: str) -> bool:
    """Whether any profile is of this platform."""
    statement = "SELECT 1 FROM profiles WHERE platform = ? LIMIT 1"
    return storable(platform) and bulk.execute(tx, statement, platform).first() is not None


def _person(row: Sequence[Any]) -> Person:
    profile_id, platform, kind, username, name, native_id, url, active, notes = row
    return Person(profile_id, platform, kind, username, name, native_id, url, bool(active), notes)


# --- looking ------------------------------------------------------------------------------------------


def page(
    tx: Connection,
    *,
    limit: int,
    after: Person | ProfileLine | None = None,
    platform: str | None = None,
    tag_ids: Sequence[str] = (),
    active: bool | None = None,
) -> list[ProfileLine]:
    """A page of profiles by platform, kind and username; those without a username come last, by id.

    `after` is the profile the page before ended with; with several tags all are asked for. Neither posts nor
    tags are filled in.
    """
    if not storable(platform or ""):
        return []
    found: list[ProfileLine] = []
    where, parameters = _filters(tag_ids, active)
    if after is None or after.username is not None:
        begins, values = _begins(platform, after)
        found = _lines(
            tx,
            f"p.username IS NOT NULL{begins}{where} ORDER BY p.platform, p.kind, p.username LIMIT ?",
            *values,
            *parameters,
            limit,
        )
    if len(found) < limit:
        last = after.profile_id if after is not None and after.username is None else ""
        of = "" if platform is None else " AND p.platform = ?"
        found += _lines(
            tx,
            f"p.username IS NULL AND p.profile_id > ?{of}{where} ORDER BY p.profile_id LIMIT ?",
            last,
            *([] if platform is None else [platform]),
            *parameters,
            limit - len(found),
        )
    return found


def _begins(platform: str | None, after: Person | ProfileLine | None) -> tuple[str, list[Any]]:
    """Where in the key's index a page begins: the platform that is asked for is a part of the key."""
    if platform is not None:
        if after is None:
            return " AND p.platform = ?", [platform]
        return " AND p.platform = ? AND (p.kind, p.username) > (?, ?)", [platform, after.kind, after.username]
    if after is None:
        return "", []
    return " AND (p.platform, p.kind, p.username) > (?, ?, ?)", [after.platform, after.kind, after.username]


def _filters(tag_ids: Sequence[str], active: bool | None) -> tuple[str, list[Any]]:
    where = " AND p.profile_id IN (SELECT profile_id FROM profile_tags WHERE tag_id = ?)" * len(tag_ids)
    parameters: list[Any] = list(tag_ids)
    if active:
        where += " AND p.is_active = ?"
        parameters.append(True)
    elif active is not None:
        # Spelled so that SQLite takes no index for it: nearly all are inactive, and all would be sorted.
        where += " AND NOT p.is_active"
    return where, parameters


def lines(tx: Connection, profile_ids: Iterable[str]) -> dict[str, ProfileLine]:
    """These profiles with the number of their posts and their tags, by id."""
    rows = bulk.among(tx, f"SELECT {_LINE} FROM profiles p WHERE p.profile_id {{in}}", profile_ids)  # noqa: S608
    return {line.profile_id: line for line in filled(tx, [_line(row) for row in rows])}


def filled(tx: Connection, found: Sequence[ProfileLine]) -> list[ProfileLine]:
    """The same profiles with the number of their posts and their tags; those that stand in a community are its."""
    communities = [line.profile_id for line in found if line.kind == ProfileKind.SUBREDDIT]
    authors = [line.profile_id for line in found if line.kind != ProfileKind.SUBREDDIT]
    posts = {
        profile_id: int(count)
        for column, ids in (("author_profile_id", authors), ("community_profile_id", communities))
        for profile_id, count in bulk.among(
            tx,
            f"SELECT {column}, count(*) FROM posts WHERE {column} {{in}} GROUP BY {column}",  # noqa: S608
            ids,
        )
    }
    tags = tags_of(tx, [line.profile_id for line in found])
    return [
        replace(line, posts=posts.get(line.profile_id, 0), tags=tags.get(line.profile_id, ())) for line in found
    ]


def tags_of(tx: Connection, profile_ids: Iterable[str]) -> dict[str, tuple[str, ...]]:
    """The names of the tags that profiles carry, in order."""
    found: defaultdict[str, list[str]] = defaultdict(list)
    for profile_id, name in bulk.among(
        tx,
        "SELECT o.profile_id, t.name FROM profile_tags o JOIN tags t ON t.tag_id = o.tag_id"
        " WHERE o.profile_id {in}",
        profile_ids,
    ):
        found[profile_id].append(name)
    return {profile_id: tuple(sorted(names)) for profile_id, names in found.items()}


def usernames_of(tx: Connection, profile_ids: Iterable[str]) -> dict[str, list[str]]:
    """Every username and name that profiles were seen under."""
    found: defaultdict[str, list[str]] = defaultdict(list)
    for profile_id, value in bulk.among(
        tx, "SELECT profile_id, value FROM profile_names WHERE profile_id {in}", profile_ids
    ):
        found[profile_id].append(value)
    return found


def names(tx: Connection, profile_id: str) -> list[NameView]:
    """Every name a profile was seen under, oldest first."""
    rows = bulk.execute(
        tx,
        "SELECT kind, value, first_seen_at, last_seen_at FROM profile_names WHERE profile_id = ?"
        " ORDER BY first_seen_at, kind, value",
        profile_id,
    ).all()
    return [NameView(kind, value, moment(first), moment(last)) for kind, value, first, last in rows]  # type: ignore[arg-type]


def _lines(tx: Connection, condition: str, *parameters: Any) -> list[ProfileLine]:
    statement = f"SELECT {_LINE} FROM profiles p WHERE {condition}"  # noqa: S608
    return [_line(row) for row in bulk.execute(tx, statement, *parameters).all()]


def _line(row: Sequence[Any]) -> ProfileLine:
    synced, observed, created = map(moment, row[10:13])
    return ProfileLine(*row[:8], bool(row[8]), row[9], synced, observed, created)  # type: ignore[call-arg]


# --- changing -----------------------------------------------------------------------------------------


def put(tx: Connection, people: Sequence[Person], now: datetime) -> None:
    """Add profiles, and the names they are added under to those they had; raises StoreClash when one is taken."""
    bulk.insert(
        tx,
        schema.profiles,
        (
            *("profile_id", "platform", "kind", "username", "name", "native_id", "profile_url", "is_active"),
            *("notes", "created_at", "updated_at"),
        ),
        [
            (
                *(each.profile_id, each.platform, each.kind, each.username, each.name, each.native_id, each.url),
                *(each.active, each.notes, now, now),
            )
            for each in people
        ],
    )
    bulk.insert(
        tx,
        schema.profile_names,
        ("profile_id", "kind", "value", "first_seen_at", "last_seen_at"),
        [
            (each.profile_id, kind, value, now, now)
            for each in people
            for kind, value in ((USERNAME, each.username), (NAME, each.name))
            if value and (kind == USERNAME or value != each.username)
        ],
    )


def edit(tx: Connection, people: Sequence[Person], now: datetime) -> None:
    """Write what people may change of known profiles: name, whether they are active, notes."""
    bulk.update(
        tx,
        schema.profiles,
        ("name", "is_active", "notes", "updated_at"),
        [(each.name, each.active, each.notes, now, each.profile_id) for each in people],
        key=["profile_id"],
    )
