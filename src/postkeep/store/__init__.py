"""What is kept, in SQLite or PostgreSQL: one schema, one file a noun."""

from postkeep.store.engine import Store

__all__ = ["Store"]
