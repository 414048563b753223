"""Every kind of drift and every contradiction between rows is told, by name, and nothing else is."""

from __future__ import annotations

import re
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest
from sqlalchemy import text

from postkeep.config import Config
from postkeep.errors import StoreError
from postkeep.library import open_library
from postkeep.store import Store, shapes
from postkeep.store.migrate import HEAD
from postkeep.store.schema import metadata
from postkeep.store.sqlviews import VIEWS
from postkeep.store.verify import ROW_CHECKS, Difference, verify_rows, verify_schema

sqlite_only = pytest.mark.parametrize("database_kind", ["sqlite"], indirect=True)
postgresql_only = pytest.mark.parametrize("database_kind", ["postgresql"], indirect=True)


def run(store: Store, *statements: str) -> None:
    with store.writing() as tx:
        for statement in statements:
            # exec_driver_sql would take no colon, text() takes ':word' for a parameter.
            tx.execute(text(statement.replace(":", r"\:")))


def remake(store: Store, table: str, old: str, new: str) -> None:
    """Make a SQLite table again with other words in it: how most of its drift comes about."""
    with store.writing() as tx:
        made = tx.execute(text("SELECT type, sql FROM sqlite_master WHERE tbl_name = :t"), {"t": table}).all()
        statements = [sql for kind, sql in sorted(made, key=lambda row: row[0] != "table") if sql]
        assert re.search(old, statements[0]), statements[0]
        statements[0] = re.sub(old, new, statements[0], count=1)
        tx.execute(text("DROP TABLE " + table))
        for statement in statements:
            tx.exec_driver_sql(statement)


def told(store: Store) -> list[tuple[str, str, str | None, str | None]]:
    return [(each.table, each.what, each.expected, each.found) for each in verify_schema(store)]


BOTH: list[tuple[str, tuple[str, str, str | None, str | None]]] = [
    ("DROP TABLE file_urls", ("file_urls", "table", "a table", None)),
    ("ALTER TABLE tags DROP COLUMN description", ("tags", "column description", "text", None)),
    (
        "ALTER TABLE tags ADD COLUMN icon TEXT DEFAULT 'X'",
        ("tags", "column icon", None, "text default 'X'"),
    ),
    ("DROP INDEX idx_posts_urn", ("posts", "index idx_posts_urn", "(urn)", None)),
    ("CREATE INDEX idx_mine ON posts (url)", ("posts", "index idx_mine", None, "(url)")),
    ("UPDATE alembic_version SET version_num = '9999'", ("alembic_version", "revision", HEAD, "9999")),
    ("DELETE FROM alembic_version", ("alembic_version", "revision", HEAD, None)),
]

INDEXES: list[tuple[str, str, str, str]] = [
    ("idx_tags_name", "ON tags (color)", "(name)", "(color)"),
    ("idx_tags_name", "ON tags (name DESC)", "(name)", "(name desc)"),
    ("idx_actions_priority", "ON action_queue (priority)", "(priority desc)", "(priority)"),
    ("idx_work_next", "ON work (host, stage)", "(stage, host, priority, due_at)", "(host, stage)"),
    (
        "idx_media_archive_url",
        "ON post_media (archive_url)",
        "(archive_url) where archive_url is not null",
        "(archive_url)",
    ),
    (
        "idx_media_ai_status_created",
        "ON post_media (ai_analysis_status, created_at) WHERE ai_analysis_status IN ('not_started', 'failed')",
        "(ai_analysis_status, created_at) where ai_analysis_status in ('not_started', 'started')",
        "(ai_analysis_status, created_at) where ai_analysis_status in ('not_started', 'failed')",
    ),
]


@pytest.mark.parametrize(("statement", "difference"), BOTH)
def test_drift_on_both_databases(
    store: Store, statement: str, difference: tuple[str, str, str | None, str | None]
) -> None:
    run(store, statement)
    assert told(store) == [difference]


@pytest.mark.parametrize(("name", "definition", "expected", "found"), INDEXES)
def test_an_index_that_differs(store: Store, name: str, definition: str, expected: str, found: str) -> None:
    run(store, f"DROP INDEX {name}", f"CREATE INDEX {name} {definition}")
    assert [each[1:] for each in told(store)] == [(f"index {name}", expected, found)]


