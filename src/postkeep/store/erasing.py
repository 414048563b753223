"""What is known of posts and profiles that are to be erased, and the deleting of all of it but the tombstone."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Collection, Iterable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from sqlalchemy import Connection

from postkeep.errors import Held
from postkeep.model import Stage
from postkeep.store import bulk, costs, remembered, removing, schema
from postkeep.store.types import storable


@dataclass(frozen=True, slots=True)
class Doomed:
    """A post that is to go."""

    post_id: str
    platform: str
    native_id: str
    urn: str
    author_profile_id: str | None
    community_profile_id: str | None


@dataclass(frozen=True, slots=True)
class DoomedProfile:
    """A profile that is to go; `usernames` are those it has or had and nobody else has now."""

    profile_id: str
    platform: str
    kind: str
    native_id: str | None
    username: str | None
    usernames: tuple[str, ...]


@dataclass(slots=True)
class Gone:
    """What went: rows, contents and objects.

    `contents` are the SHA-256 of those that nobody shows any more, `foreign` files outside the cache, which are
    not ours to remove.
    """

    posts: int = 0
    media: int = 0
    files: int = 0
    bytes: int = 0
    objects: int = 0
    contents: list[str] = field(default_factory=list)
    foreign: list[str] = field(default_factory=list)

    def add(self, other: Gone) -> None:
        self.posts += other.posts
        self.media += other.media
        self.files += other.files
        self.bytes += other.bytes
        self.objects += other.objects
        self.contents += other.contents
        self.foreign += other.foreign


# --- what is to go --------------------------------------------------------------------------------------


def posts(tx: Connection, post_ids: Iterable[str]) -> list[Doomed]:
    """These posts, by post_id."""
    rows = bulk.among(
        tx,
        "SELECT post_id, platform, native_id, urn, author_profile_id, community_profile_id FROM posts"
        " WHERE post_id {in} ORDER BY post_id",
        post_ids,
    )
    return [Doomed(*row) for row in rows]


def posts_of(tx: Connection, profile: DoomedProfile) -> list[str]:
    """The posts that a profile wrote, or that stand in it when it is a community, and those that name it alone."""
    rows = bulk.execute(
        tx,
        "SELECT post_id FROM posts WHERE author_profile_id = ?"
        " UNION SELECT post_id FROM posts WHERE community_profile_id IS NOT NULL AND community_profile_id = ?",
        profile.profile_id,
        profile.profile_id,
    ).all()
    alone = orphans(tx, profile.usernames, profile.platform)
    return sorted({post_id for (post_id,) in rows} | {post_id for post_id, _ in alone})


def orphans(tx: Connection, usernames: Iterable[str], platform: str | None) -> list[tuple[str, str]]:
    """Posts (id, platform) whose author is named so, and is no profile."""
    rows = bulk.among(
        tx,
        "SELECT post_id, platform FROM posts WHERE author_username {in} AND author_profile_id IS NULL",
        [name for name in usernames if storable(name)],
    )
    return [(post_id, of) for post_id, of in rows if platform in (None, of)]


def lock_profile(tx: Connection, profile: DoomedProfile) -> None:
    """Let nobody write posts of it before the transaction's end, and wait for whoever does."""
    if tx.dialect.name != "sqlite":
        bulk.execute(tx, "SELECT 1 FROM profiles WHERE profile_id = ? FOR UPDATE", profile.profile_id).all()


def profile(tx: Connection, profile_id: str) -> DoomedProfile | None:
    row = bulk.execute(
        tx,
        "SELECT profile_id, platform, kind, native_id, username FROM profiles WHERE profile_id = ?",
        profile_id,
    ).first()
    if row is None:
        return None
    former = bulk.execute(
        tx, "SELECT value FROM profile_names WHERE profile_id = ? AND kind = 'username'", profile_id
    ).all()
    names = {value for (value,) in former} | ({row[4]} if row[4] else set())
    taken = bulk.among(
        tx,
        "SELECT username FROM profiles WHERE username {in} AND platform = ? AND profile_id <> ?",
        names,
        row[1],
        profile_id,
    )
    return DoomedProfile(
        row[0], row[1], row[2], row[3], row[4], tuple(sorted(names - {name for (name,) in taken}))
    )


