"""Databases as the predecessor left them, with its tables, types, indexes and views, on both engines."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import psycopg
from sqlalchemy import make_url

Row = dict[str, Any]

_STAMPS = ("created_at TS D=now",)
_BOTH_STAMPS = ("created_at TS D=now", "updated_at TS D=now")

# name, type (T, TS, I, BIG, B, REAL, JSONB), then N (not null), D=default, or the rest as it stands.
TABLES: dict[str, tuple[str, ...]] = {
    "posts": (
        "post_id T PRIMARY KEY",
        "urn T UNIQUE N",
        "full_urn T",
        "platform T D='linkedin'",
        "posted_at_timestamp BIG N",
        "author_username T",
        "text_content T",
        "post_type T",
        "url T",
        "raw_json T",
        "first_seen_at TS",
        "is_read B D=false",
        "is_marked B D=false",
        *_BOTH_STAMPS,
        "likes_count I late",
        "comments_count I late",
        "my_rating T users",
    ),
    "download_runs": (
        "run_id T PRIMARY KEY",
        "started_at TS N",
        "completed_at TS",
        "status T D='running'",
        "script_name T",
        "platform T D='linkedin'",
        "posts_fetched I D=0",
        "posts_new I D=0",
        "posts_updated I D=0",
        "error_message T",
        "system_info T",
        *_STAMPS,
    ),
    "data_downloads": (
        "download_id T PRIMARY KEY",
        "post_id T N REFERENCES posts(post_id) ON DELETE CASCADE",
        "run_id T REFERENCES download_runs(run_id) ON DELETE SET NULL",
        "downloaded_at TS N",
        "total_reactions I D=0",
        "stats_json T",
        "raw_json T",
        "source_file_path T",
        *_STAMPS,
    ),
    "profiles": (
        "profile_id T PRIMARY KEY",
        "username T UNIQUE N",
        "name T N",
        "platform T D='linkedin'",
        "is_active B D=true",
        "notes T",
        "post_count I D=0",
        "last_synced_at TS",
        *_BOTH_STAMPS,
    ),
    "tags": (
        "tag_id T PRIMARY KEY",
        "name T UNIQUE N",
        "description T",
        "color T D='cyan'",
        *_STAMPS,
    ),
    "profile_tags": (
        "profile_tag_id T PRIMARY KEY",
        "profile_id T N REFERENCES profiles(profile_id) ON DELETE CASCADE",
        "tag_id T N REFERENCES tags(tag_id) ON DELETE CASCADE",
        *_STAMPS,
    ),
    "post_tags": (
        "post_tag_id T PRIMARY KEY",
        "post_id T N REFERENCES posts(post_id) ON DELETE CASCADE",
        "tag_id T N REFERENCES tags(tag_id) ON DELETE CASCADE",
        "confidence REAL",
        "applied_by T D='ai'",
        "system_notes T",
        *_STAMPS,
    ),
    "action_queue": (
        "action_id T PRIMARY KEY",
        "post_id T REFERENCES posts(post_id) ON DELETE CASCADE",
        "action_type T N",
        "action_params T",
        "status T D='queued'",
        "priority I D=0",
        "scheduled_for TS",
        "executed_at TS",
        "user_notes T",
        "system_notes T",
        *_BOTH_STAMPS,
    ),
    "post_media": (
        "media_id T PRIMARY KEY",
        "post_id T N REFERENCES posts(post_id) ON DELETE CASCADE",
        "media_type T N",
        "media_url T N",
        "local_file_path T",
        "file_size I",
        "mime_type T",
        "width I",
        "height I",
        "ai_analysis_status T D='not_started' CHECK (ai_analysis_status IN"
        " ('not_started', 'started', 'completed', 'failed', 'pending'))",
        "ai_analysis T",
        "ai_analyzed_at TS",
        *_BOTH_STAMPS,
        "md5_sum T late",
        "archive_url T late",
        "ai_analysis_log JSONB late",
    ),
}

_UNIQUE = {"profile_tags": "profile_id, tag_id", "post_tags": "post_id, tag_id"}

_INDEXES = {
    "posts": "urn posted_at_timestamp author_username platform first_seen_at is_read is_marked",
    "download_runs": "started_at status",
    "data_downloads": "post_id run_id downloaded_at",
    "profiles": "username is_active",
    "tags": "name",
    "profile_tags": "profile_id tag_id",
    "post_tags": "post_id tag_id applied_by",
    "action_queue": "post_id status scheduled_for",
    "post_media": "post_id media_type",
}
_PREFIX = {
    "download_runs": "runs",
    "data_downloads": "downloads",
    "action_queue": "actions",
    "post_media": "media",
}
_MORE_INDEXES = (
    "CREATE INDEX idx_actions_priority ON action_queue (priority DESC)",
    "CREATE INDEX idx_media_ai_status ON post_media (ai_analysis_status)",
)
_LATE_INDEXES = (
    "CREATE INDEX idx_media_md5_sum ON post_media (md5_sum)",
    "CREATE INDEX idx_media_archive_url ON post_media (archive_url) WHERE archive_url IS NOT NULL",
    "CREATE INDEX idx_media_ai_status_created ON post_media (ai_analysis_status, created_at)"
    " WHERE ai_analysis_status IN ('not_started', 'started')",
)

NOTES_TABLE = "reading_notes"
_NOTES = (
    f"CREATE TABLE {NOTES_TABLE} (note_id INTEGER PRIMARY KEY,"
    " post_id TEXT REFERENCES posts(post_id) ON DELETE CASCADE, note TEXT)"
)

# The columns the facts name; the bodies are as simple as shows that they depend on the tables.
_VIEWS = (
    "CREATE VIEW v_main_post_view AS SELECT post_id, platform, urn,"
    " to_char(to_timestamp(posted_at_timestamp / 1000.0), 'YYYY-MM-DD HH24:MI:SS') AS posted_at_formatted,"
    " author_username, left(text_content, 50) AS text_preview, NULL::text AS media_indicator,"
    " (SELECT string_agg(action_type, '') FROM action_queue a WHERE a.post_id = p.post_id) AS marked_indicator,"
    " first_seen_at, raw_json FROM posts p ORDER BY posted_at_timestamp DESC",
    "CREATE VIEW v_profiles_with_stats AS SELECT pr.profile_id, pr.username, pr.name, pr.platform, pr.is_active,"
    " pr.notes, pr.last_synced_at, pr.created_at, pr.updated_at, count(p.post_id) AS post_count,"
    " '[]'::jsonb AS tags FROM profiles pr LEFT JOIN posts p ON p.author_username = pr.username"
    " GROUP BY pr.profile_id",
    "CREATE VIEW v_post_engagement_history AS SELECT d.post_id, p.urn AS post_urn, p.author_username,"
    " d.downloaded_at, d.total_reactions AS reactions, 0 AS comments, 0 AS reposts, 0 AS views, d.stats_json,"
    " d.download_id, d.run_id FROM data_downloads d JOIN posts p ON p.post_id = d.post_id",
)


@dataclass(frozen=True)
class Variant:
    """Which of the predecessor's ages a database is from."""

    late_columns: bool = True
    naive_times: bool = False
    users_own: bool = True


