"""A source that is one file and a line in the registry: the rest of the pipeline goes by it, and names it nowhere.

`one_more_source/` is laid over a copy of the project, as someone who adds a source would change it.
"""

import datetime as dt
import json
import shutil
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import yaml
from fixtures import Query, Result, Run
from support import PROJECT, configuration, environment, program

from luigi_pipeline.core.datadir import DataDir
from luigi_pipeline.sample import Publishers, generate
from luigi_pipeline.state import markers

OVERLAY = Path(__file__).with_name("one_more_source")
MONTHS = ("2024-10", "2024-11")
ROWS = 120
WITHOUT: dict[str, Any] = {"sources": {"citibike": {"months": [MONTHS[0]]}, "weather": {"months": [MONTHS[0]]}}}


@dataclass(frozen=True)
class Project:
    """A copy of the project with the source, and publishers that have its files."""

    folder: Path
    url: str
    run_luigi: Run

    def config(self, name: str, *ferry: dict[str, Any], **more: Any) -> Path:
        """A configuration with a month of rides and of weather, no yellow taxis, and the ferry if it is given."""
        content = configuration(self.url)
        # The zones are asked for where the yellow taxis would be.
        zones = {"zones": {"base_url": self.url}}
        ferries = {"ferry": {"base_url": f"{self.url}/ferries"} | ferry[0]} if ferry else {}
        urls = {name: content["sources"][name]["base_url"] for name in WITHOUT["sources"]}
        blocks = {name: it | {"base_url": urls[name]} for name, it in WITHOUT["sources"].items()}
        content |= {"sources": blocks | zones | ferries, "validation": more}
        path = self.folder.parent / f"{name}.yaml"
        path.write_text(yaml.safe_dump(content), encoding="utf-8")
        return path

    def run(self, *task: str, data: DataDir, config: Path) -> Result:
        """Run the copy's tasks."""
        env = {"PYTHONPATH": str(self.folder)}
        return self.run_luigi(*task, data_dir=data.root, config=config, env=env, cwd=self.folder)

    def command(self, *arguments: str, data: DataDir, config: Path) -> Result:
        """Run one of the copy's commands."""
        options = ["--mobility-config", str(config), "--mobility-data-dir", str(data.root)]
        return self.python("-m", "luigi_pipeline", *arguments, *options)

    def python(self, *arguments: str, **env: str) -> Result:
        """Run Python with the copy."""
        env |= {"PYTHONPATH": str(self.folder)}
        return subprocess.run(
            [sys.executable, *arguments],
            cwd=self.folder,
            env=environment(env),
            capture_output=True,
            text=True,
            check=False,
        )


@dataclass(frozen=True)
class Loaded:
    """What a run of the copy has loaded."""

    data: DataDir
    config: Path


ON = {"enabled": True, "months": list(MONTHS)}


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory, run_luigi: Run) -> Iterator[Project]:
    place = tmp_path_factory.mktemp("one_more_source")
    folder = place / "project"
    extend(folder)
    published = place / "publishers"
    generate(published, months=MONTHS[:1], taxi_trips_per_month=ROWS, rides_per_month=ROWS)
    (published / "ferries").mkdir()
    for month in MONTHS:
        (published / "ferries" / f"{month}.csv").write_text("\n".join(rides(month)) + "\n", encoding="utf-8")
    with Publishers(published) as url:
        yield Project(folder, url, run_luigi)


def extend(folder: Path) -> None:
    """Copy the project, lay the source over it, and register it."""
    folder.mkdir()
    leave = shutil.ignore_patterns("__pycache__", "target", "logs", ".user.yml")
    for part in ("luigi_pipeline", "dbt_project", "config"):
        shutil.copytree(PROJECT / part, folder / part, ignore=leave)
    shutil.copy(PROJECT / "luigi.cfg", folder)
    shutil.copytree(OVERLAY, folder, ignore=leave, dirs_exist_ok=True)
    registry = folder / "luigi_pipeline" / "sources" / "registry.py"
    content = registry.read_text(encoding="utf-8")
    for before, line in (
        ("    HourlyWeather(),\n", "    FerryRides(),\n"),
        ("from luigi_pipeline.sources.mode", "from luigi_pipeline.sources.ferries import FerryRides\n"),
    ):
        assert content.count(before) == 1
        content = content.replace(before, line + before)
    registry.write_text(content, encoding="utf-8")


