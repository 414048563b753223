"""Tags, and which profiles and posts carry them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Connection

from postkeep.ids import IdFactory
from postkeep.store import bulk, schema
from postkeep.store.bulk import moment
from postkeep.store.types import storable
from postkeep.views.people import TagView

_COLUMNS = "tag_id, name, color, description, created_at"
_CARRIED = {
    "profile_tags": "SELECT tag_id, count(*) FROM profile_tags WHERE tag_id {in} GROUP BY tag_id",
    "post_tags": "SELECT tag_id, count(*) FROM post_tags WHERE tag_id {in} GROUP BY tag_id",
}


def named(tx: Connection, names: Iterable[str]) -> dict[str, str]:
    """The ids of the tags of these names, by name."""
    wanted = [name for name in names if storable(name)]
    return dict(tuple(row) for row in bulk.among(tx, "SELECT name, tag_id FROM tags WHERE name {in}", wanted))


def get(tx: Connection, tag_id: str) -> TagView | None:
    """A tag with how many carry it."""
    row = bulk.execute(tx, f"SELECT {_COLUMNS} FROM tags WHERE tag_id = ?", tag_id).first()  # noqa: S608
    return _counted(tx, [row])[0] if row else None


def page(tx: Connection, *, limit: int, after: str = "") -> list[TagView]:
    """A page of tags by name; `after` is the name the page before ended with."""
    rows = bulk.execute(
        tx,
        f"SELECT {_COLUMNS} FROM tags WHERE name > ? ORDER BY name LIMIT ?",  # noqa: S608
        after,
        limit,
    ).all()
    return _counted(tx, rows)


def _counted(tx: Connection, rows: Sequence[Any]) -> list[TagView]:
    ids = [row[0] for row in rows]
    profiles, posts = (
        {tag_id: int(count) for tag_id, count in bulk.among(tx, statement, ids)} for statement in _CARRIED.values()
    )
    return [
        TagView(
            row[0],
            row[1],
            row[2],
            row[3],
            moment(row[4]),  # type: ignore[arg-type]
            profiles.get(row[0], 0),
            posts.get(row[0], 0),
        )
        for row in rows
    ]


def put(
    tx: Connection, named: Sequence[tuple[str, str]], now: datetime, *, color: str, description: str | None
) -> None:
    """Add tags (id, name); raises StoreClash when a name is taken."""
    bulk.insert(
        tx,
        schema.tags,
        ("tag_id", "name", "description", "color", "created_at"),
        [(tag_id, name, description, color, now) for tag_id, name in named],
    )


def rename(tx: Connection, tag_id: str, name: str) -> None:
    """Give a tag another name; raises StoreClash when it is taken."""
    bulk.execute(tx, "UPDATE tags SET name = ? WHERE tag_id = ?", name, tag_id)


def remove(tx: Connection, tag_id: str) -> None:
    """Remove a tag, and so from everything that carries it."""
    bulk.execute(tx, "DELETE FROM tags WHERE tag_id = ?", tag_id)


# --- who carries them -----------------------------------------------------------------------------------


def carrying(tx: Connection, profile_ids: Iterable[str]) -> set[tuple[str, str]]:
    """Which tags profiles carry: (profile_id, tag_id)."""
    rows = bulk.among(tx, "SELECT profile_id, tag_id FROM profile_tags WHERE profile_id {in}", profile_ids)
    return {(row[0], row[1]) for row in rows}


def posts_carrying(tx: Connection, post_ids: Iterable[str], tag_id: str) -> dict[str, str]:
    """Which of these posts carry a tag, and by whose word."""
    rows = bulk.among(
        tx, "SELECT post_id, applied_by FROM post_tags WHERE post_id {in} AND tag_id = ?", post_ids, tag_id
    )
    return dict(tuple(row) for row in rows)


def put_on_profiles(tx: Connection, pairs: Iterable[tuple[str, str]], ids: IdFactory, now: datetime) -> None:
    """Let profiles carry tags: (profile_id, tag_id) each; one that does already is left as it is."""
    bulk.insert(
        tx,
        schema.profile_tags,
        ("profile_tag_id", "profile_id", "tag_id", "created_at"),
        [(ids.new("pft"), *pair, now) for pair in pairs],
        on_conflict="DO NOTHING",
    )


def put_on_posts(tx: Connection, post_ids: Iterable[str], tag_id: str, ids: IdFactory, now: datetime) -> None:
    """Let posts carry a tag by a person's word, from now on also where it was there by another's."""
    bulk.insert(
        tx,
        schema.post_tags,
        ("post_tag_id", "post_id", "tag_id", "applied_by", "created_at"),
        [(ids.new("ptg"), post_id, tag_id, "user", now) for post_id in post_ids],
        on_conflict="(post_id, tag_id) DO UPDATE SET applied_by = excluded.applied_by",
    )


def take_from_profiles(tx: Connection, profile_ids: Iterable[str], tag_id: str) -> None:
    bulk.delete(tx, schema.profile_tags, ["profile_id", "tag_id"], [(each, tag_id) for each in profile_ids])


def take_from_posts(tx: Connection, post_ids: Iterable[str], tag_id: str) -> None:
    bulk.delete(tx, schema.post_tags, ["post_id", "tag_id"], [(each, tag_id) for each in post_ids])
