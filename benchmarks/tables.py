"""The five tables the bare loop fills, as postkeep has them: same columns, same indexes, same defaults."""

from __future__ import annotations

from sqlalchemy import create_engine, make_url
from sqlalchemy.schema import CreateIndex, CreateTable

from postkeep.store import schema

TABLES = ("posts", "data_downloads", "post_media", "work", "raw_records")


def create_tables(url: str) -> None:
    """Make these tables in a new database; foreign keys that lead to other tables are left out."""
    where = make_url(url)
    if where.get_backend_name() == "postgresql":
        where = where.set(drivername="postgresql+psycopg")
    engine = create_engine(where)
    try:
        if engine.dialect.name == "sqlite":
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
