"""Shared by the tests of what is published and of the metrics."""

import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import duckdb
import pytest
from fixtures import Ingested, Row, Rows
from support import opened_elsewhere

from luigi_pipeline.config.settings import Warehouse
from luigi_pipeline.core.datadir import DataDir
from luigi_pipeline.warehouse import database


@pytest.fixture
def copy(published: Ingested, tmp_path: Path) -> DataDir:
    """A copy of the data dir, for a test to change."""
    data = DataDir(tmp_path / "data")
    for part in ("markers", "published", "dbt"):
        shutil.copytree(published.data.root / part, data.root / part)
    shutil.copy2(published.data.warehouse, data.warehouse)
    return data


@pytest.fixture
def held(copy: DataDir) -> Iterator[DataDir]:
    """The copy, while another process has its warehouse open for writing, as a run has."""
    with opened_elsewhere(copy.warehouse, "write"):
        with pytest.raises(duckdb.IOException, match="Conflicting lock"):
            duckdb.connect(str(copy.warehouse), read_only=True)
        yield copy


@pytest.fixture(scope="session")
def rows() -> Rows:
    """Ask a DuckDB file: `rows(path, "select ...")`."""

    def ask(path: Path, sql: str) -> list[Row]:
        with duckdb.connect() as connection:
            # Not opened by its name: that would be the version which this process has open, if it has one.
            connection.execute(f"attach '{path}' as seen (read_only)")
            return connection.execute(f"use seen; {sql}").fetchall()

    return ask


@pytest.fixture(scope="session")
def delete_rides() -> Callable[[DataDir], None]:
    """Take the CitiBike trips out of a warehouse's marts, as a change that can be seen."""

    def delete(data: DataDir) -> None:
        with database.writing(data, Warehouse()) as connection:
            for table in ("fct_trips", "pickup_sums", "dropoff_sums"):
                connection.execute(f"delete from marts.{table} where trip_type = 'citibike'")

    return delete
