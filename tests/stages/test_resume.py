"""A large file that broke off goes on where it ended, in a later run or after a death, while it is the same."""

from __future__ import annotations

import hashlib
import random
import signal
import subprocess
import sys
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path

import pytest

from tests.library.world import World, with_pictures
from tests.media_bytes import mp4
from tests.records import EPOCH
from tests.servers.media import Exchange

ROOT = Path(__file__).parents[2]
FILM = mp4(seed=random.Random(1).randbytes(5_000_000))
OTHER = mp4(seed=random.Random(2).randbytes(5_000_000))
BROKEN = len(FILM) * 6 // 10


@dataclass
class Source:
    """A file at its source: goes on where it is asked to, as long as the asker has the same file.

    `breaks` says after how many bytes of the file each answer ends early, one after the other.
    """

    body: bytes = FILM
    etag: str = '"one"'
    breaks: list[int] = field(default_factory=list)
    asked: list[tuple[str | None, str | None]] = field(default_factory=list)
    obeys: bool = True
    reached: threading.Event = field(default_factory=threading.Event)
    stays: bool = False

    def __call__(self, exchange: Exchange) -> None:
        headers = exchange.request.headers
        self.asked.append((headers.get("range"), headers.get("if-range")))
        same = headers.get("if-range") == self.etag or not self.obeys
        start = (
            int(headers["range"].removeprefix("bytes=").removesuffix("-")) if "range" in headers and same else 0
        )
        more = {"Content-Range": f"bytes {start}-{len(self.body) - 1}/{len(self.body)}"} if start else {}
        length = str(len(self.body) - start)
        exchange.head(206 if start else 200, {"Content-Length": length, "ETag": self.etag, **more})
        end = self.breaks.pop(0) if self.breaks else None
        exchange.send(self.body[start:end])
        if end is not None:
            self.reached.set()
            if self.stays:
                exchange.wait(60)
            exchange.hang_up()


def bring(here: World, source: Source) -> str:
    url = here.asset("D4FILM", source)
    here.bring(with_pictures(1, url))
    return url


def beginnings(here: World) -> list[int]:
    """The sizes of what is kept of bodies that broke off."""
    return [path.stat().st_size for path in (here.root / "partial").glob("*.part")]


def again(here: World, *, minutes: float = 10) -> None:
    here.later(minutes=minutes)
    here.library.fetch_due()


def check_whole(here: World, body: bytes = FILM) -> None:
    assert here.states() == {"D4FILM": "fetched"}
    assert list(here.cached().values()) == [hashlib.sha256(body).hexdigest()]
    assert list((here.root / "partial").glob("*")) == []
    assert here.library.verify_cache().clean
    here.check()


def test_the_next_run_asks_for_the_rest(here: World) -> None:
    source = Source(breaks=[BROKEN])
    bring(here, source)
    assert here.states() == {"D4FILM": "retry"}
    assert beginnings(here) == [BROKEN]

    again(here)

    assert source.asked == [(None, None), (f"bytes={BROKEN}-", '"one"')]
    check_whole(here)


def test_it_goes_on_after_every_break(here: World) -> None:
    ends = [1_500_000, 2_000_000, 4_999_999]
    source = Source(breaks=list(ends))
    bring(here, source)
    for number, end in enumerate(ends):
        assert beginnings(here) == [end]
        again(here, minutes=30 * 5**number)

    assert source.asked == [(None, None), *((f"bytes={end}-", '"one"') for end in ends)]
    check_whole(here)


def test_a_link_that_was_signed_anew_goes_on_too(here: World) -> None:
    source = Source(breaks=[BROKEN])
    url = bring(here, source)
    here.bring(with_pictures(1, url.replace("t=a", "t=b")), at=EPOCH + timedelta(days=1))

    assert source.asked[1:] == [(f"bytes={BROKEN}-", '"one"')]
    check_whole(here)


def test_another_file_starts_afresh(here: World) -> None:
    source = Source(breaks=[BROKEN])
    bring(here, source)
    source.body, source.etag = OTHER, '"two"'
    again(here)

    assert source.asked[1:] == [(f"bytes={BROKEN}-", '"one"')]
    check_whole(here, OTHER)


def test_the_rest_of_another_file_is_joined_to_nothing(here: World) -> None:
    """A server that does not compare gives the end of what it has now."""
    source = Source(breaks=[BROKEN], obeys=False)
    bring(here, source)
    source.body, source.etag = OTHER, '"two"'
    again(here)
    assert here.cached() == {}
    assert beginnings(here) == []
    again(here, minutes=60)

    assert source.asked[2:] == [(None, None)]
    check_whole(here, OTHER)


def test_a_file_without_a_strong_validator_starts_afresh(here: World) -> None:
    source = Source(etag='W/"weak"', breaks=[BROKEN])
    bring(here, source)
    assert beginnings(here) == []
    again(here)

    assert source.asked[1:] == [(None, None)]
    check_whole(here)


# --- deaths -----------------------------------------------------------------------------------------------


def child(here: World, *options: str) -> subprocess.Popen[bytes]:
    """A process that imports what was written; what it fetches is due at once."""
    command = [sys.executable, "-m", "tests.crash.child", "--home", str(here.config.home), *options]
    command += ["--database", here.config.database_url, "--allow", here.server.allow]
    return subprocess.Popen([*command, "--source", str(here.folder / "in")], cwd=ROOT, stdout=subprocess.DEVNULL)


@pytest.fixture
def begun(here: World) -> Callable[[Source], None]:
    """Lets a film be written down for import, and not yet fetched."""

    def begin(source: Source) -> None:
        here.write(with_pictures(1, here.asset("D4FILM", source)))

    return begin


@pytest.mark.parametrize("moment", ["outcomes_committed:1", "run_finished:1"])
def test_killed_between_two_tries_nothing_is_lost(
    here: World, begun: Callable[[Source], None], moment: str
) -> None:
    source = Source(breaks=[BROKEN])
    begun(source)
    assert child(here, "--kill-at", moment).wait() == -signal.SIGKILL
    assert beginnings(here) == [BROKEN]

    again(here)

    assert source.asked == [(None, None), (f"bytes={BROKEN}-", '"one"')]
    check_whole(here)


def test_killed_while_the_rest_comes_only_time_is_lost(here: World, begun: Callable[[Source], None]) -> None:
    source = Source(breaks=[BROKEN])
    begun(source)
    assert child(here).wait() == 0
    here.write_rows("UPDATE work SET due_at = ?", EPOCH)
    source.breaks, source.stays = [BROKEN + 1_000_000], True
    source.reached.clear()
    dying = child(here)
    assert source.reached.wait(60)
    dying.kill()
    assert dying.wait() == -signal.SIGKILL
    assert here.cached() == {}
    source.stays = False

    again(here)

    assert source.asked[1] == (f"bytes={BROKEN}-", '"one"')
    check_whole(here)
