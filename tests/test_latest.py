"""Sources that go up to the newest published month: found, picked up, told where it is late, never waited for."""

import datetime as dt
import json
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml
from fixtures import Chat, Command, Config, Run, Serve
from luigi.configuration import get_config
from support import PROJECT, configuration, environment, load_settings

from luigi_pipeline.core.datadir import DataDir
from luigi_pipeline.core.errors import ConfigError
from luigi_pipeline.core.months import NEW_YORK, Month
from luigi_pipeline.run.run import Run as Beginning
from luigi_pipeline.sample import Fault, generate
from luigi_pipeline.state import latest


def back(months: int) -> str:
    """The month so many before this one."""
    day = dt.datetime.now(NEW_YORK).date()
    for _ in range(months):
        day = day.replace(day=1) - dt.timedelta(days=1)
    return f"{day:%Y-%m}"


# The newest month that has ended, and those before it.
ENDED, BEFORE, EARLIER = back(1), back(2), back(3)


def open_ended(first: str = EARLIER, **taxi: Any) -> dict[str, Any]:
    """All sources from a month on, with delays that leave nothing overdue."""
    months = {"from": first, "to": "latest"}
    weather = {"months": months, "usual_delay_days": 40, "start_date": None, "end_date": None}
    return {
        "sources": {
            "yellow_taxi": {"months": months, "usual_delay_days": 100} | taxi,
            "citibike": {"months": months, "usual_delay_days": 40},
            "weather": weather,
        }
    }


def written(path: Path, url: str, changes: dict[str, Any]) -> Path:
    """A configuration whose weather has no dates beside its months."""
    content = configuration(url)
    for name, block in changes["sources"].items():
        content["sources"][name] |= block
    for key in ("start_date", "end_date"):
        del content["sources"]["weather"][key]
    content |= {key: value for key, value in changes.items() if key != "sources"}
    path.write_text(yaml.safe_dump(content), encoding="utf-8")
    return path


