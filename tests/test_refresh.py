"""Published files that change: what is asked for again, and what that brings about."""

import datetime as dt
import json
import shutil
from collections import Counter
from dataclasses import replace
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import pytest
from fixtures import Command, Config, Ingested, Query, Run, Serve
from support import MONTHS, ROWS

from luigi_pipeline.core.datadir import DataDir
from luigi_pipeline.sample import Fault, Publishers, generate
from luigi_pipeline.state import markers
from luigi_pipeline.state.history import looking
from luigi_pipeline.state.markers import Marker

OFF = {"enabled": False, "months": []}
ONLY_TAXIS = {"citibike": OFF, "weather": {"enabled": False}}
ONLY_BIKES = {"yellow_taxi": OFF, "weather": {"enabled": False}}
ONLY_WEATHER = {"yellow_taxi": OFF, "citibike": OFF}
TAXI_ROWS = "select _source_month, count(*) from raw_data.yellow_taxi group by 1 order by 1"


@pytest.fixture
def changing(sample_folder: Path, tmp_path: Path, serve: Serve) -> tuple[Publishers, Path]:
    """A server whose files a test may change, and their folder."""
    folder = tmp_path / "published"
    shutil.copytree(sample_folder, folder)
    return serve(folder), folder


def marker(data: DataDir, *name: str) -> Marker:
    found = markers.read(data.markers.joinpath(*name).with_suffix(".json"))
    assert found is not None, f"{name} left no marker"
    return found


def times(data: DataDir, *tasks: str) -> dict[str, tuple[str, str | None]]:
    """When each marker of some tasks was left, and the load it is of."""
    paths = sorted(path for path in data.markers.rglob("*.json") if path.relative_to(data.markers).parts[0] in tasks)
    found = {path.relative_to(data.markers).as_posix(): markers.read(path) for path in paths}
    return {name: (left.finished_at, left.load_id) for name, left in found.items() if left}


def age(data: DataDir, days: float, *name: str) -> None:
    """Let the publisher have been asked some days earlier."""
    path = data.markers.joinpath(*name).with_suffix(".json")
    found = marker(data, *name)
    asked = dt.datetime.fromisoformat(found.finished_at) - dt.timedelta(days=days)
    replace(found, finished_at=asked.isoformat(timespec="milliseconds")).write(path)


def republish(folder: Path) -> None:
    """Put another file in place of October's taxis."""
    generate(folder, months=["2024-10"], taxi_trips_per_month=1234, rides_per_month=ROWS, seed=7)


def requests(server: Publishers) -> Counter[str]:
    """How often each path was asked for since the last call."""
    asked = Counter(request.path for request in server.log)
    server.log.clear()
    return asked


@pytest.mark.parametrize("keep_landed", [True, False])
def test_an_unchanged_month_costs_one_request_and_rebuilds_nothing(
    keep_landed: bool,
    changing: tuple[Publishers, Path],
    tmp_path: Path,
    run_luigi: Run,
    config: Config,
) -> None:
    server, _ = changing
    data = DataDir(tmp_path / "data")
    file = config(server.url, {"sources": {"weather": {"enabled": False}}, "download": {"keep_landed": keep_landed}})
    assert run_luigi("Ingest", data_dir=data.root, config=file).returncode == 0
    before = times(data, "LoadMonth", "LoadZones", "IngestYellowTaxi", "IngestCitibike", "Ingest")
    requests(server)
    assert run_luigi("Ingest", data_dir=data.root, config=file).returncode == 0
    assert requests(server) == {}, "what is loaded is not asked for again by itself"

    result = run_luigi("Ingest", "--mobility-refresh", data_dir=data.root, config=file)
    assert result.returncode == 0, result.stderr
    assert requests(server) == {
        "/misc/taxi_zone_lookup.csv": 1,
        "/tripdata": 2,  # the bucket's list tells whether a month's archive has changed
        **{f"/trip-data/yellow_tripdata_{month}.parquet": 1 for month in MONTHS},
    }
    assert all(request.status in (200, 304) for request in server.log)
    assert times(data, "LoadMonth", "LoadZones", "IngestYellowTaxi", "IngestCitibike", "Ingest") == before
    for task in ("FetchMonth yellow_taxi 2024-10", "LoadMonth yellow_taxi 2024-10"):
        attempts = looking.attempts(data.history, task, 9)
        assert [it.outcome for it in attempts] == ["unchanged", "done"]


