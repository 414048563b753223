"""The fetcher against servers that behave, and against servers that do not."""

from __future__ import annotations

import asyncio
import errno
import hashlib
import itertools
import os
import shutil
import subprocess
import threading
from collections.abc import Callable, Coroutine, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from postkeep.config import FetchConfig
from postkeep.errors import (
    AddressRefused,
    CacheError,
    ConfigError,
    ConnectFailed,
    FetchError,
    HttpStatus,
    NameUnresolved,
    NotMedia,
    TimedOut,
    TlsFailed,
    TooLarge,
    TooManyRedirects,
    Truncated,
)
from postkeep.model import Body, Digest, Fetched
from postkeep.net.fetcher import Fetcher
from tests.servers import media
from tests.servers.media import Exchange, MediaServer

BASE = FetchConfig(connect_timeout=5, stall_timeout=5, total_timeout=20)


@pytest.fixture
def server() -> Iterator[MediaServer]:
    with MediaServer() as server:
        yield server


@pytest.fixture
def other() -> Iterator[MediaServer]:
    with MediaServer() as server:
        yield server


class Spool:
    """Fresh paths in a folder, as the cache gives them; `left` is what lies there."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.numbers = itertools.count()

    def __call__(self) -> Path:
        return self.folder / str(next(self.numbers))

    @property
    def left(self) -> list[Path]:
        return sorted(self.folder.iterdir())


@pytest.fixture
def spool(tmp_path: Path) -> Spool:
    folder = tmp_path / "spool"
    folder.mkdir()
    return Spool(folder)


@pytest.fixture
def make(server: MediaServer, spool: Spool) -> Iterator[Callable[..., Fetcher]]:
    """Makes fetchers that may reach `server`; all are closed, and whatever they failed to is seen."""
    made: list[Fetcher] = []

    def make(config: FetchConfig = BASE, *, allow: tuple[str, ...] = (), **more: Any) -> Fetcher:
        config = replace(config, allow=(server.allow, *allow))
        made.append(Fetcher(config, spool=spool, **more))
        return made[-1]

    yield make
    for fetcher in made:
        fetcher.close()
    assert not [thread for thread in threading.enumerate() if thread.name == "postkeep-net"]


def get(fetcher: Fetcher, url: str, **options: Any) -> Fetched:
    async def fetch() -> Fetched:
        return await fetcher.fetch(url, **options)

    return asyncio.run(fetch())


def content(body: Body) -> bytes:
    return b"".join(body.chunks) if body.path is None else body.path.read_bytes()


def digest_of(content: bytes) -> Digest:
    return Digest(hashlib.md5(content).hexdigest(), hashlib.sha256(content).hexdigest(), len(content))


async def until(condition: Callable[[], object]) -> None:
    while not condition():
        await asyncio.sleep(0.005)


def run(coroutine: Coroutine[Any, Any, None]) -> None:
    asyncio.run(asyncio.wait_for(coroutine, 60))


# --- what is brought ----------------------------------------------------------------------------------


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
    entered = threading.Barrier(8)

    def together(exchange: Exchange) -> None:
        exchange.head(headers={"Content-Length": str(len(whole))})
        exchange.send(whole[:60_000])
        entered.wait(20)
        exchange.send(whole[60_000:])

    server.route("/a", together)
    fetcher = make(replace(BASE, per_host=8), memory_limit=200_000)

    async def fetch() -> None:
        all_of_them = await asyncio.gather(*(fetcher.fetch(server.url(f"/a?{at}")) for at in range(8)))
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


# --- what is asked ------------------------------------------------------------------------------------


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
        exchange.send(b"x")

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


# --- where it must not go -----------------------------------------------------------------------------


def test_a_name_that_leads_inside_is_refused_before_it_is_connected_to(server: MediaServer, spool: Spool) -> None:
    config = replace(BASE, ports=(server.port,))
    fetcher = Fetcher(config, spool=spool)
    with pytest.raises(AddressRefused) as caught:
        get(fetcher, server.url("/a", host="localhost"))
    fetcher.close()
    assert "loopback" in str(caught.value)
    assert caught.value.temporary is False
    assert fetcher.statistics.connections == 0
    assert server.count() == 0


def test_the_socket_decides_not_the_name(server: MediaServer, spool: Spool) -> None:
    fetcher = Fetcher(BASE, spool=spool, connect_to=[f"::127.0.0.1:{server.port}"])
    with pytest.raises(AddressRefused):
        get(fetcher, "https://example.com/a")
    fetcher.close()
    assert server.count() == 0


def test_an_address_is_refused_without_a_thread(make: Callable[..., Fetcher]) -> None:
    fetcher = make()
    for url in ("http://169.254.169.254/latest/meta-data/", "http://[::1]/", "http://2130706433/", "file:///x"):
        with pytest.raises(AddressRefused) as caught:
            get(fetcher, url)
        assert caught.value.url == url
    assert fetcher.statistics.requests == 0


def test_a_bad_exception_is_a_configuration_error(spool: Spool) -> None:
    with pytest.raises(ConfigError):
        Fetcher(replace(BASE, allow=("everything",)), spool=spool)


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_redirects_are_followed(server: MediaServer, make: Callable[..., Fetcher], status: int) -> None:
    server.route("/a/one", media.redirect("two?x=1#part", status))
    server.route("/a/two", media.redirect(f"//127.0.0.1:{server.port}/a b/é", status))
    server.route("/a%20b/%C3%A9", b"end")
    fetcher = make()
    fetched = get(fetcher, server.url("/a/one"))
    assert content(fetched.body) == b"end"
    assert fetched.url == server.url("/a/one")
    assert fetched.final_url == server.url("/a%20b/é")
    assert [each.path for each in server.requests] == ["/a/one", "/a/two?x=1", "/a%20b/%C3%A9"]
    assert fetcher.statistics.connections == 1


def test_redirects_have_a_limit(server: MediaServer, make: Callable[..., Fetcher]) -> None:
    url = server.route("/loop", media.redirect("/loop?again"))
    fetcher = make(replace(BASE, max_redirects=3))
    with pytest.raises(TooManyRedirects) as caught:
        get(fetcher, url)
    assert caught.value.url == url
    assert server.count() == 4
    with pytest.raises(TooManyRedirects):
        get(make(replace(BASE, max_redirects=0)), url)


@pytest.mark.parametrize(
    "location",
    [
        "http://127.0.0.1:{other}/", "http://localhost:{other}/", "http://127.1:{other}/", "//127.0.0.1:{other}/",
        "http://2130706433:{other}/", "http://user@127.0.0.1:{port}/", "http://127.0.0.1:{port}\\@x/",
        "http://0x7f.0.0.1:{port}/", "http://[::ffff:127.0.0.1]:{port}/", "http://169.254.169.254/",
        "file:///etc/passwd", "ftp://127.0.0.1/", "gopher://127.0.0.1:{other}/_x", "http://", "http://[/",
        "/a\tb", "http://10.0.0.1/", "http:127.0.0.1:{other}/", "\\\\x\\y",
    ],
)  # fmt: skip
def test_redirects_to_where_it_must_not_go_are_refused(
    server: MediaServer, other: MediaServer, make: Callable[..., Fetcher], location: str
) -> None:
    url = server.route("/a", media.redirect(location.format(port=server.port, other=other.port)))
    # The other server's port passes the first check, so that only the socket can refuse it.
    fetcher = make(replace(BASE, ports=(80, 443, other.port)))
    with pytest.raises(AddressRefused) as caught:
        get(fetcher, url + "?secret")
    assert caught.value.url == url + "?secret"
    assert "secret" not in str(caught.value)
    assert caught.value.temporary is False
    assert server.count() == 1
    assert other.count() == 0


def test_a_redirect_without_a_location_is_an_error_status(
    server: MediaServer, make: Callable[..., Fetcher]
) -> None:
    with pytest.raises(HttpStatus) as caught:
        get(make(), server.route("/a", b"", status=302))
    assert caught.value.status == 302


# --- what is refused, and what fails ------------------------------------------------------------------


@pytest.mark.parametrize("status", [201, 204, 206, 300, 304, 400, 401, 403, 404, 410, 418, 500, 503])
def test_only_200_is_success(server: MediaServer, make: Callable[..., Fetcher], status: int) -> None:
    server.route("/a", b"" if status in (204, 304) else b"no", status=status)
    server.route("/b", b"yes")
    fetcher = make()
    with pytest.raises(HttpStatus) as caught:
        get(fetcher, server.url("/a?secret=1"))
    error = caught.value
    assert (error.status, error.url, error.retry_after) == (status, server.url("/a?secret=1"), None)
    assert error.temporary is (status >= 500)
    assert "secret" not in str(error)
    assert get(fetcher, server.url("/b")).body.size == 3
    assert fetcher.statistics.connections == 1


def test_the_bodies_of_errors_are_not_read_to_their_end(server: MediaServer, make: Callable[..., Fetcher]) -> None:
    def endless_error(exchange: Exchange) -> None:
        exchange.head(404, {"Connection": "close"})
        exchange.hang_up()
        while not exchange.stopping.is_set():
            exchange.send(b"x" * 8192)

    server.route("/endless", endless_error)
    server.route("/declared", lambda exchange: exchange.head(404, {"Content-Length": "99999999"}))
    for path in ("/endless", "/declared"):
        with pytest.raises(HttpStatus):
            get(make(), server.url(path))


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({"Retry-After": "120"}, 120.0),
        ({"Retry-After": " 0 "}, 0.0),
        ({"Retry-After": "99999999999999999999"}, 604800.0),
        ({"Retry-After": "-5"}, None),
        ({"Retry-After": "soon"}, None),
        ({"Retry-After": "1.5"}, None),
        ({"Date": "Sun, 06 Nov 1994 08:49:37 GMT", "Retry-After": "Sun, 06 Nov 1994 08:50:37 GMT"}, 60.0),
        ({"Date": "Sun, 06 Nov 1994 08:49:37 GMT", "Retry-After": "Sun, 06 Nov 1994 08:40:37 GMT"}, 0.0),
        ({"Date": "Sun, 06 Nov 1994 08:49:37 GMT", "Retry-After": "Sun, 06 Nov 2094 08:50:37 GMT"}, 604800.0),
        ({"Date": "nonsense", "Retry-After": "Sun, 06 Nov 1994 08:50:37 GMT"}, 0.0),
        ({"Retry-After": "Sun, 99 Nov 1994 08:50:37 GMT"}, None),
    ],
)
def test_the_wait_a_server_asks_for(
    server: MediaServer, make: Callable[..., Fetcher], headers: dict[str, str], seconds: float | None
) -> None:
    url = server.route("/a", b"later", status=429, headers=headers)
    with pytest.raises(HttpStatus) as caught:
        get(make(), url)
    assert caught.value.retry_after == seconds
    assert caught.value.temporary


@pytest.mark.parametrize(
    ("answer", "error", "words"),
    [
        (media.gzipped(b"x" * 5000), NotMedia, "gzip"),
        (media.raw(b"HTTP/1.1 200 OK\r\nContent-Encoding: br\r\n\r\nxx"), NotMedia, "br"),
        (media.raw(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"), NotMedia, "empty"),
        (media.raw(b"HTTP/1.1 200 OK\r\n\r\n"), NotMedia, "empty"),
        (media.raw(b"\x89PNG\r\n\x1a\nwhatever, but no head"), NotMedia, "not HTTP"),
        (media.raw(b""), ConnectFailed, "lost"),
        (media.truncated(b"x" * 100, declared=5000), Truncated, "missing"),
        (media.truncated(b"", declared=5000), Truncated, ""),
        (media.raw(b"HTTP/1.1 200 OK\r\nContent-Length: 5000\r\n\r\nxxxx", reset=True), Truncated, ""),
        (media.chunked([b"x" * 100], end=b""), Truncated, ""),
        (media.chunked([b"x" * 100], end=b"not a length\r\n"), Truncated, ""),
        (media.chunked([b"x" * 100], end=b"ffffff\r\nxx"), Truncated, ""),
    ],
)
def test_answers_that_are_no_media(
    server: MediaServer,
    make: Callable[..., Fetcher],
    spool: Spool,
    answer: media.Misbehaviour,
    error: type[FetchError],
    words: str,
) -> None:
    url = server.route("/a", answer) + "?secret=1"
    fetcher = make(spill_at=10)
    with pytest.raises(FetchError) as caught:
        get(fetcher, url)
    assert type(caught.value) is error
    assert words in str(caught.value)
    assert caught.value.url == url
    assert "secret" not in str(caught.value)
    assert spool.left == []


def test_an_identity_encoding_is_none(server: MediaServer, make: Callable[..., Fetcher]) -> None:
    url = server.route("/a", b"x", headers={"Content-Encoding": "Identity"})
    assert get(make(), url).body.size == 1


def test_a_body_over_the_limit_is_refused_by_what_it_declares(
    server: MediaServer, make: Callable[..., Fetcher]
) -> None:
    server.route("/a", media.endless(chunked=False, declared=10**12))
    with pytest.raises(TooLarge):
        get(make(replace(BASE, max_bytes=10**9)), server.url("/a"))


@pytest.mark.parametrize("chunked", [True, False])
@pytest.mark.parametrize("limit", [1000, 500_000])
def test_a_body_over_the_limit_is_refused_by_what_it_brings(
    server: MediaServer, make: Callable[..., Fetcher], spool: Spool, chunked: bool, limit: int
) -> None:
    server.route("/a", media.endless(chunked=chunked))
    with pytest.raises(TooLarge) as caught:
        get(make(), server.url("/a"), max_bytes=limit)
    assert str(limit) in str(caught.value)
    assert caught.value.temporary is False
    assert spool.left == []


def test_the_limit_itself_is_allowed(server: MediaServer, make: Callable[..., Fetcher]) -> None:
    url = server.route("/a", b"x" * 5000)
    assert get(make(), url, max_bytes=5000).body.size == 5000
    with pytest.raises(TooLarge):
        get(make(), url, max_bytes=4999)


@pytest.mark.parametrize(
    ("answer", "config"),
    [
        (media.slow(b"x", seconds=30), replace(BASE, total_timeout=0.2)),
        (media.dripping(b"x" * 1000, every=0.05), replace(BASE, total_timeout=0.3)),
        (media.stalling(b"", declared=500_000), replace(BASE, stall_timeout=1.0)),
    ],
)
def test_hosts_that_take_too_long(
    server: MediaServer,
    make: Callable[..., Fetcher],
    spool: Spool,
    answer: media.Misbehaviour,
    config: FetchConfig,
) -> None:
    url = server.route("/a", answer)
    with pytest.raises(TimedOut) as caught:
        get(make(config), url)
    assert caught.value.temporary
    assert caught.value.url == url
    assert spool.left == []


def test_redirects_share_one_total_time(server: MediaServer, make: Callable[..., Fetcher]) -> None:
    def around(exchange: Exchange) -> None:
        exchange.wait(0.1)
        media.redirect("/loop")(exchange)

    server.route("/loop", around)
    with pytest.raises(TimedOut):
        get(make(replace(BASE, total_timeout=0.25, max_redirects=100)), server.url("/loop"))
    assert server.count() <= 3


def test_a_host_that_is_not_there(server: MediaServer, make: Callable[..., Fetcher]) -> None:
    gone = MediaServer()
    fetcher = make(allow=(gone.allow,))
    gone.close()
    with pytest.raises(ConnectFailed) as refused:
        get(fetcher, gone.url("/a"))
    assert refused.value.temporary
    with pytest.raises(NameUnresolved) as unknown:
        get(fetcher, "http://no-such-name.invalid/a?secret")
    assert unknown.value.temporary
    assert "secret" not in str(unknown.value)


# --- files, cancelling, closing -----------------------------------------------------------------------


@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EROFS, errno.EDQUOT])
def test_a_disk_that_refuses_stops_the_work_and_keeps_nothing(
    server: MediaServer,
    make: Callable[..., Fetcher],
    spool: Spool,
    monkeypatch: pytest.MonkeyPatch,
    number: int,
) -> None:
    url = server.route("/a", b"x" * 1_000_000)
    written = 0
    write = os.write

    def refusing(descriptor: int, chunk: bytes) -> int:
        nonlocal written
        if len(chunk) < 1000:
            return write(descriptor, chunk)
        written += len(chunk)
        if written > 500_000:
            raise OSError(number, os.strerror(number))
        return write(descriptor, chunk)

    monkeypatch.setattr(os, "write", refusing)
    fetcher = make()
    with pytest.raises(CacheError) as caught:
        get(fetcher, url)
    assert str(spool.folder) in str(caught.value)
    assert spool.left == []


def test_a_folder_that_is_gone_is_the_caches_failure(
    server: MediaServer, make: Callable[..., Fetcher], tmp_path: Path
) -> None:
    missing = tmp_path / "missing"
    fetcher = Fetcher(replace(BASE, allow=(server.allow,)), spool=lambda: missing / "x", spill_at=10)
    with pytest.raises(CacheError) as caught:
        get(fetcher, server.route("/a", b"x" * 100))
    fetcher.close()
    assert str(missing) in str(caught.value)


def test_our_own_mistakes_reach_the_caller(server: MediaServer) -> None:
    def broken() -> Path:
        raise ZeroDivisionError("a mistake")

    fetcher = Fetcher(replace(BASE, allow=(server.allow,)), spool=broken, spill_at=10)
    with pytest.raises(ZeroDivisionError):
        get(fetcher, server.route("/a", b"x" * 100))
    assert get(fetcher, server.route("/b", b"x")).body.size == 1
    fetcher.close()


def test_an_engine_that_breaks_tells_everybody(
    server: MediaServer, make: Callable[..., Fetcher], monkeypatch: pytest.MonkeyPatch
) -> None:
    fetcher = make(replace(BASE, per_host=1))
    server.route("/a", media.slow(b"x", seconds=20))

    async def fetch() -> None:
        waiting = [asyncio.create_task(fetcher.fetch(server.url("/a"))) for _ in range(3)]
        await until(lambda: server.count())
        monkeypatch.setattr(fetcher._engine, "_start_what_may", lambda multi: 1 / 0)
        waiting.append(asyncio.create_task(fetcher.fetch(server.url("/a"))))
        outcomes = await asyncio.gather(*waiting, return_exceptions=True)
        assert [type(each) for each in outcomes] == [ZeroDivisionError] * 4
        with pytest.raises(FetchError):
            await fetcher.fetch(server.url("/a"))

    run(fetch())


def test_cancelling_ends_the_transfer_and_removes_its_file(
    server: MediaServer, make: Callable[..., Fetcher], spool: Spool
) -> None:
    server.route("/a", media.stalling(b"x" * 400_000, declared=500_000))
    server.route("/b", b"x")
    fetcher = make(replace(BASE, per_host=1))

    async def fetch() -> None:
        running = asyncio.create_task(fetcher.fetch(server.url("/a")))
        waiting = asyncio.create_task(fetcher.fetch(server.url("/a?waits")))
        await until(lambda: spool.left)
        waiting.cancel()
        running.cancel()
        outcomes = await asyncio.gather(running, waiting, return_exceptions=True)
        assert [type(each) for each in outcomes] == [asyncio.CancelledError] * 2
        await until(lambda: not spool.left)
        # The place of the cancelled one is free again, and the one that waited never went out.
        assert (await fetcher.fetch(server.url("/b"))).body.size == 1
        assert [each.path for each in server.requests] == ["/a", "/b"]

    run(fetch())


def test_cancelling_a_task_that_was_just_served_removes_the_file(
    server: MediaServer, make: Callable[..., Fetcher], spool: Spool
) -> None:
    server.route("/a", b"x" * 300_000)
    fetcher = make()

    async def fetch() -> None:
        loop = asyncio.get_running_loop()
        task = asyncio.create_task(fetcher.fetch(server.url("/a")))
        served = loop.create_future()
        schedule = loop.call_soon_threadsafe

        def soon(callback: Callable[..., object], *arguments: Any) -> object:
            def then() -> None:
                callback(*arguments)
                # The result is there, and the task has not run yet.
                task.cancel()
                served.set_result(None)

            return schedule(then)

        loop.call_soon_threadsafe = soon  # type: ignore[method-assign, assignment]
        await served
        loop.call_soon_threadsafe = schedule  # type: ignore[method-assign]
        with pytest.raises(asyncio.CancelledError):
            await task

    run(fetch())
    assert spool.left == []


def test_cancelling_thousands_that_wait(server: MediaServer, make: Callable[..., Fetcher]) -> None:
    server.route("/a", media.slow(b"x", seconds=20))
    server.route("/b", b"x")
    fetcher = make()

    async def fetch() -> None:
        tasks = [asyncio.create_task(fetcher.fetch(server.url("/a"))) for _ in range(5000)]
        await until(lambda: server.count() == 5)
        for task in reversed(tasks):
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        await fetcher.fetch(server.url("/b"))

    run(fetch())
    assert server.count() == 6


def test_a_timeout_of_the_caller_cancels(server: MediaServer, make: Callable[..., Fetcher], spool: Spool) -> None:
    server.route("/a", media.stalling(b"x" * 400_000, declared=500_000))

    async def fetch() -> None:
        async with make() as fetcher:
            with pytest.raises(TimeoutError):
                await asyncio.wait_for(fetcher.fetch(server.url("/a")), 0.3)

    run(fetch())
    assert spool.left == []


@pytest.mark.parametrize("from_the_loop", [True, False])
def test_closing_ends_what_runs_and_what_waits(
    server: MediaServer, make: Callable[..., Fetcher], spool: Spool, from_the_loop: bool
) -> None:
    server.route("/a", media.stalling(b"x" * 400_000, declared=500_000))
    fetcher = make(replace(BASE, per_host=2))

    async def fetch() -> None:
        tasks = [asyncio.create_task(fetcher.fetch(server.url("/a"))) for _ in range(4)]
        await until(lambda: len(spool.left) == 2)
        if from_the_loop:
            fetcher.close()
        else:
            await asyncio.to_thread(fetcher.close)
        for outcome in await asyncio.gather(*tasks, return_exceptions=True):
            assert type(outcome) is FetchError
            assert outcome.temporary
        with pytest.raises(FetchError):
            await fetcher.fetch(server.url("/a"))

    run(fetch())
    fetcher.close()
    assert spool.left == []
    assert server.count() == 2


def test_closing_wakes_a_waiting_thread(server: MediaServer, make: Callable[..., Fetcher]) -> None:
    server.route("/a", media.slow(b"x", seconds=20))
    fetcher, outcome = make(), []

    def wait() -> None:
        try:
            fetcher.fetch_sync(server.url("/a"))
        except FetchError as error:
            outcome.append(error)

    thread = threading.Thread(target=wait)
    thread.start()
    while not server.count():
        pass
    fetcher.close()
    thread.join()
    assert len(outcome) == 1


def test_a_loop_that_is_gone_leaves_no_file(
    server: MediaServer, make: Callable[..., Fetcher], spool: Spool
) -> None:
    go = threading.Event()

    def late(exchange: Exchange) -> None:
        exchange.head(headers={"Content-Length": "300000"})
        exchange.send(b"x" * 299_999)
        go.wait(20)
        exchange.send(b"x")

    server.route("/a", late)
    server.route("/b", b"x")
    fetcher = make()
    loop = asyncio.new_event_loop()
    task = loop.create_task(fetcher.fetch(server.url("/a")))
    loop.run_until_complete(until(lambda: spool.left))
    task._log_destroy_pending = False  # type: ignore[attr-defined]
    loop.close()
    go.set()
    fetcher.fetch_sync(server.url("/b"))
    run(until(lambda: not spool.left))
    del task


def test_an_unused_fetcher_can_be_closed(make: Callable[..., Fetcher]) -> None:
    fetcher = make()
    fetcher.close()
    fetcher.close()
    with pytest.raises(FetchError):
        fetcher.fetch_sync("https://example.com/")


# --- TLS ----------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """A certificate for localhost and cdn.example, and its key, made for this run."""
    if not shutil.which("openssl"):
        pytest.skip("no openssl to make a certificate with")
    folder = tmp_path_factory.mktemp("tls")
    pair = folder / "certificate.pem", folder / "key.pem"
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes",
         "-days", "2", "-subj", "/CN=test", "-addext", "subjectAltName=DNS:localhost,DNS:cdn.example",
         "-out", pair[0], "-keyout", pair[1]],
        check=True, capture_output=True,
    )  # fmt: skip
    return pair


@pytest.fixture
def secure(certificate: tuple[Path, Path]) -> Iterator[MediaServer]:
    with MediaServer(certificate=certificate) as server:
        yield server


def test_tls_is_verified(
    secure: MediaServer, make: Callable[..., Fetcher], certificate: tuple[Path, Path]
) -> None:
    secure.route("/a", b"x" * 300_000)
    options: dict[str, Any] = {"allow": (secure.allow,), "connect_to": [f"::127.0.0.1:{secure.port}"]}
    trusting = make(certificates=certificate[0], **options)
    assert get(trusting, "https://cdn.example/a").body.size == 300_000
    for fetcher, url in (
        (make(**options), "https://cdn.example/a"),
        (trusting, "https://other.example/a"),
    ):
        with pytest.raises(TlsFailed) as caught:
            get(fetcher, url)
        assert caught.value.temporary
    assert secure.count() == 1


def test_https_never_leads_back_to_http(
    secure: MediaServer, server: MediaServer, make: Callable[..., Fetcher], certificate: tuple[Path, Path]
) -> None:
    server.route("/to-https", media.redirect("https://cdn.example/a"))
    server.route("/a", b"plain")
    secure.route("/a", b"secure")
    secure.route("/to-http", media.redirect(server.url("/a")))
    fetcher = make(
        allow=(secure.allow,),
        certificates=certificate[0],
        connect_to=[f"cdn.example:443:127.0.0.1:{secure.port}"],
    )
    assert content(get(fetcher, server.url("/to-https")).body) == b"secure"
    with pytest.raises(AddressRefused):
        get(fetcher, "https://cdn.example/to-http")
    assert server.count("/a") == 0


def test_a_tls_server_that_speaks_no_tls(server: MediaServer, make: Callable[..., Fetcher]) -> None:
    fetcher = make(connect_to=[f"::127.0.0.1:{server.port}"])
    with pytest.raises(TlsFailed):
        get(fetcher, "https://cdn.example/a")
