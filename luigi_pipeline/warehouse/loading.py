"""Loading a month into its raw table with dlt, and checking that it is there, whole and once."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from typing import Any

import duckdb

from luigi_pipeline.config import surroundings
from luigi_pipeline.core.datadir import DataDir
from luigi_pipeline.core.errors import WarehouseError, one_line
from luigi_pipeline.core.months import Month
from luigi_pipeline.sources import SOURCES, Landed, Source
from luigi_pipeline.sources.base import UNDECLARED
from luigi_pipeline.warehouse import quoting
from luigi_pipeline.warehouse.preparing import Prepared

_LINEAGE = {
    "_source_file": "VARCHAR",
    "_source_month": "VARCHAR",
    "_source_row": "BIGINT",
    "_source_version": "VARCHAR",
}


def load(
    connection: duckdb.DuckDBPyConnection,
    data: DataDir,
    source: Source,
    month: Month | None,
    landed: Landed,
    file: Prepared,
) -> str:
    """Replace a month in its raw table with the rows of a prepared file, in one transaction.

    Args:
        connection: The warehouse, open for writing.
        data: The data dir, where dlt keeps its working files.
        source: The source that owns the table.
        month: The month; None for a source without months, whose table is replaced as a whole.
        landed: The published file that the rows come from.
        file: The typed rows.

    Returns:
        dlt's id of the load.

    Raises:
        WarehouseError: After the load, the table does not hold what the file holds.
    """
    table = f"raw_data.{source.table}"
    create_raw_tables(connection)
    present = connection.execute(
        f"select exists (from {table} where _source_month is not distinct from ?)", [month]
    ).fetchone()
    # dlt's delete-insert costs about twice an append.
    disposition: Any = {"disposition": "merge", "strategy": "delete-insert"} if present == (True,) else "append"
    load_id = _run_dlt(connection, data, source, file, month, disposition)
    _reconcile(connection, table, month, file.rows, landed.version)
    _note_source_files(connection, source, month, landed, file.rows)
    return load_id


def loaded_file(connection: duckdb.DuckDBPyConnection, source: Source, month: Month | None) -> dict[str, Any] | None:
    """What is loaded of a month: `version` and `rows` of its published file; None if it is not loaded."""
    create_raw_tables(connection)
    row = connection.execute(
        "select any_value(source_version), sum(row_count)::bigint from meta.source_files "
        "where source = ? and source_month is not distinct from ? having count(*) > 0",
        [source.name, month],
    ).fetchone()
    return {"version": row[0], "rows": row[1]} if row else None


def changed_months(connection: duckdb.DuckDBPyConnection) -> list[tuple[Source, str | None]]:
    """The months whose raw rows are no longer those that were loaded, by their number and version."""
    create_raw_tables(connection)
    changed: list[tuple[Source, str | None]] = []
    for source in SOURCES.values():
        months = connection.execute(
            f"""
            with noted as (
                select source_month, any_value(source_version) as version, sum(row_count) as row_count
                from meta.source_files where source = ? group by all
            ),
            there as (
                select
                    _source_month, min(_source_version) as oldest, max(_source_version) as newest, count(*) as row_count
                from raw_data.{source.table} group by all
            )
            select source_month from noted left join there on _source_month is not distinct from source_month
            where (oldest, newest, there.row_count) is distinct from (version, version, noted.row_count)
            order by all
            """,
            [source.name],
        ).fetchall()
        changed += [(source, month) for (month,) in months]
    return changed


def unload(connection: duckdb.DuckDBPyConnection, source: Source, month: str | None) -> int:
    """Take a month out of its raw table, in one transaction.

    Returns:
        The number of rows that were there.
    """
    create_raw_tables(connection)
    connection.begin()
    where = "month is not distinct from ?"
    deleted = connection.execute(f"delete from raw_data.{source.table} where _source_{where}", [month]).fetchone()
    connection.execute(f"delete from meta.source_files where source = ? and source_{where}", [source.name, month])
    connection.commit()
    return int(deleted[0]) if deleted else 0


def create_raw_tables(connection: duckdb.DuckDBPyConnection) -> None:
    """Create the raw tables of all sources, or change them to the columns that are declared today.

    The models read all raw tables, whichever sources are enabled, so a missing table is created empty. A column that
    was declared since is added with nulls; if it was loaded before, it gets its declared type. Undeclared columns are
    text, whatever type an earlier version gave them.

    Raises:
        WarehouseError: Loaded values can't have the type that is declared now.
    """
    connection.execute("create schema if not exists raw_data")
    for source in SOURCES.values():
        columns = ", ".join(f"{name} {kind}" for name, kind in (source.columns | _LINEAGE).items())
        connection.execute(f"create table if not exists raw_data.{source.table} ({columns})")
        _declare(connection, source)
    connection.execute(
        "create table if not exists meta.source_files (source varchar, source_month varchar, source_file varchar, "
        "source_version varchar, source_url varchar, row_count bigint, loaded_at timestamp)"
    )


def _declare(connection: duckdb.DuckDBPyConnection, source: Source) -> None:
    table = f"raw_data.{source.table}"
    there = dict(
        connection.execute(
            "select column_name, data_type from duckdb_columns() where schema_name = 'raw_data' and table_name = ?",
            [source.table],
        ).fetchall()
    )
    undeclared = [name for name in there if name not in _LINEAGE and not name.startswith("_dlt_")]
    for name, kind in (dict.fromkeys(undeclared, UNDECLARED) | source.columns).items():
        if name not in there:
            connection.execute(f"alter table {table} add column {name} {kind}")
        elif there[name] != kind:
            _change_type(connection, source, name, kind)


def _change_type(connection: duckdb.DuckDBPyConnection, source: Source, name: str, kind: str) -> None:
    # dlt keeps a staging table, which still has the old type.
    connection.execute("drop schema if exists raw_data_staging cascade")
    try:
        connection.execute(f"alter table raw_data.{source.table} alter column {quoting.name(name)} type {kind}")
    except duckdb.ConversionException as error:
        raise WarehouseError(
            f"raw_data.{source.table}: column {name} is declared {kind}, but months were loaded that have other values "
            f"there ({one_line(error)}); forget these months, or declare it VARCHAR"
        ) from error


def _run_dlt(
    connection: duckdb.DuckDBPyConnection,
    data: DataDir,
    source: Source,
    file: Prepared,
    month: Month | None,
    disposition: Any,
) -> str:
    import dlt
    import pyarrow as pa
    import pyarrow.parquet as pq
    from dlt.common.libs.pyarrow import py_arrow_to_table_schema_columns
    from dlt.load.exceptions import LoadClientJobException
    from dlt.pipeline.exceptions import PipelineStepFailed

    from luigi_pipeline.warehouse.destination import Warehouse, own_settings

    # Use a fresh working folder: dlt would load what a killed run left pending instead of this file. Everything that
    # dlt must remember, it keeps in the warehouse.
    folder = data.scratch / "dlt"
    shutil.rmtree(folder, ignore_errors=True)
    try:
        schema = pq.read_schema(file.path)
    except (OSError, pa.ArrowException) as error:
        raise WarehouseError(f"{file.path}: can't be read: {one_line(error)}") from error
    merge_key: Any = "_source_month" if month else "_source_file"
    columns = py_arrow_to_table_schema_columns(schema)
    for column in columns.values():
        if column["data_type"] == "timestamp":
            # The type as it is in the file. With any other hint, dlt would rewrite the whole file.
            column["timezone"] = False
            column["precision"] = 6

    def rows() -> Iterator[Any]:
        yield dlt.mark.with_file_import(str(file.path), "parquet", sum(file.rows.values()))

    destination = Warehouse(connection, destination_name="duckdb")
    destination.doing, destination.rows = f"loading {month or file.path.name}", sum(file.rows.values())
    with surroundings.closed(), own_settings(folder):
        pipeline = dlt.pipeline(
            pipeline_name="nyc_mobility", pipelines_dir=str(folder), destination=destination, dataset_name="raw_data"
        )
        resource = dlt.resource(
            rows, name=source.table, columns=columns, write_disposition=disposition, merge_key=merge_key
        )
        try:
            info = pipeline.run(resource)
            info.raise_on_failed_jobs()
        except (PipelineStepFailed, LoadClientJobException) as error:
            cause = one_line(getattr(error.__cause__, "client_exception", None) or error.__cause__ or error)
            raise WarehouseError(f"raw_data.{source.table}: dlt could not load {file.path.name}: {cause}") from error
    shutil.rmtree(folder, ignore_errors=True)
    return str(info.loads_ids[0])


def _reconcile(
    connection: duckdb.DuckDBPyConnection, table: str, month: Month | None, expected: dict[str, int], version: str
) -> None:
    counted = connection.execute(
        f"select _source_file, _source_version, count(*) from {table} "
        "where _source_month is not distinct from ? group by all",
        [month],
    ).fetchall()
    wanted = {(name, version, rows) for name, rows in expected.items() if rows}
    if set(counted) != wanted:
        raise WarehouseError(
            f"{' '.join(filter(None, [table, month]))}: holds {sorted(counted)} after the load, not {sorted(wanted)}"
        )


def _note_source_files(
    connection: duckdb.DuckDBPyConnection, source: Source, month: Month | None, landed: Landed, rows: dict[str, int]
) -> None:
    connection.begin()
    connection.execute(
        "delete from meta.source_files where source = ? and source_month is not distinct from ?", [source.name, month]
    )
    connection.executemany(
        "insert into meta.source_files values (?, ?, ?, ?, ?, ?, current_timestamp)",
        [[source.name, month, name, landed.version, landed.url, count] for name, count in rows.items()],
    )
    connection.commit()
