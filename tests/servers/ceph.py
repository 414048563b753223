"""A real S3 server that checks signatures and bodies: Ceph (mon, one OSD in memory, radosgw) on loopback.

Debian packages: ceph-mon ceph-osd radosgw ceph-common. It takes about 15 seconds to come up.
"""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import time
import urllib.error
import urllib.request
import uuid
from collections.abc import Callable
from pathlib import Path
from types import TracebackType
from typing import Self

NEEDED = ("ceph-mon", "ceph-osd", "radosgw", "ceph-authtool", "monmaptool", "ceph", "radosgw-admin")

ACCESS, SECRET = "ACCESSOFTESTS", "secret-of-tests/1234567890"
_HOST = "127.0.0.1"
_PATIENCE = 60.0

_CONFIG = """\
[global]
fsid = {fsid}
mon_host = v2:{host}:{mon}
public_addr = {host}
cluster_addr = {host}
ms_bind_ipv6 = false
auth_cluster_required = cephx
auth_service_required = cephx
auth_client_required = cephx
keyring = {folder}/keyring
auth_allow_insecure_global_id_reclaim = true
mon_warn_on_insecure_global_id_reclaim_allowed = false
mon_data_avail_crit = 0
mon_data_avail_warn = 0
osd_pool_default_size = 1
osd_pool_default_min_size = 1
osd_pool_default_pg_num = 8
osd_pool_default_pg_autoscale_mode = off
osd_crush_chooseleaf_type = 0
mon_allow_pool_size_one = true
setuser_match_path =
run_dir = {folder}
log_file = {folder}/$name.log
pid_file = {folder}/$name.pid
admin_socket = {folder}/$name.asok
[mon.a]
mon_data = {folder}/mon
[osd.0]
osd_objectstore = memstore
osd_data = {folder}/osd
memstore_device_bytes = 4294967296
osd_memory_target = 1073741824
[client.rgw]
rgw_data = {folder}/rgw
rgw_frontends = beast endpoint={host}:{port}
rgw_dns_name = localhost
rgw_thread_pool_size = 64
rgw_enable_usage_log = false
"""


def missing() -> str | None:
    """What keeps the server from being started here; None when it can be."""
    absent = [name for name in NEEDED if shutil.which(name) is None]
    return f"not installed: {', '.join(absent)}" if absent else None


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind((_HOST, 0))
        return int(probe.getsockname()[1])


