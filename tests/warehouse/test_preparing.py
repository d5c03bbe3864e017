"""Published files become typed rows: every value as it was published, or the file is refused."""

import datetime as dt
import warnings
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa
import pytest
from support import CURRENT, LEGACY, landed, legacy_ride, lines, ride, taxi_trips, write_taxi, write_zip

from luigi_pipeline.config.settings import Download, Warehouse
from luigi_pipeline.core.errors import Rejected
from luigi_pipeline.core.months import Month
from luigi_pipeline.sources import SOURCES, Landed, Source
from luigi_pipeline.warehouse.preparing import Prepared, check_month, prepare

TAXI, CITIBIKE = SOURCES["yellow_taxi"], SOURCES["citibike"]
ARCHIVE, MEMBER = "202409-citibike-tripdata.zip", "202409-citibike-tripdata_1.csv"
LIMITS = Warehouse()


def prepared(source: Source, file: Landed, month: str, scratch: Path) -> Prepared:
    scratch.mkdir(exist_ok=True)
    parts = source.parts(file, Month(month), scratch, Download())
    return prepare(source, file, parts, Month(month), scratch / "typed.parquet", LIMITS)


def rows_of(file: Prepared, columns: str = "*") -> list[dict[str, Any]]:
    table = duckdb.sql(
        f"select {columns} from read_parquet('{file.path}', file_row_number = true) order by file_row_number"
    )
    return [dict(zip(table.columns, row, strict=True)) for row in table.fetchall()]


def types_of(file: Prepared) -> dict[str, str]:
    described = duckdb.sql(f"describe select * from '{file.path}'").fetchall()
    return {row[0]: row[1] for row in described}


@pytest.fixture
def bikes(tmp_path: Path) -> Callable[..., Prepared]:
    """Type the CSV texts of one archive, by name."""

    def make(files: dict[str, str | bytes] | str | bytes) -> Prepared:
        named = files if isinstance(files, dict) else {MEMBER: files}
        return prepared(CITIBIKE, write_zip(tmp_path / ARCHIVE, named), "2024-09", tmp_path / "scratch")

    return make


@pytest.fixture
def taxis(tmp_path: Path) -> Callable[[pa.Table], Prepared]:
    """Type the Parquet file of a table."""

    def make(table: pa.Table) -> Prepared:
        file = write_taxi(tmp_path / "yellow_tripdata_2024-09.parquet", table)
        return prepared(TAXI, file, "2024-09", tmp_path / "scratch")

    return make


LINEAGE = {"_source_file": "VARCHAR", "_source_month": "VARCHAR", "_source_row": "BIGINT", "_source_version": "VARCHAR"}


def test_taxi_columns_are_cast_to_the_declared_types_in_the_declared_order(
    taxis: Callable[[pa.Table], Prepared], tmp_path: Path
) -> None:
    file = taxis(
        taxi_trips(
            passenger_count=pa.array([1.0, None, 3.0]),
            store_and_fwd_flag=pa.array(["N", None, "Y"], pa.large_string()),
            PULocationID=pa.array([1, 132, 265], pa.int32()),
            fare_amount=pa.array([1.5, -2.25, 0.1]),
        )
    )
    assert types_of(file) == TAXI.columns | LINEAGE
    assert list(types_of(file)) == [*TAXI.columns, *LINEAGE]
    rows = rows_of(file)
    assert [row["passenger_count"] for row in rows] == [1, None, 3]
    assert [row["store_and_fwd_flag"] for row in rows] == ["N", None, "Y"]
    assert [row["pu_location_id"] for row in rows] == [1, 132, 265]
    assert [row["fare_amount"] for row in rows] == [1.5, -2.25, 0.1]
    assert [row["tpep_pickup_datetime"] for row in rows][:2] == [
        dt.datetime(2024, 9, 1, 0, 0),
        dt.datetime(2024, 9, 1, 0, 1),
    ]
    version = landed(tmp_path / "yellow_tripdata_2024-09.parquet").sha256[:16]
    assert {tuple(row[name] for name in ("_source_file", "_source_month", "_source_version")) for row in rows} == {
        ("yellow_tripdata_2024-09.parquet", "2024-09", version)
    }
    assert [row["_source_row"] for row in rows] == [1, 2, 3]


