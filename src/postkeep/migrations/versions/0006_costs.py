"""The ledger of what was used and may cost money, beginning with the objects that are archived now."""

import sqlalchemy as sa
from alembic import op

from postkeep.store.types import Utc

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "costs",
        sa.Column("cost_id", sa.Text, nullable=False),
        sa.Column("kind", sa.Text, nullable=False),
        sa.Column("source", sa.Text, nullable=False),
        sa.Column("place", sa.Text),
        sa.Column("operation", sa.Text, nullable=False),
        sa.Column("quantity", sa.BigInteger, nullable=False),
        sa.Column("size", sa.BigInteger, nullable=False, server_default="0"),
        sa.Column("began_at", Utc, nullable=False),
        sa.Column("ended_at", Utc),
        sa.Column("file_id", sa.Text),
        sa.Column("post_id", sa.Text),
        sa.Column("profile_id", sa.Text),
        sa.Column("charged", sa.Text),
        sa.Column("currency", sa.Text),
        sa.PrimaryKeyConstraint("cost_id", name="costs_pkey"),
        sa.ForeignKeyConstraint(
            ["file_id"], ["media_files.file_id"], name="costs_file_id_fkey", ondelete="SET NULL"
        ),
        sa.ForeignKeyConstraint(["post_id"], ["posts.post_id"], name="costs_post_id_fkey", ondelete="SET NULL"),
        sa.ForeignKeyConstraint(
            ["profile_id"], ["profiles.profile_id"], name="costs_profile_id_fkey", ondelete="SET NULL"
        ),
    )
    for column in ("file_id", "post_id", "profile_id"):
        where = sa.text(f"{column} IS NOT NULL")
        op.create_index(f"idx_costs_{column}", "costs", [column], sqlite_where=where, postgresql_where=where)
    # Of what sold an object's place only its store's name is known, so only a price by that name applies.
    op.execute(
        "INSERT INTO costs (cost_id, kind, source, place, operation, quantity, size, began_at, file_id)"
        " SELECT 'cst' || substr(a.object_id, 4), 'storage', a.store, a.store, 'storage', 1, f.file_size,"
        " a.proven_at, a.file_id FROM archive_objects a JOIN media_files f ON f.file_id = a.file_id"
        " WHERE a.state = 'proven' AND a.proven_at IS NOT NULL"
    )
