"""Says exactly where a database differs from what it should be: its tables, and rows that contradict others."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from sqlalchemy import Connection

from postkeep.store import access, migrate, shapes, sqlviews
from postkeep.store.engine import Store
from postkeep.store.schema import metadata

SHOWN_IDS = 10
"""How many ids a RowFault names."""

_TOLD_EACH = 3


@dataclass(frozen=True, slots=True)
class Difference:
    """One thing about one table; `expected` or `found` is None where there should be, or is, no such thing."""

    table: str
    what: str
    expected: str | None
    found: str | None

    @property
    def sentence(self) -> str:
        """What is wrong, without the table and without both sides."""
        if self.found is None:
            return f"{self.what} is missing"
        return f"{self.what} should not be there" if self.expected is None else f"{self.what} differs"

    def __str__(self) -> str:
        sides = (("expected", self.expected), ("found", self.found))
        told = "; ".join(f"{word}: {text}" for word, text in sides if text is not None)
        return f"{self.table}: {self.sentence} ({told})"


@dataclass(frozen=True, slots=True)
class RowFault:
    """Rows that contradict others: how many, and the first of their ids in order."""

    check: str
    sentence: str
    count: int
    ids: tuple[str, ...]

    def __str__(self) -> str:
        more = f" and {self.count - len(self.ids)} more" if self.count > len(self.ids) else ""
        return f"{self.sentence}: {', '.join(self.ids)}{more}"


# --- the tables -----------------------------------------------------------------------------------------


def verify_schema(store: Store) -> list[Difference]:
    """Compare the live tables, views, rights and the recorded revision with those this program is made for.

    Empty when equal. Changes nothing. Differences come by table; those of a missing table are one. Nobody's
    business are on PostgreSQL, which may be shared, tables of others and comments the schema does not ask for,
    and nowhere a table that was its owner's own before his database became ours.
    """
    with store.reading() as tx:
        wanted, found = shapes.wanted(tx.dialect), shapes.found(tx)
        for table in _tables_of_others(tx, wanted, found):
            found.pop(table, None)
        more = list(_of_what_stands_on_tables(tx))
    differences = [*_of_tables(wanted, found), *more]
    recorded = migrate.revision(store)
    if recorded != migrate.HEAD:
        differences.append(Difference("alembic_version", "revision", migrate.HEAD, recorded))
    return differences


def _tables_of_others(tx: Connection, wanted: shapes.Shape, found: shapes.Shape) -> list[str]:
    if tx.dialect.name != "sqlite":
        # A table that has the name of one of our views is in its place.
        return sorted(found.keys() - wanted.keys() - set(sqlviews.VIEWS))
    if "adoption_findings" not in found:
        return []
    query = "SELECT subject FROM adoption_findings WHERE kind = 'foreign_table'"
    return list(tx.exec_driver_sql(query).scalars())


def _of_tables(wanted: shapes.Shape, found: shapes.Shape) -> Iterator[Difference]:
    for table in sorted(wanted.keys() | found.keys()):
        if table not in found:
            yield Difference(table, "table", "a table", None)
        elif table not in wanted:
            yield Difference(table, "table", None, "a table")
        else:
            yield from _of_table(table, wanted[table], found[table])


def _of_table(table: str, wanted: dict[str, str], found: dict[str, str]) -> Iterator[Difference]:
    for what in sorted(wanted.keys() | found.keys()):
        expected, actual = wanted.get(what), found.get(what)
        if expected != actual and not (expected is None and what.startswith("comment")):
            yield Difference(table, what, expected, actual)


def _of_what_stands_on_tables(tx: Connection) -> Iterator[Difference]:
    """Views and rights, whose spelling is the server's: it is asked for by making them and taking them back."""
    asked = "SELECT current_setting('transaction_read_only')"
    if tx.dialect.name == "postgresql" and tx.exec_driver_sql(asked).scalar() == "on":
        # Not compared is not equal.
        yield Difference("views and rights", "definition", "compared", "a database that takes no writes")
        return
    yield from _of_views(sqlviews.wanted(tx), sqlviews.found(tx))
    yield from _of_access(access.wanted(tx), access.found(tx))


def _of_views(wanted: shapes.Shape, found: shapes.Shape) -> Iterator[Difference]:
    for view in sorted(wanted):
        if view in found:
            yield from _of_table(view, wanted[view], found[view])
        else:
            yield Difference(view, "view", "a view", None)


