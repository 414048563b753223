"""Whatever a server sends: a file whose bytes were sent, or an error of ours, and the engine goes on."""

from __future__ import annotations

import contextlib
import socket
import tempfile
import threading
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from postkeep.errors import PostkeepError
from postkeep.model import Fetched
from postkeep.net.fetcher import Fetcher
from tests.net.fetching import BASE, Spool, content

GOOD = b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\ngood"


class Parrot:
    """Answers every request on 127.0.0.1 with the bytes it was given last, and closes; GOOD for /good."""

    def __init__(self) -> None:
        self.answer = b""
        self._listening = socket.create_server(("127.0.0.1", 0))
        self.port = int(self._listening.getsockname()[1])
        self._thread = threading.Thread(target=self._serve)
        self._thread.start()

    def _serve(self) -> None:
        while True:
            try:
                connection, _ = self._listening.accept()
            except OSError:
                return
            with connection, contextlib.suppress(OSError):
                connection.settimeout(10)
                request = b""
                while b"\r\n\r\n" not in request and (piece := connection.recv(4096)):
                    request += piece
                connection.sendall(GOOD if request.startswith(b"GET /good") else self.answer)
                connection.shutdown(socket.SHUT_WR)
                # Read to the end, so that what was sent is not thrown away by a reset.
                while connection.recv(4096):
                    pass

    def close(self) -> None:
        self._listening.shutdown(socket.SHUT_RDWR)
        self._listening.close()
        self._thread.join()


@pytest.fixture(scope="module")
def world() -> Iterator[tuple[Parrot, Fetcher, Spool]]:
    parrot = Parrot()
    with tempfile.TemporaryDirectory() as folder:
        spool = Spool(Path(folder))
        config = replace(BASE, allow=(f"127.0.0.1:{parrot.port}",), total_timeout=10, max_redirects=2)
        fetcher = Fetcher(config, spool=spool, spill_at=8)
        yield parrot, fetcher, spool
        fetcher.close()
    parrot.close()


NAMES = st.sampled_from(
    [
        b"Content-Length", b"Transfer-Encoding", b"Content-Encoding", b"Location", b"Connection", b"ETag",
        b"Content-Range", b"Retry-After", b"Date", b"Content-Type", b"Trailer", b"X", b"", b" Content-Length",
        b"content-length ", b"HTTP/1.1 200", b"Set-Cookie", b"Accept-Ranges",
    ]
)  # fmt: skip
VALUES = st.one_of(
    st.sampled_from(
        [
            b"0", b"4", b"5", b"-1", b"99999999999999999999", b"4, 4", b"4, 5", b"chunked", b"gzip, chunked",
            b"gzip",            b"identity", b"close", b"keep-alive", b"/good", b"/a", b"http://10.0.0.1/", b"//", b"file:///etc/passwd",
            b'"v1"', b"bytes 0-3/4", b"", b"Sun, 06 Nov 1994 08:49:37 GMT", b"\xff\xfe", b"%",
        ]
    ),
    st.binary(max_size=30),
)  # fmt: skip
STATUSES = st.sampled_from(
    [100, 103, 200, 200, 200, 200, 204, 206, 301, 302, 304, 400, 403, 404, 416, 429, 500, 999]
)
LINES = st.one_of(
    st.builds(lambda name, value: name + b": " + value, NAMES, VALUES), st.binary(max_size=20), st.just(b" folded")
)
CHUNKS = st.lists(st.binary(max_size=40), max_size=4).map(
    lambda parts: b"".join(b"%x\r\n%s\r\n" % (len(part), part) for part in parts) + b"0\r\n\r\n"
)


@st.composite
def answers(draw: st.DrawFn) -> bytes:
    out = b""
    for _ in range(draw(st.integers(1, 2))):
        first = draw(
            st.one_of(st.builds(lambda code: b"HTTP/1.1 %d Whatever" % code, STATUSES), st.binary(max_size=20))
        )
        end = draw(st.sampled_from([b"\r\n", b"\n", b"\r\n"]))
        out += end.join([first, *draw(st.lists(LINES, max_size=6)), b"", b""])
    out += draw(st.one_of(st.binary(max_size=200), CHUNKS))
    return out[: draw(st.integers(0, len(out)))] if draw(st.booleans()) else out


def check(world: tuple[Parrot, Fetcher, Spool], answer: bytes) -> None:
    parrot, fetcher, spool = world
    parrot.answer = answer
    try:
        fetched: Fetched | None = fetcher.fetch_sync(f"http://127.0.0.1:{parrot.port}/a")
    except PostkeepError:
        fetched = None
    if fetched is not None:
        body = content(fetched.body)
        dict(fetched.headers)
        assert len(body) == fetched.body.size > 0
        assert is_sent(body, GOOD if fetched.final_url.endswith("/good") else answer)
        if fetched.body.path is not None:
            fetched.body.path.unlink()
    assert spool.left == []
    assert content(fetcher.fetch_sync(f"http://127.0.0.1:{parrot.port}/good").body) == b"good"


def is_sent(body: bytes, answer: bytes) -> bool:
    """Whether the body stands in the answer, in one piece or in chunks in their order."""
    if body in answer:
        return True
    at = 0
    for byte in body:
        at = answer.find(bytes([byte]), at) + 1
        if not at:
            return False
    return b"chunked" in answer.lower()


@example(b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n123456789")
@example(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\n12345\r\n5\r\n67890\r\n0\r\n\r\n")
@example(b"HTTP/1.1 302 Found\r\nLocation: /good\r\n\r\n")
@example(b"HTTP/1.1 100 Whatever\r\n folded\r\n ")
@example(b"HTTP/1.1 200 OK\r\nHTTP/1.1 999\r\n\r\nx")
@settings(
    max_examples=60,
    deadline=None,
    derandomize=True,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture],
)
@given(answer=answers())
def test_any_answer_is_a_file_or_an_error(world: tuple[Parrot, Fetcher, Spool], answer: bytes) -> None:
    check(world, answer)


@pytest.mark.long
@settings(max_examples=5000, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(answer=answers())
def test_many_answers_are_files_or_errors(world: tuple[Parrot, Fetcher, Spool], answer: bytes) -> None:
    check(world, answer)
