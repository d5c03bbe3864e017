"""A data dir of an earlier version is taken over as it is: nothing is fetched or loaded again."""

import tarfile
from pathlib import Path

import pytest
from checksums import checksums
from fixtures import Config, Query, Run

from luigi_pipeline.core.datadir import DataDir

_PACKED = Path(__file__).with_name("data_dir.tar.xz")
_NOBODY = "http://127.0.0.1:9"


@pytest.fixture
def earlier(tmp_path: Path) -> DataDir:
    """The data dir, unpacked."""
    with tarfile.open(_PACKED) as archive:
        archive.extractall(tmp_path, filter="data")
    return DataDir(tmp_path / "data")


def _raw(data: DataDir) -> dict[str, tuple[int, int]]:
    return {table: rows for table, rows in checksums(data.warehouse).items() if table.startswith("raw_data.")}


def test_no_month_is_loaded_again_and_the_marts_have_the_rows_they_had(
    earlier: DataDir,
    config: Config,
    run_luigi: Run,
    query: Query,
) -> None:
    loads = {path: path.read_bytes() for path in (earlier.markers / "LoadMonth").rglob("*.json")}
    assert len(loads) == 6
    before = _raw(earlier)
    trips = "select trip_type, source_month, count(*), sum(total_amount) from marts.fct_trips group by all order by all"
    had = query(earlier, trips)

    result = run_luigi("Publish", data_dir=earlier.root, config=config(_NOBODY))

    assert result.returncode == 0, result.stdout + result.stderr
    assert {path: path.read_bytes() for path in loads} == loads
    assert not earlier.landing.exists()
    assert _raw(earlier) == before
    assert query(earlier, trips) == had
    # A column that one of the months brought along under this name, before it was declared.
    asked = "select trip_type, source_month, request_source, count(*) from marts.fct_trips group by all order by all"
    assert query(earlier, asked) == [
        ("citibike", "2024-10", None, 600),
        ("citibike", "2024-11", None, 597),  # three rides are in both months
        ("yellow_taxi", "2024-10", None, 600),
        ("yellow_taxi", "2024-11", "app", 200),
        ("yellow_taxi", "2024-11", "hail", 200),
        ("yellow_taxi", "2024-11", None, 200),
    ]

    again = run_luigi("Publish", data_dir=earlier.root, config=config(_NOBODY))
    assert again.returncode == 0
    assert "Did not run any tasks" in again.stderr
