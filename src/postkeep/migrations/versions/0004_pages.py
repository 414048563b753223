"""Indexes in the order of the pages that are read by them, and of the few rows that are looked for among many."""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None

_IN_ORDER: tuple[tuple[str, str, tuple[str, ...]], ...] = (
    ("idx_posts_posted_at_timestamp", "posts", ("posted_at_timestamp", "post_id")),
    ("idx_posts_author_username", "posts", ("author_username", "posted_at_timestamp", "post_id")),
    ("idx_posts_platform", "posts", ("platform", "posted_at_timestamp", "post_id")),
    ("idx_posts_is_read", "posts", ("is_read", "posted_at_timestamp", "post_id")),
    ("idx_runs_started_at", "download_runs", ("started_at", "run_id")),
)
_NOT_TO_BE_HAD = "download_state IN ('retry', 'failed', 'refused', 'unsupported', 'gone', 'expired')"
_TRIED_IN_VAIN = "error_kind IS NOT NULL"
_CLASSES = ("download_state", "error_kind", "media_id")
_OF_FEW: tuple[tuple[str, str, tuple[str, ...], str], ...] = (
    ("idx_runs_running", "download_runs", ("status", "run_id"), "status = 'running'"),
    ("idx_quarantine_open", "quarantine", ("quarantine_id",), "resolved_at IS NULL"),
    ("idx_media_waiting", "post_media", ("download_state", "post_id"), "download_state IN ('pending', 'retry')"),
    ("idx_media_failures_classes", "post_media", _CLASSES, _NOT_TO_BE_HAD),
    ("idx_profile_media_failures_classes", "profile_media", _CLASSES, _NOT_TO_BE_HAD),
    ("idx_media_tried", "post_media", ("download_state", "file_id"), _TRIED_IN_VAIN),
    ("idx_profile_media_tried", "profile_media", ("download_state", "file_id"), _TRIED_IN_VAIN),
    ("idx_files_absent", "media_files", ("cached_at", "file_id"), "cached_at IS NULL"),
    (
        "idx_files_last_used_at",
        "media_files",
        ("last_used_at", "file_id", "file_size", "cached_at"),
        "cached_at IS NOT NULL",
    ),
)


def upgrade() -> None:
    for name, table, columns in _IN_ORDER:
        op.drop_index(name, table)
        op.create_index(name, table, columns)
    op.create_index("idx_profiles_native_id", "profiles", ["native_id"])
    op.drop_index("idx_files_last_used_at", "media_files")
    for name, table, columns, condition in _OF_FEW:
        where = sa.text(condition)
        op.create_index(name, table, columns, sqlite_where=where, postgresql_where=where)
