"""What only the larger AWS library can do with a bucket: setting it up, and parts of uploads that broke off."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import datetime
from typing import Any

from postkeep.archive.objects import ENDLESS, TOLD, Bucket
from postkeep.archive.port import SetUpStep, Stored
from postkeep.errors import ArchiveDenied, ArchiveError, ArchiveUnavailable, ExtraMissing

_TO_SWEEP = "s3:ListBucketMultipartUploads and s3:AbortMultipartUpload"
_TO_BLOCK = "s3:PutBucketPublicAccessBlock"
_TO_SET_RULES = "s3:GetLifecycleConfiguration and s3:PutLifecycleConfiguration"
_EMPTY_PAGES = 20
_LIST_SECONDS = 60.0
_WRONG_KEYS = frozenset({"InvalidAccessKeyId", "SignatureDoesNotMatch", "ExpiredToken", "RequestTimeTooSkewed"})
_NO_RIGHT = frozenset({"AccessDenied", "AllAccessDisabled", "403"})


def client(bucket: Bucket) -> Any:
    """A botocore client of a bucket's store; its calls raise botocore's errors, see `speaking`."""
    try:
        from botocore.config import Config
        from botocore.session import Session
    except ImportError:
        raise ExtraMissing("s3", "an archive in a bucket") from None
    keys = bucket.keys()
    # Files and variables of AWS are for those who name a profile: what is asked for here, the bucket says.
    silent = dict.fromkeys(("profile", "config_file", "credentials_file"), (None, None, None, None))
    s3 = Session(session_vars=silent).create_client(
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
            defaults_mode="legacy",
            use_fips_endpoint=False,
            use_dualstack_endpoint=False,
        ),
    )
    s3.meta.events.register_first("needs-retry.s3", _stay)
    return s3


def _stay(request_dict: dict[str, Any], **_more: object) -> None:
    """Follow no redirect to another region: the address was configured, and circles would be followed for ever."""
    request_dict["context"].setdefault("s3_redirect", {})["redirected"] = True


@contextmanager
def speaking(bucket: Bucket, doing: str, right: str) -> Iterator[None]:
    """Turn botocore's errors into ours; `right` is what allows it."""
    from botocore.exceptions import BotoCoreError, ClientError
    from botocore.parsers import ResponseParserError

    try:
        yield
    except ClientError as error:
        answer = error.response
        code = str(answer.get("Error", {}).get("Code", ""))
        status = int(answer.get("ResponseMetadata", {}).get("HTTPStatusCode", 0))
        # 501: many stores do not know every question, and never will.
        waiting_helps = (status >= 500 and status != 501) or status == 429
        kind: type[ArchiveError] = ArchiveUnavailable if waiting_helps else ArchiveDenied
        meaning = TOLD.get(code, "")
        allow = f": allow {right} for this bucket" if code in _NO_RIGHT else f": {meaning}" if meaning else ""
        raise kind(f"bucket {bucket.name}: {doing} was refused ({code or f'HTTP {status}'}){allow}") from error
    except BotoCoreError as error:
        raise ArchiveUnavailable(f"bucket {bucket.name}: {doing} failed: {error}") from error
    except ResponseParserError:
        raise ArchiveUnavailable(f"bucket {bucket.name}: {doing} failed: the answer cannot be read") from None


def listing(bucket: Bucket, prefix: str, *, after: str = "") -> Iterator[Stored]:
    """Every object below a prefix whose key comes after `after`, under whatever name, page by page."""
    asked: dict[str, Any] = {"Bucket": bucket.name, "Prefix": f"{prefix}/" if prefix else ""}
    if after:
        asked["StartAfter"] = after
    s3 = client(replace(bucket, seconds=min(bucket.seconds, _LIST_SECONDS)))
    tokens, empty, last = set[str](), 0, ""
    while True:
        with speaking(bucket, "listing its objects", "s3:ListBucket"):
            page = s3.list_objects_v2(**asked)
        for each in page.get("Contents", ()):
            if (key := each["Key"]) <= last:
                raise ArchiveUnavailable(f"bucket {bucket.name}: its listing goes back: {key!r} after {last!r}")
            last = key
            # There are stores that do not know where to begin.
            if key > after:
                yield Stored(key, each.get("Size", 0), each.get("ETag", "").strip('"'))
        if not page.get("IsTruncated"):
            return
        empty = 0 if page.get("Contents") else empty + 1
        token = page.get("NextContinuationToken", "")
        if not token or token in tokens or empty > _EMPTY_PAGES:
            raise ArchiveUnavailable(f"bucket {bucket.name}: {ENDLESS}")
        tokens.add(token)
        asked["ContinuationToken"] = token


