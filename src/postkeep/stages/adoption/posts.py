"""Old posts with all that hangs on them as ours: what records prove is folded in as an import would. Pure."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import Any

from postkeep.ids import IdFactory
from postkeep.model import Alias, MediaRef, Post, PostKind
from postkeep.platforms.linkedin.names import ACTIVITY, born
from postkeep.stages.adoption.media import AdoptedPlace, settle_states
from postkeep.stages.adoption.reading import Reader, Record
from postkeep.stages.adoption.snapshots import AdoptedSnapshot
from postkeep.stages.ingest.candidate import Candidate
from postkeep.stages.ingest.fold import Intent, plan_batch
from postkeep.store.adoption import old_rows
from postkeep.store.adoption.findings import FindingKind, Findings
from postkeep.store.adoption.staging import Target
from postkeep.store.known import Known
from postkeep.store.rows import PostRow, Span, TextRow, new_post

_SAME = timedelta(seconds=1)
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(slots=True)
class OldPost:
    """An old row of posts, read."""

    reader: Reader
    old_id: str
    urn: str
    record: Record
    first_seen_at: datetime | None
    created_at: datetime
    updated_at: datetime
    posted_ms: int | None
    is_read: bool
    is_marked: bool
    likes_count: int | None
    comments_count: int | None


@dataclass(slots=True)
class AdoptedPost:
    """A post as it will stand, with what hangs on it; `rows` are the old rows it stands for, the oldest first."""

    target: Target
    row: PostRow
    rows: list[OldPost]
    raw_json: str | None
    is_read: bool
    is_marked: bool
    likes_count: int | None
    comments_count: int | None
    created_at: datetime
    updated_at: datetime
    snapshots: list[AdoptedSnapshot] = field(default_factory=list)
    places: list[AdoptedPlace] = field(default_factory=list)

    @property
    def is_repost(self) -> bool:
        return self.row.post_type == PostKind.REPOST

    def told(self) -> dict[str, Any]:
        """What the row says, by the names of the old columns."""
        row = self.row
        return {
            "post_id": row.post_id,
            "urn": row.urn,
            "full_urn": row.full_urn,
            "platform": row.platform,
            "posted_at_timestamp": row.posted_at_timestamp,
            "author_username": row.author_username,
            "text_content": row.text_content,
            "post_type": row.post_type,
            "url": row.url,
            "raw_json": self.raw_json,
            "first_seen_at": row.first_seen_at,
            "is_read": self.is_read,
            "is_marked": self.is_marked,
            "likes_count": self.likes_count,
            "comments_count": self.comments_count,
            "created_at": self.created_at,
            "updated_at": self.updated_at,
        }


def read_post(reader: Reader, old_id: str, record: Record, now: datetime) -> OldPost:
    """Read one old row; what it cannot hold stays in the reader's `left`."""
    created = reader.time("created_at") or reader.time("first_seen_at") or now
    return OldPost(
        reader=reader,
        old_id=old_id,
        urn=reader.text("urn") or "",
        record=record,
        first_seen_at=reader.time("first_seen_at"),
        created_at=created,
        updated_at=reader.time("updated_at") or created,
        posted_ms=reader.milliseconds("posted_at_timestamp"),
        is_read=bool(reader.flag("is_read")),
        is_marked=bool(reader.flag("is_marked")),
        likes_count=reader.number("likes_count"),
        comments_count=reader.number("comments_count"),
    )


def adopt_post(target: Target, rows: Sequence[OldPost], findings: Findings) -> AdoptedPost:
    """Old rows of one post as one; the oldest counts, the others fill what it lacks."""
    oldest = rows[0]
    proof = next((each.record for each in rows if each.record.post is not None), Record(None))
    is_repost = proof.post is not None and proof.post.kind is PostKind.REPOST
    raw = next((each.record.text for each in rows if each.record.text is not None), None)
    posted_ms = _posted(target, rows, proof.post, findings)

    def first(name: str) -> str | None:
        return next((text for each in rows if (text := each.reader.text(name)) is not None), None)

    row = PostRow(
        post_id=target.post_id,
        platform=target.platform,
        native_id=target.native_id,
        urn=_urn(oldest, proof.post),
        full_urn=first("full_urn"),
        posted_at_timestamp=posted_ms,
        posted_at=_EPOCH + timedelta(milliseconds=posted_ms),
        # Of a bare repost the old row tells the original's author, text and address.
        author_username=None if is_repost else first("author_username"),
        author_profile_id=None,
        community_profile_id=None,
        text_content=None if is_repost else first("text_content"),
        text_altered=False,
        text_first_seen_at=None,
        text_last_seen_at=None,
        media_seen_at=None,
        post_type=str(proof.post.kind) if proof.post is not None else first("post_type") or "",
        edited=None,
        url=None if is_repost else first("url"),
        observed_at=None,
        latest_download_id=None,
        first_seen_at=min(each.first_seen_at or each.created_at for each in rows),
        new=True,
    )
    return AdoptedPost(
        target,
        row,
        list(rows),
        raw,
        is_read=any(each.is_read for each in rows),
        is_marked=any(each.is_marked for each in rows),
        likes_count=max((each.likes_count for each in rows if each.likes_count is not None), default=None),
        comments_count=max((e.comments_count for e in rows if e.comments_count is not None), default=None),
        created_at=min(each.created_at for each in rows),
        updated_at=max(each.updated_at for each in rows),
    )


