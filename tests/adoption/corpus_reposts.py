"""Bare reposts that stand in one row with their originals, as the predecessor's identity made them."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import datetime, timedelta

from tests.adoption.building import Builder, Json
from tests.adoption.corpus_posts import number_of, urn
from tests.adoption.expectation import ExpectedPlace, ExpectedPost
from tests.records import activity_id, author, gallery, image, image_url, stats


@dataclass
class Shared:
    """An original and the records in which others repost it."""

    b: Builder
    record: Json
    at: datetime

    @property
    def urn(self) -> str:
        return urn(number_of(self.record))

    @property
    def asset(self) -> str:
        return f"D4E22AQOrig{number_of(self.record)}"

    def reposted(self, hours: int) -> tuple[Json, datetime]:
        """Everything is the original's, but for the activity and its time."""
        own = activity_id(self.at + timedelta(hours=hours), self.b.serial())
        moment = {**self.record["posted_at"], "timestamp": int(own) >> 22, "relative": "2 days ago"}
        record = {**self.record, "urn": {**self.record["urn"], "activity_urn": own}, "posted_at": moment}
        return record | {"post_type": "repost"}, self.at + timedelta(hours=hours)

    def row(self, record: Json, at: datetime, **more: object) -> str:
        return self.b.post(self.urn, record, at, **more)

    def repost(self, label: str, record: Json, via: str | None, *ids: str, original: str | None) -> ExpectedPost:
        """What a repost's record proves: a post of the profile it was scraped from, without words of its own."""
        made = self.b.expect(label, self.at, number_of(record), *ids, kind="repost", author=via, original=original)
        made.posted_ms = {record["posted_at"]["timestamp"]}
        made.original_text = self.record["text"]
        return made

    def snapshots(self, post: ExpectedPost, post_id: str, record: Json, via: str, times: int) -> None:
        for _ in range(times):
            told = record | {"stats": stats(self.b.serial(), 3, 2)}
            self.b.snapshot(post, post_id, told, via=via, of_original=record["post_type"] == "repost")


def shared(b: Builder) -> Shared:
    record, at = b.record(text=f"Worth sharing {b.serial()}", author=author("ann-original", "Ann", "Original"))
    made = Shared(b, record, at)
    record["media"] = gallery(image(made.asset))
    return made


def original_first(b: Builder) -> None:
    """The row is the original's; snapshots of both alternate under it; all that hangs on it stays there."""
    case = shared(b)
    repost, _ = case.reposted(9)
    post_id = case.row(case.record, case.at, is_marked=True)
    label = f"original {post_id}"
    first = b.plain(label, case.record, post_id, marked=True)
    second = case.repost("repost of it", repost, "rita-reposts", original=label)
    for _ in range(2):
        case.snapshots(first, post_id, case.record, "ann-original", 1)
        case.snapshots(second, post_id, repost, "rita-reposts", 1)
    b.action(first, post_id)
    b.post_tag(first, post_id, "startup")
    place = ExpectedPlace(case.asset)
    first.places.append(place)
    b.media(place, post_id, image_url(case.asset), archive_url=f"s3://bucket/cache/2025/11/{b.serial():032x}.jpg")


def repost_first(b: Builder) -> None:
    """The row is the repost's, and the original gets one of its own."""
    case = shared(b)
    repost, at = case.reposted(30)
    post_id = case.row(repost, at, is_marked=True)
    label = f"original of {post_id}"
    first = case.repost("repost first", repost, "rita-reposts", post_id, original=label)
    first.marked = True
    second = b.plain(label, case.record, post_id)
    second.ids.clear()
    case.snapshots(first, post_id, repost, "rita-reposts", 2)
    case.snapshots(second, post_id, case.record, "ann-original", 1)
    b.action(first, post_id)
    b.post_tag(first, post_id, "ai")


def two_reposters(b: Builder) -> None:
    """Two tracked people repost what is not stored itself; both times as strings within strings."""
    case = shared(b)
    (one, at), (other, _) = case.reposted(4), case.reposted(7)
    post_id = case.row(one, at, raw=json.dumps(json.dumps(one)))
    first = case.repost("first reposter", one, "rita-reposts", post_id, original=None)
    second = case.repost("second reposter", other, "sam-shares", original=None)
    case.snapshots(first, post_id, one, "rita-reposts", 1)
    b.snapshot(second, post_id, other, via="sam-shares", raw=json.dumps(json.dumps(other)), of_original=True)
    case.snapshots(second, post_id, other, "sam-shares", 1)


def repost_has_a_row(b: Builder) -> None:
    """The repost has a row under its bare activity too, so that its snapshots join that one."""
    case = shared(b)
    repost, at = case.reposted(11)
    post_id = case.row(case.record, case.at)
    own_row = b.post(number_of(repost), {k: v for k, v in repost.items() if k != "full_urn"}, at)
    label = f"original {post_id}"
    first = b.plain(label, case.record, post_id)
    second = case.repost("repost with a row", repost, "rita-reposts", own_row, original=None)
    second.original = label
    case.snapshots(first, post_id, case.record, "ann-original", 1)
    case.snapshots(second, post_id, repost, "rita-reposts", 2)
    case.snapshots(second, own_row, repost, "rita-reposts", 1)
    b.action(second, own_row)


def without_proof(b: Builder) -> None:
    """Among proven ones, snapshots that prove nothing: they stay where they are and are listed."""
    case = shared(b)
    repost, _ = case.reposted(2)
    post_id = case.row(case.record, case.at)
    label = f"original {post_id}"
    first = b.plain(label, case.record, post_id)
    second = case.repost("proven repost", repost, "rita-reposts", original=label)
    case.snapshots(first, post_id, case.record, "ann-original", 1)
    case.snapshots(second, post_id, repost, "rita-reposts", 1)
    for raw in (None, json.dumps(repost)[:40]):
        lost = b.snapshot(first, post_id, case.record, via="rita-reposts", raw=raw)
        b.expected.undecided.append({post_id, *lost.ids})


def lost_repost(b: Builder) -> None:
    """It says it is a repost, but its raw JSON breaks off: whose it is cannot be told."""
    case = shared(b)
    repost, at = case.reposted(3)
    post_id = case.row(repost, at, raw=json.dumps(repost)[:60], text_content="kept as it was")
    lost = b.expect("lost repost", at, None, post_id, text="kept as it was")
    lost.posted_ms = {repost["posted_at"]["timestamp"]}
    b.action(lost, post_id)
    b.snapshot(lost, post_id, repost, raw=None, of_original=None)
    b.expected.undecided.append({post_id})


CASES = (original_first, repost_first, two_reposters, repost_has_a_row, without_proof, lost_repost)

__all__ = ["CASES"]
