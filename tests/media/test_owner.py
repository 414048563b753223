"""Temporary folders and journals of processes that are gone, and of those that are not."""

from __future__ import annotations

import dataclasses
import fcntl
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from postkeep.errors import CacheError
from postkeep.media.cache import Cache
from postkeep.media.entry import JournalEntry
from postkeep.media.journal import Journal
from postkeep.media.owner import OwnFolder, left_behind, own_name
from postkeep.model import Body, Digest, Dimensions, Kind, MediaType
from tests import media_bytes as make

BUSY = """
import sys
from collections.abc import Iterator
from pathlib import Path
from postkeep.media.cache import Cache
from postkeep.media.entry import JournalEntry
from postkeep.media.journal import Journal
from postkeep.model import Body
from tests import media_bytes as make

root = Path(sys.argv[1])
cache, journal = Cache(root / "cache"), Journal(root / "journal")
staged = cache.stage(Body(1, (make.png(),)))
journal.append(JournalEntry.of("med-1", "key", staged))
cache.commit(staged)
cache.stage(Body(1, (make.gif(),)))
print(flush=True)
sys.stdin.read()
"""


@pytest.fixture
def busy(tmp_path: Path) -> Iterator[subprocess.Popen[bytes]]:
    """A living process with a temporary file and a journal entry."""
    where = Path(__file__).parents[2]
    process = subprocess.Popen(
        [sys.executable, "-c", BUSY, tmp_path], stdin=subprocess.PIPE, stdout=subprocess.PIPE, cwd=where
    )
    assert process.stdout is not None
    assert process.stdout.readline() == b"\n"
    yield process
    process.kill()
    process.communicate()


def entry(number: int = 1, subject: str = "med-1") -> JournalEntry:
    return JournalEntry(
        subject, f"key {number}\n", "media/images/x.png", "0" * 32, "f" * 64, number, "image/png", "png",
        MediaType.IMAGE, 3, 2, None,
    )  # fmt: skip


def test_a_living_process_keeps_its_folders_and_a_dead_one_does_not(
    tmp_path: Path, busy: subprocess.Popen[bytes]
) -> None:
    cache, journal = Cache(tmp_path / "cache"), Journal(tmp_path / "journal")
    mine = cache.stage(Body(1, (make.webp(),)))
    assert cache.sweep() == 0
    assert journal.left() == []
    os.kill(busy.pid, signal.SIGKILL)
    os.waitid(os.P_PID, busy.pid, os.WEXITED | os.WNOWAIT)
    # A zombie counts as gone: its parent may never look.
    assert psutil.Process(busy.pid).status() == psutil.STATUS_ZOMBIE
    assert cache.sweep() == 1
    assert cache.sweep() == 0
    assert mine.temp.read_bytes() == make.webp()

    (left,) = journal.pending()
    assert cache.locate(left.digest, left.kind) is not None
    assert left.subject == "med-1"
    journal.drop_all(*journal.left())
    assert list(journal.pending()) == []
    assert list(journal.folder.iterdir()) == []


def test_a_number_given_to_another_process_is_no_sign_of_life(tmp_path: Path) -> None:
    old = tmp_path / "tmp" / f"{os.getpid()}-12345"
    old.mkdir(parents=True)
    (tmp_path / "tmp" / "notes").mkdir()
    (tmp_path / "tmp" / "99999999999999999999-1").mkdir()
    (tmp_path / "tmp" / "1-1x").write_bytes(b"")
    assert Cache(tmp_path).sweep() == 2
    assert {path.name for path in (tmp_path / "tmp").iterdir()} == {"notes", "1-1x"}


def test_a_held_folder_is_left_alone_whatever_its_name_says(tmp_path: Path) -> None:
    folder = tmp_path / "4194399-1"
    folder.mkdir()
    descriptor = os.open(folder, os.O_RDONLY)
    fcntl.flock(descriptor, fcntl.LOCK_SH)
    assert list(left_behind(tmp_path)) == []
    os.close(descriptor)
    assert list(left_behind(tmp_path)) == [folder]


