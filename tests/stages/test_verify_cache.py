"""Damage to the cache is found, put aside, said and mended; nothing else is touched."""

from __future__ import annotations

import errno
import hashlib
import os
import shutil
import threading
from pathlib import Path

import pytest

from postkeep.errors import CacheError
from postkeep.library import open_library
from postkeep.media import proving
from postkeep.media.hashing import md5_bytes
from postkeep.model import RunStatus
from postkeep.stages import settling
from postkeep.views import VerifySummary
from tests.canonical import dump
from tests.library.world import World, picture, with_pictures, world
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


def repair(here: World) -> VerifySummary:
    return here.library.verify_cache(repair=True)


def nothing_odd(found: VerifySummary) -> bool:
    told = (found.damaged, found.missing, found.unreadable, found.orphans, found.misnamed, found.collisions)
    return not any((*told, found.strangers)) and found.clean


def lay(here: World, name: str, content: bytes) -> str:
    """Put a file below `media` as if the cache had; its path relative to the root."""
    path = here.root / "media" / name
    here.root.parent.mkdir(exist_ok=True)
    for folder in (here.root, here.root / "media", path.parent):
        if not folder.exists():
            folder.mkdir(mode=0o700)
    path.write_bytes(content)
    path.chmod(0o600)
    return f"media/{name}"


def everything(here: World) -> tuple[list[str], dict[str, tuple[int, int, bytes]]]:
    """All rows (but for proofs and runs) and all files with their inodes and times."""
    files = {
        str(path): (path.stat().st_ino, path.stat().st_mtime_ns, path.read_bytes())
        for path in here.root.rglob("*")
        if path.is_file() and path.parent != here.root
    }
    return dump(here.store), files


def test_a_sound_cache_is_clean_and_nothing_changes(here):
    filled(here, "D4A", "D4B", "D4C")
    before = here.cached()

    found = here.library.verify_cache()

    assert found.clean
    assert (found.status, found.checked, found.sound) == (RunStatus.COMPLETED, 3, 3)
    assert nothing_odd(found)
    assert (found.adopted, found.queued, found.moved, found.removed, found.quarantined) == (0, 0, 0, 0, 0)
    assert found.bytes == sum((here.root / path).stat().st_size for path in before)
    assert here.cached() == before
    assert here.library.runs()[0].kind == "verify-cache"
    here.check()


def test_a_damaged_file_goes_to_quarantine_and_is_fetched_again(here):
    places = filled(here, "D4A", "D4B")
    before = here.cached()
    flip(places["D4A"])
    damaged = places["D4A"].read_bytes()

    found = repair(here)

    assert not found.clean
    assert (found.status, found.checked, found.sound, found.queued) == (RunStatus.PARTIAL, 2, 1, 1)
    assert found.damaged == (str(places["D4A"].relative_to(here.root)),)
    assert [path.read_bytes() for path in (here.root / "quarantine").iterdir()] == [damaged]
    assert (uncached(here), here.states()) == (["D4A"], {"D4A": "fetched", "D4B": "fetched"})
    assert [each.cached for each in here.library.media_list(post=here.library.posts()[0].post_id)] == [False, True]
    assert here.library.fetch_due().cached == 1
    assert here.server.count() == 1
    assert (uncached(here), here.cached()) == ([], before)
    assert repair(here).clean
    here.check()


def test_a_missing_file_is_fetched_again_once_however_many_rows_show_it(here):
    url = here.asset("D4A")
    here.bring(with_pictures(1, url), with_pictures(2, url))
    here.server.reset()
    [path] = here.cached()
    (here.root / path).unlink()

    found = repair(here)

    assert (found.missing, found.queued, found.status) == ((path,), 1, RunStatus.PARTIAL)
    assert here.library.fetch_due().cached == 1
    assert here.server.count() == 1
    assert uncached(here) == []
    assert repair(here).clean
    here.check()


def test_a_damaged_file_whose_link_is_dead_stays_known_and_uncached(here):
    places = filled(here, "D4A")
    flip(places["D4A"])
    repair(here)
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

    found = repair(here)

    assert not found.clean
    assert here.library.fetch_due().cached == 1
    assert path.is_file()
    assert not path.is_symlink()
    assert path.read_bytes() == kept.read_bytes()
    assert uncached(here) == []
    assert here.library.verify_database() == []


