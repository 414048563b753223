"""What pages, profiles and other platforms tell: people, places, accounts, lists; and what was erased."""

import sqlalchemy as sa
from alembic import op

from postkeep.store.types import Utc, now

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None

_TOLD: tuple[tuple[str, tuple[tuple[str, type], ...]], ...] = (
    (
        "posts",
        (
            ("title", sa.Text),
            ("post_format", sa.Text),
            ("presence_at", Utc),
            ("flags", sa.Text),
            ("location_name", sa.Text),
            ("location_native_id", sa.Text),
            ("latitude", sa.Float),
            ("longitude", sa.Float),
            ("notes", sa.Text),
            ("told_json", sa.Text),
        ),
    ),
    ("data_downloads", (("shares", sa.Integer),)),
    ("post_media", (("caption", sa.Text), ("caption_seen_at", Utc), ("alternatives", sa.Text))),
    ("profile_media", (("caption", sa.Text), ("caption_seen_at", Utc), ("alternatives", sa.Text))),
    (
        "profiles",
        (
            ("biography", sa.Text),
            ("category", sa.Text),
            ("external_url", sa.Text),
            ("external_url_kind", sa.Text),
            ("is_verified", sa.Boolean),
            ("is_private", sa.Boolean),
            ("is_business_account", sa.Boolean),
            ("is_professional_account", sa.Boolean),
            ("followers_count", sa.Integer),
            ("following_count", sa.Integer),
            ("media_count", sa.Integer),
            ("facts_json", sa.Text),
            ("account_observed_at", Utc),
            ("links_seen_at", Utc),
            ("told_json", sa.Text),
        ),
    ),
)
# The 24 fields a creator's figures are stored in.
_FIGURES: tuple[tuple[str, type], ...] = (
    ("avg_views_per_reel_cached", sa.Float),
    ("avg_likes_per_reel_cached", sa.Float),
    ("avg_comments_per_reel_cached", sa.Float),
    ("avg_saves_per_reel_cached", sa.Float),
    ("avg_shares_per_reel_cached", sa.Float),
    ("avg_likes_per_post_cached", sa.Float),
    ("avg_comments_per_post_cached", sa.Float),
    ("avg_saves_per_post_cached", sa.Float),
    ("avg_shares_per_post_cached", sa.Float),
    ("avg_engagement_rate", sa.Float),
    ("engagement_rate_cached", sa.Float),
    ("save_to_like_ratio", sa.Float),
    ("best_content_type", sa.Text),
    ("viral_content_count_cached", sa.Integer),
    ("viral_threshold_multiplier", sa.Float),
    ("posting_frequency_per_week", sa.Float),
    ("posting_consistency_score", sa.Float),
    ("last_post_days_ago", sa.Float),
    ("last_scraped_at", Utc),
    ("total_api_calls", sa.Integer),
    ("follower_growth_rate_daily", sa.Float),
    ("follower_growth_rate_weekly", sa.Float),
    ("previous_followers_count", sa.Integer),
    ("followers_last_updated", Utc),
)


def upgrade() -> None:
    for table, columns in _TOLD:
        for name, type_ in columns:
            op.add_column(table, sa.Column(name, type_))
    for table, column in (
        ("posts", sa.Column("presence", sa.Text, nullable=False, server_default="there")),
        ("data_downloads", sa.Column("counts_hidden", sa.Boolean, nullable=False, server_default=sa.false())),
        ("raw_records", sa.Column("post_count", sa.Integer, nullable=False, server_default="1")),
    ):
        op.add_column(table, column)
    _index("idx_posts_gone", "posts", "post_id", where="presence <> 'there'")
    _of_posts()
    _of_profiles()
    _analytics()
    _listings()
    _renditions()


def _index(name: str, table: str, column: str, *, where: str) -> None:
    op.create_index(name, table, [column], sqlite_where=sa.text(where), postgresql_where=sa.text(where))


def _refers(table: str, column: str, target: str, on_delete: str = "CASCADE") -> sa.ForeignKeyConstraint:
    return sa.ForeignKeyConstraint([column], [target], name=f"{table}_{column}_fkey", ondelete=on_delete)


def _of_posts() -> None:
    op.create_table(
        "post_people",
        sa.Column("post_id", sa.Text, nullable=False),
        sa.Column("role", sa.Text, nullable=False),
        sa.Column("position", sa.Integer, nullable=False),
        sa.Column("name", sa.Text, nullable=False),
        sa.Column("username", sa.Text),
        sa.Column("native_id", sa.Text),
        sa.Column("profile_id", sa.Text),
        sa.PrimaryKeyConstraint("post_id", "role", "position", name="post_people_pkey"),
        _refers("post_people", "post_id", "posts.post_id"),
        _refers("post_people", "profile_id", "profiles.profile_id", "SET NULL"),
        sqlite_with_rowid=False,
    )
    _index("idx_people_profile_id", "post_people", "profile_id", where="profile_id IS NOT NULL")
    op.create_table(
        "tombstones",
        sa.Column("kind", sa.Text, nullable=False),
        sa.Column("platform", sa.Text, nullable=False),
        sa.Column("id_hash", sa.Text, nullable=False),
        sa.Column("reason", sa.Text, nullable=False),
        sa.Column("erased_at", Utc, nullable=False),
        sa.PrimaryKeyConstraint("kind", "platform", "id_hash", name="tombstones_pkey"),
        sqlite_with_rowid=False,
    )


