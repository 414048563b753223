"""A database as it is after years: posts, snapshots, media and work written straight into the tables.

Importing a million posts takes an hour; how long a page takes depends on the rows alone. Tests of query plans use
it, too.
"""

from __future__ import annotations

import random
from collections.abc import Iterable, Iterator, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy import Connection, Table, create_engine

from postkeep.model import MediaState
from postkeep.store import Store, schema
from postkeep.store.types import to_text

MEDIA_A_POST = 3
NOW = datetime(2026, 1, 1, tzinfo=UTC)
"""When the database stopped growing; nothing in it is newer."""
OPEN_HOST = "media.licdn.com"
PAUSED_HOST = "cdn.example.com"

_CHUNK = 20_000
_SECOND = 0x60000000
_YEARS = timedelta(days=5 * 365)
_PLATFORMS = ("linkedin", "instagram", "reddit")
_STATES = {
    MediaState.FETCHED: 965,
    MediaState.PENDING: 15,
    MediaState.EXPIRED: 7,
    MediaState.FAILED: 4,
    MediaState.GONE: 4,
    MediaState.RETRY: 3,
    MediaState.REFUSED: 1,
    MediaState.UNSUPPORTED: 1,
}
_KINDS = {
    MediaState.EXPIRED: "expired",
    MediaState.FAILED: "timeout",
    MediaState.GONE: "not_found",
    MediaState.RETRY: "http_503",
    MediaState.REFUSED: "too_large",
    MediaState.UNSUPPORTED: "not_media",
}

Rows = dict[Table, list[tuple[Any, ...]]]
_COLUMNS: dict[Table, tuple[str, ...]] = {
    schema.profiles: ("profile_id", "username", "name", "platform", "kind", "native_id"),
    schema.download_runs: ("run_id", "started_at", "completed_at", "status", "script_name"),
    schema.hosts: ("host", "paused_until", "reason", "failures"),
    schema.holds: ("hold_id", "subject_kind", "subject", "reason", "held_by", "since", "until"),
    schema.quarantine: (
        "quarantine_id",
        "run_id",
        "source_file_path",
        "record_number",
        "byte_offset",
        "length",
        "sha256",
        "reason",
        "observed_at",
        "observed_source",
        "version",
        "last_seen_at",
        "resolved_at",
    ),
    schema.media_files: (
        "file_id",
        "sha256",
        "md5_sum",
        "file_size",
        "mime_type",
        "extension",
        "media_type",
        "local_file_path",
        "cached_at",
        "last_used_at",
        "evicted_at",
        "evicted_because",
    ),
    schema.posts: (
        "post_id",
        "urn",
        "platform",
        "native_id",
        "posted_at_timestamp",
        "posted_at",
        "author_username",
        "author_profile_id",
        "text_content",
        "post_type",
        "url",
        "observed_at",
        "latest_download_id",
        "first_seen_at",
        "is_read",
        "is_marked",
    ),
    schema.data_downloads: (
        "download_id",
        "post_id",
        "run_id",
        "downloaded_at",
        "observed_at",
        "observed_source",
        "total_reactions",
        "comments",
        "reposts",
        "record_sha256",
        "content_hash",
        "source_file_path",
    ),
    schema.raw_records: ("sha256", "content_hash", "platform", "shape", "codec", "size", "body"),
    schema.run_posts: ("run_id", "post_id", "outcome", "observed_at"),
    schema.post_aliases: ("post_id", "kind", "value"),
    schema.post_seen_via: ("post_id", "profile_id", "first_seen_at", "last_seen_at"),
    schema.post_originals: ("post_id", "ref_kind", "ref_value", "observed_at"),
    schema.post_texts: ("post_id", "text_hash", "text_content", "first_seen_at", "last_seen_at"),
    schema.post_hashtags: ("post_id", "hashtag"),
    schema.post_links: ("post_id", "position", "url", "kind"),
    schema.post_mentions: ("post_id", "position", "name"),
    schema.post_media: (
        "media_id",
        "post_id",
        "media_type",
        "media_url",
        "local_file_path",
        "file_size",
        "mime_type",
        "md5_sum",
        "file_id",
        "role",
        "media_key",
        "position",
        "rendition",
        "file_rendition",
        "expires_at",
        "observed_at",
        "first_seen_at",
        "last_seen_at",
        "download_state",
        "error_kind",
        "error_message",
        "error_at",
    ),
    schema.profile_media: (
        "media_id",
        "profile_id",
        "media_type",
        "media_url",
        "file_id",
        "role",
        "media_key",
        "observed_at",
        "first_seen_at",
        "last_seen_at",
        "download_state",
    ),
    schema.file_urls: ("url_key", "url", "file_id", "fetched_at"),
    schema.work: ("stage", "subject", "host", "priority", "due_at", "fails"),
}


