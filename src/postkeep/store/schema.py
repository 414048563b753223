"""The tables, as both databases have them; migrations must add up to exactly this."""

from __future__ import annotations

from typing import Any

from sqlalchemy import (
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
    Float,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    PrimaryKeyConstraint,
    Table,
    Text,
    UniqueConstraint,
    false,
    text,
    true,
)

from postkeep.store.types import Utc, json_column, now

metadata = MetaData(
    naming_convention={
        "pk": "%(table_name)s_pkey",
        "uq": "%(table_name)s_%(column_0_N_name)s_key",
        "fk": "%(table_name)s_%(column_0_N_name)s_fkey",
    }
)


def _id(name: str) -> Column[str]:
    return Column(name, Text, primary_key=True)


def _required(name: str, type_: Any = Text) -> Column[Any]:
    return Column(name, type_, nullable=False)


def _defaulted(name: str, type_: Any, default: Any) -> Column[Any]:
    return Column(name, type_, nullable=False, server_default=default)


def _created() -> Column[Any]:
    return _defaulted("created_at", Utc, now())


def _updated() -> Column[Any]:
    return _defaulted("updated_at", Utc, now())


def _to(name: str, target: str, *, on_delete: str = "CASCADE", required: bool = True) -> Column[Any]:
    return Column(name, Text, ForeignKey(target, ondelete=on_delete), nullable=not required)


def _where(name: str, *columns: str, where: str) -> Index:
    """An index of the rows for which this is true; queries must say it in the same words.

    A column of the condition may come first, though it tells nothing: SQLite expects few rows of what is compared.
    """
    return Index(name, *columns, sqlite_where=text(where), postgresql_where=text(where))


# --- the nine tables of the predecessor, extended ---------------------------------------------------

posts = Table(
    "posts",
    metadata,
    _id("post_id"),
    _required("urn"),
    Column("full_urn", Text),
    _defaulted("platform", Text, "linkedin"),
    _required("native_id"),
    _required("posted_at_timestamp", BigInteger),
    _required("posted_at", Utc),
    Column("author_username", Text),
    _to("author_profile_id", "profiles.profile_id", on_delete="SET NULL", required=False),
    _to("community_profile_id", "profiles.profile_id", on_delete="SET NULL", required=False),
    Column("text_content", Text),
    _defaulted("text_altered", Boolean, false()),
    Column("text_first_seen_at", Utc),
    Column("text_last_seen_at", Utc),
    Column("media_seen_at", Utc),
    Column("post_type", Text),
    Column("edited", Boolean),
    Column("url", Text),
    Column("raw_json", Text),
    Column("observed_at", Utc),
    # No foreign key: the two tables would refer to each other; `db verify` checks it instead.
    Column("latest_download_id", Text),
    Column("likes_count", Integer),
    Column("comments_count", Integer),
    Column("first_seen_at", Utc),
    _defaulted("is_read", Boolean, false()),
    _defaulted("is_marked", Boolean, false()),
    _created(),
    _updated(),
    UniqueConstraint("platform", "native_id"),
    Index("idx_posts_urn", "urn"),
    # What pages of posts are chosen by, each in the order of a page.
    Index("idx_posts_posted_at_timestamp", "posted_at_timestamp", "post_id"),
    Index("idx_posts_author_username", "author_username", "posted_at_timestamp", "post_id"),
    Index("idx_posts_author_profile_id", "author_profile_id"),
    _where("idx_posts_community_profile_id", "community_profile_id", where="community_profile_id IS NOT NULL"),
    Index("idx_posts_platform", "platform", "posted_at_timestamp", "post_id"),
    Index("idx_posts_first_seen_at", "first_seen_at"),
    Index("idx_posts_is_read", "is_read", "posted_at_timestamp", "post_id"),
    Index("idx_posts_is_marked", "is_marked"),
)

download_runs = Table(
    "download_runs",
    metadata,
    _id("run_id"),
    _required("started_at", Utc),
    Column("completed_at", Utc),
    _defaulted("status", Text, "running"),
    Column("script_name", Text),
    _defaulted("platform", Text, "linkedin"),
    _defaulted("posts_fetched", Integer, "0"),
    _defaulted("posts_new", Integer, "0"),
    _defaulted("posts_updated", Integer, "0"),
    Column("error_message", Text),
    Column("system_info", Text),
    Column("owner", Text),
    Column("heartbeat_at", Utc),
    Column("summary_json", Text),
    _created(),
    Column("figures_json", Text),
    Index("idx_runs_started_at", "started_at", "run_id"),
    Index("idx_runs_status", "status"),
    _where("idx_runs_running", "status", "run_id", where="status = 'running'"),
)

