"""The next month's file is read and typed while this one's rows are written, and nothing depends on it."""

import json
import time
from pathlib import Path

from checksums import checksums
from fixtures import Config, Ingested, Query, Run, Serve
from support import write_zip

from luigi_pipeline.core.datadir import DataDir
from luigi_pipeline.core.digests import digest
from luigi_pipeline.core.errors import Rejected
from luigi_pipeline.sample import generate
from luigi_pipeline.state import markers
from luigi_pipeline.tasks import ahead
from luigi_pipeline.warehouse.preparing import Prepared

TYPED = Prepared(Path("typed.parquet"), {"a.csv": 2}, ["a.csv: new column x"])


def typed(folder: Path) -> Prepared:
    (folder / "typed.parquet").write_bytes(b"rows")
    return Prepared(folder / "typed.parquet", TYPED.rows, TYPED.changes)


def failing(folder: Path) -> Prepared:
    typed(folder)
    raise Rejected("a.csv: has no rows")


def test_what_was_typed_ahead_is_taken_once(tmp_path: Path) -> None:
    with ahead.typing(tmp_path / "ahead", "key", typed):
        pass
    (tmp_path / "load").mkdir()

    assert ahead.take(tmp_path / "ahead", "another", tmp_path / "load") is None
    taken = ahead.take(tmp_path / "ahead", "key", tmp_path / "load")
    assert taken == Prepared(tmp_path / "load" / "key" / "typed.parquet", TYPED.rows, TYPED.changes)
    assert taken.path.read_bytes() == b"rows"
    assert ahead.take(tmp_path / "ahead", "key", tmp_path / "load") is None


def test_typing_goes_on_beside_the_body_and_is_waited_for(tmp_path: Path) -> None:
    begun = []

    def slowly(folder: Path) -> Prepared:
        begun.append(True)
        time.sleep(0.3)
        return typed(folder)

    with ahead.typing(tmp_path, "key", slowly):
        while not begun:
            time.sleep(0.01)
        assert not (tmp_path / "key" / "typed.json").exists()
    assert (tmp_path / "key" / "typed.json").exists()


def test_a_file_that_can_not_be_typed_leaves_nothing_and_fails_no_other_load(tmp_path: Path) -> None:
    with ahead.typing(tmp_path, "key", failing):
        pass

    assert not (tmp_path / "key").exists()


def test_what_a_killed_run_left_half_typed_is_not_taken(tmp_path: Path) -> None:
    (tmp_path / "ahead" / "key").mkdir(parents=True)
    typed(tmp_path / "ahead" / "key")

    assert ahead.take(tmp_path / "ahead", "key", tmp_path) is None
    with ahead.typing(tmp_path / "ahead", "key", typed):
        pass
    assert ahead.take(tmp_path / "ahead", "key", tmp_path) is not None


def test_only_files_of_the_next_loads_are_kept(tmp_path: Path) -> None:
    for key in ("one", "two", "three"):
        with ahead.typing(tmp_path, key, typed):
            pass

    ahead.clear(tmp_path, but=["two", "three"])
    assert sorted(path.name for path in tmp_path.iterdir()) == ["three", "two"]
    assert [ahead.is_typed(tmp_path, key) for key in ("one", "two")] == [False, True]
    ahead.clear(tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_a_run_types_ahead_and_leaves_nothing_behind(ingested: Ingested) -> None:
    loads = {path: markers.read(path) for path in sorted((ingested.data.markers / "LoadMonth").rglob("*.json"))}

    assert any(marker.details["typed_ahead"] for marker in loads.values() if marker)
    assert not list((ingested.data.scratch / "ahead").glob("*"))


def test_months_of_one_archive_are_typed_each_by_itself(
    tmp_path: Path,
    run_luigi: Run,
    serve: Serve,
    config: Config,
    query: Query,
) -> None:
    rides = {"2024-08": 1000, "2024-09": 1100, "2024-10": 1200, "2024-11": 1300}
    for month, number in rides.items():
        generate(tmp_path / month, months=[month], taxi_trips_per_month=100, rides_per_month=number)
    archives = [path for month in rides for path in (tmp_path / month / "tripdata").glob("*.zip")]
    packed = {f"2024-citibike-tripdata/{path.name}": path.read_bytes() for path in archives}
    published = tmp_path / "published"
    write_zip(published / "tripdata" / "2024-citibike-tripdata.zip", packed)
    data = DataDir(tmp_path / "data")
    file = config(serve(published).url, {"sources": {"citibike": {"months": list(rides)}}})

    result = run_luigi("IngestCitibike", data_dir=data.root, config=file)
    assert result.returncode == 0, result.stderr
    loads = [markers.read(path) for path in sorted((data.markers / "LoadMonth" / "citibike").glob("*.json"))]
    assert any(marker.details["typed_ahead"] for marker in loads if marker)
    assert dict(query(data, "select _source_month, count(*) from raw_data.trips group by 1")) == rides


def test_a_file_typed_ahead_that_is_damaged_is_not_loaded_and_the_next_run_types_it_itself(
    loaded: DataDir, ingested: Ingested, run_luigi: Run
) -> None:
    path, before = loaded.markers / "LoadMonth" / "yellow_taxi" / "2024-10.json", checksums(loaded.warehouse)
    marker = markers.read(path)
    assert marker
    left = loaded.scratch / "ahead" / digest(["LoadMonth yellow_taxi 2024-10", marker.fingerprint])
    left.mkdir(parents=True)
    (left / "typed.parquet").write_bytes(b"PAR1 and what was written when the power went")
    (left / "typed.json").write_text(json.dumps({"path": "typed.parquet", "rows": {}, "changes": []}))
    load = ["LoadMonth", "--source", "yellow_taxi", "--month", "2024-10"]

    path.unlink()
    result = run_luigi(*load, data_dir=loaded.root, config=ingested.config)
    assert result.returncode == 30, result.stderr
    assert "typed.parquet" in result.stderr
    assert checksums(loaded.warehouse) == before

    assert run_luigi(*load, data_dir=loaded.root, config=ingested.config).returncode == 0
    assert checksums(loaded.warehouse) == before
