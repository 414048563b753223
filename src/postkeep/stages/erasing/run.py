"""Erases posts and profiles: first nothing may come back, then records, rows and at last bytes go.

Each step can be done again, so that the same command ends what a death left.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TypeVar

from sqlalchemy import Connection

from postkeep.errors import NotFound
from postkeep.log import get_logger
from postkeep.model import Platform, RunStatus
from postkeep.points import passing
from postkeep.stages import looking
from postkeep.stages.archiving import ARCHIVE_LEASE
from postkeep.stages.erasing.names import Names
from postkeep.stages.erasing.removing import Removing
from postkeep.stages.erasing.searching import Found, Search
from postkeep.stages.eviction import finish_removals
from postkeep.stages.fetch.outcomes import adopt
from postkeep.stages.fetching import FETCH_LEASE
from postkeep.stages.holding import profile_of
from postkeep.stages.parts import Parts
from postkeep.stages.presence import must_be_there
from postkeep.stages.recorded import OpenRun, recorded
from postkeep.store import erasing, erasing_records, leases, tombstones
from postkeep.store.erasing import Doomed, DoomedProfile, Gone
from postkeep.store.tombstones import Tombstone
from postkeep.views import OnProgress, Progress
from postkeep.views.erasing import ErasedCounts, ErasingHold, Erasure, Removals, StayingCounts

log = get_logger("erasing")

_AT_ONCE = 200
"""So many posts are deleted in one transaction; each brings a few dozen rows."""
_SOURCES_TOLD = 50


@dataclass(frozen=True, slots=True)
class Asked:
    """What is to be erased: posts by whatever names them, or one profile with all its posts."""

    posts: Sequence[str] = ()
    profile: str | None = None
    platform: str | None = None


@dataclass(slots=True)
class _Records:
    """Counts of records that went: alone, cut, dropped with others in them, and unreadable ones."""

    alone: int = 0
    cut: int = 0
    dropped: int = 0
    quarantined: int = 0

    def add(self, found: Found) -> None:
        for each in found.replaced:
            if each.sha256 not in found.serving:
                self.alone += 1
            elif each.row is not None:
                self.cut += 1
            else:
                self.dropped += 1


@dataclass(slots=True)
class _Scope:
    """What is meant, and what it is called; what holds and leaves it behind is found on the way."""

    posts: list[Doomed]
    profile: DoomedProfile | None
    names: Names
    records: set[str]
    sources: set[str]
    post_ids: frozenset[str]
    platforms: frozenset[str]
    found: _Records = field(default_factory=_Records)

    @property
    def profile_id(self) -> str | None:
        return self.profile.profile_id if self.profile else None

    @property
    def subjects(self) -> tuple[str, ...]:
        return (self.profile.profile_id,) if self.profile else tuple(each.post_id for each in self.posts)

    @property
    def stones(self) -> list[Tombstone]:
        stones = [tombstones.of_post(each.platform, each.native_id) for each in self.posts]
        if (who := self.profile) is not None:
            for name in dict.fromkeys((who.username, *who.usernames)):
                stones += tombstones.of_profile(who.platform, who.kind, native_id=who.native_id, username=name)
        return list(dict.fromkeys(stones))


def erase(
    parts: Parts, platforms: list[Platform], asked: Asked, *, reason: str, dry_run: bool, progress: OnProgress
) -> Erasure:
    """Erase these posts or this profile, or tell what that would do.

    Raises NotFound, Held, LeaseTaken while another process fetches or archives, CacheError.
    """
    with parts.store.reading() as tx:
        scope = _scope(tx, asked)
    if dry_run:
        return _told(parts, platforms, scope, reason, progress)
    must_be_there(parts.store, parts.cache)
    with recorded(parts.store, "erase", ids=parts.ids, clock=parts.clock) as run, _alone(parts):
        # What a dead fetch left would come back as a file nobody knows the owner of.
        finish_removals(parts.store, parts.cache, parts.clock())
        adopt(parts.store, parts.cache, parts.journal, ids=parts.ids, clock=parts.clock)
        with parts.store.reading() as tx:
            scope = _scope(tx, asked)
            shown = erasing.shown(tx, post_ids=scope.post_ids, profile_id=scope.profile_id)
        gone = _Erasing(parts, platforms, scope, reason, progress).run()
        removed = Removing(parts).run()
        _note(run, scope, gone, removed, reason)
        with parts.store.reading() as tx:
            stayed = _sizes(tx, shown.files)
        return _erasure(parts, scope, reason, gone, removed, StayingCounts(*stayed), run=run)


def finish(parts: Parts) -> Removals:
    """Remove the files and objects that earlier erasures left; idempotent. Raises CacheError."""
    must_be_there(parts.store, parts.cache)
    return Removing(parts).run()


# --- what is meant --------------------------------------------------------------------------------------


def _scope(tx: Connection, asked: Asked) -> _Scope:
    profile = None
    if asked.profile is not None:
        profile = erasing.profile(tx, profile_of(tx, asked.profile.strip(), asked.platform))
        if profile is None:
            raise NotFound(f"no profile is known as {asked.profile!r}")
        post_ids = erasing.posts_of(tx, profile.profile_id)
    else:
        post_ids = sorted({looking.one_post(tx, each).line.post_id for each in asked.posts})
    posts, names, records, sources = [], set[str](), set[str](), set[str]()
    for some in _in_parts(post_ids):
        posts += erasing.posts(tx, some)
        sources |= erasing.sources_of(tx, some)
        records |= erasing_records.records_of(tx, some, None)
    going = frozenset(post_ids)
    if going:
        names |= erasing.names_of(tx, going)
    people: list[str] = []
    if profile is not None:
        records |= erasing_records.records_of(tx, (), profile.profile_id)
        people = [*profile.usernames, *filter(None, [profile.native_id])]
    platforms = frozenset([each.platform for each in posts] + ([profile.platform] if profile else []))
    return _Scope(posts, profile, Names(posts=names, people=people), records, sources, going, platforms)


_Each = TypeVar("_Each")


def _in_parts(several: Sequence[_Each]) -> Iterator[Sequence[_Each]]:
    for start in range(0, len(several), _AT_ONCE):
        yield several[start : start + _AT_ONCE]


# --- a dry run ------------------------------------------------------------------------------------------


def _told(parts: Parts, platforms: list[Platform], scope: _Scope, reason: str, progress: OnProgress) -> Erasure:
    with parts.store.reading() as tx:
        shown = erasing.shown(tx, post_ids=scope.post_ids, profile_id=scope.profile_id)
        staying = erasing.shown_elsewhere(
            tx, list(shown.files), post_ids=scope.post_ids, profile_id=scope.profile_id
        )
        going = shown.files.keys() - staying
        owners = {each.author_profile_id for each in scope.posts} | {
            each.community_profile_id for each in scope.posts
        }
        subjects = {*scope.subjects, *scope.post_ids, *shown.media_ids, *going, *scope.platforms}
        holds = erasing.holds_on(tx, subjects | set(filter(None, owners)), parts.clock())
        objects = erasing.objects_of(tx, going)
    search = _search(parts, platforms, scope)
    for found in search.records():
        scope.found.add(found)
    for ids in search.quarantined():
        scope.found.quarantined += len(ids)
    gone = Gone(
        posts=len(scope.posts),
        media=len(shown.media_ids),
        files=len(going),
        bytes=sum(shown.files[each] for each in going),
        objects=objects,
    )
    stayed = StayingCounts(len(staying), sum(shown.files[each] for each in staying))
    return _erasure(
        parts,
        scope,
        reason,
        gone,
        Removals(),
        stayed,
        holds=tuple(ErasingHold(*each) for each in holds),
    )


def _search(parts: Parts, platforms: list[Platform], scope: _Scope) -> Search:
    return Search(
        parts.store,
        platforms,
        scope.names,
        of_platforms=sorted(scope.platforms),
        post_ids=scope.post_ids,
        own=scope.records,
    )


# --- doing it -------------------------------------------------------------------------------------------


@dataclass(slots=True)
class _Erasing:
    parts: Parts
    platforms: list[Platform]
    scope: _Scope
    reason: str
    progress: OnProgress

    def run(self) -> Gone:
        self._refuse()
        self._records()
        return self._rows()

    def _refuse(self) -> None:
        """Let nothing of it come in from now on; nothing is done at all when a hold is on any of it."""
        scope, now = self.scope, self.parts.clock()
        with self.parts.store.writing() as tx:
            shown = erasing.shown(tx, post_ids=scope.post_ids, profile_id=scope.profile_id)
            staying = erasing.shown_elsewhere(
                tx, list(shown.files), post_ids=scope.post_ids, profile_id=scope.profile_id
            )
            owners = {each.author_profile_id for each in scope.posts}
            owners |= {each.community_profile_id for each in scope.posts}
            subjects = {*scope.subjects, *scope.post_ids, *shown.media_ids, *scope.platforms}
            subjects |= (shown.files.keys() - staying) | set(filter(None, owners))
            erasing.must_not_be_held(tx, subjects, now)
            tombstones.leave(tx, scope.stones, reason=self.reason, now=now)
        passing("erasing_refused")

    def _records(self) -> None:
        search, found = _search(self.parts, self.platforms, self.scope), self.scope.found
        for page in search.records():
            with self._writing() as tx:
                erasing_records.replace(tx, page.replaced, self.parts.clock())
            found.add(page)
            passing("records_dropped")
        for ids in search.quarantined():
            with self._writing() as tx:
                erasing_records.delete_quarantined(tx, ids)
            found.quarantined += len(ids)
            passing("records_dropped")

    def _rows(self) -> Gone:
        gone, total = Gone(), len(self.scope.posts)
        for some in _in_parts(self.scope.posts):
            with self._writing() as tx:
                self._drop_new_records(tx, some)
                gone.add(self._stay_away(tx, erasing.delete_posts(tx, some, self.parts.clock())))
            passing("rows_erased")
            self.progress(Progress("erasing", gone.posts, total, "posts"))
        if self.scope.profile is not None:
            with self._writing() as tx:
                gone.add(self._stay_away(tx, erasing.delete_profile(tx, self.scope.profile, self.parts.clock())))
            passing("rows_erased")
        return gone

    def _stay_away(self, tx: Connection, gone: Gone) -> Gone:
        """Let no folder bring the bytes back that nobody shows now."""
        stones = map(tombstones.of_content, gone.contents)
        tombstones.leave(tx, stones, reason=self.reason, now=self.parts.clock())
        return gone

    def _drop_new_records(self, tx: Connection, some: Collection[Doomed]) -> None:
        """An import that began before it was refused may have stored another record meanwhile."""
        late = erasing_records.records_of(tx, [each.post_id for each in some], None)
        erasing_records.replace(tx, map(erasing_records.Replaced, late), self.parts.clock())

    @contextmanager
    def _writing(self) -> Iterator[Connection]:
        with self.parts.store.writing() as tx:
            now = self.parts.clock()
            leases.renew(tx, FETCH_LEASE, now)
            leases.renew(tx, ARCHIVE_LEASE, now)
            erasing.overwrite(tx)
            yield tx


@contextmanager
def _alone(parts: Parts) -> Iterator[None]:
    """Keep fetching and archiving away: what they have under way would come in behind our back."""
    with parts.store.writing() as tx:
        leases.take(tx, FETCH_LEASE, parts.clock())
        leases.take(tx, ARCHIVE_LEASE, parts.clock())
    try:
        yield
    finally:
        with parts.store.writing() as tx:
            leases.give_up(tx, FETCH_LEASE)
            leases.give_up(tx, ARCHIVE_LEASE)


# --- telling --------------------------------------------------------------------------------------------


def _note(run: OpenRun, scope: _Scope, gone: Gone, removed: Removals, reason: str) -> None:
    counts = {
        "posts": gone.posts,
        "media": gone.media,
        "files": gone.files,
        "bytes": gone.bytes,
        "objects": gone.objects,
        "records": scope.found.alone,
        "records_cut": scope.found.cut,
        "records_dropped": scope.found.dropped,
        "waiting": removed.files_waiting + removed.objects_waiting,
    }
    run.summary.update(counts)
    kind = "profile" if scope.profile else "post"
    log.info("erased", kind=kind, ids=list(scope.subjects), reason=reason, **counts)


def _sizes(tx: Connection, files: dict[str, int]) -> tuple[int, int]:
    left = erasing.existing(tx, files)
    return len(left), sum(files[each] for each in left)


def _erasure(
    parts: Parts,
    scope: _Scope,
    reason: str,
    gone: Gone,
    removed: Removals,
    staying: StayingCounts,
    *,
    run: OpenRun | None = None,
    holds: tuple[ErasingHold, ...] = (),
) -> Erasure:
    found = scope.found
    log_file = parts.config.log_file
    return Erasure(
        run_id=run.run_id if run else None,
        status=run.status if run else RunStatus.COMPLETED,
        dry_run=run is None,
        reason=reason,
        subjects=scope.subjects,
        going=ErasedCounts(
            posts=gone.posts,
            profiles=1 if scope.profile else 0,
            media=gone.media,
            files=gone.files,
            bytes=gone.bytes,
            objects=gone.objects,
            records=found.alone,
            quarantined=found.quarantined,
        ),
        staying=StayingCounts(staying.files, staying.bytes, found.cut, found.dropped),
        holds=holds,
        removed=removed,
        tombstones=len(scope.stones) + gone.files,
        log_files=tuple(str(path) for path in sorted(log_file.parent.glob(f"{log_file.name}*"))),
        elsewhere=(*sorted(scope.sources)[:_SOURCES_TOLD], *gone.foreign),
    )
