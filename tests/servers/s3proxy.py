"""An HTTP connection to a store that can be cut, delayed, damaged or answered in the store's place.

It passes on every header as it came, so signatures stay whole, and remembers every request.
"""

from __future__ import annotations

import contextlib
import http.client
import socket
import struct
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Any, Self
from urllib.parse import parse_qs, unquote, urlsplit

_PIECE = 64 * 1024
_HOP_BY_HOP = frozenset({"connection", "keep-alive", "transfer-encoding", "expect"})


@dataclass(frozen=True)
class Request:
    """One request as it came; `number` counts from 1. A request to a proxy names a whole URL as `target`."""

    number: int
    method: str
    target: str
    headers: Mapping[str, str]
    size: int

    @property
    def key(self) -> str:
        """The object's key, for addresses with the bucket in the path."""
        return unquote(urlsplit(self.target).path.lstrip("/").partition("/")[2])

    @property
    def query(self) -> Mapping[str, list[str]]:
        return parse_qs(urlsplit(self.target).query, keep_blank_values=True)

    @property
    def is_upload(self) -> bool:
        """Whether it brings an object whole, or its last word in parts."""
        return (self.method == "PUT" and not self.query) or (self.method == "POST" and "uploadId" in self.query)


# --- what may go wrong --------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Say:
    """Answer in the store's place, which hears nothing of it."""

    status: int
    code: str = ""
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes | None = None

    @property
    def content(self) -> bytes:
        if self.body is not None:
            return self.body
        told = f"<Error><Code>{self.code}</Code><Message>as the test wants it</Message></Error>"
        return f'<?xml version="1.0" encoding="UTF-8"?>\n{told}'.encode() if self.code else b""


@dataclass(frozen=True)
class Flip:
    """Change one bit of the request's body, at this place of it."""

    at: int = 0


@dataclass(frozen=True)
class FlipAnswer:
    """Change one bit of the answer's body."""

    at: int = 0


@dataclass(frozen=True)
class CutBody:
    """Break off after so many bytes of the request's body."""

    after: int = 0


@dataclass(frozen=True)
class CutAnswer:
    """Let the store do as it was asked, and break off after so many bytes of its answer; -1: before its head."""

    after: int = -1


@dataclass(frozen=True)
class Hold:
    """Do nothing until the proxy ends or lets go."""


@dataclass(frozen=True)
class Endless:
    """Announce so many bytes in the store's place and send a piece after the other, until the client goes."""

    announced: int
    piece: bytes
    pause: float = 0


Fault = Say | Flip | FlipAnswer | CutBody | CutAnswer | Hold | Endless


def nothing(_request: Request) -> Fault | None:
    return None


