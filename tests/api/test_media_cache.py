"""The cache's functions by the predecessors' names, over a library with a real server beside it."""

from __future__ import annotations

from pathlib import Path

import pytest

from postkeep.api import default, media_cache
from postkeep.errors import AddressRefused, CacheError, FetchError, HttpStatus, NotMedia, TimedOut
from postkeep.media.hashing import md5_bytes
from tests import media_bytes
from tests.library.world import World, picture, with_pictures, world
from tests.servers.media import slow

RETURNED = {
    "md5_sum", "local_path", "file_size", "mime_type", "media_type", "width", "height", "extension", "url",
}  # fmt: skip


@pytest.fixture(autouse=True)
def _used(request: pytest.FixtureRequest):
    if "here" in request.fixturenames:
        default.use(request.getfixturevalue("here").library)
    yield
    default.use(None)


def legacy(here: World, url: str, content: bytes, extension: str = "png") -> Path:
    """A file as the predecessor kept it: under the MD5 of its URL."""
    path = here.root / "images" / f"{md5_bytes(url.encode())}.{extension}"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)
    return path


# --- without a library ----------------------------------------------------------------------------------


def test_hashes_are_those_of_the_bytes(tmp_path):
    path = tmp_path / "file"
    path.write_bytes(b"hello")
    assert (
        media_cache.calculate_md5(path)
        == media_cache.calculate_md5(str(path))
        == "5d41402abc4b2a76b9719d911017c592"
    )
    assert media_cache.calculate_md5_from_bytes(b"hello") == "5d41402abc4b2a76b9719d911017c592"
    assert media_cache.verify_cached_media(path, "5D41402ABC4B2A76B9719D911017C592") is True
    assert media_cache.verify_cached_media(path, "0" * 32) is False
    assert media_cache.verify_cached_media(tmp_path / "none", "0" * 32) is False
    assert media_cache.verify_cached_media(tmp_path, "0" * 32) is False
    with pytest.raises(OSError, match="No such file"):
        media_cache.calculate_md5(tmp_path / "none")


@pytest.mark.parametrize(
    ("url", "mime_type", "expected"),
    [
        ("https://a.test/x.mp4?e=1", None, "video"),
        ("https://a.test/x.pdf", None, "document"),
        ("https://a.test/x", None, "image"),
        ("https://a.test/x.jpg", "video/mp4", "video"),
        ("https://a.test/x", "application/pdf; charset=x", "document"),
        ("", None, "image"),
        ("not a url \0", "nonsense", "image"),
    ],
)
def test_the_media_type_is_guessed(url, mime_type, expected):
    assert media_cache.detect_media_type(url, mime_type) == expected


@pytest.mark.parametrize(
    ("count", "text"),
    [(0, "0 B"), (1023, "1023 B"), (1536, "1.5 KB"), (20 * 1024**2, "20.0 MB"), (3 * 1024**3, "3.0 GB"),
     (5 * 1024**5, "5120.0 TB")],
)  # fmt: skip
def test_sizes_as_people_read_them(count, text):
    assert media_cache.format_size(count) == text


@pytest.mark.parametrize("mime_type", sorted(media_bytes.ALL))
def test_dimensions_are_read_from_any_kind_of_file(tmp_path, mime_type):
    path = tmp_path / "file"
    path.write_bytes(media_bytes.ALL[mime_type]())
    width, height = media_cache.get_image_dimensions(path)
    assert (width is None) == (height is None) == (mime_type == "application/pdf")


def test_what_is_no_media_has_no_dimensions(tmp_path):
    path = tmp_path / "file"
    path.write_bytes(b"words")
    assert media_cache.get_image_dimensions(path) == (None, None)
    path.write_bytes(b"")
    assert media_cache.get_image_dimensions(str(path)) == (None, None)


# --- into the cache -------------------------------------------------------------------------------------


def test_a_url_is_brought_into_the_cache_and_given_out_again_without_a_request(here):
    content = media_bytes.mp4(seed=b"x")
    url = here.server.route("/film", content)

    got = media_cache.download_and_cache_media(url, "image")

    assert set(got) == RETURNED
    assert (got["md5_sum"], got["file_size"], got["mime_type"]) == (md5_bytes(content), len(content), "video/mp4")
    assert (got["media_type"], got["extension"], got["url"]) == ("video", "mp4", url)
    assert Path(got["local_path"]).read_bytes() == content
    assert Path(got["local_path"]) == media_cache.get_media_cache_path("video", got["md5_sum"], ".mp4")
    assert media_cache.download_and_cache_media(url) == got
    assert media_cache.find_cached_by_url(url) == got
    assert media_cache.find_cached_by_md5(got["md5_sum"].upper()) == got | {"url": ""}
    assert media_cache.get_cached_image_path(url) == Path(got["local_path"])
    assert here.server.count() == 1
    assert media_cache.verify_cached_media(got["local_path"], got["md5_sum"])
    here.check()


