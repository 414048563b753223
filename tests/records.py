"""Small LinkedIn records made in place, with only what a test is about."""

from __future__ import annotations

import base64
from datetime import UTC, datetime
from typing import Any

import orjson

from postkeep.model import Observation, ObservedSource, Place, RawRecord

EPOCH = datetime(2025, 3, 1, 8, 0, tzinfo=UTC)


def activity_id(posted_at: datetime = EPOCH, serial: int = 0) -> str:
    return str((round(posted_at.timestamp() * 1000) << 22) + serial)


def image_url(
    asset: str, *, variant: str = "feedshare-shrink_2048_1536", expires: int = 4102444800, t: str = "a"
) -> str:
    return f"https://media.licdn.com/dms/image/v2/{asset}/{variant}/{variant}/0/1?e={expires}&v=beta&t={t}"


def image(asset: str, *, width: int = 2048, height: int = 1536, **more: Any) -> dict[str, Any]:
    return {"url": image_url(asset, **more), "width": width, "height": height}


def gallery(*images: dict[str, Any]) -> dict[str, Any]:
    return {"type": "images" if len(images) > 1 else "image", "url": images[0]["url"], "images": list(images)}


def author(username: str = "jane-doe", first: str = "Jane", last: str = "Doe", **more: Any) -> dict[str, Any]:
    return {
        "first_name": first,
        "last_name": last,
        "headline": "Potter",
        "username": username,
        "profile_url": f"https://www.linkedin.com/in/{username}",
    } | more


def stats(total: int = 12, comments: int = 3, reposts: int = 1) -> dict[str, int]:
    kinds = {"like": total, "support": 0, "love": 0, "insight": 0, "celebrate": 0, "funny": 0}
    return {"total_reactions": total, **kinds, "comments": comments, "reposts": reposts}


def post(serial: int = 0, *, posted_at: datetime = EPOCH, kind: str = "regular", **more: Any) -> dict[str, Any]:
    """A whole post; keyword arguments replace or add top-level keys, None removes one."""
    number = activity_id(posted_at, serial)
    token = base64.b64encode(f"urn:li:activity:{number}".encode()).decode()
    record = {
        "urn": {"activity_urn": number, "share_urn": str(int(number) - 7), "ugcPost_urn": None},
        "full_urn": f"urn:li:activity:{number}",
        "posted_at": {"date": "2025-03-01 09:00:00", "relative": "3 days ago", "timestamp": int(number) >> 22},
        "text": f"Text {serial}",
        "url": f"https://www.linkedin.com/posts/jane-doe_text-activity-{number}-AbCd?utm_source=x&rcm=y",
        "post_type": kind,
        "author": author(),
        "stats": stats(),
        "pagination_token": token,
    } | more
    return {key: value for key, value in record.items() if value is not None}


def raw(
    record: Any,
    *,
    at: datetime = EPOCH,
    source: ObservedSource = ObservedSource.FILE_NAME,
    via: str | None = "jane-doe",
    name: str = "records.json",
    number: int = 1,
) -> RawRecord:
    body = record if isinstance(record, bytes) else orjson.dumps(record)
    return RawRecord(
        body, Place(name, number, 0), Observation(at, source, source is not ObservedSource.MTIME), via
    )
