"""Profiles, what was observed of them, and the lists their posts stood in."""

from __future__ import annotations

from sqlalchemy import (
    Boolean,
    Column,
    Float,
    ForeignKey,
    Index,
    Integer,
    PrimaryKeyConstraint,
    Table,
    Text,
    UniqueConstraint,
    false,
    true,
)

from postkeep.store.schema.base import created, defaulted, metadata, own_id, refers, required, updated
from postkeep.store.types import Utc

profiles = Table(
    "profiles",
    metadata,
    own_id("profile_id"),
    Column("username", Text),
    required("name"),
    defaulted("platform", Text, "linkedin"),
    defaulted("kind", Text, "person"),
    Column("native_id", Text),
    Column("headline", Text),
    Column("profile_url", Text),
    defaulted("is_active", Boolean, true()),
    Column("notes", Text),
    defaulted("post_count", Integer, "0"),
    Column("last_synced_at", Utc),
    Column("observed_at", Utc),
    Column("biography", Text),
    Column("category", Text),
    Column("external_url", Text),
    Column("external_url_kind", Text),
    Column("is_verified", Boolean),
    Column("is_private", Boolean),
    Column("is_business_account", Boolean),
    Column("is_professional_account", Boolean),
    Column("followers_count", Integer),
    Column("following_count", Integer),
    Column("media_count", Integer),
    Column("facts_json", Text),
    Column("account_observed_at", Utc),
    Column("links_seen_at", Utc),
    # As JSON, when what the account record observed last does not tell was told last.
    Column("told_json", Text),
    created(),
    updated(),
    UniqueConstraint("platform", "native_id"),
    UniqueConstraint("platform", "kind", "username"),
    Index("idx_profiles_username", "username"),
    Index("idx_profiles_native_id", "native_id"),
    Index("idx_profiles_is_active", "is_active"),
)

profile_names = Table(
    "profile_names",
    metadata,
    refers("profile_id", "profiles.profile_id"),
    required("kind"),
    required("value"),
    required("first_seen_at", Utc),
    required("last_seen_at", Utc),
    PrimaryKeyConstraint("profile_id", "kind", "value"),
    Index("idx_profile_names_value", "value"),
    sqlite_with_rowid=False,
)

profile_texts = Table(
    "profile_texts",
    metadata,
    refers("profile_id", "profiles.profile_id"),
    required("text_hash"),
    required("text_content"),
    required("first_seen_at", Utc),
    required("last_seen_at", Utc),
    PrimaryKeyConstraint("profile_id", "text_hash"),
)

profile_links = Table(
    "profile_links",
    metadata,
    refers("profile_id", "profiles.profile_id"),
    # A URL may be longer than an index takes.
    required("url_hash"),
    required("position", Integer),
    required("url"),
    Column("title", Text),
    Column("kind", Text),
    required("first_seen_at", Utc),
    required("last_seen_at", Utc),
    PrimaryKeyConstraint("profile_id", "url_hash"),
)

follower_history = Table(
    "follower_history",
    metadata,
    own_id("history_id"),
    refers("profile_id", "profiles.profile_id"),
    required("observed_at", Utc),
    required("observed_source"),
    Column("followers_count", Integer),
    Column("following_count", Integer),
    Column("media_count", Integer),
    Column("record_sha256", Text),
    created(),
    UniqueConstraint("profile_id", "observed_at"),
)

creator_analytics = Table(
    "creator_analytics",
    metadata,
    Column("profile_id", Text, ForeignKey("profiles.profile_id", ondelete="CASCADE"), primary_key=True),
    Column("avg_views_per_reel_cached", Float),
    Column("avg_likes_per_reel_cached", Float),
    Column("avg_comments_per_reel_cached", Float),
    Column("avg_saves_per_reel_cached", Float),
    Column("avg_shares_per_reel_cached", Float),
    Column("avg_likes_per_post_cached", Float),
    Column("avg_comments_per_post_cached", Float),
    Column("avg_saves_per_post_cached", Float),
    Column("avg_shares_per_post_cached", Float),
    Column("avg_engagement_rate", Float),
    Column("engagement_rate_cached", Float),
    Column("save_to_like_ratio", Float),
    Column("best_content_type", Text),
    Column("viral_content_count_cached", Integer),
    Column("viral_threshold_multiplier", Float),
    Column("posting_frequency_per_week", Float),
    Column("posting_consistency_score", Float),
    Column("last_post_days_ago", Float),
    Column("last_scraped_at", Utc),
    Column("total_api_calls", Integer),
    Column("follower_growth_rate_daily", Float),
    Column("follower_growth_rate_weekly", Float),
    Column("previous_followers_count", Integer),
    Column("followers_last_updated", Utc),
    required("mode"),
    required("version"),
    required("computed_at", Utc),
    Column("details", Text),
)

listings = Table(
    "listings",
    metadata,
    own_id("listing_id"),
    refers("profile_id", "profiles.profile_id", required=False),
    required("platform"),
    required("kind"),
    required("source"),
    required("observed_at", Utc),
    required("observed_source"),
    defaulted("complete", Boolean, false()),
    Column("page", Integer),
    # Whether its posts stand newest first, pinned ones aside: only then what it lacks says anything.
    defaulted("in_time_order", Boolean, false()),
    Column("oldest_posted_at", Utc),
    Column("newest_posted_at", Utc),
    required("record_sha256"),
    created(),
    UniqueConstraint("record_sha256", "observed_at"),
    Index("idx_listings_profile_id", "profile_id", "kind", "observed_at"),
)

listing_posts = Table(
    "listing_posts",
    metadata,
    refers("listing_id", "listings.listing_id"),
    required("position", Integer),
    refers("post_id", "posts.post_id"),
    defaulted("pinned", Boolean, false()),
    PrimaryKeyConstraint("listing_id", "position"),
    Index("idx_listing_posts_post_id", "post_id"),
    sqlite_with_rowid=False,
)
