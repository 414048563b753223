"""Writes scraped LinkedIn posts that nobody wrote: as large and as mixed as real ones, the same for a seed.

A test that needs many posts, and the benchmarks, read the same files a user would have. What a post is depends
on the seed and on its number alone, so a longer corpus begins with the files of a shorter one.
"""

from __future__ import annotations

from base64 import b64encode, urlsafe_b64encode
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from random import Random
from typing import Any

import orjson

Record = dict[str, Any]

POSTS_PER_FILE = 100
STAMP = datetime(2025, 11, 25, 23, 22, 57, 717000)  # noqa: DTZ001
"""When the corpus says it was scraped: the local time that file names carry."""

_KINDS = (
    *(("image", 48), ("repost", 2), ("gallery", 20), ("video", 8)),
    *(("document", 4), ("article", 6), ("quote", 12)),
)
_QUOTED = ("image",) * 6 + ("gallery",) * 2 + ("video", "article")

# Two million posts have a time of their own within two years; the factor is odd, so no two share one, and
# neighbours in a file lie far apart, as ids of different authors do.
_FIRST_POST = 1_685_577_600_000
_SLOTS = 2**21
_SLOT_MILLISECONDS = 30_000
_SPREAD = 1_181_783_497

_SYLLABLES = tuple(consonant + vowel for consonant in "bdfgklmnprstvz" for vowel in "aeiou")
_SIZES = ((2048, 1536), (1080, 1350), (1920, 1080), (1280, 720), (800, 800))
_REACTIONS = ("like", "support", "love", "insight", "celebrate", "funny")
_UNKNOWN = dict.fromkeys(("total_reactions", *_REACTIONS, "comments", "reposts"), 0)
_TRACKING = "utm_source=social_share_send&utm_medium=member_desktop_web&rcm="
_VISIBLE = "Visible to anyone on or off LinkedIn"


@dataclass(frozen=True, slots=True)
class Corpus:
    """What was written; `media` counts the media rows its posts make."""

    files: tuple[Path, ...]
    posts: int
    media: int
    size: int


def write_corpus(
    folder: Path,
    posts: int,
    *,
    seed: int,
    media_base: str | None = None,
    stamp: datetime = STAMP,
    resign: int = 0,
    grow: int = 0,
) -> Corpus:
    """Write `posts` posts below `folder`, 100 a file, each file the list of one profile.

    `media_base` replaces LinkedIn's media hosts by a base URL with `/img/N.png`, `/vid/N.mp4` and `/doc/N.pdf`.
    `stamp` is the time in the file names. Another `resign` changes signatures, page tokens and relative times
    alone; a larger `grow` makes every post's own numbers larger.
    """
    folder.mkdir(parents=True, exist_ok=True)
    invention = _Invention(seed, media_base, stamp, resign, grow)
    files = []
    size = 0
    for first in range(0, posts, POSTS_PER_FILE):
        number = first // POSTS_PER_FILE
        records = invention.page(number, min(POSTS_PER_FILE, posts - first))
        body = orjson.dumps(records, option=orjson.OPT_INDENT_2)
        path = folder / _file_name(_user(number), stamp)
        path.write_bytes(body)
        size += len(body)
        files.append(path)
    return Corpus(tuple(files), posts, invention.media, size)


def _file_name(user: str, stamp: datetime) -> str:
    return f"dataset_{user}_{stamp:%Y-%m-%d_%H-%M-%S}-{stamp.microsecond // 1000:03}.json"


def _user(number: int) -> str:
    # Each name has a different number, so that no two profiles are one.
    return f"{_word(number * 7 + 3)}-{_word(number * 13 + 5)}-{number:06d}"


def _word(number: int) -> str:
    first, rest = divmod(number, len(_SYLLABLES))
    return _SYLLABLES[rest] + _SYLLABLES[(first * 31 + rest * 7) % len(_SYLLABLES)] + _SYLLABLES[first % 17]