def test_an_index_that_became_unique(store: Store) -> None:
    run(store, "DROP INDEX idx_posts_urn", "CREATE UNIQUE INDEX idx_posts_urn ON posts (urn)")
    assert told(store) == [("posts", "index idx_posts_urn", "(urn)", "unique (urn)")]


def test_a_table_of_others_is_drift_only_where_nothing_is_shared(store: Store) -> None:
    run(store, "CREATE TABLE notes (note TEXT)")
    assert told(store) == ([("notes", "table", None, "a table")] if store.is_sqlite else [])


CHECK = "check post_media_ai_analysis_status_check"
STATES = "ai_analysis_status in ('not_started', 'started', 'completed', 'failed', 'pending')"


@sqlite_only
@pytest.mark.parametrize(
    ("table", "old", "new", "difference"),
    [
        ("tags", "color TEXT", "color BLOB", ("column color", "text", "blob")),
        ("tags", "DEFAULT 'cyan'", "DEFAULT 'Cyan'", ("column color", "'cyan'", "'Cyan'")),
        ("tags", "description TEXT", "description TEXT NOT NULL", ("column description", "text", "not null")),
        ("file_urls", r"PRIMARY KEY \(url_key\)", "PRIMARY KEY (url)", ("primary key", "(url_key)", "(url)")),
        ("posts", r"UNIQUE \(platform,", "UNIQUE (url,", ("unique (platform, native_id)", "unique", None)),
        ("file_urls", "ON DELETE CASCADE", "", ("foreign key (file_id)", "on delete cascade", "no action")),
        (
            "file_urls",
            r"REFERENCES media_files \(file_id\)",
            "REFERENCES posts (post_id)",
            ("foreign key (file_id)", "to media_files(file_id)", "to posts(post_id)"),
        ),
        ("post_media", "'failed', 'pending'", "'paused'", (CHECK, STATES, "'paused'")),
        ("post_media", "post_media_ai_analysis_status_check", "other", (CHECK, STATES, None)),
        ("work", "WITHOUT ROWID", "", ("storage", "without rowid", None)),
        ("tags", r"\)\s*$", ") WITHOUT ROWID", ("storage", None, "without rowid")),
    ],
)
def test_drift_of_a_sqlite_table(
    store: Store, table: str, old: str, new: str, difference: tuple[str, str | None, str | None]
) -> None:
    remake(store, table, old, new)
    what, expected, found = difference
    (first,) = [each for each in verify_schema(store) if each.what == what]
    assert first.table == table
    assert expected == first.expected if expected is None else expected in str(first.expected)
    assert found == first.found if found is None else found in str(first.found)


@postgresql_only
@pytest.mark.parametrize(
    ("statement", "difference"),
    [
        ("tags ALTER color TYPE varchar(9)", ("column color", "text", "character varying(9)")),
        ("tags ALTER color SET DEFAULT 'Cyan'", ("column color", "'cyan'", "'Cyan'")),
        ("tags ALTER color DROP DEFAULT", ("column color", "'cyan'", "text not null")),
        ("tags ALTER description SET NOT NULL", ("column description", "text", "not null")),
        ("posts ALTER native_id DROP NOT NULL", ("column native_id", "text not null", "text")),
        ("posts ALTER is_read SET DEFAULT true", ("column is_read", "default false", "default true")),
        ("posts ALTER observed_at TYPE timestamp", ("column observed_at", "with time zone", "without time zone")),
        ("posts ALTER created_at SET DEFAULT now() - interval '1 day'", ("column created_at", "now()", "-")),
        ("file_urls DROP CONSTRAINT file_urls_pkey", ("primary key", "(url_key)", "()")),
        ("tags DROP CONSTRAINT tags_name_key", ("unique (name)", "unique", None)),
        ("tags ADD UNIQUE (color)", ("unique (color)", None, "unique")),
        (
            "file_urls DROP CONSTRAINT file_urls_file_id_fkey",
            ("foreign key (file_id)", "to media_files(file_id) on delete cascade", None),
        ),
        (
            "file_urls DROP CONSTRAINT file_urls_file_id_fkey,"
            " ADD FOREIGN KEY (file_id) REFERENCES media_files ON DELETE SET NULL",
            ("foreign key (file_id)", "on delete cascade", "on delete set null"),
        ),
        ("post_media DROP CONSTRAINT post_media_ai_analysis_status_check", (CHECK, STATES, None)),
        (
            "post_media DROP CONSTRAINT post_media_ai_analysis_status_check,"
            " ADD CONSTRAINT post_media_ai_analysis_status_check CHECK (ai_analysis_status IN ('failed'))",
            (CHECK, STATES, "ai_analysis_status = 'failed'"),
        ),
        ("tags ADD CONSTRAINT short CHECK (length(name) < 9)", ("check short", None, "length(name) < 9")),
    ],
)
def test_drift_of_a_postgresql_table(
    store: Store, statement: str, difference: tuple[str, str | None, str | None]
) -> None:
    run(store, "ALTER TABLE " + statement)
    (first,) = verify_schema(store)
    what, expected, found = difference
    assert (first.table, first.what) == (statement.split()[0], what)
    assert expected == first.expected if expected is None else expected in str(first.expected)
    assert found == first.found if found is None else found in str(first.found)


