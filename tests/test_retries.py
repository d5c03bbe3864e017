"""What failed for a reason that may pass is tried again by Luigi, a few times; what failed for good is not."""

import re
import sqlite3
from collections.abc import Callable
from pathlib import Path

import pytest
from fixtures import Config, Run, Start, Wait
from support import opened_elsewhere

from luigi_pipeline.core.datadir import DataDir
from luigi_pipeline.sample import Fault, Publishers
from luigi_pipeline.state.history import looking

THREE = ("--scheduler-retry-count", "3", "--scheduler-retry-delay", "1")
# Of the sample's publishers, so that a task is given up after three requests.
ATTEMPTS = 3


def outcomes(data: DataDir, task: str) -> list[str]:
    """What became of the attempts at a task, the first one first."""
    return [it.outcome for it in reversed(looking.attempts(data.history, task, 9))]


def test_a_publisher_that_comes_back_is_asked_again_and_a_damaged_file_is_not(
    tmp_path: Path, run_luigi: Run, publishers: Publishers, config: Config
) -> None:
    publishers.faults.add(Fault("202410-citibike", status=503, times=ATTEMPTS + 1))
    publishers.faults.add(Fault("202411-citibike", kind="garbage", times=9))
    data, file = DataDir(tmp_path / "data"), config(publishers.url)
    result = run_luigi("IngestCitibike", *THREE, data_dir=data.root, config=file)
    assert result.returncode == 30
    assert outcomes(data, "FetchMonth citibike 2024-10") == ["failed", "done"]
    assert outcomes(data, "LoadMonth citibike 2024-10") == ["done"]
    # It failed first, and the run went on for longer than the delay.
    assert outcomes(data, "FetchMonth citibike 2024-11") == ["failed"]
    assert sum("202411-citibike" in request.path for request in publishers.log) == 1
    said = "FetchMonth citibike 2024-10: attempt 1 of 3 failed for a reason that may pass; next in 1 s"
    assert result.stderr.count(said) == 1
    assert result.stderr.count("for a reason that may pass") == 1


def damage(history: Path) -> None:
    """Leave a file that is no history."""
    history.parent.mkdir()
    history.write_bytes(b"this was a history once" * 1000)


def block(history: Path) -> None:
    """Leave a folder where the file is to be."""
    history.mkdir(parents=True)


@pytest.mark.parametrize("spoil", [damage, block])
def test_a_run_without_its_history_tries_again_what_may_pass_and_says_why_it_failed(
    spoil: Callable[[Path], None], tmp_path: Path, run_luigi: Run, publishers: Publishers, config: Config
) -> None:
    publishers.faults.add(Fault("202410-citibike", status=503, times=ATTEMPTS + 1))
    publishers.faults.add(Fault("202411-citibike", kind="garbage", times=9))
    data, file = DataDir(tmp_path / "data"), config(publishers.url)
    spoil(data.history)
    before = data.history.read_bytes() if data.history.is_file() else b""
    result = run_luigi("IngestCitibike", *THREE, "--mobility-quiet", data_dir=data.root, config=file)
    assert result.returncode == 30
    assert (data.markers / "LoadMonth" / "citibike" / "2024-10.json").exists()
    assert sum("202411-citibike" in request.path for request in publishers.log) == 1
    assert re.search(r"^  FetchMonth citibike 2024-11: \S", result.stderr, re.MULTILINE), result.stderr
    log = (data.logs / "pipeline.log").read_text(encoding="utf-8")
    assert log.count("history.sqlite can't be written") == 1
    assert log.count("attempt 1 of 3 failed for a reason that may pass; next in 1 s") == 1
    assert (data.history.read_bytes() if data.history.is_file() else b"") == before
    assert list(data.root.glob("history.spare*")) == []


def test_a_history_that_is_locked_while_a_run_goes_on_is_given_up_and_the_run_goes_on_as_ever(
    tmp_path: Path,
    start_luigi: Start,
    publishers: Publishers,
    config: Config,
    wait_until: Wait,
) -> None:
    publishers.faults.add(Fault("202410-citibike", status=503, times=ATTEMPTS + 1))
    publishers.faults.add(Fault("202411-citibike", kind="garbage", times=9))
    data = DataDir(tmp_path / "data")
    run = start_luigi("IngestCitibike", *THREE, data_dir=data.root, config=config(publishers.url))
    wait_until(lambda: publishers.log)
    with sqlite3.connect(data.history, isolation_level=None) as other:
        other.execute("pragma busy_timeout = 10000")
        other.execute("begin exclusive")
        _, said = run.communicate(timeout=120)
        other.execute("rollback")
    assert run.returncode == 30
    assert said.count("history.sqlite can't be written (database is locked)") == 1
    assert said.count("FetchMonth citibike 2024-10: attempt 1 of 3 failed for a reason that may pass") == 1
    assert (data.markers / "LoadMonth" / "citibike" / "2024-10.json").exists()
    assert sum("202411-citibike" in request.path for request in publishers.log) == 1
    assert list(data.root.glob("history.spare*")) == []


def test_a_publisher_that_stays_down_is_given_up_after_three_attempts(
    tmp_path: Path, run_luigi: Run, publishers: Publishers, config: Config
) -> None:
    publishers.faults.add(Fault("/v1/archive", status=503, times=1000))
    data = DataDir(tmp_path / "data")
    october = {"sources": {"weather": {"start_date": "2024-10-01", "end_date": "2024-10-31"}}}
    result = run_luigi("IngestWeather", *THREE, data_dir=data.root, config=config(publishers.url, october))
    assert result.returncode == 30
    assert outcomes(data, "FetchMonth weather 2024-10") == ["failed"] * 3
    assert len(publishers.log) == 3 * ATTEMPTS
    assert "attempt 3 of 3 failed for a reason that may pass; given up for this run" in result.stderr


def test_a_warehouse_that_another_program_had_open_is_loaded_into_once_it_is_closed(
    loaded: DataDir,
    start_luigi: Start,
    config: Config,
    publishers: Publishers,
    wait_until: Wait,
) -> None:
    (loaded.markers / "LoadZones.json").unlink()
    file = config(publishers.url, {"warehouse": {"wait_seconds": 0}})
    delay = ("--scheduler-retry-count", "3", "--scheduler-retry-delay", "4")
    with opened_elsewhere(loaded.warehouse, "read"):
        run = start_luigi("LoadZones", *delay, data_dir=loaded.root, config=file)
        wait_until(lambda: "failed" in outcomes(loaded, "LoadZones"))
    assert run.wait(60) == 0
    assert outcomes(loaded, "LoadZones")[-2:] == ["failed", "done"]