def grow(store: Store, posts: int, *, seed: int = 1) -> None:
    """Fill an empty database with so many posts and three times as many media, and take its statistics.

    The same seed gives the same rows.
    """
    rest = _without_indexes(store)
    made = _Made(random.Random(seed), posts)
    _write(store, made.beginnings())
    for start in range(0, posts, _CHUNK):
        _write(store, made.posts(start, min(posts, start + _CHUNK)))
    _write(store, made.ends())
    with store.writing() as tx:
        for index in rest:
            index.create(tx)
    analyse(store)


def analyse(store: Store) -> None:
    """Let the database count its rows, as it does by itself after a while."""
    if store.is_sqlite:
        with store.writing() as tx:
            tx.exec_driver_sql("ANALYZE")
        return
    # An engine of its own: the store's begins a transaction, in which it cannot be done.
    engine = create_engine(store.url, isolation_level="AUTOCOMMIT")
    try:
        with engine.connect() as connection:
            connection.exec_driver_sql("VACUUM ANALYZE")
    finally:
        engine.dispose()


def _without_indexes(store: Store) -> list[Any]:
    """Drop the indexes that are no keys: building one at the end costs less than keeping it in order."""
    indexes = [index for table in _COLUMNS for index in sorted(table.indexes, key=lambda each: str(each.name))]
    with store.writing() as tx:
        for index in indexes:
            index.drop(tx)
    return indexes


def _write(store: Store, rows: Rows) -> None:
    with store.writing() as tx:
        for table, columns in _COLUMNS.items():
            if rows.get(table):
                _insert(tx, table, columns, rows[table])


def _insert(tx: Connection, table: Table, columns: Sequence[str], rows: Iterable[tuple[Any, ...]]) -> None:
    driver = tx.connection.driver_connection
    assert driver is not None, "a connection in use has its driver's"
    names = ", ".join(columns)
    if tx.dialect.name == "sqlite":
        marks = ", ".join("?" * len(columns))
        driver.executemany(f"INSERT INTO {table.name} ({names}) VALUES ({marks})", rows)
        return
    with driver.cursor() as cursor, cursor.copy(f"COPY {table.name} ({names}) FROM STDIN") as copy:
        for row in rows:
            copy.write_row(row)


def _id(prefix: str, number: int) -> str:
    return f"{prefix}-{_SECOND:08x}{number:09x}"