def _of_access(wanted: shapes.Shape, found: shapes.Shape) -> Iterator[Difference]:
    """What is not there at all is told of the tables and views themselves."""
    if wanted and access.untouched(found):
        if tables := access.open_tables(found):
            where = "every table" if len(tables) == len(access.TABLES) else _of_many(tables)
            yield Difference(where, "row level security", "on; `postkeep db upgrade` sets it", None)
        else:
            yield Difference("every table", "policy of postkeep", "`postkeep db upgrade` sets it", None)
        for name, policy, how in access.policies_of_others(found):
            yield Difference(name, policy, None, how)
        return
    names = sorted(wanted.keys() & found.keys())
    yield from _once([each for name in names for each in _of_table(name, wanted[name], found[name])])


def _once(differences: Sequence[Difference]) -> Iterator[Difference]:
    """The same of many tables told as one; the others as they are."""
    alike: defaultdict[tuple[str, str | None, str | None], list[Difference]] = defaultdict(list)
    for each in differences:
        alike[each.what, each.expected, each.found].append(each)
    for same in alike.values():
        if len(same) <= _TOLD_EACH:
            yield from same
        else:
            yield replace(same[0], table=_of_many([each.table for each in same]))


def _of_many(names: Sequence[str]) -> str:
    """Several tables in few words."""
    if len(names) <= _TOLD_EACH:
        return ", ".join(names)
    return f"{', '.join(names[:_TOLD_EACH])} and {len(names) - _TOLD_EACH} more"


# --- what is not ours ------------------------------------------------------------------------------------


def of_others(tx: Connection) -> list[str]:
    """The tables and views beside ours, by name; on PostgreSQL without those of extensions."""
    listed = _SQLITE_RELATIONS if tx.dialect.name == "sqlite" else _PG_RELATIONS
    ours = {*metadata.tables, *sqlviews.VIEWS, "alembic_version"}
    return sorted(name for name in tx.exec_driver_sql(listed).scalars() if name not in ours)


def is_empty(store: Store) -> bool:
    """Whether nothing of ours was ever made here, nor, in a SQLite file, anything else."""
    if migrate.revision(store) is not None:
        return False
    with store.reading() as tx:
        tables = shapes.found(tx).keys()
    return not (tables if store.is_sqlite else tables & metadata.tables.keys())


_SQLITE_RELATIONS = """
    SELECT name FROM sqlite_master WHERE type IN ('table', 'view') AND substr(name, 1, 7) <> 'sqlite_'"""

_PG_RELATIONS = """
    SELECT c.relname FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
    WHERE n.nspname = current_schema() AND c.relkind IN ('r', 'p', 'v', 'm', 'f') AND NOT EXISTS (
        SELECT 1 FROM pg_depend d WHERE d.classid = 'pg_class'::regclass AND d.objid = c.oid
            AND d.deptype = 'e')"""


# --- the rows -------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _RowCheck:
    """A query for the ids (column `id`) of rows for which `sentence` is true; it runs on both databases."""

    name: str
    sentence: str
    sql: str


def _text_differs(*columns: str) -> str:
    return " OR ".join(f"COALESCE(m.{name}, '') <> COALESCE(f.{name}, '')" for name in columns)


def _number_differs(*columns: str) -> str:
    return " OR ".join(f"COALESCE(m.{name}, -1) <> COALESCE(f.{name}, -1)" for name in columns)


_FACTS_DIFFER = (
    _text_differs("local_file_path", "md5_sum", "mime_type", "archive_url")
    + " OR "
    + _number_differs("file_size", "width", "height")
)


def _place_checks(table: str) -> tuple[_RowCheck, ...]:
    """What must hold for every place of media, in posts and in profiles."""
    return (
        _RowCheck(
            f"{table}-facts",
            f"{table}: path, MD5, size, type, dimensions or archive URL differ from those of the file",
            f"SELECT m.media_id AS id FROM {table} m JOIN media_files f ON f.file_id = m.file_id"  # noqa: S608
            f" WHERE {_FACTS_DIFFER}",
        ),
        _RowCheck(
            f"{table}-fetched-without-file",
            f"{table}: said to be fetched, but no file is known",
            f"SELECT media_id AS id FROM {table} WHERE download_state = 'fetched' AND file_id IS NULL",  # noqa: S608
        ),
        _RowCheck(
            f"{table}-file-without-fetched",
            f"{table}: has a file, but is not said to be fetched",
            f"SELECT media_id AS id FROM {table}"  # noqa: S608
            " WHERE file_id IS NOT NULL AND download_state <> 'fetched'",
        ),
    )


