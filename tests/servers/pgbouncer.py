"""Debian's PgBouncer before a PostgreSQL server: a few server connections that many clients share."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from sqlalchemy import make_url

_LONGEST = 20.0


def program() -> str:
    """Where PgBouncer is; skips the test when it is nowhere."""
    found = shutil.which("pgbouncer", path=f"{os.environ.get('PATH', '')}:/usr/sbin")
    if found is None:
        pytest.skip("PgBouncer is not installed (Debian: apt-get install pgbouncer)")
    return found


@contextmanager
def pgbouncer(database: str, *, mode: str, connections: int) -> Iterator[str]:
    """Put PgBouncer before the database at this URL; gives the URL through it.

    `mode` is `transaction` or `session`; to the server it keeps at most so many `connections`.
    """
    behind = make_url(database)
    host, user = behind.host or behind.query["host"], behind.username or "postgres"
    secret = f" password={behind.password}" if behind.password else ""
    port = _free_port()
    with tempfile.TemporaryDirectory(prefix="postkeep-pooler-") as folder:
        settings, users, log = (Path(folder) / name for name in ("pooler.ini", "users.txt", "log"))
        settings.write_text(
            f"[databases]\n* = host={host} port={behind.port or 5432} user={user}{secret}\n"
            f"[pgbouncer]\nlisten_addr = 127.0.0.1\nlisten_port = {port}\nunix_socket_dir =\n"
            f"auth_type = trust\nauth_file = {users}\npool_mode = {mode}\n"
            f"default_pool_size = {connections}\nmax_client_conn = 100\nserver_login_retry = 1\n"
        )
        users.write_text(f'"{user}" ""\n')
        Path(folder).chmod(0o755)
        with log.open("wb") as out:
            process = subprocess.Popen([program(), str(settings)], stdout=out, stderr=out, user=_user(str(host)))
        try:
            _wait_for(port, process, log)
            through = behind.set(host="127.0.0.1", port=port, username=user, password=None, query={})
            yield through.render_as_string(hide_password=False)
        finally:
            process.terminate()
            process.wait(_LONGEST)


def _user(host: str) -> int | str | None:
    """As whom it runs, for it refuses to be root: whoever may enter the folder of the server's socket."""
    if os.geteuid() != 0:
        return None
    return Path(host).stat().st_uid if host.startswith("/") else "nobody"


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port: int = taken.getsockname()[1]
        return port


def _wait_for(port: int, process: subprocess.Popen[bytes], log: Path) -> None:
    end = time.monotonic() + _LONGEST
    while time.monotonic() < end and process.poll() is None:
        try:
            socket.create_connection(("127.0.0.1", port), 1).close()
            return
        except OSError:
            time.sleep(0.02)
    raise AssertionError(f"PgBouncer did not start: {log.read_text()}")
