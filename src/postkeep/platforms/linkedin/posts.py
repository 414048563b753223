"""The three dialects of one maker (profile posts, company posts, post detail), read by one reader."""

from __future__ import annotations

from dataclasses import dataclass

from ...errors import ParseError
from ...model import (
    Alias,
    Json,
    Link,
    Mention,
    Metrics,
    Original,
    Parsed,
    Post,
    PostKind,
    Profile,
    ProfileKind,
)
from ..fields import LONGEST_NAME, Unread, as_count, as_dict, as_line, as_moment, as_text, as_url
from ..text import hashtags, links, mentions
from .media import MediaWalk, format_of
from .names import (
    ACTIVITY,
    PLATFORM_NAME,
    address_of,
    born,
    name_in_url,
    names_in,
    ordered,
    own_name,
    posted,
    urn_of,
)
from .profiles import Cast, company_of, plain_url, read_author

_LONGEST_URN = 255
_MOST_COUNTS = 50
_LONGEST_COUNT_NAME = 80

_TOLD_ONLY = frozenset({"ame", "datetime_obj", "_searchable", "_mark_metadata", "pagination_token"})
_POST_KEYS = frozenset(
    {"urn", "full_urn", "posted_at", "text", "url", "post_type", "author", "stats"}
    | {"media", "article", "document", "reshared_post"}
    | _TOLD_ONLY
)
_RESHARED_KEYS = _POST_KEYS - {"reshared_post"}
_COMPANY_KEYS = (_POST_KEYS - {"urn", "url"}) | {
    *("activity_urn", "post_url", "post_language_code", "source_company")
}
_DETAIL_KEYS = frozenset({"post", "author", "stats"}) | _TOLD_ONLY
_DETAIL_POST_KEYS = frozenset({"text", "url", "urn", "created_at", "type"})
_URN_KEYS = frozenset({"activity_urn", "share_urn", "ugcPost_urn"})
_TIME_KEYS = frozenset({"date", "relative", "timestamp", "is_edited"})
_KINDS = {"regular": PostKind.REGULAR, "quote": PostKind.QUOTE, "repost": PostKind.REPOST}


@dataclass(slots=True)
class _Reading:
    """What the parts of one record are collected in."""

    unread: Unread
    cast: Cast
    walk: MediaWalk


def parse_profile_post(record: dict[str, Json], via: str | None) -> Parsed:
    """Read a record of the profile-posts actor; raises ParseError when it cannot be identified or dated."""
    reading = _reading()
    reading.unread.keys("", record, _POST_KEYS)
    post = _read(record, reading, via)
    return _parsed("apimaestro", post, reading, reading.cast.scraped(via))


def parse_company_post(record: dict[str, Json], via: str | None) -> Parsed:
    """Read a record of the company-posts actor; its `source_company` tells better than `via`."""
    reading = _reading()
    reading.unread.keys("", record, _COMPANY_KEYS)
    source = company_of(record.get("source_company")) or via
    like_profile_post = {
        **record,
        "urn": {"activity_urn": record.get("activity_urn")},
        "url": record.get("post_url"),
        "post_type": record.get("post_type", "regular"),
    }
    post = _read(like_profile_post, reading, source, ProfileKind.COMPANY)
    return _parsed("company-posts", post, reading, reading.cast.scraped(source, ProfileKind.COMPANY))


def parse_detail(record: dict[str, Json], via: str | None) -> Parsed:
    """Read a post-detail wrapper, which never shows media."""
    reading = _reading()
    inner = as_dict(record.get("post"))
    reading.unread.keys("", record, _DETAIL_KEYS)
    reading.unread.keys("post.", inner, _DETAIL_POST_KEYS)
    like_profile_post = {
        "urn": inner.get("urn"),
        "url": inner.get("url"),
        "text": inner.get("text"),
        "posted_at": inner.get("created_at"),
        "post_type": inner.get("type") if inner.get("type") in ("quote", "repost") else "regular",
        "author": record.get("author"),
        "stats": record.get("stats"),
    }
    post = _read(like_profile_post, reading, via, shows_media=False)
    return _parsed("post-detail", post, reading, reading.cast.scraped(via))


