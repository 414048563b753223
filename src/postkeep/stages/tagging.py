"""Tags as people use them: a short name in lower case, put on profiles and posts and taken away again."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from unicodedata import normalize

from sqlalchemy import Connection

from postkeep.errors import ConfigError, NotFound, StoreClash, StoreInterrupted
from postkeep.ids import is_id
from postkeep.log import get_logger
from postkeep.stages import which, whom
from postkeep.stages.parts import Parts
from postkeep.store import old_ids, tags
from postkeep.store.types import storable
from postkeep.views.people import TagColor, Tagged, TagView

log = get_logger("tags")

LONGEST = 60
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\u061c\u200b\u200e\u200f\u2028-\u202e\u2060-\u2069\ufeff\ud800-\udfff]")
"""What stands in no name: it shows nothing, or turns the direction of what stands behind it."""


def normal(name: str) -> str:
    """The name as a new tag gets it: lower case, NFC, single blanks; raises ConfigError for none, or too long."""
    plain = " ".join(normalize("NFC", name).lower().split())
    if not plain or len(plain) > LONGEST or _CONTROL.search(plain):
        raise ConfigError(f"{name[: LONGEST + 1]!r} is no name for a tag: 1 to {LONGEST} characters in one line")
    if is_id(plain, "tag"):
        raise ConfigError(f"{plain!r} is no name for a tag: ids look so")
    return plain


def list_tags(parts: Parts, *, limit: int, after: str | None) -> list[TagView]:
    """A page of tags by name; `after` is the name, or id, the page before ended with. Raises NotFound."""
    with parts.store.reading() as tx:
        last = find(tx, after).name if after is not None else ""
        return tags.page(tx, limit=limit, after=last)


def add_tag(parts: Parts, name: str, *, color: TagColor, description: str | None) -> TagView:
    """Make a tag; raises ConfigError when there is one of this name."""
    plain, tag_id = normal(name), parts.ids.new("tag")
    if not storable(description or ""):
        raise ConfigError("the description has characters that no database can keep")
    with _unless_taken(plain), parts.store.writing() as tx:
        tags.put(tx, [(tag_id, plain)], parts.clock(), color=color, description=description)
        made = find(tx, tag_id)
    log.info("tag_added", tag_id=tag_id, name=plain)
    return made


@contextmanager
def _unless_taken(name: str) -> Iterator[None]:
    try:
        yield
    except StoreInterrupted:
        raise
    except StoreClash as error:
        raise ConfigError(f"there is a tag called {name!r} already") from error


def rename_tag(parts: Parts, name: str, to: str) -> TagView:
    """Call a tag otherwise; what carries it still does. Raises NotFound, ConfigError for a name that is taken."""
    plain = normal(to)
    with _unless_taken(plain), parts.store.writing() as tx:
        tag_id = find(tx, name).tag_id
        tags.rename(tx, tag_id, plain)
        renamed = find(tx, tag_id)
    log.info("tag_renamed", tag_id=tag_id, name=plain)
    return renamed


def remove_tag(parts: Parts, name: str, *, agreed: bool) -> TagView:
    """Remove a tag and tell what carried it; raises ConfigError for one in use without `agreed`."""
    with parts.store.writing() as tx:
        tag = find(tx, name)
        if not agreed and (tag.profiles or tag.posts):
            raise ConfigError(
                f"the tag {tag.name!r} is carried by {_many(tag.profiles, 'profile')} and"
                f" {_many(tag.posts, 'post')}, which would lose it; --yes removes it"
            )
        tags.remove(tx, tag.tag_id)
    log.info("tag_removed", tag_id=tag.tag_id, name=tag.name, profiles=tag.profiles, posts=tag.posts)
    return tag


def put_tag(parts: Parts, name: str, *, profiles: Sequence[str], posts: Sequence[str]) -> Tagged:
    """Put a tag on profiles and posts; counts those that had it not. Raises NotFound, and then changes nothing.

    On a post a person's word stands above an analyzer's: it is counted and kept as the person's.
    """
    now = parts.clock()
    with parts.store.writing() as tx:
        tag, on_profiles, on_posts = _meant(tx, name, profiles, posts)
        have = tags.carrying(tx, on_profiles)
        new = [each for each in on_profiles if (each, tag.tag_id) not in have]
        by = tags.posts_carrying(tx, on_posts, tag.tag_id)
        told = [each for each in on_posts if by.get(each) != "user"]
        tags.put_on_profiles(tx, [(each, tag.tag_id) for each in new], parts.ids, now)
        tags.put_on_posts(tx, told, tag.tag_id, parts.ids, now)
    log.info("tag_put", tag_id=tag.tag_id, profiles=len(new), posts=len(told))
    return Tagged(tag.name, len(new), len(told))


def take_tag(parts: Parts, name: str, *, profiles: Sequence[str], posts: Sequence[str]) -> Tagged:
    """Take a tag from profiles and posts; counts those that had it. Raises NotFound, and then changes nothing."""
    with parts.store.writing() as tx:
        tag, of_profiles, of_posts = _meant(tx, name, profiles, posts)
        have = tags.carrying(tx, of_profiles)
        carried = [each for each in of_profiles if (each, tag.tag_id) in have]
        by = tags.posts_carrying(tx, of_posts, tag.tag_id)
        tags.take_from_profiles(tx, carried, tag.tag_id)
        tags.take_from_posts(tx, list(by), tag.tag_id)
    log.info("tag_taken", tag_id=tag.tag_id, profiles=len(carried), posts=len(by))
    return Tagged(tag.name, len(carried), len(by))


def _meant(
    tx: Connection, name: str, profiles: Sequence[str], posts: Sequence[str]
) -> tuple[TagView, list[str], list[str]]:
    return find(tx, name), [each.profile_id for each in whom.find_all(tx, profiles)], _post_ids(tx, posts)


def _post_ids(tx: Connection, references: Iterable[str]) -> list[str]:
    """The posts that references mean, each once; raises NotFound for one that means none or several."""
    return list(dict.fromkeys(which.find_post(tx, reference) for reference in references))


# --- which tag is meant ---------------------------------------------------------------------------------


def find(tx: Connection, name: str) -> TagView:
    """The tag of an id, an old id or a name; raises NotFound."""
    tag_id = old_ids.current(tx, name.strip())
    if not is_id(tag_id, "tag"):
        tag_id = ids_of(tx, [name])[name]
    found = tags.get(tx, tag_id)
    if found is None:
        raise NotFound(f"no tag is called {name!r}")
    return found


def ids_of(tx: Connection, names: Iterable[str]) -> dict[str, str]:
    """The ids of tags by the names as they were given; raises NotFound for one there is not."""
    spellings = {name: _spellings(name) for name in names}
    known = tags.named(tx, {each for some in spellings.values() for each in some})
    found = {}
    for name, some in spellings.items():
        tag_id = next((known[each] for each in some if each in known), None)
        if tag_id is None:
            raise NotFound(
                f"no tag is called {name!r}: postkeep tags add makes one, tags list shows those there are"
            )
        found[name] = tag_id
    return found


def made_of(tx: Connection, names: Iterable[str], parts: Parts) -> dict[str, str]:
    """The same, but that tags there are not are made; raises ConfigError for what is no name."""
    spellings = {name: _spellings(name) for name in names}
    known = tags.named(tx, {each for some in spellings.values() for each in some})
    found, new = {}, {}
    for name, some in spellings.items():
        tag_id = next((known[each] for each in some if each in known), None)
        if tag_id is None:
            plain = normal(name)
            tag_id = known[plain] = new[plain] = parts.ids.new("tag")
        found[name] = tag_id
    tags.put(
        tx,
        [(tag_id, plain) for plain, tag_id in new.items()],
        parts.clock(),
        color=TagColor.CYAN,
        description=None,
    )
    return found


def _spellings(name: str) -> list[str]:
    """A name as it was given, for tags that others made, and as a new tag would get it."""
    stripped = name.strip()
    return [stripped, " ".join(normalize("NFC", stripped).lower().split())]


def _many(count: int, one: str) -> str:
    return f"{count} {one}{'s' * (count != 1)}"
