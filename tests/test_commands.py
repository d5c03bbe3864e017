"""`python -m luigi_pipeline`: plan, status and forget."""

import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import yaml
from fixtures import Command, Config, Ingested, Query, Result, Run
from support import PROJECT, ROWS, environment, program

from luigi_pipeline.core.datadir import DataDir
from luigi_pipeline.run.holding import holding

RIDES = "select _source_month, count(*) from raw_data.trips group by 1 order by 1"
OCTOBER = ["--source", "citibike", "--month", "2024-10"]


def files(data: DataDir) -> dict[str, bytes]:
    """All that is in a data dir, but for what every command may touch."""
    paths = sorted(path for path in data.root.rglob("*") if path.is_file() and path != data.lock)
    return {path.relative_to(data.root).as_posix(): path.read_bytes() for path in paths}


def steps(result: Result) -> dict[str, str]:
    """Reason by task, of a plan as JSON."""
    assert result.returncode == 0, result.stderr
    return {step["task"]: step["why"] for step in json.loads(result.stdout)}


# plan


def test_plan_of_a_new_data_dir_names_every_task_in_order_and_makes_nothing(
    run_command: Command, config: Config, tmp_path: Path
) -> None:
    data = tmp_path / "data"
    todo = steps(run_command("plan", "--json", data_dir=data, config=config("http://localhost:1")))
    assert len(todo) == 22
    assert todo["FetchMonth weather 2024-11"] == "not fetched yet"
    assert todo["LoadMonth weather 2024-11"] == "not done yet"
    order = list(todo)
    assert order.index("FetchMonth weather 2024-11") < order.index("LoadMonth weather 2024-11")
    assert order[-4:] == ["ParseModels", "DbtBuild", "Validate", "Publish"]
    assert not data.exists()


def test_plan_of_a_finished_task_says_so_and_touches_nothing(ingested: Ingested, run_command: Command) -> None:

    before = files(ingested.data)
    result = run_command("plan", "Ingest", data_dir=ingested.data.root, config=ingested.config)
    assert (result.returncode, result.stdout) == (0, "Ingest is complete: there is nothing to do\n")
    assert files(ingested.data) == before


def test_plan_says_what_each_part_waits_for(
    ingested: Ingested, loaded: DataDir, run_command: Command, query: Query
) -> None:
    (loaded.markers / "LoadMonth" / "citibike" / "2024-11.json").unlink()
    (loaded.landing / "citibike" / "202411-citibike-tripdata.zip").unlink()
    (loaded.markers / "LoadZones.json").write_text("{}", encoding="utf-8")
    todo = steps(run_command("plan", "Ingest", "--json", data_dir=loaded.root, config=ingested.config))
    assert todo == {
        "LoadZones": "not done yet",
        "IngestZones": "taxi zones has changed",
        "FetchMonth citibike 2024-11": "its file is gone from landing/",
        "LoadMonth citibike 2024-11": "not done yet",
        "IngestCitibike": "citibike 2024-11 is gone",
        "Ingest": "citibike 2024-11 is gone, taxi zones has changed",
    } | {"Ingest": todo["Ingest"]}
    assert set(todo["Ingest"].split(", ")) == {"citibike 2024-11 is gone", "taxi zones has changed"}


def test_plan_of_a_refresh_asks_for_everything_again(ingested: Ingested, run_command: Command) -> None:

    options = ["plan", "IngestCitibike", "--mobility-refresh", "--json"]
    todo = steps(run_command(*options, data_dir=ingested.data.root, config=ingested.config))
    assert list(todo) == [
        "FetchMonth citibike 2024-10",
        "LoadMonth citibike 2024-10",
        "FetchMonth citibike 2024-11",
        "LoadMonth citibike 2024-11",
        "IngestCitibike",
    ]
    assert todo["FetchMonth citibike 2024-10"].startswith("last asked for at 20")
    assert todo["LoadMonth citibike 2024-10"] == "its publisher may have another version"
    assert todo["IngestCitibike"] == "after LoadMonth citibike 2024-10 and 1 more"


def test_plan_of_another_configuration_says_why_a_month_comes_again(
    loaded: DataDir, run_command: Command, config: Config
) -> None:
    todo = steps(run_command("plan", "IngestCitibike", "--json", data_dir=loaded.root, config=config("http://else:1")))
    assert todo["LoadMonth citibike 2024-10"] == "the configuration asks for another file"