def rides(month: str) -> list[str]:
    """A month's file."""
    rows = [
        f"{n},{month}-{n % 28 + 1:02} 08:00:00,{month}-{n % 28 + 1:02} 08:{n % 50 + 5:02}:00,12,88,4.5"
        for n in range(ROWS)
    ]
    return ["Ride Number,Boarded At,Left At,From Zone,To Zone,Fare", *rows]


@pytest.fixture(scope="module")
def loaded(project: Project, tmp_path_factory: pytest.TempPathFactory) -> Loaded:
    data, config = DataDir(tmp_path_factory.mktemp("loaded") / "data"), project.config("on", ON)
    result = project.run("Ingest", data=data, config=config)
    assert result.returncode == 0, result.stderr
    return Loaded(data, config)


def test_it_is_one_file() -> None:
    files = {path.relative_to(OVERLAY).as_posix() for path in OVERLAY.rglob("*.*") if "__pycache__" not in path.parts}
    assert files == {"luigi_pipeline/sources/ferries.py"}
    named = [path for path in (PROJECT / "luigi_pipeline").rglob("*.py") if "ferry" in path.read_text(encoding="utf-8")]
    assert named == []


def test_it_is_planned_where_it_is_enabled(project: Project, tmp_path: Path) -> None:
    data = DataDir(tmp_path / "data")
    planned = project.command("plan", "IngestFerry", "--json", data=data, config=project.config("plan", ON))
    assert planned.returncode == 0, planned.stderr
    assert [it["task"] for it in json.loads(planned.stdout)] == [
        *(f"{act} ferry {month}" for month in MONTHS for act in ("FetchMonth", "LoadMonth")),
        "IngestFerry",
    ]
    publish = project.command("plan", data=data, config=project.config("plan", ON)).stdout
    assert "IngestFerry" in publish
    assert "LoadZones" in publish, "it is a mode, so zones are wanted"


def test_it_is_nowhere_where_it_is_not_named_or_off_as_by_default(project: Project, tmp_path: Path) -> None:
    data = DataDir(tmp_path / "data")
    for config in (project.config("unnamed"), project.config("off", {"months": list(MONTHS)})):
        for command in ("plan", "status"):
            told = project.command(command, data=data, config=config)
            assert told.stderr == ""
            assert "IngestCitibike" in told.stdout or "citibike" in told.stdout
            assert "ferry" not in told.stdout.lower()
            assert "yellow" not in told.stdout.lower()


@pytest.mark.parametrize(
    ("ferry", "told"),
    [
        ({"enabled": True}, "sources.ferry: months is empty: name at least one, or set enabled: false"),
        (ON | {"month": 1}, "unknown key sources.ferry.month"),
        (ON | {"months": ["2024-1"]}, "sources.ferry.months: '2024-1' is not a month; write it as \"2024-09\""),
    ],
)
def test_its_block_is_checked(project: Project, tmp_path: Path, ferry: dict[str, Any], told: str) -> None:
    config = project.config("wrong", ferry)
    refused = project.run("Ingest", data=DataDir(tmp_path / "data"), config=config)
    assert (refused.returncode, refused.stderr) == (40, f"error: {config}: {told}\n")


