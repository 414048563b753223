"""The tables whose rows stay what they are (runs, tags, profiles, marks): ids, times and names are set right."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import replace
from typing import Any
from unicodedata import normalize
from urllib.parse import unquote

from sqlalchemy import Table

from postkeep.model import ProfileKind, RunStatus
from postkeep.stages.adoption.reading import Reader, platform_of
from postkeep.store import bulk, people, schema
from postkeep.store.adoption.findings import FindingKind
from postkeep.store.adoption.old_rows import OldRow, OldTable
from postkeep.store.adoption.staging import Staging
from postkeep.store.adoption.writing import Writer
from postkeep.store.spelling import fold

PAGE = 1000
_ACTION_STATES = {"pending": "queued"}
_CREATORS = ("youtube", "substack", "instagram")

Values = dict[str, Any]


def adopt_runs(writer: Writer, old: OldTable) -> None:
    """Runs as they are; those that never ended were interrupted, for the old program is stopped."""

    def values(read: Reader) -> Values:
        started = read.time("started_at") or read.time("created_at") or writer.now
        status = read.text("status") or RunStatus.RUNNING
        return {
            "started_at": started,
            "completed_at": read.time("completed_at"),
            "status": RunStatus.INTERRUPTED if status == RunStatus.RUNNING else status,
            "script_name": read.text("script_name"),
            "platform": read.text("platform") or "linkedin",
            "posts_fetched": read.number("posts_fetched") or 0,
            "posts_new": read.number("posts_new") or 0,
            "posts_updated": read.number("posts_updated") or 0,
            "error_message": read.text("error_message"),
            "system_info": read.text("system_info"),
            "created_at": read.time("created_at") or started,
        }

    _adopt(writer, old, schema.download_runs, values)


def adopt_tags(writer: Writer, old: OldTable) -> None:
    def values(read: Reader) -> Values:
        return {
            "name": read.text("name") or "",
            "description": read.text("description"),
            "color": read.text("color") or "cyan",
            "created_at": read.time("created_at") or writer.now,
        }

    _adopt(writer, old, schema.tags, values)


def adopt_actions(writer: Writer, old: OldTable) -> None:
    """The to-do list; an action of a post that is not there keeps standing without it."""

    def values(read: Reader) -> Values:
        stated = read.text("status") or "queued"
        created = read.time("created_at") or writer.now
        return {
            "post_id": read.text("post_id"),
            "action_type": read.text("action_type") or "",
            "action_params": read.text("action_params"),
            "status": _ACTION_STATES.get(stated, stated),
            "priority": read.signed("priority") or 0,
            "scheduled_for": read.time("scheduled_for"),
            "executed_at": read.time("executed_at"),
            "user_notes": read.text("user_notes"),
            "system_notes": read.text("system_notes"),
            "created_at": created,
            "updated_at": read.time("updated_at") or created,
        }

    _adopt(writer, old, schema.action_queue, values, parents={"post_id": "posts"}, optional={"post_id"})


def adopt_post_tags(writer: Writer, old: OldTable) -> None:
    def values(read: Reader) -> Values:
        return {
            "post_id": read.text("post_id"),
            "tag_id": read.text("tag_id"),
            "confidence": read.fraction("confidence"),
            "applied_by": read.text("applied_by") or "ai",
            "system_notes": read.text("system_notes"),
            "created_at": read.time("created_at") or writer.now,
        }

    parents = {"post_id": "posts", "tag_id": "tags"}
    _adopt(writer, old, schema.post_tags, values, parents=parents, unique=("post_id", "tag_id"))


def adopt_profile_tags(writer: Writer, old: OldTable) -> None:
    def values(read: Reader) -> Values:
        return {
            "profile_id": read.text("profile_id"),
            "tag_id": read.text("tag_id"),
            "created_at": read.time("created_at") or writer.now,
        }

    parents = {"profile_id": "profiles", "tag_id": "tags"}
    _adopt(writer, old, schema.profile_tags, values, parents=parents, unique=("profile_id", "tag_id"))


# --- profiles ---------------------------------------------------------------------------------------------


def adopt_profiles(writer: Writer, old: OldTable, staging: Staging) -> None:
    """Profiles with the kind that records show, else a person's; the names they had stay known."""
    changed: set[str] = set()
    alike = _Alike()
    for page in old.pages(writer.tx, PAGE):
        names = {each["profile_id"]: public_name(each) for each in page}
        kinds = staging.kinds({fold(name) for name in names.values() if name})
        # The predecessor's names were unique as they were written; only in plain spelling two may be one.
        plain = [name for each in page if (name := names[each["profile_id"]]) and name != each["username"]]
        taken = {each["username"] for each in old.among(writer.tx, "username", plain)}
        rows, spans = [], []
        for each in page:
            read = Reader(old.name, each["profile_id"], each, writer.findings)
            profile_id = writer.id_for(old.name, each["profile_id"])
            written, name, platform = read.text("username"), names[each["profile_id"]], platform_of(each)
            kind = _kind(platform, kinds.get(fold(name or ""), set()))
            if name is not None and name != written:
                if name in taken or name in changed:
                    why = f"{name!r} is another profile's name already; this one keeps it as {written!r}"
                    writer.findings.add(FindingKind.NAME_TAKEN, profile_id, why)
                    name = written
                else:
                    changed.add(name)
            created = read.time("created_at") or writer.now
            updated = read.time("updated_at") or created
            shown = read.text("name") or name or ""
            called = [(what, text, created, updated) for what, text in _names(name, written, shown)]
            first = alike.first(platform, kind, name, profile_id)
            if first != profile_id:
                alike.add(writer, read, first, called)
                continue
            rows.append(
                (
                    profile_id,
                    name,
                    shown,
                    platform,
                    kind,
                    _flag(read.flag("is_active")),
                    read.text("notes"),
                    read.number("post_count") or 0,
                    read.time("last_synced_at"),
                    updated,
                    created,
                    updated,
                )
            )
            spans += [(profile_id, *each) for each in called]
            _end(writer, read, profile_id, schema.profiles)
        writer.insert(schema.profiles, _PROFILE_COLUMNS, rows)
        writer.insert(
            schema.profile_names, ("profile_id", "kind", "value", "first_seen_at", "last_seen_at"), spans
        )
        writer.flush()
    alike.write(writer)


