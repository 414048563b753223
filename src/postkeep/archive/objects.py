"""Archives through the object_store library, and the one in a bucket: AWS S3, Cloudflare R2, and their like.

The library signs the SHA-256 of every body it sends to such a bucket, so a store that checks refuses damaged ones.
Only parts of large objects are tried again here: anything else that failed comes back as an error that says
whether waiting may help.
"""

from __future__ import annotations

import os
import re
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any, TypeAlias

from postkeep.archive.names import Name, can_stand
from postkeep.archive.paging import pages
from postkeep.archive.panics import panics_told
from postkeep.archive.port import SetUpStep, Stored
from postkeep.errors import (
    ArchiveDenied,
    ArchiveError,
    ArchiveUnavailable,
    ExtraMissing,
    ObjectMissing,
)
from postkeep.log import get_logger

if TYPE_CHECKING:
    from obstore.store import AzureStore, ClientConfig, GCSStore, RetryConfig, S3Store

    AnyStore: TypeAlias = S3Store | GCSStore | AzureStore

log = get_logger("archive")

_PAGE = 1000
# Every piece as it comes, or a store that sends a byte a minute is waited for until there is a buffer full.
_READ_BYTES = 1
# What is read must come so fast on the whole, in bytes a second, and a page of a listing at once.
_LEAST_SPEED = 1000
_PATIENCE = 60.0
_UNLISTABLE = "invalid path"
_PARTS_AT_ONCE = 2
# An upload in parts that broke off begins anew, so one part in vain must not end it.
TRIES_OF_A_PART = 4
_LONGEST = timedelta(days=1)
_STATUS = re.compile(r"(?:status code|\(code): (\d{3})")
_UNTAGGED = "ETag Header missing from response"
_ADDRESS = re.compile(r"https?://[^\s)]+")
_CODE = re.compile(r"<Code>([A-Za-z0-9.]+)</Code>")
_WAITING_MAY_HELP = frozenset({408, 425, 429, 500, 502, 503, 504})
_BUSY = frozenset({
    "SlowDown", "RequestTimeout", "InternalError", "ServiceUnavailable", "OperationAborted",
    "ServerBusy", "OperationTimedOut", "ContainerBeingDeleted",
})  # fmt: skip

