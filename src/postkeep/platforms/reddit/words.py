"""What a submission says: its text as one, and the links and names in Reddit's Markdown."""

from __future__ import annotations

import re

from ...model import Json, Link, Mention
from ..fields import LONGEST_HEADLINE, LONGEST_NAME, as_dict, as_line, as_url, objects
from ..text import MOST, links
from .assets import IMAGES, PREVIEWS, VIDEOS
from .escapes import unescape
from .names import user_address

# The literal stands first and the look-behind after it, so that the search skips to it.
_USER = re.compile(r"u/(?:(?<![\w/.-]u/)|(?<=/u/)(?<![\w./-]/u/))([A-Za-z0-9_-]{3,30})(?![\w/-])")
_TARGET = re.compile(r"\]\((https?://(?:[^\s()<>]++|\([^\s()<>]*+\))++)")
_REST_OF_LINK = re.compile(r"(?:[.?|/][^\s)]*)?(?:\s+\"([^\"\n]{0,2000})\")?\s*\)")
_LONGEST_ADDRESS = 600
_LONGEST_CAPTION = 2000
_OWN_HOSTS = re.compile(
    rf"https?://(?:{re.escape(IMAGES)}|{re.escape(PREVIEWS)}|{re.escape(VIDEOS)}"
    r"|(?:[a-z]+\.)?reddit\.com/gallery)/",
    re.IGNORECASE,
)


def joined(title: str | None, body: str | None) -> str | None:
    """The whole text of a post: title, a blank line, body."""
    return "\n\n".join(part for part in (title, body) if part) or title or body


def mentions(text: str | None) -> tuple[Mention, ...]:
    """The users a text names as `u/name`, each once, in order."""
    if not text or "u/" not in text:
        return ()
    found: dict[str, Mention] = {}
    for match in _USER.finditer(text.replace("\\_", "_")):
        name = match[1]
        found.setdefault(name.casefold(), Mention(name, name, user_address(name)))
        if len(found) == MOST:
            break
    return tuple(found.values())


def text_links(text: str | None) -> tuple[Link, ...]:
    """The links of a text, also those of the form `[words](address)`."""
    if not text or "://" not in text:
        return ()
    # Apart, an address does not run into the one that stands behind it in brackets.
    plain = _TARGET.sub(r"] \1 ", text.replace("\\_", "_"))
    return tuple(Link(url) for url in links(plain) if not _OWN_HOSTS.match(url))


def attached(post: dict[str, Json], *, escaped: bool) -> tuple[Link, ...]:
    """The link a submission is about, and those of a gallery's pictures; Reddit's own uploads are none."""
    found: dict[str, Link] = {}
    url = as_url(_plain(post.get("url_overridden_by_dest")) or _plain(post.get("url")))
    if post.get("is_self") is not True and url is not None and not _OWN_HOSTS.match(url):
        embed = as_dict(
            as_dict(post.get("secure_media")).get("oembed") or as_dict(post.get("media")).get("oembed")
        )
        found[url] = Link(url, "article", _title(embed.get("title"), escaped=escaped))
    for entry in objects(as_dict(post.get("gallery_data")).get("items")):
        if outbound := as_url(_plain(entry.get("outbound_url"))):
            found.setdefault(outbound, Link(outbound, "article", _title(entry.get("caption"), escaped=escaped)))
            if len(found) == MOST:
                break
    return tuple(found.values())


def caption_of(text: str, name: str, at: int) -> str | None:
    """What stands with a picture in a text: `![img](name "caption")` or `[caption](https://preview.redd.it/name.png)`."""
    middle = text.rfind("](", max(0, at - _LONGEST_ADDRESS), at)
    rest = _REST_OF_LINK.match(text, at + len(name))
    if middle < 0 or rest is None or any(char.isspace() or char == ")" for char in text[middle + 2 : at]):
        return None
    if rest[1]:
        return as_line(rest[1], LONGEST_HEADLINE)
    start = text.rfind("[", max(0, middle - _LONGEST_CAPTION), middle)
    named = text[start + 1 : middle] if start >= 0 else ""
    # `img`, `gif` and `video` are what Reddit's own editor writes there.
    is_caption = named not in ("img", "gif", "video") and "\n" not in named and "://" not in named
    return as_line(named, LONGEST_HEADLINE) if is_caption else None


def _title(value: Json, *, escaped: bool) -> str | None:
    text = as_line(value, LONGEST_NAME)
    return unescape(text) if text and escaped else text


def _plain(value: Json) -> str | None:
    return unescape(value) if isinstance(value, str) and len(value) <= 8000 else None