@postgresql_only
@pytest.mark.parametrize("target", ["TABLE post_media", "COLUMN post_media.md5_sum"])
def test_comments_belong_to_the_schema(store: Store, target: str) -> None:
    run(store, f"COMMENT ON {target} IS 'Something else'")
    (first,) = verify_schema(store)
    assert first.found == "Something else"
    run(store, f"COMMENT ON {target} IS NULL")
    (first,) = verify_schema(store)
    assert (first.table, first.found) == ("post_media", None)


@postgresql_only
def test_comments_of_other_things_are_free(store: Store) -> None:
    run(store, "COMMENT ON TABLE posts IS 'Ours'", "COMMENT ON COLUMN posts.url IS 'Where it is'")
    assert verify_schema(store) == []


@postgresql_only
def test_a_constraint_that_was_not_validated(store: Store) -> None:
    run(
        store,
        "ALTER TABLE file_urls DROP CONSTRAINT file_urls_file_id_fkey,"
        " ADD FOREIGN KEY (file_id) REFERENCES media_files ON DELETE CASCADE NOT VALID",
    )
    assert [each[3] for each in told(store)] == ["to media_files(file_id) on delete cascade (not validated)"]


def test_who_only_reads_makes_nothing_of_an_empty_database(empty_database_url: str, tmp_path: Path) -> None:
    config = Config(tmp_path, empty_database_url)
    with closing(Store(empty_database_url)) as store:
        run(store, "CREATE TABLE mine (a int)", *(["DROP TABLE mine"] if store.is_sqlite else []))
        before = tables(store)
        with pytest.raises(StoreError, match=r"the database is empty: `postkeep --database .* db upgrade` makes"):
            open_library(config, read_only=True)
        assert tables(store) == before
        open_library(config).close()
        with open_library(config, read_only=True) as library:
            assert library.verify_database() == []


def tables(store: Store) -> set[str]:
    with store.reading() as tx:
        return set(shapes.found(tx))


def test_an_empty_database_lacks_everything(empty_database_url: str) -> None:
    store = Store(empty_database_url)
    try:
        differences = verify_schema(store)
    finally:
        store.close()
    missing = {*metadata.tables, "alembic_version"}
    # PostgreSQL cannot say how it would spell a view whose tables are not there.
    assert {each.table for each in differences} - {*VIEWS} == missing


def test_differences_in_words() -> None:
    assert str(Difference("posts", "column url", "text", None)) == (
        "posts: column url is missing (expected: text)"
    )
    assert str(Difference("posts", "column url", None, "text")) == (
        "posts: column url should not be there (found: text)"
    )
    assert str(Difference("posts", "column url", "text", "blob")) == (
        "posts: column url differs (expected: text; found: blob)"
    )


@pytest.mark.parametrize(
    ("kept", "written"),
    [
        ("((a = ANY (ARRAY['X'::text, 'y'::text])))", "a IN ('X','y')"),
        ("'[]'::jsonb", "'[]'"),
        ("((a = 'and'::text) AND (b <> ALL (ARRAY['X'::text, 'y'::text])))", "a = 'and' AND b NOT IN ('X', 'y')"),
        ("'0'", "0"),
        ("(a IS NOT NULL)", "a  is\nnot null"),
        ("(a) OR (b)", "(A) or (B)"),
        ("'a::text'", "'a::text'"),
        ("'it''s (a'::text", "('it''s (a')"),
    ],
)
def test_one_spelling(kept: str, written: str) -> None:
    assert shapes.plain(kept) == shapes.plain(written)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("'A'", "'a'"),
        ("a IN ('x')", "a IN ('y')"),
        ("'a, b'", "'a,b'"),
        ("(a) OR (b)", "a OR b AND c"),
        ("(a OR b) AND c", "a OR b AND c"),
    ],
)
def test_another_meaning_stays_another(one: str, other: str) -> None:
    assert shapes.plain(one) != shapes.plain(other)


