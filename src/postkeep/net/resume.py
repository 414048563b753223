"""Asks for the rest of a body that broke off, and takes it only when it is the rest of the same body."""

from __future__ import annotations

import re
import stat
from collections.abc import Mapping

from postkeep.errors import ConnectFailed, FetchError, TimedOut, Truncated
from postkeep.model import Partial
from postkeep.net.answer import read_date
from postkeep.net.head import Head

# What is smaller is fetched again sooner than it is asked for in parts.
LEAST_BYTES = 1024 * 1024

_RANGE = re.compile(r"bytes ([0-9]{1,18})-([0-9]{1,18})/([0-9]{1,18}|\*)", re.IGNORECASE)
_STRONG = re.compile(r'"[\x21\x23-\x7e]*"')
_DATE = re.compile(r"[A-Za-z0-9 ,:+-]{8,40}")
# RFC 9110, 8.8.2.2: what changes twice within its second cannot be told apart by a date that is younger.
_SETTLED_SECONDS = 60.0
_BROKEN = (Truncated, TimedOut, ConnectFailed)


def usable(part: Partial) -> bool:
    """Whether its file is there with all its bytes, and the rest may be asked for."""
    if part.size < 1 or not (part.etag or part.last_modified):
        return False
    try:
        found = part.path.lstat()
    except OSError:
        return False
    return stat.S_ISREG(found.st_mode) and found.st_size >= part.size


def asking(part: Partial) -> list[str]:
    """The request's headers that ask for the rest, as long as the body is still the same."""
    return [f"Range: bytes={part.size}-", f"If-Range: {part.etag or part.last_modified}"]


def end_of_rest(part: Partial, head: Head, length: int | None, url: str) -> tuple[int, int | None]:
    """How many bytes the body will have with this answer, and how many it has in all, when that is said.

    Raises Truncated when the answer does not continue what is there.
    """
    found = _RANGE.fullmatch(head.headers.get("content-range", ""))
    unfit = Truncated("what came is not the rest of what was there", url=url)
    if not found:
        raise unfit
    start, last = int(found[1]), int(found[2])
    total = part.total if found[3] == "*" else int(found[3])
    if start != part.size or last < start or (total is not None and last >= total):
        raise unfit
    if part.total is not None and total != part.total:
        raise unfit
    if length is not None and length != last - start + 1:
        raise unfit
    if not _same_body(part, head.headers):
        raise unfit
    return last + 1, total


def validators(headers: Mapping[str, str]) -> tuple[str | None, str | None]:
    """The strong ETag and the Last-Modified of an answer, each None when it is not there or not of use.

    Without an ETag, the Last-Modified counts when the answer's own Date is a minute later. Beside one that is not
    strong it does not count: the server itself says that bodies may differ.
    """
    if headers.get("accept-ranges", "").lower() == "none":
        return None, None
    etag = headers.get("etag")
    date = headers.get("last-modified", "")
    is_date = _DATE.fullmatch(date) is not None
    if etag is None:
        return None, (date if is_date and _is_settled(date, headers.get("date", "")) else None)
    return (etag, date if is_date else None) if _STRONG.fullmatch(etag) else (None, None)


def worth_keeping(size: int, error: FetchError) -> bool:
    """Whether what arrived is much, and its end came from the way and not from the answer."""
    return size >= LEAST_BYTES and isinstance(error, _BROKEN)


def _same_body(part: Partial, headers: Mapping[str, str]) -> bool:
    if part.etag is not None:
        # A Last-Modified beside it may be left out of the answer.
        date = headers.get("last-modified", part.last_modified)
        return headers.get("etag") == part.etag and date == (part.last_modified or date)
    return "etag" not in headers and headers.get("last-modified") == part.last_modified


def _is_settled(modified: str, sent: str) -> bool:
    then, now = read_date(modified), read_date(sent)
    return then is not None and now is not None and (now - then).total_seconds() >= _SETTLED_SECONDS