data_downloads = Table(
    "data_downloads",
    metadata,
    _id("download_id"),
    _to("post_id", "posts.post_id"),
    _to("run_id", "download_runs.run_id", on_delete="SET NULL", required=False),
    _required("downloaded_at", Utc),
    _required("observed_at", Utc),
    _required("observed_source"),
    _defaulted("zone_assumed", Boolean, false()),
    Column("total_reactions", Integer),
    Column("comments", Integer),
    Column("reposts", Integer),
    Column("views", Integer),
    Column("likes", Integer),
    Column("saves", Integer),
    _defaulted("of_original", Boolean, false()),
    _defaulted("tells_media", Boolean, true()),
    Column("stats_json", Text),
    Column("raw_json", Text),
    Column("record_sha256", Text),
    Column("content_hash", Text),
    Column("source_file_path", Text),
    _created(),
    UniqueConstraint("post_id", "observed_at"),
    Index("idx_downloads_post_id", "post_id"),
    Index("idx_downloads_run_id", "run_id"),
    Index("idx_downloads_downloaded_at", "downloaded_at"),
    Index("idx_downloads_record_sha256", "record_sha256"),
)

profiles = Table(
    "profiles",
    metadata,
    _id("profile_id"),
    Column("username", Text),
    _required("name"),
    _defaulted("platform", Text, "linkedin"),
    _defaulted("kind", Text, "person"),
    Column("native_id", Text),
    Column("headline", Text),
    Column("profile_url", Text),
    _defaulted("is_active", Boolean, true()),
    Column("notes", Text),
    _defaulted("post_count", Integer, "0"),
    Column("last_synced_at", Utc),
    Column("observed_at", Utc),
    _created(),
    _updated(),
    UniqueConstraint("platform", "native_id"),
    UniqueConstraint("platform", "kind", "username"),
    Index("idx_profiles_username", "username"),
    Index("idx_profiles_native_id", "native_id"),
    Index("idx_profiles_is_active", "is_active"),
)

tags = Table(
    "tags",
    metadata,
    _id("tag_id"),
    Column("name", Text, nullable=False, unique=True),
    Column("description", Text),
    _defaulted("color", Text, "cyan"),
    _created(),
    Index("idx_tags_name", "name"),
)

profile_tags = Table(
    "profile_tags",
    metadata,
    _id("profile_tag_id"),
    _to("profile_id", "profiles.profile_id"),
    _to("tag_id", "tags.tag_id"),
    _created(),
    UniqueConstraint("profile_id", "tag_id"),
    Index("idx_profile_tags_profile_id", "profile_id"),
    Index("idx_profile_tags_tag_id", "tag_id"),
)

post_tags = Table(
    "post_tags",
    metadata,
    _id("post_tag_id"),
    _to("post_id", "posts.post_id"),
    _to("tag_id", "tags.tag_id"),
    Column("confidence", Float),
    _defaulted("applied_by", Text, "ai"),
    Column("system_notes", Text),
    _created(),
    UniqueConstraint("post_id", "tag_id"),
    Index("idx_post_tags_post_id", "post_id"),
    Index("idx_post_tags_tag_id", "tag_id"),
    Index("idx_post_tags_applied_by", "applied_by"),
)

action_queue = Table(
    "action_queue",
    metadata,
    _id("action_id"),
    _to("post_id", "posts.post_id", required=False),
    _required("action_type"),
    Column("action_params", Text),
    _defaulted("status", Text, "queued"),
    _defaulted("priority", Integer, "0"),
    Column("scheduled_for", Utc),
    Column("executed_at", Utc),
    Column("user_notes", Text),
    Column("system_notes", Text),
    _created(),
    _updated(),
    Index("idx_actions_post_id", "post_id"),
    Index("idx_actions_status", "status"),
    Index("idx_actions_scheduled_for", "scheduled_for"),
    Index("idx_actions_priority", text("priority DESC")),
)


def _place_columns() -> list[Column[Any]]:
    """What a place for media has, whether in a post or in a profile."""
    return [
        _required("media_type"),
        _required("media_url"),
        Column("local_file_path", Text),
        Column("file_size", Integer),
        Column("mime_type", Text),
        Column("width", Integer),
        Column("height", Integer),
        Column("md5_sum", Text),
        Column("archive_url", Text),
        _to("file_id", "media_files.file_id", on_delete="SET NULL", required=False),
        _required("role"),
        _required("media_key"),
        _defaulted("occurrence", Integer, "0"),
        _defaulted("position", Integer, "0"),
        Column("rendition", Text),
        Column("rendition_rank", Integer),
        Column("file_rendition", Text),
        Column("file_rank", Integer),
        Column("expires_at", Utc),
        Column("observed_at", Utc),
        Column("first_seen_at", Utc),
        Column("last_seen_at", Utc),
        Column("absent_since", Utc),
        _defaulted("download_state", Text, "pending"),
        Column("error_kind", Text),
        Column("error_message", Text),
        Column("error_at", Utc),
    ]