def test_changes_of_type_are_noted(taxis: Callable[[pa.Table], Prepared]) -> None:
    file = taxis(taxi_trips(Airport_fee=None))
    name = "yellow_tripdata_2024-09.parquet"
    assert f"{name}: passenger_count is DOUBLE, declared BIGINT" in file.changes
    assert f"{name}: vendor_id is INTEGER, declared BIGINT" in file.changes
    assert f"{name}: no column airport_fee" in file.changes
    assert not [change for change in file.changes if "fare_amount" in change]


def test_columns_that_a_file_has_not_are_null(taxis: Callable[[pa.Table], Prepared]) -> None:
    file = taxis(taxi_trips(Airport_fee=pa.nulls(3), cbd_congestion_fee=None, congestion_surcharge=None))
    assert types_of(file)["airport_fee"] == types_of(file)["cbd_congestion_fee"] == "DOUBLE"
    fees = rows_of(file, "airport_fee, cbd_congestion_fee, congestion_surcharge")
    assert {value for row in fees for value in row.values()} == {None}


@pytest.mark.parametrize("unit", ["s", "ms", "us", "ns"])
def test_times_of_any_precision_are_the_same(taxis: Callable[[pa.Table], Prepared], unit: str) -> None:
    moment = dt.datetime(2024, 9, 1, 23, 59, 59)
    file = taxis(taxi_trips(1, tpep_pickup_datetime=pa.array([moment]).cast(pa.timestamp(unit))))
    assert rows_of(file, "tpep_pickup_datetime") == [{"tpep_pickup_datetime": moment}]
    assert types_of(file)["tpep_pickup_datetime"] == "TIMESTAMP"


def test_a_new_column_comes_as_text(taxis: Callable[[pa.Table], Prepared]) -> None:
    file = taxis(taxi_trips(RoadFee=pa.array([1.5, None, 2.5])))
    assert types_of(file)["road_fee"] == "VARCHAR"
    assert [row["road_fee"] for row in rows_of(file)] == ["1.5", None, "2.5"]


def test_a_value_that_can_not_be_cast_is_refused(taxis: Callable[[pa.Table], Prepared]) -> None:
    with pytest.raises(Rejected, match=r"^yellow_tripdata_2024-09\.parquet: .*'Queens'") as caught:
        taxis(taxi_trips(PULocationID=pa.array(["1", "Queens", "3"])))
    assert "\n" not in str(caught.value)


def test_a_parquet_file_with_a_hole_in_it_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "yellow_tripdata_2024-09.parquet"
    write_taxi(path, taxi_trips(50_000))
    raw = bytearray(path.read_bytes())
    raw[1000:90_000] = bytes(89_000)
    path.write_bytes(raw)
    with pytest.raises(Rejected, match=r"^yellow_tripdata_2024-09\.parquet: "):
        prepared(TAXI, landed(path), "2024-09", tmp_path / "scratch")


def test_a_disk_that_can_not_be_written_to_is_not_the_file_s_fault(tmp_path: Path) -> None:
    """A file that is refused is set aside as bad and fetched anew; this one is good."""
    file = write_taxi(tmp_path / "yellow_tripdata_2024-09.parquet", taxi_trips())
    parts = TAXI.parts(file, Month("2024-09"), tmp_path, Download())
    with pytest.raises(Exception, match="missing") as caught:
        prepare(TAXI, file, parts, Month("2024-09"), tmp_path / "missing" / "typed.parquet", LIMITS)
    assert not isinstance(caught.value, Rejected)


def test_current_rides_are_typed(bikes: Callable[..., Prepared]) -> None:
    file = bikes(lines(CURRENT, ride("A1"), end="\r\n"))
    assert types_of(file) == CITIBIKE.columns | LINEAGE
    (row,) = rows_of(file)
    assert row["ride_id"] == "A1"
    assert row["start_station_name"] == "Morton St, NY"
    assert (row["start_lat"], row["end_lng"]) == (40.1, -74.2)
    assert row["_source_file"] == f"{ARCHIVE}/{MEMBER}"
    assert row["_source_month"] == "2024-09"
    assert {row[name] for name in ("tripduration", "starttime", "bikeid", "birth_year", "start_station_latitude")} == {
        None
    }


