"""Carries records into the store batch by batch: read and parse outside a transaction, fold and write inside."""

from __future__ import annotations

import time
from collections.abc import Callable, Generator, Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import datetime

from sqlalchemy import Connection

import postkeep
from postkeep.ids import IdFactory
from postkeep.log import get_logger
from postkeep.model import BadRecord, BadSource, Platform, RawRecord, SourceDone, Stage
from postkeep.points import passing
from postkeep.stages.hosts import host_of
from postkeep.stages.ingest.candidate import CODEC, Candidate, Rejected, candidate, compress, digest, refused
from postkeep.stages.ingest.fold import Intent, plan_batch
from postkeep.stages.ingest.loading import load
from postkeep.store import Store, quarantine, records, runs, schema, tombstones, work, write, write_told
from postkeep.store.engine import despite_clashes
from postkeep.store.spelling import fold

log = get_logger("ingest")

SourceEvent = RawRecord | BadRecord | BadSource | SourceDone

_MOST_RECORDS = 1000
_FEWEST_RECORDS = 250
_MOST_BYTES = 8 * 1024 * 1024
_GOAL_SECONDS = 0.18
"""How long a write transaction should take; 250 ms is the most that others should have to wait."""
_PROBLEMS_KEPT = 50


@dataclass(slots=True)
class Tally:
    """What an import did so far. Processed = new + duplicates + errors; an update is also a duplicate.

    `refused` counts posts that were erased and are not to come back; nothing else counts them.
    """

    processed: int = 0
    new: int = 0
    duplicates: int = 0
    updated: int = 0
    errors: int = 0
    refused: int = 0
    sources: int = 0
    unreadable: int = 0
    unstamped: int = 0
    problems: list[str] = field(default_factory=list)

    def problem(self, line: str) -> None:
        """Keep the line for the summary; beyond a few only the log has them all."""
        if len(self.problems) < _PROBLEMS_KEPT:
            self.problems.append(line)


Outcome = tuple[str, str, datetime]
"""Post, what became of it, and the time its record speaks of."""


@dataclass(frozen=True, slots=True)
class _Batch:
    """Records that were read and wait for being written; `size` counts the bad ones with them."""

    candidates: list[Candidate]
    packed: dict[str, bytes]
    seen: list[_Seen]
    bad: list[Rejected]
    size: int


@dataclass(frozen=True, slots=True)
class _Written:
    """What became of a batch, and how long its transaction took."""

    batch: _Batch
    outcomes: list[Outcome]
    refused: int
    seconds: float


@dataclass(frozen=True, slots=True)
class _Seen:
    """A record whose exact bytes are known at this very time: only noted, not read again."""

    raw: RawRecord
    post_ids: tuple[str, ...]


