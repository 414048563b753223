"""What was counted of one post, time after time."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection

from postkeep.model import Metrics
from postkeep.store import bulk
from postkeep.store.bulk import known_moment

_OBSERVED = (
    "SELECT observed_at, total_reactions, comments, reposts, views, likes, saves, shares, counts_hidden"
    " FROM data_downloads WHERE post_id = ? AND NOT of_original ORDER BY observed_at"
)


@dataclass(frozen=True, slots=True)
class PostFacts:
    """Whose post it is, of which form and time."""

    platform: str
    native_id: str
    form: str | None
    posted_at: datetime
    author_profile_id: str | None


def facts(tx: Connection, post_id: str) -> PostFacts:
    """What is known of a post that is there."""
    platform, native_id, form, posted_at, author = bulk.execute(
        tx,
        "SELECT platform, native_id, post_format, posted_at, author_profile_id FROM posts WHERE post_id = ?",
        post_id,
    ).one()
    return PostFacts(platform, native_id, form, known_moment(posted_at), author)


def observations(tx: Connection, post_id: str) -> list[tuple[datetime, Metrics]]:
    """The post's own counts, oldest first; those a bare repost shows are the original's and are not here."""
    found = []
    for at, reactions, comments, reposts, views, likes, saves, shares, hidden in bulk.execute(
        tx, _OBSERVED, post_id
    ):
        metrics = Metrics(
            reactions=reactions,
            comments=comments,
            reposts=reposts,
            views=views,
            likes=likes,
            saves=saves,
            shares=shares,
            hidden=bool(hidden),
        )
        found.append((known_moment(at), metrics))
    return found


def mentions(tx: Connection, post_id: str) -> list[str]:
    """Whom the post's text names, in its order, each once."""
    statement = "SELECT username, name FROM post_mentions WHERE post_id = ? ORDER BY position"
    return list(dict.fromkeys(username or name for username, name in bulk.execute(tx, statement, post_id)))


def people(tx: Connection, post_id: str) -> list[tuple[str, str]]:
    """Role and name of everybody who is tagged in the post or made it together with its author, in its order."""
    statement = "SELECT role, username, name FROM post_people WHERE post_id = ? ORDER BY role, position"
    return [(role, username or name) for role, username, name in bulk.execute(tx, statement, post_id)]