def names_of(tx: Connection, post_ids: Collection[str]) -> set[str]:
    """The names of posts by which others may refer to them: their own ids, and aliases that are theirs alone."""
    native = bulk.among(tx, "SELECT native_id FROM posts WHERE post_id {in}", post_ids)
    aliases = bulk.among(tx, "SELECT DISTINCT value FROM post_aliases WHERE post_id {in}", post_ids)
    owned = bulk.among(
        tx, "SELECT value, post_id FROM post_aliases WHERE value {in}", [value for (value,) in aliases]
    )
    going = set(post_ids)
    others = {value for value, post_id in owned if post_id not in going}
    return {name for (name,) in native} | ({value for (value,) in aliases} - others)


def sharing(tx: Connection, post_ids: Collection[str], names: Collection[str]) -> list[str]:
    """The posts that share one of these, by its id or by a name of it."""
    # Most originals are not here: SQLite takes that for a reason to read them all.
    way = " INDEXED BY idx_originals_original_post_id" if tx.dialect.name == "sqlite" else ""
    by_id = f"SELECT post_id FROM post_originals{way} WHERE original_post_id {{in}}"  # noqa: S608
    found = bulk.among(tx, by_id, post_ids)
    found += bulk.among(tx, "SELECT post_id FROM post_originals WHERE ref_value {in}", names)
    return sorted({post_id for (post_id,) in found})


@dataclass(frozen=True, slots=True)
class Shown:
    """What these posts and profiles show: places, and contents with what they weigh (`files`: id to bytes)."""

    media_ids: frozenset[str]
    files: dict[str, int]


def shown(tx: Connection, *, post_ids: Collection[str], profile_id: str | None) -> Shown:
    rows = bulk.among(tx, "SELECT media_id, file_id FROM post_media WHERE post_id {in}", post_ids)
    if profile_id is not None:
        rows += bulk.execute(
            tx, "SELECT media_id, file_id FROM profile_media WHERE profile_id = ?", profile_id
        ).all()
    sizes = bulk.among(
        tx,
        "SELECT file_id, file_size FROM media_files WHERE file_id {in}",
        {file_id for _, file_id in rows if file_id is not None},
    )
    return Shown(frozenset(row[0] for row in rows), dict(map(tuple, sizes)))


def shown_elsewhere(
    tx: Connection, file_ids: Collection[str], *, post_ids: Collection[str], profile_id: str | None
) -> set[str]:
    """Which of these contents stay: other posts and profiles show them, or a URL asked for by itself."""
    own_urls = _own_urls(tx, post_ids, profile_id)
    found = {
        file_id
        for file_id, post_id in bulk.among(
            tx, "SELECT file_id, post_id FROM post_media WHERE file_id {in}", file_ids
        )
        if post_id not in post_ids
    }
    found |= {
        file_id
        for file_id, owner in bulk.among(
            tx, "SELECT file_id, profile_id FROM profile_media WHERE file_id {in}", file_ids
        )
        if owner != profile_id
    }
    found |= {
        file_id
        for file_id, url in bulk.among(tx, "SELECT file_id, url FROM file_urls WHERE file_id {in}", file_ids)
        if url not in own_urls
    }
    return found


