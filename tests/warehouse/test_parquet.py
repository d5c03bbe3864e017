"""The published tables as Parquet: the same rows, by month, and no month written for nothing."""

import json
import os
import shutil
from pathlib import Path

import duckdb
import pytest
from fixtures import Ingested

from luigi_pipeline.config.settings import Warehouse
from luigi_pipeline.core.datadir import DataDir
from luigi_pipeline.core.errors import WarehouseError
from luigi_pipeline.warehouse import parquet

FACTS = {"fct_trips": "source_month", "fct_hourly_mobility": "month"}


@pytest.fixture
def copy(published: Ingested, tmp_path: Path) -> DataDir:
    data = DataDir(tmp_path / "data")
    shutil.copytree(published.data.published.parent, data.published.parent)
    os.chmod(data.published, 0o644)
    return data


def _files(data: DataDir) -> dict[str, int]:
    return {str(path.relative_to(data.parquet)): path.stat().st_ino for path in data.parquet.rglob("*.parquet")}


def test_parquet_holds_the_published_rows_by_month(published: Ingested) -> None:
    folder = published.data.parquet
    assert {path.name for path in folder.iterdir()} == {
        "dim_date", "dim_time", "dim_weather", "dim_location", "fct_trips", "fct_hourly_mobility", parquet.MANIFEST,
    }  # fmt: skip
    assert {path.parent.name for path in folder.glob("fct_trips/*/*.parquet")} == {
        "source_month=2024-10",
        "source_month=2024-11",
    }
    with duckdb.connect() as connection:
        connection.execute(f"attach '{published.data.published}' as published (read_only)")
        for table in ("dim_date", "dim_time", "dim_weather", "dim_location", *FACTS):
            columns = [name for (name,) in connection.execute(
                "select column_name from duckdb_columns() where database_name = 'published' and schema_name = 'marts' "
                "and table_name = ? order by column_index", [table]).fetchall()]  # fmt: skip
            names = ", ".join(columns)
            read = f"read_parquet('{folder}/{table}/**/*.parquet', hive_partitioning = true)"
            difference = connection.execute(
                f"with seen as (select {names} from {read}), made as (select {names} from published.marts.{table}) "
                "select count(*) from ((from seen except all from made) union all (from made except all from seen))"
            ).fetchone()
            assert difference == (0,), table


def test_only_a_month_that_changed_is_written_again(copy: DataDir) -> None:
    before = _files(copy)
    assert parquet.write(copy, Warehouse()) == 0
    assert _files(copy) == before
    with duckdb.connect(str(copy.published)) as connection:
        connection.execute(
            "update marts.fct_trips set passenger_count = 9 where trip_id = "
            "(select min(trip_id) from marts.fct_trips where source_month = '2024-11')"
        )
    assert parquet.write(copy, Warehouse()) == 1
    after = _files(copy)
    changed = "fct_trips/source_month=2024-11/part-0.parquet"
    assert after.keys() == before.keys()
    assert {name for name in after if after[name] != before[name]} == {changed}
    with duckdb.connect() as connection:
        read = f"from '{copy.parquet / changed}' where passenger_count = 9"
        assert connection.execute(f"select count(*) {read}").fetchone() == (1,)


def test_a_month_that_is_gone_leaves_no_file_and_a_lost_one_is_written_again(copy: DataDir) -> None:
    (copy.parquet / "dim_time" / "part-0.parquet").unlink()
    with duckdb.connect(str(copy.published)) as connection:
        connection.execute("delete from marts.fct_trips where source_month = '2024-10'")
    assert parquet.write(copy, Warehouse()) == 1
    assert not (copy.parquet / "fct_trips" / "source_month=2024-10").exists()
    assert (copy.parquet / "dim_time" / "part-0.parquet").exists()
    assert len(json.loads((copy.parquet / parquet.MANIFEST).read_text())) == len(_files(copy))


def test_parquet_that_can_t_be_written_leaves_the_last_one(copy: DataDir) -> None:
    before = _files(copy)
    with duckdb.connect(str(copy.published)) as connection:
        connection.execute("drop table marts.dim_location")
    with pytest.raises(WarehouseError, match=r"the last version stays: .*dim_location"):
        parquet.write(copy, Warehouse())
    assert _files(copy) == before
    assert not [path for path in copy.parquet.parent.iterdir() if path.name.startswith(".")]
