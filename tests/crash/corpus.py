"""A small world of posts, observed twice, in which most of what an import can meet happens at least once."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

import orjson

from tests import records

POSTS = 60
_NEW = 6
_FILES = 4
_ASSETS = "http://media.licdn.com"
_EXPIRED = 1_700_000_000
_LATE = 4_102_444_800
TWINS = frozenset({"/img/700.png", "/img/700.jpg"})
"""Two paths at which the server has the same picture."""


@dataclass(frozen=True, slots=True)
class Corpus:
    """Folders in `folder`: `first` and `second` show the same posts a week apart, `few` some others."""

    folder: Path
    first: Path
    second: Path
    few: Path


def write_corpus(folder: Path, base: str) -> Corpus:
    """Write both observations; media are at the URL `base`, and at media.licdn.com over plain HTTP."""
    corpus = Corpus(folder, folder / "first", folder / "second", folder / "few")
    for round_, (target, stamp) in enumerate(((corpus.first, "2025-03-20"), (corpus.second, "2025-03-27"))):
        target.mkdir(parents=True)
        posts = [_post(number, base, round_) for number in range(POSTS + _NEW * round_)]
        for part in range(_FILES):
            page: list[Any] = posts[part::_FILES]
            page.insert(2, {"urn": {"activity_urn": None}, "post_type": "regular", "number": part + 10 * round_})
            path = target / f"dataset_jane-doe_{stamp}_10-00-0{part}-000.json"
            path.write_bytes(orjson.dumps(page))
        (target / f"dataset_john-roe_{stamp}_11-00-00-000.json").write_bytes(b'[{"urn": 1}, {"urn": ')
    corpus.few.mkdir()
    few = [_post(number, base, 0) for number in range(900, 905)]
    (corpus.few / "dataset_jane-doe_2025-03-21_10-00-00-000.json").write_bytes(orjson.dumps(few))
    return corpus


def _post(number: int, base: str, round_: int) -> dict[str, Any]:
    posted_at = records.EPOCH + timedelta(minutes=number)
    signed = f"?e={_LATE}&v=beta&t={'ab'[round_]}"
    # Every fifth post says something else a week later.
    text = f"Text {number}" + (" #again" if round_ and number % 5 == 0 else "")
    more: dict[str, Any] = {"text": text, "stats": records.stats(number + 3 * round_, number, round_)}
    match number % 6:
        case 0:
            more["media"] = records.gallery(_asset(number, round_))
        case 1:
            more["media"] = records.gallery(*_gallery(number, base, signed, round_))
        case 2:
            more["media"] = {
                "type": "video",
                "url": f"{base}/vid/{number}.mp4{signed}",
                "thumbnail": f"{base}/img/{1000 + number}.png{signed}",
            }
        case 3:
            more["document"] = {
                "title": f"Document {number}",
                "page_count": 3,
                "url": f"{base}/doc/{number}.pdf{signed}",
                "thumbnail": f"{base}/img/{2000 + number}.png{signed}",
            }
        case 4:
            # What it shares shows the picture of the post before the last three as well: one asset, two posts.
            shared = records.post(7000 + number, posted_at=posted_at - timedelta(days=2), text="Shared")
            shared["media"] = records.gallery(_asset(number - 4, round_))
            shared.pop("pagination_token")
            more |= {"reshared_post": shared, "kind": "quote"}
        case _:
            original = records.activity_id(posted_at - timedelta(days=1), number)
            more |= {"full_urn": f"urn:li:activity:{original}", "kind": "repost"}
            more["media"] = records.gallery(_picture(base, 3000 + number, signed))
    return records.post(number, posted_at=posted_at, **more)


def _asset(number: int, round_: int) -> dict[str, Any]:
    """A LinkedIn picture; half of them are offered larger the second time."""
    side = 1280 if round_ and number % 12 == 0 else 800
    variant = f"feedshare-shrink_{side}"
    url = f"{_ASSETS}/dms/image/v2/D4E22AQ{number:05}/{variant}/0/1?e={_LATE}&v=beta&t={'ab'[round_]}"
    return {"url": url, "width": side, "height": side}


def _gallery(number: int, base: str, signed: str, round_: int) -> list[dict[str, Any]]:
    pictures = [_picture(base, 100 * number + place, signed) for place in range(4)]
    if number == 1:
        pictures[1] = {"url": f"{base}/dead/1.png{signed}"}
        pictures[2] = {"url": f"{base}/img/late/1.png?e={_EXPIRED}&v=beta&t=c"}
    if number == 7:
        pictures = [{"url": f"{base}{path}{signed}"} for path in (*sorted(TWINS), "/broken/1.png")]
    if round_ and number > 7:
        # The second time it shows one more, another order, and now and then one less.
        pictures.append(_picture(base, 100 * number + 50, signed))
        pictures.reverse()
        if number % 12 == 1:
            pictures.pop()
    return pictures


def _picture(base: str, number: int, signed: str) -> dict[str, Any]:
    return {"url": f"{base}/img/{number}.png{signed}", "width": 64, "height": 64}