class Ingest:
    """One import: feeds on source events, writes in batches, counts in `tally`.

    `queue` says whether new media are put before other work (somebody waits for them). `fetch_avatars`
    queues profile pictures as well. `readmit` lets come back what was erased and is in these records, for good.
    A source record's failure is never an exception.
    """

    def __init__(
        self,
        store: Store,
        *,
        platforms: Sequence[Platform],
        ids: IdFactory,
        run_id: str,
        clock: Callable[[], datetime],
        priority: int = 0,
        fetch_avatars: bool = False,
        readmit: bool = False,
    ) -> None:
        self.store = store
        self.platforms = platforms
        self.ids = ids
        self.run_id = run_id
        self.clock = clock
        self.priority = priority
        self.fetch_avatars = fetch_avatars
        self.readmit = readmit
        self.tally = Tally()
        self.taken = 0
        self._unstamped = False
        self._records: list[RawRecord] = []
        self._bad: list[Rejected] = []
        self._bytes = 0
        # Only SQLite keeps all other writers waiting for as long as a batch takes.
        self._batch_size = _FEWEST_RECORDS if store.is_sqlite else _MOST_RECORDS
        self._writing: Future[_Written] | None = None

    def feed(self, events: Iterable[SourceEvent]) -> Generator[SourceEvent]:
        """Take events in, writing a batch now and then, and the last at the end.

        While a database server writes one batch the next is read; batches are written in their order, one at a
        time.
        Gives back each event at which something ended: a batch is on its way, or a source was done. Closing
        the generator writes what was taken, as an interruption does: a pipe does not come back. What is raised
        by writing a batch is raised at the next, or at the end.
        """
        with ThreadPoolExecutor(1, thread_name_prefix="postkeep-ingest") as writer:
            try:
                yield from self._feed(events, writer)
            finally:
                self._hand_over(writer)
                self._settle()

    def _feed(self, events: Iterable[SourceEvent], writer: ThreadPoolExecutor) -> Iterator[SourceEvent]:
        for event in events:
            if type(event) is RawRecord:
                self.taken += 1
                self._unstamped = not event.observation.known
                self._records.append(event)
                self._bytes += len(event.body)
                ended = False
            else:
                self._take(event)
                ended = True
            if len(self._records) + len(self._bad) >= self._batch_size or self._bytes >= _MOST_BYTES:
                self._hand_over(writer)
                ended = True
            if ended:
                yield event

    def _take(self, event: SourceEvent) -> None:
        match event:
            case BadRecord():
                self.taken += 1
                self._bad.append(Rejected(event, None))
                self._bytes += len(event.body or b"")
            case BadSource():
                self.tally.unreadable += 1
                self.tally.problem(f"{event.source}: {event.reason}")
                log.info("source_unreadable", source=event.source, reason=event.reason)
            case SourceDone():
                self.tally.sources += 1
                if not event.records:
                    self.tally.problem(f"{event.source}: it holds no records")
                elif self._unstamped:
                    self.tally.unstamped += 1
                self._unstamped = False
                log.debug("source_read", source=event.source, records=event.records)

    def _hand_over(self, writer: ThreadPoolExecutor) -> None:
        """Read what was taken, and have it written when the batch before it is."""
        gathered, bad = self._records, self._bad
        if not gathered and not bad:
            return
        self._records, self._bad, self._bytes = [], [], 0
        size = len(gathered) + len(bad)
        seen, fresh = self._sort_out(gathered)
        candidates = []
        for raw, sha256 in fresh:
            made = candidate(raw, sha256, self.platforms)
            if isinstance(made, Candidate):
                candidates.append(made)
                bad.extend(refused(made))
            else:
                bad.append(made)
        for batch in self._batches(candidates, seen, bad, size):
            self._settle()
            self._writing = writer.submit(self._write, batch)
            if self.store.is_sqlite:
                # SQLite works in this very process: reading meanwhile takes its time, and locks last longer.
                self._settle()

    def _batches(
        self, candidates: list[Candidate], seen: list[_Seen], bad: list[Rejected], size: int
    ) -> Iterator[_Batch]:
        """Records as they were taken, in parts where pages bring more posts than a transaction should take."""
        while True:
            posts = end = 0
            while end < len(candidates) and (not end or posts < self._batch_size):
                posts += len(candidates[end].parsed.posts)
                end += 1
            part, candidates = candidates[:end], candidates[end:]
            packed = {each.sha256: compress(each.raw.body) for each in part}
            yield _Batch(part, packed, seen, bad, max(size, posts) if not candidates else posts)
            if not candidates:
                return
            seen, bad, size = [], [], 0

    def _settle(self) -> None:
        """Wait for the batch that is being written, and count it."""
        writing = self._writing
        if writing is None:
            return
        try:
            written = writing.result()
        finally:
            if writing.done():
                self._writing = None
        self._resize(written)
        self._count(written)

    def _sort_out(self, gathered: list[RawRecord]) -> tuple[list[_Seen], list[tuple[RawRecord, str]]]:
        """Part records whose bytes are known at this time from those to be read."""
        hashed = [(raw, digest(raw.body)) for raw in gathered]
        with self.store.reading() as tx:
            found = records.sightings(tx, {sha256 for _, sha256 in hashed})
            through = records.seen_through(tx, {each.post_id for each in found})
            pages = records.pages(tx, {sha256 for _, sha256 in hashed})
        at_time: dict[tuple[str, datetime], list[str]] = {}
        any_time: dict[str, list[str]] = {}
        for each in found:
            at_time.setdefault((each.sha256, each.observed_at), []).append(each.post_id)
            any_time.setdefault(each.sha256, []).append(each.post_id)
        seen, fresh = [], []
        for raw, sha256 in hashed:
            posts = at_time.get((sha256, raw.observation.at))
            if posts is None and not raw.observation.known:
                posts = any_time.get(sha256)
            elif posts is not None and raw.via and any((post, fold(raw.via)) not in through for post in posts):
                # Known bytes, but found through another profile: that is worth a reading.
                posts = None
            if posts is None or sha256 in pages:
                fresh.append((raw, sha256))
            else:
                seen.append(_Seen(raw, tuple(dict.fromkeys(posts))))
        return seen, fresh

    def _write(self, batch: _Batch) -> _Written:
        # Another import may have written one of these posts meanwhile, or an id is drawn twice: look again.
        return despite_clashes(lambda: self._timed(batch))

    def _timed(self, batch: _Batch) -> _Written:
        began = time.perf_counter()
        outcomes, refused = self._try_to_write(batch)
        return _Written(batch, outcomes, refused, time.perf_counter() - began)

    def _try_to_write(self, batch: _Batch) -> tuple[list[Outcome], int]:
        now = self.clock()
        with self.store.writing() as tx:
            loaded = load(tx, batch.candidates)
            if self.readmit and loaded.erased:
                tombstones.lift(tx, loaded.erased)
                loaded.erased = set()
            intent = plan_batch(batch.candidates, loaded, ids=self.ids, run_id=self.run_id, now=now)
            self._store(tx, intent, batch.packed, now)
            outcomes = [
                *intent.outcomes,
                *((post, "unchanged", each.raw.observation.at) for each in batch.seen for post in each.post_ids),
            ]
            runs.note_posts(tx, self.run_id, outcomes)
            self._quarantine(tx, batch.bad, now)
            if self.priority < 0:
                known_posts = {post for post, outcome, _ in outcomes if outcome != "new"}
                work.ask_for(tx, Stage.FETCH, sorted(known_posts), now)
            runs.beat(tx, self.run_id, now)
            passing("batch_written")
        passing("batch_committed")
        return outcomes, intent.refused

    def _store(self, tx: Connection, intent: Intent, packed: dict[str, bytes], now: datetime) -> None:
        rows = intent.known
        write.write_profiles(tx, rows.profiles, rows.names, now)
        write.write_posts(tx, rows.posts.values(), now)
        write.write_snapshots(tx, rows.snapshots.values(), intent.snapshot_records, now)
        write.write_records(
            tx,
            [
                (
                    sha256,
                    each.content_hash,
                    each.platform,
                    each.parsed.shape,
                    CODEC,
                    len(each.raw.body),
                    packed[sha256],
                    len(each.parsed.posts) + len(each.parsed.refused),
                )
                for sha256, each in intent.raw_records.items()
            ],
            now,
        )
        self._store_media(tx, intent, now)
        write.write_texts(tx, rows.texts)
        new_posts = {row.post_id for row in rows.posts.values() if row.new}
        write.write_words(
            tx,
            replaced=[post_id for post_id in intent.words if post_id not in new_posts],
            hashtags={post_id: words.hashtags for post_id, words in intent.words.items()},
            mentions={post_id: words.mentions for post_id, words in intent.words.items()},
            links={post_id: words.links for post_id, words in intent.words.items()},
        )
        write.write_aliases(tx, intent.aliases)
        write.write_seen_via(tx, rows.seen_via)
        write.write_originals(tx, rows.originals.values())
        shares = [row.post_id for row in rows.originals.values() if row.new or row.changed]
        write.join_originals(tx, intent.refs, shares)
        write_told.write_people(tx, rows.people)
        write_told.write_profile_texts(tx, rows.profile_texts)
        write_told.write_profile_links(tx, rows.profile_links)
        write_told.write_history(tx, rows.history.values(), now)
        write_told.write_listings(tx, intent.listings, now)
        write.write_unknown_keys(tx, intent.unknown_keys, now)

    def _store_media(self, tx: Connection, intent: Intent, now: datetime) -> None:
        rows = intent.known
        wanted = write.write_places(
            tx,
            schema.post_media,
            "post_id",
            (row for owned in rows.media.values() for row in owned.values()),
            now,
        )
        pictures = write.write_places(
            tx,
            schema.profile_media,
            "profile_id",
            (row for owned in rows.profile_media.values() for row in owned.values()),
            now,
        )
        if self.fetch_avatars:
            wanted = [*wanted, *pictures]
        work.add(
            tx,
            Stage.FETCH,
            [(row.media_id, host_of(row.media_url)) for row in wanted],
            now,
            priority=self.priority,
            expiries={row.media_id: row.expires_at for row in wanted},
        )

    def _quarantine(self, tx: Connection, bad: list[Rejected], now: datetime) -> None:
        quarantine.put(
            tx,
            [
                quarantine.Quarantined(
                    quarantine_id=self.ids.new("qua"),
                    place=each.bad.place,
                    observation=each.bad.observation,
                    length=each.bad.length,
                    sha256=each.bad.sha256,
                    reason=each.bad.reason,
                    field=each.field,
                    via=each.bad.via,
                    version=postkeep.__version__,
                    last_seen_at=now,
                    codec=None if each.bad.body is None else CODEC,
                    body=None if each.bad.body is None else compress(each.bad.body),
                )
                for each in bad
            ],
            run_id=self.run_id,
            now=now,
        )

    def _resize(self, written: _Written) -> None:
        """Let the next batch take about the time a write transaction may take."""
        if self.store.is_sqlite and written.batch.size >= self._batch_size // 2:
            factor = min(2.0, max(0.5, _GOAL_SECONDS / max(written.seconds, 0.001)))
            self._batch_size = max(_FEWEST_RECORDS, min(_MOST_RECORDS, int(self._batch_size * factor)))

    def _count(self, written: _Written) -> None:
        tally, outcomes, bad = self.tally, written.outcomes, written.batch.bad
        new = sum(outcome == "new" for _, outcome, _ in outcomes)
        tally.new += new
        tally.duplicates += len(outcomes) - new
        tally.updated += sum(outcome == "changed" for _, outcome, _ in outcomes)
        tally.errors += len(bad)
        tally.processed += len(outcomes) + len(bad)
        tally.refused += written.refused
        for each in bad:
            tally.problem(f"{each.bad.place}: {each.bad.reason}")
            log.info(
                "record_quarantined",
                source=each.bad.place.source,
                record=each.bad.place.number,
                offset=each.bad.place.offset,
                length=each.bad.length,
                reason=each.bad.reason,
                field=each.field,
            )