def test_legacy_rides_are_typed(bikes: Callable[..., Prepared]) -> None:
    (row,) = rows_of(bikes(lines(LEGACY, legacy_ride())))
    assert (row["tripduration"], row["birth_year"], row["gender"], row["bikeid"]) == (650, 1888, 1, "29612")
    assert row["starttime"] == dt.datetime(2019, 1, 1, 3, 9, 9, 711_000)
    assert row["stoptime"] == dt.datetime(2019, 1, 1, 3, 20, 0, 1_000)
    assert (row["start_station_id"], row["start_station_name"]) == ("3183", "Exchange")
    assert (row["end_station_id"], row["end_station_name"], row["end_station_latitude"]) == (None, None, None)
    assert {row[name] for name in ("ride_id", "started_at", "member_casual", "start_lat")} == {None}


@pytest.mark.parametrize(
    "text", ["5065.10", "36212525220441E5", "4E03936212630769", "0012", "JC009", "6432.11", "1e3", "NaN"]
)
def test_ids_that_look_like_numbers_stay_text(bikes: Callable[..., Prepared], text: str) -> None:
    (row,) = rows_of(bikes(lines(CURRENT, ride(text, start_station_id=text, end_station_id=f'"{text}"'))))
    assert (row["ride_id"], row["start_station_id"], row["end_station_id"]) == (text, text, text)


TIMES = [
    ("2024-09-01 18:31:52.133", dt.datetime(2024, 9, 1, 18, 31, 52, 133_000)),
    ("2019-01-01 03:09:09.7110", dt.datetime(2019, 1, 1, 3, 9, 9, 711_000)),
    ("2024-09-01 18:31:52.123456", dt.datetime(2024, 9, 1, 18, 31, 52, 123_456)),
    ("2024-09-01 18:31:52.0", dt.datetime(2024, 9, 1, 18, 31, 52)),
    ("2021-02-03 23:11:28", dt.datetime(2021, 2, 3, 23, 11, 28)),
    ("9/1/2014 00:00:25", dt.datetime(2014, 9, 1, 0, 0, 25)),
    ("12/31/2014 23:59:59", dt.datetime(2014, 12, 31, 23, 59, 59)),
    ("10/1/2015 0:05", dt.datetime(2015, 10, 1, 0, 5)),
    ("1/12/2015 7:08", dt.datetime(2015, 1, 12, 7, 8)),
    ("2024-03-10 02:30:00", dt.datetime(2024, 3, 10, 2, 30)),  # does not exist in New York; kept as published
]


@pytest.mark.parametrize(("text", "moment"), TIMES)
def test_times_are_read_in_every_format_that_was_published(
    bikes: Callable[..., Prepared], text: str, moment: dt.datetime
) -> None:
    rows = rows_of(
        bikes({"a.csv": lines(CURRENT, ride("A", text, text)), "b.csv": lines(LEGACY, legacy_ride(text, text))})
    )
    assert [(row["started_at"] or row["starttime"], row["ended_at"] or row["stoptime"]) for row in rows] == [
        (moment, moment)
    ] * 2


def test_formats_may_change_in_the_middle_of_a_file(bikes: Callable[..., Prepared]) -> None:
    rows = rows_of(bikes(lines(CURRENT, *[ride(str(n), text) for n, (text, _) in enumerate(TIMES)])))
    assert [row["started_at"] for row in rows] == [moment for _, moment in TIMES]


@pytest.mark.parametrize(
    "text",
    [
        "13/9/2014 00:00:25",
        "2024-02-30 10:00:00",
        "2024-09-01",
        "1725148800",
        "2024-09-01T10:00:00Z",
        "soon",
        "9/1/14 0:05",
        "2024-09-01 25:00:00",
        "2024-09-01 10:00:00 EST",
    ],
)
def test_a_time_in_an_unknown_format_is_refused_by_file_and_column(bikes: Callable[..., Prepared], text: str) -> None:
    with pytest.raises(Rejected) as caught:
        bikes(lines(CURRENT, ride("A"), ride("B", ended=text)))
    message = str(caught.value)
    assert f"{ARCHIVE}/{MEMBER}: ended_at has a time in an unknown format: {text}" in message
    assert "\n" not in message


