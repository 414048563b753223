"""Archiving beside everything else: it finds what is new, outlives what goes away, and stops when it is told."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any

import orjson
import pytest

from postkeep.archive.directory import DirectoryArchive
from postkeep.config import ArchiveConfig
from postkeep.errors import ArchiveUnavailable, ConfigError, StoreBusy, StoreError
from postkeep.library import open_library
from postkeep.model import RunStatus, utc_now
from postkeep.stages.archive import run as stage
from postkeep.stages.archive_job import run_watch
from postkeep.stages.archiving import ARCHIVE_LEASE, Archives
from postkeep.stages.parts import Parts
from postkeep.store import Store, leases
from postkeep.views.watching import WatchRound, WatchSummary
from tests.library.world import World, with_pictures
from tests.stages.archiving import parts_of
from tests.stages.kept import File, Kept, Place, Post, made

ONE = Post("one")


def file(name: str) -> File:
    return File(name, places=(Place(ONE),))


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    folder = tmp_path / "archive"
    folder.mkdir()
    return folder


@pytest.fixture
def kept(store: Store, tmp_path: Path) -> Kept:
    return made(store, tmp_path, file("a"), file("b"))


@pytest.fixture
def parts(kept: Kept, database_url: str, folder: Path) -> Iterator[Parts]:
    parts = parts_of(database_url, kept.root, folder)
    yield parts
    parts.store.close()


class Watch:
    """A watch whose rests are the steps of a story; it is stopped when the story is over."""

    def __init__(self, parts: Parts, folder: Path, *steps: Callable[[], object]) -> None:
        self.parts, self.folder, self.steps = parts, folder, list(steps)
        self.rests: list[float] = []
        self.rounds: list[WatchRound] = []
        self.over = False

    def rest(self, seconds: float) -> None:
        self.rests.append(seconds)
        if self.steps:
            self.steps.pop(0)()
        else:
            self.over = True

    def run(self) -> WatchSummary:
        return run_watch(
            Archives(self.parts, DirectoryArchive(self.folder)),
            every=60.0,
            on_round=self.rounds.append,
            stop=lambda: self.over,
            progress=lambda step: None,
            rest=self.rest,
        )

    def sent(self) -> list[int | None]:
        return [None if each.summary is None else each.summary.archived for each in self.rounds]


class Days:
    """A clock that goes on by two days when it is told to."""

    def __init__(self, begin: datetime) -> None:
        self.moment = begin

    def now(self) -> datetime:
        return self.moment

    def go_on(self) -> None:
        self.moment += timedelta(days=2)


def objects(folder: Path) -> int:
    return len(list(DirectoryArchive(folder).listing()))


def nothing() -> None:
    return None


def test_it_sends_what_is_there_and_what_comes(kept: Kept, parts: Parts, folder: Path) -> None:
    watch = Watch(parts, folder, nothing, lambda: kept.add(file("c")), nothing)
    summary = watch.run()
    assert watch.sent() == [2, None, 1, None]
    assert watch.rests == [60.0] * 4
    assert (summary.runs, summary.archived, summary.bytes, summary.error) == (2, 3, 300, None)
    assert objects(folder) == 3
    # A look that finds nothing is no run, and nobody has the lease afterwards.
    assert kept.rows("SELECT count(*) FROM download_runs") == [(2,)]
    assert kept.rows("SELECT count(*) FROM leases") == [(0,)]


def test_it_outlives_an_archive_that_is_away(kept: Kept, parts: Parts, folder: Path) -> None:
    folder.rmdir()
    watch = Watch(parts, folder, nothing, folder.mkdir)
    summary = watch.run()
    assert [each.error is not None for each in watch.rounds] == [True, True, False]
    assert watch.rests == [120.0, 240.0, 60.0]
    assert (summary.archived, summary.error) == (2, None)
    assert objects(folder) == 2


def test_files_whose_tries_were_spent_while_only_others_got_an_answer_are_new_again(
    kept: Kept, parts: Parts, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    put = DirectoryArchive.put

    def away(self: DirectoryArchive, key: str, content: bytes, mime_type: str) -> str:
        if kept.media_ids["a", 0] in key:
            raise ArchiveUnavailable("not now")
        return put(self, key, content, mime_type)

    def bring_another(name: str) -> None:
        kept.add(file(name))
        days.go_on()

    monkeypatch.setattr(DirectoryArchive, "put", away)
    monkeypatch.setattr(stage, "_RESTS", (0.0, 0.0, 0.0))
    days = Days(utc_now())
    more = [partial(bring_another, f"more {number}") for number in range(8)]
    watch = Watch(replace(parts, clock=days.now), folder, *more, monkeypatch.undo, days.go_on)
    summary = watch.run()
    # Five runs tried it, and four after it was queued anew; it went up in the last.
    assert (summary.archived, summary.failed) == (10, 9)
    assert objects(folder) == 10


def test_an_archive_that_answers_nothing_spends_no_tries(
    kept: Kept, parts: Parts, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def away(self: DirectoryArchive, key: str, content: bytes, mime_type: str) -> str:
        raise ArchiveUnavailable("not now")

    monkeypatch.setattr(DirectoryArchive, "put", away)
    monkeypatch.setattr(stage, "_RESTS", (0.0, 0.0, 0.0))
    days = Days(utc_now())
    watch = Watch(replace(parts, clock=days.now), folder, *[days.go_on] * 8, monkeypatch.undo)
    summary = watch.run()
    assert [each.error is not None for each in watch.rounds] == [True] * 9 + [False]
    assert (summary.archived, summary.failed) == (2, 0)


def test_a_file_that_is_damaged_here_is_not_tried_for_ever(kept: Kept, parts: Parts, folder: Path) -> None:
    kept.path(file("a")).write_bytes(b"!" * 100)
    days = Days(kept.now)
    watch = Watch(replace(parts, clock=days.now), folder, *[days.go_on] * 12)
    summary = watch.run()
    assert (summary.archived, summary.failed) == (1, 5)
    assert watch.sent()[-1] is None


def test_another_process_that_archives_is_left_to_it(kept: Kept, parts: Parts, folder: Path) -> None:
    with kept.store.writing() as tx:
        leases.take(tx, ARCHIVE_LEASE, utc_now())

    def give_up() -> None:
        with kept.store.writing() as tx:
            leases.give_up(tx, ARCHIVE_LEASE)

    watch = Watch(parts, folder, nothing, give_up)
    watch.run()
    assert [each.left_to is not None for each in watch.rounds] == [True, True, False]
    assert watch.sent() == [None, None, 2]


def test_a_cache_that_is_away_spends_no_tries(kept: Kept, parts: Parts, folder: Path) -> None:
    elsewhere = kept.root.with_name("elsewhere")
    kept.root.rename(elsewhere)
    watch = Watch(parts, folder, lambda: elsewhere.rename(kept.root))
    summary = watch.run()
    assert [each.error is not None for each in watch.rounds] == [True, False]
    assert (summary.archived, summary.failed) == (2, 0)


def test_a_locked_database_is_waited_for(
    kept: Kept, parts: Parts, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def busy(*_given: object, **_named: object) -> None:
        raise StoreBusy

    monkeypatch.setattr("postkeep.store.archiving.queue", busy)
    watch = Watch(parts, folder, monkeypatch.undo)
    assert watch.run().archived == 2
    assert watch.rounds[0].error is not None


def test_more_than_a_page_is_sent_without_a_rest(
    kept: Kept, parts: Parts, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("postkeep.stages.archive_job._AT_ONCE", 1)
    watch = Watch(parts, folder)
    assert watch.run().archived == 2
    assert watch.sent() == [1, 1, None]
    assert watch.rests == [60.0]


@pytest.mark.parametrize("database_kind", ["sqlite"], indirect=True)
def test_the_command_stops_cleanly_at_the_first_signal(kept: Kept, database_url: str, folder: Path) -> None:
    command = [sys.executable, "-m", "postkeep", "--home", str(folder.parent / "home"), "--database", database_url]
    command += ["media", "archive", "--watch", "--every", "1s", "--json"]
    process = subprocess.Popen(
        command,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=os.environ | {"POSTKEEP_ARCHIVE_DIRECTORY": str(folder), "POSTKEEP_CACHE_DIRECTORY": str(kept.root)},
    )
    assert process.stderr is not None
    assert process.stdout is not None
    with process:
        try:
            assert process.stderr.readline() == "2 files archived, 200 B sent\n"
            kept.add(file("c"))
            assert process.stderr.readline() == "1 file archived, 100 B sent\n"
            process.send_signal(signal.SIGINT)
            out, err = process.stdout.read(), process.stderr.read()
        finally:
            process.kill()
    assert process.returncode == 130
    assert "Traceback" not in err
    assert orjson.loads(out)["archived"] == 3
    assert objects(folder) == 3
    assert kept.rows("SELECT count(*) FROM leases") == [(0,)]


@pytest.mark.parametrize("database_kind", ["sqlite"], indirect=True)
def test_a_database_that_was_moved_away_ends_it(parts: Parts, folder: Path) -> None:
    path = parts.store.path
    assert path is not None
    away = path.with_suffix(".away")
    watch = Watch(parts, folder, lambda: path.rename(away))
    with pytest.raises(StoreError, match="removed or replaced"):
        watch.run()
    assert away.exists()
    assert objects(folder) == 2


# --- behind an import ---------------------------------------------------------------------------------------


def with_archive(here: World, folder: Path) -> Any:
    config = replace(here.config, archive=ArchiveConfig(directory=folder))
    return open_library(config, connect_to=here.library._connect_to)


def test_what_an_import_brought_is_archived_behind_it(here: World, folder: Path) -> None:
    here.bring(with_pictures(1, here.asset("A1")))
    with with_archive(here, folder) as library:
        summary = library.import_(
            [here.write(with_pictures(2, here.asset("A2"), here.asset("A3")), name="2.json")]
        )
        archived = library.archive_imported(summary.run_id)
        assert (archived.files, archived.summary.archived, archived.left_to) == (2, 2, None)
        assert objects(folder) == 2
        assert library.archive_imported(summary.run_id).files == 0
        assert library.costs().total.unknown != ()
        with library._store.writing() as tx:
            leases.take(tx, ARCHIVE_LEASE, utc_now())
        again = library.import_([here.write(with_pictures(3, here.asset("A4")), name="3.json")])
        left = library.archive_imported(again.run_id)
        assert (left.files, left.summary) == (1, None)
        assert left.left_to is not None
    assert here.rows("SELECT count(*) FROM work WHERE stage = 'archive'") == [(1,)]


def test_an_archive_that_fails_leaves_the_import_as_it_is(here: World, folder: Path) -> None:
    folder.rmdir()
    with with_archive(here, folder) as library:
        summary = library.import_([here.write(with_pictures(1, here.asset("A1")))])
        archived = library.archive_imported(summary.run_id)
    assert summary.status is RunStatus.COMPLETED
    assert archived.summary.status is RunStatus.FAILED
    assert here.rows("SELECT status FROM download_runs WHERE run_id = ?", summary.run_id) == [("completed",)]


def test_without_an_archive_it_is_said_before_anything_is_done(here: World) -> None:
    with pytest.raises(ConfigError, match="no archive is set up"):
        here.library.must_have_archive()


def test_what_is_archived_and_brought_back_by_others_is_paid_as_well(here: World, folder: Path) -> None:
    with with_archive(here, folder) as library:
        library.import_([here.write(with_pictures(1, here.asset("A1")))])
        [(media_id, path, size)] = here.rows("SELECT media_id, local_file_path, file_size FROM post_media")
        library.archive_file(here.root / path, media_id)
        spent = "SELECT kind, operation, quantity, size FROM costs ORDER BY kind, operation"
        kept = [("request", "put", 1, size), ("storage", "storage", 1, size)]
        assert here.rows(spent) == kept

        (here.root / path).unlink()
        here.write_rows("UPDATE media_files SET cached_at = NULL")
        here.write_rows("UPDATE post_media SET download_state = 'pending'")
        here.write_rows(
            "INSERT INTO work (stage, subject, host, due_at) VALUES ('fetch', ?, 'media.licdn.com', ?)",
            media_id,
            utc_now(),
        )
        requests = here.server.count()
        library.fetch_due()
        assert here.server.count() == requests
        assert here.rows(spent) == [("request", "get", 1, size), *kept]

        here.write_rows("DELETE FROM costs WHERE kind = 'storage'")
        library.archive_media()
        assert here.rows("SELECT began_at FROM costs WHERE kind = 'storage'") == here.rows(
            "SELECT proven_at FROM archive_objects"
        )
