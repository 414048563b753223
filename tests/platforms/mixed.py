"""A thousand files of every dialect and of none, and what must come of each, written down beside it."""

from __future__ import annotations

import gzip
import json
import lzma
import random
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

from postkeep.model import Json
from tests import records as linkedin
from tests.media_bytes import jpeg, mp4, png
from tests.platforms import instagram_records as insta
from tests.platforms import linkedin_records
from tests.platforms import reddit_records as reddit

STAMPED, LATER = "20250901_120000", "20250902_120000"
"""The folders in which everything stands, so that all of it was observed at a known time."""

_NUMBERS = (insta.PHOTO, insta.CLIP, insta.CAROUSEL, insta.FIRST, insta.SECOND, insta.THIRD, insta.OWNER)
_CODES = {insta.code_of(number): number for number in _NUMBERS[:-1]}
_INSTAGRAM = re.compile("|".join((*map(re.escape, _CODES), *_NUMBERS, r"paula\.paints", "111_222_333")))
_SHOWN = {insta.PHOTO: 1, insta.CLIP: 2, insta.CAROUSEL: 4}
"""The media of each post: a clip has a still, and so has the second of the carousel's three."""


@dataclass(frozen=True)
class Unit:
    """One file, and files of media beside it; what it adds to the database when it comes alone or first.

    `records` are those that are kept, read or not; of them `refused` are in quarantine. `unreadable` says that
    the file itself is told as a problem.
    """

    name: str
    body: bytes
    platform: str = ""
    posts: int = 0
    media: int = 0
    listings: int = 0
    records: int = 1
    refused: int = 0
    unreadable: bool = False
    beside: dict[str, bytes] = field(default_factory=dict)
    adopted: int = 0
    packs: bool = True
    stamp: str = STAMPED


def units(serial: int) -> Iterator[Unit]:
    """A unit of every kind; those of two serial numbers share nothing but the people named in them."""
    yield from _linkedin(serial)
    yield from _instagram(serial)
    yield from _left_by_instagrams_downloaders(serial)
    yield from _reddit(serial)
    yield from _mixed(serial)
    yield from _junk(serial)


def write(folder: Path, rounds: int, *, order: int) -> list[Unit]:
    """Write the files of so many rounds, named in an order of its own, and give back what was written."""
    made = [unit for serial in range(rounds) for unit in units(serial)]
    places = list(range(len(made)))
    random.Random(order).shuffle(places)
    for place, unit in zip(places, made, strict=True):
        home, name = folder / unit.stamp / f"{place % 7}", f"{place:04}-{unit.name}"
        if unit.beside or not unit.packs:
            # What stands beside a record bears its name, and a scraper's file must keep its own.
            home, name = home / f"{place:04}", unit.name
        home.mkdir(parents=True, exist_ok=True)
        ending, pack = _PACKINGS[place % 3 if unit.packs else 0]
        (home / f"{name}{ending}").write_bytes(pack(unit.body))
        for name, content in unit.beside.items():
            (home / name).write_bytes(content)
    (folder / STAMPED / "again").symlink_to(folder, target_is_directory=True)
    (folder / "notes.txt").write_text("not for us")
    (folder / ".hidden.json").write_text("{")
    return made


def _xz(body: bytes) -> bytes:
    return lzma.compress(body, preset=0)


_PACKINGS: tuple[tuple[str, Callable[[bytes], bytes]], ...] = (
    ("", bytes),
    (".gz", partial(gzip.compress, compresslevel=1, mtime=0)),
    (".xz", _xz),
)


# --- LinkedIn --------------------------------------------------------------------------------------------------

_DATASETS = {
    linkedin_records.JANE: (11, 31),
    linkedin_records.RENE: (9, 9),
    linkedin_records.TOVE: (6, 9),
    linkedin_records.COMPANY: (2, 11),
    linkedin_records.DETAIL: (1, 0),
}
"""Posts and media of each file, counted in its JSON by hand."""


_ACTIVITY = re.compile(r"(?<![0-9])7[0-9]{18}(?![0-9])")


def _linkedin(serial: int) -> Iterator[Unit]:
    for file, (posts, media) in _DATASETS.items():
        text = linkedin_records.FOLDER.joinpath(file).read_text(encoding="utf-8")
        body = _ACTIVITY.sub(lambda found: str(int(found[0]) + 100_000 * (serial + 1)), text)
        yield Unit(file, body.encode(), "linkedin", posts, media, records=posts, packs=False)
    one = linkedin.post(10_000 + serial, media=linkedin.gallery(linkedin.image(f"A{serial}"), linkedin.image("B")))
    yield Unit("post.json", _json(one), "linkedin", 1, 2)
    export = {"search": {"date": "", "query_string": "x"}, "matching_elements": [linkedin.post(20_000 + serial)]}
    yield Unit("export.json", _json(export), "linkedin", 1)


