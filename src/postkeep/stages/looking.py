"""Looking things up and proving them: what a face asks for that one query does not answer."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import suppress
from datetime import datetime
from pathlib import Path

from sqlalchemy import Connection

from postkeep.errors import FileDamaged, FileMissing, NotFound, NotMedia
from postkeep.media.measure import measure
from postkeep.media.sniff import SNIFF_BYTES, sniff
from postkeep.model import RunStatus
from postkeep.stages import which
from postkeep.stages.eviction import note_use
from postkeep.stages.hosts import host_of
from postkeep.stages.ingest.candidate import UNPACKING_ERROR, decompress, digest
from postkeep.stages.parts import Parts
from postkeep.stages.recorded import recorded
from postkeep.stages.verify import Verify
from postkeep.stages.verify_tally import VerifyTally
from postkeep.store import bulk, caching, keeping, listing, old_ids, records, runs, stored_files
from postkeep.store.adoption import findings as adoption
from postkeep.store.quarantine import Quarantined
from postkeep.store.runs import Run
from postkeep.store.stored_files import StoredFile
from postkeep.store.types import storable
from postkeep.store.verify import Difference, RowFault
from postkeep.views import (
    FileView,
    Finding,
    Md5Check,
    OnProgress,
    PostDetail,
    Progress,
    QuarantineView,
    RunDetail,
    RunView,
    Stop,
    VerifySummary,
)
from postkeep.views.databases import AdoptionFinding

_RECORDS = 500


def one_post(tx: Connection, reference: str) -> PostDetail:
    """The post a reference means; raises NotFound when it means none or several."""
    detail = listing.post(tx, which.find_post(tx, reference))
    if detail is None:
        raise which.unknown(reference)
    return detail


_PAGED = {"posts": "post_id", "post_media": "media_id", "quarantine": "quarantine_id"}


def must_be(tx: Connection, table: str, key: str | None) -> str | None:
    """The key after which a page may begin, an old one as it is now; raises NotFound for a row nobody knows."""
    if key is not None:
        key = old_ids.current(tx, key)
        statement = f"SELECT 1 FROM {table} WHERE {_PAGED[table]} = ?"  # noqa: S608
        if not storable(key) or bulk.execute(tx, statement, key).first() is None:
            raise NotFound(f"there is no {key!r} to go on after")
    return key


def adoption_findings(tx: Connection, *, kind: str | None, limit: int, after: str | None) -> list[AdoptionFinding]:
    """A page of findings by kind and subject; `after` is `KIND:SUBJECT`. Raises NotFound for what is none."""
    kinds = [str(each) for each in adoption.FindingKind]
    if kind is not None and kind not in kinds:
        raise NotFound(f"no finding is of the kind {kind!r}; there are: {', '.join(kinds)}")
    last = ("", "")
    if after is not None:
        of_kind, _, subject = after.partition(":")
        last = (of_kind, subject)
        if not storable(after) or not adoption.exists(tx, *last):
            raise NotFound(f"there is no {after!r} to go on after")
    found = adoption.page(tx, kind=kind, after=last, limit=limit)
    return [AdoptionFinding(each.kind, each.subject, each.detail) for each in found]


# --- runs and quarantine ------------------------------------------------------------------------------


def run_views(tx: Connection, *, limit: int, after: str | None) -> list[RunView]:
    before: tuple[datetime, str] | None = None
    if after is not None:
        last = runs.get(tx, old_ids.current(tx, after))
        if last is None:
            raise NotFound(f"no run is known as {after!r}")
        before = (last.started_at, last.run_id)
    return [_run_view(run) for run in runs.page(tx, limit=limit, before=before)]


def run_detail(tx: Connection, run_id: str, *, limit: int) -> RunDetail:
    run = runs.get(tx, old_ids.current(tx, run_id))
    if run is None:
        raise NotFound(f"no run is known as {run_id!r}")
    run_id = run.run_id
    counts = bulk.execute(
        tx, "SELECT outcome, count(*) FROM run_posts WHERE run_id = ? GROUP BY outcome ORDER BY outcome", run_id
    ).all()
    return RunDetail(
        _run_view(run),
        {outcome: int(count) for outcome, count in counts},
        tuple(runs.posts_of(tx, run_id, limit=limit)),
    )


def _run_view(run: Run) -> RunView:
    return RunView(
        run.run_id,
        run.kind,
        run.status,
        run.started_at,
        run.completed_at,
        run.error_message,
        dict(run.summary),
    )


def quarantine_views(rows: Iterable[Quarantined]) -> list[QuarantineView]:
    return [
        QuarantineView(
            quarantine_id=row.quarantine_id,
            source=row.place.source,
            record=row.place.number,
            offset=row.place.offset,
            length=row.length,
            sha256=row.sha256,
            reason=row.reason,
            field=row.field,
            version=row.version,
            last_seen_at=row.last_seen_at,
            replayable=row.codec is not None,
        )
        for row in rows
    ]


# --- files --------------------------------------------------------------------------------------------


def run_verify(parts: Parts, *, repair: bool, md5_only: bool, stop: Stop, progress: OnProgress) -> VerifySummary:
    """Prove the whole cache, as a recorded run."""

    def report(tally: VerifyTally) -> None:
        lost = len(tally.damaged) + len(tally.missing)
        note = f"{tally.checked} of {tally.files} files, {lost} lost"
        progress(Progress("verifying", tally.done_bytes, tally.total_bytes, "bytes", note))

    with recorded(parts.store, "verify-cache", ids=parts.ids, clock=parts.clock) as run:
        tally = Verify(
            parts.store,
            parts.cache,
            ids=parts.ids,
            clock=parts.clock,
            run_id=run.run_id,
            room=parts.config.cache.max_bytes,
            repair=repair,
            md5_only=md5_only,
            stop=stop,
            progress=report,
        ).run()
        if stop():
            run.status = RunStatus.CANCELLED
        elif not tally.clean:
            run.status = RunStatus.PARTIAL
        run.summary.update(
            processed=tally.checked, damaged=len(tally.damaged), missing=len(tally.missing), bytes=tally.bytes
        )
        return VerifySummary(
            run_id=run.run_id,
            status=run.status,
            checked=tally.checked,
            sound=tally.sound,
            damaged=tuple(tally.damaged),
            missing=tuple(tally.missing),
            adopted=tally.adopted,
            strangers=tuple(tally.strangers),
            queued=tally.queued,
            bytes=tally.bytes,
            error=run.error,
            unreadable=tuple(tally.unreadable),
            orphans=tuple(tally.orphans),
            misnamed=tuple(tally.misnamed),
            collisions=tuple(tally.collisions),
            quarantined=tally.quarantined,
            moved=tally.moved,
            removed=tally.removed,
            repaired=repair,
            to_remake=tuple(tally.to_remake),
        )


def check_md5(parts: Parts, md5: str) -> Md5Check:
    """Hash the file of this MD5; a damaged one goes to quarantine and is queued."""
    md5 = md5.strip().lower()
    with parts.store.reading() as tx:
        files = [file for file in stored_files.files_by(tx, "md5_sum", [md5]) if file.cached_at]
    if not files:
        return Md5Check(md5, False, False, None, "no cached file has this MD5")
    for file in files:
        try:
            prove(parts, file, strict=True)
        except FileMissing as error:
            return Md5Check(md5, False, False, file.path, f"{error.message} it was queued to be fetched again")
        except FileDamaged as error:
            return Md5Check(md5, True, False, file.path, error.message)
    return Md5Check(md5, True, True, files[0].path, "the content is what its name and its row say")


def find_file(parts: Parts, *, md5: str | None, url: str | None) -> FileView | None:
    """The proven file of an MD5, or of a URL fetched for a post, without one, or by the predecessor."""
    with parts.store.reading() as tx:
        if md5 is not None:
            found = stored_files.files_by(tx, "md5_sum", [md5.strip().lower()])
        else:
            found = stored_files.files_of_url(tx, url or "", url_key(url or ""))
    here = [file for file in found if file.cached_at is not None]
    note_use(parts.store, [file.file_id for file in here], parts.clock())
    for file in here:
        try:
            return prove(parts, file, url=url)
        except (FileMissing, FileDamaged):
            continue
    return _legacy(parts, url) if url is not None else None


def _legacy(parts: Parts, url: str) -> FileView | None:
    """A file of the predecessor's cache is hashed and recorded when it is first asked for."""
    path = parts.cache.legacy_path(url)
    if path is None:
        return None
    try:
        file = parts.cache.adopt(str(path.relative_to(parts.cache.root)))
    except (FileMissing, NotMedia):
        # The predecessor kept whatever it got, sign-in pages too: such a URL has no file.
        return None
    now = parts.clock()
    with parts.store.writing() as tx:
        stored = caching.keep_files(tx, [file], ids=parts.ids, now=now)[file.digest.sha256]
        stored_files.keep_url(tx, url_key(url), url, stored.file_id, now)
    return file_view(parts, stored, url=url)