@dataclass
class Predecessor:
    """Rows by table, times as aware datetimes; written out once to either engine."""

    rows: dict[str, list[Row]] = field(default_factory=lambda: {name: [] for name in TABLES})
    notes: list[tuple[int, str, str]] = field(default_factory=list)

    def add(self, table: str, row: Row) -> None:
        self.rows[table].append(row)

    def counts(self) -> dict[str, int]:
        return {name: len(rows) for name, rows in self.rows.items()}

    # --- SQLite ---

    def to_sqlite(self, path: Path, variant: Variant | None = None) -> None:
        variant = variant or Variant()
        with closing(sqlite3.connect(path)) as connection, connection:
            for table in TABLES:
                connection.execute(_create(table, variant, _SQLITE_TYPES))
                names = _columns(table, variant)
                marks = ", ".join("?" * len(names))
                connection.executemany(
                    f"INSERT INTO {table} ({', '.join(names)}) VALUES ({marks})",
                    (
                        [_sqlite_value(row.get(name), number) for name in names]
                        for number, row in enumerate(self.rows[table])
                    ),
                )
            for statement in _indexes(variant):
                connection.execute(statement)
            if variant.users_own:
                connection.execute(_NOTES)
                connection.executemany(f"INSERT INTO {NOTES_TABLE} VALUES (?, ?, ?)", self.notes)

    # --- PostgreSQL ---

    def to_postgresql(self, url: str, variant: Variant | None = None) -> None:
        variant = variant or Variant()
        types = _POSTGRESQL_TYPES | ({"TS": "TIMESTAMP"} if variant.naive_times else {})
        dsn = make_url(url).set(drivername="postgresql").render_as_string(hide_password=False)
        with psycopg.connect(dsn) as connection:
            # A server elsewhere: naive times are UTC all the same.
            connection.execute("SET timezone = 'UTC'")
            name = connection.info.dbname
            connection.execute(f"ALTER DATABASE \"{name}\" SET timezone = 'America/New_York'")
            for table in TABLES:
                connection.execute(_create(table, variant, types))
                names = _columns(table, variant)
                into = f"COPY {table} ({', '.join(names)}) FROM STDIN"
                with connection.cursor() as cursor, cursor.copy(into) as copy:
                    for row in self.rows[table]:
                        copy.write_row([_postgresql_value(row.get(name), variant) for name in names])
            for statement in (*_indexes(variant), *_VIEWS):
                connection.execute(statement)
            for table in TABLES:
                connection.execute(f"ALTER TABLE {table} ENABLE ROW LEVEL SECURITY")
                connection.execute(f'CREATE POLICY "always true" ON {table} USING (true) WITH CHECK (true)')
            connection.execute(
                "COMMENT ON COLUMN posts.posted_at_timestamp IS 'Unix timestamp when the post was published'"
            )
            if variant.users_own:
                connection.execute(_NOTES)
                with connection.cursor() as cursor:
                    cursor.executemany(f"INSERT INTO {NOTES_TABLE} VALUES (%s, %s, %s)", self.notes)


