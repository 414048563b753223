"""A world under load: observations that come in rounds, and a server where much goes wrong, always the same."""

from __future__ import annotations

import hashlib
import threading
from collections import Counter
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

import orjson

from tests import records
from tests.servers.media import (
    Exchange,
    Misbehaviour,
    Reply,
    endless,
    made_up,
    mp4,
    png,
    slow,
    truncated,
)

ROUNDS = 8
POSTS = 10
"""New posts in each round; those of the round before are seen again, signed anew and with larger pictures."""
_STAMP = "2025-04-{:02}_10-00-00-000"
_LATE = 4_102_444_800
_BIG = 1_700_000
_ETAG = '"first"'


@dataclass(frozen=True, slots=True)
class Load:
    """One folder for each round, and the contents that a larger rendition takes the place of."""

    rounds: tuple[Path, ...]
    superseded: frozenset[str]


def write_load(folder: Path) -> Load:
    """Write all rounds; their media are at host names ending in `.test`, and at media.licdn.com."""
    rounds = []
    for number in range(ROUNDS):
        target = folder / f"{number:02}"
        target.mkdir(parents=True)
        first = POSTS * max(0, number - 1)
        seen = [_post(each, number) for each in range(first, POSTS * (number + 1))]
        (target / f"dataset_jane-doe_{_STAMP.format(number + 1)}.json").write_bytes(orjson.dumps(seen))
        rounds.append(target)
    smaller = (_asset_path(number, 800) for number in range(0, POSTS * (ROUNDS - 1), POSTS))
    return Load(tuple(rounds), frozenset(hashlib.sha256(made_up(path).body).hexdigest() for path in smaller))


def _post(number: int, round_: int) -> dict[str, Any]:
    again = number // POSTS < round_
    signed = f"?e={_LATE}&v=beta&t={round_}"
    more: dict[str, Any] = {"text": f"Text {number}", "stats": records.stats(number + round_)}
    if number % POSTS == 0:
        side = 1280 if again else 800
        url = f"http://media.licdn.com{_asset_path(number, side)}{signed}"
        more["media"] = records.gallery({"url": url, "width": side, "height": side})
    elif number % POSTS == 1:
        url = f"http://a.test/vid/{number}.mp4{signed}"
        thumbnail = f"http://b.test/img/{90_000 + number}.png{signed}"
        more["media"] = {"type": "video", "url": url, "thumbnail": thumbnail}
    elif number % POSTS == 2:
        odd = [f"http://odd.test/{each}/{number}.png{signed}" for each in _odd(number // POSTS)]
        more["media"] = records.gallery(*({"url": url} for url in odd))
    else:
        hosts = ("a.test", "b.test", "media.licdn.com")
        pictures = [f"http://{hosts[at % 3]}/img/{100 * number + at}.png{signed}" for at in range(6)]
        more["media"] = records.gallery(*({"url": url, "width": 64, "height": 64} for url in pictures))
    return records.post(number, posted_at=records.EPOCH + timedelta(minutes=number), **more)


def _asset_path(number: int, side: int) -> str:
    return f"/dms/image/v2/D4E22AQ{number:05}/feedshare-shrink_{side}/0/1"


def _odd(round_: int) -> list[str]:
    always = ["slow", "limp", "cut", "same", "twin"]
    turns = (
        ["stall"],
        ["busy"],
        ["big"],
        ["short"],
        ["error"],
        ["dead", "page"],
        ["endless"],
        ["slow/er", "busy"],
    )
    return always + turns[round_ % len(turns)]


class Answers:
    """What the server has at each path. Some of it comes only when it is asked for again."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._asked: Counter[str] = Counter()

    def __call__(self, path: str) -> Reply | Misbehaviour:
        odd, number = path.split("/")[1], path.rpartition("/")[2].partition(".")[0]
        whole = png(int(number)) if number.isdigit() else b""
        match odd:
            case "slow":
                return slow(whole, seconds=0.2)
            case "limp":
                return Reply(b"not well", "text/plain", 500) if self._begins(path, 2) else _picture(whole)
            case "busy":
                return Reply(b"later", "text/plain", 429) if self._begins(odd, 2) else _picture(whole)
            case "stall":
                return _stalling(whole) if self._begins(path, 1) else _picture(whole)
            case "cut":
                return _picture(whole[:-8])
            case "same" | "twin":
                return _picture(png(70_000 + int(number)))
            case "short":
                return truncated(whole[:-8], declared=len(whole))
            case "error":
                return Reply(b"broken", "text/plain", 500)
            case "page":
                return Reply(b"<!doctype html><title>Sign in</title>", "text/html")
            case "endless":
                return endless(chunked=True)
            case "big":
                return _breaking(_film(int(number)), breaks=self._begins(path, 2))
        return made_up(path)

    def _begins(self, name: str, often: int) -> bool:
        """Whether this is one of the first requests for something."""
        with self._lock:
            self._asked[name] += 1
            return self._asked[name] <= often


def _picture(body: bytes) -> Reply:
    return Reply(body, "image/png")


def _film(number: int) -> bytes:
    return mp4(number) + (_BIG).to_bytes(4, "big") + b"free" + bytes(_BIG - 8)


def _stalling(body: bytes) -> Misbehaviour:
    def answer(exchange: Exchange) -> None:
        exchange.head(headers={"Content-Length": str(len(body))})
        exchange.send(body[:100])
        exchange.wait(10)
        exchange.hang_up()

    return answer


def _breaking(body: bytes, *, breaks: bool) -> Misbehaviour:
    """Goes on where it is asked to, and ends early while it `breaks`."""

    def answer(exchange: Exchange) -> None:
        asked = exchange.request.headers.get("range", "bytes=0-")
        start = int(asked.removeprefix("bytes=").removesuffix("-"))
        headers = {"Content-Length": str(len(body) - start), "ETag": _ETAG}
        if start:
            headers["Content-Range"] = f"bytes {start}-{len(body) - 1}/{len(body)}"
        exchange.head(206 if start else 200, headers)
        exchange.send(body[start:][: 1_200_000 if breaks else None])
        if breaks:
            exchange.hang_up()

    return answer
