"""Runs migrations over one connection, then defines the views of PnL; called by alembic."""

from pathlib import Path

from alembic import context
from sqlalchemy import create_engine, pool, text

from include.warehouse.connection import connection_parameters, sqlalchemy_url
from include.warehouse.migrations.statements import run_file

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
        before = context.get_context().get_current_heads()
        if before != context.get_head_revisions():
            run_file(connection, Path(__file__).with_name("validation_views.sql"))
        context.run_migrations()
        after = context.get_context().get_current_heads()
        if after != before and after == context.get_head_revisions():
            run_file(connection, Path(__file__).with_name("pnl_views.sql"))
engine.dispose()
