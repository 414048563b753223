"""Working copies of rows while a batch is planned: attributes are named as the columns.

They are the one mutable kind of value in the program: a plan loads or makes them, folds records into them,
and says by `new` and `changed` what is to be written.
"""

from __future__ import annotations

from dataclasses import dataclass, field, fields
from datetime import datetime
from operator import attrgetter
from typing import Any

from postkeep.model import MediaState, MediaType, Post, Presence, Role


@dataclass(slots=True)
class PostRow:
    post_id: str
    platform: str
    native_id: str
    urn: str
    full_urn: str | None
    posted_at_timestamp: int
    posted_at: datetime
    author_username: str | None
    author_profile_id: str | None
    community_profile_id: str | None
    text_content: str | None
    text_altered: bool
    text_first_seen_at: datetime | None
    text_last_seen_at: datetime | None
    media_seen_at: datetime | None
    post_type: str
    edited: bool | None
    url: str | None
    observed_at: datetime | None
    latest_download_id: str | None
    first_seen_at: datetime
    title: str | None = None
    post_format: str | None = None
    presence: str = Presence.THERE
    presence_at: datetime | None = None
    flags: str | None = None
    location_name: str | None = None
    location_native_id: str | None = None
    latitude: float | None = None
    longitude: float | None = None
    told_json: str | None = None
    # Not columns: what the latest snapshot's record was.
    latest_hash: str | None = None
    new: bool = False
    changed: bool = False
    facts_changed: bool = False


def new_post(post: Post, *, post_id: str, first_seen_at: datetime) -> PostRow:
    """The row of a post nobody stored yet: who it is, and nothing yet of what records tell about it."""
    return PostRow(
        post_id=post_id,
        platform=post.platform,
        native_id=post.native_id,
        urn=post.urn,
        full_urn=post.full_urn,
        posted_at_timestamp=round(post.posted_at.timestamp() * 1000),
        posted_at=post.posted_at,
        author_username=None,
        author_profile_id=None,
        community_profile_id=None,
        text_content=None,
        text_altered=False,
        text_first_seen_at=None,
        text_last_seen_at=None,
        media_seen_at=None,
        post_type=str(post.kind),
        edited=None,
        url=None,
        observed_at=None,
        latest_download_id=None,
        first_seen_at=first_seen_at,
        new=True,
    )


@dataclass(slots=True)
class SnapshotRow:
    download_id: str
    post_id: str
    run_id: str | None
    downloaded_at: datetime
    observed_at: datetime
    observed_source: str
    zone_assumed: bool
    total_reactions: int | None
    comments: int | None
    reposts: int | None
    views: int | None
    likes: int | None
    saves: int | None
    of_original: bool
    tells_media: bool
    stats_json: str | None
    record_sha256: str | None
    content_hash: str | None
    source_file_path: str | None
    shares: int | None = None
    counts_hidden: bool = False
    hashes: set[str] = field(default_factory=set)
    new: bool = False
    changed: bool = False


@dataclass(slots=True)
class PlaceRow:
    """A row of post_media or profile_media, as far as an import decides about it."""

    media_id: str
    owner_id: str
    media_type: MediaType
    media_url: str
    role: Role
    media_key: str
    occurrence: int
    position: int
    rendition: str | None
    rendition_rank: int | None
    file_rank: int | None
    expires_at: datetime | None
    observed_at: datetime
    first_seen_at: datetime
    last_seen_at: datetime | None
    absent_since: datetime | None
    download_state: MediaState
    error_kind: str | None = None
    error_message: str | None = None
    error_at: datetime | None = None
    caption: str | None = None
    caption_seen_at: datetime | None = None
    alternatives: str | None = None
    new: bool = False
    changed: bool = False
    to_fetch: bool = False


@dataclass(slots=True)
class ProfileRow:
    profile_id: str
    platform: str
    kind: str
    username: str | None
    native_id: str | None
    name: str
    headline: str | None
    profile_url: str | None
    observed_at: datetime | None
    biography: str | None = None
    category: str | None = None
    external_url: str | None = None
    external_url_kind: str | None = None
    is_verified: bool | None = None
    is_private: bool | None = None
    is_business_account: bool | None = None
    is_professional_account: bool | None = None
    followers_count: int | None = None
    following_count: int | None = None
    media_count: int | None = None
    facts_json: str | None = None
    account_observed_at: datetime | None = None
    links_seen_at: datetime | None = None
    told_json: str | None = None
    new: bool = False
    changed: bool = False
    renamed: bool = False
    account_changed: bool = False


