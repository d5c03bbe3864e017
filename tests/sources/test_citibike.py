"""CitiBike: which archive has a month, and which of its files are New York's rides."""

import datetime as dt
from pathlib import Path

import pytest
from fixtures import Configured, Serve
from support import CAPITALS, CURRENT, LEGACY, legacy_ride, lines, ride, write_zip

from luigi_pipeline.config.settings import Download, Settings
from luigi_pipeline.core.errors import FetchFailed, NotPublished, Rejected
from luigi_pipeline.core.months import Month
from luigi_pipeline.sample import Fault, Publishers
from luigi_pipeline.sources import SOURCES, Part
from luigi_pipeline.sources.bucket import choose_key, list_keys
from luigi_pipeline.sources.http import Publisher

CITIBIKE = SOURCES["citibike"]
KEYS = [
    "201306-citibike-tripdata.zip",
    "201612-citibike-tripdata.zip",
    "201701-citibike-tripdata.csv.zip",
    "202312-citibike-tripdata.csv.zip",
    "202401-citibike-tripdata.zip",
    "202409-citibike-tripdata.zip",
    "2013-citibike-tripdata.zip",
    "2020-citibike-tripdata.zip",
    "2024-citibike-tripdata.zip",
    "JC-201509-citibike-tripdata.csv.zip",
    "JC-202002-citibike-tripdata.csv.zip",
    "JC-202409-citibike-tripdata.csv.zip",
    "JC-202410-citibike-tripdata.csv.zip",
    "index.html",
]


@pytest.mark.parametrize(
    ("month", "key"),
    [
        ("2013-06", "201306-citibike-tripdata.zip"),
        ("2013-07", "2013-citibike-tripdata.zip"),
        ("2016-12", "201612-citibike-tripdata.zip"),
        ("2017-01", "201701-citibike-tripdata.csv.zip"),
        ("2020-02", "2020-citibike-tripdata.zip"),
        ("2023-12", "202312-citibike-tripdata.csv.zip"),
        ("2024-01", "202401-citibike-tripdata.zip"),
        ("2024-09", "202409-citibike-tripdata.zip"),
        ("2024-10", "2024-citibike-tripdata.zip"),
        ("2015-09", None),
        ("2025-01", None),
    ],
)
def test_a_monthly_archive_wins_over_the_year_s_and_jersey_city_s_is_none(month: str, key: str | None) -> None:
    assert choose_key(KEYS, Month(month)) == key
    assert choose_key(KEYS[::-1], Month(month)) == key


@pytest.mark.parametrize(
    "key",
    [
        "202409-citibike-tripdata.zip.part",
        "x202409-citibike-tripdata.zip",
        "202409-citibike-tripdata.csv",
        "old/202409-citibike-tripdata.zip",
    ],
)
def test_a_key_that_only_looks_like_it_is_not_taken(key: str) -> None:
    assert choose_key([key], Month("2024-09")) is None


def fetch(settings: Settings, month: str, folder: Path) -> Path:
    with Publisher(settings.download) as publisher:
        return CITIBIKE.fetch(Month(month), settings, folder, publisher).path


def test_all_pages_of_the_bucket_are_read(tmp_path: Path, serve: Serve, settings: Configured) -> None:
    bucket = tmp_path / "published" / "tripdata"
    write_zip(bucket / "202409-citibike-tripdata.zip", {"a.csv": lines(CURRENT, ride("A"))})
    for number in range(1100):
        (bucket / f"2024-{number:04}.txt").touch()
    server = serve(tmp_path / "published")
    with Publisher(Download()) as publisher:
        keys = list_keys(f"{server.url}/tripdata", "2024", publisher, tmp_path)
    assert len(keys) == 1101
    assert len(server.log) == 2
    assert fetch(settings(server.url), "2024-09", tmp_path).name == "202409-citibike-tripdata.zip"


@pytest.mark.parametrize("body", [b"<html><body>welcome</body></html>", b"<html><p>unclosed", b'{"keys": []}', b""])
def test_an_answer_that_is_no_listing_is_refused(
    tmp_path: Path, publishers: Publishers, settings: Configured, body: bytes
) -> None:
    if body:
        publishers.faults.add(Fault("/tripdata", kind="garbage", body=body))
    else:
        publishers.faults.add(Fault("/tripdata", status=200))
    with pytest.raises(
        Rejected, match=rf"{publishers.url}/tripdata: (answers with html|does not answer with a bucket)"
    ):
        fetch(settings(publishers.url), "2024-10", tmp_path)


