"""The nouns every layer shares: inert, frozen, and made of the standard library alone."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from enum import StrEnum
from pathlib import Path
from typing import Any, Protocol

Json = Any
"""A decoded JSON value: the one untyped thing that may cross a module border."""


class MediaType(StrEnum):
    IMAGE = "image"
    VIDEO = "video"
    DOCUMENT = "document"


class Role(StrEnum):
    """What a media file is to its post or profile."""

    OWN = "own"
    THUMBNAIL = "thumbnail"
    DOCUMENT = "document"
    COVER = "cover"
    ARTICLE = "article"
    RESHARED = "reshared"
    RESHARED_THUMBNAIL = "reshared_thumbnail"
    RESHARED_DOCUMENT = "reshared_document"
    RESHARED_COVER = "reshared_cover"
    RESHARED_ARTICLE = "reshared_article"
    AUDIO_TRACK = "audio_track"
    AVATAR = "avatar"
    BANNER = "banner"


class PostKind(StrEnum):
    REGULAR = "regular"
    QUOTE = "quote"
    REPOST = "repost"


class PostFormat(StrEnum):
    """What a post is made of; None where a record does not tell."""

    TEXT = "text"
    IMAGE = "image"
    VIDEO = "video"
    REEL = "reel"
    CAROUSEL = "carousel"
    LINK = "link"
    DOCUMENT = "document"


class Presence(StrEnum):
    """What the platform itself says of a post: there, taken away by its author or by others, or not for us."""

    THERE = "there"
    DELETED = "deleted"
    REMOVED = "removed"
    PRIVATE = "private"


class ProfileKind(StrEnum):
    PERSON = "person"
    COMPANY = "company"
    CREATOR = "creator"
    REDDITOR = "redditor"
    SUBREDDIT = "subreddit"


class MediaState(StrEnum):
    """Where the bytes of a media row stand; the transitions are drawn in docs/media-states.md."""

    PENDING = "pending"
    RETRY = "retry"
    FETCHED = "fetched"
    GONE = "gone"
    EXPIRED = "expired"
    REFUSED = "refused"
    UNSUPPORTED = "unsupported"
    FAILED = "failed"


class Stage(StrEnum):
    """The stages that keep their work in the `work` table."""

    FETCH = "fetch"
    ARCHIVE = "archive"
    REMOVE = "remove"
    JOIN = "join"


class ObjectState(StrEnum):
    """Where an archived object stands; only PROVEN says that the store holds the file's bytes.

    FOREIGN objects were made by somebody else and are kept under the names they have.
    """

    CLAIMED = "claimed"
    UPLOADED = "uploaded"
    PROVEN = "proven"
    FOREIGN = "foreign"


class RunStatus(StrEnum):
    RUNNING = "running"
    COMPLETED = "completed"
    PARTIAL = "partial"
    FAILED = "failed"
    CANCELLED = "cancelled"
    INTERRUPTED = "interrupted"


class ObservedSource(StrEnum):
    """Where the observation time of a record came from; MTIME is a guess, the others are known."""

    COLLECTOR = "collector"
    FILE_NAME = "file_name"
    FOLDER = "folder"
    MTIME = "mtime"


# --- what the sources hand over ---------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Observation:
    """When the numbers of a record were true, and how well that is known (aware UTC)."""

    at: datetime
    source: ObservedSource
    zone_assumed: bool = False

    @property
    def known(self) -> bool:
        return self.source is not ObservedSource.MTIME


@dataclass(frozen=True, slots=True)
class Place:
    """Where a record stands: the file as the user named it, the record's number from 1, its byte offset.

    For a compressed file the offset counts decompressed bytes.
    """

    source: str
    number: int
    offset: int

    def __str__(self) -> str:
        return f"{self.source}: record {self.number} (byte {self.offset})"


@dataclass(frozen=True, slots=True)
class RawRecord:
    """One record as its exact source bytes.

    `via` is the username of the scraped profile when the file name tells it.
    """

    body: bytes
    place: Place
    observation: Observation
    via: str | None = None


@dataclass(frozen=True, slots=True)
class BadRecord:
    """A stretch of a source that cannot be a record: what, where, and its bytes where they fit in memory."""

    place: Place
    observation: Observation
    reason: str
    length: int
    sha256: str
    body: bytes | None = None
    via: str | None = None


@dataclass(frozen=True, slots=True)
class BadSource:
    """A file, folder or stream that could not be read (further); the others go on."""

    source: str
    reason: str


@dataclass(frozen=True, slots=True)
class SourceDone:
    """A source was read to its end; `records` counts good and bad ones."""

    source: str
    records: int


# --- what a platform makes of a record --------------------------------------------------------


@dataclass(frozen=True, slots=True)
class MediaRef:
    """A place for media in a post or profile.

    Identity within its owner is (role, media_key, occurrence). `position` counts 0..n-1 over all media of the
    owner; a record that shows only some of them gives those places they have among all, as far as it tells.
    `rendition` names the variant the URL serves; `rendition_rank` orders variants of one asset (larger is better,
    None when the URL does not say). Width and height are what the record claims (pixels). `alternatives` are the
    last segments of other addresses of the same asset, tried in this order when `url` is not there.
    """

    role: Role
    media_type: MediaType
    url: str
    media_key: str
    position: int
    occurrence: int = 0
    rendition: str | None = None
    rendition_rank: int | None = None
    width: int | None = None
    height: int | None = None
    expires_at: datetime | None = None
    caption: str | None = None
    alternatives: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Metrics:
    """What was observed; unknown is None, never 0. `detail` keeps every count by the platform's own name.

    `views` are what the platform counted as views or plays at that time: the name in `detail` says which.
    `hidden` says that the owner hides the counts: what stands there then means nothing.
    """

    reactions: int | None = None
    comments: int | None = None
    reposts: int | None = None
    views: int | None = None
    likes: int | None = None
    saves: int | None = None
    shares: int | None = None
    hidden: bool = False
    detail: Mapping[str, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class BioLink:
    """A link a profile shows; `kind` says where it leads (the registrable host decides), None when unknown."""

    url: str
    title: str | None = None
    kind: str | None = None


@dataclass(frozen=True, slots=True)
class Account:
    """What a record tells of a profile beyond what every mention of it does; unknown is None.

    An empty biography or no links is a fact (taken away), None is not. `facts` keeps what has no column of its
    own, by the platform's names: texts, numbers and booleans.
    """

    followers: int | None = None
    following: int | None = None
    posts: int | None = None
    biography: str | None = None
    external_url: str | None = None
    links: tuple[BioLink, ...] | None = None
    category: str | None = None
    is_verified: bool | None = None
    is_private: bool | None = None
    is_business: bool | None = None
    is_professional: bool | None = None
    facts: Mapping[str, str | int | bool] = field(default_factory=dict, hash=False)


@dataclass(frozen=True, slots=True)
class Profile:
    """A person, company, creator or community as one record shows it.

    `account` is there only when the record is about the profile itself, not when a post names it.
    """

    platform: str
    kind: ProfileKind
    username: str | None
    native_id: str | None = None
    name: str | None = None
    headline: str | None = None
    url: str | None = None
    media: tuple[MediaRef, ...] = ()
    account: Account | None = None


@dataclass(frozen=True, slots=True)
class Alias:
    """Another name of a post on its platform; one alias may belong to several posts."""

    kind: str
    value: str


@dataclass(frozen=True, slots=True)
class Original:
    """What a quote or bare repost says of the post it shares.

    `refs` are names by which that post can be found, best first.
    """

    refs: tuple[Alias, ...]
    author: Profile | None = None
    text: str | None = None
    url: str | None = None
    posted_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Mention:
    """A profile named in a text; `username` is None where the platform gives the bare name only."""

    name: str
    username: str | None = None
    url: str | None = None


@dataclass(frozen=True, slots=True)
class Link:
    """A link a post carries; `kind` is `text` (in its text) or `article` (attached)."""

    url: str
    kind: str = "text"
    title: str | None = None


@dataclass(frozen=True, slots=True)
class Location:
    """A place a post names; degrees where the platform tells them."""

    name: str
    native_id: str | None = None
    latitude: float | None = None
    longitude: float | None = None


@dataclass(frozen=True, slots=True)
class Post:
    """One post as one record shows it.

    `tells_media` and `tells_text` say whether a record of this shape shows all media and the whole text, so
    that what it lacks is known to be absent. `metrics_of_original` marks numbers that belong to the shared
    post. `posted_at` is aware UTC with millisecond precision. `flags` are the platform's own words for what holds
    of it (`over_18`, `spoiler`, `is_paid_partnership`), sorted.
    """

    platform: str
    native_id: str
    urn: str
    posted_at: datetime
    kind: PostKind
    full_urn: str | None = None
    author: Profile | None = None
    community: Profile | None = None
    text: str | None = None
    url: str | None = None
    aliases: tuple[Alias, ...] = ()
    media: tuple[MediaRef, ...] = ()
    metrics: Metrics = field(default_factory=Metrics)
    metrics_of_original: bool = False
    original: Original | None = None
    hashtags: tuple[str, ...] = ()
    mentions: tuple[Mention, ...] = ()
    links: tuple[Link, ...] = ()
    edited: bool | None = None
    tells_media: bool = True
    tells_text: bool = True
    title: str | None = None
    format: PostFormat | None = None
    presence: Presence = Presence.THERE
    tagged: tuple[Profile, ...] = ()
    coauthors: tuple[Profile, ...] = ()
    location: Location | None = None
    flags: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Listed:
    """A post's place in a list, counted from 0; a pinned one stands out of order."""

    native_id: str
    position: int
    pinned: bool = False


