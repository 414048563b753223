"""What the figures are made from: one post with its counts, whatever platform or list it came from."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum
from functools import reduce
from typing import Final

from postkeep.model import Metrics, PostFormat

_TAG: Final = re.compile(r"#(?<!\w#)(\w+)")


class Kind(StrEnum):
    """The two populations that are never averaged together: short videos counted by views, and the rest."""

    REEL = "reel"
    POST = "post"


@dataclass(frozen=True, slots=True)
class Content:
    """A post and its counts at one observed time; unknown is None, never 0.

    `native_id` is None where the record has none: then it cannot be merged with another. `caption` is "" when the
    post is known to have none. `views_as` is the platform's own name of what `views` counts. `own` is False for a
    post that belongs to another account, `hidden` says that likes and views mean nothing.
    """

    native_id: str | None
    kind: Kind
    posted_at: datetime | None = None
    views: int | None = None
    likes: int | None = None
    comments: int | None = None
    saves: int | None = None
    shares: int | None = None
    caption: str | None = None
    pinned: bool = False
    own: bool = True
    hidden: bool = False
    views_as: str | None = None

    @property
    def engagement(self) -> int | None:
        """Likes and comments; None when either is unknown."""
        return None if self.likes is None or self.comments is None else self.likes + self.comments


def content_of(
    native_id: str,
    form: PostFormat | None,
    posted_at: datetime | None,
    metrics: Metrics,
    *,
    caption: str | None = None,
    pinned: bool = False,
    own: bool = True,
    views_as: str | None = None,
    reposts_are_shares: bool = False,
) -> Content:
    """A stored post as content; reactions count as likes where a platform has no likes of its own.

    `reposts_are_shares` is for platforms that know one word for both.
    """
    shared = metrics.reposts if metrics.shares is None and reposts_are_shares else metrics.shares
    return Content(
        native_id=native_id,
        kind=Kind.REEL if form is PostFormat.REEL else Kind.POST,
        posted_at=posted_at,
        views=metrics.views,
        likes=metrics.reactions if metrics.likes is None else metrics.likes,
        comments=metrics.comments,
        saves=metrics.saves,
        shares=shared,
        caption=caption,
        pinned=pinned,
        own=own,
        hidden=metrics.hidden,
        views_as=views_as,
    )


def hashtags(caption: str) -> int:
    """How many hashtags a caption has: Unicode words, none right after a word character."""
    return len(_TAG.findall(caption))


def without_hidden(content: Content) -> Content:
    """The content without the counts its owner hides: what stands there means nothing."""
    return replace(content, likes=None, views=None, views_as=None) if content.hidden else content


def merged(contents: Iterable[Content]) -> Content:
    """Records of one post as one, in whatever order they come: of each count the largest that is known.

    It is a reel when one record says so, pinned or hidden when one says so, its creator's own when none denies it.
    """
    return reduce(_merge, contents)


def _merge(one: Content, other: Content) -> Content:
    with_views = max((one, other), key=lambda each: (each.views is not None, each.views or 0, each.views_as or ""))
    return Content(
        native_id=one.native_id,
        kind=Kind.REEL if Kind.REEL in (one.kind, other.kind) else Kind.POST,
        posted_at=min((each for each in (one.posted_at, other.posted_at) if each), default=None),
        views=with_views.views,
        likes=_most(one.likes, other.likes),
        comments=_most(one.comments, other.comments),
        saves=_most(one.saves, other.saves),
        shares=_most(one.shares, other.shares),
        caption=max(
            (each for each in (one.caption, other.caption) if each is not None),
            key=lambda text: (len(text), text),
            default=None,
        ),
        pinned=one.pinned or other.pinned,
        own=one.own and other.own,
        hidden=one.hidden or other.hidden,
        views_as=with_views.views_as,
    )


def _most(one: int | None, other: int | None) -> int | None:
    return max((each for each in (one, other) if each is not None), default=None)
