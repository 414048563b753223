"""What the library answers: inert values that a face prints, or turns into JSON field by field."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from postkeep.model import MediaState, MediaType, Presence, RunStatus
from postkeep.views.joining import JoinedView, Joins


@dataclass(frozen=True, slots=True)
class Progress:
    """How far long work is: `doing` says what (reading, fetching, verifying); `total` is None while unknown.

    `unit` is what `done` and `total` count (bytes, files, posts).
    """

    doing: str
    done: int
    total: int | None
    unit: str = "files"
    note: str = ""


OnProgress = Callable[[Progress], None]
Stop = Callable[[], bool]


@dataclass(frozen=True, slots=True)
class MediaTotals:
    """Media of a run. `errors` are those in retry, failed, refused or unsupported; the rest are facts."""

    found: int = 0
    cached: int = 0
    errors: int = 0
    pending: int = 0
    expired: int = 0
    gone: int = 0
    refused: int = 0


@dataclass(frozen=True, slots=True)
class ImportSummary:
    """What an import did. `processed` = `new` + `duplicates` + `errors`; `updated` are among the duplicates."""

    run_id: str
    status: RunStatus
    processed: int
    new: int
    duplicates: int
    errors: int
    updated: int
    quarantined: int
    sources: int
    unreadable: int
    media: MediaTotals
    fetched: bool
    problems: tuple[str, ...] = ()
    error: str | None = None
    followed: str | None = None
    joins: Joins = field(default_factory=Joins)


@dataclass(frozen=True, slots=True)
class FetchSummary:
    """What a fetch did: `cached` came over the network, `linked` were here already, `states` count all.

    `restored` contents came from the archive; what shows them was linked. `resting` are hosts that are left
    alone, and until when.
    """

    run_id: str
    status: RunStatus
    due: int
    cached: int
    linked: int
    failed: int
    requests: int
    bytes: int
    waiting: int
    states: Mapping[str, int] = field(default_factory=dict)
    resting: Mapping[str, datetime] = field(default_factory=dict)
    error: str | None = None
    restored: int = 0
    joins: Joins = field(default_factory=Joins)


@dataclass(frozen=True, slots=True)
class BackfillPost:
    """A post whose media are not all in the cache."""

    post_id: str
    kind: str
    items: int
    posted_at: datetime


@dataclass(frozen=True, slots=True)
class BackfillSummary:
    run_id: str | None
    status: RunStatus
    dry_run: bool
    checked: int
    with_media: int
    processed: int
    failed: int
    media: MediaTotals
    posts: tuple[BackfillPost, ...] = ()
    error: str | None = None


@dataclass(frozen=True, slots=True)
class VerifySummary:
    """What verifying the cache found, and with `repaired` what was done about it. Paths are relative to its root.

    `bytes` are those of sound files. Orphans are sound files no row counts on. `to_remake` is missing and
    can be made again of what is there. A misnamed file's right path is in `expected`; of a collision `expected`
    and `found` are the two SHA-256s.
    """

    run_id: str
    status: RunStatus
    checked: int
    sound: int
    damaged: tuple[str, ...]
    missing: tuple[str, ...]
    adopted: int
    strangers: tuple[Finding, ...]
    queued: int
    bytes: int
    error: str | None = None
    unreadable: tuple[str, ...] = ()
    orphans: tuple[str, ...] = ()
    misnamed: tuple[Finding, ...] = ()
    collisions: tuple[Finding, ...] = ()
    quarantined: int = 0
    moved: int = 0
    removed: int = 0
    repaired: bool = False
    to_remake: tuple[str, ...] = ()

    @property
    def clean(self) -> bool:
        """Whether all that the rows promise was read and is as it was proven."""
        return not (self.damaged or self.missing or self.unreadable)


@dataclass(frozen=True, slots=True)
class SnapshotView:
    """The numbers of a post at one time. `of_original`: they belong to the post this one reposts."""

    observed_at: datetime
    source: str
    zone_assumed: bool
    of_original: bool
    reactions: int | None
    comments: int | None
    reposts: int | None
    views: int | None
    likes: int | None
    saves: int | None
    run_id: str | None
    source_file: str | None


@dataclass(frozen=True, slots=True)
class MediaView:
    """One place for media in a post, and where its bytes stand. `path` is relative to the cache root.

    `evicted_at`: the file made room for others then. `incomplete_at_source`: its source has no more of it.
    `joined`: a video with its sound, which came as a file of its own.
    """

    media_id: str
    post_id: str
    role: str
    position: int
    media_type: MediaType
    state: MediaState
    cached: bool
    url: str
    path: str | None
    mime_type: str | None
    size: int | None
    width: int | None
    height: int | None
    duration: float | None
    md5: str | None
    sha256: str | None
    archive_url: str | None
    expires_at: datetime | None
    absent_since: datetime | None
    error: str | None
    error_at: datetime | None
    next_try_at: datetime | None
    incomplete_at_source: bool
    evicted_at: datetime | None
    joined: JoinedView | None = None


@dataclass(frozen=True, slots=True)
class PostLine:
    """A post as lists show it, with its latest numbers and how many of its media are in the cache.

    `shared_text` is the text of the post it quotes or reposts; `presence` what the platform itself says of it,
    seen at `presence_at` where that is not `there`; `notes` what people wrote beside it.
    """

    post_id: str
    platform: str
    native_id: str
    kind: str
    posted_at: datetime
    author: str | None
    author_name: str | None
    text: str | None
    shared_text: str | None
    url: str | None
    latest: SnapshotView | None
    media: int
    cached: int
    first_seen_at: datetime
    presence: Presence = Presence.THERE
    presence_at: datetime | None = None
    notes: str | None = None


@dataclass(frozen=True, slots=True)
class TextView:
    """A text a post once had."""

    text: str
    first_seen_at: datetime
    last_seen_at: datetime


@dataclass(frozen=True, slots=True)
class OriginalView:
    """The post a quote or repost shares; `post_id` is known once that post was imported."""

    post_id: str | None
    reference: str | None
    author: str | None
    text: str | None
    url: str | None
    posted_at: datetime | None


@dataclass(frozen=True, slots=True)
class PostDetail:
    line: PostLine
    urn: str
    full_urn: str | None
    text: str | None
    text_altered: bool
    edited: bool | None
    observed_at: datetime | None
    snapshots: tuple[SnapshotView, ...]
    media: tuple[MediaView, ...]
    texts: tuple[TextView, ...]
    original: OriginalView | None
    aliases: tuple[str, ...]
    hashtags: tuple[str, ...]
    links: tuple[str, ...]
    seen_via: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class RunView:
    run_id: str
    kind: str
    status: RunStatus
    started_at: datetime
    completed_at: datetime | None
    error: str | None
    summary: Mapping[str, object]


@dataclass(frozen=True, slots=True)
class RunDetail:
    run: RunView
    outcomes: Mapping[str, int]
    posts: tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class QuarantineView:
    quarantine_id: str
    source: str
    record: int
    offset: int
    length: int
    sha256: str
    reason: str
    field: str | None
    version: str
    last_seen_at: datetime
    replayable: bool


@dataclass(frozen=True, slots=True)
class ReplaySummary:
    """What replaying the quarantine did; `remaining` records still cannot be read.

    `refused` are posts that were erased and stay away: nothing else counts them.
    """

    run_id: str
    status: RunStatus
    replayed: int
    new: int
    duplicates: int
    remaining: int
    not_replayable: int
    refused: int = 0


@dataclass(frozen=True, slots=True)
class TypeTotals:
    files: int
    bytes: int


@dataclass(frozen=True, slots=True)
class MediaStats:
    """The media library in numbers; `places` are media rows of posts, `files` distinct contents in the cache.

    `lost` are rows of posts and profiles whose bytes were here, and no source brings back.
    """

    places: int
    files: int
    bytes: int
    by_type: Mapping[str, TypeTotals]
    by_state: Mapping[str, int]
    waiting: int
    due: int
    cache_limit: int
    cache_root: str
    lost: int = 0


LOST = "lost"
"""The kind of media that were fetched and are here no longer, and that no source brings back."""


@dataclass(frozen=True, slots=True)
class FailureClass:
    """Media without bytes in one state for one kind of error, with the newest of them as an example."""

    state: MediaState
    kind: str | None
    media: int
    message: str | None
    host: str | None


@dataclass(frozen=True, slots=True)
class FailureView:
    """A place for media, in a post or a profile, whose bytes are not to be had; `fails` are tries it spent."""

    media_id: str
    post_id: str | None
    profile_id: str | None
    host: str
    url: str
    state: MediaState
    kind: str | None
    message: str | None
    error_at: datetime | None
    expires_at: datetime | None
    next_try_at: datetime | None
    fails: int


@dataclass(frozen=True, slots=True)
class MediaFailures:
    """Media without bytes: `total` in `classes` (both told with the first page alone), and a page of `media`."""

    total: int
    classes: tuple[FailureClass, ...]
    media: tuple[FailureView, ...]


@dataclass(frozen=True, slots=True)
class PlaceholderView:
    """A content that is shown under so many different media keys that it likely stands in for what is gone.

    `path` is relative to the cache root. `listed`: its hash is among `fetch.placeholders`, so that it is never
    kept again.
    """

    file_id: str
    sha256: str | None
    md5: str
    size: int
    mime_type: str
    path: str
    cached: bool
    media_keys: int
    posts: int
    profiles: int
    listed: bool


@dataclass(frozen=True, slots=True)
class RetrySummary:
    """What was queued again, by the state it was in (`states`).

    `expired` links and `other` ids (of media that did not fail, or are not what else was asked for) were left as
    they are. `resumed`: the host was left alone, and no longer is.
    """

    dry_run: bool
    queued: int
    states: Mapping[str, int]
    expired: int
    other: int
    resumed: bool
    stopped: bool


class WarmBy(StrEnum):
    """Which posts come first when media are fetched ahead."""

    ENGAGEMENT = "engagement"
    RECENCY = "recency"


@dataclass(frozen=True, slots=True)
class WarmPost:
    """A post whose media are fetched ahead; `items` of them are not in the cache."""

    post_id: str
    kind: str
    items: int
    posted_at: datetime
    engagement: int | None


@dataclass(frozen=True, slots=True)
class WarmSummary:
    """What fetching ahead did; `complete` posts have all their media in the cache now."""

    run_id: str | None
    status: RunStatus
    dry_run: bool
    checked: int
    complete: int
    media: MediaTotals
    posts: tuple[WarmPost, ...] = ()
    error: str | None = None


@dataclass(frozen=True, slots=True)
class FetchMetrics:
    """How fetching went since a time: the runs that fetched, their counts, and rates, None without a count.

    Storage (bytes) and the queue are those of now.
    """

    since: datetime
    runs: int
    requests: int
    cached: int
    linked: int
    failed: int
    bytes: int
    refetched: int
    download_success_rate: float | None
    cache_hit_rate: float | None
    mean_download_ms: float | None
    storage_local: int
    storage_archive: int
    ai_queue_depth: int
    failed_by_kind: Mapping[str, int] | None


@dataclass(frozen=True, slots=True)
class HostView:
    """A host that has something for us; `due` counts what may be asked for now, `failures` those in a row."""

    host: str
    waiting: int
    due: int
    paused_until: datetime | None
    reason: str | None
    failures: int


@dataclass(frozen=True, slots=True)
class Totals:
    """The database in numbers."""

    posts: int
    marked: int
    snapshots: int
    runs: int
    profiles: int
    media: int
    raw_records: int
    quarantined: int
    unknown_keys: Mapping[str, int]
    first_observed_at: datetime | None
    last_observed_at: datetime | None


@dataclass(frozen=True, slots=True)
class FileView:
    """A file in the cache, proven a moment ago. `path` is absolute."""

    path: str
    md5: str
    sha256: str
    size: int
    mime_type: str
    media_type: MediaType
    width: int | None
    height: int | None
    duration: float | None
    extension: str
    url: str | None = None


@dataclass(frozen=True, slots=True)
class UrlOutcome:
    """One URL of several: its file, or why there is none."""

    url: str
    file: FileView | None
    error: str | None
    kind: str | None


@dataclass(frozen=True, slots=True)
class Md5Check:
    """Whether the cache holds content of this MD5 and it is sound."""

    md5: str
    found: bool
    sound: bool
    path: str | None
    message: str


@dataclass(frozen=True, slots=True)
class Finding:
    """Something a verification found: where, what is expected, what is there."""

    where: str
    what: str
    expected: str = ""
    found: str = ""


@dataclass(frozen=True, slots=True)
class HoldView:
    """Something that must stay in the cache. `files` and `bytes` are what of it is there now."""

    hold_id: str
    kind: str
    subject: str
    reason: str
    held_by: str
    since: datetime
    until: datetime | None
    released_at: datetime | None
    active: bool
    files: int
    bytes: int


@dataclass(frozen=True, slots=True)
class PolicyView:
    """A retention policy; None stands for any platform, any profile."""

    policy_id: str
    name: str
    older_than_days: int
    platform: str | None
    profile_id: str | None
    profile: str | None


@dataclass(frozen=True, slots=True)
class RetentionMatch:
    """A file of the cache that a retention policy matches. `newest_at` is when it was last shown.

    `recoverable`: its source still has it, or an archive does.
    """

    file_id: str
    sha256: str | None
    path: str
    size: int
    policy: str
    newest_at: datetime
    recoverable: bool
    removed: bool


@dataclass(frozen=True, slots=True)
class RetentionTotals:
    files: int = 0
    bytes: int = 0
    oldest: datetime | None = None
    newest: datetime | None = None


@dataclass(frozen=True, slots=True)
class RetentionSummary:
    """What retention matched, by whether it can come back, and what of both was removed; `held` stays."""

    run_id: str | None
    status: RunStatus
    dry_run: bool
    policies: tuple[str, ...]
    checked: int
    recoverable: RetentionTotals
    unrecoverable: RetentionTotals
    held: RetentionTotals
    removed: RetentionTotals


@dataclass(frozen=True, slots=True)
class AdoptSummary:
    """What taking over another cache did. `seen` = `adopted` + `known` + what is listed + what found no room.

    `linked` are media rows that got their file, `unknown` those of `adopted` that no row shows; `bytes` were
    copied. Paths are relative to the folder. A dry run counts what would be done.
    """

    run_id: str | None
    status: RunStatus
    dry_run: bool
    seen: int
    adopted: int
    known: int
    linked: int
    unknown: int
    not_media: tuple[Finding, ...]
    damaged: tuple[Finding, ...]
    unreadable: tuple[Finding, ...]
    bytes: int
    error: str | None = None


def human_size(count: int) -> str:
    """A number of bytes as people read it; 1 KB is 1024 bytes."""
    size, unit = float(count), "B"
    for larger in ("KB", "MB", "GB", "TB"):
        if size < 1024:
            break
        size, unit = size / 1024, larger
    return f"{count} B" if unit == "B" else f"{size:.1f} {unit}"
