"""Runs revisions on the connection that store/migrate.py hands over, inside its transaction.

One transaction around all revisions: an upgrade that fails half-way has changed nothing.
"""

from alembic import context

context.configure(connection=context.config.attributes["connection"], transactional_ddl=True)
with context.begin_transaction():
    context.run_migrations()