class _Alike:
    """Profiles whose names differ by case only: the predecessor took them for several, and each is one."""

    def __init__(self) -> None:
        self._first: dict[tuple[str, str, str], str] = {}
        self._active: set[str] = set()
        self._notes: dict[str, list[str]] = {}
        self._spans: list[tuple[Any, ...]] = []

    def first(self, platform: str, kind: str, name: str | None, profile_id: str) -> str:
        """The profile that this one is: itself, unless another one of its name came before."""
        return profile_id if name is None else self._first.setdefault((platform, kind, fold(name)), profile_id)

    def add(self, writer: Writer, read: Reader, first: str, called: Iterable[tuple[Any, ...]]) -> None:
        """Let another row of the same profile go into the first; what that has no place for is kept as JSON."""
        if _flag(read.flag("is_active")):
            self._active.add(first)
        if notes := read.text("notes"):
            self._notes.setdefault(first, []).append(notes)
        self._spans += [(first, *each) for each in called]
        writer.renamed(read.table, read.subject, first)
        writer.keep_values(
            read.table, read.subject, {name: each for name, each in read.values.items() if each is not None}
        )
        writer.tallies[read.table].merged += 1

    def write(self, writer: Writer) -> None:
        """Bring the profiles that were several up to what any of them was."""
        found = people.by_id(writer.tx, {*self._active, *self._notes})
        changed = [
            replace(
                each,
                active=each.active or profile_id in self._active,
                notes="\n".join(dict.fromkeys([*filter(None, [each.notes]), *self._notes.get(profile_id, ())]))
                or None,
            )
            for profile_id, each in found.items()
        ]
        for before, after in zip(found.values(), changed, strict=True):
            if before.notes and before.notes != after.notes:
                writer.keep_values("profiles", before.profile_id, {"notes": before.notes})
        people.edit(writer.tx, changed, writer.now)
        bulk.insert(
            writer.tx,
            schema.profile_names,
            ("profile_id", "kind", "value", "first_seen_at", "last_seen_at"),
            self._spans,
            on_conflict="DO NOTHING",
        )
        writer.flush()


_PROFILE_COLUMNS = (
    "profile_id",
    "username",
    "name",
    "platform",
    "kind",
    "is_active",
    "notes",
    "post_count",
    "last_synced_at",
    "observed_at",
    "created_at",
    "updated_at",
)