# --- Instagram -------------------------------------------------------------------------------------------------


def of_its_own(record: Json, serial: int) -> bytes:
    """The record with numbers, shortcodes and a creator that no other serial number has."""

    def other(found: re.Match[str]) -> str:
        text = found[0]
        if text in _CODES:
            return insta.code_of(str(int(_CODES[text]) + 1000 * serial))
        if text == insta.OWNER:
            return str(int(text) + serial)
        return str(int(text) + 1000 * serial) if text.isdecimal() else f"{text}{serial}"

    # Two names of one person at one time would leave open which is his.
    return _INSTAGRAM.sub(other, json.dumps(record).replace('"Guest"', '"Gail"')).encode()


_PAGES: list[tuple[str, Callable[[], Json], tuple[str, ...], int]] = [
    ("item", insta.photo, (insta.PHOTO,), 0),
    ("wrapped", lambda: {"media": insta.clip()}, (insta.CLIP,), 0),
    ("feed", insta.feed_page, (insta.PHOTO, insta.CLIP, insta.CAROUSEL), 1),
    ("reels", insta.reels_page, (insta.CLIP,), 1),
    ("profile", insta.profile, (insta.PHOTO, insta.CAROUSEL), 1),
    ("graphql", insta.graphql_profile, (insta.PHOTO, insta.CAROUSEL), 1),
    ("timeline", insta.timeline_page, (insta.PHOTO,), 1),
    ("app", insta.app_profile, (), 0),
    ("node", insta.node, (insta.PHOTO,), 0),
    ("sidecar", lambda: {"graphql": {"shortcode_media": insta.sidecar_node()}}, (insta.CAROUSEL,), 0),
    ("web", insta.web_feed_page, (insta.PHOTO, insta.CLIP, insta.CAROUSEL), 1),
    ("web-reels", insta.web_reels_page, (insta.CLIP,), 1),
    ("web-post", insta.web_post, (insta.CAROUSEL,), 0),
    ("story", insta.instaloader_story, (insta.CLIP,), 0),
    ("gallery-story", insta.gallery_story, (insta.CLIP,), 0),
    ("gallery-info", insta.gallery_info, (), 0),
]


def _instagram(serial: int) -> Iterator[Unit]:
    for number, (name, make, shown, listings) in enumerate(_PAGES):
        media = sum(_SHOWN[each] for each in shown)
        body = of_its_own(make(), 100 * serial + number)
        yield Unit(f"{name}.json", body, "instagram", len(shown), media, listings)
    # One feed again, a day later: nothing new but what is counted.
    feed = insta.feed_page()
    feed["items"][0]["like_count"] = 11
    yield Unit("later.json", of_its_own(feed, 100 * serial + 2), "instagram", listings=1, stamp=LATER)


def _left_by_instagrams_downloaders(serial: int) -> Iterator[Unit]:
    at = 100 * serial + 50
    seed = str(serial).encode()
    photo = of_its_own(insta.instaloader("Post", insta.node()), at)
    yield Unit(
        *("2025-09-03_11-46-40_UTC.json.xz", _xz(photo), "instagram", 1, 1),
        **{"beside": {"2025-09-03_11-46-40_UTC.jpg": jpeg(seed=b"photo" + seed)}, "adopted": 1, "packs": False},
    )
    slides = {f"slides_{number}.jpg": jpeg(seed=b"%d of " % number + seed) for number in (1, 2, 3)}
    slides["slides_2.mp4"] = mp4(seed=b"film of " + seed)
    carousel = of_its_own(insta.instaloader("Post", insta.sidecar_node()), at + 1)
    yield Unit("slides.json", carousel, "instagram", 1, 4, beside=slides, adopted=4, packs=False)
    film = {"video_url": insta.film("601_1_1")}
    files = [(insta.SECOND, "602_1_1", {}), (insta.FIRST, "601_1_1", film), (insta.THIRD, "603_1_1", {})]
    for number, (own, picture, more) in enumerate(files, 1):
        name, content = (f"{own}.mp4", mp4) if more else (f"{own}.jpg", jpeg)
        body = of_its_own(insta.gallery(number, own, picture, **more), at + 2)
        kept = content(seed=b"gallery %d of " % number + seed)
        # The three are one post; its still is told with the film.
        yield Unit(
            *(f"{name}.json", body, "instagram", int(number == 1), 1 + len(more)),
            **{"beside": {name: kept}, "adopted": 1, "packs": False},
        )


