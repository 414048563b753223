"""No query of a page or of a batch reads a big table as a whole, on either database."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest
from benchmarks.grown import grow
from sqlalchemy import Table, make_url
from tests.library.world import opened
from tests.servers.media import MediaServer
from tests.servers.postgres import administer
from tests.store.plans_creators import count_all
from tests.store.plans_judging import Judged, big_tables, judge
from tests.store.plans_paths import walk
from tests.store.plans_people import tag_all
from tests.store.plans_recording import Asked, Recorder
from tests.store.plans_told import add_told

from postkeep.store import Store, migrate
from postkeep.store.schema import metadata

POSTS = 50_000

# Filling the databases is most of it, and falls to the first test of each.
pytestmark = pytest.mark.timeout(900)

EXEMPT = {
    "FROM media_files WHERE cached_at IS NOT NULL": "how full the cache is: once a run, by an index on SQLite",
    "SELECT count(DISTINCT m.post_id) FROM post_media": "how many posts a backfill will find: once a command",
    "SELECT tag_id, count(*) FROM post_tags": "how many posts carry the tags of a page: all of them, by an index",
}
"""Queries of the paths below that read a big table as a whole, by what is in them, each with its reason.

Commands about the whole database or cache (stats, metrics, db verify, placeholders, equal MD5s) are no paths.
"""


class Walked:
    """A grown database, and what was asked of it on every path."""

    def __init__(self, store: Store, recorder: Recorder) -> None:
        self.store, self.recorder = store, recorder
        self.big = big_tables(store)
        self._judged: dict[Asked, Judged] = {}

    def judged(self) -> dict[Asked, Judged]:
        """What is to be said of each query; asked of the database once."""
        if not self._judged:
            self._judged = {each: self.judge(each) for each in self.recorder.asked.values() if each.is_planned}
        return self._judged

    def judge(self, asked: Asked) -> Judged:
        return judge(self.store, self.big, asked)


@pytest.fixture(scope="module", params=["sqlite", "postgresql"])
def walked(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Walked]:
    folder = tmp_path_factory.mktemp("plans")
    if request.param == "sqlite":
        yield from _walked(folder, f"sqlite:///{folder / 'grown.db'}")
        return
    server, name = request.getfixturevalue("postgres_url"), f"postkeep_test_{os.getpid()}_plans"
    administer(server, f"CREATE DATABASE {name} TEMPLATE template0 ENCODING 'UTF8'")
    try:
        yield from _walked(folder, make_url(server).set(database=name).render_as_string(hide_password=False))
    finally:
        administer(server, f"DROP DATABASE {name} WITH (FORCE)")


def _walked(folder: Path, url: str) -> Iterator[Walked]:
    store = Store(url)
    try:
        migrate.upgrade(store)
        grow(store, POSTS)
        tag_all(store)
        add_told(store)
        count_all(store)
    finally:
        store.close()
    with MediaServer() as server, opened(folder, url, server) as world:
        (world.config.cache_root / "media").mkdir(parents=True)
        recorder = Recorder(world.store)
        walk(world, recorder)
        yield Walked(world.store, recorder)


def told(judged: dict[Asked, Judged]) -> list[str]:
    """What is wrong, with what there is to mend it by."""
    return [
        f"{asked.path}: {'; '.join(one.faults)}\n{asked.statement}\n{one.plan}\n"
        for asked, one in judged.items()
        if one.faults and not reasons(asked)
    ]


def reasons(asked: Asked) -> list[str]:
    return [reason for part, reason in EXEMPT.items() if part in asked.statement]


def test_no_page_and_no_batch_reads_a_big_table(walked):
    problems = told(walked.judged())
    assert not problems, "\n".join(problems)


def test_every_path_was_taken_down(walked):
    assert {"posts", "post_media", "media_files", "data_downloads", "post_tags", "archive_objects"} <= walked.big
    assert {"listings", "listing_posts", "follower_history", "post_people", "tombstones"} <= walked.big
    assert all(count > 0 for count in walked.recorder.seen.values()), walked.recorder.seen
    of_paths = {
        path: {each.statement for each in walked.judged() if each.path == path} for path in walked.recorder.seen
    }
    for path, part in {
        "posts": "ORDER BY p.posted_at_timestamp DESC",
        "media": "ORDER BY m.media_id LIMIT",
        "failures": "ORDER BY m.media_id DESC",
        "runs": "ORDER BY started_at DESC",
        "quarantine": "ORDER BY quarantine_id",
        "profiles": "ORDER BY p.platform, p.kind, p.username LIMIT",
        "profile": "FROM profile_names n JOIN profiles p",
        "people csv": "WHERE p.username",
        "tags": "ORDER BY name LIMIT",
        "posts of a tag": "FROM post_tags t CROSS JOIN posts p",
        "archive failures": "a.error_kind IS NOT NULL",
        "creators": "LEFT JOIN creator_analytics",
        "creator": "ORDER BY p.post_id LIMIT",
        "creators at once": "count(*) FROM posts WHERE author_profile_id",
        "community": "WHERE p.community_profile_id = ",
        "top posts": "ORDER BY p.posted_at_timestamp, p.post_id LIMIT",
        "import again": "LEFT JOIN data_downloads d ON d.download_id = p.latest_download_id WHERE p.native_id",
        "import pages": "FROM tombstones WHERE",
        "lists": "min(n.observed_at)",
        "fetch": "ORDER BY priority, due_at LIMIT",
        "retry": "ORDER BY m.media_id LIMIT",
        "warm": "GROUP BY post_id",
        "backfill": "GROUP BY m.post_id ORDER BY m.post_id LIMIT",
        "verify": "ORDER BY file_id LIMIT",
        "evict": "ORDER BY f.last_used_at, f.file_id LIMIT",
        "retain": "ORDER BY f.file_id LIMIT",
        "adopt": "media_id > ",
        "join": "s.media_id <= ",
        "export": "FROM data_downloads d JOIN posts p",
        "collected": "FROM follower_history WHERE profile_id",
        "gone": "AND absent_since IS NULL",
        "erase": "FROM raw_records WHERE",
    }.items():
        assert any(part in statement for statement in of_paths[path]), path


def test_what_is_exempt_would_not_pass(walked):
    for part in EXEMPT:
        found = [one for asked, one in walked.judged().items() if part in asked.statement]
        assert any(one.faults for one in found), part


BAD = (
    "SELECT post_id FROM posts WHERE url = 'x'",
    "SELECT post_id FROM posts WHERE post_id > 'p-6' ORDER BY text_content LIMIT 10",
    "SELECT post_id FROM posts WHERE urn = 'x' OR text_content = 'x'",
    "SELECT media_id FROM post_media m WHERE coalesce(m.file_id, '') = 'x'",
    "SELECT media_id FROM post_media m WHERE m.media_id > '' AND m.mime_type = 'x' ORDER BY m.media_id LIMIT 5",
    "SELECT media_id FROM post_media WHERE mime_type IS NOT NULL ORDER BY media_id LIMIT 10 OFFSET 140000",
    "SELECT p.post_id FROM posts p JOIN post_media m ON m.media_url = p.url WHERE p.post_id > '' LIMIT 5",
    "UPDATE posts SET edited = NULL WHERE text_content = 'x'",
)


def test_a_bad_query_is_found(walked):
    assert [each for each in BAD if not walked.judge(Asked("bad", each, ())).faults] == []


def test_sqlite_needs_no_statistics(walked):
    """Nobody tells a SQLite database to count its rows; what it does with these counts was judged before."""
    if not walked.store.is_sqlite:
        pytest.skip("PostgreSQL counts its rows by itself")
    walked.judged()
    with walked.store.writing() as tx:
        kept = tx.exec_driver_sql("SELECT tbl, idx, stat FROM sqlite_stat1").all()
        tx.exec_driver_sql("DELETE FROM sqlite_stat1")
    # A connection that is open still has them.
    walked.store.engine.dispose()
    try:
        problems = told({each: walked.judge(each) for each in walked.judged()})
        assert not problems, "\n".join(problems)
    finally:
        with walked.store.writing() as tx:
            tx.exec_driver_sql("INSERT INTO sqlite_stat1 VALUES (?, ?, ?)", [tuple(row) for row in kept])
        walked.store.engine.dispose()


# --- what the tables have ---------------------------------------------------------------------------------


def _begins(table: Table) -> list[Sequence[str]]:
    """The columns of every index, those of keys included."""
    keys: list[Any] = [table.primary_key, *table.constraints]
    listed = [
        *(key.columns.keys() for key in keys if _is_key(key)),
        *(each.columns.keys() for each in table.indexes),
    ]
    return [columns for columns in listed if columns]


def _is_key(constraint: Any) -> bool:
    return type(constraint).__name__ in ("PrimaryKeyConstraint", "UniqueConstraint")


@pytest.mark.parametrize("table", metadata.tables.values(), ids=str)
def test_every_foreign_key_can_be_followed_back(table):
    for key in table.foreign_keys:
        assert any(columns[0] == key.parent.name for columns in _begins(table)), key.parent


@pytest.mark.parametrize("table", metadata.tables.values(), ids=str)
def test_no_index_is_there_twice(table):
    known = [
        (tuple(map(str, each.expressions)), each.unique, str(each.dialect_options["sqlite"]["where"]))
        for each in table.indexes
    ]
    assert len(known) == len(set(known))