def test_plan_and_status_of_a_warehouse_that_is_gone_or_was_written_to_say_so(
    ingested: Ingested, loaded: DataDir, run_command: Command
) -> None:
    with loaded.warehouse.open("ab") as file:
        file.write(b"\0")
    plan = ("plan", "IngestCitibike")
    told = run_command(*plan, data_dir=loaded.root, config=ingested.config).stdout
    assert f"{loaded.warehouse} has changed since the last run" in told
    assert "LoadMonth citibike 2024-10  the warehouse has changed since the last run" in told
    status = run_command("status", "--json", data_dir=loaded.root, config=ingested.config)
    assert status.returncode == 1
    october = next(it for it in json.loads(status.stdout)["months"] if it["task"] == "LoadMonth citibike 2024-10")
    assert (october["state"], october["rows"]) == ("stale", ROWS)
    assert october["why"] == "the warehouse has changed since the last run"
    loaded.warehouse.unlink()
    told = run_command(*plan, data_dir=loaded.root, config=ingested.config).stdout
    assert "the warehouse is gone" in told
    assert "has changed" not in told


# status


def states(result: Result) -> dict[str, str]:
    """State by task, of a status as JSON."""
    found = json.loads(result.stdout)
    return {it["task"]: it["state"] for it in [*found["months"], *found["stages"]]}


def test_status_of_a_finished_data_dir_has_every_month_and_touches_nothing(
    published: Ingested, run_command: Command
) -> None:
    before = files(published.data)
    result = run_command("status", "--json", data_dir=published.data.root, config=published.config)
    assert result.returncode == 0, result.stderr
    assert set(states(result).values()) == {"loaded", "done"}
    found = json.loads(result.stdout)
    october = next(it for it in found["months"] if (it["source"], it["month"]) == ("citibike", "2024-10"))
    load = json.loads((published.data.markers / "LoadMonth" / "citibike" / "2024-10.json").read_text(encoding="utf-8"))
    assert october["rows"] == ROWS
    assert october["version"] == load["sources"][0]["sha256"][:16]
    assert october["finished_at"] == load["finished_at"]
    shown = run_command("status", data_dir=published.data.root, config=published.config)
    assert shown.returncode == 0
    assert f"{ROWS:,} loaded" in shown.stdout
    assert files(published.data) == before


def test_status_tells_what_is_missing_stale_or_no_longer_configured_and_is_not_well(
    ingested: Ingested, loaded: DataDir, run_command: Command, tmp_path: Path
) -> None:
    config = yaml.safe_load(ingested.config.read_text(encoding="utf-8"))
    config["sources"]["yellow_taxi"]["months"] = ["2024-11", "2024-12"]
    config["sources"]["citibike"]["base_url"] = "http://else:1"
    file = tmp_path / "other.yaml"
    file.write_text(yaml.safe_dump(config), encoding="utf-8")
    (loaded.markers / "LoadMonth" / "weather" / "2024-10.json").write_text("{}", encoding="utf-8")
    result = run_command("status", "--json", data_dir=loaded.root, config=file)
    assert result.returncode == 1
    assert states(result) == {
        "LoadMonth yellow_taxi 2024-10": "not in the configuration",
        "LoadMonth yellow_taxi 2024-11": "loaded",
        "LoadMonth yellow_taxi 2024-12": "missing",
        "LoadMonth citibike 2024-10": "stale",
        "LoadMonth citibike 2024-11": "stale",
        "LoadMonth weather 2024-10": "missing",
        "LoadMonth weather 2024-11": "loaded",
        "LoadZones": "loaded",
        "DbtBuild": "missing",
        "Validate": "missing",
        "Publish": "missing",
    }
    told = run_command("status", data_dir=loaded.root, config=file).stdout
    assert "citibike 2024-10 is stale: the configuration asks for another file\n" in told


def test_status_of_weather_that_is_to_be_asked_for_again_is_due_and_well(
    published: Ingested, built: DataDir, run_command: Command
) -> None:
    for task in ("FetchMonth", "LoadMonth"):
        path = built.markers / task / "weather" / "2024-11.json"
        marker = json.loads(path.read_text(encoding="utf-8"))
        marker["sources"][0]["settled_at"] = "2100-01-01T00:00:00.000+00:00"
        marker |= {"started_at": "2024-12-01T06:00:00.000+00:00", "finished_at": "2024-12-01T06:00:01.000+00:00"}
        path.write_text(json.dumps(marker), encoding="utf-8")
    result = run_command("status", "--json", data_dir=built.root, config=published.config)
    assert result.returncode == 0
    assert states(result).pop("LoadMonth weather 2024-11") == "due"
    assert set(states(result).values()) == {"loaded", "done", "due"}


