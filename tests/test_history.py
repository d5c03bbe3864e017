"""What became of each run and task is kept, after a kill too, and never in the way of a run."""

import json
import os
import re
import signal
import sqlite3
import subprocess
from pathlib import Path

import psutil
import pytest
from fixtures import Command, Config, Ingested, Run, Serve, Start, Wait
from support import MONTHS, ROWS, load_settings, program

from luigi_pipeline.core.datadir import DataDir
from luigi_pipeline.sample import Fault, Publishers, generate
from luigi_pipeline.state.history import looking, store, volumes
from luigi_pipeline.state.history.volumes import Drop
from luigi_pipeline.state.markers import read

OCTOBER = {"sources": {"weather": {"start_date": "2024-10-01", "end_date": "2024-10-31"}}}


def test_a_run_and_its_tasks_are_recorded_with_rows_bytes_seconds_and_why(ingested: Ingested) -> None:
    run = looking.last_runs(ingested.data.history, 100)[-1]  # others may have looked whether there is more to do
    assert (run.task, run.outcome, run.exit_code, run.failed) == ("Ingest", "done", 0, {})
    assert run.done == 19  # 7 fetches, 7 loads, 3 sources, the zones and their sum
    assert "--workers 4" in run.command
    assert run.ended_at is not None
    for name, month in (("LoadMonth citibike", "2024-10"), ("FetchMonth yellow_taxi", "2024-11")):
        attempt = looking.attempts(ingested.data.history, f"{name} {month}", 100)[-1]
        marker = read(ingested.data.markers / name.replace(" ", "/") / f"{month}.json")
        assert marker is not None
        assert marker.source is not None
        assert (attempt.outcome, attempt.bytes, attempt.rows) == ("done", marker.source.size, marker.source.rows)
        assert attempt.seconds is not None
        assert attempt.reason == ("not done yet" if attempt.rows else "not fetched yet")
        assert run.started_at < attempt.started_at < str(attempt.ended_at) < run.ended_at


def test_the_command_shows_the_runs_and_a_task_s_trend(ingested: Ingested, run_command: Command) -> None:
    where = {"data_dir": ingested.data.root, "config": ingested.config}
    shown = run_command("history", **where)
    assert shown.returncode == 0, shown.stderr
    assert re.search(r"Ingest +\d{4}-\d\d-\d\d .* done +0 +19", shown.stdout)
    told = json.loads(run_command("history", "--task", "LoadMonth citibike", "--json", **where).stdout)
    assert {it["task"]: it["rows"] for it in told["attempts"]} == {f"LoadMonth citibike {m}": ROWS for m in MONTHS}
    assert told["drops"] == []
    trend = run_command("history", "--task", "LoadMonth citibike", "--limit", "1", **where).stdout
    assert trend.count("LoadMonth citibike") == 1
    unknown = run_command("history", "--task", "LoadMoon", **where)
    assert unknown.returncode == 30
    assert "knows no task LoadMoon" in unknown.stderr


def test_a_data_dir_without_a_run_has_no_history_and_gets_none(
    run_command: Command, config: Config, tmp_path: Path
) -> None:
    result = run_command("history", data_dir=tmp_path / "data", config=config("http://localhost:1"))
    assert result.returncode == 30
    assert result.stderr.count("\n") == 1
    assert not (tmp_path / "data").exists()


