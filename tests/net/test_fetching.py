"""What the fetcher brings, and what it asks for."""

from __future__ import annotations

import asyncio
import os
import threading
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from postkeep.errors import (
    AddressRefused,
    HttpStatus,
)
from postkeep.net.fetcher import Fetcher
from tests.net.fetching import BASE, Spool, content, digest_of, get, run, until
from tests.servers import media
from tests.servers.media import Exchange, MediaServer


def test_a_small_body_stays_in_memory(server: MediaServer, make: Callable[..., Fetcher], spool: Spool) -> None:
    url = server.route("/a", media.png(7), "image/png", headers={"X-Two": "1", "x-two": "2"})
    fetched = get(make(), url + "?secret=1")
    assert fetched.body.path is None
    assert content(fetched.body) == media.png(7)
    assert fetched.body.size == len(media.png(7))
    assert (fetched.url, fetched.final_url) == (url + "?secret=1", url + "?secret=1")
    assert fetched.headers["content-type"] == "image/png"
    assert fetched.headers["x-two"] == "1, 2"
    assert fetched.milliseconds >= 0
    assert spool.left == []


def test_a_large_body_goes_to_a_private_file_hashed_on_the_way(
    server: MediaServer, make: Callable[..., Fetcher], spool: Spool
) -> None:
    whole = os.urandom(3_000_001)
    url = server.route("/a", whole)
    body = get(make(), url).body
    assert body.path is not None
    assert spool.left == [body.path]
    assert body.path.stat().st_mode & 0o777 == 0o600
    assert content(body) == whole
    assert body.digest == digest_of(whole)
    assert body.size == len(whole)
    assert body.chunks == ()


@pytest.mark.parametrize("size", [1, 16384, 99_999, 100_000, 100_001, 131_072, 262_145])
def test_the_border_between_memory_and_file(
    server: MediaServer, make: Callable[..., Fetcher], spool: Spool, size: int
) -> None:
    whole = os.urandom(size)
    body = get(make(spill_at=100_000), server.route("/a", whole)).body
    assert content(body) == whole
    assert (body.path is None) == (size <= 100_000)
    assert body.digest in (None, digest_of(whole))


def test_bodies_spill_when_all_together_hold_too_much(
    server: MediaServer, make: Callable[..., Fetcher], spool: Spool
) -> None:
    whole = os.urandom(100_000)
    arrived = threading.Event()

    def together(exchange: Exchange) -> None:
        exchange.head(headers={"Content-Length": str(len(whole))})
        exchange.send(whole[:60_000])
        arrived.wait(20)
        exchange.send(whole[60_000:])

    server.route("/a", together)
    fetcher = make(replace(BASE, per_host=8), memory_limit=200_000)

    async def fetch() -> None:
        fetching = asyncio.gather(*(fetcher.fetch(server.url(f"/a?{at}")) for at in range(8)))
        # Of eight times 60,000 bytes no more than three stay in memory, when all of them are here.
        await until(lambda: len(spool.left) >= 5)
        arrived.set()
        all_of_them = await fetching
        assert all(content(each.body) == whole for each in all_of_them)
        files = [each.body for each in all_of_them if each.body.path]
        assert len(files) >= 5
        assert all(body.digest == digest_of(whole) for body in files)
        # What was handed over counts no longer, so the next one has room again.
        server.route("/b", whole)
        assert (await fetcher.fetch(server.url("/b"))).body.path is None

    run(fetch())


def test_500_small_files_over_few_connections(server: MediaServer, make: Callable[..., Fetcher]) -> None:
    for at in range(500):
        server.route(f"/{at}", b"file %d" % at)
    fetcher = make()

    async def fetch() -> None:
        fetched = await asyncio.gather(*(fetcher.fetch(server.url(f"/{at}")) for at in range(500)))
        assert [content(each.body) for each in fetched] == [b"file %d" % at for at in range(500)]

    run(fetch())
    assert server.count() == 500
    assert fetcher.statistics.requests == 500
    assert fetcher.statistics.connections <= 5


def test_chunked_and_unlimited_bodies_are_whole_at_their_end(
    server: MediaServer, make: Callable[..., Fetcher]
) -> None:
    trailers = b"0\r\nX-Trailer: 1\r\nLocation: /x\r\n\r\n"
    server.route("/chunked", media.chunked([b"one", b"two"], end=trailers))
    server.route("/interim", media.raw(b"HTTP/1.1 103 Early\r\nLink: x\r\n\r\nHTTP/1.1 200 OK\r\nX: y\r\n\r\nend"))
    fetcher = make()
    assert content(get(fetcher, server.url("/chunked")).body) == b"onetwo"
    fetched = get(fetcher, server.url("/interim"))
    assert content(fetched.body) == b"end"
    assert fetched.headers == {"x": "y"}