def test_a_new_column_may_have_any_name_beside_a_time(bikes: Callable[..., Prepared]) -> None:
    (row,) = rows_of(bikes(lines(f"{CURRENT},Ended_at parsed", f"{ride('A')},no")))
    assert (str(row["ended_at"]), row["ended_at_parsed"]) == ("2024-09-01 18:40:00", "no")


@pytest.mark.parametrize("nothing", ["nan", "NaN", "inf", "-Infinity", "1e400", '"inf"'])
def test_a_coordinate_that_is_no_number_is_no_place(bikes: Callable[..., Prepared], nothing: str) -> None:
    (row,) = rows_of(bikes(lines(CURRENT, ride("A", end_lat=nothing))))
    assert (row["end_lat"], row["end_lng"]) == (None, -74.2)


@pytest.mark.parametrize("nothing", ["", '""', "NULL", "\\N"])
def test_a_missing_time_or_place_is_null_and_not_refused(bikes: Callable[..., Prepared], nothing: str) -> None:
    (row,) = rows_of(bikes(lines(CURRENT, ride("A", ended=nothing, end_lat=nothing, end_station_id=nothing))))
    assert (row["ended_at"], row["end_lat"], row["end_station_id"]) == (None, None, None)


@pytest.mark.parametrize(
    "broken",
    [
        ride("B", start_station_name='"Morton St'),
        "B,classic_bike,2024-09-01 18:31:52",
        f"{ride('B')},one,more",
        ride("B", start_station_name='"Morton" St'),
        ride("B", end_lat="north"),
    ],
    ids=["open quote", "short row", "long row", "text after a quote", "no number"],
)
@pytest.mark.parametrize("last", [False, True])
def test_a_malformed_row_is_refused(bikes: Callable[..., Prepared], broken: str, last: bool) -> None:
    after = [] if last else [ride("C"), ride("D")]
    with pytest.raises(Rejected, match=r"202409-citibike-tripdata") as caught:
        bikes(lines(CURRENT, ride("A"), broken, *after))
    assert "\n" not in str(caught.value)


def test_two_open_quotes_do_not_swallow_the_rows_between_them(bikes: Callable[..., Prepared]) -> None:
    rows = [ride("A", start_station_name='"Morton St'), ride("B"), ride("C", start_station_name='St"')]
    with pytest.raises(Rejected, match="202409-citibike-tripdata"):
        bikes(lines(CURRENT, *rows))


def test_bytes_that_are_not_utf_8_are_refused(bikes: Callable[..., Prepared]) -> None:
    text = lines(CURRENT, ride("A"), ride("B", start_station_name="Café"))
    assert [row["start_station_name"] for row in rows_of(bikes(text))] == ["Morton St, NY", "Café"]
    with pytest.raises(Rejected, match="202409-citibike-tripdata") as caught:
        bikes(text.encode("latin-1"))
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("end", ["\n", "\r\n"])
def test_empty_lines_and_mixed_line_ends_change_no_row(bikes: Callable[..., Prepared], end: str) -> None:
    text = CURRENT + "\r\n" + ride("A") + "\n" + end + end + ride("B") + "\r\n" + end + ride("C")
    rows = rows_of(bikes(text))
    assert [(row["ride_id"], row["_source_row"], row["member_casual"]) for row in rows] == [
        ("A", 1, "member"), ("B", 2, "member"), ("C", 3, "member")
    ]  # fmt: skip


def test_a_byte_order_mark_is_no_part_of_the_data(bikes: Callable[..., Prepared]) -> None:
    (row,) = rows_of(bikes("\ufeff" + lines(CURRENT, ride("A"))))
    assert row["ride_id"] == "A"


