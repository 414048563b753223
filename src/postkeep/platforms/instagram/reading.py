"""What the parts of one record are collected in, and what a list of posts tells beside them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

from ...errors import ParseError
from ...model import Json, Listed, Listing, Parsed, Post, Profile, Refused
from ..fields import Unread, refusal
from .lasting import lasting
from .profiles import Cast


@dataclass(slots=True)
class Reading:
    """What the parts of one record are collected in."""

    unread: Unread = field(default_factory=Unread)
    cast: Cast = field(default_factory=Cast)

    def parsed(self, shape: str, posts: tuple[Post, ...], via: str | None) -> Parsed:
        """The record without a list."""
        scraped = self.cast.scraped(via)
        return Parsed(shape, posts, tuple(self.cast.profiles), scraped, self.unread.names())


def _bare(entry: dict[str, Json]) -> dict[str, Json]:
    return entry


@dataclass(slots=True)
class Page:
    """The posts of one list in their order; `whole` turns false when one of them cannot be read."""

    reading: Reading
    posts: list[Post] = field(default_factory=list)
    entries: list[Listed] = field(default_factory=list)
    contents: list[bytes] = field(default_factory=list)
    refused: list[Refused] = field(default_factory=list)
    whole: bool = True

    def read(
        self,
        shown: Iterable[Json],
        read: Callable[[dict[str, Json]], Post],
        pinned: Callable[[dict[str, Json]], bool],
        name: str,
        *,
        unwrap: Callable[[dict[str, Json]], dict[str, Json]] = _bare,
    ) -> None:
        """Read every post; one that cannot be read is kept apart, and told as unread under `name`.

        Raises ParseError when there are some and none can be read.
        """
        known: set[str] = set()
        failure: ParseError | None = None
        for position, entry in enumerate(shown):
            try:
                if not isinstance(entry, dict):
                    raise ParseError("not a post")
                record = unwrap(entry)
                post = read(record)
                content = lasting(record)
            except ParseError as error:
                failure, self.whole = error, False
                self.reading.unread.note(f"{name}.{error.field or 'post'}=unusable")
                self.refused.append(refusal(entry, error))
                continue
            if post.native_id in known:
                continue
            known.add(post.native_id)
            self.posts.append(post)
            self.entries.append(Listed(post.native_id, position, pinned(record)))
            self.contents.append(content)
        if failure is not None and not self.posts:
            raise failure

    def parsed(
        self, shape: str, kind: str, via: str | None, *, owner: Profile | None = None, complete: bool
    ) -> Parsed:
        """The record with its list.

        A list that shows nothing is often a refusal, and one of which a post cannot be read would make that
        post look missing: neither is told.
        """
        cast = self.reading.cast
        owner = owner or self._owner()
        scraped = cast.scraped(via)
        listing = None
        if self.posts and self.whole:
            listing = Listing(kind, owner or scraped, tuple(self.entries), complete=complete)
        return Parsed(
            shape,
            tuple(self.posts),
            tuple(cast.profiles),
            scraped or owner,
            self.reading.unread.names(),
            listing,
            tuple(self.contents),
            tuple(self.refused),
        )

    def _owner(self) -> Profile | None:
        """Whose list it is: who made or took part in every post of it, in doubt whoever made the most."""
        made = Counter(id(post.author) for post in self.posts)
        common = [
            profile
            for profile in self.reading.cast.profiles
            if all(profile is post.author or _has(post.coauthors, profile) for post in self.posts)
        ]
        return max(common, key=lambda profile: made[id(profile)]) if self.posts and common else None


def _has(profiles: Iterable[Profile], one: Profile) -> bool:
    return any(each is one for each in profiles)