def made_of(tx: Connection, file_ids: Collection[str]) -> dict[str, int]:
    """What was made of these contents, and stands for nothing else (id to bytes): it goes with them."""
    made: dict[str, int] = {}
    left = set(file_ids)
    while left:
        going = {*file_ids, *made, *left}
        found = _renditions_of(tx, left) - going
        living = bulk.among(
            tx,
            "SELECT file_id, source_file_id, beside_file_id FROM renditions"
            " WHERE file_id IS NOT NULL AND file_id {in}",
            found,
        )
        kept = {row[0] for row in living if going.isdisjoint(row[1:])} | _shown(tx, found)
        left = found - kept
        sizes = bulk.among(tx, "SELECT file_id, file_size FROM media_files WHERE file_id {in}", left)
        made.update(map(tuple, sizes))
    return made


def _renditions_of(tx: Connection, file_ids: Iterable[str]) -> set[str]:
    wanted = list(file_ids)
    rows = bulk.among(tx, "SELECT file_id FROM renditions WHERE source_file_id {in}", wanted)
    rows += bulk.among(
        tx, "SELECT file_id FROM renditions WHERE beside_file_id IS NOT NULL AND beside_file_id {in}", wanted
    )
    return {file_id for (file_id,) in rows if file_id is not None}


def _own_urls(tx: Connection, post_ids: Collection[str], profile_id: str | None) -> set[str]:
    rows = bulk.among(tx, "SELECT media_url FROM post_media WHERE post_id {in}", post_ids)
    if profile_id is not None:
        rows += bulk.execute(tx, "SELECT media_url FROM profile_media WHERE profile_id = ?", profile_id).all()
    return {url for (url,) in rows}


def objects_of(tx: Connection, file_ids: Iterable[str]) -> int:
    """How many objects hold these contents, in whatever archive."""
    return len(bulk.among(tx, "SELECT object_id FROM archive_objects WHERE file_id {in}", file_ids))


def existing(tx: Connection, file_ids: Iterable[str]) -> set[str]:
    """Which of these contents are known."""
    return {row[0] for row in bulk.among(tx, "SELECT file_id FROM media_files WHERE file_id {in}", file_ids)}


def sources_of(tx: Connection, post_ids: Iterable[str]) -> set[str]:
    """The files these posts were imported from."""
    rows = bulk.among(
        tx,
        "SELECT download_id, source_file_path FROM data_downloads WHERE post_id {in}",
        post_ids,
    )
    further = bulk.among(
        tx,
        "SELECT DISTINCT source_file_path FROM snapshot_records WHERE download_id {in}",
        [download_id for download_id, _ in rows],
    )
    return {path for path in [*(row[1] for row in rows), *(row[0] for row in further)] if path is not None}


# --- what is half erased --------------------------------------------------------------------------------

_BEGUN = "erasing:"


def begin(tx: Connection, subjects: Iterable[str], reason: str, now: datetime) -> None:
    """Remember posts and profiles (by id) whose erasing has begun, so that it can be ended without their names."""
    for subject in subjects:
        remembered.remember(tx, f"{_BEGUN}{subject}", reason, now)


def begun(tx: Connection) -> dict[str, str]:
    """The ids whose erasing has begun and not ended, with the reason."""
    rows = bulk.execute(
        tx, "SELECT name, value FROM remembered WHERE name LIKE ? ORDER BY name", f"{_BEGUN}%"
    ).all()
    return {name.removeprefix(_BEGUN): reason for name, reason in rows}


def end(tx: Connection, subjects: Iterable[str]) -> None:
    """Remember these no longer; idempotent."""
    bulk.delete(tx, schema.remembered, ("name",), [(f"{_BEGUN}{subject}",) for subject in subjects])


# --- what forbids it ------------------------------------------------------------------------------------


def holds_on(tx: Connection, subjects: Iterable[str], now: datetime) -> list[tuple[str, str, str]]:
    """The holds in force on any of these ids and platforms: (hold_id, subject, reason), oldest first."""
    rows = bulk.among(
        tx,
        "SELECT hold_id, subject, reason FROM holds WHERE subject {in} AND released_at IS NULL"
        " AND (until IS NULL OR until > ?) ORDER BY since, hold_id",
        subjects,
        now,
    )
    return [(hold_id, subject, reason) for hold_id, subject, reason in rows]


