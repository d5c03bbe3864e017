"""The published tables as Parquet, for other engines: published/parquet/, replaced as a whole.

Facts are partitioned by month, as Hive does it: `fct_trips/source_month=2024-10/part-0.parquet`. A month whose rows
have not changed is not written again: its old file is linked into the new folder.
"""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import duckdb

from luigi_pipeline.config.settings import Warehouse
from luigi_pipeline.core import folders
from luigi_pipeline.core.datadir import DataDir
from luigi_pipeline.core.errors import WarehouseError, one_line
from luigi_pipeline.warehouse import database, quoting

# By table: the name of the partition column, and the expression that gives its value.
_MONTHS = {
    "fct_trips": ("source_month", "source_month"),
    "fct_hourly_mobility": ("month", "strftime(hour_nyc, '%Y-%m')"),
}
_TABLES = ("dim_date", "dim_time", "dim_weather", "dim_location", *_MONTHS)
MANIFEST = "manifest.json"


def write(data: DataDir, limits: Warehouse) -> int:
    """Write the published tables as Parquet.

    Args:
        data: The data dir.
        limits: What DuckDB may use.

    Returns:
        The number of files that were written, without those taken over from the last version.

    Raises:
        WarehouseError: The files can't be written; the last version stays.
    """
    try:
        before = json.loads((data.parquet / MANIFEST).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        before = {}
    try:
        with (
            folders.replacing(data.parquet) as new,
            duckdb.connect(config=database.settings_of_duckdb(data, limits)) as connection,
        ):
            connection.execute(f"attach {quoting.text(data.published)} as published (read_only)")
            connection.execute("use published")
            contents = {name: rows for table in _TABLES for name, rows in _files(connection, table).items()}
            written = 0
            for name, content in contents.items():
                written += _place(connection, content, data.parquet / name, new / name, before.get(name))
            listed = {name: content["rows"] for name, content in contents.items()}
            (new / MANIFEST).write_text(json.dumps(listed, indent=2) + "\n", encoding="utf-8")
    except (duckdb.Error, OSError) as error:
        raise WarehouseError(
            f"{data.parquet}: could not be written, the last version stays: {one_line(error)}"
        ) from error
    return written


def _files(connection: duckdb.DuckDBPyConnection, table: str) -> dict[str, dict[str, Any]]:
    """The files of a table: for each, the query for its rows, their number, and a digest of them."""
    partition, month = _MONTHS.get(table, ("", "null"))
    rows = connection.execute(
        f"select {month}, count(*), bit_xor(hash(rows))::varchar, sum(hash(rows))::varchar "
        f"from marts.{table} as rows group by 1 order by 1"
    ).fetchall()
    files = {}
    for of, count, *digests in rows:
        folder = f"{table}/{partition}={of}" if partition else table
        columns = f"* exclude ({partition})" if partition == month else "*"
        where = f" where {month} = {quoting.text(of)}" if partition else ""
        files[f"{folder}/part-0.parquet"] = {
            "select": f"select {columns} from marts.{table}{where}",
            "rows": {"rows": count, "digest": [duckdb.__version__, *digests]},
        }
    return files


def _place(
    connection: duckdb.DuckDBPyConnection, content: dict[str, Any], old: Path, new: Path, before: dict[str, Any] | None
) -> bool:
    """Write a file, or take over the last version's if it holds the same rows. Return whether it was written."""
    new.parent.mkdir(parents=True)
    if before == content["rows"] and old.is_file():
        try:
            os.link(old, new)
            return False
        except OSError:  # a file system without hard links
            pass
    connection.execute(f"copy ({content['select']}) to {quoting.text(new)} (format parquet, compression zstd)")
    return True