def test_an_own_folder_is_locked_until_closed_and_made_again(tmp_path: Path) -> None:
    own = OwnFolder(tmp_path)
    path = own.path()
    assert path.name == own_name()
    descriptor = os.open(path, os.O_RDONLY)
    with pytest.raises(BlockingIOError):
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    os.close(descriptor)
    path.rmdir()
    assert own.path() == path
    assert not path.exists()
    assert own.path(again=True).is_dir()
    assert list(left_behind(tmp_path)) == []
    own.close()
    own.close()
    assert not path.exists()
    (own.path() / "file").write_bytes(b"")
    own.close()
    assert path.exists()


def test_where_there_are_no_locks_the_number_decides(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(descriptor: int, mode: int) -> None:
        raise OSError(95, "Operation not supported")

    monkeypatch.setattr(fcntl, "flock", refuse)
    OwnFolder(tmp_path).path()
    (tmp_path / "4194399-1").mkdir()
    assert [path.name for path in left_behind(tmp_path)] == ["4194399-1"]


def test_the_own_folder_is_never_left_behind_when_the_clock_is_set(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / own_name()).mkdir()
    monkeypatch.setattr("postkeep.processes.started", lambda pid: 1)
    assert list(left_behind(tmp_path)) == []


# --- the journal ---------------------------------------------------------------------------------------


def test_entries_come_back_in_order(tmp_path: Path) -> None:
    journal = Journal(tmp_path / "journal")
    assert list(journal.pending(own=True)) == []
    entries = [entry(number) for number in range(5)]
    tokens = {journal.append(one) for one in entries}
    assert len(tokens) == 1
    assert list(journal.pending()) == []
    assert list(journal.pending(own=True)) == entries
    assert entries[0].digest == Digest("0" * 32, "f" * 64, 0)
    assert entries[0].kind == Kind("image/png", "png", MediaType.IMAGE)
    assert entries[0].dimensions == Dimensions(3, 2, None)
    assert {path.stat().st_mode & 0o777 for path in journal.folder.rglob("*.jsonl")} == {0o600}


def test_a_batch_goes_and_the_next_one_stays(tmp_path: Path) -> None:
    journal = Journal(tmp_path)
    assert journal.rotate() == ""
    journal.append(entry(1))
    first = journal.rotate()
    second = journal.append(entry(2))
    assert first != second
    assert list(journal.entries(first)) == [entry(1)]
    journal.drop(first)
    journal.drop(first)
    journal.drop("")
    assert list(journal.pending(own=True)) == [entry(2)]
    assert list(journal.entries(first)) == []
    journal.clear()
    assert list(journal.pending(own=True)) == []
    assert journal.append(entry(3)) != second
    assert list(journal.pending(own=True)) == [entry(3)]


def test_entries_whose_rows_are_on_their_way_are_kept(tmp_path: Path) -> None:
    journal = Journal(tmp_path)
    tokens = [journal.append(entry(number)) for number in range(3)]
    journal.settle(tokens[:2])
    assert len(list(journal.pending(own=True))) == 3
    journal.settle(tokens[2:])
    assert list(journal.pending(own=True)) == []
    ended = journal.append(entry(4))
    journal.rotate()
    journal.settle([ended])
    assert list(journal.pending(own=True)) == []


def test_two_journals_of_one_process_do_not_meet(tmp_path: Path) -> None:
    first, second = Journal(tmp_path), Journal(tmp_path)
    first.append(entry(1))
    second.append(entry(2))
    first.clear()
    assert list(second.pending(own=True)) == [entry(2)]
    second.close()
    assert list(first.pending(own=True)) == [entry(2)]


@pytest.mark.parametrize(
    "line",
    [
        b"",
        b"\n",
        b"{}\n",
        b"[]\n",
        b"null\n",
        b"\xff\xfe\n",
        b"[" * 100_000 + b"\n",
        entry(9).line()[:40],
        entry(9).line()[:40] + b"\n",
        entry(9).line().replace(b'"image"', b'"sound"'),
        entry(9).line().replace(b'"key 9\\n"', b"7"),
        entry(9).line().replace(b"f" * 64, b"f" * 63),
        entry(9).line().replace(b'"size":9', b'"size":"9"'),
    ],
)
def test_cut_and_unknown_lines_are_left_out(tmp_path: Path, line: bytes) -> None:
    journal = Journal(tmp_path)
    token = journal.append(entry(1))
    newer = entry(2).line().replace(b'{"subject"', b'{"newer":true,"subject"')
    with (tmp_path / token).open("ab") as file:
        file.write(newer + line)
    assert list(journal.entries(token)) == [entry(1), entry(2)]


def test_a_line_cut_by_a_full_disk_does_not_swallow_the_next(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    journal = Journal(tmp_path)
    token = journal.append(entry(1))
    write = os.write
    with monkeypatch.context() as patch:
        patch.setattr(os, "write", lambda descriptor, line: write(descriptor, line[:20]))
        with pytest.raises(CacheError, match="free some space"):
            journal.append(entry(2))
    assert journal.append(entry(3)) == token
    assert list(journal.entries(token)) == [entry(1), entry(3)]
    journal.settle([token, token])
    assert list(journal.pending(own=True)) == []


def test_a_batch_is_noted_in_one_write_and_settled_entry_by_entry(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    journal = Journal(tmp_path)
    assert journal.append_all([]) == ""
    assert list(tmp_path.iterdir()) == []
    entries = [entry(number) for number in range(50)]
    written: list[int] = []
    write = os.write
    with monkeypatch.context() as patch:
        patch.setattr(
            os, "write", lambda descriptor, lines: written.append(descriptor) or write(descriptor, lines)
        )
        token = journal.append_all(entries)
    assert len(written) == 1
    assert list(journal.pending(own=True)) == entries
    journal.settle([token] * 49)
    assert list(journal.pending(own=True)) == entries
    journal.settle([token])
    assert list(journal.pending(own=True)) == []


def test_a_batch_cut_by_a_full_disk_does_not_swallow_the_next(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    journal = Journal(tmp_path)
    with monkeypatch.context() as patch:
        write = os.write
        patch.setattr(os, "write", lambda descriptor, lines: write(descriptor, lines[:-20]))
        with pytest.raises(CacheError, match="free some space"):
            journal.append_all([entry(1), entry(2)])
    token = journal.append_all([entry(3), entry(4)])
    assert list(journal.entries(token)) == [entry(1), entry(3), entry(4)]
    # What was refused is not waited for.
    journal.settle([token, token])
    assert list(journal.pending(own=True)) == []


def test_a_journal_whose_folder_goes_away_begins_anew(tmp_path: Path) -> None:
    journal = Journal(tmp_path / "journal")
    first = journal.append(entry(1))
    shutil.rmtree(journal.folder)
    second = journal.append(entry(2))
    assert first != second
    assert list(journal.pending(own=True)) == [entry(2)]
    journal.settle([first, second])
    assert list(journal.pending(own=True)) == []


@settings(max_examples=100, deadline=None)
@given(texts=st.tuples(*[st.text(st.characters(codec=None), max_size=20)] * 3))
def test_a_line_holds_any_text(texts: tuple[str, str, str]) -> None:
    noted = dataclasses.replace(entry(1), subject=texts[0], url_key=texts[1], path=texts[2], duration=1.25)
    line = noted.line()
    assert line.count(b"\n") == 1
    assert JournalEntry.read(line) == noted
    assert JournalEntry.read(line[:-2]) is None


def test_a_disk_that_refuses_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"")
    with pytest.raises(CacheError, match="journal"):
        Journal(tmp_path / "file" / "journal").append(entry())