def must_not_be_held(tx: Connection, subjects: Iterable[str], now: datetime) -> None:
    """Raise Held when a hold is on any of these; nobody makes one before the transaction's end."""
    if tx.dialect.name != "sqlite":
        bulk.execute(tx, "LOCK TABLE holds IN SHARE MODE")
    found = holds_on(tx, subjects, now)
    if found:
        hold_id, subject, _ = found[0]
        more = f", and {len(found) - 1} more" if len(found) > 1 else ""
        raise Held(f"nothing was erased: {subject} is held by {hold_id}{more}; see `postkeep hold list`")


def overwrite(tx: Connection) -> None:
    """Let SQLite overwrite what this connection deletes; PostgreSQL does so when it vacuums."""
    if tx.dialect.name == "sqlite":
        tx.exec_driver_sql("PRAGMA secure_delete = ON").all()


UrlKey = Callable[[str], str]
"""The name under which a URL without an owner is remembered."""

# --- deleting -------------------------------------------------------------------------------------------


def delete_posts(tx: Connection, doomed: Collection[Doomed], now: datetime, *, url_key: UrlKey) -> Gone:
    """Delete posts with all that is theirs, and queue the removal of what nobody else shows; raises Held."""
    ids = [each.post_id for each in doomed]
    places = bulk.among(
        tx, "SELECT media_id, file_id, media_url, archive_url FROM post_media WHERE post_id {in}", ids
    )
    owners = {each.author_profile_id for each in doomed} | {each.community_profile_id for each in doomed}
    media_ids = [row[0] for row in places]
    must_not_be_held(tx, {*ids, *media_ids, *filter(None, owners), *(each.platform for each in doomed)}, now)
    names = names_of(tx, ids)
    snapshots = [
        row[0] for row in bulk.among(tx, "SELECT download_id FROM data_downloads WHERE post_id {in}", ids)
    ]
    shares = sharing(tx, ids, names)
    bulk.delete(tx, schema.post_originals, ("post_id",), [(post_id,) for post_id in shares])
    _forget(tx, [*ids, *media_ids, *snapshots, *names])
    bulk.delete(tx, schema.posts, ("post_id",), [(post_id,) for post_id in ids])
    gone = Gone(posts=len(ids), media=len(media_ids))
    gone.add(_delete_contents(tx, places, now, url_key))
    return gone


def delete_profile(tx: Connection, doomed: DoomedProfile, now: datetime, *, url_key: UrlKey) -> Gone:
    """Delete a profile whose posts are gone and whom nobody's fields name any more; raises Held."""
    profile_id = doomed.profile_id
    places = bulk.execute(
        tx,
        "SELECT media_id, file_id, media_url, archive_url FROM profile_media WHERE profile_id = ?",
        profile_id,
    ).all()
    media_ids = [row[0] for row in places]
    must_not_be_held(tx, {profile_id, *media_ids, doomed.platform}, now)
    names = [*doomed.usernames, *filter(None, [doomed.native_id])]
    bulk.execute(tx, "DELETE FROM listings WHERE profile_id = ?", profile_id)
    _forget(tx, [profile_id, *media_ids, *names])
    bulk.execute(tx, "DELETE FROM profiles WHERE profile_id = ?", profile_id)
    gone = Gone(media=len(media_ids))
    gone.add(_delete_contents(tx, places, now, url_key))
    return gone


