"""Asks a database how it answers a query and how many rows it touches for that, and says what is wrong with it."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection
from tests.store.plans_recording import Asked, Staged

from postkeep.store import Store, bulk
from postkeep.store.schema import metadata

BIG = {"sqlite": 1000, "postgresql": 20_000}
"""A table of fewer rows may be read as a whole: PostgreSQL knows when that is cheaper than a few hundred looks."""
MOST_ROWS = 40_000
"""How many rows a page may touch on PostgreSQL: fewer than there are posts; the largest pages have 5,000."""
MOST_STEPS = 300_000
"""How many steps of its machine SQLite may take: a page of 5,000 rows takes 60,000."""

_STEP = 1000
_NAMED = re.compile(
    r"\b(?:FROM|JOIN|UPDATE|INTO)\s+(\w+)(?:\s+(?:AS\s+)?(?!SET\b|WHERE\b|ON\b)(\w+))?", re.IGNORECASE
)


@dataclass(frozen=True)
class Judged:
    """How a database answers a query: what is wrong with it (empty: nothing), its plan, and what it cost."""

    faults: tuple[str, ...]
    plan: str
    cost: int


def big_tables(store: Store) -> frozenset[str]:
    """The tables that must not be read as a whole."""
    least = BIG[store.engine.dialect.name]
    with store.reading() as tx:
        counts = {
            name: bulk.execute(tx, f"SELECT count(*) FROM (SELECT 1 FROM {name} LIMIT {least}) few").scalar()
            for name in metadata.tables
        }
    return frozenset(name for name, count in counts.items() if count >= least)


def judge(store: Store, big: frozenset[str], asked: Asked) -> Judged:
    """Run a statement as it was, take it back, and look how it was answered."""
    with store.engine.connect().execution_options(begin="IMMEDIATE") as connection, connection.begin() as begun:
        try:
            way = _sqlite if store.is_sqlite else _postgresql
            return way(connection, big, asked)
        finally:
            begun.rollback()


# --- SQLite ---------------------------------------------------------------------------------------------


def _sqlite(tx: Connection, big: frozenset[str], asked: Asked) -> Judged:
    statement, parameters = asked.statement, asked.parameters
    lines = [row[3] for row in tx.exec_driver_sql(f"EXPLAIN QUERY PLAN {statement}", parameters).all()]
    names = _names(statement)
    # A subquery that is run by itself may be called as a table is elsewhere.
    for line in lines:
        if line.startswith(("CO-ROUTINE ", "MATERIALIZE ")):
            names.pop(line.split()[1], None)
    steps = _steps(tx, statement, parameters)
    faults = [line for line in lines if _reads_all(line, names, big)]
    if steps > MOST_STEPS:
        faults.append(f"{steps} steps")
    return Judged(tuple(faults), "\n".join(lines), steps)


def _names(statement: str) -> dict[str, set[str]]:
    """What tables the names in a plan may mean."""
    names = defaultdict(set)
    for table, alias in _NAMED.findall(statement):
        names[table].add(table)
        if alias:
            names[alias].add(table)
    return names


def _reads_all(line: str, names: dict[str, set[str]], big: frozenset[str]) -> bool:
    if line.startswith("BLOOM FILTER ON "):
        # Made of all rows of a table, before the first of the page is looked for.
        line = f"SCAN {line.split()[3]}"
    words = line.split()
    if len(words) < 2 or words[0] not in ("SCAN", "SEARCH") or not names.get(words[1], set()) & big:
        return False
    # Going along an index is right where a page ends it; what it costs is counted.
    return "AUTOMATIC" in words or (words[0] == "SCAN" and "USING" not in words)


def _steps(tx: Connection, statement: str, parameters: Any) -> int:
    driver: Any = tx.connection.driver_connection
    count = 0

    def step() -> None:
        nonlocal count
        count += _STEP

    driver.set_progress_handler(step, _STEP)
    try:
        result = tx.exec_driver_sql(statement, parameters)
        if result.returns_rows:
            result.all()
    finally:
        driver.set_progress_handler(None, 0)
    return count


# --- PostgreSQL -----------------------------------------------------------------------------------------


def _postgresql(tx: Connection, big: frozenset[str], asked: Asked) -> Judged:
    if asked.staged is not None:
        _stage(tx, asked.staged)
    # As on solid state disks, and on Supabase: with the price of a turning disk it would rather read 50,000 rows
    # than look for 500 of them, and change its mind when there are more.
    tx.exec_driver_sql("SET LOCAL random_page_cost = 1.1")
    explain = f"EXPLAIN (ANALYZE, TIMING OFF, FORMAT JSON) {asked.statement}"
    [top] = tx.exec_driver_sql(explain, asked.parameters).scalar_one()
    nodes = list(_nodes(top["Plan"]))
    touched = sum(_touched(node) for node in nodes)
    faults = [_told(node) for node in nodes if node["Node Type"] == "Seq Scan" and node["Relation Name"] in big]
    faults += [_told(node) for node in nodes if node["Node Type"] == "Sort" and _sorted(node) > MOST_ROWS]
    if touched > MOST_ROWS:
        faults.append(f"{touched} rows touched")
    return Judged(tuple(faults), "\n".join(map(_told, nodes)), touched)


def _stage(tx: Connection, staged: Staged) -> None:
    """Make the temporary table again that was merged."""
    name, columns = f"staged_{staged.table.name}", ", ".join(staged.columns)
    tx.exec_driver_sql(
        f"CREATE TEMPORARY TABLE {name} ON COMMIT DROP AS SELECT {columns} FROM {staged.table.name} WITH NO DATA"
    )
    driver: Any = tx.connection.driver_connection
    with driver.cursor() as cursor, cursor.copy(f"COPY {name} ({columns}) FROM STDIN") as copy:
        for row in staged.rows:
            copy.write_row(row)


def _nodes(node: dict[str, Any], depth: int = 0) -> Iterator[dict[str, Any]]:
    yield {**node, "depth": depth}
    for below in node.get("Plans", ()):
        yield from _nodes(below, depth + 1)


def _touched(node: dict[str, Any]) -> int:
    """How many rows a node read from a table, those it threw away included."""
    if "Relation Name" not in node:
        return 0
    removed = sum(value for name, value in node.items() if name.startswith("Rows Removed by"))
    return round((node["Actual Rows"] + removed) * node["Actual Loops"])


def _sorted(node: dict[str, Any]) -> int:
    [below] = node["Plans"]
    return round(below["Actual Rows"] * below["Actual Loops"])


def _told(node: dict[str, Any]) -> str:
    names = (
        "Relation Name",
        "Alias",
        "Index Name",
        "Index Cond",
        "Filter",
        "Sort Key",
        "Actual Rows",
        "Actual Loops",
    )
    known = [f"{name}={node[name]}" for name in names if name in node]
    return "  " * node["depth"] + " ".join((node["Node Type"], *known))