def test_a_sound_file_no_row_knows_is_adopted_and_later_needs_no_request(here):
    content = picture("orphan")
    path = lay(here, f"images/{md5_bytes(content)}.png", content)

    found = repair(here)

    assert (found.adopted, found.orphans) == (1, (path,))
    assert (found.clean, found.status) == (True, RunStatus.COMPLETED)
    assert here.library.find_file(md5=md5_bytes(content)) is not None
    assert repair(here).adopted == 0
    here.check()


def test_a_lost_row_state_is_found_again_on_the_disk(here):
    """The row says the file is not there, but it is: adopted, and its queued fetch asks nobody."""
    places = filled(here, "D4A")
    kept = here.folder / "kept"
    places["D4A"].rename(kept)
    repair(here)
    kept.rename(places["D4A"])

    assert repair(here).adopted == 1
    fetched = here.library.fetch_due()
    assert (fetched.linked, fetched.requests, here.server.count()) == (1, 0, 0)
    assert uncached(here) == []
    here.check()


@pytest.mark.parametrize("mend", [False, True])
def test_strangers_are_told_and_left_alone(here, mend):
    filled(here, "D4A")
    text = b"no picture"
    names = {"notes.txt": "a foreign name", f"{md5_bytes(text)}.png": "not media but text", "UPPER.PNG": ""}
    for name in names:
        lay(here, f"images/{name}", text)
    lay(here, "loose.bin", b"x")
    images = here.root / "media" / "images"
    (images / f"{'1' * 32}.png").symlink_to("notes.txt")
    (here.root / "media" / "more").mkdir(mode=0o700)
    lay(here, "more/deep.png", picture())
    os.mkfifo(images / f"{'2' * 32}.png")

    found = here.library.verify_cache(repair=mend)

    assert found.clean
    told = {finding.where.removeprefix("media/"): finding.what for finding in found.strangers}
    assert told == {
        "images/notes.txt": "a foreign name",
        "images/UPPER.PNG": "a foreign name",
        f"images/{md5_bytes(text)}.png": told[f"images/{md5_bytes(text)}.png"],
        f"images/{'1' * 32}.png": "a link",
        f"images/{'2' * 32}.png": "no plain file",
        "loose.bin": "not in a folder of the cache",
        "more": "a foreign folder",
        "more/deep.png": "not in a folder of the cache",
    }
    assert told[f"images/{md5_bytes(text)}.png"].startswith("not media but ")
    assert all((images / name).exists() for name in names)
    assert (found.adopted, found.quarantined, found.orphans) == (0, 0, ())
    here.check()


def test_what_others_may_read_is_told(here):
    places = filled(here, "D4A", "D4B")
    places["D4A"].chmod(0o644)
    (here.root / "media" / "images").chmod(0o755)

    found = here.library.verify_cache()

    assert found.clean
    assert {(finding.where, finding.what) for finding in found.strangers} == {
        (str(places["D4A"].relative_to(here.root)), "its permissions are 0644, not 0600"),
        ("media/images", "its permissions are 0755, not 0700"),
    }


def test_a_cache_that_is_not_mounted_is_an_error_and_not_a_thousand_missing_files(here):
    filled(here, "D4A", "D4B")
    here.root.rename(here.root.with_name("unmounted"))

    for mend in (True, False):
        with pytest.raises(CacheError, match="is not there"):
            here.library.verify_cache(repair=mend)

    assert uncached(here) == []
    assert here.queued() == 0
    assert here.library.runs()[0].status is RunStatus.FAILED


def test_stopping_is_said_and_judges_nothing_that_was_not_looked_at(here):
    places = filled(here, "D4A")
    flip(places["D4A"])

    found = here.library.verify_cache(repair=True, stop=lambda: True)

    assert (found.status, found.checked, found.damaged, found.queued) == (RunStatus.CANCELLED, 0, (), 0)


def test_a_file_that_vanishes_after_it_was_found_damaged_is_missing(here, monkeypatch):
    places = filled(here, "D4A", "D4B")
    for path in places.values():
        flip(path)
    prove = here.library._cache.prove

    def prove_and_lose(path, **more):
        try:
            return prove(path, **more)
        finally:
            if path.endswith(places["D4A"].name):
                places["D4A"].unlink(missing_ok=True)

    monkeypatch.setattr(here.library._cache, "prove", prove_and_lose)
    found = repair(here)

    assert (found.checked, found.queued, len(found.missing), len(found.damaged)) == (2, 2, 1, 1)
    assert uncached(here) == ["D4A", "D4B"]


