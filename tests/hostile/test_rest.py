"""What is about more than one answer: names in URLs, equal MD5s, hosts that talk nonsense and nothing else."""

from __future__ import annotations

import hashlib
import logging
from dataclasses import replace
from datetime import timedelta

import pytest

from postkeep.media import staging
from postkeep.model import Digest, utc_now
from tests.hostile.scene import scene
from tests.hostile.servers import bare, exactly
from tests.hostile.table import GOOD
from tests.hostile.test_answers import OURS
from tests.media_bytes import png
from tests.servers.media import MediaServer, Reply, raw

DOTTED = (
    "/../../../../etc/cron.d/x.sh",
    "/%2e%2e/%2e%2e/%2e%2e/etc/passwd",
    "/..%5c..%5cx.exe",
    "/.",
)
PATHS = (
    "/../../../../etc/cron.d/x.sh",
    "/%2e%2e/%2e%2e/%2e%2e/etc/passwd",
    "/..%2f..%2f..%2fx.png",
    "/..%5c..%5cx.exe",
    "/x%00.png",
    "/x.png%00.sh",
    "/" + "n" * 300 + ".png",
    "/" + "ä" * 300 + ".png",
    "/gnp.\u202e\u2066exe",
    "/%e2%80%aegnp.exe",
    "/CON",
    "/aux.png",
    "/LPT1.jpg",
    "/C:/Windows/System32/x.dll",
    "/C%3a%5cx.png",
    "/x.png::$DATA",
    "//etc/passwd",
    "/.htaccess",
    "/.",
    "/-rf",
    "/~root/.ssh/authorized_keys",
    "/$(id)/`id`;id|id&.png",
    "/x.php",
    "/x.html",
    "/x.svg",
    "/x.url",
    "/x.desktop",
    "/%0d%0aX-Injected:%20yes",
    "/%20 .png".replace(" ", "%09"),
    "/x.png?name=../../../x.sh",
    "/x.png#/../../x.sh",
    "/?",
)


def test_nothing_of_a_url_reaches_the_file_system(tmp_path) -> None:
    with MediaServer(default=lambda _path: Reply(GOOD)) as server, scene(tmp_path / "own", server) as here:
        urls = [server.url(path, host=f"path{number}.test") for number, path in enumerate(PATHS)]
        here.bring(*urls)
        outcomes = here.world.library.fetch_urls([url.replace(".test", ".direct.test") for url in urls])

        expected = dict.fromkeys(urls, ("fetched", None))
        # Whose path says one thing and asks for another is not asked at all.
        expected |= {urls[PATHS.index(path)]: ("refused", "refused") for path in DOTTED}
        assert {url: here.row(url) for url in urls} == expected
        assert len([each.url for each in outcomes if each.file is None]) == len(DOTTED)
        assert len(server.requests) == 2 * (len(PATHS) - len(DOTTED))
        # One content, so one file, whatever it was called.
        assert list(here.world.cached()) == [f"media/images/{hashlib.md5(GOOD).hexdigest()}.png"]
        assert [name for name in here.everything() if not OURS.fullmatch(name)] == []
        beside = {each.name for each in (tmp_path / "own").iterdir() if not each.name.startswith("posts.db")}
        assert (beside, [each.name for each in tmp_path.iterdir()]) == ({"home", "in"}, ["own"])


def test_two_contents_with_one_md5_are_two_files_and_an_alarm(
    tmp_path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """Found where bytes become digests: from there on they are two pictures that somebody made collide."""
    original, forged = png(11, 7, b"original"), png(11, 7, b"forged")
    md5 = hashlib.md5(original).hexdigest()
    digest = staging.digest_content

    def colliding(content: bytes) -> Digest:
        return replace(digest(content), md5=md5) if content == forged else digest(content)

    monkeypatch.setattr(staging, "digest_content", colliding)
    sha = {content: hashlib.sha256(content).hexdigest() for content in (original, forged)}
    names = [f"media/images/{md5}.png", f"media/images/{md5}-{sha[forged][:8]}.png"]
    with (
        MediaServer() as server,
        scene(tmp_path / "post", server) as here,
        scene(tmp_path / "direct", server) as direct,
        caplog.at_level(logging.ERROR, "postkeep"),
    ):
        urls = [server.route("/1.png", exactly(original)), server.route("/2.png", exactly(forged))]
        here.bring(urls[0], first=1)
        here.bring(urls[1], first=2)
        assert caplog.text.count("md5_collision") == 1
        assert [direct.fetch_url(url) for url in urls] == [None, None]
        assert caplog.text.count("md5_collision") == 2

        for each in (here, direct):
            assert each.world.cached() == dict(zip(names, (sha[original], sha[forged]), strict=True))
            rows = each.world.rows("SELECT sha256, md5_sum, local_file_path FROM media_files ORDER BY created_at")
            assert rows == [(sha[original], md5, names[0]), (sha[forged], md5, names[1])]
        assert [here.row(url) for url in urls] == [("fetched", None)] * 2
        assert here.world.rows("SELECT count(DISTINCT file_id) FROM post_media") == [(2,)]


# --- hosts that answer, and never with sense ----------------------------------------------------------------

NONSENSE = {
    "length that is no number": b"HTTP/1.1 200 OK\r\nContent-Length: many\r\n\r\n" + GOOD,
    "lengths that contradict": b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\n" + GOOD,
    "NUL in a header": b"HTTP/1.1 200 OK\r\nX: a\0b\r\n\r\n" + GOOD,
    "5,001 headers": b"HTTP/1.1 200 OK\r\n" + b"X: y\r\n" * 5001 + b"\r\n" + GOOD,
}


@pytest.mark.parametrize("nonsense", NONSENSE)
def test_a_host_that_answered_nonsense_has_answered(tmp_path, nonsense: str) -> None:
    """Else a row whose host says nothing else is asked for for ever: no try of it is ever spent."""
    with MediaServer() as server, scene(tmp_path, server, tries=3) as here:
        url = server.url("/a.png", host="nonsense.test")
        server.route("/a.png", raw(NONSENSE[nonsense]))
        here.bring(url)
        for days in (2, 4, 6, 8, 10):
            here.world.now_is(utc_now() + timedelta(days=days))
            here.world.library.fetch_due()
        assert here.row(url)[0] in ("failed", "unsupported")  # type: ignore[index]
        assert server.count() <= 3


def test_one_hostile_host_does_not_stop_another(tmp_path) -> None:
    with MediaServer() as server, scene(tmp_path, server, per_host=2, circuit=2) as here:
        server.route("/bad.png", bare(500))
        server.route("/good.png", exactly(GOOD))
        bad = [server.url("/bad.png", host="bad.test") + f"?{number}" for number in range(30)]
        good = [server.url("/good.png", host="good.test") + f"?{number}" for number in range(30)]
        summary = here.bring(*(url for both in zip(bad, good, strict=True) for url in both))
        assert summary.media.cached == len(good)
        assert server.count("/bad.png") <= 2 + 2 * 2
