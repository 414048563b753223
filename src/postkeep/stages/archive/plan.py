"""Which object a content gets, and what follows from a try: decided without looking at anything."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from postkeep.archive.names import key_for, key_in, md5_in
from postkeep.errors import ArchiveError
from postkeep.model import ObjectState
from postkeep.store.archiving import Claim, Refused, Wanted

LONGEST = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Policy:
    """How often a content is tried and how long it waits in between: `base` seconds times 4 to the n."""

    tries: int
    base: float


def claim_for(wanted: Wanted, place: str, prefix: str) -> Claim:
    """The key a content is to have: the one it has, that of an object somebody else made, or one of its own."""
    if wanted.key is not None and wanted.state is not None:
        return Claim(wanted.file_id, wanted.key, wanted.state)
    if (foreign := foreign_key(wanted, place)) is not None:
        return Claim(wanted.file_id, foreign, ObjectState.FOREIGN)
    return own_claim(wanted, prefix)


def own_claim(wanted: Wanted, prefix: str) -> Claim:
    """A key of our own making, by the oldest row that shows the content."""
    # A content that no row shows (fetched by itself) is named by its own id, which holds its time, too.
    subject = wanted.media_id or wanted.file_id
    return Claim(wanted.file_id, key_for(subject, wanted.kind.extension, wanted.created_at, prefix=prefix))


def foreign_key(wanted: Wanted, place: str) -> str | None:
    """The key under which this very store is said to hold the content already, by a row that proves nothing.

    The predecessor named objects by MD5: one that names another MD5 is another content.
    """
    key = key_in(wanted.archive_url, place) if wanted.archive_url else None
    return key if key is not None and md5_in(key) in (None, wanted.md5) else None


def refused(wanted: Wanted, error: ArchiveError, now: datetime, chance: float, policy: Policy) -> Refused:
    """What a failed try leads to. `chance` (0 to 1) spreads the next one, so that not all come at once."""
    fails = wanted.fails + 1
    due_at = None
    if fails < policy.tries:
        wait = timedelta(seconds=policy.base * 4 ** (fails - 1) * (0.75 + chance / 2))
        if error.retry_after is not None:
            wait = max(wait, timedelta(seconds=error.retry_after))
        due_at = now + min(wait, LONGEST)
    return Refused(wanted.file_id, error.kind, error.message, due_at, fails)