# --- telling without mending ----------------------------------------------------------------------------


def test_without_repair_nothing_is_changed(here):
    places = filled(here, "D4A", "D4B", "D4C", "D4D")
    flip(places["D4A"])
    places["D4B"].unlink()
    lay(here, f"images/{md5_bytes(picture('o'))}.png", picture("o"))
    lay(here, f"videos/{md5_bytes(picture('w'))}.mp4", picture("w"))
    lay(here, f"images/{'3' * 32}.png", b"torn")
    before = everything(here)

    first, second = here.library.verify_cache(), here.library.verify_cache()

    for found in (first, second):
        assert (found.status, found.repaired, found.checked, found.sound) == (RunStatus.PARTIAL, False, 4, 2)
        assert sorted(found.damaged) == sorted(
            [str(places["D4A"].relative_to(here.root)), f"media/images/{'3' * 32}.png"]
        )
        assert found.missing == (str(places["D4B"].relative_to(here.root)),)
        assert found.orphans == (f"media/images/{md5_bytes(picture('o'))}.png",)
        assert [(each.where, each.expected) for each in found.misnamed] == [
            (f"media/videos/{md5_bytes(picture('w'))}.mp4", f"media/images/{md5_bytes(picture('w'))}.png")
        ]
        assert (found.queued, found.adopted, found.moved, found.quarantined, found.removed) == (0, 0, 0, 0, 0)
    assert everything(here) == before
    assert uncached(here) == []


def test_sound_files_are_proven_anew_without_repair(here):
    places = filled(here, "D4A", "D4B")
    for path in places.values():
        os.utime(path, ns=(1, 1))
    here.write_rows("UPDATE media_files SET proven_at = ?", EPOCH)

    assert here.library.verify_cache(md5_only=True).sound == 2
    assert {mtime for (mtime,) in here.rows("SELECT proven_mtime_ns FROM media_files")} != {1}
    assert here.library.verify_cache().sound == 2
    assert {mtime for (mtime,) in here.rows("SELECT proven_mtime_ns FROM media_files")} == {1}
    assert here.rows("SELECT count(*) FROM media_files WHERE proven_at > ?", EPOCH) == [(2,)]


@pytest.mark.parametrize("md5_only", [True, False])
def test_both_ways_of_hashing_find_damage(here, md5_only):
    places = filled(here, "D4A", "D4B")
    flip(places["D4A"])

    found = here.library.verify_cache(md5_only=md5_only)

    assert (found.damaged, found.sound) == ((str(places["D4A"].relative_to(here.root)),), 1)


def test_repairing_twice_does_nothing_the_second_time(here):
    places = filled(here, "D4A", "D4B", "D4C")
    flip(places["D4A"])
    places["D4B"].unlink()
    lay(here, f"images/{'4' * 32}.png", picture("w"))
    assert not nothing_odd(repair(here))
    assert here.library.fetch_due().cached == 2
    before = everything(here)

    again = repair(here)

    assert nothing_odd(again)
    assert (again.adopted, again.moved, again.removed, again.quarantined, again.queued) == (0, 0, 0, 0, 0)
    assert everything(here) == before
    here.check()


# --- names ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", [f"images/{'0' * 32}.png", "images/{md5}.gif", "videos/{md5}.png"])
def test_a_sound_file_under_a_wrong_name_gets_its_own(here, name):
    content = picture("misnamed")
    right = f"media/images/{md5_bytes(content)}.png"
    wrong = lay(here, name.format(md5=md5_bytes(content)), content)

    found = repair(here)

    assert [(each.where, each.expected) for each in found.misnamed] == [(wrong, right)]
    assert (found.moved, found.clean, found.quarantined) == (1, True, 0)
    assert list(here.cached()) == [right]
    assert here.rows("SELECT local_file_path FROM media_files WHERE cached_at IS NOT NULL") == [(right,)]
    assert nothing_odd(repair(here))
    here.check()


def test_a_file_that_was_renamed_comes_back_to_its_row_without_a_request(here):
    places = filled(here, "D4A")
    right = str(places["D4A"].relative_to(here.root))
    places["D4A"].rename(places["D4A"].with_suffix(".gif"))

    found = repair(here)

    assert (found.missing, found.moved) == ((right,), 1)
    assert uncached(here) == []
    assert (here.library.fetch_due().requests, here.server.count()) == (0, 0)
    assert list(here.cached()) == [right]
    here.check()


