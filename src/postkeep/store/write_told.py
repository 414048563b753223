"""Writes what a batch tells of people, accounts and lists: one statement a table."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime

from sqlalchemy import Connection

from postkeep.store import bulk, schema
from postkeep.store.rows import (
    HISTORY_COLUMNS,
    LISTING_COLUMNS,
    HistoryRow,
    LinkRow,
    ListingRow,
    PeopleRows,
    TextRow,
    history_values,
    listing_values,
)


def write_people(tx: Connection, people: Mapping[str, PeopleRows]) -> None:
    """Replace the people of the posts where they changed."""
    changed = {post_id: rows for post_id, rows in people.items() if rows.changed}
    bulk.delete(tx, schema.post_people, ("post_id",), [(post_id,) for post_id in changed])
    bulk.insert(
        tx,
        schema.post_people,
        ("post_id", "role", "position", "name", "username", "native_id", "profile_id"),
        [
            (post_id, role, i, each.name, each.username, each.native_id, each.profile_id)
            for post_id, rows in changed.items()
            for role, named in rows.roles.items()
            for i, each in enumerate(named)
        ],
    )


def write_profile_texts(tx: Connection, texts: Mapping[str, Mapping[str, TextRow]]) -> None:
    spans = {(owner, text_hash): row for owner, rows in texts.items() for text_hash, row in rows.items()}
    bulk.insert(
        tx,
        schema.profile_texts,
        ("profile_id", "text_hash", "text_content", "first_seen_at", "last_seen_at"),
        [
            (*key, row.text_content, row.span.first_seen_at, row.span.last_seen_at)
            for key, row in spans.items()
            if row.span.new
        ],
    )
    bulk.update(
        tx,
        schema.profile_texts,
        ("first_seen_at", "last_seen_at"),
        [
            (row.span.first_seen_at, row.span.last_seen_at, *key)
            for key, row in spans.items()
            if row.span.changed and not row.span.new
        ],
        key=("profile_id", "text_hash"),
    )


def write_profile_links(tx: Connection, links: Mapping[str, Mapping[str, LinkRow]]) -> None:
    rows = {(owner, url_hash): row for owner, owned in links.items() for url_hash, row in owned.items()}
    bulk.insert(
        tx,
        schema.profile_links,
        ("profile_id", "url_hash", "url", "title", "kind", "position", "first_seen_at", "last_seen_at"),
        [(*key, row.url, *_edited(row)) for key, row in rows.items() if row.span.new],
    )
    bulk.update(
        tx,
        schema.profile_links,
        ("title", "kind", "position", "first_seen_at", "last_seen_at"),
        [(*_edited(row), *key) for key, row in rows.items() if row.span.changed and not row.span.new],
        key=("profile_id", "url_hash"),
    )


def _edited(row: LinkRow) -> tuple[object, ...]:
    return row.title, row.kind, row.position, row.span.first_seen_at, row.span.last_seen_at


def write_history(tx: Connection, rows: Iterable[HistoryRow], now: datetime) -> None:
    rows = list(rows)
    bulk.insert(
        tx,
        schema.follower_history,
        (*HISTORY_COLUMNS, "created_at"),
        [(*history_values(row), now) for row in rows if row.new],
    )
    edits = HISTORY_COLUMNS[3:]
    bulk.update(
        tx,
        schema.follower_history,
        edits,
        [(*(getattr(row, name) for name in edits), row.history_id) for row in rows if row.changed and not row.new],
        key=("history_id",),
    )


def write_listings(tx: Connection, rows: Iterable[ListingRow], now: datetime) -> None:
    """Insert lists with the posts that stand in them."""
    rows = list(rows)
    bulk.insert(
        tx,
        schema.listings,
        (*LISTING_COLUMNS, "created_at"),
        [(*listing_values(row), now) for row in rows],
    )
    bulk.insert(
        tx,
        schema.listing_posts,
        ("listing_id", "position", "post_id", "pinned"),
        [(row.listing_id, *stood) for row in rows for stood in row.posts],
    )
