"""The task graph, its help, and what merely looking at it costs."""

import json
import subprocess
from pathlib import Path
from typing import Any

import luigi
import pytest
from fixtures import Config, Ingested, Run
from luigi.task_register import Register
from support import PROJECT, environment, program

import luigi_pipeline
from luigi_pipeline.core.months import Month
from luigi_pipeline.sample import Publishers
from luigi_pipeline.tasks.parameters import MonthParameter

ENGINES = ("dlt", "dbt", "duckdb", "great_expectations", "metricflow", "altair", "vl_convert")
HEAVY = (*ENGINES, "pyarrow", "httpx", "pandas", "sqlalchemy", "sqlglot")

GRAPH = {
    "Publish": ["Validate"],
    "Validate": ["DbtBuild"],
    "DbtBuild": ["IngestZones", "IngestYellowTaxi", "IngestCitibike", "IngestWeather", "ParseModels"],
    "Ingest": ["IngestZones", "IngestYellowTaxi", "IngestCitibike", "IngestWeather"],
    "IngestZones": ["LoadZones"],
    "IngestYellowTaxi": ["LoadMonth yellow_taxi 2024-10", "LoadMonth yellow_taxi 2024-11"],
    "IngestCitibike": ["LoadMonth citibike 2024-10", "LoadMonth citibike 2024-11"],
    "IngestWeather": ["LoadMonth weather 2024-10", "LoadMonth weather 2024-11"],
    "ParseModels": [],
    "LoadZones": ["FetchZones"],
    "LoadMonth yellow_taxi 2024-10": ["FetchMonth yellow_taxi 2024-10"],
    "LoadMonth yellow_taxi 2024-11": ["FetchMonth yellow_taxi 2024-11"],
    "LoadMonth citibike 2024-10": ["FetchMonth citibike 2024-10"],
    "LoadMonth citibike 2024-11": ["FetchMonth citibike 2024-11"],
    "LoadMonth weather 2024-10": ["FetchMonth weather 2024-10"],
    "LoadMonth weather 2024-11": ["FetchMonth weather 2024-11"],
    "FetchZones": [],
    "FetchMonth yellow_taxi 2024-10": [],
    "FetchMonth yellow_taxi 2024-11": [],
    "FetchMonth citibike 2024-10": [],
    "FetchMonth citibike 2024-11": [],
    "FetchMonth weather 2024-10": [],
    "FetchMonth weather 2024-11": [],
}


def look(config: Path, data_dir: Path) -> dict[str, Any]:
    """What a process sees that makes the tasks and asks whether they are complete."""
    env = environment({"MOBILITY_CONFIG": str(config), "MOBILITY_DATA_DIR": str(data_dir)})
    result = subprocess.run(program("look_at_tasks"), cwd=PROJECT, env=env, capture_output=True, text=True, check=True)
    seen: dict[str, Any] = json.loads(result.stdout)
    return seen


def test_the_graph_is_the_one_that_is_documented(config: Config, tmp_path: Path) -> None:
    seen = look(config("http://localhost:1"), tmp_path / "data")
    assert seen["graph"] == GRAPH
    assert seen["complete"] == [False, False, False, False]
    assert not (tmp_path / "data").exists(), "looking at the tasks writes nothing"


def test_who_writes_to_the_warehouse_takes_turns_and_downloads_are_bounded(config: Config, tmp_path: Path) -> None:
    file = config("http://localhost:1", {"download": {"parallel": 4}})
    resources = look(file, tmp_path / "data")["resources"]
    writers = {name for name, given in resources.items() if given.get("warehouse") == 1}
    assert writers >= {name for name in GRAPH if name.startswith(("LoadMonth", "LoadZones", "DbtBuild"))}
    assert resources["FetchMonth citibike 2024-10"] == {"download": 15}
    assert resources["FetchMonth weather 2024-10"] == {"download": 15, "open_meteo": 1}
    limits = luigi.configuration.LuigiConfigParser()
    limits.read(PROJECT / "luigi.cfg")
    assert dict(limits.items("resources")) == {"warehouse": "1", "download": "60", "open_meteo": "1"}


def test_a_disabled_source_is_not_in_the_graph_and_zones_are_where_a_mode_is(config: Config, tmp_path: Path) -> None:
    off = {"enabled": False, "months": []}
    modes = {"yellow_taxi": "IngestYellowTaxi", "citibike": "IngestCitibike"}
    for disabled in (["yellow_taxi"], ["citibike"], ["yellow_taxi", "citibike"]):
        file = config("http://localhost:1", {"sources": dict.fromkeys(disabled, off)})
        graph = look(file, tmp_path / "data")["graph"]
        left = [task for task in GRAPH["Ingest"] if task not in {modes[name] for name in disabled}]
        if len(disabled) == 2:
            left.remove("IngestZones")
        assert graph["Ingest"] == left
        assert ("LoadZones" in graph) is (len(disabled) == 1)
        assert {task: graph[task] for task in left} == {task: GRAPH[task] for task in left}