def test_a_row_that_names_a_wrong_path_and_kind_is_corrected(here):
    places = filled(here, "D4A")
    wrong = f"media/videos/{places['D4A'].stem}.bin"
    (here.root / "media" / "videos").mkdir(mode=0o700)
    places["D4A"].rename(here.root / wrong)
    for table in ("media_files", "post_media"):
        here.write_rows(f"UPDATE {table} SET local_file_path = ?, mime_type = 'x/y'", wrong)

    found = repair(here)

    right = str(places["D4A"].relative_to(here.root))
    assert [(each.where, each.expected) for each in found.misnamed] == [(wrong, right)]
    assert (found.clean, found.moved, list(here.cached())) == (True, 1, [right])
    for table in ("media_files", "post_media"):
        assert here.rows(f"SELECT local_file_path, mime_type FROM {table}") == [(right, "image/png")]
    here.check()


def test_what_a_known_contents_name_holds_instead_is_damage(here):
    """The row's content is not in the cache; under its name lies something that is not it."""
    places = filled(here, "D4A")
    places["D4A"].unlink()
    repair(here)
    path = lay(here, f"images/{places['D4A'].name}", picture("something else"))

    found = repair(here)

    assert (found.damaged, found.misnamed, found.quarantined) == ((path,), (), 1)
    assert list(here.cached()) == []
    assert len(list((here.root / "quarantine").iterdir())) == 1


# --- contents that left on purpose ------------------------------------------------------------------------


def evicted(here: World, because: str) -> Path:
    """A content whose row says that it left, while its file is still there, as a crash leaves it."""
    [path] = filled(here, "D4A").values()
    here.write_rows("UPDATE media_files SET cached_at = NULL, evicted_at = ?, evicted_because = ?", EPOCH, because)
    return path


def test_what_was_evicted_and_still_is_there_is_taken_up_again(here):
    path = evicted(here, "lru")

    assert here.library.verify_cache().orphans == (str(path.relative_to(here.root)),)
    assert repair(here).adopted == 1

    assert uncached(here) == []
    assert here.rows("SELECT evicted_at, evicted_because FROM media_files") == [(None, None)]
    here.check()


@pytest.mark.parametrize("name", ["right", "wrong"])
def test_what_a_policy_took_out_is_removed_for_good(here, name):
    path = evicted(here, "retention: old pictures")
    if name == "wrong":
        path = path.rename(path.with_suffix(".gif"))

    found = repair(here)

    assert (found.adopted, found.moved, found.removed, path.exists()) == (0, 0, 1, False)
    assert uncached(here) == ["D4A"]
    here.check()


@pytest.mark.parametrize("database_kind", ["sqlite"], indirect=True)
def test_what_was_evicted_for_room_goes_when_there_is_none(tmp_path, database_url):
    with world(tmp_path, database_url, cache_bytes=400) as here:
        path = evicted(here, "lru")
        here.write_rows("UPDATE media_files SET file_size = 500")

        found = repair(here)

        assert (found.adopted, found.removed, path.exists()) == (0, 1, False)


# --- what is wrong with the hashes, and with the disk ---------------------------------------------------------


def test_equal_md5_with_another_sha256_is_an_alarm(here):
    places = filled(here, "D4A", "D4B")
    here.write_rows("UPDATE media_files SET sha256 = ? WHERE md5_sum = ?", "0" * 64, places["D4A"].stem)
    path = str(places["D4A"].relative_to(here.root))

    assert nothing_odd(here.library.verify_cache(md5_only=True))
    found = here.library.verify_cache()

    assert found.damaged == (path,)
    [collision] = found.collisions
    assert (collision.where, collision.expected) == (path, "0" * 64)
    assert collision.found == hashlib.sha256(places["D4A"].read_bytes()).hexdigest()
    assert repair(here).quarantined == 1


def test_two_contents_with_one_md5_are_told_though_both_are_sound(here):
    filled(here, "D4A", "D4B")
    [(one,), (other,)] = here.rows("SELECT md5_sum FROM media_files ORDER BY file_id")
    here.write_rows("UPDATE media_files SET md5_sum = ?, cached_at = NULL WHERE md5_sum = ?", one, other)

    assert len(here.library.verify_cache().collisions) == 1