_SQLITE_TYPES = {
    "T": "TEXT",
    "TS": "TIMESTAMP",
    "I": "INTEGER",
    "BIG": "INTEGER",
    "B": "INTEGER",
    "REAL": "REAL",
    "JSONB": "TEXT",
    "now": "CURRENT_TIMESTAMP",
    "false": "0",
    "true": "1",
}
_POSTGRESQL_TYPES = {
    "T": "TEXT",
    "TS": "TIMESTAMPTZ",
    "I": "INTEGER",
    "BIG": "BIGINT",
    "B": "BOOLEAN",
    "REAL": "REAL",
    "JSONB": "JSONB",
    "now": "now()",
    "false": "false",
    "true": "true",
}


def _kept(column: str, variant: Variant) -> bool:
    last = column.rsplit(" ", 1)[1]
    return (last != "late" or variant.late_columns) and (last != "users" or variant.users_own)


def _columns(table: str, variant: Variant) -> list[str]:
    return [column.split(" ", 1)[0] for column in TABLES[table] if _kept(column, variant)]


def _create(table: str, variant: Variant, types: dict[str, str]) -> str:
    lines = []
    for column in TABLES[table]:
        if not _kept(column, variant):
            continue
        name, type_, *rest = column.split(" ")
        words = [_word(word, types) for word in rest if word not in ("late", "users")]
        lines.append(" ".join([name, types[type_], *words]))
    if table in _UNIQUE:
        lines.append(f"UNIQUE ({_UNIQUE[table]})")
    return f"CREATE TABLE {table} ({', '.join(lines)})"


def _word(word: str, types: dict[str, str]) -> str:
    if word == "N":
        return "NOT NULL"
    if word.startswith("D="):
        default = word.removeprefix("D=")
        return f"DEFAULT {types.get(default, default)}"
    return word


def _indexes(variant: Variant) -> list[str]:
    made = [
        f"CREATE INDEX idx_{_PREFIX.get(table, table)}_{column} ON {table} ({column})"
        for table, columns in _INDEXES.items()
        for column in columns.split()
    ]
    return [*made, *_MORE_INDEXES, *(_LATE_INDEXES if variant.late_columns else ())]


def _sqlite_value(value: Any, number: int) -> Any:
    if isinstance(value, datetime):
        return _spelled(value, number)
    return int(value) if isinstance(value, bool) else value


def _spelled(moment: datetime, number: int) -> str:
    """The ways in which several programs wrote times over the years: naive ones are UTC."""
    naive = moment.astimezone(UTC).replace(tzinfo=None)
    match number % 5:
        case 0:
            return naive.isoformat(sep=" ")
        case 1:
            return naive.isoformat()
        case 2:
            return f"{naive.isoformat()}+00:00"
        case 3:
            return moment.astimezone(timezone(timedelta(hours=1))).isoformat()
        case _:
            return f"{naive.isoformat()}Z"


def _postgresql_value(value: Any, variant: Variant) -> Any:
    if isinstance(value, datetime) and variant.naive_times:
        return value.astimezone(UTC).replace(tzinfo=None)
    return value


__all__ = ["NOTES_TABLE", "TABLES", "Predecessor", "Row", "Variant"]
