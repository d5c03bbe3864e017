"""dbt's tests of what no sound publication can break: each tells of damaged rows, and of sound ones nothing."""

import json
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import duckdb
import pytest
from fixtures import Ingested
from support import PROJECT, environment

from luigi_pipeline.core.datadir import DataDir
from luigi_pipeline.state.changes import EVERYTHING, Changes

TAXIS = "update raw_data.yellow_taxi set {} where _source_month = '{}' and _source_row % 10 < {{tenths}}"
RIDES = "update raw_data.trips set {} where _source_month = '{}' and _source_row % 10 < {{tenths}}"
# Of a share of a month's rows, what its publisher always gives is not there.
MISREAD = {
    ("yellow_taxi", "2024-10"): TAXIS.format(
        "tpep_pickup_datetime = tpep_pickup_datetime + interval 40 day", "2024-10"
    ),
    ("yellow_taxi", "2024-11"): TAXIS.format("do_location_id = null", "2024-11"),
    ("citibike", "2024-10"): RIDES.format("start_lat = start_lng, start_lng = start_lat", "2024-10"),
    ("citibike", "2024-11"): RIDES.format("ended_at = null", "2024-11"),
}
# The test, the statement that damages, what has changed, and how many rows the test then finds.
DAMAGE = {
    "assert_rides_are_in_one_month": (
        """
        update marts.fct_trips set trip_id = (
            select min(trip_id) from marts.fct_trips where trip_type = 'citibike' and source_month = '2024-10'
        )
        where trip_type = 'citibike' and source_file like '202411%_1.csv' and source_row = 7
        """,
        Changes({"citibike": ["2024-11"]}),
        1,
    ),
    "assert_reversals_void_one_trip_each": (
        "update marts.fct_trips set is_voided = true where trip_type = 'yellow_taxi' and source_row < 500",
        EVERYTHING,
        2,
    ),
    "assert_hourly_sums_match_trips": (
        """
        update staging.int_trips__by_hour set duration_minutes = duration_minutes + 1
        where trip_type = 'citibike' and pickup_hour_utc = '2024-10-17 12:00:00'
        """,
        EVERYTHING,
        1,
    ),
}


@pytest.fixture
def failures(published: Ingested, tmp_path: Path) -> Callable[..., int]:
    """Damage a copy of the built sample, run one of dbt's tests, and count the rows that it finds."""

    def run(test: str, *statements: str, changes: Changes = EVERYTHING) -> int:
        data = DataDir(tmp_path / "data")
        data.root.mkdir()
        shutil.copy(published.data.warehouse, data.warehouse)
        with duckdb.connect(str(data.warehouse)) as connection:
            for statement in statements:
                connection.execute(statement)
        command = [str(Path(sys.executable).with_name("dbt")), "test", "--select", test, "--project-dir", "dbt_project"]
        folders = ["--profiles-dir", "dbt_project", "--target-path", str(data.dbt), "--log-path", str(data.logs)]
        env = environment({"MOBILITY_WAREHOUSE": str(data.warehouse), "MOBILITY_CHANGED_MONTHS": changes.as_json()})
        said = subprocess.run([*command, *folders], cwd=PROJECT, env=env, capture_output=True, text=True, check=False)
        (result,) = json.loads((data.dbt / "run_results.json").read_text())["results"]
        assert result["status"] in ("pass", "fail"), said.stdout
        return int(result["failures"])

    return run


@pytest.mark.parametrize(("tenths", "months"), [(6, 4), (4, 0)])
def test_a_month_that_is_mostly_misread_is_refused(failures: Callable[..., int], tenths: int, months: int) -> None:
    damages = [statement.format(tenths=tenths) for statement in MISREAD.values()]
    assert failures("assert_months_are_of_their_files", *damages) == months


@pytest.mark.parametrize("test", DAMAGE)
def test_damage_is_refused(failures: Callable[..., int], test: str) -> None:
    statement, changes, rows = DAMAGE[test]
    assert failures(test, statement, changes=changes) == rows
