"""Writes what a batch of records changed: one statement a table, in an order foreign keys allow."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Table

from postkeep.model import Link, Mention
from postkeep.store import bulk, schema
from postkeep.store.known import listed
from postkeep.store.rows import (
    ORIGINAL_COLUMNS,
    POST_COLUMNS,
    PROFILE_COLUMNS,
    SNAPSHOT_COLUMNS,
    OriginalRow,
    PlaceRow,
    PostRow,
    ProfileRow,
    SnapshotRow,
    Span,
    TextRow,
    original_values,
    place_columns,
    place_values,
    post_values,
    profile_values,
    snapshot_values,
)

_POST_EDITS = (
    "full_urn",
    "author_username",
    "author_profile_id",
    "community_profile_id",
    "text_content",
    "text_altered",
    "text_first_seen_at",
    "text_last_seen_at",
    "media_seen_at",
    "post_type",
    "edited",
    "url",
    "observed_at",
    "latest_download_id",
)
# Of few posts known otherwise than by words and pictures, so in a statement of its own.
_POST_FACTS = (
    *("title", "post_format", "presence", "presence_at", "flags"),
    *("location_name", "location_native_id", "latitude", "longitude", "told_json"),
)
_SNAPSHOT_EDITS = (
    "total_reactions",
    "comments",
    "reposts",
    "views",
    "likes",
    "saves",
    "shares",
    "counts_hidden",
    "of_original",
    "tells_media",
    "stats_json",
)
_PLACE_EDITS = (
    "media_url",
    "position",
    "rendition",
    "rendition_rank",
    "expires_at",
    "observed_at",
    "first_seen_at",
    "last_seen_at",
    "absent_since",
    "download_state",
    "error_kind",
    "error_message",
    "error_at",
    "caption",
    "caption_seen_at",
    "alternatives",
)
_PROFILE_EDITS = ("username", "native_id", "name", "headline", "profile_url", "observed_at")
_ACCOUNT_EDITS = PROFILE_COLUMNS[PROFILE_COLUMNS.index("biography") :]
_ORIGINAL_EDITS = ORIGINAL_COLUMNS[1:]
# Not `IS NULL`: SQLite would walk the index of that column, which holds every share not joined yet.
_UNJOINED = "coalesce(o.original_post_id, '') = ''"


def _picked(row: Any, names: Sequence[str], *more: Any) -> tuple[Any, ...]:
    return (*[getattr(row, name) for name in names], *more)


def write_profiles(
    tx: Connection, rows: Iterable[ProfileRow], names: Mapping[tuple[str, str, str], Span], now: datetime
) -> None:
    """Insert and update profiles; new ones are inactive until a person makes them active."""
    rows = list(rows)
    # A name changes hands in two steps, so that its unique key is free when the new holder takes it.
    bulk.update(
        tx,
        schema.profiles,
        ("username",),
        [(None, r.profile_id) for r in rows if r.renamed],
        key=["profile_id"],
    )
    edited = [r for r in rows if r.changed and not r.new]
    bulk.update(
        tx,
        schema.profiles,
        (*_PROFILE_EDITS, "updated_at"),
        [_picked(r, _PROFILE_EDITS, now, r.profile_id) for r in edited],
        key=["profile_id"],
    )
    bulk.update(
        tx,
        schema.profiles,
        (*_ACCOUNT_EDITS, "updated_at"),
        [_picked(r, _ACCOUNT_EDITS, now, r.profile_id) for r in rows if r.account_changed and not r.new],
        key=["profile_id"],
    )
    bulk.insert(
        tx,
        schema.profiles,
        (*PROFILE_COLUMNS, "is_active", "created_at", "updated_at"),
        [(*profile_values(r), False, now, now) for r in rows if r.new],
    )
    _write_spans(tx, schema.profile_names, ("profile_id", "kind", "value"), names)


def _write_spans(tx: Connection, table: Table, key: tuple[str, ...], spans: Mapping[Any, Span]) -> None:
    bulk.insert(
        tx,
        table,
        (*key, "first_seen_at", "last_seen_at"),
        [(*k, s.first_seen_at, s.last_seen_at) for k, s in spans.items() if s.new],
    )
    bulk.update(
        tx,
        table,
        ("first_seen_at", "last_seen_at"),
        [(s.first_seen_at, s.last_seen_at, *k) for k, s in spans.items() if s.changed and not s.new],
        key=key,
    )


def write_posts(tx: Connection, rows: Iterable[PostRow], now: datetime) -> None:
    rows = list(rows)
    bulk.insert(
        tx,
        schema.posts,
        (*POST_COLUMNS, "created_at", "updated_at"),
        [(*post_values(r), now, now) for r in rows if r.new],
    )
    bulk.update(
        tx,
        schema.posts,
        (*_POST_EDITS, "updated_at"),
        [_picked(r, _POST_EDITS, now, r.post_id) for r in rows if r.changed and not r.new],
        key=["post_id"],
    )
    bulk.update(
        tx,
        schema.posts,
        _POST_FACTS,
        [_picked(r, _POST_FACTS, r.post_id) for r in rows if r.facts_changed and not r.new],
        key=["post_id"],
    )


def write_snapshots(
    tx: Connection,
    rows: Iterable[SnapshotRow],
    more_records: Sequence[tuple[str, str, str, str]],
    now: datetime,
) -> None:
    """Insert and merge snapshots; `more_records` are further records of one observation
    (download_id, sha256, content_hash, source)."""
    rows = list(rows)
    bulk.insert(
        tx,
        schema.data_downloads,
        (*SNAPSHOT_COLUMNS, "created_at"),
        [(*snapshot_values(r), now) for r in rows if r.new],
    )
    bulk.update(
        tx,
        schema.data_downloads,
        _SNAPSHOT_EDITS,
        [_picked(r, _SNAPSHOT_EDITS, r.download_id) for r in rows if r.changed and not r.new],
        key=["download_id"],
    )
    bulk.insert(
        tx,
        schema.snapshot_records,
        ("download_id", "record_sha256", "content_hash", "source_file_path"),
        more_records,
        on_conflict="DO NOTHING",
    )


def write_places(
    tx: Connection, table: Table, owner: str, rows: Iterable[PlaceRow], now: datetime
) -> list[PlaceRow]:
    """Insert and update media places; returns the rows that want to be fetched."""
    rows = list(rows)
    bulk.insert(
        tx,
        table,
        (*place_columns(owner), "created_at", "updated_at"),
        [(*place_values(r), now, now) for r in rows if r.new],
    )
    bulk.update(
        tx,
        table,
        (*_PLACE_EDITS, "updated_at"),
        [_picked(r, _PLACE_EDITS, now, r.media_id) for r in rows if r.changed and not r.new],
        key=["media_id"],
    )
    return [r for r in rows if r.to_fetch]


def write_texts(tx: Connection, texts: Mapping[str, Mapping[str, TextRow]]) -> None:
    """Write the text history: one row per text a post had and no longer has."""
    spans: dict[tuple[str, str], TextRow] = {
        (post_id, text_hash): row for post_id, rows in texts.items() for text_hash, row in rows.items()
    }
    bulk.delete(
        tx,
        schema.post_texts,
        ("post_id", "text_hash"),
        [key for key, row in spans.items() if row.gone and not row.span.new],
    )
    kept = {key: row for key, row in spans.items() if not row.gone}
    bulk.insert(
        tx,
        schema.post_texts,
        ("post_id", "text_hash", "text_content", "first_seen_at", "last_seen_at"),
        [
            (*key, row.text_content, row.span.first_seen_at, row.span.last_seen_at)
            for key, row in kept.items()
            if row.span.new or row.span.changed
        ],
        on_conflict="(post_id, text_hash) DO UPDATE SET first_seen_at = excluded.first_seen_at,"
        " last_seen_at = excluded.last_seen_at",
    )


def write_originals(tx: Connection, rows: Iterable[OriginalRow]) -> None:
    rows = list(rows)
    bulk.insert(tx, schema.post_originals, ORIGINAL_COLUMNS, [original_values(r) for r in rows if r.new])
    bulk.update(
        tx,
        schema.post_originals,
        _ORIGINAL_EDITS,
        [_picked(r, _ORIGINAL_EDITS, r.post_id) for r in rows if r.changed and not r.new],
        key=["post_id"],
    )


def write_aliases(tx: Connection, aliases: Iterable[tuple[str, str, str]]) -> None:
    bulk.insert(tx, schema.post_aliases, ("post_id", "kind", "value"), sorted(aliases), on_conflict="DO NOTHING")


def write_seen_via(tx: Connection, spans: Mapping[tuple[str, str], Span]) -> None:
    _write_spans(tx, schema.post_seen_via, ("post_id", "profile_id"), spans)


def write_words(
    tx: Connection,
    *,
    replaced: Sequence[str],
    hashtags: Mapping[str, Sequence[str]],
    mentions: Mapping[str, Sequence[Mention]],
    links: Mapping[str, Sequence[Link]],
) -> None:
    """Write what texts name; posts in `replaced` lose what their earlier text named."""
    keys = [(post_id,) for post_id in replaced]
    for table in (schema.post_hashtags, schema.post_mentions, schema.post_links):
        bulk.delete(tx, table, ("post_id",), keys)
    bulk.insert(
        tx,
        schema.post_hashtags,
        ("post_id", "hashtag"),
        [(post_id, tag) for post_id, tags in hashtags.items() for tag in dict.fromkeys(tags)],
    )
    bulk.insert(
        tx,
        schema.post_mentions,
        ("post_id", "position", "name", "username", "url"),
        [
            (post_id, i, each.name, each.username, each.url)
            for post_id, named in mentions.items()
            for i, each in enumerate(named)
        ],
    )
    bulk.insert(
        tx,
        schema.post_links,
        ("post_id", "position", "url", "kind", "title"),
        [
            (post_id, i, each.url, each.kind, each.title)
            for post_id, linked in links.items()
            for i, each in enumerate(linked)
        ],
    )


def write_records(tx: Connection, rows: Sequence[tuple[Any, ...]], now: datetime) -> None:
    """Keep raw records (sha256, content_hash, platform, shape, codec, size, body, post_count); known ones stay."""
    bulk.insert(
        tx,
        schema.raw_records,
        ("sha256", "content_hash", "platform", "shape", "codec", "size", "body", "post_count", "created_at"),
        [(*row, now) for row in rows],
        on_conflict="DO NOTHING",
    )


def write_unknown_keys(tx: Connection, counts: Counter[tuple[str, str, str]], now: datetime) -> None:
    bulk.insert(
        tx,
        schema.unknown_keys,
        ("platform", "shape", "key", "records", "first_seen_at", "last_seen_at"),
        [(*key, count, now, now) for key, count in sorted(counts.items())],
        on_conflict="(platform, shape, key) DO UPDATE SET records = unknown_keys.records + excluded.records,"
        " last_seen_at = excluded.last_seen_at",
    )


def join_originals(tx: Connection, refs: Iterable[tuple[str, str, str]], sharing: Iterable[str]) -> None:
    """Connect shares with the posts they share, from both sides.

    `refs` are names (post_id, kind, value) of posts written now; `sharing` are posts whose original was
    written now. A name that several posts have connects nothing.
    """
    shares = _open_shares(tx, "o.ref_value", {value for _, _, value in refs})
    shares |= _open_shares(tx, "o.post_id", set(sharing) - shares.keys())
    found = _named_so(tx, shares)
    bulk.update(
        tx,
        schema.post_originals,
        ("original_post_id",),
        [(next(iter(originals)), share) for share, originals in found.items() if len(originals) == 1],
        key=["post_id"],
    )


def _open_shares(tx: Connection, column: str, values: Iterable[str]) -> dict[str, tuple[str, str, str]]:
    """Shares not joined yet, and the name (platform, kind, value) each gives its original."""
    rows = bulk.among(
        tx,
        "SELECT o.post_id, s.platform, o.ref_kind, o.ref_value FROM post_originals o"  # noqa: S608
        " JOIN posts s ON s.post_id = o.post_id"
        f" WHERE {column} {{in}} AND o.ref_value IS NOT NULL AND {_UNJOINED}",
        sorted(values),
    )
    return {post_id: (platform, kind, value) for post_id, platform, kind, value in rows}


def _named_so(tx: Connection, shares: Mapping[str, tuple[str, str, str]]) -> dict[str, set[str]]:
    """The posts each share's name may mean: the one whose own id it is, else all that have it as an alias.

    Asked by names alone and matched here: in one joined statement, a database that knows no figures of its
    tables yet reads all posts.
    """
    owners: dict[tuple[str, str, str], set[str]] = defaultdict(set)
    ids = {value for _, kind, value in shares.values() if kind == "activity"}
    platforms = listed({platform for platform, _, _ in shares.values()})
    for post_id, platform, native_id in bulk.among(
        tx,
        f"SELECT post_id, platform, native_id FROM posts WHERE native_id {{in}} AND platform {platforms}",  # noqa: S608
        sorted(ids),
    ):
        owners[platform, "activity", native_id].add(post_id)
    found = {share: owners[name] - {share} for share, name in shares.items() if name in owners}
    found = {share: originals for share, originals in found.items() if originals}
    rest = {share: name for share, name in shares.items() if share not in found}
    aliased: dict[tuple[str, str, str], set[str]] = defaultdict(set)
    for post_id, platform, kind, value in bulk.among(
        tx,
        "SELECT a.post_id, p.platform, a.kind, a.value FROM post_aliases a JOIN posts p ON p.post_id = a.post_id"
        " WHERE a.value {in}",
        sorted({value for _, _, value in rest.values()}),
    ):
        aliased[platform, kind, value].add(post_id)
    return found | {share: aliased[name] - {share} for share, name in rest.items() if name in aliased}
