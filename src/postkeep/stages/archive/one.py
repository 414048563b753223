"""Archives one local file as a medium's content while the caller waits, and looks at one object by its name."""

from __future__ import annotations

from pathlib import Path

from postkeep.archive.names import key_in
from postkeep.archive.port import Archive
from postkeep.archive.proof import is_md5, of_tag, sums
from postkeep.archive.uploading import Proven, prove, upload
from postkeep.errors import ArchiveError, FileDamaged, FileMissing, NotFound, ObjectMissing
from postkeep.log import get_logger
from postkeep.media.hashing import digest_file
from postkeep.model import Digest, ObjectState
from postkeep.stages.archive.plan import claim_for, own_claim
from postkeep.stages.direct import make_room
from postkeep.stages.parts import Parts
from postkeep.stages.presence import must_be_there
from postkeep.store import archive_objects, archiving, caching, media, old_ids, showing, stored_files, work
from postkeep.store.archiving import Claim, ProvenObject, Wanted
from postkeep.store.media import Arrival
from postkeep.store.stored_files import StoredFile

log = get_logger("archive")


def archive_file(parts: Parts, archive: Archive, path: Path, media_id: str) -> str:
    """Take a file for a medium's content, archive and prove it, and return its object's stable name. Idempotent.

    A medium without content gets this one; one that has another raises FileDamaged. When the archive refuses, its
    ArchiveError is raised and the content is queued for the next archive run.
    """
    file_id = _take(parts, path, media_id)
    with parts.store.reading() as tx:
        known = archive_objects.proven_objects(tx, archive.place, [file_id])
        wanted = archiving.wanted(tx, archive.place, {file_id: 0})[file_id]
    if known:
        return archive.url(known[0].key)
    claim = _claim(parts, archive, claim_for(wanted, archive.place, parts.config.archive.prefix))
    try:
        proven = _send(parts, archive, wanted, claim)
    except ArchiveError:
        with parts.store.writing() as tx:
            archiving.queue(tx, archive.place, [file_id], parts.clock())
        raise
    url = archive.url(proven.key)
    made = ProvenObject(file_id, proven.key, url, proven.proof, proven.etag, proven.part_size)
    with parts.store.writing() as tx:
        if not archiving.record_proven(tx, archive.place, [made], parts.clock()):
            raise ArchiveError(f"another process gave {media_id} another object meanwhile")
    log.info("media_archived", media_id=media_id, file_id=file_id, object=proven.key, proof=proven.proof)
    return url


def holds(archive: Archive, url: str, md5: str) -> bool:
    """Whether an object has this MD5: by the store's tag where that is one, else by reading it.

    Raises NotFound for the name of no object of this archive, ArchiveError when it cannot be asked.
    """
    key = key_in(url, archive.place)
    if key is None:
        raise NotFound(f"{url} is the name of no object of {archive.place}")
    md5 = md5.strip().lower()
    stored = archive.head(key)
    if stored is None or not is_md5(md5):
        return False
    if of_tag(stored.etag, md5) is not None:
        return True
    try:
        return sums(archive.read(key), most=stored.size)[0] == md5
    except ObjectMissing:
        return False


def _take(parts: Parts, path: Path, media_id: str) -> str:
    """The file id of a medium whose content this file is, and which is in the cache from now on.

    Raises NotFound, FileMissing, FileDamaged for other content than the medium's, NotMedia, CacheError.
    """
    must_be_there(parts.store, parts.cache)
    with parts.store.reading() as tx:
        media_id = old_ids.current(tx, media_id)
        shown = showing.shown_by(tx, media_id)
        known = stored_files.files_by(tx, "file_id", [shown.file_id] if shown and shown.file_id else [])
    if shown is None:
        raise NotFound(f"no media is known as {media_id!r}")
    if known:
        _must_be(path, known[0], media_id)
        if known[0].sha256 is not None and known[0].cached_at is not None:
            return known[0].file_id
    staged = parts.cache.take_in(path)
    try:
        make_room(parts, staged)
    except BaseException:
        parts.cache.discard(staged)
        raise
    with parts.cache.sharing():
        file = parts.cache.commit(staged).file
        parts.cache.sync_directories()
        now = parts.clock()
        with parts.store.writing() as tx:
            if known:
                stored = caching.keep_files(tx, [file], ids=parts.ids, now=now)
                work.done_for_files(tx, [known[0].file_id])
            else:
                arrival = Arrival(media_id, file, shown.rendition, shown.rendition_rank, not staged.whole)
                media.store_arrivals(tx, [arrival], ids=parts.ids, now=now)
                stored = caching.keep_files(tx, [file], ids=parts.ids, now=now)
            return stored[file.digest.sha256].file_id


def _must_be(path: Path, known: StoredFile, media_id: str) -> None:
    try:
        digest = digest_file(path)
    except OSError as error:
        raise FileMissing(path, f"{error.strerror or 'it cannot be read'}:") from error
    if known.sha256 not in (None, digest.sha256) or known.md5_sum != digest.md5:
        raise FileDamaged(path, f"this is not the content of {media_id}:")


def _claim(parts: Parts, archive: Archive, claim: Claim) -> Claim:
    with parts.store.writing() as tx:
        kept = archiving.claim(tx, archive.place, [claim], ids=parts.ids, now=parts.clock())
    if claim.file_id not in kept:
        raise ArchiveError(f"{archive.url(claim.key)} is the object of another content")
    key, state = kept[claim.file_id]
    return Claim(claim.file_id, key, state)


def _send(parts: Parts, archive: Archive, wanted: Wanted, claim: Claim) -> Proven:
    config, digest = parts.config.archive, Digest(wanted.md5, wanted.sha256, wanted.size)
    if claim.state is not ObjectState.CLAIMED and (found := prove(archive, claim.key, digest)):
        return found
    if claim.state is ObjectState.FOREIGN:
        claim = own_claim(wanted, config.prefix)
        with parts.store.writing() as tx:
            archiving.reclaim(tx, archive.place, [claim])
    with parts.cache.open(wanted.path) as file:
        return upload(
            archive,
            claim.key,
            file,
            digest,
            wanted.kind.mime_type,
            multipart_at=config.multipart_at,
            part_size=config.part_size,
        )
