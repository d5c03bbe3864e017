"""Connecting Great Expectations to its data. Only this module knows the engine."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from luigi_pipeline.core.errors import WarehouseError
from luigi_pipeline.warehouse import database

if TYPE_CHECKING:
    from great_expectations.core.batch_definition import BatchDefinition
    from great_expectations.data_context.data_context.ephemeral_data_context import (
        EphemeralDataContext,
    )
    from great_expectations.datasource.fluent.sql_datasource import SQLDatasource


def batch(source: SQLDatasource, schema: str, name: str, condition: str | None = None) -> BatchDefinition[Any]:
    """The rows that a suite checks. Raises an error if there is no such table.

    Args:
        source: The warehouse.
        schema: The table's schema.
        name: The table.
        condition: A condition in SQL that selects rows; None for the whole table.
    """
    full_name = f"{schema}.{name}"
    if condition is None:
        table = source.add_table_asset(full_name, table_name=name, schema_name=schema)
        return table.add_batch_definition_whole_table("whole table")
    rows = source.add_query_asset(full_name, query=f"select * from {full_name} where {condition}")
    return rows.add_batch_definition_whole_table("changed months")


@contextmanager
def open_warehouse(
    context: EphemeralDataContext, warehouse: Path, scratch: Path, limits: dict[str, str | int]
) -> Iterator[SQLDatasource]:
    """Connect Great Expectations to a DuckDB file for reading, and release the file at the end.

    Args:
        context: The context that the data source is added to.
        warehouse: The DuckDB file.
        scratch: Where DuckDB may write what does not fit in memory.
        limits: DuckDB settings, such as threads and memory_limit.

    Yields:
        The data source.

    Raises:
        WarehouseError: The file can't be opened: it is missing, or another program writes to it.
    """
    # Great Expectations fetches results after it has returned the connection to its pool. On return, SQLAlchemy rolls
    # back, which would empty DuckDB's shared cursor before the fetch ("list index out of range" in every expectation).
    # So there must be no transaction to roll back.
    options: dict[str, Any] = {
        # The path is not part of the URL, in which some characters have a meaning.
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
        # SQLAlchemy tests the connection. The reason of a failure is in the innermost exception.
        raise WarehouseError(f"{warehouse} can't be opened for reading: {_innermost(error)}") from error
    try:
        yield source
    finally:
        source.get_execution_engine().close()
        source.get_engine().dispose()


def _innermost(error: BaseException) -> str:
    while error.__cause__ or error.__context__:
        error = error.__cause__ or error.__context__ or error
    return str(error).splitlines()[0]