# --- rows -----------------------------------------------------------------------------------------------

T1, T2 = "2026-03-01T10:00:00.000000Z", "2026-03-02T10:00:00.000000Z"

SOUND = (
    "INSERT INTO download_runs (run_id, started_at) VALUES ('run-1', '{t1}')",
    "INSERT INTO raw_records (sha256, content_hash, platform, shape, codec, size, body)"
    " VALUES ('sha-1', 'hash', 'linkedin', 'post', 'raw', 1, 'x')",
    "INSERT INTO profiles (profile_id, name) VALUES ('prf-1', 'Ada')",
    "INSERT INTO posts (post_id, urn, native_id, posted_at_timestamp, posted_at, latest_download_id)"
    " VALUES ('p-1', 'urn:1', '1', 1, '{t1}', 'dl-2'), ('p-2', 'urn:2', '2', 1, '{t1}', 'dl-3'),"
    " ('p-3', 'urn:3', '3', 1, '{t1}', NULL)",
    "INSERT INTO data_downloads (download_id, post_id, downloaded_at, observed_at, observed_source,"
    " record_sha256) VALUES ('dl-1', 'p-1', '{t1}', '{t1}', 'mtime', 'sha-1'),"
    " ('dl-2', 'p-1', '{t1}', '{t2}', 'mtime', NULL), ('dl-3', 'p-2', '{t1}', '{t2}', 'mtime', 'sha-1')",
    "INSERT INTO snapshot_records (download_id, record_sha256, content_hash) VALUES ('dl-1', 'sha-1', 'hash')",
    "INSERT INTO media_files (file_id, sha256, md5_sum, file_size, mime_type, extension, media_type, width,"
    " local_file_path) VALUES ('fil-1', 'sha-f', 'md5-f', 7, 'image/png', 'png', 'image', 3, 'a.png')",
    *(
        f"INSERT INTO {table} (media_id, {owner}, media_type, media_url, local_file_path, file_size, mime_type,"
        " width, md5_sum, file_id, role, media_key, download_state) VALUES"
        f" ('{media}', '{of}', 'image', 'https://e/1', 'a.png', 7, 'image/png', 3, 'md5-f', 'fil-1', 'own',"
        " 'key-1', 'fetched'),"
        f" ('{media}0', '{of}', 'image', 'https://e/2', NULL, NULL, NULL, NULL, NULL, NULL, 'own', 'key-2',"
        " 'pending')"
        for table, owner, of, media in (
            ("post_media", "post_id", "p-1", "med-1"),
            ("profile_media", "profile_id", "prf-1", "med-2"),
        )
    ),
    "INSERT INTO work (stage, subject, host, due_at) VALUES ('fetch', 'med-10', 'e', '{t1}'),"
    " ('fetch', 'med-20', 'e', '{t1}'), ('other', 'anything', 'e', '{t1}')",
)


@pytest.fixture
def sound(store: Store) -> Store:
    run(store, *(statement.format(t1=T1, t2=T2) for statement in SOUND))
    return store


def test_sound_rows(sound: Store) -> None:
    assert verify_rows(sound) == []


