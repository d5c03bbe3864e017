"""The published file: the validated marts, for readers, in a file that is only ever replaced as a whole.

It is built beside the old one and takes its name by one rename: a reader gets the old version or the new one, and who
has the old one open keeps it. Its name is the warehouse's, because DuckDB calls a catalog by its file, and the semantic
manifest names the catalog.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import duckdb

from luigi_pipeline.datadir import DataDir
from luigi_pipeline.errors import WarehouseError, one_line
from luigi_pipeline.settings import Warehouse
from luigi_pipeline.warehouse import database, describing, quoting
from luigi_pipeline.warehouse.describing import Relation

# Nobody is to write to it, and a client that opens it for writing by mistake would keep the others out.
_MODE = 0o444


@dataclass(frozen=True)
class Published:
    """What was published.

    Attributes:
        rows: Rows of each table.
        source_files: Published files and archive members that the tables stand on.
    """

    rows: dict[str, int]
    source_files: int


def publish(data: DataDir, limits: Warehouse) -> Published:
    """Publish the marts that are in the warehouse now.

    `meta.lineage` says which source files each table stands on, `meta.semantic_manifest` which metrics can be asked.

    Args:
        data: The data dir.
        limits: What DuckDB may use; tables are copied one after the other, in bounded memory.

    Returns:
        What is in the file.

    Raises:
        WarehouseError: The warehouse can't be read, or the new file can't be written; the old one stays.
    """
    target = data.published
    target.parent.mkdir(parents=True, exist_ok=True)
    with _beside(target) as new:
        try:
            published = _build(new, data, limits)
        except (duckdb.Error, OSError) as error:
            raise WarehouseError(f"{target}: could not be built, the last version stays: {one_line(error)}") from error
        _settle(new)
        new.replace(target)
    _sync(target.parent)
    return published


@contextmanager
def _beside(target: Path) -> Iterator[Path]:
    """The name of the file that is being built; nothing bears it, or its write-ahead log's, before or after."""
    new = target.with_name(f".{target.name}.new")
    log = new.with_name(f"{new.name}.wal")
    for left in (new, log):
        left.unlink(missing_ok=True)
    try:
        yield new
    finally:
        for left in (new, log):
            left.unlink(missing_ok=True)


def _build(new: Path, data: DataDir, limits: Warehouse) -> Published:
    with duckdb.connect(config=database.settings_of_duckdb(data, limits)) as connection:
        database.attach(connection, data, limits, "warehouse")
        connection.execute(f"attach {quoting.text(new)} as published")
        rows = {}
        for relation in _relations(connection):
            table = f"{quoting.name(relation.schema)}.{quoting.name(relation.name)}"
            connection.execute(f"create schema if not exists published.{quoting.name(relation.schema)}")
            copied = connection.execute(f"create table published.{table} as from warehouse.{table}").fetchone()
            rows[f"{relation.schema}.{relation.name}"] = int(copied[0]) if copied else 0
        connection.execute("create schema published.meta")
        connection.execute("create table published.meta.semantic_manifest as from warehouse.meta.semantic_manifest")
        files = _write_lineage(connection)
        connection.execute("checkpoint published")
        connection.execute("detach published")
    return Published(rows, files)


def _relations(connection: duckdb.DuckDBPyConnection) -> list[Relation]:
    """The tables of the marts, and what else the metrics are asked of."""
    marts = connection.execute(
        "select schema_name, table_name from duckdb_tables() "
        "where database_name = 'warehouse' and schema_name = 'marts'"
    ).fetchall()
    manifest = connection.execute("select manifest from warehouse.meta.semantic_manifest").fetchone()
    asked = describing.semantic_relations(manifest[0]) if manifest else set()
    return sorted({Relation(*found) for found in marts} | asked)


def _write_lineage(connection: duckdb.DuckDBPyConnection) -> int:
    connection.execute(
        """
        create table published.meta.lineage as
        select
            models.model_schema,
            models.model,
            files.source,
            files.source_month,
            files.source_file,
            files.source_version,
            files.source_url,
            files.row_count
        from warehouse.meta.model_sources as models
        inner join warehouse.meta.source_files as files on models.source = files.source
        inner join duckdb_tables() as tables
            on models.model_schema = tables.schema_name and models.model = tables.table_name
        where tables.database_name = 'published'
        order by all
        """
    )
    counted = connection.execute("select count(distinct (source, source_file)) from published.meta.lineage").fetchone()
    return int(counted[0]) if counted else 0


def _settle(path: Path) -> None:
    umask = os.umask(0)
    os.umask(umask)
    path.chmod(_MODE & ~umask)
    _sync(path)


def _sync(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