def _of_profiles() -> None:
    op.create_table(
        "profile_texts",
        sa.Column("profile_id", sa.Text, nullable=False),
        sa.Column("text_hash", sa.Text, nullable=False),
        sa.Column("text_content", sa.Text, nullable=False),
        sa.Column("first_seen_at", Utc, nullable=False),
        sa.Column("last_seen_at", Utc, nullable=False),
        sa.PrimaryKeyConstraint("profile_id", "text_hash", name="profile_texts_pkey"),
        _refers("profile_texts", "profile_id", "profiles.profile_id"),
    )
    op.create_table(
        "profile_links",
        sa.Column("profile_id", sa.Text, nullable=False),
        sa.Column("url_hash", sa.Text, nullable=False),
        sa.Column("position", sa.Integer, nullable=False),
        sa.Column("url", sa.Text, nullable=False),
        sa.Column("title", sa.Text),
        sa.Column("kind", sa.Text),
        sa.Column("first_seen_at", Utc, nullable=False),
        sa.Column("last_seen_at", Utc, nullable=False),
        sa.PrimaryKeyConstraint("profile_id", "url_hash", name="profile_links_pkey"),
        _refers("profile_links", "profile_id", "profiles.profile_id"),
    )
    op.create_table(
        "follower_history",
        sa.Column("history_id", sa.Text, nullable=False),
        sa.Column("profile_id", sa.Text, nullable=False),
        sa.Column("observed_at", Utc, nullable=False),
        sa.Column("observed_source", sa.Text, nullable=False),
        sa.Column("followers_count", sa.Integer),
        sa.Column("following_count", sa.Integer),
        sa.Column("media_count", sa.Integer),
        sa.Column("record_sha256", sa.Text),
        sa.Column("created_at", Utc, nullable=False, server_default=now()),
        sa.PrimaryKeyConstraint("history_id", name="follower_history_pkey"),
        sa.UniqueConstraint("profile_id", "observed_at", name="follower_history_profile_id_observed_at_key"),
        _refers("follower_history", "profile_id", "profiles.profile_id"),
    )


def _analytics() -> None:
    op.create_table(
        "creator_analytics",
        sa.Column("profile_id", sa.Text, nullable=False),
        *(sa.Column(name, type_) for name, type_ in _FIGURES),
        sa.Column("mode", sa.Text, nullable=False),
        sa.Column("version", sa.Text, nullable=False),
        sa.Column("computed_at", Utc, nullable=False),
        sa.Column("details", sa.Text),
        sa.PrimaryKeyConstraint("profile_id", name="creator_analytics_pkey"),
        _refers("creator_analytics", "profile_id", "profiles.profile_id"),
    )


def _listings() -> None:
    op.create_table(
        "listings",
        sa.Column("listing_id", sa.Text, nullable=False),
        sa.Column("profile_id", sa.Text),
        sa.Column("platform", sa.Text, nullable=False),
        sa.Column("kind", sa.Text, nullable=False),
        sa.Column("source", sa.Text, nullable=False),
        sa.Column("observed_at", Utc, nullable=False),
        sa.Column("observed_source", sa.Text, nullable=False),
        sa.Column("complete", sa.Boolean, nullable=False, server_default=sa.false()),
        sa.Column("page", sa.Integer),
        sa.Column("in_time_order", sa.Boolean, nullable=False, server_default=sa.false()),
        sa.Column("oldest_posted_at", Utc),
        sa.Column("newest_posted_at", Utc),
        sa.Column("record_sha256", sa.Text, nullable=False),
        sa.Column("created_at", Utc, nullable=False, server_default=now()),
        sa.PrimaryKeyConstraint("listing_id", name="listings_pkey"),
        sa.UniqueConstraint("record_sha256", "observed_at", name="listings_record_sha256_observed_at_key"),
        _refers("listings", "profile_id", "profiles.profile_id"),
    )
    op.create_index("idx_listings_profile_id", "listings", ["profile_id", "kind", "observed_at"])
    op.create_table(
        "listing_posts",
        sa.Column("listing_id", sa.Text, nullable=False),
        sa.Column("position", sa.Integer, nullable=False),
        sa.Column("post_id", sa.Text, nullable=False),
        sa.Column("pinned", sa.Boolean, nullable=False, server_default=sa.false()),
        sa.PrimaryKeyConstraint("listing_id", "position", name="listing_posts_pkey"),
        _refers("listing_posts", "listing_id", "listings.listing_id"),
        _refers("listing_posts", "post_id", "posts.post_id"),
        sqlite_with_rowid=False,
    )
    op.create_index("idx_listing_posts_post_id", "listing_posts", ["post_id"])


def _renditions() -> None:
    op.create_table(
        "renditions",
        sa.Column("rendition_id", sa.Text, nullable=False),
        sa.Column("source_file_id", sa.Text, nullable=False),
        sa.Column("beside_file_id", sa.Text),
        sa.Column("kind", sa.Text, nullable=False),
        sa.Column("file_id", sa.Text),
        sa.Column("made_at", Utc),
        sa.Column("error_kind", sa.Text),
        sa.Column("error_message", sa.Text),
        sa.Column("created_at", Utc, nullable=False, server_default=now()),
        sa.PrimaryKeyConstraint("rendition_id", name="renditions_pkey"),
        sa.UniqueConstraint("source_file_id", "kind", name="renditions_source_file_id_kind_key"),
        _refers("renditions", "source_file_id", "media_files.file_id"),
        _refers("renditions", "beside_file_id", "media_files.file_id"),
        _refers("renditions", "file_id", "media_files.file_id", "SET NULL"),
    )
    for column in ("beside_file_id", "file_id"):
        _index(f"idx_renditions_{column}", "renditions", column, where=f"{column} IS NOT NULL")
