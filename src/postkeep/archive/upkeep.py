"""What only the larger AWS library can do with a bucket: setting it up, and parts of uploads that broke off."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime
from typing import Any

from postkeep.archive.objects import Bucket
from postkeep.archive.port import SetUpStep
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


# --- setting a bucket up ------------------------------------------------------------------------------------

_ABORT_AFTER_DAYS = 7
_RULE_ID = "postkeep-abort-uploads"


def set_up(bucket: Bucket, prefix: str) -> list[SetUpStep]:
    """Make the bucket where it is missing, keep it private, let broken uploads go; each step says how it went.

    A store that does not know a step, or keys that may not do it, are no failure: the step says what was not
    done. Lifecycle rules of others are kept. Raises ArchiveUnavailable when the store does not answer.
    """
    s3 = client(bucket)
    return [
        _step("bucket", "exists, or is made now", lambda: _make_bucket(s3, bucket)),
        _step("private", "no public access", lambda: _keep_private(s3, bucket)),
        _step("lifecycle", f"uploads that broke off go after {_ABORT_AFTER_DAYS} days",
              lambda: _let_go(s3, bucket, prefix)),
    ]  # fmt: skip


def _step(name: str, what: str, do: Callable[[], str]) -> SetUpStep:
    try:
        return SetUpStep(name, what, done=True, note=do())
    except ArchiveDenied as error:
        return SetUpStep(name, what, done=False, note=error.message)


def _make_bucket(s3: Any, bucket: Bucket) -> str:
    from botocore.exceptions import ClientError

    try:
        with speaking(bucket, "looking for the bucket"):
            s3.head_bucket(Bucket=bucket.name)
        return "it is there"
    except ArchiveDenied as error:
        cause = error.__cause__
        status = cause.response.get("ResponseMetadata", {}).get("HTTPStatusCode") if isinstance(
            cause, ClientError) else None  # fmt: skip
        if status != 404:
            raise
    more: dict[str, Any] = {}
    if bucket.region not in ("us-east-1", "auto"):
        more["CreateBucketConfiguration"] = {"LocationConstraint": bucket.region}
    with speaking(bucket, "making the bucket"):
        s3.create_bucket(Bucket=bucket.name, **more)
    return "it was made"


def _keep_private(s3: Any, bucket: Bucket) -> str:
    everything = dict.fromkeys(
        ("BlockPublicAcls", "IgnorePublicAcls", "BlockPublicPolicy", "RestrictPublicBuckets"), True
    )
    with speaking(bucket, "blocking public access"):
        s3.put_public_access_block(Bucket=bucket.name, PublicAccessBlockConfiguration=everything)
    return "public access is blocked"


def _let_go(s3: Any, bucket: Bucket, prefix: str) -> str:
    from botocore.exceptions import ClientError

    with speaking(bucket, "setting a lifecycle rule"):
        try:
            rules = s3.get_bucket_lifecycle_configuration(Bucket=bucket.name).get("Rules", [])
        except ClientError as error:
            if error.response.get("Error", {}).get("Code") != "NoSuchLifecycleConfiguration":
                raise
            rules = []
        ours = {
            "ID": _RULE_ID,
            "Status": "Enabled",
            "Filter": {"Prefix": f"{prefix}/" if prefix else ""},
            "AbortIncompleteMultipartUpload": {"DaysAfterInitiation": _ABORT_AFTER_DAYS},
        }
        s3.put_bucket_lifecycle_configuration(
            Bucket=bucket.name,
            LifecycleConfiguration={"Rules": [*(rule for rule in rules if rule.get("ID") != _RULE_ID), ours]},
        )
    return "the rule is set"
