# ruff: noqa: E501
# fmt: off
"""The least that must be done to keep posts: parse, pack, insert. What postkeep costs is measured against it."""
import gc
import hashlib
import itertools
import sqlite3
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import orjson
from backports import zstd

FILES_AT_ONCE = 50  # 5,000 posts a transaction: longer ones gain nothing
INSERTS = (
    "INSERT INTO posts (post_id, platform, native_id, urn, full_urn, posted_at_timestamp, posted_at, author_username, author_profile_id, community_profile_id, text_content, text_altered, text_first_seen_at, text_last_seen_at, media_seen_at, post_type, edited, url, observed_at, latest_download_id, first_seen_at, created_at, updated_at) VALUES (?,'linkedin',?,?,?,?,?,?,?,NULL,?,0,?,?,?,?,0,?,?,?,?,?,?)",
    "INSERT INTO data_downloads (download_id, post_id, run_id, downloaded_at, observed_at, observed_source, zone_assumed, total_reactions, comments, reposts, views, likes, saves, of_original, tells_media, stats_json, record_sha256, content_hash, source_file_path, created_at) VALUES (?,?,'run-0000000000000000a',?,?,'file_name',1,?,?,?,NULL,NULL,NULL,?,1,?,?,?,?,?)",
    "INSERT INTO post_media (media_id, post_id, media_type, media_url, role, media_key, occurrence, position, rendition, rendition_rank, expires_at, observed_at, first_seen_at, download_state, created_at, updated_at) VALUES (?,?,?,?,?,?,0,?,?,2048,?,?,?,'pending',?,?)",
    "INSERT INTO work (stage, subject, host, priority, due_at, fails) VALUES ('fetch',?,?,0,?,0)",
    "INSERT INTO raw_records (sha256, content_hash, platform, shape, codec, size, body, created_at) VALUES (?,?,'linkedin','apimaestro','zstd',?,?,?)",
)


def media(post: dict[str, Any]) -> Iterator[tuple[str, str, str]]:
    for part, prefix in ((post, "reshared_" * (post["post_type"] == "repost")), (post.get("reshared_post") or {}, "reshared_")):
        shown, document = part.get("media") or {}, part.get("document")
        for image in shown.get("images", [shown]) if shown else ():
            yield f"{prefix}own", "video" if shown["type"] == "video" else "image", image["url"]
        if "thumbnail" in shown:
            yield f"{prefix}thumbnail", "image", shown["thumbnail"]
        if document:
            yield from ((f"{prefix}document", "document", document["url"]), (f"{prefix}cover", "image", document["thumbnail"]))


def ingest(paths: list[Path], database: Path) -> None:
    gc.disable()  # nothing here refers to itself
    connection, packer = sqlite3.connect(database, isolation_level=None), zstd.ZstdCompressor(level=3)
    ids, now = itertools.count(1 << 60), f"{datetime.now(UTC):%FT%T.%fZ}"
    connection.executescript("PRAGMA foreign_keys=ON; PRAGMA synchronous=FULL; PRAGMA wal_autocheckpoint=4000; PRAGMA cache_size=-32000")
    for start in range(0, len(paths), FILES_AT_ONCE):
        posts, downloads, places, work, records = batch = [list[Any]() for _ in INSERTS]
        for path in paths[start : start + FILES_AT_ONCE]:
            at = f"{path.name[-28:-5]}.000Z"
            for post in orjson.loads(path.read_bytes()):
                body, stats, author, number, milliseconds = orjson.dumps(post), post["stats"], post["author"], post["urn"]["activity_urn"], post["posted_at"]["timestamp"]
                key, post_id, download_id, posted = hashlib.sha256(body).hexdigest(), f"p-{next(ids):017x}", f"dl-{next(ids):017x}", f"{datetime.fromtimestamp(milliseconds / 1000, UTC).isoformat()[:23]}Z"
                posts.append((post_id, number, f"urn:li:activity:{number}", post["full_urn"], milliseconds, posted, author.get("username"), author["profile_url"][-20:], post["text"], at, at, at, post["post_type"], post["url"], at, download_id, now, now, now))
                downloads.append((download_id, post_id, now, at, stats["total_reactions"], stats["comments"], stats["reposts"], post["post_type"] == "repost", orjson.dumps(stats).decode(), key, key, str(path), now))
                records.append((key, key, len(body), packer.compress(body, packer.FLUSH_FRAME), now))
                for position, (role, kind, url) in enumerate(media(post)):
                    parts = url.split("/", 9)
                    places.append((media_id := f"med-{next(ids):017x}", post_id, kind, url, role, parts[6], position, parts[7], at, at, at, now, now))
                    work.append((media_id, parts[2], now))
        connection.execute("BEGIN IMMEDIATE")
        for insert, rows in zip(INSERTS, batch, strict=True):
            connection.executemany(insert, rows)
        connection.execute("COMMIT")
    connection.close()
