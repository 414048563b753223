"""The flat camelCase dialect of the harvestapi actor."""

from __future__ import annotations

from datetime import timedelta
from itertools import islice

from ...errors import ParseError
from ...model import Alias, Json, Link, Mention, Metrics, Original, Parsed, Post, PostKind, Role
from ...model import MediaType as Type
from ..fields import LONGEST_NAME, Unread, as_count, as_dict, as_line, as_list, as_moment, as_text, objects
from ..text import MOST, hashtags
from .media import MediaWalk, format_of
from .names import (
    ACTIVITY,
    PLATFORM_NAME,
    address_of,
    born,
    name_in_url,
    ordered,
    posted,
    read_urn,
    urn_of,
)
from .posts import article_link, counts, full_name, text_links
from .profiles import Cast, plain_url, read_actor

_KEYS = frozenset(
    {
        *("type", "id", "linkedinUrl", "content", "contentAttributes", "author", "postedAt", "postImages"),
        *("postVideo", "document", "article", "job", "repostedBy", "repostedAt", "repost", "repostId"),
        *("shareUrn", "shareLinkedinUrl", "entityId", "engagement", "header", "query"),
        *("socialContent", "newsletterUrl", "newsletterTitle", "comments", "reactions"),
        *("ame", "datetime_obj", "_searchable", "_mark_metadata"),
    }
)
_DOCUMENT_KEYS = frozenset({"title", "transcribedDocumentUrl", "coverPages", "totalPageCount", "manifestUrl"})
_DOCUMENT_KEYS |= {"manifestUrlExpiresAt"}
_ARTICLE_KEYS = frozenset({"title", "subtitle", "link", "linkLabel", "image", "description"})
_ENGAGEMENT_KEYS = frozenset({"id", "likes", "comments", "shares", "reactions"})
_TIME_KEYS = frozenset({"timestamp", "date", "postedAgoShort", "postedAgoText"})

_MENTIONS = ("PROFILE_MENTION", "COMPANY_NAME")

# A repost is stated to have been made when its id was drawn, give or take.
_SAME_MOMENT = timedelta(minutes=10)


def parse_harvest(record: dict[str, Json], via: str | None) -> Parsed:
    """Read a harvestapi post; raises ParseError when it cannot be identified or dated."""
    unread, cast = Unread(), Cast()
    walk = MediaWalk(unread)
    reposted_as = _reposted_as(record)
    if reposted_as is not None:
        post = _repost(record, reposted_as, via, unread, cast, walk)
    else:
        post = _own(record, unread, cast, walk)
    _note(record, unread, "")
    scraped = cast.scraped(via)
    return Parsed("harvestapi", (post,), tuple(cast.profiles), scraped, unread.names())


def _own(record: dict[str, Json], unread: Unread, cast: Cast, walk: MediaWalk) -> Post:
    names = _names(record)
    if not names:
        raise ParseError("no id", field="id")
    name = names[0]
    times = as_dict(record.get("postedAt"))
    text = as_text(record.get("content"))
    author = cast.admit(read_actor(record.get("author"), unread, "author."))
    _walk(walk, record, unread, reshared=False, prefix="")
    shared = as_dict(record.get("repost"))
    original = _shared(shared, record, name, unread, cast, walk) if shared else None
    media, links = walk.refs(), _article(record)
    return Post(
        PLATFORM_NAME,
        name.value,
        urn_of(name),
        posted(times.get("timestamp"), name, "postedAt"),
        PostKind.QUOTE if shared else PostKind.REGULAR,
        full_urn=full_name(record.get("shareUrn")),
        author=author,
        text=text,
        url=plain_url(record.get("linkedinUrl")),
        aliases=tuple(other for other in names[1:] if other.value != name.value),
        media=media,
        metrics=_metrics(record.get("engagement"), unread),
        original=original,
        hashtags=hashtags(text) if text else (),
        mentions=_mentions(record.get("contentAttributes"), text),
        links=(*text_links(text), *links),
        edited=True if "• Edited" in (as_text(times.get("postedAgoText")) or "") else None,
        tells_media=walk.complete,
        tells_text=text is not None,
        format=format_of(media, has_link=bool(links), whole=walk.complete),
    )


