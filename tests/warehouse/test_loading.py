"""Loading: a month is in its raw table whole and once, and nothing else changes."""

from collections.abc import Callable
from dataclasses import replace
from itertools import permutations
from pathlib import Path
from unittest.mock import patch

import duckdb
import pyarrow as pa
import pytest
from fixtures import Row
from support import CURRENT, landed, lines, ride, taxi_trips, write_taxi, write_zip, zone_lines

from luigi_pipeline.config.settings import Download, Warehouse
from luigi_pipeline.core.datadir import DataDir
from luigi_pipeline.core.errors import WarehouseError
from luigi_pipeline.core.months import Month
from luigi_pipeline.sources import SOURCES, Landed
from luigi_pipeline.warehouse import database, loading, preparing
from luigi_pipeline.warehouse.preparing import Prepared, prepare

LIMITS = Warehouse()


@pytest.fixture
def data(tmp_path: Path) -> DataDir:
    """A data dir of its own."""
    return DataDir(tmp_path / "data")


@pytest.fixture
def load(data: DataDir, tmp_path: Path) -> Callable[..., str]:
    """Load a published file: `load("citibike", "2024-09", landed)`."""

    def run(
        name: str, month: str | None, file: Landed, change: Callable[[Prepared], Prepared] = lambda given: given
    ) -> str:
        scratch = tmp_path / "scratch"
        scratch.mkdir(exist_ok=True)
        of = Month(month) if month else None
        parts = SOURCES[name].parts(file, of, scratch, Download())
        prepared = prepare(SOURCES[name], file, parts, of, scratch / "typed.parquet", LIMITS)
        with database.writing(data, LIMITS) as connection:
            return loading.load(connection, data, SOURCES[name], of, file, change(prepared))

    return run


@pytest.fixture
def bikes(tmp_path: Path) -> Callable[..., Landed]:
    """A month's archive with rides of these ids, over two files."""

    def write(month: str, *ids: str) -> Landed:
        name = f"{month.replace('-', '')}-citibike-tripdata"
        files = {f"{name}_1.csv": ids[:1], f"{name}_2.csv": ids[1:]}
        texts = {member: lines(CURRENT, *map(ride, rides)) for member, rides in files.items()}
        return write_zip(tmp_path / f"{name}.zip", texts)

    return write


def ask(data: DataDir, sql: str) -> list[Row]:
    with duckdb.connect(str(data.warehouse), read_only=True) as connection:
        return connection.execute(sql).fetchall()


def test_a_loaded_month_has_every_row_of_its_files_with_their_lineage(
    data: DataDir, load: Callable[..., str], bikes: Callable[..., Landed]
) -> None:
    file = bikes("2024-09", "A", "B", "C")
    load("citibike", "2024-09", file)
    archive = "202409-citibike-tripdata.zip/202409-citibike-tripdata"
    rows = ask(
        data, "select ride_id, _source_file, _source_month, _source_row, _source_version from raw_data.trips order by 1"
    )
    assert rows == [
        ("A", f"{archive}_1.csv", "2024-09", 1, file.version),
        ("B", f"{archive}_2.csv", "2024-09", 1, file.version),
        ("C", f"{archive}_2.csv", "2024-09", 2, file.version),
    ]


def test_all_raw_tables_are_made_with_the_declared_columns(
    data: DataDir, load: Callable[..., str], bikes: Callable[..., Landed]
) -> None:
    load("citibike", "2024-09", bikes("2024-09", "A"))
    lineage = ["_source_file", "_source_month", "_source_row", "_source_version"]
    for source in SOURCES.values():
        columns = ask(
            data,
            "select column_name, data_type from duckdb_columns() where schema_name = 'raw_data' "
            f"and table_name = '{source.table}' and column_name not like '_dlt%' order by column_index",
        )
        assert dict(columns[:-4]) == source.columns
        assert [name for name, _ in columns[-4:]] == lineage


def test_a_month_that_is_loaded_again_replaces_itself_and_nothing_else(
    data: DataDir, load: Callable[..., str], bikes: Callable[..., Landed]
) -> None:
    load("citibike", "2024-09", bikes("2024-09", "A", "B", "C"))
    load("citibike", "2024-10", bikes("2024-10", "X", "Y"))
    before = ask(data, "select * from raw_data.trips where _source_month = '2024-10' order by ride_id")
    again = bikes("2024-09", "B", "D")
    load("citibike", "2024-09", again)
    rows = ask(data, "select ride_id, _source_version from raw_data.trips where _source_month = '2024-09' order by 1")
    assert rows == [("B", again.version), ("D", again.version)]
    assert ask(data, "select * from raw_data.trips where _source_month = '2024-10' order by ride_id") == before


