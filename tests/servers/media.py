"""A media server for the tests: serves made-up files, misbehaves on request, and remembers who asked for what.

As a process of its own: `python -m tests.servers.media --port-file F --log-file F`.
"""

from __future__ import annotations

import argparse
import contextlib
import re
import signal
import socket
import ssl
import struct
import threading
import time
import zlib
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from types import TracebackType
from typing import Any, Self

KEPT_HEADERS = (
    "host",
    "user-agent",
    "accept",
    "accept-encoding",
    "cookie",
    "authorization",
    "range",
    "if-range",
    "referer",
)


@dataclass(frozen=True)
class Request:
    """One request as it came: `path` with its query, and those of KEPT_HEADERS it had."""

    method: str
    path: str
    headers: Mapping[str, str]


class Exchange:
    """What a misbehaving route is handed: the request, and the bare connection to answer on."""

    def __init__(self, request: Request, connection: BaseHTTPRequestHandler, stopping: threading.Event) -> None:
        self.request = request
        self.stopping = stopping
        self._connection = connection

    def head(self, status: int = 200, headers: Mapping[str, str] | None = None) -> None:
        """Send a status line and exactly these headers."""
        lines = [f"HTTP/1.1 {status} Whatever", *(f"{name}: {value}" for name, value in (headers or {}).items())]
        self.send("\r\n".join([*lines, "", ""]).encode("latin-1"))

    def send(self, body: bytes) -> None:
        self._connection.wfile.write(body)
        self._connection.wfile.flush()

    def send_last(self, content: bytes) -> None:
        """The end of the body: it goes out when this request no longer counts as being answered."""
        self._connection.wfile.write(content)

    def wait(self, seconds: float) -> None:
        """Wait, but not longer than the server lives."""
        self.stopping.wait(seconds)

    def half_close(self) -> None:
        """Say that no more will be sent, and go on listening."""
        self._connection.connection.shutdown(socket.SHUT_WR)

    def hang_up(self, *, reset: bool = False) -> None:
        """Close the connection after this answer, with a TCP reset if wanted."""
        self._connection.close_connection = True
        if reset:
            linger = struct.pack("ii", 1, 0)
            self._connection.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
            self._connection.connection.close()


Misbehaviour = Callable[[Exchange], None]


@dataclass(frozen=True)
class Reply:
    """A well-behaved answer."""

    body: bytes = b""
    content_type: str = "application/octet-stream"
    status: int = 200
    headers: Mapping[str, str] | None = None


