"""Runs from Python, by `luigi.build`: they hold the data dir as those from the command line do, and leave nothing."""

import fcntl
import json
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any

import pytest
import yaml
from fixtures import Config, Run, Wait
from support import PROJECT, configuration, environment

from luigi_pipeline.core.datadir import DataDir
from luigi_pipeline.sample import Fault, Publishers
from luigi_pipeline.state.history import looking

OFF = {"enabled": False}
ONE_MONTH = {
    "sources": {
        "yellow_taxi": OFF,
        "citibike": OFF,
        "weather": {"start_date": "2024-10-01", "end_date": "2024-10-31"},
    }
}
# What a process would still have of a run that it is over with.
_BEGIN = """
import json, logging, pathlib, signal, sys, threading
import luigi
from luigi_pipeline import DbtBuild, Ingest, IngestWeather
from luigi_pipeline.core.errors import AlreadyRunning

def build(*tasks, **options):
    return luigi.build(tasks or [Ingest()], **{"local_scheduler": True, "detailed_summary": True} | options).status.name

def kept():
    loggers = [logging.getLogger(name) for name in ("luigi_pipeline", "luigi-interface")]
    return [
        [repr(signal.getsignal(number)) for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP)],
        [repr(logger.handlers) for logger in loggers],
        repr(sys.exit),
        [str(file) for file in (fd.resolve() for fd in pathlib.Path("/proc/self/fd").iterdir()) if file.is_file()],
    ]

def tell(**told):
    print(json.dumps(told), flush=True)
"""


@pytest.fixture
def data(tmp_path: Path) -> DataDir:
    return DataDir(tmp_path / "data")


@pytest.fixture
def file(publishers: Publishers, config: Config) -> Path:
    return config(publishers.url, ONE_MONTH)


def start(
    code: str, data: DataDir, file: Path, cwd: Path = PROJECT, stderr: int | IO[str] = subprocess.PIPE
) -> subprocess.Popen[str]:
    """Start a script that builds."""
    env = environment({"MOBILITY_CONFIG": str(file), "MOBILITY_DATA_DIR": str(data.root), "PYTHONUNBUFFERED": ""})
    program = [sys.executable, "-c", code]
    return subprocess.Popen(program, cwd=cwd, env=env, stdout=subprocess.PIPE, stderr=stderr, text=True)


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
    workers: int, data: DataDir, file: Path, publishers: Publishers
) -> None:
    both = yaml.safe_dump(configuration(publishers.url, ONE_MONTH | {"validation": {"min_rows": {"weather": 101}}}))
    both = both.replace("2024-10-31", "2024-11-30")
    code = f"""{_BEGIN}
luigi.interface.InterfaceLogging.setup(luigi.interface.core())  # Luigi's own, once for all builds
before = kept()
first = build(workers={workers})
between = kept()
open({str(file)!r}, "w").write({both!r})
second = build(workers={workers})
tell(first=first, second=second, left=[before == between, before == kept()])
"""
    assert told(start(code, data, file)) == {"first": "SUCCESS", "second": "SUCCESS", "left": [True, True]}
    assert sorted(it.stem for it in (data.markers / "LoadMonth" / "weather").iterdir()) == ["2024-10", "2024-11"]
    assert outcomes(data) == [("Ingest", "done"), ("Ingest", "done")]
    assert "LoadMonth weather 2024-11: " in (data.logs / "pipeline.log").read_text(encoding="utf-8")


# How tasks come to a build that must do nothing while another run holds the data dir.
REFUSED = {
    "a task": "tasks = [Ingest()]",
    "two workers": "tasks, options = [IngestWeather()], {'workers': 2}",
    "a task of others that requires one": """
class Nightly(luigi.WrapperTask):
    def requires(self):
        return Ingest()
tasks = [Nightly()]""",
    "a task that is done again": "tasks = [IngestWeather(force=True)]",
}


@pytest.mark.parametrize("tasks", REFUSED.values(), ids=REFUSED)
def test_a_build_does_nothing_while_another_run_holds_the_data_dir(
    tasks: str, data: DataDir, file: Path, publishers: Publishers, run_luigi: Run
) -> None:
    if "force" in tasks:
        assert run_luigi("Ingest", data_dir=data.root, config=file).returncode == 0
    asked, there = len(publishers.log), sorted(data.markers.rglob("*.json"))
    code = f"""{_BEGIN}
options = {{}}
try:
    {tasks.strip().replace(chr(10), chr(10) + "    ")}
    told = build(*tasks, **options)
except AlreadyRunning as error:
    told = str(error)
tell(told=told)
"""
    with held(data):
        assert told(start(code, data, file)) == {"told": f"another run holds {data.root}; this one did nothing"}
    assert len(publishers.log) == asked
    assert sorted(data.markers.rglob("*.json")) == there


