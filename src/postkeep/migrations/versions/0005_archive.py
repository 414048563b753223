"""Which content stands under which key of which archive, and what proves it."""

import sqlalchemy as sa
from alembic import op

from postkeep.store.types import Utc

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "archive_objects",
        sa.Column("object_id", sa.Text, nullable=False),
        sa.Column("file_id", sa.Text, nullable=False),
        sa.Column("store", sa.Text, nullable=False),
        sa.Column("key", sa.Text, nullable=False),
        sa.Column("state", sa.Text, nullable=False),
        sa.Column("proof", sa.Text),
        sa.Column("etag", sa.Text),
        sa.Column("part_size", sa.BigInteger),
        sa.Column("claimed_at", Utc, nullable=False),
        sa.Column("uploaded_at", Utc),
        sa.Column("proven_at", Utc),
        sa.Column("error_kind", sa.Text),
        sa.Column("error_message", sa.Text),
        sa.Column("error_at", Utc),
        sa.PrimaryKeyConstraint("object_id", name="archive_objects_pkey"),
        sa.ForeignKeyConstraint(
            ["file_id"], ["media_files.file_id"], name="archive_objects_file_id_fkey", ondelete="CASCADE"
        ),
        sa.UniqueConstraint("store", "key", name="archive_objects_store_key_key"),
        sa.UniqueConstraint("file_id", "store", name="archive_objects_file_id_store_key"),
    )
