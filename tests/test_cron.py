"""Runs from cron: no terminal, no environment; nothing said on success, one report on failure, the right exit code."""

import datetime as dt
import fcntl
import os
import re
import shutil
import subprocess
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest
from fixtures import Config, Ingested, Result, Wait
from support import MONTHS, PROJECT

from luigi_pipeline.core.datadir import DataDir
from luigi_pipeline.sample import Fault, Publishers
from luigi_pipeline.state.history import looking

CRON = Path("/usr/sbin/cron")
ENTRY = Path("/etc/cron.d/nyc-mobility-test")
SCRIPT = PROJECT / "scripts" / "run_pipeline.sh"
# What cron itself gives to a job.
ENVIRONMENT = {"HOME": "/", "SHELL": "/bin/sh", "PATH": "/usr/bin:/bin", "LOGNAME": "nobody"}
THIS_MONTH = f"{dt.datetime.now(dt.UTC):%Y-%m}"


def from_cron(data: DataDir, config: Path, *options: str, env: Mapping[str, str] | None = None) -> Result:
    """Run the ingestion as cron would."""
    variables = [f"{name}={value}" for name, value in (ENVIRONMENT | dict(env or {})).items()]
    where = ["--mobility-config", str(config), "--mobility-data-dir", str(data.root)]
    return subprocess.run(
        ["/usr/bin/env", "-i", *variables, str(SCRIPT), "ingestion", "--mobility-quiet", *where, *options],
        cwd="/",
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=180,
        check=False,
    )


def without_zones(data: DataDir) -> None:
    """Leave something to do: the zones are to be loaded again."""
    (data.markers / "LoadZones.json").unlink()


def reported(result: Result, code: int, outcome: str) -> list[str]:
    """The lines of a report, which must be all that was said."""
    assert result.returncode == code, result.stderr
    assert result.stdout == ""
    title, *lines = result.stderr.splitlines()
    assert re.fullmatch(rf"Ingest on \S+: {outcome} \(exit code {code}\)", title)
    assert lines[-1].endswith("/logs/pipeline.log")
    return [line.strip() for line in lines[:-1]]


def test_0_nothing_is_said_when_all_is_done_though_a_publisher_was_down_for_a_moment(
    ingested: Ingested, loaded: DataDir, publishers: Publishers, config: Config
) -> None:
    publishers.faults.add(Fault("taxi_zone_lookup", status=503))
    without_zones(loaded)
    result = from_cron(loaded, config(publishers.url))
    assert (result.returncode, result.stdout, result.stderr) == (0, "", "")
    assert looking.last_runs(loaded.history, 1)[0].outcome == "done"
    assert "attempt 1 of 3 failed" in (loaded.logs / "pipeline.log").read_text()


def test_10_another_run_holds_the_data_dir(ingested: Ingested, loaded: DataDir) -> None:
    with loaded.lock.open("a") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        result = from_cron(loaded, ingested.config)
    assert (result.returncode, result.stdout) == (10, "")
    assert result.stderr == f"error: another run holds {loaded.root}; this one did nothing\n"
    assert looking.last_runs(loaded.history, 1)[0].outcome == "another run was going on"


def test_15_a_task_that_no_scheduler_gives_out_is_not_run(ingested: Ingested, loaded: DataDir, tmp_path: Path) -> None:
    without_zones(loaded)
    (tmp_path / "luigi.cfg").write_text("[resources]\nwarehouse = 0\n", encoding="utf-8")
    env = {"LUIGI_CONFIG_PATH": str(tmp_path / "luigi.cfg")}
    assert reported(from_cron(loaded, ingested.config, env=env), 15, "not run") == []


def test_20_a_month_is_not_published_yet_and_all_else_is_loaded(
    ingested: Ingested, loaded: DataDir, publishers: Publishers, config: Config
) -> None:
    months = {"sources": {"citibike": {"months": [*MONTHS, THIS_MONTH]}}}
    lines = reported(from_cron(loaded, config(publishers.url, months)), 20, "not published yet")
    assert lines == [f"citibike {THIS_MONTH} is not published yet"]


def test_30_a_task_failed_and_the_report_says_why(
    ingested: Ingested, loaded: DataDir, publishers: Publishers, config: Config
) -> None:
    publishers.faults.add(Fault("taxi_zone_lookup", kind="garbage"))
    without_zones(loaded)
    shutil.rmtree(loaded.landing / "taxi_zones")
    (line,) = reported(from_cron(loaded, config(publishers.url)), 30, "failed")
    assert line.startswith("FetchZones: taxi_zone_lookup.csv: ")
    assert "kept as" in line


def test_35_tasks_can_not_be_scheduled(ingested: Ingested, loaded: DataDir) -> None:
    without_zones(loaded)
    result = from_cron(loaded, ingested.config, "--worker-task-limit", "1")
    assert "task-limit of 1" in reported(result, 35, "scheduling error")[0]


def test_40_the_configuration_is_wrong(ingested: Ingested, loaded: DataDir, config: Config) -> None:
    result = from_cron(loaded, config("http://localhost:1", {"months": []}))
    assert (result.returncode, result.stdout) == (40, "")
    assert result.stderr.count("\n") == 1
    assert "unknown key months" in result.stderr


@pytest.fixture
def cron() -> Iterator[None]:
    """The real daemon, that which runs already or one for this test."""
    if not CRON.exists() or os.geteuid() != 0:
        pytest.skip("needs a cron daemon, and root to give it an entry")
    daemon = subprocess.Popen([CRON, "-f"], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    yield
    ENTRY.unlink(missing_ok=True)
    daemon.terminate()
    daemon.wait()


def test_a_real_cron_runs_the_example(
    ingested: Ingested, loaded: DataDir, cron: None, tmp_path: Path, wait_until: Wait
) -> None:
    """The example's own line, with this machine's paths, at the next minute."""
    example = (PROJECT / "config" / "crontab.example").read_text(encoding="utf-8")
    (job,) = re.findall(r"^15 6 \* \* \* +(.*)$", example, re.MULTILINE)
    said, code = tmp_path / "said", tmp_path / "code"
    job = job.replace(" full ", " ingestion ")
    variables = re.findall(r"^[A-Z]+=.*$", example, re.MULTILINE)
    paths = {"PROJECT": PROJECT, "DATA": loaded.root, "MAILTO": '""'}
    lines = [f"{name}={paths[name]}" for name in (it.partition("=")[0] for it in variables)]
    options = f"--mobility-config {ingested.config}"
    once = f"mkdir {tmp_path / 'begun'} || exit; {job} {options}"
    lines.append(f"* * * * * root {once} > {said} 2>&1; echo $? > {code}.new; mv {code}.new {code}")
    ENTRY.write_text("\n".join([*lines, ""]), encoding="utf-8")
    ENTRY.chmod(0o644)
    wait_until(code.exists, seconds=200)
    ENTRY.unlink()
    assert (code.read_text(), said.read_text()) == ("0\n", "")
    assert looking.last_runs(loaded.history, 1)[0].outcome == "done"
