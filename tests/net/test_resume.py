"""The rest of a large body is asked for only while it is the same body, and joined to nothing else."""

from __future__ import annotations

import os
import queue
import threading
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from postkeep.errors import (
    AddressRefused,
    FetchError,
    HttpStatus,
    NameUnresolved,
    TimedOut,
    TooLarge,
    Truncated,
)
from postkeep.model import Fetched, Partial
from postkeep.net import engine
from postkeep.net.fetcher import Fetcher
from postkeep.net.job import Outcome
from tests.net.fetching import BASE, Spool, content, digest_of, get
from tests.servers import media
from tests.servers.media import Exchange, MediaServer, Misbehaviour

WHOLE = os.urandom(3_000_000)
ETAG = '"v1"'
DATE = "Sun, 06 Nov 1994 08:49:37 GMT"
SOON = "Sun, 06 Nov 1994 08:50:36 GMT"
LATER = "Sun, 06 Nov 1994 08:50:37 GMT"


def breaking(*, at: int = 2_000_000, validator: dict[str, str], reset: bool = False) -> Misbehaviour:
    """Sends a part of the body and is gone."""

    def answer(exchange: Exchange) -> None:
        exchange.head(headers={"Content-Length": str(len(WHOLE)), **validator})
        exchange.send(WHOLE[:at])
        exchange.hang_up(reset=reset)

    return answer


def rest(**options: Any) -> Misbehaviour:
    """Continues where it is asked to, unless the options say otherwise."""

    def answer(exchange: Exchange) -> None:
        start = int(exchange.request.headers["range"].removeprefix("bytes=").removesuffix("-"))
        given = {"start": start, "last": len(WHOLE) - 1, "total": len(WHOLE), "etag": ETAG} | options
        body = WHOLE[start : given["last"] + 1][: given.get("sent")]
        headers = {
            "Content-Range": f"bytes {given['start']}-{given['last']}/{given['total']}",
            "Content-Length": str(given.get("length", given["last"] - start + 1)),
            **({"ETag": given["etag"]} if given["etag"] else {}),
            **given.get("more", {}),
        }
        exchange.head(206, headers)
        exchange.send(body)
        if "sent" in given:
            exchange.hang_up()

    return answer


def broken(fetcher: Fetcher, url: str, **options: Any) -> FetchError:
    with pytest.raises(FetchError) as caught:
        get(fetcher, url, **options)
    return caught.value


def begun(server: MediaServer, fetcher: Fetcher, validator: dict[str, str] | None = None) -> Partial:
    """What is left of a first try at /a."""
    url = server.route("/a", breaking(validator=validator or {"ETag": ETAG}))
    part = broken(fetcher, url).partial
    assert part is not None
    return part


def test_a_body_that_breaks_off_is_continued(
    server: MediaServer, make: Callable[..., Fetcher], spool: Spool, monkeypatch: pytest.MonkeyPatch
) -> None:
    readers = []
    digest_file = engine.digest_file

    def noted(path: Path) -> Any:
        readers.append(threading.current_thread().name)
        return digest_file(path)

    monkeypatch.setattr(engine, "digest_file", noted)
    fetcher = make()
    part = begun(server, fetcher, {"ETag": ETAG, "Last-Modified": DATE})
    assert (part.size, part.total, part.etag, part.last_modified) == (2_000_000, len(WHOLE), ETAG, DATE)
    assert part.path.read_bytes() == WHOLE[: part.size]
    assert spool.left == [part.path]
    server.route("/a", rest())
    body = get(fetcher, server.url("/a"), part=part).body
    assert (body.path, body.size, body.digest) == (part.path, len(WHOLE), digest_of(WHOLE))
    assert content(body) == WHOLE
    assert readers == ["postkeep-hash"]
    assert spool.left == [part.path]
    asked = server.requests[-1].headers
    assert (asked["range"], asked["if-range"]) == ("bytes=2000000-", ETAG)
    # What comes next on this handle asks for the whole again.
    server.route("/b", b"x")
    get(fetcher, server.url("/b"))
    assert "range" not in server.requests[-1].headers
    assert "if-range" not in server.requests[-1].headers