def test_status_of_a_data_dir_that_is_not_there_makes_none(
    run_command: Command, config: Config, tmp_path: Path
) -> None:
    result = run_command("status", data_dir=tmp_path / "data", config=config("http://localhost:1"))
    assert result.returncode == 1
    assert "weather 2024-10 is missing: not done yet" in result.stdout
    assert not (tmp_path / "data").exists()


@pytest.mark.parametrize("command", ["plan", "status"])
def test_looking_imports_no_engine(command: str, ingested: Ingested) -> None:

    env = environment({"MOBILITY_CONFIG": str(ingested.config), "MOBILITY_DATA_DIR": str(ingested.data.root)})
    said = subprocess.run(
        program("list_modules", command), cwd=PROJECT, env=env, capture_output=True, text=True, check=True
    ).stdout
    assert not {"duckdb", "dlt", "dbt", "great_expectations"} & set(json.loads(said.splitlines()[-1]))


# forget


def test_a_forgotten_month_is_gone_and_comes_back_only_if_it_is_wanted(
    ingested: Ingested, loaded: DataDir, run_command: Command, run_luigi: Run, query: Query
) -> None:
    result = run_command("forget", *OCTOBER, data_dir=loaded.root, config=ingested.config)
    assert result.returncode == 0, result.stderr
    assert result.stdout.splitlines() == [
        f"citibike 2024-10 is forgotten: {ROWS:,} rows; the next run builds the models without it",
        f"{ingested.config} still names it, so that run will load it again; take it out there first",
    ]
    assert query(loaded, RIDES) == [("2024-11", ROWS)]
    noted = "select count(*) from meta.source_files where source = 'citibike' and source_month = '2024-10'"
    assert query(loaded, noted) == [(0,)]
    todo = steps(run_command("plan", "IngestCitibike", "--json", data_dir=loaded.root, config=ingested.config))
    assert todo["LoadMonth citibike 2024-10"] == "not done yet"
    assert todo["IngestCitibike"] == "citibike 2024-10 is gone"
    assert run_luigi("IngestCitibike", data_dir=loaded.root, config=ingested.config).returncode == 0
    assert query(loaded, RIDES) == [("2024-10", ROWS), ("2024-11", ROWS)]


@pytest.mark.parametrize(
    ("options", "code", "words"),
    [
        (["--source", "citibike", "--month", "2023-01"], 30, "citibike 2023-01 is not in "),
        (["--source", "citibike", "--month", "2024-1"], 2, "'2024-1' is not a month; write it as 2024-09"),
        (["--source", "taxi", "--month", "2024-10"], 2, "invalid choice: 'taxi'"),
        (["--source", "citibike"], 2, "--month"),
    ],
)
def test_what_can_not_be_forgotten_is_told_in_one_line_and_changes_nothing(
    ingested: Ingested, run_command: Command, options: list[str], code: int, words: str
) -> None:
    before = files(ingested.data)
    result = run_command("forget", *options, data_dir=ingested.data.root, config=ingested.config)
    assert result.returncode == code
    assert words in result.stderr.splitlines()[-1]
    assert "Traceback" not in result.stderr
    assert files(ingested.data) == before


def test_a_month_is_not_forgotten_while_a_run_holds_the_data_dir(
    ingested: Ingested, loaded: DataDir, run_command: Command, query: Query
) -> None:
    with holding(loaded):
        result = run_command("forget", *OCTOBER, data_dir=loaded.root, config=ingested.config)
    assert result.returncode == 10
    assert result.stderr == f"error: another run holds {loaded.root}; this one did nothing\n"
    assert query(loaded, RIDES) == [("2024-10", ROWS), ("2024-11", ROWS)]


def test_forgetting_where_nothing_is_makes_nothing(run_command: Command, config: Config, tmp_path: Path) -> None:

    result = run_command("forget", *OCTOBER, data_dir=tmp_path / "data", config=config("http://localhost:1"))
    assert result.returncode == 30
    assert result.stderr.startswith("error: there is no warehouse in ")
    assert not (tmp_path / "data").exists()


