"""TLC's trips: names and types drift, and what is no yellow-taxi file is refused."""

import datetime as dt
from collections.abc import Callable
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from fixtures import Configured
from support import ROWS, landed, taxi_trips, write_taxi

from luigi_pipeline.config.settings import Download, Settings
from luigi_pipeline.core.errors import FetchFailed, NotPublished, Rejected
from luigi_pipeline.core.months import Month
from luigi_pipeline.sample import Fault, Publishers
from luigi_pipeline.sources import SOURCES, Landed, Part
from luigi_pipeline.sources.http import Publisher

TAXI = SOURCES["yellow_taxi"]
NAME = "yellow_tripdata_2024-10.parquet"


@pytest.fixture
def part_of(tmp_path: Path) -> Callable[[pa.Table], Part]:
    """The one part of a table that was published as Parquet."""

    def write(table: pa.Table) -> Part:
        (part,) = TAXI.parts(write_taxi(tmp_path / NAME, table), Month("2024-10"), tmp_path, Download())
        return part

    return write


def fetch(settings: Settings, folder: Path, month: str = "2024-10") -> Landed:
    with Publisher(settings.download) as publisher:
        return TAXI.fetch(Month(month), settings, folder, publisher)


def test_tlc_s_columns_become_the_declared_ones(part_of: Callable[[pa.Table], Part]) -> None:
    part = part_of(taxi_trips(4))
    assert part.name == NAME
    assert part.rows == 4
    assert part.changes == []
    assert list(part.columns.values()) == list(TAXI.columns)
    assert part.columns["VendorID"] == "vendor_id"
    assert part.columns["PULocationID"] == "pu_location_id"
    assert part.columns["RatecodeID"] == "ratecode_id"


@pytest.mark.parametrize("name", ["airport_fee", "Airport_fee", "AIRPORT_FEE", "AirportFee"])
def test_a_name_s_case_makes_no_difference(part_of: Callable[[pa.Table], Part], name: str) -> None:
    part = part_of(taxi_trips(**({"Airport_fee": None} | {name: pa.array([1.0, 2.0, 3.0])})))
    assert part.columns[name] == "airport_fee"
    assert part.changes == []


def test_types_may_drift(part_of: Callable[[pa.Table], Part]) -> None:
    part = part_of(
        taxi_trips(
            VendorID=pa.array([1, 2, 6], pa.int64()),
            passenger_count=pa.array([1, None, 3], pa.int64()),
            store_and_fwd_flag=pa.array(["N", None, "Y"], pa.large_string()),
            Airport_fee=pa.nulls(3),
            tpep_pickup_datetime=pa.array([1, 2, 3], pa.timestamp("ns")),
        )
    )
    assert part.rows == 3


def test_columns_that_an_older_file_has_not_are_reported(part_of: Callable[[pa.Table], Part]) -> None:
    part = part_of(
        taxi_trips(congestion_surcharge=None, Airport_fee=None, cbd_congestion_fee=None, request_source=None)
    )
    assert part.changes == [
        f"{NAME}: no column airport_fee",
        f"{NAME}: no column cbd_congestion_fee",
        f"{NAME}: no column congestion_surcharge",
        f"{NAME}: no column request_source",
    ]


def test_an_unknown_column_is_reported(part_of: Callable[[pa.Table], Part]) -> None:
    part = part_of(taxi_trips(RoadPricing_Fee=pa.array([1.0, 2.0, 3.0])))
    assert part.columns["RoadPricing_Fee"] == "road_pricing_fee"
    assert part.changes == [f"{NAME}: new column road_pricing_fee"]


def test_a_green_file_is_refused(part_of: Callable[[pa.Table], Part]) -> None:
    times = taxi_trips()["tpep_pickup_datetime"]
    green = taxi_trips(
        tpep_pickup_datetime=None, tpep_dropoff_datetime=None, lpep_pickup_datetime=times, lpep_dropoff_datetime=times
    )
    with pytest.raises(Rejected, match=rf"^{NAME}: missing column tpep_dropoff_datetime, tpep_pickup_datetime; it has"):
        part_of(green)


COORDINATES = pa.array([-73.99, -73.98, 0.0])


@pytest.mark.parametrize(
    "columns",
    [
        {"Start_Lon": COORDINATES, "Start_Lat": COORDINATES, "End_Lon": COORDINATES, "End_Lat": COORDINATES},
        {"pickup_longitude": COORDINATES, "pickup_latitude": COORDINATES, "dropoff_longitude": COORDINATES},
    ],
    ids=["2009", "2010"],
)
def test_a_file_of_before_2011_has_no_zones_and_is_refused(
    part_of: Callable[[pa.Table], Part], columns: dict[str, pa.Array]
) -> None:
    table = taxi_trips(PULocationID=None, DOLocationID=None, **columns)
    with pytest.raises(Rejected, match=f"^{NAME}: has coordinates and no taxi zones, as TLC's files of 2009 and 2010"):
        part_of(table)
    assert part_of(taxi_trips(**columns)).rows == 3


def test_a_missing_column_is_named(part_of: Callable[[pa.Table], Part]) -> None:
    with pytest.raises(Rejected, match=rf"^{NAME}: missing column total_amount; it has VendorID, "):
        part_of(taxi_trips(total_amount=None))


def test_two_columns_of_one_name_are_refused(part_of: Callable[[pa.Table], Part]) -> None:
    with pytest.raises(Rejected, match="two columns have the same name"):
        part_of(taxi_trips(airport_fee=pa.array([1.0, 2.0, 3.0])))


