"""An archive in a bucket: AWS S3, Cloudflare R2, and whatever else speaks S3, through the object_store library.

The library signs the SHA-256 of every body it sends, so a store that checks refuses damaged ones. It retries
nothing for us: what failed comes back as an error that says whether waiting may help.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from postkeep.archive.names import Name
from postkeep.archive.port import SetUpStep, Stored
from postkeep.errors import (
    ArchiveDenied,
    ArchiveError,
    ArchiveUnavailable,
    ExtraMissing,
    ObjectMissing,
)

if TYPE_CHECKING:
    from obstore.store import S3Store

_PAGE = 1000
_READ_BYTES = 1024 * 1024
_PARTS_AT_ONCE = 2
_NONE_OF_IT = 0
_STATUS = re.compile(r"status code: (\d{3})")
_CODE = re.compile(r"<Code>([A-Za-z0-9.]+)</Code>")
_WAITING_MAY_HELP = frozenset({408, 425, 429, 500, 502, 503, 504})
_BUSY = frozenset({"SlowDown", "RequestTimeout", "InternalError", "ServiceUnavailable", "OperationAborted"})

_TOLD = {
    "AccessDenied": "the keys may not {doing} there: allow {right} for this bucket",
    "InvalidAccessKeyId": "the store does not know this access key",
    "SignatureDoesNotMatch": "the secret key is not the one of this access key",
    "ExpiredToken": "the session's credentials have expired: renew them",
    "RequestTimeTooSkewed": "this machine's clock is wrong by more than 15 minutes: set it",
    "NoSuchBucket": "there is no such bucket: make it, or run `postkeep archive setup`",
    "AuthorizationHeaderMalformed": "the bucket is in another region: set AWS_S3_REGION",
    "PermanentRedirect": "the bucket is in another region or needs another endpoint",
    "IllegalLocationConstraintException": "the bucket is in another region: set AWS_S3_REGION",
    "NotImplemented": "the store does not know a header or method that was sent",
    "XAmzContentSHA256Mismatch": "the body was changed on its way",
    "BadDigest": "the body was changed on its way",
}
_CHANGED_ON_THE_WAY = frozenset({"XAmzContentSHA256Mismatch", "BadDigest", "InvalidDigest"})
_RIGHTS = {"put": "s3:PutObject", "head": "s3:GetObject", "get": "s3:GetObject", "list": "s3:ListBucket",
           "delete": "s3:DeleteObject"}  # fmt: skip
_DOING = {"put": "write", "head": "look up", "get": "read", "list": "list", "delete": "delete"}


@dataclass(frozen=True, slots=True)
class Keys:
    """Who asks; `token` for temporary keys."""

    access: str
    secret: str
    token: str | None = None


@dataclass(frozen=True, slots=True)
class Bucket:
    """Where objects go, and by which address. `keys` is asked anew every few minutes, for they may be renewed.

    `virtual`: the bucket is part of the host name. `link_base` begins links in place of signed ones.
    """

    name: str
    region: str
    endpoint: str
    keys: Callable[[], Keys]
    virtual: bool = False
    link_base: str = ""
    connect_seconds: float = 10.0
    seconds: float = 300.0


class BucketArchive:
    """Objects in one bucket."""

    def __init__(self, bucket: Bucket) -> None:
        self._bucket = bucket
        self._store = _open(bucket)

    @property
    def place(self) -> str:
        return f"s3://{self._bucket.name}"

    def url(self, key: str) -> str:
        return str(Name("s3", self._bucket.name, key))

    def put(self, key: str, content: bytes, mime_type: str) -> str:
        import obstore

        with self._speaking("put", key):
            result = obstore.put(
                self._store, key, content, attributes={"Content-Type": mime_type}, use_multipart=False
            )
        return _tag(result["e_tag"])

    def put_parts(self, key: str, parts: Iterator[bytes], part_size: int, mime_type: str) -> str:
        import obstore

        with self._speaking("put", key):
            result = obstore.put(
                self._store,
                key,
                parts,
                attributes={"Content-Type": mime_type},
                use_multipart=True,
                chunk_size=part_size,
                max_concurrency=_PARTS_AT_ONCE,
            )
        return _tag(result["e_tag"])

    def head(self, key: str) -> Stored | None:
        import obstore

        try:
            with self._speaking("head", key):
                meta = obstore.head(self._store, key)
        except ObjectMissing:
            return None
        return Stored(key, meta["size"], _tag(meta["e_tag"]))

    def read(self, key: str) -> Iterator[memoryview]:
        import obstore

        with self._speaking("get", key):
            for piece in obstore.get(self._store, key).stream(min_chunk_size=_READ_BYTES):
                yield memoryview(piece)

    def listing(self, prefix: str = "", *, after: str = "") -> Iterator[Stored]:
        import obstore

        with self._speaking("list", prefix):
            for page in obstore.list(self._store, prefix or None, offset=after or None, chunk_size=_PAGE):
                for meta in page:
                    yield Stored(meta["path"], meta["size"], _tag(meta["e_tag"]))

    def delete(self, key: str) -> None:
        import obstore

        try:
            with self._speaking("delete", key):
                obstore.delete(self._store, key)
        except ObjectMissing:
            pass

    def sweep(self, before: datetime) -> int:
        from postkeep.archive.upkeep import abort_uploads

        return abort_uploads(self._bucket, before)

    def set_up(self, prefix: str) -> list[SetUpStep]:
        from postkeep.archive.upkeep import set_up

        return set_up(self._bucket, prefix)

    def link(self, key: str, seconds: int) -> str:
        import obstore

        if self._bucket.link_base:
            from urllib.parse import quote

            return f"{self._bucket.link_base}/{quote(key, safe='/')}"
        with self._speaking("get", key):
            return obstore.sign(self._store, "GET", key, timedelta(seconds=seconds))

    @contextmanager
    def _speaking(self, verb: str, key: str) -> Iterator[None]:
        from obstore.exceptions import BaseError

        try:
            yield
        except FileNotFoundError as error:
            if _code(str(error)) == "NoSuchBucket":
                raise self._said(verb, str(error)) from error
            raise ObjectMissing(self.url(key)) from error
        except (BaseError, OSError) as error:
            raise self._said(verb, str(error)) from error

    def _said(self, verb: str, text: str) -> ArchiveError:
        """The store's answer as an error of ours: what is wrong, whether waiting helps, what to allow."""
        code, status = _code(text), _status(text)
        where = f"bucket {self._bucket.name}"
        if code in _CHANGED_ON_THE_WAY:
            # The bytes were damaged between us and the store, which is as likely to go well the next time.
            return ArchiveUnavailable(f"{where}: {_TOLD['BadDigest']} ({code})")
        if code in _BUSY or status in _WAITING_MAY_HELP:
            return ArchiveUnavailable(f"{where}: the store is busy ({code or f'HTTP {status}'})")
        if "redirect without LOCATION" in text or status in (301, 307):
            return ArchiveDenied(f"{where}: {_TOLD['PermanentRedirect']}")
        if told := _TOLD.get(code):
            return ArchiveDenied(f"{where}: {told.format(doing=_DOING[verb], right=_RIGHTS[verb])} ({code})")
        if status in (401, 403):
            # A HEAD that is refused has no body that could say why.
            told = _TOLD["AccessDenied"].format(doing=_DOING[verb], right=_RIGHTS[verb])
            return ArchiveDenied(f"{where}: {told} (HTTP {status})")
        if status:
            return ArchiveDenied(f"{where}: the store refused to {_DOING[verb]}: HTTP {status} {code}".rstrip())
        return ArchiveUnavailable(f"{where}: no answer from {self._bucket.endpoint}: {_first_line(text)}")