def test_an_old_month_that_is_missing_is_an_error_that_names_bucket_and_month(
    tmp_path: Path, publishers: Publishers, settings: Configured
) -> None:
    with pytest.raises(FetchFailed, match=rf"^{publishers.url}/tripdata: has no archive for 2022-03; check the month"):
        fetch(settings(publishers.url), "2022-03", tmp_path)
    assert len(publishers.log) == 1


def test_a_recent_month_that_is_missing_is_not_published_yet(
    tmp_path: Path, publishers: Publishers, settings: Configured
) -> None:
    recent = f"{dt.datetime.now(dt.UTC).date():%Y-%m}"
    with pytest.raises(NotPublished, match=f"citibike {recent} is not published yet"):
        fetch(settings(publishers.url), recent, tmp_path)


def test_a_yearly_archive_without_the_month_does_not_have_it(
    tmp_path: Path, serve: Serve, settings: Configured
) -> None:
    published = tmp_path / "published"
    files = {"2020-citibike-tripdata/202002-citibike-tripdata.csv": lines(LEGACY, legacy_ride())}
    write_zip(published / "tripdata" / "2020-citibike-tripdata.zip", files)
    server = serve(published)
    assert fetch(settings(server.url), "2020-02", tmp_path).name == "2020-citibike-tripdata.zip"
    with pytest.raises(FetchFailed, match="has no files for 2020-03"):
        fetch(settings(server.url), "2020-03", tmp_path)


@pytest.mark.parametrize("body", [b"<!DOCTYPE html><html>Sorry</html>", b"PK\x03\x04cut", b""])
def test_a_damaged_archive_is_refused_and_kept_beside(
    tmp_path: Path, serve: Serve, settings: Configured, body: bytes
) -> None:
    file = tmp_path / "published" / "tripdata" / "202409-citibike-tripdata.zip"
    file.parent.mkdir(parents=True)
    file.write_bytes(body)
    server = serve(tmp_path / "published")
    landing = tmp_path / "landing"
    with pytest.raises(Rejected, match=r"zip archive.*; kept as .*202409-citibike-tripdata\.zip\.rejected"):
        fetch(settings(server.url), "2024-09", landing)
    assert (landing / "202409-citibike-tripdata.zip.rejected").read_bytes() == body
    assert not (landing / "202409-citibike-tripdata.zip").exists()
    write_zip(file, {"a.csv": lines(CURRENT, ride("A"))})
    assert fetch(settings(server.url), "2024-09", landing).exists()


def parts(tmp_path: Path, files: dict[str, str | bytes], name: str = "202409-citibike-tripdata.zip") -> list[Part]:
    scratch = tmp_path / "scratch"
    scratch.mkdir(exist_ok=True)
    return CITIBIKE.parts(write_zip(tmp_path / name, files), Month("2024-09"), scratch, Download())


@pytest.mark.parametrize(
    ("header", "line", "first"),
    [
        (CURRENT, ride("A"), "ride_id"),
        (LEGACY, legacy_ride(), "tripduration"),
        (CAPITALS, legacy_ride(), "tripduration"),
    ],
    ids=["current", "legacy", "capitals"],
)
@pytest.mark.parametrize("quoted", [False, True])
@pytest.mark.parametrize("end", ["\n", "\r\n"])
def test_the_header_and_not_the_date_tells_the_schema(
    tmp_path: Path, header: str, line: str, first: str, quoted: bool, end: str
) -> None:
    head = ",".join(f'"{name}"' for name in header.split(",")) if quoted else header
    (part,) = parts(tmp_path, {"JC-201001-citibike-tripdata.csv": lines(head, line, line, end=end)})
    assert part.name == "202409-citibike-tripdata.zip/JC-201001-citibike-tripdata.csv"
    assert part.rows == 2
    assert part.changes == []
    assert next(iter(part.columns.values())) == first
    assert list(part.columns) == header.split(",")
    legacy = {"start_station_latitude", "end_station_longitude", "birth_year", "bikeid", "usertype"}
    current = {"started_at", "end_lng", "member_casual"}
    assert set(part.columns.values()) > (current if first == "ride_id" else legacy)
    assert set(part.columns.values()) < set(CITIBIKE.columns)


