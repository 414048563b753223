"""Old against new: what a batch of records changes. Pure: no I/O, time and ids are arguments.

Files may arrive in any order, so every rule here gives the same end whatever the order was: numbers of one
observed time are merged field by field, spans are widened, and what a post shows now belongs to the record
observed last among those that can tell.
"""

from __future__ import annotations

import hashlib
from bisect import bisect_right, insort
from collections import Counter
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import orjson

from postkeep.ids import IdFactory
from postkeep.model import (
    Alias,
    Link,
    Mention,
    Metrics,
    Observation,
    Original,
    Post,
    Presence,
    Profile,
)
from postkeep.stages.ingest.accounts import AccountFold
from postkeep.stages.ingest.candidate import Candidate
from postkeep.stages.ingest.facts import FactFold
from postkeep.stages.ingest.lists import listing_row
from postkeep.stages.ingest.places import PlaceFold
from postkeep.stages.ingest.profiles import ProfileFold, named, spelled
from postkeep.stages.ingest.told import most
from postkeep.store.known import Known
from postkeep.store.rows import (
    ListingRow,
    OriginalRow,
    PostRow,
    SnapshotRow,
    Span,
    TextRow,
    new_post,
)
from postkeep.store.tombstones import of_post


@dataclass(slots=True)
class Words:
    """What the text of a post names; replaced as a whole when the text changes."""

    hashtags: tuple[str, ...]
    mentions: tuple[Mention, ...]
    links: tuple[Link, ...]


@dataclass(slots=True)
class Intent:
    """Everything a batch wants written, beside the rows in `known` that are new or changed.

    `refused` counts posts that were erased, or whose author or community was, and are not to come back.
    """

    known: Known
    raw_records: dict[str, Candidate] = field(default_factory=dict)
    snapshot_records: list[tuple[str, str, str, str]] = field(default_factory=list)
    aliases: set[tuple[str, str, str]] = field(default_factory=set)
    words: dict[str, Words] = field(default_factory=dict)
    refs: set[tuple[str, str, str]] = field(default_factory=set)
    outcomes: list[tuple[str, str, datetime]] = field(default_factory=list)
    unknown_keys: Counter[tuple[str, str, str]] = field(default_factory=Counter)
    listings: list[ListingRow] = field(default_factory=list)
    refused: int = 0


def plan_batch(
    candidates: list[Candidate], known: Known, *, ids: IdFactory, run_id: str | None, now: datetime
) -> Intent:
    """Fold the records into what is known of their posts and profiles, in the order given."""
    intent = Intent(known)
    fold = _Fold(intent, ids, run_id, now)
    for each in candidates:
        fold.record(each)
    return intent


