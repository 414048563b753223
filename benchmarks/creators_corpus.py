"""A database of creators as it is after months of collecting, written straight into the tables.

Importing a million posts takes an hour; how long figures take depends on the rows alone.
"""

from __future__ import annotations

import json
import random
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy import Table

from benchmarks.grown import analyse
from postkeep.store import Store, bulk, schema

NOW = datetime(2026, 1, 1, tzinfo=UTC)
"""When everything was observed last; no post is newer."""

_BROUGHT = 50
"""How many posts an import brings of one creator: so far they stand together in the tables."""
_DAYS = 900
_COUNTED = 30
_WORDS = ("What", "a", "day", "it", "was", "at", "the", "sea,", "and", "nobody", "has", "seen", "but", "me.")
_TAGS = ("#sea", "#Köln", "#ad", "#travel_2025", "#été", "#work")

_POST = (
    "post_id", "urn", "platform", "native_id", "posted_at_timestamp", "posted_at", "author_username",
    "author_profile_id", "text_content", "text_last_seen_at", "url", "observed_at", "latest_download_id",
    "first_seen_at", "post_format",
)  # fmt: skip
_DOWNLOAD = (
    "download_id", "post_id", "downloaded_at", "observed_at", "observed_source", "total_reactions", "comments",
    "reposts", "views", "likes", "saves", "shares", "counts_hidden", "stats_json",
)  # fmt: skip

Rows = list[tuple[Any, ...]]


def fill(store: Store, creators: int, posts_each: int, *, seed: int = 1) -> None:
    """Fill an empty database with creators, posts, two observations of each post, lists and follower counts.

    Seven of ten creators are on Instagram (every other one with lists), the others on LinkedIn. The same seed
    gives the same rows.
    """
    chance = random.Random(seed)
    made = [_Creator(number, random.Random(chance.random())) for number in range(creators)]
    _write(store, schema.profiles, _PROFILE, [each.profile() for each in made])
    _write(store, schema.follower_history, _COUNT, [row for each in made for row in each.counts()])
    for start in range(0, posts_each, _BROUGHT):
        posts: Rows = []
        downloads: Rows = []
        for each in made:
            for number in range(start, min(posts_each, start + _BROUGHT)):
                each.post(number, posts_each, posts, downloads)
            if len(posts) >= 20_000:
                _put(store, posts, downloads)
        _put(store, posts, downloads)
    lists = [each.lists() for each in made]
    _write(store, schema.listings, _LISTING, [row for rows, _ in lists for row in rows])
    _write(store, schema.listing_posts, _STANDS, [row for _, rows in lists for row in rows])
    analyse(store)


def _put(store: Store, posts: Rows, downloads: Rows) -> None:
    _write(store, schema.posts, _POST, posts)
    _write(store, schema.data_downloads, _DOWNLOAD, downloads)
    posts.clear()
    downloads.clear()


def _write(store: Store, table: Table, columns: Sequence[str], rows: Rows) -> None:
    with store.writing() as tx:
        bulk.insert(tx, table, columns, rows)


_PROFILE = ("profile_id", "username", "name", "platform", "native_id", "followers_count")
_COUNT = ("history_id", "profile_id", "observed_at", "observed_source", "followers_count")
_LISTING = (
    "listing_id", "profile_id", "platform", "kind", "source", "observed_at", "observed_source", "complete",
    "in_time_order", "oldest_posted_at", "newest_posted_at", "record_sha256",
)  # fmt: skip
_STANDS = ("listing_id", "position", "post_id", "pinned")


