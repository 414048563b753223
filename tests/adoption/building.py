"""Puts rows into a predecessor and, beside them, what they must become."""

from __future__ import annotations

import json
import random
import uuid
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from tests.adoption.expectation import Expectation, ExpectedPlace, ExpectedPost, ExpectedSnapshot
from tests.adoption.predecessor import Predecessor
from tests.records import post as record_of

BIRTH = datetime(2025, 2, 3, 6, 0, tzinfo=UTC)
"""When the first post was made; each further one some minutes later."""
FIRST_RUN = datetime(2025, 11, 25, 22, 0, tzinfo=UTC)
Json = dict[str, Any]
UNSET: Any = object()


def milliseconds(moment: datetime) -> int:
    return round(moment.timestamp() * 1000)


@dataclass
class Built:
    """A database to be, and what is expected of it."""

    old: Predecessor
    expected: Expectation


@dataclass
class Builder:
    """`sqlite` adds what only SQLite could hold."""

    seed: int = 5
    sqlite: bool = True
    base_url: str = "https://media.licdn.com"
    old: Predecessor = field(default_factory=Predecessor)
    expected: Expectation = field(default_factory=Expectation)

    def __post_init__(self) -> None:
        self.random = random.Random(self.seed)
        self._serial = 0
        self._minute = 0
        self._drawn: set[str] = set()
        self.runs = [self.run("completed", number) for number in range(5)]
        self.tag_ids = {name: self.tag(name, color) for name, color in _TAGS}

    def built(self) -> Built:
        return Built(self.old, self.expected)

    # --- ids and times ---

    def id(self, prefix: str, table: str, *, renamed_to: str | None = None) -> str:
        while (drawn := f"{prefix}-{self.random.getrandbits(32):08x}") in self._drawn:
            pass
        return self._known(drawn, table, renamed_to)

    def uuid(self, table: str, renamed_to: str) -> str:
        drawn = str(uuid.UUID(int=self.random.getrandbits(128), version=4))
        return self._known(drawn, table, renamed_to)

    def _known(self, drawn: str, table: str, renamed_to: str | None) -> str:
        self._drawn.add(drawn)
        self.expected.ids[drawn] = table
        if renamed_to:
            self.expected.renamed[drawn] = renamed_to
        return drawn

    def serial(self) -> int:
        self._serial += 1
        return self._serial

    def birth(self) -> datetime:
        """A time no other post was made at, with milliseconds, like an activity's id."""
        return BIRTH + timedelta(minutes=37 * self.serial(), milliseconds=self._serial % 1000)

    def import_time(self) -> datetime:
        self._minute += 1
        return FIRST_RUN + timedelta(minutes=self._minute)

    def stamped(self, user: str = "jane-doe", *, folder: str = "") -> tuple[str, datetime]:
        """A scraped file's name and the time it tells: days before the import, as after a late import."""
        self._minute += 1
        at = BIRTH + timedelta(days=200, seconds=61 * self._minute, milliseconds=self._minute % 997)
        name = f"dataset_{user}_{at:%Y-%m-%d_%H-%M-%S}-{at.microsecond // 1000}.json"
        return f"{folder or f'data/{at:%Y%m%d_%H%M%S}/linkedin'}/{name}", at

    # --- rows ---

    def run(self, status: str | None, number: int, **more: Any) -> str:
        run_id = self.id("run", "download_runs")
        begun = FIRST_RUN + timedelta(hours=6 * number)
        self.old.add(
            "download_runs",
            {
                "run_id": run_id,
                "started_at": begun,
                "completed_at": begun + timedelta(minutes=3) if status != "running" else None,
                "status": status,
                "script_name": "update_data.py",
                "platform": "linkedin",
                "posts_fetched": 40,
                "posts_new": number,
                "posts_updated": 0,
                "error_message": "boom" if status == "failed" else None,
                "system_info": json.dumps({"hostname": "desk", "platform": "darwin", "script": "update"}),
                "created_at": begun,
            }
            | more,
        )
        return run_id

    def tag(self, name: str, color: str | None = "cyan") -> str:
        tag_id = self.id("tag", "tags")
        self.expected.tag_names.add(name)
        self.old.add(
            "tags",
            {"tag_id": tag_id, "name": name, "description": None, "color": color, "created_at": FIRST_RUN},
        )
        return tag_id

    def post(self, urn: str, record: Json | None, at: datetime, *, raw: str | None = UNSET, **more: Any) -> str:
        """A row of posts as the import made it of a record; `raw` is what stands in raw_json instead."""
        post_id = self.id("p", "posts")
        if raw is UNSET:
            raw = None if record is None else self.dumped(record)
        record = record or {}
        row = {
            "post_id": post_id,
            "urn": urn,
            "full_urn": record.get("full_urn"),
            "platform": "linkedin",
            "posted_at_timestamp": milliseconds(at),
            "author_username": (record.get("author") or {}).get("username"),
            "text_content": record.get("text"),
            "post_type": record.get("post_type"),
            "url": record.get("url"),
            "raw_json": raw,
            "first_seen_at": FIRST_RUN,
            "is_read": False,
            "is_marked": False,
            "created_at": FIRST_RUN,
            "updated_at": FIRST_RUN,
            "likes_count": None,
            "comments_count": None,
            "my_rating": None,
        } | more
        if self.serial() % 5 == 0:
            row["my_rating"] = self.expected.ratings[post_id] = f"stars {self._serial}"
        if row["raw_json"] is not None:
            self.expected.texts.add(row["raw_json"])
        self.old.add("posts", row)
        return post_id

    def dumped(self, record: Any) -> str:
        """JSON in one of the ways a program may have written it, which must survive to the byte."""
        match self.serial() % 3:
            case 0:
                return json.dumps(record)
            case 1:
                return json.dumps(record, ensure_ascii=False)
            case _:
                return json.dumps(record, indent=1)

    def snapshot(
        self,
        post: ExpectedPost,
        post_id: str,
        record: Json | None,
        *,
        via: str = "jane-doe",
        file: tuple[str, datetime] | None = UNSET,
        source: str | None = "file_name",
        raw: str | None = UNSET,
        numbers: tuple[int | None, ...] | None = None,
        again: ExpectedSnapshot | None = None,
        of_original: bool | None = False,
        prefix: str = "dl",
        **more: Any,
    ) -> ExpectedSnapshot:
        """A row of data_downloads under `post_id`, to be found under `post` afterwards.

        `file` is its source and the time that tells (None: no source file); `again` the observation that it
        repeats; `numbers` are the expected reactions, comments, reposts and views when those of the record's
        stats are not.
        """
        download_id = self.id(prefix, "data_downloads", renamed_to=None if prefix == "dl" else "dl")
        file = self.stamped(via) if file is UNSET else file
        imported = self.import_time()
        stats = (record or {}).get("stats")
        if raw is UNSET:
            raw = None if record is None else self.dumped(record)
        self.old.add(
            "data_downloads",
            {
                "download_id": download_id,
                "post_id": post_id,
                "run_id": self.random.choice(self.runs),
                "downloaded_at": imported,
                "total_reactions": (stats or {}).get("total_reactions", 0),
                "stats_json": None if stats is None else json.dumps(stats),
                "raw_json": raw,
                "source_file_path": file[0] if file else None,
                "created_at": imported,
            }
            | more,
        )
        if raw is not None:
            self.expected.texts.add(raw)
        if again is not None:
            self.expected.merged |= {download_id, *again.ids}
            again.ids.add(download_id)
            return again
        if numbers is None:
            stats = stats or {}
            numbers = tuple(stats.get(name) for name in ("total_reactions", "comments", "reposts", "views"))
        at, known = (file[1], source) if file else (imported, None)
        made = ExpectedSnapshot(at, {download_id}, known, *numbers, of_original=of_original)
        post.snapshots.append(made)
        return made

    def expect(self, label: str, at: datetime, native: str | None, *ids: str, **more: Any) -> ExpectedPost:
        made = ExpectedPost(
            label,
            more.pop("platform", "linkedin"),
            native,
            set(ids),
            {milliseconds(at)},
            **more,
        )
        if len(ids) > 1:
            self.expected.merged |= set(ids)
        self.expected.posts.append(made)
        return made

    def plain(self, label: str, record: Json, post_id: str, **more: Any) -> ExpectedPost:
        """What a LinkedIn record's own row becomes."""
        told = {
            "text": record.get("text"),
            "kind": record.get("post_type"),
            "author": (record.get("author") or {}).get("username"),
        }
        at = datetime.fromtimestamp(record["posted_at"]["timestamp"] / 1000, UTC)
        native = record["urn"]["activity_urn"] if isinstance(record["urn"], dict) else record["urn"]
        return self.expect(label, at, native, post_id, **(told | more))

    def record(self, at: datetime | None = None, **more: Any) -> tuple[Json, datetime]:
        at = at or self.birth()
        made = record_of(self.serial(), posted_at=at, **more)
        # The id tells the time to the millisecond.
        return made, datetime.fromtimestamp(made["posted_at"]["timestamp"] / 1000, UTC)

    def media(
        self,
        place: ExpectedPlace | None,
        post_id: str,
        url: str,
        *,
        kind: str = "image",
        early: bool = False,
        analysis: str | None = None,
        log: Any = UNSET,
        log_text: str | None = UNSET,
        status: str | None = "not_started",
        **more: Any,
    ) -> str:
        """A row of post_media; what it knows is noted at its place. `log_text` is the column as it stands."""
        prefix = "pm" if early else "med"
        media_id = self.id(prefix, "post_media", renamed_to="med" if early else None)
        made = self.import_time()
        if log_text is UNSET:
            log_text = None if log is UNSET else json.dumps(log)
        row = {
            "media_id": media_id,
            "post_id": post_id,
            "media_type": kind,
            "media_url": url,
            "local_file_path": None,
            "file_size": None,
            "mime_type": None,
            "width": None,
            "height": None,
            "ai_analysis_status": status,
            "ai_analysis": analysis,
            "ai_analyzed_at": made if analysis else None,
            "created_at": made,
            "updated_at": made,
            "md5_sum": None,
            "archive_url": None,
            "ai_analysis_log": log_text,
        } | more
        self.old.add("post_media", row)
        if analysis:
            self.expected.texts.add(analysis)
        if row["archive_url"]:
            self.expected.texts.add(row["archive_url"])
        if place is not None:
            self._note_place(place, media_id, row, analysis, None if log is UNSET else log)
        return media_id

    def _note_place(self, place: ExpectedPlace, media_id: str, row: Json, analysis: str | None, log: Any) -> None:
        if place.ids:
            self.expected.merged |= {media_id, *place.ids}
        place.ids.add(media_id)
        if analysis:
            place.analyses.add(analysis)
        if row["archive_url"]:
            place.archive_urls.add(row["archive_url"])
        if row["md5_sum"]:
            place.md5s.add(row["md5_sum"])
        for event in log if isinstance(log, list) else []:
            place.events.add((event["event"], event["details"]["marker"]))

    def event(self, name: str, status: str = "completed") -> Json:
        at = self.import_time()
        return {
            "timestamp": at.isoformat(),
            "event": name,
            "status": status,
            "details": {"marker": f"m{self.serial()}", "file_size": 100},
        }

    def action(self, post: ExpectedPost | None, post_id: str | None, **more: Any) -> str:
        as_uuid = more.pop("as_uuid", False)
        action_id = self.uuid("action_queue", "act") if as_uuid else self.id("act", "action_queue")
        note = f"note {self.serial()}"
        self.expected.texts.add(note)
        row = {
            "action_id": action_id,
            "post_id": post_id,
            "action_type": "s",
            "action_params": json.dumps({"n": self._serial}),
            "status": "queued",
            "priority": self._serial % 4,
            "scheduled_for": None,
            "executed_at": None,
            "user_notes": note,
            "system_notes": None,
            "created_at": FIRST_RUN,
            "updated_at": FIRST_RUN,
        } | more
        self.old.add("action_queue", row)
        self.expected.actions[action_id] = "queued" if row["status"] in ("pending", None) else row["status"]
        if post is not None:
            post.actions.add(action_id)
        return action_id

    def post_tag(self, post: ExpectedPost, post_id: str, name: str, note: str | None = None) -> None:
        tagged = self.id("ptg", "post_tags")
        if name in post.tags:
            self.expected.merged |= {
                row["post_tag_id"]
                for row in self.old.rows["post_tags"]
                if row["post_id"] in post.ids and row["tag_id"] == self.tag_ids[name]
            }
            self.expected.merged.add(tagged)
        post.tags.add(name)
        if note:
            self.expected.texts.add(note)
        self.old.add(
            "post_tags",
            {
                "post_tag_id": tagged,
                "post_id": post_id,
                "tag_id": self.tag_ids[name],
                "confidence": 0.5,
                "applied_by": "user" if note else "ai",
                "system_notes": note,
                "created_at": FIRST_RUN,
            },
        )


_TAGS = (("aws", "cyan"), ("ai", "magenta"), ("startup", "green"), ("später", None), ("🎨", "red"))

__all__ = ["BIRTH", "FIRST_RUN", "UNSET", "Builder", "Built", "Json", "milliseconds"]