class Ceph:
    """The server; `stop` and `start` again to see what a client does while the store is away."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.port = _free_port()
        self._processes: dict[str, subprocess.Popen[bytes]] = {}
        for name in ("mon", "osd", "rgw"):
            (folder / name).mkdir(parents=True)
        self._config = folder / "ceph.conf"
        self._fsid = str(uuid.uuid4())
        self._config.write_text(
            _CONFIG.format(fsid=self._fsid, host=_HOST, mon=_free_port(), port=self.port, folder=folder)
        )

    @property
    def endpoint(self) -> str:
        return f"http://{_HOST}:{self.port}"

    def __enter__(self) -> Self:
        try:
            self._make()
            self._start("ceph-mon", "-i", "a", "-f")
            self._wait_for(lambda: self._ask("ceph", "--connect-timeout", "3", "-s") is not None)
            self._make_osd()
            self._start("ceph-osd", "-i", "0", "-f")
            self._wait_for(lambda: b"1 up" in (self._ask("ceph", "--connect-timeout", "3", "osd", "stat") or b""))
            self.start()
            self.add_user("tests", ACCESS, SECRET)
        except BaseException:
            self.close()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def start(self) -> None:
        """Let the store answer."""
        self._start("radosgw", "-n", "client.rgw", "-f")
        self._wait_for(self._answers)

    def stop(self) -> None:
        """Kill the part that answers, as a crash would; what it stored stays."""
        self._end("radosgw", kill=True)

    @property
    def cpu(self) -> float:
        """CPU seconds its processes used so far."""
        used = 0.0
        for process in self._processes.values():
            fields = Path(f"/proc/{process.pid}/stat").read_text().rpartition(")")[2].split()
            used += (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")
        return used

    def add_user(self, name: str, access: str, secret: str) -> None:
        """A user who may do nothing yet with the buckets of others."""
        self._admin("user", "create", f"--uid={name}", "--display-name=x", f"--access-key={access}",
                    f"--secret-key={secret}")  # fmt: skip

    def suspend(self, name: str) -> None:
        """From now on every request of this user is refused, until `enable`."""
        self._admin("user", "suspend", f"--uid={name}")

    def enable(self, name: str) -> None:
        self._admin("user", "enable", f"--uid={name}")

    def _admin(self, *arguments: str) -> None:
        self._run("radosgw-admin", "-n", "client.rgw", *arguments)

    def close(self) -> None:
        for name in ("radosgw", "ceph-osd", "ceph-mon"):
            self._end(name, kill=True)

    def _make(self) -> None:
        keyring, monmap = self.folder / "keyring", self.folder / "monmap"
        authority = ("ceph-authtool", str(keyring), "--gen-key")
        self._run("ceph-authtool", "--create-keyring", *authority[1:], "-n", "mon.", "--cap", "mon", "allow *")
        everything = ("--cap", "mon", "allow *", "--cap", "osd", "allow *", "--cap", "mgr", "allow *")
        self._run(*authority, "-n", "client.admin", *everything)
        self._run(*authority, "-n", "client.rgw", "--cap", "mon", "allow rw", "--cap", "osd", "allow rwx")
        self._run(*authority, "-n", "osd.0", "--cap", "mon", "allow profile osd", "--cap", "osd", "allow *")
        port = self._config.read_text().partition(f"mon_host = v2:{_HOST}:")[2].partition("\n")[0]
        self._run(
            *("monmaptool", "--create", "--fsid", self._fsid, "--addv", "a", f"[v2:{_HOST}:{port}]"), str(monmap)
        )
        self._run("ceph-mon", "--mkfs", "-i", "a", "--monmap", str(monmap), "--keyring", str(keyring))

    def _make_osd(self) -> None:
        name = str(uuid.uuid4())
        self._run("ceph", "osd", "new", name)
        self._run("ceph", "auth", "import", "-i", str(self.folder / "keyring"))
        self._run("ceph-osd", "-i", "0", "--mkfs", "--osd-uuid", name)

    def _command(self, *arguments: str) -> list[str]:
        return [arguments[0], "-c", str(self._config), *arguments[1:]]

    def _run(self, *arguments: str) -> bytes:
        command = [*arguments] if arguments[0].endswith("tool") else self._command(*arguments)
        done = subprocess.run(command, capture_output=True, timeout=_PATIENCE, check=False)
        if done.returncode != 0:
            raise RuntimeError(f"{' '.join(arguments)}: {done.stderr.decode(errors='replace')[-2000:]}")
        return done.stdout

    def _ask(self, *arguments: str) -> bytes | None:
        try:
            return self._run(*arguments)
        except (RuntimeError, subprocess.TimeoutExpired):
            return None

    def _start(self, *arguments: str) -> None:
        with (self.folder / f"{arguments[0]}.out").open("ab") as output:
            self._processes[arguments[0]] = subprocess.Popen(
                self._command(*arguments), stdout=output, stderr=output, stdin=subprocess.DEVNULL
            )

    def _end(self, name: str, *, kill: bool) -> None:
        process = self._processes.pop(name, None)
        if process is not None:
            process.kill() if kill else process.terminate()
            process.wait(_PATIENCE)

    def _answers(self) -> bool:
        try:
            with urllib.request.urlopen(self.endpoint, timeout=3):
                return True
        except urllib.error.HTTPError:
            return True
        except OSError:
            return False

    def _wait_for(self, holds: Callable[[], bool]) -> None:
        until = time.monotonic() + _PATIENCE
        while not holds():
            for name, process in self._processes.items():
                if process.poll() is not None:
                    told = (self.folder / f"{name}.out").read_text(errors="replace")[-2000:]
                    raise RuntimeError(f"{name} ended by itself: {told}")
            if time.monotonic() > until:
                raise RuntimeError("the store does not come up")
            time.sleep(0.1)
