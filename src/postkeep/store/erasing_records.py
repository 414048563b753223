"""The raw records that hold what is erased: read page by page, dropped, or put back without it."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection

from postkeep.store import bulk, schema, write


@dataclass(frozen=True, slots=True)
class Kept:
    """A stored record with its packed bytes; `key` is its hash, or its id in the quarantine.

    `told` are the texts beside it (source, profile) of a quarantined one.
    """

    key: str
    codec: str | None
    packed: bytes | None
    told: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Replaced:
    """A record and what stands in its place: nothing, or a record of the posts (native ids) that are left."""

    sha256: str
    row: tuple[Any, ...] | None = None
    posts: frozenset[str] = frozenset()

    @property
    def new(self) -> str | None:
        return self.row[0] if self.row else None


@dataclass(frozen=True, slots=True)
class Listed:
    """A record without its bytes: `place` is where `listed` goes on after it, `size` its bytes unpacked."""

    place: int | str
    sha256: str
    platform: str
    size: int
    posts: int


def listed(tx: Connection, *, after: int | str | None, limit: int) -> list[Listed]:
    """Records after a place, in the order in which a database reads them without jumping about."""
    place, first = ("rowid", 0) if tx.dialect.name == "sqlite" else ("sha256", "")
    rows = bulk.execute(
        tx,
        f"SELECT {place}, sha256, platform, size, post_count FROM raw_records WHERE {place} > ?"  # noqa: S608
        f" ORDER BY {place} LIMIT ?",
        first if after is None else after,
        limit,
    ).all()
    return [Listed(*row) for row in rows]


def about(tx: Connection) -> int:
    """About how many records there are: counting them would take as long as a good part of reading them."""
    if tx.dialect.name == "sqlite":
        found = bulk.execute(tx, "SELECT max(rowid) FROM raw_records").scalar()
    else:
        found = bulk.execute(tx, "SELECT reltuples FROM pg_class WHERE oid = 'raw_records'::regclass").scalar()
    return max(0, int(found or 0))


def load(tx: Connection, hashes: Iterable[str]) -> list[Kept]:
    """These records with their bytes."""
    rows = bulk.among(tx, "SELECT sha256, codec, body FROM raw_records WHERE sha256 {in}", hashes)
    return [Kept(sha256, codec, bytes(packed)) for sha256, codec, packed in rows]


def sizes(tx: Connection, hashes: Iterable[str]) -> list[tuple[str, int]]:
    """Those of these records that are kept, with their bytes unpacked."""
    rows = bulk.among(tx, "SELECT sha256, size FROM raw_records WHERE sha256 {in} ORDER BY sha256", hashes)
    return [(sha256, size) for sha256, size in rows]


def of_posts(tx: Connection, hashes: Iterable[str]) -> set[str]:
    """Which of these records rows of posts name."""
    wanted = list(hashes)
    rows = bulk.among(tx, "SELECT record_sha256 FROM data_downloads WHERE record_sha256 {in}", wanted)
    rows += bulk.among(tx, "SELECT record_sha256 FROM snapshot_records WHERE record_sha256 {in}", wanted)
    return {sha256 for (sha256,) in rows}


def quarantined(tx: Connection, *, after: str, limit: int) -> list[Kept]:
    """Records of the quarantine by id, after the given one, read or not since."""
    rows = bulk.execute(
        tx,
        "SELECT quarantine_id, codec, body, source_file_path, via, reason FROM quarantine"
        " WHERE quarantine_id > ? ORDER BY quarantine_id LIMIT ?",
        after,
        limit,
    ).all()
    return [
        Kept(row[0], row[1], None if row[2] is None else bytes(row[2]), tuple(filter(None, row[3:])))
        for row in rows
    ]


def serving_others(tx: Connection, hashes: Iterable[str], post_ids: Collection[str]) -> set[str]:
    """Which of these records tell of posts that are not among these."""
    wanted = list(hashes)
    rows = bulk.among(
        tx, "SELECT record_sha256, post_id FROM data_downloads WHERE record_sha256 {in}", wanted
    ) + bulk.among(
        tx,
        "SELECT r.record_sha256, d.post_id FROM snapshot_records r"
        " JOIN data_downloads d ON d.download_id = r.download_id WHERE r.record_sha256 {in}",
        wanted,
    )
    return {sha256 for sha256, post_id in rows if post_id not in post_ids}


def sources_of(tx: Connection, hashes: Iterable[str]) -> set[str]:
    """The files these records were read from, as far as rows of posts tell."""
    wanted = list(hashes)
    rows = bulk.among(tx, "SELECT DISTINCT source_file_path FROM data_downloads WHERE record_sha256 {in}", wanted)
    rows += bulk.among(
        tx, "SELECT DISTINCT source_file_path FROM snapshot_records WHERE record_sha256 {in}", wanted
    )
    return {path for (path,) in rows if path is not None}


def records_of(tx: Connection, post_ids: Iterable[str], profile_id: str | None) -> set[str]:
    """The records that rows of these posts and this profile name as theirs."""
    wanted = list(post_ids)
    rows = bulk.among(
        tx,
        "SELECT DISTINCT record_sha256 FROM data_downloads WHERE post_id {in} AND record_sha256 IS NOT NULL",
        wanted,
    )
    rows += bulk.among(
        tx,
        "SELECT DISTINCT r.record_sha256 FROM snapshot_records r"
        " JOIN data_downloads d ON d.download_id = r.download_id WHERE d.post_id {in}",
        wanted,
    )
    if profile_id is not None:
        for table in ("follower_history", "listings"):
            rows += bulk.execute(
                tx,
                f"SELECT DISTINCT record_sha256 FROM {table} WHERE profile_id = ?"  # noqa: S608
                " AND record_sha256 IS NOT NULL",
                profile_id,
            ).all()
    return {sha256 for (sha256,) in rows}


def replace(tx: Connection, replaced: Iterable[Replaced], now: datetime) -> None:
    """Drop records; posts' rows that name them name what stands in their place, or none."""
    by_hash: Mapping[str, Replaced] = {each.sha256: each for each in replaced}
    if not by_hash:
        return
    write.write_records(tx, [each.row for each in by_hash.values() if each.row is not None], now)
    snapshots = bulk.among(
        tx,
        "SELECT d.download_id, d.record_sha256, p.native_id FROM data_downloads d"
        " JOIN posts p ON p.post_id = d.post_id WHERE d.record_sha256 {in}",
        by_hash,
    )
    bulk.update(
        tx,
        schema.data_downloads,
        ("record_sha256",),
        [
            (by_hash[sha256].new if native_id in by_hash[sha256].posts else None, download_id)
            for download_id, sha256, native_id in snapshots
        ],
        key=("download_id",),
    )
    _replace_further(tx, by_hash)
    bulk.delete(tx, schema.raw_records, ("sha256",), [(sha256,) for sha256 in by_hash])


