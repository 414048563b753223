"""Every error postkeep raises on purpose.

    PostkeepError
      +- ConfigError                 exit 2
      +- SourceError                 exit 2   nothing readable
      +- ExtraMissing                exit 2   an optional part is not installed
      +- ProgramMissing              exit 2   a program postkeep starts is not there, or does not start
      +- NotFound                    exit 2   no such post, run, file
      +- Held                        exit 2   a hold forbids it
      +- ParseError                           one record; quarantined, the others go on
      |    +- UnknownShape
      +- StoreError                  exit 3
      |    +- StoreBusy                       (temporary)
      |    +- SchemaNewer
      |    +- StoreClash                      somebody else wrote the same key first: plan again
      |         +- StoreInterrupted           (temporary, a StoreBusy as well)
      +- LeaseTaken                           another process does this stage
      |    +- LeaseLost
      +- FetchError                           one URL; `temporary` says whether waiting may help
      |    +- AddressRefused
      |    +- TooLarge
      |    +- TooManyRedirects
      |    +- HttpStatus
      |    +- NameUnresolved, ConnectFailed, TlsFailed, TimedOut, Truncated    (temporary)
      |    +- NotMedia
      |    +- Placeholder
      |    +- LinkExpired
      +- CacheError                  exit 4   the cache cannot be written: full, read-only, gone
      |    +- CacheFull
      +- JoinError                            one video and its sound; noted, the others go on
      +- ArchiveError                exit 4   one object, or the store
      |    +- ArchiveUnavailable              (temporary)
      |    +- ArchiveDenied                   a right or a setting is missing: waiting does not help
      |    +- ObjectMissing
      |    +- ObjectDiffers
      |    +- SourceChanged                   our own file is not what its row says
      +- IntegrityError              exit 5
           +- FileMissing
           +- FileDamaged

A class's docstring is its default message. What is known of the place (ids, paths, URLs) is an attribute.
Mistakes of our own are never wrapped in these.
"""

from __future__ import annotations

from pathlib import Path

from postkeep.model import Partial


class PostkeepError(Exception):
    """postkeep could not go on."""

    exit_code = 1

    def __init__(self, message: str | None = None) -> None:
        self.message = message or " ".join((type(self).__doc__ or "").split())
        super().__init__(self.message)


class ConfigError(PostkeepError):
    """The configuration is not usable."""

    exit_code = 2


class SourceError(PostkeepError):
    """Nothing to import could be read."""

    exit_code = 2


class ExtraMissing(PostkeepError):
    """An optional part of postkeep is not installed."""

    exit_code = 2

    def __init__(self, extra: str, purpose: str) -> None:
        self.extra = extra
        super().__init__(f"{purpose} needs the extra [{extra}]: pip install 'postkeep[{extra}]'")


class ProgramMissing(PostkeepError):
    """A program that postkeep starts is not installed."""

    exit_code = 2


class NotFound(PostkeepError):
    """There is no such thing here."""

    exit_code = 2


class Held(PostkeepError):
    """A hold forbids this."""

    exit_code = 2


class ParseError(PostkeepError):
    """The record cannot be read. `field` is a path such as `author.username`."""

    def __init__(self, message: str | None = None, *, field: str | None = None) -> None:
        self.field = field
        super().__init__(f"{field}: {message}" if field and message else message)


class UnknownShape(ParseError):
    """No platform knows a record of this shape."""


class StoreError(PostkeepError):
    """The database cannot be used."""

    exit_code = 3


class StoreBusy(StoreError):
    """The database is locked by another process; try again when it is done."""


class SchemaNewer(StoreError):
    """The database was written by a newer postkeep; upgrade the program, nothing was changed."""


class StoreClash(StoreError):
    """Another process wrote the same key first."""


class StoreInterrupted(StoreClash, StoreBusy):
    """The database broke a transaction off, of which nothing was written: do it again.

    Only when the connection was lost on the very commit nobody knows whether it counted; every batch may be
    stored twice.
    """


class LeaseTaken(PostkeepError):
    """Another process is doing this."""

    exit_code = 3

    def __init__(self, name: str, owner: str) -> None:
        self.name = name
        self.owner = owner
        super().__init__(f"another process ({owner}) is doing `{name}` on this database")


class LeaseLost(LeaseTaken):
    """Another process took this over."""


