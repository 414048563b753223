"""One reusable libcurl handle, and what it sees while one request runs on it."""

from __future__ import annotations

import math
import os
import socket
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from time import monotonic
from typing import NamedTuple

import pycurl

from postkeep.config import FetchConfig
from postkeep.errors import (
    AddressRefused,
    ConnectFailed,
    FetchError,
    HttpStatus,
    LinkExpired,
    NotMedia,
    TooLarge,
    Truncated,
)
from postkeep.model import Body, Partial, utc_now
from postkeep.net.answer import failure, retry_after
from postkeep.net.body import Intake, Memory, remove_file
from postkeep.net.expired import HEAD_BYTES, says_expired
from postkeep.net.guard import AddressGuard
from postkeep.net.head import Head, check_encoding, read_head
from postkeep.net.resolver import canonical, handed_over
from postkeep.net.resume import LEAST_BYTES, asking, end_of_rest, validators, worth_keeping
from postkeep.net.url import Target

_REDIRECTS = frozenset({301, 302, 303, 307, 308})
_GOOD = 200
_PARTIAL = 206
_NO_SUCH_RANGE = 416

# A body nobody wants is read only to keep the connection, so neither many bytes nor much time is spent on it.
_DRAINED_BYTES = 64 * 1024
_DRAINED_SECONDS = 5.0

_CIPHERS = "TLS_AES_128_GCM_SHA256:TLS_AES_256_GCM_SHA384:TLS_CHACHA20_POLY1305_SHA256"
_PLAIN = "Accept-Encoding: identity"
_PAGE_STATUSES = frozenset({400, 401, 403, 410})

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


class _State:
    """What is known of the request that runs now."""

    __slots__ = (
        "addresses", "drain_until", "drained", "failure", "head", "intake", "last", "location", "most", "opened",
        "page", "part", "proof", "received", "refusal", "total", "url",
    )  # fmt: skip

    def __init__(self, url: str = "", most: int = 0) -> None:
        self.url = url
        self.most = most
        self.addresses: Sequence[str] = ()
        self.part: Partial | None = None
        # The validators of the part that goes on: its rest may repeat them in part only.
        self.proof: tuple[str | None, str | None] | None = None
        self.head: Head | None = None
        self.location: bytes | None = None
        self.intake: Intake | None = None
        # Where the body ends when it is the rest of one, and how large it is in all.
        self.last: int | None = None
        self.total: int | None = None
        self.failure: Exception | None = None
        self.refusal: str | None = None
        self.opened = 0
        self.received = 0
        self.page: list[bytes] = []
        self.drained = 0
        self.drain_until = 0.0


class _Descriptor:
    """Closes a descriptor when libcurl has copied it: a socket object would warn that nobody did."""

    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor

    def fileno(self) -> int:
        return self._descriptor

    def __del__(self) -> None:
        os.close(self._descriptor)


