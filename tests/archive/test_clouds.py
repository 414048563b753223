"""Google Cloud Storage and Azure: what is proven there and how, links, rights, and what is said when it fails."""

from __future__ import annotations

import base64
import io
import logging
import os
import re
import traceback
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from postkeep.archive import open_archive
from postkeep.archive.clouds import azure_archive, gcs_archive
from postkeep.archive.port import Archive
from postkeep.archive.proof import Proof
from postkeep.cli.run import run as program
from postkeep.config import ArchiveConfig, AzureConfig, GcsConfig, load_config
from postkeep.errors import ArchiveDenied, ArchiveError, ArchiveUnavailable, ConfigError, ObjectDiffers
from postkeep.store import Store
from tests.archive.conftest import gcs
from tests.archive.test_environment import everything
from tests.archive.test_stores import LARGE, SMALL, content_of, send
from tests.archive.world import files, make
from tests.servers.azurite import ACCOUNT, KEY, Azurite
from tests.servers.google import Google, ServiceAccount
from tests.servers.s3lax import Tag
from tests.servers.s3proxy import CutAnswer, CutBody, Flip, Request, S3Proxy, Say

NOWHERE = "http://127.0.0.1:9"
clouds = pytest.mark.parametrize("cloud", ["gcs", "azure"])


@pytest.fixture
def through(request: pytest.FixtureRequest, cloud: str) -> Iterator[Callable[..., tuple[Archive, S3Proxy]]]:
    """Makes an archive in the cloud behind a proxy with faults."""
    proxies: list[S3Proxy] = []

    def opened(fault: Any = lambda asked: None) -> tuple[Archive, S3Proxy]:
        if cloud == "gcs":
            server = request.getfixturevalue("google_server")
            proxies.append(S3Proxy(server.door.port, fault).__enter__())
            return gcs_archive(gcs(server, proxies[-1].endpoint)), proxies[-1]
        config, server = request.getfixturevalue("container"), request.getfixturevalue("azure_server")
        proxies.append(S3Proxy(server.port, fault).__enter__())
        return azure_archive(replace(config, endpoint=f"{proxies[-1].endpoint}/{ACCOUNT}")), proxies[-1]

    yield opened
    for proxy in proxies:
        proxy.__exit__(None, None, None)


def opens(link: str) -> bytes | int:
    """What a link gives to whoever has it, or the status that refuses."""
    try:
        with urllib.request.urlopen(link) as answer:
            content: bytes = answer.read()
            return content
    except urllib.error.HTTPError as error:
        error.close()
        return error.code


# --- proofs -------------------------------------------------------------------------------------------------


def test_a_tag_of_google_that_is_a_hash_proves(google_server: Google) -> None:
    archive = gcs_archive(gcs(google_server))
    assert send(archive, "a.jpg", SMALL) is Proof.ETAG
    assert send(archive, "b.mp4", LARGE) is Proof.ETAG_PARTS
    assert google_server.door.count("GET") == 0


@pytest.mark.parametrize("tag", [Tag.KMS, Tag.WRONG])
def test_any_other_tag_of_google_proves_nothing(service_account: ServiceAccount, tag: Tag) -> None:
    for damage in (False, True):
        with Google(service_account, tag, damage=damage) as server:
            archive = gcs_archive(gcs(server))
            if damage:
                with pytest.raises(ObjectDiffers):
                    send(archive, "a.jpg", SMALL)
                assert server.store.objects == {}
            else:
                assert send(archive, "a.jpg", SMALL) is Proof.READ_BACK


def test_a_tag_of_azure_proves_nothing(container: AzureConfig) -> None:
    archive = azure_archive(container)
    assert send(archive, "a.jpg", SMALL) is Proof.READ_BACK
    assert send(archive, "b.mp4", LARGE) is Proof.READ_BACK


@clouds
@pytest.mark.parametrize("content", [SMALL, LARGE], ids=["small", "in parts"])
def test_a_bit_that_changed_on_the_way_is_found(through: Any, content: bytes) -> None:
    archive, _ = through(lambda asked: Flip(at=7) if asked.method == "PUT" and asked.size > 1000 else None)
    with pytest.raises(ObjectDiffers):
        send(archive, "a.jpg", content)
    assert archive.head("a.jpg") is None


