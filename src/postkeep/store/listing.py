"""What people look at: pages of posts and media by key, single posts with all that hangs on them, totals."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import UTC, date, datetime
from typing import Any

from sqlalchemy import Connection

from postkeep.ids import is_id
from postkeep.model import OWN_ID, Alias, MediaState, MediaType, Presence, Stage
from postkeep.store import bulk, people, work
from postkeep.store.adoption.old_rows import UNKNOWN_TYPE
from postkeep.store.bulk import moment
from postkeep.store.places import UNREAD_PLATFORM
from postkeep.store.renditions import joined
from postkeep.store.spelling import is_one_of
from postkeep.store.types import storable
from postkeep.views import (
    MediaStats,
    MediaView,
    OriginalView,
    PostDetail,
    PostLine,
    SnapshotView,
    TextView,
    Totals,
    TypeTotals,
)

_SNAPSHOT = (
    "d.observed_at, d.observed_source, d.zone_assumed, d.of_original, d.total_reactions, d.comments, d.reposts,"
    " d.views, d.likes, d.saves, d.run_id, d.source_file_path"
)
_LINE = (
    "p.post_id, p.platform, p.native_id, p.post_type, p.posted_at, p.author_username, a.name, p.text_content,"
    f" p.url, p.first_seen_at, o.text_content, p.presence, p.presence_at, p.notes, {_SNAPSHOT}"
)
_LINE_FROM = (
    " FROM posts p LEFT JOIN profiles a ON a.profile_id = p.author_profile_id"
    " LEFT JOIN data_downloads d ON d.download_id = p.latest_download_id"
    " LEFT JOIN post_originals o ON o.post_id = p.post_id"
)
_LINE_WIDTH = 14


def _snapshot(values: Sequence[Any]) -> SnapshotView | None:
    if values[0] is None:
        return None
    return SnapshotView(
        moment(values[0]),  # type: ignore[arg-type]
        values[1],
        bool(values[2]),
        bool(values[3]),
        *values[4:12],
    )


def posts(
    tx: Connection,
    *,
    limit: int,
    after: str | None = None,
    author: str | None = None,
    since: date | None = None,
    platform: str | None = None,
    unread: bool = False,
    tag_id: str | None = None,
    author_id: str | None = None,
    community_id: str | None = None,
) -> list[PostLine]:
    """A page of posts, newest first; `after` is the post_id the last page ended with, `since` a UTC day.

    `author` is a username in whatever case, `author_id` the profile_id of who wrote them, `community_id` that of
    where they stand.
    """
    if not all(storable(text or "") for text in (after, author, platform, tag_id)):
        return []
    source = _LINE_FROM
    where: list[str] = []
    parameters: list[Any] = []
    if tag_id is not None:
        source, condition = _tagged(tx, tag_id)
        where.append(condition)
        parameters.append(tag_id)
    if after is not None:
        # Asked for by itself: PostgreSQL begins nowhere in an index by what a subquery says.
        last = bulk.execute(tx, "SELECT posted_at_timestamp FROM posts WHERE post_id = ?", after).scalar()
        if last is None:
            return []
        where.append("(p.posted_at_timestamp, p.post_id) < (?, ?)")
        parameters += [last, after]
    if author is not None:
        names = people.spellings(tx, author)
        where.append(is_one_of("p.author_username", names))
        parameters += names
    for column, value in (
        ("author_profile_id", author_id),
        ("community_profile_id", community_id),
        ("platform", platform),
        ("is_read", False if unread else None),
    ):
        if value is not None:
            where.append(f"p.{column} = ?")
            parameters.append(value)
    if since is not None:
        where.append("p.posted_at_timestamp >= ?")
        parameters.append(_day_start(since))
    condition = f" WHERE {' AND '.join(where)}" if where else ""
    rows = bulk.execute(
        tx,
        f"SELECT {_LINE}{source}{condition} ORDER BY p.posted_at_timestamp DESC, p.post_id DESC LIMIT ?",
        *parameters,
        limit,
    ).all()
    return _lines(tx, rows)


def has_author(tx: Connection, username: str) -> bool:
    """Whether any post came with this username, in whatever case, as its author's."""
    if not storable(username):
        return False
    names = people.spellings(tx, username)
    statement = f"SELECT 1 FROM posts WHERE {is_one_of('author_username', names)} LIMIT 1"  # noqa: S608
    return bulk.execute(tx, statement, *names).first() is not None


