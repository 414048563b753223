"""What a database is made of, spelled so that the one we want and the one we have can be compared as text."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from typing import Any

from sqlalchemy import CheckConstraint, Column, Connection, Dialect, ForeignKeyConstraint, Index, Table
from sqlalchemy import UniqueConstraint as Unique
from sqlalchemy.schema import CreateColumn

from postkeep.store.schema import metadata
from postkeep.store.schema.base import Folded

Shape = dict[str, dict[str, str]]
"""Table -> what of it (`column url`, `primary key`, `index idx_posts_urn` ...) -> how it is."""

ROWLESS = "storage"
"""What a WITHOUT ROWID table has beside its columns."""


def wanted(dialect: Dialect) -> Shape:
    """The shape our tables have on this kind of database."""
    return {table.name: _wanted_table(table, dialect) for table in metadata.tables.values()}


def found(tx: Connection) -> Shape:
    """The shape of the database itself, without tables of SQLite and of Alembic."""
    shape = _of_sqlite(tx) if tx.dialect.name == "sqlite" else _of_postgresql(tx)
    shape.pop("alembic_version", None)
    return shape


# --- one spelling ---------------------------------------------------------------------------------------

_QUOTED = re.compile(r"('(?:[^']|'')*')")
_CAST = re.compile(r"::(?:character varying|timestamp with(?:out)? time zone|double precision|\w+)(?:\[\])?")
_ANY = re.compile(r"= any \(array\[(.*?)\]\)", re.DOTALL)
_NONE = re.compile(r"<> all \(array\[(.*?)\]\)", re.DOTALL)
_AND = " and "
_TYPES = {"float": "double precision", "int4": "integer", "int8": "bigint", "bool": "boolean"}


def plain(expression: str) -> str:
    """An SQL expression without what a database adds or drops when it keeps one: casts, outer parentheses and
    those of conditions joined by AND, the case of keywords, blanks, `= ANY (ARRAY[...])` for IN and
    `<> ALL (ARRAY[...])` for NOT IN."""
    parts = _QUOTED.split(expression)
    for i in range(0, len(parts), 2):
        part = _CAST.sub("", parts[i]).casefold()
        part = re.sub(r"\s+", " ", part)
        parts[i] = re.sub(r"\s*,\s*", ", ", part)
    text = _unwrapped("".join(parts).strip())
    text = _unwrapped(_NONE.sub(r"not in (\1)", _ANY.sub(r"in (\1)", text)))
    text = _AND.join(_conditions(text))
    number = re.fullmatch(r"'(-?\d+)'", text)
    return number.group(1) if number else text


def _unwrapped(text: str) -> str:
    while text.startswith("(") and _closing(text, 0) == len(text) - 1:
        text = text[1:-1].strip()
    return text


def _conditions(text: str) -> Iterator[str]:
    """What AND joins at the top level; one that holds an OR keeps its parentheses, which mean something there."""
    start = 0
    for end in (*_places(text, _AND), len(text)):
        condition = text[start:end]
        yield condition if " or " in condition else _unwrapped(condition)
        start = end + len(_AND)


def _places(text: str, word: str) -> Iterator[int]:
    """Where a word stands outside quotes and parentheses."""
    depth, quoted = 0, False
    for at, letter in enumerate(text):
        if letter == "'":
            quoted = not quoted
        elif not quoted:
            depth += (letter == "(") - (letter == ")")
            if depth == 0 and text.startswith(word, at):
                yield at


def _closing(text: str, opening: int) -> int:
    """Where the parenthesis at `opening` closes; the end of the text when it does not."""
    depth = 0
    quoted = False
    for i in range(opening, len(text)):
        if text[i] == "'":
            quoted = not quoted
        elif not quoted:
            depth += (text[i] == "(") - (text[i] == ")")
            if depth == 0:
                return i
    return len(text)


def _listed(names: Iterable[str]) -> str:
    return f"({', '.join(names)})"


def _column(type_: str, *, required: bool, default: str | None) -> str:
    kind = _TYPES.get(type_.casefold(), type_.casefold())
    return kind + (" not null" if required else "") + (f" default {plain(default)}" if default else "")


def _index(expressions: Iterable[str], *, unique: bool, where: str | None) -> str:
    return ("unique " if unique else "") + _listed(expressions) + (f" where {plain(where)}" if where else "")


def _foreign_key(facts: dict[str, str], columns: Iterable[str], target: str, on_delete: str | None) -> None:
    facts[f"foreign key {_listed(columns)}"] = f"to {target} on delete {(on_delete or 'NO ACTION').casefold()}"


# --- the one we want ------------------------------------------------------------------------------------


def _wanted_table(table: Table, dialect: Dialect) -> dict[str, str]:
    facts = {f"column {column.name}": _wanted_column(column, dialect) for column in table.columns}
    facts["primary key"] = _listed(column.name for column in table.primary_key.columns)
    for constraint in table.constraints:
        if isinstance(constraint, Unique):
            facts[f"unique {_listed(column.name for column in constraint.columns)}"] = "unique"
        elif isinstance(constraint, ForeignKeyConstraint):
            target = constraint.referred_table.name + _listed(each.column.name for each in constraint.elements)
            _foreign_key(facts, constraint.column_keys, target, constraint.ondelete)
        elif isinstance(constraint, CheckConstraint):
            facts[f"check {constraint.name!s}"] = plain(str(constraint.sqltext))
    for index in table.indexes:
        facts[f"index {index.name}"] = _wanted_index(index, dialect)
    if dialect.name == "sqlite":
        if table.dialect_options["sqlite"]["with_rowid"] is False:
            facts[ROWLESS] = "without rowid"
    else:
        _comments(facts, table.comment, {column.name: column.comment for column in table.columns})
    return facts


def _wanted_column(column: Column[Any], dialect: Dialect) -> str:
    # The compiler of DDL is the only one who knows a default's spelling; a column alone is all it needs.
    compiler: Any = CreateColumn(column).compile(dialect=dialect)
    return _column(
        column.type.compile(dialect=dialect),
        required=not column.nullable,
        default=compiler.get_column_default_string(column),
    )


def _wanted_index(index: Index, dialect: Dialect) -> str:
    where = index.dialect_options[dialect.name]["where"]
    names = [
        str(each.compile(dialect=dialect))
        if isinstance(each, Folded)
        else getattr(each, "name", None) or str(each)
        for each in index.expressions
    ]
    return _index(
        (_direction(name) for name in names),
        unique=bool(index.unique),
        where=None if where is None else str(where),
    )


def _direction(name: str) -> str:
    return re.sub(r"\s+DESC$", " desc", name, flags=re.IGNORECASE)


def _comments(facts: dict[str, str], of_table: str | None, of_columns: dict[str, str | None]) -> None:
    if of_table:
        facts["comment"] = of_table
    facts.update({f"comment on {name}": text for name, text in of_columns.items() if text})


# --- the one we have: SQLite ----------------------------------------------------------------------------


def _of_sqlite(tx: Connection) -> Shape:
    tables = tx.exec_driver_sql(
        "SELECT name, sql FROM sqlite_master WHERE type = 'table' AND substr(name, 1, 7) <> 'sqlite_'"
    ).all()
    return {name: _sqlite_table(tx, name, sql) for name, sql in tables}


def _sqlite_table(tx: Connection, name: str, sql: str) -> dict[str, str]:
    columns = tx.exec_driver_sql(
        'SELECT name, type, "notnull", dflt_value, pk FROM pragma_table_info(?)', (name,)
    ).all()
    facts = {
        f"column {column}": _column(type_, required=bool(required), default=default)
        for column, type_, required, default, _key in columns
    }
    keys = sorted((column[4], column[0]) for column in columns if column[4])
    facts["primary key"] = _listed(key for _place, key in keys)
    _sqlite_indexes(tx, name, facts)
    targets: dict[int, tuple[list[str], str, list[str], str]] = {}
    for number, target, source, to, on_delete in tx.exec_driver_sql(
        'SELECT id, "table", "from", "to", on_delete FROM pragma_foreign_key_list(?) ORDER BY id, seq', (name,)
    ):
        sources, _, tos, _ = targets.setdefault(number, ([], target, [], on_delete))
        sources.append(source)
        tos.append(to or "its key")
    for sources, target, tos, on_delete in targets.values():
        _foreign_key(facts, sources, target + _listed(tos), on_delete)
    for check in re.finditer(r"(?:CONSTRAINT\s+\"?(\w+)\"?\s+)?CHECK\s*\(", sql, re.IGNORECASE):
        opening = check.end() - 1
        text = sql[opening : _closing(sql, opening) + 1]
        facts[f"check {check.group(1) or 'without a name'}"] = plain(text)
    if re.search(r"\bWITHOUT\s+ROWID\b", sql[sql.rindex(")") :], re.IGNORECASE):
        facts[ROWLESS] = "without rowid"
    return facts


def _sqlite_indexes(tx: Connection, table: str, facts: dict[str, str]) -> None:
    for index, unique, origin, sql in tx.exec_driver_sql(
        'SELECT l.name, l."unique", l.origin, m.sql FROM pragma_index_list(?) l'
        " LEFT JOIN sqlite_master m ON m.type = 'index' AND m.name = l.name",
        (table,),
    ).all():
        if origin == "pk":
            continue
        columns = tx.exec_driver_sql(
            'SELECT name, "desc" FROM pragma_index_xinfo(?) WHERE key ORDER BY seqno', (index,)
        ).all()
        expressions = _expressions(sql) if sql else []
        names = [(name or expressions[at]) + (" desc" if down else "") for at, (name, down) in enumerate(columns)]
        if origin == "u":
            facts[f"unique {_listed(names)}"] = "unique"
        else:
            where = re.split(r"\)\s*WHERE\s", sql, maxsplit=1, flags=re.IGNORECASE)[1:]
            facts[f"index {index}"] = _index(names, unique=bool(unique), where=where[0] if where else None)


def _expressions(sql: str) -> list[str]:
    """What an index is over, as the statement says that made it."""
    opening = sql.index("(")
    over = sql[opening + 1 : _closing(sql, opening)]
    ends = [*_places(over, ","), len(over)]
    return [over[start:end].strip(" ,") for start, end in zip([0, *ends], ends, strict=False)]


# --- the one we have: PostgreSQL ------------------------------------------------------------------------

_PG_TABLES = """
    SELECT c.oid, c.relname, obj_description(c.oid, 'pg_class') FROM pg_class c
    JOIN pg_namespace n ON n.oid = c.relnamespace
    WHERE n.nspname = current_schema() AND c.relkind IN ('r', 'p')"""

_PG_COLUMNS = """
    SELECT a.attrelid, a.attname, format_type(a.atttypid, a.atttypmod), a.attnotnull,
        pg_get_expr(d.adbin, d.adrelid), col_description(a.attrelid, a.attnum)
    FROM pg_attribute a LEFT JOIN pg_attrdef d ON d.adrelid = a.attrelid AND d.adnum = a.attnum
    WHERE a.attrelid = ANY (%s) AND a.attnum > 0 AND NOT a.attisdropped ORDER BY a.attrelid, a.attnum"""

_PG_CONSTRAINTS = """
    SELECT k.conrelid, k.conname, k.contype::text,
        ARRAY(SELECT a.attname::text FROM unnest(k.conkey) WITH ORDINALITY u(n, i)
            JOIN pg_attribute a ON a.attrelid = k.conrelid AND a.attnum = u.n ORDER BY i),
        f.relname,
        ARRAY(SELECT a.attname::text FROM unnest(k.confkey) WITH ORDINALITY u(n, i)
            JOIN pg_attribute a ON a.attrelid = k.confrelid AND a.attnum = u.n ORDER BY i),
        k.confdeltype::text, pg_get_expr(k.conbin, k.conrelid), k.convalidated
    FROM pg_constraint k LEFT JOIN pg_class f ON f.oid = k.confrelid
    WHERE k.conrelid = ANY (%s) AND k.contype IN ('p', 'u', 'f', 'c')"""

_PG_INDEXES = """
    SELECT i.indrelid, c.relname, i.indisunique, i.indisvalid, pg_get_expr(i.indpred, i.indrelid),
        ARRAY(SELECT pg_get_indexdef(i.indexrelid, n, true)
            || CASE WHEN i.indoption[n - 1] & 1 = 1 THEN ' desc' ELSE '' END
            FROM generate_series(1, i.indnkeyatts::int) n ORDER BY n)
    FROM pg_index i JOIN pg_class c ON c.oid = i.indexrelid
    WHERE i.indrelid = ANY (%s) AND NOT EXISTS (
        SELECT 1 FROM pg_constraint k WHERE k.conindid = i.indexrelid AND k.contype IN ('p', 'u', 'x'))"""

_PG_ON_DELETE = {"a": "no action", "r": "restrict", "c": "cascade", "n": "set null", "d": "set default"}


def _of_postgresql(tx: Connection) -> Shape:
    tables = tx.exec_driver_sql(_PG_TABLES).all()
    names = {oid: name for oid, name, _comment in tables}
    oids = (list(names),)
    shape: Shape = {name: {"primary key": "()"} for name in names.values()}
    comments: dict[str, dict[str, str | None]] = {name: {} for name in shape}
    for oid, name, type_, required, default, comment in tx.exec_driver_sql(_PG_COLUMNS, oids):
        shape[names[oid]][f"column {name}"] = _column(type_, required=required, default=default)
        comments[names[oid]][name] = comment
    for oid, name, kind, key, target, target_key, on_delete, text, valid in tx.exec_driver_sql(
        _PG_CONSTRAINTS, oids
    ):
        facts = shape[names[oid]]
        if kind == "p":
            facts["primary key"] = _listed(key)
        elif kind == "u":
            facts[f"unique {_listed(key)}"] = "unique"
        elif kind == "f":
            how = _PG_ON_DELETE[on_delete] + ("" if valid else " (not validated)")
            _foreign_key(facts, key, target + _listed(target_key), how)
        else:
            facts[f"check {name}"] = plain(text) + ("" if valid else " (not validated)")
    for oid, name, unique, valid, where, columns in tx.exec_driver_sql(_PG_INDEXES, oids):
        spelled = _index(columns, unique=unique, where=where)
        shape[names[oid]][f"index {name}"] = spelled + ("" if valid else " (not valid)")
    for _oid, name, comment in tables:
        _comments(shape[name], comment, comments[name])
    return shape
