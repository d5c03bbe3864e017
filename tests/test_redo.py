"""Doing again what is done, building some models only, and loading months beyond the configuration."""

import os
import pty
import re
import shutil
from pathlib import Path

import pytest
from checksums import checksums
from fixtures import Config, Ingested, Query, Result, Run
from support import PROJECT, command, environment, load_settings

from luigi_pipeline.core.datadir import DataDir
from luigi_pipeline.sample import Publishers
from luigi_pipeline.state import markers


def done(result: Result) -> list[str]:
    """The tasks that did something, as the console has them."""
    return re.findall(r"^[\d:]{8} (?!error|warning)(\w+(?: \w+ \d{4}-\d\d)?): (?!nothing)", result.stderr, re.MULTILINE)


def on_a_terminal(*arguments: str, answer: str, data: DataDir, config: Path) -> tuple[int, str]:
    """Run the real command on a terminal, where someone answers."""
    process, terminal = pty.fork()
    if process == 0:
        os.chdir(PROJECT)
        program = command(*arguments, data_dir=data.root, config=config)
        os.execvpe(program[0], program, environment({"TERM": "xterm-256color", "COLUMNS": "120"}))
    said = b""
    while True:
        try:
            came = os.read(terminal, 1 << 16)
        except OSError:  # how a terminal tells that no one is there any more
            break
        said += came
        if answer and b"[y/N]" in said:
            os.write(terminal, f"{answer}\n".encode())
            answer = ""
        if not came:
            break
    os.close(terminal)
    return os.waitstatus_to_exitcode(os.waitpid(process, 0)[1]), said.decode()


def test_a_month_that_is_forced_is_done_again_with_all_that_was_made_of_it(
    built: DataDir, published: Ingested, run_luigi: Run
) -> None:
    before = checksums(built.warehouse)
    loads = {path.stem: path.read_bytes() for path in (built.markers / "LoadMonth" / "citibike").iterdir()}
    arguments = ("LoadMonth", "--source", "citibike", "--month", "2024-10", "--force")
    result = run_luigi(*arguments, data_dir=built.root, config=published.config)
    assert result.returncode == 0, result.stderr
    redone = ["LoadMonth citibike 2024-10", "IngestCitibike", "DbtBuild", "Validate", "Publish"]
    assert f"doing again: {', '.join(redone)}\n" in result.stderr
    assert done(result) == redone
    summary = result.stderr.partition("Luigi Execution Summary")[2]
    assert "- 1 LoadMonth(source=citibike, month=2024-10)\n" in summary
    assert "- 1 Publish()\n" in summary
    assert checksums(built.warehouse) == before
    now = {path.stem: path.read_bytes() for path in (built.markers / "LoadMonth" / "citibike").iterdir()}
    assert [month for month in loads if now[month] != loads[month]] == ["2024-10"]
    assert not (built.markers / "Ingest.json").exists(), "it was never made, so it was not to be made again"


def test_a_month_beyond_the_configuration_is_done_again_before_what_was_made_of_it(
    loaded: DataDir, ingested: Ingested, config: Config, run_luigi: Run
) -> None:
    url = load_settings(ingested.config).source("yellow_taxi").base_url
    file = config(url, {"sources": {"citibike": {"months": ["2024-10"]}}})
    arguments = ("LoadMonth", "--source", "citibike", "--month", "2024-11", "--force")
    result = run_luigi(*arguments, data_dir=loaded.root, config=file)
    assert result.returncode == 0, result.stderr
    assert done(result) == ["LoadMonth citibike 2024-11", "IngestCitibike", "Ingest"]


def test_a_forced_fetch_has_the_whole_file_come_again(
    publishers: Publishers, config: Config, tmp_path: Path, run_luigi: Run
) -> None:
    data, file = DataDir(tmp_path / "data"), config(publishers.url)
    arguments = ("FetchMonth", "--source", "yellow_taxi", "--month", "2024-10")
    assert run_luigi(*arguments, data_dir=data.root, config=file).returncode == 0
    publishers.log.clear()
    assert run_luigi(*arguments, data_dir=data.root, config=file).returncode == 0
    assert publishers.log == []
    assert run_luigi(*arguments, "--force", data_dir=data.root, config=file).returncode == 0
    assert [(asked.path, asked.status) for asked in publishers.log] == [
        ("/trip-data/yellow_tripdata_2024-10.parquet", 200)
    ]


