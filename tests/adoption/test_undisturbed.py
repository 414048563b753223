"""Adoptions that are broken off, refused, or made twice at once leave nothing half done."""

from __future__ import annotations

import json
import signal
import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path
from typing import Any

import psycopg
import pytest
from sqlalchemy import Engine, event, make_url

from postkeep.errors import ConfigError, StoreError
from postkeep.library import upgrade_database
from postkeep.store import sqlviews
from tests.adoption import child
from tests.adoption.adopted import Comparison
from tests.adoption.conftest import House, Small
from tests.adoption.dumps import dump
from tests.adoption.predecessor import TABLES


class Broken(Exception):
    """What no code catches on purpose."""


def counted(small: Small, at: int) -> int:
    """Upgrade, and break at the statement of this number; gives back how many were sent."""
    sent = 0

    def count(*_given: Any) -> None:
        nonlocal sent
        sent += 1
        if sent == at:
            raise Broken

    event.listen(Engine, "before_cursor_execute", count)
    try:
        small.upgrade()
    except Broken:
        pass
    finally:
        event.remove(Engine, "before_cursor_execute", count)
    return sent


def holds(small: Small) -> None:
    compared = Comparison(small.read(), small.built.expected)
    wrong = [*compared.posts(), *compared.snapshots(), *compared.media(), *compared.tags_and_actions()]
    assert not wrong, "\n".join(wrong)


def test_an_error_on_the_way_changes_nothing(small: Small) -> None:
    before = dump(small.url)
    reached = 12
    while counted(small, reached) == reached:
        assert dump(small.url) == before, f"broken at statement {reached}"
        reached *= 3
    holds(small)


def test_a_killed_upgrade_changes_nothing(small: Small) -> None:
    before = dump(small.url)
    program = [sys.executable, child.__file__, str(small.folder / "home"), small.url]
    root = Path(__file__).parents[2]
    # A dry run sends about as many statements.
    last = str(round(statements_of_a_dry_run(small) * 0.97))
    killed = subprocess.run([*program, last], cwd=root, capture_output=True, timeout=120)
    assert killed.returncode == -signal.SIGKILL, killed.stderr.decode()
    assert dump(small.url) == before
    small.upgrade()
    holds(small)


def statements_of_a_dry_run(small: Small) -> int:
    sent = 0

    def count(*_given: Any) -> None:
        nonlocal sent
        sent += 1

    event.listen(Engine, "before_cursor_execute", count)
    try:
        small.upgrade(dry_run=True)
    finally:
        event.remove(Engine, "before_cursor_execute", count)
    return sent


def test_of_two_at_once_one_adopts(small: Small) -> None:
    program = [sys.executable, "-m", "postkeep", "--home", str(small.folder / "home"), "--database", small.url]
    both = [
        subprocess.Popen(
            [*program, "db", "upgrade", "--yes", "--json"], stdout=subprocess.PIPE, stderr=subprocess.PIPE
        )
        for _ in range(2)
    ]
    reports = []
    for each in both:
        out, err = each.communicate(timeout=120)
        if each.returncode == 0:
            reports.append(json.loads(out))
        else:
            # Whoever waits for too long leaves, having changed nothing.
            assert (each.returncode, b"try again when it is done" in err) == (3, True), err.decode()
    assert [report["adopted"] is not None for report in reports].count(True) == 1
    again = small.upgrade()
    assert (again["steps"], again["adopted"]) == (0, None)
    holds(small)


@pytest.mark.parametrize("database_kind", ["postgresql"], indirect=True)
def test_without_a_backup_somebody_must_agree(small: Small) -> None:
    before = dump(small.url)
    with pytest.raises(ConfigError, match="pg_dump"):
        upgrade_database(small.config)
    assert dump(small.url) == before


# --- what stood on the old tables ---


_OWN_VIEW = "CREATE VIEW mine_v AS SELECT post_id FROM posts"