@dataclass(frozen=True, slots=True)
class Listing:
    """The list in which a record's posts stood.

    `kind` is the platform's word (`reels`, `feed`, `timeline`, `hot`, `submitted`); lists of one kind and owner
    can be compared. `complete` says that nothing follows. `page` counts from 0 where the record tells, None
    where not.
    """

    kind: str
    owner: Profile | None
    entries: tuple[Listed, ...]
    complete: bool = False
    page: int | None = None


@dataclass(frozen=True, slots=True)
class Refused:
    """An entry of a page that cannot be read: why, where in it, and the entry as JSON."""

    reason: str
    field: str | None
    body: bytes


@dataclass(frozen=True, slots=True)
class Parsed:
    """All that one raw record says; `shape` names its dialect, `unknown_keys` what nobody reads yet.

    A page is one record with many posts. `contents` are then each post's lasting bytes, in the order of `posts`,
    so that one post's change does not make its neighbours look changed; empty where the record is one post.
    `refused` are its entries that cannot be read: they cost their neighbours nothing, and are kept apart.
    """

    shape: str
    posts: tuple[Post, ...]
    profiles: tuple[Profile, ...] = ()
    via: Profile | None = None
    unknown_keys: tuple[str, ...] = ()
    listing: Listing | None = None
    contents: tuple[bytes, ...] = ()
    refused: tuple[Refused, ...] = ()


