"""Damage to the cache is found, put aside, said and mended; nothing else is touched."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import pytest

from postkeep.errors import CacheError
from postkeep.media.hashing import md5_bytes
from postkeep.model import RunStatus
from tests.library.world import World, picture, with_pictures
from tests.records import EPOCH

PATHS = "SELECT m.media_key, m.local_file_path FROM post_media m ORDER BY m.media_key"


def filled(here: World, *assets: str) -> dict[str, Path]:
    """A library with these assets in its cache; where each of them lies."""
    here.bring(with_pictures(1, *(here.asset(asset) for asset in assets)))
    here.server.reset()
    return {key: here.root / path for key, path in here.rows(PATHS)}


def flip(path: Path) -> None:
    """Other bytes of the same number at the same time, as a bad disk leaves them."""
    state = path.stat()
    content = bytearray(path.read_bytes())
    content[-5] ^= 0xFF
    path.write_bytes(content)
    os.utime(path, ns=(state.st_atime_ns, state.st_mtime_ns))
    assert (path.stat().st_size, path.stat().st_mtime_ns) == (state.st_size, state.st_mtime_ns)


def uncached(here: World) -> list[str]:
    return [
        key
        for (key,) in here.rows(
            "SELECT m.media_key FROM post_media m JOIN media_files f ON f.file_id = m.file_id"
            " WHERE f.cached_at IS NULL ORDER BY 1"
        )
    ]


def test_a_sound_cache_is_clean_and_nothing_changes(here):
    filled(here, "D4A", "D4B", "D4C")
    before = here.cached()

    found = here.library.verify_cache()

    assert found.clean
    assert (found.status, found.checked, found.sound) == (RunStatus.COMPLETED, 3, 3)
    assert (found.damaged, found.missing, found.strangers, found.adopted, found.queued) == ((), (), (), 0, 0)
    assert found.bytes == sum((here.root / path).stat().st_size for path in before)
    assert here.cached() == before
    assert here.library.runs()[0].kind == "verify-cache"
    here.check()


def test_a_damaged_file_goes_to_quarantine_and_is_fetched_again(here):
    places = filled(here, "D4A", "D4B")
    before = here.cached()
    flip(places["D4A"])
    damaged = places["D4A"].read_bytes()

    found = here.library.verify_cache()

    assert not found.clean
    assert (found.status, found.checked, found.sound, found.queued) == (RunStatus.PARTIAL, 2, 1, 1)
    assert found.damaged == (str(places["D4A"].relative_to(here.root)),)
    assert [path.read_bytes() for path in (here.root / "quarantine").iterdir()] == [damaged]
    assert (uncached(here), here.states()) == (["D4A"], {"D4A": "fetched", "D4B": "fetched"})
    assert [each.cached for each in here.library.media_list(post=here.library.posts()[0].post_id)] == [False, True]
    assert here.library.fetch_due().cached == 1
    assert here.server.count() == 1
    assert (uncached(here), here.cached()) == ([], before)
    assert here.library.verify_cache().clean
    here.check()


def test_a_missing_file_is_fetched_again_once_however_many_rows_show_it(here):
    url = here.asset("D4A")
    here.bring(with_pictures(1, url), with_pictures(2, url))
    here.server.reset()
    [path] = here.cached()
    (here.root / path).unlink()

    found = here.library.verify_cache()

    assert (found.missing, found.queued, found.status) == ((path,), 1, RunStatus.PARTIAL)
    assert here.library.fetch_due().cached == 1
    assert here.server.count() == 1
    assert uncached(here) == []
    assert here.library.verify_cache().clean
    here.check()


def test_a_damaged_file_whose_link_is_dead_stays_known_and_uncached(here):
    places = filled(here, "D4A")
    flip(places["D4A"])
    here.library.verify_cache()
    here.server.route("/dms/image/v2/D4A/feedshare-shrink_800/0/1", b"gone", status=404)
    here.library.fetch_due()

    assert (uncached(here), here.states(), here.queued()) == (["D4A"], {"D4A": "fetched"}, 0)
    assert here.library.media_list()[0].error == "HTTP 404"
    # With a fresh link a backfill brings it back.
    here.asset("D4A")
    fresh = here.licdn("/dms/image/v2/D4A/feedshare-shrink_800/0/1", t="new")
    here.bring(with_pictures(1, fresh), at=EPOCH.replace(day=9))
    assert here.library.backfill(sleep_max=0, sleep_min=0).media.cached == 1
    assert uncached(here) == []
    here.check()


@pytest.mark.parametrize("kind", ["folder", "dead link", "outer link", "pipe"])
def test_what_is_no_file_of_ours_any_more_is_missing_and_replaced(here, kind, tmp_path):
    places = filled(here, "D4A")
    path = places["D4A"]
    kept = tmp_path / "kept.png"
    shutil.copy(path, kept)
    path.unlink()
    match kind:
        case "folder":
            path.mkdir()
        case "pipe":
            os.mkfifo(path)
        case "outer link":
            path.symlink_to(kept)
        case _:
            path.symlink_to("nowhere.png")

    found = here.library.verify_cache()

    assert not found.clean
    assert here.library.fetch_due().cached == 1
    assert path.is_file()
    assert not path.is_symlink()
    assert path.read_bytes() == kept.read_bytes()
    assert uncached(here) == []
    assert here.library.verify_database() == []


def test_a_sound_file_no_row_knows_is_adopted_and_later_needs_no_request(here):
    content = picture("orphan")
    (here.root / "media" / "images").mkdir(parents=True)
    (here.root / "media" / "images" / f"{md5_bytes(content)}.png").write_bytes(content)

    found = here.library.verify_cache()

    assert (found.adopted, found.clean, found.status) == (1, True, RunStatus.COMPLETED)
    assert here.library.find_file(md5=md5_bytes(content)) is not None
    assert here.library.verify_cache().adopted == 0
    here.check()


def test_a_lost_row_state_is_found_again_on_the_disk(here):
    """The row says the file is not there, but it is: adopted, and its queued fetch asks nobody."""
    places = filled(here, "D4A")
    kept = here.folder / "kept"
    places["D4A"].rename(kept)
    here.library.verify_cache()
    kept.rename(places["D4A"])

    assert here.library.verify_cache().adopted == 1
    fetched = here.library.fetch_due()
    assert (fetched.linked, fetched.requests, here.server.count()) == (1, 0, 0)
    assert uncached(here) == []
    here.check()


def test_strangers_are_told_and_left_alone(here):
    filled(here, "D4A")
    images = here.root / "media" / "images"
    text = b"no picture"
    names = {"notes.txt", f"{md5_bytes(text)}.png", "UPPER.PNG"}
    for name in names:
        (images / name).write_bytes(text)
    (here.root / "media" / "loose.bin").write_bytes(b"x")

    found = here.library.verify_cache()

    assert found.clean
    assert {path.removeprefix("media/images/") for path in found.strangers} == names | {"media/loose.bin"}
    assert all((images / name).exists() for name in names)
    assert found.adopted == 0
    here.check()


def test_an_orphan_that_is_not_what_its_name_says_is_damage(here):
    images = here.root / "media" / "images"
    images.mkdir(parents=True)
    (images / f"{'0' * 32}.png").write_bytes(picture())

    found = here.library.verify_cache()

    assert found.damaged == (f"media/images/{'0' * 32}.png",)
    assert list(images.iterdir()) == []
    assert len(list((here.root / "quarantine").iterdir())) == 1


def test_a_cache_that_is_not_mounted_is_an_error_and_not_a_thousand_missing_files(here):
    filled(here, "D4A", "D4B")
    here.root.rename(here.root.with_name("unmounted"))

    with pytest.raises(CacheError, match="is not there"):
        here.library.verify_cache()

    assert uncached(here) == []
    assert here.queued() == 0
    assert here.library.runs()[0].status is RunStatus.FAILED


def test_stopping_is_said_and_judges_nothing_that_was_not_looked_at(here):
    places = filled(here, "D4A")
    flip(places["D4A"])

    found = here.library.verify_cache(stop=lambda: True)

    assert (found.status, found.checked, found.damaged, found.queued) == (RunStatus.CANCELLED, 0, (), 0)


def test_a_file_that_vanishes_while_it_is_put_aside_stops_nothing(here, monkeypatch):
    places = filled(here, "D4A", "D4B")
    for path in places.values():
        flip(path)
    prove = here.library._cache.prove

    def prove_and_lose(path, **more):
        try:
            return prove(path, **more)
        finally:
            if path.endswith(places["D4A"].name):
                places["D4A"].unlink()

    monkeypatch.setattr(here.library._cache, "prove", prove_and_lose)
    found = here.library.verify_cache()

    assert (found.checked, found.queued) == (2, 2)
    assert uncached(here) == ["D4A", "D4B"]


# --- looking at single files ----------------------------------------------------------------------------


def test_every_access_proves_the_file(here):
    places = filled(here, "D4A", "D4B")
    md5 = {key: path.stem for key, path in places.items()}
    found = here.library.find_file(md5=md5["D4A"])
    assert found is not None
    assert Path(found.path) == places["D4A"]

    places["D4A"].write_bytes(b"something else")
    assert here.library.find_file(md5=md5["D4A"]) is None
    assert here.library.find_file(md5=md5["D4A"].upper()) is None
    assert here.library.find_file(md5=md5["D4B"].upper()) is not None
    assert uncached(here) == ["D4A"]
    assert here.queued() == 1
    assert len(list((here.root / "quarantine").iterdir())) == 1
    assert here.library.fetch_due().cached == 1
    assert here.library.find_file(md5=md5["D4A"]) is not None
    here.check()


def test_a_check_of_one_md5_always_hashes(here):
    places = filled(here, "D4A")
    md5 = places["D4A"].stem
    assert here.library.verify_md5(md5).sound
    flip(places["D4A"])

    # The proof is by size, time and inode, so that a reader sees no change; the check does.
    assert here.library.find_file(md5=md5) is not None
    check = here.library.verify_md5(md5)
    assert (check.found, check.sound, check.path) == (True, False, str(places["D4A"].relative_to(here.root)))
    assert here.library.verify_md5(md5).found is False
    assert here.library.find_file(md5=md5) is None
    assert here.queued() == 1


@pytest.mark.parametrize("md5", ["", "0" * 32, "no md5", "\0", "\udcff", "x" * 5000])
def test_an_md5_nobody_has_is_not_found(here, md5):
    assert here.library.find_file(md5=md5) is None
    assert not here.library.verify_md5(md5).found
