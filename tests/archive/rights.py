"""A second user of the strict store, who may do only what a test allows."""

from __future__ import annotations

import json

from tests.archive.conftest import client
from tests.servers.ceph import Ceph

_TAKEN = frozenset({"s3:GetObject", "s3:ListBucket", "s3:DeleteObject", "s3:ListBucketMultipartUploads"})


def allow(server: Ceph, bucket: str, *rights: str) -> None:
    """The user `writer` may do exactly this in the bucket, also with objects that are theirs."""
    who = {
        "Principal": {"AWS": ["arn:aws:iam:::user/writer"]},
        "Resource": [f"arn:aws:s3:::{bucket}", f"arn:aws:s3:::{bucket}/*"],
    }
    statements = [
        {"Effect": "Allow", "Action": sorted(rights), **who},
        {"Effect": "Deny", "Action": sorted(_TAKEN.difference(rights)), **who},
    ]
    policy = json.dumps({"Version": "2012-10-17", "Statement": statements})
    client(server).put_bucket_policy(Bucket=bucket, Policy=policy)