TOLD = {
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
"""What the codes of stores mean to those who can mend it."""
ENDLESS = "its listing does not end: it begins anew, or goes on with nothing in it"
_CHANGED_ON_THE_WAY = frozenset({"XAmzContentSHA256Mismatch", "BadDigest", "InvalidDigest", "Md5Mismatch"})
_NOWHERE = frozenset({"NoSuchBucket", "ContainerNotFound"})
_RIGHTS = {
    "put": "s3:PutObject",
    # Without the right to list, a store does not even say that an object is not there.
    "head": "s3:GetObject and s3:ListBucket",
    "get": "s3:GetObject",
    "list": "s3:ListBucket",
    "delete": "s3:DeleteObject",
}
_DOING = {"put": "write", "head": "look up", "get": "read", "list": "list", "delete": "delete"}


@dataclass(frozen=True, slots=True)
class Dialect:
    """What the codes of a family of stores mean, with `denied` for all others that refuse, and what its rights are
    called by the verbs of requests."""

    told: Mapping[str, str]
    denied: str
    rights: Mapping[str, str]


S3 = Dialect(TOLD, TOLD["AccessDenied"], _RIGHTS)


@dataclass(frozen=True, slots=True)
class Keys:
    """Who asks; `token` for temporary keys."""

    access: str
    secret: str = field(repr=False)
    token: str | None = field(default=None, repr=False)


@dataclass(frozen=True, slots=True)
class Bucket:
    """Where objects go, and by which address. `keys` is asked anew every few minutes, for they may be renewed.

    `virtual`: the bucket is part of the host name. `link_base` begins links in place of signed ones. `seconds` is
    how long an answer may take after a request began to be sent, and how long nothing may come while one is read.
    """

    name: str
    region: str
    endpoint: str
    keys: Callable[[], Keys]
    virtual: bool = False
    link_base: str = ""
    connect_seconds: float = 10.0
    seconds: float = 300.0


@dataclass(frozen=True, slots=True)
class Where:
    """A store of objects: `within` is what stands between scheme and key in a name, `called` what errors say.

    `seconds` is how long an answer may take.
    """

    scheme: str
    within: str
    called: str
    endpoint: str
    dialect: Dialect
    link_base: str = ""
    seconds: float = 300.0

    @property
    def patience(self) -> float:
        """How many seconds a store may take before it gives anything."""
        return min(self.seconds, _PATIENCE)


class UnlistableName(ArchiveError):
    """There is an object of a name that the library has no place for."""


class ObjectArchive:
    """What the library does alike with every store; `of_parts` is the same store, and may try a part again."""

    def __init__(self, where: Where, store: AnyStore, of_parts: AnyStore) -> None:
        self._where = where
        self._store = store
        self._of_parts = of_parts

    @property
    def place(self) -> str:
        return f"{self._where.scheme}://{self._where.within}"

    @property
    def address(self) -> str:
        return self._where.endpoint

    def url(self, key: str) -> str:
        return str(Name(self._where.scheme, self._where.within, key))

    def put(self, key: str, content: bytes, mime_type: str) -> str:
        import obstore
        from obstore.exceptions import BaseError

        with self._speaking("put", key):
            try:
                result = obstore.put(
                    self._store, key, content, attributes={"Content-Type": mime_type}, use_multipart=False
                )
            except BaseError as error:
                if _UNTAGGED in str(error):
                    return ""
                raise
        return _tag(result["e_tag"])

    def put_parts(self, key: str, parts: Iterator[bytes], part_size: int, mime_type: str) -> str:
        import obstore

        with self._speaking("put", key):
            result = obstore.put(
                self._of_parts,
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
            pieces = iter(obstore.get(self._store, key).stream(min_chunk_size=_READ_BYTES))
            waited, came = 0.0, 0
            while True:
                # Only the store's own time: what is done with a piece may take as long as it likes.
                begun = time.monotonic()
                piece = next(pieces, None)
                waited += time.monotonic() - begun
                if piece is None:
                    return
                came += len(piece)
                yield memoryview(piece)
                if waited > self._where.patience + came / _LEAST_SPEED:
                    told = f"{came} bytes in {waited:.0f} seconds"
                    raise ArchiveUnavailable(f"{self._where.called}: the store sends too slowly ({told})")

    def listing(self, prefix: str = "", *, after: str = "") -> Iterator[Stored]:
        import obstore

        firsts: set[str] = set()
        with self._speaking("list", prefix):
            try:
                for page in pages(
                    lambda: obstore.list(self._store, prefix or None, offset=after or None, chunk_size=_PAGE),
                    self._where.patience,
                ):
                    if page and page[0]["path"] in firsts:
                        raise ArchiveUnavailable(f"{self._where.called}: {ENDLESS}")
                    firsts.update(meta["path"] for meta in page[:1])
                    for meta in page:
                        # There are stores that do not know where to begin.
                        if after and meta["path"] <= after:
                            continue
                        yield Stored(meta["path"], meta["size"], _tag(meta["e_tag"]))
            except TimeoutError:
                told = f"nothing of its listing came for {self._where.patience:g} seconds"
                raise ArchiveUnavailable(f"{self._where.called}: {told}") from None

    def delete(self, key: str) -> None:
        import obstore

        try:
            with self._speaking("delete", key):
                obstore.delete(self._store, key)
        except ObjectMissing:
            pass

    def link(self, key: str, seconds: int) -> str:
        import obstore

        if self._where.link_base:
            from urllib.parse import quote

            return f"{self._where.link_base}/{quote(key, safe='/')}"
        with self._speaking("get", key):
            return obstore.sign(self._store, "GET", key, timedelta(seconds=seconds))

    @contextmanager
    def _speaking(self, verb: str, key: str) -> Iterator[None]:
        """Say in our own words alone what went wrong.

        The library's errors hold whole answers, and there are stores that send back what they were sent, with the
        session's token.
        """
        from obstore.exceptions import BaseError

        if verb != "list" and not can_stand(key):
            raise self._cannot_stand(verb, key)
        try:
            with panics_told(self._where.called):
                yield
        except FileNotFoundError as error:
            if _code(str(error)) in _NOWHERE:
                raise self._said(verb, str(error)) from None
            raise ObjectMissing(self.url(key)) from None
        except ValueError:
            # So the library says that it cannot even ask for such a key.
            raise self._cannot_stand(verb, key) from None
        except (BaseError, OSError) as error:
            raise self._said(verb, str(error)) from None

    def _cannot_stand(self, verb: str, key: str) -> ArchiveError:
        """The error of this one object: nothing is ever there, and nothing can be brought there."""
        if verb == "list":
            return UnlistableName(f"{self._where.called}: nothing can be listed from {key!r} on")
        if verb == "put":
            return ArchiveError(f"{self._where.called}: {key!r} is no key an object can have")
        return ObjectMissing(f"{self.place}/{key!r}")

    def _said(self, verb: str, text: str) -> ArchiveError:
        """The store's answer as an error of ours: what is wrong, whether waiting helps, what to allow."""
        code, status = _code(text), _status(text)
        where, dialect = self._where.called, self._where.dialect
        allow = {"doing": _DOING[verb], "right": dialect.rights[verb]}
        if verb == "list" and _UNLISTABLE in text:
            return UnlistableName(
                f"{where}: an object there has a name that cannot be listed: rename or remove it"
            )
        if code in _CHANGED_ON_THE_WAY:
            # The bytes were damaged between us and the store, which is as likely to go well the next time.
            return ArchiveUnavailable(f"{where}: {TOLD['BadDigest']} ({code})")
        if code in _BUSY or status in _WAITING_MAY_HELP:
            return ArchiveUnavailable(f"{where}: the store is busy ({code or f'HTTP {status}'})")
        if "redirect without LOCATION" in text or status in (301, 307):
            return ArchiveDenied(f"{where}: {TOLD['PermanentRedirect']}")
        if told := dialect.told.get(code):
            return ArchiveDenied(f"{where}: {told.format(**allow)} ({code})")
        if status in (401, 403):
            # A HEAD that is refused has no body that could say why.
            return ArchiveDenied(f"{where}: {dialect.denied.format(**allow)} ({code or f'HTTP {status}'})")
        if status:
            return ArchiveDenied(f"{where}: the store refused to {_DOING[verb]}: HTTP {status} {code}".rstrip())
        return ArchiveUnavailable(f"{where}: no answer from {self._where.endpoint}: {_first_line(text)}")


class BucketArchive(ObjectArchive):
    """Objects in one bucket of a store that speaks S3."""

    def __init__(self, bucket: Bucket) -> None:
        where = Where(
            "s3", bucket.name, f"bucket {bucket.name}", bucket.endpoint, S3, bucket.link_base, bucket.seconds
        )
        super().__init__(where, _open(bucket), _open(bucket, tries=TRIES_OF_A_PART))
        self._bucket = bucket

    def listing(self, prefix: str = "", *, after: str = "") -> Iterator[Stored]:
        """See the port; goes on by other means at a name that the library cannot tell, or tells as another."""
        last = after
        try:
            for stored in super().listing(prefix, after=after):
                if stored.key <= last:
                    raise UnlistableName
                yield stored
                last = stored.key
        except UnlistableName:
            from postkeep.archive.upkeep import listing

            yield from listing(self._bucket, prefix, after=last)

    def sweep(self, before: datetime) -> int:
        from postkeep.archive.upkeep import abort_uploads

        try:
            return abort_uploads(self._bucket, before)
        except ArchiveDenied as error:
            # Keys that may write and nothing else are enough for an archive; a lifecycle rule sweeps as well.
            log.info("sweeping_denied", reason=error.message)
            return 0

    def set_up(self, prefix: str) -> list[SetUpStep]:
        from postkeep.archive.upkeep import set_up

        return set_up(self._bucket, prefix)


_hiding = threading.Lock()


def _open(bucket: Bucket, *, tries: int = 1) -> S3Store:
    try:
        from obstore.store import S3Store
    except ImportError:
        raise ExtraMissing("s3", "an archive in a bucket") from None
    endpoint = bucket.endpoint
    if bucket.virtual:
        scheme, _, host = endpoint.partition("://")
        endpoint = f"{scheme}://{bucket.name}.{host}"
    with hidden("AWS_"), panics_told(f"bucket {bucket.name}"):
        return S3Store(
            bucket.name,
            config={
                "region": bucket.region,
                "endpoint": endpoint,
                "aws_endpoint_url_s3": endpoint,
                "virtual_hosted_style_request": bucket.virtual,
                "unsigned_payload": False,
                "skip_signature": False,
                "request_payer": False,
                "s3_express": False,
                "imdsv1_fallback": False,
            },
            client_options=client_options(bucket.endpoint, bucket.connect_seconds, bucket.seconds),
            retry_config=retries(tries, bucket.seconds),
            credential_provider=_Provider(bucket.keys),
        )


def client_options(endpoint: str, connect_seconds: float, seconds: float) -> ClientConfig:
    """How to speak to a store, whichever: without encryption only where its address says so."""
    return {
        "allow_http": endpoint.startswith("http://"),
        "allow_invalid_certificates": False,
        "connect_timeout": timedelta(seconds=connect_seconds),
        "read_timeout": timedelta(seconds=seconds),
        "timeout": _LONGEST,
        "user_agent": "postkeep",
    }


def retries(tries: int, seconds: float) -> RetryConfig:
    """So many tries of a request within so much time."""
    return {"max_retries": tries - 1, "retry_timeout": timedelta(seconds=seconds)}


@contextmanager
def hidden(*beginnings: str) -> Iterator[None]:
    """Take the variables that begin so, in letters of whatever case, out of the environment for a moment.

    The library reads them in any case, and some that no option overrules; somebody else set them for others.
    """
    with _hiding:
        there = {name: os.environ.pop(name) for name in [*os.environ] if name.upper().startswith(beginnings)}
        try:
            yield
        finally:
            os.environ.update(there)


# The library asks anew when less than five minutes are left.
_KEYS_LAST = timedelta(minutes=10)


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
    # Addresses hold signatures, and where a store is the line says already.
    line = _ADDRESS.sub("it", text.strip().partition("\n")[0])
    return line.rpartition(" - ")[2] or line