def test_a_waiting_thread_can_fetch_too(server: MediaServer, make: Callable[..., Fetcher]) -> None:
    fetcher = make()
    assert content(fetcher.fetch_sync(server.route("/a", b"x")).body) == b"x"
    with pytest.raises(HttpStatus):
        fetcher.fetch_sync(server.url("/none"))
    with pytest.raises(AddressRefused):
        fetcher.fetch_sync("http://10.0.0.1/")


def test_two_event_loops_and_a_thread_share_one_fetcher(server: MediaServer, make: Callable[..., Fetcher]) -> None:
    server.route("/a", b"x" * 1000)
    fetcher, sizes = make(), []

    async def many() -> None:
        for each in await asyncio.gather(*(fetcher.fetch(server.url(f"/a?{at}")) for at in range(50))):
            sizes.append(each.body.size)

    def waiting() -> None:
        sizes.extend(fetcher.fetch_sync(server.url(f"/a?{at}")).body.size for at in range(50))

    threads = [threading.Thread(target=target) for target in (lambda: run(many()), lambda: run(many()), waiting)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sizes == [1000] * 150


def test_a_request_says_no_more_than_it_must(
    server: MediaServer, make: Callable[..., Fetcher], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / ".netrc").write_text("default login me password secret\n")
    (tmp_path / ".netrc").chmod(0o600)
    monkeypatch.setenv("HOME", str(tmp_path))
    server.route("/a", b"x", headers={"Set-Cookie": "a=b; Path=/"})
    fetcher = make()
    get(fetcher, server.url("/a"))
    get(fetcher, server.url("/a#part"))
    for request in server.requests:
        assert request.method == "GET"
        assert request.path == "/a"
        assert request.headers == {
            "host": f"127.0.0.1:{server.port}",
            "user-agent": BASE.user_agent,
            "accept": "*/*",
            "accept-encoding": "identity",
        }


def test_user_agents_go_by_domain(server: MediaServer, make: Callable[..., Fetcher]) -> None:
    agents = {"example.com": "one", "media.example.com": "two"}
    config = replace(BASE, user_agent="plain", user_agents=agents)
    fetcher = make(config, connect_to=[f"::127.0.0.1:{server.port}"])
    server.route("/a", b"x")
    hosts = {
        "example.com": "one",
        "cdn.example.com": "one",
        "media.example.com": "two",
        "a.b.media.EXAMPLE.com": "two",
        "notexample.com": "plain",
        "example.com.org": "plain",
    }
    for host in hosts:
        get(fetcher, f"http://{host}/a")
    assert [each.headers["user-agent"] for each in server.requests] == list(hosts.values())


def test_proxies_of_the_environment_are_ignored(
    server: MediaServer, other: MediaServer, make: Callable[..., Fetcher], monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("http_proxy", "https_proxy", "all_proxy", "HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY"):
        monkeypatch.setenv(name, other.url(""))
    monkeypatch.delenv("no_proxy", raising=False)
    url = server.route("/a", b"x")
    assert content(get(make(allow=(other.allow,)), url).body) == b"x"
    assert (server.count(), other.count()) == (1, 0)


def meeting(parties: int, after: threading.Event | None = None) -> media.Misbehaviour:
    """Answers only when so many requests are there at once, and this has happened."""
    barrier = threading.Barrier(parties)

    def answer(exchange: Exchange) -> None:
        barrier.wait(20)
        if after:
            after.wait(20)
        exchange.head(headers={"Content-Length": "1"})
        exchange.send_last(b"x")

    return answer


def test_a_host_has_its_share_never_more_and_none_waits_for_another(
    server: MediaServer, make: Callable[..., Fetcher]
) -> None:
    hosts, last = ("a.example", "b.example"), threading.Event()
    for host in hosts:
        server.route(f"/{host}", meeting(3, last))
    server.route("/last", b"x")
    fetcher = make(replace(BASE, per_host=3), connect_to=[f"::127.0.0.1:{server.port}"])

    async def fetch() -> None:
        urls = [f"http://{host}/{host}?{at}" for at in range(39) for host in hosts]
        crowd = [asyncio.create_task(fetcher.fetch(url)) for url in urls]
        await asyncio.sleep(0)
        await fetcher.fetch("http://c.example/last")
        last.set()
        await asyncio.gather(*crowd)

    run(fetch())
    assert server.count() == 79
    assert [server.most_at_once[host] for host in hosts] == [3, 3]


def test_all_hosts_together_have_a_limit_too(server: MediaServer, make: Callable[..., Fetcher]) -> None:
    server.route("/a", meeting(4))
    fetcher = make(replace(BASE, concurrency=4), connect_to=[f"::127.0.0.1:{server.port}"])

    async def fetch() -> None:
        await asyncio.gather(*(fetcher.fetch(f"http://host{at}.example/a") for at in range(40)))

    run(fetch())
    assert server.count() == 40
    assert server.most_at_once[""] == 4
