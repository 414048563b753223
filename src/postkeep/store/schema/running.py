"""Runs, what is still to do, and what the program remembers of its work."""

from __future__ import annotations

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    Index,
    Integer,
    LargeBinary,
    PrimaryKeyConstraint,
    Table,
    Text,
    UniqueConstraint,
    false,
)

from postkeep.store.schema.base import created, defaulted, few, metadata, own_id, refers, required, updated
from postkeep.store.types import Utc

download_runs = Table(
    "download_runs",
    metadata,
    own_id("run_id"),
    required("started_at", Utc),
    Column("completed_at", Utc),
    defaulted("status", Text, "running"),
    Column("script_name", Text),
    defaulted("platform", Text, "linkedin"),
    defaulted("posts_fetched", Integer, "0"),
    defaulted("posts_new", Integer, "0"),
    defaulted("posts_updated", Integer, "0"),
    Column("error_message", Text),
    Column("system_info", Text),
    Column("owner", Text),
    Column("heartbeat_at", Utc),
    Column("summary_json", Text),
    created(),
    Column("figures_json", Text),
    Index("idx_runs_started_at", "started_at", "run_id"),
    Index("idx_runs_status", "status"),
    few("idx_runs_running", "status", "run_id", where="status = 'running'"),
)

run_posts = Table(
    "run_posts",
    metadata,
    refers("run_id", "download_runs.run_id"),
    refers("post_id", "posts.post_id"),
    required("outcome"),
    required("observed_at", Utc),
    PrimaryKeyConstraint("run_id", "post_id"),
    Index("idx_run_posts_post_id", "post_id"),
    sqlite_with_rowid=False,
)

work = Table(
    "work",
    metadata,
    required("stage"),
    required("subject"),
    required("host"),
    defaulted("priority", Integer, "0"),
    required("due_at", Utc),
    defaulted("fails", Integer, "0"),
    PrimaryKeyConstraint("stage", "subject"),
    Index("idx_work_next", "stage", "host", "priority", "due_at"),
    sqlite_with_rowid=False,
)

costs = Table(
    "costs",
    metadata,
    own_id("cost_id"),
    required("kind"),
    required("source"),
    Column("place", Text),
    required("operation"),
    required("quantity", BigInteger),
    defaulted("size", BigInteger, "0"),
    required("began_at", Utc),
    Column("ended_at", Utc),
    # What it was for: a content is divided among the posts that show it, a post or profile bears it alone.
    refers("file_id", "media_files.file_id", on_delete="SET NULL", required=False),
    refers("post_id", "posts.post_id", on_delete="SET NULL", required=False),
    refers("profile_id", "profiles.profile_id", on_delete="SET NULL", required=False),
    # What the seller itself asked for one, as a decimal text; without it the price table says.
    Column("charged", Text),
    Column("currency", Text),
    few("idx_costs_file_id", "file_id", where="file_id IS NOT NULL"),
    few("idx_costs_post_id", "post_id", where="post_id IS NOT NULL"),
    few("idx_costs_profile_id", "profile_id", where="profile_id IS NOT NULL"),
)

quarantine = Table(
    "quarantine",
    metadata,
    own_id("quarantine_id"),
    refers("run_id", "download_runs.run_id", on_delete="SET NULL", required=False),
    required("source_file_path"),
    required("record_number", BigInteger),
    required("byte_offset", BigInteger),
    required("length", BigInteger),
    required("sha256"),
    required("reason"),
    Column("field", Text),
    Column("via", Text),
    required("observed_at", Utc),
    required("observed_source"),
    defaulted("zone_assumed", Boolean, false()),
    Column("codec", Text),
    Column("body", LargeBinary),
    required("version"),
    required("last_seen_at", Utc),
    Column("resolved_at", Utc),
    created(),
    UniqueConstraint("source_file_path", "record_number", "sha256"),
    Index("idx_quarantine_run_id", "run_id"),
    few("idx_quarantine_open", "quarantine_id", where="resolved_at IS NULL"),
)

unknown_keys = Table(
    "unknown_keys",
    metadata,
    required("platform"),
    required("shape"),
    required("key"),
    required("records", BigInteger),
    required("first_seen_at", Utc),
    required("last_seen_at", Utc),
    PrimaryKeyConstraint("platform", "shape", "key"),
    sqlite_with_rowid=False,
)

hosts = Table(
    "hosts",
    metadata,
    own_id("host"),
    Column("paused_until", Utc),
    Column("reason", Text),
    defaulted("failures", Integer, "0"),
    defaulted("pauses", Integer, "0"),
    updated(),
)

remembered = Table(
    "remembered",
    metadata,
    own_id("name"),
    required("value"),
    updated(),
)

leases = Table(
    "leases",
    metadata,
    own_id("name"),
    required("owner"),
    required("since", Utc),
    required("heartbeat_at", Utc),
)
