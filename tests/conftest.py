"""Shared by all tests: a small sample, its HTTP server, configurations, and the real `luigi` command."""

import fcntl
import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from threading import Thread
from typing import Any

import constellations
import duckdb
import pytest
import yaml
from browser import chromium
from fixtures import Changes, Chat, Command, Config, Configured, Ingested, Query, Result, Row, Run, Serve, Start, Wait
from playwright.sync_api import Browser
from support import MONTHS, ONE_MONTH, PROJECT, ROWS, command, configuration, copied, environment, load_settings

from luigi_pipeline.config.settings import Settings, Warehouse
from luigi_pipeline.core.datadir import DataDir
from luigi_pipeline.sample import Publishers, generate
from luigi_pipeline.warehouse.recognise import recognise

if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    # Tests that run in the background ignore Ctrl-C. All runs that they start would ignore it too.
    signal.signal(signal.SIGINT, signal.default_int_handler)

# The fixtures that run the pipeline, a scheduler, cron or a browser, load with dlt (`load`) or validate with Great
# Expectations (`sound`). A test that asks for one of them, itself or by way of another fixture, is marked `pipeline`.
# The few that need none, and yet run it or take long, have the mark where they stand.
RUNNING = {
    "bench",
    "browser",
    "cron",
    "load",
    "luigid",
    "run_command",
    "run_luigi",
    "scheduler",
    "sound",
    "start_luigi",
}


@pytest.hookimpl(tryfirst=True)  # before pytest looks at the marks
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Tell the tests that `make check` leaves to `make test` by what they ask for."""
    for item in items:
        if isinstance(item, pytest.Function) and not RUNNING.isdisjoint(item.fixturenames):
            item.add_marker("pipeline")


@pytest.fixture(scope="session")
def run_luigi() -> Run:
    """Run the real command to its end: `run_luigi("Ingest", data_dir=..., config=...)`."""

    def run(
        *args: str,
        data_dir: Path | None = None,
        config: Path | None = None,
        env: Mapping[str, str] | None = None,
        cwd: Path = PROJECT,
    ) -> Result:
        return subprocess.run(
            command(*args, data_dir=data_dir, config=config),
            cwd=cwd,
            env=environment(env),
            capture_output=True,
            text=True,
            timeout=180,
            check=False,
        )

    return run


@pytest.fixture(scope="session")
def run_command() -> Command:
    """Run `python -m luigi_pipeline`: `run_command("plan", data_dir=..., config=...)`."""

    def run(*args: str, data_dir: Path, config: Path) -> Result:
        options = ["--mobility-config", str(config), "--mobility-data-dir", str(data_dir)]
        return subprocess.run(
            [sys.executable, "-m", "luigi_pipeline", *args, *options],
            cwd=PROJECT,
            env=environment(),
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )

    return run


@pytest.fixture
def start_luigi() -> Iterator[Start]:
    """Start the real command and go on; what still runs when the test ends is killed."""
    started: list[subprocess.Popen[str]] = []

    def start(*args: str, data_dir: Path, config: Path) -> subprocess.Popen[str]:
        process = subprocess.Popen(
            command(*args, data_dir=data_dir, config=config),
            cwd=PROJECT,
            env=environment(),
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            text=True,
        )
        started.append(process)
        return process

    yield start
    for process in started:
        if process.poll() is None:
            process.kill()
        process.communicate()


@pytest.fixture(scope="session")
def wait_until() -> Wait:
    """Wait for something that another process is about to do."""

    def wait(happened: Callable[[], object], seconds: float = 30) -> None:
        deadline = time.monotonic() + seconds
        while not happened():
            assert time.monotonic() < deadline, "it did not happen in time"
            time.sleep(0.02)

    return wait


@pytest.fixture(scope="session")
def sample_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two months of all publishers' files, in small. Only to be read."""
    folder = tmp_path_factory.mktemp("publishers")
    generate(folder, months=MONTHS, taxi_trips_per_month=ROWS, rides_per_month=ROWS)
    return folder


@pytest.fixture
def serve() -> Iterator[Serve]:
    """Serve a folder until the test ends."""
    with ExitStack() as stack:

        def start(folder: Path) -> Publishers:
            publishers = Publishers(folder)
            stack.enter_context(publishers)
            return publishers

        yield start


@pytest.fixture
def publishers(serve: Serve, sample_folder: Path) -> Publishers:
    """The sample's server, with a log and faults of its own."""
    return serve(sample_folder)


@pytest.fixture
def config(tmp_path: Path) -> Config:
    """Write a configuration: `config(url, {"download": {"keep_landed": False}})`."""

    def write(url: str, changes: Changes | None = None, name: str = "ingestion.yaml") -> Path:
        path = tmp_path / name
        path.write_text(yaml.safe_dump(configuration(url, changes)), encoding="utf-8")
        return path

    return write


