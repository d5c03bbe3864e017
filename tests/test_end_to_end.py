"""The main job, from the publishers' files to the validated warehouse."""

import json

from fixtures import Ingested, Query, Run
from support import MONTHS, ROWS

from luigi_pipeline.core.datadir import DataDir
from luigi_pipeline.state import markers


def test_validate_builds_and_checks_what_is_loaded_and_a_second_run_does_nothing(
    ingested: Ingested,
    loaded: DataDir,
    run_luigi: Run,
    query: Query,
) -> None:
    # Where dbt, DuckDB and Great Expectations could each stumble.
    loaded = DataDir(loaded.root.rename(loaded.root.with_name('it\'s a [data]="dir"; drop')))
    before = {path: path.read_bytes() for path in loaded.markers.rglob("*.json") if path.name != "warehouse.json"}
    result = run_luigi("Validate", data_dir=loaded.root, config=ingested.config)
    assert result.returncode == 0, result.stdout + result.stderr
    assert "Traceback" not in result.stderr
    assert all(path.read_bytes() == content for path, content in before.items()), "nothing is loaded again"

    trips = "select source_month, count(*) from marts.fct_trips where trip_type = 'yellow_taxi' group by 1"
    assert dict(query(loaded, trips)) == dict.fromkeys(MONTHS, ROWS)
    ids = "select count(distinct ride_id) from raw_data.trips"
    assert query(loaded, "select count(*) from marts.fct_trips where trip_type = 'citibike'") == query(loaded, ids)

    report = json.loads((loaded.validation / "report.json").read_text(encoding="utf-8"))
    assert report["summary"]["passed"] > 0
    assert (loaded.validation / "data_docs" / "index.html").is_file()
    validated = markers.read(loaded.markers / "Validate.json")
    assert validated is not None
    assert validated.details["suites"] == 11

    written = loaded.warehouse.stat().st_mtime_ns
    again = run_luigi("Validate", data_dir=loaded.root, config=ingested.config)
    assert again.returncode == 0
    assert "Did not run any tasks" in again.stderr
    assert loaded.warehouse.stat().st_mtime_ns == written