def test_its_months_are_fetched_loaded_and_summed_up(loaded: Loaded, query: Query) -> None:
    files = "select _source_month, _source_file, count(*) from raw_data.ferry_rides group by all order by 1"
    assert query(loaded.data, files) == [(month, f"ferry_{month}.csv", ROWS) for month in MONTHS]
    sums = "select sum(fare), min(boarded_at), any_value(to_zone) from raw_data.ferry_rides"
    assert query(loaded.data, sums) == [(2 * ROWS * 4.5, dt.datetime(2024, 10, 1, 8), 88)]
    assert query(loaded.data, "select count(*) from raw_data.taxi_zones") == [(265,)], "without yellow taxis, too"
    marker = markers.read(loaded.data.markers / "Ingest.json")
    assert marker is not None
    assert list(marker.details) == ["citibike", "ferry", "weather", "summary"]
    assert (marker.details["ferry"]["status"], marker.details["ferry"]["rows"]) == ("loaded", 2 * ROWS)


def test_a_second_run_does_nothing(project: Project, loaded: Loaded) -> None:
    again = project.run("Ingest", data=loaded.data, config=loaded.config)
    assert again.returncode == 0
    assert "Did not run any tasks" in again.stderr


def test_status_has_its_months_and_says_where_it_is_disabled(project: Project, loaded: Loaded) -> None:
    for config, state in ((loaded.config, "loaded"), (project.config("later off"), "disabled")):
        status = project.command("status", "--json", data=loaded.data, config=config)
        months = [it for it in json.loads(status.stdout)["months"] if it["source"] == "ferry"]
        assert [(it["month"], it["state"], it["rows"]) for it in months] == [(it, state, ROWS) for it in MONTHS]


def test_everything_that_lists_sources_or_modes_has_it(project: Project, loaded: Loaded) -> None:
    accepted = {"source": "ferry", "months": MONTHS[0], "statistic": "*", "why": "a strike"}
    config = project.config("look", ON, min_rows={"ferry": 10}, accepted=[accepted])
    here = {"MOBILITY_CONFIG": str(config), "MOBILITY_DATA_DIR": str(loaded.data.root)}
    looked = project.python(*program("look_at_sources")[1:], **here)
    assert looked.returncode == 0, looked.stderr
    seen = json.loads(looked.stdout)
    assert seen["blocks"] == ["yellow_taxi", "citibike", "ferry", "weather", "zones"]
    assert seen["min_rows"]["ferry"] == 10
    assert seen["accepted"] == ["ferry"]
    assert seen["checked"] == ["ferry", "ferry"]
    assert seen["overview"] == ["month", "citibike", "ferry", "weather"]
    assert seen["names"]["ferry"] == "Ferry"
    assert seen["nouns"]["Ferry"] == "ferry"
    titles = ["Yellow taxi", "CitiBike", "Ferry"]
    assert seen["colours"] == {"domain": titles, "range": ["#cc7a00", "#2b7fd4", "#1f8a5f"]}
    assert seen["dashes"] == {"domain": titles, "range": [[1, 0], [6, 3], [2, 2]]}
    assert seen["shapes"] == {"domain": titles, "range": ["circle", "triangle-up", "square"]}
    assert seen["with"] == ["trip_type in ('yellow_taxi', 'ferry')"] * 2
    assert seen["variables"]["enabled_sources"] == ["citibike", "ferry", "weather"]
    assert seen["variables"]["modes"][2] == {
        "name": "ferry",
        "staging_model": "stg_ferry__rides",
        "has_fares": True,
        "has_distances": False,
        "has_zones": True,
        "has_stations": False,
        "has_passengers": False,
    }


def test_a_month_of_it_can_be_forgotten_and_is_loaded_again(project: Project, loaded: Loaded) -> None:
    arguments = ("forget", "--source", "ferry", "--month", MONTHS[1])
    forgotten = project.command(*arguments, data=loaded.data, config=loaded.config)
    assert forgotten.stdout.startswith(f"ferry {MONTHS[1]} is forgotten: {ROWS} rows"), forgotten.stderr
    again = project.run("IngestFerry", data=loaded.data, config=loaded.config)
    assert again.returncode == 0, again.stderr
    assert f"LoadMonth ferry {MONTHS[1]}" in again.stderr
