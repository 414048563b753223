"""Writes the invented posts as a scraper of LinkedIn profiles would have delivered them, a file a profile."""

from __future__ import annotations

import json
from base64 import b64encode
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from zlib import crc32

from demo.posts import BY_INES, BY_MARA, BY_PRESS, BY_TOMAS, KILN_OPENING, REPOSTS
from demo.world import AVATARS, INES, MARA, TOMAS, Asset, Author, Words

Record = dict[str, Any]

_SITE = "https://www.linkedin.com"
_VISIBLE = "Visible to anyone on or off LinkedIn"
_ZERO = dict.fromkeys(
    ("total_reactions", "like", "support", "love", "insight", "celebrate", "funny", "comments", "reposts"), 0
)


@dataclass(frozen=True)
class Visit:
    """One run of the scraper: `grown` is the share of the last numbers that a post had by then."""

    at: datetime
    grown: float
    users: tuple[str, ...]
    last: bool = False

    @property
    def folder(self) -> str:
        return f"{self.at:%Y%m%d_%H%M%S}"

    def file(self, user: str) -> str:
        return f"dataset_{user}_{self.at:%Y-%m-%d_%H-%M-%S}-123.json"


# The name that exports of a company carry: the scraper's own, because nobody was asked for by name.
_EXPORT = "linkedin-profile-posts"
_BY_USER = {MARA.slug: BY_MARA, TOMAS.slug: BY_TOMAS, INES.slug: BY_INES, _EXPORT: BY_PRESS}

VISITS = (
    Visit(datetime(2025, 3, 1, 8, tzinfo=UTC), 0.55, tuple(_BY_USER)),
    Visit(datetime(2025, 3, 4, 8, tzinfo=UTC), 0.8, (MARA.slug,)),
    Visit(datetime(2025, 3, 8, 8, tzinfo=UTC), 1.0, (MARA.slug, TOMAS.slug, INES.slug), last=True),
)


def write_records(folder: Path, base: str) -> list[Path]:
    """Write every visit's files below `folder`, with media at `base`; returns them in the order of time."""
    written = []
    for visit in VISITS:
        place = folder / visit.folder / "linkedin"
        place.mkdir(parents=True, exist_ok=True)
        for user in visit.users:
            path = place / visit.file(user)
            path.write_text(json.dumps(records_of(user, visit, base), indent=1, ensure_ascii=False), "utf-8")
            written.append(path)
    return written


def records_of(user: str, visit: Visit, base: str) -> list[Record]:
    """What the scraper found under a name on that visit, newest first."""
    found = [
        _own(words, visit, base, newest=BY_MARA[0])
        for words in _BY_USER[user]
        if visit == VISITS[0] or not words.seen_once
    ]
    found += [_repost(when, words, visit, base) for who, when, words in REPOSTS if who.slug == user]
    return sorted(found, key=lambda record: record["posted_at"]["timestamp"], reverse=True)


# --- records ------------------------------------------------------------------------------------


def _own(words: Words, visit: Visit, base: str, *, newest: Words) -> Record:
    record = _body(words, visit, base)
    record |= {
        "full_urn": f"urn:li:activity:{native_id(words)}",
        "stats": _stats(words, visit.grown),
        "pagination_token": _token(newest, visit),
    }
    if words.quotes:
        original = _body(words.quotes, visit, base)
        # The scraper knows no numbers of a quoted post and writes zeros.
        record["reshared_post"] = original | {"stats": dict(_ZERO)}
    return record


def _repost(when: str, words: Words, visit: Visit, base: str) -> Record:
    record = _own(words, visit, base, newest=words)
    own = replace(words, posted=when)
    # Everything is the original's but these: the reposter stands in the file's name alone.
    record["urn"] = record["urn"] | {"activity_urn": native_id(own)}
    record["posted_at"] = record["posted_at"] | _moment(own)
    return record | {"post_type": "repost"}


