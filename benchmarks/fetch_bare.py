"""The same client's bare loop: GET and forget, as many connections a host as ours has, on libcurl's multi face.

`python -m benchmarks.fetch_bare AUTHORITY URLS CONNECTIONS`; a body is only counted. Ends with the bytes.
"""

from __future__ import annotations

import selectors
import sys
from collections import defaultdict, deque
from pathlib import Path
from time import monotonic
from urllib.parse import urlsplit

import pycurl

from benchmarks.fetch_server import HOST

_EVENTS = {pycurl.POLL_IN: 1, pycurl.POLL_OUT: 2, pycurl.POLL_INOUT: 3}


class Loop:
    """Fetches lists of URLs, one list a host, `each` at a time of one host."""

    def __init__(self, authority: str, urls: list[str], each: int) -> None:
        self.authority = authority
        self.multi = pycurl.CurlMulti()
        self.selector = selectors.DefaultSelector()
        self.due: float | None = None
        self.running = 0
        self.bytes = 0
        self.multi.setopt(pycurl.M_SOCKETFUNCTION, self._watch)
        self.multi.setopt(pycurl.M_TIMERFUNCTION, self._set_timer)
        hosts: dict[str, deque[str]] = defaultdict(deque)
        for url in urls:
            hosts[urlsplit(url).netloc].append(url)
        self.multi.setopt(pycurl.M_MAXCONNECTS, each * len(hosts))
        self.queues: dict[pycurl.Curl, deque[str]] = {}
        for place, queue in hosts.items():
            for _ in range(each):
                self.queues[self._handle(place)] = queue

    def _handle(self, place: str) -> pycurl.Curl:
        name, _, port = place.partition(":")
        curl = pycurl.Curl()
        for option, value in (
            (pycurl.NOSIGNAL, 1),
            (pycurl.PROXY, ""),
            (pycurl.CAINFO, self.authority),
            (pycurl.SSL_VERIFYPEER, 1),
            (pycurl.SSL_VERIFYHOST, 2),
            (pycurl.SSLVERSION, pycurl.SSLVERSION_TLSv1_2),
            (pycurl.HTTP_VERSION, pycurl.CURL_HTTP_VERSION_1_1),
            (pycurl.RESOLVE, [f"{name}:{port}:{HOST}"]),
            (pycurl.WRITEFUNCTION, self._count),
        ):
            curl.setopt(option, value)
        return curl

    def _count(self, chunk: bytes) -> None:
        self.bytes += len(chunk)

    def _set_timer(self, milliseconds: int) -> None:
        self.due = None if milliseconds < 0 else monotonic() + milliseconds / 1000

    def _watch(self, what: int, descriptor: int, _multi: pycurl.CurlMulti, _given: object) -> None:
        events = _EVENTS.get(what)
        if events is None:
            self.selector.unregister(descriptor)
        elif descriptor in self.selector.get_map():
            self.selector.modify(descriptor, events)
        else:
            self.selector.register(descriptor, events)

    def _next(self, curl: pycurl.Curl) -> None:
        queue = self.queues[curl]
        if queue:
            curl.setopt(pycurl.URL, queue.popleft())
            self.multi.add_handle(curl)
            self.running += 1

    def run(self) -> None:
        """Fetch everything; raises RuntimeError at the first failure."""
        for curl in self.queues:
            self._next(curl)
        while self.running:
            patience = None if self.due is None else max(0.0, self.due - monotonic())
            for key, events in self.selector.select(patience):
                self.multi.socket_action(key.fd, events)
            if self.due is not None and monotonic() >= self.due:
                self.due = None
                self.multi.socket_action(pycurl.SOCKET_TIMEOUT, 0)
            left = 1
            while left:
                left, done, failed = self.multi.info_read()
                if failed:
                    raise RuntimeError(failed[0][2])
                for curl in done:
                    self.multi.remove_handle(curl)
                    self.running -= 1
                    self._next(curl)


def main(authority: str, urls: str, each: str) -> None:
    """Fetch every URL of a file, one a line."""
    loop = Loop(authority, Path(urls).read_text().split(), int(each))
    loop.run()
    print(loop.bytes)


if __name__ == "__main__":
    main(*sys.argv[1:])