def test_a_date_is_a_validator_too(server: MediaServer, make: Callable[..., Fetcher]) -> None:
    fetcher = make()
    part = begun(server, fetcher, {"Last-Modified": DATE, "Date": LATER})
    assert (part.etag, part.last_modified) == (None, DATE)
    server.route("/a", rest(etag=None, more={"Last-Modified": DATE}, sent=10))
    assert broken(fetcher, server.url("/a"), part=part).partial == replace(part, size=part.size + 10)
    part = replace(part, size=part.size + 10)
    server.route("/a", rest(etag=None, more={"Last-Modified": DATE}))
    assert get(fetcher, server.url("/a"), part=part).body.digest == digest_of(WHOLE)
    assert server.requests[-1].headers["if-range"] == DATE


@pytest.mark.parametrize(
    ("at", "validator"),
    [
        (2_000_000, {}),
        (2_000_000, {"ETag": 'W/"v1"'}),
        (2_000_000, {"ETag": "v1"}),
        (2_000_000, {"ETag": 'W/"v1"', "Last-Modified": DATE, "Date": LATER}),
        (2_000_000, {"ETag": "", "Last-Modified": DATE, "Date": LATER}),
        (2_000_000, {"Last-Modified": DATE}),
        (2_000_000, {"Last-Modified": DATE, "Date": DATE}),
        (2_000_000, {"Last-Modified": DATE, "Date": SOON}),
        (2_000_000, {"Last-Modified": DATE, "Date": "nonsense"}),
        (2_000_000, {"Last-Modified": "nonsense", "Date": LATER}),
        (2_000_000, {"ETag": ETAG, "Accept-Ranges": "none"}),
        (1024 * 1024 - 1, {"ETag": ETAG}),
    ],
)
def test_what_cannot_be_continued_is_not_kept(
    server: MediaServer, make: Callable[..., Fetcher], spool: Spool, at: int, validator: dict[str, str]
) -> None:
    url = server.route("/a", breaking(at=at, validator=validator))
    error = broken(make(spill_at=100_000), url)
    assert isinstance(error, Truncated)
    assert error.partial is None
    assert spool.left == []


def test_what_is_in_memory_is_not_kept(server: MediaServer, make: Callable[..., Fetcher], spool: Spool) -> None:
    url = server.route("/a", breaking(validator={"ETag": ETAG}))
    assert broken(make(spill_at=5_000_000), url).partial is None
    assert spool.left == []


def test_a_stall_leaves_a_part(server: MediaServer, make: Callable[..., Fetcher]) -> None:
    def stalling(exchange: Exchange) -> None:
        exchange.head(headers={"Content-Length": str(len(WHOLE)), "ETag": ETAG})
        exchange.send(WHOLE[:2_000_000])
        exchange.wait(60)

    error = broken(make(replace(BASE, total_timeout=2.0)), server.route("/a", stalling))
    assert isinstance(error, TimedOut)
    assert error.partial is not None
    assert error.partial.size == 2_000_000


def test_a_body_of_unknown_length_is_continued(server: MediaServer, make: Callable[..., Fetcher]) -> None:
    def chunked(exchange: Exchange) -> None:
        exchange.head(headers={"Transfer-Encoding": "chunked", "ETag": ETAG})
        exchange.send(b"%x\r\n%s\r\n" % (1_500_000, WHOLE[:1_500_000]))
        exchange.hang_up()

    fetcher = make()
    part = broken(fetcher, server.route("/a", chunked)).partial
    assert part is not None
    assert (part.size, part.total) == (1_500_000, None)
    server.route("/a", rest())
    assert content(get(fetcher, server.url("/a"), part=part).body) == WHOLE


