"""Places for media in posts and profiles, the files that stand there, and where these are archived."""

from __future__ import annotations

from typing import Any

from sqlalchemy import (
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
    Float,
    Index,
    Integer,
    Table,
    Text,
    UniqueConstraint,
    false,
    text,
)

from postkeep.store.schema.base import created, defaulted, few, metadata, own_id, refers, required, updated
from postkeep.store.types import Utc, json_column


def _place_columns() -> list[Column[Any]]:
    """What a place for media has, whether in a post or in a profile."""
    return [
        required("media_type"),
        required("media_url"),
        Column("local_file_path", Text),
        Column("file_size", Integer),
        Column("mime_type", Text),
        Column("width", Integer),
        Column("height", Integer),
        Column("md5_sum", Text),
        Column("archive_url", Text),
        refers("file_id", "media_files.file_id", on_delete="SET NULL", required=False),
        required("role"),
        required("media_key"),
        defaulted("occurrence", Integer, "0"),
        defaulted("position", Integer, "0"),
        Column("rendition", Text),
        Column("rendition_rank", Integer),
        Column("file_rendition", Text),
        Column("file_rank", Integer),
        Column("expires_at", Utc),
        Column("observed_at", Utc),
        Column("first_seen_at", Utc),
        Column("last_seen_at", Utc),
        Column("absent_since", Utc),
        defaulted("download_state", Text, "pending"),
        Column("error_kind", Text),
        Column("error_message", Text),
        Column("error_at", Utc),
        Column("caption", Text),
        Column("caption_seen_at", Utc),
        # What further addresses of the same content end in, as a JSON array.
        Column("alternatives", Text),
    ]


_NOT_TO_BE_HAD = "download_state IN ('retry', 'failed', 'refused', 'unsupported', 'gone', 'expired')"

_TRIED_IN_VAIN = "error_kind IS NOT NULL"


def _failures(name: str) -> tuple[Index, Index, Index]:
    """Find the few places whose bytes are not to be had among the many: of known content, by page, by class."""
    return (
        few(f"{name.removesuffix('_failures')}_tried", "download_state", "file_id", where=_TRIED_IN_VAIN),
        few(name, "media_id", "download_state", "error_kind", where=_NOT_TO_BE_HAD),
        few(f"{name}_classes", "download_state", "error_kind", "media_id", where=_NOT_TO_BE_HAD),
    )


post_media = Table(
    "post_media",
    metadata,
    own_id("media_id"),
    refers("post_id", "posts.post_id"),
    *_place_columns(),
    defaulted("ai_analysis_status", Text, "not_started"),
    Column("ai_analysis", Text),
    Column("ai_analyzed_at", Utc),
    Column(
        "ai_analysis_log",
        json_column(),
        nullable=False,
        server_default=text("'[]'"),
        comment="Detailed JSONB log of AI analysis attempts, results, and events",
    ),
    created(),
    updated(),
    UniqueConstraint("post_id", "role", "media_key", "occurrence"),
    CheckConstraint(
        "ai_analysis_status IN ('not_started', 'started', 'completed', 'failed', 'pending')",
        name="post_media_ai_analysis_status_check",
    ),
    Index("idx_media_post_id", "post_id"),
    Index("idx_media_analysis_status", "ai_analysis_status"),
    Index("idx_media_type", "media_type"),
    Index("idx_media_md5_sum", "md5_sum"),
    Index(
        "idx_media_archive_url",
        "archive_url",
        sqlite_where=text("archive_url IS NOT NULL"),
        postgresql_where=text("archive_url IS NOT NULL"),
    ),
    Index(
        "idx_media_ai_status_created",
        "ai_analysis_status",
        "created_at",
        sqlite_where=text("ai_analysis_status IN ('not_started', 'started')"),
        postgresql_where=text("ai_analysis_status IN ('not_started', 'started')"),
    ),
    Index("idx_media_media_key", "media_key"),
    Index("idx_media_file_id", "file_id"),
    *_failures("idx_media_failures"),
    few("idx_media_waiting", "download_state", "post_id", where="download_state IN ('pending', 'retry')"),
    comment="Media attachments with AI analysis, local cache, and S3 archive tracking",
)
post_media.c.md5_sum.comment = "MD5 checksum of the media file for integrity verification and deduplication"
post_media.c.archive_url.comment = "S3 URL for archived copy of media file"
post_media.c.ai_analysis_status.comment = "AI analysis status: not_started, started, completed, failed"

profile_media = Table(
    "profile_media",
    metadata,
    own_id("media_id"),
    refers("profile_id", "profiles.profile_id"),
    *_place_columns(),
    created(),
    updated(),
    UniqueConstraint("profile_id", "role", "media_key", "occurrence"),
    Index("idx_profile_media_media_key", "media_key"),
    Index("idx_profile_media_file_id", "file_id"),
    *_failures("idx_profile_media_failures"),
)

media_files = Table(
    "media_files",
    metadata,
    own_id("file_id"),
    Column("sha256", Text, unique=True),
    required("md5_sum"),
    required("file_size", BigInteger),
    required("mime_type"),
    required("extension"),
    required("media_type"),
    Column("width", Integer),
    Column("height", Integer),
    Column("duration", Float),
    required("local_file_path"),
    Column("archive_url", Text),
    Column("cached_at", Utc),
    Column("proven_at", Utc),
    Column("proven_size", BigInteger),
    Column("proven_mtime_ns", BigInteger),
    Column("proven_inode", BigInteger),
    Column("last_used_at", Utc),
    Column("quarantined_at", Utc),
    created(),
    updated(),
    defaulted("incomplete_at_source", Boolean, false()),
    Column("evicted_at", Utc),
    Column("evicted_because", Text),
    Index("idx_files_md5_sum", "md5_sum"),
    few("idx_files_absent", "cached_at", "file_id", where="cached_at IS NULL"),
    # The last two let the size of the cache be summed up from the index alone.
    few(
        "idx_files_last_used_at",
        *("last_used_at", "file_id", "file_size", "cached_at"),
        where="cached_at IS NOT NULL",
    ),
)

file_urls = Table(
    "file_urls",
    metadata,
    own_id("url_key"),
    required("url"),
    refers("file_id", "media_files.file_id"),
    required("fetched_at", Utc),
    Index("idx_file_urls_file_id", "file_id"),
)

archive_objects = Table(
    "archive_objects",
    metadata,
    own_id("object_id"),
    refers("file_id", "media_files.file_id"),
    required("store"),
    required("key"),
    required("state"),
    Column("proof", Text),
    Column("etag", Text),
    Column("part_size", BigInteger),
    required("claimed_at", Utc),
    Column("uploaded_at", Utc),
    Column("proven_at", Utc),
    Column("error_kind", Text),
    Column("error_message", Text),
    Column("error_at", Utc),
    UniqueConstraint("store", "key"),
    UniqueConstraint("file_id", "store"),
)

renditions = Table(
    "renditions",
    metadata,
    own_id("rendition_id"),
    refers("source_file_id", "media_files.file_id"),
    # What was joined to it, where it is made of two.
    refers("beside_file_id", "media_files.file_id", required=False),
    required("kind"),
    refers("file_id", "media_files.file_id", on_delete="SET NULL", required=False),
    Column("made_at", Utc),
    Column("error_kind", Text),
    Column("error_message", Text),
    created(),
    UniqueConstraint("source_file_id", "kind"),
    few("idx_renditions_beside_file_id", "beside_file_id", where="beside_file_id IS NOT NULL"),
    few("idx_renditions_file_id", "file_id", where="file_id IS NOT NULL"),
)