def test_a_configuration_that_can_not_be_used_is_one_line(run_command: Command, tmp_path: Path) -> None:

    result = run_command("plan", data_dir=tmp_path / "data", config=tmp_path / "none.yaml")
    assert result.returncode == 40
    assert result.stderr.count("\n") == 1
    assert "none.yaml" in result.stderr


def test_every_command_has_help() -> None:
    listed = subprocess.run(
        [sys.executable, "-m", "luigi_pipeline", "--help"], cwd=PROJECT, capture_output=True, text=True, check=True
    ).stdout
    for command in ("plan", "forget"):
        assert f"\n    {command} " in listed


@pytest.mark.parametrize("buffered", [True, False])
@pytest.mark.parametrize("arguments", ["status", "plan --json", "history", "metrics total_trips", "metrics"])
def test_a_full_disk_behind_standard_output_is_one_line(arguments: str, buffered: bool, published: Ingested) -> None:

    named = {"MOBILITY_CONFIG": str(published.config), "MOBILITY_DATA_DIR": str(published.data.root)}
    with Path("/dev/full").open("w") as full:
        result = subprocess.run(
            [sys.executable, "-m", "luigi_pipeline", *arguments.split()],
            cwd=PROJECT,
            env=environment(named | {"PYTHONUNBUFFERED": "" if buffered else "1"}),
            stdout=full,
            stderr=subprocess.PIPE,
            text=True,
            check=False,
        )
    assert result.returncode == 30, result.stderr
    assert result.stderr.endswith("No space left on device\n")
    assert result.stderr.count("\n") == 1


HOME_OF = "there is no home folder for ~ to stand for; write it out"


@pytest.mark.parametrize("home", [True, False])
@pytest.mark.parametrize("by", ["options", "variables", "the command's options"])
def test_a_path_may_begin_with_a_home_folder(by: str, home: bool, ingested: Ingested, tmp_path: Path) -> None:
    """Where no shell has put it there: after `=`, in quotes, in a variable."""
    (tmp_path / "project").symlink_to(PROJECT)
    (tmp_path / "nyc").mkdir()
    shutil.copy(ingested.config, tmp_path / "nyc" / "here.yaml")
    options = {"--mobility-config": "~/nyc/here.yaml", "--mobility-data-dir": "~/nyc"}
    given = {"MOBILITY_PROJECT_DIR": "~/project", "HOME": str(tmp_path)}
    # A name that is no one's has no home, whatever HOME says.
    told = "~/nyc" if home else "~nobody.of.that.name/nyc"
    options = {option: path.replace("~/nyc", told) for option, path in options.items()}
    luigi = [str(Path(sys.executable).with_name("luigi")), "--module", "luigi_pipeline", "IngestCitibike"]
    command = luigi if by == "options" else [sys.executable, "-m", "luigi_pipeline", "plan", "IngestCitibike"]
    if by == "variables":
        given |= {option[2:].upper().replace("-", "_"): path for option, path in options.items()}
    else:
        command += [f"{option}={path}" for option, path in options.items()]
    result = subprocess.run(
        command, cwd=tmp_path, env=environment(given), capture_output=True, text=True, timeout=60, check=False
    )
    assert not [it.name for it in tmp_path.iterdir() if it.name.startswith("~")]
    if not home:
        assert result.returncode == 40
        assert result.stderr == f"error: --mobility-config: {told}/here.yaml: {HOME_OF}\n"
    elif by == "options":
        assert (tmp_path / "nyc" / "logs" / "pipeline.log").exists()
    else:
        assert "LoadMonth citibike 2024-10" in result.stdout, result.stderr


def test_a_project_s_folder_in_a_home_that_there_is_not_is_one_line(tmp_path: Path) -> None:

    named = "~nobody.of.that.name/project"
    result = subprocess.run(
        [sys.executable, "-m", "luigi_pipeline", "status"],
        cwd=tmp_path,
        env=environment({"MOBILITY_PROJECT_DIR": named}),
        capture_output=True,
        text=True,
        check=False,
    )
    assert (result.returncode, result.stderr) == (40, f"error: MOBILITY_PROJECT_DIR: {named}: {HOME_OF}\n")
