"""Which post people mean: by our id, a platform's, a URN, an address as a browser shows it, or another name."""

from __future__ import annotations

from typing import TYPE_CHECKING

from postkeep.errors import NotFound
from postkeep.ids import is_id
from postkeep.platforms import post_names
from postkeep.store import listing, old_ids

if TYPE_CHECKING:
    from sqlalchemy import Connection


def find_posts(tx: Connection, reference: str) -> list[str]:
    """The post_ids a reference may mean; none, one or several."""
    reference = old_ids.current(tx, reference.strip())
    if not is_id(reference, "p"):
        for platform, name in post_names(reference):
            if found := listing.posts_named(tx, platform, name):
                return found
    return listing.find_posts(tx, reference)


def find_post(tx: Connection, reference: str) -> str:
    """The post_id a reference means; raises NotFound when it means none or several."""
    found = find_posts(tx, reference)
    if not found:
        raise unknown(reference)
    if len(found) > 1:
        raise NotFound(f"{reference!r} is a name of several posts: {', '.join(found)}")
    return found[0]


def unknown(reference: str) -> NotFound:
    return NotFound(
        f"no post is known as {reference!r}: name it by an id, a URN or its address;"
        " postkeep posts list shows those there are"
    )