def _open(bucket: Bucket) -> S3Store:
    try:
        from obstore.store import S3Store
    except ImportError:
        raise ExtraMissing("s3", "an archive in a bucket") from None
    endpoint = bucket.endpoint
    if bucket.virtual:
        scheme, _, host = endpoint.partition("://")
        endpoint = f"{scheme}://{bucket.name}.{host}"
    return S3Store(
        bucket.name,
        config={
            "region": bucket.region,
            "endpoint": endpoint,
            # The library reads AWS_* variables by itself; what is named here they cannot change.
            "aws_endpoint_url_s3": endpoint,
            "virtual_hosted_style_request": bucket.virtual,
            "unsigned_payload": False,
            "skip_signature": False,
        },
        client_options={
            "allow_http": bucket.endpoint.startswith("http://"),
            "connect_timeout": timedelta(seconds=bucket.connect_seconds),
            "timeout": timedelta(seconds=bucket.seconds),
            "user_agent": "postkeep",
        },
        retry_config={"max_retries": _NONE_OF_IT, "retry_timeout": timedelta(seconds=bucket.seconds)},
        credential_provider=_Provider(bucket.keys),
    )


_KEYS_LAST = timedelta(minutes=5)


class _Provider:
    """Hands keys to the library, so that none of the environment's are mixed in."""

    def __init__(self, keys: Callable[[], Keys]) -> None:
        self._keys = keys

    def __call__(self) -> Any:
        from datetime import UTC, datetime

        keys = self._keys()
        return {
            "access_key_id": keys.access,
            "secret_access_key": keys.secret,
            "token": keys.token,
            "expires_at": datetime.now(UTC) + _KEYS_LAST,
        }


def _tag(e_tag: str | None) -> str:
    return (e_tag or "").strip('"')


def _code(text: str) -> str:
    found = _CODE.search(text)
    return found.group(1) if found else ""


def _status(text: str) -> int:
    found = _STATUS.search(text)
    return int(found.group(1)) if found else 0


def _first_line(text: str) -> str:
    line = text.strip().partition("\n")[0]
    return line.rpartition(" - ")[2] or line