def test_a_changed_month_is_fetched_and_replaced_with_what_depends_on_it_and_nothing_else(
    changing: tuple[Publishers, Path],
    tmp_path: Path,
    run_luigi: Run,
    run_command: Command,
    config: Config,
    query: Query,
) -> None:
    server, folder = changing
    data, file = DataDir(tmp_path / "data"), config(server.url, {"sources": ONLY_TAXIS})
    assert run_luigi("Ingest", data_dir=data.root, config=file).returncode == 0
    old = marker(data, "LoadMonth", "yellow_taxi", "2024-10")
    others = times(data, "LoadZones", "IngestCitibike", "IngestWeather")
    republish(folder)

    result = run_luigi("Ingest", "--mobility-refresh", data_dir=data.root, config=file)
    assert result.returncode == 0, result.stderr
    assert f"LoadMonth yellow_taxi 2024-10: republished: {ROWS:,} -> 1,234 rows" in result.stderr
    assert query(data, TAXI_ROWS) == [("2024-10", 1234), ("2024-11", ROWS)]
    new = marker(data, "LoadMonth", "yellow_taxi", "2024-10")
    assert old.source
    assert new.replaced == {"version": old.source.sha256[:16], "rows": ROWS}
    assert old.replaced is None
    assert marker(data, "LoadMonth", "yellow_taxi", "2024-11").replaced is None
    assert times(data, "LoadZones", "IngestCitibike", "IngestWeather") == others
    assert query(data, "select sum(row_count) from meta.source_files where source = 'yellow_taxi'") == [(1234 + ROWS,)]


def test_plan_tells_how_a_republished_month_has_changed_until_the_models_have_it(
    loaded: DataDir, ingested: Ingested, run_command: Command
) -> None:
    load, ingest = marker(loaded, "LoadMonth", "citibike", "2024-10"), marker(loaded, "IngestCitibike")
    republished = replace(load, replaced={"version": "0" * 16, "rows": 114_208}, details={"rows": 115_558})
    republished.write(loaded.markers / "LoadMonth" / "citibike" / "2024-10.json")
    changed = replace(ingest, fingerprint="older", inputs=ingest.inputs | {"citibike 2024-10": "older"})
    changed.write(loaded.markers / "IngestCitibike.json")
    result = run_command("plan", "Ingest", "--json", data_dir=loaded.root, config=ingested.config)
    why = {step["task"]: step["why"] for step in json.loads(result.stdout)}
    assert why["IngestCitibike"] == "citibike 2024-10 republished: 114,208 -> 115,558 rows"


def test_a_refresh_that_was_cut_off_after_the_fetch_is_ended_by_the_next_run(
    changing: tuple[Publishers, Path],
    tmp_path: Path,
    run_luigi: Run,
    run_command: Command,
    config: Config,
    query: Query,
) -> None:
    server, folder = changing
    data, file = DataDir(tmp_path / "data"), config(server.url, {"sources": ONLY_TAXIS})
    assert run_luigi("IngestYellowTaxi", data_dir=data.root, config=file).returncode == 0
    republish(folder)
    month = ["--source", "yellow_taxi", "--month", "2024-10"]
    fetch = run_luigi("FetchMonth", *month, "--mobility-refresh", data_dir=data.root, config=file)
    assert fetch.returncode == 0, fetch.stderr
    assert query(data, TAXI_ROWS) == [("2024-10", ROWS), ("2024-11", ROWS)]
    plan = run_command("plan", "IngestYellowTaxi", data_dir=data.root, config=file).stdout
    assert "LoadMonth yellow_taxi 2024-10  another version was fetched: " in plan
    shutil.rmtree(data.landing)
    assert run_luigi("IngestYellowTaxi", data_dir=data.root, config=file).returncode == 0
    assert query(data, TAXI_ROWS) == [("2024-10", 1234), ("2024-11", ROWS)]


