"""Where Alembic finds the open connection and the tables; run by `countermand.ledger.upgrade`."""

from alembic import context

from countermand.ledger.schema import metadata

connection = context.config.attributes["connection"]
context.configure(
    connection=connection, target_metadata=metadata, render_as_batch=True, transaction_per_migration=False
)
with context.begin_transaction():
    context.run_migrations()
