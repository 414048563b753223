"""What somebody else set for other programs changes nothing here, and secrets stay where they belong."""

from __future__ import annotations

import io
import logging
import os
import time
import traceback
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from postkeep.archive import open_archive
from postkeep.archive.objects import BucketArchive, Keys
from postkeep.cli.run import run as program
from postkeep.config import ArchiveConfig, S3Config
from postkeep.errors import ArchiveError, ConfigError
from tests.archive.world import lax_bucket
from tests.servers.s3lax import LaxS3
from tests.servers.s3proxy import CutAnswer, CutBody, Request, S3Proxy, Say

SECRET, TOKEN = "MARKER-SECRET-8fe1", "MARKER-TOKEN-77aa"
NOWHERE = "http://127.0.0.1:9"
VOLATILE = frozenset({"authorization", "x-amz-date"})

FOREIGN = {
    "endpoint": {"AWS_ENDPOINT_URL_S3": NOWHERE, "AWS_ENDPOINT_URL": NOWHERE, "AWS_ENDPOINT": NOWHERE},
    "token": {"AWS_SESSION_TOKEN": "theirs", "AWS_TOKEN": "theirs"},
    "keys": {"AWS_ACCESS_KEY_ID": "theirs", "AWS_SECRET_ACCESS_KEY": "theirs"},
    "unsigned": {"AWS_SKIP_SIGNATURE": "true", "AWS_UNSIGNED_PAYLOAD": "true"},
    "checksum": {"AWS_CHECKSUM_ALGORITHM": "sha256", "AWS_REQUEST_CHECKSUM_CALCULATION": "when_supported"},
    "broken checksum": {"AWS_CHECKSUM_ALGORITHM": "no such thing"},
    "encryption": {"AWS_SERVER_SIDE_ENCRYPTION": "aws:kms", "AWS_SSE_KMS_KEY_ID": "theirs"},
    "own key": {"AWS_SERVER_SIDE_ENCRYPTION": "sse-c", "AWS_SSE_CUSTOMER_KEY_BASE64": "MTIzNDU2Nzg5MDEyMzQ1Ng=="},
    "payer": {"AWS_REQUEST_PAYER": "true"},
    "express": {"AWS_S3_EXPRESS": "true"},
    "region": {"AWS_REGION": "xx-nowhere-1", "AWS_DEFAULT_REGION": "xx-nowhere-1"},
    "bucket": {"AWS_BUCKET": "theirs", "AWS_BUCKET_NAME": "theirs"},
    "address": {"AWS_VIRTUAL_HOSTED_STYLE_REQUEST": "true", "AWS_USE_DUALSTACK_ENDPOINT": "true"},
    "client": {"AWS_PROXY_URL": NOWHERE, "AWS_TIMEOUT": "1 ms", "AWS_USER_AGENT": "theirs"},
    "certificates": {"AWS_ALLOW_INVALID_CERTIFICATES": "true"},
    "profile": {"AWS_PROFILE": "no-such-profile", "AWS_CONFIG_FILE": "/nowhere", "AWS_DEFAULTS_MODE": "auto"},
    "machine": {
        "AWS_EC2_METADATA_SERVICE_ENDPOINT": NOWHERE,
        "AWS_METADATA_ENDPOINT": NOWHERE,
        "AWS_CONTAINER_CREDENTIALS_FULL_URI": NOWHERE,
        "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI": "/theirs",
    },
    "any case": {
        "AWS_Sse_Customer_Key_Base64": "MTIzNDU2Nzg5MDEyMzQ1Ng==",
        "AWS_server_side_encryption": "sse-c",
        "AWS_Checksum_Algorithm": "sha256",
        "AWS_Unsigned_Payload": "true",
        "aws_skip_signature": "true",
    },
    "no values": {
        "AWS_CONDITIONAL_PUT": "x",
        "AWS_COPY_IF_NOT_EXISTS": "x",
        "AWS_DISABLE_TAGGING": "x",
        "AWS_Request_Payer": "x",
    },
    "web identity": {"AWS_WEB_IDENTITY_TOKEN_FILE": "/etc/hostname", "AWS_ROLE_ARN": "arn:aws:iam::1:role/x"},
}


def everything(archive: BucketArchive) -> None:
    """Each request there is."""
    archive.put("a/b.jpg", b"content", "image/jpeg")
    archive.put_parts("c.mp4", iter([b"x" * 10]), 5 * 1024**2, "video/mp4")
    archive.head("a/b.jpg")
    assert b"".join(archive.read("a/b.jpg")) == b"content"
    assert len(list(archive.listing("a"))) == 1
    archive.sweep(datetime.now(UTC))
    archive.delete("a/b.jpg")