def counts(stats: Json) -> dict[str, int]:
    """Every count of an object by its own name; at most 50."""
    found: dict[str, int] = {}
    if not isinstance(stats, dict):
        return found
    for name, value in stats.items():
        count = as_count(value)
        if count is not None and len(found) < _MOST_COUNTS:
            found[name[:_LONGEST_COUNT_NAME]] = count
    return found


def full_name(value: Json) -> str | None:
    """The full URN as it was observed."""
    return as_line(value, _LONGEST_URN)


def article_link(url: Json, title: Json) -> tuple[Link, ...]:
    """The attached article, when its URL is one."""
    target = as_url(url)
    return (Link(plain_url(target) or target, "article", as_line(title, LONGEST_NAME)),) if target else ()


def text_links(text: str | None) -> tuple[Link, ...]:
    """The links of a text."""
    return tuple(Link(url) for url in links(text)) if text else ()


def _reading() -> _Reading:
    unread = Unread()
    return _Reading(unread, Cast(), MediaWalk(unread))


def _parsed(shape: str, post: Post, reading: _Reading, via: Profile | None) -> Parsed:
    return Parsed(shape, (post,), tuple(reading.cast.profiles), via, reading.unread.names())


def _read(
    record: dict[str, Json],
    reading: _Reading,
    via: str | None,
    via_kind: ProfileKind = ProfileKind.PERSON,
    *,
    shows_media: bool = True,
) -> Post:
    _note_inner(record, reading.unread, "")
    kind = _kind(record, reading.unread)
    if kind is PostKind.REPOST:
        return _repost(record, reading, via, via_kind, shows_media=shows_media)
    name, aliases = _identity(record)
    times = record.get("posted_at")
    text = as_text(record.get("text"))
    author = reading.cast.admit(read_author(record.get("author"), reading.unread))
    reading.walk.post(record)
    original = None
    shared = record.get("reshared_post")
    if isinstance(shared, dict):
        original = _quoted(shared, name, reading)
    elif shared is not None:
        reading.walk.damaged("reshared_post=unusable")
    media, links = reading.walk.refs(), _article_link(record)
    tells_media = shows_media and _is_full(record) and reading.walk.complete
    return Post(
        PLATFORM_NAME,
        name.value,
        urn_of(name),
        posted(_stated(times), name, "posted_at"),
        kind,
        full_urn=full_name(record.get("full_urn")),
        author=author,
        text=text,
        url=plain_url(record.get("url")),
        aliases=aliases,
        media=media,
        metrics=_metrics(record.get("stats"), reading.unread),
        original=original,
        hashtags=hashtags(text) if text else (),
        mentions=tuple(Mention(named) for named in mentions(text)) if text else (),
        links=(*text_links(text), *links),
        edited=_edited(times),
        tells_media=tells_media,
        tells_text=text is not None,
        format=format_of(media, has_link=bool(links), whole=tells_media),
    )


def _repost(
    record: dict[str, Json],
    reading: _Reading,
    via: str | None,
    via_kind: ProfileKind,
    *,
    shows_media: bool,
) -> Post:
    """A bare repost: all but its id and time is the original's, and who reposted only the list tells."""
    name = own_name(record.get("urn"))
    if name is None or name.kind != ACTIVITY:
        raise ParseError("a repost without an activity id of its own", field="urn.activity_urn")
    urn, url = record.get("urn"), record.get("url")
    named = names_in(urn if isinstance(urn, dict) else None, record.get("full_urn"))
    refs = tuple(ref for ref in ordered((*named, name_in_url(url))) if ref != name)
    author = reading.cast.admit(read_author(record.get("author"), reading.unread))
    reading.walk.post(record, reshared=True)
    media = reading.walk.refs()
    tells_media = shows_media and _is_full(record) and reading.walk.complete
    return Post(
        PLATFORM_NAME,
        name.value,
        urn_of(name),
        posted(_stated(record.get("posted_at")), name, "posted_at"),
        PostKind.REPOST,
        full_urn=full_name(record.get("full_urn")),
        author=reading.cast.scraped(via, via_kind),
        url=address_of(name),
        media=media,
        metrics=_metrics(record.get("stats"), reading.unread),
        metrics_of_original=True,
        original=Original(
            refs,
            author,
            as_text(record.get("text")),
            plain_url(url),
            born(refs[0]) if refs and refs[0].kind == ACTIVITY else None,
        ),
        tells_media=tells_media,
        format=format_of(media, has_link=bool(_article_link(record)), whole=tells_media, reshared=True),
    )


