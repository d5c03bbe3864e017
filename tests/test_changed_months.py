"""A build goes by what has changed since the last one that ended well, and by everything where that is not known."""

import json
from pathlib import Path
from typing import Any

import duckdb
import pytest
from checksums import checksums
from fixtures import Config, Query, Run, Serve
from support import MONTHS

from luigi_pipeline.core.datadir import DataDir
from luigi_pipeline.sample import Publishers, generate
from luigi_pipeline.state import markers

OCTOBER = {
    "sources": {
        "yellow_taxi": {"months": [MONTHS[0]]},
        "citibike": {"months": [MONTHS[0]]},
        "weather": {"end_date": "2024-10-31"},
    }
}
NOVEMBER = {"citibike": [MONTHS[1]], "yellow_taxi": [MONTHS[1]]}


@pytest.fixture
def october(tmp_path: Path, publishers: Publishers, config: Config, run_luigi: Run) -> tuple[DataDir, Path, Path]:
    """A data dir with October built, its configuration, and that of both months."""
    data = DataDir(tmp_path / "data")
    first, both = config(publishers.url, OCTOBER, "october.yaml"), config(publishers.url, name="both.yaml")
    result = run_luigi("DbtBuild", data_dir=data.root, config=first)
    assert result.returncode == 0, result.stderr
    return data, first, both


def built(data: DataDir) -> dict[str, Any]:
    marker = markers.read(data.markers / "DbtBuild.json")
    assert marker
    return marker.details


def asked(data: DataDir, name: str) -> str:
    """The SQL of one of dbt's tests, as it was run last."""
    results = json.loads((data.dbt / "target" / "run_results.json").read_text())["results"]
    (found,) = [item["compiled_code"] for item in results if name in item["unique_id"]]
    return str(found)


def test_a_new_month_is_built_and_tested_alone_and_gives_what_a_clean_build_gives(
    october: tuple[DataDir, Path, Path], tmp_path: Path, run_luigi: Run
) -> None:
    data, _, both = october
    assert built(data)["since"] is None
    assert built(data)["rebuilt"] is None
    before = markers.read(data.markers / "DbtBuild.json")
    assert before

    assert run_luigi("DbtBuild", data_dir=data.root, config=both).returncode == 0
    assert built(data)["since"] == before.fingerprint
    assert built(data)["rebuilt"] == NOVEMBER
    for test in (
        "unique_text_fct_trips_trip_id",
        "unique_combination_int_tlc__voided_trips",
        "assert_rows_conserved",
        "assert_rows_have_their_positions",
    ):
        assert "source_month = '2024-11'" in asked(data, test)
        assert "2024-10" not in asked(data, test)

    clean = DataDir(tmp_path / "clean")
    assert run_luigi("DbtBuild", data_dir=clean.root, config=both).returncode == 0
    assert checksums(data.warehouse) == checksums(clean.warehouse)
    assert "2024-11" not in asked(clean, "assert_rows_conserved")


def test_after_a_build_that_failed_or_of_a_selection_all_months_are_asked(
    october: tuple[DataDir, Path, Path], run_luigi: Run
) -> None:
    data, first, both = october
    selected = run_luigi("DbtBuild", "--select", "fct_hourly_mobility", data_dir=data.root, config=first)
    assert selected.returncode == 0, selected.stderr
    assert run_luigi("DbtBuild", data_dir=data.root, config=both).returncode == 0
    assert built(data)["rebuilt"] is None

    assert run_luigi("DbtBuild", data_dir=data.root, config=first).returncode == 0
    (data.markers / "DbtBuild.json").unlink()  # as a build that fails leaves it
    before = checksums(data.warehouse)
    with duckdb.connect(str(data.warehouse)) as connection:  # as if other code had made them
        connection.execute("alter table marts.pickup_sums rename column trips to rides")
        connection.execute("drop table marts.dropoff_sums; create view marts.dropoff_sums as select 1 as trips")
    result = run_luigi("DbtBuild", data_dir=data.root, config=first)
    assert result.returncode == 0, result.stderr
    assert checksums(data.warehouse) == before
    assert built(data)["since"] is None
    assert built(data)["rebuilt"] is None


def test_changed_code_is_asked_of_all_months(
    october: tuple[DataDir, Path, Path], tmp_path: Path, run_luigi: Run, query: Query
) -> None:
    data, _, both = october
    path = data.markers / "DbtBuild.json"
    marker = json.loads(path.read_text())
    marker["inputs"]["models/marts/dim_time.sql"] = "other code"
    path.write_text(json.dumps(marker))

    assert run_luigi("DbtBuild", data_dir=data.root, config=both).returncode == 0
    assert built(data)["rebuilt"] is None
    assert query(data, "select count(*) from duckdb_tables() where table_name = 'changed_months'") == [(0,)]


def test_rides_in_two_months_of_which_one_has_fractions_of_seconds_are_copies(
    tmp_path: Path, serve: Serve, config: Config, run_luigi: Run
) -> None:
    months, folder = ["2024-05", "2024-06"], tmp_path / "published"
    generate(folder, months=months, taxi_trips_per_month=2000, rides_per_month=2000)
    weather = {"start_date": "2024-05-01", "end_date": "2024-06-30"}
    trips = {"months": months}
    sources = {"sources": {"yellow_taxi": trips, "citibike": trips, "weather": weather}}
    result = run_luigi("DbtBuild", data_dir=tmp_path / "data", config=config(serve(folder).url, sources))
    assert result.returncode == 0, result.stderr