def prove(parts: Parts, file: StoredFile, *, strict: bool = False, url: str | None = None) -> FileView:
    """Prove a cached file and give it out; what is damaged or missing is queued again.

    Raises FileDamaged, after the file went to quarantine, or FileMissing.
    """
    try:
        digest, proof = parts.cache.prove(
            file.path, sha256=file.sha256, md5=file.md5_sum, proof=file.proof, strict=strict
        )
    except (FileDamaged, FileMissing) as error:
        damaged = isinstance(error, FileDamaged)
        with parts.store.writing() as tx:
            still = keeping.as_read(tx, [file])
            caching.mark_uncached(tx, still, parts.clock(), quarantined=damaged, hosts=host_of)
        if damaged and still:
            with suppress(FileMissing):
                parts.cache.quarantine(file.path)
        raise
    if digest is not None:
        with parts.store.writing() as tx:
            caching.refresh_proofs(tx, [(file.file_id, proof)], parts.clock())
    return file_view(parts, file, url=url)


def file_view(parts: Parts, file: StoredFile, *, url: str | None = None) -> FileView:
    return FileView(
        path=str(parts.cache.absolute(file.path)),
        md5=file.md5_sum,
        sha256=file.sha256 or "",
        size=file.size,
        mime_type=file.kind.mime_type,
        media_type=file.kind.media_type,
        width=file.dimensions.width,
        height=file.dimensions.height,
        duration=file.dimensions.duration,
        extension=file.kind.extension,
        url=url,
    )


