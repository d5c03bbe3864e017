"""Opening the warehouse file, and identifying it."""

from __future__ import annotations

import logging
import re
import time
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TypeVar

import duckdb

from luigi_pipeline.config.settings import Warehouse
from luigi_pipeline.core.datadir import DataDir
from luigi_pipeline.core.errors import WarehouseError, WarehouseInUse
from luigi_pipeline.state import identity
from luigi_pipeline.warehouse import quoting

log = logging.getLogger("luigi_pipeline.warehouse")

_HOLDER = re.compile(r"Conflicting lock is held in (?P<program>.*?) \(PID (?P<pid>\d+)\)")
_POLL_SECONDS = 0.5
# The format of a new warehouse; an existing one keeps its own. This format compresses texts at half the cost of the
# default format. The published file keeps the default, which the oldest DuckDB can read.
_STORAGE = "v1.5.0"
# Do not merge partly filled row groups. Months are loaded and removed as a whole, and a month with row groups of its
# own is skipped by queries for other months. By default, DuckDB merges row groups at each checkpoint, which rewrites
# months of old rows. dbt_project/profiles.yml has the same setting.
_MERGES = 0
# Freed memory goes back to the system once it reaches this size. The default is 512 MB, with which a process holds a
# third more than its memory limit. dbt_project/profiles.yml has the same setting.
FREED = {"allocator_bulk_deallocation_flush_threshold": "16MB"}

T = TypeVar("T")


@contextmanager
def writing(data: DataDir, limits: Warehouse) -> Iterator[duckdb.DuckDBPyConnection]:
    """Open the warehouse for writing, create it if there is none, and record which warehouse it is.

    Raises:
        WarehouseError: It can't be opened, or another program keeps it open for longer than `warehouse.wait_seconds`.
    """
    data.root.mkdir(parents=True, exist_ok=True)
    config = settings_of_duckdb(data, limits)
    config |= {"storage_compatibility_version": _STORAGE, "max_vacuum_tasks": _MERGES}
    connection = _patiently(lambda: duckdb.connect(str(data.warehouse), config=config), data.warehouse, limits)
    try:
        connection.execute("set TimeZone = 'UTC'")
        connection.execute("set preserve_insertion_order = false")  # _source_row holds the order of the rows
        warehouse = _identify(connection)
        identity.note_warehouse(data, warehouse, is_open=True)
        yield connection
    finally:
        connection.close()
    identity.note_warehouse(data, warehouse, is_open=False)


@contextmanager
def reading(data: DataDir, limits: Warehouse) -> Iterator[duckdb.DuckDBPyConnection]:
    """Open the warehouse for reading. Not a byte of it changes.

    Raises:
        WarehouseError: It can't be opened, or another program keeps it open for longer than `warehouse.wait_seconds`.
    """
    config = settings_of_duckdb(data, limits)
    connection = _patiently(
        lambda: duckdb.connect(str(data.warehouse), read_only=True, config=config), data.warehouse, limits
    )
    try:
        yield connection
    finally:
        connection.close()


def attach(connection: duckdb.DuckDBPyConnection, data: DataDir, limits: Warehouse, alias: str) -> None:
    """Attach the warehouse to another connection, for reading only.

    Raises:
        WarehouseError: In the same cases as for `writing`.
    """
    command = f"attach {quoting.text(data.warehouse)} as {quoting.name(alias)} (read_only)"
    _patiently(lambda: connection.execute(command), data.warehouse, limits)


def settings_of_duckdb(data: DataDir, limits: Warehouse) -> dict[str, str | bool | int | float | list[str]]:
    """DuckDB's limits, and the folder for data that does not fit in memory."""
    return {
        "threads": limits.threads,
        "memory_limit": limits.memory_limit,
        "temp_directory": str(data.scratch / "spill"),
        **FREED,
    }


def loaded_versions(connection: duckdb.DuckDBPyConnection) -> set[tuple[str, str | None, str]]:
    """Source, month and version of every published file that is loaded."""
    exists = connection.execute(
        "select 1 from duckdb_tables() where schema_name = 'meta' and table_name = 'source_files'"
    ).fetchone()
    if not exists:
        return set()
    return set(
        connection.execute("select distinct source, source_month, source_version from meta.source_files").fetchall()
    )


def _patiently(opening: Callable[[], T], path: Path, limits: Warehouse) -> T:
    """Open the warehouse. If another program has it open, try again until `warehouse.wait_seconds` are over."""
    deadline = time.monotonic() + limits.wait_seconds
    is_logged = False
    while True:
        try:
            return opening()
        except duckdb.IOException as error:
            holder = _HOLDER.search(str(error))
            if holder is None:
                raise _unreadable(path, error) from error
            who = f"{holder['program']} (PID {holder['pid']})"
            if time.monotonic() >= deadline:
                raise WarehouseInUse(f"{path}: is still open in {who}; close it there and run again") from error
            if not is_logged:
                log.warning("waiting for %s: it is open in %s", path.name, who)
                is_logged = True
            time.sleep(_POLL_SECONDS)
        except duckdb.Error as error:
            raise _unreadable(path, error) from error


def _unreadable(path: Path, error: duckdb.Error) -> WarehouseError:
    if "Permission denied" in str(error):
        return WarehouseError(f"{path}: can't be opened: {_first_line(error)}")
    return WarehouseError(
        f"{path}: is not a warehouse that DuckDB {duckdb.__version__} can read; move it away to load everything anew "
        f"({_first_line(error)})"
    )


def _identify(connection: duckdb.DuckDBPyConnection) -> str:
    connection.execute("create schema if not exists meta")
    connection.execute("create table if not exists meta.warehouse (id varchar)")
    row = connection.execute("select id from meta.warehouse").fetchone()
    if row is None:
        row = (uuid.uuid4().hex,)
        connection.execute("insert into meta.warehouse values (?)", row)
    return str(row[0])


def _first_line(error: Exception) -> str:
    return str(error).partition("\n")[0][:300]