FEW = 5000
"""Up to so many posts of a tag are all looked at for a page of them."""


def _tagged(tx: Connection, tag_id: str) -> tuple[str, str]:
    """Where to look for the posts of a tag, and by what condition.

    Those of a rare tag are sorted, each time; for a common one the posts are gone through, newest first, until a
    page of them is found: no index knows both a tag and a time.
    """
    statement = "SELECT count(*) FROM (SELECT 1 FROM post_tags WHERE tag_id = ? LIMIT ?) few"
    if int(bulk.execute(tx, statement, tag_id, FEW + 1).scalar()) <= FEW:
        # SQLite joins in the order that is written.
        tagged = " FROM post_tags t CROSS JOIN posts p"
        return tagged + _LINE_FROM.removeprefix(" FROM posts p"), "t.tag_id = ? AND p.post_id = t.post_id"
    return _LINE_FROM, "EXISTS (SELECT 1 FROM post_tags t WHERE t.post_id = p.post_id AND t.tag_id = ?)"


def _day_start(day: date) -> int:
    return int(datetime(day.year, day.month, day.day, tzinfo=UTC).timestamp() * 1000)


def _lines(tx: Connection, rows: Sequence[Any]) -> list[PostLine]:
    counts = {
        post_id: (int(total), int(cached))
        for post_id, total, cached in bulk.among(
            tx,
            "SELECT m.post_id, count(*), sum(CASE WHEN f.cached_at IS NOT NULL THEN 1 ELSE 0 END)"
            " FROM post_media m LEFT JOIN media_files f ON f.file_id = m.file_id"
            " WHERE m.post_id {in} GROUP BY m.post_id",
            [row[0] for row in rows],
        )
    }
    lines = []
    for row in rows:
        media, cached = counts.get(row[0], (0, 0))
        lines.append(
            PostLine(
                post_id=row[0],
                platform=row[1],
                native_id=row[2],
                kind=row[3] or "",
                posted_at=moment(row[4]),  # type: ignore[arg-type]
                author=row[5],
                author_name=row[6],
                text=row[7],
                shared_text=row[10],
                url=row[8],
                latest=_snapshot(row[_LINE_WIDTH:]),
                media=media,
                cached=cached,
                first_seen_at=moment(row[9]),  # type: ignore[arg-type]
                presence=Presence(row[11]),
                presence_at=moment(row[12]),
                notes=row[13],
            )
        )
    return lines


def set_notes(tx: Connection, post_id: str, notes: str | None, now: datetime) -> None:
    """Write what people say of a post in place of what they said."""
    bulk.execute(tx, "UPDATE posts SET notes = ?, updated_at = ? WHERE post_id = ?", notes, now, post_id)


def find_posts(tx: Connection, name: str) -> list[str]:
    """The post_ids a name alone may mean: our id, a URN, a platform's id, another name; none, one or several.

    Of digits a post's own come first: what is a name of one post only may be the id of another.
    """
    if not storable(name):
        return []
    if is_id(name, "p"):
        return list(_column(tx, "SELECT post_id FROM posts WHERE post_id = ?", name))
    ways = (_called, _named)
    for way in ways if name.isdigit() else reversed(ways):
        if found := way(tx, name):
            return found
    return []


def posts_named(tx: Connection, platform: str, name: Alias) -> list[str]:
    """The post_ids of a platform's own id, or of another name of a post; none, one or several."""
    if not storable(name.value):
        return []
    if name.kind == OWN_ID:
        statement = "SELECT post_id FROM posts WHERE platform = ? AND native_id = ?"
        return list(_column(tx, statement, platform, name.value))
    statement = "SELECT DISTINCT post_id FROM post_aliases WHERE value = ? AND kind = ? ORDER BY post_id"
    return list(_column(tx, statement, name.value, name.kind))


def _named(tx: Connection, name: str) -> list[str]:
    return list(_column(tx, "SELECT DISTINCT post_id FROM post_aliases WHERE value = ? ORDER BY post_id", name))


def _called(tx: Connection, name: str) -> list[str]:
    """The posts whose URN this is, or whose own id on any platform."""
    # One look into an index for each: with OR, or without the platform, all posts would be read.
    found = bulk.execute(tx, "SELECT post_id FROM posts WHERE urn = ?", name).all()
    for platform in _platforms(tx):
        statement = "SELECT post_id FROM posts WHERE platform = ? AND native_id = ?"
        found += bulk.execute(tx, statement, platform, name).all()
    return sorted({post_id for (post_id,) in found})


