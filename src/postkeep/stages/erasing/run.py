"""Erases posts and profiles: first nothing may come back, then records, rows and at last bytes go.

Each step can be done again, so that the same command ends what a death left.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from sqlalchemy import Connection

from postkeep.log import get_logger
from postkeep.model import Platform, RunStatus
from postkeep.points import passing
from postkeep.stages import looking
from postkeep.stages.archiving import ARCHIVE_LEASE
from postkeep.stages.erasing.elsewhere import lying_beside
from postkeep.stages.erasing.removing import Removing
from postkeep.stages.erasing.scope import Asked, Scope, in_parts, scope_of
from postkeep.stages.erasing.searching import Found, Search, Wanted
from postkeep.stages.eviction import finish_removals
from postkeep.stages.fetch.outcomes import adopt
from postkeep.stages.fetching import FETCH_LEASE
from postkeep.stages.parts import Parts
from postkeep.stages.presence import must_be_there
from postkeep.stages.recorded import OpenRun, recorded
from postkeep.store import erasing, erasing_names, erasing_records, leases, tombstones
from postkeep.store.erasing import Doomed, Gone
from postkeep.store.erasing_records import Replaced
from postkeep.views import OnProgress, Progress, Stop
from postkeep.views.erasing import ErasedCounts, ErasingHold, Erasure, Removals, StayingCounts

log = get_logger("erasing")

_WALKED = 5000
"""So many rows of a table are looked through at a time."""
_SOURCES_TOLD = 500
_BEAT = timedelta(seconds=15)


def erase(
    parts: Parts,
    platforms: list[Platform],
    asked: Asked,
    *,
    reason: str,
    dry_run: bool,
    stop: Stop,
    progress: OnProgress,
) -> Erasure:
    """Erase these posts or this profile, or tell what that would do.

    Told to stop, it ends between two steps as cancelled; the same call goes on, and so does `finish`. Raises
    NotFound, Held, LeaseTaken while another process fetches or archives, CacheError.
    """
    with parts.store.reading() as tx:
        scope = scope_of(tx, asked)
    if dry_run:
        return _told(parts, platforms, scope, reason, stop, progress)
    must_be_there(parts.store, parts.cache)
    with recorded(parts.store, "erase", ids=parts.ids, clock=parts.clock) as run, _alone(parts):
        # What a dead fetch left would come back as a file nobody knows the owner of.
        finish_removals(parts.store, parts.cache, parts.clock())
        adopt(parts.store, parts.cache, parts.journal, ids=parts.ids, clock=parts.clock)
        with parts.store.reading() as tx:
            scope = scope_of(tx, asked)
        passing("erasing_scoped")
        erasure = _Erasing(parts, platforms, scope, reason, stop, progress)
        gone = erasure.run()
        scope = erasure.scope
        removed = Removing(parts, stop).run()
        if not erasure.ended:
            run.status = RunStatus.CANCELLED
        _note(run, scope, gone, removed, reason)
        with parts.store.reading() as tx:
            stayed = _sizes(tx, erasure.shown) if erasure.ended else (0, 0)
        return _erasure(parts, scope, reason, gone, removed, StayingCounts(*stayed), run=run)


def finish(parts: Parts, platforms: list[Platform], *, stop: Stop, progress: OnProgress) -> Removals:
    """End every erasing that has begun, and remove the files and objects that are left; idempotent.

    Raises Held, LeaseTaken, CacheError.
    """
    must_be_there(parts.store, parts.cache)
    with parts.store.reading() as tx:
        begun = erasing.begun(tx)
    files = objects = 0
    for asked, reason in _begun(begun):
        if stop():
            break
        done = erase(parts, platforms, asked, reason=reason, dry_run=False, stop=stop, progress=progress)
        files, objects = files + done.removed.files, objects + done.removed.objects
    with parts.store.reading() as tx:
        left = len(erasing.begun(tx))
    removed = Removing(parts, stop).run()
    return replace(removed, files=files + removed.files, objects=objects + removed.objects, begun=left)


def _begun(subjects: Mapping[str, str]) -> Iterator[tuple[Asked, str]]:
    """What was asked for when erasing these began: profiles one by one, posts by their reason."""
    by_reason: defaultdict[str, list[str]] = defaultdict(list)
    for subject, reason in subjects.items():
        if subject.startswith("prf-"):
            yield Asked(profile=subject), reason
        else:
            by_reason[reason].append(subject)
    for reason, posts in by_reason.items():
        yield Asked(posts=posts), reason


# --- a dry run ------------------------------------------------------------------------------------------


def _told(
    parts: Parts, platforms: list[Platform], scope: Scope, reason: str, stop: Stop, progress: OnProgress
) -> Erasure:
    with parts.store.reading() as tx:
        shown = erasing.shown(tx, post_ids=scope.post_ids, profile_id=scope.profile_id)
        staying = erasing.shown_elsewhere(
            tx, list(shown.files), post_ids=scope.post_ids, profile_id=scope.profile_id
        )
        files = {each: shown.files[each] for each in shown.files.keys() - staying}
        files |= erasing.made_of(tx, files)
        going = files.keys()
        owners = {each.author_profile_id for each in scope.posts} | {
            each.community_profile_id for each in scope.posts
        }
        subjects = {*scope.subjects, *scope.post_ids, *shown.media_ids, *going, *scope.platforms}
        holds = erasing.holds_on(tx, subjects | set(filter(None, owners)), parts.clock())
        objects = erasing.objects_of(tx, going)
    search = _search(parts, platforms, scope, stop, progress)
    for found in search.records():
        _look_up_sources(parts, scope, found)
        scope.found.add(found)
    for ids in search.quarantined():
        scope.found.quarantined += len(ids)
    gone = Gone(
        posts=len(scope.posts),
        media=len(shown.media_ids),
        files=len(going),
        bytes=sum(files.values()),
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
        status=RunStatus.CANCELLED if stop() else RunStatus.COMPLETED,
        holds=tuple(ErasingHold(*each) for each in holds),
    )


def _look_up_sources(parts: Parts, scope: Scope, found: Found) -> None:
    with parts.store.reading() as tx:
        scope.sources |= erasing_records.sources_of(tx, [each.sha256 for each in found.replaced])


def _search(parts: Parts, platforms: list[Platform], scope: Scope, stop: Stop, progress: OnProgress) -> Search:
    wanted = Wanted(
        scope.names, scope.platforms, scope.post_ids, own=frozenset(scope.records), near=frozenset(scope.near)
    )
    return Search(parts.store, platforms, wanted, stop=stop, progress=progress)


# --- doing it -------------------------------------------------------------------------------------------


@dataclass(slots=True)
class _Erasing:
    """One erasing, in steps; `ended` says that it was not stopped between two of them."""

    parts: Parts
    platforms: list[Platform]
    scope: Scope
    reason: str
    stop: Stop
    progress: OnProgress
    ended: bool = False
    shown: dict[str, int] = field(default_factory=dict)
    _refused_at: datetime | None = None
    _beat_at: datetime | None = None
    _replaced: dict[str, str | None] = field(default_factory=dict)

    def run(self) -> Gone:
        gone = Gone()
        self._refuse()
        for step in (self._records, self._quarantined, self._posts, self._histories, self._namings, self._profile):
            step(gone)
            if self.stop() and step != self._profile:
                return gone
        with self._writing() as tx:
            erasing.end(tx, self.scope.begun)
        self.ended = True
        return gone

    def _refuse(self) -> None:
        """Let nothing of it come in from now on; nothing is done at all when a hold is on any of it."""
        with self.parts.store.writing() as tx:
            tombstones.wait_for_comers(tx)
            # What came in since it was looked up is meant as well: nothing comes any more.
            self.scope = scope = self.scope.up_to_date(tx)
            now = self.parts.clock()
            self._refused_at = tombstones.since(tx, scope.person_stones) or now
            shown = erasing.shown(tx, post_ids=scope.post_ids, profile_id=scope.profile_id)
            staying = erasing.shown_elsewhere(
                tx, list(shown.files), post_ids=scope.post_ids, profile_id=scope.profile_id
            )
            owners = {each.author_profile_id for each in scope.posts}
            owners |= {each.community_profile_id for each in scope.posts}
            subjects = {*scope.subjects, *scope.post_ids, *shown.media_ids, *scope.platforms}
            files = shown.files.keys() - staying
            subjects |= {*files, *erasing.made_of(tx, files), *filter(None, owners)}
            erasing.must_not_be_held(tx, subjects, now)
            tombstones.leave(tx, scope.stones, reason=self.reason, now=self._refused_at)
            erasing.begin(tx, scope.begun, self.reason, now)
        self.shown = shown.files
        passing("erasing_refused")

    def _records(self, _: Gone) -> None:
        search, found = self._search(), self.scope.found
        for page in search.records():
            _look_up_sources(self.parts, self.scope, page)
            with self._writing() as tx:
                self._replace(tx, page.replaced)
            found.add(page)
            passing("records_dropped")

    def _quarantined(self, _: Gone) -> None:
        for ids in self._search().quarantined():
            with self._writing() as tx:
                erasing_records.delete_quarantined(tx, ids)
            self.scope.found.quarantined += len(ids)
            passing("records_dropped")

    def _search(self) -> Search:
        def told(step: Progress) -> None:
            self._beat()
            self.progress(step)

        return _search(self.parts, self.platforms, self.scope, self.stop, told)

    def _posts(self, gone: Gone) -> None:
        for some in in_parts(self.scope.posts):
            if self.stop():
                return
            self._delete(gone, some)
            self.progress(Progress("erasing", gone.posts, len(self.scope.posts), "posts"))

    def _delete(self, gone: Gone, some: Sequence[Doomed]) -> None:
        with self._writing() as tx:
            self._delete_in(tx, gone, some)
        passing("rows_erased")

    def _delete_in(self, tx: Connection, gone: Gone, some: Sequence[Doomed]) -> None:
        self._drop_new_records(tx, some)
        gone.add(self._stay_away(tx, erasing.delete_posts(tx, some, self.parts.clock(), url_key=looking.url_key)))

    def _namings(self, _: Gone) -> None:
        if (who := self.scope.profile) is None:
            return
        everywhere = list(erasing_names.namings(who))
        for number, naming in enumerate(everywhere, 1):
            after: erasing_names.Key | None = ()
            while after is not None and not self.stop():
                with self.parts.store.reading() as tx:
                    named = erasing_names.page(tx, naming, who, after=after, limit=_WALKED)
                for keys in in_parts(named.keys):
                    with self._writing() as tx:
                        erasing_names.take_out(tx, naming, keys)
                    passing("names_erased")
                after = named.after
                self._beat()
            self.progress(Progress("unnaming", number, len(everywhere), "tables"))

    def _histories(self, _: Gone) -> None:
        """Let follower counts name what stands in the place of their records, or none."""
        new, after = self._replaced, ""
        while new and not self.stop():
            with self.parts.store.reading() as tx:
                page = erasing_records.histories(tx, after=after, limit=_WALKED)
            for some in in_parts([(each, new[sha256]) for each, sha256 in page if sha256 in new]):
                with self._writing() as tx:
                    erasing_records.rename_histories(tx, some)
            if len(page) < _WALKED:
                return
            after = page[-1][0]
            self._beat()

    def _profile(self, gone: Gone) -> None:
        who = self.scope.profile
        while who is not None:
            with self._writing() as tx:
                # An import that lets the erased come back may have brought posts meanwhile.
                erasing.lock_profile(tx, who)
                late = next(in_parts(erasing.posts(tx, erasing.posts_of(tx, who))), ())
                stones = [
                    *self.scope.stones,
                    *(tombstones.of_post(each.platform, each.native_id) for each in late),
                ]
                now = self.parts.clock()
                tombstones.leave(tx, stones, reason=self.reason, now=self._refused_at or now)
                if late:
                    self._delete_in(tx, gone, late)
                else:
                    gone.add(self._stay_away(tx, erasing.delete_profile(tx, who, now, url_key=looking.url_key)))
                    erasing.end(tx, [who.profile_id])
            passing("rows_erased")
            if not late:
                return

    def _stay_away(self, tx: Connection, gone: Gone) -> Gone:
        """Let no folder bring the bytes back that nobody shows now."""
        stones = map(tombstones.of_content, gone.contents)
        tombstones.leave(tx, stones, reason=self.reason, now=self.parts.clock())
        return gone

    def _drop_new_records(self, tx: Connection, some: Collection[Doomed]) -> None:
        """An import that began before it was refused may have stored another record meanwhile."""
        late = erasing_records.records_of(tx, [each.post_id for each in some], None)
        self._replace(tx, list(map(Replaced, late)))

    def _replace(self, tx: Connection, replaced: Sequence[Replaced]) -> None:
        erasing_records.replace(tx, replaced, self.parts.clock())
        self._replaced.update((each.sha256, each.new) for each in replaced)

    @contextmanager
    def _writing(self) -> Iterator[Connection]:
        with self.parts.store.writing() as tx:
            self._beat_at = now = self.parts.clock()
            leases.renew(tx, FETCH_LEASE, now)
            leases.renew(tx, ARCHIVE_LEASE, now)
            erasing.overwrite(tx)
            yield tx

    def _beat(self) -> None:
        """Say that we live where nothing was written for a while."""
        if self._beat_at is None or self.parts.clock() - self._beat_at > _BEAT:
            with self._writing():
                pass


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


def _note(run: OpenRun, scope: Scope, gone: Gone, removed: Removals, reason: str) -> None:
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
    scope: Scope,
    reason: str,
    gone: Gone,
    removed: Removals,
    staying: StayingCounts,
    *,
    run: OpenRun | None = None,
    status: RunStatus = RunStatus.COMPLETED,
    holds: tuple[ErasingHold, ...] = (),
) -> Erasure:
    found = scope.found
    sources = scope.sources | lying_beside(scope.sources, scope.usernames)
    log_file = parts.config.log_file
    return Erasure(
        run_id=run.run_id if run else None,
        status=run.status if run else status,
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
        elsewhere=(*sorted(sources)[:_SOURCES_TOLD], *gone.foreign),
    )
