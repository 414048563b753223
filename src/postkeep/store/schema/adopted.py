"""What came from a predecessor's database."""

from __future__ import annotations

from sqlalchemy import Index, PrimaryKeyConstraint, Table

from postkeep.store.schema.base import created, metadata, own_id, required

old_ids = Table(
    "old_ids",
    metadata,
    own_id("old_id"),
    required("new_id"),
    required("table_name"),
    created(),
    Index("idx_old_ids_new_id", "new_id"),
)

adoption_findings = Table(
    "adoption_findings",
    metadata,
    required("kind"),
    required("subject"),
    required("detail"),
    created(),
    PrimaryKeyConstraint("kind", "subject"),
    sqlite_with_rowid=False,
)

adopted_columns = Table(
    "adopted_columns",
    metadata,
    required("table_name"),
    required("row_id"),
    required("values_json"),
    PrimaryKeyConstraint("table_name", "row_id"),
    sqlite_with_rowid=False,
)
