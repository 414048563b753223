"""Media rows with the defects the predecessor gave them; each case adds a few posts."""

from __future__ import annotations

import hashlib
import json
from datetime import UTC, datetime
from typing import Any

from tests.adoption.building import Builder, Json
from tests.adoption.corpus_posts import number_of, urn
from tests.adoption.expectation import ExpectedPlace, ExpectedPost
from tests.records import gallery, image, image_url

THURSDAY = int(datetime(2025, 12, 11, tzinfo=UTC).timestamp())
WEEK = 7 * 86400
HOUR = 3600


def archived(md5: str, extension: str = "jpg", month: int = 11) -> str:
    return f"s3://bucket/cache/2025/{month:02}/{md5}.{extension}"


def md5_of(b: Builder) -> str:
    return hashlib.md5(f"content {b.serial()}".encode()).hexdigest()


def video_url(asset: str, expires: int, t: str = "a") -> str:
    path = f"playlist/vid/v2/{asset}/mp4-720p-30fp-crf28/mp4-720p-30fp-crf28/0/1"
    return f"https://dms.licdn.com/{path}?e={expires}&v=beta&t={t}"


def known(md5: str, size: int = 4321, extension: str = "jpg", *, stale: bool = False) -> Json:
    """What a row of a stored picture has; the path is that of the program's folder."""
    folder, mime = ("videos", "video/mp4") if extension == "mp4" else ("images", "image/jpeg")
    name = f"{md5}.{'bin' if stale else extension}"
    return {
        "md5_sum": md5,
        "file_size": size,
        "mime_type": mime,
        "local_file_path": f"cache/media/{folder}/{name}",
    }


def path_of(md5: str, extension: str = "jpg") -> str:
    return f"media/{'videos' if extension == 'mp4' else 'images'}/{md5}.{extension}"


def place(post: ExpectedPost, part: str, **more: Any) -> ExpectedPlace:
    made = ExpectedPlace(part, **more)
    post.places.append(made)
    return made


def _post(b: Builder, label: str, media: Json) -> tuple[ExpectedPost, str]:
    record, at = b.record(media=media)
    post_id = b.post(urn(number_of(record)), record, at)
    post = b.plain(label, record, post_id)
    b.snapshot(post, post_id, record)
    return post, post_id


def weekly(b: Builder) -> None:
    """A gallery whose signatures changed every week: one row knows the archive, one the analysis, one the log."""
    assets = [f"D4E22AQ{b.serial():06d}{side}" for side in "ab"]
    post, post_id = _post(b, "weekly", gallery(*(image(asset, expires=THURSDAY) for asset in assets)))
    for asset in assets:
        md5 = md5_of(b)
        there = place(post, f"/{asset}/", status="completed", path=path_of(md5))
        urls = [image_url(asset, expires=THURSDAY + week * WEEK, t=f"sig{week}") for week in range(3)]
        b.media(there, post_id, urls[0], archive_url=archived(md5), **known(md5, stale=True), log_text=None)
        words = f"a kiln, opened {b.serial()}"
        b.media(there, post_id, urls[1], analysis=words, status="completed", early=asset.endswith("a"))
        b.media(
            there, post_id, urls[2], log=[b.event("media_downloaded"), b.event("ai_analysis_failed", "failed")]
        )


def hourly(b: Builder) -> None:
    """A video whose signature changed every hour, mostly of early rows."""
    asset = f"D4E05AQ{b.serial():06d}v"
    url = video_url(asset, THURSDAY)
    post, post_id = _post(b, "hourly", {"type": "video", "url": url})
    md5 = md5_of(b)
    there = place(post, f"/{asset}/", status="started", path=path_of(md5, "mp4"))
    for hour in range(4):
        facts = known(md5, 99_000, "mp4", stale=hour == 1) if hour in (1, 2) else {}
        b.media(
            there,
            post_id,
            video_url(asset, THURSDAY + hour * HOUR, t=f"h{hour}"),
            kind="video",
            early=hour < 3,
            status=("started", "pending", None, "not_started")[hour],
            log=[b.event("media_downloaded")] if hour == 2 else [],
            archive_url=archived(md5, "mp4") if hour == 2 else None,
            **facts,
        )


def only_early(b: Builder) -> None:
    """A place with nothing but a `pm-` row."""
    asset = f"D4E22AQ{b.serial():06d}pm"
    post, post_id = _post(b, "only_early", gallery(image(asset)))
    md5 = md5_of(b)
    there = place(post, f"/{asset}/", path=path_of(md5))
    b.media(there, post_id, image_url(asset), early=True, archive_url=archived(md5), **known(md5))


def renditions(b: Builder) -> None:
    """Two renditions of one asset are one place with two contents: neither archived copy may be forgotten."""
    asset = f"D4E22AQ{b.serial():06d}r"
    post, post_id = _post(b, "renditions", gallery(image(asset)))
    there = place(post, f"/{asset}/", status="completed")
    for variant in ("feedshare-shrink_2048_1536", "feedshare-shrink_1280"):
        md5 = md5_of(b)
        url = image_url(asset, variant=variant, expires=THURSDAY)
        words = f"seen as {variant} {b.serial()}"
        b.media(
            there,
            post_id,
            url,
            archive_url=archived(md5),
            analysis=words,
            status="completed",
            **known(md5),
        )


