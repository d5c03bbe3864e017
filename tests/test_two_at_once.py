"""Runs, readers and schedulers that meet: nothing is done twice, and who has to wait is told."""

import os
import re
import signal
import socket
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from checksums import checksums
from fixtures import Config, Ingested, Run, Start, Wait
from support import PROJECT, command, environment, opened_elsewhere

from luigi_pipeline.core.datadir import DataDir
from luigi_pipeline.sample import Fault, Publishers


def address(data: DataDir, ingested: Ingested) -> str:
    """Where the sample is served that the data dir was loaded from."""
    text = (ingested.data.markers / "FetchZones.json").read_text(encoding="utf-8")
    found = re.search(r"http://[\d.]+:\d+", text)
    assert found
    return found.group()


def test_of_runs_that_start_together_one_does_the_work_and_the_others_nothing(
    start_luigi: Start, publishers: Publishers, config: Config, tmp_path: Path
) -> None:
    data, file = DataDir(tmp_path / "data"), config(publishers.url)
    # Of different tasks on purpose: the lock goes by the data dir.
    runs = [start_luigi(task, data_dir=data.root, config=file) for task in ("Ingest", "IngestCitibike", "Ingest")]
    said = [process.communicate(timeout=120)[1] for process in runs]
    codes = [process.returncode for process in runs]
    assert sorted(codes) == [0, 10, 10], said
    for code, words in zip(codes, said, strict=True):
        assert "Traceback" not in words
        if code == 10:
            assert words == f"error: another run holds {data.root}; this one did nothing\n"
    asked = Counter(request.path for request in publishers.log if request.path.endswith((".zip", ".parquet", ".csv")))
    assert asked
    assert set(asked.values()) == {1}, "nothing is fetched twice"


def test_eight_workers_make_the_warehouse_that_four_make(
    run_luigi: Run, ingested: Ingested, publishers: Publishers, config: Config, tmp_path: Path
) -> None:
    data = DataDir(tmp_path / "data")
    file = config(publishers.url, {"download": {"parallel": 8}})
    result = run_luigi("Ingest", "--workers", "8", data_dir=data.root, config=file)
    assert result.returncode == 0, result.stderr
    assert result.stderr.count(" rows (") == 7, "each month and the zones, once"
    assert checksums(data.warehouse) == checksums(ingested.data.warehouse)


@pytest.mark.parametrize("how", ["read", "write"])
def test_a_run_waits_for_another_program_and_says_for_which(
    how: str, loaded: DataDir, ingested: Ingested, start_luigi: Start, config: Config
) -> None:
    (loaded.markers / "LoadMonth" / "weather" / "2024-10.json").unlink()
    file = config(address(loaded, ingested), {"warehouse": {"wait_seconds": 60}})
    with opened_elsewhere(loaded.warehouse, how) as other:
        process = start_luigi("IngestWeather", data_dir=loaded.root, config=file)
        assert process.stderr
        waiting = next(line for line in process.stderr if "waiting" in line)
        assert f"(PID {other.pid})" in waiting
        other.communicate("\n")
        said = process.communicate(timeout=60)[1]
    assert process.returncode == 0, said
    assert "Traceback" not in said
    assert checksums(loaded.warehouse) == checksums(ingested.data.warehouse)


def test_readers_do_not_stop_a_run_that_has_nothing_to_write(ingested: Ingested, run_luigi: Run) -> None:
    with opened_elsewhere(ingested.data.warehouse, "read"):
        result = run_luigi("Ingest", data_dir=ingested.data.root, config=ingested.config)
    assert result.returncode == 0, result.stderr
    assert "waiting" not in result.stderr


