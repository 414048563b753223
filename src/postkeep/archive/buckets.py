"""From settings to a bucket: addresses, and keys that may have to be renewed."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

from postkeep.archive.objects import Bucket, Keys
from postkeep.config import R2Config, S3Config
from postkeep.errors import ArchiveDenied, ConfigError, ExtraMissing

_LABEL = r"[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?"
_DEFAULT_REGION = "us-east-1"


def s3_bucket(config: S3Config) -> Bucket:
    """A bucket of AWS or of another store at `endpoint`.

    Raises ConfigError when keys are missing, or no host can have both the bucket's name and the endpoint's.
    """
    if config.style == "virtual":
        _must_be_named(config.bucket, config.endpoint)
    region = config.region or _DEFAULT_REGION
    return Bucket(
        config.bucket,
        region,
        config.endpoint or f"https://s3.{region}.amazonaws.com",
        _keys_of_s3(config),
        virtual=config.style == "virtual",
        link_base=config.public_url,
    )


def r2_bucket(config: R2Config) -> Bucket:
    """A bucket of Cloudflare R2; raises ConfigError when the account or keys are missing."""
    named = {
        "R2_ACCOUNT_ID": config.account_id or config.endpoint,
        "R2_ACCESS_KEY_ID": config.access_key_id,
        "R2_SECRET_ACCESS_KEY": config.secret_access_key,
    }
    _must_be_set("R2", named)
    keys = Keys(config.access_key_id, config.secret_access_key)
    endpoint = config.endpoint or f"https://{config.account_id}.r2.cloudflarestorage.com"
    return Bucket(config.bucket, "auto", endpoint, lambda: keys, link_base=config.public_url)


def _keys_of_s3(config: S3Config) -> Callable[[], Keys]:
    if config.profile:
        return _of_profile(config.profile)
    _must_be_set(
        "S3",
        {"AWS_ACCESS_KEY_ID": config.access_key_id, "AWS_SECRET_ACCESS_KEY": config.secret_access_key},
    )
    keys = Keys(config.access_key_id, config.secret_access_key, config.session_token or None)
    return lambda: keys


def _must_be_named(bucket: str, endpoint: str) -> None:
    from ipaddress import ip_address
    from urllib.parse import urlsplit

    host = urlsplit(endpoint).hostname or ""
    try:
        ip_address(host)
    except ValueError:
        # What a host's name may consist of is less than what a bucket's may.
        if all(re.fullmatch(_LABEL, part) for part in bucket.split(".")):
            return
        problem = f"{bucket} cannot be part of a host's name"
    else:
        problem = f"{host} is an address, which no bucket's name can stand before"
    raise ConfigError(f"archive.s3.style is virtual, but {problem}: set it to path")


def _must_be_set(kind: str, named: dict[str, str]) -> None:
    if missing := [name for name, value in named.items() if not value]:
        raise ConfigError(f"the archive in {kind} needs {' and '.join(missing)}")


def _of_profile(profile: str) -> Callable[[], Keys]:
    """Keys as the AWS files say, looked up through the library that knows all their kinds."""
    try:
        from botocore.exceptions import BotoCoreError
        from botocore.session import Session
    except ImportError:
        raise ExtraMissing("s3", "a profile of the AWS files") from None
    try:
        session = Session(profile=profile)
        # A profile that says nothing of keys means none, and not those of the machine it is read on.
        for provider in ("container-role", "iam-role"):
            session.get_component("credential_provider").remove(provider)
        credentials: Any = session.get_credentials()
    except BotoCoreError as error:
        raise ConfigError(f"archive.s3.profile: {error}") from error
    if credentials is None:
        raise ConfigError(f"archive.s3.profile: the profile {profile} has no keys")

    def keys() -> Keys:
        try:
            frozen = credentials.get_frozen_credentials()
        except BotoCoreError as error:
            raise ArchiveDenied(f"the keys of the profile {profile} cannot be renewed: {error}") from error
        return Keys(frozen.access_key, frozen.secret_key, frozen.token)

    return keys