def shared_content(b: Builder) -> None:
    """Two posts show the same bytes, which were archived twice in two months."""
    md5 = md5_of(b)
    for month in (11, 12):
        asset = f"D4E22AQ{b.serial():06d}s"
        post, post_id = _post(b, "shared_content", gallery(image(asset)))
        there = place(post, f"/{asset}/", path=path_of(md5))
        b.media(there, post_id, image_url(asset), archive_url=archived(md5, month=month), **known(md5))
        # The content's archive stands at both places; the other URL is to be found elsewhere.
        there.archive_urls = {archived(md5, month=11), archived(md5, month=12)}


def half_known(b: Builder) -> None:
    """An MD5 without size and type, an archive URL without an MD5, a path without anything."""
    for more in (
        {"md5_sum": md5_of(b)},
        {"archive_url": archived(md5_of(b))},
        {"local_file_path": "cache/images/0123456789abcdef0123456789abcdef.bin"},
        {"file_size": 5, "mime_type": "image/x-odd", "width": 3, "height": 2},
    ):
        b.expected.texts |= {value for value in more.values() if isinstance(value, str)}
        asset = f"D4E22AQ{b.serial():06d}h"
        post, post_id = _post(b, "half_known", gallery(image(asset)))
        b.media(place(post, f"/{asset}/"), post_id, image_url(asset, expires=THURSDAY), **more)


def logs(b: Builder) -> None:
    """Logs as lists, strings within JSON, single events, and nothing at all."""
    events = [b.event("media_downloaded"), b.event("ai_analysis_started", "started")]
    spelled = (
        json.dumps(events),
        json.dumps(json.dumps(events)),
        json.dumps(json.dumps(json.dumps(events))),
        json.dumps(events[0]),
        json.dumps(json.dumps(events[0])),
        json.dumps([json.dumps(event) for event in events]),
    )
    for number, text in enumerate(spelled):
        post, post_id, asset = _single(b, "logs")
        there = place(post, f"/{asset}/")
        b.media(
            there,
            post_id,
            image_url(asset),
            log=events if number not in (3, 4) else events[:1],
            log_text=text,
        )
    for text in (None, "null", '""', "[]", "{}"):
        post, post_id, asset = _single(b, "logs")
        b.media(place(post, f"/{asset}/"), post_id, image_url(asset), log_text=text)


def odd_logs(b: Builder) -> None:
    """Words that are no log, and an array that broke off within its string."""
    for number, text in enumerate(("downloaded by hand {}", '[{{"event": "media_downloaded", "details": {{"n{}')):
        told = text.format(b.serial())
        post, post_id, asset = _single(b, "odd_logs")
        as_it_stands = told if b.sqlite and number == 0 else json.dumps(told)
        b.expected.texts.add(as_it_stands)
        b.media(place(post, f"/{asset}/"), post_id, image_url(asset), log_text=as_it_stands)


def statuses(b: Builder) -> None:
    """Every status, and none."""
    for status in ("not_started", "started", "completed", "failed", "pending", None):
        post, post_id, asset = _single(b, "statuses")
        after = "not_started" if status in ("pending", None) else status
        b.media(place(post, f"/{asset}/", status=after), post_id, image_url(asset), status=status)


def two_rows(b: Builder) -> None:
    """The same post under two names, the same picture under both."""
    asset = f"D4E22AQ{b.serial():06d}t"
    record, at = b.record(media=gallery(image(asset)))
    number = number_of(record)
    post = b.plain("two_rows", record, b.post(number, record, at))
    other = b.post(urn(number), record, at)
    first = next(iter(post.ids))
    post.ids.add(other)
    b.expected.merged |= post.ids
    md5 = md5_of(b)
    there = place(post, f"/{asset}/", status="completed", path=path_of(md5))
    words = f"two rows {b.serial()}"
    b.media(there, first, image_url(asset), analysis=words, status="completed", log=[b.event("media_downloaded")])
    url = image_url(asset, expires=THURSDAY)
    b.media(there, other, url, archive_url=archived(md5), **known(md5), log=[b.event("ai_analysis_completed")])


def stranger(b: Builder) -> None:
    """A picture on a stranger's host, where a server that counts requests may listen."""
    url = f"{b.base_url}/pictures/{b.serial()}.jpg"
    post, post_id = _post(b, "stranger", {"type": "image", "url": url, "images": [{"url": url}]})
    b.media(place(post, url), post_id, url)


def sizes_as_text(b: Builder) -> None:
    """Only SQLite: sizes with units."""
    post, post_id, asset = _single(b, "sizes_as_text")
    there = place(post, f"/{asset}/")
    b.media(there, post_id, image_url(asset), width="1280px", height="", file_size="4 KB", created_at="last week")
    b.expected.texts |= {"1280px", "4 KB", "last week"}


def _single(b: Builder, label: str) -> tuple[ExpectedPost, str, str]:
    asset = f"D4E22AQ{b.serial():06d}x"
    return (*_post(b, label, gallery(image(asset))), asset)


CASES = (
    weekly,
    hourly,
    only_early,
    renditions,
    shared_content,
    half_known,
    logs,
    odd_logs,
    statuses,
    two_rows,
    stranger,
)

__all__ = ["CASES", "sizes_as_text"]
