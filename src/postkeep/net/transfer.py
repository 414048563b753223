"""One reusable libcurl handle, and what it sees while one request runs on it."""

from __future__ import annotations

import math
import os
import socket
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from time import monotonic
from typing import NamedTuple

import pycurl

from postkeep.config import FetchConfig
from postkeep.errors import (
    AddressRefused,
    ConnectFailed,
    HttpStatus,
    NotMedia,
    PostkeepError,
    TooLarge,
)
from postkeep.model import Body, utc_now
from postkeep.net.answer import failure, retry_after
from postkeep.net.body import Intake, Memory
from postkeep.net.guard import AddressGuard
from postkeep.net.url import Target

_REDIRECTS = frozenset({301, 302, 303, 307, 308})
_GOOD = 200

# A body nobody wants is read only to keep the connection, so neither many bytes nor much time is spent on it.
_DRAINED_BYTES = 64 * 1024
_DRAINED_SECONDS = 5.0

# What the callbacks answer libcurl with, besides nothing for "go on".
_ABORT = -1
_NO_SOCKET: int = pycurl.SOCKET_BAD
_MAY_SEND: int = pycurl.PREREQFUNC_OK
_MUST_NOT_SEND: int = pycurl.PREREQFUNC_ABORT


@dataclass(slots=True)
class Statistics:
    """What was done since the fetcher was made: requests sent (each hop is one), connections opened."""

    requests: int = 0
    connections: int = 0


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What all transfers of one fetcher share."""

    config: FetchConfig
    guard: AddressGuard
    spool: Callable[[], Path]
    connect_to: Sequence[str]
    certificates: str
    memory: Memory
    spill_at: int
    statistics: Statistics


@dataclass(frozen=True, slots=True)
class Redirect:
    """The answer sends the request elsewhere; `location` is the header as it came."""

    location: bytes


@dataclass(frozen=True, slots=True)
class Answer:
    """A complete body, and its head."""

    body: Body
    headers: Mapping[str, str]


class _SocketAddress(NamedTuple):
    family: int
    socktype: int
    protocol: int
    addr: tuple[str, int] | tuple[str, int, int, int]


@dataclass(slots=True)
class _State:
    """What is known of the request that runs now."""

    url: str = ""
    most: int = 0
    status: int = 0
    head: list[bytes] = field(default_factory=list)
    headers: dict[str, str] = field(default_factory=dict)
    location: bytes | None = None
    intake: Intake | None = None
    failure: Exception | None = None
    refusal: str | None = None
    opened: int = 0
    drained: int = 0
    drain_until: float = 0.0


class _Descriptor:
    """Closes a descriptor when libcurl has copied it: a socket object would warn that nobody did."""

    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor

    def fileno(self) -> int:
        return self._descriptor

    def __del__(self) -> None:
        os.close(self._descriptor)


class Transfer:
    """Runs one request after another on one handle; all calls come from the engine's thread."""

    def __init__(self, surroundings: Surroundings) -> None:
        self._all = surroundings
        self._now = _State()
        self._began = 0.0
        self.curl = pycurl.Curl()
        self._set_up(self.curl)

    def _set_up(self, curl: pycurl.Curl) -> None:
        config = self._all.config
        web = pycurl.PROTO_HTTP | pycurl.PROTO_HTTPS
        for option, value in (
            (pycurl.NOSIGNAL, 1),
            # A proxy from the environment would move every connection behind the guard's back.
            (pycurl.PROXY, ""),
            (pycurl.NOPROXY, "*"),
            (pycurl.PROTOCOLS, web),
            (pycurl.REDIR_PROTOCOLS, web),
            (pycurl.FOLLOWLOCATION, 0),
            (pycurl.UNRESTRICTED_AUTH, 0),
            (pycurl.NETRC, pycurl.NETRC_IGNORED),
            (pycurl.CAINFO, self._all.certificates),
            (pycurl.SSL_VERIFYPEER, 1),
            (pycurl.SSL_VERIFYHOST, 2),
            (pycurl.SSLVERSION, pycurl.SSLVERSION_TLSv1_2),
            (pycurl.HTTP_VERSION, pycurl.CURL_HTTP_VERSION_1_1),
            (pycurl.TCP_KEEPALIVE, 1),
            (pycurl.CONNECTTIMEOUT_MS, _milliseconds(config.connect_timeout)),
            (pycurl.LOW_SPEED_LIMIT, 1),
            (pycurl.LOW_SPEED_TIME, max(1, math.ceil(config.stall_timeout))),
            (pycurl.OPENSOCKETFUNCTION, self._open_socket),
            (pycurl.PREREQFUNCTION, self._before_request),
            (pycurl.HEADERFUNCTION, self._read_head),
            (pycurl.WRITEFUNCTION, self._read_body),
        ):
            curl.setopt(option, value)
        if self._all.connect_to:
            curl.setopt(pycurl.CONNECT_TO, list(self._all.connect_to))

    def begin(self, target: Target, url: str, *, agent: str, most: int, seconds: float, fresh: bool) -> None:
        """Make the handle ready for a request; `url` is the one errors name, `most` the limit in bytes."""
        self._now = _State(url=url, most=most)
        self._began = monotonic()
        self.curl.setopt(pycurl.URL, target.wire)
        self.curl.setopt(pycurl.USERAGENT, agent)
        self.curl.setopt(pycurl.TIMEOUT_MS, _milliseconds(seconds))
        self.curl.setopt(pycurl.FRESH_CONNECT, fresh)
        self._all.statistics.requests += 1

    @property
    def seconds(self) -> float:
        """How long the request has been running."""
        return monotonic() - self._began

    def end(self, code: int, text: str) -> Answer | Redirect | Exception:
        """What came of the request that libcurl ended with this code; nothing is left open."""
        now, self._now = self._now, _State()
        outcome = self._judge(now, code, text)
        if now.intake is not None and not isinstance(outcome, Answer):
            now.intake.discard()
        return outcome

    def stop(self) -> None:
        """Forget the request that runs, whose handle was taken out of the multi handle."""
        now, self._now = self._now, _State()
        if now.intake is not None:
            now.intake.discard()

    def close(self) -> None:
        self.stop()
        self.curl.close()

    def _judge(self, now: _State, code: int, text: str) -> Answer | Redirect | Exception:
        if now.failure is not None:
            return now.failure
        if now.refusal is not None and code != pycurl.E_OK and not now.opened:
            return AddressRefused(now.refusal, url=now.url)
        if now.location is not None:
            return Redirect(now.location)
        if code != pycurl.E_OK:
            return failure(code, text, now.url, body_begun=now.intake is not None)
        if now.intake is None or not now.intake.size:
            return NotMedia("an empty body", url=now.url)
        try:
            return Answer(now.intake.finish(), now.headers)
        except PostkeepError as error:
            return error

    # --- called by libcurl; an exception that left one of these would only be printed ------------------

    def _open_socket(self, _purpose: int, address: _SocketAddress) -> _Descriptor | int:
        now = self._now
        try:
            if (reason := self._refusal(address)) is not None:
                now.refusal = reason
                return _NO_SOCKET
            opened = socket.socket(address.family, address.socktype, address.protocol)
        except OSError as error:
            now.failure = ConnectFailed(f"no socket could be opened: {error.strerror}", url=now.url)
            return _NO_SOCKET
        except Exception as error:
            now.failure = error
            return _NO_SOCKET
        now.opened += 1
        self._all.statistics.connections += 1
        return _Descriptor(opened.detach())

    def _refusal(self, address: _SocketAddress) -> str | None:
        if address.family not in (socket.AF_INET, socket.AF_INET6):
            return "it is no internet address"
        ip, port, *rest = address.addr
        if len(rest) == 2 and rest[1]:
            ip = f"{ip}%{rest[1]}"
        return self._all.guard.refusal(ip, port)

    def _before_request(self, ip: str, _own_ip: str, port: int, _own_port: int) -> int:
        """Judge the peer once more, whichever way its connection came about."""
        reason = self._all.guard.refusal(ip, port)
        if reason is None:
            return _MAY_SEND
        self._now.failure = AddressRefused(reason, url=self._now.url)
        return _MUST_NOT_SEND

    def _read_head(self, line: bytes) -> int | None:
        now = self._now
        if line.startswith(b"HTTP/"):
            now.head = [line]
        elif line.strip():
            now.head.append(line)
        elif now.head:
            head, now.head = now.head, []
            try:
                return self._head_read(now, head)
            except Exception as error:
                now.failure = error
                return _ABORT
        return None

    def _head_read(self, now: _State, head: list[bytes]) -> int | None:
        if now.status:
            # These are trailers, which come after a body and say nothing about it.
            return None
        status = int(head[0].split(None, 2)[1])
        if 100 <= status < 200:
            return None
        now.status = status
        now.headers = _headers(head[1:])
        length = _length(now.headers)
        if status == _GOOD:
            encoding = now.headers.get("content-encoding", "identity").strip().lower()
            if encoding not in ("", "identity"):
                now.failure = NotMedia(f"an encoded body ({encoding[:20]}) that was not asked for", url=now.url)
                return _ABORT
            if length is not None and length > now.most:
                now.failure = _too_large(now)
                return _ABORT
            now.intake = Intake(self._all.spool, self._all.memory, self._all.spill_at)
            return None
        if status in _REDIRECTS and "location" in now.headers:
            now.location = now.headers["location"].encode("latin-1")
        else:
            now.failure = HttpStatus(status, url=now.url, retry_after=retry_after(now.headers, utc_now()))
        now.drain_until = monotonic() + _DRAINED_SECONDS
        return _ABORT if length is not None and length > _DRAINED_BYTES else None

    def _read_body(self, chunk: bytes) -> int | None:
        now = self._now
        intake = now.intake
        if intake is None:
            now.drained += len(chunk)
            return _ABORT if now.drained > _DRAINED_BYTES or monotonic() > now.drain_until else None
        if intake.size + len(chunk) > now.most:
            now.failure = _too_large(now)
            return _ABORT
        try:
            intake.add(chunk)
        except Exception as error:
            now.failure = error
            return _ABORT
        return None


def _milliseconds(seconds: float) -> int:
    return max(1, math.ceil(seconds * 1000))


def _too_large(now: _State) -> TooLarge:
    return TooLarge(f"the body is larger than {now.most} bytes", url=now.url)


def _length(headers: Mapping[str, str]) -> int | None:
    """The declared length, where the answer has one that counts; libcurl refuses what is no number."""
    text = headers.get("content-length", "")
    return int(text) if text.isascii() and text.isdigit() and "transfer-encoding" not in headers else None


def _headers(lines: list[bytes]) -> dict[str, str]:
    headers: dict[str, str] = {}
    for line in lines:
        name, found, value = line.decode("latin-1").partition(":")
        if not found:
            continue
        name, value = name.strip().lower(), value.strip()
        if name == "location":
            headers.setdefault(name, value)
        else:
            headers[name] = f"{headers[name]}, {value}" if name in headers else value
    return headers
