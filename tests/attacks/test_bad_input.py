"""Bad files over real HTTP by real runs: each is refused by name, kept aside, and takes nothing else with it."""

import re
import shutil
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
import pytest
import yaml
from bad_files import BIKES, GOOD_BIKES, GOOD_TAXI, LISTINGS, MAX_ARCHIVE_BYTES, TAXI, WEATHER, Case, Good, bikes, taxi
from fixtures import Config, Query, Result, Run, Serve
from support import configuration, merged, zone_lines

from luigi_pipeline.config.settings import Settings, Warehouse, model_of
from luigi_pipeline.core.datadir import DataDir
from luigi_pipeline.core.digests import digest_file
from luigi_pipeline.core.months import Month
from luigi_pipeline.sample import Fault, Publishers
from luigi_pipeline.sample.weather import write_weather
from luigi_pipeline.sources import BLOCKS
from luigi_pipeline.sources.urls import asking
from luigi_pipeline.sources.weather import HourlyWeather
from luigi_pipeline.state import markers
from luigi_pipeline.warehouse.recognise import recognise


def by_month(cases: list[Any], first: str) -> dict[str, Any]:
    """A month for each case."""
    months = map(str, Month.between(Month(first), Month("2029-12")))  # YAML takes plain texts alone
    return dict(zip(months, cases, strict=False))


BAD_TAXI, BAD_BIKES, BAD_WEATHER = by_month(TAXI, "2021-03"), by_month(BIKES, "2021-03"), by_month(WEATHER, "2021-12")
FINE_TAXI, FINE_BIKES = by_month(GOOD_TAXI, "2025-01"), by_month(GOOD_BIKES, "2025-01")
FINE_WEATHER = ("2021-11", "2023-01")
BAD_LISTINGS = {f"{2010 + number}-06": case for number, case in enumerate(LISTINGS)}
WORDS = (
    [("yellow_taxi", month, case) for month, case in BAD_TAXI.items()]
    + [("citibike", month, case) for month, case in (BAD_BIKES | BAD_LISTINGS).items()]
    + [("weather", month, case) for month, case in BAD_WEATHER.items()]
)


@dataclass
class Attack:
    """A run over all cases: what was served, and what came of it."""

    folder: Path
    publishers: Publishers
    data: DataDir
    config: Path
    served: dict[str, bytes] = field(default_factory=dict)
    result: Result | None = None

    @property
    def said(self) -> list[str]:
        """The console's lines."""
        assert self.result is not None
        return self.result.stderr.splitlines()

    def failure(self, source: str, month: str) -> str:
        """The one line that tells why a month failed."""
        lines = [line for line in self.said if re.search(rf"(Fetch|Load)Month {source} {month} failed: ", line)]
        assert len(lines) == 1, lines
        return lines[0]

    def publish(self, path: str, month: str, made: bytes | Fault) -> None:
        """Put a file where it is served from, or the good one with a fault in sending it."""
        if isinstance(made, Fault):
            self.publishers.faults.add(made)
            made = taxi(month)
        else:
            self.served[month + path.partition("/")[0]] = made
        (self.folder / path).parent.mkdir(parents=True, exist_ok=True)
        (self.folder / path).write_bytes(made)

    def publish_taxi(self, month: str, made: bytes | Fault) -> None:
        self.publish(f"trip-data/yellow_tripdata_{month}.parquet", month, made)

    def publish_bikes(self, month: str, made: bytes | Fault) -> None:
        self.publish(f"tripdata/{month.replace('-', '')}-citibike-tripdata.zip", month, made)


def settings_of(url: str, config: Path, **months: list[str]) -> Settings:
    """A configuration, with no patience and small limits."""
    sources: dict[str, Any] = {name: {"months": list(found)} for name, found in months.items() if name != "weather"}
    first, last = months["weather"]
    sources["weather"] = {"start_date": f"{first}-01", "end_date": f"{last}-28", "calls_per_minute": 100_000}
    download = {"max_attempts": 2, "parallel": 4, "max_archive_bytes": MAX_ARCHIVE_BYTES}
    content = merged(configuration(url), {"sources": sources, "download": download})
    config.write_text(yaml.safe_dump(content), encoding="utf-8")
    return model_of(BLOCKS).model_validate(content)


def weather_fault(url: str, settings: Settings, month: str, case: Case) -> Fault:
    """The answer of a month's request, changed."""
    request = HourlyWeather().request(Month(month), settings)
    answer = httpx.get(asking(request["url"], request["params"])).raise_for_status().content
    body = case.make(answer)
    assert isinstance(body, bytes)
    return Fault(f"start_date={month}-01", kind="status", status=200, body=body, times=9)


