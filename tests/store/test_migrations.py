"""Upgrading: what it makes, what it refuses, and that two may try at once."""

from __future__ import annotations

import fcntl
import shlex
import sqlite3
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import pytest
from alembic.config import Config
from alembic.script import ScriptDirectory
from sqlalchemy import text

from postkeep.errors import SchemaNewer, StoreBusy, StoreError
from postkeep.store import Store, copies, migrate, people
from postkeep.store.schema import metadata
from postkeep.store.verify import verify_rows, verify_schema

sqlite_only = pytest.mark.parametrize("database_kind", ["sqlite"], indirect=True)
postgresql_only = pytest.mark.parametrize("database_kind", ["postgresql"], indirect=True)


@pytest.fixture
def empty(empty_database_url: str) -> Iterator[Store]:
    store = Store(empty_database_url, busy_seconds=0.2)
    yield store
    store.close()


def run(store: Store, *statements: str) -> None:
    with store.writing() as tx:
        for statement in statements:
            tx.execute(text(statement))


def tables(store: Store) -> set[str]:
    with store.reading() as tx:
        return migrate._table_names(tx)


def scripts() -> ScriptDirectory:
    config = Config()
    config.set_main_option("script_location", "postkeep:migrations")
    return ScriptDirectory.from_config(config)


def test_the_named_revisions_are_the_scripts() -> None:
    in_order = [each.revision for each in scripts().walk_revisions()][::-1]
    assert tuple(in_order) == migrate.REVISIONS
    assert scripts().get_current_head() == migrate.HEAD


def test_migrations_add_up_to_the_schema(store: Store) -> None:
    assert [str(each) for each in verify_schema(store)] == []
    assert verify_rows(store) == []
    assert tables(store) == {*metadata.tables, "alembic_version"}


def test_upgrade_of_an_empty_database(empty: Store) -> None:
    assert migrate.revision(empty) is None
    assert migrate.upgrade(empty) == migrate.UpgradeReport(None, migrate.HEAD, migrate.REVISIONS)
    assert migrate.revision(empty) == migrate.HEAD
    assert migrate.upgrade(empty) == migrate.UpgradeReport(migrate.HEAD, migrate.HEAD, ())
    assert verify_schema(empty) == []


def test_an_empty_database_is_made_ready_silently(empty: Store, capfd: pytest.CaptureFixture[str]) -> None:
    migrate.ensure_current(empty)
    assert migrate.revision(empty) == migrate.HEAD
    migrate.ensure_current(empty)
    assert capfd.readouterr() == ("", "")


