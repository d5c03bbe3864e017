"""Whatever the order in which months come, come again and go, the warehouse is that of a clean run of what is there."""

import csv
import io
import itertools
import os
import zipfile
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import duckdb
import pytest
from checksums import checksums
from hypothesis import HealthCheck, Phase, event, given, note, settings
from hypothesis import strategies as st
from support import PROJECT, configuration

from luigi_pipeline.config.settings import Warehouse, model_of
from luigi_pipeline.core.datadir import DataDir
from luigi_pipeline.core.months import Month
from luigi_pipeline.sample import Publishers, generate
from luigi_pipeline.sources import BLOCKS, SOURCES, Landed
from luigi_pipeline.sources.http import Publisher
from luigi_pipeline.state.changes import EVERYTHING, Changes
from luigi_pipeline.warehouse import database, loading, models, preparing
from luigi_pipeline.warehouse.preparing import Prepared

pytestmark = pytest.mark.pipeline

MONTHS = ("2024-10", "2024-11", "2024-12")
EDITIONS = (0, 1)
ROWS = 250
# Each example builds the models a few times; MOBILITY_EXAMPLES asks for a longer search.
EXAMPLES = int(os.environ.get("MOBILITY_EXAMPLES", "3"))


@dataclass(frozen=True, order=True)
class SourceMonth:
    """A month of a source; of the taxi zones, there is one only."""

    source: str
    month: Month | None = None


@dataclass(frozen=True)
class Act:
    """Something done to a warehouse: an edition of a month is loaded, or the month (edition None) is forgotten."""

    month: SourceMonth
    edition: int | None


ALL = [SourceMonth(source, Month(month)) for source in ("yellow_taxi", "citibike", "weather") for month in MONTHS]
ZONES = SourceMonth("taxi_zones")
Typed = dict[tuple[SourceMonth, int], tuple[Landed, Prepared]]


@pytest.fixture(scope="module")
def typed(tmp_path_factory: pytest.TempPathFactory) -> Typed:
    """Two editions of each month, fetched and typed; some rides, and an id, are in the files of two months."""
    found: Typed = {}
    for edition in EDITIONS:
        folder = tmp_path_factory.mktemp(f"edition{edition}")
        published = folder / "published"
        generate(published, months=MONTHS, taxi_trips_per_month=ROWS, rides_per_month=ROWS, seed=edition)
        for number, (earlier, later) in enumerate(itertools.pairwise(MONTHS)):
            _repeat_rides(published / "tripdata", earlier, later, slice(10 * edition + number, 20 + 5 * edition))
        weather = {"start_date": "2024-10-01", "end_date": "2024-12-31"}
        server, kind = Publishers(published), model_of(BLOCKS)
        with (
            server as url,
            Publisher(policy := kind.model_validate(configuration(url)).download) as publisher,
        ):
            config = kind.model_validate(configuration(url, {"sources": {"weather": weather}}))
            for what in [*ALL, ZONES]:
                source, place = SOURCES[what.source], folder / what.source / (what.month or "all")
                place.mkdir(parents=True)
                file = source.fetch(what.month, config, place, publisher)
                parts = source.parts(file, what.month, place, policy)
                rows = preparing.prepare(source, file, parts, what.month, place / "rows.parquet", Warehouse())
                found[what, edition] = (file, rows)
    return found


def _repeat_rides(bucket: Path, earlier: str, later: str, which: slice) -> None:
    """Put some rides of one month into the archive of the next one too, and give another one's id to a ride there."""
    rides = [row for _, rows in _members(bucket, earlier) for row in rows[1:]]
    members = _members(bucket, later)
    members[-1][1].extend(rides[which])
    members[0][1][1][0] = rides[-1][0]
    with zipfile.ZipFile(_archive(bucket, later), "w") as archive:
        for name, rows in members:
            text = io.StringIO()
            csv.writer(text, lineterminator="\n").writerows(rows)
            archive.writestr(name, text.getvalue())


def _members(bucket: Path, month: str) -> list[tuple[str, list[list[str]]]]:
    with zipfile.ZipFile(_archive(bucket, month)) as archive:
        names = [name for name in archive.namelist() if name.endswith(".csv") and "__MACOSX" not in name]
        return [(name, list(csv.reader(io.StringIO(archive.read(name).decode())))) for name in names]


def _archive(bucket: Path, month: str) -> Path:
    return bucket / f"{month.replace('-', '')}-citibike-tripdata.zip"


