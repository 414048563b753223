"""Telling answers whose strings are HTML-escaped (asked for without `raw_json=1`) from those that are not.

Reddit escapes `&`, `<` and `>` of every string of an answer, or of none. An author may write `&amp;` himself, so
his words prove nothing; what Reddit itself makes does: the HTML of a text begins with a tag, and its signed
addresses have several parameters. Where a record holds neither, texts stay as they are.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from ...model import Json
from ..fields import as_dict, as_list, objects

_HTML = ("selftext_html", "description_html", "public_description_html", "submit_text_html")
_SIGNED = ("thumbnail", "icon_img", "community_icon", "banner_img", "banner_background_image", "snoovatar_img")


def unescape(text: str) -> str:
    """Take one layer of Reddit's escaping away."""
    if "&" not in text:
        return text
    return text.replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&")


def unescape_bytes(body: bytes) -> bytes:
    """The same for a whole record as JSON, in whose syntax none of the three stands for anything."""
    return body.replace(b"&lt;", b"<").replace(b"&gt;", b">").replace(b"&amp;", b"&")


def is_escaped(things: Iterable[dict[str, Json]]) -> bool:
    """Whether the objects of one answer are escaped, by the first of them that tells."""
    for thing in things:
        for proof in _proofs(thing):
            if proof is not None:
                return proof
    return False


def _proofs(thing: dict[str, Json]) -> Iterator[bool | None]:
    for name in _HTML:
        yield _of_html(thing.get(name))
    yield from map(_of_address, _addresses(thing))
    for name in ("media", "secure_media"):
        yield _of_html(as_dict(as_dict(thing.get(name)).get("oembed")).get("html"))
    inner = thing.get("subreddit")
    if isinstance(inner, dict):
        yield from _proofs({name: value for name, value in inner.items() if name != "subreddit"})
    for parent in as_list(thing.get("crosspost_parent_list"))[:1]:
        if isinstance(parent, dict):
            yield from _proofs({**parent, "crosspost_parent_list": None})


def _addresses(thing: dict[str, Json]) -> Iterator[Json]:
    for name in _SIGNED:
        yield thing.get(name)
    for image in objects(as_dict(thing.get("preview")).get("images")):
        yield as_dict(image.get("source")).get("url")
    for name in ("media", "secure_media"):
        yield as_dict(as_dict(thing.get(name)).get("reddit_video")).get("dash_url")
    for asset in as_dict(thing.get("media_metadata")).values():
        source = as_dict(as_dict(asset).get("s"))
        yield from (source.get("u"), source.get("mp4"), as_dict(asset).get("dashUrl"))


def _of_html(value: Json) -> bool | None:
    if not isinstance(value, str):
        return None
    start = value.lstrip()
    return True if start.startswith("&lt;") else False if start.startswith("<") else None


def _of_address(value: Json) -> bool | None:
    if not isinstance(value, str) or not value.startswith("https://"):
        return None
    _, _, query = value.partition("?")
    if "&amp;" in query:
        return True
    return False if "&" in query else None