def _platforms(tx: Connection) -> list[str]:
    """Every platform that has posts, by skipping from one to the next in the index."""
    found = [""]
    statement = "SELECT platform FROM posts WHERE platform > ? ORDER BY platform LIMIT 1"
    while (row := bulk.execute(tx, statement, found[-1]).first()) is not None:
        found.append(row[0])
    return found[1:]


def post(tx: Connection, post_id: str) -> PostDetail | None:
    """A post with its numbers over time (oldest first), its media in order, and its history."""
    rows = bulk.execute(tx, f"SELECT {_LINE}{_LINE_FROM} WHERE p.post_id = ?", post_id).all()
    if not rows:
        return None
    urn, full_urn, text, altered, edited, observed = bulk.execute(
        tx,
        "SELECT urn, full_urn, text_content, text_altered, edited, observed_at FROM posts WHERE post_id = ?",
        post_id,
    ).one()
    return PostDetail(
        line=_lines(tx, rows)[0],
        urn=urn,
        full_urn=full_urn,
        text=text,
        text_altered=bool(altered),
        edited=None if edited is None else bool(edited),
        observed_at=moment(observed),
        snapshots=tuple(
            view
            for row in bulk.execute(
                tx,
                f"SELECT {_SNAPSHOT} FROM data_downloads d WHERE d.post_id = ? ORDER BY d.observed_at",  # noqa: S608
                post_id,
            ).all()
            if (view := _snapshot(row)) is not None
        ),
        media=tuple(media(tx, post_id=post_id, limit=10_000)),
        texts=_texts(tx, post_id),
        original=_original(tx, post_id),
        aliases=_column(
            tx, "SELECT kind || ':' || value FROM post_aliases WHERE post_id = ? ORDER BY kind, value", post_id
        ),
        hashtags=_column(tx, "SELECT hashtag FROM post_hashtags WHERE post_id = ? ORDER BY hashtag", post_id),
        links=_column(tx, "SELECT url FROM post_links WHERE post_id = ? ORDER BY position", post_id),
        seen_via=_column(
            tx,
            "SELECT coalesce(p.username, p.name) FROM post_seen_via v"
            " JOIN profiles p ON p.profile_id = v.profile_id WHERE v.post_id = ? ORDER BY 1",
            post_id,
        ),
    )


def _column(tx: Connection, statement: str, *parameters: Any) -> tuple[str, ...]:
    return tuple(value for (value,) in bulk.execute(tx, statement, *parameters).all())


def _texts(tx: Connection, post_id: str) -> tuple[TextView, ...]:
    rows = bulk.execute(
        tx,
        "SELECT text_content, first_seen_at, last_seen_at FROM post_texts WHERE post_id = ?"
        " ORDER BY first_seen_at, text_hash",
        post_id,
    ).all()
    return tuple(TextView(text, moment(first), moment(last)) for text, first, last in rows)  # type: ignore[arg-type]


def _original(tx: Connection, post_id: str) -> OriginalView | None:
    row = bulk.execute(
        tx,
        "SELECT o.original_post_id, o.ref_kind, o.ref_value, coalesce(a.name, o.author_username),"
        " o.text_content, o.url, o.posted_at FROM post_originals o"
        " LEFT JOIN profiles a ON a.profile_id = o.author_profile_id WHERE o.post_id = ?",
        post_id,
    ).first()
    if row is None:
        return None
    reference = f"{row[1]}:{row[2]}" if row[1] else None
    return OriginalView(row[0], reference, row[3], row[4], row[5], moment(row[6]))


# Of bytes that nobody has read, zero and "some bytes" are no answers.
_KNOWN_KIND = (
    f"CASE WHEN f.sha256 IS NULL THEN nullif(m.mime_type, '{UNKNOWN_TYPE}') ELSE m.mime_type END,"
    " CASE WHEN f.sha256 IS NULL THEN nullif(m.file_size, 0) ELSE m.file_size END"
)


