"""One frozen configuration, and the only reader of the environment.

A new setting is one line in a dataclass: names, types, limits and variables are read off its field.
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from functools import cache
from pathlib import Path
from typing import Annotated, Any, NoReturn

from postkeep.errors import ConfigError
from postkeep.settings import (
    Given,
    Rule,
    Setting,
    full_path,
    settings_of,
    shown,
    without_password,
    without_secrets,
)

BROWSER_AGENT = "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0"
TOML_NAME = "postkeep.toml"
ENV_NAME = ".env"
PREFIX = "POSTKEEP_"


def _database(text: str, folder: Path) -> str:
    text = text.strip()
    scheme, found, _ = text.partition("://")
    if found:
        if scheme not in ("sqlite", "postgres", "postgresql", "postgresql+psycopg"):
            raise ValueError("not a path, sqlite:// or postgresql:// URL")
        return text
    if re.match(r"\s*(?:host|hostaddr|port|dbname|user|password|service)\s*=", text):
        raise ValueError("a connection string of keywords: write it as postgresql://USER@HOST:PORT/DATABASE")
    if re.match(r"[^/]*:[^@]*@", text):
        raise ValueError("looks like a server's address: begin it with postgresql://")
    return str(full_path(text, folder)) if text else ""


def _zone(text: str, _folder: Path) -> str:
    if text == "UTC":
        return text
    from zoneinfo import ZoneInfo

    try:
        ZoneInfo(text)
    except (KeyError, ValueError, OSError):
        raise ValueError("not the name of a time zone (such as Europe/Paris)") from None
    return text


def _choice(*names: str) -> Callable[[str, Path], str]:
    def check(text: str, _folder: Path) -> str:
        if text not in names:
            raise ValueError(f"not one of {', '.join(filter(None, names))}")
        return text

    return check


def _hash(text: str, _folder: Path) -> str:
    if not re.fullmatch(r"[0-9a-f]{32}|[0-9a-f]{64}", text.lower()):
        raise ValueError("not an MD5 or a SHA-256 in hex")
    return text.lower()


_NETWORK_PORT = re.compile(r"(?:\[([0-9A-Fa-f:.]+(?:/[0-9]+)?)\]|([0-9.]+(?:/[0-9]+)?)):([0-9]{1,5})")
# Nothing that is meant to be private is wider: an entry that allows the internet would be an off switch.
_WIDEST = {4: 8, 6: 7}
# Where IPv6 holds IPv4 addresses, which are to be allowed as what they are.
_HIDING = (
    "::/96", "::ffff:0:0/96", "::ffff:0:0:0/96", "64:ff9b::/96", "64:ff9b:1::/48", "2001::/32", "2002::/16",
)  # fmt: skip


def _network_port(text: str, _folder: Path) -> str:
    """An exception from the address guard; what it allows is the guard's business."""
    from ipaddress import IPv4Network, IPv6Network

    shape = _NETWORK_PORT.fullmatch(text)
    if shape is None:
        raise ValueError(f"{text!r} is not network:port, such as 127.0.0.1:8080 or [::1]:8080")
    six, four, port = shape.groups()
    network = IPv6Network(six) if six else IPv4Network(four)
    if network.prefixlen < _WIDEST[network.version]:
        raise ValueError(f"{text!r} is wider than any private network")
    if (
        isinstance(network, IPv6Network)
        and network != IPv6Network("::1")
        and any(network.overlaps(IPv6Network(each)) for each in _HIDING)
    ):
        raise ValueError(f"{text!r} holds IPv4 addresses inside IPv6")
    if not 1 <= int(port) <= 65535:
        raise ValueError(f"{text!r}: there is no port {port}")
    return text


def _bucket(text: str, _folder: Path) -> str:
    if text and not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9._-]{1,253}[A-Za-z0-9]", text):
        raise ValueError("not the name of a bucket")
    return text


def _account(text: str, _folder: Path) -> str:
    if text and not re.fullmatch(r"[a-z0-9]{3,24}", text):
        raise ValueError("not the name of a storage account")
    return text


def _prefix(text: str, _folder: Path) -> str:
    parts = [part for part in text.split("/") if part]
    if any(not re.fullmatch(r"[A-Za-z0-9!_.*'()-]+", part) or set(part) == {"."} for part in parts):
        raise ValueError("not a prefix of plain letters, digits and - _ . between slashes")
    return "/".join(parts)