def test_a_refresh_of_a_publisher_that_is_down_fails_and_what_is_loaded_stays(
    changing: tuple[Publishers, Path],
    tmp_path: Path,
    run_luigi: Run,
    config: Config,
    query: Query,
) -> None:
    server, _ = changing
    data, file = DataDir(tmp_path / "data"), config(server.url, {"sources": ONLY_TAXIS})
    assert run_luigi("IngestYellowTaxi", data_dir=data.root, config=file).returncode == 0
    server.faults.add(Fault("2024-10", status=503, times=99))
    result = run_luigi("IngestYellowTaxi", "--mobility-refresh", data_dir=data.root, config=file)
    assert result.returncode == 30
    assert "FetchMonth yellow_taxi 2024-10 failed: " in result.stderr
    assert query(data, TAXI_ROWS) == [("2024-10", ROWS), ("2024-11", ROWS)]
    server.faults.clear()
    requests(server)
    assert run_luigi("IngestYellowTaxi", data_dir=data.root, config=file).returncode == 0
    assert requests(server) == {}


def test_a_republished_file_that_is_damaged_is_refused_and_what_is_loaded_stays(
    changing: tuple[Publishers, Path],
    tmp_path: Path,
    run_luigi: Run,
    config: Config,
    query: Query,
) -> None:
    server, folder = changing
    data, file = DataDir(tmp_path / "data"), config(server.url, {"sources": ONLY_BIKES})
    assert run_luigi("IngestCitibike", data_dir=data.root, config=file).returncode == 0
    rides = "select _source_month, count(*) from raw_data.trips group by 1 order by 1"
    archive = folder / "tripdata" / "202410-citibike-tripdata.zip"
    whole = archive.read_bytes()
    archive.write_bytes(whole[: len(whole) // 2])
    result = run_luigi("IngestCitibike", "--mobility-refresh", data_dir=data.root, config=file)
    assert result.returncode == 30
    assert "202410-citibike-tripdata.zip.rejected" in result.stderr
    assert query(data, rides) == [("2024-10", ROWS), ("2024-11", ROWS)]
    assert run_luigi("IngestCitibike", data_dir=data.root, config=file).returncode == 0, "what is loaded is whole"
    generate(folder, months=["2024-10"], taxi_trips_per_month=100, rides_per_month=1234, seed=7)
    assert run_luigi("IngestCitibike", "--mobility-refresh", data_dir=data.root, config=file).returncode == 0
    assert query(data, rides) == [("2024-10", 1234), ("2024-11", ROWS)]


def test_an_archive_that_moves_to_another_key_is_loaded_from_there(
    changing: tuple[Publishers, Path],
    tmp_path: Path,
    run_luigi: Run,
    config: Config,
    query: Query,
) -> None:
    server, folder = changing
    data, file = DataDir(tmp_path / "data"), config(server.url, {"sources": ONLY_BIKES})
    assert run_luigi("IngestCitibike", data_dir=data.root, config=file).returncode == 0
    bucket = folder / "tripdata"
    (bucket / "202410-citibike-tripdata.zip").rename(bucket / "202410-citibike-tripdata.csv.zip")
    requests(server)
    result = run_luigi("IngestCitibike", "--mobility-refresh", data_dir=data.root, config=file)
    assert result.returncode == 0, result.stderr
    assert requests(server) == {"/tripdata": 2, "/tripdata/202410-citibike-tripdata.csv.zip": 1}
    files = "select distinct split_part(_source_file, '/', 1), count(*) over () from raw_data.trips order by 1"
    assert [name for name, _ in query(data, files)] == [
        "202410-citibike-tripdata.csv.zip",
        "202411-citibike-tripdata.zip",
    ]
    assert query(data, "select count(*) from raw_data.trips") == [(2 * ROWS,)]


class TestWeatherThatIsNotSettled:
    """Hours younger than ten days when they were fetched."""

    @pytest.fixture
    def recent(self, tmp_path: Path, serve: Serve) -> tuple[Publishers, Path, dict[str, Any]]:
        """A server of the last weeks' weather, its file of the year, and the configuration's block."""
        today = dt.datetime.now(dt.UTC).date()
        first, last = today - dt.timedelta(days=4), today - dt.timedelta(days=3)
        folder = tmp_path / "published"
        generate(folder, months=[f"{first:%Y-%m}", f"{last:%Y-%m}"], taxi_trips_per_month=100, rides_per_month=100)
        block = {"start_date": str(first), "end_date": str(last)}
        return serve(folder), folder / "archive" / f"{last:%Y}.json", ONLY_WEATHER | {"weather": block}

    def test_are_asked_for_again_once_a_day_until_they_are_ten_days_old(
        self,
        recent: tuple[Publishers, Path, dict[str, Any]],
        tmp_path: Path,
        run_luigi: Run,
        config: Config,
    ) -> None:
        server, _, sources = recent
        data, file = DataDir(tmp_path / "data"), config(server.url, {"sources": sources})
        month = sources["weather"]["end_date"][:7]
        asked = {"/v1/archive": len({month, sources["weather"]["start_date"][:7]})}
        assert run_luigi("IngestWeather", data_dir=data.root, config=file).returncode == 0
        assert requests(server) == asked
        assert run_luigi("IngestWeather", data_dir=data.root, config=file).returncode == 0
        assert requests(server) == {}, "once a day is enough"

        before = times(data, "LoadMonth", "IngestWeather")
        age(data, 1, "FetchMonth", "weather", month)
        result = run_luigi("IngestWeather", data_dir=data.root, config=file)
        assert result.returncode == 0, result.stderr
        assert requests(server) == {"/v1/archive": 1}
        assert times(data, "LoadMonth", "IngestWeather") == before, "equal content rebuilds nothing"

        path = data.markers / "FetchMonth" / "weather" / f"{month}.json"
        found = marker(data, "FetchMonth", "weather", month)
        assert found.source
        assert found.source.settled_at
        late = dt.datetime.fromisoformat(found.source.settled_at) + dt.timedelta(hours=1)
        settled = replace(found.source, settled_at="2020-01-01T00:00:00.000+00:00")
        assert late > dt.datetime.now(dt.UTC)
        replace(found, sources=[settled]).write(path)
        age(data, 1, "FetchMonth", "weather", month)
        assert run_luigi("IngestWeather", data_dir=data.root, config=file).returncode == 0
        assert requests(server) == {}, "what was asked for after it had settled stands"

    def test_are_loaded_again_when_values_have_come(
        self,
        recent: tuple[Publishers, Path, dict[str, Any]],
        tmp_path: Path,
        run_luigi: Run,
        config: Config,
        query: Query,
    ) -> None:
        server, year, sources = recent
        published = json.loads(year.read_text(encoding="utf-8"))
        full = year.read_bytes()
        last = f"{sources['weather']['end_date']}T18:00"
        at = published["hourly"]["time"].index(last)
        for name, values in published["hourly"].items():
            if name != "time":
                values[at : at + 3] = [None] * 3
        year.write_text(json.dumps(published), encoding="utf-8")
        data, file = DataDir(tmp_path / "data"), config(server.url, {"sources": sources})
        month = sources["weather"]["end_date"][:7]
        assert run_luigi("IngestWeather", data_dir=data.root, config=file).returncode == 0
        nulls = "select count(*) from raw_data.hourly_weather where temperature_2m is null"
        assert query(data, nulls) == [(3,)]
        details = marker(data, "FetchMonth", "weather", month).details
        assert details["hours to be filled in"] >= 3
        assert details["hours without a value"] == 0

        year.write_bytes(full)
        age(data, 1, "FetchMonth", "weather", month)
        assert run_luigi("IngestWeather", data_dir=data.root, config=file).returncode == 0
        assert query(data, nulls) == [(0,)]
        assert marker(data, "LoadMonth", "weather", month).replaced


def test_old_hours_without_a_value_stay_so_and_are_counted(
    ingested: Ingested, query: Query, publishers: Publishers, sample_folder: Path
) -> None:
    measures = "temperature_2m, precipitation, rain, snowfall, cloud_cover, pressure_msl, wind_speed_10m"
    lacking = query(
        ingested.data,
        f"select count(*) from raw_data.hourly_weather where _source_month = '2024-10' and [{measures}] != "
        f"list_filter([{measures}], lambda value: value is not null)",
    )[0][0]
    details = marker(ingested.data, "FetchMonth", "weather", "2024-10").details
    assert details["hours"] == 745
    assert details["hours without a value"] >= lacking > 0
    assert details["hours to be filled in"] == 0
    assert urlencode({"start_date": "2024-10-01"}) in str(marker(ingested.data, "LoadMonth", "weather", "2024-10"))
