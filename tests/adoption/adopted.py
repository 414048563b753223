"""An adopted database read whole, and where it is not what was expected."""

from __future__ import annotations

import json
import re
from collections import defaultdict
from collections.abc import Iterator
from functools import cached_property
from typing import Any

from sqlalchemy import inspect, select, text

from postkeep.stages.ingest.candidate import decompress
from postkeep.store import Store, schema
from tests.adoption.building import UNSET
from tests.adoption.expectation import Expectation, ExpectedPlace, ExpectedPost
from tests.adoption.predecessor import TABLES, Row

_FRESH = re.compile(r"[a-z]{1,3}-[0-9a-f]{17}")
_KEYS = {name: columns[0].split(" ", 1)[0] for name, columns in TABLES.items()}


class Adopted:
    """All rows of a database, by table and key."""

    def __init__(self, store: Store) -> None:
        with store.reading() as tx:
            self.rows: dict[str, list[Row]] = {
                table.name: [dict(row) for row in tx.execute(select(table)).mappings()]
                for table in schema.metadata.sorted_tables
            }
            self.others: dict[str, list[Row]] = {
                name: [dict(row) for row in tx.execute(text(f"SELECT * FROM {name}")).mappings()]
                for name in inspect(tx).get_table_names()
                if name not in schema.metadata.tables
            }
        self.by_id = {name: {row[key]: row for row in self.rows[name]} for name, key in _KEYS.items()}
        self.new_ids = {(row["table_name"], row["old_id"]): row["new_id"] for row in self.rows["old_ids"]}

    def resolve(self, table: str, old_id: str) -> Row | None:
        """The row that an id of the predecessor leads to."""
        found = self.by_id[table].get(old_id)
        return found or self.by_id[table].get(self.new_ids.get((table, old_id), ""))

    def of(self, table: str, column: str, value: str) -> list[Row]:
        return self._grouped[table, column].get(value, [])

    @cached_property
    def _grouped(self) -> dict[tuple[str, str], dict[str, list[Row]]]:
        grouped: dict[tuple[str, str], dict[str, list[Row]]] = {}
        for table in ("data_downloads", "post_media", "post_tags", "action_queue", "post_originals"):
            by_post: defaultdict[str, list[Row]] = defaultdict(list)
            for row in self.rows[table]:
                by_post[row["post_id"]].append(row)
            grouped[table, "post_id"] = by_post
        return grouped

    @cached_property
    def texts(self) -> set[str]:
        """Every text that stands anywhere, also within JSON, and the bodies of raw records."""
        found: set[str] = set()
        for rows in self.rows.values():
            for row in rows:
                for column, value in row.items():
                    found |= set(_leaves(value))
                    if column == "values_json":
                        found |= set(_leaves(json.loads(value)))
        for row in self.rows["raw_records"]:
            found.add(decompress(row["codec"], bytes(row["body"])).decode())
        return found

    @cached_property
    def listed(self) -> str:
        """All findings as one text."""
        return "\n".join(
            f"{row['kind']} {row['subject']} {row['detail']}" for row in self.rows["adoption_findings"]
        )

    def has_text(self, wanted: str) -> bool:
        return wanted in self.texts or wanted in self.listed


def _leaves(value: Any) -> Iterator[str]:
    match value:
        case str():
            yield value
        case list():
            for each in value:
                yield from _leaves(each)
        case dict():
            for each in value.values():
                yield from _leaves(each)
        case _:
            pass


# --- comparing ----------------------------------------------------------------------------------------


