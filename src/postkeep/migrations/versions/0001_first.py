"""Every table of the first version."""

import sqlalchemy as sa
from alembic import op

from postkeep.store.types import Utc, json_column, now

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    _runs_and_records()
    _profiles()
    _posts()
    _snapshots()
    _media()
    _work()


def _runs_and_records() -> None:
    op.create_table(
        "download_runs",
        sa.Column("run_id", sa.Text, nullable=False),
        sa.Column("started_at", Utc, nullable=False),
        sa.Column("completed_at", Utc),
        sa.Column("status", sa.Text, nullable=False, server_default="running"),
        sa.Column("script_name", sa.Text),
        sa.Column("platform", sa.Text, nullable=False, server_default="linkedin"),
        sa.Column("posts_fetched", sa.Integer, nullable=False, server_default="0"),
        sa.Column("posts_new", sa.Integer, nullable=False, server_default="0"),
        sa.Column("posts_updated", sa.Integer, nullable=False, server_default="0"),
        sa.Column("error_message", sa.Text),
        sa.Column("system_info", sa.Text),
        sa.Column("owner", sa.Text),
        sa.Column("heartbeat_at", Utc),
        sa.Column("summary_json", sa.Text),
        sa.Column("created_at", Utc, nullable=False, server_default=now()),
        sa.PrimaryKeyConstraint("run_id", name="download_runs_pkey"),
    )
    op.create_index("idx_runs_started_at", "download_runs", ["started_at"])
    op.create_index("idx_runs_status", "download_runs", ["status"])

    op.create_table(
        "raw_records",
        sa.Column("sha256", sa.Text, nullable=False),
        sa.Column("content_hash", sa.Text, nullable=False),
        sa.Column("platform", sa.Text, nullable=False),
        sa.Column("shape", sa.Text, nullable=False),
        sa.Column("codec", sa.Text, nullable=False),
        sa.Column("size", sa.Integer, nullable=False),
        sa.Column("body", sa.LargeBinary, nullable=False),
        sa.Column("created_at", Utc, nullable=False, server_default=now()),
        sa.PrimaryKeyConstraint("sha256", name="raw_records_pkey"),
    )

    op.create_table(
        "quarantine",
        sa.Column("quarantine_id", sa.Text, nullable=False),
        sa.Column("run_id", sa.Text),
        sa.Column("source_file_path", sa.Text, nullable=False),
        sa.Column("record_number", sa.BigInteger, nullable=False),
        sa.Column("byte_offset", sa.BigInteger, nullable=False),
        sa.Column("length", sa.BigInteger, nullable=False),
        sa.Column("sha256", sa.Text, nullable=False),
        sa.Column("reason", sa.Text, nullable=False),
        sa.Column("field", sa.Text),
        sa.Column("via", sa.Text),
        sa.Column("observed_at", Utc, nullable=False),
        sa.Column("observed_source", sa.Text, nullable=False),
        sa.Column("zone_assumed", sa.Boolean, nullable=False, server_default=sa.false()),
        sa.Column("codec", sa.Text),
        sa.Column("body", sa.LargeBinary),
        sa.Column("version", sa.Text, nullable=False),
        sa.Column("last_seen_at", Utc, nullable=False),
        sa.Column("resolved_at", Utc),
        sa.Column("created_at", Utc, nullable=False, server_default=now()),
        sa.PrimaryKeyConstraint("quarantine_id", name="quarantine_pkey"),
        sa.UniqueConstraint(
            "source_file_path",
            "record_number",
            "sha256",
            name="quarantine_source_file_path_record_number_sha256_key",
        ),
        sa.ForeignKeyConstraint(
            ["run_id"], ["download_runs.run_id"], name="quarantine_run_id_fkey", ondelete="SET NULL"
        ),
    )
    op.create_index("idx_quarantine_run_id", "quarantine", ["run_id"])

    op.create_table(
        "unknown_keys",
        sa.Column("platform", sa.Text, nullable=False),
        sa.Column("shape", sa.Text, nullable=False),
        sa.Column("key", sa.Text, nullable=False),
        sa.Column("records", sa.BigInteger, nullable=False),
        sa.Column("first_seen_at", Utc, nullable=False),
        sa.Column("last_seen_at", Utc, nullable=False),
        sa.PrimaryKeyConstraint("platform", "shape", "key", name="unknown_keys_pkey"),
        sqlite_with_rowid=False,
    )


