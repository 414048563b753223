"""The archive in the two clouds that do not speak S3: Google Cloud Storage and Azure Blob Storage.

Only what the library can do with them: making a bucket, keeping it private and its rules are left to their own
tools, and `set_up` says so. A tag of Azure is no hash, so what goes there is read back.
"""

from __future__ import annotations

import base64
import binascii
import json
import re
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import parse_qs

from postkeep.archive.objects import (
    TRIES_OF_A_PART,
    Dialect,
    ObjectArchive,
    Where,
    client_options,
    hidden,
    retries,
)
from postkeep.archive.port import SetUpStep
from postkeep.config import AzureConfig, GcsConfig
from postkeep.errors import ArchiveDenied, ConfigError, ExtraMissing

if TYPE_CHECKING:
    from obstore.store import AzureConfig as AzureOptions

    from postkeep.archive.objects import AnyStore

# Variables with which the library, or what it asks for keys, would do something else than was configured.
_FOREIGN = ("GOOGLE_", "GCE_METADATA_", "AZURE_", "AZURITE_", "MSI_", "IDENTITY_")
_CONNECT_SECONDS, _SECONDS = 10.0, 300.0
# Of other names the library signs how they stand in an address, and the stores another spelling of them.
_SIGNABLE = re.compile(r"[A-Za-z0-9_.~/-]+")
_NOT_CHECKED = "not checked here: see that {what} allows no public access"


class CloudArchive(ObjectArchive):
    """Objects in a bucket that is set up by other tools; `lifecycle` is what becomes of uploads that broke off."""

    def __init__(self, where: Where, opened: Callable[[int], AnyStore], lifecycle: SetUpStep) -> None:
        super().__init__(where, *_opening(where, opened))
        self._lifecycle = lifecycle

    def sweep(self, before: datetime) -> int:
        # The library cannot list uploads that broke off; see `set_up` for who removes them.
        return 0

    def link(self, key: str, seconds: int) -> str:
        if not self._where.link_base and _SIGNABLE.fullmatch(key) is None:
            raise ArchiveDenied(f"{self._where.called}: no link can be signed for the name {key!r}")
        return super().link(key, seconds)

    def set_up(self, prefix: str) -> list[SetUpStep]:
        called = self._where.called
        try:
            next(iter(self.listing(prefix)), None)
            there = SetUpStep("bucket", "exists", done=True, note="it is there")
        except ArchiveDenied as error:
            there = SetUpStep("bucket", "exists", done=False, note=error.message)
        return [
            there,
            SetUpStep("private", "no public access", done=False, note=_NOT_CHECKED.format(what=called)),
            self._lifecycle,
        ]


def _opening(where: Where, opened: Callable[[int], AnyStore]) -> tuple[AnyStore, AnyStore]:
    """The store, and the same that tries parts again; what the library cannot open was set up wrongly."""
    try:
        from obstore.exceptions import BaseError
    except ImportError:
        raise ExtraMissing("s3", "an archive in a bucket") from None
    try:
        with hidden(*_FOREIGN):
            return opened(1), opened(TRIES_OF_A_PART)
    except (BaseError, ValueError):
        # What the library says of a key may hold some of it.
        raise ConfigError(f"the archive in {where.called}: its key or endpoint cannot be used") from None


# --- Google Cloud Storage -----------------------------------------------------------------------------------

_GOOGLE = "https://storage.googleapis.com"
_GCS = Dialect(
    {
        "NoSuchBucket": "there is no such bucket: make it",
        "AuthenticationRequired": "the store does not know this key, or this machine's clock is wrong",
        "InvalidSecurity": "the store does not know this key, or this machine's clock is wrong",
        "UserProjectAccountProblem": "the project's account is not in order: see its billing",
        "AccountProblem": "the project's account is not in order: see its billing",
    },
    "the service account may not {doing} there: give it {right} for this bucket",
    {
        # Writing over an object that is there is deleting it, too.
        "put": "storage.objects.create and storage.objects.delete",
        "head": "storage.objects.get and storage.objects.list",
        "get": "storage.objects.get",
        "list": "storage.objects.list",
        "delete": "storage.objects.delete",
    },
)


def gcs_archive(config: GcsConfig) -> CloudArchive:
    """A bucket of Google Cloud Storage; raises ConfigError without the key file of a service account."""
    if config.credentials is None:
        raise ConfigError("the archive in Google Cloud Storage needs GOOGLE_APPLICATION_CREDENTIALS")
    credentials, endpoint = _service_account(config.credentials), config.endpoint or _GOOGLE

    def opened(tries: int) -> AnyStore:
        from obstore.store import GCSStore

        return GCSStore(
            config.bucket,
            # As these and not as a service account: then the file's own address and switches say nothing.
            config={"application_credentials": credentials, "base_url": endpoint, "skip_signature": False},
            client_options=client_options(endpoint, _CONNECT_SECONDS, _SECONDS),
            retry_config=retries(tries, _SECONDS),
        )

    where = Where("gs", config.bucket, f"bucket {config.bucket}", endpoint, _GCS, config.public_url)
    lifecycle = SetUpStep(
        "lifecycle",
        "uploads that broke off go by themselves",
        done=False,
        note="not set here: give the bucket a rule with AbortIncompleteMultipartUpload",
    )
    return CloudArchive(where, opened, lifecycle)