_NOT_TO_BE_HAD = "download_state IN ('retry', 'failed', 'refused', 'unsupported', 'gone', 'expired')"

_TRIED_IN_VAIN = "error_kind IS NOT NULL"


def _failures(name: str) -> tuple[Index, Index, Index]:
    """Find the few places whose bytes are not to be had among the many: of known content, by page, by class."""
    return (
        _where(f"{name.removesuffix('_failures')}_tried", "download_state", "file_id", where=_TRIED_IN_VAIN),
        _where(name, "media_id", "download_state", "error_kind", where=_NOT_TO_BE_HAD),
        _where(f"{name}_classes", "download_state", "error_kind", "media_id", where=_NOT_TO_BE_HAD),
    )


post_media = Table(
    "post_media",
    metadata,
    _id("media_id"),
    _to("post_id", "posts.post_id"),
    *_place_columns(),
    _defaulted("ai_analysis_status", Text, "not_started"),
    Column("ai_analysis", Text),
    Column("ai_analyzed_at", Utc),
    Column(
        "ai_analysis_log",
        json_column(),
        nullable=False,
        server_default=text("'[]'"),
        comment="Detailed JSONB log of AI analysis attempts, results, and events",
    ),
    _created(),
    _updated(),
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
    _where("idx_media_waiting", "download_state", "post_id", where="download_state IN ('pending', 'retry')"),
    comment="Media attachments with AI analysis, local cache, and S3 archive tracking",
)
post_media.c.md5_sum.comment = "MD5 checksum of the media file for integrity verification and deduplication"
post_media.c.archive_url.comment = "S3 URL for archived copy of media file"
post_media.c.ai_analysis_status.comment = "AI analysis status: not_started, started, completed, failed"

# --- ours ---------------------------------------------------------------------------------------------

media_files = Table(
    "media_files",
    metadata,
    _id("file_id"),
    Column("sha256", Text, unique=True),
    _required("md5_sum"),
    _required("file_size", BigInteger),
    _required("mime_type"),
    _required("extension"),
    _required("media_type"),
    Column("width", Integer),
    Column("height", Integer),
    Column("duration", Float),
    _required("local_file_path"),
    Column("archive_url", Text),
    Column("cached_at", Utc),
    Column("proven_at", Utc),
    Column("proven_size", BigInteger),
    Column("proven_mtime_ns", BigInteger),
    Column("proven_inode", BigInteger),
    Column("last_used_at", Utc),
    Column("quarantined_at", Utc),
    _created(),
    _updated(),
    _defaulted("incomplete_at_source", Boolean, false()),
    Column("evicted_at", Utc),
    Column("evicted_because", Text),
    Index("idx_files_md5_sum", "md5_sum"),
    _where("idx_files_absent", "cached_at", "file_id", where="cached_at IS NULL"),
    # The last two let the size of the cache be summed up from the index alone.
    _where(
        "idx_files_last_used_at",
        *("last_used_at", "file_id", "file_size", "cached_at"),
        where="cached_at IS NOT NULL",
    ),
)

profile_media = Table(
    "profile_media",
    metadata,
    _id("media_id"),
    _to("profile_id", "profiles.profile_id"),
    *_place_columns(),
    _created(),
    _updated(),
    UniqueConstraint("profile_id", "role", "media_key", "occurrence"),
    Index("idx_profile_media_media_key", "media_key"),
    Index("idx_profile_media_file_id", "file_id"),
    *_failures("idx_profile_media_failures"),
)

file_urls = Table(
    "file_urls",
    metadata,
    _id("url_key"),
    _required("url"),
    _to("file_id", "media_files.file_id"),
    _required("fetched_at", Utc),
    Index("idx_file_urls_file_id", "file_id"),
)

archive_objects = Table(
    "archive_objects",
    metadata,
    _id("object_id"),
    _to("file_id", "media_files.file_id"),
    _required("store"),
    _required("key"),
    _required("state"),
    Column("proof", Text),
    Column("etag", Text),
    Column("part_size", BigInteger),
    _required("claimed_at", Utc),
    Column("uploaded_at", Utc),
    Column("proven_at", Utc),
    Column("error_kind", Text),
    Column("error_message", Text),
    Column("error_at", Utc),
    UniqueConstraint("store", "key"),
    UniqueConstraint("file_id", "store"),
)