def test_a_rest_that_breaks_off_leaves_a_larger_part(
    server: MediaServer, make: Callable[..., Fetcher], spool: Spool
) -> None:
    fetcher = make()
    part = begun(server, fetcher)
    server.route("/a", rest(sent=300_000))
    again = broken(fetcher, server.url("/a"), part=part).partial
    assert again == replace(part, size=2_300_000)
    # Here the server itself gives less than the rest.
    server.route("/a", rest(last=2_500_000 - 1))
    error = broken(fetcher, server.url("/a"), part=again)
    assert isinstance(error, Truncated)
    assert error.partial == replace(part, size=2_500_000)
    server.route("/a", rest())
    assert content(get(fetcher, server.url("/a"), part=error.partial).body) == WHOLE
    assert spool.left == [part.path]


def test_another_body_starts_afresh(server: MediaServer, make: Callable[..., Fetcher], spool: Spool) -> None:
    fetcher = make()
    part = begun(server, fetcher)
    server.route("/a", b"another body", headers={"ETag": '"v2"'})
    body = get(fetcher, server.url("/a"), part=part).body
    assert content(body) == b"another body"
    assert spool.left == []


@pytest.mark.parametrize(
    "answer",
    [
        rest(start=0),
        rest(start=1_999_999),
        rest(total=3_000_001),
        rest(last=2_999_999, total=2_500_000),
        rest(etag='"v2"'),
        rest(etag=None),
        rest(more={"Last-Modified": "Mon, 07 Nov 1994 08:49:37 GMT"}),
        rest(length=5),
        rest(more={"Content-Range": "bytes */3000000"}),
        lambda exchange: exchange.head(206, {"Content-Length": "0"}),
        lambda exchange: exchange.head(200, {"Content-Range": "bytes 0-9/10", "Content-Length": "0"}),
        lambda exchange: exchange.head(416, {"Content-Range": "bytes */10", "Content-Length": "0"}),
    ],
)
def test_a_rest_that_does_not_fit_is_dropped_with_the_part(
    server: MediaServer, make: Callable[..., Fetcher], spool: Spool, answer: Misbehaviour
) -> None:
    fetcher = make()
    part = begun(server, fetcher, {"ETag": ETAG, "Last-Modified": DATE})
    server.route("/a", answer)
    error = broken(fetcher, server.url("/a"), part=part)
    assert isinstance(error, Truncated)
    assert error.temporary
    assert error.partial is None
    assert spool.left == []


@pytest.mark.parametrize("etag", [ETAG, 'W/"v1"', "v1"])
def test_an_etag_where_there_was_none_is_another_body(
    server: MediaServer, make: Callable[..., Fetcher], spool: Spool, etag: str
) -> None:
    fetcher = make()
    part = begun(server, fetcher, {"Last-Modified": DATE, "Date": LATER})
    server.route("/a", rest(etag=etag, more={"Last-Modified": DATE}))
    error = broken(fetcher, server.url("/a"), part=part)
    assert isinstance(error, Truncated)
    assert error.partial is None
    assert spool.left == []


def test_the_limit_counts_the_whole(server: MediaServer, make: Callable[..., Fetcher], spool: Spool) -> None:
    fetcher = make()
    part = begun(server, fetcher)
    server.route("/a", rest())
    assert isinstance(broken(fetcher, server.url("/a"), part=part, max_bytes=2_900_000), TooLarge)
    assert spool.left == []


@pytest.mark.parametrize("what", ["missing", "shorter", "link", "unproven"])
def test_a_part_of_no_use_starts_afresh(
    server: MediaServer, make: Callable[..., Fetcher], spool: Spool, tmp_path: Path, what: str
) -> None:
    fetcher = make()
    part = begun(server, fetcher)
    victim = tmp_path / "victim"
    victim.write_bytes(WHOLE)
    if what == "unproven":
        part = replace(part, etag=None)
    elif what == "shorter":
        os.truncate(part.path, part.size - 1)
    else:
        part.path.unlink()
        if what == "link":
            part.path.symlink_to(victim)
    server.route("/a", WHOLE)
    body = get(fetcher, server.url("/a"), part=part).body
    assert content(body) == WHOLE
    assert "range" not in server.requests[-1].headers
    assert spool.left == [body.path]
    assert victim.read_bytes() == WHOLE