def test_the_same_month_loaded_twice_is_there_once(
    data: DataDir, load: Callable[..., str], bikes: Callable[..., Landed]
) -> None:
    file = bikes("2024-09", "A", "B")
    first, second = load("citibike", "2024-09", file), load("citibike", "2024-09", file)
    assert first != second
    assert ask(data, "select ride_id from raw_data.trips order by 1") == [("A",), ("B",)]
    assert ask(data, "select count(*) from meta.source_files") == [(2,)]


def test_the_order_of_loading_does_not_matter(
    data: DataDir, load: Callable[..., str], bikes: Callable[..., Landed]
) -> None:
    september, october = bikes("2024-09", "A", "B"), bikes("2024-10", "C")
    everything = "select columns(name -> not starts_with(name, '_dlt')) from raw_data.trips order by all"
    load("citibike", "2024-10", october)
    load("citibike", "2024-09", september)
    one_way = ask(data, everything)
    data.warehouse.unlink()
    load("citibike", "2024-09", september)
    load("citibike", "2024-10", october)
    assert ask(data, everything) == one_way


def test_source_files_tell_what_is_loaded_from_where(
    data: DataDir, load: Callable[..., str], bikes: Callable[..., Landed], tmp_path: Path
) -> None:
    file = bikes("2024-09", "A", "B", "C")
    load("citibike", "2024-09", file)
    zones = tmp_path / "taxi_zone_lookup.csv"
    zones.write_text("\r\n".join(zone_lines()), encoding="utf-8")
    load("taxi_zones", None, landed(zones))
    archive = "202409-citibike-tripdata.zip/202409-citibike-tripdata"
    assert ask(data, "select * exclude (loaded_at) from meta.source_files order by source, source_file") == [
        ("citibike", "2024-09", f"{archive}_1.csv", file.version, file.url, 1),
        ("citibike", "2024-09", f"{archive}_2.csv", file.version, file.url, 2),
        ("taxi_zones", None, "taxi_zone_lookup.csv", landed(zones).version, landed(zones).url, 265),
    ]
    assert ask(data, "select abs(epoch(loaded_at) - epoch(now())) < 600 from meta.source_files limit 1") == [(True,)]


def test_a_republished_month_leaves_no_trace_of_its_old_files(
    data: DataDir, load: Callable[..., str], bikes: Callable[..., Landed], tmp_path: Path
) -> None:
    load("citibike", "2024-09", bikes("2024-09", "A", "B"))
    renamed = write_zip(tmp_path / "202409-citibike-tripdata.zip", {"one.csv": lines(CURRENT, ride("Z"))})
    load("citibike", "2024-09", renamed)
    assert ask(data, "select source_file, row_count from meta.source_files") == [
        ("202409-citibike-tripdata.zip/one.csv", 1)
    ]
    assert ask(data, "select ride_id from raw_data.trips") == [("Z",)]


def test_zones_are_replaced_as_a_whole(data: DataDir, load: Callable[..., str], tmp_path: Path) -> None:
    path = tmp_path / "taxi_zone_lookup.csv"
    for borough in ('"Borough","Zone ', '"Other","Zone '):
        path.write_text("\n".join(zone_lines()).replace('"Borough","Zone ', borough), encoding="utf-8")
        load("taxi_zones", None, landed(path))
    found = ask(
        data,
        "select count(*), count(distinct location_id), count(*) filter (borough = 'Other') from raw_data.taxi_zones",
    )
    assert found == [(265, 265, 263)]


def test_a_load_that_does_not_hold_what_the_file_holds_is_an_error(
    data: DataDir, load: Callable[..., str], bikes: Callable[..., Landed]
) -> None:
    def one_more(file: Prepared) -> Prepared:
        return replace(file, rows={name: rows + 1 for name, rows in file.rows.items()})

    with pytest.raises(WarehouseError, match=r"raw_data\.trips 2024-09: holds .* after the load, not ") as caught:
        load("citibike", "2024-09", bikes("2024-09", "A", "B"), one_more)
    assert "\n" not in str(caught.value)


