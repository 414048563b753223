"""Databases that are not quite what the predecessor made: rows without parents or keys, tables that never were."""

from __future__ import annotations

import json
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from postkeep.config import Config
from postkeep.errors import StoreError
from postkeep.ids import is_id
from postkeep.library import open_library, upgrade_database

POSTS = "CREATE TABLE posts (post_id TEXT PRIMARY KEY, urn TEXT NOT NULL, posted_at_timestamp INTEGER NOT NULL"
SNAPSHOTS = (
    "CREATE TABLE data_downloads (download_id TEXT PRIMARY KEY, post_id TEXT REFERENCES posts(post_id),"
    " downloaded_at TIMESTAMP, total_reactions INTEGER DEFAULT 0)"
)


def made(tmp_path: Path, *statements: str) -> Config:
    with closing(sqlite3.connect(tmp_path / "old.db")) as connection, connection:
        for statement in statements:
            connection.execute(statement)
    return Config(tmp_path / "home", f"sqlite:///{tmp_path / 'old.db'}")


def rows(tmp_path: Path, statement: str) -> list[tuple[object, ...]]:
    with closing(sqlite3.connect(tmp_path / "old.db")) as connection:
        return connection.execute(statement).fetchall()


def test_rows_that_hang_in_the_air_are_kept_beside(tmp_path: Path) -> None:
    config = made(
        tmp_path,
        f"{POSTS})",
        SNAPSHOTS,
        "INSERT INTO posts VALUES ('p-00000001', '7300000000000000000', 1740455627)",
        "INSERT INTO data_downloads VALUES ('dl-00000001', 'p-00000001', '2025-12-01 10:00:00', 7)",
        "INSERT INTO data_downloads VALUES ('dl-00000002', 'p-0000dead', '2025-12-01 10:00:00', 8)",
        "INSERT INTO data_downloads VALUES ('virtual_initial_point', 'p-00000001', '2025-02-25 10:00:00', 0)",
    )
    summary = upgrade_database(config)
    assert summary.adopted is not None
    table = next(each for each in summary.adopted.tables if each.table == "data_downloads")
    assert (table.before, table.after, table.set_aside) == (3, 1, 2)
    assert dict(summary.adopted.findings) == {"dangling": 1, "virtual_row": 1}
    kept = rows(tmp_path, "SELECT values_json FROM adopted_columns WHERE row_id = 'dl-00000002'")
    assert json.loads(str(kept[0][0]))["total_reactions"] == 8
    with open_library(config) as library:
        assert library.verify_database() == []
        assert [each.subject for each in library.adoption_findings(kind="dangling")] == ["dl-00000002"]
        assert [each.observed_at.year for each in library.post("p-00000001").snapshots] == [2025]


def test_columns_that_only_share_a_name_with_ours_are_kept_beside(tmp_path: Path) -> None:
    config = made(
        tmp_path,
        f"{POSTS}, title TEXT, flags TEXT)",
        f"{SNAPSHOTS[:-1]}, shares INTEGER)",
        "INSERT INTO posts VALUES ('p-00000001', '7300000000000000000', 1740455627441, 'Heading', 'red')",
        "INSERT INTO data_downloads VALUES ('dl-00000001', 'p-00000001', '2025-12-01 10:00:00', 7, 3)",
    )
    upgrade_database(config)
    kept = dict(rows(tmp_path, "SELECT row_id, values_json FROM adopted_columns"))
    assert json.loads(str(kept["p-00000001"])) == {"flags": "red", "title": "Heading"}
    assert json.loads(str(kept["dl-00000001"])) == {"shares": 3}
    assert rows(tmp_path, "SELECT title, flags FROM posts") == [(None, None)]