class _Made:
    """The rows, made in the order of import."""

    def __init__(self, chance: random.Random, posts: int) -> None:
        self.chance, self.number_of_posts = chance, posts
        self.authors = max(3, posts // 25)
        self.runs = max(3, posts // 25)
        self.files = self.media = 0
        self._states = [state for state, share in _STATES.items() for _ in range(share)]
        self._now = to_text(NOW)
        self._soon, self._later = to_text(NOW + timedelta(days=30)), to_text(NOW + timedelta(days=36_500))

    def _platform(self, author: int) -> str:
        return _PLATFORMS[0 if author % 20 < 17 else 1 + author % 2]

    def _time(self) -> datetime:
        return NOW - _YEARS * self.chance.random()

    def beginnings(self) -> Rows:
        """What posts hang on."""
        runs = []
        for number in range(self.runs):
            at = to_text(NOW - timedelta(hours=self.runs - number))
            runs.append((_id("run", number), at, at, "completed", "import"))
        return {
            schema.profiles: [
                (
                    _id("prf", n),
                    f"author-{n}",
                    f"Author {n}",
                    self._platform(n),
                    "person",
                    None if n % 3 else str(n),
                )
                for n in range(self.authors)
            ],
            schema.download_runs: runs,
            schema.hosts: [(PAUSED_HOST, self._later, "asked to wait", 3), (OPEN_HOST, None, None, 0)],
            schema.holds: [
                (
                    _id("hld", n),
                    "post",
                    _id("p", n * 7),
                    "a question",
                    "me",
                    self._now,
                    self._now if n % 2 else None,
                )
                for n in range(30)
            ],
            schema.quarantine: [self._quarantined(n) for n in range(max(3, self.number_of_posts // 20))],
        }

    def _quarantined(self, number: int) -> tuple[Any, ...]:
        name, digest = f"/import/{number}.json", f"{number:064x}"
        resolved = self._now if number % 20 else None
        told = ("no id", self._now, "file_name", "1", self._now, resolved)
        return (_id("qua", number), None, name, 1, 0, 10, digest, *told)

    def posts(self, first: int, end: int) -> Rows:
        """The posts from `first` to before `end`, with all that hangs on them."""
        rows: Rows = {table: [] for table in _COLUMNS}
        for number in range(first, end):
            self._post(rows, number)
        return rows

    def _post(self, rows: Rows, number: int) -> None:
        chance = self.chance
        author = int(self.authors * chance.random() ** 3)
        posted = self._time().replace(microsecond=0)
        at, milliseconds = to_text(posted), round(posted.timestamp() * 1000)
        post_id, native = _id("p", number), str((milliseconds << 22) + (number & 0x3FFFFF))
        platform, run_id = self._platform(author), _id("run", number * self.runs // self.number_of_posts)
        username = f"author-{author}"
        text = f"Post {number} of {username}. " + "What a day it was, and nobody has seen it. " * 4
        rows[schema.posts].append(
            (
                post_id,
                f"urn:li:activity:{native}",
                platform,
                native,
                milliseconds,
                at,
                username,
                _id("prf", author),
                text,
                "regular",
                f"https://www.linkedin.com/posts/{username}_post-activity-{native}-AbCd",
                self._now,
                _id("dl", 2 * number),
                self._now,
                chance.random() < 0.7,
                number % 100 == 0,
            )
        )
        self._snapshots(rows, number, post_id, run_id, platform, posted)
        rows[schema.run_posts].append((run_id, post_id, "new", self._now))
        rows[schema.post_aliases].append((post_id, "share", str(int(native) - 7)))
        rows[schema.post_seen_via].append((post_id, _id("prf", author), at, self._now))
        if number % 10 == 0:
            ref = ("activity", str(int(native) - 99), self._now)
            rows[schema.post_originals].append((post_id, *ref))
            rows[schema.post_links].append((post_id, 0, "https://example.com/", "link"))
            rows[schema.post_mentions].append((post_id, 0, "Somebody"))
            rows[schema.post_texts].append((post_id, f"{number:064x}", text, at, self._now))
        if number % 3 == 0:
            rows[schema.post_hashtags].append((post_id, f"tag{author % 50}"))
        for position in range(MEDIA_A_POST):
            self._medium(rows, post_id, position, at)

    def _snapshots(
        self, rows: Rows, number: int, post_id: str, run_id: str, platform: str, posted: datetime
    ) -> None:
        for again in range(2 if number % 10 == 0 else 1):
            digest, observed = f"{2 * number + again:064x}", to_text(posted + timedelta(days=2 - again))
            reactions = int(3 / (1.0 - self.chance.random() * 0.9999)) - 3
            numbers = (reactions, reactions // 8, reactions // 30) if number % 20 else (None, None, None)
            rows[schema.data_downloads].append(
                (
                    _id("dl", 2 * number + again),
                    post_id,
                    run_id,
                    self._now,
                    observed,
                    "file_name",
                    *numbers,
                    digest,
                    digest,
                    "/import/file.json",
                )
            )
            rows[schema.raw_records].append((digest, digest, platform, "post", "zstd", 3000, b"packed"))

    def _medium(self, rows: Rows, post_id: str, position: int, at: str) -> None:
        number, chance = self.media, self.chance
        self.media += 1
        state = self._states[int(chance.random() * len(self._states))]
        host = PAUSED_HOST if number % 3 == 0 else OPEN_HOST
        key, media_id, rendition = f"D4E22AQ{number:010d}", _id("med", number), "feedshare-shrink_800"
        url = f"http://{host}/dms/image/v2/{key}/{rendition}/0/1?e=4000000000&v=beta&t=a"
        facts: tuple[Any, ...] = (None, None, None, None, None)
        if state is MediaState.FETCHED:
            facts = self._file(rows)
        expires = (None, self._soon, self._later, self._now)[number % 4]
        if state is MediaState.EXPIRED:
            expires = at
        kind = _KINDS.get(state)
        path, size, mime, md5, file_id = facts
        rows[schema.post_media].append(
            (
                media_id,
                post_id,
                "image",
                url,
                path,
                size,
                mime,
                md5,
                file_id,
                "own",
                key,
                position,
                rendition,
                rendition if file_id else None,
                expires,
                self._now,
                at,
                self._now,
                str(state),
                kind,
                kind and "the server said no",
                kind and self._now,
            )
        )
        if state is MediaState.PENDING:
            rows[schema.work].append(("fetch", media_id, host, 0, to_text(self._time()), 0))
        elif state is MediaState.RETRY:
            rows[schema.work].append(("fetch", media_id, host, 0, self._later, 2))

    def _file(self, rows: Rows) -> tuple[Any, ...]:
        """What a place says of its file: mostly a new one, sometimes that of another place."""
        number = self.files
        if number and self.chance.random() < 0.15:
            number = 0 if self.chance.random() < 0.01 else int(self.chance.random() * number)
        mixed = number * 0x9E3779B97F4A7C15 & 0xFFFFFFFFFFFFFFFF
        md5 = f"{mixed:016x}{number:016x}"
        path, size = f"media/images/{md5}.jpg", 5_000 + mixed % 30_000
        file_id = _id("fil", number)
        if number == self.files:
            self.files += 1
            rows[schema.media_files].append(self._content(file_id, number, md5, path, size))
        return path, size, "image/jpeg", md5, file_id

    def _content(self, file_id: str, number: int, md5: str, path: str, size: int) -> tuple[Any, ...]:
        cached: str | None = to_text(self._time())
        evicted = because = None
        if number % 1000 == 1:
            cached = None
            if number % 2000 == 1:
                evicted, because = self._now, "lru"
        used = None if number % 50 == 3 else to_text(self._time())
        named = (size, "image/jpeg", "jpg", "image", path)
        return (file_id, f"{number:064x}", md5, *named, cached, used, evicted, because)

    def ends(self) -> Rows:
        """What hangs on profiles and files."""
        return {
            schema.profile_media: list(self._avatars()),
            schema.file_urls: [
                (f"example.com/{n}.jpg", f"https://example.com/{n}.jpg", _id("fil", n), self._now)
                for n in range(min(self.files, max(3, self.number_of_posts // 20)))
            ],
        }

    def _avatars(self) -> Iterator[tuple[Any, ...]]:
        for number in range(self.authors):
            key = f"D4E03AQ{number:010d}"
            url = f"http://{OPEN_HOST}/dms/image/v2/{key}/profile-displayphoto/0/1"
            file_id = _id("fil", number % self.files)
            times = (self._now, self._now, self._now)
            state = "fetched" if number % 20 else "gone"
            yield (_id("pfm", number), _id("prf", number), "image", url, file_id, "avatar", key, *times, state)
