"""A backup is one sound file, made beside writers, and is never half there."""

from __future__ import annotations

import os
import shlex
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
from sqlalchemy import make_url, text

from postkeep.errors import IntegrityError, StoreBusy, StoreError
from postkeep.store import Store
from postkeep.store import backup as module
from postkeep.store.backup import backup, pg_dump_command
from postkeep.store.verify import verify_rows, verify_schema

sqlite_only = pytest.mark.parametrize("database_kind", ["sqlite"], indirect=True)
postgresql_only = pytest.mark.parametrize("database_kind", ["postgresql"], indirect=True)


def fill(store: Store, count: int) -> None:
    with store.writing() as tx:
        tx.execute(
            text(
                "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < :count)"
                " INSERT INTO tags (tag_id, name, description)"
                " SELECT 'tag-' || i, 'n' || i, hex(zeroblob(500)) FROM n"
            ),
            {"count": count},
        )


def tag_count(path: Path) -> int:
    with closing(sqlite3.connect(path)) as connection:
        count: int = connection.execute("SELECT count(*) FROM tags").fetchone()[0]
        return count


@pytest.fixture
def folder(tmp_path: Path) -> Iterator[Path]:
    path = tmp_path / "backups"
    path.mkdir()
    yield path
    path.chmod(0o700)


@sqlite_only
def test_a_copy_equals_its_original(store: Store, folder: Path) -> None:
    fill(store, 50)
    seen: list[tuple[int, int]] = []
    report = backup(store, folder / "copy.db", progress=lambda done, total: seen.append((done, total)))
    assert report.path == folder / "copy.db"
    assert report.size == report.path.stat().st_size
    assert report.pages * 4096 == report.size
    assert seen[-1] == (report.pages, report.pages)
    assert [file.name for file in folder.iterdir()] == ["copy.db"]
    assert report.path.stat().st_mode & 0o777 == 0o600
    copy = Store(f"sqlite:///{report.path}")
    try:
        assert verify_schema(copy) == []
        assert verify_rows(copy) == []
    finally:
        copy.close()
    assert tag_count(report.path) == 50


@sqlite_only
def test_the_copy_is_one_ordinary_file(store: Store, folder: Path) -> None:
    path = backup(store, folder / "copy.db").path
    # Bytes 18 and 19 of the header: 1 is a rollback journal, 2 a WAL.
    assert path.read_bytes()[18:20] == b"\x01\x01"


@sqlite_only
def test_others_write_while_it_runs(store: Store, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_PAGES_A_STEP", 16)
    fill(store, 2000)
    steps: list[int] = []

    def write(done: int, _total: int) -> None:
        steps.append(done)
        with store.writing() as tx:
            tx.execute(text("INSERT INTO tags (tag_id, name) VALUES (:id, :id)"), {"id": f"late-{len(steps)}"})

    report = backup(store, folder / "copy.db", progress=write)
    assert len(steps) > 10
    assert steps == sorted(steps), "it never starts again"
    assert tag_count(report.path) == 2000, "it is the state at the start"
    assert store.path is not None
    assert tag_count(store.path) == 2000 + len(steps)


@sqlite_only
def test_rows_still_in_the_wal_are_copied(store: Store, folder: Path) -> None:
    fill(store, 3)
    wal = Path(f"{store.path}-wal")
    assert wal.stat().st_size > 0
    assert tag_count(backup(store, folder / "copy.db").path) == 3


@sqlite_only
@pytest.mark.parametrize("dangling", [False, True])
def test_nothing_is_overwritten(store: Store, folder: Path, *, dangling: bool) -> None:
    target = folder / "copy.db"
    if dangling:
        target.symlink_to(folder / "nowhere")
    else:
        target.write_bytes(b"precious")
    with pytest.raises(StoreError, match="does not overwrite"):
        backup(store, target)
    assert [file.name for file in folder.iterdir()] == ["copy.db"]
    assert dangling or target.read_bytes() == b"precious"


@sqlite_only
def test_a_file_that_appears_meanwhile_is_not_overwritten(store: Store, folder: Path) -> None:
    target = folder / "copy.db"

    def interfere(_done: int, _total: int) -> None:
        target.write_bytes(b"precious")

    with pytest.raises(StoreError, match="does not overwrite"):
        backup(store, target, progress=interfere)
    assert target.read_bytes() == b"precious"
    assert [file.name for file in folder.iterdir()] == ["copy.db"]


@sqlite_only
def test_a_file_system_without_hard_links(store: Store, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_paths: Path) -> None:
        raise PermissionError(1, "Operation not permitted")

    monkeypatch.setattr(os, "link", refuse)
    backup(store, folder / "copy.db")
    assert [file.name for file in folder.iterdir()] == ["copy.db"]


@sqlite_only
def test_a_folder_that_is_not_there(store: Store, folder: Path) -> None:
    with pytest.raises(StoreError, match="No such file or directory"):
        backup(store, folder / "missing" / "copy.db")


@sqlite_only
def test_a_failure_leaves_nothing_behind(store: Store, folder: Path) -> None:
    def stop(_done: int, _total: int) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        backup(store, folder / "copy.db", progress=stop)
    assert list(folder.iterdir()) == []
    fill(store, 1)


@sqlite_only
def test_a_locked_database(database_url: str, folder: Path) -> None:
    store = Store(database_url, busy_seconds=0.05)
    with closing(sqlite3.connect(str(store.path), isolation_level=None)) as other:
        other.execute("PRAGMA locking_mode = EXCLUSIVE")
        other.execute("BEGIN EXCLUSIVE")
        with pytest.raises(StoreBusy):
            backup(store, folder / "copy.db")
    store.close()
    assert list(folder.iterdir()) == []


@sqlite_only
def test_a_damaged_database_is_not_copied(store: Store, folder: Path) -> None:
    fill(store, 500)
    path = store.path
    assert path is not None
    store.close()
    with path.open("r+b") as file:
        file.seek(path.stat().st_size * 3 // 4)
        file.write(b"\xff" * 20_000)
    damaged = Store(f"sqlite:///{path}")
    try:
        with pytest.raises(IntegrityError, match="damaged") as caught:
            backup(damaged, folder / "copy.db")
    finally:
        damaged.close()
    assert caught.value.path == str(path)
    assert list(folder.iterdir()) == []


@postgresql_only
def test_postgresql_has_a_tool_of_its_own(store: Store, folder: Path) -> None:
    with pytest.raises(StoreError, match="run: pg_dump --format=custom") as caught:
        backup(store, folder / "copy.dump")
    assert str(store.url.database) in str(caught.value)
    assert list(folder.iterdir()) == []


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("postgresql+psycopg://me:secret@db.example:6543/posts", "postgresql://me@db.example:6543/posts"),
        ("postgresql://me@db/posts?password=secret&sslmode=require", "postgresql://me@db/posts?sslmode=require"),
        ("postgresql://me:secret@/posts?host=/run/pg", "postgresql://me@/posts?host=%2Frun%2Fpg"),
    ],
)
def test_the_command_tells_no_password(url: str, shown: str) -> None:
    command = pg_dump_command(make_url(url), Path("my backups/posts.dump"))
    assert "secret" not in command
    assert shlex.split(command) == [
        "pg_dump",
        "--format=custom",
        "--file=my backups/posts.dump",
        f"--dbname={shown}",
    ]
