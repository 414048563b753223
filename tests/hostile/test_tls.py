"""Nothing is asked of a host that cannot prove who it is, and what came by TLS goes on by TLS."""

from __future__ import annotations

import shutil
import socket
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.hostile.scene import Scene, scene
from tests.hostile.servers import Authority, exactly, hops
from tests.hostile.table import GOOD
from tests.servers.media import MediaServer, redirect

HOST = "secure.test"

OF_ANOTHER = "no alternative certificate subject name matches"
CERTIFICATES = {
    "for another host": (lambda authority: authority.certificate("other.test"), OF_ANOTHER),
    "for a part of its name": (lambda authority: authority.certificate("ecure.test"), OF_ANOTHER),
    "for hosts below it": (lambda authority: authority.certificate(f"*.{HOST}"), OF_ANOTHER),
    "for all hosts of its domain": (lambda authority: authority.certificate("*.test"), OF_ANOTHER),
    "expired": (lambda authority: authority.certificate(HOST, end="250101"), "has expired"),
    "not yet valid": (lambda authority: authority.certificate(HOST, start="480101"), "not yet valid"),
    "signed by itself": (lambda authority: authority.self_signed(HOST), "self-signed"),
}


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    if not shutil.which("openssl"):
        pytest.skip("no openssl to make certificates with")
    return Authority(tmp_path_factory.mktemp("authority"))


@pytest.fixture(scope="module")
def pair(authority: Authority) -> tuple[Path, Path]:
    return authority.certificate(HOST)


@pytest.fixture
def secure(pair: tuple[Path, Path]) -> Iterator[MediaServer]:
    with MediaServer(certificate=pair) as server:
        server.route("/a.png", exactly(GOOD))
        yield server


def outcome(here: Scene, url: str) -> tuple[tuple[str, str | None] | None, str | None]:
    """What comes of a URL in a post, and of the same without one."""
    here.bring(url)
    return here.row(url), here.fetch_url(f"{url}?direct")


# No host answered in such a run, so that the row waits without spending a try.
UNTRUSTED = (("pending", "tls"), "tls")
TRUSTED = (("fetched", None), None)
REFUSED = (("refused", "refused"), "refused")


def test_a_host_that_proves_itself_is_asked(authority: Authority, secure: MediaServer, tmp_path: Path) -> None:
    with scene(tmp_path, secure, certificates=authority.path) as here:
        assert outcome(here, secure.url("/a.png", host=HOST)) == TRUSTED
        assert (secure.count(), here.trap.caught) == (2, [])


def test_an_authority_nobody_trusts_proves_nothing(secure: MediaServer, tmp_path: Path) -> None:
    with scene(tmp_path, secure) as here:
        assert outcome(here, secure.url("/a.png", host=HOST)) == UNTRUSTED
        assert secure.count() == 0


@pytest.mark.parametrize("certificate", CERTIFICATES)
def test_a_certificate_that_proves_something_else(authority: Authority, tmp_path: Path, certificate: str) -> None:
    make, reason = CERTIFICATES[certificate]
    with (
        MediaServer(certificate=make(authority)) as server,
        scene(tmp_path / "home", server, certificates=authority.path) as here,
    ):
        server.route("/a.png", exactly(GOOD))
        assert outcome(here, server.url("/a.png", host=HOST)) == UNTRUSTED
        [(message,)] = here.world.rows("SELECT error_message FROM post_media")
        assert reason in message
        assert server.count() == 0
        assert here.world.cached() == {}


def test_an_address_is_no_name_of_the_certificate(
    authority: Authority, secure: MediaServer, tmp_path: Path
) -> None:
    with scene(tmp_path, secure, certificates=authority.path) as here:
        assert outcome(here, secure.url("/a.png")) == UNTRUSTED
        assert secure.count() == 0


@pytest.mark.parametrize(
    "says", [b"", b"HTTP/1.1 200 OK\r\n\r\n" + GOOD, b"\x15\x03\x01\x00\x02\x02\x28", b"\x16\x03\x01"]
)
def test_a_port_that_speaks_no_tls(tmp_path: Path, says: bytes) -> None:
    """It hears the beginning of a handshake, and not one byte of the request."""
    heard: list[bytes] = []
    with MediaServer() as server, socket.create_server(("127.0.0.1", 0)) as plain:

        def answer() -> None:
            for _ in range(2):
                connection, _ = plain.accept()
                with connection:
                    heard.append(connection.recv(65536))
                    connection.sendall(says)

        thread = threading.Thread(target=answer, daemon=True)
        thread.start()
        port = plain.getsockname()[1]
        with scene(tmp_path, server, allow=(f"127.0.0.1:{port}",)) as here:
            assert outcome(here, f"https://{HOST}:{port}/secret.png") == UNTRUSTED
        thread.join()
    assert len(heard) == 2
    assert not any(b"secret.png" in each for each in heard)


def test_https_never_leads_back_to_http(authority: Authority, secure: MediaServer, tmp_path: Path) -> None:
    with MediaServer() as plain, scene(tmp_path, secure, plain, certificates=authority.path) as here:
        plain.route("/a.png", exactly(GOOD))
        secure.route("/down.png", redirect(plain.url("/a.png", host=HOST)))
        secure.route("/late.png", hops(3, redirect(plain.url("/a.png", host="other.test"))))
        for number, path in enumerate(("/down.png", "/late.png")):
            url = secure.url(path, host=HOST)
            here.bring(url, first=10 + number)
            assert (here.row(url), here.fetch_url(url)) == REFUSED
        assert (secure.count(), plain.count()) == (2 + 8, 0)


def test_http_may_lead_to_https_and_there_again_only_to_who_proves_himself(
    authority: Authority, secure: MediaServer, tmp_path: Path
) -> None:
    with (
        MediaServer() as plain,
        MediaServer(certificate=authority.self_signed("other.test")) as other,
        scene(tmp_path / "home", secure, plain, other, certificates=authority.path) as here,
    ):
        plain.route("/up.png", redirect(secure.url("/a.png", host=HOST)))
        secure.route("/on.png", redirect(other.url("/a.png", host="other.test")))
        other.route("/a.png", exactly(GOOD))
        good, bad = plain.url("/up.png", host="plain.test"), secure.url("/on.png", host=HOST)
        here.bring(good, first=1)
        here.bring(bad, first=2)
        assert (here.row(good), here.fetch_url(f"{good}?direct")) == TRUSTED
        assert here.row(bad) == ("pending", "tls")
        assert here.fetch_url(bad) == "tls"
        assert other.count() == 0