def test_a_lost_view_stands_apart_from_those_made_anew(small: Small) -> None:
    run(small.url, (_OWN_VIEW,))
    small.upgrade()
    found = small.read().rows["adoption_findings"]
    lost = {row["subject"]: row["detail"] for row in found if row["kind"] == "view_dropped"}
    assert lost.keys() == {"mine_v"}
    assert "SELECT" in lost["mine_v"]
    remade = {row["subject"] for row in found if row["kind"] == "view_remade"}
    assert remade == (set() if small.path else set(sqlviews.VIEWS))


@pytest.mark.parametrize("database_kind", ["postgresql"], indirect=True)
def test_policies_that_go_are_named(small: Small) -> None:
    run(small.url, ("CREATE POLICY mine ON tags AS RESTRICTIVE FOR SELECT USING (name <> 'secret')",))
    small.upgrade()
    found = small.read().rows["adoption_findings"]
    gone = {row["subject"]: row["detail"] for row in found if row["kind"] == "policy_dropped"}
    assert gone.keys() == {*(f"{table}.always true" for table in TABLES), "tags.mine"}
    assert 'CREATE POLICY "mine" ON tags AS RESTRICTIVE FOR SELECT TO public USING (' in gone["tags.mine"]
    assert "secret" in gone["tags.mine"]
    assert gone["posts.always true"].endswith("USING (true) WITH CHECK (true)")


# --- not the predecessor's ----------------------------------------------------------------------------

_BLOGS = {
    "blog": (
        "CREATE TABLE posts (id INTEGER PRIMARY KEY, title TEXT, body TEXT)",
        "INSERT INTO posts VALUES (1, 'Hello', 'World')",
    ),
    "like-named": (
        "CREATE TABLE posts (post_id TEXT PRIMARY KEY, urn TEXT, body TEXT)",
        "CREATE TABLE tags (tag_id TEXT PRIMARY KEY, name TEXT)",
        "INSERT INTO posts VALUES ('p-00000001', 'x', 'World')",
    ),
    "half": (
        "CREATE TABLE posts (post_id TEXT PRIMARY KEY, urn TEXT NOT NULL, posted_at_timestamp BIGINT NOT NULL)",
        "CREATE TABLE data_downloads (id INTEGER PRIMARY KEY, file TEXT)",
        "INSERT INTO data_downloads VALUES (1, 'a.zip')",
    ),
}


@pytest.mark.parametrize("statements", _BLOGS.values(), ids=_BLOGS)
def test_another_programs_posts_are_refused(
    empty_database_url: str, tmp_path: Path, statements: tuple[str, ...]
) -> None:
    run(empty_database_url, statements)
    before = dump(empty_database_url)
    house = House(tmp_path, empty_database_url)
    for dry_run in (True, False):
        with pytest.raises(StoreError, match="nothing was changed"):
            house.upgrade(dry_run=dry_run)
        assert dump(empty_database_url) == before


def run(url: str, statements: tuple[str, ...]) -> None:
    parsed = make_url(url)
    if parsed.get_backend_name() == "sqlite":
        with closing(sqlite3.connect(parsed.database or "")) as connection, connection:
            for statement in statements:
                connection.execute(statement)
    else:
        dsn = parsed.set(drivername="postgresql").render_as_string(hide_password=False)
        with psycopg.connect(dsn) as connection:
            for statement in statements:
                connection.execute(statement.encode())


@pytest.mark.parametrize("database_kind", ["postgresql"], indirect=True)
def test_a_time_no_calendar_has_is_listed_and_stops_nothing(small: Small) -> None:
    odd = "(SELECT min(profile_id) FROM profiles)"
    run(small.url, (f"UPDATE profiles SET last_synced_at = 'infinity' WHERE profile_id = {odd}",))
    small.upgrade()
    found = small.read().rows["adoption_findings"]
    assert [row for row in found if row["kind"] == "unreadable_value" and "infinity" in row["detail"]]


def test_a_lost_history_is_not_the_predecessors(small: Small) -> None:
    small.upgrade()
    run(small.url, ("DELETE FROM alembic_version",))
    with pytest.raises(StoreError, match="alembic_version that says its revision is gone"):
        small.upgrade()