class _Creator:
    def __init__(self, number: int, chance: random.Random) -> None:
        self.number, self.chance = number, chance
        self.platform = "instagram" if number % 10 < 7 else "linkedin"
        self.has_lists = self.platform == "instagram" and number % 2 == 0
        self.profile_id, self.username = f"prf-{number:017x}", f"creator-{number}"
        self.followers = int(2_000 * chance.lognormvariate(1, 1.5)) + 10
        self.newest: list[tuple[str, datetime, bool]] = []

    def profile(self) -> tuple[Any, ...]:
        name = f"Creator {self.number}"
        return self.profile_id, self.username, name, self.platform, str(10**9 + self.number), self.followers

    def counts(self) -> Rows:
        return [
            (
                f"flw-{self.number * _COUNTED + day:017x}",
                self.profile_id,
                NOW - timedelta(days=day),
                "record",
                max(1, self.followers - day * self.followers // 400),
            )
            for day in range(_COUNTED)
        ]

    def post(self, number: int, of: int, posts: Rows, downloads: Rows) -> None:
        chance = self.chance
        place = self.number * 10**6 + number
        post_id, native = f"p-{place:017x}", str(3 * 10**18 + place)
        # The higher the number, the newer: as collecting goes on.
        at = NOW - timedelta(days=_DAYS * (of - number) / of, seconds=chance.randrange(40_000))
        form = self._form()
        text = " ".join(chance.choices(_WORDS, k=chance.randrange(40)) + chance.sample(_TAGS, chance.randrange(5)))
        stamp = round(at.timestamp() * 1000)
        url = f"https://www.{self.platform}.com/p/{native}/"
        latest = f"dl-{2 * place:017x}"
        posts.append((
            post_id, f"{self.platform}:{native}", self.platform, native, stamp, at, self.username,
            self.profile_id, text, NOW, url, NOW, latest, NOW, form,
        ))  # fmt: skip
        hidden = self.platform == "instagram" and chance.random() < 0.02
        counts = self._counts(form)
        # One reel in ten was seen last in the feed, which does not tell its views; the list of reels did that day.
        blind = form == "reel" and chance.random() < 0.1
        earlier = NOW - (timedelta(hours=2) if blind else timedelta(days=7))
        for download_id, seen, told in (
            (latest, NOW, {**counts, "views": None} if blind else counts),
            (f"dl-{2 * place + 1:017x}", earlier, counts),
        ):
            detail = {name: value for name, value in told.items() if value is not None}
            if "views" in detail:
                detail["play_count"] = detail.pop("views")
            downloads.append((
                download_id, post_id, NOW, seen, "record", told.get("reactions"), told.get("comments"),
                told.get("reposts"), told.get("views"), told.get("likes"), told.get("saves"), told.get("shares"),
                hidden, json.dumps(detail),
            ))  # fmt: skip
        self.newest.append((post_id, at, form == "reel"))
        del self.newest[:-200]

    def _form(self) -> str:
        if self.platform == "linkedin":
            return self.chance.choice(("image", "text", "video"))
        return "reel" if self.chance.random() < 0.5 else self.chance.choice(("image", "carousel"))

    def _counts(self, form: str) -> dict[str, int | None]:
        likes = int(self.followers * 0.02 * self.chance.lognormvariate(0, 1))
        if self.platform == "linkedin":
            return {"reactions": likes, "comments": likes // 9, "reposts": likes // 40}
        told: dict[str, int | None] = {"likes": likes, "comments": likes // 30, "saves": None}
        if form == "reel":
            told |= {"views": likes * self.chance.randrange(5, 40), "shares": likes // 25}
        return told

    def lists(self) -> tuple[Rows, Rows]:
        """The newest list of reels and the newest feed, for those who have lists; two posts are pinned."""
        found: tuple[Rows, Rows] = ([], [])
        if not self.has_lists:
            return found
        newest = sorted(self.newest, key=lambda each: each[1], reverse=True)
        reels = [each for each in newest if each[2]][:36]
        for kind, ordered in (("reels", reels), ("feed", newest[:60])):
            if not ordered:
                continue
            listing_id = f"lst-{self.number * 2 + len(found[0]):017x}"
            digest = f"{self.number * 2 + len(found[0]):064x}"
            oldest, latest = ordered[-1][1], ordered[0][1]
            shown = [*newest[-2:], *ordered] if kind == "feed" else ordered
            found[0].append((
                listing_id, self.profile_id, "instagram", kind, "api", NOW, "record", False, True, oldest, latest,
                digest,
            ))  # fmt: skip
            pinned = {post_id for post_id, _, _ in newest[-2:]} - {post_id for post_id, _, _ in ordered}
            once = dict.fromkeys(post_id for post_id, _, _ in shown)
            found[1].extend((listing_id, place, post_id, post_id in pinned) for place, post_id in enumerate(once))
        return found
