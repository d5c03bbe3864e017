"""The models after a first build: their unit tests, and builds that follow."""

import json
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import duckdb
import pytest
from checksums import checksums
from fixtures import Config, Ingested, Query, Result, Run
from support import MONTHS, PROJECT, ROWS, environment

from luigi_pipeline.config.settings import Warehouse
from luigi_pipeline.core.datadir import DataDir
from luigi_pipeline.sample import Publishers, generate
from luigi_pipeline.warehouse import models


@pytest.fixture(scope="module")
def compiled(published: Ingested, tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], str]:
    """The SQL of a data test, as dbt runs it: `compiled("assert_zones_are_in_the_lookup")`."""
    data = DataDir(tmp_path_factory.mktemp("compiled") / "data")
    data.root.mkdir()
    shutil.copy(published.data.warehouse, data.warehouse)
    result = dbt(data, "compile", "--select", *COMPILED)
    assert result.returncode == 0, result.stdout

    def read(test: str) -> str:
        return next((data.dbt / "t" / "compiled").rglob(f"{test}.sql")).read_text(encoding="utf-8")

    return read


@pytest.fixture
def warehouse(published: Ingested, tmp_path: Path) -> Iterator[duckdb.DuckDBPyConnection]:
    """A copy of the published data dir's warehouse, open to be changed."""
    path = tmp_path / published.data.warehouse.name
    shutil.copy(published.data.warehouse, path)
    with duckdb.connect(str(path)) as connection:
        yield connection


def dbt(data: DataDir, *arguments: str) -> Result:
    """Run dbt's own command on a warehouse, as its users do."""
    command = [str(Path(sys.executable).with_name("dbt")), *arguments, "--project-dir", "dbt_project"]
    folders = ["--profiles-dir", "dbt_project", "--target-path", str(data.dbt / "t"), "--log-path", str(data.logs)]
    env = environment({"MOBILITY_WAREHOUSE": str(data.warehouse)})
    return subprocess.run([*command, *folders], cwd=PROJECT, env=env, capture_output=True, text=True, check=False)


def test_a_build_of_dbts_own_passes_the_unit_tests_and_with_nothing_new_changes_nothing(built: DataDir) -> None:
    before = checksums(built.warehouse)
    result = dbt(built, "build")
    assert result.returncode == 0, result.stdout
    results = json.loads((built.dbt / "t" / "run_results.json").read_text(encoding="utf-8"))["results"]
    unit_tests = [item["status"] for item in results if item["unique_id"].startswith("unit_test.")]
    assert len(unit_tests) >= 15
    assert set(unit_tests) == {"pass"}
    assert checksums(built.warehouse) == before


def test_a_ride_in_two_months_files_is_one_trip(published: Ingested, query: Query) -> None:
    (raw,) = query(published.data, "select count(*), count(distinct ride_id) from raw_data.trips")
    assert raw[0] > raw[1]
    assert query(published.data, "select count(*) from marts.fct_trips where trip_type = 'citibike'") == [(raw[1],)]


def test_republished_months_give_the_warehouse_of_a_clean_run(
    built: DataDir, sample_folder: Path, tmp_path: Path, run_luigi: Run, query: Query, config: Config
) -> None:
    folder = tmp_path / "publishers"
    shutil.copytree(sample_folder, folder)
    generate(folder, months=MONTHS[:1], taxi_trips_per_month=ROWS - 700, rides_per_month=ROWS - 700, seed=7)
    clean = DataDir(tmp_path / "clean")
    with Publishers(folder) as url:
        file = config(url)
        for data in (built, clean):
            result = run_luigi("DbtBuild", data_dir=data.root, config=file)
            assert result.returncode == 0, result.stderr
    assert checksums(built.warehouse) == checksums(clean.warehouse)
    assert query(built, "select count(*) from raw_data.trips where _source_month = '2024-10'") == [(ROWS - 700,)]


def test_an_edited_model_is_built_anew_and_no_month_is_loaded(
    built: DataDir, published: Ingested, tmp_path: Path, run_luigi: Run, query: Query
) -> None:
    project = tmp_path / "project"
    for name in ("dbt_project", "config"):
        shutil.copytree(PROJECT / name, project / name, ignore=shutil.ignore_patterns("target", "logs"))
    shutil.copy(PROJECT / "luigi.cfg", project)
    here = {"MOBILITY_PROJECT_DIR": str(project)}
    model = project / "dbt_project" / "models" / "intermediate" / "int_trips__unioned.sql"
    model.write_text(model.read_text(encoding="utf-8").replace("'citibike' as trip_type", "'bike' as trip_type"))
    result = run_luigi("DbtBuild", data_dir=built.root, config=published.config, env=here, cwd=tmp_path)
    assert result.returncode == 30, "the tests know the modes by name"
    assert "LoadMonth" not in result.stderr
    assert ("bike",) in query(built, "select distinct trip_type from marts.fct_trips")

    shutil.copy(PROJECT / "dbt_project" / "models" / "intermediate" / model.name, model)
    result = run_luigi("DbtBuild", data_dir=built.root, config=published.config, env=here, cwd=tmp_path)
    assert result.returncode == 0, result.stderr
    modes = query(built, "select distinct trip_type from marts.fct_trips order by 1")
    assert modes == [("citibike",), ("yellow_taxi",)], "the failed build's rows are gone"


