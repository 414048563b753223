"""A SQLite file that is not ours yet stays the same byte for byte, whatever is asked of it but an upgrade."""

from __future__ import annotations

import hashlib
import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest

from postkeep.config import Config
from postkeep.errors import StoreError
from postkeep.library import open_library, upgrade_database
from tests.adoption.building import Built
from tests.adoption.predecessor import Variant


def state(path: Path) -> tuple[str, str, list[str]]:
    """Checksum and journal mode of a database, and what lies beside it."""
    beside = sorted(each.name for each in path.parent.iterdir())
    return hashlib.sha256(path.read_bytes()).hexdigest(), journal_mode(path), beside


def journal_mode(path: Path) -> str:
    with closing(sqlite3.connect(path)) as connection:
        mode: str = connection.execute("PRAGMA journal_mode").fetchone()[0]
        return mode


def config_of(path: Path) -> Config:
    return Config(path.parents[1] / "home", f"sqlite:///{path}")


@pytest.fixture
def old(tmp_path: Path, small_sqlite: Callable[[Variant], tuple[Path, Built]]) -> Path:
    path = tmp_path / "alone" / "old.db"
    path.parent.mkdir()
    path.write_bytes(small_sqlite(Variant())[0].read_bytes())
    assert journal_mode(path) == "delete"
    return path


def refused(config: Config) -> None:
    for read_only in (True, False):
        with pytest.raises(StoreError, match="nothing was changed") as raised:
            open_library(config, read_only=read_only)
        if "predecessor" in str(raised.value):
            assert f"`postkeep --database {config.database_url[10:]} db upgrade`" in str(raised.value)


def test_a_predecessors_file_is_ours_after_the_upgrade_only(old: Path) -> None:
    before = state(old)
    refused(config_of(old))
    assert state(old) == before
    upgrade_database(config_of(old), dry_run=True)
    assert state(old) == before
    upgrade_database(config_of(old))
    assert journal_mode(old) == "wal"


def test_an_upgrade_that_fails_leaves_the_file_as_it_was(old: Path) -> None:
    with closing(sqlite3.connect(old)) as connection:
        connection.execute("CREATE TABLE work (mine TEXT)")
    before = state(old)[:2]
    with pytest.raises(StoreError, match="under names that postkeep needs"):
        upgrade_database(config_of(old))
    assert state(old)[:2] == before


@pytest.mark.parametrize("revision", [None, "beef"])
def test_another_programs_file_stays_as_it_is(tmp_path: Path, revision: str | None) -> None:
    path = tmp_path / "alone" / "other.db"
    path.parent.mkdir()
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.execute("CREATE TABLE leases (tenant TEXT)")
        if revision:
            connection.execute("CREATE TABLE alembic_version (version_num TEXT)")
            connection.execute("INSERT INTO alembic_version VALUES (?)", (revision,))
    before = state(path)
    refused(config_of(path))
    for dry_run in (True, False):
        with pytest.raises(StoreError, match="another program"):
            upgrade_database(config_of(path), dry_run=dry_run)
    assert state(path) == before


def test_a_database_that_is_ours_is_switched_again(tmp_path: Path) -> None:
    """A backup comes as one file, without WAL."""
    path = tmp_path / "alone" / "ours.db"
    open_library(config_of(path)).close()
    assert journal_mode(path) == "wal"
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("PRAGMA journal_mode = DELETE").fetchone()
    open_library(config_of(path), read_only=True).close()
    assert journal_mode(path) == "wal"