def test_a_look_at_a_finished_data_dir_imports_no_engine(ingested: Ingested) -> None:
    seen = look(ingested.config, ingested.data.root)
    assert seen["complete"] == [False, False, False, True]
    assert not set(HEAVY) & set(seen["modules"])


def test_importing_the_package_imports_no_engine() -> None:
    said = subprocess.run(
        program("list_modules"), cwd=PROJECT, env=environment(), capture_output=True, text=True, check=True
    ).stdout
    assert not set(HEAVY) & set(json.loads(said))


def tasks() -> list[type[luigi.Task]]:
    """All tasks of the pipeline."""
    registered = [Register.get_task_cls(name) for name in Register.task_names()]
    return [task for task in registered if task.__module__.startswith(luigi_pipeline.__name__)]


@pytest.mark.parametrize("task", tasks(), ids=lambda task: task.__name__)
def test_every_task_and_parameter_says_what_it_is(task: type[luigi.Task]) -> None:
    assert "__doc__" in vars(task), "a docstring of its own, which the visualiser shows"
    assert task.__doc__
    assert len(task.__doc__.strip()) > 15
    for name, parameter in task.get_params():
        assert parameter.description, f"{task.__name__}.{name} has no description"


def test_the_names_of_the_public_interface_are_tasks() -> None:
    names = {task.__name__ for task in tasks()}
    assert names >= {"Validate", "Publish", "Ingest", "IngestYellowTaxi", "IngestCitibike", "IngestWeather", "DbtBuild"}
    assert names >= {"FetchMonth", "LoadMonth"}


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (("--month", "2024-13", "--source", "weather"), "'2024-13' is not a month"),
        (("--month", "2024-10", "--source", "uber"), "uber"),
    ],
)
def test_a_wrong_parameter_is_refused(
    run_luigi: Run, config: Config, tmp_path: Path, arguments: tuple[str, ...], told: str
) -> None:
    result = run_luigi("LoadMonth", *arguments, data_dir=tmp_path / "data", config=config("http://localhost:1"))
    assert result.returncode != 0
    assert told in result.stderr
    assert not (tmp_path / "data").exists()


def test_a_month_is_a_month_however_its_task_is_made() -> None:
    parameter = MonthParameter(description="The month.")
    for given in ("2024-09", Month("2024-09")):
        assert type(parameter.normalize(given)) is type(parameter.parse(given)) is Month
        assert parameter.serialize(parameter.normalize(given)) == "2024-09"
    with pytest.raises(ValueError, match="'' is not a month"):
        parameter.normalize("")


def test_outside_the_project_s_folder_nothing_runs_and_one_line_says_why(
    run_luigi: Run, config: Config, tmp_path: Path
) -> None:
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    result = run_luigi("Ingest", data_dir=tmp_path / "data", config=config("http://localhost:1"), cwd=elsewhere)
    assert result.returncode == 40
    assert result.stderr.count("\n") == 1, result.stderr
    assert result.stderr.startswith(f"error: this folder ({elsewhere}) has no luigi.cfg and dbt_project/")
    assert "MOBILITY_PROJECT_DIR" in result.stderr
    assert not (tmp_path / "data").exists()


def test_a_wrong_project_s_folder_is_named(run_luigi: Run, config: Config, tmp_path: Path) -> None:
    result = run_luigi(
        "Ingest",
        data_dir=tmp_path / "data",
        config=config("http://localhost:1"),
        env={"MOBILITY_PROJECT_DIR": str(tmp_path / "none")},
    )
    assert result.returncode == 40
    assert result.stderr.startswith(f"error: MOBILITY_PROJECT_DIR ({tmp_path / 'none'}) has no luigi.cfg")


def test_the_project_s_folder_may_be_named_and_paths_are_relative_to_where_the_command_is_run(
    run_luigi: Run, config: Config, publishers: Publishers, tmp_path: Path
) -> None:
    """Exit code 30 for a failure is the proof that the project's luigi.cfg was read."""
    config(publishers.url, {"sources": {"weather": {"start_date": "2024-10-01", "end_date": "2024-10-31"}}})
    named = {"MOBILITY_PROJECT_DIR": str(PROJECT), "MOBILITY_CONFIG": "ingestion.yaml", "MOBILITY_DATA_DIR": "my data"}
    result = run_luigi("IngestWeather", env=named, cwd=tmp_path)
    assert result.returncode == 0, result.stderr
    assert (tmp_path / "my data" / "markers" / "IngestWeather.json").exists()
    assert {path.name for path in tmp_path.iterdir()} == {"ingestion.yaml", "my data"}

    config(publishers.url, {"sources": {"weather": {"start_date": "1950-01-01", "end_date": "1950-01-31"}}})
    result = run_luigi("IngestWeather", env=named, cwd=tmp_path)
    assert result.returncode == 30
    assert "out of allowed range" in result.stderr
    assert "Traceback" not in result.stderr