def media(tx: Connection, *, post_id: str | None = None, limit: int, after: str | None = None) -> list[MediaView]:
    """Media of one post in order, or a page of all media by id, after the given one."""
    if post_id is not None:
        where, order, parameters = "m.post_id = ?", "m.position, m.media_id", [post_id]
    else:
        where, order, parameters = "m.media_id > ?", "m.media_id", [after or ""]
    rows = bulk.execute(
        tx,
        "SELECT m.media_id, m.post_id, m.role, m.position, m.media_type, m.download_state,"  # noqa: S608
        f" f.cached_at IS NOT NULL, m.media_url, m.local_file_path, {_KNOWN_KIND}, m.width, m.height,"
        " f.duration, m.md5_sum, f.sha256, m.archive_url, m.expires_at, m.absent_since, m.error_kind,"
        " m.error_message, m.error_at,"
        # Joined to a page whose length it does not know, SQLite would read all work for a filter first.
        " (SELECT w.due_at FROM work w WHERE w.stage = 'fetch' AND w.subject = m.media_id),"
        " f.incomplete_at_source, f.evicted_at, m.file_id FROM post_media m"
        " LEFT JOIN media_files f ON f.file_id = m.file_id"
        f" WHERE {where} ORDER BY {order} LIMIT ?",
        *parameters,
        limit,
    ).all()
    made = joined(tx, [row[25] for row in rows if row[25] and row[4] == MediaType.VIDEO])
    return [
        MediaView(  # type: ignore[call-arg]
            *row[:4],
            MediaType(row[4]),
            MediaState(row[5]),
            bool(row[6]),
            *row[7:17],
            moment(row[17]),
            moment(row[18]),
            row[20] or row[19],
            moment(row[21]),
            moment(row[22]),
            bool(row[23]),
            None if row[6] else moment(row[24]),
            made.get(row[25]),
        )
        for row in rows
    ]


def media_stats(tx: Connection, now: datetime, *, cache_limit: int, cache_root: str) -> MediaStats:
    by_type = {
        media_type: TypeTotals(int(files), int(size))
        for media_type, files, size in bulk.execute(
            tx,
            "SELECT media_type, count(*), sum(file_size) FROM media_files WHERE cached_at IS NOT NULL"
            " GROUP BY media_type ORDER BY media_type",
        ).all()
    }
    by_state = {
        state: int(count)
        for state, count in bulk.execute(
            tx, "SELECT download_state, count(*) FROM post_media GROUP BY download_state ORDER BY 1"
        ).all()
    }
    queue = work.counts(tx, Stage.FETCH, now)
    return MediaStats(
        places=sum(by_state.values()),
        files=sum(each.files for each in by_type.values()),
        bytes=sum(each.bytes for each in by_type.values()),
        by_type=by_type,
        by_state=by_state,
        waiting=queue["waiting"],
        due=queue["due"],
        cache_limit=cache_limit,
        cache_root=cache_root,
    )


def totals(tx: Connection) -> Totals:
    def count(table: str, where: str = "") -> int:
        return int(bulk.execute(tx, f"SELECT count(*) FROM {table} {where}").scalar())  # noqa: S608

    first, last = bulk.execute(tx, "SELECT min(observed_at), max(observed_at) FROM data_downloads").one()
    unknown = bulk.execute(
        tx,
        "SELECT platform || '/' || shape || ': ' || key, records FROM unknown_keys ORDER BY records DESC LIMIT 20",
    ).all()
    return Totals(
        posts=count("posts"),
        marked=count("posts", "WHERE is_marked"),
        snapshots=count("data_downloads"),
        runs=count("download_runs"),
        profiles=count("profiles"),
        media=count("post_media"),
        raw_records=count("raw_records"),
        quarantined=count("quarantine", "WHERE resolved_at IS NULL"),
        unknown_keys={key: int(records) for key, records in unknown},
        first_observed_at=moment(first),
        last_observed_at=moment(last),
    )


_TO_BE_HAD_AGAIN = (
    "(m.download_state = 'fetched' AND f.cached_at IS NULL AND f.evicted_at IS NULL"
    f" AND coalesce(m.error_kind, '') <> '{UNREAD_PLATFORM}')"
)


