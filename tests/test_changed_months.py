"""A build and a validation go by what has changed since the last one that ended well; if unknown, by everything."""

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import duckdb
import pytest
import yaml
from checksums import checksums
from fixtures import Config, Ingested, Result, Run, Serve
from support import MONTHS, configuration, copied

from luigi_pipeline.core.datadir import DataDir
from luigi_pipeline.sample import Publishers, generate
from luigi_pipeline.state import markers
from luigi_pipeline.state.markers import Marker

OCTOBER = {
    "sources": {
        "yellow_taxi": {"months": [MONTHS[0]]},
        "citibike": {"months": [MONTHS[0]]},
        "weather": {"end_date": "2024-10-31"},
    }
}
NOVEMBER = {"citibike": [MONTHS[1]], "yellow_taxi": [MONTHS[1]]}


@dataclass(frozen=True)
class Place:
    """A data dir and its publishers.

    Attributes:
        data: The data dir.
        url: Where the sample is served.
        run_luigi: Runs the real command.
    """

    data: DataDir
    url: str
    run_luigi: Run

    def run(self, *task: str, changes: dict[str, Any] | None = None) -> Result:
        """Run a task over both months, or with a changed configuration."""
        file = self.data.root.parent / "ingestion.yaml"
        file.write_text(yaml.safe_dump(configuration(self.url, changes)), encoding="utf-8")
        return self.run_luigi(*task, data_dir=self.data.root, config=file)

    def marker(self, task: str) -> Marker:
        """The marker of a task that has ended well."""
        found = markers.read(self.data.markers / f"{task}.json")
        assert found is not None, f"{task} left no marker"
        return found

    @property
    def report(self) -> dict[str, Any]:
        """What was validated last."""
        report: dict[str, Any] = json.loads((self.data.validation / "report.json").read_text(encoding="utf-8"))
        return report

    def seen(self, suite: str = "fct_trips") -> Any:
        """The months that a suite saw."""
        (found,) = [item["months"] for item in self.report["suites"] if item["suite"] == suite]
        return found

    def copy(self, folder: Path) -> "Place":
        """The same, for a test to change."""
        return replace(self, data=copied(self.data, folder / "data"))


@pytest.fixture(scope="module")
def october(tmp_path_factory: pytest.TempPathFactory, sample_folder: Path, run_luigi: Run) -> Iterator[Place]:
    """October, built and validated. Only to be read."""
    with Publishers(sample_folder) as url:
        place = Place(DataDir(tmp_path_factory.mktemp("october") / "data"), url, run_luigi)
        result = place.run("Validate", changes=OCTOBER)
        assert result.returncode == 0, result.stderr
        yield place


@pytest.fixture(scope="module")
def added(october: Place, tmp_path_factory: pytest.TempPathFactory) -> Place:
    """October, and then November, which is built but not validated. Only to be read."""
    place = october.copy(tmp_path_factory.mktemp("added"))
    result = place.run("DbtBuild")
    assert result.returncode == 0, result.stderr
    return place


def asked(data: DataDir, name: str) -> str:
    """The SQL of one of dbt's tests, as it was run last."""
    results = json.loads((data.dbt / "target" / "run_results.json").read_text())["results"]
    (found,) = [item["compiled_code"] for item in results if name in item["unique_id"]]
    return str(found)


def asked_of_trips(data: DataDir) -> list[str]:
    """The SQL of all tests that stand beside fct_trips, as they were run last."""
    results = json.loads((data.dbt / "target" / "run_results.json").read_text())["results"]
    return [item["compiled_code"] for item in results if re.match(r"test\.\w+\.\w+_fct_trips_", item["unique_id"])]


def verdicts(report: dict[str, Any]) -> list[tuple[str, str, str]]:
    return [(item["suite"], item["why"], item["status"]) for item in report["results"]]


