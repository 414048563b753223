"""`postkeep db copy` says what was done, what is next, and in one line what is in the way."""

from __future__ import annotations

import json
import signal
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest
from sqlalchemy import make_url

from postkeep import log
from postkeep.cli.run import run
from postkeep.model import RunStatus
from postkeep.views.databases import CopiedTable
from tests.cli import answers
from tests.cli.answers import FakeLibrary
from tests.cli.conftest import Call, Called
from tests.servers.postgres import PostgresServer, administer

DATA = Path(__file__).parents[1] / "data" / "linkedin"
DIFFERING = CopiedTable("tags", 2, 0, 0, "0" * 32, False)


def test_a_finished_copy_says_how_to_use_it(call: Call) -> None:
    called = call("db", "copy", "--to", "x.db")
    assert called.code == 0
    assert called.out == (
        "Copy Summary:\n"
        "Source:  /home/postkeep.db\n"
        "Target:  postgresql://me@db.example/posts\n"
        "Rows:    3\n"
        "Written: 3\n"
        "Proven:  2 of 2 tables\n"
    )
    assert "set `database` to the target" in called.err


def test_nothing_is_not_the_database_of_the_home(call: Call, library: FakeLibrary) -> None:
    called = call("db", "copy", "--to", " ")
    assert called.code == 2
    assert "--to names no database" in called.err
    assert library.asked == []


def test_what_is_left_behind_is_named(call: Call, library: FakeLibrary) -> None:
    library.answers["copy_to"] = answers.copy_summary(not_copied=("my\x1b[1mnotes", "reading"))
    words, document = (call("db", "copy", "--to", "x.db", *options) for options in ((), ("--json",)))
    assert words.err.startswith("not copied, for it is not postkeep's: my\\x1b[1mnotes, reading\n")
    assert (words.code, json.loads(document.out)["not_copied"]) == (0, ["my\x1b[1mnotes", "reading"])


@pytest.mark.parametrize("options", [(), ("--json",)])
def test_a_table_that_differs_is_named_and_5(call: Call, library: FakeLibrary, options: tuple[str, ...]) -> None:
    summary = answers.copy_summary(status=RunStatus.FAILED)
    library.answers["copy_to"] = replace(summary, tables=(*summary.tables, DIFFERING), removed=2)
    called = call("db", "copy", "--to", "x.db", *options)
    assert called.code == 5
    if options:
        assert json.loads(called.out)["tables"][-1] == {
            "table": "tags", "rows": 2, "written": 0, "removed": 0, "checksum": "0" * 32, "equal": False,
        }  # fmt: skip
    else:
        assert "Removed: 2\nProven:  2 of 3 tables\n" in called.out
        assert "does not hold what the source does in tags" in called.err


def test_ctrl_c_stops_in_good_order(call: Call, library: FakeLibrary) -> None:
    def stopped(*_given: object, stop: object, **_named: object) -> object:
        signal.raise_signal(signal.SIGINT)
        assert callable(stop)
        assert stop()
        return answers.copy_summary(status=RunStatus.CANCELLED)

    library.answers["copy_to"] = stopped
    called = call("db", "copy", "--to", "x.db")
    assert called.code == 130
    assert "the same command goes on from here" in called.err


@pytest.fixture
def home(tmp_path: Path, sqlite_template: Path) -> Path:
    home = tmp_path / "home"
    home.mkdir()
    (home / "postkeep.db").write_bytes(sqlite_template.read_bytes())
    return home


Real = Callable[..., Called]


@pytest.fixture
def real(home: Path, capfd: pytest.CaptureFixture[str]) -> Iterator[Real]:
    """Run a command over the real library."""

    def real(*arguments: str) -> Called:
        code = run(["--home", str(home), *arguments])
        return Called(code, *capfd.readouterr())

    yield real
    log.release_logging()


def test_a_library_moves_and_is_used_there(real: Real, tmp_path: Path) -> None:
    moved = str(tmp_path / "moved.db")
    assert real("import", "--no-fetch", str(DATA)).code == 0

    copied = real("db", "copy", "--to", moved, "--json")
    assert (copied.code, copied.err) == (0, "")
    summary = json.loads(copied.out)
    assert summary["target"] == moved
    assert all(table["equal"] for table in summary["tables"])

    listed = [real(*where, "posts", "list", "--json").out for where in ((), ("--database", moved))]
    assert listed[0] == listed[1] != "[]\n"
    assert real("--database", moved, "db", "verify").code == 0
    again = real("--database", moved, "import", "--no-fetch", str(DATA), "--json")
    assert json.loads(again.out)["new"] == 0
    refused = real("db", "copy", "--to", moved)
    assert refused.code == 3
    assert "a database of its own now; nothing was changed" in refused.err


def test_there_must_be_something_to_copy(real: Real, home: Path, tmp_path: Path) -> None:
    (home / "postkeep.db").unlink()
    refused = real("db", "copy", "--to", str(tmp_path / "x.db"))
    assert refused.code == 3
    assert "there is no database at" in refused.err
    assert not (tmp_path / "x.db").exists()


def test_a_target_that_cannot_be_had_is_one_line(home: Path, real: Real, own_server: PostgresServer) -> None:
    """Whatever is wrong: one line, that it is the target's fault, and no password."""
    administer(own_server.url, "CREATE ROLE mover LOGIN PASSWORD 'right secret'")
    try:
        own_server.let_in("local all mover scram-sha-256")
        there = make_url(own_server.url).set(drivername="postgresql", username="mover", password="wrong-secret")
        for target, code in (
            (there.render_as_string(hide_password=False), 3),
            ("postgresql://me:wrong-secret@127.0.0.1:1/posts", 3),
            ("postgresql://me:wrong-secret@127.0.0.1:bad/posts", 2),
            ("mysql://me:wrong-secret@127.0.0.1/posts", 2),
        ):
            ended = real("db", "copy", "--to", target)
            assert ended.code == code, ended.err
            assert ended.err.count("\n") == 1
            assert ended.err.startswith("postkeep: the target: " if code == 3 else "postkeep: ")
            assert "secret" not in ended.err
    finally:
        administer(own_server.url, "DROP ROLE mover")
    with closing(sqlite3.connect(home / "postkeep.db")) as file:
        assert file.execute("SELECT count(*) FROM leases").fetchone() == (0,)
