"""The web server everybody fetches from: nginx with TLS on loopback, and what each turn cost it."""

from __future__ import annotations

import os
import pwd
import shutil
import signal
import socket
import subprocess
import time
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Self

HOST = "127.0.0.1"
NAMES = tuple(f"host{number}.test" for number in range(16))
"""Names the certificate is valid for, beside the address."""

TICK = os.sysconf("SC_CLK_TCK")
_PATIENCE = 20.0
_TEMPORARY = ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")

_CONFIG = """\
{modules}
daemon off;
worker_processes 1;
{user}
pid {folder}/nginx.pid;
error_log {folder}/error.log;
events {{ worker_connections 4096; }}
http {{
  types {{ image/jpeg jpg; video/mp4 mp4; }}
  log_format turn "$msec $request_time $connection $status $body_bytes_sent";
  access_log {folder}/access.log turn;
  sendfile on;
  tcp_nopush on;
  keepalive_timeout 65;
  keepalive_requests 1000000;
  {temporary}
  ssl_certificate {certificate};
  ssl_certificate_key {key};
  ssl_protocols TLSv1.3;
  server {{
    listen {host}:{port} ssl backlog=1024;
    root {root};
    {answer}
  }}
}}
"""

DELAYS = Path("/usr/lib/nginx/modules/ngx_http_echo_module.so")
"""What nginx needs to be slow; it comes with Debian's nginx-light."""

_LATE = "location / {{ echo_sleep {delay:g}; echo_exec @files; }} location @files {{ }}"


@dataclass(frozen=True, slots=True)
class Identity:
    """A certificate and its key, and the authority's certificate that clients have to trust."""

    authority: Path
    certificate: Path
    key: Path


def make_identity(folder: Path) -> Identity:
    """Make an authority and a certificate signed by it: some clients refuse a leaf that signed itself."""
    folder.mkdir(parents=True, exist_ok=True)
    names = ",".join((f"IP:{HOST}", "DNS:localhost", *(f"DNS:{name}" for name in NAMES)))
    extensions = folder / "leaf.ext"
    extensions.write_text(
        f"basicConstraints=critical,CA:FALSE\nsubjectAltName={names}\n"
        "keyUsage=critical,digitalSignature\nextendedKeyUsage=serverAuth\n"
    )
    elliptic = ("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes")
    _openssl(
        *("req", "-x509", *elliptic, "-days", "30", "-subj", "/CN=postkeep benchmark authority"),
        *("-addext", "keyUsage=critical,keyCertSign,cRLSign"),
        *("-keyout", str(folder / "authority.key"), "-out", str(folder / "authority.pem")),
    )
    _openssl(
        *("req", *elliptic, "-subj", f"/CN={NAMES[0]}"),
        *("-keyout", str(folder / "leaf.key"), "-out", str(folder / "leaf.csr")),
    )
    _openssl(
        *("x509", "-req", "-in", str(folder / "leaf.csr"), "-days", "30", "-extfile", str(extensions)),
        *("-CA", str(folder / "authority.pem"), "-CAkey", str(folder / "authority.key"), "-CAcreateserial"),
        *("-out", str(folder / "leaf.pem")),
    )
    return Identity(folder / "authority.pem", folder / "leaf.pem", folder / "leaf.key")


def _openssl(*arguments: str) -> None:
    subprocess.run(("openssl", *arguments), check=True, capture_output=True)


def free_port() -> int:
    """A port of the loopback address that nobody listens on now."""
    with socket.socket() as probe:
        probe.bind((HOST, 0))
        return int(probe.getsockname()[1])


@dataclass(frozen=True, slots=True)
class Seen:
    """What the server saw of a client: times are seconds since 1970, `bytes` those of all bodies."""

    requests: int
    failed: int
    connections: int
    bytes: int
    first: float
    last: float


