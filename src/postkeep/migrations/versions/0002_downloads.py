"""What the downloader remembers: paused hosts, each run's figures, evictions, holds and retention."""

import sqlalchemy as sa
from alembic import op

from postkeep.store.types import Utc, now

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("download_runs", sa.Column("figures_json", sa.Text))
    _files()
    _failures()
    _hosts()
    _keeping()


def _files() -> None:
    op.add_column(
        "media_files",
        sa.Column("incomplete_at_source", sa.Boolean, nullable=False, server_default=sa.false()),
    )
    op.add_column("media_files", sa.Column("evicted_at", Utc))
    op.add_column("media_files", sa.Column("evicted_because", sa.Text))
    op.create_index(
        "idx_files_last_used_at",
        "media_files",
        ["last_used_at", "file_id"],
        sqlite_where=sa.text("cached_at IS NOT NULL"),
        postgresql_where=sa.text("cached_at IS NOT NULL"),
    )


def _failures() -> None:
    where = sa.text("download_state IN ('retry', 'failed', 'refused', 'unsupported', 'gone', 'expired')")
    for name, table in (("idx_media_failures", "post_media"), ("idx_profile_media_failures", "profile_media")):
        op.create_index(
            name,
            table,
            ["media_id", "download_state", "error_kind"],
            sqlite_where=where,
            postgresql_where=where,
        )


def _hosts() -> None:
    op.create_table(
        "hosts",
        sa.Column("host", sa.Text, nullable=False),
        sa.Column("paused_until", Utc),
        sa.Column("reason", sa.Text),
        sa.Column("failures", sa.Integer, nullable=False, server_default="0"),
        sa.Column("pauses", sa.Integer, nullable=False, server_default="0"),
        sa.Column("updated_at", Utc, nullable=False, server_default=now()),
        sa.PrimaryKeyConstraint("host", name="hosts_pkey"),
    )
    op.create_table(
        "remembered",
        sa.Column("name", sa.Text, nullable=False),
        sa.Column("value", sa.Text, nullable=False),
        sa.Column("updated_at", Utc, nullable=False, server_default=now()),
        sa.PrimaryKeyConstraint("name", name="remembered_pkey"),
    )


def _keeping() -> None:
    op.create_table(
        "holds",
        sa.Column("hold_id", sa.Text, nullable=False),
        sa.Column("subject_kind", sa.Text, nullable=False),
        sa.Column("subject", sa.Text, nullable=False),
        sa.Column("reason", sa.Text, nullable=False),
        sa.Column("held_by", sa.Text, nullable=False),
        sa.Column("since", Utc, nullable=False),
        sa.Column("until", Utc),
        sa.Column("released_at", Utc),
        sa.PrimaryKeyConstraint("hold_id", name="holds_pkey"),
    )
    op.create_index("idx_holds_subject", "holds", ["subject", "subject_kind"])
    op.create_table(
        "retention_policies",
        sa.Column("policy_id", sa.Text, nullable=False),
        sa.Column("name", sa.Text, nullable=False),
        sa.Column("older_than_days", sa.Integer, nullable=False),
        sa.Column("platform", sa.Text),
        sa.Column("profile_id", sa.Text),
        sa.Column("created_at", Utc, nullable=False, server_default=now()),
        sa.PrimaryKeyConstraint("policy_id", name="retention_policies_pkey"),
        sa.UniqueConstraint("name", name="retention_policies_name_key"),
        sa.ForeignKeyConstraint(
            ["profile_id"],
            ["profiles.profile_id"],
            name="retention_policies_profile_id_fkey",
            ondelete="CASCADE",
        ),
    )
    op.create_index("idx_retention_policies_profile_id", "retention_policies", ["profile_id"])
