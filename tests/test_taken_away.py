"""Rows that something else took away, put in or changed are noticed by the next run, and loaded again."""

from pathlib import Path

import duckdb
import pytest
import yaml
from checksums import checksums
from fixtures import Ingested, Query, Run
from support import copied

from luigi_pipeline.core.datadir import DataDir
from luigi_pipeline.state import identity


@pytest.fixture
def known(ingested: Ingested, tmp_path: Path) -> DataDir:
    """A copy of a data dir, as a run of its own has left it."""
    return copied(ingested.data, tmp_path / "data")


@pytest.mark.parametrize(
    ("change", "loads"),
    [
        ("delete from raw_data.trips where _source_month = '2024-10'", {"citibike 2024-10"}),
        ("delete from raw_data.yellow_taxi where _source_row = 7", {"yellow_taxi 2024-10", "yellow_taxi 2024-11"}),
        ("update raw_data.trips set _source_version = 'x' where _source_month = '2024-11'", {"citibike 2024-11"}),
        ("insert into raw_data.hourly_weather from raw_data.hourly_weather limit 1", {"weather 2024-10"}),
        ("drop table raw_data.trips", {"citibike 2024-10", "citibike 2024-11"}),
        ("delete from raw_data.taxi_zones", {"taxi_zones"}),
        ("create table others (made by)", set()),
    ],
    ids=["a month", "a row", "another version", "a row more", "a table", "the zones", "nothing of ours"],
)
def test_what_is_gone_is_loaded_again_and_nothing_else(
    known: DataDir, ingested: Ingested, run_luigi: Run, change: str, loads: set[str]
) -> None:
    before = checksums(known.warehouse)
    with duckdb.connect(str(known.warehouse)) as connection:
        connection.execute(change.replace("(made by)", "as select 1 as one"))
    # Not from the publishers: the files are still in landing/.
    result = run_luigi("Ingest", data_dir=known.root, config=ingested.config)
    assert result.returncode == 0, result.stderr
    assert {table: rows for table, rows in checksums(known.warehouse).items() if table in before} == before
    told = result.stderr.splitlines()
    taken = {line.split(" warning: ")[1].split(": the warehouse holds")[0] for line in told if " warning: " in line}
    assert taken == loads
    if not loads:
        assert "Did not run any tasks" in result.stderr
    again = run_luigi("Ingest", data_dir=known.root, config=ingested.config)
    assert "Did not run any tasks" in again.stderr


def test_a_month_that_is_gone_and_not_configured_any_more_is_built_without(
    known: DataDir, ingested: Ingested, run_luigi: Run, tmp_path: Path, query: Query
) -> None:
    named = yaml.safe_load(ingested.config.read_text(encoding="utf-8"))
    named["sources"]["citibike"]["months"] = ["2024-11"]
    one = tmp_path / "one.yaml"
    one.write_text(yaml.safe_dump(named), encoding="utf-8")
    with duckdb.connect(str(known.warehouse)) as connection:
        connection.execute("delete from raw_data.trips where _source_month = '2024-10' and _source_row > 10")
    result = run_luigi("DbtBuild", data_dir=known.root, config=one)
    assert result.returncode == 0, result.stderr
    assert query(known, "select distinct source_month from marts.fct_trips where trip_type = 'citibike'") == [
        ("2024-11",)
    ]


def test_what_another_program_has_not_written_into_the_file_yet_counts(known: DataDir) -> None:
    assert identity.warehouse_id(known) is not None
    known.write_ahead_log.write_bytes(b"x")
    assert identity.warehouse_id(known) is None
