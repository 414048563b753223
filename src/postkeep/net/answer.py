"""Says what an answer's head and libcurl's result codes mean in the words of errors.py."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

import pycurl

from postkeep.errors import (
    AddressRefused,
    ConnectFailed,
    FetchError,
    NameUnresolved,
    NotMedia,
    TimedOut,
    TlsFailed,
    TooLarge,
    TooManyRedirects,
    Truncated,
)

LONGEST_WAIT = 7 * 86400.0

_LOST = "the connection was lost"
_REASONS: dict[int, Callable[[str, str], FetchError]] = {
    pycurl.E_URL_MALFORMAT: lambda url, _: AddressRefused("the URL cannot be read", url=url),
    pycurl.E_COULDNT_RESOLVE_HOST: lambda url, text: NameUnresolved(text, url=url),
    pycurl.E_COULDNT_CONNECT: lambda url, text: ConnectFailed(text, url=url),
    pycurl.E_OPERATION_TIMEDOUT: lambda url, text: TimedOut(text, url=url),
    pycurl.E_PARTIAL_FILE: lambda url, text: Truncated(text, url=url),
    pycurl.E_GOT_NOTHING: lambda url, _: ConnectFailed(_LOST, url=url),
    pycurl.E_SEND_ERROR: lambda url, text: ConnectFailed(f"{_LOST}: {text}", url=url),
    pycurl.E_RECV_ERROR: lambda url, text: ConnectFailed(f"{_LOST}: {text}", url=url),
    pycurl.E_TOO_MANY_REDIRECTS: lambda url, _: TooManyRedirects(url=url),
    pycurl.E_BAD_CONTENT_ENCODING: lambda url, _: NotMedia("an encoded body that was not asked for", url=url),
    pycurl.E_FILESIZE_EXCEEDED: lambda url, _: TooLarge(url=url),
    # The scheme was checked before, so this is an answer without an HTTP head.
    pycurl.E_UNSUPPORTED_PROTOCOL: lambda url, _: NotMedia("an answer that is not HTTP", url=url),
}
# A host that answers nonsense has answered. The first code is FTP's in name only, 100 is too large a head.
_NONSENSE = frozenset({pycurl.E_FTP_WEIRD_SERVER_REPLY, 100})
_TLS_CODES = frozenset(
    {
        pycurl.E_SSL_CONNECT_ERROR,
        pycurl.E_PEER_FAILED_VERIFICATION,
        pycurl.E_SSL_ENGINE_INITFAILED,
        pycurl.E_SSL_ENGINE_NOTFOUND,
        pycurl.E_SSL_ENGINE_SETFAILED,
        pycurl.E_SSL_CERTPROBLEM,
        pycurl.E_SSL_CIPHER,
        pycurl.E_SSL_CACERT_BADFILE,
        pycurl.E_SSL_SHUTDOWN_FAILED,
        pycurl.E_SSL_CRL_BADFILE,
        pycurl.E_SSL_ISSUER_ERROR,
        pycurl.E_SSL_PINNEDPUBKEYNOTMATCH,
        pycurl.E_SSL_INVALIDCERTSTATUS,
    }
)


def failure(code: int, text: str, url: str, *, body_begun: bool) -> FetchError:
    """The error for a libcurl code; `text` is libcurl's own, `body_begun` says that a good head was read."""
    if body_begun and code in (pycurl.E_RECV_ERROR, pycurl.E_GOT_NOTHING, pycurl.E_SSL_CONNECT_ERROR):
        return Truncated(f"the body broke off: {text}", url=url)
    if code in _TLS_CODES:
        return TlsFailed(text, url=url)
    if code in _NONSENSE:
        return Truncated(f"an answer that cannot be read: {text}", url=url)
    if reason := _REASONS.get(code):
        return reason(url, text)
    # Whatever else went wrong on the way is not the file's fault: another connection may do better.
    return ConnectFailed(f"libcurl error {code}: {text}", url=url)


def retry_after(headers: Mapping[str, str], now: datetime) -> float | None:
    """The wait in seconds that a Retry-After header asks for: 0 to a week; None without a readable one.

    A date counts from the answer's own Date, so that a wrong clock on either side does no harm.
    """
    wish = headers.get("retry-after", "").strip()
    if wish.isascii() and wish.isdigit():
        return min(float(wish[:9]), LONGEST_WAIT)
    until = read_date(wish)
    if until is None:
        return None
    seconds = (until - (read_date(headers.get("date", "")) or now)).total_seconds()
    return min(max(seconds, 0.0), LONGEST_WAIT)


def read_date(text: str) -> datetime | None:
    """The date of a header; None when it cannot be read."""
    try:
        date = parsedate_to_datetime(text)
    except (TypeError, ValueError, IndexError, OverflowError):
        return None
    return date if date.tzinfo else date.replace(tzinfo=UTC)