FAULTS: list[tuple[str, str, tuple[str, ...]]] = [
    ("latest-snapshot-exists", "UPDATE posts SET latest_download_id = 'dl-9' WHERE post_id = 'p-1'", ("p-1",)),
    ("latest-snapshot-exists", "UPDATE posts SET latest_download_id = 'dl-3' WHERE post_id = 'p-1'", ("p-1",)),
    ("latest-snapshot-named", "UPDATE posts SET latest_download_id = NULL WHERE post_id = 'p-1'", ("p-1",)),
    ("latest-snapshot-is-latest", "UPDATE posts SET latest_download_id = 'dl-1' WHERE urn = 'urn:1'", ("p-1",)),
    *(
        (f"{table}-facts", f"UPDATE {table} SET {change} WHERE file_id IS NOT NULL", (media,))
        for table, media in (("post_media", "med-1"), ("profile_media", "med-2"))
        for change in (
            "local_file_path = 'b.png'",
            "md5_sum = NULL",
            "file_size = 8",
            "mime_type = 'image/gif'",
            "width = NULL",
            "height = 4",
            "archive_url = 's3://b/k'",
        )
    ),
    *(
        (f"{table}-{check}", f"UPDATE {table} SET {change} WHERE media_id LIKE '{media}%'", (bad,))
        for table, media in (("post_media", "med-1"), ("profile_media", "med-2"))
        for check, change, bad in (
            ("fetched-without-file", "download_state = 'fetched'", f"{media}0"),
            ("file-without-fetched", "download_state = 'pending'", media),
        )
    ),
    ("fetch-work-has-media", "UPDATE work SET subject = 'med-9' WHERE subject = 'med-20'", ("med-9",)),
    ("snapshot-record-kept", "UPDATE data_downloads SET record_sha256 = 'no' WHERE post_id = 'p-2'", ("dl-3",)),
    ("further-record-kept", "UPDATE snapshot_records SET record_sha256 = 'no'", ("dl-1",)),
    ("analysis-log-is-list", "UPDATE post_media SET ai_analysis_log = '{}' WHERE file_id IS NULL", ("med-10",)),
]


@pytest.mark.parametrize(("check", "statement", "ids"), FAULTS)
def test_contradicting_rows(sound: Store, check: str, statement: str, ids: tuple[str, ...]) -> None:
    run(sound, statement)
    assert [(each.check, each.count, each.ids) for each in verify_rows(sound)] == [(check, 1, ids)]


def test_every_check_can_fail() -> None:
    assert {name for name, _sentence in ROW_CHECKS} == {check for check, _statement, _ids in FAULTS}


@sqlite_only
@pytest.mark.parametrize("log", ["nonsense", '"[]"', "null"])
def test_an_analysis_log_that_is_no_list(sound: Store, log: str) -> None:
    run(sound, f"UPDATE post_media SET ai_analysis_log = '{log}' WHERE media_id = 'med-1'")
    assert [each.check for each in verify_rows(sound)] == ["analysis-log-is-list"]


def test_many_rows_are_counted_and_the_first_are_named(sound: Store) -> None:
    run(sound, *(f"INSERT INTO work VALUES ('fetch', 'gone-{n:02}', 'e', 0, '{T1}', 0)" for n in range(25)))
    (fault,) = verify_rows(sound)
    assert fault.count == 25
    assert fault.ids == tuple(f"gone-{n:02}" for n in range(10))
    assert str(fault).endswith("gone-08, gone-09 and 15 more")


@sqlite_only
def test_dangling_foreign_keys(sound: Store) -> None:
    with closing(sqlite3.connect(str(sound.path))) as other:
        other.execute("DELETE FROM profiles")
        other.execute("DELETE FROM data_downloads WHERE download_id = 'dl-1'")
        other.commit()
    assert [str(each) for each in verify_rows(sound)] == [
        "profile_media: refers to profiles that do not exist: row 1, row 2",
        "snapshot_records: refers to data_downloads that do not exist: a row",
    ]


@sqlite_only
def test_a_damaged_index(sound: Store) -> None:
    path = sound.path
    assert path is not None
    with sound.reading() as tx:
        page = tx.execute(text("SELECT rootpage FROM sqlite_master WHERE name = 'idx_posts_urn'")).scalar_one()
        size = tx.execute(text("PRAGMA page_size")).scalar_one()
    sound.close()
    overwrite(path, (page - 1) * size, size, b"urn:1", b"urn:7")
    store = Store(f"sqlite:///{path}")
    try:
        (fault,) = verify_rows(store)
    finally:
        store.close()
    assert fault.check == "pages"
    assert "idx_posts_urn" in str(fault)


def overwrite(path: Path, start: int, size: int, old: bytes, new: bytes) -> None:
    content = bytearray(path.read_bytes())
    page = bytes(content[start : start + size])
    assert old in page
    content[start : start + size] = page.replace(old, new)
    path.write_bytes(content)