@clouds
@pytest.mark.parametrize("database_kind", ["sqlite"], indirect=True)
def test_a_whole_run(through: Any, cloud: str, store: Store, tmp_path: Path, database_url: str) -> None:
    """Interrupted by a store that is busy, then gone on with; what stands there has the cloud's own name."""
    archive, _ = through(lambda asked: Say(503, "ServerBusy") if asked.number in (3, 6, 9) else None)
    world = make(store, tmp_path, database_url, files(12))
    for _ in range(5):
        world.run(archive)
    world.check(archive)
    [(url,)] = world.kept.rows("SELECT min(archive_url) FROM media_files")
    assert url.startswith("gs://keep/media/" if cloud == "gcs" else f"az://{ACCOUNT}/keep-")


# --- links --------------------------------------------------------------------------------------------------


@clouds
def test_a_link_opens_its_object_and_nothing_else_does(through: Any, cloud: str) -> None:
    archive, proxy = through()
    for key in ("media/2026/11/med-67c2f6c0000000003.jpg", "team-1/cache/a_b~.jpg"):
        archive.put(key, SMALL, "image/jpeg")
        link = archive.link(key, 600)
        assert link.startswith(proxy.endpoint)
        assert opens(link) == SMALL
        assert opens(link.partition("?")[0]) in (401, 403, 404)
        assert opens(link.replace("med-", "mad-").replace("team-1", "team-2")) == 403


@clouds
def test_a_name_that_stores_sign_differently_has_no_link(through: Any) -> None:
    archive, _ = through()
    for key in ("a b.jpg", "it's.jpg", "ü.jpg"):
        with pytest.raises(ArchiveDenied, match="no link can be signed"):
            archive.link(key, 60)


def test_a_token_signs_no_links(azure_server: Azurite, container: AzureConfig) -> None:
    token = azure_server.sas(container.container, "rl")
    by_token = azure_archive(replace(container, account_key="", sas_token=token))
    with pytest.raises(ArchiveDenied, match="only the account's key can sign"):
        by_token.link("a.jpg", 60)
    public = replace(container, account_key="", sas_token=token, public_url="https://cdn.example")
    assert azure_archive(public).link("a b.jpg", 60) == "https://cdn.example/a%20b.jpg"


# --- rights -------------------------------------------------------------------------------------------------


def test_a_token_is_enough_and_says_what_it_may_not(azure_server: Azurite, container: AzureConfig) -> None:
    def by(rights: str) -> Archive:
        token = azure_server.sas(container.container, rights)
        return azure_archive(replace(container, account_key="", sas_token=f"?{token}"))

    whole = by("racwdl")
    send(whole, "a.jpg", SMALL)
    send(whole, "b.mp4", LARGE)
    assert content_of(whole, "b.mp4") == LARGE
    assert [each.key for each in whole.listing()] == ["a.jpg", "b.mp4"]
    whole.delete("b.mp4")
    assert whole.head("b.mp4") is None
    with pytest.raises(ArchiveDenied, match="may not write there: it needs the rights create and write"):
        by("rl").put("c.jpg", SMALL, "image/jpeg")
    with pytest.raises(ArchiveDenied, match="may not list there: it needs the right to list"):
        list(by("rw").listing())
    with pytest.raises(ArchiveDenied, match="delete"):
        by("rl").delete("a.jpg")
    with pytest.raises(ArchiveDenied, match="the store's tags prove nothing, so objects must be read"):
        send(by("cw"), "d.jpg", SMALL)
    assert {each.key for each in whole.listing()} == {"a.jpg", "d.jpg"}


def test_what_is_wrong_with_azure_is_said(container: AzureConfig) -> None:
    wrong = azure_archive(replace(container, account_key=base64.b64encode(b"another").decode()))
    with pytest.raises(ArchiveDenied, match=r"^container keep-\d+: the key is not the one of this account"):
        wrong.put("a.jpg", SMALL, "image/jpeg")
    with pytest.raises(ArchiveDenied, match="may not look up there: it needs the right to read"):
        wrong.head("a.jpg")
    absent = azure_archive(replace(container, container="absent"))
    for ask in (lambda: absent.put("a", b"x", "image/png"), lambda: list(absent.listing())):
        with pytest.raises(ArchiveDenied, match="no such container"):
            ask()


