"""The five tables the bare loop fills, as postkeep has them: same columns, same indexes, same defaults."""

from __future__ import annotations

from pathlib import Path

from sqlalchemy import create_engine
from sqlalchemy.schema import CreateIndex, CreateTable

from postkeep.store import schema

TABLES = ("posts", "data_downloads", "post_media", "work", "raw_records")


def create_tables(path: Path) -> None:
    """Make a new SQLite file with these tables; foreign keys that lead to other tables are left out."""
    engine = create_engine(f"sqlite:///{path}")
    try:
        with engine.connect() as connection:
            connection.exec_driver_sql("PRAGMA journal_mode = WAL")
        with engine.begin() as connection:
            for name in TABLES:
                table = schema.metadata.tables[name]
                keys = [key for key in table.foreign_key_constraints if key.referred_table.name in TABLES]
                connection.execute(CreateTable(table, include_foreign_key_constraints=keys))
                for index in sorted(table.indexes, key=lambda each: str(each.name)):
                    connection.execute(CreateIndex(index))
    finally:
        engine.dispose()
