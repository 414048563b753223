"""A TCP connection to a PostgreSQL server that can be cut, also between a commit and its answer."""

from __future__ import annotations

import contextlib
import socket
import struct
import threading
from types import TracebackType
from typing import Self

from sqlalchemy import make_url

_COMMIT = b"COMMIT\0"


class Proxy:
    """Passes on what comes in on a port of its own to a server; counts the connections it passed on."""

    def __init__(self, database: str) -> None:
        self._behind = make_url(database)
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._pairs: list[tuple[socket.socket, socket.socket]] = []
        self._commits_to_keep = 0
        self._lock = threading.Lock()
        self.connections = 0
        self.shut = False
        """While True every new connection is cut at once."""

    def __enter__(self) -> Self:
        threading.Thread(target=self._accept, daemon=True).start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None
    ) -> None:
        self._listener.close()
        self.cut()

    @property
    def url(self) -> str:
        """The same database through this proxy."""
        port = self._listener.getsockname()[1]
        return self._behind.set(host="127.0.0.1", port=port, query={}).render_as_string(hide_password=False)

    def cut(self) -> None:
        """Cut all connections, with a reset to either side."""
        with self._lock:
            pairs, self._pairs = self._pairs, []
        for pair in pairs:
            _reset(*pair)

    def keep_answer_of_commit(self, times: int = 1) -> None:
        """Let the next commit reach the server, and cut the connection instead of passing on its answer."""
        self._commits_to_keep = times

    def _accept(self) -> None:
        while True:
            try:
                client, _ = self._listener.accept()
            except OSError:
                return
            self.connections += 1
            if self.shut:
                _reset(client)
                continue
            server = self._connect()
            with self._lock:
                self._pairs.append((client, server))
            keep = threading.Event()
            threading.Thread(target=self._up, args=(client, server, keep), daemon=True).start()
            threading.Thread(target=self._down, args=(server, client, keep), daemon=True).start()

    def _connect(self) -> socket.socket:
        host, port = str(self._behind.host or self._behind.query["host"]), self._behind.port or 5432
        if not host.startswith("/"):
            return socket.create_connection((host, port))
        server = socket.socket(socket.AF_UNIX)
        server.connect(f"{host}/.s.PGSQL.{port}")
        return server

    def _up(self, client: socket.socket, server: socket.socket, keep: threading.Event) -> None:
        with contextlib.suppress(OSError):
            while chunk := client.recv(65536):
                if self._commits_to_keep and _COMMIT in chunk:
                    self._commits_to_keep -= 1
                    keep.set()
                server.sendall(chunk)
            server.shutdown(socket.SHUT_WR)

    def _down(self, server: socket.socket, client: socket.socket, keep: threading.Event) -> None:
        with contextlib.suppress(OSError):
            while chunk := server.recv(65536):
                if keep.is_set():
                    _reset(client, server)
                    return
                client.sendall(chunk)
        _close(client, server)


def _reset(*ends: socket.socket) -> None:
    for end in ends:
        with contextlib.suppress(OSError):
            end.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            # Another thread may be reading from it, which alone would keep it open.
            end.shutdown(socket.SHUT_RDWR)
    _close(*ends)


def _close(*ends: socket.socket) -> None:
    for end in ends:
        end.close()
