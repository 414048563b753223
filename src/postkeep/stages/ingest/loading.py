"""What a batch of records will be compared with, loaded by a handful of queries."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from sqlalchemy import Connection

from postkeep.model import Profile
from postkeep.stages.ingest.candidate import Candidate
from postkeep.stages.ingest.profiles import named
from postkeep.store import known, known_told, records, tombstones
from postkeep.store.rows import ProfileRow
from postkeep.store.spelling import fold


def load(tx: Connection, candidates: list[Candidate]) -> known.Known:
    """Load what these records will be compared with; what only few of them tell, only when they do."""
    rows = known.Known()
    _posts(tx, candidates, rows)
    people = [profile for each in candidates for profile in named(each.parsed)]
    rows.profiles, rows.names = known.load_profiles(
        tx,
        {profile.username for profile in people if profile.username},
        {profile.native_id for profile in people if profile.native_id},
    )
    rows.profile_media = known.load_places(
        tx, "profile_media", "profile_id", [row.profile_id for row in rows.profiles]
    )
    _accounts(tx, candidates, rows)
    rows.erased = tombstones.standing(tx, _stones(candidates, people))
    pages = {each.sha256 for each in candidates if _is_page(each)}
    if pages:
        rows.records = records.stored(tx, pages)
        rows.listed = known_told.load_listed(tx, pages)
    return rows


def _posts(tx: Connection, candidates: list[Candidate], rows: known.Known) -> None:
    posts = [(each, post) for each in candidates for post in each.parsed.posts]
    rows.posts = known.load_posts(tx, {(post.platform, post.native_id) for _, post in posts})
    by_key = rows.posts
    pairs, guessed, late, owners, peopled = set(), set(), set(), set(), set()
    for each, post in posts:
        row = by_key.get((post.platform, post.native_id))
        if row is None:
            continue
        at = each.raw.observation.at
        owners.add(row.post_id)
        pairs.add((row.post_id, at))
        if not each.raw.observation.known:
            guessed.add(row.post_id)
        if row.observed_at is not None and at < row.observed_at:
            late.add(row.post_id)
        if post.tagged or post.coauthors:
            peopled.add(row.post_id)
    if owners:
        rows.snapshots = known.load_snapshots(tx, pairs)
        rows.content_hashes = known.load_content_hashes(tx, guessed) if guessed else {}
        rows.told_at = known.load_told_at(tx, late) if late else {}
        rows.media = known.load_places(tx, "post_media", "post_id", owners)
        rows.seen_via = known.load_seen_via(tx, owners)
        rows.texts = known.load_texts(tx, owners)
        rows.originals = known.load_originals(tx, owners)
        rows.people = known_told.load_people(tx, peopled) if peopled else {}


def _accounts(tx: Connection, candidates: list[Candidate], rows: known.Known) -> None:
    ids: dict[str, set[datetime]] = {}
    guessed = set()
    by_name: dict[tuple[str, str], list[str]] = {}
    for row in rows.profiles:
        for name in _names(row):
            by_name.setdefault((row.platform, name), []).append(row.profile_id)
    for each in candidates:
        for profile in each.parsed.profiles:
            if profile.account is None:
                continue
            for name in _names(profile):
                for profile_id in by_name.get((profile.platform, name), ()):
                    ids.setdefault(profile_id, set()).add(each.raw.observation.at)
                    if not each.raw.observation.known:
                        guessed.add(profile_id)
    if ids:
        rows.profile_texts = known_told.load_profile_texts(tx, ids)
        rows.profile_links = known_told.load_profile_links(tx, ids)
        rows.history = known_told.load_history(tx, ((owner, at) for owner, times in ids.items() for at in times))
        rows.counts = known_told.load_counts(tx, guessed) if guessed else {}


def _names(whose: Profile | ProfileRow) -> list[str]:
    """What a profile may be known by: its platform's id, and its name in whatever case."""
    return [name for name in (whose.native_id, fold(whose.username or "")) if name]


def _stones(candidates: list[Candidate], people: Iterable[Profile]) -> Iterable[tombstones.Tombstone]:
    for each in candidates:
        for post in each.parsed.posts:
            yield tombstones.of_post(post.platform, post.native_id)
    for profile in people:
        yield from tombstones.of_comer(
            profile.platform, profile.kind, native_id=profile.native_id, username=profile.username
        )


def _is_page(each: Candidate) -> bool:
    """Whether a record tells more than one post, or something else than posts."""
    parsed = each.parsed
    return (
        len(parsed.posts) != 1
        or parsed.listing is not None
        or any(profile.account is not None for profile in parsed.profiles)
    )
