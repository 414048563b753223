"""What the engine works on: one URL over all its hops, and what may come of it."""

from __future__ import annotations

from collections.abc import Callable

from postkeep.errors import FetchError
from postkeep.model import Fetched, Partial
from postkeep.net.body import discard_body, remove_file
from postkeep.net.transfer import Transfer
from postkeep.net.url import Target

Outcome = Fetched | BaseException
Done = Callable[[Outcome], object]


class Job:
    """One URL to fetch; whoever began it holds it only to abort it.

    `sent` says whether its host was asked, which a name without an address, or a wait that was ended, is not,
    `declared` how large its body was said to be.
    """

    __slots__ = (
        "declared",
        "done",
        "fresh",
        "hops",
        "most",
        "over",
        "part",
        "seconds",
        "sent",
        "target",
        "transfer",
        "url",
        "where",
    )

    def __init__(
        self, url: str, target: Target, done: Done, *, most: int, part: Partial | None, fresh: bool
    ) -> None:
        self.url = url
        self.where = url
        self.target = target
        self.done = done
        self.most = most
        self.part = part
        self.fresh = fresh
        self.hops = 0
        self.seconds = 0.0
        self.sent = False
        self.declared: int | None = None
        self.transfer: Transfer | None = None
        self.over = False

    @property
    def host(self) -> str:
        return self.target.host

    def drop_part(self) -> None:
        """Remove the file of the part that is still this job's, if it has one."""
        part, self.part = self.part, None
        if part is not None:
            remove_file(part.path)


def closed(url: str) -> FetchError:
    """The error of a transfer that a closing fetcher cut short: temporary, nothing speaks against the URL."""
    error = FetchError("the fetcher was closed", url=url)
    error.temporary = True
    return error


def discard(outcome: Outcome) -> None:
    """Remove the file of an outcome that nobody will take over."""
    if isinstance(outcome, Fetched):
        discard_body(outcome.body)
    elif isinstance(outcome, FetchError) and outcome.partial is not None:
        remove_file(outcome.partial.path)
