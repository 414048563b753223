"""A page that says its link is over is told from one that only says no."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from postkeep.errors import HttpStatus, LinkExpired
from postkeep.net.expired import HEAD_BYTES, says_expired
from postkeep.net.fetcher import Fetcher
from tests.net.fetching import get
from tests.servers.media import MediaServer

EXPIRED = [
    b"URL signature expired",
    b"<html><body>URL signature expired</body></html>",
    b"Bad URL hash / URL signature has expired",
    b'<?xml version="1.0"?><Error><Code>AccessDenied</Code><Message>Request has expired</Message>'
    b"<X-Amz-Expires>300</X-Amz-Expires><Expires>2024-01-01T00:00:00Z</Expires></Error>",
    b"<Error><Code>AccessDenied</Code><Expires>2024-01-01T00:00:00Z</Expires>"
    b"<ServerTime>2024-01-02T00:00:00Z</ServerTime></Error>",
    b"<Error><Code>ExpiredToken</Code><Message>The provided token has expired.</Message></Error>",
    b"<Code>ExpiredToken</Code>",
    b"<Error><Code>AuthenticationFailed</Code><AuthenticationErrorDetail>Signature not valid in the specified "
    b"time frame: Start [x] - Expiry [y]</AuthenticationErrorDetail></Error>",
    b"<h1>403</h1><p>This link has expired.</p>",
    b"The LINK you followed has EXPIRED",
    b"token expired",
    b'{"error": "token_expired"}',
    b'{"error":"TokenExpired"}',
    b"Signed URL expired",
    b"Access denied: expired signature",
    b"Expired link",
    b"This download link is no longer valid",
]
OTHERS = [
    b"",
    b"Forbidden",
    b"<html><head><title>403 Forbidden</title></head><body><center><h1>403 Forbidden</h1></center>"
    b"<hr><center>nginx</center></body></html>",
    b"<Error><Code>AccessDenied</Code><Message>Access Denied</Message></Error>",
    b"<Error><Code>SignatureDoesNotMatch</Code><Message>The request signature we calculated does not match the "
    b"signature you provided.</Message></Error>",
    b"<h1>Sign in</h1><p>Your session has expired, please sign in again.</p>",
    b"<p>Your login token has expired</p><form><input type='password' name=p></form>",
    b"Log in to continue. The link has expired.",
    b"Our offer has expired. See the link below.",
    b"The certificate expired",
    b"Follow this link. Expired offers are listed there.",
    b"<script>var expires = 10; var url = 'x';</script>",
    b"\xff\xd8\xff\xe0 expired",
    b"x" * HEAD_BYTES + b"URL signature expired",
]


@pytest.mark.parametrize("page", EXPIRED)
def test_pages_that_say_so(page: bytes) -> None:
    assert says_expired(page)


@pytest.mark.parametrize("page", OTHERS)
def test_pages_that_say_something_else(page: bytes) -> None:
    assert not says_expired(page)


@given(st.text(alphabet="url link_expired <>/\n", max_size=5000))
def test_no_page_is_too_much(page: str) -> None:
    assert says_expired(page.encode()) in (True, False)


@pytest.mark.parametrize("status", [400, 401, 403, 410])
def test_an_error_page_that_says_so_is_an_expired_link(
    server: MediaServer, make: Callable[..., Fetcher], status: int
) -> None:
    server.route("/a", b"URL signature expired" + b" " * 20_000, status=status)
    server.route("/huge", b"URL signature expired" + b" " * 200_000, status=status)
    server.route("/b", b"Forbidden", status=status)
    fetcher = make()
    for path in ("/a", "/huge"):
        with pytest.raises(LinkExpired) as caught:
            get(fetcher, server.url(path + "?secret"))
        assert caught.value.url == server.url(path + "?secret")
        assert caught.value.temporary is False
    with pytest.raises(HttpStatus):
        get(fetcher, server.url("/b"))


def test_other_statuses_mean_what_they_say(server: MediaServer, make: Callable[..., Fetcher]) -> None:
    for status in (404, 429, 500):
        with pytest.raises(HttpStatus):
            get(make(), server.route(f"/{status}", b"URL signature expired", status=status))
