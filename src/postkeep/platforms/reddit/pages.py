"""What Reddit answers with: a list of things, one thing, or a thing's bare content."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

from ...errors import ParseError
from ...model import Json, Listed, Listing, Parsed, Post, Profile, Refused
from ..fields import Unread, as_dict, as_list, refusal
from . import keys
from .escapes import is_escaped
from .lasting import lasting
from .names import POST
from .posts import Reading, read_post
from .profiles import Cast

_SUBMITTED = "submitted"
_UNKNOWN = "listing"


def parse_listing(record: dict[str, Json], via: str | None) -> Parsed:
    """Read a page of a list; raises ParseError when it holds submissions and none can be read.

    Comments, communities and users among them are left out, and counted by their kind.
    """
    unread, page = Unread(), as_dict(record.get("data"))
    unread.keys("", record, keys.PAGE)
    unread.keys("data.", page, keys.LISTING)
    refused: list[Refused] = []
    things, others = _submissions(page, unread, refused)
    reading = Reading(unread, Cast(), is_escaped(things))
    posts: list[Post] = []
    contents: list[bytes] = []
    entries: list[Listed] = []
    known: set[str] = set()
    failure: ParseError | None = None
    for position, thing in enumerate(things):
        try:
            post = read_post(thing, reading, prefix="data.children.data.")
            content = lasting(thing, escaped=reading.escaped)
        except ParseError as error:
            # It must not cost its neighbours.
            unread.note("data.children=unreadable")
            refused.append(refusal(thing, error))
            failure = error
            continue
        if post.native_id in known:
            continue
        known.add(post.native_id)
        posts.append(post)
        contents.append(content)
        entries.append(Listed(post.native_id, position, "stickied" in post.flags or "pinned" in post.flags))
    if failure is not None and not posts:
        raise failure
    seen = reading.cast.named(via)
    is_head = _heads_comments(things)
    # What cannot be read stood there, and is not to look missing.
    listing = _listing(posts, entries, page, seen, others + len(refused)) if posts and not is_head else None
    return Parsed(
        "submission" if is_head else "listing",
        tuple(posts),
        tuple(reading.cast.profiles),
        seen,
        unread.names(),
        listing,
        tuple(contents),
        tuple(refused),
    )


def parse_thing(record: dict[str, Json], via: str | None) -> Parsed:
    """Read one submission in its wrapper; raises ParseError when it cannot be identified or dated."""
    unread = Unread()
    unread.keys("", record, keys.PAGE)
    return _one("submission", as_dict(record.get("data")), via, unread, "data.", keys.POST)


def parse_bare(record: dict[str, Json], via: str | None) -> Parsed:
    """Read the content of a submission; raises ParseError when it cannot be identified or dated."""
    return _one("submission", record, via, Unread(), "", keys.POST)


def parse_sidecar(record: dict[str, Json], via: str | None) -> Parsed:
    """Read what gallery-dl writes beside a file: the whole submission, and which file it was.

    A file of a comment has the submission in it as well, unless the user's comments were fetched alone: then there
    is no post.
    """
    shown = {name: value for name, value in record.items() if not name.startswith("_")}
    if is_comment(record):
        return Parsed("gallery-dl", (), unknown_keys=("comment",))
    return _one("gallery-dl", shown, via, Unread(), "", keys.SIDECAR)


def is_comment(record: dict[str, Json]) -> bool:
    """Whether it is a comment: those have a body and no title."""
    return "body" in record and "title" not in record


def _one(
    shape: str, post: dict[str, Json], via: str | None, unread: Unread, prefix: str, known: frozenset[str]
) -> Parsed:
    reading = Reading(unread, Cast(), is_escaped((post,)))
    read = read_post(post, reading, prefix=prefix, known=known)
    content = lasting(post, escaped=reading.escaped)
    profiles = tuple(reading.cast.profiles)
    return Parsed(shape, (read,), profiles, reading.cast.named(via), unread.names(), contents=(content,))


def _submissions(
    page: dict[str, Json], unread: Unread, refused: list[Refused]
) -> tuple[list[dict[str, Json]], int]:
    """The submissions of a page, and how many other things stood among them."""
    found: list[dict[str, Json]] = []
    others = 0
    for child in as_list(page.get("children")):
        if not isinstance(child, dict):
            unread.note("data.children=unusable")
            refused.append(refusal(child, ParseError("not a thing of Reddit's")))
            continue
        kind = child.get("kind")
        if kind == POST:
            unread.keys("data.children.", child, keys.PAGE)
            found.append(as_dict(child.get("data")))
        else:
            unread.note(f"data.children.kind={kind if isinstance(kind, str) else type(kind).__name__}")
            others += 1
    return found, others


def _heads_comments(things: Sequence[dict[str, Json]]) -> bool:
    """Whether it is no list but stands before a submission's comments: there alone duplicates are counted."""
    return len(things) == 1 and "num_duplicates" in things[0]


def _listing(
    posts: Sequence[Post], entries: Sequence[Listed], page: dict[str, Json], seen: Profile | None, others: int
) -> Listing:
    """The list. An answer does not say of whom or in which order it is, so that only what one user submitted,
    newest first, is told from the rest: any other may lack posts of its time."""
    owner = _submitter(posts, seen) if not others and _newest_first(posts, entries) else None
    complete = "after" in page and page["after"] is None
    return Listing(_SUBMITTED if owner else _UNKNOWN, owner, tuple(entries), complete)


def _submitter(posts: Sequence[Post], seen: Profile | None) -> Profile | None:
    author = posts[0].author if posts else None
    if author is None or any(post.author is not author for post in posts):
        return None
    communities = {post.community.username for post in posts if post.community}
    return author if len(communities) > 1 or seen is author else None


def _newest_first(posts: Sequence[Post], entries: Sequence[Listed]) -> bool:
    times = [post.posted_at for post, entry in zip(posts, entries, strict=True) if not entry.pinned]
    return all(earlier >= later for earlier, later in pairwise(times))
