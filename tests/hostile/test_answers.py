"""The whole table in one import beside each other, a second run days later, and each URL without a post."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from postkeep.model import RunStatus, utc_now
from postkeep.store.types import from_text
from postkeep.views import FileView, ImportSummary, MediaView, UrlOutcome
from tests.hostile.scene import Scene, scene, watched_memory
from tests.hostile.table import ABSURD_WAITS, CASES, GOOD, LISTED, MOST_BYTES, Case
from tests.media_bytes import ALL
from tests.servers.media import MediaServer

MOST_GROWTH = 150 * 1024 * 1024
DAYS = timedelta(days=8)
DUE = "SELECT m.media_url, w.due_at FROM work w JOIN post_media m ON m.media_id = w.subject"
OURS = re.compile(r"cache/(?:media/(?:images|videos|documents)/[0-9a-f]{32}\.[a-z0-9]{3,4}|\.lock|\.turn)")

EXTENSIONS = {"image/jpeg": "jpg", "video/quicktime": "mov"} | {
    mime: mime.partition("/")[2] for mime in ALL if mime not in ("image/jpeg", "video/quicktime")
}


@dataclass
class Ran:
    """What came of the table: `sent` are requests by host in the first run."""

    scene: Scene
    summary: ImportSummary
    first: dict[str, tuple[str, str | None]]
    later: dict[str, tuple[str, str | None]]
    sent: dict[str, int]
    direct: dict[str, UrlOutcome]
    media: dict[str, MediaView]
    due: dict[str, str]
    growth: int
    other: Scene
    cut_short: set[str]
    began: datetime


def host(case: Case) -> str:
    return f"case-{CASES.index(case)}.test"


def url(server: MediaServer, case: Case) -> str:
    return server.url(f"/{CASES.index(case)}.jpg", host=host(case))


def by_host(server: MediaServer) -> dict[str, int]:
    counts: dict[str, int] = {}
    for request in server.requests:
        name = request.headers["host"].partition(":")[0]
        counts[name] = counts.get(name, 0) + 1
    return counts


@pytest.fixture(scope="module")
def ran(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Ran]:
    folder = tmp_path_factory.mktemp("hostile")
    listed = (hashlib.sha256(LISTED).hexdigest(),)
    settings: dict[str, Any] = {"max_bytes": MOST_BYTES, "placeholders": listed}
    with (
        MediaServer() as server,
        scene(folder, server, **settings) as here,
        scene(folder / "direct", server, **settings) as direct,
        watched_memory() as growth,
    ):
        urls = {case.name: url(server, case) for case in CASES}
        for number, case in enumerate(CASES):
            server.route(f"/{number}.jpg", case.answer)
        began = utc_now()
        summary = here.bring(*urls.values())
        first = {name: here.row(each) or ("none", None) for name, each in urls.items()}
        sent = by_host(server)
        due = dict(
            here.world.rows("SELECT m.media_url, w.due_at FROM work w JOIN post_media m ON m.media_id = w.subject")
        )
        direct.world.folder.mkdir(exist_ok=True)
        outcomes = direct.world.library.fetch_urls([f"{each}?direct" for each in urls.values()])
        here.world.now_is(utc_now() + DAYS)
        here.world.library.fetch_due()
        yield Ran(
            here,
            summary,
            first,
            {name: here.row(each) or ("none", None) for name, each in urls.items()},
            sent,
            dict(zip(urls, outcomes, strict=True)),
            {each.url: each for each in here.world.library.media_list(limit=10_000)},
            due,
            growth(),
            direct,
            {sha for (sha,) in direct.world.rows("SELECT sha256 FROM media_files WHERE incomplete_at_source")},
            began,
        )
        assert here.trap.caught == direct.trap.caught == []


EACH = pytest.mark.parametrize("case", CASES, ids=[case.name for case in CASES])


@EACH
def test_a_hostile_answer_has_its_outcome(ran: Ran, case: Case) -> None:
    view = ran.media[url(ran.scene.world.server, case)]

    assert ran.first[case.name] == (case.state, case.kind)
    assert ran.later[case.name][0] == (case.later or case.state)
    assert ran.sent[host(case)] == case.requests
    if case.keeps is None:
        assert (view.path, view.cached) == (None, False)
        return
    assert view.path is not None
    kept = ran.scene.world.root / view.path
    assert kept.read_bytes() == case.keeps
    assert kept.name == f"{hashlib.md5(case.keeps).hexdigest()}.{EXTENSIONS[case.mime]}"
    assert (view.mime_type, view.size) == (case.mime, len(case.keeps))
    assert view.incomplete_at_source is case.incomplete
    if case.sides is not None:
        assert (view.width, view.height) == case.sides


@EACH
def test_without_a_post_it_is_the_same(ran: Ran, case: Case) -> None:
    outcome = ran.direct[case.name]

    assert outcome.kind == ("http" if (case.kind or "").startswith("http_") else case.kind)
    if case.keeps is None:
        assert outcome.file is None
        return
    file = outcome.file
    assert isinstance(file, FileView)
    assert Path(file.path).read_bytes() == case.keeps
    assert (file.mime_type, file.extension) == (case.mime, EXTENSIONS[case.mime])
    assert (file.sha256 in ran.cut_short) is case.incomplete


def test_a_run_full_of_hostile_answers_ends_as_any_other(ran: Ran) -> None:
    states = [case.state for case in CASES]
    summary = ran.summary
    assert (summary.status, summary.new, summary.errors) == (RunStatus.PARTIAL, len(CASES), 0)
    assert summary.media.found == len(CASES)
    assert summary.media.cached == states.count("fetched")
    assert (summary.media.gone, summary.media.expired) == (states.count("gone"), states.count("expired"))
    assert summary.media.refused == states.count("refused")


def test_no_wait_that_a_server_asks_for_is_longer_than_a_day(ran: Ran) -> None:
    waits = [url(ran.scene.world.server, case) for case in CASES if case.state in ("pending", "retry")]
    assert len(waits) > len(ABSURD_WAITS)
    for each in waits:
        wait = from_text(ran.due[each]) - ran.began
        assert timedelta(0) < wait < timedelta(days=1, minutes=5), each


def test_the_rows_agree_with_each_other_and_with_the_files(ran: Ran) -> None:
    ran.scene.world.check()
    assert ran.scene.world.library.verify_cache().status is RunStatus.COMPLETED


def test_only_names_of_our_own_choice_are_below_the_home(ran: Ran) -> None:
    for each in (ran.scene, ran.other):
        files = each.everything()
        assert files
        assert [name for name in files if not OURS.fullmatch(name)] == []


def test_memory_is_bounded_whatever_comes(ran: Ran) -> None:
    assert 0 < ran.growth < MOST_GROWTH


def test_what_so_many_show_is_likely_a_placeholder(ran: Ran) -> None:
    """Here it is the good picture: strangers who are no strangers to each other."""
    shown = sum(case.keeps == GOOD for case in CASES)
    [found] = ran.scene.world.library.placeholders()
    assert (found.sha256, found.media_keys) == (hashlib.sha256(GOOD).hexdigest(), shown)
