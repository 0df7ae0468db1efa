"""Run by Alembic: works on the transaction that `upgrade` and `downgrade` opened."""

from alembic import context

from headrace_server.db.tables import metadata

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=metadata,
    # SQLite cannot alter a column in place: Alembic copies the table.
    render_as_batch=True,
)
with context.begin_transaction():
    context.run_migrations()