def test_a_killed_run_does_not_stay_running(
    tmp_path: Path,
    run_luigi: Run,
    start_luigi: Start,
    publishers: Publishers,
    config: Config,
    wait_until: Wait,
) -> None:
    publishers.faults.add(Fault("/v1/archive", kind="stall", sent=0.5, times=1, seconds=60))
    data, file = DataDir(tmp_path / "data"), config(publishers.url, OCTOBER)
    process = start_luigi("IngestWeather", data_dir=data.root, config=file)
    wait_until(lambda: publishers.log)
    assert looking.last_runs(data.history, 1)[0].outcome == "running"
    children = psutil.Process(process.pid).children()
    process.kill()
    process.wait()
    psutil.wait_procs(children, timeout=30)
    assert looking.last_runs(data.history, 1)[0].outcome == "killed"
    assert [it.outcome for it in looking.attempts(data.history, "FetchMonth", 9)] == ["killed"]

    result = run_luigi("IngestWeather", data_dir=data.root, config=file)
    assert result.returncode == 0, result.stderr
    after, killed = looking.last_runs(data.history, 2)
    assert (after.outcome, killed.outcome) == ("done", "killed")
    assert killed.ended_at is not None
    assert killed.started_at < killed.ended_at < after.started_at
    with sqlite3.connect(data.history) as connection:
        assert connection.execute("select count(*) from runs where outcome = 'running'").fetchone() == (0,)
        assert connection.execute("select count(*) from tasks where outcome = 'running'").fetchone() == (0,)


def test_a_stopped_run_says_by_what(
    tmp_path: Path,
    start_luigi: Start,
    publishers: Publishers,
    config: Config,
    wait_until: Wait,
) -> None:
    publishers.faults.add(Fault("/v1/archive", kind="stall", sent=0.5, times=1, seconds=60))
    data = DataDir(tmp_path / "data")
    process = start_luigi("IngestWeather", data_dir=data.root, config=config(publishers.url, OCTOBER))
    wait_until(lambda: publishers.log)
    process.send_signal(signal.SIGTERM)
    assert process.wait(30) == 143
    (run,) = looking.last_runs(data.history, 1)
    assert (run.outcome, run.exit_code) == ("stopped by SIGTERM", 143)
    assert looking.attempts(data.history, "FetchMonth weather 2024-10", 1)[0].outcome == "cut off"


def test_a_run_that_is_done_stays_so_though_a_signal_comes_before_its_process_ends(
    tmp_path: Path, data: DataDir, one_month: Path, run_luigi: Run
) -> None:
    late = """
import atexit, os, signal
import luigi_pipeline
atexit.register(lambda: os.kill(os.getpid(), signal.SIGTERM))
"""
    (tmp_path / "late.py").write_text(late, encoding="utf-8")
    arguments = ("IngestWeather", "--module", "late")
    result = run_luigi(*arguments, data_dir=data.root, config=one_month, env={"PYTHONPATH": str(tmp_path)})
    assert result.returncode == 143, result.stderr
    (run,) = looking.last_runs(data.history, 1)
    assert (run.outcome, run.exit_code) == ("done", 0)


def test_a_damaged_history_fails_no_run_and_is_told_once_and_a_month_with_few_rows_is_told_at_the_end(
    ingested: Ingested,
    loaded: DataDir,
    run_luigi: Run,
    run_command: Command,
    serve: Serve,
    config: Config,
    tmp_path: Path,
) -> None:
    for path in loaded.root.glob("history.sqlite*"):
        path.unlink()
    loaded.history.write_bytes(b"this was a history once" * 1000)
    generate(tmp_path / "republished", months=MONTHS[1:], taxi_trips_per_month=100, rides_per_month=1000)
    file = config(serve(tmp_path / "republished").url, {"sources": {"citibike": {"months": [MONTHS[1]]}}})
    result = run_luigi("IngestCitibike", "--mobility-refresh", data_dir=loaded.root, config=file)
    assert result.returncode == 0, result.stderr
    assert result.stderr.count("history.sqlite can't be written") == 1
    drop = "citibike 2024-11 has 1,000 rows, 80% fewer than the month before it (5,000)"
    assert result.stderr.count(drop) == 1
    assert result.stderr.index("Luigi Execution Summary") < result.stderr.index(drop)
    loaded.history.unlink()
    store.begin_run(loaded.history, "Ingest", "luigi", os.getpid())
    told = run_command("history", data_dir=loaded.root, config=file).stdout
    assert "fewer rows: " + drop in told


