"""How the list a record's posts stood in is remembered. Pure."""

from __future__ import annotations

import re
from collections.abc import Mapping
from itertools import pairwise

from postkeep.model import Listing
from postkeep.stages.ingest.candidate import Candidate
from postkeep.store.rows import ListingRow, PostRow

_BY_RANK = frozenset({"hot", "top", "best", "rising", "controversial", "popular", "relevance"})
"""Words in the kind of a list that is sorted by something else than time, however few posts stand in it."""


def listing_row(
    each: Candidate, listing: Listing, posts: Mapping[str, PostRow], *, listing_id: str, profile_id: str | None
) -> ListingRow:
    """The row of a list with the posts among `posts` (by native id); the others were refused."""
    stood = [(entry, posts[entry.native_id]) for entry in listing.entries if entry.native_id in posts]
    times = [row.posted_at for entry, row in stood if not entry.pinned]
    in_order = all(one >= other for one, other in pairwise(times))
    return ListingRow(
        listing_id=listing_id,
        profile_id=profile_id,
        platform=each.platform,
        kind=listing.kind,
        source=each.parsed.shape,
        observed_at=each.raw.observation.at,
        observed_source=str(each.raw.observation.source),
        complete=listing.complete,
        page=listing.page,
        in_time_order=in_order and _BY_RANK.isdisjoint(re.split(r"[^a-z]+", listing.kind.casefold())),
        oldest_posted_at=min(times, default=None),
        newest_posted_at=max(times, default=None),
        record_sha256=each.sha256,
        posts=[(entry.position, row.post_id, entry.pinned) for entry, row in stood],
    )