class MediaServer:
    """Serves routes on 127.0.0.1 at a free port, over TLS with a (certificate, key); a context manager.

    `concurrency` is the most requests that were being answered at once, over all and by Host header.
    A path without a route is answered by `default`: the made-up world of `made_up`, or 404.
    """

    def __init__(
        self,
        *,
        certificate: tuple[Path, Path] | None = None,
        default: Callable[[str], Reply] | None = None,
        on_request: Callable[[Request], None] | None = None,
    ) -> None:
        self._lock = threading.Lock()
        self._requests: list[Request] = []
        self._routes: dict[str, Reply | Misbehaviour] = {}
        self._default = default or (lambda _path: Reply(b"no such thing", "text/plain", 404))
        self._on_request = on_request
        self._now: dict[str, int] = {}
        self.most_at_once: dict[str, int] = {}
        self._stopping = threading.Event()
        self._server = _Server(self)
        self._scheme = "http"
        if certificate:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(*certificate)
            self._server.tls = context
            self._scheme = "https"
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Stop listening and end every answer that is still being given; idempotent."""
        self._stopping.set()
        if self._thread.is_alive():
            self._server.shutdown()
            self._thread.join()
        self._server.hang_up()
        self._server.server_close()

    @property
    def port(self) -> int:
        return int(self._server.server_address[1])

    def url(self, path: str, *, host: str = "127.0.0.1") -> str:
        return f"{self._scheme}://{host}:{self.port}{path}"

    @property
    def allow(self) -> str:
        """The `fetch.allow` entry for this server."""
        return f"127.0.0.1:{self.port}"

    def route(
        self,
        path: str,
        answer: bytes | Misbehaviour = b"",
        content_type: str = "application/octet-stream",
        *,
        status: int = 200,
        headers: Mapping[str, str] | None = None,
    ) -> str:
        """Answer a path (whatever its query) with these bytes, or as the callable does; returns its URL."""
        reply = Reply(answer, content_type, status, headers) if isinstance(answer, bytes) else answer
        with self._lock:
            self._routes[path] = reply
        return self.url(path)

    @property
    def requests(self) -> list[Request]:
        with self._lock:
            return list(self._requests)

    def count(self, path: str | None = None) -> int:
        """How many requests came, for this path with any query or without one, or for all."""
        return sum(path is None or path in (each.path, bare(each.path)) for each in self.requests)

    def reset(self) -> None:
        """Forget the requests; the routes stay."""
        with self._lock:
            self._requests.clear()
            self.most_at_once.clear()

    # --- for the connections ---

    @contextlib.contextmanager
    def _answering(self, request: Request) -> Iterator[None]:
        names = ("", request.headers.get("host", "").partition(":")[0])
        with self._lock:
            self._requests.append(request)
            for name in names:
                self._now[name] = self._now.get(name, 0) + 1
                self.most_at_once[name] = max(self.most_at_once.get(name, 0), self._now[name])
            if self._on_request:
                self._on_request(request)
        try:
            yield
        finally:
            with self._lock:
                for name in names:
                    self._now[name] -= 1

    def _answer(self, request: Request, connection: BaseHTTPRequestHandler) -> None:
        path = bare(request.path)
        with self._lock:
            reply = self._routes.get(path)
        if reply is None:
            reply = self._default(path)
        exchange = Exchange(request, connection, self._stopping)
        if callable(reply):
            reply(exchange)
            return
        length = {} if reply.status in (204, 304) else {"Content-Length": str(len(reply.body))}
        exchange.head(reply.status, {"Content-Type": reply.content_type, **length, **(reply.headers or {})})
        if length and request.method != "HEAD":
            exchange.send(reply.body)


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    block_on_close = True
    request_queue_size = 256

    def __init__(self, owner: MediaServer) -> None:
        self.owner = owner
        self.tls: ssl.SSLContext | None = None
        self._open: set[socket.socket] = set()
        self._open_lock = threading.Lock()
        super().__init__(("127.0.0.1", 0), _Connection)

    def get_request(self) -> tuple[socket.socket, Any]:
        connection, address = super().get_request()
        if self.tls:
            # The handshake waits for the first read, so that a slow client holds nobody up.
            connection = self.tls.wrap_socket(connection, server_side=True, do_handshake_on_connect=False)
        with self._open_lock:
            self._open.add(connection)
        return connection, address

    def shutdown_request(self, request: Any) -> None:
        with self._open_lock:
            self._open.discard(request)
        super().shutdown_request(request)

    def hang_up(self) -> None:
        with self._open_lock:
            connections = list(self._open)
        for connection in connections:
            with contextlib.suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Clients that leave in the middle are what these tests are about."""