def _forget(tx: Connection, ids: Iterable[str]) -> None:
    """Delete what names these ids without a foreign key: work, holds that are over, what an adoption noted."""
    known = [each for each in dict.fromkeys(ids) if storable(each)]
    stages = [str(stage) for stage in Stage if stage is not Stage.REMOVE]
    bulk.delete(tx, schema.work, ("stage", "subject"), [(stage, each) for stage in stages for each in known])
    bulk.delete(tx, schema.holds, ("subject",), [(each,) for each in known])
    old = [row[0] for row in bulk.among(tx, "SELECT old_id FROM old_ids WHERE new_id {in}", known)]
    bulk.delete(tx, schema.old_ids, ("old_id",), [(each,) for each in old])
    noted = [*known, *old]
    for table, column in (("adopted_columns", "row_id"), ("adoption_findings", "subject")):
        rows = bulk.among(tx, f"SELECT DISTINCT {column} FROM {table} WHERE {column} {{in}}", noted)  # noqa: S608
        bulk.delete(tx, schema.metadata.tables[table], (column,), [tuple(row) for row in rows])


def _delete_contents(tx: Connection, places: Iterable[Any], now: datetime, url_key: UrlKey) -> Gone:
    """Delete the contents of places that are gone, with what was made of them, where nobody else shows them."""
    rows = list(places)
    urls = {row[2] for row in rows}
    known = bulk.among(tx, "SELECT url_key, url FROM file_urls WHERE url_key {in}", set(map(url_key, urls)))
    bulk.delete(tx, schema.file_urls, ("url_key",), [(key,) for key, url in known if url in urls])
    said = {row[3] for row in rows if row[3] and row[1] is None}
    gone = Gone()
    left = {row[1] for row in rows if row[1] is not None}
    while left:
        dead = left - _shown(tx, left) - _made(tx, left)
        made = _renditions_of(tx, dead)
        said |= _delete_files(tx, dead, gone, now)
        left = made - dead
    removing.queue_named(tx, said, now)
    return gone


def _shown(tx: Connection, file_ids: Iterable[str]) -> set[str]:
    wanted, found = list(file_ids), set()
    for table in ("post_media", "profile_media", "file_urls"):
        rows = bulk.among(
            tx,
            f"SELECT DISTINCT file_id FROM {table} WHERE file_id IS NOT NULL AND file_id {{in}}",  # noqa: S608
            wanted,
        )
        found |= {file_id for (file_id,) in rows}
    return found


def _made(tx: Connection, file_ids: Iterable[str]) -> set[str]:
    rows = bulk.among(
        tx, "SELECT DISTINCT file_id FROM renditions WHERE file_id IS NOT NULL AND file_id {in}", file_ids
    )
    return {file_id for (file_id,) in rows}


def _delete_files(tx: Connection, file_ids: Collection[str], gone: Gone, now: datetime) -> set[str]:
    """Delete the rows of contents and queue what they stand for; returns names of objects no row knows better."""
    must_not_be_held(tx, file_ids, now)
    files = bulk.among(
        tx,
        "SELECT file_id, local_file_path, file_size, archive_url, cached_at, sha256 FROM media_files"
        " WHERE file_id {in}",
        file_ids,
    )
    objects = bulk.among(tx, "SELECT store, key, file_id, state FROM archive_objects WHERE file_id {in}", file_ids)
    kept_by: defaultdict[str, list[str]] = defaultdict(list)
    for store, _, file_id, _ in objects:
        kept_by[store].append(file_id)
    for store, kept in kept_by.items():
        costs.end_storage(tx, store, kept, now)
    paths = [row[1] for row in files if row[1]]
    removing.queue_files(tx, [path for path in paths if path.startswith("media/")], now)
    removing.queue_objects(tx, [(store, key) for store, key, _, _ in objects], now)
    _forget(tx, file_ids)
    bulk.delete(tx, schema.media_files, ("file_id",), [(row[0],) for row in files])
    gone.files += len(files)
    gone.bytes += sum(row[2] for row in files)
    gone.objects += len(objects)
    gone.contents += [row[5] for row in files if row[5] is not None]
    gone.foreign += [row[1] for row in files if row[4] is not None and not row[1].startswith("media/")]
    covered = {row[2] for row in objects}
    return {row[3] for row in files if row[3] and row[0] not in covered}
