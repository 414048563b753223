"""Setting a bucket up on a store that knows rights and rules: what is done, what is kept, what is told."""

from __future__ import annotations

from pathlib import Path

import pytest

from postkeep.archive.objects import Bucket, BucketArchive, Keys
from postkeep.config import ArchiveConfig
from postkeep.errors import ArchiveDenied, ArchiveUnavailable
from postkeep.stages.archiving import Archives
from postkeep.store import Store
from postkeep.views.archives import ArchiveStep
from tests.archive.conftest import REGION, client
from tests.archive.rights import allow
from tests.archive.world import lax_bucket, parts_of, through
from tests.servers.ceph import ACCESS, SECRET, Ceph
from tests.servers.s3lax import LaxS3
from tests.servers.s3proxy import S3Proxy, Say

pytestmark = pytest.mark.parametrize("database_kind", ["sqlite"], indirect=True)


@pytest.fixture
def set_up(tmp_path: Path, database_url: str, store: Store):  # type: ignore[no-untyped-def]
    def run(archive: BucketArchive, prefix: str = "") -> dict[str, ArchiveStep]:
        parts = parts_of(database_url, tmp_path / "cache", ArchiveConfig(prefix=prefix))
        try:
            return {step.name: step for step in Archives(parts, archive).set_up()}
        finally:
            parts.store.close()

    return run


def test_a_bucket_is_made_ready_and_again_is_no_change(strict_server: Ceph, set_up) -> None:  # type: ignore[no-untyped-def]
    archive = BucketArchive(
        Bucket("brand-new", REGION, strict_server.endpoint, lambda: Keys(ACCESS, SECRET), seconds=30)
    )
    first, again = set_up(archive, "mine"), set_up(archive, "mine")
    assert [*first] == ["bucket", "private", "lifecycle", "test"]
    assert [step for step in (*first.values(), *again.values()) if not step.done] == []
    assert (first["bucket"].note, again["bucket"].note) == ("it was made", "it is there")
    assert list(archive.listing()) == []
    s3 = client(strict_server)
    private = s3.get_public_access_block(Bucket="brand-new")["PublicAccessBlockConfiguration"]
    # Not BlockPublicAcls: with that, this store would refuse every upload.
    assert {name for name, is_set in private.items() if is_set} == {
        "IgnorePublicAcls", "BlockPublicPolicy", "RestrictPublicBuckets",
    }  # fmt: skip
    [rule] = s3.get_bucket_lifecycle_configuration(Bucket="brand-new")["Rules"]
    assert rule["Filter"] == {"Prefix": "mine/"}
    assert rule["AbortIncompleteMultipartUpload"] == {"DaysAfterInitiation": 7}
    assert "Expiration" not in rule


def test_rules_of_others_are_kept(strict_server: Ceph, bucket: Bucket, set_up) -> None:  # type: ignore[no-untyped-def]
    s3 = client(strict_server)
    theirs = {"ID": "theirs", "Status": "Enabled", "Filter": {"Prefix": "logs/"}, "Expiration": {"Days": 3}}
    s3.put_bucket_lifecycle_configuration(Bucket=bucket.name, LifecycleConfiguration={"Rules": [theirs]})
    for _ in range(2):
        assert set_up(through(bucket, bucket.endpoint))["lifecycle"].done
        rules = {r["ID"]: r for r in s3.get_bucket_lifecycle_configuration(Bucket=bucket.name)["Rules"]}
        assert set(rules) == {"theirs", "postkeep-abort-uploads"}
        assert rules["theirs"] == theirs


def test_keys_without_rights_are_told_which_to_allow(
    strict_server: Ceph,
    bucket: Bucket,
    writer: Keys,
    set_up,  # type: ignore[no-untyped-def]
) -> None:
    allow(strict_server, bucket.name, "s3:PutObject")
    steps = set_up(through(bucket, bucket.endpoint, keys=lambda: writer))
    assert not any(step.done for step in steps.values())
    for name, right in {
        "bucket": "s3:ListBucket",
        "private": "s3:GetBucketPublicAccessBlock",
        "lifecycle": "s3:PutLifecycleConfiguration",
        "test": "s3:GetObject",
    }.items():
        assert f"allow {right}" in steps[name].note or f"and {right}" in steps[name].note
        assert name == "test" or bucket.name not in steps[name].note
    [left] = client(strict_server).list_objects_v2(Bucket=bucket.name)["Contents"]
    assert f"the test object {left['Key']} is still there" in steps["test"].note
    assert "allow s3:DeleteObject" in steps["test"].note


@pytest.mark.parametrize(
    ("keys", "told"),
    [
        (Keys(ACCESS, "wrong"), "the secret key is not the one of this access key (SignatureDoesNotMatch)"),
        (Keys("NOBODY", SECRET), "the store does not know this access key (InvalidAccessKeyId)"),
    ],
)
def test_wrong_keys_make_nothing_and_are_told_alone(
    strict_server: Ceph,
    bucket: Bucket,
    set_up,  # type: ignore[no-untyped-def]
    keys: Keys,
    told: str,
) -> None:
    with pytest.raises(ArchiveDenied) as refused:
        set_up(through(bucket, bucket.endpoint, keys=lambda: keys))
    assert refused.value.message == f"bucket {bucket.name}: {told}"
    assert client(strict_server).list_objects_v2(Bucket=bucket.name)["KeyCount"] == 0


def test_a_store_that_knows_no_rules_is_no_failure_of_the_rest(set_up) -> None:  # type: ignore[no-untyped-def]
    def decide(request):  # type: ignore[no-untyped-def]
        return Say(501, "NotImplemented") if {"lifecycle", "publicAccessBlock"} & {*request.query} else None

    with LaxS3() as lax, S3Proxy(lax.port, decide) as proxy:
        steps = set_up(BucketArchive(lax_bucket(proxy.endpoint)))
    assert {name: step.done for name, step in steps.items()} == {
        "bucket": True,
        "private": False,
        "lifecycle": False,
        "test": True,
    }
    assert "NotImplemented" in steps["lifecycle"].note


def test_a_store_that_is_away_is_said_to_be(set_up) -> None:  # type: ignore[no-untyped-def]
    with LaxS3() as lax:
        endpoint = lax.endpoint
    with pytest.raises(ArchiveUnavailable):
        set_up(BucketArchive(lax_bucket(endpoint, connect_seconds=1)))