def test_a_locked_history_is_waited_for_once(tmp_path: Path) -> None:
    path = tmp_path / "history.sqlite"
    store.begin_run(path, "Ingest", "luigi", os.getpid())
    record = program("record_a_run", path)
    with sqlite3.connect(path, isolation_level=None) as other:
        other.execute("begin exclusive")
        result = subprocess.run(record, capture_output=True, text=True, check=True)
        other.execute("rollback")
    assert result.stderr.count("(database is locked)") == 1
    assert json.loads(result.stdout) == ["citibike 2024-10"]
    assert [run.outcome for run in looking.last_runs(path, 9)] == ["running"]
    subprocess.run(record, capture_output=True, check=True)
    assert [run.outcome for run in looking.last_runs(path, 9)] == ["done", "running"]
    assert list(tmp_path.glob("history.spare*")) == []


def test_a_history_of_an_older_version_is_gone_on_with(tmp_path: Path) -> None:
    path = tmp_path / "history.sqlite"
    before = store.begin_run(path, "Ingest", "luigi", os.getpid())
    store.begin_task(path, before, {"task": "LoadZones"})
    with sqlite3.connect(path) as connection:
        connection.execute("alter table tasks drop column is_passing")
    assert [it.outcome for it in looking.attempts(path, "LoadZones", 9)] == ["running"]
    run_id = store.begin_run(path, "Ingest", "luigi", os.getpid())
    store.begin_task(path, run_id, {"task": "LoadZones"})
    store.end_task(path, run_id, "LoadZones", store.FAILED, {"error": "down", "is_passing": True})
    (end,) = store.last_ends(path, run_id, [store.FAILED])
    assert (end["task"], end["error"], end["is_passing"], end["failures"]) == ("LoadZones", "down", 1, 1)


def test_what_failed_in_a_run_goes_by_the_last_attempt_that_ended(tmp_path: Path) -> None:
    path = tmp_path / "history.sqlite"
    other, run_id = (store.begin_run(path, "Ingest", "luigi", os.getpid()) for _ in range(2))
    ends = {
        "of another run": [(other, "failed")],
        "went well": [(run_id, "failed"), (run_id, "done")],
        "failed twice and is tried again": [(run_id, "failed"), (run_id, "killed"), (run_id, "running")],
        "failed after a success": [(run_id, "done"), (run_id, "failed")],
        "not published": [(run_id, "not published yet")],
    }
    for task, attempts in ends.items():
        for of_run, outcome in attempts:
            store.begin_task(path, of_run, {"task": task})
            if outcome != "running":
                store.end_task(path, of_run, task, outcome, {})
    store.end_task(path, run_id, "failed before it began", "failed", {"error": "what it requires is missing"})
    failed = {it["task"]: it["failures"] for it in store.last_ends(path, run_id, [store.FAILED, store.KILLED])}
    assert failed == {"failed twice and is tried again": 2, "failed after a success": 1, "failed before it began": 1}
    assert [it["task"] for it in store.last_ends(path, run_id, [store.NOT_PUBLISHED])] == ["not published"]
    (attempt,) = looking.attempts(path, "failed before it began", 9)
    assert (attempt.outcome, attempt.error) == ("failed", "what it requires is missing")


@pytest.mark.parametrize(
    ("rows", "expected"),
    [
        ([100, 100, 61], []),
        ([100, 100, 59], [59]),
        ([59], []),
        ([1000] * 4 + [100] * 4 + [61], [100] * 4),  # the six before the last are usual at 100
    ],
)
def test_a_drop_is_forty_percent_below_the_median_of_six_earlier_months(
    rows: list[int], expected: list[int], ingested: Ingested, tmp_path: Path
) -> None:
    folder = tmp_path / "markers" / "LoadMonth" / "citibike"
    folder.mkdir(parents=True)
    marker = json.loads((ingested.data.markers / "LoadMonth" / "citibike" / "2024-10.json").read_text())
    for number, count in enumerate(rows, 1):
        marker["sources"][0]["rows"] = count
        (folder / f"2024-{number:02}.json").write_text(json.dumps(marker))
    found = volumes.drops(DataDir(tmp_path), load_settings(ingested.config))
    assert [drop.rows for drop in found] == expected
    assert all(isinstance(drop, Drop) and drop.source == "citibike" for drop in found)