def _endpoint(text: str, _folder: Path) -> str:
    from urllib.parse import urlsplit

    if not text:
        return text
    try:
        parts = urlsplit(text)
        _ = parts.port
    except ValueError:
        raise ValueError("not a URL such as https://s3.example.org") from None
    if parts.scheme not in ("http", "https") or not parts.hostname or parts.query or parts.fragment:
        raise ValueError("not a URL such as https://s3.example.org")
    if "@" in text:
        raise ValueError("names a user; keys have settings of their own")
    return text.rstrip("/")


def _price(text: str, _folder: Path) -> str:
    from postkeep.costing import read_price

    return read_price(text).text


Count = Annotated[int, Rule(least=1)]
Bytes = Annotated[int, Rule(least=1, size=True)]
Seconds = Annotated[float, Rule(least=0.001)]
Port = Annotated[int, Rule(least=1, most=65535)]
Hash = Annotated[str, Rule(check=_hash)]
NetworkPort = Annotated[str, Rule(check=_network_port)]
Endpoint = Annotated[str, Rule(check=_endpoint, show=without_secrets)]
Price = Annotated[str, Rule(check=_price)]


# --- the settings -------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class FetchConfig:
    """Limits of the downloader; times in seconds, sizes in bytes.

    `allow` lists exact exceptions from the address guard as `network:port` (`127.0.0.1:8080`,
    `10.1.0.0/16:443`, `[::1]:8080`). `user_agents` maps a domain (and its subdomains) to the agent it wants.
    `pace` is the least time between two requests to one host, `circuit` how many failures in a row make a host
    rest. `placeholders` are MD5s or SHA-256s of pictures that stand in for others.
    """

    per_host: Count = 5
    concurrency: Count = 64
    connect_timeout: Seconds = 10.0
    stall_timeout: Seconds = 30.0
    total_timeout: Seconds = 600.0
    max_bytes: Bytes = 100 * 1024 * 1024
    max_redirects: Annotated[int, Rule(least=0)] = 5
    tries: Count = 5
    backoff: Annotated[float, Rule(least=0)] = 60.0
    pace: Annotated[float, Rule(least=0)] = 0.0
    circuit: Count = 5
    ports: tuple[Port, ...] = (80, 443)
    allow: tuple[NetworkPort, ...] = ()
    placeholders: tuple[Hash, ...] = ()
    user_agent: str = "postkeep/0.1 (personal archive)"
    user_agents: Mapping[str, str] = field(default_factory=lambda: {"licdn.com": BROWSER_AGENT})
    avatars: bool = False


@dataclass(frozen=True, slots=True)
class CacheConfig:
    """Where the cache is (None: `cache` in the home) and how large it may grow, in bytes.

    `evict` says what may make room at the limit: `archived` only what is proven to be in an archive, `lru` also
    what its source still has. `fsync` says when files are brought to the disk: once a `batch`, `each` by itself,
    or `none`.
    """

    directory: Path | None = None
    max_bytes: Bytes = 10 * 1024**3
    evict: Annotated[str, Rule(check=_choice("archived", "lru"))] = "archived"
    fsync: Annotated[str, Rule(check=_choice("batch", "each", "none"))] = "batch"


@dataclass(frozen=True, slots=True)
class ImportConfig:
    """`timezone` is the zone of time stamps that name none (an IANA name)."""

    timezone: Annotated[str, Rule(check=_zone)] = "UTC"


@dataclass(frozen=True, slots=True)
class S3Config:
    """A bucket of AWS S3, or of anything that speaks its language at `endpoint`.

    `profile` names a profile of the AWS files in place of keys. `style` says where the bucket stands in an
    address: in the `path`, or as part of the host (`virtual`). `public_url` is what links begin with when
    a CDN stands before the bucket.
    """

    bucket: Annotated[str, Rule(variable="AWS_S3_BUCKET", check=_bucket)] = ""
    region: Annotated[str, Rule(variable="AWS_S3_REGION")] = ""
    access_key_id: Annotated[str, Rule(variable="AWS_ACCESS_KEY_ID", secret=True)] = ""
    secret_access_key: Annotated[str, Rule(variable="AWS_SECRET_ACCESS_KEY", secret=True)] = ""
    session_token: Annotated[str, Rule(variable="AWS_SESSION_TOKEN", secret=True)] = ""
    profile: str = ""
    endpoint: Endpoint = ""
    style: Annotated[str, Rule(check=_choice("path", "virtual"))] = "path"
    public_url: Endpoint = ""