class Scheduler:
    """A luigid of its own."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port = probe.getsockname()[1]
        self.process: subprocess.Popen[bytes] | None = None

    def start(self, wait_until: Wait) -> None:
        program = [str(Path(sys.executable).with_name("luigid")), "--port", str(self.port)]
        state = ["--state-path", str(self.folder / "state.pickle"), "--logdir", str(self.folder)]
        self.process = subprocess.Popen(
            [*program, "--address", "127.0.0.1", *state], cwd=PROJECT, env=environment(), stderr=subprocess.DEVNULL
        )
        wait_until(self.answers)

    def answers(self) -> bool:
        try:
            return httpx.get(f"http://127.0.0.1:{self.port}/api/task_list", params={"data": "{}"}).is_success
        except httpx.TransportError:
            return False

    def stop(self) -> None:
        if self.process:
            self.process.terminate()
            self.process.wait(10)


@pytest.fixture
def luigid(tmp_path: Path, wait_until: Wait) -> Iterator[Scheduler]:
    scheduler = Scheduler(tmp_path)
    scheduler.start(wait_until)
    yield scheduler
    scheduler.stop()


def test_a_run_that_was_killed_is_followed_at_once_by_one_that_ends_its_work(
    luigid: Scheduler,
    ingested: Ingested,
    publishers: Publishers,
    config: Config,
    tmp_path: Path,
    wait_until: Wait,
    run_luigi: Run,
) -> None:
    publishers.faults.add(Fault("/v1/archive", kind="stall", times=1, seconds=60))
    data, file = DataDir(tmp_path / "data"), config(publishers.url)
    central, port = {"LUIGI_CONFIG_PATH": "config/luigid.cfg"}, ["--scheduler-port", str(luigid.port)]
    process = subprocess.Popen(
        command("IngestWeather", *port, data_dir=data.root, config=file),
        cwd=PROJECT,
        env=environment(central),
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    wait_until(lambda: any(request.path == "/v1/archive" for request in publishers.log))
    os.killpg(process.pid, signal.SIGKILL)
    process.wait()
    result = run_luigi("Ingest", *port, data_dir=data.root, config=file, env=central)
    assert result.returncode == 0, result.stderr
    assert checksums(data.warehouse) == checksums(ingested.data.warehouse)


def test_a_luigid_that_is_not_there_is_one_line(run_luigi: Run, config: Config, tmp_path: Path) -> None:
    central, port = {"LUIGI_CONFIG_PATH": "config/luigid.cfg"}, ["--scheduler-port", "1"]
    result = run_luigi("Ingest", *port, data_dir=tmp_path / "data", config=config("http://localhost:1"), env=central)
    assert result.returncode == 40
    assert "error: no luigid answers at http://localhost:1/" in result.stderr.splitlines()[-1]
    assert "Traceback" not in result.stderr


def test_a_luigid_that_is_restarted_in_the_middle_loses_nothing(
    luigid: Scheduler,
    ingested: Ingested,
    publishers: Publishers,
    config: Config,
    tmp_path: Path,
    wait_until: Wait,
    run_luigi: Run,
) -> None:
    publishers.faults.add(Fault("/v1/archive", kind="slow", times=2, seconds=6))
    data, file = DataDir(tmp_path / "data"), config(publishers.url)
    central = {"LUIGI_CONFIG_PATH": "config/luigid.cfg"}
    port = ["--scheduler-port", str(luigid.port)]
    process = subprocess.Popen(
        command("Ingest", *port, data_dir=data.root, config=file),
        cwd=PROJECT,
        env=environment(central),
        stderr=subprocess.PIPE,
        text=True,
    )
    wait_until(lambda: any(request.path == "/v1/archive" for request in publishers.log))
    luigid.stop()
    luigid.start(wait_until)
    said = process.communicate(timeout=120)[1]
    assert "Traceback" not in said
    result = run_luigi("Ingest", *port, data_dir=data.root, config=file, env=central)
    assert result.returncode == 0, said + result.stderr
    assert checksums(data.warehouse) == checksums(ingested.data.warehouse)
    assert (process.returncode, said.count(" rows (") + result.stderr.count(" rows (")) == (0, 7), said
