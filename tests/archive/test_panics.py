"""What no Exception is ends as a line all the same."""

from __future__ import annotations

from pathlib import Path

import obstore
import pytest

from postkeep import log
from postkeep.archive.buckets import s3_bucket
from postkeep.archive.objects import BucketArchive
from postkeep.cli.run import run
from postkeep.config import S3Config
from postkeep.errors import ArchiveError, ConfigError
from tests.archive.world import lax_bucket


class PanicException(BaseException):
    """As libraries of another language raise it."""


@pytest.fixture
def panicking(monkeypatch: pytest.MonkeyPatch) -> BucketArchive:
    def panic(*given: object, **named: object) -> None:
        raise PanicException("called `unwrap()` on an Err value\nnote: run with")

    for name in ("put", "head", "get", "list", "delete", "sign"):
        monkeypatch.setattr(obstore, name, panic)
    return BucketArchive(lax_bucket("http://127.0.0.1:1"))


def test_a_panic_is_an_error_of_the_archive(panicking: BucketArchive) -> None:
    asked = (
        lambda: panicking.put("a", b"", "image/png"),
        lambda: panicking.put_parts("a", iter(()), 5 << 20, "image/png"),
        lambda: panicking.head("a"),
        lambda: next(panicking.read("a")),
        lambda: next(panicking.listing()),
        lambda: panicking.delete("a"),
        lambda: panicking.link("a", 60),
    )
    for ask in asked:
        with pytest.raises(ArchiveError) as told:
            ask()  # type: ignore[no-untyped-call]
        assert told.value.message.endswith("Err value")


@pytest.mark.parametrize("endpoint", ["http://127.0.0.1:9000", "http://[::1]:9000"])
def test_a_bucket_stands_before_no_address(endpoint: str) -> None:
    keys = {"access_key_id": "a", "secret_access_key": "b"}
    with pytest.raises(ConfigError, match="set it to path"):
        s3_bucket(S3Config("mine", endpoint=endpoint, style="virtual", **keys))
    with pytest.raises(ConfigError, match="my_bucket"):
        s3_bucket(S3Config("my_bucket", endpoint="http://localhost:9000", style="virtual", **keys))
    assert s3_bucket(S3Config("mine", endpoint=endpoint, **keys)).endpoint == endpoint
    assert s3_bucket(S3Config("my.own", endpoint="http://localhost:9000", style="virtual", **keys)).virtual


def test_the_program_says_so_in_one_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    for name, value in {
        "AWS_S3_BUCKET": "mine",
        "AWS_ACCESS_KEY_ID": "a",
        "AWS_SECRET_ACCESS_KEY": "b",
        "POSTKEEP_ARCHIVE_S3_ENDPOINT": "http://127.0.0.1:9000",
        "POSTKEEP_ARCHIVE_S3_STYLE": "virtual",
    }.items():
        monkeypatch.setenv(name, value)
    try:
        assert run(["--home", str(tmp_path / "home"), "archive", "setup"]) == 2
    finally:
        log.release_logging()
    [line] = capfd.readouterr().err.splitlines()
    assert line.startswith("postkeep: archive.s3.style is virtual")
