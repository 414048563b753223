"""Connections to PostgreSQL: which servers are refused, and how a transaction begins.

Nothing is kept in a session: behind a pooler the next transaction may be another session's.
"""

from __future__ import annotations

from typing import Any

from sqlalchemy import Connection, Engine, create_engine, event
from sqlalchemy.engine import URL

from postkeep.errors import ConfigError, ExtraMissing, StoreError

LEAST_VERSION = 15
"""The oldest major version that is used."""

_CONNECTION: dict[str, Any] = {
    # A transaction is begun by a statement of ours that says all it needs: one answer to wait for, not two.
    "autocommit": True,
    # A prepared statement belongs to a session.
    "prepare_threshold": None,
    "client_encoding": "utf8",
    "fallback_application_name": "postkeep",
    "connect_timeout": 10,
    # A server that vanished without a word is noticed within a minute, not after hours.
    "keepalives_idle": 30,
    "keepalives_interval": 10,
    "keepalives_count": 3,
    "tcp_user_timeout": 60_000,
}


def open_postgresql(url: URL, busy_seconds: float) -> Engine:
    """Make the engine; parameters in the URL win over ours. Raises ConfigError, ExtraMissing."""
    if "@" in f"{url.host or ''}{url.database or ''}":
        # What follows the first @ would be told as the host's name in the first error message.
        raise ConfigError("the database URL has an @ too many: in a user's name or password it is written %40")
    try:
        engine = create_engine(
            url.set(drivername="postgresql+psycopg"),
            use_native_hstore=False,
            connect_args={name: value for name, value in _CONNECTION.items() if name not in url.query},
        )
    except ImportError as error:
        raise ExtraMissing("postgres", "PostgreSQL") from error
    begin = _begin_statement(busy_seconds)

    # First of all: SQLAlchemy asks questions of its own, which an old server might not understand.
    @event.listens_for(engine, "connect", insert=True)
    def judge(connection: Any, _record: Any) -> None:
        try:
            must_be_usable(connection.info.server_version, connection.info.parameter_status("server_encoding"))
        except StoreError:
            connection.close()
            raise

    @event.listens_for(engine, "begin")
    def start(connection: Connection) -> None:
        connection.exec_driver_sql(begin)

    return engine


def _begin_statement(busy_seconds: float) -> str:
    """What makes transactions alike whatever the role, the database or the session before has set."""
    return (
        "BEGIN ISOLATION LEVEL READ COMMITTED;"
        f" SET LOCAL lock_timeout = {max(1, round(busy_seconds * 1000))};"
        " SET LOCAL TimeZone = 'UTC'; SET LOCAL DateStyle = 'ISO';"
        # Whom policies show only some rows gets an error, and not a library with rows missing.
        " SET LOCAL row_security = off"
    )


def must_be_usable(version: int, encoding: str | None) -> None:
    """Raise StoreError for a server that is too old (`version` as in `server_version_num`) or not in UTF-8."""
    major, minor = divmod(version, 10_000)
    if major < LEAST_VERSION:
        found = f"{major}.{minor}" if major >= 10 else f"{major}.{minor // 100}"
        raise StoreError(
            f"the PostgreSQL server has version {found}, postkeep needs {LEAST_VERSION} or later;"
            " nothing was changed"
        )
    # Some poolers do not say.
    if encoding is not None and encoding != "UTF8":
        raise StoreError(
            f"the database's encoding is {encoding}, postkeep needs UTF8: make it with"
            " CREATE DATABASE ... ENCODING 'UTF8' TEMPLATE template0; nothing was changed"
        )