@pytest.fixture(scope="module")
def attack(tmp_path_factory: pytest.TempPathFactory, run_luigi: Run) -> Iterator[Attack]:
    """One run of `Ingest` over all bad files, and good ones between them."""
    root = tmp_path_factory.mktemp("attack")
    folder = root / "published"
    (folder / "misc").mkdir(parents=True)
    (folder / "misc" / "taxi_zone_lookup.csv").write_text("\n".join(zone_lines()), encoding="utf-8")
    (folder / "archive").mkdir()
    for year in (2021, 2022, 2023):
        write_weather(folder / "archive" / f"{year}.json", seed=1, year=year)
    publishers = Publishers(folder)
    with publishers as url:
        made = Attack(folder, publishers, DataDir(root / "data"), root / "ingestion.yaml")
        settings = settings_of(
            url,
            made.config,
            yellow_taxi=[*BAD_TAXI, *FINE_TAXI],
            citibike=[*BAD_BIKES, *BAD_LISTINGS, *FINE_BIKES],
            weather=list(FINE_WEATHER),
        )
        for month, case in (BAD_TAXI | FINE_TAXI).items():
            made.publish_taxi(month, case.make(month))
        for month, case in (BAD_BIKES | FINE_BIKES).items():
            made.publish_bikes(month, case.make(month))
        for month, case in BAD_LISTINGS.items():
            body = case.make(month[:4])
            assert isinstance(body, bytes)
            publishers.faults.add(Fault(f"prefix={month[:4]}", kind="garbage", body=body, times=9))
        faults = [weather_fault(url, settings, month, case) for month, case in BAD_WEATHER.items()]
        for fault in faults:
            publishers.faults.add(fault)
        made.result = run_luigi("Ingest", "--workers", "4", data_dir=made.data.root, config=made.config)
        yield made


@pytest.mark.parametrize(("source", "month", "case"), WORDS, ids=[f"{s}-{case.name}" for s, _, case in WORDS])
def test_a_bad_file_is_refused_in_one_line_that_names_the_fault(
    attack: Attack, source: str, month: str, case: Case
) -> None:
    line = attack.failure(source, month)
    assert case.told in line
    assert line.isprintable()
    assert len(line) < 1000


KEPT = [item for item in WORDS if item[2].name not in ("cut, with a length", "keys that lead elsewhere")]


@pytest.mark.parametrize(("source", "month", "case"), KEPT, ids=[f"{s}-{case.name}" for s, _, case in KEPT])
def test_a_bad_file_is_kept_as_rejected_and_out_of_the_way(attack: Attack, source: str, month: str, case: Case) -> None:
    kept = Path(attack.failure(source, month).rpartition("; kept as ")[2].partition("; log: ")[0])
    assert kept.suffix == ".rejected"
    assert kept.parent == attack.data.landing / source
    assert not kept.with_suffix("").exists()
    served = attack.served.get(month + ("trip-data" if source == "yellow_taxi" else "tripdata"))
    if served is not None and source != "weather":
        assert kept.read_bytes() == served


def test_a_run_with_bad_files_fails_and_shows_no_traceback(attack: Attack) -> None:
    assert attack.result is not None
    assert attack.result.returncode == 30
    assert "Traceback" not in attack.result.stderr + attack.result.stdout
    failed = [line for line in attack.said if " failed: " in line]
    assert len(failed) == len(WORDS), "each is told once, and nothing else failed"


@pytest.mark.parametrize(
    ("source", "table", "fine"),
    [("yellow_taxi", "yellow_taxi", FINE_TAXI), ("citibike", "trips", FINE_BIKES)],
    ids=["yellow_taxi", "citibike"],
)
def test_all_other_months_are_loaded_and_nothing_of_the_bad_ones(
    attack: Attack, query: Query, source: str, table: str, fine: dict[str, Good]
) -> None:
    counted = query(attack.data, f"select _source_month, count(*) from raw_data.{table} group by 1 order by 1")
    assert counted == [(month, case.rows) for month, case in fine.items()]
    for month, case in fine.items():
        marker = markers.read(attack.data.markers / "LoadMonth" / source / f"{month}.json")
        assert marker is not None
        assert case.change in "\n".join(marker.schema_changes), case.name


def test_weather_between_bad_months_is_loaded(attack: Attack, query: Query) -> None:
    counted = query(attack.data, "select _source_month, count(*) from raw_data.hourly_weather group by 1 order by 1")
    assert counted == [("2021-11", 722), ("2023-01", 24 * 28 + 1)]


def test_no_table_is_there_but_the_pipeline_s_own(attack: Attack, query: Query) -> None:
    tables = {
        f"{schema}.{name}" for schema, name in query(attack.data, "select schema_name, table_name from duckdb_tables()")
    }
    ours = {f"raw_data.{name}" for name in ("yellow_taxi", "trips", "hourly_weather", "taxi_zones")}
    assert {name for name in tables if "_dlt" not in name and "staging" not in name} == ours | {
        "meta.source_files",
        "meta.warehouse",
    }


def test_hostile_names_are_values_and_column_names_and_nothing_more(attack: Attack, query: Query) -> None:
    month = next(month for month, case in FINE_BIKES.items() if case.name == "hostile names")
    (name,) = query(attack.data, f"select distinct _source_file from raw_data.trips where _source_month = '{month}'")
    assert name[0].endswith("citibike-tripdata.zip/x\"'; drop table raw_data.trips; --.csv")
    values = query(
        attack.data, "select x_drop_table_raw_data_trips from raw_data.yellow_taxi where _source_month = '2025-02'"
    )
    assert sorted(values) == [("1",), ("2",), ("3",)]
    assert query(
        attack.data, "select distinct start_station_name from raw_data.trips where _source_month = '2025-04'"
    ) == [("Café Łódź 東京 🚲",)]