def seen(asked: list[Request]) -> list[tuple[Any, ...]]:
    """Requests without what changes from one time to the next; of signatures, what was signed and for where."""
    found = []
    for each in asked:
        headers = {name: value for name, value in each.headers.items() if name not in VOLATILE}
        headers.pop("amz-sdk-invocation-id", None)
        signed = each.headers["authorization"].partition("Signature=")[0].split("/", 2)
        found.append((each.method, each.target.partition("uploadId=")[0], headers, signed[0], signed[2]))
    return found


@pytest.mark.parametrize("names", FOREIGN)
def test_what_others_set_changes_no_request(names: str, monkeypatch: pytest.MonkeyPatch) -> None:
    asked = []
    for variables in ({}, FOREIGN[names]):
        for name, value in variables.items():
            monkeypatch.setenv(name, value)
        with LaxS3() as lax, S3Proxy(lax.port) as proxy:
            bucket = lax_bucket(proxy.endpoint, keys=lambda: Keys("OURS", SECRET))
            everything(BucketArchive(bucket))
            asked.append(str(seen(proxy.asked)).replace(str(proxy.port), "PORT"))
    assert asked[0] == asked[1]
    assert "Credential=OURS" in asked[1]
    for name, value in FOREIGN[names].items():
        assert os.environ[name] == value, "the environment is left as it was"


def test_a_proxy_that_was_set_is_used_for_everything_and_nobody_else_is_asked(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """It sees every plain request of the process, wherever it goes: none goes to a machine's own service."""
    monkeypatch.setenv("AWS_DEFAULTS_MODE", "auto")
    with LaxS3() as lax, S3Proxy(lax.port) as proxy:
        monkeypatch.setenv("HTTP_PROXY", proxy.endpoint)
        monkeypatch.setenv("http_proxy", proxy.endpoint)
        monkeypatch.setenv("NO_PROXY", "")
        monkeypatch.setenv("no_proxy", "")
        everything(BucketArchive(lax_bucket("http://store.test")))
        assert {each.target.split("/lax")[0] for each in proxy.asked} == {"http://store.test"}
        before = len(proxy.asked)
        monkeypatch.setenv("NO_PROXY", "127.0.0.1")
        monkeypatch.setenv("no_proxy", "127.0.0.1")
        everything(BucketArchive(lax_bucket(lax.endpoint)))
        assert len(proxy.asked) == before


def test_a_profile_without_keys_asks_no_machine_for_them(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "config").write_text("[profile bare]\nregion = eu-west-1\n")
    with LaxS3() as lax, S3Proxy(lax.port) as proxy:
        monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "config"))
        monkeypatch.setenv("AWS_EC2_METADATA_SERVICE_ENDPOINT", proxy.endpoint)
        monkeypatch.setenv("AWS_CONTAINER_CREDENTIALS_FULL_URI", proxy.endpoint)
        with pytest.raises(ConfigError, match="has no keys"):
            open_archive(ArchiveConfig(s3=S3Config(bucket="bbb", profile="bare")))
        assert proxy.asked == []


def test_a_profile_with_keys_signs_with_them(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "credentials").write_text(f"[mine]\naws_access_key_id = MINE\naws_secret_access_key = {SECRET}\n")
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(tmp_path / "credentials"))
    with LaxS3() as lax, S3Proxy(lax.port) as proxy:
        config = ArchiveConfig(s3=S3Config(bucket="bbb", profile="mine", endpoint=proxy.endpoint))
        open_archive(config).put("k", b"x", "image/png")
        assert "Credential=MINE/" in proxy.asked[0].headers["authorization"]


def test_keys_are_not_asked_for_with_every_request() -> None:
    asked = []

    def keys() -> Keys:
        asked.append(1)
        return Keys("OURS", SECRET)

    with LaxS3() as lax:
        archive = BucketArchive(lax_bucket(lax.endpoint, keys=keys))
        archive.put("first", b"x", "image/png")
        before = len(asked)
        until = time.monotonic() + 0.3  # as long as the library waits before it asks again
        while time.monotonic() < until:
            archive.put("k", b"x", "image/png")
    assert len(asked) == before


# --- secrets ------------------------------------------------------------------------------------------------


def echoing(request: Request) -> Say:
    """A store that sends back whatever it was sent, as some gateways do."""
    return Say(400, body="\n".join(f"{name}: {value}" for name, value in request.headers.items()).encode())