class S3Proxy:
    """Passes requests on to a server on loopback; `fault` says what goes wrong with each."""

    def __init__(self, port: int, fault: Callable[[Request], Fault | None] = nothing) -> None:
        self.behind, self.fault = port, fault
        self.asked: list[Request] = []
        self.answers: Counter[tuple[str, int]] = Counter()
        """How often the store behind answered a method with a status."""
        self.stored: Counter[str] = Counter()
        """How often the store behind took an object, by key."""
        self.letting_go = threading.Event()
        self._lock = threading.Lock()
        self._server = _Server(self)

    def __enter__(self) -> Self:
        threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None
    ) -> None:
        self.letting_go.set()
        self._server.shutdown()
        self._server.server_close()

    @property
    def port(self) -> int:
        return int(self._server.server_address[1])

    @property
    def endpoint(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def uploads(self) -> Counter[str]:
        """How often each key was sent, whole or completed from parts."""
        return Counter(each.key for each in list(self.asked) if each.is_upload)

    def count(self, method: str) -> int:
        return sum(each.method == method for each in list(self.asked))

    def came(self, method: str, target: str, headers: Mapping[str, str], size: int) -> Request:
        with self._lock:
            request = Request(len(self.asked) + 1, method, target, headers, size)
            self.asked.append(request)
            return request

    def answered(self, request: Request, status: int) -> None:
        with self._lock:
            self.answers[request.method, status] += 1
            if status == 200 and request.is_upload:
                self.stored[request.key] += 1


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 128

    def __init__(self, proxy: S3Proxy) -> None:
        self.proxy = proxy
        super().__init__(("127.0.0.1", 0), _Passing)

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Connections that break are what it is for."""


class _Passing(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: _Server

    def log_message(self, format: str, *args: object) -> None:
        """Tests read the proxy's own lists."""

    def _pass(self) -> None:
        proxy, size = self.server.proxy, int(self.headers.get("content-length", 0))
        headers = {name.lower(): value for name, value in self.headers.items()}
        request = proxy.came(self.command, self.path, headers, size)
        match fault := proxy.fault(request):
            case Say():
                self._drain(size)
                self._answer(fault.status, [*fault.headers.items()], fault.content)
            case Hold():
                proxy.letting_go.wait(60)
                self._cut()
            case Endless():
                self._drain(size)
                self._go_on(fault)
            case _:
                try:
                    self._through(request, fault)
                except (OSError, http.client.HTTPException):
                    self._cut()

    do_PUT = do_GET = do_HEAD = do_POST = do_DELETE = _pass

    def _through(self, request: Request, fault: Fault | None) -> None:
        address = urlsplit(request.target)
        target = f"{address.path}?{address.query}" if address.query else address.path
        behind = http.client.HTTPConnection("127.0.0.1", self.server.proxy.behind, timeout=60)
        with contextlib.closing(behind):
            behind.putrequest(request.method, target, skip_host=True, skip_accept_encoding=True)
            for name, value in self.headers.items():
                if name.lower() not in _HOP_BY_HOP:
                    behind.putheader(name, value)
            behind.endheaders()
            for piece in self._body(request.size, fault):
                behind.send(piece)
            if isinstance(fault, CutBody):
                raise ConnectionError
            answer = behind.getresponse()
            content = answer.read()
            self.server.proxy.answered(request, answer.status)
        match fault:
            case CutAnswer(after=-1):
                raise ConnectionError
            case CutAnswer(after=after):
                self._answer(answer.status, answer.getheaders(), content, upto=after)
                raise ConnectionError
            case FlipAnswer(at=at):
                content = _flipped(content, at)
        self._answer(answer.status, answer.getheaders(), content)

    def _body(self, size: int, fault: Fault | None) -> Iterator[bytes]:
        done, end = 0, min(size, fault.after) if isinstance(fault, CutBody) else size
        while done < end and (piece := self.rfile.read(min(_PIECE, end - done))):
            if isinstance(fault, Flip) and done <= fault.at < done + len(piece):
                yield _flipped(piece, fault.at - done)
            else:
                yield piece
            done += len(piece)

    def _drain(self, size: int) -> None:
        for _ in self._body(size, None):
            pass

    def _go_on(self, endless: Endless) -> None:
        head = f"Content-Length: {endless.announced}\r\nLast-Modified: Thu, 01 Jan 2026 00:00:00 GMT"
        with contextlib.suppress(OSError):
            self.wfile.write(f"HTTP/1.1 200 OK\r\n{head}\r\n\r\n".encode())
            while not self.server.proxy.letting_go.wait(endless.pause):
                self.wfile.write(endless.piece)
        self._cut()

    def _answer(
        self, status: int, headers: list[tuple[str, str]], content: bytes, *, upto: int | None = None
    ) -> None:
        """Head and body in one piece, so that nobody waits for an acknowledgement in between."""
        kept = [(name, value) for name, value in headers if name.lower() not in _HOP_BY_HOP]
        if not any(name.lower() == "content-length" for name, _ in kept):
            kept.append(("Content-Length", str(len(content))))
        head = "".join(f"{name}: {value}\r\n" for name, value in kept)
        body = b"" if self.command == "HEAD" else content[:upto]
        reason = http.client.responses.get(status, "")
        self.wfile.write(f"HTTP/1.1 {status} {reason}\r\n{head}\r\n".encode() + body)

    def _cut(self) -> None:
        self.close_connection = True
        with contextlib.suppress(OSError):
            self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            self.connection.close()


def _flipped(content: bytes, at: int) -> bytes:
    return content[:at] + bytes([content[at] ^ 1]) + content[at + 1 :]


def wait_until(holds: Callable[[], bool], *, seconds: float = 60) -> None:
    """Return when something has come to hold; raises AssertionError when it does not."""
    until = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < until, "it never came to hold"
        time.sleep(0.01)
