"""Raw records: which are known at which time, and their exact bytes."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection

from postkeep.store import bulk
from postkeep.store.bulk import moment
from postkeep.store.spelling import fold


@dataclass(frozen=True, slots=True)
class Sighting:
    """A stored record at one of the times it was observed, and the post it told of."""

    sha256: str
    observed_at: datetime
    post_id: str


def sightings(tx: Connection, hashes: Iterable[str]) -> list[Sighting]:
    """Where these records were seen already."""
    wanted = list(hashes)
    found = [
        *bulk.among(
            tx,
            "SELECT record_sha256, observed_at, post_id FROM data_downloads WHERE record_sha256 {in}",
            wanted,
        ),
        *bulk.among(
            tx,
            "SELECT r.record_sha256, d.observed_at, d.post_id FROM snapshot_records r"
            " JOIN data_downloads d ON d.download_id = r.download_id WHERE r.record_sha256 {in}",
            wanted,
        ),
    ]
    return [Sighting(sha, moment(at), post_id) for sha, at, post_id in found]  # type: ignore[arg-type]


def seen_through(tx: Connection, post_ids: Iterable[str]) -> set[tuple[str, str]]:
    """Through which profiles these posts were seen: (post_id, username in lower case)."""
    rows = bulk.among(
        tx,
        "SELECT v.post_id, p.username FROM post_seen_via v JOIN profiles p ON p.profile_id = v.profile_id"
        " WHERE v.post_id {in}",
        post_ids,
    )
    return {(post_id, fold(username)) for post_id, username in rows if username}


def stored(tx: Connection, hashes: Iterable[str]) -> set[str]:
    """Which of these records are kept."""
    return {sha256 for (sha256,) in bulk.among(tx, "SELECT sha256 FROM raw_records WHERE sha256 {in}", hashes)}


def pages(tx: Connection, hashes: Iterable[str]) -> set[str]:
    """Which of these records are kept and tell of no post or of several: no sighting says all of them."""
    found = bulk.among(tx, "SELECT sha256 FROM raw_records WHERE sha256 {in} AND post_count <> 1", hashes)
    return {sha256 for (sha256,) in found}


def page(tx: Connection, *, after: str, limit: int) -> list[tuple[str, str, bytes]]:
    """Raw records by hash, after the given one: (sha256, codec, packed bytes)."""
    rows = bulk.execute(
        tx, "SELECT sha256, codec, body FROM raw_records WHERE sha256 > ? ORDER BY sha256 LIMIT ?", after, limit
    ).all()
    return [(sha256, codec, bytes(packed)) for sha256, codec, packed in rows]