def _repost(
    record: dict[str, Json],
    name: Alias,
    via: str | None,
    unread: Unread,
    cast: Cast,
    walk: MediaWalk,
) -> Post:
    """A bare repost: everything but its own id and time belongs to the original."""
    author = cast.admit(read_actor(record.get("author"), unread, "author."))
    reposter = read_actor(record.get("repostedBy"), unread, "repostedBy.")
    refs = tuple(ref for ref in _names(record) if ref != name)
    _walk(walk, record, unread, reshared=True, prefix="")
    shared = as_dict(record.get("repost"))
    if shared:
        _walk(walk, shared, unread, reshared=True, prefix="repost.")
    media, has_link = walk.refs(), bool(_article(record) or _article(shared))
    return Post(
        PLATFORM_NAME,
        name.value,
        urn_of(name),
        posted(as_dict(record.get("repostedAt")).get("timestamp"), name, "repostedAt"),
        PostKind.REPOST,
        full_urn=full_name(record.get("shareUrn")),
        author=cast.admit(reposter) or cast.scraped(via),
        url=address_of(name),
        media=media,
        metrics=_metrics(record.get("engagement"), unread),
        metrics_of_original=True,
        original=Original(
            refs,
            author,
            as_text(record.get("content")),
            plain_url(record.get("linkedinUrl")),
            born(refs[0]) if refs and refs[0].kind == ACTIVITY else None,
        ),
        tells_media=walk.complete,
        format=format_of(media, has_link=has_link, whole=walk.complete, reshared=True),
    )


def _shared(
    shared: dict[str, Json],
    record: dict[str, Json],
    quoting: Alias,
    unread: Unread,
    cast: Cast,
    walk: MediaWalk,
) -> Original:
    _note(shared, unread, "repost.")
    refs = ordered((*_names(shared), read_urn(record.get("repostId"), ACTIVITY)))
    author = cast.admit(read_actor(shared.get("author"), unread, "repost.author."))
    _walk(walk, shared, unread, reshared=True, prefix="repost.")
    found = tuple(ref for ref in refs if ref != quoting)
    return Original(
        found,
        author,
        as_text(shared.get("content")),
        plain_url(shared.get("linkedinUrl")),
        born(found[0]) if found and found[0].kind == ACTIVITY else None,
    )


def _names(record: dict[str, Json]) -> list[Alias]:
    """The names of a post, the one of its address first, for `id` does not say of what kind it is."""
    in_url = name_in_url(record.get("linkedinUrl"))
    stated = read_urn(record.get("id"), ACTIVITY)
    if stated and in_url and in_url.kind != ACTIVITY and in_url.value == stated.value:
        stated = None
    share = record.get("shareUrn")
    named = read_urn(share, "share") if isinstance(share, str) else None
    first = in_url if in_url and in_url.kind == ACTIVITY else None
    return ordered((first, stated, in_url, named))


def _reposted_as(record: dict[str, Json]) -> Alias | None:
    """The own name of a bare repost; None when the record is no repost or shows the original alone.

    The actor does not say which of its ids is the repost's. Ids tell their time: the repost's is the one
    drawn when it was reposted. Without one, the record is a sight of the original itself.
    """
    if not record.get("repostedBy"):
        return None
    original = name_in_url(record.get("linkedinUrl"))
    at = as_moment(as_dict(record.get("repostedAt")).get("timestamp"))
    for key in ("repostId", "id", "entityId"):
        name = read_urn(record.get(key), ACTIVITY)
        if name is None or name.kind != ACTIVITY or name == original:
            continue
        if at is None:
            # Without the time only an `id` that differs from the original's address speaks for itself.
            if key == "id" and original is not None and original.kind == ACTIVITY:
                return name
            continue
        moment = born(name)
        if moment is not None and abs(moment - at) <= _SAME_MOMENT:
            return name
    return None


