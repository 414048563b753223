"""Outcomes whose storing is refused half-way: no row without its bytes, no file left over, no other error."""

from __future__ import annotations

import hashlib
import signal
import subprocess
import sys
import threading
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from postkeep.errors import CacheError, StoreBusy
from postkeep.media.cache import Cache
from postkeep.media.disk import Disk
from postkeep.model import RunStatus
from postkeep.stages.fetch import outcomes
from postkeep.stages.fetch.outcomes import Outcomes
from postkeep.store import caching, media
from tests.library.world import World, gallery, opened, picture, with_pictures, world
from tests.media_bytes import png
from tests.records import EPOCH, post
from tests.servers.media import Exchange, slow

ROOT = Path(__file__).parents[2]
REFUSAL = "the disk is full, it says"


def failing_once(method: Callable[..., Any], error: Exception, before: Callable[[], Any]) -> Callable[..., Any]:
    """The method, but for its first call, which does something else and raises."""
    calls: list[None] = []

    def call(*positional: Any, **named: Any) -> Any:
        calls.append(None)
        if len(calls) == 1:
            before()
            raise error
        return method(*positional, **named)

    return call


def test_a_refusing_disk_has_the_last_word_also_where_rows_share_a_file(
    tmp_path: Path, database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The row that shares the file comes while the batch is stored that is then refused."""
    shared = threading.Event()
    linked = Outcomes.linked

    def noted(self: Outcomes, *positional: Any) -> None:
        linked(self, *positional)
        shared.set()

    monkeypatch.setattr(Outcomes, "linked", noted)
    monkeypatch.setattr(outcomes, "MOST", 1)
    sync = failing_once(Cache.sync, CacheError(REFUSAL), lambda: shared.wait(30))
    monkeypatch.setattr(Cache, "sync", sync)
    with world(tmp_path, database_url, per_host=1) as here:
        one, other = here.asset("D4A"), here.asset("D4B", slow(picture("b"), seconds=0.3))
        for number, url in enumerate((one, other, one)):
            here.bring(with_pictures(number, url), fetch=False)
        summary = here.library.fetch_due()

        assert shared.is_set()
        assert (summary.status, summary.error) == (RunStatus.FAILED, REFUSAL)
        assert here.rows("SELECT download_state FROM post_media WHERE media_key = 'D4A'") == [("pending",)] * 2
        here.check()
        assert here.library.fetch_due().status is RunStatus.COMPLETED
        assert here.rows("SELECT download_state FROM post_media") == [("fetched",)] * 3
        here.check()


def test_what_has_its_name_gets_its_row_only_when_the_name_lasts(
    tmp_path: Path, database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The disk refuses the third name: the two before it are brought to the disk ahead of their rows."""
    steps: list[str] = []
    sync_folder = Disk.sync_folder
    store_arrivals = media.store_arrivals
    commit = Cache.commit

    def synced(self: Disk, path: str) -> None:
        steps.append("synced" if path.endswith("/media/images") else "other")
        sync_folder(self, path)

    def committed(self: Cache, staged: Any) -> Any:
        if steps.count("named") == 2:
            self.discard(staged)
            raise CacheError(REFUSAL)
        steps.append("named")
        return commit(self, staged)

    def stored(tx: Any, arrivals: Any, **more: Any) -> None:
        steps.append(f"{len(arrivals)} rows")
        store_arrivals(tx, arrivals, **more)

    with world(tmp_path, database_url) as here:
        here.bring(with_pictures(1, *(here.asset(f"D4{name}") for name in "ABCDE")), fetch=False)
        monkeypatch.setattr(Disk, "sync_folder", synced)
        monkeypatch.setattr(Cache, "commit", committed)
        monkeypatch.setattr(media, "store_arrivals", stored)
        summary = here.library.fetch_due()
        monkeypatch.undo()

        assert (summary.status, summary.error) == (RunStatus.FAILED, REFUSAL)
        told = [step for step in steps if step != "other"]
        assert told[: told.index("2 rows") + 1] == ["named", "named", "synced", "2 rows"]
        assert len(here.cached()) == 2
        assert sorted(here.states().values()) == ["fetched"] * 2 + ["pending"] * 3
        here.check()
        assert here.library.fetch_due().cached == 3
        here.check()


def test_what_was_taken_away_before_its_row_came_is_fetched_again(
    here: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The database was busy, and meanwhile somebody removed a file that no row counted on."""

    def remove() -> None:
        for path in here.cached():
            (here.root / path).unlink()

    put_back = Outcomes._put_back

    def taken_away(self: Outcomes, *positional: Any) -> None:
        remove()
        put_back(self, *positional)

    busy = failing_once(media.store_arrivals, StoreBusy(), lambda: None)
    monkeypatch.setattr(media, "store_arrivals", busy)
    monkeypatch.setattr(Outcomes, "_put_back", taken_away)
    monkeypatch.setattr(outcomes, "MOST", 1)
    here.bring(with_pictures(1, here.asset("D4A"), here.asset("D4B", slow(b"", seconds=0.3))), fetch=False)
    here.library.fetch_due()

    assert here.states()["D4A"] == "pending"
    assert here.cached() == {}
    here.check()
    here.library.fetch_due()
    assert here.states()["D4A"] == "fetched"
    here.check()


def test_nothing_is_left_of_a_first_try_when_the_disk_refuses_the_second(
    here: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A file without its end is asked for twice, and the first one is kept meanwhile."""
    cut = png(seed=b"cut")[:-8]
    stage, calls = Cache.stage, []

    def refused(self: Cache, body: Any) -> Any:
        calls.append(body)
        if len(calls) == 2:
            raise CacheError(REFUSAL)
        return stage(self, body)

    monkeypatch.setattr(Cache, "stage", refused)
    summary = here.bring(with_pictures(1, here.asset("D4A", cut)))

    assert (summary.status, summary.error) == (RunStatus.FAILED, REFUSAL)
    assert (here.states(), here.server.count()) == ({"D4A": "pending"}, 2)
    here.check()


def test_nothing_is_left_of_a_file_for_which_no_room_can_be_made(
    tmp_path: Path, database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """To make room, what is known is stored first: that may be refused, too."""
    contents = [picture(name) for name in "ab"]
    with world(tmp_path, database_url, cache_bytes=len(contents[0]) + 1, per_host=1) as here:
        urls = [here.asset(f"D4{number}", content) for number, content in enumerate(contents)]
        here.bring(with_pictures(1, *urls), fetch=False)
        monkeypatch.setattr(Cache, "sync", failing_once(Cache.sync, CacheError(REFUSAL), lambda: None))
        summary = here.library.fetch_due()

        assert (summary.status, summary.error) == (RunStatus.FAILED, REFUSAL)
        assert set(here.states().values()) == {"pending"}
        here.check()


def test_a_larger_rendition_that_is_observed_meanwhile_is_fetched_next(tmp_path: Path, database_url: str) -> None:
    """Another process imports it while the smaller one is on its way."""
    with (
        world(tmp_path, database_url) as here,
        opened(tmp_path, database_url, here.server) as other,
    ):
        large = here.asset("D4A", picture("large"), variant="feedshare-shrink_1280")

        def answer(exchange: Exchange) -> None:
            other.bring(post(1, media=gallery(large, size=1280)), at=EPOCH + timedelta(days=1), fetch=False)
            body = picture("small")
            exchange.head(headers={"Content-Length": str(len(body))})
            exchange.send_last(body)

        here.bring(with_pictures(1, here.asset("D4A", answer)), fetch=False)
        assert here.library.fetch_due().requests == 1
        assert here.states() == {"D4A": "fetched"}
        assert here.queued() == 1
        here.check()

        assert here.library.fetch_due().cached == 1
        [(sha256,)] = here.rows("SELECT f.sha256 FROM post_media m JOIN media_files f ON f.file_id = m.file_id")
        assert sha256 == hashlib.sha256(picture("large")).hexdigest()
        assert here.queued() == 0
        here.check()


@pytest.mark.parametrize("database_kind", ["sqlite"], indirect=True)
@pytest.mark.parametrize("moment", ["file_renamed:1", "outcomes_written:1"])
def test_a_death_does_not_make_a_cut_file_whole(here: World, moment: str) -> None:
    """What was put into place before its row came is adopted as what it is: incomplete at its source."""
    here.write(with_pictures(1, here.asset("D4A", png(seed=b"cut")[:-8])))
    command = [sys.executable, "-m", "tests.crash.child", "--home", str(here.config.home), "--kill-at", moment]
    command += ["--database", here.config.database_url, "--allow", here.server.allow]
    died = subprocess.run([*command, "--source", str(here.folder / "in")], cwd=ROOT, check=False)
    assert died.returncode == -signal.SIGKILL
    assert here.rows("SELECT count(*) FROM media_files") == [(0,)]
    here.server.reset()

    here.library.fetch_due()

    assert here.server.count() == 0
    assert here.states() == {"D4A": "fetched"}
    assert here.rows("SELECT incomplete_at_source FROM media_files") == [(1,)]
    here.check()


@pytest.mark.parametrize("database_kind", ["postgresql"], indirect=True)
def test_a_larger_rendition_that_is_observed_while_a_dead_ones_file_is_taken_up_is_fetched_next(
    tmp_path: Path, database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Another process imports it between the look at the row and its file: only there two can write at once."""
    with (
        world(tmp_path, database_url) as here,
        opened(tmp_path, database_url, here.server) as other,
    ):
        here.write(with_pictures(1, here.asset("D4A", picture("small"))))
        command = [sys.executable, "-m", "tests.crash.child", "--home", str(here.config.home)]
        command += ["--kill-at", "file_renamed:1", "--database", here.config.database_url]
        command += ["--allow", here.server.allow, "--source", str(here.folder / "in")]
        assert subprocess.run(command, cwd=ROOT, check=False).returncode == -signal.SIGKILL
        large = here.asset("D4A", picture("large"), variant="feedshare-shrink_1280")
        keep_files, met = caching.keep_files, list[None]()

        def kept(*positional: Any, **named: Any) -> Any:
            if not met:
                met.append(None)
                other.bring(post(1, media=gallery(large, size=1280)), at=EPOCH + timedelta(days=1), fetch=False)
            return keep_files(*positional, **named)

        monkeypatch.setattr(caching, "keep_files", kept)
        here.library.fetch_due()
        monkeypatch.undo()
        here.library.fetch_due()

        assert met
        assert here.states() == {"D4A": "fetched"}
        [(sha256,)] = here.rows("SELECT f.sha256 FROM post_media m JOIN media_files f ON f.file_id = m.file_id")
        assert sha256 == hashlib.sha256(picture("large")).hexdigest()
        assert here.queued() == 0
        here.check()
