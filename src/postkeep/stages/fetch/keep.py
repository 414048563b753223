"""From a body to a staged file: what it is, whether it is what was asked for, whether it is whole."""

from __future__ import annotations

from collections.abc import Sequence

from postkeep.errors import FetchError, LinkExpired, NotMedia, Placeholder
from postkeep.media.cache import Cache, Staged
from postkeep.model import Body, Digest, Dimensions, Fetched, Kind, MediaType
from postkeep.net.expired import says_expired

_PAGE_BYTES = 4096


def stage(cache: Cache, fetched: Fetched, placeholders: Sequence[str]) -> Staged:
    """Bring a body to the disk under a temporary name.

    Raises NotMedia, LinkExpired for a page that says so, Placeholder for a picture of one pixel and for one
    whose hash is among `placeholders`, or CacheError; no file is left then.
    """
    head = _head(fetched.body)
    try:
        staged = cache.stage(fetched.body)
    except NotMedia as error:
        raise _named(error, head, fetched.url) from None
    if (reason := stands_in(staged.kind, staged.digest, staged.dimensions, placeholders)) is not None:
        cache.discard(staged)
        raise Placeholder(reason, url=fetched.url)
    return staged


def _head(body: Body) -> bytes:
    if body.chunks:
        return body.chunks[0][:_PAGE_BYTES]
    # A page is never large enough to be spilled, and a file's first bytes are read again by whoever stages it.
    return b""


def _named(error: NotMedia, head: bytes, url: str) -> FetchError:
    if says_expired(head):
        return LinkExpired("a page that says the link has expired", url=url)
    return NotMedia(error.found, url=url)


def stands_in(kind: Kind, digest: Digest, sides: Dimensions, placeholders: Sequence[str]) -> str | None:
    """Why a content is only there in place of another; None when it is not."""
    if digest.sha256 in placeholders or digest.md5 in placeholders:
        return "a picture that is listed as a placeholder"
    if kind.media_type is MediaType.IMAGE and (sides.width, sides.height) == (1, 1):
        return "a picture of one pixel"
    return None