def test_with_other_dates_of_weather_only_what_asks_for_them_is_parsed_again(built: DataDir) -> None:
    given: dict[str, Any] = {
        "enabled_sources": ["yellow_taxi", "citibike", "weather"],
        "weather_start_date": "2024-10-01",
    }
    folder, log = PROJECT / "dbt_project", built.logs / "dbt.log"
    for end in ("2024-11-30", "2024-11-29"):
        log.unlink(missing_ok=True)
        given["weather_end_date"] = end
        models.parse(folder, built, Warehouse(), given)
    assert "Unable to do partial parsing" not in log.read_text(encoding="utf-8")
    models.build(folder, built, Warehouse(), given, "assert_weather_months_are_whole")
    compiled = next((built.dbt / "target" / "compiled").rglob("assert_weather_months_are_whole.sql"))
    assert "2024-11-29" in compiled.read_text(encoding="utf-8")


# What the tests below change a warehouse for.
COMPILED = ("assert_archive_members_are_complete", "assert_zones_are_in_the_lookup", "assert_ride_ids_are_of_one_ride")

# Members of a month's archive with their rows, and what is wrong with them.
MEMBERS: list[tuple[dict[str, int], str | None]] = [
    ({"x.csv": 5}, None),
    ({"x_1.csv": 9, "x_2.csv": 5}, None),
    ({"x_1.csv.zip/x_1.csv": 9, "x_2.csv.zip/x_2.csv": 5}, None),
    ({"a/x_1.csv": 9, "b/x_2.csv": 9, "x.csv_3.CSV": 5}, None),
    ({"x_1.zip/y.csv": 9, "x_2.zip/y.csv": 5}, None),
    ({f"x_{number}.csv": 9 for number in range(1, 12)}, None),
    ({"x_2.csv": 5}, "parts are not numbered from 1 without a gap"),
    ({"x_1.csv.zip/x_1.csv": 9, "x_3.csv.zip/x_3.csv": 5}, "parts are not numbered from 1 without a gap"),
    ({"x_2.zip/y.csv": 9, "x_3.zip/y.csv": 5}, "parts are not numbered from 1 without a gap"),
    ({"x_1.csv": 9, "a/x_1.csv": 5}, "parts are not numbered from 1 without a gap"),
    ({"a/x_1.csv": 1_000_000, "b/x_2.csv": 1_000_000}, "the last part is full, so another one should follow"),
    ({"x_1.csv": 5, "x_2.csv": 0}, "no rows"),
]


def test_parts_are_told_by_their_numbers_in_the_month_whatever_they_are_in(
    compiled: Callable[[str], str], warehouse: duckdb.DuckDBPyConnection
) -> None:
    warehouse.execute("delete from meta.source_files")
    for number, (members, _) in enumerate(MEMBERS):
        warehouse.executemany(
            "insert into meta.source_files (source, source_month, source_file, row_count) values (?, ?, ?, ?)",
            [["citibike", f"{number:02}", f"201804-x.zip/{name}", rows] for name, rows in members.items()],
        )
    query = compiled("assert_archive_members_are_complete")
    found = {int(month): problem for _, month, _, problem in warehouse.execute(query).fetchall()}
    assert found == {number: problem for number, (_, problem) in enumerate(MEMBERS) if problem}


@pytest.mark.parametrize(("rows", "blocks"), [(50, False), (51, True)])
@pytest.mark.parametrize("zone", ["pu_location_id = 0", "pu_location_id = null", "do_location_id = 999"])
def test_more_than_one_trip_in_a_hundred_without_a_known_zone_blocks(
    compiled: Callable[[str], str], warehouse: duckdb.DuckDBPyConnection, rows: int, blocks: bool, zone: str
) -> None:
    trips = f"_source_month = '2024-10' and _source_row <= {rows}"
    warehouse.execute(f"update raw_data.yellow_taxi set {zone} where {trips}")
    found = warehouse.execute(compiled("assert_zones_are_in_the_lookup")).fetchall()
    assert found == ([("2024-10", ROWS, rows)] if blocks else [])


@pytest.mark.parametrize(("rows", "blocks"), [(50, False), (51, True)])
def test_more_than_one_reused_id_in_a_hundred_rides_blocks(
    compiled: Callable[[str], str], warehouse: duckdb.DuckDBPyConnection, rows: int, blocks: bool
) -> None:
    warehouse.execute(
        "insert into staging.int_citibike__duplicate_rides by name "
        "select ride_id, _source_month as source_month, _source_file as source_file, _source_row as source_row, "
        "_source_month as kept_source_month, true as has_reused_id "
        f"from raw_data.trips where _source_month = '2024-10' limit {rows}"
    )
    found = warehouse.execute(compiled("assert_ride_ids_are_of_one_ride")).fetchall()
    assert found == ([("2024-10", rows, ROWS)] if blocks else [])
