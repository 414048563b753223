"""What people say of posts and profiles: tags, plans, holds, rules of retention, and who may look in."""

from __future__ import annotations

from sqlalchemy import Column, Float, Index, Integer, Table, Text, UniqueConstraint, text

from postkeep.store.schema.base import created, defaulted, metadata, own_id, refers, required, updated
from postkeep.store.types import Utc

tags = Table(
    "tags",
    metadata,
    own_id("tag_id"),
    Column("name", Text, nullable=False, unique=True),
    Column("description", Text),
    defaulted("color", Text, "cyan"),
    created(),
    Index("idx_tags_name", "name"),
)

profile_tags = Table(
    "profile_tags",
    metadata,
    own_id("profile_tag_id"),
    refers("profile_id", "profiles.profile_id"),
    refers("tag_id", "tags.tag_id"),
    created(),
    UniqueConstraint("profile_id", "tag_id"),
    Index("idx_profile_tags_profile_id", "profile_id"),
    Index("idx_profile_tags_tag_id", "tag_id"),
)

post_tags = Table(
    "post_tags",
    metadata,
    own_id("post_tag_id"),
    refers("post_id", "posts.post_id"),
    refers("tag_id", "tags.tag_id"),
    Column("confidence", Float),
    defaulted("applied_by", Text, "ai"),
    Column("system_notes", Text),
    created(),
    UniqueConstraint("post_id", "tag_id"),
    Index("idx_post_tags_post_id", "post_id"),
    Index("idx_post_tags_tag_id", "tag_id"),
    Index("idx_post_tags_applied_by", "applied_by"),
)

action_queue = Table(
    "action_queue",
    metadata,
    own_id("action_id"),
    refers("post_id", "posts.post_id", required=False),
    required("action_type"),
    Column("action_params", Text),
    defaulted("status", Text, "queued"),
    defaulted("priority", Integer, "0"),
    Column("scheduled_for", Utc),
    Column("executed_at", Utc),
    Column("user_notes", Text),
    Column("system_notes", Text),
    created(),
    updated(),
    Index("idx_actions_post_id", "post_id"),
    Index("idx_actions_status", "status"),
    Index("idx_actions_scheduled_for", "scheduled_for"),
    Index("idx_actions_priority", text("priority DESC")),
)

holds = Table(
    "holds",
    metadata,
    own_id("hold_id"),
    required("subject_kind"),
    required("subject"),
    required("reason"),
    required("held_by"),
    required("since", Utc),
    Column("until", Utc),
    Column("released_at", Utc),
    Index("idx_holds_subject", "subject", "subject_kind"),
)

retention_policies = Table(
    "retention_policies",
    metadata,
    own_id("policy_id"),
    Column("name", Text, nullable=False, unique=True),
    required("older_than_days", Integer),
    Column("platform", Text),
    refers("profile_id", "profiles.profile_id", required=False),
    created(),
    Index("idx_retention_policies_profile_id", "profile_id"),
)

access_users = Table(
    "access_users",
    metadata,
    own_id("user_id"),
    Column("note", Text),
    created(),
)