def test_what_is_wrong_with_google_is_said(
    google_server: Google, tmp_path_factory: pytest.TempPathFactory
) -> None:
    other = ServiceAccount.made(tmp_path_factory.mktemp("other"))
    wrong = gcs_archive(replace(gcs(google_server), credentials=other.file))
    with pytest.raises(ArchiveDenied, match="bucket keep: the store does not know this key"):
        wrong.put("a.jpg", SMALL, "image/jpeg")
    absent = gcs_archive(replace(gcs(google_server), bucket="absent"))
    with pytest.raises(ArchiveDenied, match="there is no such bucket"):
        absent.put("a.jpg", SMALL, "image/jpeg")
    google_server.fault = lambda request: Say(403, "AccessDenied")
    with pytest.raises(ArchiveDenied, match=r"may not list there: give it storage\.objects\.list"):
        list(gcs_archive(gcs(google_server)).listing())


@clouds
@pytest.mark.parametrize(
    ("fault", "kind"),
    [
        (Say(503, "ServerBusy"), ArchiveUnavailable),
        (Say(429), ArchiveUnavailable),
        (CutBody(1), ArchiveUnavailable),
        (CutAnswer(), ArchiveUnavailable),
        (Say(409, "Conflict"), ArchiveDenied),
        (Say(403, "Other"), ArchiveDenied),
    ],
    ids=["busy", "slow down", "cut", "cut answer", "conflict", "refused"],
)
def test_whether_waiting_may_help(through: Any, fault: Any, kind: type[ArchiveError]) -> None:
    archive, _ = through(lambda asked: fault)
    with pytest.raises(ArchiveError) as told:
        archive.put("a.jpg", SMALL, "image/jpeg")
    assert type(told.value) is kind
    assert "\n" not in str(told.value)


# --- setting up ---------------------------------------------------------------------------------------------


@clouds
def test_setting_up_says_what_it_did_not_check(through: Any, cloud: str) -> None:
    archive, _ = through()
    steps = {step.name: step for step in archive.set_up("mine")}
    assert {name: step.done for name, step in steps.items()} == {
        "bucket": True, "private": False, "lifecycle": cloud == "azure",
    }  # fmt: skip
    assert steps["private"].note.startswith("not checked here")
    assert list(archive.listing()) == []
    refusing, _ = through(lambda asked: Say(403, "AccessDenied"))
    assert not refusing.set_up("mine")[0].done


# --- configuration ------------------------------------------------------------------------------------------


def test_what_is_set_in_the_environment(service_account: ServiceAccount, tmp_path: Path) -> None:
    def archive(**variables: str) -> Archive:
        return open_archive(load_config(environ=variables, user_folder=tmp_path).archive)

    named = {"AZURE_STORAGE_ACCOUNT_NAME": ACCOUNT, "AZURE_STORAGE_CONTAINER": "keep"}
    file = str(service_account.file)
    for variables, place in [
        ({"GCS_BUCKET": "keep", "GOOGLE_APPLICATION_CREDENTIALS": file}, "gs://keep"),
        (named | {"AZURE_STORAGE_ACCOUNT_KEY": KEY}, f"az://{ACCOUNT}/keep"),
        (named | {"AZURE_STORAGE_SAS_TOKEN": "sv=1&sig=x"}, f"az://{ACCOUNT}/keep"),
        ({"AZURE_STORAGE_CONTAINER": "keep", "AZURE_STORAGE_CONNECTION_STRING":
            f"AccountName={ACCOUNT};AccountKey={KEY};BlobEndpoint={NOWHERE}/{ACCOUNT};"}, f"az://{ACCOUNT}/keep"),
    ]:  # fmt: skip
        assert archive(**variables).place == place
        assert archive(**variables).url("media/a b.jpg") == f"{place}/media/a%20b.jpg"
    with pytest.raises(ConfigError, match=r"gcs and azure are set up as archive at once: say with archive\.store"):
        archive(GCS_BUCKET="keep", AZURE_STORAGE_CONTAINER="keep")
    with pytest.raises(ConfigError, match=r"archive\.store is gcs, but GCS_BUCKET is not set"):
        archive(POSTKEEP_ARCHIVE_STORE="gcs", **named)


