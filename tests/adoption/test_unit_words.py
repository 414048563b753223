"""What `db upgrade` and `db findings` say to people."""

from __future__ import annotations

import os
import pty
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from postkeep import log
from postkeep.cli import upgrades
from postkeep.cli.run import run
from postkeep.library import open_library
from tests.adoption.conftest import House, Small
from tests.adoption.dumps import dump

postgresql_only = pytest.mark.parametrize("database_kind", ["postgresql"], indirect=True)


def said(small: House, capfd: pytest.CaptureFixture[str], *arguments: str) -> tuple[int, str, str]:
    try:
        code = run(["--home", str(small.folder / "home"), "--database", small.url, "db", *arguments])
    finally:
        log.release_logging()
    return code, *capfd.readouterr()


@postgresql_only
def test_a_backup_is_advised_before_and_not_afterwards(small: Small, capfd: pytest.CaptureFixture[str]) -> None:
    _, out, _ = said(small, capfd, "upgrade", "--dry-run")
    assert "before the upgrade, run: pg_dump" in out
    code, out, _ = said(small, capfd, "upgrade", "--yes")
    assert code == 0
    assert "pg_dump --" not in out
    assert "postkeep made no backup" in out


@postgresql_only
def test_no_is_answered_in_a_line(small: Small) -> None:
    before = dump(small.url)
    ours, theirs = pty.openpty()
    try:
        command = [sys.executable, "-m", "postkeep", "--home", str(small.folder), "--database", small.url]
        asking = subprocess.Popen([*command, "db", "upgrade"], stdin=theirs, stderr=theirs, stdout=theirs)
        os.close(theirs)
        os.write(ours, b"n\n")
        shown = b""
        try:
            while piece := os.read(ours, 4096):
                shown += piece
        except OSError:
            # How Linux says that nobody has the other end any more.
            pass
        assert asking.wait(60) == 2
    finally:
        os.close(ours)
    assert shown.count(b"pg_dump") == 1
    assert b"stopped; nothing was changed" in shown
    assert dump(small.url) == before


def test_an_upgrade_that_is_stopped_says_so(
    small: Small, capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    before = dump(small.url)

    def interrupted(*_given: object) -> None:
        signal.raise_signal(signal.SIGINT)

    monkeypatch.setattr("postkeep.store.adoption.aside.drop_old", interrupted)
    # Who runs the tests in the background passes on that SIGINT is ignored.
    before_us = signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        code, out, err = said(small, capfd, "upgrade", "--yes")
    finally:
        signal.signal(signal.SIGINT, before_us)
    assert (code, out) == (130, "")
    assert "stopped; nothing was changed" in err
    assert dump(small.url) == before
    assert small.path is None or [each.name for each in small.path.parent.glob("*before-upgrade*")] == []


def test_no_findings_are_told(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    house = House(tmp_path, f"sqlite:///{tmp_path / 'new.db'}")
    open_library(house.config).close()
    assert said(house, capfd, "findings") == (0, "", "no findings\n")


def test_an_example_is_cut_between_words() -> None:
    assert upgrades._short("word " * 80).endswith("word …")
    assert upgrades._short("one\n two") == "one two"
