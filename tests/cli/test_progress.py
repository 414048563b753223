"""Progress is honest, rare where lines stay, and silent where only JSON is wanted."""

from __future__ import annotations

import os
import pty
import sys
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from postkeep.cli import progress
from postkeep.cli.progress import Lines, Pace, line_of
from postkeep.views import Progress
from tests.cli.answers import FakeLibrary, import_summary
from tests.cli.conftest import Call


def step(done: int, total: int | None = 100, *, doing: str = "fetching", note: str = "") -> Progress:
    return Progress(doing, done, total, "files", note)


def test_nothing_is_foretold_from_nothing() -> None:
    pace = Pace()
    assert pace.left(0, 100) is None
    pace.add(0, 0)
    assert pace.left(5, 100) is None
    pace.add(5, 50)
    assert pace.left(5, None) is None
    assert pace.left(5, 100) == 5
    assert pace.left(5, 50) == 0


def test_the_first_moments_foretell_nothing() -> None:
    pace = Pace()
    pace.add(0, 0)
    pace.add(0.5, 90)
    assert pace.left(0.5, 100) is None


def test_only_the_recent_rate_counts() -> None:
    pace = Pace(window=30)
    for second in range(0, 100, 10):
        pace.add(second, second * 100)
    for second in range(100, 200, 10):
        pace.add(second, 10_000 + second - 100)
    assert pace.left(190, 10_190) == pytest.approx(100)


def test_standing_still_moves_the_end_away() -> None:
    pace = Pace()
    pace.add(0, 0)
    pace.add(10, 50)
    first, later = pace.left(10, 100), pace.left(40, 100)
    assert first is not None
    assert later is not None
    assert later > first


def test_what_stood_still_for_long_foretells_nothing() -> None:
    pace = Pace(window=30)
    pace.add(0, 0)
    pace.add(10, 50)
    assert pace.left(40, 100) is not None
    assert pace.left(41, 100) is None


def test_a_total_that_shrinks_brings_the_end_nearer() -> None:
    pace = Pace()
    pace.add(0, 0)
    pace.add(10, 50)
    assert pace.left(10, 10_000) == 1990
    assert pace.left(10, 60) == 2
    assert pace.left(10, 50) == 0


class Clock:
    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


def test_lines_come_every_ten_seconds_and_at_the_end_of_each_phase() -> None:
    clock, told = Clock(), list[str]()
    lines = Lines(told.append, clock)
    for second in range(26):
        clock.now = second
        lines(step(second))
    assert told == [
        "fetching: 10 of 100 files, about 1 min 30 s left",
        "fetching: 20 of 100 files, about 1 min 20 s left",
    ]
    lines(step(1, None, doing="verifying", note="0 damaged"))
    assert told[2].startswith("fetching: 25 of 100 files")
    lines.finish()
    lines.finish()
    assert told[3:] == ["verifying: 1 files, 0 damaged"]


def test_nothing_to_do_is_no_news() -> None:
    told = list[str]()
    lines = Lines(told.append, Clock())
    lines(step(0, 0))
    lines.finish()
    assert told == []


def test_a_step_in_words() -> None:
    assert line_of(Progress("reading", 1024, 2048, "bytes", "7 records"), 61) == (
        "reading: 1.0 KB of 2.0 KB, 7 records, about 1 min 1 s left"
    )
    assert line_of(Progress("reading", 1024, None, "bytes"), None) == "reading: 1.0 KB"


def reporting(*_given: object, progress: progress.OnProgress, **_named: object) -> object:
    for number in range(1, 4):
        progress(Progress("reading", number, 3, "files", "[bold]\x1b[2J"))
    return import_summary()


def test_off_a_terminal_there_are_lines(call: Call, library: FakeLibrary) -> None:
    library.answers["import_"] = reporting
    assert call("import", "x").err == "reading: 3 of 3 files, [bold]\\x1b[2J\n"


def test_off_a_terminal_json_is_silent(call: Call, library: FakeLibrary) -> None:
    library.answers["import_"] = reporting
    assert call("import", "x", "--json").err == ""


@contextmanager
def terminal() -> Iterator[int]:
    """stderr is a terminal for the block; yields the end that reads it."""
    reader, writer = pty.openpty()
    before = sys.stderr
    sys.stderr = os.fdopen(writer, "w")
    try:
        yield reader
    finally:
        sys.stderr.close()
        sys.stderr = before
        os.close(reader)


def read_all(reader: int) -> str:
    """What a terminal shows that nobody writes to any more, however many reads that takes."""
    drawn = b""
    try:
        while chunk := os.read(reader, 100_000):
            drawn += chunk
    except OSError:
        # That is how Linux says that the other end is closed.
        pass
    return drawn.decode()


@pytest.mark.parametrize("options", [(), ("--json",)])
@pytest.mark.parametrize("no_color", ["", "1"])
def test_on_a_terminal_there_is_a_bar(
    options: tuple[str, ...],
    no_color: str,
    call: Call,
    library: FakeLibrary,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("TERM", "xterm-256color")
    monkeypatch.setenv("NO_COLOR", no_color)
    monkeypatch.setenv("COLUMNS", "120")
    library.answers["import_"] = reporting
    with terminal() as reader:
        assert call("import", "x", *options).code == 1
        sys.stderr.close()
        drawn = read_all(reader)
    assert "reading" in drawn
    assert "3 of 3 files, [bold]\\x1b[2J" in drawn
    assert ("\x1b[38;5" in drawn) is not bool(no_color)