def abort_uploads(bucket: Bucket, before: datetime) -> int:
    """Abort uploads in parts that began before this time and were never completed; returns how many."""
    with speaking(bucket, "looking for uploads that broke off", _TO_SWEEP):
        s3, aborted = client(bucket), 0
        empty = 0
        for page in s3.get_paginator("list_multipart_uploads").paginate(Bucket=bucket.name):
            empty = 0 if page.get("Uploads") else empty + 1
            if empty > _EMPTY_PAGES:
                raise ArchiveUnavailable(f"bucket {bucket.name}: {ENDLESS}")
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
    done. Lifecycle rules of others are kept. Raises ArchiveUnavailable when the store does not answer, and
    ArchiveDenied when it does not take the keys for anybody's.
    """
    s3 = client(bucket)
    _must_be_known(s3, bucket)
    steps: list[tuple[str, str, Callable[[], str]]] = [
        ("bucket", "exists, or is made now", lambda: _make_bucket(s3, bucket)),
        ("private", "no public access", lambda: _keep_private(s3, bucket, prefix)),
        ("lifecycle", f"uploads that broke off go after {_ABORT_AFTER_DAYS} days",
         lambda: _let_go(s3, bucket, prefix)),
    ]  # fmt: skip
    return [_step(bucket, *each) for each in steps]


def _must_be_known(s3: Any, bucket: Bucket) -> None:
    """Raise ArchiveDenied when the keys are wrong, which no right would mend.

    By a question whose answer has a body: that to a HEAD, which is asked first otherwise, cannot say why.
    """
    from botocore.exceptions import ClientError

    try:
        with speaking(bucket, "looking for the bucket", "s3:ListBucket"):
            s3.list_objects_v2(Bucket=bucket.name, MaxKeys=1)
    except ArchiveDenied as error:
        cause = error.__cause__
        code = cause.response.get("Error", {}).get("Code", "") if isinstance(cause, ClientError) else ""
        if code in _WRONG_KEYS:
            raise ArchiveDenied(f"bucket {bucket.name}: {TOLD[code]} ({code})") from cause


def _step(bucket: Bucket, name: str, what: str, do: Callable[[], str]) -> SetUpStep:
    try:
        return SetUpStep(name, what, done=True, note=do())
    except ArchiveDenied as error:
        # All steps are about this one bucket.
        note = error.message.removeprefix(f"bucket {bucket.name}: ").removesuffix(" for this bucket")
        return SetUpStep(name, what, done=False, note=note)


def _make_bucket(s3: Any, bucket: Bucket) -> str:
    from botocore.exceptions import ClientError

    try:
        with speaking(bucket, "looking for the bucket", "s3:ListBucket"):
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
    with speaking(bucket, "making the bucket", "s3:CreateBucket"):
        s3.create_bucket(Bucket=bucket.name, **more)
    return "it was made"


_BLOCKS = ("IgnorePublicAcls", "BlockPublicPolicy", "RestrictPublicBuckets", "BlockPublicAcls")


def _keep_private(s3: Any, bucket: Bucket, prefix: str) -> str:
    """Block public access; as far as uploads still come in, for there are stores that then refuse every one."""
    before = _blocked(s3, bucket)
    if all(before.get(name) for name in _BLOCKS[:-1]):
        return "public access is blocked"
    could_write = _is_writable(s3, bucket, prefix)
    for names in (_BLOCKS, _BLOCKS[:-1]):
        _block(s3, bucket, dict.fromkeys(names, True))
        if not could_write or _is_writable(s3, bucket, prefix):
            return "public access is blocked"
    if before:
        _block(s3, bucket, before)
    else:
        with speaking(bucket, "blocking public access", _TO_BLOCK):
            s3.delete_public_access_block(Bucket=bucket.name)
    raise ArchiveDenied(f"bucket {bucket.name}: the store then refuses every upload, so it was left as it was")


def _blocked(s3: Any, bucket: Bucket) -> dict[str, bool]:
    from botocore.exceptions import ClientError

    with speaking(bucket, "asking for public access", "s3:GetBucketPublicAccessBlock"):
        try:
            found: dict[str, bool] = s3.get_public_access_block(Bucket=bucket.name)[
                "PublicAccessBlockConfiguration"
            ]
        except ClientError as error:
            if error.response.get("Error", {}).get("Code") == "NoSuchPublicAccessBlockConfiguration":
                return {}
            raise
        return found


def _block(s3: Any, bucket: Bucket, names: dict[str, bool]) -> None:
    with speaking(bucket, "blocking public access", _TO_BLOCK):
        s3.put_public_access_block(Bucket=bucket.name, PublicAccessBlockConfiguration=names)


def _is_writable(s3: Any, bucket: Bucket, prefix: str) -> bool:
    from botocore.exceptions import ClientError

    where = {
        "Bucket": bucket.name,
        "Key": "/".join(filter(None, (prefix, f"postkeep-test-{secrets.token_hex(8)}"))),
    }
    try:
        s3.put_object(**where, Body=b"")
    except ClientError:
        return False
    with speaking(bucket, f"removing the test object {where['Key']}", "s3:DeleteObject"):
        s3.delete_object(**where)
    return True


def _let_go(s3: Any, bucket: Bucket, prefix: str) -> str:
    from botocore.exceptions import ClientError

    with speaking(
        bucket, "setting a lifecycle rule", "s3:GetLifecycleConfiguration and s3:PutLifecycleConfiguration"
    ):
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