def test_who_forces_a_task_of_others_is_told_to_name_one_of_the_pipeline(
    config: Config, tmp_path: Path, run_luigi: Run
) -> None:
    nightly = """
import luigi, luigi_pipeline
class Nightly(luigi.WrapperTask):
    def requires(self):
        return luigi_pipeline.IngestWeather()
"""
    (tmp_path / "nightly.py").write_text(nightly, encoding="utf-8")
    arguments = ("Nightly", "--module", "nightly", "--force")
    elsewhere = {"PYTHONPATH": str(tmp_path)}
    file = config("http://localhost:1")
    result = run_luigi(*arguments, data_dir=tmp_path / "data", config=file, env=elsewhere)
    assert result.returncode == 40
    assert result.stderr == "error: --force: Nightly is no task of the pipeline; ask for one, such as Publish\n"
    assert not (tmp_path / "data").exists()


def test_who_says_no_at_the_terminal_changes_nothing(loaded: DataDir, ingested: Ingested) -> None:
    before = {path: path.read_bytes() for path in loaded.markers.rglob("*.json")}
    arguments = ("IngestCitibike", "--force")
    code, said = on_a_terminal(*arguments, answer="n", data=loaded, config=ingested.config)
    assert code == 15
    assert "This does again: IngestCitibike, Ingest. Go on? [y/N]" in said
    assert said.rstrip().endswith("nothing was changed")
    assert {path: path.read_bytes() for path in loaded.markers.rglob("*.json")} == before


def test_a_terminal_shows_bars_while_long_work_goes_on(loaded: DataDir, ingested: Ingested) -> None:
    code, said = on_a_terminal("DbtBuild", "--force", answer="y", data=loaded, config=ingested.config)
    assert code == 0, said
    assert re.search(r"DbtBuild .*━.* fct_trips \(\d+ of \d+\)", said)
    assert re.search(r"DbtBuild: \d+ models, \d+ tests passed", said)
    assert "This progress looks :)" in said
    assert said.rstrip().endswith("\x1b[?25h"), "the cursor is given back"


def test_some_models_are_built_alone(built: DataDir, published: Ingested, run_luigi: Run) -> None:
    whole = (built.markers / "DbtBuild.json").read_bytes()
    before = checksums(built.warehouse)
    select = ("BuildSelected", "--select", "fct_hourly_mobility+")
    result = run_luigi(*select, data_dir=built.root, config=published.config)
    assert result.returncode == 0, result.stderr
    (line,) = [line for line in result.stderr.splitlines() if "BuildSelected fct_hourly_mobility+: " in line]
    assert 0 < int(line.split(": ")[1].split()[0]) < 5
    assert checksums(built.warehouse) == before
    assert (built.markers / "DbtBuild.json").read_bytes() == whole
    again = run_luigi(*select, data_dir=built.root, config=published.config)
    assert done(again) == []
    _, asked = on_a_terminal(*select, "--force", answer="n", data=built, config=published.config)
    assert "This does again: BuildSelected fct_hourly_mobility+, Validate, Publish. Go on? [y/N]" in asked
    _, asked = on_a_terminal("DbtBuild", "--force", answer="n", data=built, config=published.config)
    assert "This does again: DbtBuild, Validate, Publish. Go on? [y/N]" in asked
    refused = run_luigi("BuildSelected", "--select", "fct_trip", data_dir=built.root, config=published.config)
    assert refused.returncode == 30
    (told,) = [line for line in refused.stderr.splitlines() if "failed: " in line]
    assert "--select fct_trip: there is no such model; there are " in told
    assert " fct_trips," in told
    assert "Traceback" in Path(told.rpartition("; log: ")[2]).read_text(encoding="utf-8")


def _copy_of_the_project(folder: Path) -> Path:
    project = folder / "project"
    project.mkdir()
    for name in ("luigi.cfg", "config", "dbt_project"):
        kept = PROJECT / name
        (shutil.copytree if kept.is_dir() else shutil.copy)(kept, project / name)
    return project


