"""Old rows and old records as values: what a column says, what its JSON says, and what neither can be."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any, TypeVar
from zoneinfo import ZoneInfo

from sqlalchemy import Table

from postkeep.model import Observation, ObservedSource, Place, Platform, Post, RawRecord
from postkeep.sources.names import observe
from postkeep.stages.ingest.candidate import Candidate, candidate, digest
from postkeep.store.adoption import old_rows
from postkeep.store.adoption.findings import FindingKind, Findings
from postkeep.store.adoption.old_rows import OldRow

_T = TypeVar("_T")

# What an old table may call by the same name is not what a platform told us.
_OURS_ALONE = {
    "posts": frozenset(
        [
            "flags",
            "latitude",
            "location_name",
            "location_native_id",
            "longitude",
            "notes",
            "post_format",
            "presence",
            "presence_at",
            "title",
            "told_json",
        ]
    ),
    "data_downloads": frozenset(("counts_hidden", "shares")),
    "post_media": frozenset(("alternatives", "caption", "caption_seen_at")),
    "profiles": frozenset(
        [
            "account_observed_at",
            "biography",
            "category",
            "external_url",
            "external_url_kind",
            "facts_json",
            "followers_count",
            "following_count",
            "is_business_account",
            "is_private",
            "is_professional_account",
            "is_verified",
            "links_seen_at",
            "media_count",
            "told_json",
        ]
    ),
}
"""Columns of ours that nothing of an old row is put into, by table."""


@dataclass(slots=True)
class Reader:
    """One old row: typed access that remembers, in `left`, every value that does not fit its column."""

    table: str
    subject: str
    values: OldRow
    findings: Findings
    left: dict[str, Any] = field(default_factory=dict)

    def time(self, name: str) -> datetime | None:
        return self._noted(name, old_rows.as_time(self.values.get(name)))

    def milliseconds(self, name: str) -> int | None:
        return self._noted(name, old_rows.as_milliseconds(self.values.get(name)))

    def number(self, name: str) -> int | None:
        return self._noted(name, old_rows.as_number(self.values.get(name)))

    def signed(self, name: str) -> int | None:
        """A whole number of our columns' size, also a negative one."""
        value = self.values.get(name)
        if isinstance(value, int) and not isinstance(value, bool) and abs(value) < 2**31:
            return value
        return self._noted(name, old_rows.as_number(value))

    def fraction(self, name: str) -> float | None:
        value = self.values.get(name)
        if isinstance(value, bool) or not isinstance(value, (int, float)):
            return self._noted(name, None)
        return float(value)

    def flag(self, name: str) -> bool | None:
        return self._noted(name, old_rows.as_flag(self.values.get(name)))

    def text(self, name: str) -> str | None:
        return old_rows.as_text(self.values.get(name))

    def extras(self, table: Table) -> None:
        """Keep the values of columns that our table does not have, or has with another meaning."""
        others = _OURS_ALONE.get(table.name, frozenset())
        for name, value in self.values.items():
            if (name not in table.c or name in others) and value is not None:
                self.left[name] = value

    def differing(self, now: dict[str, Any]) -> dict[str, Any]:
        """What this row said that the row which stands for it now does not."""
        return {
            name: value
            for name, value in self.values.items()
            if value is not None and value != now.get(name) and self._typed(name) != now.get(name)
        }

    def _typed(self, name: str) -> Any:
        value = self.values[name]
        return old_rows.as_time(value) if name.endswith("_at") else value

    def _noted(self, name: str, typed: _T | None) -> _T | None:
        value = self.values.get(name)
        if typed is None and value is not None:
            self.left[name] = value
            said = f"{self.table}.{name} said {str(value)[:100]!r}, which it cannot hold; kept as it was"
            self.findings.add(FindingKind.UNREADABLE_VALUE, self.subject, said)
        return typed


@dataclass(frozen=True, slots=True)
class Record:
    """The JSON of an old row as a record: what it says, or why it says nothing (`why` None: there is no JSON)."""

    text: str | None
    found: Candidate | None = None
    why: str | None = None

    @property
    def post(self) -> Post | None:
        return self.found.parsed.posts[0] if self.found is not None and self.found.parsed.posts else None


class Records:
    """Reads the records of old rows, as an import would read them."""

    def __init__(self, platforms: Sequence[Platform], zone: ZoneInfo) -> None:
        self.platforms = platforms
        self.zone = zone
        self.names = frozenset(each.name for each in platforms)

    def read(
        self, text: str | None, platform: str, observation: Observation, source: str, via: str | None
    ) -> Record:
        """Read a record of this platform; a platform without a parser has none."""
        if text is None or not text.strip() or platform not in self.names:
            return Record(text)
        body = old_rows.innermost(text).encode("utf-8", "surrogatepass")
        made = candidate(RawRecord(body, Place(source, 1, 0), observation, via), digest(body), self.platforms)
        if not isinstance(made, Candidate):
            return Record(text, why=made.bad.reason)
        if made.platform != platform or not made.parsed.posts:
            return Record(text, why=f"it is no post of {platform}")
        return Record(text, made)

    def observed(self, source: str | None, downloaded_at: datetime) -> tuple[Observation, str | None]:
        """When a snapshot's numbers were true, and the profile scraped, as its source file's name tells."""
        if not source:
            return Observation(downloaded_at, ObservedSource.MTIME), None
        return observe(Path(source.replace("\\", "/")), zone=self.zone, mtime=downloaded_at)

    def of_post(self, row: OldRow, now: datetime) -> Record:
        """The record in a row of posts, as of when it was first seen."""
        at = old_rows.as_time(row.get("first_seen_at")) or old_rows.as_time(row.get("created_at")) or now
        text = old_rows.as_text(row.get("raw_json"))
        return self.read(text, platform_of(row), Observation(at, ObservedSource.FILE_NAME), "posts.raw_json", None)

    def of_snapshot(self, row: OldRow, platform: str, downloaded_at: datetime) -> tuple[Record, Observation]:
        """The record in a row of data_downloads, and when it was observed."""
        source = old_rows.as_text(row.get("source_file_path"))
        observation, via = self.observed(source, downloaded_at)
        # What is folded at a guessed time must not pass for known already.
        told = Observation(observation.at, ObservedSource.FILE_NAME, observation.zone_assumed)
        text = old_rows.as_text(row.get("raw_json"))
        return self.read(text, platform, told, source or "data_downloads.raw_json", via), observation


def platform_of(row: OldRow) -> str:
    """The platform of an old row, which had linkedin as its default."""
    return (old_rows.as_text(row.get("platform")) or "").strip().lower() or "linkedin"


def is_own_activity(post: Post) -> bool:
    """Whether a record names its own activity, and so proves which post it is."""
    return post.urn.rpartition(":")[0].rpartition(":")[2] == "activity"
