"""Profiles and the names they had."""

from __future__ import annotations

from sqlalchemy import Boolean, Column, Index, Integer, PrimaryKeyConstraint, Table, Text, UniqueConstraint, true

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
