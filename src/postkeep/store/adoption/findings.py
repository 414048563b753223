"""What an adoption could not decide, or did in a way somebody should know of: gathered, kept, shown."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from sqlalchemy import Connection

from postkeep.store import bulk, schema

_EXAMPLES = 3
_DRAWN = re.compile(r"\b[a-z]{1,3}-[0-9a-f]{17}\b")
_LONGEST_DETAIL = 2000


class FindingKind(StrEnum):
    """What a finding is about; docs/upgrading.md explains each."""

    UNDECIDED_POST = "undecided_post"
    UNDECIDED_SNAPSHOT = "undecided_snapshot"
    NAMELESS_POST = "nameless_post"
    SPLIT_POST = "split_post"
    UNREADABLE_JSON = "unreadable_json"
    UNREADABLE_VALUE = "unreadable_value"
    POSTED_AT_DIFFERS = "posted_at_differs"
    NO_PARSER = "no_parser"
    BYTES_ELSEWHERE = "bytes_elsewhere"
    FILE_UNCLEAR = "file_unclear"
    ARCHIVE_UNPROVEN = "archive_unproven"
    DANGLING = "dangling"
    NAME_TAKEN = "name_taken"
    VIRTUAL_ROW = "virtual_row"
    VIEW_DROPPED = "view_dropped"
    VIEW_REMADE = "view_remade"
    TRIGGER_DROPPED = "trigger_dropped"
    POLICY_DROPPED = "policy_dropped"
    FOREIGN_TABLE = "foreign_table"
    FOREIGN_KEY = "foreign_key"


@dataclass(frozen=True, slots=True)
class AdoptionFinding:
    """One finding: its kind, the id or name it is about, and a sentence."""

    kind: str
    subject: str
    detail: str


@dataclass(slots=True)
class Findings:
    """Gathers findings of one adoption; all are written, few are remembered."""

    counts: Counter[str] = field(default_factory=Counter)
    examples: list[AdoptionFinding] = field(default_factory=list)
    _fresh: dict[tuple[str, str], str] = field(default_factory=dict)

    def add(self, kind: FindingKind, subject: str, detail: str) -> None:
        """Note a finding; several of one kind about one subject are one."""
        before = self._fresh.get((kind, subject))
        if before is None:
            self._fresh[kind, subject] = detail[:_LONGEST_DETAIL]
        elif detail not in before:
            self._fresh[kind, subject] = f"{before}; {detail}"[:_LONGEST_DETAIL]

    def write(self, tx: Connection, now: datetime) -> None:
        """Store what was noted since the last time; idempotent."""
        known = _known(tx, self._fresh)
        new = [(str(kind), subject, detail) for (kind, subject), detail in self._fresh.items()]
        new = [each for each in new if each[:2] not in known]
        for kind, subject, detail in new:
            self.counts[kind] += 1
            if self.counts[kind] <= _EXAMPLES:
                self.examples.append(AdoptionFinding(kind, subject, detail))
        bulk.insert(
            tx,
            schema.adoption_findings,
            ("kind", "subject", "detail", "created_at"),
            [(*each, now) for each in new],
        )
        self._fresh.clear()


def _known(tx: Connection, keys: Iterable[tuple[str, str]]) -> set[tuple[str, str]]:
    subjects = sorted({subject for _, subject in keys})
    rows = bulk.among(tx, "SELECT kind, subject FROM adoption_findings WHERE subject {in}", subjects)
    return {(kind, subject) for kind, subject in rows}


def without_fresh_ids(tx: Connection, findings: Iterable[AdoptionFinding]) -> list[AdoptionFinding]:
    """The findings with the ids that rows had before this adoption; a post that it made is called a new one."""
    findings = list(findings)
    drawn = {each for found in findings for each in _DRAWN.findall(f"{found.subject} {found.detail}")}
    rows = bulk.among(
        tx, "SELECT subject, 'a new post' FROM adoption_findings WHERE kind = 'split_post' AND subject {in}", drawn
    )
    rows += bulk.among(tx, "SELECT new_id, min(old_id) FROM old_ids WHERE new_id {in} GROUP BY new_id", drawn)
    names: dict[str, str] = dict(tuple(row) for row in rows)

    def named(text: str) -> str:
        return _DRAWN.sub(lambda match: names.get(match[0], match[0]), text)

    return [AdoptionFinding(each.kind, named(each.subject), named(each.detail)) for each in findings]


def page(
    tx: Connection, *, kind: str | None = None, after: tuple[str, str] = ("", ""), limit: int = 100
) -> list[AdoptionFinding]:
    """Findings by kind and subject, after the given (kind, subject)."""
    only = "" if kind is None else " AND kind = ?"
    rows = bulk.execute(
        tx,
        "SELECT kind, subject, detail FROM adoption_findings WHERE (kind, subject) > (?, ?)"  # noqa: S608
        f"{only} ORDER BY kind, subject LIMIT ?",
        *after,
        *(() if kind is None else (kind,)),
        limit,
    ).all()
    return [AdoptionFinding(*row) for row in rows]


def exists(tx: Connection, kind: str, subject: str) -> bool:
    """Whether there is a finding of this kind about this subject."""
    statement = "SELECT 1 FROM adoption_findings WHERE kind = ? AND subject = ?"
    return bulk.execute(tx, statement, kind, subject).first() is not None


__all__ = ["AdoptionFinding", "FindingKind", "Findings", "exists", "page", "without_fresh_ids"]
