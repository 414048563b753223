"""The one thread that drives libcurl: starts what may start, waits for sockets, hands results over."""

from __future__ import annotations

import contextlib
import heapq
import itertools
import selectors
import socket
import threading
from collections import deque
from collections.abc import Callable
from dataclasses import replace
from functools import lru_cache, partial
from time import monotonic

import pycurl

from postkeep.errors import (
    AddressRefused,
    CacheError,
    FetchError,
    NameUnresolved,
    TimedOut,
    TooManyRedirects,
)
from postkeep.model import Digest, Fetched
from postkeep.net.body import digest_file, discard_body
from postkeep.net.hosts import HostQueues
from postkeep.net.job import Job, Outcome, closed
from postkeep.net.resolver import AddressBook, Detours, Found, Lookups, Resolver
from postkeep.net.resume import usable
from postkeep.net.slow import LOOK_SECONDS, SlowOnes, most_slow
from postkeep.net.sockets import BITS, watcher
from postkeep.net.transfer import Answer, Redirect, Surroundings, Transfer
from postkeep.net.url import follow

Call = Callable[[], None]

_LARGE_BYTES = 8 * 1024 * 1024


class Engine:
    """Runs jobs on a thread that starts with the first one and ends with `close`."""

    def __init__(
        self,
        surroundings: Surroundings,
        agent_of: Callable[[str], str],
        resolver: Resolver,
        clock: Callable[[], float],
    ) -> None:
        self._all = surroundings
        self._detours = Detours(surroundings.connect_to)
        self._agent_of = lru_cache(maxsize=1024)(agent_of)
        self._clock = clock
        self._lock = threading.Lock()
        self._jobs: deque[Job] = deque()
        self._calls: deque[Call] = deque()
        self._thread: threading.Thread | None = None
        self._closing = False
        self._broken: BaseException | None = None
        self._woken = False
        self._ident = 0
        self.stuck = 0
        self._wake_in, self._wake_out = socket.socketpair()
        self._wake_in.setblocking(False)
        self._wake_out.setblocking(False)
        # From here on only the thread touches these.
        self._multi = pycurl.CurlMulti()
        self._queues: HostQueues[Job] = HostQueues(surroundings.config.per_host)
        self._book = AddressBook(surroundings.guard, clock)
        self._lookups = Lookups(
            resolver,
            surroundings.config.connect_timeout,
            post=self._post_if_open,
            later=self._later,
            told=self._resolved,
        )
        self._running: dict[pycurl.Curl, Job] = {}
        self._slow = SlowOnes(most_slow(surroundings.config.concurrency))
        self._looking = False
        self._hashing: dict[Job, Fetched] = {}
        self._free: list[Transfer] = []
        self._done: list[tuple[Job, Outcome]] = []
        self._timers: list[tuple[float, int, Call]] = []
        self._numbers = itertools.count()
        self._due: float | None = None

    # --- from any thread ------------------------------------------------------------------------------

    def submit(self, job: Job) -> None:
        """Queue a job; raises FetchError after `close`."""
        with self._lock:
            if self._closing:
                raise closed(job.url) from self._broken
            if self._thread is None:
                thread = threading.Thread(target=self._run, name="postkeep-net", daemon=True)
                thread.start()
                self._thread = thread
            self._jobs.append(job)
            self._wake()

    def abort(self, job: Job) -> None:
        """Stop a job whose outcome nobody wants; its files are removed. Does nothing when the job is over."""
        if not job.over:
            self._post_if_open(partial(self._drop, job))

    def _post_if_open(self, call: Call) -> None:
        with self._lock:
            if not self._closing:
                self._calls.append(call)
                self._wake()

    def _wake(self) -> None:
        # The thread itself looks here before it waits.
        if not self._woken and threading.get_ident() != self._ident:
            self._woken = True
            self._wake_in.send(b"!")

    def close(self) -> None:
        """Abort what runs or waits, and end the thread; waits for no lookup; idempotent."""
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
        _have_freed_memory_kept()
        try:
            with selectors.DefaultSelector() as selector:
                self._turn_until_closed(selector)
        except BaseException as error:
            # A mistake of ours: whoever waits has to hear of it, or would wait for ever.
            reason = error
        finally:
            self._shut(reason)

    def _turn_until_closed(self, selector: selectors.BaseSelector) -> None:
        self._ident = threading.get_ident()
        multi, wake = self._multi, self._wake_out.fileno()
        multi.setopt(pycurl.M_SOCKETFUNCTION, watcher(selector))
        multi.setopt(pycurl.M_TIMERFUNCTION, self._set_timer)
        multi.setopt(pycurl.M_MAXCONNECTS, self._all.config.concurrency)
        selector.register(wake, selectors.EVENT_READ)
        act = multi.socket_action
        try:
            while self._take_in():
                self._start_what_may()
                for key, events in selector.select(self._patience()):
                    if key.fd != wake:
                        act(key.fd, BITS[events])
                if self._due is not None and monotonic() >= self._due:
                    self._due = None
                    act(pycurl.SOCKET_TIMEOUT, 0)
                self._collect()
                if self._timers:
                    self._ring()
                self._hand_over()
        finally:
            self._stop_all()

    def _set_timer(self, milliseconds: int) -> None:
        self._due = None if milliseconds < 0 else monotonic() + milliseconds / 1000

    def _patience(self) -> float | None:
        if self._done or self._jobs or self._calls or self._closing:
            return 0.0
        waits = []
        if self._due is not None:
            waits.append(self._due - monotonic())
        if self._timers:
            waits.append(self._timers[0][0] - self._clock())
        return max(0.0, min(waits)) if waits else None

    def _later(self, seconds: float, call: Call) -> None:
        heapq.heappush(self._timers, (self._clock() + seconds, next(self._numbers), call))

    def _ring(self) -> None:
        now = self._clock()
        while self._timers and self._timers[0][0] <= now:
            heapq.heappop(self._timers)[2]()

    def _take_in(self) -> bool:
        if not (self._woken or self._jobs or self._calls or self._closing):
            return True
        with self._lock:
            if self._woken:
                self._woken = False
                with contextlib.suppress(BlockingIOError):
                    self._wake_out.recv(16)
            if self._closing:
                return False
            jobs, calls = list(self._jobs), list(self._calls)
            self._jobs.clear()
            self._calls.clear()
        for job in jobs:
            self._queues.put(job.host, job)
        for call in calls:
            call()
        return True

    def _drop(self, job: Job) -> None:
        if job.over:
            return
        error = closed(job.url)
        if job in self._hashing:
            discard_body(self._hashing.pop(job).body)
        elif job.transfer is None:
            self._queues.withdraw(job.host, job)
        else:
            self._cut_off(job, error)
        job.drop_part()
        self._settle(job, error)

    def _cut_off(self, job: Job, error: FetchError) -> None:
        transfer = self._take_out(job)
        error.partial = transfer.leave()
        transfer.close()

    def _look_for_slow(self) -> None:
        for job in self._slow.look(self._running.values()):
            transfer = job.transfer
            assert transfer is not None, "only what runs can be slow"
            received, seconds = transfer.received, transfer.seconds
            error = TimedOut(f"{received} bytes in {seconds:.0f} seconds, while many were as slow", url=job.url)
            self._cut_off(job, error)
            self._settle(job, error)
        behind = self._slow.hosts | self._lookups.slow
        self.stuck = len(self._slow) + sum(self._queues.waiting(host) for host in behind)
        self._looking = False
        if self._running or self._lookups:
            self._look_later()

    def _look_later(self) -> None:
        if not self._looking:
            self._looking = True
            self._later(LOOK_SECONDS, self._look_for_slow)

    def _start_what_may(self) -> None:
        config = self._all.config
        while (
            len(self._running) - len(self._slow) < config.concurrency and (job := self._queues.next()) is not None
        ):
            try:
                addresses = self._addresses(job)
                if addresses is not None:
                    self._start(job, addresses)
                    continue
            except AddressRefused as error:
                self._settle(job, AddressRefused(error.message, url=job.url))
            except (pycurl.error, UnicodeError) as error:
                self._settle(job, FetchError(f"libcurl does not take the request: {error}", url=job.url))
            else:
                self._queues.put(job.host, job, first=True)
                self._queues.hold(job.host)
                self._lookups.ask(job.host, job.target.port)
                self._look_later()
            self._queues.release(job.host)

    def _addresses(self, job: Job) -> tuple[str, ...] | None:
        target = job.target
        if (detour := self._detours.get(target.host, target.port)) is not None:
            return detour
        if target.address is not None:
            return (target.host,)
        return self._book.get(target.host, target.port)

    def _start(self, job: Job, addresses: tuple[str, ...]) -> None:
        config = self._all.config
        if job.part is not None and not usable(job.part):
            job.drop_part()
        transfer = self._free.pop() if self._free else Transfer(self._all)
        try:
            transfer.begin(
                job.target,
                job.url,
                addresses,
                agent=self._agent_of(job.host),
                most=job.most,
                seconds=config.total_timeout - job.seconds,
                part=job.part,
                fresh=job.fresh,
            )
            self._multi.add_handle(transfer.curl)
        except BaseException:
            transfer.close()
            job.part = None
            raise
        job.transfer, job.part = transfer, None
        job.sent = True
        self._running[transfer.curl] = job
        self._look_later()
        if config.pace:
            self._queues.hold(job.host)
            self._later(config.pace, partial(self._queues.free, job.host))

    def _resolved(self, host: str, found: Found) -> None:
        try:
            if isinstance(found, Exception):
                raise found
            self._book.put(host, found)
        except (NameUnresolved, TimedOut) as error:
            for job in self._queues.take_waiting(host):
                self._settle(job, type(error)(error.message, url=job.url))
        except OSError as error:
            for job in self._queues.take_waiting(host):
                self._settle(job, NameUnresolved(error.strerror or str(error), url=job.url))
        except Exception as error:
            for job in self._queues.take_waiting(host):
                self._settle(job, error)
        self._queues.free(host)

    def _take_out(self, job: Job) -> Transfer:
        transfer = job.transfer
        assert transfer is not None, "only a running job has a handle to take out"
        job.transfer = None
        self._slow.leave(job)
        del self._running[transfer.curl]
        self._multi.remove_handle(transfer.curl)
        self._queues.release(job.host)
        return transfer

    def _collect(self) -> None:
        left = 1
        while left:
            left, succeeded, failed = self._multi.info_read()
            for curl in succeeded:
                self._end(self._running[curl], pycurl.E_OK, "")
            for curl, code, text in failed:
                self._end(self._running[curl], code, text)

    def _end(self, job: Job, code: int, text: str) -> None:
        transfer = self._take_out(job)
        job.seconds += transfer.seconds
        outcome, job.part = transfer.end(code, text)
        job.declared = transfer.declared
        if transfer.usable:
            self._free.append(transfer)
        else:
            transfer.close()
        match outcome:
            case Answer(body, headers):
                fetched = Fetched(job.url, job.where, body, headers, round(job.seconds * 1000))
                if body.path is not None and body.digest is None:
                    self._hash(job, fetched)
                else:
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

    def _hash(self, job: Job, fetched: Fetched) -> None:
        """Have a resumed file read in a thread of its own; the others go on meanwhile."""
        self._hashing[job] = fetched

        def run() -> None:
            found: Digest | CacheError
            try:
                assert fetched.body.path is not None, "only files are read again"
                found = digest_file(fetched.body.path)
            except CacheError as error:
                found = error
            self._post_if_open(partial(self._hashed, job, found))

        threading.Thread(target=run, name="postkeep-hash", daemon=True).start()

    def _hashed(self, job: Job, found: Digest | CacheError) -> None:
        fetched = self._hashing.pop(job, None)
        if fetched is None:
            return
        if isinstance(found, CacheError):
            discard_body(fetched.body)
            self._settle(job, found)
        else:
            self._settle(job, replace(fetched, body=replace(fetched.body, digest=found)))

    def _settle(self, job: Job, outcome: Outcome) -> None:
        job.over = True
        if job.part is not None:
            if isinstance(outcome, FetchError) and outcome.temporary:
                # Nothing was wrong with it: the next try may go on there.
                outcome.partial, job.part = job.part, None
            job.drop_part()
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

    def _stop_all(self) -> None:
        for job in [*self._running.values(), *self._hashing]:
            self._drop(job)
        for transfer in self._free:
            transfer.close()
        self._free = []
        # While its sockets can still be watched: TLS connections say goodbye.
        self._multi.close()

    def _shut(self, reason: BaseException | None) -> None:
        with self._lock:
            self._closing = True
            self._broken = reason
            posted = list(self._jobs)
            self._jobs.clear()
            self._calls.clear()
            self._close_wake()
        for job in [*posted, *self._queues.drain(), *self._running.values()]:
            job.drop_part()
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


def _have_freed_memory_kept() -> None:
    """Let the bodies that come take the memory of those that went.

    glibc gives memory back to the system, and is given it anew page by page, which cost a third of all time here,
    until it has seen a block of this size freed. The block is not touched, so that it takes no memory.
    """
    bytes(_LARGE_BYTES)
