"""What a run leaves in its logs."""

import logging
from pathlib import Path

import pytest
from fixtures import Config, Ingested, Run

from luigi_pipeline.console import logs
from luigi_pipeline.core.datadir import DataDir


def test_each_task_has_a_log_of_its_own(ingested: Ingested) -> None:
    tasks = ingested.data.logs / "tasks"
    load = (tasks / "LoadMonth" / "citibike" / "2024-10.log").read_text(encoding="utf-8")
    assert "LoadMonth citibike 2024-10: 5,000 rows" in load
    assert "2024-11" not in load
    whole = (ingested.data.logs / "pipeline.log").read_text(encoding="utf-8")
    assert set(load.splitlines()) <= set(whole.splitlines())


def test_a_failure_names_the_log_that_has_its_traceback(run_luigi: Run, config: Config, tmp_path: Path) -> None:
    data = DataDir(tmp_path / "data")
    file = config("http://127.0.0.1:1", {"download": {"max_attempts": 1}})
    result = run_luigi("FetchMonth", "--source", "citibike", "--month", "2024-10", data_dir=data.root, config=file)
    (told,) = [line for line in result.stderr.splitlines() if " failed: " in line]
    log = Path(told.rpartition("; log: ")[2])
    assert log == data.logs / "tasks" / "FetchMonth" / "citibike" / "2024-10.log"
    assert "Traceback" in log.read_text(encoding="utf-8")
    assert "Traceback" not in result.stderr


def test_a_large_log_is_begun_anew_between_two_runs(
    loaded: DataDir, ingested: Ingested, run_luigi: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    log = loaded.logs / "pipeline.log"
    old = "x" * (6 << 20)
    log.write_text(old, encoding="utf-8")
    assert run_luigi("Ingest", data_dir=loaded.root, config=ingested.config).returncode == 0
    assert log.stat().st_size < 100_000
    assert log.with_name("pipeline.log.1").read_text(encoding="utf-8") == old


def test_a_task_s_log_does_not_grow_for_ever(tmp_path: Path) -> None:
    handler = logs.LogFile(tmp_path / "task.log", largest=1000)
    for number in range(1000):
        handler.emit(logging.LogRecord("luigi_pipeline", logging.INFO, "", 0, f"line {number}", None, None))
    handler.close()
    files = sorted(tmp_path.iterdir())
    assert 2 < len(files) < 10
    assert all(path.stat().st_size <= 1000 for path in files)
    assert "line 999" in (tmp_path / "task.log").read_text(encoding="utf-8")