def test_a_file_without_rows_beside_others_is_no_difference(
    data: DataDir, load: Callable[..., str], bikes: Callable[..., Landed]
) -> None:
    load("citibike", "2024-09", bikes("2024-09", "A"))
    assert ask(data, "select row_count from meta.source_files order by source_file") == [(1,), (0,)]


def test_a_new_column_is_added_and_null_in_the_months_before(
    data: DataDir, load: Callable[..., str], tmp_path: Path
) -> None:
    old = write_taxi(tmp_path / "yellow_tripdata_2024-09.parquet", taxi_trips(2))
    new = write_taxi(tmp_path / "yellow_tripdata_2024-10.parquet", taxi_trips(2, RoadFee=pa.array([1.5, 2.5])))
    later = write_taxi(tmp_path / "yellow_tripdata_2024-11.parquet", taxi_trips(1))
    load("yellow_taxi", "2024-09", old)
    load("yellow_taxi", "2024-10", new)
    load("yellow_taxi", "2024-11", later)
    sql = "select _source_month, road_fee, total_amount from raw_data.yellow_taxi order by _source_month, _source_row"
    assert ask(data, sql) == [
        ("2024-09", None, 0.0),
        ("2024-09", None, 1.0),
        ("2024-10", "1.5", 0.0),
        ("2024-10", "2.5", 1.0),
        ("2024-11", None, 0.0),
    ]


MICROSECONDS, NANOSECONDS = (pa.array([0, 1], pa.timestamp(unit)) for unit in ("us", "ns"))
CENTS = pa.array([1, 2], pa.decimal128(9, 2))
NEW_COLUMNS = {
    "2024-09": {"note": pa.nulls(2), "fee": pa.array([1.5, float("nan")]), "asked": MICROSECONDS},
    "2024-10": {"note": pa.array(["app", ""]), "fee": CENTS, "asked": NANOSECONDS},
    "2024-11": {"note": pa.array([1, None]), "fee": pa.array([True, None]), "asked": pa.array([[1, 2], None])},
}


@pytest.mark.parametrize("order", permutations(NEW_COLUMNS), ids=" ".join)
def test_a_new_column_may_change_its_type_from_month_to_month_in_any_order_of_loading(
    data: DataDir, load: Callable[..., str], tmp_path: Path, order: tuple[str, ...]
) -> None:
    for month in (*order, order[0]):  # the first of them is published again
        table = taxi_trips(2, **NEW_COLUMNS[month])
        load("yellow_taxi", month, write_taxi(tmp_path / f"yellow_tripdata_{month}.parquet", table))
    sql = "select _source_month, note, fee, asked from raw_data.yellow_taxi order by _source_month, _source_row"
    assert ask(data, sql) == [
        ("2024-09", None, "1.5", "1970-01-01 00:00:00"),
        ("2024-09", None, None, "1970-01-01 00:00:00.000001"),
        ("2024-10", "app", "1.00", "1970-01-01 00:00:00"),
        ("2024-10", "", "2.00", "1970-01-01 00:00:00.000000001"),
        ("2024-11", "1", "true", "[1, 2]"),
        ("2024-11", None, None, None),
    ]


@pytest.mark.parametrize(
    ("kind", "values", "kept"),
    [
        ("double", pa.array([0.1, 1e22]), ["0.1", "1e+22"]),
        ("timestamp", MICROSECONDS, ["1970-01-01 00:00:00", "1970-01-01 00:00:00.000001"]),
    ],
)
@pytest.mark.parametrize("month", ["2024-10", "2024-09"], ids=["a month is added", "a month is replaced"])
def test_a_new_column_that_an_earlier_version_loaded_with_another_type_becomes_text(
    data: DataDir, load: Callable[..., str], tmp_path: Path, kind: str, values: pa.Array, kept: list[str], month: str
) -> None:
    old = write_taxi(tmp_path / "yellow_tripdata_2024-09.parquet", taxi_trips(2, note=values))
    for _ in range(2):  # replaced, so that dlt has its table to load into
        with patch.object(preparing, "UNDECLARED", kind), patch.object(loading, "UNDECLARED", kind):
            load("yellow_taxi", "2024-09", old)
    assert ask(data, "select distinct typeof(note) from raw_data.yellow_taxi") == [(kind.upper(),)]
    words = write_taxi(tmp_path / f"yellow_tripdata_{month}.parquet", taxi_trips(2, note=pa.array(["app", "hail"])))
    load("yellow_taxi", month, words)
    found = ask(data, "select note from raw_data.yellow_taxi order by _source_month, _source_row")
    assert [note for (note,) in found] == (kept if month == "2024-10" else []) + ["app", "hail"]


