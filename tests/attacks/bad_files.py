"""What publishers must not send, what they may, and what is said of it: one line a case.

A case is its name, how its file is made for a month, and words that the one line on the console must have.
"""

import datetime as dt
import gzip
import io
import json
import random
import stat
import struct
import warnings
import zipfile
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

import pyarrow as pa
import pyarrow.parquet as pq
from support import CURRENT, LAUGHS, LEGACY, legacy_ride, lines, listing, ride, taxi_trips

from luigi_pipeline.sample import Fault

HTML = b"<!DOCTYPE html>\n<html><body><h1>We'll be right back</h1></body></html>\n"
MAX_ARCHIVE_BYTES = 2_000_000


class Case(NamedTuple):
    """A file that is sent for a month, or a fault in sending the good one, and what is said of it."""

    name: str
    make: Callable[..., bytes | Fault]  # of the month; of weather, of the good answer
    told: str


# How files are made


def taxi(month: str, table: pa.Table | None = None, **changes: pa.Array | None) -> bytes:
    """A month's trips, with columns changed as `taxi_trips` has it."""
    moments = pa.array([dt.datetime.fromisoformat(f"{month}-0{day}T10:00:00") for day in (1, 2, 3)])
    times = {"tpep_pickup_datetime": moments, "tpep_dropoff_datetime": moments}
    buffer = io.BytesIO()
    pq.write_table(taxi_trips(**(times | changes)) if table is None else table, buffer)
    return buffer.getvalue()


def green(month: str) -> bytes:
    """What TLC publishes of green taxis."""
    columns = taxi_trips().to_pydict() | {"ehail_fee": [None] * 3, "trip_type": [1] * 3}
    return taxi(month, pa.table({name.replace("tpep", "lpep"): values for name, values in columns.items()}))


def with_a_hole(content: bytes) -> bytes:
    """A file whose first data page is overwritten."""
    return content[:4] + bytes([0xFF]) * 60 + content[64:]


def day(month: str, count: int = 3, **other: str) -> list[str]:
    """Rides of one day in a month."""
    times = {"started": f"{month}-05 10:00:00", "ended": f"{month}-05 10:10:00"} | other
    return [ride(f"{month}{number}", **times) for number in range(count)]


def rides(month: str, count: int = 3, **other: str) -> str:
    """A CSV file of rides."""
    return lines(CURRENT, *day(month, count, **other))


def zipped(files: Mapping[str, str | bytes], method: int = zipfile.ZIP_DEFLATED, attributes: int = 0) -> bytes:
    """An archive."""
    buffer = io.BytesIO()
    with warnings.catch_warnings(), zipfile.ZipFile(buffer, "w", method) as archive:
        warnings.simplefilter("ignore")
        for name, content in files.items():
            entry = zipfile.ZipInfo(name.removesuffix(" again"))
            entry.external_attr = attributes << 16
            archive.writestr(entry, content, method)
    return buffer.getvalue()


def bikes(month: str, text: str | bytes | None = None) -> bytes:
    """An archive with one CSV file."""
    return zipped({f"{month}.csv": rides(month) if text is None else text})


def changed(content: bytes, at: int, to: bytes) -> bytes:
    """Some bytes in the place of others, counted from the directory's entry."""
    start = content.rindex(b"PK\x01\x02") + at
    return content[:start] + to + content[start + len(to) :]


def encrypted(content: bytes) -> bytes:
    """An archive that says that it is."""
    return changed(content[:6] + b"\x01" + content[7:], 8, b"\x01")


def legacy(month: str) -> str:
    """One ride in the legacy schema."""
    return lines(LEGACY, legacy_ride(f"{month}-05 10:00:00.1230", f"{month}-05 10:30:00.0000"))


def sized(content: bytes) -> bytes:
    """An archive whose directory tells another size than its member has."""
    return changed(content, 24, struct.pack("<I", 10))


def with_bad_crc(month: str) -> bytes:
    """An archive in which a byte of a member is another."""
    content = zipped({f"{month}.csv": rides(month)}, zipfile.ZIP_STORED)
    return content.replace(b"classic_bike", b"classic_bake", 1)


