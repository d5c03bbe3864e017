"""The one place that gives Great Expectations its data: another engine is another function here."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from luigi_pipeline.errors import WarehouseError
from luigi_pipeline.warehouse import database, quoting

if TYPE_CHECKING:
    from great_expectations.core.batch_definition import BatchDefinition
    from great_expectations.data_context.data_context.ephemeral_data_context import (
        EphemeralDataContext,
    )
    from great_expectations.datasource.fluent.sql_datasource import SQLDatasource


@dataclass(frozen=True)
class WarehouseSource:
    """The warehouse as Great Expectations sees it.

    Attributes:
        sql: The data source: a connection for reading only.
    """

    sql: SQLDatasource

    def table(self, schema: str, name: str) -> BatchDefinition[Any]:
        """A whole table, as what a suite is run on; raises where there is no such table."""
        asset = self.sql.add_table_asset(f"{schema}.{name}", table_name=name, schema_name=schema)
        return asset.add_batch_definition_whole_table("whole table")

    def part(self, schema: str, name: str, condition: str, called: str) -> BatchDefinition[Any]:
        """Some rows of a table.

        Args:
            schema: The table's schema.
            name: The table.
            condition: Picks the rows, in SQL.
            called: What the part is called, in names of files.
        """
        query = f"select * from {schema}.{name} where {condition}"
        asset = self.sql.add_query_asset(f"{schema}.{name}.{called}", query=query)
        return asset.add_batch_definition_whole_table(called)

    def count(self, name: str, query: str, table: str, condition: str) -> None:
        """Make a table of what a query counts of some rows of another; it replaces the one that was made before.

        Args:
            name: What the table is called, see `counted`.
            query: Selects from `{batch}`; a brace of its own is doubled.
            table: The full name of the table that is counted.
            condition: Picks its rows, in SQL.
        """
        made = query.format(batch=f"(select * from {table} where {condition})")
        with self.sql.get_engine().connect() as connection:
            connection.exec_driver_sql(f"drop table if exists {name}")  # also where the query fails
            connection.exec_driver_sql(f"create table {name} as {made}")

    def months(self, schema: str, name: str) -> dict[str, list[str]]:
        """The months that a table of trips holds, by mode."""
        from sqlalchemy import text

        query = f"select distinct trip_type, source_month from {schema}.{name} order by all"
        found: dict[str, list[str]] = {}
        with self.sql.get_engine().connect() as connection:
            for mode, month in connection.execute(text(query)).fetchall():
                found.setdefault(str(mode), []).append(str(month))
        return found


def counted(suite: str, name: str) -> str:
    """The table that a suite's counts of a name are in."""
    return f"counted.{suite}__{name}"


@contextmanager
def open_warehouse(
    context: EphemeralDataContext, warehouse: Path, scratch: Path, limits: dict[str, str | int]
) -> Iterator[WarehouseSource]:
    """Connect Great Expectations to a DuckDB file, and let go of the file at the end.

    Args:
        context: The context that the data source is added to.
        warehouse: The DuckDB file.
        scratch: Where DuckDB may spill to, and what is counted is kept.
        limits: DuckDB settings, such as threads and memory_limit.

    Yields:
        The data source.

    Raises:
        WarehouseError: The file can't be opened: there is none, or another program writes to it.
    """
    # Great Expectations fetches results after the connection went back to its pool. SQLAlchemy's rollback on return
    # would empty DuckDB's shared cursor before that ("list index out of range" in every expectation), so there must
    # be no transaction to roll back.
    options: dict[str, Any] = {
        # The path is not part of the URL, where some signs have a meaning.
        "connection_string": "duckdb:///:memory:",
        "create_temp_table": False,
        "kwargs": {
            "connect_args": {
                "database": str(warehouse.absolute()),
                "read_only": True,
                "config": {**limits, **database.FREED, "temp_directory": str(scratch.absolute())},
            },
            "isolation_level": "AUTOCOMMIT",
            "skip_autocommit_rollback": True,
        },
    }
    try:
        source = context.data_sources.add_sql(name="warehouse", **options)
    except Exception as error:
        # It connects to see whether it can; the reason is the innermost exception's.
        raise WarehouseError(f"{warehouse} can't be opened for reading: {_innermost(error)}") from error
    try:
        with source.get_engine().connect() as connection:
            # In a file beside it, which this connection keeps attached: the warehouse is open for reading, and a
            # temporary table is one connection's own.
            beside = quoting.text(scratch.absolute() / "counted.duckdb")
            connection.exec_driver_sql(f"attach {beside} as counted (read_write)")
            yield WarehouseSource(source)
    finally:
        source.get_execution_engine().close()
        source.get_engine().dispose()


def _innermost(error: BaseException) -> str:
    while error.__cause__ or error.__context__:
        error = error.__cause__ or error.__context__ or error
    return str(error).splitlines()[0]