@pytest.mark.parametrize("number", [errno.EACCES, errno.EIO])
def test_one_unreadable_file_ends_nothing(here, monkeypatch, number):
    places = filled(here, "D4A", "D4B", "D4C")
    bad = places["D4B"].name
    module, name = (proving, "open_regular") if number == errno.EACCES else (os, "readv")
    real = getattr(module, name)

    def refuse(what, *more):
        where = what if isinstance(what, (str, Path)) else Path(f"/proc/self/fd/{what}").readlink()
        if Path(where).name == bad:
            raise OSError(number, os.strerror(number), str(where))
        return real(what, *more)

    monkeypatch.setattr(module, name, refuse)
    path = str(places["D4B"].relative_to(here.root))

    found = here.library.verify_cache()

    assert (found.unreadable, found.damaged, found.missing) == ((path,), (), ())
    assert (found.checked, found.sound, found.clean, found.status) == (3, 2, False, RunStatus.PARTIAL)
    mended = repair(here)
    assert mended.unreadable == (path,)
    # What may not be read is the user's to mend; what the disk lost is fetched again.
    assert uncached(here) == ([] if number == errno.EACCES else ["D4B"])


# --- beside others ----------------------------------------------------------------------------------------


def test_a_row_that_changed_since_it_was_read_is_left_alone(here, monkeypatch):
    """Another process evicts one file and brings another back while they are looked at."""
    places = filled(here, "D4A", "D4B", "D4C")
    content = places["D4B"].read_bytes()
    for key in places:
        places[key].unlink()
    look_again = settling._look_again

    def meanwhile(cache, lost):
        here.write_rows(
            "UPDATE media_files SET cached_at = NULL, evicted_at = ?, evicted_because = 'lru' WHERE md5_sum = ?",
            EPOCH,
            places["D4A"].stem,
        )
        places["D4B"].write_bytes(content)
        here.write_rows("UPDATE media_files SET proven_inode = 1 WHERE md5_sum = ?", places["D4B"].stem)
        return look_again(cache, lost)

    monkeypatch.setattr(settling, "_look_again", meanwhile)
    found = repair(here)

    assert found.missing == (str(places["D4C"].relative_to(here.root)),)
    assert (found.queued, uncached(here)) == (1, ["D4A", "D4C"])
    assert here.rows("SELECT evicted_because FROM media_files WHERE md5_sum = ?", places["D4A"].stem) == [("lru",)]


def test_verifying_beside_a_fetch_takes_nothing_for_lost(here):
    """Two libraries on one home: one imports and fetches, the other repairs again and again."""
    assets = [f"D{number:03}" for number in range(120)]
    records = [with_pictures(number + 1, here.asset(asset)) for number, asset in enumerate(assets)]
    source = here.write(*records)
    done = threading.Event()
    found = []

    def verify():
        with open_library(here.config) as library:
            while not done.is_set():
                found.append(library.verify_cache(repair=True))
            found.append(library.verify_cache(repair=True))

    thread = threading.Thread(target=verify)
    thread.start()
    try:
        summary = here.library.import_([source])
    finally:
        done.set()
        thread.join()

    assert summary.media.cached == len(assets)
    assert len(found) > 1
    assert all(map(nothing_odd, found))
    done_to = {(each.queued, each.adopted, each.quarantined, each.moved, each.removed) for each in found}
    assert done_to == {(0, 0, 0, 0, 0)}
    assert found[-1].sound == len(assets)
    assert here.server.count() == len(assets)
    here.check()


def test_two_that_repair_at_once_queue_each_file_once(here):
    assets = [f"D{number:03}" for number in range(40)]
    places = filled(here, *assets)
    for number, path in enumerate(places.values()):
        flip(path) if number % 2 else path.unlink()
    found = []

    def verify():
        with open_library(here.config) as library:
            found.append(library.verify_cache(repair=True))

    threads = [threading.Thread(target=verify) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert sum(each.queued for each in found) == here.queued() == 40
    assert sum(each.quarantined for each in found) == 20
    assert len(list((here.root / "quarantine").iterdir())) == 20
    assert here.library.fetch_due().cached == 40
    assert nothing_odd(here.library.verify_cache())
    here.check()


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