def test_what_a_post_brought_is_not_asked_for_again(here):
    url = here.asset("D4A")
    plain = here.server.route("/plain.png", picture("plain"))
    here.bring(with_pictures(1, url, plain))

    assert media_cache.download_and_cache_media(url)["url"] == url
    assert media_cache.find_cached_by_url(plain)["url"] == plain
    assert media_cache.find_cached_by_url(url.replace("feedshare-shrink_800", "feedshare-shrink_9999")) is None
    assert here.server.count() == 2
    here.check()


def test_a_larger_rendition_that_is_not_there_yet_is_not_the_smaller_one(here):
    here.bring(with_pictures(1, here.asset("D4A", picture("small"))))
    large = here.asset("D4A", picture("large", 9), variant="feedshare-shrink_2048_1536")
    here.bring(
        with_pictures(
            1,
            large,
        ),
        at=here.library.posts()[0].posted_at.replace(day=9),
        fetch=False,
    )

    assert media_cache.find_cached_by_url(large) is None
    assert media_cache.download_and_cache_media(large)["width"] == 9


def test_a_failure_raises_the_error_of_its_kind(here):
    with pytest.raises(HttpStatus, match="404"):
        media_cache.download_and_cache_media(here.server.url("/none"))
    with pytest.raises(NotMedia):
        media_cache.download_and_cache_media(here.server.route("/page", b"<html></html>"))
    with pytest.raises(AddressRefused):
        media_cache.download_and_cache_media("http://127.0.0.1:1/x.png")
    with pytest.raises(TimedOut):
        media_cache.download_and_cache_media(here.server.route("/slow", slow(b"x", seconds=20)), timeout=0.1)
    assert media_cache.get_cache_stats() == {"total_files": 0, "total_size": 0, "by_type": {}}
    here.check()


@pytest.mark.parametrize(
    "url", ["", " ", "no url", "ftp://a.test/x", "http://", "http://a\0b/", "http://a.test/\udcff", "x" * 9000]
)
def test_what_is_no_url_is_an_error_of_fetching(here, url):
    with pytest.raises(FetchError):
        media_cache.download_and_cache_media(url)
    [entry] = media_cache.download_multiple_media([url])
    assert entry["url"] == url
    assert entry["error"]
    assert media_cache.find_cached_by_url(url) is None
    assert media_cache.get_cached_image_path(url) is None


def test_many_urls_are_one_entry_each_in_order_and_failures_are_entries(here):
    good = [here.server.route(f"/{n}.png", picture(str(n))) for n in range(5)]
    urls = [good[0], here.server.url("/none"), good[1], "http://127.0.0.1:1/x", good[0], good[2], "", *good[3:]]

    entries = media_cache.download_multiple_media(urls, max_workers=2, timeout=20)

    assert [entry["url"] for entry in entries] == urls
    assert [set(entry) == RETURNED for entry in entries] == [
        True,
        False,
        True,
        False,
        True,
        True,
        False,
        True,
        True,
    ]
    assert all(set(entry) == {"url", "error"} and entry["error"] for entry in entries if "error" in entry)
    assert entries[0] == entries[4]
    assert here.server.count() == 6
    assert here.server.most_at_once[""] <= 2
    assert media_cache.get_cache_stats()["total_files"] == 5
    assert media_cache.download_multiple_media([]) == []
    here.check()


def test_two_urls_of_one_content_are_one_file(here):
    urls = [here.server.route(f"/{n}.png", picture()) for n in range(2)]
    one, other = media_cache.download_multiple_media(urls)

    assert one["local_path"] == other["local_path"]
    assert (one["url"], other["url"]) == (urls[0], urls[1])
    stats = media_cache.get_cache_stats()
    size = len(picture())
    assert stats == {"total_files": 1, "total_size": size, "by_type": {"image": {"count": 1, "size": size}}}
    here.check()


def test_a_cache_that_cannot_be_written_is_one_error_and_no_group_of_them(here):
    (here.root).mkdir(parents=True, exist_ok=True)
    (here.root / "media").write_bytes(b"in the way")
    urls = [here.server.route(f"/{n}.png", picture(str(n))) for n in range(3)]

    with pytest.raises(CacheError):
        media_cache.download_multiple_media(urls)
    with pytest.raises(CacheError):
        media_cache.download_and_cache_media(urls[0])


