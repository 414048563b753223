"""People as CSV: a list somebody keeps in a spreadsheet brought in, and written again."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass, replace
from pathlib import Path
from typing import BinaryIO

from sqlalchemy import Connection

from postkeep.errors import ConfigError, NotFound, SourceError, StoreClash, StoreInterrupted
from postkeep.log import get_logger
from postkeep.model import ProfileKind
from postkeep.platforms.people import Whose, read_reference
from postkeep.sources.people import BadLine, PersonLine, joined, read_people, write_people
from postkeep.stages import tagging, whom
from postkeep.stages.parts import Parts
from postkeep.stages.people import changed, new_person, stated, write
from postkeep.stages.whom import Known
from postkeep.store import people, tags
from postkeep.store.people import Person
from postkeep.views import OnProgress, Progress, Stop
from postkeep.views.people import LineProblem, NewProfile, PeopleExport, PeopleImport, PersonRow, ProfileLine

log = get_logger("people")

LARGEST = 64 * 1024 * 1024
"""The largest file of people, in bytes; a line is some 50."""
_BATCH = 500
_PAGE = 1000
_TRIES = 5


@dataclass(frozen=True, slots=True)
class _Asked:
    """A line with whom it means."""

    line: PersonLine
    whose: Whose
    new: NewProfile


@dataclass(frozen=True, slots=True)
class _Planned:
    """What a line does: to whom, as it was (None: somebody new) and should be, and with which tags."""

    asked: _Asked
    before: Person | None
    after: Person


class PeopleImporter:
    """Brings the lines in, some hundreds in a transaction; a bad one costs nobody else anything."""

    def __init__(self, parts: Parts, platform: str | None) -> None:
        self.parts = parts
        self.platform = platform
        self.new = self.changed = self.unchanged = 0
        self.problems: list[LineProblem] = []
        self._platforms: dict[str, str | None] = {}
        # Which line spoke of a profile first, by its id.
        self._said: dict[str, _Asked] = {}

    def bring(self, lines: Sequence[PersonLine | BadLine]) -> None:
        """Store what these lines say; one that another process met is planned again."""
        for tries_left in reversed(range(_TRIES)):
            try:
                self._bring(lines)
            except StoreInterrupted:
                raise
            except StoreClash:
                if not tries_left:
                    raise
            else:
                return

    def _bring(self, lines: Sequence[PersonLine | BadLine]) -> None:
        problems: list[LineProblem] = []
        asked: list[_Asked] = []
        planned: list[_Planned] = []
        said: dict[str, _Asked] = {}
        with self.parts.store.writing() as tx:
            for line in lines:
                if isinstance(line, BadLine):
                    problems.append(LineProblem(line.line, line.reason))
                    continue
                with _told_in(problems, line.line):
                    asked.append(self._asked(tx, line))
            known = Known(tx, {each.whose.name for each in asked})
            for each in asked:
                with _told_in(problems, each.line.line):
                    planned += self._plan(each, known, said)
            did = write(tx, self.parts, [(one.before, one.after, one.asked.new.tags) for one in planned])
        # Counted only now that it is stored: what clashed is planned anew.
        made = sum(one.before is None for one in planned)
        self.new += made
        self.changed += sum(did) - made
        self.unchanged += len(lines) - len(problems) - sum(did)
        self.problems += sorted(problems, key=lambda each: each.line)
        self._said |= said

    def _asked(self, tx: Connection, line: PersonLine) -> _Asked:
        if line.kind and line.kind not in list(ProfileKind):
            raise ConfigError(f"{line.kind[:40]!r} is no kind of profile; there are: {', '.join(ProfileKind)}")
        whose = read_reference(line.username)
        platform = line.platform or (self.platform if whose.platform is None else None)
        whose = stated(whose, platform, ProfileKind(line.kind) if line.kind else None)
        self._must_be_platform(tx, whose.platform or "")
        for name in line.tags:
            self._must_be_tag(tx, name)
        active = line.active is not False
        new = NewProfile(line.username, line.name, None, None, active, line.notes, tuple(sorted({*line.tags})))
        return _Asked(line, whose, new)

    def _plan(self, asked: _Asked, known: Known, said: dict[str, _Asked]) -> list[_Planned]:
        """What a line does; nothing where a line before it said the same. Raises ConfigError for another thing."""
        before = known.find(asked.whose)
        if before is None:
            after = new_person(self.parts.ids, asked.whose, asked.new)
            known.note(after)
        else:
            after = changed(before, asked.new)
        first = said.get(after.profile_id) or self._said.get(after.profile_id)
        if first is None:
            said[after.profile_id] = asked
            return [_Planned(asked, before, after)]
        if replace(first.new, who="") != replace(asked.new, who=""):
            raise ConfigError(f"line {first.line.line} says something else of the same profile")
        return []

    def _must_be_platform(self, tx: Connection, name: str) -> None:
        if name not in self._platforms:
            try:
                whom.must_be_platform(tx, name)
            except NotFound as error:
                self._platforms[name] = error.message
            else:
                self._platforms[name] = None
        if (reason := self._platforms[name]) is not None:
            raise NotFound(reason)

    def _must_be_tag(self, tx: Connection, name: str) -> None:
        try:
            tagging.normal(name)
        except ConfigError:
            # What others made may be called as no new tag is.
            if not tags.named(tx, [name]):
                raise


@contextmanager
def _told_in(problems: list[LineProblem], line: int) -> Iterator[None]:
    """Let what is wrong with a line be one of the problems."""
    try:
        yield
    except (ConfigError, NotFound) as error:
        problems.append(LineProblem(line, error.message))


def import_people(
    parts: Parts,
    source: str,
    *,
    stdin: BinaryIO | None,
    platform: str | None,
    stop: Stop,
    progress: OnProgress,
) -> PeopleImport:
    """Make the people of a CSV file active, and known; importing it again changes nothing.

    Lines without a platform are of `platform`, else of LinkedIn. Raises SourceError when nothing can be read,
    NotFound for a platform nobody knows.
    """
    if platform is not None:
        with parts.store.reading() as tx:
            whom.must_be_platform(tx, platform)
    content = _content(source, stdin)
    try:
        sheet = read_people(content)
    except SourceError as error:
        raise SourceError(f"{source}: {error.message}") from error
    importer = PeopleImporter(parts, platform)
    done = 0
    for batch in _batches(sheet.lines):
        if stop():
            break
        importer.bring(batch)
        done += len(batch)
        progress(Progress("importing", done, len(sheet.lines), "lines"))
    summary = PeopleImport(
        source,
        done,
        importer.new,
        importer.changed,
        importer.unchanged,
        tuple(importer.problems),
        sheet.remarks,
        stopped=done < len(sheet.lines),
    )
    log.info(
        "people_imported", new=summary.new, changed=summary.changed, problems=len(summary.problems), lines=done
    )
    return summary


def _content(source: str, stdin: BinaryIO | None) -> bytes:
    """The bytes of the file, or of `stdin` where one is given."""
    try:
        with nullcontext(stdin) if stdin is not None else Path(source).open("rb") as stream:
            content = stream.read(LARGEST + 1)
    except OSError as error:
        raise SourceError(f"{source}: {error.strerror}") from error
    if len(content) > LARGEST:
        raise SourceError(f"{source}: more than {LARGEST // 2**20} MB is no list of people")
    return content


def _batches(lines: Sequence[PersonLine | BadLine]) -> Iterator[Sequence[PersonLine | BadLine]]:
    return (lines[at : at + _BATCH] for at in range(0, len(lines), _BATCH))


# --- writing ------------------------------------------------------------------------------------------


def export_people(
    parts: Parts,
    path: Path | None,
    *,
    platform: str | None,
    tag_names: Sequence[str],
    active: bool | None,
    overwrite: bool,
) -> PeopleExport:
    """The people as CSV that can be imported again, by platform, kind and username; in a file, where one is named.

    Raises ConfigError when the file is there already and not to be overwritten, or cannot be written.
    """
    if path is not None and not overwrite and path.exists():
        raise ConfigError(f"{path} is there already: --force writes over it")
    rows: list[PersonRow] = []
    unnamed = 0
    for line in _all(parts, platform, tag_names, active):
        if line.username is None:
            unnamed += 1
        else:
            rows.append(
                PersonRow(
                    line.name,
                    line.username,
                    line.platform,
                    line.kind,
                    line.active,
                    line.notes or "",
                    line.tags,
                )
            )
    # Databases sort by their own alphabets.
    rows.sort(key=lambda each: (each.platform, each.kind, each.username))
    csv = write_people(
        (
            each.name,
            each.username,
            each.platform,
            each.kind,
            "yes" if each.active else "no",
            each.notes,
            joined(each.tags) if each.tags else "",
        )
        for each in rows
    )
    if path is not None:
        _write(path, csv)
    return PeopleExport(tuple(rows), unnamed, csv, str(path) if path else None)


def _all(
    parts: Parts, platform: str | None, tag_names: Sequence[str], active: bool | None
) -> Iterator[ProfileLine]:
    """Every profile that fits, with its tags; in one look at the database."""
    with parts.store.reading() as tx:
        if platform is not None:
            whom.must_be_platform(tx, platform)
        tag_ids = list(tagging.ids_of(tx, tag_names).values())
        last: ProfileLine | None = None
        while page := people.page(tx, limit=_PAGE, after=last, platform=platform, tag_ids=tag_ids, active=active):
            carried = people.tags_of(tx, [line.profile_id for line in page])
            yield from (replace(line, tags=carried.get(line.profile_id, ())) for line in page)
            last = page[-1]


def _write(path: Path, text: str) -> None:
    """Write a file as a whole or not at all, for its owner to read alone."""
    try:
        handle, name = tempfile.mkstemp(prefix=".postkeep-", dir=path.parent)
        try:
            with os.fdopen(handle, "w", encoding="utf-8", newline="") as file:
                file.write(text)
            Path(name).replace(path)
        except BaseException:
            Path(name).unlink(missing_ok=True)
            raise
    except OSError as error:
        raise ConfigError(f"cannot write {path}: {error.strerror}") from error
