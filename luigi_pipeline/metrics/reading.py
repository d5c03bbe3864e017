"""The published file, open for reading, with its own metrics.

From one query to the next, a process keeps the file and MetricFlow's engine. After a new version was published, the
next query reads the new version.
"""

from __future__ import annotations

import os
import tempfile
import threading
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from luigi_pipeline.core.datadir import DataDir
from luigi_pipeline.core.errors import QueryError, WarehouseError, one_line
from luigi_pipeline.metrics import definitions, rewrite
from luigi_pipeline.metrics.definitions import Metric
from luigi_pipeline.warehouse import quoting

if TYPE_CHECKING:
    import duckdb
    import pyarrow as pa

    from luigi_pipeline.metrics.engine import Engine, Question


_TABLES = """
    select table_name, list(column_name) from duckdb_columns()
    where database_name = 'nyc_mobility' and schema_name = 'marts' group by table_name
"""


class Version:
    """One version of the published file. It has a connection of its own, so that others can attach files to theirs."""

    def __init__(self, path: Path) -> None:
        """Open the file.

        Raises:
            WarehouseError: It can't be read.
        """
        import duckdb

        # Attach the file under the warehouse's name, instead of opening it. If a process opens a file a second time,
        # DuckDB returns the version that is already open, even if another file has taken the name since.
        self._connection: duckdb.DuckDBPyConnection = duckdb.connect(config={"temp_directory": _scratch()})
        try:
            self._connection.execute(f"attach {quoting.text(path)} as nyc_mobility (read_only)")
            row = self._connection.execute("select manifest from nyc_mobility.meta.semantic_manifest").fetchone()
            self._tables = dict(self._connection.execute(_TABLES).fetchall())
        except duckdb.Error as error:
            raise WarehouseError(f"{path}: can't be read: {one_line(error)}") from error
        self.semantic_manifest = str(row[0]) if row else "{}"
        self._engine: Engine | None = None

    @cached_property
    def metrics(self) -> list[Metric]:
        """The metrics of this version, group by group."""
        return definitions.read(self.semantic_manifest)

    @cached_property
    def findings(self) -> list[str]:
        """The findings that nobody has accepted, a line each. A file of an older version has none."""
        import duckdb

        query = (
            "select finding from nyc_mobility.meta.findings where not is_accepted order by source_month desc, finding"
        )
        try:
            return [line for (line,) in self._connection.cursor().execute(query).fetchall()]
        except duckdb.CatalogException:
            return []

    @property
    def engine(self) -> Engine:
        """MetricFlow's engine for the metrics of this version."""
        from luigi_pipeline.metrics.engine import Engine

        if self._engine is None:
            self._engine = Engine(self.semantic_manifest)
        return self._engine

    def answer(self, question: Question) -> pa.Table:
        """Answer a question.

        Raises:
            QueryError: There is no answer to it.
        """
        return self.run(rewrite.make_quick(self.engine.sql(question), self._tables))

    def run(self, sql: str) -> pa.Table:
        """Run a query.

        Raises:
            QueryError: DuckDB can't run it. For example, a filter compares a text with a number.
        """
        import duckdb

        try:
            return self._connection.cursor().execute(sql).to_arrow_table()
        except duckdb.Error as error:
            raise QueryError(one_line(str(error).splitlines()[0])) from error


@dataclass(frozen=True)
class _Open:
    key: tuple[int, int, int]
    version: Version


_open: dict[Path, _Open] = {}
_lock = threading.Lock()


def current(data: DataDir) -> Version:
    """The version that is published now.

    Raises:
        WarehouseError: Nothing is published yet, or it can't be read.
    """
    path = data.published
    with _lock:
        try:
            stat = path.stat()
        except FileNotFoundError:
            raise WarehouseError(
                f"{path}: nothing is published yet; luigi --module luigi_pipeline Publish does"
            ) from None
        key = (stat.st_ino, stat.st_size, stat.st_mtime_ns)
        opened = _open.get(path)
        if opened is None or opened.key != key:
            opened = _open[path] = _Open(key, Version(path))
        return opened.version


def _scratch() -> str:
    """Where DuckDB puts what does not fit in memory. A reader may have no right to write to the data dir."""
    return os.path.join(tempfile.gettempdir(), f"nyc_mobility-{os.getpid()}")