@pytest.fixture
def data(tmp_path: Path) -> DataDir:
    """A data dir that is not there yet."""
    return DataDir(tmp_path / "data")


@pytest.fixture
def one_month(publishers: Publishers, config: Config) -> Path:
    """A configuration of one month of the sample's weather, and nothing else."""
    return config(publishers.url, ONE_MONTH)


@pytest.fixture
def settings(config: Config) -> Configured:
    """The same, read: `settings(url, {...})`."""

    def read(url: str, changes: Changes | None = None) -> Settings:
        return load_settings(config(url, changes))

    return read


@pytest.fixture(scope="session")
def ingested(
    tmp_path_factory: pytest.TempPathFactory,
    sample_folder: Path,
    run_luigi: Run,
) -> Iterator[Ingested]:
    """One run of `Ingest` over the whole sample, by four workers and in another zone than New York's."""
    folder = tmp_path_factory.mktemp("ingested")
    with Publishers(sample_folder) as url:
        file = folder / "ingestion.yaml"
        file.write_text(yaml.safe_dump(configuration(url)), encoding="utf-8")
        data = DataDir(folder / "data")
        zone = {"TZ": "Pacific/Auckland"}
        result = run_luigi("Ingest", "--workers", "4", data_dir=data.root, config=file, env=zone)
        assert result.returncode == 0, result.stderr
        yield Ingested(data, file, result)


@pytest.fixture(scope="session")
def published(
    tmp_path_factory: pytest.TempPathFactory,
    sample_folder: Path,
    run_luigi: Run,
) -> Ingested:
    """One run of `Publish` over the whole sample, for all test processes together. Only to be read."""
    base = tmp_path_factory.getbasetemp()
    folder = (base.parent if "PYTEST_XDIST_WORKER" in os.environ else base) / "published"
    folder.mkdir(exist_ok=True)
    data, file, said = DataDir(folder / "data"), folder / "ingestion.yaml", folder / "result.json"
    with (folder / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not said.exists():
            with Publishers(sample_folder) as url:
                file.write_text(yaml.safe_dump(configuration(url)), encoding="utf-8")
                result = run_luigi("Publish", data_dir=data.root, config=file)
            assert result.returncode == 0, result.stdout + result.stderr
            said.write_text(json.dumps([result.args, result.returncode, result.stdout, result.stderr]))
    return Ingested(data, file, subprocess.CompletedProcess(*json.loads(said.read_text())))


@pytest.fixture(scope="session")
def constellation(
    tmp_path_factory: pytest.TempPathFactory, run_luigi: Run
) -> Callable[[str], constellations.Published]:
    """What is published of a constellation of modes, for all test processes together: `constellation("one mode")`."""
    base = tmp_path_factory.getbasetemp()
    folder = (base.parent if "PYTEST_XDIST_WORKER" in os.environ else base) / "constellations"
    folder.mkdir(exist_ok=True)

    def publish(name: str) -> constellations.Published:
        with (folder / "lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            return constellations.make(name, folder, run_luigi)

    return publish


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """The machine's Chromium. While it runs no other event loop can, so it ends with the module."""
    with chromium() as started:
        yield started


@pytest.fixture
def loaded(ingested: Ingested, tmp_path: Path) -> DataDir:
    """A copy of the ingested data dir, for a test to change."""
    data = DataDir(tmp_path / "data")
    shutil.copytree(ingested.data.root, data.root)
    recognise(data, Warehouse())
    return data


@pytest.fixture
def built(published: Ingested, tmp_path: Path) -> DataDir:
    """A copy of the published data dir, for a test to change."""
    return copied(published.data, tmp_path / "data")


@pytest.fixture(scope="session")
def query() -> Query:
    """Ask a warehouse: `query(data, "select ...")`."""

    def ask(data: DataDir, sql: str) -> list[Row]:
        with duckdb.connect(str(data.warehouse), read_only=True) as connection:
            return connection.execute(sql).fetchall()

    return ask


@pytest.fixture(scope="session")
def shared() -> Path:
    """Real published files, where a folder `shared` lies beside the project's."""
    folder = PROJECT.parent / "shared"
    if not (folder / "realdata").is_dir():
        pytest.skip("there is no folder `shared` with real files beside the project")
    return folder / "realdata"


@pytest.fixture
def chat() -> Iterator[Chat]:
    """A chat's webhook, and what has come in."""
    posts: list[dict[str, Any]] = []

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            posts.append(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))
            self.send_response(200)
            self.end_headers()

        def log_message(self, *args: object) -> None:
            pass

    server = HTTPServer(("127.0.0.1", 0), Handler)
    Thread(target=server.serve_forever, daemon=True).start()
    yield Chat(f"http://127.0.0.1:{server.server_port}/services/SECRET", posts)
    server.shutdown()
    server.server_close()