def _replace_further(tx: Connection, by_hash: Mapping[str, Replaced]) -> None:
    rows = bulk.among(
        tx,
        "SELECT r.download_id, r.record_sha256, r.content_hash, r.source_file_path, p.native_id"
        " FROM snapshot_records r JOIN data_downloads d ON d.download_id = r.download_id"
        " JOIN posts p ON p.post_id = d.post_id WHERE r.record_sha256 {in}",
        by_hash,
    )
    bulk.delete(tx, schema.snapshot_records, ("download_id", "record_sha256"), [(row[0], row[1]) for row in rows])
    bulk.insert(
        tx,
        schema.snapshot_records,
        ("download_id", "record_sha256", "content_hash", "source_file_path"),
        [
            (row[0], by_hash[row[1]].new, row[2], row[3])
            for row in rows
            if by_hash[row[1]].new is not None and row[4] in by_hash[row[1]].posts
        ],
        on_conflict="DO NOTHING",
    )


def histories(tx: Connection, *, after: str, limit: int) -> list[tuple[str, str | None]]:
    """Follower counts by id, after the given one, with the records that told them."""
    rows = bulk.execute(
        tx,
        "SELECT history_id, record_sha256 FROM follower_history WHERE history_id > ? ORDER BY history_id LIMIT ?",
        after,
        limit,
    ).all()
    return [(history_id, sha256) for history_id, sha256 in rows]


def rename_histories(tx: Connection, renamed: Iterable[tuple[str, str | None]]) -> None:
    """Let these follower counts (by id) name other records, or none."""
    rows = [(sha256, history_id) for history_id, sha256 in renamed]
    bulk.update(tx, schema.follower_history, ("record_sha256",), rows, key=("history_id",))


def delete_quarantined(tx: Connection, ids: Iterable[str]) -> None:
    bulk.delete(tx, schema.quarantine, ("quarantine_id",), [(each,) for each in ids])