_ROW_CHECKS = (
    _RowCheck(
        "latest-snapshot-exists",
        "posts: the latest snapshot does not exist or is another post's",
        "SELECT p.post_id AS id FROM posts p LEFT JOIN data_downloads d ON d.download_id = p.latest_download_id"
        " WHERE p.latest_download_id IS NOT NULL AND (d.download_id IS NULL OR d.post_id <> p.post_id)",
    ),
    _RowCheck(
        "latest-snapshot-named",
        "posts: there are snapshots, but none is named as the latest",
        "SELECT p.post_id AS id FROM posts p WHERE p.latest_download_id IS NULL"
        " AND EXISTS (SELECT 1 FROM data_downloads o WHERE o.post_id = p.post_id)",
    ),
    _RowCheck(
        "latest-snapshot-is-latest",
        "posts: a snapshot was observed later than the one named as the latest",
        "SELECT p.post_id AS id FROM posts p JOIN data_downloads d ON d.download_id = p.latest_download_id"
        " WHERE EXISTS (SELECT 1 FROM data_downloads o"
        " WHERE o.post_id = p.post_id AND o.observed_at > d.observed_at)",
    ),
    *_place_checks("post_media"),
    *_place_checks("profile_media"),
    _RowCheck(
        "fetch-work-has-media",
        "work: a fetch is due for media that do not exist",
        "SELECT w.subject AS id FROM work w WHERE w.stage = 'fetch'"
        " AND NOT EXISTS (SELECT 1 FROM post_media m WHERE m.media_id = w.subject)"
        " AND NOT EXISTS (SELECT 1 FROM profile_media m WHERE m.media_id = w.subject)",
    ),
    _RowCheck(
        "snapshot-record-kept",
        "data_downloads: the raw record is not there",
        "SELECT d.download_id AS id FROM data_downloads d WHERE d.record_sha256 IS NOT NULL"
        " AND NOT EXISTS (SELECT 1 FROM raw_records r WHERE r.sha256 = d.record_sha256)",
    ),
    _RowCheck(
        "further-record-kept",
        "snapshot_records: the raw record is not there",
        "SELECT s.download_id AS id FROM snapshot_records s"
        " WHERE NOT EXISTS (SELECT 1 FROM raw_records r WHERE r.sha256 = s.record_sha256)",
    ),
    _RowCheck(
        "analysis-log-is-list",
        "post_media: the analysis log is not a JSON array",
        "SELECT media_id AS id FROM post_media WHERE {not_json_array}",
    ),
)

_SPELLED = {
    "sqlite": {
        "not_json_array": "CASE WHEN json_valid(ai_analysis_log)"
        " THEN json_type(ai_analysis_log) <> 'array' ELSE 1 END"
    },
    "postgresql": {"not_json_array": "jsonb_typeof(ai_analysis_log) <> 'array'"},
}

ROW_CHECKS = tuple((check.name, check.sentence) for check in _ROW_CHECKS)
"""Name and sentence of every check that runs on both databases."""


def verify_rows(store: Store) -> list[RowFault]:
    """Look for rows that contradict others; empty when there are none. Changes nothing; reads all of the rows.

    A SQLite file is first read page by page: when its pages are damaged, that is the only fault told, for
    nothing it then answers can be relied on. Raises StoreError when it is too damaged to be read at all.
    """
    with store.reading() as tx:
        if store.is_sqlite:
            if damaged := _damaged_pages(tx):
                return [damaged]
            faults = list(_dangling(tx))
        else:
            faults = []
        faults += [fault for check in _ROW_CHECKS if (fault := _run(tx, check))]
    return faults


def _run(tx: Connection, check: _RowCheck) -> RowFault | None:
    rows = check.sql.format(**_SPELLED[tx.dialect.name])
    found = tx.exec_driver_sql(
        f"SELECT id, count(*) OVER () FROM ({rows}) q ORDER BY id LIMIT {SHOWN_IDS}"  # noqa: S608
    ).all()
    return RowFault(check.name, check.sentence, found[0][1], tuple(row[0] for row in found)) if found else None


def _damaged_pages(tx: Connection) -> RowFault | None:
    lines = list(tx.exec_driver_sql("PRAGMA integrity_check").scalars())
    if lines == ["ok"]:
        return None
    return RowFault("pages", "the database file is damaged", len(lines), tuple(lines[:SHOWN_IDS]))


def _dangling(tx: Connection) -> Iterator[RowFault]:
    """PostgreSQL never lets a foreign key dangle; SQLite does when a writer did not switch the check on."""
    places: defaultdict[tuple[str, str], list[str]] = defaultdict(list)
    for table, row, parent, _number in tx.exec_driver_sql("PRAGMA foreign_key_check"):
        places[table, parent].append("a row" if row is None else f"row {row}")
    for (table, parent), rows in sorted(places.items()):
        sentence = f"{table}: refers to {parent} that do not exist"
        yield RowFault("foreign-keys", sentence, len(rows), tuple(rows[:SHOWN_IDS]))
