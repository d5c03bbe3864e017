"""A month is added to a warehouse that is validated: what the real runs look at, and what they say."""

import json
from pathlib import Path
from typing import Any

from fixtures import Config, Result, Run

from luigi_pipeline.core.datadir import DataDir
from luigi_pipeline.sample import Publishers
from luigi_pipeline.state import markers
from luigi_pipeline.state.markers import Marker

ADDED = {"yellow_taxi": ["2024-11"], "citibike": ["2024-11"]}
OCTOBER = {
    "sources": {
        "yellow_taxi": {"months": ["2024-10"]},
        "citibike": {"months": ["2024-10"]},
        "weather": {"end_date": "2024-10-31"},
    }
}


def marker(data: DataDir, task: str) -> Marker:
    found = markers.read(data.markers / f"{task}.json")
    assert found is not None, f"{task} left no marker"
    return found


def validated(data: DataDir) -> dict[str, Any]:
    report: dict[str, Any] = json.loads((data.validation / "report.json").read_text(encoding="utf-8"))
    return report


def seen(report: dict[str, Any], suite: str = "fct_trips") -> Any:
    """The months that a suite saw."""
    (found,) = [item["months"] for item in report["suites"] if item["suite"] == suite]
    return found


def verdicts(report: dict[str, Any]) -> list[tuple[str, str, str]]:
    return [(item["suite"], item["why"], item["status"]) for item in report["results"]]


def test_of_trips_an_added_month_is_validated_and_everything_after_a_failure(
    tmp_path: Path,
    publishers: Publishers,
    config: Config,
    run_luigi: Run,
) -> None:
    data = DataDir(tmp_path / "data")

    def run(task: str, file: Path, *options: str) -> Result:
        return run_luigi(task, *options, data_dir=data.root, config=file)

    october, both = config(publishers.url, OCTOBER, name="october.yaml"), config(publishers.url)
    first = run("Validate", october)
    assert first.returncode == 0, first.stderr
    assert seen(validated(data)) == "all"
    before = marker(data, "DbtBuild")

    second = run("DbtBuild", both)
    assert second.returncode == 0, second.stderr
    built = marker(data, "DbtBuild").details
    assert (built["since"], built["rebuilt"]) == (before.fingerprint, ADDED)

    third = run("Validate", both)
    assert third.returncode == 0, third.stderr
    summary = marker(data, "Validate").details["summary"]
    assert summary.endswith("; trips: 2024-11"), summary
    assert summary in third.stderr
    report = validated(data)
    assert seen(report) == ADDED
    assert seen(report, "stg_citibike__trips") == {"citibike": ["2024-11"]}
    assert seen(report, "dim_weather") == "all"

    fourth = run("Validate", both, "--force")
    assert fourth.returncode == 0, fourth.stderr
    assert seen(validated(data)) == "all"
    assert verdicts(validated(data)) == verdicts(report)

    # A threshold that does not hold, and then the old one: neither is what was validated by last.
    demanding = config(publishers.url, {"validation": {"min_rows": {"citibike": 1_000_000}}}, name="demanding.yaml")
    fifth = run("Validate", demanding)
    assert fifth.returncode == 30
    assert "Fewer bike trips" in fifth.stderr
    assert not (data.markers / "Validate.json").exists()
    assert seen(validated(data)) == "all"
    sixth = run("Validate", both)
    assert sixth.returncode == 0, sixth.stderr
    assert seen(validated(data)) == "all"