class Platform(Protocol):
    """A platform: pure functions over decoded JSON, no I/O and no clock.

    A record is one post, or one page as the platform answered: cutting it would lose its exact bytes and the list
    its posts stood in.
    """

    @property
    def name(self) -> str: ...

    def recognises(self, record: Json) -> bool:
        """Whether this platform can read the record, by its content alone; never raises."""
        ...

    def parse(self, record: Json, via: str | None = None) -> Parsed:
        """Read a record; raises ParseError and nothing else."""
        ...

    def canonical(self, record: Json) -> bytes:
        """The record as bytes that are equal when its content is, whatever rotates."""
        ...


# --- bytes and files --------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Digest:
    """What identifies bytes: lowercase hex MD5 and SHA-256, and their number."""

    md5: str
    sha256: str
    size: int


@dataclass(frozen=True, slots=True)
class Body:
    """A fetched body: `chunks` in memory, or a temporary file at `path` whose digest was taken on the way.

    Whoever receives it owns the file: it is moved into the cache or removed.
    """

    size: int
    chunks: tuple[bytes, ...] = ()
    path: Path | None = None
    digest: Digest | None = None


@dataclass(frozen=True, slots=True)
class Partial:
    """The beginning of a body that broke off: `size` bytes in a file of its own, of `total` when that was said.

    `etag` (a strong one) and `last_modified` are the answer's headers as they came; the rest may only be asked
    for while one of them still agrees, so at least one is there.
    """

    path: Path
    size: int
    total: int | None
    etag: str | None
    last_modified: str | None


@dataclass(frozen=True, slots=True)
class Fetched:
    """A complete answer with status 200, or the rest of a partial body joined to its beginning.

    `final_url` is the address it came from at last; `headers` have lowercase names, the last answer's only.
    """

    url: str
    final_url: str
    body: Body
    headers: Mapping[str, str]
    milliseconds: int


@dataclass(frozen=True, slots=True)
class Kind:
    """What bytes are, read from the bytes: MIME type, extension without a dot, media type."""

    mime_type: str
    extension: str
    media_type: MediaType


@dataclass(frozen=True, slots=True)
class Dimensions:
    """Pixels and seconds as the file's own header states them; None where it does not."""

    width: int | None = None
    height: int | None = None
    duration: float | None = None


@dataclass(frozen=True, slots=True)
class Proof:
    """The file's state when its content was last proven: bytes, mtime in nanoseconds, inode."""

    size: int
    mtime_ns: int
    inode: int


@dataclass(frozen=True, slots=True)
class CachedFile:
    """A file in the cache, proven: `path` is relative to the cache root, with forward slashes."""

    path: str
    digest: Digest
    kind: Kind
    dimensions: Dimensions
    proof: Proof


def utc_now() -> datetime:
    """The one clock; everything that decides takes the time as an argument."""
    return datetime.now(UTC)