def test_nothing_is_written_beside_the_data_dir(attack: Attack) -> None:
    assert {path.name for path in attack.data.root.parent.iterdir()} == {"published", "data", "ingestion.yaml"}
    assert not [path for path in attack.data.scratch.rglob("*") if path.is_file()]
    assert not list(Path("/tmp").glob("20*.csv"))


def test_once_the_right_files_are_there_the_next_run_loads_them(attack: Attack, run_luigi: Run, query: Query) -> None:
    """A file that is refused when it is fetched, and one when it is loaded, of each source."""
    healed_taxi = [month for month, case in BAD_TAXI.items() if case.name in ("cut in half", "another month")]
    healed_bikes = [month for month, case in BAD_BIKES.items() if case.name in ("encrypted", "a row too short")]
    before = query(attack.data, "select * from raw_data.trips order by all")
    attack.publishers.faults.clear()
    for month in healed_taxi:
        attack.publish_taxi(month, taxi(month))
    for month in healed_bikes:
        attack.publish_bikes(month, bikes(month))
    settings_of(
        attack.publishers.url,
        attack.config,
        yellow_taxi=[*healed_taxi, *FINE_TAXI],
        citibike=[*healed_bikes, *FINE_BIKES],
        weather=["2021-11", "2021-12"],
    )
    result = run_luigi("Ingest", data_dir=attack.data.root, config=attack.config)
    assert result.returncode == 0, result.stderr
    rows = "select count(*) from raw_data.{} where _source_month in {}"
    assert query(attack.data, rows.format("yellow_taxi", tuple(healed_taxi))) == [(6,)]
    assert query(attack.data, rows.format("trips", tuple(healed_bikes))) == [(6,)]
    assert query(attack.data, "select count(*) from raw_data.hourly_weather where _source_month = '2021-12'") == [
        (24 * 28 + 1,)
    ]
    fine = f"select * from raw_data.trips where _source_month not in {tuple(healed_bikes)} order by all"
    assert query(attack.data, fine) == before


@pytest.fixture
def copied(attack: Attack, tmp_path: Path) -> DataDir:
    """A copy of the data dir, for a test to change."""
    data = DataDir(tmp_path / "data")
    shutil.copytree(attack.data.root, data.root)
    recognise(data, Warehouse())
    return data


ZONES = [
    ("264 zones", "\n".join(zone_lines()[:-1]), "it has 264 rows and 264 different zones"),
    ("one twice", "\n".join([*zone_lines()[:-1], zone_lines()[5]]), "it has 265 rows and 264 different zones"),
]


@pytest.mark.parametrize(("text", "told"), [case[1:] for case in ZONES], ids=[case[0] for case in ZONES])
def test_a_bad_zone_file_is_refused_and_the_old_zones_stay(
    copied: DataDir, tmp_path: Path, run_luigi: Run, serve: Serve, config: Config, text: str, told: str
) -> None:
    (tmp_path / "published" / "misc").mkdir(parents=True)
    (tmp_path / "published" / "misc" / "taxi_zone_lookup.csv").write_text(text, encoding="utf-8")
    warehouse = digest_file(copied.warehouse)
    file = config(serve(tmp_path / "published").url)
    result = run_luigi("LoadZones", data_dir=copied.root, config=file)
    assert result.returncode == 30
    (line,) = [line for line in result.stderr.splitlines() if " failed: " in line]
    assert told in line
    assert (copied.landing / "taxi_zones" / "taxi_zone_lookup.csv.rejected").read_text(encoding="utf-8") == text
    assert digest_file(copied.warehouse) == warehouse


def test_a_bad_file_in_place_of_a_loaded_one_changes_nothing_in_the_warehouse(
    attack: Attack, copied: DataDir, tmp_path: Path, run_luigi: Run, serve: Serve
) -> None:
    """One is refused when it is fetched, one when it is loaded."""
    published = tmp_path / "published"
    shutil.copytree(attack.folder / "misc", published / "misc")
    shutil.copytree(attack.folder / "archive", published / "archive")
    elsewhere = Attack(published, serve(published), copied, tmp_path / "ingestion.yaml")
    elsewhere.publish_taxi("2025-01", taxi("2025-01")[:-9])
    elsewhere.publish_bikes("2025-01", bikes("2024-01"))
    warehouse = digest_file(copied.warehouse)
    settings_of(
        elsewhere.publishers.url,
        elsewhere.config,
        yellow_taxi=["2025-01"],
        citibike=["2025-01"],
        weather=["2023-01", "2023-01"],
    )
    elsewhere.result = run_luigi("Ingest", data_dir=copied.root, config=elsewhere.config)
    assert elsewhere.result.returncode == 30
    assert "; kept as " in elsewhere.failure("yellow_taxi", "2025-01")
    assert "; kept as " in elsewhere.failure("citibike", "2025-01")
    assert digest_file(copied.warehouse) == warehouse
