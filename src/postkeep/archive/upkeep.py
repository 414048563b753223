"""What only the larger AWS library can do with a bucket: parts of uploads that broke off."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from typing import Any

from postkeep.archive.objects import Bucket
from postkeep.errors import ArchiveDenied, ArchiveError, ArchiveUnavailable, ExtraMissing


def client(bucket: Bucket) -> Any:
    """A botocore client of a bucket's store; its calls raise botocore's errors, see `speaking`."""
    try:
        from botocore.config import Config
        from botocore.session import Session
    except ImportError:
        raise ExtraMissing("s3", "an archive in a bucket") from None
    keys = bucket.keys()
    return Session().create_client(
        "s3",
        endpoint_url=bucket.endpoint,
        region_name=bucket.region,
        aws_access_key_id=keys.access,
        aws_secret_access_key=keys.secret,
        aws_session_token=keys.token,
        config=Config(
            s3={"addressing_style": "virtual" if bucket.virtual else "path"},
            # Other stores refuse the checksums that AWS knows.
            request_checksum_calculation="when_required",
            response_checksum_validation="when_required",
            connect_timeout=bucket.connect_seconds,
            read_timeout=bucket.seconds,
            retries={"max_attempts": 2},
            ignore_configured_endpoint_urls=True,
        ),
    )


@contextmanager
def speaking(bucket: Bucket, doing: str) -> Iterator[None]:
    """Turn botocore's errors into ours."""
    from botocore.exceptions import BotoCoreError, ClientError

    try:
        yield
    except ClientError as error:
        answer = error.response
        code = str(answer.get("Error", {}).get("Code", ""))
        status = int(answer.get("ResponseMetadata", {}).get("HTTPStatusCode", 0))
        kind: type[ArchiveError] = ArchiveUnavailable if status >= 500 or status == 429 else ArchiveDenied
        raise kind(f"bucket {bucket.name}: {doing} was refused ({code or f'HTTP {status}'})") from error
    except BotoCoreError as error:
        raise ArchiveUnavailable(f"bucket {bucket.name}: {doing} failed: {error}") from error


def abort_uploads(bucket: Bucket, before: datetime) -> int:
    """Abort uploads in parts that began before this time and were never completed; returns how many."""
    with speaking(bucket, "looking for uploads that broke off"):
        s3, aborted = client(bucket), 0
        for page in s3.get_paginator("list_multipart_uploads").paginate(Bucket=bucket.name):
            for upload in page.get("Uploads", ()):
                if upload["Initiated"] < before:
                    s3.abort_multipart_upload(Bucket=bucket.name, Key=upload["Key"], UploadId=upload["UploadId"])
                    aborted += 1
    return aborted
