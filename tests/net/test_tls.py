"""TLS is verified, and is not left again."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from postkeep.errors import (
    AddressRefused,
    TlsFailed,
)
from postkeep.net.fetcher import Fetcher
from tests.net.fetching import content, get
from tests.servers import media
from tests.servers.media import MediaServer


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """A certificate for localhost and cdn.example, and its key, made for this run."""
    if not shutil.which("openssl"):
        pytest.skip("no openssl to make a certificate with")
    folder = tmp_path_factory.mktemp("tls")
    pair = folder / "certificate.pem", folder / "key.pem"
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes",
         "-days", "2", "-subj", "/CN=test", "-addext", "subjectAltName=DNS:localhost,DNS:cdn.example",
         "-out", pair[0], "-keyout", pair[1]],
        check=True, capture_output=True,
    )  # fmt: skip
    return pair


@pytest.fixture
def secure(certificate: tuple[Path, Path]) -> Iterator[MediaServer]:
    with MediaServer(certificate=certificate) as server:
        yield server


def test_tls_is_verified(
    secure: MediaServer, make: Callable[..., Fetcher], certificate: tuple[Path, Path]
) -> None:
    secure.route("/a", b"x" * 300_000)
    options: dict[str, Any] = {"allow": (secure.allow,), "connect_to": [f"::127.0.0.1:{secure.port}"]}
    trusting = make(certificates=certificate[0], **options)
    assert get(trusting, "https://cdn.example/a").body.size == 300_000
    for fetcher, url in (
        (make(**options), "https://cdn.example/a"),
        (trusting, "https://other.example/a"),
    ):
        with pytest.raises(TlsFailed) as caught:
            get(fetcher, url)
        assert caught.value.temporary
    assert secure.count() == 1


def test_https_never_leads_back_to_http(
    secure: MediaServer, server: MediaServer, make: Callable[..., Fetcher], certificate: tuple[Path, Path]
) -> None:
    server.route("/to-https", media.redirect("https://cdn.example/a"))
    server.route("/a", b"plain")
    secure.route("/a", b"secure")
    secure.route("/to-http", media.redirect(server.url("/a")))
    fetcher = make(
        allow=(secure.allow,),
        certificates=certificate[0],
        connect_to=[f"cdn.example:443:127.0.0.1:{secure.port}"],
    )
    assert content(get(fetcher, server.url("/to-https")).body) == b"secure"
    with pytest.raises(AddressRefused):
        get(fetcher, "https://cdn.example/to-http")
    assert server.count("/a") == 0


def test_a_tls_server_that_speaks_no_tls(server: MediaServer, make: Callable[..., Fetcher]) -> None:
    fetcher = make(connect_to=[f"::127.0.0.1:{server.port}"])
    with pytest.raises(TlsFailed):
        get(fetcher, "https://cdn.example/a")