class FetchError(PostkeepError):
    """The URL could not be fetched.

    `temporary` is decided where the failure was seen; nothing else looks at retrying. `retry_after` is the
    server's own wish in seconds. `partial` is what arrived of a large body before it broke off, when the rest
    can be asked for; its file belongs to whoever catches this.
    """

    exit_code = 4
    temporary = False
    kind = "error"
    partial: Partial | None = None

    def __init__(self, message: str | None = None, *, url: str = "", retry_after: float | None = None) -> None:
        self.url = url
        self.retry_after = retry_after
        super().__init__(message)


class AddressRefused(FetchError):
    """The address is not one that may be reached."""

    kind = "refused"


class TooLarge(FetchError):
    """The body is larger than the limit."""

    kind = "too_large"


class TooManyRedirects(FetchError):
    """Too many redirects."""

    kind = "redirects"


class HttpStatus(FetchError):
    """The server answered with an error status."""

    kind = "http"

    def __init__(self, status: int, *, url: str = "", retry_after: float | None = None) -> None:
        self.status = status
        self.temporary = status in (408, 425, 429) or status >= 500
        super().__init__(f"HTTP {status}", url=url, retry_after=retry_after)


class NameUnresolved(FetchError):
    """The host name could not be resolved."""

    temporary = True
    kind = "dns"


class ConnectFailed(FetchError):
    """No connection to the host."""

    temporary = True
    kind = "connect"


class TlsFailed(FetchError):
    """No trusted TLS connection to the host."""

    temporary = True
    kind = "tls"


class TimedOut(FetchError):
    """The host took too long."""

    temporary = True
    kind = "timeout"


class Truncated(FetchError):
    """The body ended before its declared end."""

    temporary = True
    kind = "truncated"


class NotMedia(FetchError):
    """The body is not a picture, video or document. `found` names what it is."""

    kind = "not_media"

    def __init__(self, found: str, *, url: str = "") -> None:
        self.found = found
        super().__init__(f"not media but {found}", url=url)


class Placeholder(FetchError):
    """The picture only stands in for the one that was asked for."""

    kind = "placeholder"


class LinkExpired(FetchError):
    """The server says that the link has expired."""

    kind = "expired"


class CacheError(PostkeepError):
    """The cache cannot be written."""

    exit_code = 4


class CacheFull(CacheError):
    """The cache has reached its limit: raise `cache.max_bytes` to go on."""


class JoinError(PostkeepError):
    """A video and its sound could not be joined. `kind` is a word that stays the same, for people who sort."""

    def __init__(self, message: str, *, kind: str) -> None:
        self.kind = kind
        super().__init__(message)


class ArchiveError(PostkeepError):
    """The archive could not be used.

    `temporary` is decided where the failure was seen; nothing else looks at retrying. `retry_after` is the
    store's own wish in seconds.
    """

    exit_code = 4
    temporary = False
    kind = "error"

    def __init__(self, message: str | None = None, *, retry_after: float | None = None) -> None:
        self.retry_after = retry_after
        super().__init__(message)


class ArchiveUnavailable(ArchiveError):
    """The archive does not answer."""

    temporary = True
    kind = "unavailable"


class ArchiveDenied(ArchiveError):
    """The archive does not allow this."""

    kind = "denied"


class ObjectMissing(ArchiveError):
    """The archive has no such object:"""

    kind = "missing"

    def __init__(self, url: str) -> None:
        self.url = url
        super().__init__(f"{type(self).__doc__} {url}")


class ObjectDiffers(ArchiveError):
    """The archive holds other bytes than it was given:"""

    kind = "differs"

    def __init__(self, url: str) -> None:
        self.url = url
        super().__init__(f"{type(self).__doc__} {url}")


class SourceChanged(ArchiveError):
    """The file in the cache is not what was proven."""

    kind = "source"


class IntegrityError(PostkeepError):
    """Bytes are not what they were proven to be."""

    exit_code = 5

    def __init__(self, path: str | Path, message: str | None = None) -> None:
        self.path = str(path)
        super().__init__(f"{message or ' '.join((type(self).__doc__ or '').split())} {self.path}")


class FileMissing(IntegrityError):
    """The file is not in the cache:"""


class FileDamaged(IntegrityError):
    """The file's content is not what was proven:"""
