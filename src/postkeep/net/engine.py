"""The one thread that drives libcurl: starts what may start, waits for sockets, hands results over.

Sockets are watched with the system's own selector, because libcurl's select cannot see descriptors above 1023.
"""

from __future__ import annotations

import contextlib
import selectors
import socket
import threading
from collections import deque
from collections.abc import Callable
from time import monotonic

import pycurl

from postkeep.errors import AddressRefused, FetchError, TimedOut, TooManyRedirects
from postkeep.model import Fetched
from postkeep.net.hosts import HostQueues
from postkeep.net.transfer import Answer, Redirect, Surroundings, Transfer
from postkeep.net.url import Target, follow

Outcome = Fetched | BaseException
Done = Callable[[Outcome], object]

_EVENTS = {
    pycurl.POLL_IN: selectors.EVENT_READ,
    pycurl.POLL_OUT: selectors.EVENT_WRITE,
    pycurl.POLL_INOUT: selectors.EVENT_READ | selectors.EVENT_WRITE,
}


class Job:
    """One URL to fetch, over all its hops; whoever began it holds it only to abort it."""

    __slots__ = ("done", "fresh", "hops", "most", "over", "seconds", "target", "transfer", "url", "where")

    def __init__(self, url: str, target: Target, done: Done, *, most: int, fresh: bool) -> None:
        self.url = url
        self.where = url
        self.target = target
        self.done = done
        self.most = most
        self.fresh = fresh
        self.hops = 0
        self.seconds = 0.0
        self.transfer: Transfer | None = None
        self.over = False

    @property
    def host(self) -> str:
        return self.target.host


def closed(url: str) -> FetchError:
    """The error of a transfer that a closing fetcher cut short: temporary, nothing speaks against the URL."""
    error = FetchError("the fetcher was closed", url=url)
    error.temporary = True
    return error


