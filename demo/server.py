"""The loopback server that stands for a platform's media host, and counts what it is asked for."""

from __future__ import annotations

import random
import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Self
from urllib.parse import parse_qs, urlsplit


@dataclass(frozen=True)
class File:
    """What stands under a path."""

    mime_type: str
    body: bytes


class MediaServer:
    """Serves files by path on a free port of 127.0.0.1 while its context is open.

    A signed URL (`e=`, Unix seconds) is refused with 403 after its time, an unknown path with 404. `delay` is
    the span of seconds an answer takes, so that progress can be seen.
    """

    def __init__(self, files: Mapping[str, File], *, delay: tuple[float, float] = (0.02, 0.05)) -> None:
        self._files = files
        self._delay = delay
        self._asked: list[str] = []
        self._lock = threading.Lock()
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), self._answers())
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.05})

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()

    @property
    def address(self) -> str:
        """Host and port, as the setting `fetch.allow` wants them."""
        return f"127.0.0.1:{self._server.server_port}"

    @property
    def base(self) -> str:
        """What stands before each path in a URL."""
        return f"http://{self.address}"

    @property
    def asked(self) -> tuple[str, ...]:
        """The paths of all requests so far, refused ones too, in order."""
        with self._lock:
            return tuple(self._asked)

    @property
    def hits(self) -> int:
        """How many requests came so far."""
        return len(self.asked)

    def _answer(self, target: str) -> tuple[int, File]:
        parts = urlsplit(target)
        with self._lock:
            self._asked.append(parts.path)
        time.sleep(random.uniform(*self._delay))
        ends = parse_qs(parts.query).get("e", ["0"])[0]
        if ends.isdecimal() and 0 < int(ends) < time.time():
            return 403, File("text/html", b"<html><body>This link has expired.</body></html>")
        file = self._files.get(parts.path)
        return (200, file) if file else (404, File("text/html", b"<html><body>Not here.</body></html>"))

    def _answers(self) -> type[BaseHTTPRequestHandler]:
        server = self

        class Answer(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_GET(self) -> None:
                status, file = server._answer(self.path)
                self.send_response(status)
                self.send_header("Content-Type", file.mime_type)
                self.send_header("Content-Length", str(len(file.body)))
                self.end_headers()
                self.wfile.write(file.body)

            def log_message(self, *_: object) -> None:
                """Say nothing: the terminal belongs to the program that is shown."""

        return Answer
