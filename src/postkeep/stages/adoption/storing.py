"""Writes a page of adopted posts with all that hangs on them, and notes what they had that has no place."""

from __future__ import annotations

import json
from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Any

import orjson

from postkeep.model import MediaState, Stage
from postkeep.stages.adoption.media import AdoptedPlace
from postkeep.stages.adoption.posts import AdoptedPost
from postkeep.stages.hosts import host_of
from postkeep.stages.ingest.fold import Intent
from postkeep.store import schema, work, write
from postkeep.store.adoption.writing import Writer
from postkeep.store.places import UNREAD_PLATFORM
from postkeep.store.rows import (
    POST_COLUMNS,
    SNAPSHOT_COLUMNS,
    place_columns,
    place_values,
    post_values,
    snapshot_values,
)


def store_posts(writer: Writer, posts: Sequence[AdoptedPost], intent: Intent, parsed: Collection[str]) -> None:
    """Write the rows; work is queued for media that are due on a platform that can be read (`parsed`)."""
    rows, tx, now = intent.known, writer.tx, writer.now
    write.write_profiles(tx, rows.profiles, rows.names, now)
    writer.tallies["profiles"].made += sum(row.new for row in rows.profiles)
    _posts(writer, posts)
    _snapshots(writer, posts)
    _places(writer, posts, parsed)
    write.write_texts(tx, rows.texts)
    write.write_words(
        tx,
        replaced=(),
        hashtags={post_id: words.hashtags for post_id, words in intent.words.items()},
        mentions={post_id: words.mentions for post_id, words in intent.words.items()},
        links={post_id: words.links for post_id, words in intent.words.items()},
    )
    write.write_aliases(tx, intent.aliases)
    write.write_seen_via(tx, rows.seen_via)
    write.write_originals(tx, rows.originals.values())
    refs = intent.refs | {(post.row.post_id, "activity", post.row.native_id) for post in posts}
    write.join_originals(tx, refs, [row.post_id for row in rows.originals.values()])


def _posts(writer: Writer, posts: Sequence[AdoptedPost]) -> None:
    writer.insert(
        schema.posts,
        (
            *POST_COLUMNS,
            "raw_json",
            "is_read",
            "is_marked",
            "likes_count",
            "comments_count",
            "created_at",
            "updated_at",
        ),
        [
            (
                *post_values(post.row),
                post.raw_json,
                post.is_read,
                post.is_marked,
                post.likes_count,
                post.comments_count,
                post.created_at,
                post.updated_at,
            )
            for post in posts
        ],
    )
    for post in posts:
        for number, old in enumerate(post.rows):
            old.reader.extras(schema.posts)
            _leave(writer, old.reader, post.row.post_id if number == 0 else old.old_id, number, post.told())


def _snapshots(writer: Writer, posts: Sequence[AdoptedPost]) -> None:
    adopted = [each for post in posts for each in post.snapshots]
    writer.insert(
        schema.data_downloads,
        (*SNAPSHOT_COLUMNS, "raw_json", "created_at"),
        [(*snapshot_values(each.row), each.raw_json, each.created_at) for each in adopted],
    )
    tally = writer.tallies["data_downloads"]
    for each in adopted:
        kept_id = each.row.download_id
        tally.kept += 1
        tally.merged += len(each.rows) - 1
        tally.renamed += each.rows[0].old_id != kept_id
        for number, old in enumerate(each.rows):
            old.reader.extras(schema.data_downloads)
            writer.renamed("data_downloads", old.old_id, kept_id)
            _leave(writer, old.reader, old.old_id if number else kept_id, number, each.told())


def _places(writer: Writer, posts: Sequence[AdoptedPost], parsed: Collection[str]) -> None:
    adopted = [each for post in posts for each in post.places]
    for post in posts:
        if post.row.platform not in parsed:
            _never_fetch(post, writer.now)
    writer.insert(
        schema.post_media,
        (*place_columns("post_id"), *_PLACE_COLUMNS),
        [(*place_values(each.row), *_place_values(each)) for each in adopted],
    )
    tally = writer.tallies["post_media"]
    for each in adopted:
        kept_id = each.row.media_id
        tally.kept += 1
        tally.merged += len(each.rows) - 1
        tally.renamed += each.rows[0].old_id != kept_id
        for number, old in enumerate(each.rows):
            old.reader.extras(schema.post_media)
            writer.renamed("post_media", old.old_id, kept_id)
            _leave(writer, old.reader, old.old_id if old.old_id != kept_id else kept_id, number, each.told())
    due = [
        each.row
        for post in posts
        if post.row.platform in parsed
        for each in post.places
        if each.row.download_state is MediaState.PENDING
    ]
    work.add(
        writer.tx,
        Stage.FETCH,
        [(row.media_id, host_of(row.media_url)) for row in due],
        writer.now,
        expiries={row.media_id: row.expires_at for row in due},
    )


def _never_fetch(post: AdoptedPost, now: datetime) -> None:
    """Say of the media of a platform nobody reads why they are not fetched; nothing queues them then."""
    for each in post.places:
        row = each.row
        if row.download_state is MediaState.PENDING:
            row.download_state = MediaState.UNSUPPORTED
        row.error_kind, row.error_at = UNREAD_PLATFORM, now
        row.error_message = f"no part of postkeep reads {post.row.platform}"


_PLACE_COLUMNS = (
    "local_file_path",
    "file_size",
    "mime_type",
    "width",
    "height",
    "md5_sum",
    "archive_url",
    "file_id",
    "file_rendition",
    "ai_analysis_status",
    "ai_analysis",
    "ai_analyzed_at",
    "ai_analysis_log",
    "created_at",
    "updated_at",
)


def _place_values(each: AdoptedPlace) -> tuple[Any, ...]:
    told = each.told()
    return (
        *(told[name] for name in _PLACE_COLUMNS[:7]),
        each.file.file_id if each.file else None,
        each.file_rendition,
        each.analysis.status,
        each.analysis.text,
        each.analysis.at,
        _json(each.analysis.log),
        each.created_at,
        each.updated_at,
    )


def _json(log: list[Any]) -> str:
    try:
        return orjson.dumps(log).decode()
    except TypeError:
        # Numbers of any length and lone surrogates are JSON all the same.
        return json.dumps(log)


def _leave(writer: Writer, reader: Any, row_id: str, number: int, told: dict[str, Any]) -> None:
    """Keep what an old row says and the row of now does not: its odd values, or all of one that was merged."""
    values = dict(reader.left)
    values |= {name: value for name, value in reader.differing(told).items() if number or name in _OWN}
    writer.keep_values(reader.table, row_id, values)


_OWN = frozenset(
    {
        *("local_file_path", "file_size", "mime_type", "width", "height", "md5_sum", "archive_url"),
        *("media_url", "media_type", "ai_analysis", "ai_analyzed_at", "author_username", "urn"),
    }
)
"""Columns in which even the row itself may now say something else, for several rows tell of one thing."""