@dataclass
class City:
    """A warehouse that is changed act by act, as the tasks would."""

    data: DataDir
    typed: Typed
    state: dict[SourceMonth, int] = field(default_factory=dict)
    changes: Changes = EVERYTHING  # since the last build

    def do(self, *acts: Act) -> None:
        """Load and forget."""
        for act in acts:
            source, month = SOURCES[act.month.source], act.month.month
            with database.writing(self.data, Warehouse()) as connection:
                if act.edition is None:
                    loading.unload(connection, source, month)
                    self.state.pop(act.month, None)
                else:
                    file, rows = self.typed[act.month, act.edition]
                    loading.load(connection, self.data, source, month, file, rows)
                    self.state[act.month] = act.edition
            if month:
                self.changes = self.changes.also(act.month.source, [month])

    def build(self) -> models.Outcome:
        """Build the models, with all their tests; of the costly ones no more than what has changed, after the first."""
        enabled = sorted({month.source for month in self.state} - {"taxi_zones"})
        variables = {"enabled_sources": enabled, "weather_start_date": None, "weather_end_date": None}
        outcome = models.build(PROJECT / "dbt_project", self.data, Warehouse(), variables, changes=self.changes)
        self.changes = Changes({})
        return outcome

    def sums(self) -> dict[str, tuple[int, int]]:
        """Checksums of its tables."""
        return checksums(self.data.warehouse)


@pytest.fixture(scope="module")
def city(typed: Typed, tmp_path_factory: pytest.TempPathFactory) -> Callable[[], City]:
    """A new warehouse with the taxi zones in it, in place of the last one: there, dbt need not parse all again."""
    data = DataDir(tmp_path_factory.mktemp("city") / "data")

    def new() -> City:
        data.warehouse.unlink(missing_ok=True)
        made = City(data, typed)
        made.do(Act(ZONES, 0))
        return made

    return new


@st.composite
def histories(draw: st.DrawFn) -> list[list[Act]]:
    """Acts in groups, a build after each: months come in any order, some twice, some in another edition; some go."""
    acts = [Act(month, draw(st.sampled_from(EDITIONS))) for month in draw(st.permutations(ALL))]
    again = st.builds(Act, st.sampled_from(ALL), st.sampled_from([*EDITIONS, None]))
    for act in draw(st.lists(again, min_size=2, max_size=5)):
        acts.insert(draw(st.integers(1, len(acts))), act)
    first = draw(st.integers(1, len(acts) - 1))
    second = draw(st.integers(first, len(acts)))
    return [group for group in (acts[:first], acts[first:second], acts[second:]) if group]


@pytest.mark.chaos
@settings(
    max_examples=EXAMPLES,
    deadline=None,
    phases=[Phase.generate],  # a smaller example would cost as many builds as a new one
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture],
)
@given(history=histories())
def test_any_history_gives_the_warehouse_of_a_clean_run(history: list[list[Act]], city: Callable[[], City]) -> None:
    lived = city()
    for group in history:
        lived.do(*group)
        lived.build()
        note(f"{group}")
    sums, clean = lived.sums(), city()
    clean.do(*(Act(month, edition) for month, edition in sorted(lived.state.items())))
    clean.build()
    event(f"{len(history)} builds")
    assert sums == clean.sums()


def test_a_month_that_loses_rides_to_an_earlier_one_is_built_anew_and_rides_of_one_id_are_each_kept(
    city: Callable[[], City],
) -> None:
    def rides() -> list[tuple[str, bool, bool]]:
        with duckdb.connect(str(lived.data.warehouse), read_only=True) as connection:
            return connection.execute(
                "select source_month, has_reused_id, trip_id = source_file || '#' || source_row from marts.fct_trips "
                "where has_reused_id or trip_id in ("
                "select ride_id from raw_data.trips group by 1 having count(distinct started_at) > 1) order by all"
            ).fetchall()

    def clean(*months: str) -> dict[str, tuple[int, int]]:
        made = city()
        made.do(*(Act(SourceMonth("citibike", Month(month)), 0) for month in months))
        made.build()
        return made.sums()

    october, both = clean("2024-10"), clean("2024-10", "2024-11")
    lived = city()
    lived.do(Act(SourceMonth("citibike", Month("2024-11")), 0))
    assert lived.build().changes == EVERYTHING
    assert rides() == []
    lived.do(Act(SourceMonth("citibike", Month("2024-10")), 0))
    assert lived.build().changes == Changes({"citibike": ["2024-10", "2024-11"]})
    assert rides() == [("2024-10", True, True), ("2024-11", True, True)]
    assert lived.sums() == both
    assert lived.build().changes == Changes({})
    lived.do(Act(SourceMonth("citibike", Month("2024-11")), None))
    lived.build()
    assert rides() == []
    assert lived.sums() == october
