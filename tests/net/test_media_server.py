"""The test server as a process of its own, and the files it makes up."""

from __future__ import annotations

import io
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from postkeep.config import FetchConfig
from postkeep.errors import HttpStatus
from postkeep.media.measure import measure
from postkeep.media.sniff import sniff
from postkeep.net.fetcher import Fetcher
from tests.servers import media

ROOT = Path(__file__).parents[2]


@pytest.mark.parametrize("number", [0, 1, 7, 63, 64, 123456789])
def test_made_up_files_are_what_their_names_say(number: int) -> None:
    for folder, extension in (("img", "png"), ("vid", "mp4"), ("doc", "pdf")):
        path = f"/{folder}/{number}.{extension}"
        reply = media.made_up(path)
        kind = sniff(reply.body)
        assert (kind.extension, kind.mime_type) == (extension, reply.content_type)
        assert reply == media.made_up(path)
        assert reply.body != media.made_up(f"/{folder}/{number + 1}.{extension}").body
    picture = media.png(number)
    size = measure(io.BytesIO(picture), sniff(picture), len(picture))
    assert (size.width, size.height) == (8 + number % 64, 8 + number % 64)


def test_the_server_as_a_process_writes_every_request_down(tmp_path: Path) -> None:
    port_file, log_file = tmp_path / "port", tmp_path / "log"
    arguments = ["--port-file", str(port_file), "--log-file", str(log_file)]
    command = [sys.executable, "-m", "tests.servers.media", *arguments]
    with subprocess.Popen(command, cwd=ROOT, stderr=subprocess.PIPE) as process:
        try:
            while not port_file.exists():
                assert process.poll() is None
                time.sleep(0.01)
            port = port_file.read_text()
            fetcher = Fetcher(FetchConfig(allow=(f"127.0.0.1:{port}",)), spool=lambda: tmp_path / "spool")
            base = f"http://127.0.0.1:{port}"
            body = fetcher.fetch_sync(f"{base}/img/7.png?e=1").body
            assert b"".join(body.chunks) == media.png(7)
            assert fetcher.fetch_sync(f"{base}/anything").headers["content-type"] == "image/png"
            with pytest.raises(HttpStatus):
                fetcher.fetch_sync(f"{base}/dead/1.png")
            fetcher.close()
        finally:
            process.send_signal(signal.SIGTERM)
        assert process.wait(20) == 0
        assert process.stderr is not None
        assert process.stderr.read() == b""
    assert log_file.read_text().splitlines() == ["GET /img/7.png?e=1", "GET /anything", "GET /dead/1.png"]
