"""Where the fetcher does not go, what it does not take, and what it says when things fail."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest

from postkeep.config import FetchConfig
from postkeep.errors import (
    AddressRefused,
    ConfigError,
    ConnectFailed,
    FetchError,
    HttpStatus,
    NameUnresolved,
    NotMedia,
    TimedOut,
    TooLarge,
    TooManyRedirects,
    Truncated,
)
from postkeep.net.fetcher import Fetcher
from tests.net.fetching import BASE, Spool, content, get
from tests.servers import media
from tests.servers.media import Exchange, MediaServer

OK = b"HTTP/1.1 200 OK\r\n"


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


def test_a_relative_redirect_may_climb(server: MediaServer, make: Callable[..., Fetcher]) -> None:
    server.route("/a/b/c", media.redirect("../d/./e"))
    server.route("/a/d/e", b"end")
    assert get(make(), server.url("/a/b/c")).final_url == server.url("/a/d/e")


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
        "/a\tb", "http://10.0.0.1/", "http://127.0.0.1:{port}/x/../a", "//127.0.0.1:{port}/x/./a", "/x/%2e%2E/a",
        "http:127.0.0.1:{other}/", "\\\\x\\y",
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
            get(make(replace(BASE, stall_timeout=1)), server.url(path))


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
        (media.raw(OK + b"Content-Length : 5000\r\n\r\nxxxx"), Truncated, "4 bytes where 5000"),
        (media.raw(OK + b"Content-Length : 5000\r\n\r\n"), Truncated, "0 bytes where 5000"),
        (media.raw(OK + b"Content-Length\t: 3\r\n\r\nxxxx"), Truncated, "4 bytes where 3"),
        (
            media.raw(OK + b"Transfer-Encoding: identity\r\nContent-Length: 5000\r\n\r\nxxxx"),
            Truncated,
            "4 bytes where 5000",
        ),
        (media.raw(OK + b"X: transfer-encoding\r\nContent-Length : 5000\r\n\r\nxxxx"), Truncated, "4 bytes"),
        (media.raw(OK + b"Content-Range: bytes 0-3/9\r\n\r\nxxxx"), Truncated, "not asked for"),
        (
            media.raw(OK + b"Content-Range: bytes 0-3/4\r\nContent-Length: 4\r\n\r\nxxxx"),
            Truncated,
            "not asked for",
        ),
        (media.raw(b"HTTP/1.1 206 P\r\nContent-Range: bytes 0-3/9\r\n\r\nxxxx"), Truncated, "not asked for"),
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


@pytest.mark.parametrize("trailer", [b"X-T: 1", b"HTTP/1.1 200 OK: 1"])
def test_a_trailer_is_no_head(server: MediaServer, make: Callable[..., Fetcher], trailer: bytes) -> None:
    for at, begin in enumerate((b"", b"HTTP/1.1 103 Early\r\nLink: x\r\n\r\n")):
        head = begin + b"HTTP/1.1 404 Gone\r\nTransfer-Encoding: chunked\r\n\r\n"
        url = server.route(f"/{at}", media.raw(head + b"0\r\n" + trailer + b"\r\n\r\n"))
        with pytest.raises(HttpStatus) as caught:
            get(make(), url)
        assert caught.value.status == 404


def test_a_length_beside_chunks_does_not_count(server: MediaServer, make: Callable[..., Fetcher]) -> None:
    head = OK + b"Transfer-Encoding: Chunked\r\nContent-Length: 9\r\n\r\n"
    url = server.route("/a", media.raw(head + b"4\r\nxxxx\r\n0\r\n\r\n"))
    assert get(make(), url).body.size == 4


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
    # libcurl never resolves these, so that no name server is asked.
    with pytest.raises(NameUnresolved) as unknown:
        get(fetcher, "http://no-such-name.onion/a?secret")
    assert unknown.value.temporary
    assert "secret" not in str(unknown.value)