def _profiles() -> None:
    op.create_table(
        "profiles",
        sa.Column("profile_id", sa.Text, nullable=False),
        sa.Column("username", sa.Text),
        sa.Column("name", sa.Text, nullable=False),
        sa.Column("platform", sa.Text, nullable=False, server_default="linkedin"),
        sa.Column("kind", sa.Text, nullable=False, server_default="person"),
        sa.Column("native_id", sa.Text),
        sa.Column("headline", sa.Text),
        sa.Column("profile_url", sa.Text),
        sa.Column("is_active", sa.Boolean, nullable=False, server_default=sa.true()),
        sa.Column("notes", sa.Text),
        sa.Column("post_count", sa.Integer, nullable=False, server_default="0"),
        sa.Column("last_synced_at", Utc),
        sa.Column("observed_at", Utc),
        sa.Column("created_at", Utc, nullable=False, server_default=now()),
        sa.Column("updated_at", Utc, nullable=False, server_default=now()),
        sa.PrimaryKeyConstraint("profile_id", name="profiles_pkey"),
        sa.UniqueConstraint("platform", "kind", "username", name="profiles_platform_kind_username_key"),
        sa.UniqueConstraint("platform", "native_id", name="profiles_platform_native_id_key"),
    )
    op.create_index("idx_profiles_username", "profiles", ["username"])
    op.create_index("idx_profiles_is_active", "profiles", ["is_active"])

    op.create_table(
        "profile_names",
        sa.Column("profile_id", sa.Text, nullable=False),
        sa.Column("kind", sa.Text, nullable=False),
        sa.Column("value", sa.Text, nullable=False),
        sa.Column("first_seen_at", Utc, nullable=False),
        sa.Column("last_seen_at", Utc, nullable=False),
        sa.PrimaryKeyConstraint("profile_id", "kind", "value", name="profile_names_pkey"),
        sa.ForeignKeyConstraint(
            ["profile_id"], ["profiles.profile_id"], name="profile_names_profile_id_fkey", ondelete="CASCADE"
        ),
        sqlite_with_rowid=False,
    )
    op.create_index("idx_profile_names_value", "profile_names", ["value"])

    op.create_table(
        "tags",
        sa.Column("tag_id", sa.Text, nullable=False),
        sa.Column("name", sa.Text, nullable=False),
        sa.Column("description", sa.Text),
        sa.Column("color", sa.Text, nullable=False, server_default="cyan"),
        sa.Column("created_at", Utc, nullable=False, server_default=now()),
        sa.PrimaryKeyConstraint("tag_id", name="tags_pkey"),
        sa.UniqueConstraint("name", name="tags_name_key"),
    )
    op.create_index("idx_tags_name", "tags", ["name"])

    op.create_table(
        "profile_tags",
        sa.Column("profile_tag_id", sa.Text, nullable=False),
        sa.Column("profile_id", sa.Text, nullable=False),
        sa.Column("tag_id", sa.Text, nullable=False),
        sa.Column("created_at", Utc, nullable=False, server_default=now()),
        sa.PrimaryKeyConstraint("profile_tag_id", name="profile_tags_pkey"),
        sa.UniqueConstraint("profile_id", "tag_id", name="profile_tags_profile_id_tag_id_key"),
        sa.ForeignKeyConstraint(
            ["profile_id"], ["profiles.profile_id"], name="profile_tags_profile_id_fkey", ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(["tag_id"], ["tags.tag_id"], name="profile_tags_tag_id_fkey", ondelete="CASCADE"),
    )
    op.create_index("idx_profile_tags_profile_id", "profile_tags", ["profile_id"])
    op.create_index("idx_profile_tags_tag_id", "profile_tags", ["tag_id"])


def _posts() -> None:
    op.create_table(
        "posts",
        sa.Column("post_id", sa.Text, nullable=False),
        sa.Column("urn", sa.Text, nullable=False),
        sa.Column("full_urn", sa.Text),
        sa.Column("platform", sa.Text, nullable=False, server_default="linkedin"),
        sa.Column("native_id", sa.Text, nullable=False),
        sa.Column("posted_at_timestamp", sa.BigInteger, nullable=False),
        sa.Column("posted_at", Utc, nullable=False),
        sa.Column("author_username", sa.Text),
        sa.Column("author_profile_id", sa.Text),
        sa.Column("community_profile_id", sa.Text),
        sa.Column("text_content", sa.Text),
        sa.Column("text_altered", sa.Boolean, nullable=False, server_default=sa.false()),
        sa.Column("text_first_seen_at", Utc),
        sa.Column("text_last_seen_at", Utc),
        sa.Column("media_seen_at", Utc),
        sa.Column("post_type", sa.Text),
        sa.Column("edited", sa.Boolean),
        sa.Column("url", sa.Text),
        sa.Column("raw_json", sa.Text),
        sa.Column("observed_at", Utc),
        sa.Column("latest_download_id", sa.Text),
        sa.Column("likes_count", sa.Integer),
        sa.Column("comments_count", sa.Integer),
        sa.Column("first_seen_at", Utc),
        sa.Column("is_read", sa.Boolean, nullable=False, server_default=sa.false()),
        sa.Column("is_marked", sa.Boolean, nullable=False, server_default=sa.false()),
        sa.Column("created_at", Utc, nullable=False, server_default=now()),
        sa.Column("updated_at", Utc, nullable=False, server_default=now()),
        sa.PrimaryKeyConstraint("post_id", name="posts_pkey"),
        sa.UniqueConstraint("platform", "native_id", name="posts_platform_native_id_key"),
        sa.ForeignKeyConstraint(
            ["author_profile_id"],
            ["profiles.profile_id"],
            name="posts_author_profile_id_fkey",
            ondelete="SET NULL",
        ),
        sa.ForeignKeyConstraint(
            ["community_profile_id"],
            ["profiles.profile_id"],
            name="posts_community_profile_id_fkey",
            ondelete="SET NULL",
        ),
    )
    op.create_index("idx_posts_urn", "posts", ["urn"])
    op.create_index("idx_posts_platform", "posts", ["platform"])
    op.create_index("idx_posts_posted_at_timestamp", "posts", ["posted_at_timestamp"])
    op.create_index("idx_posts_author_username", "posts", ["author_username"])
    op.create_index("idx_posts_author_profile_id", "posts", ["author_profile_id"])
    op.create_index("idx_posts_first_seen_at", "posts", ["first_seen_at"])
    op.create_index("idx_posts_is_read", "posts", ["is_read"])
    op.create_index("idx_posts_is_marked", "posts", ["is_marked"])

    op.create_table(
        "post_aliases",
        sa.Column("post_id", sa.Text, nullable=False),
        sa.Column("kind", sa.Text, nullable=False),
        sa.Column("value", sa.Text, nullable=False),
        sa.PrimaryKeyConstraint("post_id", "kind", "value", name="post_aliases_pkey"),
        sa.ForeignKeyConstraint(
            ["post_id"], ["posts.post_id"], name="post_aliases_post_id_fkey", ondelete="CASCADE"
        ),
        sqlite_with_rowid=False,
    )
    op.create_index("idx_aliases_value", "post_aliases", ["value", "kind"])

    op.create_table(
        "post_originals",
        sa.Column("post_id", sa.Text, nullable=False),
        sa.Column("ref_kind", sa.Text),
        sa.Column("ref_value", sa.Text),
        sa.Column("author_profile_id", sa.Text),
        sa.Column("author_username", sa.Text),
        sa.Column("text_content", sa.Text),
        sa.Column("url", sa.Text),
        sa.Column("posted_at", Utc),
        sa.Column("observed_at", Utc, nullable=False),
        sa.Column("original_post_id", sa.Text),
        sa.PrimaryKeyConstraint("post_id", name="post_originals_pkey"),
        sa.ForeignKeyConstraint(
            ["post_id"], ["posts.post_id"], name="post_originals_post_id_fkey", ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(
            ["author_profile_id"],
            ["profiles.profile_id"],
            name="post_originals_author_profile_id_fkey",
            ondelete="SET NULL",
        ),
        sa.ForeignKeyConstraint(
            ["original_post_id"],
            ["posts.post_id"],
            name="post_originals_original_post_id_fkey",
            ondelete="SET NULL",
        ),
    )
    op.create_index("idx_originals_ref", "post_originals", ["ref_value", "ref_kind"])
    op.create_index("idx_originals_author_profile_id", "post_originals", ["author_profile_id"])
    op.create_index("idx_originals_original_post_id", "post_originals", ["original_post_id"])

    op.create_table(
        "post_seen_via",
        sa.Column("post_id", sa.Text, nullable=False),
        sa.Column("profile_id", sa.Text, nullable=False),
        sa.Column("first_seen_at", Utc, nullable=False),
        sa.Column("last_seen_at", Utc, nullable=False),
        sa.PrimaryKeyConstraint("post_id", "profile_id", name="post_seen_via_pkey"),
        sa.ForeignKeyConstraint(
            ["post_id"], ["posts.post_id"], name="post_seen_via_post_id_fkey", ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(
            ["profile_id"], ["profiles.profile_id"], name="post_seen_via_profile_id_fkey", ondelete="CASCADE"
        ),
        sqlite_with_rowid=False,
    )
    op.create_index("idx_seen_via_profile_id", "post_seen_via", ["profile_id"])

    op.create_table(
        "post_texts",
        sa.Column("post_id", sa.Text, nullable=False),
        sa.Column("text_hash", sa.Text, nullable=False),
        sa.Column("text_content", sa.Text, nullable=False),
        sa.Column("first_seen_at", Utc, nullable=False),
        sa.Column("last_seen_at", Utc, nullable=False),
        sa.PrimaryKeyConstraint("post_id", "text_hash", name="post_texts_pkey"),
        sa.ForeignKeyConstraint(
            ["post_id"], ["posts.post_id"], name="post_texts_post_id_fkey", ondelete="CASCADE"
        ),
    )

    op.create_table(
        "post_hashtags",
        sa.Column("post_id", sa.Text, nullable=False),
        sa.Column("hashtag", sa.Text, nullable=False),
        sa.PrimaryKeyConstraint("post_id", "hashtag", name="post_hashtags_pkey"),
        sa.ForeignKeyConstraint(
            ["post_id"], ["posts.post_id"], name="post_hashtags_post_id_fkey", ondelete="CASCADE"
        ),
        sqlite_with_rowid=False,
    )
    op.create_index("idx_hashtags_hashtag", "post_hashtags", ["hashtag"])

    op.create_table(
        "post_mentions",
        sa.Column("post_id", sa.Text, nullable=False),
        sa.Column("position", sa.Integer, nullable=False),
        sa.Column("name", sa.Text, nullable=False),
        sa.Column("username", sa.Text),
        sa.Column("url", sa.Text),
        sa.PrimaryKeyConstraint("post_id", "position", name="post_mentions_pkey"),
        sa.ForeignKeyConstraint(
            ["post_id"], ["posts.post_id"], name="post_mentions_post_id_fkey", ondelete="CASCADE"
        ),
        sqlite_with_rowid=False,
    )

    op.create_table(
        "post_links",
        sa.Column("post_id", sa.Text, nullable=False),
        sa.Column("position", sa.Integer, nullable=False),
        sa.Column("url", sa.Text, nullable=False),
        sa.Column("kind", sa.Text, nullable=False),
        sa.Column("title", sa.Text),
        sa.PrimaryKeyConstraint("post_id", "position", name="post_links_pkey"),
        sa.ForeignKeyConstraint(
            ["post_id"], ["posts.post_id"], name="post_links_post_id_fkey", ondelete="CASCADE"
        ),
        sqlite_with_rowid=False,
    )

    op.create_table(
        "post_tags",
        sa.Column("post_tag_id", sa.Text, nullable=False),
        sa.Column("post_id", sa.Text, nullable=False),
        sa.Column("tag_id", sa.Text, nullable=False),
        sa.Column("confidence", sa.Float),
        sa.Column("applied_by", sa.Text, nullable=False, server_default="ai"),
        sa.Column("system_notes", sa.Text),
        sa.Column("created_at", Utc, nullable=False, server_default=now()),
        sa.PrimaryKeyConstraint("post_tag_id", name="post_tags_pkey"),
        sa.UniqueConstraint("post_id", "tag_id", name="post_tags_post_id_tag_id_key"),
        sa.ForeignKeyConstraint(["post_id"], ["posts.post_id"], name="post_tags_post_id_fkey", ondelete="CASCADE"),
        sa.ForeignKeyConstraint(["tag_id"], ["tags.tag_id"], name="post_tags_tag_id_fkey", ondelete="CASCADE"),
    )
    op.create_index("idx_post_tags_post_id", "post_tags", ["post_id"])
    op.create_index("idx_post_tags_tag_id", "post_tags", ["tag_id"])
    op.create_index("idx_post_tags_applied_by", "post_tags", ["applied_by"])

    op.create_table(
        "action_queue",
        sa.Column("action_id", sa.Text, nullable=False),
        sa.Column("post_id", sa.Text),
        sa.Column("action_type", sa.Text, nullable=False),
        sa.Column("action_params", sa.Text),
        sa.Column("status", sa.Text, nullable=False, server_default="queued"),
        sa.Column("priority", sa.Integer, nullable=False, server_default="0"),
        sa.Column("scheduled_for", Utc),
        sa.Column("executed_at", Utc),
        sa.Column("user_notes", sa.Text),
        sa.Column("system_notes", sa.Text),
        sa.Column("created_at", Utc, nullable=False, server_default=now()),
        sa.Column("updated_at", Utc, nullable=False, server_default=now()),
        sa.PrimaryKeyConstraint("action_id", name="action_queue_pkey"),
        sa.ForeignKeyConstraint(
            ["post_id"], ["posts.post_id"], name="action_queue_post_id_fkey", ondelete="CASCADE"
        ),
    )
    op.create_index("idx_actions_post_id", "action_queue", ["post_id"])
    op.create_index("idx_actions_status", "action_queue", ["status"])
    op.create_index("idx_actions_scheduled_for", "action_queue", ["scheduled_for"])
    op.create_index("idx_actions_priority", "action_queue", [sa.text("priority DESC")])

    op.create_table(
        "run_posts",
        sa.Column("run_id", sa.Text, nullable=False),
        sa.Column("post_id", sa.Text, nullable=False),
        sa.Column("outcome", sa.Text, nullable=False),
        sa.Column("observed_at", Utc, nullable=False),
        sa.PrimaryKeyConstraint("run_id", "post_id", name="run_posts_pkey"),
        sa.ForeignKeyConstraint(
            ["run_id"], ["download_runs.run_id"], name="run_posts_run_id_fkey", ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(["post_id"], ["posts.post_id"], name="run_posts_post_id_fkey", ondelete="CASCADE"),
        sqlite_with_rowid=False,
    )
    op.create_index("idx_run_posts_post_id", "run_posts", ["post_id"])


def _snapshots() -> None:
    op.create_table(
        "data_downloads",
        sa.Column("download_id", sa.Text, nullable=False),
        sa.Column("post_id", sa.Text, nullable=False),
        sa.Column("run_id", sa.Text),
        sa.Column("downloaded_at", Utc, nullable=False),
        sa.Column("observed_at", Utc, nullable=False),
        sa.Column("observed_source", sa.Text, nullable=False),
        sa.Column("zone_assumed", sa.Boolean, nullable=False, server_default=sa.false()),
        sa.Column("total_reactions", sa.Integer),
        sa.Column("comments", sa.Integer),
        sa.Column("reposts", sa.Integer),
        sa.Column("views", sa.Integer),
        sa.Column("likes", sa.Integer),
        sa.Column("saves", sa.Integer),
        sa.Column("of_original", sa.Boolean, nullable=False, server_default=sa.false()),
        sa.Column("tells_media", sa.Boolean, nullable=False, server_default=sa.true()),
        sa.Column("stats_json", sa.Text),
        sa.Column("raw_json", sa.Text),
        sa.Column("record_sha256", sa.Text),
        sa.Column("content_hash", sa.Text),
        sa.Column("source_file_path", sa.Text),
        sa.Column("created_at", Utc, nullable=False, server_default=now()),
        sa.PrimaryKeyConstraint("download_id", name="data_downloads_pkey"),
        sa.UniqueConstraint("post_id", "observed_at", name="data_downloads_post_id_observed_at_key"),
        sa.ForeignKeyConstraint(
            ["post_id"], ["posts.post_id"], name="data_downloads_post_id_fkey", ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(
            ["run_id"], ["download_runs.run_id"], name="data_downloads_run_id_fkey", ondelete="SET NULL"
        ),
    )
    op.create_index("idx_downloads_post_id", "data_downloads", ["post_id"])
    op.create_index("idx_downloads_run_id", "data_downloads", ["run_id"])
    op.create_index("idx_downloads_downloaded_at", "data_downloads", ["downloaded_at"])
    op.create_index("idx_downloads_record_sha256", "data_downloads", ["record_sha256"])

    op.create_table(
        "snapshot_records",
        sa.Column("download_id", sa.Text, nullable=False),
        sa.Column("record_sha256", sa.Text, nullable=False),
        sa.Column("content_hash", sa.Text, nullable=False),
        sa.Column("source_file_path", sa.Text),
        sa.PrimaryKeyConstraint("download_id", "record_sha256", name="snapshot_records_pkey"),
        sa.ForeignKeyConstraint(
            ["download_id"],
            ["data_downloads.download_id"],
            name="snapshot_records_download_id_fkey",
            ondelete="CASCADE",
        ),
        sqlite_with_rowid=False,
    )
    op.create_index("idx_snapshot_records_record_sha256", "snapshot_records", ["record_sha256"])


def _media() -> None:
    op.create_table(
        "media_files",
        sa.Column("file_id", sa.Text, nullable=False),
        sa.Column("sha256", sa.Text),
        sa.Column("md5_sum", sa.Text, nullable=False),
        sa.Column("file_size", sa.BigInteger, nullable=False),
        sa.Column("mime_type", sa.Text, nullable=False),
        sa.Column("extension", sa.Text, nullable=False),
        sa.Column("media_type", sa.Text, nullable=False),
        sa.Column("width", sa.Integer),
        sa.Column("height", sa.Integer),
        sa.Column("duration", sa.Float),
        sa.Column("local_file_path", sa.Text, nullable=False),
        sa.Column("archive_url", sa.Text),
        sa.Column("cached_at", Utc),
        sa.Column("proven_at", Utc),
        sa.Column("proven_size", sa.BigInteger),
        sa.Column("proven_mtime_ns", sa.BigInteger),
        sa.Column("proven_inode", sa.BigInteger),
        sa.Column("last_used_at", Utc),
        sa.Column("quarantined_at", Utc),
        sa.Column("created_at", Utc, nullable=False, server_default=now()),
        sa.Column("updated_at", Utc, nullable=False, server_default=now()),
        sa.PrimaryKeyConstraint("file_id", name="media_files_pkey"),
        sa.UniqueConstraint("sha256", name="media_files_sha256_key"),
    )
    op.create_index("idx_files_md5_sum", "media_files", ["md5_sum"])

    op.create_table(
        "post_media",
        sa.Column("media_id", sa.Text, nullable=False),
        sa.Column("post_id", sa.Text, nullable=False),
        sa.Column("media_type", sa.Text, nullable=False),
        sa.Column("media_url", sa.Text, nullable=False),
        sa.Column("local_file_path", sa.Text),
        sa.Column("file_size", sa.Integer),
        sa.Column("mime_type", sa.Text),
        sa.Column("width", sa.Integer),
        sa.Column("height", sa.Integer),
        sa.Column(
            "md5_sum",
            sa.Text,
            comment="MD5 checksum of the media file for integrity verification and deduplication",
        ),
        sa.Column("archive_url", sa.Text, comment="S3 URL for archived copy of media file"),
        sa.Column("file_id", sa.Text),
        sa.Column("role", sa.Text, nullable=False),
        sa.Column("media_key", sa.Text, nullable=False),
        sa.Column("occurrence", sa.Integer, nullable=False, server_default="0"),
        sa.Column("position", sa.Integer, nullable=False, server_default="0"),
        sa.Column("rendition", sa.Text),
        sa.Column("rendition_rank", sa.Integer),
        sa.Column("file_rendition", sa.Text),
        sa.Column("file_rank", sa.Integer),
        sa.Column("expires_at", Utc),
        sa.Column("observed_at", Utc),
        sa.Column("first_seen_at", Utc),
        sa.Column("last_seen_at", Utc),
        sa.Column("absent_since", Utc),
        sa.Column("download_state", sa.Text, nullable=False, server_default="pending"),
        sa.Column("error_kind", sa.Text),
        sa.Column("error_message", sa.Text),
        sa.Column("error_at", Utc),
        sa.Column(
            "ai_analysis_status",
            sa.Text,
            nullable=False,
            server_default="not_started",
            comment="AI analysis status: not_started, started, completed, failed",
        ),
        sa.Column("ai_analysis", sa.Text),
        sa.Column("ai_analyzed_at", Utc),
        sa.Column(
            "ai_analysis_log",
            json_column(),
            nullable=False,
            server_default=sa.text("'[]'"),
            comment="Detailed JSONB log of AI analysis attempts, results, and events",
        ),
        sa.Column("created_at", Utc, nullable=False, server_default=now()),
        sa.Column("updated_at", Utc, nullable=False, server_default=now()),
        sa.PrimaryKeyConstraint("media_id", name="post_media_pkey"),
        sa.UniqueConstraint(
            "post_id", "role", "media_key", "occurrence", name="post_media_post_id_role_media_key_occurrence_key"
        ),
        sa.ForeignKeyConstraint(
            ["post_id"], ["posts.post_id"], name="post_media_post_id_fkey", ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(
            ["file_id"], ["media_files.file_id"], name="post_media_file_id_fkey", ondelete="SET NULL"
        ),
        sa.CheckConstraint(
            "ai_analysis_status IN ('not_started', 'started', 'completed', 'failed', 'pending')",
            name="post_media_ai_analysis_status_check",
        ),
        comment="Media attachments with AI analysis, local cache, and S3 archive tracking",
    )
    op.create_index("idx_media_post_id", "post_media", ["post_id"])
    op.create_index("idx_media_type", "post_media", ["media_type"])
    op.create_index("idx_media_md5_sum", "post_media", ["md5_sum"])
    op.create_index(
        "idx_media_archive_url",
        "post_media",
        ["archive_url"],
        sqlite_where=sa.text("archive_url IS NOT NULL"),
        postgresql_where=sa.text("archive_url IS NOT NULL"),
    )
    op.create_index("idx_media_file_id", "post_media", ["file_id"])
    op.create_index("idx_media_media_key", "post_media", ["media_key"])
    op.create_index("idx_media_analysis_status", "post_media", ["ai_analysis_status"])
    op.create_index(
        "idx_media_ai_status_created",
        "post_media",
        ["ai_analysis_status", "created_at"],
        sqlite_where=sa.text("ai_analysis_status IN ('not_started', 'started')"),
        postgresql_where=sa.text("ai_analysis_status IN ('not_started', 'started')"),
    )

    op.create_table(
        "profile_media",
        sa.Column("media_id", sa.Text, nullable=False),
        sa.Column("profile_id", sa.Text, nullable=False),
        sa.Column("media_type", sa.Text, nullable=False),
        sa.Column("media_url", sa.Text, nullable=False),
        sa.Column("local_file_path", sa.Text),
        sa.Column("file_size", sa.Integer),
        sa.Column("mime_type", sa.Text),
        sa.Column("width", sa.Integer),
        sa.Column("height", sa.Integer),
        sa.Column("md5_sum", sa.Text),
        sa.Column("archive_url", sa.Text),
        sa.Column("file_id", sa.Text),
        sa.Column("role", sa.Text, nullable=False),
        sa.Column("media_key", sa.Text, nullable=False),
        sa.Column("occurrence", sa.Integer, nullable=False, server_default="0"),
        sa.Column("position", sa.Integer, nullable=False, server_default="0"),
        sa.Column("rendition", sa.Text),
        sa.Column("rendition_rank", sa.Integer),
        sa.Column("file_rendition", sa.Text),
        sa.Column("file_rank", sa.Integer),
        sa.Column("expires_at", Utc),
        sa.Column("observed_at", Utc),
        sa.Column("first_seen_at", Utc),
        sa.Column("last_seen_at", Utc),
        sa.Column("absent_since", Utc),
        sa.Column("download_state", sa.Text, nullable=False, server_default="pending"),
        sa.Column("error_kind", sa.Text),
        sa.Column("error_message", sa.Text),
        sa.Column("error_at", Utc),
        sa.Column("created_at", Utc, nullable=False, server_default=now()),
        sa.Column("updated_at", Utc, nullable=False, server_default=now()),
        sa.PrimaryKeyConstraint("media_id", name="profile_media_pkey"),
        sa.UniqueConstraint(
            "profile_id",
            "role",
            "media_key",
            "occurrence",
            name="profile_media_profile_id_role_media_key_occurrence_key",
        ),
        sa.ForeignKeyConstraint(
            ["profile_id"], ["profiles.profile_id"], name="profile_media_profile_id_fkey", ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(
            ["file_id"], ["media_files.file_id"], name="profile_media_file_id_fkey", ondelete="SET NULL"
        ),
    )
    op.create_index("idx_profile_media_file_id", "profile_media", ["file_id"])
    op.create_index("idx_profile_media_media_key", "profile_media", ["media_key"])

    op.create_table(
        "file_urls",
        sa.Column("url_key", sa.Text, nullable=False),
        sa.Column("url", sa.Text, nullable=False),
        sa.Column("file_id", sa.Text, nullable=False),
        sa.Column("fetched_at", Utc, nullable=False),
        sa.PrimaryKeyConstraint("url_key", name="file_urls_pkey"),
        sa.ForeignKeyConstraint(
            ["file_id"], ["media_files.file_id"], name="file_urls_file_id_fkey", ondelete="CASCADE"
        ),
    )
    op.create_index("idx_file_urls_file_id", "file_urls", ["file_id"])


def _work() -> None:
    op.create_table(
        "work",
        sa.Column("stage", sa.Text, nullable=False),
        sa.Column("subject", sa.Text, nullable=False),
        sa.Column("host", sa.Text, nullable=False),
        sa.Column("priority", sa.Integer, nullable=False, server_default="0"),
        sa.Column("due_at", Utc, nullable=False),
        sa.Column("fails", sa.Integer, nullable=False, server_default="0"),
        sa.PrimaryKeyConstraint("stage", "subject", name="work_pkey"),
        sqlite_with_rowid=False,
    )
    op.create_index("idx_work_next", "work", ["stage", "host", "priority", "due_at"])

    op.create_table(
        "leases",
        sa.Column("name", sa.Text, nullable=False),
        sa.Column("owner", sa.Text, nullable=False),
        sa.Column("since", Utc, nullable=False),
        sa.Column("heartbeat_at", Utc, nullable=False),
        sa.PrimaryKeyConstraint("name", name="leases_pkey"),
    )
