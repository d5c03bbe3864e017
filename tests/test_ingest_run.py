"""Whole runs of the real command: nothing wrong, nothing twice, nothing lost."""

import datetime as dt
import os
import re
import shutil
from itertools import pairwise
from pathlib import Path

import duckdb
from fixtures import Config, Ingested, Query, Result, Run, Serve, Start, Wait
from support import MONTHS, ROWS, opened_elsewhere, write_zip

from luigi_pipeline.config.settings import Warehouse
from luigi_pipeline.core.datadir import DataDir
from luigi_pipeline.sample import Fault, Publishers, generate
from luigi_pipeline.state import markers
from luigi_pipeline.state.markers import Marker
from luigi_pipeline.warehouse import database

LOADS = [f"LoadMonth/{source}/{month}" for source in ("citibike", "weather", "yellow_taxi") for month in MONTHS]
ONE_MONTH = {"sources": {"weather": {"start_date": "2024-10-01", "end_date": "2024-10-31"}}}


def marker(data: DataDir, name: str) -> Marker:
    """A marker that is there."""
    found = markers.read(data.markers / f"{name}.json")
    assert found is not None, f"{name} left no marker"
    return found


def contents(data: DataDir) -> dict[str, bytes]:
    """All markers by name, without the note beside them that tells which file the warehouse is."""
    paths = sorted(path for path in data.markers.rglob("*.json") if path.name != "warehouse.json")
    return {path.relative_to(data.markers).with_suffix("").as_posix(): path.read_bytes() for path in paths}


def changed(data: DataDir, before: dict[str, bytes]) -> set[str]:
    """Names of the markers that are not what they were."""
    after = contents(data)
    return {name for name in before.keys() | after.keys() if before.get(name) != after.get(name)}


def load_ids(data: DataDir) -> dict[str, str | None]:
    """dlt's id of each load."""
    return {name: marker(data, name).load_id for name in LOADS}


def rows_by_month(data: DataDir, query: Query, table: str) -> dict[str, int]:
    return dict(query(data, f"select _source_month, count(*) from raw_data.{table} group by 1"))


def summary(result: Result) -> list[str]:
    """What the run said, without the times of day."""
    return [line[9:] for line in result.stderr.splitlines() if re.match(r"\d\d:\d\d:\d\d ", line)]


# One run over the whole sample


def test_every_row_of_every_file_is_loaded_with_its_values(
    ingested: Ingested, sample_folder: Path, query: Query
) -> None:
    for month in MONTHS:
        compact = month.replace("-", "")
        file = sample_folder / "trip-data" / f"yellow_tripdata_{month}.parquet"
        columns = (
            "tpep_pickup_datetime, tpep_dropoff_datetime, passenger_count, trip_distance, total_amount, payment_type"
        )
        published = duckdb.sql(
            f"select file_row_number + 1, {columns} from read_parquet('{file}', file_row_number = true) order by 1"
        )
        loaded = f"select _source_row, {columns} from raw_data.yellow_taxi where _source_month = '{month}' order by 1"
        assert query(ingested.data, loaded) == published.fetchall()

        unpacked = ingested.data.root.parent / compact
        shutil.unpack_archive(sample_folder / "tripdata" / f"{compact}-citibike-tripdata.zip", unpacked)
        columns = (
            "ride_id, started_at::timestamp, ended_at::timestamp, start_station_id, end_station_id, end_lat::double"
        )
        members = f"read_csv('{unpacked}/*.csv', all_varchar = true)"
        rides = duckdb.sql(f"select {columns} from {members} order by all").fetchall()
        loaded = f"select {columns} from raw_data.trips where _source_month = '{month}' order by all"
        assert len(rides) == ROWS
        assert query(ingested.data, loaded) == rides