def url_key(url: str) -> str:
    """The name under which a URL without an owner is remembered: the URL without scheme and fragment."""
    return url.partition("#")[0].partition("://")[2] or url


def verify_records(parts: Parts) -> Iterator[Finding]:
    """Unpack every raw record and compare it with the hash it is kept under; tells the bad ones."""
    last = ""
    while True:
        with parts.store.reading() as tx:
            page = records.page(tx, after=last, limit=_RECORDS)
        if not page:
            return
        last = page[-1][0]
        for sha256, codec, packed in page:
            try:
                sound = digest(decompress(codec, packed)) == sha256
            except (ValueError, UNPACKING_ERROR):
                sound = False
            if not sound:
                yield Finding("raw_records", f"the bytes of record {sha256} are not what its hash says")


def findings(faults: Iterable[Difference | RowFault]) -> list[Finding]:
    """What verifying the database found, as values a face can print."""
    return [
        Finding(fault.table, fault.sentence, fault.expected or "", fault.found or "")
        if isinstance(fault, Difference)
        else Finding(fault.check, str(fault))
        for fault in faults
    ]


def dimensions_of(path: Path) -> tuple[int | None, int | None]:
    """Width and height as the header of any file states them; None for what is no media or does not say."""
    with path.open("rb") as file:
        try:
            kind = sniff(file.read(SNIFF_BYTES))
        except NotMedia:
            return None, None
        measured = measure(file, kind, path.stat().st_size)
    return measured.width, measured.height
