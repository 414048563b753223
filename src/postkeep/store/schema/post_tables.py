"""Posts, what was observed of them, and what they name."""

from __future__ import annotations

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    Float,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    PrimaryKeyConstraint,
    Table,
    Text,
    UniqueConstraint,
    false,
    true,
)

from postkeep.store.schema.base import created, defaulted, few, metadata, own_id, refers, required, updated
from postkeep.store.types import Utc

posts = Table(
    "posts",
    metadata,
    own_id("post_id"),
    required("urn"),
    Column("full_urn", Text),
    defaulted("platform", Text, "linkedin"),
    required("native_id"),
    required("posted_at_timestamp", BigInteger),
    required("posted_at", Utc),
    Column("author_username", Text),
    refers("author_profile_id", "profiles.profile_id", on_delete="SET NULL", required=False),
    refers("community_profile_id", "profiles.profile_id", on_delete="SET NULL", required=False),
    Column("text_content", Text),
    defaulted("text_altered", Boolean, false()),
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
    defaulted("is_read", Boolean, false()),
    defaulted("is_marked", Boolean, false()),
    Column("title", Text),
    Column("post_format", Text),
    defaulted("presence", Text, "there"),
    Column("presence_at", Utc),
    Column("flags", Text),
    Column("location_name", Text),
    Column("location_native_id", Text),
    Column("latitude", Float),
    Column("longitude", Float),
    Column("notes", Text),
    # As JSON, when what the record observed last does not tell was told last.
    Column("told_json", Text),
    created(),
    updated(),
    UniqueConstraint("platform", "native_id"),
    Index("idx_posts_urn", "urn"),
    # What pages of posts are chosen by, each in the order of a page.
    Index("idx_posts_posted_at_timestamp", "posted_at_timestamp", "post_id"),
    Index("idx_posts_author_username", "author_username", "posted_at_timestamp", "post_id"),
    Index("idx_posts_author_profile_id", "author_profile_id"),
    few("idx_posts_community_profile_id", "community_profile_id", where="community_profile_id IS NOT NULL"),
    Index("idx_posts_platform", "platform", "posted_at_timestamp", "post_id"),
    Index("idx_posts_first_seen_at", "first_seen_at"),
    Index("idx_posts_is_read", "is_read", "posted_at_timestamp", "post_id"),
    Index("idx_posts_is_marked", "is_marked"),
    few("idx_posts_gone", "post_id", where="presence <> 'there'"),
)

data_downloads = Table(
    "data_downloads",
    metadata,
    own_id("download_id"),
    refers("post_id", "posts.post_id"),
    refers("run_id", "download_runs.run_id", on_delete="SET NULL", required=False),
    required("downloaded_at", Utc),
    required("observed_at", Utc),
    required("observed_source"),
    defaulted("zone_assumed", Boolean, false()),
    Column("total_reactions", Integer),
    Column("comments", Integer),
    Column("reposts", Integer),
    Column("views", Integer),
    Column("likes", Integer),
    Column("saves", Integer),
    Column("shares", Integer),
    defaulted("counts_hidden", Boolean, false()),
    defaulted("of_original", Boolean, false()),
    defaulted("tells_media", Boolean, true()),
    Column("stats_json", Text),
    Column("raw_json", Text),
    Column("record_sha256", Text),
    Column("content_hash", Text),
    Column("source_file_path", Text),
    created(),
    UniqueConstraint("post_id", "observed_at"),
    Index("idx_downloads_post_id", "post_id"),
    Index("idx_downloads_run_id", "run_id"),
    Index("idx_downloads_downloaded_at", "downloaded_at"),
    Index("idx_downloads_record_sha256", "record_sha256"),
)

raw_records = Table(
    "raw_records",
    metadata,
    own_id("sha256"),
    required("content_hash"),
    required("platform"),
    required("shape"),
    required("codec"),
    required("size", Integer),
    required("body", LargeBinary),
    # How many posts it tells of: one, unless it is a page.
    defaulted("post_count", Integer, "1"),
    created(),
)

snapshot_records = Table(
    "snapshot_records",
    metadata,
    refers("download_id", "data_downloads.download_id"),
    required("record_sha256"),
    required("content_hash"),
    Column("source_file_path", Text),
    PrimaryKeyConstraint("download_id", "record_sha256"),
    Index("idx_snapshot_records_record_sha256", "record_sha256"),
    sqlite_with_rowid=False,
)

post_aliases = Table(
    "post_aliases",
    metadata,
    refers("post_id", "posts.post_id"),
    required("kind"),
    required("value"),
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
    refers("author_profile_id", "profiles.profile_id", on_delete="SET NULL", required=False),
    Column("author_username", Text),
    Column("text_content", Text),
    Column("url", Text),
    Column("posted_at", Utc),
    required("observed_at", Utc),
    refers("original_post_id", "posts.post_id", on_delete="SET NULL", required=False),
    Index("idx_originals_ref", "ref_value", "ref_kind"),
    Index("idx_originals_original_post_id", "original_post_id"),
    Index("idx_originals_author_profile_id", "author_profile_id"),
)

post_seen_via = Table(
    "post_seen_via",
    metadata,
    refers("post_id", "posts.post_id"),
    refers("profile_id", "profiles.profile_id"),
    required("first_seen_at", Utc),
    required("last_seen_at", Utc),
    PrimaryKeyConstraint("post_id", "profile_id"),
    Index("idx_seen_via_profile_id", "profile_id"),
    sqlite_with_rowid=False,
)

post_texts = Table(
    "post_texts",
    metadata,
    refers("post_id", "posts.post_id"),
    required("text_hash"),
    required("text_content"),
    required("first_seen_at", Utc),
    required("last_seen_at", Utc),
    PrimaryKeyConstraint("post_id", "text_hash"),
)

post_hashtags = Table(
    "post_hashtags",
    metadata,
    refers("post_id", "posts.post_id"),
    required("hashtag"),
    PrimaryKeyConstraint("post_id", "hashtag"),
    Index("idx_hashtags_hashtag", "hashtag"),
    sqlite_with_rowid=False,
)

post_mentions = Table(
    "post_mentions",
    metadata,
    refers("post_id", "posts.post_id"),
    required("position", Integer),
    required("name"),
    Column("username", Text),
    Column("url", Text),
    PrimaryKeyConstraint("post_id", "position"),
    sqlite_with_rowid=False,
)

post_links = Table(
    "post_links",
    metadata,
    refers("post_id", "posts.post_id"),
    required("position", Integer),
    required("url"),
    required("kind"),
    Column("title", Text),
    PrimaryKeyConstraint("post_id", "position"),
    sqlite_with_rowid=False,
)

post_people = Table(
    "post_people",
    metadata,
    refers("post_id", "posts.post_id"),
    required("role"),
    required("position", Integer),
    required("name"),
    Column("username", Text),
    Column("native_id", Text),
    refers("profile_id", "profiles.profile_id", on_delete="SET NULL", required=False),
    PrimaryKeyConstraint("post_id", "role", "position"),
    few("idx_people_profile_id", "profile_id", where="profile_id IS NOT NULL"),
    sqlite_with_rowid=False,
)

tombstones = Table(
    "tombstones",
    metadata,
    required("kind"),
    required("platform"),
    required("id_hash"),
    required("reason"),
    required("erased_at", Utc),
    PrimaryKeyConstraint("kind", "platform", "id_hash"),
    sqlite_with_rowid=False,
)
