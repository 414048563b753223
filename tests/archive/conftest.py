"""Archives to test with: a folder, and a bucket of a real S3 server that checks what it is sent."""

from __future__ import annotations

import itertools
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from postkeep.archive.directory import DirectoryArchive
from postkeep.archive.objects import Bucket, BucketArchive, Keys
from postkeep.archive.port import Archive
from tests.servers import ceph
from tests.servers.ceph import ACCESS, SECRET, Ceph

REGION = "us-east-1"
_numbers = itertools.count(1)


@pytest.fixture(scope="session")
def strict_server() -> Iterator[Ceph]:
    """The real server, once for all tests of a worker; use it with `@pytest.mark.xdist_group("ceph")`."""
    if (reason := ceph.missing()) is not None:
        pytest.skip(f"no strict S3 server: {reason}")
    with tempfile.TemporaryDirectory(prefix="postkeep-ceph-") as folder, Ceph(Path(folder)) as server:
        yield server


@pytest.fixture
def bucket(strict_server: Ceph) -> Bucket:
    """A new bucket of the strict server."""
    name = f"keep-{next(_numbers)}"
    make_bucket(strict_server, name)
    return Bucket(name, REGION, strict_server.endpoint, lambda: Keys(ACCESS, SECRET), seconds=30)


@pytest.fixture(scope="session")
def writer(strict_server: Ceph) -> Keys:
    """The keys of another user of the server, who may do nothing until a test allows it."""
    keys = Keys("WRITERSACCESS", "writers-secret")
    strict_server.add_user("writer", keys.access, keys.secret)
    return keys


def make_bucket(server: Ceph, name: str) -> None:
    client(server).create_bucket(Bucket=name)


def client(server: Ceph) -> Any:
    """Another program's client of the server, to look at what ours did."""
    from botocore.session import Session

    return Session().create_client(
        "s3",
        endpoint_url=server.endpoint,
        region_name=REGION,
        aws_access_key_id=ACCESS,
        aws_secret_access_key=SECRET,
    )


@pytest.fixture(params=["directory", pytest.param("bucket", marks=pytest.mark.xdist_group("ceph"))])
def archive(request: pytest.FixtureRequest, tmp_path: Path) -> Archive:
    """Each kind of archive in turn, empty."""
    if request.param == "bucket":
        return BucketArchive(request.getfixturevalue("bucket"))
    folder = tmp_path / "archive"
    folder.mkdir()
    return DirectoryArchive(folder)