def public_name(row: OldRow) -> str | None:
    """The username as records show it: LinkedIn's percent-decoded and composed."""
    name = str(row["username"]).strip() if row.get("username") is not None else ""
    if platform_of(row) == "linkedin":
        name = normalize("NFC", unquote(name, errors="replace"))
    return name or None


def _kind(platform: str, seen: Collection[str]) -> str:
    if platform in _CREATORS:
        return ProfileKind.CREATOR
    return ProfileKind.COMPANY if ProfileKind.COMPANY in seen and len(seen) == 1 else ProfileKind.PERSON


def _names(name: str | None, written: str | None, shown: str) -> Iterable[tuple[str, str]]:
    for text in dict.fromkeys((name, written)):
        if text:
            yield "username", text
    if shown:
        yield "name", shown


def _flag(stated: bool | None) -> bool:
    return stated is None or stated


# --- all of them ------------------------------------------------------------------------------------------


def _adopt(
    writer: Writer,
    old: OldTable,
    table: Table,
    values: Callable[[Reader], Values],
    *,
    parents: Mapping[str, str] = {},
    optional: Collection[str] = (),
    unique: tuple[str, ...] = (),
) -> None:
    """Copy a table page by page: `values` reads a row; what refers to `parents` follows their ids.

    Rows that have become equal in `unique` are one; a row without its parent is set aside, or, where that is
    `optional`, goes on without.
    """
    for page in old.pages(writer.tx, PAGE):
        readers = [Reader(old.name, str(each[old.key]), each, writer.findings) for each in page]
        made = [(read, values(read)) for read in readers]
        _follow(writer, made, parents)
        there = {
            column: writer.existing(parent, (row[column] for _, row in made)) for column, parent in parents.items()
        }
        kept: list[tuple[str, str, Values]] = []
        for read, row in made:
            orphaned = [
                column for column in parents if row[column] is not None and row[column] not in there[column]
            ]
            if any(row[column] is None or column in orphaned for column in parents if column not in optional):
                why = f"it names {', '.join(parents)} that are not there; the row is kept as JSON"
                writer.set_aside(old.name, read.subject, read.values, FindingKind.DANGLING, why)
                continue
            for column in orphaned:
                read.left[column] = row[column]
                row[column] = None
                writer.findings.add(FindingKind.DANGLING, read.subject, f"its {column} names nothing there is")
            new_id = writer.id_for(old.name, read.subject)
            kept.append((new_id, read.subject, row))
            _end(writer, read, new_id, table)
        _write(writer, old, table, kept, unique)
        writer.flush()


def _follow(writer: Writer, made: list[tuple[Reader, Values]], parents: Mapping[str, str]) -> None:
    changed = writer.current(row[column] for column in parents for _, row in made)
    for column in parents:
        for _, row in made:
            row[column] = changed.get(row[column], row[column])


def _write(
    writer: Writer, old: OldTable, table: Table, kept: list[tuple[str, str, Values]], unique: tuple[str, ...]
) -> None:
    if not kept:
        return
    first = _known(writer, table, old.key, unique, [row for *_, row in kept]) if unique else {}
    fresh = []
    for new_id, old_id, row in kept:
        key = tuple(row[name] for name in unique)
        if unique and (before := first.setdefault(key, new_id)) != new_id:
            writer.renamed(old.name, old_id, before)
            writer.keep_values(old.name, old_id, row)
            writer.tallies[old.name].kept -= 1
            writer.tallies[old.name].merged += 1
        else:
            fresh.append((new_id, *row.values()))
    writer.insert(table, (old.key, *kept[0][2]), fresh)


def _known(
    writer: Writer, table: Table, key: str, unique: tuple[str, ...], rows: list[Values]
) -> dict[tuple[Any, ...], str]:
    """Rows written with an earlier page that these may be equal to."""
    column = unique[0]
    selected = [table.c[key], *(table.c[name] for name in unique)]
    found = writer.tx.execute(
        table.select().with_only_columns(*selected).where(table.c[column].in_({row[column] for row in rows}))
    )
    return {tuple(values): row_id for row_id, *values in found}


def _end(writer: Writer, read: Reader, new_id: str, table: Table) -> None:
    """Count a row that is kept, and note its id and what it says beyond its columns."""
    read.extras(table)
    writer.renamed(read.table, read.subject, new_id)
    writer.keep_values(read.table, new_id, read.left)
    tally = writer.tallies[read.table]
    tally.kept += 1
    tally.renamed += new_id != read.subject
