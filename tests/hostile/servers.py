"""Servers that misbehave in more ways than those of all tests, and one that nobody must ever reach."""

from __future__ import annotations

import contextlib
import socket
import subprocess
import threading
from collections.abc import Mapping
from pathlib import Path
from typing import Self

from tests.servers.media import Exchange, Misbehaviour

OK = b"HTTP/1.1 200 OK\r\n"


class Trap:
    """Listens on 127.0.0.1 and ::1 at one port, and keeps what each connection sent; a context manager."""

    def __init__(self) -> None:
        self._sockets = self._open()
        self.port = int(self._sockets[0].getsockname()[1])
        self.caught: list[bytes] = []
        self._threads = [
            threading.Thread(target=self._listen, args=(each,), daemon=True) for each in self._sockets
        ]

    @staticmethod
    def _open() -> list[socket.socket]:
        while True:
            first = socket.create_server(("127.0.0.1", 0))
            if not socket.has_ipv6:
                return [first]
            try:
                return [first, socket.create_server(("::1", first.getsockname()[1]), family=socket.AF_INET6)]
            except OSError:
                first.close()

    def __enter__(self) -> Self:
        for each in self._threads:
            each.start()
        return self

    def __exit__(self, *exc: object) -> None:
        for each in self._sockets:
            with contextlib.suppress(OSError):
                each.shutdown(socket.SHUT_RDWR)
            each.close()
        for each in self._threads:
            each.join()

    def _listen(self, listening: socket.socket) -> None:
        while True:
            try:
                connection, _ = listening.accept()
            except OSError:
                return
            # A connection alone is one too many, whatever is sent.
            with connection:
                connection.settimeout(1)
                with contextlib.suppress(OSError):
                    self.caught.append(b"")
                    self.caught[-1] = connection.recv(4096)


# --- answers --------------------------------------------------------------------------------------------


def exactly(body: bytes, *, status: int = 200, **headers: str) -> Misbehaviour:
    """A body with these headers (`_` for `-`) and no other but the true length."""
    named = {name.replace("_", "-"): value for name, value in headers.items()}

    def answer(exchange: Exchange) -> None:
        exchange.head(status, {"Content-Length": str(len(body)), **named})
        exchange.send(body)

    return answer


def bare(status: int, body: bytes = b"", headers: Mapping[str, str] | None = None) -> Misbehaviour:
    """An answer with these headers alone, ended by the end of the connection."""

    def answer(exchange: Exchange) -> None:
        exchange.head(status, {"Connection": "close", **(headers or {})})
        exchange.send(body)
        exchange.hang_up()

    return answer


def late(answer: Misbehaviour, seconds: float = 0.5) -> Misbehaviour:
    """The same, when others were answered already: whether a network is down is judged by all hosts together."""

    def wait(exchange: Exchange) -> None:
        exchange.wait(seconds)
        answer(exchange)

    return wait


def flood(line: bytes, *, head: bytes = OK) -> Misbehaviour:
    """One line of a head after another, without end."""

    def answer(exchange: Exchange) -> None:
        exchange.hang_up()
        exchange.send(head)
        while not exchange.stopping.is_set():
            exchange.send(line * 1000)

    return answer


def dripping_head(every: float = 0.05) -> Misbehaviour:
    """A head that comes one byte after another and never ends."""

    def answer(exchange: Exchange) -> None:
        exchange.hang_up()
        exchange.send(OK + b"X-Slow: ")
        while not exchange.stopping.is_set():
            exchange.send(b"x")
            exchange.wait(every)

    return answer


def endless_parts(part: bytes) -> Misbehaviour:
    """A camera's stream: the same picture again and again, as parts of one body."""

    def answer(exchange: Exchange) -> None:
        exchange.head(200, {"Content-Type": "multipart/x-mixed-replace; boundary=b", "Connection": "close"})
        exchange.hang_up()
        while not exchange.stopping.is_set():
            exchange.send(b"--b\r\nContent-Type: image/png\r\n\r\n" + part * 50 + b"\r\n")

    return answer


