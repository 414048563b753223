"""What a batch of records needs to be compared with, loaded by a handful of queries."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import orjson
from sqlalchemy import Connection

from postkeep.model import MediaState, MediaType, Role
from postkeep.store import bulk
from postkeep.store.bulk import moment
from postkeep.store.rows import (
    ORIGINAL_COLUMNS,
    POST_COLUMNS,
    PROFILE_COLUMNS,
    SNAPSHOT_COLUMNS,
    HistoryRow,
    LinkRow,
    OriginalRow,
    PeopleRows,
    PlaceRow,
    PostRow,
    ProfileRow,
    SnapshotRow,
    Span,
    TextRow,
    place_columns,
)
from postkeep.store.spelling import fold, folded
from postkeep.store.tombstones import Tombstone
from postkeep.store.types import to_text

MediaKey = tuple[str, str, int]
"""A place within its owner: role, media key, occurrence."""

Counts = tuple[int | None, int | None, int | None]
"""Followers, followed and posts of a profile at one time."""


@dataclass(slots=True)
class Known:
    """The rows a batch touches, by their natural keys; a plan adds to them and edits them.

    `records` are those of the batch's pages that were stored before, `listed` when each was stored as a list.
    """

    posts: dict[tuple[str, str], PostRow] = field(default_factory=dict)
    snapshots: dict[tuple[str, datetime], SnapshotRow] = field(default_factory=dict)
    content_hashes: dict[str, set[str]] = field(default_factory=dict)
    told_at: dict[str, list[datetime]] = field(default_factory=dict)
    media: dict[str, dict[MediaKey, PlaceRow]] = field(default_factory=dict)
    profiles: list[ProfileRow] = field(default_factory=list)
    profile_media: dict[str, dict[MediaKey, PlaceRow]] = field(default_factory=dict)
    names: dict[tuple[str, str, str], Span] = field(default_factory=dict)
    seen_via: dict[tuple[str, str], Span] = field(default_factory=dict)
    texts: dict[str, dict[str, TextRow]] = field(default_factory=dict)
    originals: dict[str, OriginalRow] = field(default_factory=dict)
    people: dict[str, PeopleRows] = field(default_factory=dict)
    profile_texts: dict[str, dict[str, TextRow]] = field(default_factory=dict)
    profile_links: dict[str, dict[str, LinkRow]] = field(default_factory=dict)
    history: dict[tuple[str, datetime], HistoryRow] = field(default_factory=dict)
    counts: dict[str, set[Counts]] = field(default_factory=dict)
    records: set[str] = field(default_factory=set)
    listed: dict[str, set[datetime]] = field(default_factory=dict)
    erased: set[Tombstone] = field(default_factory=set)


def load_posts(tx: Connection, keys: Iterable[tuple[str, str]]) -> dict[tuple[str, str], PostRow]:
    """The posts with these (platform, native_id)."""
    wanted = set(keys)
    names = ", ".join(f"p.{name}" for name in POST_COLUMNS)
    found = bulk.among(
        tx,
        f"SELECT {names}, d.content_hash FROM posts p"  # noqa: S608
        " LEFT JOIN data_downloads d ON d.download_id = p.latest_download_id"
        f" WHERE p.native_id {{in}} AND p.platform {listed({platform for platform, _ in wanted})}",
        {native_id for _, native_id in wanted},
    )
    rows = (_post(values) for values in found)
    return {(row.platform, row.native_id): row for row in rows if (row.platform, row.native_id) in wanted}


def listed(platforms: set[str]) -> str:
    """The condition that a platform is one of these.

    Their names come from our own table, so they may stand in the text, where the index can use them.
    """
    return "IN (" + ", ".join(f"'{name}'" for name in sorted(platforms) if name.isalnum()) + ")"


def _post(values: Sequence[object]) -> PostRow:
    row = PostRow(*values[: len(POST_COLUMNS)])  # type: ignore[arg-type]
    row.latest_hash = values[len(POST_COLUMNS)]  # type: ignore[assignment]
    row.text_altered = bool(row.text_altered)
    row.edited = None if row.edited is None else bool(row.edited)
    row.posted_at = moment(row.posted_at) or row.posted_at
    row.text_first_seen_at = moment(row.text_first_seen_at)
    row.text_last_seen_at = moment(row.text_last_seen_at)
    row.media_seen_at = moment(row.media_seen_at)
    row.observed_at = moment(row.observed_at)
    row.first_seen_at = moment(row.first_seen_at) or row.posted_at
    row.presence_at = moment(row.presence_at)
    return row


def load_snapshots(
    tx: Connection, keys: Iterable[tuple[str, datetime]]
) -> dict[tuple[str, datetime], SnapshotRow]:
    """The snapshots with these (post_id, observed_at), each with the content hashes of its records."""
    rows = {}
    for values in observed(tx, "data_downloads", "post_id", SNAPSHOT_COLUMNS, keys):
        row = SnapshotRow(*values)
        row.downloaded_at = moment(row.downloaded_at) or row.downloaded_at
        row.observed_at = moment(row.observed_at) or row.observed_at
        row.zone_assumed, row.of_original = bool(row.zone_assumed), bool(row.of_original)
        row.tells_media, row.counts_hidden = bool(row.tells_media), bool(row.counts_hidden)
        row.hashes = {row.content_hash} if row.content_hash else set()
        rows[row.download_id] = row
    for download_id, content_hash in bulk.among(
        tx, "SELECT download_id, content_hash FROM snapshot_records WHERE download_id {in}", rows
    ):
        rows[download_id].hashes.add(content_hash)
    return {(row.post_id, row.observed_at): row for row in rows.values()}


def observed(
    tx: Connection, table: str, owner: str, columns: Iterable[str], keys: Iterable[tuple[str, datetime]]
) -> list[Sequence[Any]]:
    """The rows of a table of observations with these (owner, observed_at), as their columns."""
    wanted = list(dict.fromkeys(keys))
    if not wanted:
        return []
    names = ", ".join(f"d.{name}" for name in columns)
    if tx.dialect.name == "sqlite":
        return list(
            bulk.execute(
                tx,
                f"SELECT {names} FROM json_each(?) w JOIN {table} d"  # noqa: S608
                f" ON d.{owner} = json_extract(w.value, '$[0]') AND d.observed_at = json_extract(w.value, '$[1]')",
                orjson.dumps([(owner_id, to_text(at)) for owner_id, at in wanted]).decode(),
            )
        )
    return list(
        bulk.execute(
            tx,
            f"SELECT {names} FROM unnest(?::text[], ?::timestamptz[]) w (owner_id, observed_at)"  # noqa: S608
            f" JOIN {table} d ON d.{owner} = w.owner_id AND d.observed_at = w.observed_at",
            [owner_id for owner_id, _ in wanted],
            [at for _, at in wanted],
        )
    )


def load_content_hashes(tx: Connection, post_ids: Iterable[str]) -> dict[str, set[str]]:
    """Every content hash ever stored for these posts."""
    wanted = list(post_ids)
    hashes: dict[str, set[str]] = defaultdict(set)
    for post_id, content_hash in (
        *bulk.among(tx, "SELECT post_id, content_hash FROM data_downloads WHERE post_id {in}", wanted),
        *bulk.among(
            tx,
            "SELECT d.post_id, r.content_hash FROM data_downloads d"
            " JOIN snapshot_records r ON r.download_id = d.download_id WHERE d.post_id {in}",
            wanted,
        ),
    ):
        if content_hash:
            hashes[post_id].add(content_hash)
    return hashes


def load_told_at(tx: Connection, post_ids: Iterable[str]) -> dict[str, list[datetime]]:
    """When records that show all media of these posts were observed, oldest first."""
    told: dict[str, list[datetime]] = defaultdict(list)
    for post_id, at in bulk.among(
        tx, "SELECT post_id, observed_at FROM data_downloads WHERE post_id {in} AND tells_media", post_ids
    ):
        told[post_id].append(moment(at))  # type: ignore[arg-type]
    return {post_id: sorted(times) for post_id, times in told.items()}


def load_places(
    tx: Connection, table: str, owner: str, owner_ids: Iterable[str]
) -> dict[str, dict[MediaKey, PlaceRow]]:
    """The media places of these owners; `table` is post_media or profile_media, `owner` its key column."""
    places: dict[str, dict[MediaKey, PlaceRow]] = defaultdict(dict)
    names = ", ".join(place_columns(owner))
    for values in bulk.among(tx, f"SELECT {names} FROM {table} WHERE {owner} {{in}}", owner_ids):  # noqa: S608
        row = PlaceRow(*values)
        row.media_type, row.role = MediaType(row.media_type), Role(row.role)
        row.download_state = MediaState(row.download_state)
        row.expires_at, row.error_at = moment(row.expires_at), moment(row.error_at)
        row.observed_at = moment(row.observed_at)  # type: ignore[assignment]
        row.first_seen_at = moment(row.first_seen_at)  # type: ignore[assignment]
        row.last_seen_at, row.absent_since = moment(row.last_seen_at), moment(row.absent_since)
        row.caption_seen_at = moment(row.caption_seen_at)
        places[row.owner_id][(row.role, row.media_key, row.occurrence)] = row
    return dict(places)


def load_profiles(
    tx: Connection, usernames: Iterable[str], native_ids: Iterable[str]
) -> tuple[list[ProfileRow], dict[tuple[str, str, str], Span]]:
    """The profiles with one of these usernames (in any case) or native ids, and the names they were seen under."""
    names = ", ".join(PROFILE_COLUMNS)
    rows: dict[str, ProfileRow] = {}
    for column, wanted in ((folded(tx, "username"), set(map(fold, usernames))), ("native_id", native_ids)):
        for values in bulk.among(tx, f"SELECT {names} FROM profiles WHERE {column} {{in}}", wanted):  # noqa: S608
            row = ProfileRow(*values)
            row.observed_at = moment(row.observed_at)
            row.account_observed_at = moment(row.account_observed_at)
            row.links_seen_at = moment(row.links_seen_at)
            rows[row.profile_id] = row
    spans = {}
    for profile_id, kind, value, first, last in bulk.among(
        tx,
        "SELECT profile_id, kind, value, first_seen_at, last_seen_at FROM profile_names WHERE profile_id {in}",
        rows,
    ):
        spans[profile_id, kind, value] = Span(moment(first), moment(last))  # type: ignore[arg-type]
    return list(rows.values()), spans


def load_seen_via(tx: Connection, post_ids: Iterable[str]) -> dict[tuple[str, str], Span]:
    return {
        (post_id, profile_id): Span(moment(first), moment(last))  # type: ignore[arg-type]
        for post_id, profile_id, first, last in bulk.among(
            tx,
            "SELECT post_id, profile_id, first_seen_at, last_seen_at FROM post_seen_via WHERE post_id {in}",
            post_ids,
        )
    }


def load_texts(tx: Connection, post_ids: Iterable[str]) -> dict[str, dict[str, TextRow]]:
    texts: dict[str, dict[str, TextRow]] = defaultdict(dict)
    for post_id, text_hash, text, first, last in bulk.among(
        tx,
        "SELECT post_id, text_hash, text_content, first_seen_at, last_seen_at FROM post_texts WHERE post_id {in}",
        post_ids,
    ):
        texts[post_id][text_hash] = TextRow(text, Span(moment(first), moment(last)))  # type: ignore[arg-type]
    return dict(texts)


def load_originals(tx: Connection, post_ids: Iterable[str]) -> dict[str, OriginalRow]:
    rows = {}
    names = ", ".join(ORIGINAL_COLUMNS)
    for values in bulk.among(tx, f"SELECT {names} FROM post_originals WHERE post_id {{in}}", post_ids):  # noqa: S608
        row = OriginalRow(*values)
        row.posted_at = moment(row.posted_at)
        row.observed_at = moment(row.observed_at)  # type: ignore[assignment]
        rows[row.post_id] = row
    return rows
