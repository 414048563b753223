"""What the library answers about videos that were joined with their sound."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from postkeep.model import RunStatus


@dataclass(frozen=True, slots=True)
class JoinedView:
    """A video with its sound in one file, or why there is none (`error_kind`, `error`). `path` as a medium's.

    `evicted_at`: the file made room for others then; it can be made again.
    """

    path: str | None
    cached: bool
    size: int | None
    mime_type: str | None
    width: int | None
    height: int | None
    duration: float | None
    md5: str | None
    sha256: str | None
    made_at: datetime | None
    evicted_at: datetime | None
    error_kind: str | None
    error: str | None


@dataclass(frozen=True, slots=True)
class Unjoined:
    """A video that could not be joined with its sound. `path` is the video's."""

    path: str
    kind: str
    error: str


@dataclass(frozen=True, slots=True)
class Joins:
    """What joining did: `joined` files were made, `bytes` of them, `failed` could not be, with the first of these.

    `apart` videos wait still; without ffmpeg all do. `error` says why it ended early.
    """

    joined: int = 0
    failed: int = 0
    bytes: int = 0
    apart: int = 0
    without_ffmpeg: bool = False
    failures: tuple[Unjoined, ...] = ()
    error: str | None = None


@dataclass(frozen=True, slots=True)
class JoinSummary:
    """What `media join` did; `joins` as at the end of a fetch."""

    run_id: str
    status: RunStatus
    joins: Joins
    error: str | None = None
