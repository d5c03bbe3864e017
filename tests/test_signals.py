"""Runs that are told to end: all their processes do, within five seconds, and the next run goes on."""

import signal
import subprocess
import time
from collections.abc import Callable
from pathlib import Path

import psutil
import pytest
from checksums import checksums
from fixtures import Config, Ingested, Query, Run, Start, Wait
from support import MONTHS, ROWS

from luigi_pipeline.core.datadir import DataDir
from luigi_pipeline.sample import Fault, Publishers

ONE_MONTH = {"sources": {"weather": {"start_date": "2024-10-01", "end_date": "2024-10-31"}}}


def family(process: subprocess.Popen[str]) -> list[psutil.Process]:
    """A run's processes, its own first."""
    parent = psutil.Process(process.pid)
    return [parent, *parent.children(recursive=True)]


def stop(process: subprocess.Popen[str], number: signal.Signals) -> str:
    """Signal a run's parent; all of its processes must end within five seconds. Gives what it said."""
    children = family(process)[1:]
    assert children
    begun = time.monotonic()
    process.send_signal(number)
    assert process.wait(5) == 128 + number
    _, alive = psutil.wait_procs(children, timeout=max(0.1, 5 - (time.monotonic() - begun)))
    assert alive == []
    assert process.stderr is not None
    return process.stderr.read()


def has_begun(task: str, data: DataDir) -> bool:
    """Whether a task's process works, by the log."""
    log = data.logs / "pipeline.log"
    return log.exists() and f" running   {task}" in log.read_text(encoding="utf-8")


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGHUP])
def test_a_signal_ends_a_fetch_that_waits_for_its_publisher(
    number: signal.Signals,
    tmp_path: Path,
    run_luigi: Run,
    start_luigi: Start,
    publishers: Publishers,
    config: Config,
    wait_until: Wait,
    query: Query,
) -> None:
    publishers.faults.add(Fault("/v1/archive", kind="stall", sent=0.5, times=1, seconds=60))
    data, file = DataDir(tmp_path / "data"), config(publishers.url, ONE_MONTH)
    process = start_luigi("IngestWeather", data_dir=data.root, config=file)
    wait_until(lambda: publishers.log)
    assert f"stopped by {number.name}" in stop(process, number)
    result = run_luigi("IngestWeather", data_dir=data.root, config=file)
    assert result.returncode == 0, result.stderr
    assert query(data, "select count(*) from raw_data.hourly_weather") == [(745,)]


def test_a_signal_ends_a_load_a_build_and_a_validation_and_nothing_is_lost(
    ingested: Ingested,
    published: Ingested,
    tmp_path: Path,
    run_luigi: Run,
    start_luigi: Start,
    publishers: Publishers,
    config: Config,
    wait_until: Wait,
) -> None:
    data, file = DataDir(tmp_path / "data"), config(publishers.url)
    stages: list[tuple[Callable[[], object], signal.Signals]] = [
        (lambda: (data.scratch / "dlt").exists(), signal.SIGTERM),
        (lambda: (data.dbt / "target" / "compiled").exists(), signal.SIGINT),
        (lambda: has_begun("Validate", data), signal.SIGTERM),
    ]
    for reached, number in stages:
        process = start_luigi("Publish", data_dir=data.root, config=file)
        wait_until(reached, 120)
        time.sleep(0.5)  # into the middle of it
        said = stop(process, number)
        assert f"stopped by {number.name}" in said
        assert "Traceback" not in said
    assert (data.markers / "DbtBuild.json").exists(), "the last one was stopped after the build"
    result = run_luigi("Publish", data_dir=data.root, config=file)
    assert result.returncode == 0, result.stderr
    assert " DbtBuild: " not in result.stderr, "what was done is not done again"
    assert checksums(data.warehouse) == checksums(published.data.warehouse)
    assert checksums(data.published) == checksums(published.data.published)


def test_no_child_outlives_a_run_that_is_killed(
    tmp_path: Path,
    start_luigi: Start,
    publishers: Publishers,
    config: Config,
    wait_until: Wait,
) -> None:
    publishers.faults.add(Fault("/v1/archive", kind="stall", sent=0.5, seconds=60))
    file = config(publishers.url, ONE_MONTH | {"download": {"timeout_seconds": 60}})
    process = start_luigi("IngestWeather", data_dir=tmp_path / "data", config=file)
    wait_until(lambda: publishers.log)
    processes = family(process)
    assert len(processes) >= 2
    process.kill()
    process.wait(5)
    _, alive = psutil.wait_procs(processes[1:], timeout=5)
    for child in alive:
        child.kill()
    assert alive == []


def test_a_run_that_is_killed_while_it_loads_leaves_whole_months_and_the_next_run_completes(
    ingested: Ingested,
    tmp_path: Path,
    run_luigi: Run,
    start_luigi: Start,
    publishers: Publishers,
    config: Config,
    wait_until: Wait,
    query: Query,
) -> None:
    data, file = DataDir(tmp_path / "data"), config(publishers.url)
    process = start_luigi("IngestCitibike", data_dir=data.root, config=file)
    wait_until(lambda: (data.scratch / "dlt").exists())
    processes = family(process)
    process.kill()
    _, alive = psutil.wait_procs(processes, timeout=5)
    assert alive == [], "a child goes on writing"
    result = run_luigi("IngestCitibike", data_dir=data.root, config=file)
    assert result.returncode == 0, result.stderr
    rows: dict[str, int] = dict(query(data, "select _source_month, count(*) from raw_data.trips group by 1"))
    assert rows == dict.fromkeys(MONTHS, ROWS)
    rides = "select count(*), count(distinct ride_id), count(distinct _source_file || _source_row) from raw_data.trips"
    assert query(data, rides) == query(ingested.data, rides)
    assert query(data, "select count(*), sum(row_count) from meta.source_files") == [(4, 2 * ROWS)]
