"""What Alembic runs for a migration: in the transaction that ``ledger/migrate.py`` has begun."""

from alembic import context

context.configure(connection=context.config.attributes["connection"])
context.run_migrations()
