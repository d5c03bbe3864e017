"""dbt parses its project in a task of its own, beside the loads, and the build reads what it parsed."""

import os
import re
import shutil
import signal
from pathlib import Path

from fixtures import Ingested, Run, Start, Wait
from support import PROJECT

from luigi_pipeline.core.datadir import DataDir
from luigi_pipeline.state.history import looking


def commands(data: DataDir) -> list[str]:
    """What each of dbt's commands logged."""
    log = (data.logs / "dbt.log").read_text(encoding="utf-8")
    return re.split(r"={20,} .* ={20,}", log)[1:]


def copied_project(folder: Path) -> Path:
    """A copy of what a run reads of the project."""
    project = folder / "project"
    for name in ("config", "dbt_project"):
        shutil.copytree(PROJECT / name, project / name)
    shutil.copy(PROJECT / "luigi.cfg", project)
    return project


def test_a_run_parses_its_project_once_and_before_it_builds(published: Ingested) -> None:
    said = commands(published.data)
    parsed = [number for number, lines in enumerate(said) if "full parse" in lines]
    built = [number for number, lines in enumerate(said) if "START sql incremental model marts.fct_trips" in lines]
    assert parsed == [0]
    assert built
    assert not [lines for lines in said[1:] if "Partial parsing enabled: " in lines and "0 files changed" not in lines]


def test_a_project_that_changes_after_it_was_parsed_is_built_as_it_is_now(
    loaded: DataDir, ingested: Ingested, run_luigi: Run, tmp_path: Path
) -> None:
    project = copied_project(tmp_path)
    elsewhere = {"MOBILITY_PROJECT_DIR": str(project)}
    assert run_luigi("ParseModels", data_dir=loaded.root, config=ingested.config, env=elsewhere).returncode == 0
    model = project / "dbt_project" / "models" / "marts" / "fct_trips.sql"
    model.write_text(model.read_text(encoding="utf-8") + "-- by the week\n", encoding="utf-8")
    result = run_luigi("DbtBuild", data_dir=loaded.root, config=ingested.config, env=elsewhere)
    assert result.returncode == 0, result.stderr
    compiled = next((loaded.dbt / "target" / "compiled").rglob("fct_trips.sql"))
    assert "by the week" in compiled.read_text(encoding="utf-8")
    assert "ParseModels: " in result.stderr


def test_a_parse_that_is_killed_is_told_and_the_loads_go_on(
    data: DataDir, one_month: Path, run_luigi: Run, start_luigi: Start, wait_until: Wait
) -> None:
    log, running = data.logs / "pipeline.log", re.compile(r"\[pid (\d+)\] Worker .* running   ParseModels\(\)")
    process = start_luigi("DbtBuild", data_dir=data.root, config=one_month)
    wait_until(lambda: log.exists() and running.search(log.read_text(encoding="utf-8")), 60)
    (parsing,) = running.findall(log.read_text(encoding="utf-8"))
    os.kill(int(parsing), signal.SIGKILL)
    _, said = process.communicate(timeout=60)
    assert process.returncode == 30, said
    assert re.search("error: ParseModels failed: .* died unexpectedly with exit code -9", said)
    assert "IngestWeather: loaded, 745 rows" in said
    assert looking.attempts(data.history, "ParseModels", 1)[0].outcome == "killed"
    result = run_luigi("ParseModels", data_dir=data.root, config=one_month)
    assert result.returncode == 0, result.stderr


def test_a_project_that_dbt_can_not_read_fails_beside_the_loads(
    loaded: DataDir, ingested: Ingested, run_luigi: Run, tmp_path: Path
) -> None:
    project = copied_project(tmp_path)
    (project / "dbt_project" / "models" / "marts" / "broken.sql").write_text("{{ ref('no_such_model') }}")
    elsewhere = {"MOBILITY_PROJECT_DIR": str(project)}
    result = run_luigi("DbtBuild", data_dir=loaded.root, config=ingested.config, env=elsewhere)
    assert result.returncode == 30
    (failed,) = [line for line in result.stderr.splitlines() if "error: ParseModels failed: " in line]
    assert "no_such_model" in failed