def test_both_schemas_may_be_in_one_archive(tmp_path: Path) -> None:
    found = parts(tmp_path, {"b.csv": lines(CURRENT, ride("A")), "a.csv": lines(LEGACY, legacy_ride(), legacy_ride())})
    assert [part.rows for part in found] == [2, 1]


@pytest.mark.parametrize(
    "header", ["a,b,c", CURRENT.replace("ride_id,", ""), LEGACY.replace("bikeid", "bike"), "<html>"]
)
def test_a_file_in_neither_schema_is_refused(tmp_path: Path, header: str) -> None:
    with pytest.raises(Rejected, match=r"202409-citibike-tripdata\.zip/a\.csv: has the columns of neither"):
        parts(tmp_path, {"a.csv": lines(header, ride("A"))})


def test_a_new_column_is_reported(tmp_path: Path) -> None:
    (part,) = parts(tmp_path, {"a.csv": lines(f"{CURRENT},Bike Model", f"{ride('A')},x")})
    assert part.columns["Bike Model"] == "bike_model"
    assert part.changes == ["202409-citibike-tripdata.zip/a.csv: new column bike_model"]


def test_all_files_of_a_month_are_taken_but_not_macos_s(tmp_path: Path) -> None:
    files: dict[str, str | bytes] = {}
    for number in (1, 2, 10):
        files[f"202409-citibike-tripdata_{number}.csv"] = lines(CURRENT, *[ride(str(n)) for n in range(number)])
        files[f"__MACOSX/._202409-citibike-tripdata_{number}.csv"] = b"\x00\x05\x16\x07" + bytes(100)
    assert sorted(part.rows for part in parts(tmp_path, files)) == [1, 2, 10]


def test_an_archive_that_lost_a_part_but_not_what_macos_packed_beside_it_is_refused(tmp_path: Path) -> None:
    files: dict[str, str | bytes] = {
        "202409-citibike-tripdata_1.csv": lines(CURRENT, ride("A")),
        "__MACOSX/._202409-citibike-tripdata_1.csv": b"\x00\x05\x16\x07",
        "__MACOSX/._202409-citibike-tripdata_2.csv": b"\x00\x05\x16\x07",
    }
    with pytest.raises(Rejected, match=r"has lost 202409-citibike-tripdata_2\.csv"):
        parts(tmp_path, files)
    del files["__MACOSX/._202409-citibike-tripdata_2.csv"]
    assert len(parts(tmp_path, files)) == 1


def test_the_same_file_twice_in_an_archive_is_refused(tmp_path: Path) -> None:
    part = lines(CURRENT, ride("A"))
    files: dict[str, str | bytes] = {"a_1.csv": part, "a_2.csv": lines(CURRENT, ride("B")), "a_3.csv": part}
    with pytest.raises(Rejected, match=r"a_3\.csv: is the same file as .*a_1\.csv"):
        parts(tmp_path, files)
    empty = lines(CURRENT)
    assert len(parts(tmp_path, files | {"a_2.csv": empty, "a_3.csv": empty})) == 3


def test_an_archive_without_rows_is_refused_but_one_empty_file_of_many_is_not(tmp_path: Path) -> None:
    with pytest.raises(Rejected, match=r"202409-citibike-tripdata\.zip: has no rows"):
        parts(tmp_path, {"a.csv": lines(CURRENT)})
    found = parts(tmp_path, {"a.csv": lines(CURRENT), "b.csv": lines(CURRENT, ride("A"))})
    assert [part.rows for part in found] == [0, 1]


@pytest.mark.parametrize(
    ("archive", "month", "rows"),
    [
        ("202401-citibike-tripdata.zip", "2024-01", 50_661),
        ("202409-citibike-tripdata.zip", "2024-09", 115_558),
        ("2020-citibike-tripdata.zip", "2020-02", 22_962),
    ],
)
def test_real_archives_have_the_rows_that_their_manifest_tells(
    tmp_path: Path,
    shared: Path,
    serve: Serve,
    settings: Configured,
    archive: str,
    month: str,
    rows: int,
) -> None:
    server = serve(shared)
    policy = settings(server.url)
    with Publisher(policy.download) as publisher:
        landed = CITIBIKE.fetch(Month(month), policy, tmp_path, publisher)
    assert landed.path.name == archive
    found = CITIBIKE.parts(landed, Month(month), tmp_path, policy.download)
    assert sum(part.rows for part in found) == rows
    assert all(part.name.startswith(f"{archive}/") for part in found)
