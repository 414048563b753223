"""What an adopted database brings along (its old ids, odd columns, open questions), and who may look in."""

import sqlalchemy as sa
from alembic import op

from postkeep.store.types import Utc, now

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "old_ids",
        sa.Column("old_id", sa.Text, nullable=False),
        sa.Column("new_id", sa.Text, nullable=False),
        sa.Column("table_name", sa.Text, nullable=False),
        sa.Column("created_at", Utc, nullable=False, server_default=now()),
        sa.PrimaryKeyConstraint("old_id", name="old_ids_pkey"),
    )
    op.create_index("idx_old_ids_new_id", "old_ids", ["new_id"])
    op.create_table(
        "adoption_findings",
        sa.Column("kind", sa.Text, nullable=False),
        sa.Column("subject", sa.Text, nullable=False),
        sa.Column("detail", sa.Text, nullable=False),
        sa.Column("created_at", Utc, nullable=False, server_default=now()),
        sa.PrimaryKeyConstraint("kind", "subject", name="adoption_findings_pkey"),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "adopted_columns",
        sa.Column("table_name", sa.Text, nullable=False),
        sa.Column("row_id", sa.Text, nullable=False),
        sa.Column("values_json", sa.Text, nullable=False),
        sa.PrimaryKeyConstraint("table_name", "row_id", name="adopted_columns_pkey"),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "access_users",
        sa.Column("user_id", sa.Text, nullable=False),
        sa.Column("note", sa.Text),
        sa.Column("created_at", Utc, nullable=False, server_default=now()),
        sa.PrimaryKeyConstraint("user_id", name="access_users_pkey"),
    )
    # A profile that goes away must be found in the few posts that have a community.
    op.create_index(
        "idx_posts_community_profile_id",
        "posts",
        ["community_profile_id"],
        sqlite_where=sa.text("community_profile_id IS NOT NULL"),
        postgresql_where=sa.text("community_profile_id IS NOT NULL"),
    )