def noise(size: int) -> bytes:
    """Text that hardly packs."""
    return random.Random(size).randbytes(size // 2).hex().encode()


def nested(content: bytes, *names: str) -> bytes:
    """An archive in an archive in an archive."""
    for name in names:
        content = zipped({name: content}, zipfile.ZIP_STORED)
    return content


def weather(change: Callable[[dict[str, Any]], Any]) -> Callable[[bytes], bytes]:
    """A change to the publisher's answer."""

    def make(answer: bytes) -> bytes:
        body = json.loads(answer)
        change(body)
        return json.dumps(body).encode()

    return make


# What is refused

TAXI = [
    Case("HTML with status 200", lambda m: HTML, "is not Parquet; it begins with b'<!DO'"),
    Case("no bytes", lambda m: b"", "is not Parquet; it is empty"),
    Case("gzip", lambda m: gzip.compress(taxi(m)), "is not Parquet; it begins with b'\\x1f\\x8b"),
    Case("cut in half", lambda m: taxi(m)[: len(taxi(m)) // 2], "is cut off"),
    Case(
        "cut, with a length", lambda m: Fault(f"_{m}.", kind="truncate", times=9, sent=0), "received 0 bytes, expected"
    ),
    Case("cut, without", lambda m: Fault(f"_{m}.", kind="truncate", times=9, with_length=False), "is cut off"),
    Case("a hole in it", lambda m: with_a_hole(taxi(m)), ".parquet"),
    Case("a footer of noise", lambda m: b"PAR1" + noise(400) + b"PAR1", "is not a readable Parquet file"),
    Case("a name that is no text", lambda m: taxi(m).replace(b"extra", b"ex\xebra"), "is not a readable Parquet file"),
    Case("a column missing", lambda m: taxi(m, trip_distance=None), "missing column trip_distance"),
    Case("text in a number", lambda m: taxi(m, passenger_count=pa.array(["1", "two", "3"])), "'two' to DOUBLE"),
    Case("a fraction", lambda m: taxi(m, passenger_count=pa.array([1, 2.5, 3])), "passenger_count has a fraction: 2.5"),
    Case("lists", lambda m: taxi(m, extra=pa.array([[1.0], [2.0], []])), "source column extra"),
    Case("numbers as times", lambda m: taxi(m, tpep_pickup_datetime=pa.array([1, 2, 3])), "tpep_pickup_datetime"),
    Case("a zone", lambda m: taxi(m, tpep_pickup_datetime=pa.array([0] * 3, pa.timestamp("us", "UTC"))), "zone UTC"),
    Case("green", green, "missing column tpep_dropoff_datetime, tpep_pickup_datetime"),
    Case("no rows", lambda m: taxi(m, taxi_trips(0)), "has no rows"),
    Case("another month", lambda m: taxi("2019-09"), "0 of its 3 rows are of 2022-"),
    Case("columns of one name", lambda m: taxi(m, vendorid=pa.array([1, 2, 3])), "same name: vendor_id"),
    Case("a column without a name", lambda m: taxi(m, **{"": pa.array([1, 2, 3])}), "can bear the name ''"),
    Case("a reader's own column", lambda m: taxi(m, file_row_number=pa.array([1, 2, 3])), "named file_row_number"),
]

BIKES = [
    Case("HTML with status 200", lambda m: HTML, "is not a zip archive; it begins with b'<!DO'"),
    Case("no bytes", lambda m: b"", "is not a zip archive; it is empty"),
    Case("gzip", lambda m: gzip.compress(rides(m).encode()), "is not a zip archive; it begins with b'\\x1f\\x8b"),
    Case("cut in half", lambda m: bikes(m)[: len(bikes(m)) // 2], "is a damaged zip archive"),
    Case("a size that is not so", lambda m: sized(bikes(m)), "is a damaged zip archive"),
    Case("a bad CRC", with_bad_crc, "is a damaged zip archive (Bad CRC-32"),
    Case("a bomb by its ratio", lambda m: bikes(m, b"0" * 1_000_000), "over download.max_archive_ratio"),
    Case("a bomb by its size", lambda m: bikes(m, noise(2_200_000)), "over download.max_archive_bytes"),
    Case(
        "a bomb of many",
        lambda m: zipped({f"{n}.zip": bikes(m, noise(400_000)) for n in range(5)}, zipfile.ZIP_STORED),
        "/2.zip: would unpack to",
    ),
    Case("nested too deep", lambda m: nested(bikes(m), "c.zip", "b.zip", "a.zip"), "nested more than 3 deep"),
    Case("../", lambda m: zipped({f"../{m}.csv": rides(m)}), "would leave the folder"),
    Case("an absolute path", lambda m: zipped({f"/tmp/{m}.csv": rides(m)}), "would leave the folder"),
    Case("..\\", lambda m: zipped({f"x\\..\\..\\{m}.csv": rides(m)}), "would leave the folder"),
    Case("a link", lambda m: zipped({"a.csv": "/etc/passwd"}, attributes=stat.S_IFLNK | 0o777), "is a link"),
    Case("a newline in a name", lambda m: zipped({"a\nb.csv": rides(m)}), "'a\\nb.csv' has control characters"),
    Case("a terminal's commands", lambda m: zipped({"a\x1b[2Jb.csv": rides(m)}), "'a\\x1b[2Jb.csv' has control"),
    Case(
        "a name of 10,000 letters", lambda m: zipped({"a" * 10_000 + ".csv": rides(m)}), "has a name that is too long"
    ),
    Case("one name twice", lambda m: zipped({"a.csv": rides(m), "a.csv again": rides(m)}), "'a.csv' is there 2 times"),
    Case("encrypted", lambda m: encrypted(bikes(m)), ".csv' is encrypted"),
    Case("packed by LZMA", lambda m: zipped({"a.csv": rides(m)}, zipfile.ZIP_LZMA), "is packed by method 14"),
    Case("an empty zip", lambda m: zipped({}), "holds no CSV file"),
    Case("macOS's files alone", lambda m: zipped({"__MACOSX/._a.csv": b"\0\5", "__MACOSX/b.csv": ""}), "holds no CSV"),
    Case("another header", lambda m: bikes(m, lines("a,b,c", "1,2,3")), "lacks end_lat, end_lng, end_station_id"),
    Case("a row too short", lambda m: bikes(m, rides(m) + "x,y\n" + day(m)[0]), ".csv: line 5 has 2 values, not 13"),
    Case("a row too long", lambda m: bikes(m, rides(m) + day(m)[0] + ",x\n"), ".csv: line 5 has 14 values, not 13"),
    Case("an open quote", lambda m: bikes(m, rides(m) + day(m)[0].replace("Park", '"Park')), "line 5 has a quote that"),
    Case("NUL bytes", lambda m: bikes(m, rides(m).replace("Park", "Pa\0rk")), "has NUL bytes"),
    Case("Latin-1", lambda m: bikes(m, rides(m).replace("Park", "Café").encode("latin-1")), "line 2 is not UTF-8, at"),
    Case("UTF-16", lambda m: bikes(m, rides(m).encode("utf-16")), "has NUL bytes"),
    Case(
        "another form of dates", lambda m: bikes(m, rides(m, started="05.03.21 10:00")), "started_at has a time in an"
    ),
    Case("letters in a number", lambda m: bikes(m, rides(m, end_lat="north")), "'north' to DOUBLE"),
    Case("a header alone", lambda m: bikes(m, lines(CURRENT)), "has no rows"),
    Case("an empty CSV", lambda m: bikes(m, ""), "has no header"),
    Case("another month", lambda m: bikes("2019-09"), "0 of its 3 rows are of 20"),
    Case(
        "shards that are not the whole",
        lambda m: zipped({"a.csv": rides(m), "a_1.csv": rides(m, 1), "a_2.csv": lines(CURRENT, day(m)[1])}),
        "and they differ: a.csv (3 rows) against a_1.csv (1 row), a_2.csv (1 row)",
    ),
]

# By year, as the bucket is listed year by year. What is kept of them is the listing.
LISTINGS = [
    Case("HTML with status 200", lambda y: HTML, "does not answer with a bucket's listing"),
    Case("another XML", lambda y: b"<Error><Code>AccessDenied</Code></Error>", "answers with Error, not with a"),
    Case("a billion laughs", lambda y: listing("&j;", before=f"{LAUGHS}]>"), "it declares a document type"),
    Case(
        "a local file",
        lambda y: listing("&j;", before='<!DOCTYPE l [<!ENTITY j SYSTEM "file:///etc/passwd">]>'),
        "it declares a document type",
    ),
    Case("half a page", lambda y: listing("x", after="<IsTruncated>true</IsTruncated>"), "ends in the middle"),
    Case("cut in half", lambda y: listing(f"{y}06-citibike-tripdata.zip")[:-40], "does not answer with a bucket's"),
    Case(
        "keys that lead elsewhere",
        lambda y: listing(
            f"../{y}06-citibike-tripdata.zip", f"/{y}06-citibike-tripdata.zip", f"{y}06-citibike-/../x.zip"
        ),
        "has no archive for",
    ),
]

WEATHER = [
    Case("HTML with status 200", lambda a: HTML, "is not weather"),
    Case("no bytes", lambda a: b"", "is not weather"),
    Case("cut in half", lambda a: a[: len(a) // 2], "is not weather"),
    Case("an error", lambda a: b'{"error": true, "reason": "Daily limit of patience"}', "Daily limit of patience"),
    Case("a short array", weather(lambda b: b["hourly"]["rain"].pop()), "rain has"),
    Case("an array missing", weather(lambda b: b["hourly"].pop("snowfall")), "snowfall has 0 values for"),
    Case("an offset", weather(lambda b: b.update(utc_offset_seconds=-14400)), "is -14400 seconds off UTC"),
    Case("another unit", weather(lambda b: b["hourly_units"].update(wind_speed_10m="km/h")), "is in 'km/h', not in"),
    Case("NaN", weather(lambda b: b["hourly"]["rain"].__setitem__(30, float("nan"))), "rain is nan at"),
    Case("text", weather(lambda b: b["hourly"]["rain"].__setitem__(30, "0.5")), "rain is '0.5' at"),
    Case(
        "an hour missing",
        weather(lambda b: [values.pop(30) for values in b["hourly"].values()]),
        "does not have each hour from",
    ),
    Case(
        "an hour twice",
        weather(lambda b: [values.__setitem__(30, values[29]) for values in b["hourly"].values()]),
        "does not have each hour from",
    ),
    Case(
        "another month",
        weather(lambda b: b["hourly"].update(time=[time.replace("2022", "2021") for time in b["hourly"]["time"]])),
        "does not have each hour from",
    ),
]

# What is loaded, and what is said of it where something is


class Good(NamedTuple):
    """A file that looks odd and is not, how many rows it has, and what its marker tells of its columns."""

    name: str
    make: Callable[[str], bytes]
    rows: int = 3
    change: str = ""


HOSTILE = "x\"'; drop table raw_data.trips; --"

GOOD_TAXI = [
    Good("as published", taxi),
    Good(
        "an unknown column", lambda m: taxi(m, **{HOSTILE: pa.array([1, 2, 3])}), 3, "new column x_drop_table_raw_data"
    ),
    Good("text that casts", lambda m: taxi(m, RatecodeID=pa.array(["1", "99", None])), 3, "ratecode_id is VARCHAR"),
    Good(
        "no surcharges yet", lambda m: taxi(m, congestion_surcharge=None, Airport_fee=None), 3, "no column airport_fee"
    ),
]

GOOD_BIKES = [
    Good("as published", bikes),
    Good(
        "a file and its shards",
        lambda m: zipped({"x/a.csv": rides(m), "x/a_1.csv": rides(m, 2), "x/a_2.csv": lines(CURRENT, day(m)[2])}),
    ),
    Good("a BOM, CRLF and empty lines", lambda m: bikes(m, ("\ufeff" + rides(m) + "\n\n").replace("\n", "\r\n"))),
    Good("letters of all alphabets", lambda m: bikes(m, rides(m, start_station_name="Café Łódź 東京 🚲"))),
    Good("hostile names", lambda m: zipped({f"{HOSTILE}.csv": rides(m), "__MACOSX\\._b.csv": b"\0"})),
    Good("a hostile column", lambda m: bikes(m, rides(m).replace("\n", ',"it\'s; drop"\n')), 3, "new column it_s_drop"),
    Good("a column with a digit", lambda m: bikes(m, rides(m).replace("\n", ",2nd\n")), 3, "new column _2nd"),
    Good("archives in archives", lambda m: nested(bikes(m), f"{m}.zip", "year.zip")),
    Good("both schemas", lambda m: zipped({"a.csv": rides(m), "b.csv": legacy(m)}), 4),
]