def test_a_new_month_is_built_and_tested_alone_and_gives_what_a_clean_build_gives(
    october: Place, added: Place, published: Ingested
) -> None:
    before, after = october.marker("DbtBuild"), added.marker("DbtBuild")
    assert before.details["since"] is None
    assert before.details["rebuilt"] is None
    assert after.details["since"] == before.fingerprint
    assert after.details["rebuilt"] == NOVEMBER
    tests = [asked(added.data, test) for test in ("assert_rows_conserved", "assert_rows_have_their_positions")]
    for test in [*tests, *asked_of_trips(added.data)]:
        assert "source_month = '2024-11'" in test
        assert "2024-10" not in test
    assert checksums(added.data.warehouse) == checksums(published.data.warehouse)
    assert len(asked_of_trips(published.data)) >= 14
    assert "2024-11" not in "".join([asked(published.data, "assert_rows_conserved"), *asked_of_trips(published.data)])


def test_of_trips_an_added_month_is_validated_and_everything_after_a_failure(
    october: Place, added: Place, tmp_path: Path
) -> None:
    assert october.seen() == "all"
    place = added.copy(tmp_path)
    first = place.run("Validate")
    assert first.returncode == 0, first.stderr
    summary = place.marker("Validate").details["summary"]
    assert summary.endswith("; trips: 2024-11"), summary
    assert summary in first.stderr
    report = place.report
    assert place.seen() == NOVEMBER
    assert place.seen("stg_citibike__trips") == {"citibike": ["2024-11"]}
    assert place.seen("dim_weather") == "all"

    second = place.run("Validate", "--force")
    assert second.returncode == 0, second.stderr
    assert place.seen() == "all"
    assert verdicts(place.report) == verdicts(report)

    # A threshold that does not hold, and then the old one: neither is what was validated by last.
    third = place.run("Validate", changes={"validation": {"min_rows": {"citibike": 1_000_000}}})
    assert third.returncode == 30
    assert "Fewer bike trips" in third.stderr
    assert not (place.data.markers / "Validate.json").exists()
    assert place.seen() == "all"
    fourth = place.run("Validate")
    assert fourth.returncode == 0, fourth.stderr
    assert place.seen() == "all"


def test_after_a_build_that_failed_or_of_a_selection_all_months_are_asked(october: Place, tmp_path: Path) -> None:
    place = october.copy(tmp_path)
    data = place.data
    selected = place.run("BuildSelected", "--select", "fct_hourly_mobility", changes=OCTOBER)
    assert selected.returncode == 0, selected.stderr
    assert place.run("DbtBuild").returncode == 0
    assert place.marker("DbtBuild").details["rebuilt"] is None

    (data.markers / "DbtBuild.json").unlink()  # as a build that fails leaves it
    before = checksums(data.warehouse)
    with duckdb.connect(str(data.warehouse)) as connection:  # as if other code had made them
        connection.execute("alter table marts.pickup_sums rename column trips to rides")
        connection.execute("drop table marts.dropoff_sums; create view marts.dropoff_sums as select 1 as trips")
    result = place.run("DbtBuild")
    assert result.returncode == 0, result.stderr
    assert checksums(data.warehouse) == before
    assert place.marker("DbtBuild").details["since"] is None
    assert place.marker("DbtBuild").details["rebuilt"] is None


def test_changed_code_is_asked_of_all_months(october: Place, tmp_path: Path) -> None:
    place = october.copy(tmp_path)
    path = place.data.markers / "DbtBuild.json"
    marker = json.loads(path.read_text())
    marker["inputs"]["models/marts/dim_time.sql"] = "other code"
    path.write_text(json.dumps(marker))

    assert place.run("DbtBuild").returncode == 0
    assert place.marker("DbtBuild").details["rebuilt"] is None
    assert "2024-11" not in "".join([asked(place.data, "assert_rows_conserved"), *asked_of_trips(place.data)])


def test_rides_in_two_months_of_which_one_has_fractions_of_seconds_are_copies(
    tmp_path: Path, serve: Serve, config: Config, run_luigi: Run
) -> None:
    months, folder = ["2024-05", "2024-06"], tmp_path / "published"
    generate(folder, months=months, taxi_trips_per_month=2000, rides_per_month=2000)
    weather = {"start_date": "2024-05-01", "end_date": "2024-06-30"}
    trips = {"months": months}
    sources = {"sources": {"yellow_taxi": trips, "citibike": trips, "weather": weather}}
    result = run_luigi("DbtBuild", data_dir=tmp_path / "data", config=config(serve(folder).url, sources))
    assert result.returncode == 0, result.stderr
