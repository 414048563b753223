"""What can be exported, in which form, and what came of it."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Exported(StrEnum):
    POSTS = "posts"
    MEDIA = "media"
    SNAPSHOTS = "snapshots"
    FOLLOWERS = "followers"
    ANALYTICS = "analytics"


class ExportFormat(StrEnum):
    CSV = "csv"
    JSONL = "jsonl"
    PARQUET = "parquet"


class ColumnType(StrEnum):
    """What a column of an export holds; times are aware UTC."""

    TEXT = "text"
    INTEGER = "integer"
    FLOAT = "number"
    BOOLEAN = "boolean"
    TIME = "time"


@dataclass(frozen=True, slots=True)
class ExportSummary:
    """How many rows were written, and where to; `file` is None for standard output."""

    exported: Exported
    format: ExportFormat
    file: str | None
    rows: int
