"""Which post an old row is: its own record proves it, else its names and times do, else it is doubtful. Pure."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from postkeep.model import Alias, Post, PostKind
from postkeep.platforms.linkedin.names import ACTIVITY, born, name_in_url, names_in
from postkeep.stages.adoption.reading import is_own_activity

_LINKEDIN = "linkedin"
_SAME = timedelta(seconds=1)
_PREFIX = re.compile(r"(?:urn:)?([a-z0-9_]+):(?:(?:video|post|item):)?(?=.)")


@dataclass(frozen=True, slots=True)
class Identity:
    """The platform's own id of a post; `doubt` says why it may be another, `nameless` that none is known."""

    native_id: str
    doubt: str | None = None
    nameless: bool = False


def identify(
    platform: str,
    urn: str,
    full_urn: str | None,
    url: str | None,
    posted_at: datetime | None,
    own: Post | None,
    seen: Sequence[Post] = (),
) -> Identity:
    """Say which post a row is; `own` is its record, `seen` those of its snapshots, asked only without `own`."""
    if own is not None:
        return Identity(own.native_id)
    if platform != _LINKEDIN:
        return Identity(_foreign(platform, urn, full_urn))
    names = names_in(urn, full_urn)
    if not any(name.kind == ACTIVITY for name in names) and (in_url := name_in_url(url)) is not None:
        names = [in_url, *names] if in_url.kind == ACTIVITY else [*names, in_url]
    # Of its snapshots' records that one is its own which its time tells, else one that has its name.
    proven = [post for post in seen if is_own_activity(post)]
    timely = [post for post in proven if _born_at(post, posted_at)]
    if own_ones := timely or [post for post in proven if _has(post, names)]:
        return Identity(own_ones[0].native_id)
    if not names:
        return Identity(urn, "no name of the post can be read", nameless=True)
    return Identity(names[0].value, _doubt(names[0], posted_at, seen))


def _born_at(post: Post, posted_at: datetime | None) -> bool:
    born_at = born(Alias(ACTIVITY, post.native_id))
    return posted_at is not None and born_at is not None and abs(posted_at - born_at) <= _SAME


def _has(post: Post, names: Sequence[Alias]) -> bool:
    """Whether the post has one of the names; those in a bare repost are its original's."""
    own = {post.native_id, *(alias.value for alias in post.aliases)}
    return post.kind is not PostKind.REPOST and any(name.value in own for name in names)


def _doubt(name: Alias, posted_at: datetime | None, seen: Sequence[Post]) -> str | None:
    others = sorted({post.native_id for post in seen if post.native_id != name.value})
    if others:
        return f"its own raw JSON proves nothing, and that of its snapshots tells of {', '.join(others[:5])}"
    if name.kind != ACTIVITY:
        return f"only its {name.kind} id is known, not that of its activity"
    born_at = born(name)
    if posted_at is not None and born_at is not None and abs(posted_at - born_at) > _SAME:
        return "its time is not that of its id, as with a repost that took its original's name"
    return None


def _foreign(platform: str, urn: str, full_urn: str | None) -> str:
    """The bare id in a name like `youtube:video:ID`, or `substack:user:slug`."""
    for name in (full_urn, urn):
        match = _PREFIX.match(name or "")
        if name and match is not None and match[1] == platform:
            return name[match.end() :]
    return urn
