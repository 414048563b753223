"""The one place where parts are chosen and joined; a Library delegates, it computes nothing."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, date, datetime, time
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO
from uuid import UUID
from zoneinfo import ZoneInfo

from postkeep.archive import open_archive
from postkeep.archive.names import key_for
from postkeep.config import Config
from postkeep.errors import SourceError, StoreError
from postkeep.ids import IdFactory
from postkeep.library.creators import Creators
from postkeep.library.erasing import Erasing
from postkeep.library.people import People
from postkeep.media import sniff
from postkeep.media.cache import Cache, cache_path
from postkeep.media.hashing import md5_bytes, md5_file
from postkeep.media.journal import Journal
from postkeep.model import MediaState, MediaType, Platform, utc_now
from postkeep.platforms import PLATFORMS, load_platform
from postkeep.sources import read_sources
from postkeep.stages import (
    adopt_run,
    copying,
    direct,
    failures,
    holding,
    join_run,
    looking,
    lost,
    posters,
    queues,
    retention,
    tagging,
    which,
)
from postkeep.stages.archive import failing, one
from postkeep.stages.archive_job import archive_import, run_watch
from postkeep.stages.archiving import Archives
from postkeep.stages.backfill import run_backfill
from postkeep.stages.costs import accounted, enter_proven, entering, run_costs
from postkeep.stages.exporting import run_export
from postkeep.stages.fetching import run_fetch
from postkeep.stages.importing import run_import
from postkeep.stages.parts import Parts
from postkeep.stages.reading import ReadingProgress
from postkeep.stages.replay import run_replay
from postkeep.stages.upgrading import run_upgrade
from postkeep.stages.warm import run_warm
from postkeep.store import (
    Store,
    access,
    backup,
    copies,
    listing,
    local,
    metrics,
    migrate,
    placeholders,
    quarantine,
    runs,
    verify,
)
from postkeep.store.archive_choice import OfPosts
from postkeep.store.exporting import Only
from postkeep.views import (
    AdoptSummary,
    BackfillSummary,
    FetchMetrics,
    FetchSummary,
    FileView,
    Finding,
    HoldView,
    HostView,
    ImportSummary,
    Md5Check,
    MediaFailures,
    MediaStats,
    MediaView,
    OnProgress,
    PlaceholderView,
    PolicyView,
    PostDetail,
    PostLine,
    QuarantineView,
    ReplaySummary,
    RetentionMatch,
    RetentionSummary,
    RetrySummary,
    RunDetail,
    RunView,
    Stop,
    Totals,
    UrlOutcome,
    VerifySummary,
    WarmBy,
    WarmSummary,
)
from postkeep.views.access import AccessUserView
from postkeep.views.archives import (
    ArchiveCheck,
    ArchiveFailure,
    ArchiveLink,
    ArchivePlan,
    ArchiveStatus,
    ArchiveStep,
    ArchiveSummary,
    RestoreSummary,
)
from postkeep.views.costs import CostBy, Costs
from postkeep.views.databases import AdoptionFinding, BackupSummary, CopySummary, UpgradeSummary
from postkeep.views.exports import Exported, ExportFormat, ExportSummary
from postkeep.views.joining import JoinSummary
from postkeep.views.watching import ImportArchived, WatchRound, WatchSummary

if TYPE_CHECKING:
    from postkeep.library.collected import Collected
    from postkeep.net.fetcher import Fetcher


def _never() -> bool:
    return False


def _quiet(step: object) -> None:
    pass


def open_library(config: Config, *, read_only: bool = False, connect_to: Sequence[str] = ()) -> Library:
    """Open the database (created when it is new) and the cache of a configuration.

    With `read_only` nothing is made or ended: a database that is not there, or is empty, is a StoreError.
    `connect_to` leads host names to other addresses, for tests. The caller closes the library, or uses it as a
    context manager. Raises StoreError when the database cannot be used, has another schema than this version, or
    is a SQLite file on a network file system.
    """
    local.must_be_local(config.database_url)
    if read_only:
        _must_exist(config)
    store = Store(config.database_url)
    try:
        if read_only and verify.is_empty(store):
            raise StoreError(f"the database is empty: `{migrate.upgrade_command(store.url)}` makes its tables")
        migrate.ensure_current(store)
        copies.must_be_whole(store)
        library = Library(config, store, connect_to=connect_to)
        if not read_only:
            library.end_abandoned_runs()
    except BaseException:
        store.close()
        raise
    return library


def _must_exist(config: Config) -> None:
    path = config.database_url.removeprefix("sqlite:///")
    if config.database_url.startswith("sqlite:") and not Path(path).exists():
        raise StoreError(f"there is no database at {path} yet: `postkeep import` makes one")


def upgrade_database(
    config: Config,
    *,
    dry_run: bool = False,
    agreed: Callable[[str], bool] = lambda command: False,
    progress: OnProgress = _quiet,
) -> UpgradeSummary:
    """Bring the database to this version's schema, a predecessor's too; doing it again changes nothing.

    A predecessor's PostgreSQL database is not backed up: `agreed` is asked, with the command that would.
    """
    local.must_be_local(config.database_url)
    store = Store(config.database_url)
    try:
        return run_upgrade(
            store,
            [load_platform(name) for name in PLATFORMS],
            ids=IdFactory(),
            clock=utc_now,
            zone=ZoneInfo(config.imports.timezone),
            dry_run=dry_run,
            agreed=agreed,
            progress=progress,
        )
    finally:
        store.close()


def _standard_input() -> BinaryIO:
    if sys.stdin is None:
        raise SourceError("standard input is closed")
    return sys.stdin.buffer


class Library:
    """All verbs a face may use. Not for several threads at once, but for several processes."""

    def __init__(self, config: Config, store: Store, *, connect_to: Sequence[str] = ()) -> None:
        self.config = config
        self._store = store
        self._cache = Cache(config.cache_root, fsync=config.cache.fsync)
        self._journal = Journal(config.cache_root / "journal")
        self._connect_to = tuple(connect_to)
        self._parts = Parts(store, self._cache, self._journal, self._new_fetcher, config, IdFactory(), utc_now)

    def __enter__(self) -> Library:
        return self

    def __exit__(self, *exc: object) -> None:
        self.close()

    @property
    def creators(self) -> Creators:
        """Creators' figures, and the posts that did best."""
        return Creators(self._parts)

    def close(self) -> None:
        """Give up the database and the cache's temporary folder; idempotent."""
        self._journal.close()
        self._cache.close()
        self._store.close()

    def _new_fetcher(self) -> Fetcher:
        from postkeep.net.fetcher import Fetcher

        return Fetcher(self.config.fetch, spool=self._cache.spool, connect_to=self._connect_to)

    def _platforms(self) -> list[Platform]:
        return [load_platform(name) for name in PLATFORMS]

    def end_abandoned_runs(self) -> None:
        """End runs whose process is gone; asks before it writes, so that readers are not kept waiting."""
        with self._store.reading() as tx:
            if not runs.abandoned(tx, utc_now()):
                return
        with self._store.writing() as tx:
            runs.end_abandoned(tx, utc_now())

    # --- doing ---

    def import_(
        self,
        sources: Sequence[str],
        *,
        stdin: BinaryIO | None = None,
        fetch: bool = True,
        wait: bool = True,
        readmit: bool = False,
        stop: Stop = _never,
        progress: OnProgress = _quiet,
    ) -> ImportSummary:
        """Store the posts in these files and folders (`-`: standard input), then fetch their media once.

        With `readmit` what was erased and is in them comes back, for good. Raises SourceError when nothing could
        be read at all.
        """
        events = read_sources(
            sources,
            zone=ZoneInfo(self.config.imports.timezone),
            now=utc_now,
            stdin=stdin or (_standard_input() if "-" in sources else None),
        )
        return run_import(
            self._parts,
            events,
            self._platforms(),
            fetch=fetch,
            wait=wait,
            stop=stop,
            progress=progress,
            reading=ReadingProgress(sources),
            readmit=readmit,
        )

    def fetch_due(
        self,
        *,
        limit: int | None = None,
        wait: bool = True,
        patience: float = 0.0,
        stop: Stop = _never,
        progress: OnProgress = _quiet,
    ) -> FetchSummary:
        """Fetch all media that are due, each tried once.

        `patience` is for how many seconds to wait for what is due later and for hosts that rest.
        """
        return run_fetch(self._parts, limit=limit, wait=wait, patience=patience, stop=stop, progress=progress)

    def join_media(
        self, *, limit: int | None = None, stop: Stop = _never, progress: OnProgress = _quiet
    ) -> JoinSummary:
        """Join videos with the sound that came apart; raises ProgramMissing without ffmpeg, LeaseTaken."""
        return join_run.run_join(self._parts, limit=limit, stop=stop, progress=progress)

    def backfill(
        self,
        *,
        dry_run: bool = False,
        limit: int | None = None,
        start_date: date | None = None,
        batch_size: int = 10,
        sleep_min: float = 0.5,
        sleep_max: float = 2.0,
        stop: Stop = _never,
        progress: OnProgress = _quiet,
    ) -> BackfillSummary:
        """Try the media of posts that miss some; `start_date` is a UTC day of posting, pauses are seconds."""
        return run_backfill(
            self._parts,
            dry_run=dry_run,
            limit=limit,
            start_date=start_date,
            batch_size=batch_size,
            sleep_min=sleep_min,
            sleep_max=sleep_max,
            stop=stop,
            progress=progress,
        )

    def verify_cache(
        self, *, repair: bool = False, md5_only: bool = False, stop: Stop = _never, progress: OnProgress = _quiet
    ) -> VerifySummary:
        """Hash every cached file and look at all else that lies there; only with `repair` anything is changed."""
        return looking.run_verify(self._parts, repair=repair, md5_only=md5_only, stop=stop, progress=progress)

    def adopt_cache(
        self, folder: Path, *, dry_run: bool = False, stop: Stop = _never, progress: OnProgress = _quiet
    ) -> AdoptSummary:
        """Copy the media of another cache into this one and join them to posts; what is here already stays.

        Raises SourceError for a folder that is none, or that is this cache's own.
        """
        return adopt_run.run_adopt(self._parts, folder, dry_run=dry_run, stop=stop, progress=progress)

    # --- the archive ---

    def _archives(self) -> Archives:
        return Archives(self._parts, open_archive(self.config.archive))

    @contextmanager
    def _asking(self, progress: OnProgress = _quiet) -> Iterator[tuple[Archives, OnProgress]]:
        """The archive for work that asks it something, which goes into the ledger step by step."""
        with accounted(self._parts, open_archive(self.config.archive)) as archive:
            yield Archives(self._parts, archive), entering(self._parts, archive, progress)

    def must_have_archive(self) -> None:
        """Raise ConfigError or ExtraMissing when no archive is set up; the store is not asked."""
        open_archive(self.config.archive)

    def _post_id(self, post: str | None) -> str | None:
        if post is None:
            return None
        with self._store.reading() as tx:
            return which.find_post(tx, post)

    def plan_archive(self, *, post: str | None = None, media_id: str | None = None) -> ArchivePlan:
        """How much of the cache, of a post or of one medium is not proven to be in the archive."""
        return self._archives().plan(post_id=self._post_id(post), media_id=media_id)

    def archive_media(
        self,
        *,
        post: str | None = None,
        media_id: str | None = None,
        limit: int | None = None,
        stop: Stop = _never,
        progress: OnProgress = _quiet,
    ) -> ArchiveSummary:
        """Send what the archive is not proven to hold and prove it; raises LeaseTaken, NotFound, ConfigError."""
        post_id = self._post_id(post)
        with self._asking() as (archives, _):
            enter_proven(self._parts, archives.archive)
            return archives.run(post_id=post_id, media_id=media_id, limit=limit, stop=stop, progress=progress)

    def watch_archive(
        self,
        *,
        every: float = 60.0,
        on_round: Callable[[WatchRound], None] = _quiet,
        stop: Stop = _never,
        progress: OnProgress = _quiet,
    ) -> WatchSummary:
        """Send what comes into the cache, looking every so many seconds, until `stop`."""
        with self._asking() as (archives, _):
            enter_proven(self._parts, archives.archive)
            return run_watch(archives, every=every, on_round=on_round, stop=stop, progress=progress)

    def archive_imported(
        self, run_id: str, *, stop: Stop = _never, progress: OnProgress = _quiet
    ) -> ImportArchived:
        """Send what an import brought; another process that archives already is left to do it."""
        with self._asking() as (archives, _):
            return archive_import(archives, run_id, stop=stop, progress=progress)

    def archive_status(self) -> ArchiveStatus:
        """What is archived of what is known, by the rows."""
        return self._archives().status()

    def archive_failures(self, *, limit: int = 20, after: str | None = None) -> list[ArchiveFailure]:
        """A page of the files that could not be archived, by key; `after` is the last key of the page before."""
        place = self._archives().archive.place
        with self._store.reading() as tx:
            return failing.failures(tx, place, limit=limit, after=after)

    def verify_archive(
        self,
        *,
        sample: float = 0.0,
        repair: bool = False,
        all_lost: bool = False,
        stop: Stop = _never,
        progress: OnProgress = _quiet,
    ) -> ArchiveCheck:
        """Compare the archive's listing with the rows; `sample` is the share of objects that are read back."""
        with self._asking(progress) as (archives, told):
            return archives.verify(sample=sample, repair=repair, all_lost=all_lost, stop=stop, progress=told)

    def restore_archive(
        self,
        *,
        post: str | None = None,
        author: str | None = None,
        platform: str | None = None,
        since: date | None = None,
        limit: int | None = None,
        stop: Stop = _never,
        progress: OnProgress = _quiet,
    ) -> RestoreSummary:
        """Bring back what is archived and not in the cache: all, or what some posts show (all of this holds)."""
        begin = None if since is None else datetime.combine(since, time(), UTC)
        of = OfPosts(self._post_id(post), author, platform, begin)
        with self._asking(progress) as (archives, told):
            return archives.restore(of=of, limit=limit, stop=stop, progress=told)

    def archive_link(self, media_id: str, *, seconds: int = 3600) -> ArchiveLink:
        """A link that opens an archived medium for a while, 7 days at most; raises NotFound, ValueError."""
        return self._archives().link(media_id, seconds=seconds)

    def archive_file(self, path: Path, media_id: str) -> str:
        """Archive a local file as a medium's content; returns its object's stable name, when it is proven."""
        with self._asking() as (archives, _):
            return one.archive_file(self._parts, archives.archive, path, media_id)

    def archive_holds(self, url: str, md5: str) -> bool:
        """Whether the archive's object of this name has this MD5; raises NotFound, ArchiveError."""
        with self._asking() as (archives, _):
            return one.holds(archives.archive, url, md5)

    def set_up_archive(self) -> list[ArchiveStep]:
        """Make the archive's store fit for it, and prove that it can be used."""
        with self._asking() as (archives, _):
            return archives.set_up()

    def costs(self, *, by: CostBy = CostBy.KIND, since: datetime | None = None, limit: int = 20) -> Costs:
        """What was used and what it costs, by the ledger and the price table; at most `limit` parts by name."""
        return run_costs(self._parts, by=by, since=since, limit=limit)

    def archive_costs(self, *, by: CostBy = CostBy.KIND) -> Costs:
        """The same of the active archive alone."""
        place = self._archives().archive.place
        return run_costs(self._parts, by=by, since=None, limit=1, place=place)

    def verify_md5(self, md5: str) -> Md5Check:
        """Hash the cached file of this MD5."""
        return looking.check_md5(self._parts, md5)

    def fetch_urls(
        self,
        urls: Sequence[str],
        *,
        at_once: int | None = None,
        timeout: float | None = None,
        stop: Stop = _never,
        progress: OnProgress = _quiet,
    ) -> list[UrlOutcome]:
        """Bring URLs that belong to no post into the cache; one outcome each, in order."""
        return direct.fetch_urls(self._parts, urls, at_once=at_once, timeout=timeout, stop=stop, progress=progress)

    def fetch_url(self, url: str, *, timeout: float | None = None) -> FileView:
        """Bring one URL into the cache; raises the FetchError or CacheError."""
        return direct.fetch_url(self._parts, url, timeout=timeout)

    def extract_and_store_media(self, post_id: str, post: object) -> direct.StoredMedia:
        """Store the media that a post's JSON shows, for a post that is stored or not yet, and fetch them."""
        return direct.store_media(self._parts, self._platforms(), post_id, post)

    def find_file(self, *, md5: str | None = None, url: str | None = None) -> FileView | None:
        """The proven file of this MD5, or of this URL (the predecessor's cache included)."""
        return looking.find_file(self._parts, md5=md5, url=url)

    def replay_quarantine(self, *, stop: Stop = _never, progress: OnProgress = _quiet) -> ReplaySummary:
        """Read the quarantined records again."""
        return run_replay(self._parts, self._platforms(), stop=stop, progress=progress)

    # --- keeping ---

    def add_hold(
        self,
        subject: str,
        *,
        reason: str,
        until: datetime | None = None,
        held_by: str | None = None,
        platform: str | None = None,
    ) -> HoldView:
        """Keep a post, media, file, profile or `platform:NAME` in the cache, whoever wants room.

        `held_by` is the system user by default. Raises NotFound for a name of nothing, or of several things.
        """
        return holding.add_hold(
            self._parts, subject, reason=reason, until=until, held_by=held_by, platform=platform
        )

    def holds(self, *, ended: bool = False) -> list[HoldView]:
        """The holds in force, oldest first; with `ended` those that are over, too."""
        return holding.list_holds(self._parts, ended=ended)

    def release_hold(self, hold_id: str) -> HoldView:
        """End a hold; raises NotFound."""
        return holding.release_hold(self._parts, hold_id)

    def add_policy(
        self, name: str, *, older_than_days: int, platform: str | None = None, profile: str | None = None
    ) -> PolicyView:
        """Add a retention policy, which removes nothing by itself; raises ConfigError when its name is taken."""
        return retention.add_policy(
            self._parts, name, older_than_days=older_than_days, platform=platform, profile=profile
        )

    def policies(self) -> list[PolicyView]:
        """The retention policies by name."""
        return retention.list_policies(self._parts)

    def remove_policy(self, name: str) -> None:
        """Remove a retention policy; raises NotFound."""
        retention.remove_policy(self._parts, name)

    def apply_retention(
        self,
        names: Sequence[str] = (),
        *,
        dry_run: bool = False,
        include_unrecoverable: bool = False,
        limit: int | None = None,
        on_match: Callable[[RetentionMatch], None] = _quiet,
        stop: Stop = _never,
        progress: OnProgress = _quiet,
    ) -> RetentionSummary:
        """Remove from the cache what retention policies match (none named: all), but for what is held.

        `on_match` hears of every file, in no order people know. What cannot come back is told, and removed only
        with `include_unrecoverable`.
        """
        return retention.apply_retention(
            self._parts,
            names,
            dry_run=dry_run,
            include_unrecoverable=include_unrecoverable,
            limit=limit,
            on_match=on_match,
            stop=stop,
            progress=progress,
        )

    def retry_media(
        self,
        *,
        states: Sequence[MediaState] = (),
        kinds: Sequence[str] = (),
        host: str | None = None,
        media_ids: Sequence[str] = (),
        dry_run: bool = False,
        stop: Stop = _never,
    ) -> RetrySummary:
        """Queue media that have no bytes as if nothing had been tried; what is not given leaves all.

        What is gone only when its state, kind or id is given. With `host` that host is no longer left alone.
        """
        return failures.run_retry(
            self._parts, states=states, kinds=kinds, host=host, media_ids=media_ids, dry_run=dry_run, stop=stop
        )

    def warm(
        self,
        *,
        by: WarmBy = WarmBy.ENGAGEMENT,
        profile: str | None = None,
        limit: int = 100,
        wait: bool = True,
        dry_run: bool = False,
        stop: Stop = _never,
        progress: OnProgress = _quiet,
    ) -> WarmSummary:
        """Fetch ahead the media of the first `limit` posts that miss some, in that order."""
        return run_warm(
            self._parts,
            by=by,
            profile=profile,
            limit=limit,
            wait=wait,
            dry_run=dry_run,
            stop=stop,
            progress=progress,
        )

    def resume_host(self, host: str) -> bool:
        """Go on with a host that is left alone; False when it was not. Raises NotFound for one nobody knows."""
        return queues.resume_host(self._parts, host)

    @property
    def people(self) -> People:
        """Profiles and tags."""
        return People(self._parts)

    @property
    def collected(self) -> Collected:
        """What somebody else's collector hands over and asks for."""
        from postkeep.library.collected import Collected

        return Collected(self._parts)

    @property
    def erasing(self) -> Erasing:
        """What is to go for good, and what is gone."""
        return Erasing(self._parts)

    # --- looking ---

    def posts(
        self,
        *,
        limit: int = 50,
        after: str | None = None,
        author: str | None = None,
        since: date | None = None,
        tag: str | None = None,
    ) -> list[PostLine]:
        """A page of posts, newest first; `after` is the post_id the page before ended with.

        `tag` is a tag's name or id, `author` a username whoever has it, or what names one profile: its id, its
        address, `platform/username`, `r/name` for all that stands in a community. Raises NotFound for a tag or
        profile there is not.
        """
        with self._store.reading() as tx:
            after = looking.must_be(tx, "posts", after)
            tag_id = tagging.find(tx, tag).tag_id if tag is not None else None
            of = posters.poster(tx, author)
            return listing.posts(
                tx,
                limit=limit,
                after=after,
                author=of.username,
                since=since,
                tag_id=tag_id,
                author_id=of.author_id,
                community_id=of.community_id,
            )

    def post(self, reference: str) -> PostDetail:
        """A post by its id, URN, digits or URL; raises NotFound for none, and for several, naming them."""
        with self._store.reading() as tx:
            return looking.one_post(tx, reference)

    def media_list(self, *, post: str | None = None, limit: int = 50, after: str | None = None) -> list[MediaView]:
        """The media of a post in order, or a page of all media by id."""
        with self._store.reading() as tx:
            after = looking.must_be(tx, "post_media", after)
            post_id = which.find_post(tx, post) if post is not None else None
            return listing.media(tx, post_id=post_id, limit=limit, after=after)

    def media_stats(self) -> MediaStats:
        with self._store.reading() as tx:
            stats = listing.media_stats(
                tx, utc_now(), cache_limit=self.config.cache.max_bytes, cache_root=str(self.config.cache_root)
            )
            return replace(stats, lost=lost.count(tx)[0])

    def media_failures(
        self,
        *,
        states: Sequence[MediaState] = (),
        kinds: Sequence[str] = (),
        host: str | None = None,
        limit: int = 20,
        after: str | None = None,
    ) -> MediaFailures:
        """Media without bytes: their classes, and a page of them, the newest first."""
        with self._store.reading() as tx:
            return failures.look(tx, states=states, kinds=kinds, host=host, limit=limit, after=after)

    def placeholders(self, *, limit: int = 20, after: str | None = None) -> list[PlaceholderView]:
        """A page of contents that likely stand in for others, by the number of media keys that show them.

        `after` is the file_id the page before ended with.
        """
        with self._store.reading() as tx:
            return placeholders.page(tx, limit=limit, after=after, listed=self.config.fetch.placeholders)

    def media_metrics(self, since: datetime) -> FetchMetrics:
        """How fetching went in the runs that began since then."""
        with self._store.reading() as tx:
            return metrics.metrics(tx, since)

    def hosts(self) -> list[HostView]:
        """Every host that has work or is left alone, by name."""
        with self._store.reading() as tx:
            return queues.host_views(tx, self._parts.clock())

    def totals(self) -> Totals:
        with self._store.reading() as tx:
            return listing.totals(tx)

    def runs(self, *, limit: int = 20, after: str | None = None) -> list[RunView]:
        """The newest runs; `after` is the run_id the page before ended with."""
        with self._store.reading() as tx:
            return looking.run_views(tx, limit=limit, after=after)

    def run(self, run_id: str, *, limit: int = 100) -> RunDetail:
        """A run and the first of its posts; raises NotFound."""
        with self._store.reading() as tx:
            return looking.run_detail(tx, run_id, limit=limit)

    def quarantine(self, *, limit: int = 50, after: str | None = None) -> list[QuarantineView]:
        """A page of quarantined records by id."""
        with self._store.reading() as tx:
            looking.must_be(tx, "quarantine", after)
            return looking.quarantine_views(quarantine.page(tx, limit=limit, after=after or ""))

    def verify_database(self) -> list[Finding]:
        """Compare the database with its schema, its rows with each other, and every raw record with its hash.

        Empty when all is well.
        """
        faults = looking.findings([*verify.verify_schema(self._store), *verify.verify_rows(self._store)])
        try:
            faults += looking.verify_records(self._parts)
        except StoreError as error:
            faults.append(Finding("raw_records", error.message))
        return faults

    def adoption_findings(
        self, *, kind: str | None = None, limit: int = 100, after: str | None = None
    ) -> list[AdoptionFinding]:
        """A page of what adopting a predecessor's database found; `after` is `KIND:SUBJECT` of the last one."""
        with self._store.reading() as tx:
            return looking.adoption_findings(tx, kind=kind, limit=limit, after=after)

    def allow_user(self, user: UUID, *, note: str | None = None) -> AccessUserView:
        """List a user of Supabase who may see and change everything; without a note the one there is stays."""
        with self._store.writing() as tx:
            return access.allow(tx, user, note, utc_now())

    def is_supabase(self) -> bool:
        """Whether the database is one of Supabase's, where the list of users decides who may look in."""
        with self._store.reading() as tx:
            return access.is_supabase(tx)

    def deny_user(self, user: UUID) -> AccessUserView:
        """Take a user off the list; raises NotFound for one who is not on it."""
        with self._store.writing() as tx:
            return access.deny(tx, user)

    def allowed_users(self) -> list[AccessUserView]:
        """The users on the list, longest first."""
        with self._store.reading() as tx:
            return access.allowed(tx)

    def export(
        self,
        exported: Exported,
        path: Path | None,
        *,
        form: ExportFormat,
        author: str | None = None,
        platform: str | None = None,
        since: datetime | None = None,
        write: Callable[[str], None] = _quiet,
        stop: Stop = _never,
        overwrite: bool = False,
    ) -> ExportSummary:
        """Write a table to a file for other programs; without a file its lines are handed to `write`.

        Raises ConfigError where the file cannot be written or, without `overwrite`, is there already, ExtraMissing
        for Parquet without its extra, NotFound for an author or a platform nobody knows.
        """
        only = Only(author, platform, since)
        return run_export(
            self._parts, exported, path, form=form, only=only, write=write, stop=stop, overwrite=overwrite
        )

    def backup(self, target: Path) -> BackupSummary:
        """Copy the database while others use it; raises StoreError on PostgreSQL, naming the tool to use."""
        report = backup.backup(self._store, target)
        return BackupSummary(str(report.path), report.size)

    def copy_to(self, to: str, *, stop: Stop = _never, progress: OnProgress = _quiet) -> CopySummary:
        """Copy the whole database to an empty one (a path or URL), or go on with such a copy.

        Raises StoreError for a target that holds anything else, which stays as it is.
        """
        return copying.run_copy(self._parts, to, stop=stop, progress=progress)


# --- what a file is, without a library ------------------------------------------------------------------


def hash_file(path: Path) -> str:
    """The MD5 of a file, in lowercase hex; raises OSError."""
    return md5_file(path)


def hash_bytes(content: bytes) -> str:
    """The MD5 of bytes, in lowercase hex."""
    return md5_bytes(content)


def guess_media_type(url: str, mime_type: str | None) -> MediaType:
    """What a URL probably leads to, for planning."""
    return sniff.guess_media_type(url, mime_type)


def relative_cache_path(media_type: MediaType, md5: str, extension: str) -> str:
    """Where content stands in a cache, relative to its root."""
    return cache_path(media_type, md5, extension)


def archive_key(media_id: str, extension: str, created_at: datetime | None) -> str:
    """What a medium's object is called in an archive, without the configured prefix; raises ValueError."""
    return key_for(media_id, extension, created_at)


def dimensions_of(path: Path) -> tuple[int | None, int | None]:
    """Width and height as a file's header states them; raises OSError."""
    return looking.dimensions_of(path)