def test_times_are_those_of_the_files_though_the_machine_is_in_another_zone(
    ingested: Ingested, sample_folder: Path, query: Query
) -> None:
    file = sample_folder / "trip-data" / "yellow_tripdata_2024-11.parquet"
    times = "select min(tpep_pickup_datetime), max(tpep_dropoff_datetime) from"
    published = duckdb.sql(f"{times} '{file}'").fetchall()
    assert query(ingested.data, f"{times} raw_data.yellow_taxi where _source_month = '2024-11'") == published
    weather = "select _source_month, min(time), max(time), count(*) from raw_data.hourly_weather group by 1 order by 1"
    assert query(ingested.data, weather) == [
        ("2024-10", dt.datetime(2024, 10, 1, 4), dt.datetime(2024, 11, 1, 4), 745),
        ("2024-11", dt.datetime(2024, 11, 1, 4), dt.datetime(2024, 12, 1, 5), 722),
    ]


def test_every_loaded_file_is_in_source_files_with_its_rows(ingested: Ingested, query: Query) -> None:

    counted = "select _source_file, _source_version, count(*) from raw_data.{} group by all"
    tables = ("yellow_taxi", "trips", "hourly_weather", "taxi_zones")
    loaded = {row for table in tables for row in query(ingested.data, counted.format(table))}
    noted = query(ingested.data, "select source_file, source_version, row_count from meta.source_files")
    assert len(noted) == len(set(noted)) == 9  # two members in each of CitiBike's archives
    assert set(noted) == loaded