class Engine:
    """Runs jobs on a thread that starts with the first one and ends with `close`."""

    def __init__(self, surroundings: Surroundings, agent_of: Callable[[str], str]) -> None:
        self._all = surroundings
        self._agent_of = agent_of
        self._lock = threading.Lock()
        self._inbox: deque[tuple[Job, bool]] = deque()
        self._thread: threading.Thread | None = None
        self._closing = False
        self._broken: BaseException | None = None
        self._woken = False
        self._wake_in, self._wake_out = socket.socketpair()
        self._wake_in.setblocking(False)
        self._wake_out.setblocking(False)
        # From here on only the thread touches these.
        self._queues: HostQueues[Job] = HostQueues(surroundings.config.per_host)
        self._running: dict[pycurl.Curl, Job] = {}
        self._free: list[Transfer] = []
        self._done: list[tuple[Job, Outcome]] = []
        self._due: float | None = None

    # --- from any thread ------------------------------------------------------------------------------

    def submit(self, job: Job) -> None:
        """Queue a job; raises FetchError after `close`."""
        self._post(job, abort=False)

    def abort(self, job: Job) -> None:
        """Stop a job whose outcome nobody wants; its file is removed. Does nothing when the job is over."""
        with contextlib.suppress(FetchError):
            self._post(job, abort=True)

    def _post(self, job: Job, *, abort: bool) -> None:
        with self._lock:
            if self._closing:
                raise closed(job.url) from self._broken
            if self._thread is None:
                thread = threading.Thread(target=self._run, name="postkeep-net", daemon=True)
                thread.start()
                self._thread = thread
            self._inbox.append((job, abort))
            self._wake()

    def _wake(self) -> None:
        if not self._woken:
            self._woken = True
            self._wake_in.send(b"!")

    def close(self) -> None:
        """Abort what runs or waits, and end the thread; idempotent."""
        with self._lock:
            if not self._closing:
                self._closing = True
                if self._thread is None:
                    self._close_wake()
                else:
                    self._wake()
            thread = self._thread
        if thread is not None and thread is not threading.current_thread():
            thread.join()

    def _close_wake(self) -> None:
        self._wake_in.close()
        self._wake_out.close()

    # --- the thread -----------------------------------------------------------------------------------

    def _run(self) -> None:
        reason: BaseException | None = None
        try:
            with selectors.DefaultSelector() as selector:
                self._turn_until_closed(pycurl.CurlMulti(), selector)
        except BaseException as error:
            # A mistake of ours: whoever waits has to hear of it, or would wait for ever.
            reason = error
        finally:
            self._shut(reason)

    def _turn_until_closed(self, multi: pycurl.CurlMulti, selector: selectors.BaseSelector) -> None:
        config = self._all.config
        multi.setopt(pycurl.M_SOCKETFUNCTION, _watcher(selector))
        multi.setopt(pycurl.M_TIMERFUNCTION, self._set_timer)
        multi.setopt(pycurl.M_MAXCONNECTS, config.concurrency)
        selector.register(self._wake_out, selectors.EVENT_READ)
        try:
            while self._take_in(multi):
                self._start_what_may(multi)
                for key, events in selector.select(self._patience()):
                    if key.fileobj is not self._wake_out:
                        multi.socket_action(key.fd, _bits(events))
                if self._due is not None and monotonic() >= self._due:
                    self._due = None
                    multi.socket_action(pycurl.SOCKET_TIMEOUT, 0)
                self._collect(multi)
                self._hand_over()
        finally:
            self._stop_all(multi)

    def _set_timer(self, milliseconds: int) -> None:
        self._due = None if milliseconds < 0 else monotonic() + milliseconds / 1000

    def _patience(self) -> float | None:
        if self._done:
            return 0.0
        return None if self._due is None else max(0.0, self._due - monotonic())

    def _take_in(self, multi: pycurl.CurlMulti) -> bool:
        if not self._woken:
            return True
        with self._lock:
            self._woken = False
            with contextlib.suppress(BlockingIOError):
                self._wake_out.recv(16)
            posted = list(self._inbox)
            self._inbox.clear()
            if self._closing:
                self._inbox.extend(posted)
                return False
        for job, abort in posted:
            if not abort:
                self._queues.put(job.host, job)
            elif not job.over:
                self._drop(multi, job)
        return True

    def _drop(self, multi: pycurl.CurlMulti, job: Job) -> None:
        if job.transfer is None:
            self._queues.withdraw(job.host, job)
        else:
            self._take_out(multi, job).stop()
        self._settle(job, closed(job.url))

    def _start_what_may(self, multi: pycurl.CurlMulti) -> None:
        while len(self._running) < self._all.config.concurrency and (job := self._queues.next()) is not None:
            transfer = self._free.pop() if self._free else Transfer(self._all)
            try:
                transfer.begin(
                    job.target,
                    job.url,
                    agent=self._agent_of(job.host),
                    most=job.most,
                    seconds=self._all.config.total_timeout - job.seconds,
                    fresh=job.fresh,
                )
                multi.add_handle(transfer.curl)
            except (pycurl.error, UnicodeError) as error:
                self._queues.release(job.host)
                transfer.close()
                self._settle(job, FetchError(f"libcurl does not take the request: {error}", url=job.url))
                continue
            job.transfer = transfer
            self._running[transfer.curl] = job

    def _take_out(self, multi: pycurl.CurlMulti, job: Job) -> Transfer:
        transfer = job.transfer
        assert transfer is not None, "only a running job has a handle to take out"
        job.transfer = None
        del self._running[transfer.curl]
        multi.remove_handle(transfer.curl)
        self._queues.release(job.host)
        self._free.append(transfer)
        return transfer

    def _collect(self, multi: pycurl.CurlMulti) -> None:
        left = 1
        while left:
            left, succeeded, failed = multi.info_read()
            for curl in succeeded:
                self._end(multi, self._running[curl], pycurl.E_OK, "")
            for curl, code, text in failed:
                self._end(multi, self._running[curl], code, text)

    def _end(self, multi: pycurl.CurlMulti, job: Job, code: int, text: str) -> None:
        transfer = self._take_out(multi, job)
        job.seconds += transfer.seconds
        outcome = transfer.end(code, text)
        match outcome:
            case Answer():
                fetched = Fetched(job.url, job.where, outcome.body, outcome.headers, round(job.seconds * 1000))
                self._settle(job, fetched)
            case Redirect():
                try:
                    self._redirect(job, outcome.location)
                except FetchError as error:
                    self._settle(job, error)
            case _:
                self._settle(job, outcome)

    def _redirect(self, job: Job, location: bytes) -> None:
        config = self._all.config
        job.hops += 1
        if job.hops > config.max_redirects:
            raise TooManyRedirects(f"more than {config.max_redirects} redirects", url=job.url)
        if job.seconds >= config.total_timeout:
            raise TimedOut(f"not done after {config.total_timeout:g} seconds", url=job.url)
        try:
            where = follow(job.where, location)
            target = self._all.guard.target(where)
        except AddressRefused as error:
            raise AddressRefused(f"a redirect was refused: {error.message}", url=job.url) from error
        if job.target.scheme == "https" != target.scheme:
            raise AddressRefused("a redirect from https to http was refused", url=job.url)
        job.where, job.target = where, target
        # It has had its turn: what still waits must not make it time out.
        self._queues.put(job.host, job, first=True)

    def _settle(self, job: Job, outcome: Outcome) -> None:
        job.over = True
        self._done.append((job, outcome))

    def _hand_over(self) -> None:
        while self._done:
            done, self._done = self._done, []
            for at, (job, outcome) in enumerate(done, 1):
                try:
                    job.done(outcome)
                except BaseException:
                    self._done = done[at:]
                    raise

    def _stop_all(self, multi: pycurl.CurlMulti) -> None:
        for job in list(self._running.values()):
            self._drop(multi, job)
        for transfer in self._free:
            transfer.close()
        self._free = []
        # While its sockets can still be watched: TLS connections say goodbye.
        multi.close()

    def _shut(self, reason: BaseException | None) -> None:
        with self._lock:
            self._closing = True
            self._broken = reason
            posted = [job for job, abort in self._inbox if not abort]
            self._inbox.clear()
            self._close_wake()
        for job in [*posted, *self._queues.drain(), *self._running.values()]:
            self._settle(job, closed(job.url))
        told = 0
        while self._done:
            job, outcome = self._done.pop()
            try:
                job.done(outcome if reason is None or isinstance(outcome, Fetched) else reason)
                told += 1
            except BaseException as error:
                reason = self._broken = error
        if reason is not None and not told:
            # Nobody heard of it, so that it would be lost: the thread says it itself.
            raise reason


def _watcher(selector: selectors.BaseSelector) -> Callable[[int, int, pycurl.CurlMulti, object], None]:
    """What libcurl calls to say which descriptors it waits for."""

    def watch(what: int, descriptor: int, _multi: pycurl.CurlMulti, _given: object) -> None:
        events = _EVENTS.get(what)
        if events is None:
            # The descriptor may be closed already, and was forgotten by the system with that.
            with contextlib.suppress(KeyError, ValueError, OSError):
                selector.unregister(descriptor)
            return
        try:
            selector.modify(descriptor, events)
        except (KeyError, OSError):
            # It is new, or it was closed and its number is in use again.
            selector.register(descriptor, events)

    return watch


def _bits(events: int) -> int:
    reads = pycurl.CSELECT_IN if events & selectors.EVENT_READ else 0
    return reads | (pycurl.CSELECT_OUT if events & selectors.EVENT_WRITE else 0)
