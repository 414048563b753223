"""Whatever a small world holds: what must stay stays, what goes goes in its order, and rows and bytes agree."""

from __future__ import annotations

import itertools
import shutil
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from postkeep.store import Store
from tests.stages.kept import DAY, HOUR, NOW, File, Kept, Place, Post, made, post_id, profile_id

_MANY = settings(
    max_examples=150,
    deadline=None,
    derandomize=True,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
_numbers = itertools.count()

POSTS = [Post("one"), Post("two", author="joe"), Post("three", platform="reddit", author="joe")]
ENDS = [None, NOW - DAY, NOW + HOUR, NOW + 2 * DAY]
USES = [
    NOW - 90 * DAY,
    NOW - 60 * DAY,
    NOW - 30 * DAY,
    None,
    NOW - 2 * HOUR,
    NOW - HOUR,
    NOW - timedelta(minutes=1),
]

# One flaw at a time: a world of many would hold nothing that may go.
FLAWS = [
    *({"expires_at": each} for each in ENDS),
    {"absent": True},
    *({"error": each} for each in ("changed", "http_404", "expired", "timeout")),
    {"file_rendition": "small"},
]
places = st.builds(
    lambda post, profile, flaw: Place(post, profile, **flaw),
    st.sampled_from([*POSTS, None]),
    st.sampled_from(["jane", "joe"]),
    st.one_of(st.just({}), st.sampled_from(FLAWS)),
)


@dataclass(frozen=True)
class Held:
    """A hold of a kind on the thing of this number."""

    kind: str
    number: int
    active: bool


holds = st.builds(
    Held,
    kind=st.sampled_from(["file", "media", "post", "profile", "platform"]),
    number=st.integers(0, 5),
    active=st.booleans(),
)
OTHER = [{"incomplete": True}, {"archive_url": "s3://bucket/key"}, {"cached": False}]
URLS = [(), (), (), ("https://u.test/{}",), ("https://u.test/{}?e=1600000000",)]
files = st.builds(
    lambda size, used_at, places, urls, other: File("", size, used_at, tuple(places), urls, **other),
    st.integers(1, 9).map(lambda n: n * 10),
    st.sampled_from(USES),
    st.one_of(places.map(lambda one: [one]), st.lists(places, max_size=3)),
    st.sampled_from(URLS),
    st.one_of(st.just({}), st.just({}), st.sampled_from(OTHER)),
)
worlds = st.lists(files, min_size=1, max_size=8).map(
    lambda files: [
        replace(each, name=f"f{n}", urls=tuple(url.format(n) for url in each.urls)) for n, each in enumerate(files)
    ]
)


# --- what should happen, said once more in other words ---------------------------------------------------


def _comes_back(file: File) -> bool:
    for place in file.places:
        if place.absent or place.rendition != place.file_rendition:
            continue
        if place.error in ("http_404", "expired", "timeout"):
            continue
        if place.expires_at is None or place.expires_at - NOW > DAY:
            return True
    return any("?e=" not in url for url in file.urls)


def _is_held(number: int, file: File, held: list[Held]) -> bool:
    for each in held:
        if not each.active:
            continue
        authors = [place.post.author if place.post else place.profile for place in file.places]
        platforms = [place.post.platform if place.post else "linkedin" for place in file.places]
        posts = [place.post.name for place in file.places if place.post]
        caught = {
            "file": each.number == number,
            "media": each.number == number and bool(file.places),
            "post": POSTS[each.number % 3].name in posts,
            "profile": ["jane", "joe"][each.number % 2] in authors,
            "platform": ["linkedin", "reddit"][each.number % 2] in platforms,
        }
        if caught[each.kind]:
            return True
    return False


def _may_go(number: int, file: File, held: list[Held], rule: str) -> bool:
    in_use = file.used_at is not None and NOW - file.used_at <= HOUR
    return (
        rule == "lru"
        and file.cached
        and not in_use
        and not file.incomplete
        and _comes_back(file)
        and not _is_held(number, file, held)
    )


def _set(kept: Kept, held: list[Held], files: list[File]) -> None:
    for each in held:
        number = each.number
        subject: str | None
        match each.kind:
            case "file":
                subject = kept.file_ids.get(f"f{number}")
            case "media":
                subject = kept.media_ids.get((f"f{number}", 0))
            case "post":
                subject = post_id(POSTS[number % 3])
            case "profile":
                subject = profile_id(["jane", "joe"][number % 2])
            case _:
                subject = ["linkedin", "reddit"][number % 2]
        if subject is not None:
            kept.hold(each.kind, subject, until=None if each.active else NOW - HOUR)


@pytest.mark.parametrize("database_kind", ["sqlite"], indirect=True)
@_MANY
@given(
    files=worlds,
    held=st.lists(holds, max_size=2),
    rule=st.sampled_from(["lru", "lru", "lru", "archived"]),
    spare=st.integers(-100, 30),
    need=st.integers(0, 60),
)
@example(files=[File("f0", places=(Place(POSTS[0]),))], held=[], rule="lru", spare=0, need=100)
def test_making_room(
    files: list[File],
    held: list[Held],
    rule: str,
    spare: int,
    need: int,
    database_kind: str,
    sqlite_template: Path,
    tmp_path: Path,
) -> None:
    folder = tmp_path / str(next(_numbers))
    folder.mkdir()
    shutil.copyfile(sqlite_template, folder / "postkeep.db")
    store = Store(f"sqlite:///{folder / 'postkeep.db'}")
    try:
        kept = made(store, folder, *files)
        _set(kept, held, files)
        used = sum(each.size for each in files if each.cached)
        _check(kept, files, held, rule, max(1, used + spare), need)
    finally:
        store.close()
        shutil.rmtree(folder)


def _check(kept: Kept, files: list[File], held: list[Held], rule: str, limit: int, need: int) -> None:
    used = sum(each.size for each in files if each.cached)
    going = {n for n, each in enumerate(files) if _may_go(n, each, held, rule)}
    able = sum(files[n].size for n in going)

    freed = kept.evictor(limit, rule=rule).make_room(need)

    left = kept.left()
    gone = {n for n, each in enumerate(files) if each.cached and each.name not in left}
    kept.check(*files)
    assert gone <= going
    assert (freed.files, freed.bytes) == (len(gone), sum(files[n].size for n in gone))
    assert freed.room == limit - used + freed.bytes
    if used + need <= limit or able < used + need - limit:
        assert not gone
    else:
        assert freed.room >= need
        enough = max(used + need - limit, used - int(0.9 * limit))
        assert freed.bytes >= min(enough, able)
        idle = min(_age(files[n]) for n in gone)
        assert all(_age(files[n]) <= idle for n in going - gone)
        # Without the last of them it would not have been enough.
        assert freed.bytes - max(files[n].size for n in gone if _age(files[n]) == idle) < enough


def _age(file: File) -> float:
    return float("inf") if file.used_at is None else (NOW - file.used_at).total_seconds()


def test_the_world_has_both_kinds() -> None:
    """The oracle says yes and no, and for each reason."""
    live = File("f0", used_at=datetime(2020, 1, 1, tzinfo=NOW.tzinfo), places=(Place(POSTS[0]),))
    assert _may_go(0, live, [], "lru")
    for other in (
        replace(live, incomplete=True),
        replace(live, used_at=NOW),
        replace(live, places=()),
        replace(live, cached=False),
    ):
        assert not _may_go(0, other, [], "lru")
    assert not _may_go(0, live, [Held("profile", 0, True)], "lru")
    assert not _may_go(0, live, [], "archived")