class Server:
    """nginx with one worker, started and stopped for one turn, so that no client inherits another's.

    With `delay` it waits so many seconds before each answer.
    """

    def __init__(self, folder: Path, root: Path, port: int, identity: Identity, *, delay: float = 0.0) -> None:
        folder.mkdir(parents=True)
        self.folder = folder
        self.port = port
        self._config = folder / "nginx.conf"
        user = f"user {pwd.getpwuid(0).pw_name};" if os.geteuid() == 0 else ""
        self._config.write_text(
            _CONFIG.format(
                user=user,
                modules=f"load_module {DELAYS};" if delay else "",
                answer=_LATE.format(delay=delay) if delay else "",
                folder=folder,
                temporary=" ".join(f"{name}_temp_path {folder}/{name};" for name in _TEMPORARY),
                certificate=identity.certificate,
                key=identity.key,
                host=HOST,
                port=port,
                root=root,
            )
        )
        self._process: subprocess.Popen[bytes] | None = None
        self._before = 0.0

    def __enter__(self) -> Self:
        arguments = ("-c", str(self._config), "-p", str(self.folder), "-e", str(self.folder / "error.log"))
        command = (program(), *arguments)
        self._process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
        try:
            wait_for(self.port, self._process)
        except BaseException:
            self._stop()
            raise
        self._before = self._cpu()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stop()

    @property
    def cpu(self) -> float:
        """CPU seconds of all its processes since it was ready."""
        return self._cpu() - self._before

    def seen(self) -> Seen:
        """What it answered so far, from its log."""
        return read_log(self.folder / "access.log")

    def _cpu(self) -> float:
        assert self._process is not None, "only a running server uses any"
        return cpu_of_tree(self._process.pid)

    def _stop(self) -> None:
        process = self._process
        if process is None:
            return
        self._process = None
        process.send_signal(signal.SIGTERM)
        try:
            process.communicate(timeout=_PATIENCE)
        except subprocess.TimeoutExpired:
            for pid in tree(process.pid):
                os.kill(pid, signal.SIGKILL)
            process.communicate()


def program() -> str:
    """Where nginx is; raises RuntimeError when it is not installed."""
    # Debian keeps it where only root's PATH leads.
    path = os.pathsep.join((os.environ.get("PATH", os.defpath), "/usr/sbin", "/usr/local/sbin"))
    found = shutil.which("nginx", path=path)
    if found is None:
        raise RuntimeError("nginx is not installed (Debian: nginx-light)")
    return found


def wait_for(port: int, process: subprocess.Popen[bytes]) -> None:
    """Return when the process accepts connections on the port; raises RuntimeError when it ends or never does."""
    until = time.monotonic() + _PATIENCE
    while time.monotonic() < until:
        if process.poll() is not None:
            said = process.stderr.read().decode() if process.stderr else ""
            raise RuntimeError(f"the server did not start: {said}")
        with socket.socket() as probe:
            if probe.connect_ex((HOST, port)) == 0:
                return
        time.sleep(0.01)
    raise RuntimeError(f"the server does not listen on port {port}")


def read_log(path: Path) -> Seen:
    """Add up an access log; a request that sent nothing at all is left out."""
    firsts, lasts, connections, failed, size = [], [], set(), 0, 0
    for line in path.read_text().splitlines():
        at, took, connection, status, sent = line.split()
        firsts.append(float(at) - float(took))
        lasts.append(float(at))
        connections.add(connection)
        failed += status != "200"
        size += int(sent)
    return Seen(len(lasts), failed, len(connections), size, min(firsts, default=0.0), max(lasts, default=0.0))


# --- processes ----------------------------------------------------------------------------------------


def tree(pid: int) -> list[int]:
    """A process and all that come from it, as far as they live."""
    found = [pid]
    for each in found:
        for task in _tasks(each):
            try:
                found.extend(map(int, (task / "children").read_text().split()))
            except OSError:
                continue
    return found


def _tasks(pid: int) -> list[Path]:
    try:
        return list(Path(f"/proc/{pid}/task").iterdir())
    except OSError:
        return []


def cpu_of_tree(pid: int) -> float:
    """User and system CPU seconds of a process and its living descendants."""
    ticks = 0
    for each in tree(pid):
        try:
            fields = Path(f"/proc/{each}/stat").read_text().rpartition(")")[2].split()
        except OSError:
            continue
        ticks += int(fields[11]) + int(fields[12])
    return ticks / TICK