def _walk(walk: MediaWalk, post: dict[str, Json], unread: Unread, *, reshared: bool, prefix: str) -> None:
    for image in as_list(post.get("postImages")):
        walk.add(Role.OWN, Type.IMAGE, walk.place(image), image, reshared=reshared)
    video = as_dict(post.get("postVideo"))
    walk.add(Role.OWN, Type.VIDEO, walk.place(video.get("videoUrl")), video, reshared=reshared)
    walk.add(Role.THUMBNAIL, Type.IMAGE, walk.place(video.get("thumbnailUrl")), reshared=reshared)
    document = as_dict(post.get("document"))
    unread.keys(f"{prefix}document.", document, _DOCUMENT_KEYS)
    pages = walk.place(document.get("transcribedDocumentUrl"))
    walk.add(Role.DOCUMENT, Type.DOCUMENT, pages, reshared=reshared)
    # The further cover pages are pictures of the document's own pages.
    for cover in islice(objects(document.get("coverPages")), 1):
        for url in as_list(cover.get("imageUrls"))[:1]:
            walk.add(Role.COVER, Type.IMAGE, walk.place(url), cover, reshared=reshared)
    article = as_dict(post.get("article"))
    unread.keys(f"{prefix}article.", article, _ARTICLE_KEYS)
    walk.add(Role.ARTICLE, Type.IMAGE, walk.place(article.get("image")), reshared=reshared)
    for name, kind in (("postImages", list), ("postVideo", dict), ("document", dict), ("article", dict)):
        value = post.get(name)
        if value is not None and not isinstance(value, kind):
            walk.damaged(f"{prefix}{name}=unusable")


def _article(post: dict[str, Json]) -> tuple[Link, ...]:
    article = as_dict(post.get("article"))
    return article_link(article.get("link"), article.get("title"))


def _metrics(engagement: Json, unread: Unread) -> Metrics:
    """`likes` counts reactions of every kind here."""
    if not isinstance(engagement, dict):
        return Metrics()
    unread.keys("engagement.", engagement, _ENGAGEMENT_KEYS)
    kinds = {
        kind.lower(): reaction.get("count")
        for reaction in objects(engagement.get("reactions"))
        if isinstance(kind := reaction.get("type"), str)
    }
    stated = {name: engagement.get(name) for name in ("likes", "comments", "shares")}
    detail = counts({**stated, **{name: count for name, count in kinds.items() if name not in stated}})
    return Metrics(
        reactions=detail.get("likes"),
        comments=detail.get("comments"),
        reposts=detail.get("shares"),
        detail=detail,
    )


def _mentions(attributes: Json, text: str | None) -> tuple[Mention, ...]:
    """The profiles and companies the text is marked up with, each once, in order."""
    found: dict[Mention, None] = {}
    for attribute in objects(attributes):
        actor = attribute.get("profile") or attribute.get("company")
        if not isinstance(actor, dict) and attribute.get("type") not in _MENTIONS:
            continue
        profile = read_actor(actor, Unread(), "")
        name = as_line(as_dict(actor).get("name"), LONGEST_NAME) or _marked(attribute, text)
        if name:
            public, url = (profile.username, profile.url) if profile else (None, None)
            found.setdefault(Mention(name, public, url))
        if len(found) == MOST:
            break
    return tuple(found)


def _marked(attribute: dict[str, Json], text: str | None) -> str | None:
    start, length = as_count(attribute.get("start")), as_count(attribute.get("length"))
    if text is None or start is None or length is None:
        return None
    # LinkedIn counts UTF-16 units.
    units = text.encode("utf-16-le", "surrogatepass")[2 * start : 2 * (start + length)]
    return as_line(units.decode("utf-16-le", "replace"), LONGEST_NAME)


def _note(record: dict[str, Json], unread: Unread, prefix: str) -> None:
    unread.keys(prefix, record, _KEYS)
    for name in ("postedAt", "repostedAt"):
        unread.keys(f"{prefix}{name}.", record.get(name), _TIME_KEYS)