def test_a_run_from_the_command_line_does_nothing_while_a_build_goes_on(
    data: DataDir, file: Path, publishers: Publishers, run_luigi: Run, wait_until: Wait
) -> None:
    publishers.faults.add(Fault("/v1/archive", kind="slow", times=1, seconds=8))
    process = start(f"{_BEGIN}\ntell(status=build())", data, file)
    wait_until(lambda: publishers.log)
    result = run_luigi("Ingest", data_dir=data.root, config=file)
    assert (result.returncode, result.stderr) == (10, f"error: another run holds {data.root}; this one did nothing\n")
    assert told(process) == {"status": "SUCCESS"}
    assert outcomes(data) == [("Ingest", "another run was going on"), ("Ingest", "done")]


def test_of_two_threads_that_build_one_does_and_the_other_is_refused(
    data: DataDir, file: Path, publishers: Publishers
) -> None:
    publishers.faults.add(Fault("/v1/archive", kind="slow", times=1, seconds=4))
    code = f"""{_BEGIN}
# Luigi's worker takes a signal, which only the first thread of a process may.
luigi.configuration.get_config().set("worker", "no_install_shutdown_handler", "true")
told = []
def work():
    try:
        told.append(build())
    except AlreadyRunning:
        told.append("refused")
threads = [threading.Thread(target=work) for _ in range(2)]
for thread in threads:
    thread.start()
for thread in threads:
    thread.join()
tell(told=sorted(told), then=build())
"""
    assert told(start(code, data, file)) == {"told": ["SUCCESS", "refused"], "then": "SUCCESS"}
    assert len([request for request in publishers.log if request.path == "/v1/archive"]) == 1


def test_a_build_that_is_interrupted_lets_go_and_the_next_one_goes_on(
    data: DataDir, file: Path, publishers: Publishers, wait_until: Wait
) -> None:
    publishers.faults.add(Fault("/v1/archive", kind="stall", sent=0.5, times=1, seconds=60))
    code = f"""{_BEGIN}
try:
    build()
except KeyboardInterrupt:
    tell(then=build())
"""
    process = start(code, data, file)
    wait_until(lambda: publishers.log)
    process.send_signal(signal.SIGINT)
    assert told(process) == {"then": "SUCCESS"}
    assert outcomes(data) == [("Ingest", "done"), ("Ingest", "stopped by SIGINT")]


def test_a_build_that_fails_is_told_as_luigi_does_and_the_next_one_goes_on(
    data: DataDir, file: Path, publishers: Publishers
) -> None:
    publishers.faults.add(Fault("/v1/archive", status=400))
    assert told(start(f"{_BEGIN}\ntell(told=[build(), build()])", data, file)) == {"told": ["FAILED", "SUCCESS"]}
    assert outcomes(data) == [("Ingest", "done"), ("Ingest", "failed")]


def test_who_looks_at_tasks_or_builds_others_holds_nothing(data: DataDir, file: Path) -> None:
    code = f"""{_BEGIN}
class Other(luigi.Task):
    is_done = False
    def complete(self):
        return self.is_done
    def run(self):
        self.is_done = True
looked = [[task.complete(), len(luigi.task.flatten(task.requires()))] for task in (Ingest(), DbtBuild())]
luigi.configuration.get_config().set("worker", "force_multiprocessing", "false")
tell(looked=looked, other=build(Other()))
"""
    with held(data):
        assert told(start(code, data, file)) == {"looked": [[False, 3], [False, 3]], "other": "SUCCESS"}
    assert [it.name for it in data.root.iterdir()] == [".lock"]


@pytest.mark.parametrize(("when", "works"), [("before", True), ("after", False)])
def test_a_process_that_goes_to_the_project_s_folder_later_builds_or_is_told_why_not(
    when: str, works: bool, data: DataDir, file: Path, tmp_path: Path
) -> None:
    go = f"import luigi, os, sys; luigi.configuration.get_config(); os.chdir({str(PROJECT)!r})\n"
    code = f"{go}{_BEGIN}" if when == "before" else f"{_BEGIN}{go}"
    code += "\ntry:\n    tell(told=build())\nexcept Exception as error:\n    tell(told=str(error))"
    why = f"Luigi has not read {PROJECT}/luigi.cfg: import luigi_pipeline there, or with MOBILITY_PROJECT_DIR set"
    assert told(start(code, data, file, cwd=tmp_path)) == {"told": "SUCCESS" if works else why}
    assert data.lock.exists() == works


def test_processes_of_tasks_end_well_though_no_one_takes_what_they_say(data: DataDir, file: Path) -> None:
    code = f"""{_BEGIN}
from luigi.worker import ContextManagedTaskProcess
started, start = [], ContextManagedTaskProcess.start
ContextManagedTaskProcess.start = lambda process: (started.append(process), start(process))
status = build()
sys.stderr = open("/dev/null", "w")  # this process's own is not what is looked at
for process in started:
    process.join()
tell(status=status, codes=sorted({{process.exitcode for process in started}}))
"""
    with Path("/dev/full").open("w") as full:
        assert told(start(code, data, file, stderr=full)) == {"status": "SUCCESS", "codes": [0]}