costs = Table(
    "costs",
    metadata,
    _id("cost_id"),
    _required("kind"),
    _required("source"),
    Column("place", Text),
    _required("operation"),
    _required("quantity", BigInteger),
    _defaulted("size", BigInteger, "0"),
    _required("began_at", Utc),
    Column("ended_at", Utc),
    # What it was for: a content is divided among the posts that show it, a post or profile bears it alone.
    _to("file_id", "media_files.file_id", on_delete="SET NULL", required=False),
    _to("post_id", "posts.post_id", on_delete="SET NULL", required=False),
    _to("profile_id", "profiles.profile_id", on_delete="SET NULL", required=False),
    # What the seller itself asked for one, as a decimal text; without it the price table says.
    Column("charged", Text),
    Column("currency", Text),
    _where("idx_costs_file_id", "file_id", where="file_id IS NOT NULL"),
    _where("idx_costs_post_id", "post_id", where="post_id IS NOT NULL"),
    _where("idx_costs_profile_id", "profile_id", where="profile_id IS NOT NULL"),
)

work = Table(
    "work",
    metadata,
    _required("stage"),
    _required("subject"),
    _required("host"),
    _defaulted("priority", Integer, "0"),
    _required("due_at", Utc),
    _defaulted("fails", Integer, "0"),
    PrimaryKeyConstraint("stage", "subject"),
    Index("idx_work_next", "stage", "host", "priority", "due_at"),
    sqlite_with_rowid=False,
)

raw_records = Table(
    "raw_records",
    metadata,
    _id("sha256"),
    _required("content_hash"),
    _required("platform"),
    _required("shape"),
    _required("codec"),
    _required("size", Integer),
    _required("body", LargeBinary),
    _created(),
)

snapshot_records = Table(
    "snapshot_records",
    metadata,
    _to("download_id", "data_downloads.download_id"),
    _required("record_sha256"),
    _required("content_hash"),
    Column("source_file_path", Text),
    PrimaryKeyConstraint("download_id", "record_sha256"),
    Index("idx_snapshot_records_record_sha256", "record_sha256"),
    sqlite_with_rowid=False,
)

run_posts = Table(
    "run_posts",
    metadata,
    _to("run_id", "download_runs.run_id"),
    _to("post_id", "posts.post_id"),
    _required("outcome"),
    _required("observed_at", Utc),
    PrimaryKeyConstraint("run_id", "post_id"),
    Index("idx_run_posts_post_id", "post_id"),
    sqlite_with_rowid=False,
)

post_aliases = Table(
    "post_aliases",
    metadata,
    _to("post_id", "posts.post_id"),
    _required("kind"),
    _required("value"),
    PrimaryKeyConstraint("post_id", "kind", "value"),
    Index("idx_aliases_value", "value", "kind"),
    sqlite_with_rowid=False,
)

post_originals = Table(
    "post_originals",
    metadata,
    Column("post_id", Text, ForeignKey("posts.post_id", ondelete="CASCADE"), primary_key=True),
    Column("ref_kind", Text),
    Column("ref_value", Text),
    _to("author_profile_id", "profiles.profile_id", on_delete="SET NULL", required=False),
    Column("author_username", Text),
    Column("text_content", Text),
    Column("url", Text),
    Column("posted_at", Utc),
    _required("observed_at", Utc),
    _to("original_post_id", "posts.post_id", on_delete="SET NULL", required=False),
    Index("idx_originals_ref", "ref_value", "ref_kind"),
    Index("idx_originals_original_post_id", "original_post_id"),
    Index("idx_originals_author_profile_id", "author_profile_id"),
)

post_seen_via = Table(
    "post_seen_via",
    metadata,
    _to("post_id", "posts.post_id"),
    _to("profile_id", "profiles.profile_id"),
    _required("first_seen_at", Utc),
    _required("last_seen_at", Utc),
    PrimaryKeyConstraint("post_id", "profile_id"),
    Index("idx_seen_via_profile_id", "profile_id"),
    sqlite_with_rowid=False,
)

post_texts = Table(
    "post_texts",
    metadata,
    _to("post_id", "posts.post_id"),
    _required("text_hash"),
    _required("text_content"),
    _required("first_seen_at", Utc),
    _required("last_seen_at", Utc),
    PrimaryKeyConstraint("post_id", "text_hash"),
)

post_hashtags = Table(
    "post_hashtags",
    metadata,
    _to("post_id", "posts.post_id"),
    _required("hashtag"),
    PrimaryKeyConstraint("post_id", "hashtag"),
    Index("idx_hashtags_hashtag", "hashtag"),
    sqlite_with_rowid=False,
)