class _Invention:
    """Draws posts; what may change from scrape to scrape is drawn from a second source of its own."""

    def __init__(self, seed: int, media_base: str | None, stamp: datetime, resign: int, grow: int) -> None:
        self.seed = seed
        self.media_base = media_base
        self.stamp = stamp
        self.resign = resign
        self.grow = grow
        self.media = 0
        words = Random(f"{seed} sentences")
        self.sentences = [_sentence(words) for _ in range(1500)]
        self.kinds: list[str] = []
        self.lasting = Random()
        self.rotating = Random()
        self.file = 0
        self.drawn = 0

    def page(self, number: int, count: int) -> list[Record]:
        """The records of file `number`, newest first."""
        self.file = number
        self.drawn = 0
        self.lasting = Random(f"{self.seed} {number}")
        self.rotating = Random(f"{self.seed} {number} {self.resign}")
        self.kinds = [kind for kind, share in _KINDS for _ in range(share)]
        self.lasting.shuffle(self.kinds)
        self.expires = 1_765_411_200 + 604_800 * self.resign
        self.token = self._page_token()
        self.tracking = _TRACKING + "ACoAA" + self._signature()[:34]
        self.authors: dict[int, Record] = {}
        records = [self._record(number * POSTS_PER_FILE + i, self.kinds[i]) for i in range(count)]
        records.sort(key=lambda record: record["urn"]["activity_urn"], reverse=True)
        return records

    # --- posts ---

    def _record(self, index: int, kind: str) -> Record:
        milliseconds = _FIRST_POST + (index * _SPREAD % _SLOTS) * _SLOT_MILLISECONDS + self._below(10_000)
        number = self._number(milliseconds)
        # Now and then a profile's list shows somebody else's post.
        stranger = self._below(10) == 0
        author = self._author(self.file + 1 + self._below(40) if stranger or kind == "repost" else self.file)
        named, when, stats = number, milliseconds, self._stats(index)
        if kind == "repost":
            when = milliseconds - 3_600_000 - self._below(9_000_000)
            named = self._number(when)
        post = {
            "urn": self._urn(number, milliseconds),
            "full_urn": f"urn:li:activity:{named}",
            "posted_at": self._times(milliseconds),
            "text": self._text(1 + self._below(12)),
            "url": self._url(author, named),
            "post_type": kind if kind in ("quote", "repost") else "regular",
            "author": author,
            "stats": stats,
        }
        if kind == "quote":
            post["reshared_post"] = self._quoted(milliseconds)
        else:
            self._attach(post, "image" if kind == "repost" else kind, 2 + self._below(7))
        post["pagination_token"] = self.token
        return post

    def _quoted(self, later: int) -> Record:
        milliseconds = later - 3_600_000 - self._below(90_000_000)
        number = self._number(milliseconds)
        author = self._author(self.file + 1 + self._below(40))
        post = {
            "urn": self._urn(number, milliseconds),
            "posted_at": self._times(milliseconds),
            "text": self._text(2 + self._below(8)),
            "url": self._url(author, number),
            "post_type": "regular",
            "author": author,
            "stats": _UNKNOWN,
        }
        self._attach(post, _QUOTED[self._below(len(_QUOTED))], 3)
        return post

    def _attach(self, post: Record, kind: str, pictures: int) -> None:
        match kind:
            case "image":
                post["media"] = self._pictures(1)
            case "gallery":
                post["media"] = self._pictures(pictures)
            case "video":
                asset = self._asset("D5605AQ")
                post["media"] = {
                    "type": "video",
                    "url": self._media_url("vid", asset, "mp4-720p-30fp-crf28"),
                    "thumbnail": self._media_url("img", asset, "videocover-high"),
                }
            case "document":
                asset = self._asset("D4E1FAQ")
                post["document"] = {
                    "title": self._title(),
                    "page_count": 3 + self._below(20),
                    "url": self._media_url("doc", asset, "feedshare-document-pdf-analyzed"),
                    "thumbnail": self._media_url("img", asset, "feedshare-document-cover-images_480"),
                }
            case _:
                preview = self._media_url("img", self._asset("D4E27AQ"), "articleshare-shrink_1280_800")
                post["media"] = {"type": "image", "url": preview}
                post["article"] = {
                    "url": f"https://www.{_word(self._below(5000))}.test/{self._below(9999)}/read",
                    "title": self._title(),
                    "subtitle": f"www.{_word(self._below(5000))}.test",
                    "thumbnail": preview,
                }

    # --- parts ---

    def _below(self, limit: int) -> int:
        return int(self.lasting.random() * limit)

    def _number(self, milliseconds: int) -> int:
        return milliseconds << 22 | self.lasting.getrandbits(22)

    def _urn(self, number: int, milliseconds: int) -> dict[str, str | None]:
        other = str(self._number(milliseconds - 200 - self._below(400)))
        is_share = self._below(4) > 0
        return {
            "activity_urn": str(number),
            "share_urn": other if is_share else None,
            "ugcPost_urn": None if is_share else other,
        }

    def _times(self, milliseconds: int) -> Record:
        moment = datetime.fromtimestamp(milliseconds / 1000, UTC) + timedelta(hours=1)
        return {
            "date": f"{moment:%Y-%m-%d %H:%M:%S}",
            "relative": f"{1 + self.resign} weeks ago • {_VISIBLE}",
            "timestamp": milliseconds,
        }

    def _stats(self, index: int) -> Record:
        likes = int(self.lasting.paretovariate(1.1) * 8) % 5000
        few = {kind: self._below(1 + likes // (6 * place)) for place, kind in enumerate(_REACTIONS[1:], 1)}
        kinds = {"like": likes + self.grow * (1 + index % 7), **few}
        return {
            "total_reactions": sum(kinds.values()),
            **kinds,
            "comments": self._below(1 + likes // 5) + self.grow,
            "reposts": self._below(1 + likes // 9) + self.grow,
        }

    def _author(self, number: int) -> Record:
        author = self.authors.get(number)
        if author is None:
            author = self.authors[number] = self._new_author(number)
        return author

    def _new_author(self, number: int) -> Record:
        # The same in every file, whatever else the file draws.
        own = Random(f"{self.seed} author {number}")
        first, last = (_word(own.randrange(9999)).capitalize() for _ in range(2))
        if number % 19 == 18:
            return {
                "first_name": first,
                "last_name": last,
                "headline": f"{own.randrange(100, 90000):,} followers",
                "profile_url": f"https://www.linkedin.com/company/{_user(number)}/posts",
            }
        member = urlsafe_b64encode(own.randbytes(25)).decode()[:34]
        asset = "D5603AQ" + urlsafe_b64encode(own.randbytes(8)).decode()[:10]
        signing = Random(f"{self.seed} picture {number} {self.resign}")
        signature = urlsafe_b64encode(signing.randbytes(33)).decode()[:43]
        variant = "profile-displayphoto-shrink_800_800"
        host = self.media_base or "https://media.licdn.com"
        path = f"/dms/image/v2/{asset}/{variant}/{variant}/0/{1_600_000_000_000 + number}"
        if self.media_base:
            path = f"/img/a{number}.png"
        return {
            "first_name": first,
            "last_name": last,
            "headline": self.sentences[number % len(self.sentences)][:120],
            "username": _user(number),
            "profile_url": f"https://www.linkedin.com/in/{_user(number)}"
            f"?miniProfileUrn=urn%3Ali%3Afsd_profile%3AACoAA{member}",
            "profile_picture": f"{host}{path}?e={self.expires}&v=beta&t={signature}",
        }

    def _url(self, author: Record, number: int) -> str:
        slug = author.get("username") or author["profile_url"].split("/")[4]
        return f"https://www.linkedin.com/posts/{slug}_{self._slug()}-activity-{number}-AbCd?{self.tracking}"

    def _slug(self) -> str:
        return "-".join(_word(self._below(5000)) for _ in range(3))

    def _title(self) -> str:
        return self.sentences[self._below(len(self.sentences))][:70]

    def _text(self, sentences: int) -> str:
        chosen = [self.sentences[self._below(len(self.sentences))] for _ in range(sentences)]
        chosen.append(" ".join(f"#{_word(self._below(800)).capitalize()}" for _ in range(self._below(4))))
        if self._below(3) == 0:
            chosen.append(f"https://lnkd.in/{_word(self._below(5000))}")
        return "\n\n".join(part for part in chosen if part)

    def _pictures(self, count: int) -> Record:
        images = []
        for _ in range(count):
            width, height = _SIZES[self._below(len(_SIZES))]
            url = self._media_url("img", self._asset("D4E22AQ"), "feedshare-shrink_2048_1536")
            images.append({"url": url, "width": width, "height": height})
        return {"type": "images" if count > 1 else "image", "url": images[0]["url"], "images": images}

    def _asset(self, prefix: str) -> str:
        return prefix + _letters(self.lasting.getrandbits(66), 11)

    def _media_url(self, kind: str, asset: str, variant: str) -> str:
        self.media += 1
        self.drawn += 1
        signed = f"?e={self.expires}&v=beta&t={self._signature()}"
        if self.media_base is not None:
            ending = {"img": "png", "vid": "mp4", "doc": "pdf"}[kind]
            return f"{self.media_base}/{kind}/{self.file * 1000 + self.drawn}.{ending}{signed}"
        stamp = 1_700_000_000_000 + self._below(10**9)
        match kind:
            case "vid":
                start = f"https://dms.licdn.com/playlist/vid/v2/{asset}/{variant}"
            case "doc":
                start = f"https://media.licdn.com/dms/document/media/v2/{asset}/{variant}"
            case _:
                start = f"https://media.licdn.com/dms/image/v2/{asset}/{variant}"
        return f"{start}/B4EZ{_letters(self.lasting.getrandbits(60), 10)}-/0/{stamp}{signed}"

    def _signature(self) -> str:
        return urlsafe_b64encode(self.rotating.randbytes(33)).decode()[:43]

    def _page_token(self) -> str:
        number = self.rotating.getrandbits(41) << 22
        return b64encode(f"urn:li:activity:{number}-{1_700_000_000_000 + self.resign}".encode()).decode()


_ALPHABET = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_-"


def _letters(bits: int, count: int) -> str:
    return "".join([_ALPHABET[bits >> 6 * place & 63] for place in range(count)])


def _sentence(words: Random) -> str:
    said = " ".join(_word(words.randrange(20_000)) for _ in range(words.randrange(6, 18)))
    ending = words.choice((".", ".", ".", "!", "?", " 💡", ": “naïve”."))
    return said.capitalize() + ending