class _Fold:
    def __init__(self, intent: Intent, ids: IdFactory, run_id: str | None, now: datetime) -> None:
        self.intent = intent
        self.known = intent.known
        self.ids = ids
        self.run_id = run_id
        self.now = now
        self.profiles = ProfileFold(intent.known, ids)
        self.accounts = AccountFold(intent.known, ids)
        self.facts = FactFold(intent.known, self.profiles)
        self.places = PlaceFold(ids, now)

    def record(self, each: Candidate) -> None:
        kept = self._may_be_kept(each)
        posts = [
            (post, content)
            for post, content in zip(each.parsed.posts, each.contents, strict=True)
            if not self._is_erased(post)
        ]
        self.intent.refused += len(each.parsed.posts) - len(posts)
        stored = [self._post(each, post, content, kept=kept) for post, content in posts]
        # At a time that is only assumed, what is known already says nothing new.
        stored_before = each.sha256 in self.known.records or each.sha256 in self.intent.raw_records
        known = stored_before and not each.raw.observation.known
        # A record that is one post has one content, and what it tells of accounts is in it.
        known |= bool(each.parsed.posts) and not each.parsed.contents and not any(stored)
        listed = self._listing(each)
        accounts = not known and any(profile.account is not None for profile in each.parsed.profiles)
        if not any(stored) and not listed and not accounts and (known or each.parsed.posts):
            return
        self._profiles(each, accounts=accounts)
        if kept and each.sha256 not in self.intent.raw_records:
            self.intent.raw_records[each.sha256] = each
            if each.sha256 not in self.known.records:
                for key in each.parsed.unknown_keys:
                    self.intent.unknown_keys[each.platform, each.parsed.shape, key] += 1

    def _profiles(self, each: Candidate, *, accounts: bool) -> None:
        observation = each.raw.observation
        for profile in each.parsed.profiles:
            row = self.profiles.observe(profile, observation.at)
            if row is None:
                continue
            if profile.media:
                owned = self.known.profile_media.setdefault(row.profile_id, {})
                told = profile.account is not None
                self.places.pictures(row.profile_id, owned, profile.media, observation.at, told=told)
            if accounts and profile.account is not None:
                self.accounts.observe(row, profile.account, observation, each.sha256)

    # --- what was erased ---

    def _is_erased(self, post: Post) -> bool:
        if not self.known.erased:
            return False
        people = [profile for profile in (post.author, post.community) if profile is not None]
        stone = of_post(post.platform, post.native_id)
        return stone in self.known.erased or any(map(self.profiles.is_erased, people))

    def _may_be_kept(self, each: Candidate) -> bool:
        """Whether a record's bytes may be kept: not when they hold something that was erased."""
        if not self.known.erased:
            return True
        return not any(map(self._is_erased, each.parsed.posts)) and not any(
            map(self.profiles.is_erased, named(each.parsed))
        )

    # --- posts ---

    def _post(self, each: Candidate, post: Post, content: str, *, kept: bool) -> bool:
        """Fold one post in; False when this very content is already known at this time."""
        observation = each.raw.observation
        row = self._row(post)
        snapshot = self.known.snapshots.get((row.post_id, observation.at))
        if self._is_known(row, snapshot, content, observation):
            if snapshot is not None and each.parsed.via is not None:
                self._seen_via(row, each.parsed.via, observation.at)
            self.intent.outcomes.append((row.post_id, "unchanged", observation.at))
            return False
        outcome = "new" if row.observed_at is None else "changed"
        if outcome == "changed" and content == row.latest_hash:
            outcome = "unchanged"
        if snapshot is None:
            snapshot = self._new_snapshot(row, each, post, content, kept=kept)
        else:
            self._merge_snapshot(snapshot, post, content)
            if kept:
                self.intent.snapshot_records.append(
                    (snapshot.download_id, each.sha256, content, each.raw.place.source)
                )
        self.known.content_hashes.setdefault(row.post_id, set()).add(content)
        self._current(row, each, post, content, snapshot)
        self.intent.outcomes.append((row.post_id, outcome, observation.at))
        return True

    def _is_known(
        self, row: PostRow, snapshot: SnapshotRow | None, content: str, observation: Observation
    ) -> bool:
        if snapshot is not None and content in snapshot.hashes:
            return True
        return not observation.known and content in self.known.content_hashes.get(row.post_id, ())

    def _row(self, post: Post) -> PostRow:
        key = (post.platform, post.native_id)
        row = self.known.posts.get(key)
        if row is None:
            row = new_post(post, post_id=self.ids.new("p"), first_seen_at=self.now)
            row.edited, row.url = post.edited, post.url
            self.known.posts[key] = row
        return row

    # --- numbers ---

    def _new_snapshot(self, row: PostRow, each: Candidate, post: Post, content: str, *, kept: bool) -> SnapshotRow:
        metrics, observation = post.metrics, each.raw.observation
        snapshot = SnapshotRow(
            download_id=self.ids.new("dl"),
            post_id=row.post_id,
            run_id=self.run_id,
            downloaded_at=self.now,
            observed_at=observation.at,
            observed_source=observation.source,
            zone_assumed=observation.zone_assumed,
            total_reactions=metrics.reactions,
            comments=metrics.comments,
            reposts=metrics.reposts,
            views=metrics.views,
            likes=metrics.likes,
            saves=metrics.saves,
            shares=metrics.shares,
            counts_hidden=metrics.hidden,
            of_original=post.metrics_of_original,
            tells_media=_tells_media(post),
            stats_json=_dumps(metrics.detail),
            record_sha256=each.sha256 if kept else None,
            content_hash=content,
            source_file_path=each.raw.place.source,
            hashes={content},
            new=True,
        )
        self.known.snapshots[row.post_id, observation.at] = snapshot
        return snapshot

    def _merge_snapshot(self, snapshot: SnapshotRow, post: Post, content: str) -> None:
        metrics = post.metrics
        before = _numbers(snapshot)
        snapshot.total_reactions = most(snapshot.total_reactions, metrics.reactions)
        snapshot.comments = most(snapshot.comments, metrics.comments)
        snapshot.reposts = most(snapshot.reposts, metrics.reposts)
        snapshot.views = most(snapshot.views, metrics.views)
        snapshot.likes = most(snapshot.likes, metrics.likes)
        snapshot.saves = most(snapshot.saves, metrics.saves)
        snapshot.shares = most(snapshot.shares, metrics.shares)
        snapshot.counts_hidden = snapshot.counts_hidden or metrics.hidden
        snapshot.of_original = snapshot.of_original and post.metrics_of_original
        snapshot.tells_media = snapshot.tells_media or _tells_media(post)
        snapshot.stats_json = _merged_detail(snapshot.stats_json, metrics)
        snapshot.hashes.add(content)
        snapshot.changed |= before != _numbers(snapshot)

    # --- what the post shows now ---

    def _current(self, row: PostRow, each: Candidate, post: Post, content: str, snapshot: SnapshotRow) -> None:
        at = each.raw.observation.at
        self.facts.observe(row, post, at)
        newest = row.observed_at is None or at > row.observed_at
        author = self.profiles.observe(post.author, at) if post.author else None
        community = self.profiles.observe(post.community, at) if post.community else None
        if newest or row.author_profile_id is None:
            if author is not None:
                row.author_profile_id, row.author_username = author.profile_id, spelled(author, post.author)
            if community is not None:
                row.community_profile_id = community.profile_id
        if newest:
            row.full_urn, row.url = post.full_urn or row.full_urn, post.url or row.url
            row.edited = row.edited if post.edited is None else post.edited
            row.post_type = post.kind
            row.observed_at, row.latest_download_id = at, snapshot.download_id
            row.latest_hash = content
        else:
            row.full_urn, row.url = row.full_urn or post.full_urn, row.url or post.url
            row.edited = post.edited if row.edited is None else row.edited
        row.changed = True
        # Who took a post away took its text away with it: that is no text it had.
        if post.tells_text and (post.presence is Presence.THERE or post.text):
            self._text(row, post, at, altered=each.altered)
        self._media(row, post, at)
        self._relations(row, each, post, at)

    def _text(self, row: PostRow, post: Post, at: datetime, *, altered: bool) -> None:
        """Current text and text history, the same in whatever order the records come."""
        text = post.text
        first, last = row.text_first_seen_at, row.text_last_seen_at
        if last is None or first is None:
            row.text_content, row.text_altered = text, altered
            row.text_first_seen_at = row.text_last_seen_at = at
            self._words(row, post)
            return
        if text == row.text_content:
            row.text_first_seen_at, row.text_last_seen_at = min(first, at), max(last, at)
            return
        # At one observed time the longer text wins, so that order does not matter.
        newer = at > last or (at == last and _text_rank(text) > _text_rank(row.text_content))
        history = self.known.texts.setdefault(row.post_id, {})
        if not newer:
            _remember(history, text, at, at)
            return
        _remember(history, row.text_content, first, last)
        row.text_content, row.text_altered = text, altered
        back = history.get(_text_hash(text))
        row.text_first_seen_at = min(at, back.span.first_seen_at) if back and not back.gone else at
        row.text_last_seen_at = at
        if back is not None:
            back.gone = True
        self._words(row, post)

    def _words(self, row: PostRow, post: Post) -> None:
        words = Words(post.hashtags, post.mentions, post.links)
        # A new row has none to be taken away, unless this batch gave it some.
        before = not row.new or row.post_id in self.intent.words
        if before or words.hashtags or words.mentions or words.links:
            self.intent.words[row.post_id] = words

    def _media(self, row: PostRow, post: Post, at: datetime) -> None:
        owned = self.known.media.setdefault(row.post_id, {})
        told = self.known.told_at.setdefault(row.post_id, [])
        self.places.observe(
            row.post_id,
            owned,
            post.media,
            at,
            tells_all=_tells_media(post),
            last_told=row.media_seen_at,
            told_after=lambda moment: _after(told, moment),
        )
        if _tells_media(post):
            insort(told, at)
            if row.media_seen_at is None or at > row.media_seen_at:
                row.media_seen_at = at

    def _relations(self, row: PostRow, each: Candidate, post: Post, at: datetime) -> None:
        for alias in post.aliases:
            self.intent.aliases.add((row.post_id, alias.kind, alias.value))
        if row.new:
            self.intent.refs.add((row.post_id, "activity", row.native_id))
        self.intent.refs.update((row.post_id, alias.kind, alias.value) for alias in post.aliases)
        via = each.parsed.via
        if via is not None:
            self._seen_via(row, via, at)
        if post.original is not None:
            self._original(row, post.original, at)

    def _seen_via(self, row: PostRow, via: Profile, at: datetime) -> None:
        profile = self.profiles.observe(via, at)
        if profile is None:
            return
        span = self.known.seen_via.get((row.post_id, profile.profile_id))
        if span is None:
            self.known.seen_via[row.post_id, profile.profile_id] = Span(at, at, new=True)
        else:
            span.widen(at)

    def _original(self, row: PostRow, original: Original, at: datetime) -> None:
        author = self.profiles.observe(original.author, at) if original.author else None
        if original.author is not None and self.profiles.is_erased(original.author):
            original = Original(refs=original.refs)
        ref: Alias | None = original.refs[0] if original.refs else None
        values: dict[str, Any] = {
            "ref_kind": ref.kind if ref else None,
            "ref_value": ref.value if ref else None,
            "author_profile_id": author.profile_id if author else None,
            "author_username": spelled(author, original.author) if author else None,
            "text_content": original.text,
            "url": original.url,
            "posted_at": original.posted_at,
        }
        old = self.known.originals.get(row.post_id)
        if old is None:
            self.known.originals[row.post_id] = OriginalRow(row.post_id, **values, observed_at=at, new=True)
            return
        newest = at > old.observed_at
        for name, value in values.items():
            current = getattr(old, name)
            if value is not None and value != current and (newest or current is None):
                setattr(old, name, value)
                old.changed = True
        if newest:
            old.observed_at, old.changed = at, True

    # --- the list they stood in ---

    def _listing(self, each: Candidate) -> bool:
        """Remember the list of a record; False when there is none, or it is known at this time."""
        listing, observation = each.parsed.listing, each.raw.observation
        times = self.known.listed.setdefault(each.sha256, set()) if listing is not None else set()
        if listing is None or observation.at in times or (times and not observation.known):
            return False
        owner = self.profiles.observe(listing.owner, observation.at) if listing.owner is not None else None
        if owner is None and listing.owner is not None:
            return False
        posts = {
            post.native_id: row
            for post in each.parsed.posts
            if (row := self.known.posts.get((post.platform, post.native_id))) is not None
        }
        owner_id = owner.profile_id if owner is not None else None
        self.intent.listings.append(
            listing_row(each, listing, posts, listing_id=self.ids.new("lst"), profile_id=owner_id)
        )
        times.add(observation.at)
        return True