@dataclass(frozen=True, slots=True)
class R2Config:
    """A bucket of Cloudflare R2; `endpoint` only where the account's own one is not meant."""

    account_id: Annotated[str, Rule(variable="R2_ACCOUNT_ID")] = ""
    bucket: Annotated[str, Rule(variable="R2_BUCKET_NAME", check=_bucket)] = ""
    access_key_id: Annotated[str, Rule(variable="R2_ACCESS_KEY_ID", secret=True)] = ""
    secret_access_key: Annotated[str, Rule(variable="R2_SECRET_ACCESS_KEY", secret=True)] = ""
    endpoint: Endpoint = ""
    public_url: Annotated[str, Rule(variable="R2_PUBLIC_URL", check=_endpoint, show=without_secrets)] = ""


@dataclass(frozen=True, slots=True)
class GcsConfig:
    """A bucket of Google Cloud Storage; `credentials` is the key file of a service account."""

    bucket: Annotated[str, Rule(variable="GCS_BUCKET", check=_bucket)] = ""
    credentials: Annotated[Path | None, Rule(variable="GOOGLE_APPLICATION_CREDENTIALS")] = None
    endpoint: Endpoint = ""
    public_url: Endpoint = ""


@dataclass(frozen=True, slots=True)
class AzureConfig:
    """A container of Azure Blob Storage, by the account's key or a SAS token.

    `connection_string` tells account, key or token, and endpoint in one; what is set beside it wins. `endpoint`
    is the account's own address where it is not that of the public cloud.
    """

    account: Annotated[str, Rule(variable="AZURE_STORAGE_ACCOUNT_NAME", check=_account)] = ""
    container: Annotated[str, Rule(variable="AZURE_STORAGE_CONTAINER", check=_bucket)] = ""
    account_key: Annotated[str, Rule(variable="AZURE_STORAGE_ACCOUNT_KEY", secret=True)] = ""
    sas_token: Annotated[str, Rule(variable="AZURE_STORAGE_SAS_TOKEN", secret=True)] = ""
    connection_string: Annotated[str, Rule(variable="AZURE_STORAGE_CONNECTION_STRING", secret=True)] = ""
    endpoint: Endpoint = ""
    public_url: Endpoint = ""


