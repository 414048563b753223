"""Retention policies, and the places that show a file: what says how old it is, and whose."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection

from postkeep.store import bulk, schema
from postkeep.store.bulk import moment
from postkeep.store.types import storable


@dataclass(frozen=True, slots=True)
class Policy:
    """What is older than so many days, of one platform and one profile where they are named, may be removed."""

    policy_id: str
    name: str
    older_than_days: int
    platform: str | None
    profile_id: str | None


@dataclass(frozen=True, slots=True)
class Shown:
    """Where a file is shown: by the posts of a profile, as a profile's picture, or (no platform) by a bare URL.

    `newest` is when that happened last: the newest post, the last sight of the avatar, the last fetch.
    """

    platform: str | None
    profile_id: str | None
    newest: datetime


_COLUMNS = "policy_id, name, older_than_days, platform, profile_id"


def put(tx: Connection, policy: Policy, now: datetime) -> None:
    """Add a policy; raises StoreClash when its name is taken."""
    bulk.insert(
        tx,
        schema.retention_policies,
        ("policy_id", "name", "older_than_days", "platform", "profile_id", "created_at"),
        [
            (
                policy.policy_id,
                policy.name,
                policy.older_than_days,
                policy.platform,
                policy.profile_id,
                now,
            )
        ],
    )


def remove(tx: Connection, name: str) -> bool:
    """Remove a policy; False when there is none of this name."""
    return storable(name) and bool(
        bulk.execute(tx, "DELETE FROM retention_policies WHERE name = ?", name).rowcount
    )


def policies(tx: Connection) -> list[Policy]:
    """All policies by name."""
    rows = bulk.execute(tx, f"SELECT {_COLUMNS} FROM retention_policies ORDER BY name").all()  # noqa: S608
    return [Policy(*row) for row in rows]


def usernames(tx: Connection, profile_ids: Iterable[str]) -> dict[str, str]:
    """What people call these profiles."""
    rows = bulk.among(
        tx, "SELECT profile_id, coalesce(username, name) FROM profiles WHERE profile_id {in}", profile_ids
    )
    return {row[0]: row[1] for row in rows}


def shown(tx: Connection, file_ids: Iterable[str]) -> dict[str, list[Shown]]:
    """Who shows these files, one entry for each profile however many posts it has; no entry: nobody."""
    ids = list(file_ids)
    found: defaultdict[str, list[Shown]] = defaultdict(list)
    for statement in _SHOWN:
        for file_id, platform, profile_id, newest in bulk.among(tx, statement, ids):
            at = moment(newest)
            if at is not None:
                found[file_id].append(Shown(platform, profile_id, at))
    return found


_SHOWN = (
    "SELECT m.file_id, p.platform, p.author_profile_id, max(p.posted_at) FROM post_media m"
    " JOIN posts p ON p.post_id = m.post_id WHERE m.file_id {in}"
    " GROUP BY m.file_id, p.platform, p.author_profile_id",
    "SELECT m.file_id, o.platform, o.profile_id, max(coalesce(m.last_seen_at, m.observed_at, m.created_at))"
    " FROM profile_media m JOIN profiles o ON o.profile_id = m.profile_id WHERE m.file_id {in}"
    " GROUP BY m.file_id, o.platform, o.profile_id",
    # What was made of a content is shown where that is.
    "SELECT r.file_id, p.platform, p.author_profile_id, max(p.posted_at) FROM renditions r"
    " JOIN post_media m ON m.file_id = r.source_file_id JOIN posts p ON p.post_id = m.post_id"
    " WHERE r.file_id IS NOT NULL AND r.file_id {in} GROUP BY r.file_id, p.platform, p.author_profile_id",
    "SELECT file_id, NULL, NULL, max(fetched_at) FROM file_urls WHERE file_id {in} GROUP BY file_id",
)