def test_the_limit_of_the_cache_holds_here_too(tmp_path, database_url):
    with world(tmp_path, database_url, cache_bytes=300) as here:
        default.use(here.library)
        first, second, third = (
            here.server.route(f"/{n}.png", picture(str(n % 2)) + b"\0" * 100) for n in (1, 2, 3)
        )
        media_cache.download_and_cache_media(first)
        with pytest.raises(CacheError, match="max_bytes"):
            media_cache.download_and_cache_media(second)
        # The same content as the first needs no room.
        media_cache.download_and_cache_media(third)
        assert len(here.cached()) == 1
        here.check()


def test_damage_is_none_and_the_next_download_mends_it(here):
    url = here.server.route("/a.png", picture())
    got = media_cache.download_and_cache_media(url)
    Path(got["local_path"]).write_bytes(b"damaged")

    assert media_cache.find_cached_by_url(url) is None
    assert media_cache.find_cached_by_md5(got["md5_sum"]) is None
    assert not Path(got["local_path"]).exists()
    assert media_cache.download_and_cache_media(url) == got
    assert here.server.count() == 2

    Path(got["local_path"]).unlink()
    assert media_cache.find_cached_by_md5(got["md5_sum"]) is None
    assert media_cache.download_and_cache_media(url) == got
    assert here.server.count() == 3
    here.check()


# --- the predecessor's cache ----------------------------------------------------------------------------


def test_a_file_of_the_predecessor_is_found_by_its_url_and_recorded(here):
    url = here.licdn("/dms/image/v2/D4OLD/feedshare-shrink_800/0/1")
    path = legacy(here, url, picture("old"))

    got = media_cache.find_cached_by_url(url)

    assert (got["local_path"], got["md5_sum"], got["url"]) == (str(path), md5_bytes(picture("old")), url)
    assert media_cache.get_cached_image_path(url) == path
    assert media_cache.find_cached_by_md5(got["md5_sum"])["local_path"] == str(path)
    assert media_cache.download_and_cache_media(url) == got
    assert media_cache.get_cache_stats()["total_files"] == 1
    assert here.server.count() == 0
    here.check()


def test_a_legacy_file_whose_content_is_in_the_cache_already_changes_no_fact_of_it(here):
    url = here.asset("D4A", picture("same"))
    here.bring(with_pictures(1, url))
    other = "https://example.test/the-same.png"
    legacy(here, other, picture("same"))

    assert media_cache.find_cached_by_url(other) is not None
    here.check()
    assert media_cache.find_cached_by_url(url) is not None
    assert here.library.verify_cache().clean
    assert media_cache.find_cached_by_url(other) is not None
    here.check()


@pytest.mark.parametrize("content", [b"", b"<html>sign in</html>"])
def test_a_legacy_file_that_is_no_media_is_no_answer_and_the_url_is_fetched(here, content):
    url = here.server.route("/a.png", picture())
    legacy(here, url, content)

    assert media_cache.find_cached_by_url(url) is None
    assert media_cache.get_cached_image_path(url) is None
    [entry] = media_cache.download_multiple_media([url])
    assert entry["md5_sum"] == md5_bytes(picture())
    assert media_cache.download_and_cache_media(url) == entry
    assert here.server.count() == 1
    here.check()


# --- the default library --------------------------------------------------------------------------------


@pytest.mark.parametrize("database_kind", ["sqlite"], indirect=True)
def test_the_default_library_is_opened_by_the_first_call_and_again_after_it_was_closed(
    tmp_path, monkeypatch, database_url
):
    monkeypatch.setenv("POSTKEEP_HOME", str(tmp_path / "home"))
    default.use(None)
    assert not (tmp_path / "home").exists()
    try:
        assert media_cache.get_cache_stats()["total_files"] == 0
        first = default.library()
        assert default.library() is first
        default.close()
        assert media_cache.find_cached_by_md5("0" * 32) is None
        assert default.library() is not first
    finally:
        default.close()


def test_a_path_in_the_cache_needs_no_file(here):
    path = media_cache.get_media_cache_path("document", "a" * 32, "pdf")
    assert path == here.root / "media" / "documents" / f"{'a' * 32}.pdf"
    with pytest.raises(ValueError, match="sound"):
        media_cache.get_media_cache_path("sound", "a" * 32, "mp3")