@pytest.mark.parametrize(
    "fault",
    [
        echoing,
        lambda request: Say(403, "SignatureDoesNotMatch"),
        lambda request: Say(403, "AccessDenied"),
        lambda request: Say(503, "SlowDown"),
        lambda request: Say(301, "PermanentRedirect"),
        lambda request: Say(200, body=b"<html>"),
        lambda request: CutBody(1),
        lambda request: CutAnswer(),
    ],
    ids=["echo", "signature", "denied", "busy", "redirect", "page", "cut", "cut answer"],
)
def test_no_error_names_a_secret(fault: Callable[[Request], Any], caplog: pytest.LogCaptureFixture) -> None:
    from postkeep.archive import upkeep

    # What the other library says to those who want to hear everything of it is not said by us.
    caplog.set_level(logging.DEBUG, "postkeep")
    caplog.set_level(logging.INFO)
    told = io.StringIO()
    with LaxS3() as lax, S3Proxy(lax.port, fault) as proxy:
        bucket = lax_bucket(proxy.endpoint, keys=lambda: Keys("OURS", SECRET, TOKEN), seconds=2)
        archive = BucketArchive(bucket)
        asks: list[Callable[[], object]] = [
            lambda: archive.put("k", b"x", "image/png"),
            lambda: archive.put_parts("k", iter([b"x"]), 5 * 1024**2, "image/png"),
            lambda: archive.head("k"),
            lambda: b"".join(archive.read("k")),
            lambda: list(archive.listing()),
            lambda: archive.delete("k"),
            lambda: upkeep.abort_uploads(bucket, datetime.now(UTC)),
            lambda: upkeep.set_up(bucket, ""),
        ]
        for ask in asks:
            try:
                told.write(f"{ask()}\n")
            except ArchiveError as error:
                told.write(f"{error}\n{error!r}\n")
                # What is shown of a cause is what a log or a reporter of crashes would keep.
                told.write("".join(traceback.format_exception(error)))
        told.write(f"{archive!r} {bucket!r}")
    text = told.getvalue() + caplog.text
    assert "bucket lax" in text
    assert SECRET not in text
    assert TOKEN not in text


def test_keys_show_no_secret() -> None:
    assert SECRET not in repr(Keys("OURS", SECRET, TOKEN))
    assert TOKEN not in repr(Keys("OURS", SECRET, TOKEN))


@pytest.mark.parametrize(
    "endpoint",
    ["http://user:MARKER-SECRET-8fe1@127.0.0.1:9", "http://127.0.0.1:9/?tok=MARKER-SECRET-8fe1",
     "http://127.0.0.1:9/#MARKER-SECRET-8fe1", "ftp://user:MARKER-SECRET-8fe1@x", "user:MARKER-SECRET-8fe1@x",
     "http://[MARKER-SECRET-8fe1@x", "http://user:MARKER-SECRET-8fe1/@127.0.0.1:9",
     "http:user:MARKER-SECRET-8fe1@x"],
)  # fmt: skip
@pytest.mark.parametrize(
    "name",
    ["POSTKEEP_ARCHIVE_S3_ENDPOINT", "POSTKEEP_ARCHIVE_S3_PUBLIC_URL", "POSTKEEP_ARCHIVE_R2_ENDPOINT",
     "R2_PUBLIC_URL", "POSTKEEP_ARCHIVE_GCS_ENDPOINT", "POSTKEEP_ARCHIVE_AZURE_PUBLIC_URL"],
)  # fmt: skip
def test_an_address_that_is_refused_is_not_told_whole(
    name: str, endpoint: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("POSTKEEP_HOME", str(tmp_path))
    monkeypatch.setenv(name, endpoint)
    assert program(["config", "show"]) == 2
    said = "".join(capsys.readouterr())
    assert SECRET not in said
    assert "***" in said


@pytest.mark.parametrize("database_kind", ["sqlite"], indirect=True)
def test_the_program_shows_no_secret(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], database_url: str
) -> None:
    with LaxS3() as lax, S3Proxy(lax.port, echoing) as proxy:
        for name, value in {
            "POSTKEEP_HOME": str(tmp_path),
            "POSTKEEP_DATABASE": database_url.removeprefix("sqlite:///"),
            "AWS_S3_BUCKET": "lax",
            "AWS_ACCESS_KEY_ID": "OURS",
            "AWS_SECRET_ACCESS_KEY": SECRET,
            "AWS_SESSION_TOKEN": TOKEN,
            "POSTKEEP_ARCHIVE_S3_ENDPOINT": proxy.endpoint,
        }.items():
            monkeypatch.setenv(name, value)
        said = ""
        for arguments in (
            ["config", "show"],
            ["config", "show", "--json"],
            ["archive", "setup"],
            ["archive", "verify"],
            ["media", "archive", "--all"],
            ["archive", "status", "--json"],
        ):
            program(arguments)
            said += "".join(capsys.readouterr())
        assert proxy.asked != []
        logged = "".join(path.read_text() for path in (tmp_path / "log").glob("*"))
    assert "***" in said
    for text in (said, logged):
        assert SECRET not in text
        assert TOKEN not in text