def test_a_column_may_come_and_go_when_a_month_is_replaced(
    data: DataDir, load: Callable[..., str], tmp_path: Path
) -> None:
    path = tmp_path / "yellow_tripdata_2024-09.parquet"
    for table in (taxi_trips(2), taxi_trips(2, RoadFee=pa.array([1.5, 2.5])), taxi_trips(3)):
        load("yellow_taxi", "2024-09", write_taxi(path, table))
    sql = "select road_fee, total_amount from raw_data.yellow_taxi order by _source_row"
    assert ask(data, sql) == [(None, 0.0), (None, 1.0), (None, 2.0)]


def test_what_a_killed_run_left_pending_is_not_loaded(
    data: DataDir, load: Callable[..., str], bikes: Callable[..., Landed]
) -> None:
    import dlt

    pipeline = dlt.pipeline(
        pipeline_name="nyc_mobility",
        pipelines_dir=str(data.scratch / "dlt"),
        destination=dlt.destinations.duckdb(str(data.warehouse)),
        dataset_name="raw_data",
    )
    pipeline.extract([{"ride_id": "pending", "_source_month": "2024-09"}], table_name="trips")
    pipeline.normalize()
    assert pipeline.has_pending_data
    load("citibike", "2024-09", bikes("2024-09", "A"))
    assert ask(data, "select ride_id from raw_data.trips") == [("A",)]


def test_loading_leaves_no_working_files(data: DataDir, load: Callable[..., str], bikes: Callable[..., Landed]) -> None:
    load("citibike", "2024-09", bikes("2024-09", "A"))
    assert not list(data.scratch.glob("*")) or not (data.scratch / "dlt").exists()
    assert {path.name for path in data.root.iterdir()} <= {"nyc_mobility.duckdb", "markers", "scratch"}


@pytest.mark.parametrize(
    ("before", "kept"),
    [
        ("alter table raw_data.yellow_taxi drop request_source", None),
        ("update raw_data.yellow_taxi set request_source = 'app'", "app"),
        ("alter table raw_data.yellow_taxi alter request_source type double using 1.5", "1.5"),
    ],
    ids=["not there", "of the declared type", "of another type"],
)
@pytest.mark.parametrize("month", ["2024-10", "2024-09"], ids=["a month is added", "a month is replaced"])
def test_a_column_that_is_declared_later_keeps_what_was_loaded_under_its_name(
    data: DataDir, load: Callable[..., str], tmp_path: Path, before: str, kept: str | None, month: str
) -> None:
    for loaded in ("2024-08", "2024-09"):
        old = write_taxi(tmp_path / f"yellow_tripdata_{loaded}.parquet", taxi_trips(1, request_source=None))
        load("yellow_taxi", loaded, old)
    load("yellow_taxi", "2024-09", old)  # replaced, so that dlt has its table to load into
    with duckdb.connect(str(data.warehouse)) as connection:
        connection.execute(before)
    new = taxi_trips(1, request_source=pa.array(["hail"]))
    load("yellow_taxi", month, write_taxi(tmp_path / f"yellow_tripdata_{month}.parquet", new))
    found: dict[str, str | None] = dict(ask(data, "select _source_month, request_source from raw_data.yellow_taxi"))
    assert found == {"2024-08": kept, "2024-09": kept} | {month: "hail"}


def test_a_column_whose_loaded_values_can_not_have_the_declared_type_is_refused_by_name(
    data: DataDir, load: Callable[..., str], bikes: Callable[..., Landed]
) -> None:
    load("citibike", "2024-09", bikes("2024-09", "A"))
    with duckdb.connect(str(data.warehouse)) as connection:
        connection.execute("alter table raw_data.trips alter gender type varchar using 'other'")
    with pytest.raises(WarehouseError, match=r"raw_data\.trips: column gender is declared BIGINT, .*'other'") as caught:
        load("citibike", "2024-10", bikes("2024-10", "B"))
    assert "\n" not in str(caught.value)
    assert ask(data, "select gender from raw_data.trips") == [("other",)]