def _body(words: Words, visit: Visit, base: str) -> Record:
    number = native_id(words)
    slug = words.text.split()[0].lower().strip(".,!?:(")
    path = f"posts/{words.author.slug}_{slug}-activity-{number}-{crc32(words.text.encode()) & 0xFFFF:04x}"
    is_edited = words.edited is not None and visit.last
    ago = f"{(visit.at - _posted(words)).days} days ago"
    record: Record = {
        "urn": {"activity_urn": number, "share_urn": str(int(number) - 4_194_304), "ugcPost_urn": None},
        "posted_at": _moment(words)
        | {"relative": f"{ago} • Edited • {_VISIBLE}" if is_edited else f"{ago} • {_VISIBLE}"},
        "text": words.edited if is_edited else words.text,
        "url": f"{_SITE}/{path}?utm_source=social_share_send&utm_medium=member_desktop_web&rcm=ACoAA{visit.at:%d}",
        "post_type": "quote" if words.quotes else "regular",
        "author": _author(words.author, visit, base),
    }
    return record | _media(words, visit, base)


def _media(words: Words, visit: Visit, base: str) -> Record:
    def url(asset: Asset) -> str:
        return asset.url(base, signature=visit.folder)

    shown: Record = {}
    if words.pictures:
        images = [{"url": url(each), "width": each.width, "height": each.height} for each in words.pictures]
        kind = "image" if len(images) == 1 else "images"
        shown["media"] = {"type": kind, "url": images[0]["url"], "images": images}
    if words.film:
        shown["media"] = {"type": "video", "url": url(words.film)}
        if words.thumbnail:
            shown["media"]["thumbnail"] = url(words.thumbnail)
    if words.booklet and words.cover:
        title = words.booklet.content.partition(" ")[2]
        shown["document"] = {
            "title": title, "page_count": 3, "url": url(words.booklet), "thumbnail": url(words.cover),
        }  # fmt: skip
    if words.article:
        address, title = words.article
        shown["article"] = {"url": address, "title": title, "subtitle": address.split("/")[2]}
        if words.preview:
            shown["article"]["thumbnail"] = url(words.preview)
            shown["media"] = {"type": "image", "url": url(words.preview)}
    return shown


def _author(author: Author, visit: Visit, base: str) -> Record:
    first, _, last = author.name.partition(" ")
    record = {"first_name": first, "last_name": last, "headline": author.headline}
    if author.company:
        return record | {"profile_url": f"{_SITE}/company/{author.slug}/posts"}
    return record | {
        "username": author.slug,
        "profile_url": f"{_SITE}/in/{author.slug}",
        "profile_picture": AVATARS[author.slug].url(base, signature=visit.folder),
    }


# --- numbers ------------------------------------------------------------------------------------


def native_id(words: Words) -> str:
    """The post's activity id: its upper bits are the time of posting in milliseconds."""
    return str(_milliseconds(words) << 22 | crc32(words.text.encode()) & 0x3FFFFF)


def _posted(words: Words) -> datetime:
    return datetime.fromisoformat(words.posted).replace(tzinfo=UTC)


def _milliseconds(words: Words) -> int:
    return int(_posted(words).timestamp()) * 1000 + crc32(words.text.encode()) % 1000


def _moment(words: Words) -> Record:
    # The scraper tells its own local time here, an hour ahead of UTC.
    local = _posted(words) + timedelta(hours=1)
    return {"date": f"{local:%Y-%m-%d %H:%M:%S}", "timestamp": _milliseconds(words)}


def _stats(words: Words, grown: float) -> Record:
    total = round(words.likes * grown)
    shares = {"love": 12, "celebrate": 8, "support": 4, "insight": 3, "funny": 1}
    kinds = {kind: total * percent // 100 for kind, percent in shares.items()}
    stats = _ZERO | kinds | {"total_reactions": total, "like": total - sum(kinds.values())}
    return stats | {"comments": total // 11, "reposts": total // 23}


def _token(newest: Words, visit: Visit) -> str:
    text = f"urn:li:activity:{native_id(newest)}-{int(visit.at.timestamp() * 1000)}"
    return b64encode(text.encode()).decode()


CURVE_ID = native_id(KILN_OPENING)
"""The native id of the post whose curve is worth a look."""