# --- Reddit ----------------------------------------------------------------------------------------------------


def _reddit(serial: int) -> Iterator[Unit]:
    def own(content: dict[str, Any]) -> Any:
        """With uploads that no other serial number has."""
        return json.loads(re.sub(r"(vase|kiln|film|bowl)0{6,8}", rf"\g<1>{serial:06}", json.dumps(content)))

    def unit(name: str, record: Json, posts: int, media: int, **more: Any) -> Unit:
        return Unit(f"{name}.json", _json(record), "reddit", posts, media, **more)

    s = f"{serial:x}"
    hot = reddit.listing(
        own(reddit.gallery_post(f"a{s}")), own(reddit.video_post(f"b{s}")), reddit.text_post(f"c{s}")
    )
    yield unit("listing", hot, 3, 2 + 3, listings=1)
    escaped = reddit.escaped(reddit.listing(own(reddit.image_post(f"d{s}")), own(reddit.inline_post(f"e{s}"))))
    yield unit("escaped", escaped, 2, 1 + 5, listings=1)
    head = reddit.listing(own(reddit.image_post(f"f{s}", num_duplicates=0)))
    yield unit("comments", [head, reddit.listing(reddit.comment(f"m{s}"))], 1, 1, records=2)
    yield unit("crosspost", reddit.thing(own(reddit.crosspost(f"g{s}"))), 1, 2)
    yield unit("removed", reddit.thing(reddit.removed_post(f"h{s}")), 1, 0)
    yield unit("deleted", reddit.thing(reddit.deleted_post(f"i{s}")), 1, 0)
    yield unit("bare", reddit.escaped(reddit.post(f"j{s}")), 1, 0)
    yield unit("user", reddit.account(name=f"jane_{s}", id=f"q{s}"), 0, 0)
    yield unit(
        "subreddit", reddit.escaped(reddit.community(display_name=f"pots_{s}", id=f"p{s}", name=f"t5_p{s}")), 0, 0
    )
    picture = png(seed=b"bowl %d" % serial)
    yield unit(
        "bowl.jpg", reddit.sidecar(own(reddit.image_post(f"k{s}"))), 1, 1,
        **{"beside": {"bowl.jpg": picture}, "adopted": 1, "packs": False},
    )  # fmt: skip


# --- all together, and none ------------------------------------------------------------------------------------


def _mixed(serial: int) -> Iterator[Unit]:
    lines = [
        _json(linkedin.post(30_000 + serial)),
        _json(reddit.thing(reddit.text_post(f"l{serial:x}"))),
        of_its_own(insta.photo(), 100 * serial + 60),
        b"",
        b'{"broken": ',
    ]
    # Posts of each platform are counted one by one elsewhere: here of LinkedIn alone, with a line that is no JSON.
    yield Unit("lines.jsonl", b"\n".join([lines[0], *lines[3:]]), "linkedin", 1, records=2, refused=1)
    yield Unit("reddit.ndjson", lines[1] + b"\n", "reddit", 1)
    yield Unit("one-a-line.json", lines[2] + b"\n" + lines[2], "instagram", 1, 1)


def _junk(serial: int) -> Iterator[Unit]:
    s = f"{serial}"
    yield Unit("empty.json", b"", records=0, unreadable=True)
    yield Unit("page.json", b"<html><body>Log in</body></html>", records=0, unreadable=True)
    yield Unit("picture.json", png(seed=s.encode()), records=0, unreadable=True)
    yield Unit("nothing.json", b"[]", records=0)
    yield Unit("foreign.json", _json({"settings": {"theme": s}}), refused=1)
    yield Unit("tweets.json", _json([{"id_str": s, "full_text": "x"}, [serial, 1], serial]), records=3, refused=3)
    yield Unit("numbers.json", _json([None, f"words {s}"]), records=2, refused=2)
    cut = _json([linkedin.post(40_000 + serial), linkedin.post(50_000 + serial)])[:-40]
    yield Unit("cut.json", cut, "linkedin", 1, records=2, refused=1)
    gone = of_its_own(insta.web_page({**insta.web_node(insta.clip()), "taken_at": None}), 100 * serial + 61)
    yield Unit("undated.json", gone, refused=1)
    failed = of_its_own({**insta.profile(), "status": False}, 100 * serial + 62)
    yield Unit("failed.json", failed, refused=1)


def _json(value: Json) -> bytes:
    return json.dumps(value).encode()