def test_an_older_database_wants_an_upgrade(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(migrate, "REVISIONS", (migrate.HEAD, "9999"))
    monkeypatch.setattr(migrate, "HEAD", "9999")
    with pytest.raises(StoreError) as raised:
        migrate.ensure_current(store)
    _, _, command = str(raised.value).partition("run `")
    program, option, place, *rest = shlex.split(command.removesuffix("`"))
    assert (program, option, rest) == ("postkeep", "--database", ["db", "upgrade"])
    assert place == copies.shown_place(store.url)


def test_a_newer_database_is_left_alone(store: Store) -> None:
    run(store, "UPDATE alembic_version SET version_num = '9999'")
    for act in (migrate.ensure_current, migrate.upgrade):
        with pytest.raises(SchemaNewer, match="9999"):
            act(store)
    assert migrate.revision(store) == "9999"


def test_posts_of_somebody_else_are_left_alone(empty: Store) -> None:
    run(empty, "CREATE TABLE posts (post_id TEXT PRIMARY KEY)", "INSERT INTO posts VALUES ('p-00000001')")
    for act in (migrate.ensure_current, migrate.upgrade):
        with pytest.raises(
            StoreError, match="neither postkeep's nor the predecessor's: its table `posts` lacks urn"
        ):
            act(empty)
    assert tables(empty) == {"posts"}


@pytest.mark.parametrize("version_table", [False, True])
def test_another_programs_tables_are_left_alone(empty: Store, *, version_table: bool) -> None:
    run(empty, "CREATE TABLE leases (tenant TEXT)")
    if version_table:
        run(
            empty,
            "CREATE TABLE alembic_version (version_num VARCHAR(32) NOT NULL)",
            "INSERT INTO alembic_version VALUES ('beef')",
        )
    before = tables(empty)
    for act in (migrate.ensure_current, migrate.upgrade):
        with pytest.raises(StoreError, match="another program"):
            act(empty)
    assert tables(empty) == before


@sqlite_only
def test_any_table_makes_a_sqlite_file_somebodys(empty: Store) -> None:
    run(empty, "CREATE TABLE holidays (day TEXT)")
    with pytest.raises(StoreError, match="holidays"):
        migrate.ensure_current(empty)


@postgresql_only
def test_a_postgresql_schema_may_be_shared(empty: Store) -> None:
    run(empty, "CREATE TABLE holidays (day TEXT)")
    migrate.ensure_current(empty)
    assert verify_schema(empty) == []


def test_an_upgrade_that_fails_has_changed_nothing(empty: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    run_alembic = migrate._run_alembic

    def fail_at_the_end(tx: object) -> None:
        run_alembic(tx)  # type: ignore[arg-type]
        raise RuntimeError("the power went")

    monkeypatch.setattr(migrate, "_run_alembic", fail_at_the_end)
    with pytest.raises(RuntimeError):
        migrate.upgrade(empty)
    assert tables(empty) == set()
    monkeypatch.undo()
    assert migrate.upgrade(empty).steps == migrate.REVISIONS


def test_of_profiles_whose_names_differ_by_case_one_keeps_the_name(
    empty: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(migrate, "REVISIONS", migrate.REVISIONS[: migrate.REVISIONS.index("0008")])
    monkeypatch.setattr(migrate, "HEAD", migrate.REVISIONS[-1])
    migrate.upgrade(empty)
    monkeypatch.undo()
    profiles = (
        ("prf-1", "r", "subreddit", "Python", None, True, "2025-01-01"),
        ("prf-2", "r", "subreddit", "python", "t5_py", False, "2025-01-02"),
        ("prf-3", "r", "subreddit", "PYTHON", None, False, "2025-01-03"),
        ("prf-4", "r", "redditor", "Python", None, False, "2025-01-04"),
        ("prf-5", "l", "person", "Jane", None, False, "2025-01-02"),
        ("prf-6", "l", "person", "jane", None, False, "2025-01-01"),
        ("prf-7", "l", "person", "\u00c4nne", None, False, "2025-01-01"),
        ("prf-8", "l", "person", "\u00e4nne", None, False, "2025-01-01"),
    )
    with empty.writing() as tx:
        for profile_id, platform, kind, username, native_id, active, day in profiles:
            tx.execute(
                text(
                    "INSERT INTO profiles (profile_id, platform, kind, username, name, native_id, is_active,"
                    " observed_at, created_at) VALUES (:p, :w, :k, :u, :u, :n, :a, :d, :d)"
                ),
                {
                    "p": profile_id,
                    "w": platform,
                    "k": kind,
                    "u": username,
                    "n": native_id,
                    "a": active,
                    "d": f"{day}T00:00:00.000000Z",
                },
            )
            tx.execute(
                text("INSERT INTO profile_names VALUES (:p, 'username', :u, :d, :d)"),
                {"p": profile_id, "u": username, "d": f"{day}T00:00:00.000000Z"},
            )

    assert migrate.upgrade(empty).steps[0] == "0008"
    with empty.reading() as tx:
        rows = tx.execute(text("SELECT profile_id, username, is_active FROM profiles ORDER BY 1")).all()
        assert people.spellings(tx, "pyTHON") == ["pyTHON", "PYTHON", "Python", "python"]
    assert {profile_id: (username, bool(active)) for profile_id, username, active in rows} == {
        "prf-1": (None, True),
        "prf-2": ("python", True),
        "prf-3": (None, False),
        "prf-4": ("Python", False),
        "prf-5": ("Jane", False),
        "prf-6": (None, False),
        "prf-7": ("\u00c4nne", False),
        "prf-8": ("\u00e4nne", False),
    }
    assert verify_schema(empty) == []


def test_threads_upgrade_at_once(empty_database_url: str) -> None:
    reports: list[migrate.UpgradeReport] = []

    def upgrade() -> None:
        with opened(empty_database_url) as store:
            reports.append(migrate.upgrade(store))

    threads = [threading.Thread(target=upgrade) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(len(each.steps) for each in reports) == [0, 0, 0, len(migrate.REVISIONS)]


def test_processes_upgrade_at_once(empty_database_url: str) -> None:
    code = (
        "import sys; from postkeep.store import Store, migrate; migrate.LOCK_SECONDS = 50;"
        "store = Store(sys.argv[1], busy_seconds=50);"
        "sys.stdin.readline(); print(len(migrate.upgrade(store).steps)); store.close()"
    )
    command = [sys.executable, "-c", code, empty_database_url]
    started = [
        subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) for _ in range(3)
    ]
    for process in started:
        assert process.stdin is not None
        process.stdin.write("\n")
        process.stdin.flush()
    steps = [process.communicate(timeout=60)[0].strip() for process in started]
    assert sorted(steps) == ["0", "0", str(len(migrate.REVISIONS))]
    with opened(empty_database_url) as store:
        assert verify_schema(store) == []


@contextmanager
def opened(url: str) -> Iterator[Store]:
    store = Store(url)
    try:
        yield store
    finally:
        store.close()


@sqlite_only
def test_an_upgrade_waits_only_so_long_for_another(empty: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(migrate, "LOCK_SECONDS", 0.05)
    assert empty.path is not None
    with Path(f"{empty.path}-upgrade-lock").open("w") as other:
        fcntl.flock(other, fcntl.LOCK_EX)
        with pytest.raises(StoreBusy, match="another process is upgrading"):
            migrate.ensure_current(empty)
    migrate.ensure_current(empty)


@sqlite_only
def test_an_upgrade_does_not_run_beside_a_writer(empty: Store) -> None:
    with closing(sqlite3.connect(str(empty.path), isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        with pytest.raises(StoreBusy):
            migrate.upgrade(empty)
        other.execute("ROLLBACK")
    migrate.upgrade(empty)


@sqlite_only
def test_the_files_are_their_owners_only(empty: Store) -> None:
    migrate.ensure_current(empty)
    assert empty.path is not None
    assert {file.stat().st_mode & 0o777 for file in empty.path.parent.iterdir()} == {0o600}


@sqlite_only
def test_alembic_is_imported_to_upgrade_only(store: Store) -> None:
    code = (
        "import sys; from postkeep.store import Store, migrate; store = Store(sys.argv[1]);"
        "migrate.ensure_current(store); migrate.revision(store); store.close(); print('alembic' in sys.modules)"
    )
    command = [sys.executable, "-c", code, store.url.render_as_string()]
    assert subprocess.run(command, check=True, capture_output=True, text=True).stdout == "False\n"


def test_no_migration_needs_the_schema_of_today() -> None:
    for script in scripts().walk_revisions():
        assert "postkeep.store.schema" not in Path(script.path).read_text()


def test_every_table_is_documented() -> None:
    page = Path(__file__).parents[2] / "docs" / "database.md"
    rows = {line.split("`")[1] for line in page.read_text().splitlines() if line.startswith("| `")}
    assert rows == {*metadata.tables, "alembic_version"}