def _service_account(path: Path) -> str:
    """The path of a key file that was looked into: other kinds of keys would be asked for elsewhere."""
    try:
        found = json.loads(path.read_bytes())
    except OSError as error:
        raise ConfigError(f"{path} (GOOGLE_APPLICATION_CREDENTIALS) cannot be read: {error.strerror}") from error
    except ValueError:
        found = None
    kind = found.get("type") if isinstance(found, dict) else None
    if kind != "service_account":
        raise ConfigError(f"{path} (GOOGLE_APPLICATION_CREDENTIALS) is not the key file of a service account")
    return str(path)


# --- Azure Blob Storage -------------------------------------------------------------------------------------

_AZURE = Dialect(
    {
        "AuthenticationFailed": "the key or SAS token is not valid here, or this machine's clock is wrong",
        "AuthorizationFailure": "the key is not the one of this account, or the account's network rules refuse",
        "ContainerNotFound": "there is no such container: make it",
        "KeyBasedAuthenticationNotPermitted": "the account allows no keys: use a SAS token",
        "AccountIsDisabled": "the account is disabled",
    },
    "the key or SAS token may not {doing} there: it needs {right} for this container",
    {
        "put": "the rights create and write",
        "head": "the right to read",
        "get": "the right to read",
        "list": "the right to list",
        "delete": "the right to delete",
    },
)
_PARTS_GO = SetUpStep(
    "lifecycle", "uploads that broke off go by themselves", done=True, note="this store removes them after a week"
)


@dataclass(frozen=True, slots=True)
class _Account:
    """Whose container it is, and what opens it: a key, else a token."""

    name: str
    endpoint: str
    key: str = field(repr=False)
    token: str = field(repr=False)


class AzureArchive(CloudArchive):
    """Objects in one container of an account."""

    def __init__(self, config: AzureConfig) -> None:
        account = _account_of(config)
        within, called = f"{account.name}/{config.container}", f"container {config.container}"
        where = Where("az", within, called, account.endpoint, _AZURE, config.public_url)
        super().__init__(where, lambda tries: _azure_store(account, config.container, tries), _PARTS_GO)
        self._may_sign = bool(account.key or config.public_url)

    def link(self, key: str, seconds: int) -> str:
        if not self._may_sign:
            raise ArchiveDenied(f"{self._where.called}: only the account's key can sign links, a SAS token cannot")
        return super().link(key, seconds)


def azure_archive(config: AzureConfig) -> AzureArchive:
    """A container of an account; raises ConfigError when account or keys are missing, or are none."""
    return AzureArchive(config)


def _azure_store(account: _Account, container: str, tries: int) -> AnyStore:
    from obstore.store import AzureStore

    options: AzureOptions = {
        "account_name": account.name,
        "endpoint": account.endpoint,
        "use_emulator": False,
        "use_fabric_endpoint": False,
        "skip_signature": False,
    }
    if account.key:
        options |= {"account_key": account.key, "credential_type": "access_key"}
    else:
        options |= {"sas_key": account.token, "credential_type": "sas_token"}
    return AzureStore(
        container,
        config=options,
        client_options=client_options(account.endpoint, _CONNECT_SECONDS, _SECONDS),
        retry_config=retries(tries, _SECONDS),
    )


def _account_of(config: AzureConfig) -> _Account:
    told = _parts_of(config.connection_string)
    name = config.account or told.get("AccountName", "")
    key, token = config.account_key, config.sas_token.removeprefix("?")
    if not (key or token):
        key = told.get("AccountKey", "")
        token = told.get("SharedAccessSignature", "").removeprefix("?")
    if not name:
        raise ConfigError("the archive in Azure needs AZURE_STORAGE_ACCOUNT_NAME")
    if not (key or token):
        raise ConfigError("the archive in Azure needs AZURE_STORAGE_ACCOUNT_KEY or AZURE_STORAGE_SAS_TOKEN")
    if key and not _is_key(key):
        raise ConfigError("AZURE_STORAGE_ACCOUNT_KEY is not the key of a storage account")
    if not key and not parse_qs(token).get("sig"):
        raise ConfigError("AZURE_STORAGE_SAS_TOKEN is not a SAS token: it has no signature")
    suffix = told.get("EndpointSuffix", "core.windows.net")
    endpoint = config.endpoint or told.get("BlobEndpoint", "") or f"https://{name}.blob.{suffix}"
    return _Account(name, endpoint.rstrip("/"), key, token)


def _parts_of(connection_string: str) -> dict[str, str]:
    found = (part.partition("=") for part in connection_string.split(";") if part.strip())
    return {name.strip(): value.strip() for name, _, value in found}


def _is_key(key: str) -> bool:
    try:
        return bool(base64.b64decode(key, validate=True))
    except binascii.Error:
        return False