def _quoted(post: dict[str, Json], quoting: Alias, reading: _Reading) -> Original | None:
    """The post a quote shares; its counts are always zero there, so they are unknown."""
    if not post:
        return None
    prefix = "reshared_post."
    reading.unread.keys(prefix, post, _RESHARED_KEYS)
    _note_inner(post, reading.unread, prefix)
    url = post.get("url")
    named = ordered((*names_in(post.get("urn"), post.get("full_urn")), name_in_url(url)))
    refs = tuple(ref for ref in named if ref != quoting)
    author = reading.cast.admit(read_author(post.get("author"), reading.unread, prefix))
    reading.walk.post(post, reshared=True, prefix=prefix)
    moment = as_moment(_stated(post.get("posted_at")))
    if moment is None and refs and refs[0].kind == ACTIVITY:
        moment = born(refs[0])
    return Original(refs, author, as_text(post.get("text")), plain_url(url), moment)


def _kind(record: dict[str, Json], unread: Unread) -> PostKind:
    stated = record.get("post_type")
    kind = _KINDS.get(stated) if isinstance(stated, str) else None
    if kind is None and stated is not None:
        unread.note(f"post_type={stated[:40] if isinstance(stated, str) else type(stated).__name__}")
    # Whatever it is called: with the shared post inside, the rest of the record is the sharer's own.
    if as_dict(record.get("reshared_post")):
        return PostKind.QUOTE
    return kind or PostKind.REGULAR


def _identity(record: dict[str, Json]) -> tuple[Alias, tuple[Alias, ...]]:
    """The name a post is kept under, and its other names; raises ParseError when it has none."""
    known = names_in(record.get("urn"), record.get("full_urn"))
    if not known or known[0].kind != ACTIVITY:
        known = ordered((*known, name_in_url(record.get("url"))))
    if not known:
        raise ParseError("no id", field="urn")
    name = known[0]
    return name, tuple(other for other in known[1:] if other.value != name.value)


def _metrics(stats: Json, unread: Unread) -> Metrics:
    detail = counts(stats)
    get = detail.get
    if isinstance(stats, dict) and len(detail) < len(stats):
        for name, value in stats.items():
            if value is not None and as_count(value) is None:
                unread.note(f"stats.{name}")
    return Metrics(
        reactions=get("total_reactions"),
        comments=get("comments"),
        reposts=get("reposts", get("shares")),
        detail=detail,
    )


def _stated(times: Json) -> Json:
    return times.get("timestamp") if isinstance(times, dict) else times


def _edited(times: Json) -> bool | None:
    if not isinstance(times, dict):
        return None
    if isinstance(times.get("is_edited"), bool):
        return bool(times["is_edited"])
    relative = times.get("relative")
    return "• Edited" in relative if isinstance(relative, str) else None


def _is_full(record: dict[str, Json]) -> bool:
    # A record that lacks the parts every full one has may lack its media as well.
    return all(record.get(key) is not None for key in ("text", "post_type", "author", "stats"))


def _article_link(record: dict[str, Json]) -> tuple[Link, ...]:
    article = record.get("article")
    return article_link(article.get("url"), article.get("title")) if isinstance(article, dict) else ()


def _note_inner(record: dict[str, Json], unread: Unread, prefix: str) -> None:
    unread.keys(f"{prefix}urn.", record.get("urn"), _URN_KEYS)
    unread.keys(f"{prefix}posted_at.", record.get("posted_at"), _TIME_KEYS)