def test_rows_are_numbered_in_the_order_of_each_file(bikes: Callable[..., Prepared]) -> None:
    """Enough rows for several threads to read them."""
    count = 60_000
    first, second = (
        lines(CURRENT, *[ride(f"{number:08}", ended=ended) for number in range(count)])
        for ended in ("2024-09-01 18:40:00", "2024-09-01 18:50:00")
    )
    file = bikes({"a.csv": first, "b.csv": second})
    assert file.rows == {f"{ARCHIVE}/a.csv": count, f"{ARCHIVE}/b.csv": count}
    wrong = duckdb.sql(
        f"select count(*) from '{file.path}' where cast(ride_id as bigint) + 1 <> _source_row"
    ).fetchone()
    assert wrong == (0,)
    counts = "_source_file, count(distinct _source_row), max(_source_row)"
    counted = duckdb.sql(f"select {counts} from '{file.path}' group by all order by all")
    assert counted.fetchall() == [(f"{ARCHIVE}/a.csv", count, count), (f"{ARCHIVE}/b.csv", count, count)]


def test_taxi_rows_are_numbered_in_the_order_of_the_file(taxis: Callable[[pa.Table], Prepared]) -> None:
    count = 300_000
    numbers = pa.array(range(count), pa.int64())
    file = taxis(taxi_trips(count, VendorID=numbers))
    wrong = duckdb.sql(f"select count(*) from '{file.path}' where vendor_id + 1 <> _source_row").fetchone()
    assert wrong == (0,)


def test_parts_of_both_schemas_make_one_file(bikes: Callable[..., Prepared]) -> None:
    file = bikes(
        {
            "a.csv": lines(CURRENT, ride("A")),
            "b.csv": lines(LEGACY, legacy_ride(), legacy_ride()),
            "c.csv": lines(CURRENT),
        }
    )
    assert file.rows == {f"{ARCHIVE}/a.csv": 1, f"{ARCHIVE}/b.csv": 2, f"{ARCHIVE}/c.csv": 0}
    assert [(row["ride_id"], row["tripduration"], row["_source_row"]) for row in rows_of(file)] == [
        ("A", None, 1), (None, 650, 1), (None, 650, 2)
    ]  # fmt: skip


def test_two_members_of_one_name_are_refused(tmp_path: Path) -> None:
    """Their rows could not be told apart."""
    path = tmp_path / ARCHIVE
    with warnings.catch_warnings(), zipfile.ZipFile(path, "w") as archive:
        warnings.simplefilter("ignore")
        for ride_id in ("A", "B"):
            archive.writestr(MEMBER, lines(CURRENT, ride(ride_id)))
    with pytest.raises(Rejected, match=MEMBER):
        prepared(CITIBIKE, landed(path), "2024-09", tmp_path / "scratch")


def test_a_quote_in_a_file_s_name_is_no_sql(bikes: Callable[..., Prepared]) -> None:
    name = "it's; drop table x --.csv"
    (row,) = rows_of(bikes({name: lines(CURRENT, ride("A"))}))
    assert row["_source_file"] == f"{ARCHIVE}/{name}"


def test_real_rides_keep_their_ids_and_times(tmp_path: Path, shared: Path) -> None:
    file = landed(shared / "tripdata" / "202409-citibike-tripdata.zip")
    typed = prepared(CITIBIKE, file, "2024-09", tmp_path / "scratch")
    found = duckdb.sql(
        f"select count(*), count(distinct ride_id), count(started_at), count(ended_at), "
        f"count(*) filter (where end_station_id is null), count(*) filter (where start_station_id like '%.%0') > 0 "
        f"from '{typed.path}'"
    ).fetchone()
    assert found is not None
    assert found[:5] == (115_558, 115_558, 115_558, 115_558, 280)


@pytest.mark.parametrize(("month", "rows"), [("2020-02", 10_000), ("2024-01", 56_551), ("2025-02", 5_000)])
def test_real_taxi_files_become_the_declared_columns(tmp_path: Path, shared: Path, month: str, rows: int) -> None:
    file = landed(shared / "trip-data" / f"yellow_tripdata_{month}.parquet")
    typed = prepared(TAXI, file, month, tmp_path / "scratch")
    assert types_of(typed) == TAXI.columns | LINEAGE
    assert typed.rows == {file.path.name: rows}
    published = duckdb.sql(
        f"select sum(round(total_amount * 100)), count(passenger_count) from '{file.path}'"
    ).fetchone()
    assert (
        duckdb.sql(f"select sum(round(total_amount * 100)), count(passenger_count) from '{typed.path}'").fetchone()
        == published
    )


