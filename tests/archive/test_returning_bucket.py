"""What a bucket of a strict server holds comes back from there, and only then its client is loaded."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import replace

import orjson
import pytest

from postkeep.api import default, media_archive
from postkeep.config import ArchiveConfig, S3Config
from postkeep.media.hashing import md5_file
from tests.archive.conftest import REGION, client, make_bucket
from tests.library.world import World, here, with_pictures
from tests.servers.ceph import ACCESS, SECRET, Ceph

__all__ = ["here"]

LOADED = f"""
import sys
from pathlib import Path
import orjson
from postkeep.config import Config, ArchiveConfig, FetchConfig, S3Config
from postkeep.library import open_library
home, database, bucket, endpoint, allow, port = sys.argv[1:]
s3 = S3Config(bucket, "us-east-1", "{ACCESS}", "{SECRET}", endpoint=endpoint, style="path")
config = Config(Path(home), database, FetchConfig(allow=(allow,)), archive=ArchiveConfig(s3=s3))
with open_library(config, connect_to=(f"media.licdn.com:80:127.0.0.1:{{port}}",)) as library:
    before = "obstore" in sys.modules
    summary = library.fetch_due()
print(orjson.dumps([before, summary.restored, summary.cached, "obstore" in sys.modules]).decode())
"""


@pytest.mark.parametrize("database_kind", ["sqlite"], indirect=True)
def test_a_bucket_brings_back_what_was_lost(here: World, strict_server: Ceph) -> None:
    name = "keep-returning"
    make_bucket(strict_server, name)
    s3 = S3Config(name, REGION, ACCESS, SECRET, endpoint=strict_server.endpoint, style="path")
    here.config = replace(here.config, archive=ArchiveConfig(s3=s3))
    here.library.config = here.config
    here.library._parts = replace(here.library._parts, config=here.config)
    urls = [here.asset(asset) for asset in ("D4A", "D4B", "D4C")]
    here.bring(with_pictures(1, *urls))
    rows = here.rows("SELECT media_id, local_file_path FROM post_media ORDER BY media_key")
    default.use(here.library)
    try:
        for media_id, path in rows[:2]:
            url = media_archive.upload_to_s3(here.root / path, media_id)
            assert url == f"s3://{name}/{media_archive.generate_s3_key(media_id, 'png')}"
            assert media_archive.verify_s3_upload(url, md5_file(here.root / path))
            assert not media_archive.verify_s3_upload(url, "0" * 32)
            assert not media_archive.verify_s3_upload(f"{url}x", "0" * 32)
    finally:
        default.use(None)
    before, asked = here.cached(), here.server.count()
    stored = client(strict_server).list_objects_v2(Bucket=name)["Contents"]
    assert len(stored) == 2

    def fetched_after_losing(number: int) -> list[object]:
        (here.root / rows[number][1]).unlink()
        here.library.verify_cache(repair=True)
        command = [sys.executable, "-c", LOADED, str(here.config.home), here.config.database, name]
        command += [strict_server.endpoint, here.server.allow, str(here.server.port)]
        done = subprocess.run(command, capture_output=True, text=True, check=True)
        found: list[object] = orjson.loads(done.stdout)
        return found

    assert fetched_after_losing(2) == [False, 0, 1, False]
    assert here.server.count() == asked + 1
    assert fetched_after_losing(0) == [False, 1, 0, True]
    client(strict_server).delete_object(
        Bucket=name, Key=next(each["Key"] for each in stored if rows[1][0] in each["Key"])
    )
    assert fetched_after_losing(1) == [False, 0, 1, True]
    assert here.server.count() == asked + 2
    assert here.cached() == before
    assert here.library.verify_cache().clean
    here.check()
