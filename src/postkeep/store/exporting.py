"""The tables people take elsewhere: stable columns, read page by page in the order of a key."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from types import MappingProxyType
from typing import Any

from sqlalchemy import Boolean, Float, Integer

from postkeep.store import Store, bulk, people, schema
from postkeep.store.spelling import is_one_of
from postkeep.store.types import Utc
from postkeep.views.exports import ColumnType, Exported

PAGE = 1000


@dataclass(frozen=True, slots=True)
class Column:
    """A column of an export: its name, and where it comes from as SQL."""

    name: str
    sql: str
    type: ColumnType


@dataclass(frozen=True, slots=True)
class Only:
    """Which rows are wanted; None leaves all."""

    author: str | None = None
    platform: str | None = None
    since: datetime | None = None


@dataclass(frozen=True, slots=True)
class _Source:
    """Where an export's rows come from: `key` is unique and orders them, the rest is what they are chosen by.

    The first table has the key. What every row has is joined from the left nevertheless: else SQLite reads all of
    the other table before the first row of each page.
    """

    tables: str
    key: str
    author: str
    platform: str
    since: str
    columns: tuple[Column, ...]


def _texts(*names: str) -> Iterator[Column]:
    return _named(ColumnType.TEXT, names)


def _whole(*names: str) -> Iterator[Column]:
    return _named(ColumnType.INTEGER, names)


def _numbers(*names: str) -> Iterator[Column]:
    return _named(ColumnType.FLOAT, names)


def _flags(*names: str) -> Iterator[Column]:
    return _named(ColumnType.BOOLEAN, names)


def _times(*names: str) -> Iterator[Column]:
    return _named(ColumnType.TIME, names)


def _named(kind: ColumnType, names: Iterable[str]) -> Iterator[Column]:
    """Columns by `table.column`, or `name=SQL` where they are called otherwise."""
    for each in names:
        name, _, sql = each.partition("=")
        yield Column(name.rpartition(".")[2], sql or name, kind)


_COUNTS = tuple(
    _whole(
        *("reactions=d.total_reactions", "d.comments", "d.reposts", "d.views", "d.likes", "d.saves", "d.shares")
    )
)
_POSTS = (
    *_texts("p.post_id", "p.platform", "p.native_id", "p.urn", "p.url"),
    *_times("p.posted_at"),
    *_texts("author_username=coalesce(p.author_username, a.username)", "author_name=a.name"),
    *_texts("author_native_id=a.native_id", "community_username=c.username", "p.post_type", "p.post_format"),
    *_texts("p.presence", "p.title", "text=p.text_content", "p.location_name"),
    *_flags("p.edited"),
    *_times("p.first_seen_at", "d.observed_at"),
    *_COUNTS,
    *_flags("d.counts_hidden", "d.of_original"),
    *_texts("p.notes"),
)
_MEDIA = (
    *_texts("m.media_id", "m.post_id", "p.platform", "p.author_username", "m.role"),
    *_whole("m.position"),
    *_texts("m.media_type", "m.download_state", "m.media_url", "m.caption", "f.mime_type"),
    *_whole("f.file_size", "f.width", "f.height"),
    *_numbers("f.duration"),
    *_texts("md5=f.md5_sum", "f.sha256", "local_path=f.local_file_path"),
    *_flags("cached=(f.cached_at IS NOT NULL)"),
    *_texts("f.archive_url"),
    *_times("m.expires_at", "m.first_seen_at", "m.absent_since"),
    *_texts("m.error_kind", "m.error_message"),
)
_SNAPSHOTS = (
    *_texts("d.download_id", "d.post_id", "p.platform", "p.native_id", "p.author_username"),
    *_times("d.observed_at"),
    *_texts("d.observed_source"),
    *_flags("d.zone_assumed"),
    *_COUNTS,
    *_flags("d.counts_hidden", "d.of_original"),
    *_texts("d.run_id"),
    *_times("imported_at=d.downloaded_at"),
)
_FOLLOWERS = (
    *_texts("h.history_id", "h.profile_id", "a.platform", "a.username", "a.native_id"),
    *_times("h.observed_at"),
    *_texts("h.observed_source"),
    *_whole("followers=h.followers_count", "following=h.following_count", "posts=h.media_count"),
)


def _stored() -> Iterator[Column]:
    """The stored figures, with how they were made."""
    kinds = ((Utc, ColumnType.TIME), (Float, ColumnType.FLOAT), (Boolean, ColumnType.BOOLEAN))
    for column in schema.creator_analytics.columns:
        if column.name in ("profile_id", "details"):
            continue
        whole = ColumnType.INTEGER if isinstance(column.type, Integer) else ColumnType.TEXT
        kind = next((kind for of, kind in kinds if isinstance(column.type, of)), whole)
        yield Column(str(column.name), f"g.{column.name}", kind)


_SOURCES: Mapping[Exported, _Source] = MappingProxyType(
    {
        Exported.POSTS: _Source(
            "posts p LEFT JOIN data_downloads d ON d.download_id = p.latest_download_id"
            " LEFT JOIN profiles a ON a.profile_id = p.author_profile_id"
            " LEFT JOIN profiles c ON c.profile_id = p.community_profile_id",
            "p.post_id",
            "coalesce(p.author_username, a.username)",
            "p.platform",
            "p.posted_at",
            _POSTS,
        ),
        Exported.MEDIA: _Source(
            "post_media m JOIN posts p ON p.post_id = m.post_id LEFT JOIN media_files f ON f.file_id = m.file_id",
            "m.media_id",
            "p.author_username",
            "p.platform",
            "p.posted_at",
            _MEDIA,
        ),
        Exported.SNAPSHOTS: _Source(
            "data_downloads d JOIN posts p ON p.post_id = d.post_id",
            "d.download_id",
            "p.author_username",
            "p.platform",
            "d.observed_at",
            _SNAPSHOTS,
        ),
        Exported.FOLLOWERS: _Source(
            "follower_history h LEFT JOIN profiles a ON a.profile_id = h.profile_id",
            "h.history_id",
            "a.username",
            "a.platform",
            "h.observed_at",
            _FOLLOWERS,
        ),
        Exported.ANALYTICS: _Source(
            "creator_analytics g LEFT JOIN profiles a ON a.profile_id = g.profile_id",
            "g.profile_id",
            "a.username",
            "a.platform",
            "g.computed_at",
            (*_texts("g.profile_id", "a.platform", "a.username", "a.native_id"), *_stored()),
        ),
    }
)


def columns(exported: Exported) -> tuple[Column, ...]:
    """The columns of an export in their order; the first is the key."""
    return _SOURCES[exported].columns


def pages(store: Store, exported: Exported, only: Only) -> Iterator[list[tuple[Any, ...]]]:
    """All rows by key, as the database gives them, in pages of at most 1,000; each is one short transaction.

    A page may be empty: of the next rows by key none was wanted.
    """
    source = _SOURCES[exported]
    authors: list[str] = []
    if only.author is not None:
        with store.reading() as tx:
            authors = people.spellings(tx, only.author)
    names = ", ".join(each.sql for each in source.columns)
    chosen = list(_chosen(source, only))
    by = f" AND {is_one_of(_unindexed(source.author), authors)}" if authors else ""
    wanted = by + "".join(f" AND {_unindexed(sql)} {sign} ?" for sql, sign, _ in chosen)
    statement = (
        f"SELECT {names} FROM {source.tables} WHERE {source.key} > ? AND {source.key} <= ?{wanted}"  # noqa: S608
        f" ORDER BY {source.key}"
    )
    table = source.tables.partition(" LEFT JOIN ")[0].partition(" JOIN ")[0]
    end = (
        f"SELECT max(k) FROM (SELECT {source.key} AS k FROM {table} WHERE {source.key} > ?"  # noqa: S608
        f" ORDER BY {source.key} LIMIT {PAGE}) few"
    )
    after = ""
    while True:
        with store.reading() as tx:
            last = bulk.execute(tx, end, after).scalar()
            if last is None:
                return
            found = bulk.execute(tx, statement, after, last, *authors, *(value for _, _, value in chosen)).all()
        after = last
        yield [tuple(row) for row in found]


def _chosen(source: _Source, only: Only) -> Iterator[tuple[str, str, Any]]:
    for sql, sign, value in (
        (source.platform, "=", only.platform),
        (source.since, ">=", only.since),
    ):
        if value is not None:
            yield sql, sign, value


def _unindexed(sql: str) -> str:
    """The same value, past every index: by one, all that is left would be found and sorted for each page."""
    return f"coalesce({sql}, {sql})"
