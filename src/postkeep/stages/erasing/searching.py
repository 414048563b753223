"""Looks through every stored record for what is to be erased: whatever names it, not only what rows say is its."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import orjson
from sqlalchemy import Connection

from postkeep.errors import ParseError
from postkeep.model import Json, Platform
from postkeep.platforms import recognise
from postkeep.sources.decode import decode
from postkeep.stages.erasing.names import Names, cut
from postkeep.stages.erasing.sieve import Sieve
from postkeep.stages.ingest.candidate import CODEC, UNPACKING_ERROR, compress, decompress, digest
from postkeep.store import Store, erasing_records
from postkeep.store.erasing_records import Kept, Listed, Replaced
from postkeep.views import OnProgress, Progress, Stop

_LISTED = 1000
_AT_ONCE = 200
_MOST_BYTES = 16 * 1024 * 1024
"""So many records are in memory at a time, and so many bytes of them unpacked; one record may be larger."""


@dataclass(frozen=True, slots=True)
class Found:
    """What a page of records holds: those that are dropped or cut, and how many of them told of others."""

    replaced: tuple[Replaced, ...]
    serving: frozenset[str]


@dataclass(frozen=True, slots=True)
class Wanted:
    """What is searched for: names on platforms, posts that go, records that rows call theirs (`own`).

    `near` are records of posts that share one of these. `people` says that anybody may name them; posts alone are
    named only by what rows know of, and by records that tell of no post or of several.
    """

    names: Names
    platforms: frozenset[str]
    post_ids: frozenset[str]
    own: frozenset[str]
    near: frozenset[str]

    @property
    def people(self) -> bool:
        return bool(self.names.people)


class Search:
    """One pass over the records of some platforms, page by page; no connection is held while they are read.

    Ends early when it is told to stop; `progress` is told of records.
    """

    def __init__(
        self, store: Store, platforms: list[Platform], wanted: Wanted, *, stop: Stop, progress: OnProgress
    ) -> None:
        self.store, self.platforms, self.wanted = store, platforms, wanted
        self.names, self.stop, self.progress = wanted.names, stop, progress
        self._sieve = Sieve(wanted.names)

    def records(self) -> Iterator[Found]:
        """Pages of raw records that hold what is erased; what serves others is cut where it can be.

        First those that rows lead to, then all others that may name it.
        """
        known = self.wanted.own | self.wanted.near
        with self.store.reading() as tx:
            total = erasing_records.about(tx)
            led_to = erasing_records.sizes(tx, known)
        yield from self._look(led_to)
        seen, after = 0, None
        while not self.stop():
            with self.store.reading() as tx:
                page = erasing_records.listed(tx, after=after, limit=_LISTED)
                left = self._worth_reading(tx, [each for each in page if each.sha256 not in known])
            if not page:
                return
            after = page[-1].place
            yield from self._look([(each.sha256, each.size) for each in left])
            seen += len(page)
            self.progress(Progress("searching", seen, max(seen, total), "records"))

    def _worth_reading(self, tx: Connection, page: list[Listed]) -> list[Listed]:
        """Those of these platforms; where no person is searched for, without those that tell of one other post."""
        ours = [each for each in page if each.platform in self.wanted.platforms]
        if self.wanted.people:
            return ours
        told = erasing_records.of_posts(tx, [each.sha256 for each in ours if each.posts == 1])
        return [each for each in ours if each.sha256 not in told]

    def _look(self, some: Iterable[tuple[str, int]]) -> Iterator[Found]:
        for hashes in _in_parts(some):
            if self.stop():
                return
            with self.store.reading() as tx:
                page = erasing_records.load(tx, hashes)
            # What rows call theirs goes even where its bytes name nobody.
            telling = [each for each in page if each.key in self.wanted.own or self._names(each, sieved=True)]
            if not telling:
                continue
            with self.store.reading() as tx:
                serving = erasing_records.serving_others(tx, [each.key for each in telling], self.wanted.post_ids)
            yield Found(
                tuple(self._without(each) if each.key in serving else Replaced(each.key) for each in telling),
                frozenset(serving),
            )

    def quarantined(self) -> Iterator[list[str]]:
        """Pages of ids in the quarantine whose bytes, source or profile name what is erased."""
        last = ""
        while not self.stop():
            with self.store.reading() as tx:
                page = erasing_records.quarantined(tx, after=last, limit=_AT_ONCE)
            if not page:
                return
            last = page[-1].key
            if found := [each.key for each in page if self._names(each)]:
                yield found

    def _names(self, kept: Kept, *, sieved: bool = False) -> bool:
        if any(map(self._in_source, kept.told)):
            return True
        if kept.codec is None or kept.packed is None:
            return False
        try:
            body = decompress(kept.codec, kept.packed)
        except (ValueError, UNPACKING_ERROR):
            return False
        if sieved and not self._sieve.passes(body):
            return False
        try:
            return self.names.in_document(decode(body).value)
        except ParseError:
            return self.names.in_words(body.decode(errors="replace"))

    def _in_source(self, told: str) -> bool:
        return self.names.in_text(told) or any(
            piece.casefold() in self.names.people for piece in told.replace("/", "_").split("_")
        )

    def _without(self, kept: Kept) -> Replaced:
        """What is left of a record that serves others: what can be read of it without the erased, else nothing."""
        try:
            document = decode(decompress(kept.codec or "", kept.packed or b"")).value
            left = cut(document, self.names)
            return Replaced(kept.key) if left is None or left == document else self._kept(kept, left)
        except (ParseError, ValueError, TypeError, UNPACKING_ERROR):
            # A number that only the first writer could write is a TypeError.
            return Replaced(kept.key)

    def _kept(self, kept: Kept, left: Json) -> Replaced:
        body = orjson.dumps(left)
        platform = recognise(left, self.platforms)
        parsed = platform.parse(left)
        posts = frozenset(post.native_id for post in parsed.posts)
        if not posts:
            return Replaced(kept.key)
        row = (
            digest(body),
            digest(platform.canonical(left)),
            platform.name,
            parsed.shape,
            CODEC,
            len(body),
            compress(body),
            len(parsed.posts),
        )
        return Replaced(kept.key, row, posts)


def _in_parts(some: Iterable[tuple[str, int]]) -> Iterator[list[str]]:
    """Hashes in parts that fit into memory unpacked."""
    part: list[str] = []
    weight = 0
    for sha256, size in some:
        if part and (len(part) == _AT_ONCE or weight + size > _MOST_BYTES):
            yield part
            part, weight = [], 0
        part.append(sha256)
        weight += size
    if part:
        yield part
