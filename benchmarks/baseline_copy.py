# ruff: noqa: E501
# fmt: off
"""The least that must be done to keep posts in PostgreSQL: parse, pack, COPY into staging, merge."""
import gc
import hashlib
import itertools
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import orjson
import psycopg
from backports import zstd

from benchmarks.baseline_ingest import FILES_AT_ONCE, media

TABLES = (  # name, columns that are copied, columns that are the same in every row and their values
    ("posts", "post_id, native_id, urn, full_urn, posted_at_timestamp, posted_at, author_username, author_profile_id, text_content, text_first_seen_at, text_last_seen_at, media_seen_at, post_type, url, observed_at, latest_download_id, first_seen_at, created_at, updated_at", "platform, text_altered, edited", "'linkedin', false, false"),
    ("data_downloads", "download_id, post_id, downloaded_at, observed_at, total_reactions, comments, reposts, of_original, stats_json, record_sha256, content_hash, source_file_path, created_at", "run_id, observed_source, zone_assumed, tells_media", "'run-0000000000000000a', 'file_name', true, true"),
    ("post_media", "media_id, post_id, media_type, media_url, role, media_key, position, rendition, expires_at, observed_at, first_seen_at, created_at, updated_at", "occurrence, rendition_rank, download_state", "0, 2048, 'pending'"),
    ("work", "subject, host, due_at", "stage, priority, fails", "'fetch', 0, 0"),
    ("raw_records", "sha256, content_hash, size, body, created_at", "platform, shape, codec", "'linkedin', 'apimaestro', 'zstd'"),
)


def ingest(paths: list[Path], dsn: str) -> None:
    gc.disable()  # nothing here refers to itself
    connection, packer = psycopg.connect(dsn, options="-c timezone=UTC"), zstd.ZstdCompressor(level=3)
    ids, now, cursor, types = itertools.count(1 << 60), datetime.now(UTC), connection.cursor(), []
    for name, columns, _, _ in TABLES:
        cursor.execute(f"CREATE TEMPORARY TABLE staged_{name} ON COMMIT DELETE ROWS AS SELECT {columns} FROM {name} WITH NO DATA")
        types.append([column.type_code for column in cursor.execute(f"SELECT * FROM staged_{name}").description or ()])
    connection.commit()
    for start in range(0, len(paths), FILES_AT_ONCE):
        posts, downloads, places, work, records = batch = [list[Any]() for _ in TABLES]
        for path in paths[start : start + FILES_AT_ONCE]:
            at = datetime.strptime(f"{path.name[-28:-9]}+0000", "%Y-%m-%d_%H-%M-%S%z")
            for post in orjson.loads(path.read_bytes()):
                body, stats, author, number, milliseconds = orjson.dumps(post), post["stats"], post["author"], post["urn"]["activity_urn"], post["posted_at"]["timestamp"]
                key, post_id, download_id, posted = hashlib.sha256(body).hexdigest(), f"p-{next(ids):017x}", f"dl-{next(ids):017x}", datetime.fromtimestamp(milliseconds / 1000, UTC)
                posts.append((post_id, number, f"urn:li:activity:{number}", post["full_urn"], milliseconds, posted, author.get("username"), author["profile_url"][-20:], post["text"], at, at, at, post["post_type"], post["url"], at, download_id, at, now, now))
                downloads.append((download_id, post_id, now, at, stats["total_reactions"], stats["comments"], stats["reposts"], post["post_type"] == "repost", orjson.dumps(stats).decode(), key, key, str(path), now))
                records.append((key, key, len(body), packer.compress(body, packer.FLUSH_FRAME), now))
                for position, (role, kind, url) in enumerate(media(post)):
                    parts = url.split("/", 9)
                    places.append((media_id := f"med-{next(ids):017x}", post_id, kind, url, role, parts[6], position, parts[7], at, at, at, now, now))
                    work.append((media_id, parts[2], now))
        for (name, columns, same, values), kinds, rows in zip(TABLES, types, batch, strict=True):
            with cursor.copy(f"COPY staged_{name} FROM STDIN (FORMAT BINARY)") as copy:
                copy.set_types(kinds)
                for row in rows:
                    copy.write_row(row)
            cursor.execute(f"INSERT INTO {name} ({columns}, {same}) SELECT {columns}, {values} FROM staged_{name} ON CONFLICT DO NOTHING")
        connection.commit()
    connection.close()