@pytest.fixture(scope="module")
def recent(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Three months that have just ended, of all publishers."""
    folder = tmp_path_factory.mktemp("recent")
    generate(folder, months=[EARLIER, BEFORE, ENDED], taxi_trips_per_month=1000, rides_per_month=1000)
    return folder


def taxi(folder: Path, month: str) -> Path:
    """TLC's file of a month."""
    return folder / "trip-data" / f"yellow_tripdata_{month}.parquet"


def rides(folder: Path, month: str) -> Path:
    """CitiBike's file of a month."""
    (found,) = folder.rglob(f"{month.replace('-', '')}-citibike-tripdata*.zip")
    return found


def publish(path: Path, recent: Path, served: Path) -> None:
    """Let a publisher have a file by now."""
    shutil.copyfile(path, served / path.relative_to(recent))


@pytest.fixture
def served(recent: Path, tmp_path: Path) -> Path:
    """The publishers some time ago: taxis of one month, rides of two."""
    folder = tmp_path / "served"
    shutil.copytree(recent, folder)
    for path in (taxi(folder, BEFORE), taxi(folder, ENDED), rides(folder, ENDED)):
        path.unlink()
    return folder


def freshness(data: DataDir, target: Path) -> dict[str, tuple[str, str]]:
    """What dbt says of each raw table, and the month in which its newest one had ended."""
    dbt = [str(Path(sys.executable).with_name("dbt")), "source", "freshness", "--target-path", str(target)]
    env = environment({"MOBILITY_WAREHOUSE": str(data.warehouse)})
    folder = PROJECT / "dbt_project"
    subprocess.run(
        [*dbt, "--log-path", str(target)], cwd=folder, env=env, capture_output=True, timeout=120, check=False
    )
    results = json.loads((target / "sources.json").read_text())["results"]
    return {it["unique_id"].rpartition(".")[2]: (it["status"], it["max_loaded_at"][:7]) for it in results}


def months_of(data: DataDir, source: str) -> list[str]:
    """The loaded months of a source."""
    return sorted(path.stem for path in (data.markers / "LoadMonth" / source).glob("*.json"))


def test_new_months_are_picked_up_day_by_day_and_a_late_one_is_told_but_holds_up_nothing(
    recent: Path,
    served: Path,
    serve: Serve,
    tmp_path: Path,
    run_luigi: Run,
    run_command: Command,
    chat: Chat,
) -> None:
    publishers, data = serve(served), DataDir(tmp_path / "data")
    file = written(tmp_path / "open.yaml", publishers.url, open_ended())
    before = run_command("plan", "Ingest", data_dir=data.root, config=file)
    assert f"citibike goes up to the newest month, which a run will ask for; it begins with {EARLIER}" in before.stdout
    assert publishers.log == []
    assert not data.root.exists()

    result = run_luigi("Ingest", data_dir=data.root, config=file)
    assert result.returncode == 0, result.stderr
    assert [months_of(data, name) for name in ("yellow_taxi", "citibike")] == [[EARLIER], [EARLIER, BEFORE]]
    assert months_of(data, "weather") == [EARLIER, BEFORE, ENDED]

    publish(taxi(recent, BEFORE), recent, served)
    publish(rides(recent, ENDED), recent, served)
    asked = len(publishers.log)
    told = run_command("plan", "Ingest", data_dir=data.root, config=file).stdout
    assert "Ingest is complete" in told
    assert f"yellow_taxi goes up to {EARLIER}" in told
    assert len(publishers.log) == asked
    result = run_luigi("Ingest", data_dir=data.root, config=file)
    assert result.returncode == 0, result.stderr
    assert f"yellow_taxi: {BEFORE} is published" in result.stderr
    assert [months_of(data, name) for name in ("yellow_taxi", "citibike")] == [
        [EARLIER, BEFORE],
        [EARLIER, BEFORE, ENDED],
    ]
    shown = run_command("status", data_dir=data.root, config=file).stdout
    assert f"yellow_taxi goes up to {BEFORE}" in shown
    assert freshness(data, tmp_path) == {
        "yellow_taxi": ("pass", ENDED),
        "trips": ("pass", back(0)),
        "hourly_weather": ("pass", back(0)),
    }

    # From now on TLC is expected at once, and it does not even answer.
    changes = open_ended(usual_delay_days=0) | {"alerts": {"webhook": chat.url, "overdue_days": 0}}
    file = written(tmp_path / "open.yaml", publishers.url, changes)
    publishers.faults.add(Fault("yellow_tripdata", method="HEAD", times=99))
    asked = len(publishers.log)
    for _ in range(2):
        result = run_luigi("Ingest", data_dir=data.root, config=file)
        assert result.returncode == 20, result.stderr
        assert result.stderr.count("yellow_taxi: can't ask for new months") == 1
        late = f"yellow_taxi {ENDED} is not published yet"
        assert result.stderr.count(late) == 1
    assert len(publishers.log) - asked == 4  # HEAD twice in each run; the others have all that there can be
    (post,) = chat.posts  # an overdue month is told once
    assert late in post["text"]
    assert chat.url not in result.stderr
    assert "SECRET" not in (data.logs / "pipeline.log").read_text()

    nightly = """
import luigi, luigi_pipeline
class Nightly(luigi.WrapperTask):
    def requires(self):
        return [luigi_pipeline.IngestWeather(), luigi_pipeline.IngestYellowTaxi()]
"""
    (tmp_path / "nightly.py").write_text(nightly, encoding="utf-8")
    elsewhere = {"PYTHONPATH": str(tmp_path)}
    result = run_luigi("Nightly", "--module", "nightly", data_dir=data.root, config=file, env=elsewhere)
    assert result.returncode == 20, result.stderr
    assert result.stderr.count(late) == 1


@pytest.mark.parametrize(
    ("there", "known", "newest"),
    [
        ([EARLIER], None, EARLIER),
        ([EARLIER, ENDED], EARLIER, ENDED),  # one was left out: the next one counts
        ([EARLIER], BEFORE, BEFORE),  # a file that is gone takes no month back
        ([], None, None),
    ],
)
def test_the_newest_month_is_looked_for_from_the_known_one_on_or_backwards_from_today(
    there: list[str],
    known: str | None,
    newest: str | None,
    recent: Path,
    serve: Serve,
    tmp_path: Path,
) -> None:
    folder = tmp_path / "served"
    (folder / "trip-data").mkdir(parents=True)
    for month in there:
        publish(taxi(recent, month), recent, folder)
    publishers, data = serve(folder), DataDir(tmp_path / "data")
    changes = open_ended()
    changes["sources"]["citibike"] = changes["sources"]["weather"] = {"enabled": False}
    settings = load_settings(written(tmp_path / "open.yaml", publishers.url, changes))
    if known:
        data.markers.mkdir(parents=True)
        note = {"month": known, "of": publishers.url, "asked_at": "2024-01-01T00:00:00.000+00:00"}
        (data.markers / "latest.json").write_text(json.dumps({"yellow_taxi": note}))
    latest.ask(settings, data)
    months = latest.as_known(settings, data).sources.yellow_taxi.months
    assert (months[0], months[-1]) == (EARLIER, newest or EARLIER)
    assert {request.method for request in publishers.log} == {"HEAD"}
    assert len(publishers.log) <= 3


def test_a_run_reads_its_configuration_once_though_it_asks_for_new_months(
    recent: Path, serve: Serve, tmp_path: Path
) -> None:
    publishers, data = serve(recent), DataDir(tmp_path / "data")
    file = written(tmp_path / "open.yaml", publishers.url, open_ended())
    luigis = get_config()
    try:
        luigis.set("mobility", "config", str(file))
        luigis.set("mobility", "data_dir", str(data.root))
        run = Beginning()
        run.look()
        file.unlink()
        run.ask_for_new_months()
        assert run.settings.sources.weather.months[-1] == ENDED
    finally:
        luigis.remove_section("mobility")


def test_dbt_calls_a_warehouse_stale_whose_newest_months_are_of_long_ago(loaded: DataDir, tmp_path: Path) -> None:
    tables = ("yellow_taxi", "trips", "hourly_weather")
    assert freshness(loaded, tmp_path) == dict.fromkeys(tables, ("error", "2024-12"))


def test_another_publisher_is_asked_from_the_beginning(recent: Path, serve: Serve, tmp_path: Path) -> None:
    data = DataDir(tmp_path / "data")
    settings = load_settings(written(tmp_path / "a.yaml", serve(recent).url, open_ended()))
    latest.ask(settings, data)
    assert latest.as_known(settings, data).sources.yellow_taxi.months[-1] == ENDED
    elsewhere = load_settings(written(tmp_path / "b.yaml", "http://127.0.0.1:1", open_ended()))
    assert latest.as_known(elsewhere, data).sources.yellow_taxi.months == [EARLIER]


def test_weather_may_go_by_months_or_by_an_open_end(tmp_path: Path) -> None:
    by_months = load_settings(written(tmp_path / "months.yaml", "http://localhost", open_ended("2024-09")))
    changes = {"sources": {"weather": {"start_date": "2024-09-12", "end_date": "latest"}}}
    content = configuration("http://localhost", changes)
    (tmp_path / "dates.yaml").write_text(yaml.safe_dump(content), encoding="utf-8")
    by_dates = load_settings(tmp_path / "dates.yaml")
    for settings, first in ((by_months, Month("2024-09").first_day), (by_dates, dt.date(2024, 9, 12))):
        weather = settings.until({"weather": Month("2024-11")}).sources.weather
        assert (weather.start_date, weather.end_date) == (first, Month("2024-11").last_day)
        assert weather.months == ["2024-09", "2024-10", "2024-11"]


@pytest.mark.parametrize(
    ("source", "block", "message"),
    [
        ("citibike", {"months": {"from": "2024-9", "to": "latest"}}, "'2024-9' is not a month"),
        ("citibike", {"months": {"to": "latest"}}, "must be a list of months or"),
        ("citibike", {"months": {"from": "2024-09", "to": "newest"}}, "'newest' is not a month"),
        ("weather", {"months": {"from": "2024-09", "to": "latest"}}, "leave one of them out"),
        ("weather", {"start_date": "soon", "end_date": "latest"}, "'soon' is not a date"),
        ("weather", {"usual_delay_days": -1}, "greater than or equal to 0"),
    ],
)
def test_an_open_end_that_means_nothing_is_one_line_that_names_the_key(
    source: str, block: dict[str, Any], message: str, config: Config
) -> None:
    with pytest.raises(ConfigError) as error:
        load_settings(config("http://localhost", {"sources": {source: block}}))
    assert f"sources.{source}" in str(error.value)
    assert message in str(error.value)
