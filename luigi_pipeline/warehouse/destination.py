"""dlt as this pipeline uses it: with its own settings only, and with an open DuckDB connection as its destination."""

from __future__ import annotations

from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any, cast

from dlt.common.configuration.container import Container
from dlt.common.configuration.providers import ConfigProvider
from dlt.common.configuration.providers.dictionary import DictionaryProvider
from dlt.common.configuration.specs.pluggable_run_context import PluggableRunContext
from dlt.common.destination.client import LoadJob
from dlt.common.destination.typing import PreparedTableSchema
from dlt.common.runtime.run_context import RunContext
from dlt.destinations import duckdb
from dlt.destinations.impl.duckdb.duck import DuckDbClient, DuckDbCopyJob

from luigi_pipeline.console import progress
from luigi_pipeline.warehouse import quoting

_SETTINGS = {
    # Nothing is to leave the machine.
    "runtime": {"dlthub_telemetry": False, "log_level": "CRITICAL"},
    # If DuckDB refuses a file once, it will refuse it again.
    "load": {"truncate_staging_dataset": True, "raise_on_max_retries": 1},
}
_PART_OF_LOAD = (0.5, 1.0)  # the first half is reading and typing the file


class _Context(RunContext):
    def initial_providers(self) -> list[ConfigProvider]:
        """The settings of this pipeline; not those of the environment, nor of files of the user or the folder."""
        settings = DictionaryProvider()
        settings._config_doc = _SETTINGS
        return [settings]


def own_settings(folder: Path) -> AbstractContextManager[object]:
    """Make dlt use only this pipeline's settings.

    Args:
        folder: Where it may write.
    """
    return Container().injectable_context(PluggableRunContext(_Context(str(folder))))


class _CopyJob(DuckDbCopyJob):
    def run(self) -> None:
        """Copy the rows of a Parquet file."""
        job_client = cast("_Client", self._job_client)
        client = job_client.sql_client
        table = client.make_qualified_table_name(self.load_table_name)
        with progress.of_query(client.native_connection, job_client.doing, job_client.rows, _PART_OF_LOAD):
            # dlt itself would quote the path without escaping it.
            client.execute_sql(f"insert into {table} by name select * from {quoting.parquet(self._file_path)}")


class _Client(DuckDbClient):
    doing: str
    rows: int

    def create_load_job(
        self, table: PreparedTableSchema, file_path: str, load_id: str, restore: bool = False
    ) -> LoadJob:
        """The job that dlt would make; for a Parquet file, a job that copes with any path and reports progress."""
        job = super().create_load_job(table, file_path, load_id, restore)
        is_copy = type(job) is DuckDbCopyJob and file_path.endswith(".parquet")
        return _CopyJob(file_path) if is_copy else job


class Warehouse(duckdb):
    """dlt's DuckDB destination on a connection that is already open.

    Attributes:
        doing: What the load does, for reports of progress.
        rows: The number of rows that it loads.
    """

    doing = "loading"
    rows = 0

    @property
    def client_class(self) -> type[Any]:
        """The client that makes the jobs."""
        return type("_Client", (_Client,), {"doing": self.doing, "rows": self.rows})