@pytest.mark.parametrize(
    ("config", "told"),
    [
        (AzureConfig(container="keep"), "needs AZURE_STORAGE_ACCOUNT_NAME"),
        (AzureConfig(ACCOUNT, "keep"), "needs AZURE_STORAGE_ACCOUNT_KEY or AZURE_STORAGE_SAS_TOKEN"),
        (AzureConfig(ACCOUNT, "keep", "MARKER!"), "AZURE_STORAGE_ACCOUNT_KEY is not the key"),
        (AzureConfig(ACCOUNT, "keep", sas_token="MARKER"), "AZURE_STORAGE_SAS_TOKEN is not a SAS token"),
        (AzureConfig(ACCOUNT, "keep", KEY, endpoint="http://[MARKER"), "endpoint cannot be used"),
        (AzureConfig(container="keep", connection_string="MARKER"), "needs AZURE_STORAGE_ACCOUNT_NAME"),
    ],
)
def test_half_an_azure(config: AzureConfig, told: str) -> None:
    with pytest.raises(ConfigError, match=told) as raised:
        open_archive(ArchiveConfig(azure=config))
    assert "MARKER" not in "".join(traceback.format_exception(raised.value))


def test_half_a_google(tmp_path: Path) -> None:
    file = tmp_path / "key.json"
    for content, told in [
        (None, "cannot be read: No such file"),
        ("MARKER", "is not the key file of a service account"),
        ('{"type": "authorized_user", "refresh_token": "MARKER"}', "is not the key file of a service account"),
        ('{"type": "service_account", "client_email": "a@b", "private_key": "MARKER", "private_key_id": "1"}',
         "its key or endpoint cannot be used"),
    ]:  # fmt: skip
        if content is not None:
            file.write_text(content)
        with pytest.raises(ConfigError, match=told) as raised:
            open_archive(ArchiveConfig(gcs=GcsConfig("keep", file)))
        assert "MARKER" not in "".join(traceback.format_exception(raised.value))
    with pytest.raises(ConfigError, match="needs GOOGLE_APPLICATION_CREDENTIALS"):
        open_archive(ArchiveConfig(gcs=GcsConfig("keep")))


# --- what others set ----------------------------------------------------------------------------------------

FOREIGN = {
    "GOOGLE_SERVICE_ACCOUNT": "/nowhere", "GOOGLE_SERVICE_ACCOUNT_PATH": "/nowhere", "GOOGLE_BUCKET": "theirs",
    "GOOGLE_SERVICE_ACCOUNT_KEY": "theirs", "GOOGLE_BASE_URL": NOWHERE, "GOOGLE_BEARER_TOKEN": "theirs",
    "GOOGLE_BUCKET_NAME": "theirs", "GOOGLE_APPLICATION_CREDENTIALS": "/nowhere", "GOOGLE_SKIP_SIGNATURE": "true",
    "GOOGLE_PROXY_URL": NOWHERE, "GOOGLE_TIMEOUT": "1 ms", "GOOGLE_USER_AGENT": "theirs",
    "GCE_METADATA_HOST": NOWHERE, "GCE_METADATA_ROOT": NOWHERE, "STORAGE_EMULATOR_HOST": NOWHERE,
    "AZURE_STORAGE_ACCOUNT_NAME": "theirs", "AZURE_STORAGE_ACCESS_KEY": "dGhlaXJz",
    "AZURE_STORAGE_TOKEN": "theirs",
    "AZURE_STORAGE_ACCOUNT_KEY": "dGhlaXJz", "AZURE_STORAGE_SAS_TOKEN": "sig=theirs", "AZURE_ENDPOINT": NOWHERE,
    "AZURE_STORAGE_SAS_KEY": "sig=theirs", "AZURE_STORAGE_ENDPOINT": NOWHERE, "AZURE_SKIP_SIGNATURE": "true",
    "AZURE_STORAGE_USE_EMULATOR": "true", "AZURITE_BLOB_STORAGE_URL": NOWHERE,
    "AZURE_CREDENTIAL_TYPE": "azure_cli",
    "AZURE_USE_AZURE_CLI": "true", "AZURE_CLIENT_ID": "theirs", "AZURE_CLIENT_SECRET": "theirs",
    "AZURE_TENANT_ID": "theirs", "AZURE_AUTHORITY_HOST": NOWHERE, "AZURE_CONTAINER_NAME": "theirs",
    "AZURE_ENCRYPTION_KEY": base64.b64encode(b"k" * 32).decode(), "AZURE_USE_FABRIC_ENDPOINT": "true",
    "AZURE_FEDERATED_TOKEN_FILE": "/nowhere", "AZURE_MSI_ENDPOINT": NOWHERE, "IDENTITY_ENDPOINT": NOWHERE,
    "AZURE_PROXY_URL": NOWHERE, "AZURE_USER_AGENT": "theirs", "AZURE_STORAGE_CONNECTION_STRING": "theirs",
}  # fmt: skip


VOLATILE = frozenset({"host", "date", "x-ms-date"})