def incomplete_posts(
    tx: Connection, now: datetime, *, after: str, limit: int, since: date | None
) -> list[tuple[str, str, int, datetime]]:
    """Posts with media that are due or not in the cache: (post_id, kind, items, posted_at), by id.

    What was removed on purpose is not missing.
    """
    # The page is cut before posts are joined, so that each costs what it holds and not what is left.
    later = (
        ""
        if since is None
        else " AND EXISTS (SELECT 1 FROM posts s WHERE s.post_id = m.post_id AND s.posted_at_timestamp >= ?)"
    )
    rows = bulk.execute(
        tx,
        "SELECT g.post_id, p.post_type, g.items, p.posted_at FROM (SELECT m.post_id, count(*) AS items"  # noqa: S608
        " FROM post_media m LEFT JOIN media_files f ON f.file_id = m.file_id"
        " WHERE m.post_id > ? AND NOT EXISTS (SELECT 1 FROM work w"
        " WHERE w.stage = 'fetch' AND w.subject = m.media_id AND w.due_at > ?)"
        " AND (m.download_state IN ('pending', 'retry')"
        f" OR {_TO_BE_HAD_AGAIN}){later}"
        " GROUP BY m.post_id ORDER BY m.post_id LIMIT ?) g"
        " JOIN posts p ON p.post_id = g.post_id ORDER BY g.post_id",
        after,
        now,
        *(() if since is None else (_day_start(since),)),
        limit,
    ).all()
    return [(post_id, kind or "", int(items), moment(at)) for post_id, kind, items, at in rows]  # type: ignore[misc]


def incomplete_count(tx: Connection, now: datetime, *, since: date | None) -> int:
    """How many posts `incomplete_posts` would list, in one pass."""
    later = "" if since is None else " AND p.posted_at_timestamp >= ?"
    joined = "" if since is None else " JOIN posts p ON p.post_id = m.post_id"
    found = bulk.execute(
        tx,
        f"SELECT count(DISTINCT m.post_id) FROM post_media m{joined}"  # noqa: S608
        " LEFT JOIN media_files f ON f.file_id = m.file_id"
        " LEFT JOIN work w ON w.stage = 'fetch' AND w.subject = m.media_id"
        " WHERE (w.due_at IS NULL OR w.due_at <= ?) AND (m.download_state IN ('pending', 'retry')"
        f" OR {_TO_BE_HAD_AGAIN}){later}",
        now,
        *(() if since is None else (_day_start(since),)),
    ).scalar()
    return int(found)


def incomplete_media(tx: Connection, post_ids: Iterable[str], now: datetime) -> list[tuple[str, str, str]]:
    """The media of these posts that a backfill should try: (media_id, post_id, url)."""
    rows = bulk.among(
        tx,
        "SELECT m.media_id, m.post_id, m.media_url FROM post_media m"  # noqa: S608
        " LEFT JOIN media_files f ON f.file_id = m.file_id"
        " LEFT JOIN work w ON w.stage = 'fetch' AND w.subject = m.media_id"
        " WHERE m.post_id {in} AND (w.due_at IS NULL OR w.due_at <= ?)"
        " AND (m.download_state IN ('pending', 'retry')"
        f" OR {_TO_BE_HAD_AGAIN})",
        post_ids,
        now,
    )
    return [(media_id, post_id, url) for media_id, post_id, url in rows]


def media_totals(tx: Connection, media_ids: Sequence[str]) -> dict[tuple[str, bool], int]:
    """How many of these media are in each state, and in the cache: (state, cached) -> count."""
    rows = bulk.among(
        tx,
        "SELECT m.download_state, f.cached_at IS NOT NULL, count(*) FROM post_media m"
        " LEFT JOIN media_files f ON f.file_id = m.file_id WHERE m.media_id {in} GROUP BY 1, 2",
        media_ids,
    )
    return {(state, bool(cached)): int(count) for state, cached, count in rows}


def incomplete_of(tx: Connection, post_ids: Iterable[str]) -> int:
    """How many of these posts have media that are not in the cache and were not removed on purpose."""
    return _lacking(tx, post_ids, "")


def failed_of(tx: Connection, post_ids: Iterable[str]) -> int:
    """How many of these posts lack media that might be had: what expired or is gone is a fact, not a failure."""
    return _lacking(tx, post_ids, " AND m.download_state NOT IN ('expired', 'gone')")


def _lacking(tx: Connection, post_ids: Iterable[str], but: str) -> int:
    missing = "f.cached_at IS NULL AND f.evicted_at IS NULL" + but
    rows = bulk.among(
        tx,
        "SELECT DISTINCT m.post_id FROM post_media m LEFT JOIN media_files f ON f.file_id = m.file_id"  # noqa: S608
        f" WHERE m.post_id {{in}} AND {missing}",
        post_ids,
    )
    return len(rows)