class Transfer:
    """Runs one request after another on one handle, while it is `usable`; for the engine's thread.

    `declared` is how large the last body was said to be.
    """

    def __init__(self, surroundings: Surroundings) -> None:
        self._all = surroundings
        self._now = _State()
        self._began = 0.0
        self.declared: int | None = None
        self.usable = True
        self._lines: list[bytes] = []
        self._set: dict[int, object] = {}
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
            (pycurl.PATH_AS_IS, 1),
            (pycurl.FOLLOWLOCATION, 0),
            (pycurl.UNRESTRICTED_AUTH, 0),
            (pycurl.NETRC, pycurl.NETRC_IGNORED),
            (pycurl.CAINFO, self._all.certificates),
            (pycurl.SSL_VERIFYPEER, 1),
            (pycurl.SSL_VERIFYHOST, 2),
            (pycurl.SSLVERSION, pycurl.SSLVERSION_TLSv1_2),
            (pycurl.HTTP_CONTENT_DECODING, 0),
            (pycurl.HTTP_VERSION, pycurl.CURL_HTTP_VERSION_1_1),
            (pycurl.TCP_KEEPALIVE, 1),
            (pycurl.CONNECTTIMEOUT_MS, _milliseconds(config.connect_timeout)),
            (pycurl.LOW_SPEED_LIMIT, 1),
            (pycurl.LOW_SPEED_TIME, max(1, math.ceil(config.stall_timeout))),
            (pycurl.OPENSOCKETFUNCTION, self._open_socket),
            (pycurl.PREREQFUNCTION, self._before_request),
            # libcurl limits the size of all heads together; they are read when the body begins.
            (pycurl.HEADERFUNCTION, self._lines.append),
            (pycurl.WRITEFUNCTION, self._read_body),
        ):
            curl.setopt(option, value)
        if "OpenSSL" in pycurl.version:
            # The order of browsers, which begins with the cheapest one that is good.
            curl.setopt(pycurl.TLS13_CIPHERS, _CIPHERS)
        if self._all.connect_to:
            curl.setopt(pycurl.CONNECT_TO, list(self._all.connect_to))

    def begin(
        self,
        target: Target,
        url: str,
        addresses: Sequence[str],
        *,
        agent: str,
        most: int,
        seconds: float,
        part: Partial | None = None,
        fresh: bool = False,
    ) -> None:
        """Make the handle ready for a request; `url` is the one errors name, `most` the limit in bytes.

        It may connect to `addresses` and to nothing else. Of a `part` the rest is asked for; its file is this
        transfer's until `end`, whose outcome or `part_left` gives it back.
        """
        now = self._now = _State(url, most)
        now.addresses = addresses
        now.part = part
        self._lines.clear()
        self._began = monotonic()
        self.declared = None
        self.curl.setopt(pycurl.URL, target.wire)
        if target.address is None:
            self.curl.setopt(pycurl.RESOLVE, [handed_over(target.host, target.port, addresses)])
        self._option(pycurl.USERAGENT, agent)
        self._option(pycurl.TIMEOUT_MS, _milliseconds(seconds))
        self._option(pycurl.FRESH_CONNECT, fresh)
        self._option(pycurl.HTTPHEADER, [_PLAIN, *asking(part)] if part else [_PLAIN])
        self._all.statistics.requests += 1

    def _option(self, option: int, value: str | int | list[str]) -> None:
        if self._set.get(option) != value:
            self.curl.setopt(option, value)
            self._set[option] = value

    @property
    def seconds(self) -> float:
        """How long the request has been running."""
        return monotonic() - self._began

    @property
    def received(self) -> int:
        """How many bytes of the body have come, over the network."""
        return self._now.received

    def end(self, code: int, text: str) -> tuple[Answer | Redirect | Exception, Partial | None]:
        """What came of the request that libcurl ended with this code, and the part that was of no use to it."""
        now, self._now = self._now, _State()
        try:
            # libcurl keeps the beginning of a head that broke off, and takes it for the next answer's.
            self.usable = code == pycurl.E_OK and bool(self._lines) and not self._lines[-1].strip()
            if now.head is None and now.failure is None:
                self._begin_body(now)
            if code == pycurl.E_OK and now.head is None and self._lines and not self.usable:
                raise Truncated("the answer's head broke off", url=now.url)
            outcome = self._judge(now, code, text)
        except Exception as error:
            outcome = error
        if now.intake is not None and not isinstance(outcome, Answer):
            now.intake.discard()
        return outcome, now.part

    def stop(self) -> None:
        """Forget the request that runs, whose handle was taken out of the multi handle; its files go."""
        now, self._now = self._now, _State()
        if now.intake is not None:
            now.intake.discard()
        if now.part is not None:
            remove_file(now.part.path)

    def leave(self) -> Partial | None:
        """What arrived of a large body that nobody waits for now, when the rest can be asked for later."""
        now = self._now
        if now.intake is None or now.head is None or now.intake.size < LEAST_BYTES:
            return None
        return self._keep(now, now.intake, now.head)

    def close(self) -> None:
        self.stop()
        self.curl.close()

    def _judge(self, now: _State, code: int, text: str) -> Answer | Redirect | Exception:
        if now.failure is not None:
            return _of_page(now, now.failure)
        if now.refusal is not None and code != pycurl.E_OK and not now.opened:
            return AddressRefused(now.refusal, url=now.url)
        if now.location is not None:
            return Redirect(now.location)
        intake, head = now.intake, now.head
        error: FetchError | None = None
        if code != pycurl.E_OK:
            error = failure(code, text, now.url, body_begun=intake is not None)
        elif intake is None or head is None:
            error = NotMedia("an empty body", url=now.url)
        elif now.last is None and now.total not in (None, intake.size):
            # libcurl passes over spellings of a length that are read here.
            error = Truncated(f"{intake.size} bytes where {now.total} were declared", url=now.url)
        elif not intake.size:
            error = NotMedia("an empty body", url=now.url)
        elif now.last is not None and (intake.size != now.last or now.total not in (None, now.last)):
            error = Truncated("the rest of the body is not all there", url=now.url)
        else:
            return Answer(intake.finish(), head.headers)
        if intake is not None and head is not None and worth_keeping(intake.size, error):
            error.partial = self._keep(now, intake, head)
        return error

    def _keep(self, now: _State, intake: Intake, head: Head) -> Partial | None:
        etag, date = now.proof or validators(head.headers)
        if now.total is not None and intake.size > now.total:
            return None
        if not (etag or date) or (path := intake.keep()) is None:
            return None
        now.intake = None
        return Partial(path, intake.size, now.total, etag, date)

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
        if (reason := self._all.guard.refusal(ip, port)) is None and canonical(ip) not in self._now.addresses:
            reason = f"{ip} is not what the name stood for when it was judged"
        return reason

    def _before_request(self, ip: str, _own_ip: str, port: int, _own_port: int) -> int:
        """Judge the peer once more, whichever way its connection came about."""
        reason = self._all.guard.refusal(ip, port)
        if reason is None:
            return _MAY_SEND
        self._now.failure = AddressRefused(reason, url=self._now.url)
        return _MUST_NOT_SEND

    def _read_body(self, chunk: bytes) -> int | None:
        now = self._now
        now.received += len(chunk)
        try:
            if now.head is None:
                self._begin_body(now)
            intake = now.intake
            if intake is None:
                return self._drain(now, chunk)
            if intake.size + len(chunk) > now.most:
                raise _too_large(now)
            intake.add(chunk)
        except Exception as error:
            now.failure = error
            return _ABORT
        return None

    def _drain(self, now: _State, chunk: bytes) -> int | None:
        if now.drained < HEAD_BYTES:
            now.page.append(chunk)
        now.drained += len(chunk)
        return _ABORT if now.drained > _DRAINED_BYTES or monotonic() > now.drain_until else None

    def _begin_body(self, now: _State) -> None:
        """Read the head, which is complete, and say what is to be done with the body; raises FetchError."""
        head = now.head = read_head(self._lines)
        if head is None:
            return
        if head.status in _REDIRECTS and "location" in head.headers:
            now.location = head.headers["location"].encode("latin-1")
        elif "content-range" in head.headers and _is_unasked_part(head.status, now.part):
            self._drop_part(now)
            raise Truncated("a part that was not asked for", url=now.url)
        elif head.status == _GOOD or (head.status == _PARTIAL and now.part is not None):
            check_encoding(head, now.url)
            self._take(now, head, head.length(now.url))
            return
        elif head.status == _NO_SUCH_RANGE and now.part is not None:
            self._drop_part(now)
            now.failure = Truncated("the rest of the body is not to be had", url=now.url)
        else:
            wait = retry_after(head.headers, utc_now())
            now.failure = HttpStatus(head.status, url=now.url, retry_after=wait)
        now.drain_until = monotonic() + _DRAINED_SECONDS

    def _take(self, now: _State, head: Head, length: int | None) -> None:
        shared, part = self._all, now.part
        if head.status == _PARTIAL and part is not None:
            try:
                now.last, now.total = end_of_rest(part, head, length, now.url)
            except Truncated:
                self._drop_part(now)
                raise
            self.declared = now.total
            if max(now.last, now.total or 0) > now.most:
                raise _too_large(now)
            now.part = None
            now.proof = part.etag, part.last_modified
            now.intake = Intake(shared.spool, shared.memory, shared.spill_at, part)
            return
        self.declared = length
        if length is not None and length > now.most:
            raise _too_large(now)
        self._drop_part(now)
        now.total = length
        now.intake = Intake(shared.spool, shared.memory, shared.spill_at)

    def _drop_part(self, now: _State) -> None:
        part, now.part = now.part, None
        if part is not None:
            remove_file(part.path)


def _of_page(now: _State, failed: Exception) -> Exception:
    """The error of a page that was read to know it: a link that is over, or the status it came with."""
    if isinstance(failed, HttpStatus) and failed.status in _PAGE_STATUSES and says_expired(b"".join(now.page)):
        return LinkExpired(url=now.url)
    return failed


def _is_unasked_part(status: int, part: Partial | None) -> bool:
    return status == _GOOD or (status == _PARTIAL and part is None)


def _milliseconds(seconds: float) -> int:
    return max(1, math.ceil(seconds * 1000))


def _too_large(now: _State) -> TooLarge:
    return TooLarge(f"the body is larger than {now.most} bytes", url=now.url)