def half_closed(body: bytes, *, declared: int) -> Misbehaviour:
    """Closes its sending half behind the body, and keeps listening."""

    def answer(exchange: Exchange) -> None:
        exchange.head(200, {"Content-Length": str(declared)})
        exchange.send(body)
        exchange.half_close()
        exchange.wait(0.2)
        exchange.hang_up()

    return answer


def breaks_its_word(body: bytes) -> Misbehaviour:
    """Promises to keep the connection and closes it."""

    def answer(exchange: Exchange) -> None:
        exchange.head(
            200, {"Content-Length": str(len(body)), "Connection": "keep-alive", "Keep-Alive": "timeout=60"}
        )
        exchange.send(body)
        exchange.hang_up()

    return answer


def hops(count: int, then: Misbehaviour) -> Misbehaviour:
    """So many redirects on this server before an answer."""

    def answer(exchange: Exchange) -> None:
        path, _, at = exchange.request.path.partition("?hop=")
        if int(at or 0) >= count:
            then(exchange)
        else:
            exchange.head(302, {"Location": f"{path}?hop={int(at or 0) + 1}", "Content-Length": "0"})

    return answer


def in_turn(*answers: Misbehaviour) -> Misbehaviour:
    """One answer after another, the last one for ever."""
    left = list(answers)
    lock = threading.Lock()

    def answer(exchange: Exchange) -> None:
        with lock:
            now = left.pop(0) if len(left) > 1 else left[0]
        now(exchange)

    return answer


# --- TLS ------------------------------------------------------------------------------------------------


class Authority:
    """A certificate authority of this run, made by openssl in a folder of its own; `path` is what to trust."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self.path = folder / "authority.pem"
        self._key = folder / "authority.key"
        self._made = 0
        self._run(
            "req", "-x509", *_NEW_KEY, "-days", "2", "-subj", "/CN=tests", "-out", self.path, "-keyout", self._key
        )
        (folder / "index").touch()
        (folder / "ca.conf").write_text(_CA.format(folder=folder))

    def certificate(self, host: str, *, start: str = "240101", end: str = "491231") -> tuple[Path, Path]:
        """A certificate for a host, signed by the authority, and its key."""
        self._made += 1
        pair = self._folder / f"{self._made}.pem", self._folder / f"{self._made}.key"
        request, names = self._folder / f"{self._made}.csr", self._folder / f"{self._made}.ext"
        names.write_text(f"subjectAltName=DNS:{host}\n")
        self._run("req", *_NEW_KEY, "-subj", f"/CN={host}", "-out", request, "-keyout", pair[1])
        self._run(
            "ca", "-batch", "-notext", "-config", self._folder / "ca.conf", "-in", request, "-out", pair[0],
            "-startdate", f"{start}000000Z", "-enddate", f"{end}000000Z", "-extfile", names,
        )  # fmt: skip
        return pair

    def self_signed(self, host: str) -> tuple[Path, Path]:
        """A certificate for a host that nobody else signed, and its key."""
        self._made += 1
        pair = self._folder / f"{self._made}.pem", self._folder / f"{self._made}.key"
        self._run(
            "req", "-x509", *_NEW_KEY, "-days", "2", "-subj", f"/CN={host}",
            "-addext", f"subjectAltName=DNS:{host}", "-out", pair[0], "-keyout", pair[1],
        )  # fmt: skip
        return pair

    @staticmethod
    def _run(*arguments: object) -> None:
        subprocess.run(["openssl", *map(str, arguments)], check=True, capture_output=True)


_NEW_KEY = ("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes")
_CA = """
[ca]
default_ca = own
[own]
database = {folder}/index
serial = {folder}/serial
rand_serial = yes
new_certs_dir = {folder}
certificate = {folder}/authority.pem
private_key = {folder}/authority.key
default_md = sha256
policy = any
unique_subject = no
[any]
commonName = supplied
"""
