"""A month's CitiBike archive: several CSV members, and the resource forks that macOS packs beside them."""

from __future__ import annotations

import math
import zipfile
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from luigi_pipeline.core.months import Month
from luigi_pipeline.sample.bike_rides import NO_STATION, Rides, make_rides, wall_milliseconds
from luigi_pipeline.sample.clock import FloatArray, IntArray
from luigi_pipeline.sample.stations import stations

ROWS_PER_MEMBER = 1_000_000
FRACTIONS_SINCE = Month("2024-06")
COLUMNS = (
    "ride_id",
    "rideable_type",
    "started_at",
    "ended_at",
    "start_station_name",
    "start_station_id",
    "end_station_name",
    "end_station_id",
    "start_lat",
    "start_lng",
    "end_lat",
    "end_lng",
    "member_casual",
)
# The head of an AppleDouble file: magic number, version, and the system that wrote it.
_APPLE_DOUBLE = b"\x00\x05\x16\x07\x00\x02\x00\x00Mac OS X        \x00\x02\x00\x00\x00\x09\x00\x00"
_QUARANTINE = b"ATTR\x00\x00\x00\x00\x15com.apple.quarantine\x00q/0083;\xff\xfe\x8b;Safari;\x00"


def is_quoted(month: Month) -> bool:
    """Whether a month's CSV quotes all text and ends lines in CRLF. Months alternate."""
    return month.ordinal % 2 == 1


def _times(milliseconds: IntArray, month: Month) -> pa.Array:
    unit = "ms" if month >= FRACTIONS_SINCE else "s"
    values = wall_milliseconds(milliseconds) // (1 if unit == "ms" else 1000)
    return pa.array(values, pa.timestamp(unit)).cast(pa.string())


def _text(dictionary: object, position: IntArray, missing: object = None) -> pa.Array:
    values = np.asarray(dictionary, dtype=object)[np.maximum(position, 0)]
    return pa.array(values, pa.string(), mask=missing)


def _degrees(at: FloatArray, position: IntArray, drift: FloatArray) -> pa.Array:
    return pa.array(np.round(at[np.maximum(position, 0)] + drift, 9))


def _columns(rides: Rides, month: Month) -> list[pa.Array]:
    place = stations()
    no_start, no_end = rides.start == NO_STATION, rides.end == NO_STATION
    known = pa.array(~rides.lost_place)
    return [
        pa.array(rides.identifier.astype("U16"), pa.string()),
        _text(("classic_bike", "electric_bike"), rides.electric.astype(np.int64)),
        _times(rides.started, month),
        _times(rides.ended, month),
        _text(place.name, rides.start, no_start),
        _text(place.identifier, rides.start, no_start),
        _text(place.name, rides.end, no_end),
        _text(place.identifier, rides.end, no_end | rides.lost_id),
        _degrees(place.latitude, rides.start, rides.drift[:, 0]),
        _degrees(place.longitude, rides.start, rides.drift[:, 2]),
        pc.if_else(known, _degrees(place.latitude, rides.end, rides.drift[:, 1]), None),
        pc.if_else(known, _degrees(place.longitude, rides.end, rides.drift[:, 3]), None),
        _text(("casual", "member"), rides.member.astype(np.int64)),
    ]


def _csv(columns: list[pa.Array], quoted: bool) -> pa.Buffer:
    """Join columns to lines, one column at a time.

    Arrow's own writer supports neither CRLF nor both ways of quoting.
    """
    end_of_line = "\r\n" if quoted else "\n"
    fields = []
    for values in columns:
        field = values.cast(pa.string())
        if pa.types.is_string(values.type):
            needs_quotes = True if quoted else pc.match_substring(field, ",")
            in_quotes = pc.binary_join_element_wise('"', field, '"', "")
            field = pc.if_else(needs_quotes, in_quotes, field)
        fields.append(pc.fill_null(field, ""))
    last = pc.binary_join_element_wise(fields.pop(), end_of_line, "")
    lines = pc.binary_join_element_wise(*fields, last, ",")
    # The values of a string array are stored in memory one after the other, so they are the body of the file.
    _, offsets, body = lines.buffers()
    length = np.frombuffer(offsets, dtype=np.int32, count=len(lines) + 1)[-1]
    return body.slice(0, int(length))


def _header(quoted: bool) -> bytes:
    names = [f'"{name}"' for name in COLUMNS] if quoted else list(COLUMNS)
    return (",".join(names) + ("\r\n" if quoted else "\n")).encode()


def _entry(name: str, published: Month) -> zipfile.ZipInfo:
    entry = zipfile.ZipInfo(name, (published.year, published.number, 4, 9, 38, 14))
    entry.compress_type = zipfile.ZIP_DEFLATED
    entry.create_system = 3  # Unix, whatever system generates the sample
    entry.external_attr = 0o100644 << 16
    return entry


def write_bike_month(path: Path, seed: int, month: Month, rows: int) -> int:
    """Write a month's rides as CitiBike publishes them.

    Args:
        path: The zip file to write.
        seed: The sample's seed.
        month: The month of the file.
        rows: The number of rides in all its members together.

    Returns:
        The number of rides written.
    """
    rides = make_rides(seed, month, rows)
    quoted = is_quoted(month)
    per_member = min(ROWS_PER_MEMBER, math.ceil(rows / 2))
    published = month.next
    with zipfile.ZipFile(path, "w", compresslevel=4) as archive:
        for number, first in enumerate(range(0, rows, per_member), start=1):
            name = f"{month.compact}-citibike-tripdata_{number}.csv"
            columns = _columns(rides.take(slice(first, first + per_member)), month)
            with archive.open(_entry(name, published), "w", force_zip64=False) as member:
                member.write(_header(quoted))
                member.write(_csv(columns, quoted))
            # Its name also ends in .csv, and it comes before the next real member.
            archive.writestr(
                _entry(f"__MACOSX/._{name}", published),
                _APPLE_DOUBLE + bytes(300) + _QUARANTINE,
            )
    return len(rides.started)
