"""Runs migrations over one connection; called by alembic."""

from alembic import context
from sqlalchemy import create_engine, pool, text

from include.warehouse.connection import connection_parameters, sqlalchemy_url

engine = create_engine(
    sqlalchemy_url(context.config.attributes["warehouse_url"]),
    poolclass=pool.NullPool,
    # a migration may rewrite a table of years
    connect_args=connection_parameters("migrate", statement_timeout="0"),
)
with engine.connect() as connection:
    connection.execute(text("CREATE SCHEMA IF NOT EXISTS migrations"))
    connection.commit()
    context.configure(connection=connection, version_table="applied", version_table_schema="migrations")
    with context.begin_transaction():
        context.run_migrations()
engine.dispose()