class _Connection(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    wbufsize = 64 * 1024
    disable_nagle_algorithm = True
    server: _Server

    def do_GET(self) -> None:
        headers = {name: value for name in KEPT_HEADERS if (value := self.headers.get(name)) is not None}
        request = Request(self.command, self.path, headers)
        owner = self.server.owner
        with owner._answering(request):
            try:
                owner._answer(request, self)
            except OSError:
                self.close_connection = True

    do_HEAD = do_GET

    def handle(self) -> None:
        with contextlib.suppress(OSError, ValueError):
            super().handle()

    def finish(self) -> None:
        with contextlib.suppress(OSError, ValueError):
            super().finish()

    def log_message(self, format: str, *args: Any) -> None:
        """Quiet: the request log is for the tests."""


def bare(path: str) -> str:
    return path.partition("?")[0]


# --- misbehaviours ------------------------------------------------------------------------------------


def truncated(body: bytes, *, declared: int) -> Misbehaviour:
    """Declares more than it sends, then closes."""

    def answer(exchange: Exchange) -> None:
        exchange.head(headers={"Content-Length": str(declared)})
        exchange.send(body)
        exchange.hang_up()

    return answer


def endless(*, chunked: bool, declared: int | None = None) -> Misbehaviour:
    """Never stops sending."""

    def answer(exchange: Exchange) -> None:
        length = {} if declared is None else {"Content-Length": str(declared)}
        exchange.head(headers={"Transfer-Encoding": "chunked"} if chunked else length)
        block = b"x" * 8192
        exchange.hang_up()
        while not exchange.stopping.is_set():
            exchange.send(b"%x\r\n%s\r\n" % (len(block), block) if chunked else block)

    return answer


def dripping(body: bytes, *, every: float) -> Misbehaviour:
    """Sends one byte after another."""

    def answer(exchange: Exchange) -> None:
        exchange.head(headers={"Content-Length": str(len(body))})
        for at in range(len(body)):
            if exchange.stopping.is_set():
                break
            exchange.send(body[at : at + 1])
            exchange.wait(every)

    return answer


def chunked(parts: Iterable[bytes], *, end: bytes = b"0\r\n\r\n") -> Misbehaviour:
    """Sends a chunked body; `end` takes the place of the last chunk."""

    def answer(exchange: Exchange) -> None:
        exchange.head(headers={"Transfer-Encoding": "chunked"})
        for part in parts:
            exchange.send(b"%x\r\n%s\r\n" % (len(part), part))
        exchange.send(end)
        if end != b"0\r\n\r\n":
            exchange.hang_up()

    return answer


def redirect(location: str, status: int = 302) -> Misbehaviour:
    def answer(exchange: Exchange) -> None:
        exchange.head(status, {"Location": location, "Content-Length": "5"})
        exchange.send(b"moved")

    return answer


def slow(body: bytes, *, seconds: float) -> Misbehaviour:
    """Waits before its answer."""

    def answer(exchange: Exchange) -> None:
        exchange.wait(seconds)
        exchange.head(headers={"Content-Length": str(len(body))})
        exchange.send(body)

    return answer


def stalling(body: bytes, *, declared: int) -> Misbehaviour:
    """Sends this much of what it declared, then nothing, until the server ends."""

    def answer(exchange: Exchange) -> None:
        exchange.head(headers={"Content-Length": str(declared)})
        exchange.send(body)
        exchange.wait(60)
        exchange.hang_up()

    return answer


def gzipped(body: bytes) -> Misbehaviour:
    def answer(exchange: Exchange) -> None:
        packer = zlib.compressobj(wbits=31)
        packed = packer.compress(body) + packer.flush()
        exchange.head(headers={"Content-Encoding": "gzip", "Content-Length": str(len(packed))})
        exchange.send(packed)

    return answer


def raw(answer: bytes, *, reset: bool = False) -> Misbehaviour:
    """Sends exactly these bytes and closes."""

    def send(exchange: Exchange) -> None:
        exchange.send(answer)
        exchange.hang_up(reset=reset)

    return send


# --- made-up files, the same in every process -----------------------------------------------------------


def png(number: int) -> bytes:
    """A valid picture of 8 to 71 pixels a side whose noise depends on the number."""
    side = 8 + number % 64
    noise = bytearray()
    state = number * 2654435761 % 2**32 or 1
    for _ in range(side):
        noise.append(0)
        for _ in range(side * 3):
            state = (state * 1103515245 + 12345) % 2**31
            noise.append(state >> 16 & 0xFF)
    head = struct.pack(">IIBBBBB", side, side, 8, 2, 0, 0, 0)
    chunks = ((b"IHDR", head), (b"IDAT", zlib.compress(bytes(noise), 1)), (b"IEND", b""))
    return b"\x89PNG\r\n\x1a\n" + b"".join(
        struct.pack(">I", len(body)) + name + body + struct.pack(">I", zlib.crc32(name + body))
        for name, body in chunks
    )


def mp4(number: int) -> bytes:
    """A minimal MP4 whose film header says 1 + number % 60 seconds; it has no tracks."""
    seconds = 1 + number % 60
    matrix = struct.pack(">9I", 0x10000, 0, 0, 0, 0x10000, 0, 0, 0, 0x40000000)
    header = struct.pack(">IIIIIIH10x", 0, 0, 0, 1000, seconds * 1000, 0x10000, 0x100) + matrix + bytes(24)
    movie = _box(b"moov", _box(b"mvhd", header + struct.pack(">I", 2)))
    kind = _box(b"ftyp", b"isom" + struct.pack(">I", 512) + b"isommp42")
    return kind + movie + _box(b"mdat", b"film %d " % number * 64)


def pdf(number: int) -> bytes:
    """A one-page document that says its number."""
    text = b"BT /F1 24 Tf 40 100 Td (Document %d) Tj ET" % number
    objects = (
        b"<< /Type /Catalog /Pages 2 0 R >>",
        b"<< /Type /Pages /Kids [3 0 R] /Count 1 >>",
        b"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 300 200] /Contents 4 0 R"
        b" /Resources << /Font << /F1 << /Type /Font /Subtype /Type1 /BaseFont /Helvetica >> >> >> >>",
        b"<< /Length %d >>\nstream\n%s\nendstream" % (len(text), text),
    )
    out, places = bytearray(b"%PDF-1.4\n"), []
    for at, content in enumerate(objects, 1):
        places.append(len(out))
        out += b"%d 0 obj\n%s\nendobj\n" % (at, content)
    table = len(out)
    out += b"xref\n0 5\n0000000000 65535 f \n" + b"".join(b"%010d 00000 n \n" % place for place in places)
    return bytes(out + b"trailer\n<< /Size 5 /Root 1 0 R >>\nstartxref\n%d\n%%%%EOF\n" % table)


def _box(name: bytes, body: bytes) -> bytes:
    return struct.pack(">I", 8 + len(body)) + name + body


_MADE = re.compile(r"/(img|vid|doc)/([0-9]{1,9})\.[a-z0-9]+")


def made_up(path: str) -> Reply:
    """What the made-up world has at a path: `/img/7.png`, `/vid/7.mp4`, `/doc/7.pdf`; `/dead/` is gone.

    Any other path is a picture that depends on the path.
    """
    if path.startswith("/dead/"):
        return Reply(b"gone", "text/plain", 404)
    found = _MADE.fullmatch(path)
    kind, number = (found[1], int(found[2])) if found else ("img", zlib.crc32(path.encode()))
    if kind == "vid":
        return Reply(mp4(number), "video/mp4")
    return Reply(pdf(number), "application/pdf") if kind == "doc" else Reply(png(number), "image/png")


def main() -> None:
    arguments = argparse.ArgumentParser(description="Serve the made-up world until a signal comes.")
    arguments.add_argument("--port-file", type=Path, required=True)
    arguments.add_argument("--log-file", type=Path, required=True)
    given = arguments.parse_args()
    stop = threading.Event()
    for each in (signal.SIGTERM, signal.SIGINT):
        signal.signal(each, lambda *_: stop.set())
    # One write a line, so that the log is whole whenever somebody reads it.
    with given.log_file.open("ab", buffering=0) as log:

        def note(request: Request) -> None:
            log.write(f"{request.method} {request.path}\n".encode())

        with MediaServer(default=made_up, on_request=note) as server:
            ready = given.port_file.with_suffix(".tmp")
            ready.write_text(str(server.port))
            ready.replace(given.port_file)
            while not stop.is_set():
                time.sleep(0.05)


if __name__ == "__main__":
    main()