def test_profiles_whose_names_differ_by_case_become_one(tmp_path: Path) -> None:
    config = made(
        tmp_path,
        f"{POSTS}, author_username TEXT, platform TEXT)",
        SNAPSHOTS,
        "CREATE TABLE profiles (profile_id TEXT PRIMARY KEY, username TEXT, name TEXT, notes TEXT, is_active)",
        "CREATE TABLE tags (tag_id TEXT PRIMARY KEY, name TEXT)",
        "CREATE TABLE profile_tags (profile_tag_id TEXT PRIMARY KEY, profile_id TEXT, tag_id TEXT)",
        "INSERT INTO posts VALUES ('p-00000001', '7300000000000000000', 1740455627, 'JANE', 'linkedin')",
        "INSERT INTO profiles VALUES ('prf-00000001', 'Jane', 'Jane', 'first', 0)",
        "INSERT INTO profiles VALUES ('prf-00000002', 'jane', 'J', 'second', 1)",
        "INSERT INTO tags VALUES ('tag-00000001', 'aws')",
        "INSERT INTO profile_tags VALUES ('pft-00000001', 'prf-00000001', 'tag-00000001')",
        "INSERT INTO profile_tags VALUES ('pft-00000002', 'prf-00000002', 'tag-00000001')",
    )
    summary = upgrade_database(config)
    assert summary.adopted is not None
    table = next(each for each in summary.adopted.tables if each.table == "profiles")
    assert (table.before, table.after, table.merged) == (2, 1, 1)
    with open_library(config) as library:
        assert library.verify_database() == []
        for name in ("prf-00000001", "prf-00000002", "JANE"):
            found = library.people.show(name)
            line = found.line
            assert (line.username, line.active, line.notes, line.tags) == ("Jane", True, "first\nsecond", ("aws",))
            assert line.posts == 1
            assert {each.value for each in found.names} == {"Jane", "jane", "J"}


def test_text_that_is_no_utf8_is_spelled_out(tmp_path: Path) -> None:
    config = made(
        tmp_path,
        f"{POSTS}, text_content TEXT)",
        SNAPSHOTS,
        "INSERT INTO posts VALUES ('p-00000001', '7300000000000000000', 1740455627441, CAST(X'6361ff' AS TEXT))",
    )
    upgrade_database(config)
    with open_library(config) as library:
        assert library.post("p-00000001").text == r"ca\xff"


def test_a_row_without_a_key_gets_one(tmp_path: Path) -> None:
    config = made(
        tmp_path, f"{POSTS})", SNAPSHOTS, "INSERT INTO posts VALUES (NULL, '7300000000000000000', 1740455627441)"
    )
    upgrade_database(config)
    ((post_id,),) = rows(tmp_path, "SELECT post_id FROM posts")
    assert is_id(str(post_id), "p")
    with open_library(config) as library:
        assert library.post("without-id-posts-1").line.post_id == post_id


def test_rows_of_others_follow_posts_that_became_one(tmp_path: Path) -> None:
    config = made(
        tmp_path,
        f"{POSTS}, created_at TIMESTAMP)",
        SNAPSHOTS,
        "CREATE TABLE notes (note TEXT, about TEXT REFERENCES posts(post_id) ON DELETE CASCADE)",
        "CREATE VIEW newest AS SELECT * FROM posts",
        "CREATE VIEW noted AS SELECT note FROM notes",
        "CREATE TRIGGER touched AFTER UPDATE ON posts BEGIN SELECT 1; END",
        "INSERT INTO posts VALUES ('p-00000002', '7300000000000000000', 1740455627441, '2025-12-02')",
        "INSERT INTO posts VALUES ('p-00000001', 'urn:li:activity:7300000000000000000', 1740455627, '2025-12-01')",
        "INSERT INTO notes VALUES ('read this', 'p-00000002')",
    )
    summary = upgrade_database(config)
    assert rows(tmp_path, "SELECT note, about FROM notes") == [("read this", "p-00000001")]
    assert rows(tmp_path, "SELECT note FROM noted") == [("read this",)]
    assert rows(tmp_path, "PRAGMA foreign_key_check") == []
    assert summary.adopted is not None
    kinds = ("foreign_key", "foreign_table", "trigger_dropped", "view_dropped")
    assert dict(summary.adopted.findings) == dict.fromkeys(kinds, 1)
    with open_library(config) as library:
        assert library.post("p-00000002").line.post_id == "p-00000001"


@pytest.mark.parametrize(
    ("statements", "said"),
    [
        ([f"{POSTS})"], "it has no `data_downloads`"),
        ([f"{POSTS})", SNAPSHOTS, "CREATE TABLE tags (tag_id TEXT)"], "`tags` lacks name"),
        ([f"{POSTS})", SNAPSHOTS, "CREATE TABLE hosts (name TEXT)"], "names that postkeep needs .hosts."),
    ],
)
def test_what_only_looks_like_it_is_refused_and_left_alone(
    tmp_path: Path, statements: list[str], said: str
) -> None:
    config = made(tmp_path, *statements)
    before = rows(tmp_path, "SELECT name, sql FROM sqlite_master ORDER BY name")
    with pytest.raises(StoreError, match=said):
        upgrade_database(config)
    assert rows(tmp_path, "SELECT name, sql FROM sqlite_master ORDER BY name") == before
    assert sorted(each.name for each in tmp_path.glob("*before-upgrade*")) == []
