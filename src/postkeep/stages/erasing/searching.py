"""Looks through every stored record for what is to be erased: whatever names it, not only what rows say is its."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import dataclass

import orjson

from postkeep.errors import ParseError
from postkeep.model import Json, Platform
from postkeep.platforms import recognise
from postkeep.sources.decode import decode
from postkeep.stages.erasing.names import Names, cut
from postkeep.stages.ingest.candidate import CODEC, UNPACKING_ERROR, compress, decompress, digest
from postkeep.store import Store, erasing_records
from postkeep.store.erasing_records import Kept, Replaced

_PAGE = 200


@dataclass(frozen=True, slots=True)
class Found:
    """What a page of records holds: those that are dropped or cut, and how many of them told of others."""

    replaced: tuple[Replaced, ...]
    serving: frozenset[str]


class Search:
    """One pass over the records of some platforms, page by page; no connection is held while they are read."""

    def __init__(
        self,
        store: Store,
        platforms: list[Platform],
        names: Names,
        *,
        of_platforms: Collection[str],
        post_ids: Collection[str],
        own: Collection[str],
    ) -> None:
        self.store, self.platforms, self.names = store, platforms, names
        self.of_platforms, self.post_ids, self.own = of_platforms, post_ids, own

    def records(self) -> Iterator[Found]:
        """Pages of raw records that hold what is erased; what serves others is cut where it can be."""
        last = ""
        while True:
            with self.store.reading() as tx:
                page = erasing_records.records(tx, self.of_platforms, after=last, limit=_PAGE)
            if not page:
                return
            last = page[-1].key
            # What rows call theirs goes even where its bytes name nobody.
            telling = [each for each in page if each.key in self.own or self._names(each)]
            with self.store.reading() as tx:
                serving = erasing_records.serving_others(tx, [each.key for each in telling], self.post_ids)
            if telling:
                yield Found(
                    tuple(self._without(each) if each.key in serving else Replaced(each.key) for each in telling),
                    frozenset(serving),
                )

    def quarantined(self) -> Iterator[list[str]]:
        """Pages of ids in the quarantine whose bytes, source or profile name what is erased."""
        last = ""
        while True:
            with self.store.reading() as tx:
                page = erasing_records.quarantined(tx, after=last, limit=_PAGE)
            if not page:
                return
            last = page[-1].key
            if found := [each.key for each in page if self._names(each)]:
                yield found

    def _names(self, kept: Kept) -> bool:
        if any(map(self._in_source, kept.told)):
            return True
        if kept.codec is None or kept.packed is None:
            return False
        try:
            body = decompress(kept.codec, kept.packed)
        except (ValueError, UNPACKING_ERROR):
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
