"""What could not be read is read again when it can be, with the place and time it had."""

from __future__ import annotations

import orjson
import pytest

from postkeep.cli.summaries import replay_text
from postkeep.errors import ParseError
from postkeep.model import RunStatus
from postkeep.platforms.linkedin import PLATFORM, Linkedin
from postkeep.store import tombstones
from tests.library.world import World, picture
from tests.records import EPOCH, activity_id, post

BAD = {"future": "shape", "number": 7}


def quarantined(here: World, *, count: int = 1) -> list[str]:
    """Records of a shape this version does not know, between good ones."""
    here.bring(post(1), *({**BAD, "serial": n} for n in range(count)), post(2))
    return [each.quarantine_id for each in here.library.quarantine(limit=1000)]


def learn(monkeypatch: pytest.MonkeyPatch, *, but: int = -1) -> None:
    """A later version: the platform knows the shape."""
    recognises, parse = Linkedin.recognises, Linkedin.parse

    def as_post(record):
        return post(100 + record["serial"], text="read after all") if "future" in record else record

    def read(self, record, via=None):
        if record.get("serial") == but:
            raise ParseError("still not", field="future")
        return parse(self, as_post(record), via)

    monkeypatch.setattr(Linkedin, "recognises", lambda self, record: recognises(self, as_post(record)))
    monkeypatch.setattr(Linkedin, "parse", read)
    assert PLATFORM.recognises({**BAD, "serial": 1})


def test_what_still_cannot_be_read_stays(here):
    [_bad] = quarantined(here)
    before = here.library.quarantine()

    replayed = here.library.replay_quarantine()

    assert (replayed.status, replayed.replayed, replayed.remaining) == (RunStatus.COMPLETED, 0, 1)
    assert here.library.quarantine() == before
    assert here.library.totals().quarantined == 1


def test_what_can_be_read_now_is_a_post_with_its_own_time_and_place(here, monkeypatch):
    quarantined(here)
    source = here.library.quarantine()[0].source
    learn(monkeypatch)

    replayed = here.library.replay_quarantine()

    assert (replayed.replayed, replayed.new, replayed.duplicates, replayed.remaining) == (1, 1, 0, 0)
    assert here.library.quarantine() == []
    assert here.library.totals().quarantined == 0
    [(_observed, path)] = here.rows(
        "SELECT d.observed_at, d.source_file_path FROM data_downloads d JOIN posts p ON p.post_id = d.post_id"
        " WHERE p.text_content = 'read after all'"
    )
    snapshot = here.library.post("urn:li:activity:" + post(100)["urn"]["activity_urn"]).snapshots[0]
    assert (snapshot.observed_at, path) == (EPOCH, source)
    # The bytes are with the raw records now, once.
    [(body, resolved)] = here.rows("SELECT body, resolved_at IS NOT NULL FROM quarantine")
    assert (body, bool(resolved)) == (None, True)
    again = here.library.replay_quarantine()
    assert (again.replayed, again.remaining) == (0, 0)
    here.check()


def test_many_are_read_page_by_page_and_one_that_stays_stops_nobody(here, monkeypatch):
    quarantined(here, count=230)
    learn(monkeypatch, but=120)
    seen = []

    replayed = here.library.replay_quarantine(progress=lambda step: seen.append((step.done, step.total)))

    assert (replayed.replayed, replayed.new, replayed.remaining) == (229, 229, 1)
    assert seen == [(100, 230), (200, 230), (230, 230)]
    assert here.library.totals().posts == 231
    here.check()


def test_replaying_fetches_nothing_and_queues_the_media(here, monkeypatch):
    quarantined(here)
    here.server.route("/x.png", picture())
    url = here.server.url("/x.png")
    learn(monkeypatch)
    parse = Linkedin.parse
    with_media = post(100, media={"type": "image", "url": url, "images": [{"url": url}]})
    monkeypatch.setattr(
        Linkedin,
        "parse",
        lambda self, record, via=None: parse(self, with_media if "future" in record else record, via),
    )

    here.library.replay_quarantine()

    assert (here.server.count(), here.queued()) == (0, 1)
    assert here.library.fetch_due().cached == 1


def test_a_record_that_is_bad_again_after_it_was_read_is_open_again(here, monkeypatch):
    quarantined(here)
    with monkeypatch.context() as newer:
        learn(newer)
        here.library.replay_quarantine()
    here.bring({**BAD, "serial": 0}, at=EPOCH.replace(day=2))

    assert here.library.totals().quarantined == 1
    assert here.rows("SELECT count(*) FROM quarantine") == [(2,)]


def test_stopping_leaves_the_rest_for_the_next_time(here, monkeypatch):
    quarantined(here, count=150)
    learn(monkeypatch)
    steps = []

    stopped = here.library.replay_quarantine(stop=lambda: len(steps) > 0, progress=steps.append)

    assert (stopped.status, stopped.replayed, stopped.remaining) == (RunStatus.CANCELLED, 100, 50)
    assert here.library.replay_quarantine().replayed == 50


def test_bytes_that_were_too_large_to_keep_are_said_to_be_missing(here):
    path = here.folder / "large.json"
    path.write_bytes(b'[{"x":"' + b"a" * (65 << 20) + b'"},' + orjson.dumps(post(1)) + b"]")
    summary = here.library.import_([str(path)])

    assert (summary.new, summary.errors) == (1, 1)
    [view] = here.library.quarantine()
    assert (view.replayable, view.length > 65 << 20) == (False, True)
    assert "64 MiB" in view.reason
    replayed = here.library.replay_quarantine()
    assert (replayed.replayed, replayed.remaining, replayed.not_replayable) == (0, 1, 1)


def test_what_was_erased_is_refused_and_told(here, monkeypatch):
    quarantined(here, count=2)
    learn(monkeypatch)
    erased = activity_id(serial=100)
    with here.store.writing() as tx:
        tombstones.leave(tx, [tombstones.of_post("linkedin", erased)], reason="asked to", now=EPOCH)

    replayed = here.library.replay_quarantine()

    assert (replayed.replayed, replayed.new, replayed.refused, replayed.remaining) == (2, 1, 1, 0)
    assert "Refused:    1" in replay_text(replayed)
    assert here.rows("SELECT 1 FROM posts WHERE native_id = ?", erased) == []
    assert here.rows("SELECT count(*) FROM quarantine WHERE body IS NOT NULL") == [(0,)]
