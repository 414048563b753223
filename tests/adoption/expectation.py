"""What must stand in a database after its adoption, written from the facts alone and by natural keys."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime


@dataclass
class ExpectedSnapshot:
    """One observation; `ids` are the old snapshots that lead to it. Unknown numbers are None."""

    observed_at: datetime
    ids: set[str]
    source: str | None
    """`file_name` or `folder`; None where only the import time is known."""
    reactions: int | None = None
    comments: int | None = None
    reposts: int | None = None
    views: int | None = None
    of_original: bool | None = False
    """None: nobody can tell."""


@dataclass
class ExpectedPlace:
    """One picture, film or document of a post, with all that its old rows knew of it.

    `part` stands in its URL. Of several archive URLs, analyses and MD5 sums one stands in the row, the others
    somewhere in the database.
    """

    part: str
    ids: set[str] = field(default_factory=set)
    archive_urls: set[str] = field(default_factory=set)
    analyses: set[str] = field(default_factory=set)
    events: set[tuple[str, str]] = field(default_factory=set)
    """Event and marker of every entry of the logs."""
    status: str = "not_started"
    md5s: set[str] = field(default_factory=set)
    path: str | None = None
    """What the cache would call the file, where the row told enough to know."""
    bears_work: bool = True


@dataclass
class ExpectedPost:
    """A post and what hangs on it; `ids` are the old posts that lead to it (none: split off)."""

    label: str
    platform: str
    native_id: str | None
    ids: set[str]
    posted_ms: set[int]
    """Any of these is right."""
    text: str | None = None
    kind: str | None = None
    author: str | None = None
    marked: bool = False
    original: str | None = None
    """The label of the post it reposts, when that is stored too."""
    original_text: str | None = None
    likes_count: int | None = None
    comments_count: int | None = None
    snapshots: list[ExpectedSnapshot] = field(default_factory=list)
    places: list[ExpectedPlace] = field(default_factory=list)
    tags: set[str] = field(default_factory=set)
    actions: set[str] = field(default_factory=set)
    """Old ids."""


@dataclass
class Expectation:
    posts: list[ExpectedPost] = field(default_factory=list)
    ids: dict[str, str] = field(default_factory=dict)
    """Every old id and its table."""
    merged: set[str] = field(default_factory=set)
    """Ids of rows that stand for the same thing as another: each is kept or in old_ids."""
    renamed: dict[str, str] = field(default_factory=dict)
    """Ids of a wrong form, and the prefix of their new one."""
    texts: set[str] = field(default_factory=set)
    """Texts that must be found again somewhere: raw JSON, analyses, notes, odd values."""
    undecided: list[set[str]] = field(default_factory=list)
    """What must be listed: each by one of these ids."""
    ratings: dict[str, str] = field(default_factory=dict)
    """The user's own column, by old post id."""
    actions: dict[str, str] = field(default_factory=dict)
    """Status afterwards by old id."""
    tag_names: set[str] = field(default_factory=set)
    platforms_without_parser: set[str] = field(default_factory=set)

    def kept(self) -> set[str]:
        """Ids that must still be primary keys."""
        return self.ids.keys() - self.merged - self.renamed.keys()

    def post(self, label: str) -> ExpectedPost:
        return next(each for each in self.posts if each.label == label)


__all__ = ["Expectation", "ExpectedPlace", "ExpectedPost", "ExpectedSnapshot"]
