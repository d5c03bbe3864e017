"""dlt's DuckDB destination, for data dirs of any name: dlt itself puts a file's path between quotes as it is."""

from __future__ import annotations

from typing import Any, cast

from dlt.common.destination.client import LoadJob
from dlt.common.destination.typing import PreparedTableSchema
from dlt.destinations import duckdb
from dlt.destinations.impl.duckdb.duck import DuckDbClient, DuckDbCopyJob

from luigi_pipeline import progress
from luigi_pipeline.warehouse import quoting

_PART_OF_LOAD = (0.5, 1.0)  # the first half is to read and type the file


class _CopyJob(DuckDbCopyJob):
    def run(self) -> None:
        """Copy the rows of a Parquet file."""
        told = cast("_Client", self._job_client)
        client = told.sql_client
        table = client.make_qualified_table_name(self.load_table_name)
        with progress.of_query(client.native_connection, told.doing, told.rows, _PART_OF_LOAD):
            client.execute_sql(f"insert into {table} by name select * from {quoting.parquet(self._file_path)}")


class _Client(DuckDbClient):
    doing: str
    rows: int

    def create_load_job(
        self, table: PreparedTableSchema, file_path: str, load_id: str, restore: bool = False
    ) -> LoadJob:
        """The job that dlt would make, but for files."""
        job = super().create_load_job(table, file_path, load_id, restore)
        is_copy = type(job) is DuckDbCopyJob and file_path.endswith(".parquet")
        return _CopyJob(file_path) if is_copy else job


class Warehouse(duckdb):
    """A connection that is open already.

    Attributes:
        doing: What the load does, for those who watch.
        rows: To how many rows.
    """

    doing = "loading"
    rows = 0

    @property
    def client_class(self) -> type[Any]:
        """The client that makes the jobs."""
        return type("_Client", (_Client,), {"doing": self.doing, "rows": self.rows})
