"""What failed for a reason that may pass is tried again by Luigi, a few times; what failed for good is not."""

from pathlib import Path

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