@dataclass(slots=True)
class Span:
    """First and last time something was seen."""

    first_seen_at: datetime
    last_seen_at: datetime
    new: bool = False
    changed: bool = False

    def widen(self, at: datetime) -> None:
        if at < self.first_seen_at:
            self.first_seen_at, self.changed = at, True
        if at > self.last_seen_at:
            self.last_seen_at, self.changed = at, True


@dataclass(slots=True)
class TextRow:
    """A text a post once had, or one a profile has or had."""

    text_content: str
    span: Span
    gone: bool = False


@dataclass(slots=True)
class OriginalRow:
    post_id: str
    ref_kind: str | None
    ref_value: str | None
    author_profile_id: str | None
    author_username: str | None
    text_content: str | None
    url: str | None
    posted_at: datetime | None
    observed_at: datetime
    new: bool = False
    changed: bool = False


@dataclass(frozen=True, slots=True)
class PersonRow:
    """Somebody who is tagged in a post, or made it together with its author."""

    name: str
    username: str | None
    native_id: str | None
    profile_id: str | None


@dataclass(slots=True)
class PeopleRows:
    """The people of a post by their role, each in order."""

    roles: dict[str, tuple[PersonRow, ...]]
    changed: bool = False


@dataclass(slots=True)
class LinkRow:
    """A link a profile shows or showed."""

    url: str
    title: str | None
    kind: str | None
    position: int
    span: Span


@dataclass(slots=True)
class HistoryRow:
    """The counts of a profile at one observed time; at least one of them is known."""

    history_id: str
    profile_id: str
    observed_at: datetime
    observed_source: str
    followers_count: int | None
    following_count: int | None
    media_count: int | None
    record_sha256: str | None
    new: bool = False
    changed: bool = False


@dataclass(slots=True)
class ListingRow:
    """A list of posts as one record showed it; `posts` are (position, post_id, pinned)."""

    listing_id: str
    profile_id: str | None
    platform: str
    kind: str
    source: str
    observed_at: datetime
    observed_source: str
    complete: bool
    page: int | None
    in_time_order: bool
    oldest_posted_at: datetime | None
    newest_posted_at: datetime | None
    record_sha256: str
    posts: list[tuple[int, str, bool]] = field(default_factory=list)


_NOT_COLUMNS = {
    *("new", "changed", "facts_changed", "account_changed", "renamed", "to_fetch"),
    *("latest_hash", "hashes", "span", "gone", "posts"),
}


def columns_of(row: type) -> tuple[str, ...]:
    """The attributes of a row class that are columns, in order."""
    return tuple(each.name for each in fields(row) if each.name not in _NOT_COLUMNS)


POST_COLUMNS = columns_of(PostRow)
SNAPSHOT_COLUMNS = columns_of(SnapshotRow)
PROFILE_COLUMNS = columns_of(ProfileRow)
ORIGINAL_COLUMNS = columns_of(OriginalRow)
HISTORY_COLUMNS = columns_of(HistoryRow)
LISTING_COLUMNS = columns_of(ListingRow)

post_values: Any = attrgetter(*POST_COLUMNS)
snapshot_values: Any = attrgetter(*SNAPSHOT_COLUMNS)
profile_values: Any = attrgetter(*PROFILE_COLUMNS)
original_values: Any = attrgetter(*ORIGINAL_COLUMNS)
history_values: Any = attrgetter(*HISTORY_COLUMNS)
listing_values: Any = attrgetter(*LISTING_COLUMNS)
place_values: Any = attrgetter(*columns_of(PlaceRow))


def place_columns(owner: str) -> tuple[str, ...]:
    """The columns of a place, where the owner's key is called `owner` (post_id or profile_id)."""
    return tuple(owner if name == "owner_id" else name for name in columns_of(PlaceRow))
