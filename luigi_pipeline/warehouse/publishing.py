"""The published file: the validated marts, for readers, in a file that is replaced as a whole.

The new file is built beside the old one, and then renamed. A reader opens either the old version or the new one, and a
reader that has the old file open keeps seeing the old version. The file has the same name as the warehouse, because
DuckDB names a catalog after its file, and the semantic manifest names the catalog.
"""

from __future__ import annotations

import datetime as dt
import os
import shutil
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import duckdb

from luigi_pipeline.config.settings import Warehouse
from luigi_pipeline.core.datadir import DataDir
from luigi_pipeline.core.errors import WarehouseError, one_line
from luigi_pipeline.core.files import sync
from luigi_pipeline.state.findings import Finding
from luigi_pipeline.warehouse import database, quoting

# Read-only: a client that opened it for writing by mistake would lock out the readers.
_MODE = 0o444


@dataclass(frozen=True)
class Published:
    """What was published.

    Attributes:
        rows: Number of rows of each table. Views are published as views, and not counted.
        source_files: Number of published files and archive members that the tables are made from.
    """

    rows: dict[str, int]
    source_files: int


def publish(data: DataDir, limits: Warehouse, findings: Sequence[Finding] = ()) -> Published:
    """Publish the marts that are in the warehouse now.

    `meta.lineage` names the source files that each table is made from, `meta.semantic_manifest` holds the metrics, and
    `meta.findings` lists what is unusual about which month.

    Args:
        data: The data dir.
        limits: What DuckDB may use. Tables are copied one after the other, in bounded memory.
        findings: The findings.

    Returns:
        What is in the file.

    Raises:
        WarehouseError: The warehouse can't be read, or the new file can't be written; the old one stays.
    """
    target = data.published
    target.parent.mkdir(parents=True, exist_ok=True)
    with _beside(target) as new:
        try:
            published = _build(new, target, data, limits, findings)
        except (duckdb.Error, OSError) as error:
            raise WarehouseError(f"{target}: could not be built, the last version stays: {one_line(error)}") from error
        _settle(new)
        new.replace(target)
    sync(target.parent)
    return published


def publish_findings(data: DataDir, limits: Warehouse, findings: Sequence[Finding]) -> None:
    """Publish the current marts again, with other findings.

    Raises:
        WarehouseError: The new file can't be written; the old one stays.
    """
    target = data.published
    with _beside(target) as new:
        try:
            shutil.copyfile(target, new)
            with duckdb.connect(str(new), config=database.settings_of_duckdb(data, limits)) as connection:
                _write_findings(connection, findings)
                connection.execute("checkpoint")
        except (duckdb.Error, OSError) as error:
            raise WarehouseError(f"{target}: could not be built, the last version stays: {one_line(error)}") from error
        _settle(new)
        new.replace(target)
    sync(target.parent)


@contextmanager
def _beside(target: Path) -> Iterator[Path]:
    """The name of the file to build. It and its write-ahead log are deleted before and after."""
    new = target.with_name(f".{target.name}.new")
    log = new.with_name(f"{new.name}.wal")
    for left in (new, log):
        left.unlink(missing_ok=True)
    try:
        yield new
    finally:
        for left in (new, log):
            left.unlink(missing_ok=True)


def _build(new: Path, target: Path, data: DataDir, limits: Warehouse, findings: Sequence[Finding]) -> Published:
    with duckdb.connect(config=database.settings_of_duckdb(data, limits)) as connection:
        database.attach(connection, data, limits, "warehouse")
        # Attached under the name that views and metrics use.
        connection.execute(f"attach {quoting.text(new)} as {target.stem}")
        connection.execute(f"use {target.stem}")
        rows = _copy_marts(connection)
        connection.execute("create schema meta")
        connection.execute("create table meta.semantic_manifest as from warehouse.meta.semantic_manifest")
        files = _write_lineage(connection)
        _write_findings(connection, findings)
        connection.execute("checkpoint")
        connection.execute("use memory")
        connection.execute(f"detach {target.stem}")
    return Published(rows, files)


def _copy_marts(connection: duckdb.DuckDBPyConnection) -> dict[str, int]:
    # A model that was removed from the project stays in the warehouse, but is not built or checked any more.
    made = "(select model from warehouse.meta.models where model_schema = 'marts')"
    there = "database_name = 'warehouse' and schema_name = 'marts'"
    tables = f"select table_name from duckdb_tables() where {there} and table_name in {made}"
    views = f"select sql from duckdb_views() where {there} and view_name in {made}"
    rows = {}
    connection.execute("create schema marts")
    for (name,) in connection.execute(tables).fetchall():
        table = f"marts.{quoting.name(name)}"
        copied = connection.execute(f"create table {table} as from warehouse.{table}").fetchone()
        rows[f"marts.{name}"] = int(copied[0]) if copied else 0
        _keep_not_null(connection, name)
    _create_views(connection, [sql for (sql,) in connection.execute(views).fetchall()])
    return rows


def _create_views(connection: duckdb.DuckDBPyConnection, views: list[str]) -> None:
    """Create views that may read one another. DuckDB does not list them in a usable order."""
    while views:
        left, missing = [], None
        for view in views:
            try:
                connection.execute(view)
            except duckdb.CatalogException as error:
                left.append(view)
                missing = error
        if missing is not None and len(left) == len(views):
            raise missing
        views = left


def _keep_not_null(connection: duckdb.DuckDBPyConnection, name: str) -> None:
    """Copy the constraints. A table that is created from a query has none."""
    required = connection.execute(
        "select column_name from duckdb_columns() where database_name = 'warehouse' and schema_name = 'marts' "
        "and table_name = ? and not is_nullable",
        [name],
    ).fetchall()
    for (column,) in required:
        connection.execute(f"alter table marts.{quoting.name(name)} alter {quoting.name(column)} set not null")


def _write_lineage(connection: duckdb.DuckDBPyConnection) -> int:
    connection.execute(
        """
        create table meta.lineage as
        select
            models.model,
            files.source,
            files.source_month,
            files.source_file,
            files.source_version,
            files.source_url,
            files.row_count
        from warehouse.meta.model_sources as models
        inner join warehouse.meta.source_files as files on models.source = files.source
        where models.model_schema = 'marts'
        order by all
        """
    )
    counted = connection.execute("select count(distinct (source, source_file)) from meta.lineage").fetchone()
    return int(counted[0]) if counted else 0


def _write_findings(connection: duckdb.DuckDBPyConnection, findings: Sequence[Finding]) -> None:
    connection.execute(
        """
        create or replace table meta.findings (
            source varchar not null,
            source_month varchar not null,
            statistic varchar not null,
            cut varchar not null,
            value double,
            row_count bigint not null,
            expected varchar not null,
            finding varchar not null,
            first_seen_at timestamp not null,
            is_accepted boolean not null,
            accepted_because varchar
        )
        """
    )
    rows = [
        [it.source, it.source_month, it.statistic, it.cut, it.value, it.row_count, it.expected, it.line,
         dt.datetime.fromisoformat(it.first_seen_at).replace(tzinfo=None), it.is_accepted, it.accepted_because]
        for it in findings
    ]  # fmt: skip
    if rows:
        connection.executemany("insert into meta.findings values (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)", rows)


def _settle(path: Path) -> None:
    umask = os.umask(0)
    os.umask(umask)
    path.chmod(_MODE & ~umask)
    sync(path)