def test_markers_tell_what_was_loaded_from_where(ingested: Ingested, sample_folder: Path) -> None:

    load = marker(ingested.data, "LoadMonth/citibike/2024-10")
    (source,) = load.sources
    archive = sample_folder / "tripdata" / "202410-citibike-tripdata.zip"
    assert source.url.endswith("/tripdata/202410-citibike-tripdata.zip")
    assert source.size == archive.stat().st_size
    assert source.rows == ROWS
    assert source.etag
    assert source.last_modified
    assert list(source.members.values()) == [ROWS // 2, ROWS // 2]
    assert load.load_id
    assert set(load.versions) == {"dlt", "duckdb", "luigi", "python"}
    assert load.started_at.endswith("+00:00")
    assert load.started_at < load.finished_at
    taxi = marker(ingested.data, "LoadMonth/yellow_taxi/2024-10")
    assert "yellow_tripdata_2024-10.parquet: no column cbd_congestion_fee" in taxi.schema_changes


def test_ingest_sums_up_status_rows_and_seconds_of_each_source(ingested: Ingested) -> None:

    details = marker(ingested.data, "Ingest").details
    assert {
        name: (details[name]["status"], details[name]["rows"]) for name in ("yellow_taxi", "citibike", "weather")
    } == {
        "yellow_taxi": ("loaded", 2 * ROWS),
        "citibike": ("loaded", 2 * ROWS),
        "weather": ("loaded", 745 + 722),
    }
    assert all(details[name]["seconds"] > 0 for name in ("yellow_taxi", "citibike", "weather"))


def test_four_workers_write_to_the_warehouse_one_at_a_time(ingested: Ingested) -> None:

    loads = [marker(ingested.data, name) for name in [*LOADS, "LoadZones"]]
    spans = sorted((load.started_at, load.finished_at) for load in loads)
    assert len(spans) == 7
    assert all(before[1] <= after[0] for before, after in pairwise(spans)), spans


def test_the_console_has_a_line_for_each_task_and_no_traceback(ingested: Ingested) -> None:

    said = summary(ingested.result)
    assert len(said) == 19
    assert [line for line in said if line.startswith(f"LoadMonth yellow_taxi 2024-10: {ROWS:,} rows (")]
    assert ingested.result.stdout == ""
    assert "Traceback" not in ingested.result.stderr


def test_everything_is_written_below_the_data_dir(ingested: Ingested) -> None:

    # SQLite leaves files of its own beside the history that someone has looked at.
    names = {path.name.removesuffix("-shm").removesuffix("-wal") for path in ingested.data.root.iterdir()}
    assert names <= {".lock", "history.sqlite", "landing", "logs", "markers", "nyc_mobility.duckdb", "scratch"}
    assert not [path for path in ingested.data.scratch.rglob("*") if path.is_file()]


# Nothing twice


def test_a_second_run_does_nothing_and_asks_no_one(ingested: Ingested, run_luigi: Run) -> None:

    before = contents(ingested.data)
    written = ingested.data.warehouse.stat().st_mtime_ns
    result = run_luigi("Ingest", data_dir=ingested.data.root, config=ingested.config)
    assert result.returncode == 0
    assert summary(result) == []
    assert "Did not run any tasks" in result.stderr
    assert changed(ingested.data, before) == set()
    assert ingested.data.warehouse.stat().st_mtime_ns == written


def test_landing_may_be_emptied_and_months_may_leave_the_configuration(
    ingested: Ingested, loaded: DataDir, run_luigi: Run, config: Config, query: Query
) -> None:
    url = marker(ingested.data, "FetchMonth/yellow_taxi/2024-10").sources[0].url.partition("/trip-data")[0]
    fewer = {"yellow_taxi": {"months": ["2024-10"]}, "weather": {"end_date": "2024-10-31"}}
    shutil.rmtree(loaded.landing)
    before = contents(loaded)
    result = run_luigi("Ingest", data_dir=loaded.root, config=config(url, {"sources": fewer}))
    assert result.returncode == 0, result.stderr
    assert summary(result) == []
    assert changed(loaded, before) == set()
    assert rows_by_month(loaded, query, "yellow_taxi") == dict.fromkeys(MONTHS, ROWS)
    fetch = ("FetchMonth", "--source", "weather", "--month", "2024-11")
    again = run_luigi(*fetch, data_dir=loaded.root, config=config(url))
    assert (again.returncode, summary(again)) == (0, []), "a loaded month needs no file"


def test_landing_may_be_emptied_while_a_run_goes_on(
    loaded: DataDir, ingested: Ingested, start_luigi: Start, wait_until: Wait, query: Query
) -> None:
    log = loaded.logs / "pipeline.log"
    log.unlink()
    for path in (loaded.markers / "LoadMonth" / "weather").iterdir():
        path.unlink()
    with opened_elsewhere(loaded.warehouse, "read"):
        again = ("IngestWeather", "--workers", "1", "--scheduler-retry-count", "3")
        process = start_luigi(*again, data_dir=loaded.root, config=ingested.config)
        wait_until(lambda: log.exists() and "waiting for nyc_mobility.duckdb" in log.read_text(encoding="utf-8"))
        shutil.rmtree(loaded.landing)
    _, said = process.communicate(timeout=60)
    assert process.returncode == 0, said
    assert "warning: LoadMonth weather 2024-11: FetchMonth weather 2024-11 must be done again first" in said
    assert rows_by_month(loaded, query, "hourly_weather") == {"2024-10": 745, "2024-11": 722}


def test_a_marker_that_is_deleted_runs_that_task_alone(
    ingested: Ingested, loaded: DataDir, run_luigi: Run, query: Query
) -> None:
    everything = "select columns(name -> not starts_with(name, '_dlt')) from raw_data.trips order by all"
    rows = query(loaded, everything)
    before = contents(loaded)
    (loaded.markers / "LoadMonth" / "citibike" / "2024-11.json").unlink()
    result = run_luigi("Ingest", data_dir=loaded.root, config=ingested.config)
    assert result.returncode == 0, result.stderr
    assert changed(loaded, before) == {"LoadMonth/citibike/2024-11"}
    assert [line for line in summary(result) if "rows" in line] == [
        line for line in summary(result) if line.startswith("LoadMonth citibike 2024-11: 5,000 rows")
    ]
    assert query(loaded, everything) == rows


def test_another_publisher_with_the_same_files_reloads_nothing(
    loaded: DataDir, run_luigi: Run, publishers: Publishers, config: Config
) -> None:
    before, ids = contents(loaded), load_ids(loaded)
    result = run_luigi("Ingest", data_dir=loaded.root, config=config(publishers.url))
    assert result.returncode == 0, result.stderr
    assert load_ids(loaded) == ids
    refetched = {name for name in before if name.startswith(("Fetch", "Load"))}
    assert changed(loaded, before) == refetched, "what depends on the loads stands as it was"
    assert marker(loaded, "LoadMonth/citibike/2024-10").sources[0].url.startswith(publishers.url)
    again = run_luigi("Ingest", data_dir=loaded.root, config=config(publishers.url))
    assert summary(again) == []


def test_a_republished_month_replaces_exactly_itself(
    loaded: DataDir,
    run_luigi: Run,
    serve: Serve,
    config: Config,
    sample_folder: Path,
    tmp_path: Path,
    query: Query,
) -> None:
    published = tmp_path / "republished"
    shutil.copytree(sample_folder, published)
    generate(tmp_path / "other", months=["2024-11"], taxi_trips_per_month=100, rides_per_month=500, seed=7)
    name = "tripdata/202411-citibike-tripdata.zip"
    shutil.copyfile(tmp_path / "other" / name, published / name)
    october = (
        "select ride_id, started_at, _source_version from raw_data.trips where _source_month = '2024-10' order by 1"
    )
    before, rows, ids = contents(loaded), query(loaded, october), load_ids(loaded)

    result = run_luigi("Ingest", data_dir=loaded.root, config=config(serve(published).url))

    assert result.returncode == 0, result.stderr
    assert {name for name, load_id in load_ids(loaded).items() if load_id != ids[name]} == {
        "LoadMonth/citibike/2024-11"
    }
    downstream = {name for name in changed(loaded, before) if not name.startswith(("Fetch", "Load"))}
    assert downstream == {"IngestCitibike", "Ingest"}
    assert rows_by_month(loaded, query, "trips") == {"2024-10": ROWS, "2024-11": 500}
    assert query(loaded, october) == rows
    version = marker(loaded, "LoadMonth/citibike/2024-11").sources[0].sha256[:16]
    assert query(loaded, "select distinct _source_version from raw_data.trips where _source_month = '2024-11'") == [
        (version,)
    ]
    assert marker(loaded, "Ingest").details["citibike"]["rows"] == ROWS + 500


# Nothing lost


def test_a_deleted_warehouse_is_loaded_anew_from_what_has_landed(
    ingested: Ingested, loaded: DataDir, run_luigi: Run, query: Query
) -> None:
    everything = "select columns(name -> not starts_with(name, '_dlt')) from raw_data.hourly_weather order by all"
    rows, before = query(loaded, everything), contents(loaded)
    loaded.warehouse.unlink()
    result = run_luigi("IngestWeather", data_dir=loaded.root, config=ingested.config)
    assert result.returncode == 0, result.stderr
    assert query(loaded, everything) == rows
    assert changed(loaded, before) == {"IngestWeather", *(f"LoadMonth/weather/{month}" for month in MONTHS)}
    assert not [line for line in summary(result) if line.startswith("Fetch")]
    assert rows_by_month(loaded, query, "yellow_taxi") == {}, "asked for weather alone"


def test_another_warehouse_in_its_place_is_loaded_as_if_empty(
    ingested: Ingested, loaded: DataDir, run_luigi: Run, query: Query, tmp_path: Path
) -> None:
    other = DataDir(tmp_path / "other")
    with database.writing(other, Warehouse()):
        pass
    shutil.copyfile(other.warehouse, loaded.warehouse)
    result = run_luigi("IngestWeather", data_dir=loaded.root, config=ingested.config)
    assert result.returncode == 0, result.stderr
    assert rows_by_month(loaded, query, "hourly_weather") == {"2024-10": 745, "2024-11": 722}


def test_a_fetched_file_that_was_changed_on_disk_is_never_loaded(
    ingested: Ingested, loaded: DataDir, run_luigi: Run, query: Query
) -> None:
    file = loaded.landing / "weather" / "open-meteo-archive_2024-10.json"
    file.write_bytes(file.read_bytes().replace(b"2024-10-05T", b"2024-10-06T", 1))
    (loaded.markers / "LoadMonth" / "weather" / "2024-10.json").unlink()
    result = run_luigi("IngestWeather", data_dir=loaded.root, config=ingested.config)
    assert result.returncode == 30
    assert "has changed since it was fetched" in result.stderr
    result = run_luigi("IngestWeather", data_dir=loaded.root, config=ingested.config)
    assert result.returncode == 0, result.stderr
    assert rows_by_month(loaded, query, "hourly_weather") == {"2024-10": 745, "2024-11": 722}


def test_landed_files_are_dropped_where_they_are_not_to_be_kept(
    tmp_path: Path, run_luigi: Run, publishers: Publishers, config: Config
) -> None:
    data, file = DataDir(tmp_path / "data"), config(publishers.url, ONE_MONTH | {"download": {"keep_landed": False}})
    assert run_luigi("IngestWeather", data_dir=data.root, config=file).returncode == 0
    assert [path.name for path in data.landing.rglob("*") if path.is_file() and not path.name.endswith(".lock")] == []
    asked = len(publishers.log)
    again = run_luigi("IngestWeather", data_dir=data.root, config=file)
    assert (again.returncode, summary(again), len(publishers.log)) == (0, [], asked)


def test_what_others_left_beside_the_markers_and_an_earlier_version_in_scratch_holds_up_no_load(
    tmp_path: Path, run_luigi: Run, publishers: Publishers, config: Config
) -> None:
    data, file = DataDir(tmp_path / "data"), config(publishers.url, ONE_MONTH | {"download": {"keep_landed": False}})
    fetch = ("FetchMonth", "--source", "weather", "--month", "2024-10")
    assert run_luigi(*fetch, data_dir=data.root, config=file).returncode == 0
    marker = data.markers / "FetchMonth" / "weather" / "2024-10.json"
    shutil.copy(marker, marker.with_name("2024-10 (copy).json"))
    typed = data.scratch / "ahead" / "0123456789abcdef" / "typed.parquet"
    typed.parent.mkdir(parents=True)
    typed.touch()
    result = run_luigi("IngestWeather", data_dir=data.root, config=file)
    assert result.returncode == 0, result.stderr
    assert not typed.exists()


def test_a_disabled_source_that_was_never_loaded_is_complete_and_left_out(
    tmp_path: Path, run_luigi: Run, publishers: Publishers, config: Config, query: Query
) -> None:
    off = {"yellow_taxi": {"enabled": False, "months": []}, "citibike": {"enabled": False, "months": []}}
    data, file = DataDir(tmp_path / "data"), config(publishers.url, {"sources": off | ONE_MONTH["sources"]})
    result = run_luigi("Ingest", data_dir=data.root, config=file)
    assert result.returncode == 0, result.stderr
    details = marker(data, "Ingest").details
    assert details.keys() == {"weather", "summary"}
    assert (details["weather"]["status"], details["weather"]["rows"]) == ("loaded", 745)
    assert query(data, "select count(*) from raw_data.trips") == [(0,)]
    for task in ("Ingest", "IngestCitibike", "IngestZones"):
        again = run_luigi(task, data_dir=data.root, config=file)
        assert (again.returncode, summary(again)) == (0, [])


def test_months_of_one_yearly_archive_download_it_once(
    tmp_path: Path,
    run_luigi: Run,
    serve: Serve,
    config: Config,
    sample_folder: Path,
    query: Query,
) -> None:
    published = tmp_path / "published"
    monthly = {
        f"2024-citibike-tripdata/{path.name}": path.read_bytes() for path in (sample_folder / "tripdata").glob("*.zip")
    }
    write_zip(published / "tripdata" / "2024-citibike-tripdata.zip", monthly)
    server = serve(published)
    data, file = DataDir(tmp_path / "data"), config(server.url, {"download": {"keep_landed": False}})
    result = run_luigi("IngestCitibike", data_dir=data.root, config=file)
    assert result.returncode == 0, result.stderr
    assert rows_by_month(data, query, "trips") == dict.fromkeys(MONTHS, ROWS)
    archive = "2024-citibike-tripdata.zip/2024-citibike-tripdata/202410-citibike-tripdata.zip"
    assert query(
        data, "select distinct _source_file from raw_data.trips where _source_month = '2024-10' order by 1"
    ) == [
        (f"{archive}/202410-citibike-tripdata_1.csv",),
        (f"{archive}/202410-citibike-tripdata_2.csv",),
    ]
    downloads = [request.status for request in server.log if request.path.endswith(".zip")]
    assert downloads.count(200) == 1, downloads


# Errors


def test_a_month_that_is_not_published_yet_is_missing_data_and_the_others_load(
    tmp_path: Path, run_luigi: Run, publishers: Publishers, config: Config, query: Query
) -> None:
    recent = f"{dt.datetime.now(dt.UTC).date():%Y-%m}"
    data = DataDir(tmp_path / "data")
    file = config(publishers.url, {"sources": {"citibike": {"months": ["2024-10", recent]}}})
    result = run_luigi("IngestCitibike", data_dir=data.root, config=file)
    assert result.returncode == 20, result.stderr
    assert f"citibike {recent} is not published yet" in result.stderr
    assert "Traceback" not in result.stderr
    assert rows_by_month(data, query, "trips") == {"2024-10": ROWS}
    assert not (data.markers / "IngestCitibike.json").exists()


def test_a_missing_old_month_and_a_bad_file_fail_in_one_line_each_and_the_others_load(
    tmp_path: Path, run_luigi: Run, publishers: Publishers, config: Config, query: Query
) -> None:
    publishers.faults.add(Fault("yellow_tripdata_2024-10", kind="garbage", times=9))
    data = DataDir(tmp_path / "data")
    months = {"yellow_taxi": {"months": ["2019-08", "2024-10", "2024-11"]}}
    result = run_luigi("IngestYellowTaxi", data_dir=data.root, config=config(publishers.url, {"sources": months}))
    assert result.returncode == 30, result.stderr
    failed = [line for line in summary(result) if " failed: " in line]
    assert len(failed) == 2, result.stderr
    (old,) = [line for line in failed if "2019-08" in line]
    (bad,) = [line for line in failed if "2024-10" in line]
    assert f"{publishers.url}/trip-data/yellow_tripdata_2019-08.parquet" in old
    assert "is not Parquet" in bad
    assert str(data.landing / "yellow_taxi" / "yellow_tripdata_2024-10.parquet.rejected") in bad
    assert (data.landing / "yellow_taxi" / "yellow_tripdata_2024-10.parquet.rejected").exists()
    assert "Traceback" not in result.stderr + result.stdout
    assert "Traceback" in (data.logs / "pipeline.log").read_text(encoding="utf-8")
    assert rows_by_month(data, query, "yellow_taxi") == {"2024-11": ROWS}


def test_a_second_run_on_the_same_data_dir_does_nothing(
    tmp_path: Path,
    run_luigi: Run,
    start_luigi: Start,
    publishers: Publishers,
    config: Config,
    wait_until: Wait,
) -> None:
    publishers.faults.add(Fault("/v1/archive", kind="stall", sent=0, seconds=60))
    data, file = DataDir(tmp_path / "data"), config(publishers.url, ONE_MONTH)
    first = start_luigi("IngestWeather", data_dir=data.root, config=file)
    wait_until(lambda: publishers.log)
    before = contents(data)
    # Another command line on purpose: the lock goes by the data dir.
    second = run_luigi("IngestWeather", "--workers", "1", data_dir=data.root, config=file)
    assert second.returncode == 10
    assert second.stderr == f"error: another run holds {data.root}; this one did nothing\n"
    assert contents(data) == before
    assert len(publishers.log) == 1
    assert first.poll() is None, "the first run goes on"


def test_a_warehouse_that_is_open_elsewhere_for_too_long_fails_the_run_and_loses_nothing(
    ingested: Ingested, loaded: DataDir, run_luigi: Run, config: Config
) -> None:
    url = marker(ingested.data, "FetchMonth/yellow_taxi/2024-10").sources[0].url.partition("/trip-data")[0]
    (loaded.markers / "LoadMonth" / "weather" / "2024-10.json").unlink()
    before = contents(loaded)
    with duckdb.connect(str(loaded.warehouse), read_only=True):
        result = run_luigi(
            "IngestWeather", data_dir=loaded.root, config=config(url, {"warehouse": {"wait_seconds": 0.5}})
        )
    assert result.returncode == 30
    assert re.search(rf"nyc_mobility\.duckdb: is still open in .* \(PID {os.getpid()}\)", result.stderr)
    assert changed(loaded, before) == set()