def test_bytes_behind_the_part_are_cut_off(server: MediaServer, make: Callable[..., Fetcher]) -> None:
    fetcher = make()
    part = begun(server, fetcher)
    with part.path.open("ab") as file:
        file.write(b"what a crash left")
    server.route("/a", rest())
    assert content(get(fetcher, server.url("/a"), part=part).body) == WHOLE


def test_a_passing_failure_gives_the_part_back_a_lasting_one_removes_it(
    server: MediaServer, make: Callable[..., Fetcher], spool: Spool
) -> None:
    class Nothing:
        def resolve(self, host: str, port: int) -> list[str]:
            return []

    fetcher = make(resolver=Nothing())
    part = begun(server, fetcher)
    server.route("/a", b"later", status=503)
    assert broken(fetcher, server.url("/a"), part=part).partial == part
    named = broken(fetcher, server.url("/a", host="name.example"), part=part)
    assert isinstance(named, NameUnresolved)
    assert named.partial == part
    with pytest.raises(AddressRefused):
        get(fetcher, "http://10.0.0.1/", part=part)
    assert spool.left == [part.path]
    # A redirect asks for the rest where it leads.
    server.route("/a", media.redirect("/b"))
    server.route("/b", b"gone", status=404)
    assert isinstance(broken(fetcher, server.url("/a"), part=part), HttpStatus)
    assert server.requests[-1].headers["if-range"] == ETAG
    assert spool.left == []


@pytest.mark.parametrize("when", ["waiting", "running", "hashing"])
@pytest.mark.parametrize("way", ["abort", "close"])
def test_who_aborts_or_closes_wants_no_part(
    server: MediaServer,
    make: Callable[..., Fetcher],
    spool: Spool,
    monkeypatch: pytest.MonkeyPatch,
    when: str,
    way: str,
) -> None:
    outcomes: queue.SimpleQueue[Outcome] = queue.SimpleQueue()
    fetcher = make(replace(BASE, per_host=1))
    part = begun(server, fetcher)
    reading, go, asked = threading.Event(), threading.Event(), server.count()
    digest_file = engine.digest_file

    def held(path: Path) -> Any:
        reading.set()
        go.wait(20)
        return digest_file(path)

    monkeypatch.setattr(engine, "digest_file", held)
    server.route("/slow", media.slow(b"x", seconds=20))
    server.route("/a", rest() if when == "hashing" else media.slow(b"x", seconds=20))
    if when == "waiting":
        fetcher.begin(server.url("/slow"), lambda _: None)
    job = fetcher.begin(server.url("/a"), outcomes.put, part=part)
    if when == "hashing":
        assert reading.wait(20)
    else:
        while server.count() == asked:
            pass
    if way == "abort":
        fetcher.abort(job)
    else:
        fetcher.close()
    assert type(outcomes.get(timeout=20)) is FetchError
    fetcher.close()
    go.set()
    assert outcomes.empty()
    assert spool.left == []


def test_done_gets_the_part_with_the_error(server: MediaServer, make: Callable[..., Fetcher]) -> None:
    outcomes: queue.SimpleQueue[Outcome] = queue.SimpleQueue()
    fetcher = make()
    part = begun(server, fetcher)
    server.route("/a", rest(sent=10))
    fetcher.begin(server.url("/a"), outcomes.put, part=part)
    error = outcomes.get(timeout=20)
    assert isinstance(error, FetchError)
    assert error.partial == replace(part, size=part.size + 10)
    server.route("/a", rest())
    fetcher.begin(server.url("/a"), outcomes.put, part=error.partial)
    assert isinstance(outcomes.get(timeout=20), Fetched)
