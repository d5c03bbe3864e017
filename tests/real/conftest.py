"""One run of `Validate` on the real files, from a machine in another time zone."""

import fcntl
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml
from fixtures import Run

from luigi_pipeline.core.datadir import DataDir


@pytest.fixture(scope="session")
def replay(shared: Path) -> Iterator[str]:
    """The address at which the real files are served as their publishers do."""
    command = [sys.executable, str(shared.parent / "replay.py"), "--root", str(shared), "--port", "0"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as server:
        assert server.stdout is not None
        try:
            yield server.stdout.readline().strip()
        finally:
            server.kill()


@pytest.fixture(scope="session")
def real_config(replay: str, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A configuration of all real months."""
    path = tmp_path_factory.mktemp("real-config") / "ingestion.yaml"
    sources = {
        "yellow_taxi": {"base_url": replay, "months": ["2020-02", "2024-01", "2025-02"]},
        "citibike": {"base_url": f"{replay}/tripdata", "months": ["2020-02", "2024-01", "2024-09"]},
        "weather": {"base_url": f"{replay}/v1/archive", "start_date": "2024-01-01", "end_date": "2025-02-28"},
    }
    path.write_text(yaml.safe_dump({"sources": sources}), encoding="utf-8")
    return path


@pytest.fixture(scope="session")
def real(
    real_config: Path,
    tmp_path_factory: pytest.TempPathFactory,
    run_luigi: Run,
) -> DataDir:
    """The data dir after the run, which all test processes share."""
    base = tmp_path_factory.getbasetemp()
    folder = (base.parent if "PYTEST_XDIST_WORKER" in os.environ else base) / "real"
    folder.mkdir(exist_ok=True)
    data = DataDir(folder / "data")
    done = folder / "done"
    with (folder / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not done.exists():
            zone = os.environ | {"TZ": "Asia/Tokyo"}
            result = run_luigi("Validate", data_dir=data.root, config=real_config, env=zone)
            assert result.returncode == 0, result.stderr
            done.touch()
    return data