@pytest.mark.parametrize("name", ["", "🚲", "__", "y" * 201])
def test_a_name_that_no_column_can_bear_is_refused(part_of: Callable[[pa.Table], Part], name: str) -> None:
    with pytest.raises(Rejected, match="no column of a table can bear the name"):
        part_of(taxi_trips(**{name: pa.array([1, 2, 3])}))


@pytest.mark.parametrize(
    ("name", "raw"),
    [
        ("2nd fee", "_2nd_fee"),
        ("x\"'; drop table y; --\n", "x_drop_table_y"),
        ("_source_row", "source_row"),
        ("Größe", "gr_e"),
    ],
)
def test_an_unknown_column_gets_a_plain_name(part_of: Callable[[pa.Table], Part], name: str, raw: str) -> None:
    part = part_of(taxi_trips(**{name: pa.array([1, 2, 3])}))
    assert part.columns[name] == raw
    assert any(change.endswith(f": new column {raw}") for change in part.changes)


def test_times_with_a_zone_are_refused(part_of: Callable[[pa.Table], Part]) -> None:
    times = taxi_trips()["tpep_pickup_datetime"].cast(pa.timestamp("us", "UTC"))
    with pytest.raises(Rejected, match="tpep_pickup_datetime has the time zone UTC"):
        part_of(taxi_trips(tpep_pickup_datetime=times))


def test_a_file_without_rows_is_refused(part_of: Callable[[pa.Table], Part]) -> None:
    with pytest.raises(Rejected, match=rf"^{NAME}: has no rows"):
        part_of(taxi_trips(0))


@pytest.mark.parametrize(
    ("body", "told"),
    [
        (b"<!DOCTYPE html>\n<html>AccessDenied</html>", "is not Parquet; it begins with b'<!DO'"),
        (b"", "is not Parquet"),
        (b"PAR1", "is not a readable Parquet file"),
        (b"PAR1" + bytes(100), "is cut off: 104 bytes"),
        (b"PAR1" + bytes(100) + b"PAR1", "is not a readable Parquet file"),
    ],
)
def test_what_is_no_parquet_is_refused(tmp_path: Path, body: bytes, told: str) -> None:
    (tmp_path / NAME).write_bytes(body)
    with pytest.raises(Rejected, match=told) as caught:
        TAXI.parts(landed(tmp_path / NAME), Month("2024-10"), tmp_path, Download())
    assert str(caught.value).startswith(f"{NAME}: ")
    assert "\n" not in str(caught.value)


def test_the_published_file_arrives_as_it_is(
    tmp_path: Path, publishers: Publishers, settings: Configured, sample_folder: Path
) -> None:
    fetched = fetch(settings(publishers.url), tmp_path)
    assert fetched.url == f"{publishers.url}/trip-data/{NAME}"
    assert fetched.path.read_bytes() == (sample_folder / "trip-data" / NAME).read_bytes()
    assert [request.path for request in publishers.log] == [f"/trip-data/{NAME}"]


@pytest.mark.parametrize(
    "fault",
    [Fault(NAME, kind="garbage"), Fault(NAME, kind="truncate", with_length=False)],
    ids=["HTML with status 200", "cut off without a length"],
)
def test_what_arrives_is_checked_and_kept_beside(
    tmp_path: Path, publishers: Publishers, settings: Configured, fault: Fault
) -> None:
    publishers.faults.add(fault)
    with pytest.raises(Rejected, match=rf"^{NAME}: .*; kept as {tmp_path}/{NAME}\.rejected$"):
        fetch(settings(publishers.url), tmp_path)
    assert (tmp_path / f"{NAME}.rejected").exists()
    assert not (tmp_path / NAME).exists()
    assert pq.read_metadata(fetch(settings(publishers.url), tmp_path).path).num_rows == ROWS


def test_a_month_of_the_last_three_may_be_unpublished_and_an_older_one_is_an_error(
    tmp_path: Path, publishers: Publishers, settings: Configured
) -> None:
    recent = f"{dt.datetime.now(dt.UTC).date():%Y-%m}"
    with pytest.raises(NotPublished, match=f"yellow_taxi {recent} is not published yet"):
        fetch(settings(publishers.url), tmp_path, recent)
    with pytest.raises(FetchFailed, match=rf"^{publishers.url}/trip-data/.*2019-08\.parquet: HTTP 403"):
        fetch(settings(publishers.url), tmp_path, "2019-08")
    assert [request.status for request in publishers.log] == [403, 403]


@pytest.mark.parametrize(
    ("month", "rows", "changes"),
    [
        ("2020-02", 10_000, {"no column cbd_congestion_fee", "no column request_source"}),
        ("2024-01", 56_551, {"no column cbd_congestion_fee", "no column request_source"}),
        ("2025-02", 5_000, {"no column request_source"}),
    ],
)
def test_real_files_have_the_rows_that_their_manifest_tells(
    tmp_path: Path, shared: Path, month: str, rows: int, changes: set[str]
) -> None:
    name = f"yellow_tripdata_{month}.parquet"
    (part,) = TAXI.parts(landed(shared / "trip-data" / name), Month(month), tmp_path, Download())
    assert part.rows == rows
    assert {change.removeprefix(f"{name}: ") for change in part.changes} == changes
    assert set(part.columns.values()) <= set(TAXI.columns)
