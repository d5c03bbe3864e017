"""Runs from Python, by `luigi.build`: they hold the data dir as those from the command line do, and leave nothing."""

import fcntl
import json
import signal
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any

import pytest
import yaml
from fixtures import Run, Wait
from support import ONE_MONTH, PROJECT, configuration, environment, program

from luigi_pipeline.core.datadir import DataDir
from luigi_pipeline.sample import Fault, Publishers
from luigi_pipeline.state.history import looking

pytestmark = pytest.mark.pipeline


def start(
    words: list[str], data: DataDir, file: Path, cwd: Path = PROJECT, stderr: int | IO[str] = subprocess.PIPE
) -> subprocess.Popen[str]:
    """Start a program that builds."""
    env = environment({"MOBILITY_CONFIG": str(file), "MOBILITY_DATA_DIR": str(data.root), "PYTHONUNBUFFERED": ""})
    return subprocess.Popen(words, cwd=cwd, env=env, stdout=subprocess.PIPE, stderr=stderr, text=True)


def building(way: str, *arguments: object) -> list[str]:
    """The program that builds in one of the ways of `build_tasks.py`."""
    return program("build_tasks", way, *arguments)


def told(process: subprocess.Popen[str]) -> dict[str, Any]:
    """What a script tells in the end."""
    said, complaints = process.communicate(timeout=120)
    assert process.returncode == 0, complaints
    found: dict[str, Any] = json.loads(said)
    return found


@contextmanager
def held(data: DataDir) -> Iterator[None]:
    """Hold a data dir as a run does."""
    data.root.mkdir(exist_ok=True)
    with data.lock.open("a") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def outcomes(data: DataDir) -> list[tuple[str, str]]:
    """What became of the runs, the last one first."""
    return [(run.task, run.outcome) for run in looking.last_runs(data.history, 9)]


@pytest.mark.parametrize("workers", [1, 2])
def test_builds_one_after_the_other_do_what_is_new_and_leave_nothing_behind(
    workers: int, data: DataDir, one_month: Path, publishers: Publishers, tmp_path: Path
) -> None:
    both = yaml.safe_dump(configuration(publishers.url, ONE_MONTH | {"validation": {"min_rows": {"weather": 101}}}))
    later = tmp_path / "later.yaml"
    later.write_text(both.replace("2024-10-31", "2024-11-30"), encoding="utf-8")
    process = start(building("with_more_months", workers, one_month, later), data, one_month)
    assert told(process) == {"first": "SUCCESS", "second": "SUCCESS", "left": [True, True]}
    assert sorted(it.stem for it in (data.markers / "LoadMonth" / "weather").iterdir()) == ["2024-10", "2024-11"]
    assert outcomes(data) == [("Ingest", "done"), ("Ingest", "done")]
    assert "LoadMonth weather 2024-11: " in (data.logs / "pipeline.log").read_text(encoding="utf-8")


@pytest.mark.parametrize("tasks", ["a task", "two workers", "a task of others that requires one"])
def test_a_build_does_nothing_while_another_run_holds_the_data_dir(
    tasks: str, data: DataDir, one_month: Path, publishers: Publishers
) -> None:
    asked, there = len(publishers.log), sorted(data.markers.rglob("*.json"))
    with held(data):
        found = told(start(building("beside_another", tasks), data, one_month))
    assert found == {"told": f"another run holds {data.root}; this one did nothing"}
    assert len(publishers.log) == asked
    assert sorted(data.markers.rglob("*.json")) == there


def test_a_run_from_the_command_line_does_nothing_while_a_build_goes_on(
    data: DataDir, one_month: Path, publishers: Publishers, run_luigi: Run, wait_until: Wait
) -> None:
    publishers.faults.add(Fault("/v1/archive", kind="slow", times=1, seconds=8))
    process = start(building("once"), data, one_month)
    wait_until(lambda: publishers.log)
    result = run_luigi("Ingest", data_dir=data.root, config=one_month)
    assert (result.returncode, result.stderr) == (10, f"error: another run holds {data.root}; this one did nothing\n")
    assert told(process) == {"status": "SUCCESS"}
    assert outcomes(data) == [("Ingest", "another run was going on"), ("Ingest", "done")]


def test_of_two_threads_that_build_one_does_and_the_other_is_refused(
    data: DataDir, one_month: Path, publishers: Publishers
) -> None:
    publishers.faults.add(Fault("/v1/archive", kind="slow", times=1, seconds=4))
    assert told(start(building("in_two_threads"), data, one_month)) == {
        "told": ["SUCCESS", "refused"],
        "then": "SUCCESS",
    }
    assert len([request for request in publishers.log if request.path == "/v1/archive"]) == 1


def test_a_build_that_is_interrupted_lets_go_and_the_next_one_goes_on(
    data: DataDir, one_month: Path, publishers: Publishers, wait_until: Wait
) -> None:
    publishers.faults.add(Fault("/v1/archive", kind="stall", sent=0.5, times=1, seconds=60))
    process = start(building("after_an_interrupt"), data, one_month)
    wait_until(lambda: publishers.log)
    process.send_signal(signal.SIGINT)
    assert told(process) == {"then": "SUCCESS"}
    assert outcomes(data) == [("Ingest", "done"), ("Ingest", "stopped by SIGINT")]


def test_a_build_that_fails_is_told_as_luigi_does_and_the_next_one_goes_on(
    data: DataDir, one_month: Path, publishers: Publishers
) -> None:
    publishers.faults.add(Fault("/v1/archive", status=400))
    assert told(start(building("twice"), data, one_month)) == {"told": ["FAILED", "SUCCESS"]}
    assert outcomes(data) == [("Ingest", "done"), ("Ingest", "failed")]


def test_who_looks_at_tasks_or_builds_others_holds_nothing(data: DataDir, one_month: Path) -> None:
    with held(data):
        assert told(start(building("others"), data, one_month)) == {
            "looked": [[False, 1], [False, 2]],
            "other": "SUCCESS",
        }
    assert [it.name for it in data.root.iterdir()] == [".lock"]


@pytest.mark.parametrize(("when", "works"), [("before", True), ("after", False)])
def test_a_process_that_goes_to_the_project_s_folder_later_builds_or_is_told_why_not(
    when: str, works: bool, data: DataDir, one_month: Path, tmp_path: Path
) -> None:
    words = program("build_after_arriving", PROJECT) if when == "before" else building("elsewhere", PROJECT)
    why = f"Luigi has not read {PROJECT}/luigi.cfg: import luigi_pipeline there, or with MOBILITY_PROJECT_DIR set"
    assert told(start(words, data, one_month, cwd=tmp_path)) == {"told": "SUCCESS" if works else why}
    assert data.lock.exists() == works


def test_processes_of_tasks_end_well_though_no_one_takes_what_they_say(data: DataDir, one_month: Path) -> None:
    with Path("/dev/full").open("w") as full:
        assert told(start(building("heard_by_no_one"), data, one_month, stderr=full)) == {
            "status": "SUCCESS",
            "codes": [0],
        }