def seen(asked: Request) -> tuple[object, ...]:
    """A request without what changes from one time to the next; of signatures, whose they are."""
    headers = {name: value for name, value in asked.headers.items() if name not in VOLATILE}
    headers["authorization"] = headers["authorization"].partition(":")[0][:20]
    headers["content-type"] = headers.get("content-type", "").partition("; boundary=")[0]
    target = asked.target.partition("uploadId=")[0].partition("blockid=")[0]
    return asked.method, re.sub(r"/keep-\d+", "/keep", target), headers


@clouds
def test_what_others_set_changes_no_request(through: Any, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    def asked() -> str:
        archive, proxy = through()
        everything(archive)
        return str([seen(each) for each in proxy.asked])

    before = asked()
    theirs = tmp_path / ".config" / "gcloud" / "application_default_credentials.json"
    theirs.parent.mkdir(parents=True)
    theirs.write_text("broken")
    for name, value in {**FOREIGN, "HOME": str(tmp_path)}.items():
        monkeypatch.setenv(name, value)
    assert asked() == before
    assert {name: os.environ[name] for name in FOREIGN} == FOREIGN, "the environment is left as it was"


# --- secrets ------------------------------------------------------------------------------------------------


def echoing(request: Request) -> Say:
    told = [request.target, *(f"{name}: {value}" for name, value in request.headers.items())]
    return Say(400, body="\n".join(told).encode())


@pytest.mark.parametrize("fault", [echoing, lambda asked: Say(200, body=b"<x>"), lambda asked: CutAnswer(), None],
                         ids=["echo", "page", "cut", "away"])  # fmt: skip
def test_no_error_names_a_secret(
    fault: Any, service_account: ServiceAccount, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG, "postkeep")
    secret, told, sent = base64.b64encode(b"MARKER-SECRET").decode(), io.StringIO(), set()
    with S3Proxy(9, fault or (lambda asked: None)) as proxy:
        at = proxy.endpoint if fault else NOWHERE
        for archive in (
            gcs_archive(GcsConfig("keep", service_account.file, at)),
            azure_archive(AzureConfig(ACCOUNT, "keep", secret, endpoint=f"{at}/{ACCOUNT}")),
            azure_archive(
                AzureConfig(ACCOUNT, "keep", sas_token=f"sv=1&sig={secret}", endpoint=f"{at}/{ACCOUNT}")
            ),
        ):
            asks: list[Callable[[], object]] = [
                lambda it=archive: it.put("k", b"x", "image/png"),
                lambda it=archive: it.put_parts("k", iter([b"x"]), 5 * 1024**2, "image/png"),
                lambda it=archive: it.head("k"),
                lambda it=archive: b"".join(it.read("k")),
                lambda it=archive: list(it.listing()),
                lambda it=archive: it.delete("k"),
                lambda it=archive: it.set_up(""),
            ]  # fmt: skip
            for ask in asks:
                try:
                    told.write(f"{ask()}\n")
                except ArchiveError as error:
                    told.write(f"{error}\n{error!r}\n{''.join(traceback.format_exception(error))}")
            told.write(repr(archive))
        for each in proxy.asked:
            sent.add(each.headers.get("authorization", "").partition(" ")[2].rpartition(":")[2])
    text = told.getvalue() + caplog.text
    assert "keep" in text
    assert "sig=" not in text
    for each in {secret, *sent} - {""}:
        assert each not in text


@pytest.mark.parametrize("database_kind", ["sqlite"], indirect=True)
def test_the_program_shows_no_secret(
    container: AzureConfig,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    database_url: str,
) -> None:
    told = f"AccountName={ACCOUNT};AccountKey={KEY};BlobEndpoint={container.endpoint}"
    for name, value in {
        "POSTKEEP_HOME": str(tmp_path),
        "POSTKEEP_DATABASE": database_url.removeprefix("sqlite:///"),
        "AZURE_STORAGE_CONTAINER": container.container,
        "AZURE_STORAGE_CONNECTION_STRING": told,
    }.items():
        monkeypatch.setenv(name, value)
    said = ""
    for arguments in (["config", "show"], ["archive", "setup"], ["media", "archive", "--all"]):
        program(arguments)
        said += "".join(capsys.readouterr())
    logged = "".join(path.read_text() for path in (tmp_path / "log").glob("*"))
    assert "done: test: " in said
    assert "not done: test: " not in said
    assert f"container {container.container} allows no public access" in said
    assert KEY not in said + logged
