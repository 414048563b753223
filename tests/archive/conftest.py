"""Archives to test with: a folder, and a bucket of a real S3 server that checks what it is sent."""

from __future__ import annotations

import itertools
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from postkeep.archive.clouds import azure_archive, gcs_archive
from postkeep.archive.directory import DirectoryArchive
from postkeep.archive.objects import Bucket, BucketArchive, Keys
from postkeep.archive.port import Archive
from postkeep.config import AzureConfig, GcsConfig
from tests.servers import azurite, ceph, google
from tests.servers.azurite import ACCOUNT, KEY, Azurite
from tests.servers.ceph import ACCESS, SECRET, Ceph
from tests.servers.google import Google, ServiceAccount

REGION = "us-east-1"
_numbers = itertools.count(1)


@pytest.fixture(scope="session")
def strict_server() -> Iterator[Ceph]:
    """The real server, once for all tests of a process."""
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


@pytest.fixture(scope="session")
def azure_server() -> Iterator[Azurite]:
    """The real server, once for all tests of a process."""
    if (reason := azurite.missing()) is not None:
        pytest.skip(f"no Azure server: {reason}")
    with tempfile.TemporaryDirectory(prefix="postkeep-azurite-") as folder, Azurite(Path(folder)) as server:
        yield server


@pytest.fixture
def container(azure_server: Azurite) -> AzureConfig:
    """A new container of the Azure server."""
    name = f"keep-{next(_numbers)}"
    azure_server.make_container(name)
    return AzureConfig(ACCOUNT, name, KEY, endpoint=azure_server.endpoint)


@pytest.fixture(scope="session")
def service_account(tmp_path_factory: pytest.TempPathFactory) -> ServiceAccount:
    if (reason := google.missing()) is not None:
        pytest.skip(f"no Google Cloud Storage: {reason}")
    return ServiceAccount.made(tmp_path_factory.mktemp("google"))


@pytest.fixture
def google_server(service_account: ServiceAccount) -> Iterator[Google]:
    with Google(service_account) as server:
        yield server


def gcs(server: Google, endpoint: str = "") -> GcsConfig:
    """The bucket of a server, maybe by another address."""
    return GcsConfig(server.bucket, server.account.file, endpoint or server.endpoint)


@pytest.fixture(
    params=[
        "directory",
        "gcs",
        "bucket",
        "azure",
    ]
)
def archive(request: pytest.FixtureRequest, tmp_path: Path) -> Archive:
    """Each kind of archive in turn, empty."""
    match request.param:
        case "bucket":
            return BucketArchive(request.getfixturevalue("bucket"))
        case "gcs":
            return gcs_archive(gcs(request.getfixturevalue("google_server")))
        case "azure":
            return azure_archive(request.getfixturevalue("container"))
    folder = tmp_path / "archive"
    folder.mkdir()
    return DirectoryArchive(folder)
