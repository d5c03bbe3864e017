"""What is published of modes that do not cover the same days: made once, and shared by all tests that ask for it."""

import shutil
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml
from fixtures import Run
from support import PROJECT, configuration, load_settings

from luigi_pipeline.config.settings import Warehouse
from luigi_pipeline.core.datadir import DataDir
from luigi_pipeline.report import making
from luigi_pipeline.sample import Publishers, generate
from luigi_pipeline.warehouse import models
from luigi_pipeline.warehouse.publishing import publish
from luigi_pipeline.warehouse.recognise import recognise

# Taxis have no December, bikes no March; nothing has April to October; weather begins in November and ends within
# December. Taxi trips that stray out of November do so into a Sunday, which is not covered.
_MONTHS = {
    "yellow_taxi": {"months": ["2024-03", "2024-11"]},
    "citibike": {"months": ["2024-11", "2024-12"]},
    "weather": {"start_date": "2024-11-01", "end_date": "2024-12-15"},
}
_BIKES_ALONE = {
    "yellow_taxi": {"enabled": False},
    "citibike": {"months": ["2024-11"]},
    "weather": {"start_date": "2024-11-01", "end_date": "2024-11-30"},
}


Lost = Mapping[str, tuple[str, str]]


@dataclass(frozen=True)
class Constellation:
    """One of them.

    Attributes:
        sources: Their configuration.
        rows: Trips a month and mode.
        of: Another one that it is a changed copy of.
        lost: First and last of the days of its loaded months that a mode does not cover, as if a file held a part
            of its month.
    """

    sources: Mapping[str, Any] = field(default_factory=dict)
    rows: int = 0
    of: str = ""
    lost: Lost = field(default_factory=dict)


_LATE, _ALL = ("2024-11-16", "2024-11-30"), ("2024-11-01", "2024-11-30")
CONSTELLATIONS = {
    "different months": Constellation(_MONTHS, rows=4000),
    "one mode": Constellation(_BIKES_ALONE, rows=2000),
    "a partly covered month": Constellation(_MONTHS, of="different months", lost={"citibike": _LATE}),
    "no common day": Constellation(_MONTHS, of="different months", lost={"citibike": _ALL}),
}


@dataclass(frozen=True)
class Published:
    """A constellation that is published, and its configuration."""

    data: DataDir
    config: Path
    lost: Lost


def make(name: str, folder: Path, run_luigi: Run) -> Published:
    """Publish a constellation in a folder, unless it is there."""
    wanted = CONSTELLATIONS[name]
    place = folder / name.replace(" ", "_")
    made = Published(DataDir(place / "data"), place / "ingestion.yaml", wanted.lost)
    if (place / "done").exists():
        return made
    if wanted.of:
        _copy(make(wanted.of, folder, run_luigi), made)
    else:
        _run(wanted, place, made, run_luigi)
    (place / "done").touch()
    return made


def _run(wanted: Constellation, place: Path, made: Published, run_luigi: Run) -> None:
    months = sorted({month for source in wanted.sources.values() for month in source.get("months", [])})
    generate(place / "publishers", months=months, taxi_trips_per_month=wanted.rows, rides_per_month=wanted.rows)
    least = {"validation": {"min_rows": {"yellow_taxi": 100, "citibike": 100}}}
    with Publishers(place / "publishers") as url:
        config = configuration(url, {"sources": wanted.sources} | least)
        made.config.write_text(yaml.safe_dump(config), encoding="utf-8")
        result = run_luigi("Publish", data_dir=made.data.root, config=made.config)
    assert result.returncode == 0, result.stderr


def _copy(whole: Published, made: Published) -> None:
    """A copy whose modes cover fewer hours: the models below these are built anew, and published."""
    shutil.copytree(whole.data.root, made.data.root)
    shutil.copy(whole.config, made.config)
    recognise(made.data, Warehouse())
    project = made.config.parent / "dbt_project"
    shutil.copytree(PROJECT / "dbt_project", project, ignore=shutil.ignore_patterns("target", "logs"))
    hours = project / "models" / "intermediate" / "int_loaded_hours.sql"
    is_lost = " or ".join(
        f"(source_name = '{mode}' and cast(hour_nyc as date) between '{first}' and '{last}')"
        for mode, (first, last) in made.lost.items()
    )
    hours.write_text(f"{hours.read_text(encoding='utf-8')}where not ({is_lost})\n", encoding="utf-8")
    weather = load_settings(made.config).sources.weather
    variables = {
        "enabled_sources": ["yellow_taxi", "citibike", "weather"],
        "weather_start_date": str(weather.start_date),
        "weather_end_date": str(weather.end_date),
    }
    models.build(project, made.data, Warehouse(), variables, select="int_loaded_hours+")
    publish(made.data, Warehouse())
    making.make(made.data, load_settings(made.config))