# What makes each kind of archive count as set up, as users know it.
_SET_UP_BY = {
    "s3": "AWS_S3_BUCKET", "r2": "R2_BUCKET_NAME", "gcs": "GCS_BUCKET", "azure": "AZURE_STORAGE_CONTAINER",
    "directory": "archive.directory",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class ArchiveConfig:
    """Where media get their second home; one is active.

    `store` names it; empty means the one that is set up: a bucket of S3, R2 or Google Cloud Storage, a container
    of Azure, or a `directory`. `prefix` goes before every key. Files above `multipart_at` bytes go up in parts of
    `part_size`; `concurrency` is how many go up at a time.
    """

    store: Annotated[str, Rule(check=_choice("", *_SET_UP_BY))] = ""
    prefix: Annotated[str, Rule(check=_prefix)] = ""
    directory: Path | None = None
    multipart_at: Annotated[int, Rule(least=5 * 1024**2, most=5 * 1024**3, size=True)] = 64 * 1024**2
    part_size: Annotated[int, Rule(least=5 * 1024**2, most=5 * 1024**3, size=True)] = 16 * 1024**2
    concurrency: Count = 8
    s3: S3Config = field(default_factory=S3Config)
    r2: R2Config = field(default_factory=R2Config)
    gcs: GcsConfig = field(default_factory=GcsConfig)
    azure: AzureConfig = field(default_factory=AzureConfig)

    @property
    def active(self) -> str | None:
        """Its kind, as in `store`, or None when none is set up; raises ConfigError for several, or half a one."""
        ready = {
            "s3": bool(self.s3.bucket),
            "r2": bool(self.r2.bucket),
            "gcs": bool(self.gcs.bucket),
            "azure": bool(self.azure.container),
            "directory": self.directory is not None,
        }
        if self.store:
            if not ready[self.store]:
                raise ConfigError(f"archive.store is {self.store}, but {_SET_UP_BY[self.store]} is not set")
            return self.store
        named = [name for name, is_set in ready.items() if is_set]
        if len(named) > 1:
            raise ConfigError(
                f"{' and '.join(named)} are set up as archive at once: say with archive.store which one is active"
            )
        return named[0] if named else None


@dataclass(frozen=True, slots=True)
class CostsConfig:
    """The price table: each price with the day from which it holds, and none built in, for sellers change theirs.

    A line is `SOURCE OPERATION AMOUNT CURRENCY per UNIT from YYYY-MM-DD`.
    """

    prices: tuple[Price, ...] = ()


@dataclass(frozen=True, slots=True)
class Config:
    """All settings; `origins` says for each dotted name where its value came from.

    `database` is a SQLAlchemy-style URL or a path; empty means `postkeep.db` in the home.
    """

    home: Path
    database: Annotated[str, Rule(check=_database, show=without_password)] = ""
    fetch: FetchConfig = field(default_factory=FetchConfig)
    cache: CacheConfig = field(default_factory=CacheConfig)
    archive: ArchiveConfig = field(default_factory=ArchiveConfig)
    costs: CostsConfig = field(default_factory=CostsConfig)
    imports: Annotated[ImportConfig, Rule(name="import")] = field(default_factory=ImportConfig)
    sentry_dsn: Annotated[str, Rule(secret=True, variable="SENTRY_DSN")] = ""
    origins: Annotated[Mapping[str, str], Rule(derived=True)] = field(default_factory=dict)

    @property
    def database_url(self) -> str:
        """The URL to open; PostgreSQL always through psycopg 3."""
        scheme, found, rest = self.database.partition("://")
        if found:
            return f"postgresql+psycopg://{rest}" if scheme in ("postgres", "postgresql") else self.database
        path = Path(self.database).expanduser() if self.database else self.home / "postkeep.db"
        return f"sqlite:///{path.absolute()}"

    @property
    def cache_root(self) -> Path:
        return self.cache.directory or self.home / "cache"

    @property
    def log_file(self) -> Path:
        return self.home / "log" / "media.log"


@cache
def settings() -> tuple[Setting, ...]:
    """Every setting, in the order of the dataclasses."""
    return tuple(settings_of(Config, PREFIX))


# --- loading ------------------------------------------------------------------------------------


def load_config(
    *,
    flags: Mapping[str, object] | None = None,
    env_file: Path | None = None,
    environ: Mapping[str, str] | None = None,
    user_folder: Path | None = None,
) -> Config:
    """Join flags, environment, `.env`, `postkeep.toml` and defaults, the first named winning.

    `flags` maps dotted names to values, None meaning not given. `env_file` replaces every other `.env`.
    Both files are read from the user's configuration folder and from the home, whose values win. Reads files,
    creates none. Raises ConfigError naming key, value and source.
    """
    here = Path()
    variables = os.environ if environ is None else environ
    user = user_folder or _user_folder()
    outermost = _from_flags(flags or {}, here)
    outer = _from_variables(variables, "", here)
    user_env = _from_env_file(env_file or user / ENV_NAME, required=env_file is not None)
    user_toml = _from_toml(user / TOML_NAME)
    origins = {each.name: "default" for each in settings()}

    home = _user_home()
    for given in (*user_toml, *user_env, *outer, *outermost):
        if given.setting.name == "home":
            home, origins["home"] = given.read(), given.origin
    home_toml = [] if _same(home, user) else _from_home(_from_toml(home / TOML_NAME))
    home_env = [] if env_file or _same(home, user) else _from_home(_from_env_file(home / ENV_NAME))

    config = Config(home)
    for given in (*user_toml, *home_toml, *user_env, *home_env, *outer, *outermost):
        if given.setting.name != "home":
            config = _with(config, given)
            origins[given.setting.name] = given.origin
    _must_be_apart(config)
    return replace(config, origins=origins)


def _must_be_apart(config: Config) -> None:
    """Refuse an archive that is lost together with what it is the second copy of."""
    if config.archive.directory is None:
        return
    archive, cache, home = (each.resolve() for each in (config.archive.directory, config.cache_root, config.home))
    if archive.is_relative_to(cache) or archive.is_relative_to(home):
        raise ConfigError(
            f"archive.directory {config.archive.directory} is inside the cache or the home:"
            " name a folder elsewhere, on another disk at best"
        )
    if cache.is_relative_to(archive):
        raise ConfigError(f"the cache {config.cache_root} is inside archive.directory: name another folder")


def _user_folder() -> Path:
    from platformdirs import user_config_dir

    return Path(user_config_dir("postkeep", appauthor=False))


def _user_home() -> Path:
    from platformdirs import user_data_dir

    return Path(user_data_dir("postkeep", appauthor=False))


def _same(one: Path, other: Path) -> bool:
    return one.absolute() == other.absolute()


def _with(config: Config, given: Given) -> Config:
    value = given.read()
    if isinstance(value, dict):
        # Tables add up, or naming one domain would lose the agents the others need; "" takes one away.
        value = {key: text for key, text in {**given.setting.of(config), **value}.items() if text}
    changed: Config = _replaced(config, given.setting.attributes, value)
    return changed


def _replaced(owner: Any, attributes: tuple[str, ...], value: object) -> Any:
    first, *rest = attributes
    inner = _replaced(getattr(owner, first), tuple(rest), value) if rest else value
    return replace(owner, **{first: inner})


def _from_home(given: list[Given]) -> list[Given]:
    for each in given:
        if each.setting.name == "home":
            each.refuse("a file in the home cannot say where the home is")
    return given


def _from_flags(flags: Mapping[str, object], folder: Path) -> list[Given]:
    known = {each.name: each for each in settings()}
    given = [(name, value) for name, value in flags.items() if value is not None]
    return [
        Given(known.get(name) or _unknown(name, "flag", known), value, "flag", folder, isinstance(value, str))
        for name, value in given
    ]


def _from_variables(variables: Mapping[str, str | None], label: str, folder: Path) -> list[Given]:
    known = {each.variable: each for each in settings()}
    given = []
    for name, value in variables.items():
        if name in known:
            # Compose files and shells pass what is not set as an empty text.
            if value:
                given.append(Given(known[name], value, label or f"environment {name}", folder, True))
        elif name.startswith(PREFIX):
            _unknown(name, label or "environment", known)
    return given


def _from_env_file(path: Path, *, required: bool = False) -> list[Given]:
    text = _text(path, required=required)
    if text is None:
        return []
    from io import StringIO

    from dotenv.parser import parse_stream

    variables: dict[str, str | None] = {}
    for line in parse_stream(StringIO(text)):
        if line.error:
            raise ConfigError(f"{path}, line {line.original.line}: not a NAME=value line")
        if line.key:
            variables[line.key] = line.value
    return _from_variables(variables, f"{ENV_NAME} ({path})", path.absolute().parent)


def _from_toml(path: Path) -> list[Given]:
    text = _text(path)
    if text is None:
        return []
    import tomllib

    try:
        document = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise ConfigError(f"{path}: {error}") from error
    known = {each.name: each for each in settings()}
    origin = f"{TOML_NAME} ({path})"
    return [
        Given(known.get(name) or _unknown(name, origin, known), value, origin, path.absolute().parent, False)
        for name, value in _leaves(document, "", known)
    ]


def _leaves(table: Mapping[str, Any], prefix: str, known: Mapping[str, Setting]) -> Iterator[tuple[str, Any]]:
    for key, value in table.items():
        name = prefix + key
        is_section = any(each.startswith(name + ".") for each in known)
        if isinstance(value, dict) and name not in known and (value or is_section):
            yield from _leaves(value, name + ".", known)
        else:
            yield name, value


def _text(path: Path, *, required: bool = False) -> str | None:
    try:
        return path.read_text(encoding="utf-8-sig")
    except (FileNotFoundError, NotADirectoryError):
        if required:
            raise ConfigError(f"{path}: no such file") from None
        return None
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(f"{path}: cannot be read: {error}") from error


def _unknown(name: str, source: str, known: Mapping[str, Setting]) -> NoReturn:
    from difflib import get_close_matches

    nearest = get_close_matches(name, known, n=1, cutoff=0.0)[0]
    raise ConfigError(f"unknown key {name} in {source}; the nearest known key is {nearest}")


# --- showing ------------------------------------------------------------------------------------


def describe(config: Config) -> list[tuple[str, str, str]]:
    """Name, value as shown, and origin of every setting, secrets and passwords as ***.

    Sizes are shown in the largest unit that divides them, unset paths as what they stand for.
    """
    lines = []
    for each in settings():
        value = each.of(config)
        if each.name == "database" and not value:
            value = config.home / "postkeep.db"
        elif each.name == "cache.directory":
            value = config.cache_root
        lines.append((each.name, shown(each, value), config.origins.get(each.name, "default")))
    return lines