def test_a_real_yearly_archive_of_archives_is_read(tmp_path: Path, shared: Path) -> None:
    file = landed(shared / "tripdata" / "2020-citibike-tripdata.zip")
    scratch = tmp_path / "scratch"
    scratch.mkdir()
    parts = CITIBIKE.parts(file, Month("2020-02"), scratch, Download())
    typed = prepare(CITIBIKE, file, parts, Month("2020-02"), scratch / "typed.parquet", LIMITS)
    assert sum(typed.rows.values()) == 22_962
    found = duckdb.sql(
        f"select count(starttime), min(tripduration) >= 60, count(ride_id) from '{typed.path}'"
    ).fetchone()
    assert found == (22_962, True, 0)


def test_a_fraction_is_never_rounded_into_a_whole_number(taxis: Callable[[pa.Table], Prepared]) -> None:
    with pytest.raises(Rejected, match=r"passenger_count has a fraction: 1\.7"):
        taxis(taxi_trips(2, passenger_count=pa.array([1.0, 1.7])))


def test_whole_numbers_in_a_column_of_doubles_are_whole_numbers(taxis: Callable[[pa.Table], Prepared]) -> None:
    file = taxis(taxi_trips(3, passenger_count=pa.array([1.0, None, float("nan")])))
    assert [row["passenger_count"] for row in rows_of(file)] == [1, None, None]


def test_not_a_number_is_no_amount(taxis: Callable[[pa.Table], Prepared]) -> None:
    amounts = pa.array([float("nan"), float("inf"), float("-inf"), 2.5])
    codes = pa.array(["inf", "nan", "1", "2.0"])
    rows = rows_of(taxis(taxi_trips(4, tip_amount=amounts, RatecodeID=codes)))
    assert [(row["tip_amount"], row["ratecode_id"]) for row in rows] == [
        (None, None),
        (None, None),
        (None, 1),
        (2.5, 2),
    ]


@pytest.mark.parametrize(
    ("started", "ended", "of_month"),
    [
        ("2024-09-30 23:50:00", "2024-10-01 00:10:00", True),  # filed under the month it ends in, as later in 2024
        ("2024-08-31 23:50:00", "2024-09-01 00:00:00", True),
        ("2024-08-31 23:50:00", "2024-08-31 23:59:59", False),
        ("2024-10-01 00:00:00", "2024-10-01 00:10:00", False),
        ("2023-09-05 00:00:00", "2023-09-05 00:10:00", False),
        ("", "", False),
    ],
)
def test_a_month_s_file_is_the_one_of_which_at_least_half_is_of_the_month(
    bikes: Callable[..., Prepared], started: str, ended: str, of_month: bool
) -> None:
    one, other = ride("A", started=started, ended=ended), ride("B", started="2024-09-05 10:00:00")
    check_month(SOURCES["citibike"], bikes({"a.csv": lines(CURRENT, one, other)}), Month("2024-09"), "x.zip")
    strays = bikes({"a.csv": lines(CURRENT, one, one, other)})
    if of_month:
        check_month(SOURCES["citibike"], strays, Month("2024-09"), "x.zip")
        return
    with pytest.raises(Rejected, match=r"^x\.zip: 1 of its 3 rows are of 2024-09; most are of "):
        check_month(SOURCES["citibike"], strays, Month("2024-09"), "x.zip")


def test_a_legacy_file_tells_its_month_too(bikes: Callable[..., Prepared]) -> None:
    file = bikes({"a.csv": lines(LEGACY, legacy_ride())})
    check_month(SOURCES["citibike"], file, Month("2019-01"), "x.zip")
    with pytest.raises(Rejected, match="0 of its 1 rows are of 2019-02; most are of 2019-01"):
        check_month(SOURCES["citibike"], file, Month("2019-02"), "x.zip")