def test_a_build_that_leaves_out_tests_has_failed(
    built: DataDir, published: Ingested, run_luigi: Run, tmp_path: Path
) -> None:
    project = _copy_of_the_project(tmp_path)
    few = "selectors: [{name: few, default: true, definition: {method: resource_type, value: model}}]\n"
    (project / "dbt_project" / "selectors.yml").write_text(few, encoding="utf-8")
    elsewhere = {"MOBILITY_PROJECT_DIR": str(project)}
    result = run_luigi("DbtBuild", data_dir=built.root, config=published.config, env=elsewhere)
    assert result.returncode == 30, result.stderr
    assert re.search(r"DbtBuild failed: dbt left out \d+ of \d+ models and tests: ", result.stderr)
    assert markers.read(built.markers / "DbtBuild.json") is None


def test_a_selection_that_fails_leaves_the_whole_to_be_built(
    built: DataDir, published: Ingested, run_luigi: Run, tmp_path: Path
) -> None:
    project = _copy_of_the_project(tmp_path)
    model = next((project / "dbt_project").rglob("fct_hourly_mobility.sql"))
    model.write_text(model.read_text(encoding="utf-8") + "\nno sql\n", encoding="utf-8")
    elsewhere = {"MOBILITY_PROJECT_DIR": str(project)}
    select = ("BuildSelected", "--select", "fct_hourly_mobility")
    result = run_luigi(*select, data_dir=built.root, config=published.config, env=elsewhere)
    assert result.returncode == 30, result.stderr
    assert markers.read(built.markers / "DbtBuild.json") is None


def test_a_backfill_loads_what_is_missing_and_tells_what_still_is(
    publishers: Publishers, config: Config, tmp_path: Path, run_luigi: Run, query: Query
) -> None:
    data = DataDir(tmp_path / "data")
    file = config(publishers.url, {"sources": {"citibike": {"months": ["2024-10"]}}})
    assert run_luigi("IngestCitibike", data_dir=data.root, config=file).returncode == 0
    backfill = ("Backfill", "--source", "citibike", "--from", "2024-09", "--to", "2025-01")
    first = run_luigi(*backfill, data_dir=data.root, config=file)
    assert first.returncode == 30
    assert done(first) == ["FetchMonth citibike 2024-11", "LoadMonth citibike 2024-11"]
    assert "Backfill citibike: 2 of 5 months are loaded" in first.stderr
    assert "Backfill citibike: missing: 2024-09, 2024-12 to 2025-01; run again to go on from here" in first.stderr
    months = "select distinct _source_month from raw_data.trips order by 1"
    assert query(data, months) == [("2024-10",), ("2024-11",)]
    publishers.log.clear()
    again = run_luigi(*backfill[:3], "--from", "2024-10", "--to", "2024-11", data_dir=data.root, config=file)
    assert again.returncode == 0
    assert "Backfill citibike: 2 of 2 months are loaded" in again.stderr
    assert publishers.log == []


def test_each_backfill_that_a_task_of_others_requires_tells_what_is_loaded(
    loaded: DataDir, ingested: Ingested, run_luigi: Run, tmp_path: Path
) -> None:
    history = """
import luigi
from luigi_pipeline import Backfill
class History(luigi.WrapperTask):
    def requires(self):
        return [Backfill(source=source, to="2024-11", **{"from": "2024-10"}) for source in ("citibike", "weather")]
"""
    (tmp_path / "old_months.py").write_text(history, encoding="utf-8")
    arguments = ("History", "--module", "old_months")
    result = run_luigi(*arguments, data_dir=loaded.root, config=ingested.config, env={"PYTHONPATH": str(tmp_path)})
    assert result.returncode == 0, result.stderr
    assert result.stderr.count("Backfill citibike: 2 of 2 months are loaded") == 1
    assert result.stderr.count("Backfill weather: 2 of 2 months are loaded") == 1


@pytest.mark.parametrize(
    ("first", "last", "told"),
    [
        ("2024-10", "2024-09", "error: --to 2024-09 is before --from 2024-10"),
        ("2024-10", "soon", "'soon' is not a month; write it as 2024-09"),
    ],
)
def test_a_backfill_of_no_months_is_refused(
    run_luigi: Run, config: Config, tmp_path: Path, first: str, last: str, told: str
) -> None:
    arguments = ("Backfill", "--source", "weather", "--from", first, "--to", last)
    result = run_luigi(*arguments, data_dir=tmp_path / "data", config=config("http://localhost:1"))
    assert result.returncode == 40
    assert told in result.stderr
    assert result.stderr.count("\n") <= 1
    assert not (tmp_path / "data").exists()
