"""Invented answers of a library, and a library that gives them: a fake at the face's only port."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any, Self

from postkeep.model import MediaState, MediaType, RunStatus
from postkeep.views import (
    AdoptSummary,
    BackfillPost,
    BackfillSummary,
    FailureClass,
    FailureView,
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
    MediaTotals,
    MediaView,
    OriginalView,
    PlaceholderView,
    PolicyView,
    PostDetail,
    PostLine,
    QuarantineView,
    ReplaySummary,
    RetentionMatch,
    RetentionSummary,
    RetentionTotals,
    RetrySummary,
    RunDetail,
    RunView,
    SnapshotView,
    TextView,
    Totals,
    TypeTotals,
    UrlOutcome,
    VerifySummary,
    WarmPost,
    WarmSummary,
)
from postkeep.views.access import AccessUserView
from postkeep.views.archives import (
    ArchiveCheck,
    ArchiveFailure,
    ArchiveLink,
    ArchivePlan,
    ArchiveShare,
    ArchiveStatus,
    ArchiveStep,
    ArchiveSummary,
    RestoreSummary,
    ShownBy,
)
from postkeep.views.costs import CostBy, CostLine, Costs, CostSum, Unpriced
from postkeep.views.databases import AdoptionFinding, BackupSummary, CopiedTable, CopySummary, UpgradeSummary
from postkeep.views.erasing import (
    ErasedCounts,
    ErasingHold,
    Erasure,
    Fact,
    GonePost,
    Removals,
    StayingCounts,
    TombstoneView,
)
from postkeep.views.exports import Exported, ExportFormat, ExportSummary
from postkeep.views.joining import JoinedView, Joins, JoinSummary
from postkeep.views.people import (
    AddedProfile,
    LineProblem,
    NameView,
    PeopleExport,
    PeopleImport,
    PersonRow,
    ProfileDetail,
    ProfileLine,
    Tagged,
    TagView,
)
from postkeep.views.watching import ImportArchived, WatchSummary
from tests.cli import creator_answers

NOON = datetime(2025, 3, 1, 12, 0, tzinfo=UTC)
EVIL = "safe \x1b[2J\x9b31m \u202egnp.exe\u2066 [bold red]x[/] :smile:\r\nnext\x07"


def snapshot(hours: int = 0, *, of_original: bool = False, **numbers: int | None) -> SnapshotView:
    counts = dict.fromkeys(("reactions", "comments", "reposts", "views", "likes", "saves")) | numbers
    return SnapshotView(
        observed_at=NOON + timedelta(hours=hours),
        source="file_name",
        zone_assumed=False,
        of_original=of_original,
        run_id="run-1",
        source_file="a.json",
        **counts,
    )


def media_view(**changes: Any) -> MediaView:
    values: dict[str, Any] = {
        "media_id": "med-1",
        "post_id": "p-1",
        "role": "own",
        "position": 0,
        "media_type": MediaType.IMAGE,
        "state": MediaState.FETCHED,
        "cached": True,
        "url": "https://media.example/1",
        "path": "media/images/0.jpg",
        "mime_type": "image/jpeg",
        "size": 2048,
        "width": 20,
        "height": 10,
        "duration": None,
        "md5": "0" * 32,
        "sha256": "0" * 64,
        "archive_url": None,
        "expires_at": None,
        "absent_since": None,
        "error": None,
        "error_at": None,
        "next_try_at": None,
        "incomplete_at_source": False,
        "evicted_at": None,
    }
    return MediaView(**(values | changes))


def post_line(**changes: Any) -> PostLine:
    values: dict[str, Any] = {
        "post_id": "p-1",
        "platform": "linkedin",
        "native_id": "7",
        "kind": "regular",
        "posted_at": NOON,
        "author": "jane-doe",
        "author_name": "Jane Doe",
        "text": "Hello",
        "shared_text": None,
        "url": "https://example.com/p",
        "latest": snapshot(reactions=5, comments=0),
        "media": 2,
        "cached": 1,
        "first_seen_at": NOON,
    }
    return PostLine(**(values | changes))


def post_detail(**changes: Any) -> PostDetail:
    values: dict[str, Any] = {
        "line": post_line(),
        "urn": "urn:li:activity:7",
        "full_urn": None,
        "text": "Hello\nworld",
        "text_altered": False,
        "edited": None,
        "observed_at": NOON,
        "snapshots": (snapshot(reactions=5), snapshot(2), snapshot(4, reactions=9, comments=1)),
        "media": (media_view(),),
        "texts": (TextView("Helo", NOON, NOON), TextView("Hello\nworld", NOON, NOON)),
        "original": OriginalView(None, "urn:li:activity:8", "someone", "first", None, NOON),
        "aliases": (),
        "hashtags": ("one",),
        "links": (),
        "seen_via": ("jane-doe",),
    }
    return PostDetail(**(values | changes))


def import_summary(**changes: Any) -> ImportSummary:
    values: dict[str, Any] = {
        "run_id": "run-67c2f6c0000000001",
        "status": RunStatus.COMPLETED,
        "processed": 100,
        "new": 50,
        "duplicates": 50,
        "errors": 0,
        "updated": 0,
        "quarantined": 0,
        "sources": 1,
        "unreadable": 0,
        "media": MediaTotals(found=120, cached=115, errors=5),
        "fetched": True,
    }
    return ImportSummary(**(values | changes))


def fetch_summary(**changes: Any) -> FetchSummary:
    values: dict[str, Any] = {
        "run_id": "run-1",
        "status": RunStatus.COMPLETED,
        "due": 3,
        "cached": 3,
        "linked": 0,
        "failed": 0,
        "requests": 3,
        "bytes": 3000,
        "waiting": 0,
    }
    return FetchSummary(**(values | changes))


def backfill_summary(**changes: Any) -> BackfillSummary:
    values: dict[str, Any] = {
        "run_id": "run-1",
        "status": RunStatus.COMPLETED,
        "dry_run": False,
        "checked": 2,
        "with_media": 2,
        "processed": 2,
        "failed": 0,
        "media": MediaTotals(found=3, cached=3),
        "posts": (BackfillPost("p-1", "regular", 1, NOON), BackfillPost("p-2", "quote", 2, NOON)),
    }
    return BackfillSummary(**(values | changes))


def verify_summary(**changes: Any) -> VerifySummary:
    values: dict[str, Any] = {
        "run_id": "run-1",
        "status": RunStatus.COMPLETED,
        "checked": 3,
        "sound": 3,
        "damaged": (),
        "missing": (),
        "adopted": 0,
        "strangers": (),
        "queued": 0,
        "bytes": 3000,
    }
    return VerifySummary(**(values | changes))


def adopt_summary(**changes: Any) -> AdoptSummary:
    values: dict[str, Any] = {
        "run_id": "run-1",
        "status": RunStatus.COMPLETED,
        "dry_run": False,
        "seen": 5,
        "adopted": 3,
        "known": 1,
        "linked": 4,
        "unknown": 1,
        "not_media": (Finding("images/1.jpg", "HTML"),),
        "damaged": (),
        "unreadable": (),
        "bytes": 3000,
    }
    return AdoptSummary(**(values | changes))


def failures_answer() -> MediaFailures:
    view = FailureView(
        media_id="med-1",
        post_id="p-1",
        profile_id=None,
        host="media.example",
        url="https://media.example/1",
        state=MediaState.RETRY,
        kind="timeout",
        message="no answer",
        error_at=NOON,
        expires_at=None,
        next_try_at=NOON + timedelta(hours=1),
        fails=2,
    )
    return MediaFailures(1, (FailureClass(MediaState.RETRY, "timeout", 1, "no answer", "media.example"),), (view,))


def retry_summary(**changes: Any) -> RetrySummary:
    values: dict[str, Any] = {
        "dry_run": False,
        "queued": 3,
        "states": {"failed": 2, "retry": 1},
        "expired": 0,
        "other": 0,
        "resumed": False,
        "stopped": False,
    }
    return RetrySummary(**(values | changes))


def warm_summary(**changes: Any) -> WarmSummary:
    values: dict[str, Any] = {
        "run_id": "run-1",
        "status": RunStatus.COMPLETED,
        "dry_run": False,
        "checked": 2,
        "complete": 2,
        "media": MediaTotals(found=3, cached=3),
        "posts": (WarmPost("p-1", "regular", 1, NOON, 12), WarmPost("p-2", "quote", 2, NOON, None)),
    }
    return WarmSummary(**(values | changes))


def joined_view(**changes: Any) -> JoinedView:
    values: dict[str, Any] = {
        "path": "media/videos/1.mp4",
        "cached": True,
        "size": 4096,
        "mime_type": "video/mp4",
        "width": 20,
        "height": 10,
        "duration": 2.0,
        "md5": "1" * 32,
        "sha256": "1" * 64,
        "made_at": NOON,
        "evicted_at": None,
        "error_kind": None,
        "error": None,
    }
    return JoinedView(**(values | changes))


def join_summary(**changes: Any) -> JoinSummary:
    values: dict[str, Any] = {
        "run_id": "run-1",
        "status": RunStatus.COMPLETED,
        "joins": Joins(joined=2, bytes=4096),
    }
    return JoinSummary(**(values | changes))


def metrics_answer(**changes: Any) -> FetchMetrics:
    values: dict[str, Any] = {
        "since": NOON,
        "runs": 2,
        "requests": 12,
        "cached": 9,
        "linked": 3,
        "failed": 1,
        "bytes": 9000,
        "refetched": 0,
        "download_success_rate": 0.9,
        "cache_hit_rate": 0.25,
        "mean_download_ms": 120.4,
        "storage_local": 2048,
        "storage_archive": 0,
        "ai_queue_depth": 7,
        "failed_by_kind": {"http_404": 1},
    }
    return FetchMetrics(**(values | changes))


PLACEHOLDER = PlaceholderView(
    "fil-1", "0" * 64, "0" * 32, 2048, "image/png", "media/images/0.png", True, 25, 24, 0, False
)
HOST = HostView("media.example", 5, 2, NOON, "HTTP 429", 1)


def replay_summary(remaining: int = 0) -> ReplaySummary:
    return ReplaySummary("run-1", RunStatus.COMPLETED, 2, 1, 1, remaining, 0)


def url_outcome(kind: str | None = None) -> UrlOutcome:
    url = "https://media.example/1"
    if kind is not None:
        return UrlOutcome(url, None, "it failed", kind)
    file = FileView("/c/1.jpg", "0" * 32, "0" * 64, 1, "image/jpeg", MediaType.IMAGE, 1, 1, None, "jpg", url)
    return UrlOutcome(url, file, None, None)


RUN = RunView("run-1", "import", RunStatus.PARTIAL, NOON, NOON + timedelta(seconds=75), None, {"new": 2})
QUARANTINED = QuarantineView(
    "qua-1", "a.json", 3, 120, 44, "0" * 64, "author: missing", "author", "0.1.0", NOON, True
)


HOLD = HoldView("hld-1", "post", "p-1", "a case", "jane", NOON, None, None, True, 2, 2048)
ALLOWED = AccessUserView("6f9619ff-8b86-4d01-b42d-00cf4fc964ff", "the desk", NOON)
POLICY = PolicyView("ret-1", "old", 365, "linkedin", "prf-1", "jane-doe")


def retention_match(**changes: Any) -> RetentionMatch:
    values: dict[str, Any] = {
        "file_id": "fil-1",
        "sha256": "0" * 64,
        "path": "media/images/0.jpg",
        "size": 2048,
        "policy": "old",
        "newest_at": NOON,
        "recoverable": True,
        "removed": False,
    }
    return RetentionMatch(**(values | changes))


def retention_summary(**changes: Any) -> RetentionSummary:
    values: dict[str, Any] = {
        "run_id": None,
        "status": RunStatus.COMPLETED,
        "dry_run": True,
        "policies": ("old",),
        "checked": 3,
        "recoverable": RetentionTotals(1, 2048, NOON, NOON),
        "unrecoverable": RetentionTotals(),
        "held": RetentionTotals(),
        "removed": RetentionTotals(),
    }
    return RetentionSummary(**(values | changes))


def copy_summary(**changes: Any) -> CopySummary:
    values: dict[str, Any] = {
        "source": "/home/postkeep.db",
        "target": "postgresql://me@db.example/posts",
        "status": RunStatus.COMPLETED,
        "rows": 3,
        "written": 3,
        "removed": 0,
        "tables": (
            CopiedTable("posts", 3, 3, 0, "0" * 31 + "1", True),
            CopiedTable("tags", 0, 0, 0, "0" * 32, True),
        ),
    }
    return CopySummary(**(values | changes))


def archive_summary(**changes: Any) -> ArchiveSummary:
    made = ArchiveSummary("run-1", RunStatus.COMPLETED, "s3://bucket", 2, 2, 0, 0, 2048, 0, {}, None)
    return replace(made, **changes)


_UNPRICED = (Unpriced("s3", "get", "one", Decimal("1.500000000")),)
COSTS = Costs(
    by=CostBy.POST,
    since=None,
    until=NOON,
    total=CostSum({"USD": Decimal("0.000010000")}, _UNPRICED),
    lines=(CostLine("p-1", CostSum({"USD": Decimal("0.000007000")}), "urn:li:activity:1"),),
    others=CostSum({"USD": Decimal("0.000003000")}),
    others_count=2,
    unassigned=CostSum({}, _UNPRICED),
    prices=("s3 put 5 USD per million from 2025-01-01",),
)


def profile_line(**changes: Any) -> ProfileLine:
    values: dict[str, Any] = {
        "profile_id": "prf-1",
        "platform": "linkedin",
        "kind": "person",
        "username": "jane-doe",
        "name": "Jane Doe",
        "native_id": None,
        "headline": "Potter",
        "url": "https://example.com/jane",
        "active": True,
        "notes": "met in Oslo",
        "last_synced_at": None,
        "observed_at": NOON,
        "created_at": NOON,
        "posts": 3,
        "tags": ("ai", "aws"),
    }
    return ProfileLine(**(values | changes))


TAG = TagView("tag-1", "aws", "cyan", "the cloud", NOON, 2, 3)
PEOPLE_IMPORT = PeopleImport("people.csv", 5, 2, 1, 2, (), ("its cells are separated by semicolons",))
BAD_LINE = LineProblem(3, "it has no username")
PEOPLE_EXPORT = PeopleExport(
    (PersonRow("Jane Doe", "jane-doe", "linkedin", "person", True, "", ("aws",)),),
    1,
    "name,username\n",
    "people.csv",
)
ARCHIVE_FAILURE = ArchiveFailure(
    "fil-1", "media/images/0.jpg", "media/2026/11/med-1.jpg", "source", "it changed", NOON, None,
    (ShownBy("med-1", "p-1"), ShownBy("med-2", "p-2")), 3,
)  # fmt: skip


ERASURE = Erasure(
    "run-1",
    RunStatus.COMPLETED,
    False,
    "asked to",
    ("p-1",),
    ErasedCounts(posts=1, media=2, files=1, bytes=2048, objects=1, records=1),
    StayingCounts(files=1, bytes=1024, cut=1),
    (),
    Removals(files=1, objects=1),
    2,
    ("/home/log/media.log",),
    (f"dataset_{EVIL}.json",),
)
TOMBSTONE = TombstoneView("post", "linkedin", "ab" * 32, EVIL, NOON)
GONE_POST = GonePost("p-1", "reddit", "7", "jane", NOON, EVIL, Fact.MISSING, NOON, "feed")


def everything() -> dict[str, Any]:
    """An answer for each verb of the library."""
    return {
        "import_": import_summary(media=MediaTotals(found=2, cached=2)),
        "fetch_due": fetch_summary(),
        "backfill": backfill_summary(),
        "verify_cache": verify_summary(),
        "adopt_cache": adopt_summary(),
        "plan_archive": ArchivePlan("s3://bucket", 2, 2048, 1),
        "archive_media": archive_summary(),
        "archive_status": ArchiveStatus(
            "s3://bucket", (ArchiveShare(MediaType.IMAGE, 3, 3072, 2, 2048, 1, 0),), 1
        ),
        "archive_failures": [ARCHIVE_FAILURE],
        "verify_archive": ArchiveCheck("run-1", RunStatus.COMPLETED, "s3://bucket", 2, 0, 0, 0, (), 0),
        "restore_archive": RestoreSummary("run-1", RunStatus.COMPLETED, "s3://bucket", 1, 1, 1024, ()),
        "archive_link": ArchiveLink("med-1", "https://bucket.example/med-1?X-Amz-Expires=3600", 3600),
        "set_up_archive": [ArchiveStep("bucket", "exists, or is made now", True, "it is there")],
        "archive_costs": COSTS,
        "costs": COSTS,
        "must_have_archive": None,
        "archive_imported": ImportArchived(2, archive_summary()),
        "watch_archive": WatchSummary("s3://bucket", 1, 2, 0, 0, 2048),
        "verify_md5": Md5Check("0" * 32, True, True, "media/images/0.jpg", "sound"),
        "fetch_urls": [url_outcome()],
        "add_hold": HOLD,
        "holds": [HOLD],
        "release_hold": HOLD,
        "add_policy": POLICY,
        "policies": [POLICY],
        "remove_policy": None,
        "apply_retention": retention_summary(),
        "posts": [post_line()],
        "post": post_detail(),
        "media_list": [media_view()],
        "media_stats": MediaStats(
            2, 1, 2048, {"image": TypeTotals(1, 2048)}, {"fetched": 1, "gone": 1}, 0, 0, 1 << 30, "/home/cache"
        ),
        "media_metrics": metrics_answer(),
        "media_failures": failures_answer(),
        "retry_media": retry_summary(),
        "warm": warm_summary(),
        "join_media": join_summary(),
        "placeholders": [PLACEHOLDER],
        "hosts": [HOST],
        "resume_host": True,
        "totals": Totals(1, 0, 3, 1, 1, 2, 1, 0, {"linkedin/x: y": 3}, NOON, None),
        "runs": [RUN],
        "run": RunDetail(RUN, {"new": 1}, (("p-1", "new"),)),
        "quarantine": [QUARANTINED],
        "replay_quarantine": replay_summary(),
        "verify_database": [],
        "copy_to": copy_summary(),
        "allow_user": ALLOWED,
        "is_supabase": True,
        "deny_user": ALLOWED,
        "allowed_users": [ALLOWED],
        "export": ExportSummary(Exported.POSTS, ExportFormat.CSV, "posts.csv", 3),
        "backup": BackupSummary("/tmp/copy.db", 4096),
        **creator_answers.everything(),
        "erasing.posts": ERASURE,
        "erasing.profile": replace(
            ERASURE, run_id=None, dry_run=True, holds=(ErasingHold("hld-1", "p-1", EVIL),), removed=Removals()
        ),
        "erasing.finish": Removals(files=1),
        "erasing.tombstones": [TOMBSTONE],
        "erasing.readmit": 1,
        "erasing.gone": [GONE_POST],
        "people.profiles": [profile_line()],
        "people.show": ProfileDetail(profile_line(), (NameView("username", "jane-roe", NOON, NOON),)),
        "people.add": AddedProfile(profile_line(), True),
        "people.set_active": [profile_line()],
        "people.set_notes": profile_line(),
        "people.set_post_notes": post_line(notes="quoted in March"),
        "people.import_csv": PEOPLE_IMPORT,
        "people.export_csv": PEOPLE_EXPORT,
        "people.tags": [TAG],
        "people.add_tag": TAG,
        "people.rename_tag": TAG,
        "people.remove_tag": TAG,
        "people.put_tag": Tagged("aws", 1, 1),
        "people.take_tag": Tagged("aws", 1, 1),
    }


@dataclass
class FakeLibrary:
    """Answers from a table; an answer that is an exception is raised, one that is a function is asked."""

    answers: dict[str, Any] = field(default_factory=everything)
    asked: list[tuple[str, tuple[Any, ...], dict[str, Any]]] = field(default_factory=list)
    opened: list[bool] = field(default_factory=list)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exc: object) -> None:
        return None

    def open_library(self, _config: object, *, read_only: bool = False) -> Self:
        self.opened.append(read_only)
        return self

    def adoption_findings(self, **_options: Any) -> Any:
        return self._answer("findings", [AdoptionFinding("split_post", "p-1", f"split from p-2: {EVIL}")])

    def upgrade_database(self, _config: object, **_options: Any) -> Any:
        return self._answer("upgrade", UpgradeSummary(None, "0001", 1))

    def _answer(self, verb: str, default: Any = None) -> Any:
        answer = self.answers.get(verb, default)
        if isinstance(answer, BaseException):
            raise answer
        return answer

    def __getattr__(self, verb: str) -> Callable[..., Any]:
        if any(each.startswith(f"{verb}.") for each in self.answers):
            return FakeNoun(self, verb)  # type: ignore[return-value]
        if verb.startswith("__") or verb not in self.answers:
            raise AttributeError(verb)

        def ask(*given: Any, **named: Any) -> Any:
            self.asked.append((verb, given, named))
            answer = self._answer(verb)
            return answer(*given, **named) if callable(answer) else answer

        return ask


@dataclass
class FakeNoun:
    """What a library keeps in a file of its own (`library.people`); its verbs are answered as `people.show`."""

    library: FakeLibrary
    name: str

    def __getattr__(self, verb: str) -> Callable[..., Any]:
        if verb.startswith("__"):
            raise AttributeError(verb)
        return getattr(self.library, f"{self.name}.{verb}")


FINDING = Finding("posts", "column urn differs", "text", "integer")
