"""Large files go up in parts, and memory stays flat, as the process that sends them measures it itself."""

from __future__ import annotations

import hashlib
import json
import subprocess
import sys
from pathlib import Path

import pytest

from postkeep.archive.objects import Bucket
from tests.archive.world import MB
from tests.servers.s3lax import LaxS3
from tests.servers.s3proxy import S3Proxy

PART = 5 * MB
_CHILD = """
import json, sys
from pathlib import Path
from benchmarks.children import peak_memory
from postkeep.archive.objects import Bucket, BucketArchive, Keys
from postkeep.archive.uploading import upload
from postkeep.model import Digest

endpoint, bucket, access, secret, path, sha256, size = sys.argv[1:]
keys = Keys(access, secret)
archive = BucketArchive(Bucket(bucket, "us-east-1", endpoint, lambda: keys, seconds=60))
archive.put("small", b"x", "video/mp4")
before = peak_memory()
with Path(path).open("rb") as file:
    digest = Digest("0" * 32, sha256, int(size))
    proven = upload(archive, "large", file, digest, "video/mp4", multipart_at=5 * 1024**2, part_size=5 * 1024**2)
print(json.dumps({"more": peak_memory() - before, "proof": proven.proof, "etag": proven.etag}))
"""


def send(endpoint: str, bucket: str, access: str, secret: str, path: Path, sha256: str) -> dict[str, object]:
    done = subprocess.run(
        [
            sys.executable,
            "-c",
            _CHILD,
            endpoint,
            bucket,
            access,
            secret,
            str(path),
            sha256,
            str(path.stat().st_size),
        ],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    told: dict[str, object] = json.loads(done.stdout)
    return told


def sparse(path: Path, size: int) -> str:
    """A file that is all zeros and takes no room; returns its SHA-256."""
    with path.open("wb") as file:
        file.truncate(size)
    sha256 = hashlib.sha256()
    with path.open("rb") as file:
        while piece := file.read(MB):
            sha256.update(piece)
    return sha256.hexdigest()


@pytest.mark.parametrize("megabytes", [200, pytest.param(2048, marks=pytest.mark.long)])
def test_a_lax_sink_takes_a_sparse_file(tmp_path: Path, megabytes: int) -> None:
    path = tmp_path / "sparse.mp4"
    sha256 = sparse(path, megabytes * MB + 1)
    with LaxS3(keep=False) as lax:
        told = send(lax.endpoint, "sink", "a", "b", path, sha256)
        assert told["proof"] == "etag_parts"
        assert str(told["etag"]).endswith(f"-{megabytes // 5 + 1}")
        assert lax.largest_part == PART
        assert lax.objects["large"].size == path.stat().st_size
    assert int(str(told["more"])) < 60 * MB


@pytest.mark.parametrize("megabytes", [26, pytest.param(200, marks=pytest.mark.long)])
def test_the_strict_server_takes_a_large_file_in_parts(bucket: Bucket, tmp_path: Path, megabytes: int) -> None:
    path, sha256 = tmp_path / "video.mp4", hashlib.sha256()
    with path.open("wb") as file:
        for number in range(megabytes):
            piece = hashlib.shake_128(str(number).encode()).digest(MB)
            sha256.update(piece)
            file.write(piece)
    keys = bucket.keys()
    with S3Proxy(int(bucket.endpoint.rpartition(":")[2])) as proxy:
        told = send(proxy.endpoint, bucket.name, keys.access, keys.secret, path, sha256.hexdigest())
        parts = [each for each in proxy.asked if "partNumber" in each.query]
        assert sorted(each.size for each in parts)[1:] == [PART] * (len(parts) - 1)
        assert len(parts) == -(-megabytes // 5)
        # It was proven by its tag: nothing was read back.
        assert [each for each in proxy.asked if each.method == "GET"] == []
    assert told["proof"] == "etag_parts"
    assert int(str(told["more"])) < 60 * MB
