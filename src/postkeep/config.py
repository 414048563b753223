"""One frozen configuration, and the only reader of the environment."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

BROWSER_AGENT = "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0"


@dataclass(frozen=True, slots=True)
class FetchConfig:
    """Limits of the downloader; times in seconds, sizes in bytes.

    `allow` lists exact exceptions from the address guard as `network:port` (`127.0.0.1:8080`,
    `10.1.0.0/16:443`, `[::1]:8080`). `user_agents` maps a domain (and its subdomains) to the agent it wants.
    """

    per_host: int = 5
    concurrency: int = 64
    connect_timeout: float = 10.0
    stall_timeout: float = 30.0
    total_timeout: float = 600.0
    max_bytes: int = 100 * 1024 * 1024
    max_redirects: int = 5
    tries: int = 5
    backoff: float = 60.0
    ports: tuple[int, ...] = (80, 443)
    allow: tuple[str, ...] = ()
    user_agent: str = "postkeep/0.1 (personal archive)"
    user_agents: Mapping[str, str] = field(default_factory=lambda: {"licdn.com": BROWSER_AGENT})
    avatars: bool = False


@dataclass(frozen=True, slots=True)
class CacheConfig:
    """Where the cache is (None: `cache` in the home) and how large it may grow, in bytes."""

    directory: Path | None = None
    max_bytes: int = 10 * 1024**3


@dataclass(frozen=True, slots=True)
class ImportConfig:
    """`timezone` is the zone of time stamps that name none (an IANA name)."""

    timezone: str = "UTC"


@dataclass(frozen=True, slots=True)
class Config:
    """All settings; `origins` says for each dotted name where its value came from.

    `database` is a SQLAlchemy-style URL or a path; empty means `postkeep.db` in the home.
    """

    home: Path
    database: str = ""
    fetch: FetchConfig = field(default_factory=FetchConfig)
    cache: CacheConfig = field(default_factory=CacheConfig)
    imports: ImportConfig = field(default_factory=ImportConfig)
    sentry_dsn: str = ""
    origins: Mapping[str, str] = field(default_factory=dict)

    @property
    def database_url(self) -> str:
        if "://" in self.database:
            return self.database
        path = Path(self.database).expanduser() if self.database else self.home / "postkeep.db"
        return f"sqlite:///{path.absolute()}"

    @property
    def cache_root(self) -> Path:
        return self.cache.directory or self.home / "cache"

    @property
    def log_file(self) -> Path:
        return self.home / "log" / "media.log"