def _tells_media(post: Post) -> bool:
    """Whether what a record lacks is absent: not when the post is gone, and its media with it."""
    return post.tells_media and post.presence is Presence.THERE


def _dumps(detail: Any) -> str | None:
    return orjson.dumps(detail, option=orjson.OPT_SORT_KEYS).decode() if detail else None


def _merged_detail(stored: str | None, metrics: Metrics) -> str | None:
    detail: dict[str, int] = orjson.loads(stored) if stored else {}
    for name, count in metrics.detail.items():
        detail[name] = max(detail.get(name, count), count)
    return _dumps(detail)


def _numbers(row: SnapshotRow) -> tuple[Any, ...]:
    return (
        row.total_reactions,
        row.comments,
        row.reposts,
        row.views,
        row.likes,
        row.saves,
        row.shares,
        row.counts_hidden,
        row.of_original,
        row.tells_media,
        row.stats_json,
    )


def _text_rank(text: str | None) -> tuple[int, str]:
    return (-1, "") if text is None else (len(text), text)


def _text_hash(text: str | None) -> str:
    return hashlib.sha256((text or "").encode()).hexdigest()


def _remember(history: dict[str, TextRow], text: str | None, first: datetime, last: datetime) -> None:
    if text is None:
        return
    key = _text_hash(text)
    known = history.get(key)
    if known is None:
        history[key] = TextRow(text, Span(first, last, new=True))
    elif known.gone:
        history[key] = TextRow(text, Span(first, last, changed=True))
    else:
        known.span.widen(first)
        known.span.widen(last)


def _after(told: list[datetime], moment: datetime) -> datetime | None:
    """The first of the sorted times that is later than `moment`."""
    place = bisect_right(told, moment)
    return told[place] if place < len(told) else None