post_mentions = Table(
    "post_mentions",
    metadata,
    _to("post_id", "posts.post_id"),
    _required("position", Integer),
    _required("name"),
    Column("username", Text),
    Column("url", Text),
    PrimaryKeyConstraint("post_id", "position"),
    sqlite_with_rowid=False,
)

post_links = Table(
    "post_links",
    metadata,
    _to("post_id", "posts.post_id"),
    _required("position", Integer),
    _required("url"),
    _required("kind"),
    Column("title", Text),
    PrimaryKeyConstraint("post_id", "position"),
    sqlite_with_rowid=False,
)

profile_names = Table(
    "profile_names",
    metadata,
    _to("profile_id", "profiles.profile_id"),
    _required("kind"),
    _required("value"),
    _required("first_seen_at", Utc),
    _required("last_seen_at", Utc),
    PrimaryKeyConstraint("profile_id", "kind", "value"),
    Index("idx_profile_names_value", "value"),
    sqlite_with_rowid=False,
)

quarantine = Table(
    "quarantine",
    metadata,
    _id("quarantine_id"),
    _to("run_id", "download_runs.run_id", on_delete="SET NULL", required=False),
    _required("source_file_path"),
    _required("record_number", BigInteger),
    _required("byte_offset", BigInteger),
    _required("length", BigInteger),
    _required("sha256"),
    _required("reason"),
    Column("field", Text),
    Column("via", Text),
    _required("observed_at", Utc),
    _required("observed_source"),
    _defaulted("zone_assumed", Boolean, false()),
    Column("codec", Text),
    Column("body", LargeBinary),
    _required("version"),
    _required("last_seen_at", Utc),
    Column("resolved_at", Utc),
    _created(),
    UniqueConstraint("source_file_path", "record_number", "sha256"),
    Index("idx_quarantine_run_id", "run_id"),
    _where("idx_quarantine_open", "quarantine_id", where="resolved_at IS NULL"),
)

unknown_keys = Table(
    "unknown_keys",
    metadata,
    _required("platform"),
    _required("shape"),
    _required("key"),
    _required("records", BigInteger),
    _required("first_seen_at", Utc),
    _required("last_seen_at", Utc),
    PrimaryKeyConstraint("platform", "shape", "key"),
    sqlite_with_rowid=False,
)

hosts = Table(
    "hosts",
    metadata,
    _id("host"),
    Column("paused_until", Utc),
    Column("reason", Text),
    _defaulted("failures", Integer, "0"),
    _defaulted("pauses", Integer, "0"),
    _updated(),
)

holds = Table(
    "holds",
    metadata,
    _id("hold_id"),
    _required("subject_kind"),
    _required("subject"),
    _required("reason"),
    _required("held_by"),
    _required("since", Utc),
    Column("until", Utc),
    Column("released_at", Utc),
    Index("idx_holds_subject", "subject", "subject_kind"),
)

retention_policies = Table(
    "retention_policies",
    metadata,
    _id("policy_id"),
    Column("name", Text, nullable=False, unique=True),
    _required("older_than_days", Integer),
    Column("platform", Text),
    _to("profile_id", "profiles.profile_id", required=False),
    _created(),
    Index("idx_retention_policies_profile_id", "profile_id"),
)

remembered = Table(
    "remembered",
    metadata,
    _id("name"),
    _required("value"),
    _updated(),
)

leases = Table(
    "leases",
    metadata,
    _id("name"),
    _required("owner"),
    _required("since", Utc),
    _required("heartbeat_at", Utc),
)

# --- what came from a predecessor's database ----------------------------------------------------------

old_ids = Table(
    "old_ids",
    metadata,
    _id("old_id"),
    _required("new_id"),
    _required("table_name"),
    _created(),
    Index("idx_old_ids_new_id", "new_id"),
)

adoption_findings = Table(
    "adoption_findings",
    metadata,
    _required("kind"),
    _required("subject"),
    _required("detail"),
    _created(),
    PrimaryKeyConstraint("kind", "subject"),
    sqlite_with_rowid=False,
)

adopted_columns = Table(
    "adopted_columns",
    metadata,
    _required("table_name"),
    _required("row_id"),
    _required("values_json"),
    PrimaryKeyConstraint("table_name", "row_id"),
    sqlite_with_rowid=False,
)

# --- who may look in through Supabase -----------------------------------------------------------------

access_users = Table(
    "access_users",
    metadata,
    _id("user_id"),
    Column("note", Text),
    _created(),
)
