"""What a post is beside its text, media and numbers: as it was told last, in whatever order records come. Pure."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import orjson

from postkeep.model import Post, Presence, Profile
from postkeep.stages.ingest.profiles import ProfileFold
from postkeep.stages.ingest.told import tell
from postkeep.store.known import Known
from postkeep.store.rows import PeopleRows, PersonRow, PostRow

_TAGGED, _COAUTHOR = _ROLES = ("tagged", "coauthor")
_PRESENCES = [str(each) for each in (Presence.THERE, Presence.PRIVATE, Presence.REMOVED, Presence.DELETED)]
"""At one time the last of these is believed."""


class FactFold:
    """Folds title, format, place, people, flags and presence into posts; that one is gone takes nothing away."""

    def __init__(self, known: Known, profiles: ProfileFold) -> None:
        self.known = known
        self.profiles = profiles

    def observe(self, row: PostRow, post: Post, at: datetime) -> None:
        """Bring the row up to what the post is at `at`, before the row itself is said to be observed then."""
        before = _facts_of(row)
        last = row.observed_at
        if last is None or at > last:
            row.presence, row.flags = str(post.presence), _dumps(post.flags)
        elif at == last:
            row.presence = max(row.presence, str(post.presence), key=_PRESENCES.index)
            row.flags = _dumps(sorted({*_flags(row), *post.flags}))
        if last is None or at >= last:
            row.presence_at = at if row.presence != Presence.THERE else None
        people = self.known.people.get(row.post_id)
        place = (row.location_name, row.location_native_id, row.latitude, row.longitude)
        values: dict[str, Any] = {
            "title": row.title,
            "post_format": row.post_format,
            "location": place if row.location_name is not None else None,
            **({role: _spelled(named) for role, named in people.roles.items()} if people is not None else {}),
        }
        told = self._told(post, at)
        shown = {name: value if name not in _ROLES else _spelled(value) for name, value in told.items()}
        row.told_json = tell(values, shown, at, last=last, told_json=row.told_json, apart=_ROLES)
        row.title, row.post_format = values["title"], values["post_format"]
        if values["location"] is not None:
            row.location_name, row.location_native_id, row.latitude, row.longitude = values["location"]
        self._people(row, {role: told[role] for role in _ROLES if told[role]}, values)
        row.facts_changed |= before != _facts_of(row)

    def _told(self, post: Post, at: datetime) -> dict[str, Any]:
        place = post.location
        return {
            "title": post.title,
            "post_format": str(post.format) if post.format is not None else None,
            "location": (place.name, place.native_id, place.latitude, place.longitude) if place else None,
            **{
                role: tuple(self._person(each, at) for each in people if not self.profiles.is_erased(each)) or None
                for role, people in ((_TAGGED, post.tagged), (_COAUTHOR, post.coauthors))
            },
        }

    def _person(self, person: Profile, at: datetime) -> PersonRow:
        row = self.profiles.observe(person, at)
        name = person.name or person.username or ""
        return PersonRow(name, person.username, person.native_id, row.profile_id if row is not None else None)

    def _people(self, row: PostRow, told: dict[str, tuple[PersonRow, ...]], values: dict[str, Any]) -> None:
        """Replace the people of a role as a whole by those of the record that tells last."""
        for role, people in told.items():
            known = self.known.people.setdefault(row.post_id, PeopleRows({}))
            if values[role] == _spelled(people) != _spelled(known.roles.get(role)):
                known.roles[role], known.changed = people, True


def _facts_of(row: PostRow) -> tuple[Any, ...]:
    return (
        *(row.title, row.post_format, row.presence, row.presence_at, row.flags, row.told_json),
        *(row.location_name, row.location_native_id, row.latitude, row.longitude),
    )


def _flags(row: PostRow) -> list[str]:
    return orjson.loads(row.flags) if row.flags else []


def _spelled(people: tuple[PersonRow, ...] | None) -> list[list[str | None]] | None:
    return [[each.name, each.username, each.native_id] for each in people] if people else None


def _dumps(flags: list[str] | tuple[str, ...]) -> str | None:
    return orjson.dumps(flags).decode() if flags else None