def _urn(oldest: OldPost, post: Post | None) -> str:
    """The name in the old row, but for a bare repost, whose row tells the original's."""
    if post is not None and post.kind is PostKind.REPOST and post.native_id not in oldest.urn:
        return post.urn
    return oldest.urn


def split_post(target: Target, first: Record, first_seen_at: datetime, now: datetime) -> AdoptedPost:
    """A post that had no row of its own, made of the first record that proves it."""
    post = first.post
    if post is None:
        raise ValueError(target.post_id)
    row = new_post(post, post_id=target.post_id, first_seen_at=first_seen_at)
    row.platform, row.native_id = target.platform, target.native_id
    return AdoptedPost(target, row, [], first.text, False, False, None, None, now, now)


def _posted(target: Target, rows: Sequence[OldPost], post: Post | None, findings: Findings) -> int:
    """When a post was made, in milliseconds: as stored where that is a time, else as its record or id tells."""
    stored = next((each.posted_ms for each in rows if each.posted_ms is not None), None)
    told = round(post.posted_at.timestamp() * 1000) if post is not None else None
    if told is None and target.platform == "linkedin" and target.native_id.isdecimal():
        birth = born(Alias(ACTIVITY, target.native_id))
        told = round(birth.timestamp() * 1000) if birth is not None else None
    if stored is None:
        if told is not None:
            return told
        findings.add(
            FindingKind.POSTED_AT_DIFFERS,
            target.post_id,
            "nothing tells when it was posted: when it was first seen",
        )
        seen = rows[0].first_seen_at or rows[0].created_at
        return round(seen.timestamp() * 1000)
    if told is not None and abs(stored - told) > _SAME / timedelta(milliseconds=1):
        findings.add(
            FindingKind.POSTED_AT_DIFFERS,
            target.post_id,
            f"it is stored as of {_readable(stored)}, and its record or id tells {_readable(told)};"
            " kept as it was stored",
        )
    return stored


def _readable(milliseconds: int) -> str:
    return f"{_EPOCH + timedelta(milliseconds=milliseconds):%Y-%m-%d %H:%M:%S} UTC"


# --- what records prove -----------------------------------------------------------------------------------


def shown_media(posts: Sequence[Post]) -> Mapping[str, list[MediaRef]]:
    """The media that records show, by key."""
    found: dict[str, list[MediaRef]] = {}
    for post in posts:
        for ref in post.media:
            found.setdefault(ref.media_key, []).append(ref)
    return found


def fold(posts: Sequence[AdoptedPost], known: Known, ids: IdFactory, now: datetime) -> Intent:
    """Fold the records of these posts into their rows, as an import would, but for media nobody stored.

    `known` holds the profiles these records may show.
    """
    candidates: list[Candidate] = []
    for each in posts:
        known.posts[each.target.platform, each.target.native_id] = each.row
        known.media[each.row.post_id] = {
            (place.row.role, place.row.media_key, place.row.occurrence): place.row for place in each.places
        }
        candidates += _candidates(each, known, now)
    candidates.sort(key=lambda one: one.raw.observation.at)
    intent = plan_batch(candidates, known, ids=ids, run_id=None, now=now)
    for each in posts:
        _settle(each, known, now)
    return intent


def _candidates(each: AdoptedPost, known: Known, now: datetime) -> list[Candidate]:
    """The records to fold, each with the snapshot it belongs to already in `known`."""
    row = each.row
    found = []
    for snapshot in each.snapshots:
        known.snapshots[row.post_id, snapshot.row.observed_at] = snapshot.row
        texts = set()
        for old in snapshot.rows:
            if old.record.found is not None and old.record.text not in texts:
                texts.add(old.record.text)
                found.append(old.record.found)
    own = next((old.record.found for old in each.rows if old.record.found is not None), None)
    if not found and own is not None:
        # Its numbers are those of the first snapshot, which has them; only the rest of it is wanted.
        at = min((one.row.observed_at for one in each.snapshots), default=own.raw.observation.at)
        scratch = next((one.row for one in each.snapshots if one.row.observed_at == at), None)
        if scratch is not None:
            known.snapshots[row.post_id, at] = replace(scratch, hashes=set())
        found.append(replace(own, raw=replace(own.raw, observation=replace(own.raw.observation, at=at))))
    return found


def _settle(each: AdoptedPost, known: Known, now: datetime) -> None:
    row = each.row
    latest = max((one.row for one in each.snapshots), key=lambda one: one.observed_at, default=None)
    row.latest_download_id = latest.download_id if latest is not None else None
    row.observed_at = latest.observed_at if latest is not None else row.observed_at or row.first_seen_at
    own = {id(place.row): place for place in each.places}
    shown = known.media.get(row.post_id, {})
    for key in [key for key, place in shown.items() if id(place) not in own]:
        del shown[key]
    settle_states(each.places, now)
    if each.rows and not each.is_repost:
        _keep_text(each, known)


def _keep_text(each: AdoptedPost, known: Known) -> None:
    """A text that only an old row knew is a text the post once had."""
    row = each.row
    if row.text_last_seen_at is None and row.text_content is not None:
        row.text_first_seen_at = row.text_last_seen_at = row.observed_at
    history = known.texts.setdefault(row.post_id, {})
    for old in each.rows:
        text = old.reader.text("text_content")
        if text is None or text == row.text_content or old_rows.replaced(text) == row.text_content:
            continue
        key = hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()
        at = old.first_seen_at or old.created_at
        if key not in history or history[key].gone:
            history[key] = TextRow(text, Span(at, at, new=True))
