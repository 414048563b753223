"""What Reddit's figures ask for beside the posts: who wrote them, and what they lead to."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import orjson
from sqlalchemy import Connection

from postkeep.store import bulk
from postkeep.store.bulk import moment

_AUTHORS = (
    "SELECT profile_id, username, facts_json, account_observed_at FROM profiles WHERE profile_id {in}"
    " ORDER BY profile_id"
)
# What a submission is about stands in its own media, or else is the link that is told beside its text.
_PICTURES = (
    "SELECT post_id, media_url FROM post_media WHERE post_id {in} AND role IN ('own', 'reshared')"
    " ORDER BY post_id, position DESC"
)
_LINKS = (
    "SELECT post_id, url FROM post_links WHERE post_id {in} AND kind = 'article' ORDER BY post_id, position DESC"
)


@dataclass(frozen=True, slots=True)
class AuthorRow:
    """An account; `facts` are what its own page told, by the platform's names, empty where that was never seen."""

    profile_id: str
    username: str | None
    facts: dict[str, Any]
    observed_at: datetime | None


def authors(tx: Connection, profile_ids: Iterable[str]) -> list[AuthorRow]:
    """These accounts by profile_id."""
    return [
        AuthorRow(profile_id, username, orjson.loads(facts) if facts else {}, moment(at))
        for profile_id, username, facts, at in bulk.among(tx, _AUTHORS, sorted(profile_ids))
    ]


def addresses(tx: Connection, post_ids: Iterable[str]) -> dict[str, str]:
    """The address each of these posts is about, where it has one: of its picture, else the link."""
    wanted = sorted(post_ids)
    return dict(bulk.among(tx, _LINKS, wanted)) | dict(bulk.among(tx, _PICTURES, wanted))