class Comparison:
    """Lists what differs, one line each, every line with the label of the case."""

    def __init__(self, found: Adopted, expected: Expectation) -> None:
        self.found = found
        self.expected = expected
        self.rows: dict[str, Row] = {}
        self._by_native = {(row["platform"], row["native_id"]): row for row in found.rows["posts"]}
        self._posts = [(post, self._row_of(post)) for post in expected.posts]

    def _row_of(self, post: ExpectedPost) -> Row | None:
        if post.ids:
            return self.found.resolve("posts", min(post.ids))
        return self._by_native.get((post.platform, post.native_id or ""))

    def posts(self) -> list[str]:
        return [line for post, row in self._posts for line in self._post(post, row)]

    def snapshots(self) -> list[str]:
        return [line for post, row in self._posts if row for line in self._snapshots(post, row)]

    def media(self) -> list[str]:
        return [line for post, row in self._posts if row for line in self._places(post, row)]

    def tags_and_actions(self) -> list[str]:
        return [line for post, row in self._posts if row for line in self._hanging(post, row)]

    # --- posts ---

    def _post(self, post: ExpectedPost, row: Row | None) -> Iterator[str]:
        name = f"{post.label} {sorted(post.ids)}"
        if row is None:
            yield f"{name}: lost (native id {post.native_id})"
            return
        if {each["post_id"] if (each := self.found.resolve("posts", i)) else i for i in post.ids} - {
            row["post_id"]
        }:
            yield f"{name}: its old ids lead to several posts"
        if post.ids and row["post_id"] not in post.ids:
            yield f"{name}: has the new id {row['post_id']}"
        if not post.ids and not _FRESH.fullmatch(row["post_id"]):
            yield f"{name}: was split off, yet its id is {row['post_id']}"
        wanted = {
            "platform": post.platform,
            "native_id": post.native_id,
            "text_content": None if post.original_text else post.text,
            "post_type": post.kind,
            "author_username": post.author,
            "likes_count": post.likes_count,
            "comments_count": post.comments_count,
        }
        for column, value in wanted.items():
            if value is not None and row[column] != value:
                yield f"{name}: {column} is {_told(row[column])}, not {_told(value)}"
        if row["posted_at_timestamp"] not in post.posted_ms:
            yield f"{name}: posted_at_timestamp is {row['posted_at_timestamp']}, not one of {post.posted_ms}"
        if round(row["posted_at"].timestamp() * 1000) != row["posted_at_timestamp"]:
            yield f"{name}: posted_at is {row['posted_at']}, which is another time than posted_at_timestamp"
        if bool(row["is_marked"]) != post.marked:
            yield f"{name}: is_marked is {row['is_marked']}"
        yield from self._original(post, row, name)

    def _original(self, post: ExpectedPost, row: Row, name: str) -> Iterator[str]:
        if post.original_text is None:
            return
        if row["text_content"] is not None:
            yield f"{name}: a bare repost has no words of its own, yet {_told(row['text_content'])}"
        shared = self.found.of("post_originals", "post_id", row["post_id"])
        if not shared:
            yield f"{name}: nothing is known of what it reposts"
            return
        if shared[0]["text_content"] != post.original_text:
            yield f"{name}: what it reposts says {_told(shared[0]['text_content'])}"
        wanted = self._row_of(self.expected.post(post.original)) if post.original else None
        if wanted and shared[0]["original_post_id"] != wanted["post_id"]:
            yield f"{name}: joined to {shared[0]['original_post_id']}, not to its original {wanted['post_id']}"

    # --- snapshots ---

    def _snapshots(self, post: ExpectedPost, row: Row) -> Iterator[str]:
        name = f"{post.label} {row['post_id']}"
        there = {each["observed_at"]: each for each in self.found.of("data_downloads", "post_id", row["post_id"])}
        wanted = {each.observed_at for each in post.snapshots}
        if there.keys() != wanted:
            yield f"{name}: observed at {_times(there.keys() - wanted)} for {_times(wanted - there.keys())}"
        for snapshot in post.snapshots:
            found = there.get(snapshot.observed_at)
            if found is None:
                continue
            for old_id in snapshot.ids:
                if self.found.resolve("data_downloads", old_id) is not found:
                    yield f"{name}: snapshot {old_id} does not lead to the one of {snapshot.observed_at}"
            numbers = {
                "total_reactions": snapshot.reactions,
                "comments": snapshot.comments,
                "reposts": snapshot.reposts,
                "views": snapshot.views,
            }
            for column, number in numbers.items():
                if number is not UNSET and found[column] != number:
                    yield f"{name}: {column} of {sorted(snapshot.ids)} is {found[column]}, not {number}"
            if snapshot.source and found["observed_source"] != snapshot.source:
                yield f"{name}: the time of {sorted(snapshot.ids)} is said to be of {found['observed_source']}"
            if snapshot.of_original not in (None, bool(found["of_original"])):
                yield f"{name}: of_original of {sorted(snapshot.ids)} is {found['of_original']}"
        latest = self.found.by_id["data_downloads"].get(row["latest_download_id"] or "")
        if wanted and (latest is None or latest["observed_at"] != max(wanted)):
            yield f"{name}: its latest snapshot is not the latest"

    # --- media ---

    def _places(self, post: ExpectedPost, row: Row) -> Iterator[str]:
        for place in post.places:
            name = f"{post.label} {row['post_id']} {sorted(place.ids)}"
            rows = {id(found): found for old_id in place.ids if (found := self._media(old_id)) is not None}
            if len(rows) != 1:
                yield f"{name}: one place became {len(rows)}"
                continue
            yield from (f"{name}: {fault}" for fault in self._place(place, next(iter(rows.values())), row))
        keys = [
            (each["role"], each["media_key"], each["occurrence"])
            for each in self.found.of("post_media", "post_id", row["post_id"])
        ]
        if len({key for _, key, _ in keys}) < len(keys):
            yield f"{post.label} {row['post_id']}: one asset in several rows: {keys}"

    def _media(self, old_id: str) -> Row | None:
        return self.found.resolve("post_media", old_id)

    def _place(self, place: ExpectedPlace, found: Row, post: Row) -> Iterator[str]:
        valid = place.ids - self.expected.renamed.keys()
        if valid and found["media_id"] not in valid:
            yield f"has the new id {found['media_id']}, though some of its ids were good"
        if found["post_id"] != post["post_id"]:
            yield f"belongs to {found['post_id']}"
        if place.part not in found["media_url"]:
            yield f"its URL is {found['media_url']}"
        for column, values in (
            ("archive_url", place.archive_urls),
            ("ai_analysis", place.analyses),
            ("md5_sum", place.md5s),
        ):
            if (found[column] not in values) if values else (found[column] is not None):
                yield f"{column} is {found[column]}, none of {sorted(values)}"
        if found["ai_analysis_status"] != place.status:
            yield f"ai_analysis_status is {found['ai_analysis_status']}, not {place.status}"
        yield from self._log(place, found["ai_analysis_log"])
        if place.path is not None and found["local_file_path"] != place.path:
            yield f"local_file_path is {found['local_file_path']}, not {place.path}"

    def _log(self, place: ExpectedPlace, log: Any) -> Iterator[str]:
        if not isinstance(log, list) or not all(isinstance(each, dict) for each in log):
            yield f"its log is no list of events: {_told(log)}"
            return
        events = [(each.get("event"), each.get("details", {}).get("marker")) for each in log]
        if missing := place.events - set(events):
            yield f"its log lacks {sorted(missing)}"
        if len(set(events)) < len(events):
            yield f"its log says things twice: {events}"

    # --- what hangs on posts ---

    def _hanging(self, post: ExpectedPost, row: Row) -> Iterator[str]:
        name = f"{post.label} {row['post_id']}"
        tags = {each["tag_id"]: each["name"] for each in self.found.rows["tags"]}
        tagged = [tags[each["tag_id"]] for each in self.found.of("post_tags", "post_id", row["post_id"])]
        if sorted(tagged) != sorted(post.tags):
            yield f"{name}: tagged {sorted(tagged)}, not {sorted(post.tags)}"
        for old_id in post.actions:
            action = self.found.resolve("action_queue", old_id)
            if action is None or action["post_id"] != row["post_id"]:
                yield f"{name}: the action {old_id} no longer hangs on it"


def _told(value: object) -> str:
    shown = repr(value)
    return shown if len(shown) < 80 else f"{shown[:80]}…"


def _times(moments: Any) -> list[str]:
    return sorted(f"{each:%m-%d %H:%M:%S.%f}" for each in moments)


__all__ = ["Adopted", "Comparison"]
