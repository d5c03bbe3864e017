"""Damage to CitiBike's archives. All values of a CSV are text here."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

from damage import NOVEMBER, OCTOBER, archive, bike_columns, bike_path, bikes, published

TIMES = ("started_at", "ended_at")
STATION = ("station_name", "station_id", "lat", "lng")
FORMAT = "'%Y-%m-%d %H:%M:%S.%g'"
START = "cast(started_at as timestamp)"


def moved(interval: str) -> dict[str, str]:
    return {name: f"strftime(cast({name} as timestamp) + interval {interval}, {FORMAT})" for name in TIMES}


def truncated(part: str) -> dict[str, str]:
    return {name: f"strftime(date_trunc('{part}', cast({name} as timestamp)), {FORMAT})" for name in TIMES}


def others(*columns: str) -> str:
    """A query in which each ride has some columns of another one."""
    numbered = "select *, row_number() over (order by hash(position)) as place from rides"
    taken = ", ".join(f"other.{name} as {name}" for name in columns)
    return (
        f"with numbered as ({numbered}) select rides.* exclude (place) replace ({taken}) from numbered as rides "
        "inner join numbered as other on other.place = (rides.place + 37) % (select count(*) from numbered) + 1"
    )


def part(number: int) -> str:
    return f"202410-citibike-tripdata_{number}.csv"


def without_part(number: int, *, with_fork: bool = True) -> Callable[[Path], None]:
    def drop(members: dict[str, bytes]) -> None:
        del members[part(number)]
        if with_fork:
            del members[f"__MACOSX/._{part(number)}"]

    return archive(drop)


def part_again(members: dict[str, bytes]) -> None:
    members[part(3)] = members[part(2)]


def part_in_place_of_another(members: dict[str, bytes]) -> None:
    members[part(1)] = members[part(2)]


def cut_in_a_row(members: dict[str, bytes]) -> None:
    members[part(2)] = members[part(2)][:-60]


def month_of_another_name(folder: Path) -> None:
    shutil.copy(bike_path(folder, NOVEMBER), bike_path(folder, OCTOBER))


def month_of_another_name_renamed(folder: Path) -> None:
    month_of_another_name(folder)
    archive(_renamed)(folder)


def _renamed(members: dict[str, bytes]) -> None:
    renamed = {name.replace("202411", "202410"): content for name, content in members.items()}
    members.clear()
    members.update(renamed)


WEEK = f"{START} between timestamp '2024-10-07' and timestamp '2024-10-13 23:59:59'"
JERSEY = {
    "start_station_id": "'JC' || lpad(cast(hash(start_station_id) % 120 as varchar), 3, '0')",
    "end_station_id": "'JC' || lpad(cast(hash(end_station_id) % 120 as varchar), 3, '0')",
    "start_lat": "cast(40.7 + (cast(start_lat as double) - 40.7) / 5 as varchar)",
    "end_lat": "cast(40.7 + (cast(end_lat as double) - 40.7) / 5 as varchar)",
    "start_lng": "cast(-74.05 + (cast(start_lng as double) + 74) / 5 as varchar)",
    "end_lng": "cast(-74.05 + (cast(end_lng as double) + 74) / 5 as varchar)",
}

DAMAGES = [
    published("bike first part lost", "the archive's first part is missing", without_part(1)),
    published("bike last part lost", "the archive's last part is missing", without_part(2)),
    published(
        "bike last part lost, its fork there",
        "the archive's last part is missing, but not what macOS left beside it",
        without_part(2, with_fork=False),
    ),
    published("bike part twice", "the second part is there as the third, too", archive(part_again)),
    published("bike part for another", "the first part holds the second's rides", archive(part_in_place_of_another)),
    published("bike part cut in a row", "the last row of the last part is cut off", archive(cut_in_a_row)),
    published(
        "bike day lost",
        "all rides of one day are missing",
        bikes(f"from rides where cast({START} as date) <> date '2024-10-16'"),
    ),
    published(
        "bike week twice", "the rides of a week are there twice", bikes(f"from rides union all from rides where {WEEK}")
    ),
    published(
        "bike week twice, other ids",
        "the rides of a week are there twice, the second time under other ids",
        bikes(
            f"from rides union all select * replace (upper(left(md5(ride_id), 16)) as ride_id) from rides where {WEEK}"
        ),
    ),
    published(
        "bike rows twice",
        "one row in twenty is there twice",
        bikes("from rides union all from rides where position % 20 = 3"),
    ),
    published(
        "bike months exchanged, renamed",
        "November's archive under October's name, its members too",
        month_of_another_name_renamed,
    ),
    published("bike hour late", "times are an hour late", bike_columns(**moved("1 hour"))),
    published("bike hour early", "times are an hour early", bike_columns(**moved("(-1) hour"))),
    published("bike times in UTC", "times are UTC, four hours ahead of New York's", bike_columns(**moved("4 hour"))),
    published(
        "bike times exchanged",
        "start and end time exchanged",
        bike_columns(started_at="ended_at", ended_at="started_at"),
    ),
    published(
        "bike places exchanged",
        "start and end station exchanged, and where they are",
        bike_columns(
            **{f"{a}_{name}": f"{b}_{name}" for a, b in (("start", "end"), ("end", "start")) for name in STATION}
        ),
    ),
    published(
        "bike stations exchanged",
        "start and end station exchanged, but not where they are",
        bike_columns(
            **{f"{a}_{name}": f"{b}_{name}" for a, b in (("start", "end"), ("end", "start")) for name in STATION[:2]}
        ),
    ),
    published(
        "bike station ids of others",
        "each ride has the id of another one's start station",
        bikes(others("start_station_id")),
    ),
    published(
        "bike station ids as numbers",
        "station ids were read as numbers: 5065.10 is 5065.1",
        bike_columns(
            **{
                name: f"coalesce(cast(try_cast({name} as double) as varchar), {name})"
                for name in ("start_station_id", "end_station_id")
            }
        ),
    ),
    published(
        "bike ride ids by a spreadsheet",
        "ride ids that look like numbers were made numbers: 36212525220441E5 is 3.62125E+18",
        bike_columns(
            ride_id="case when try_cast(ride_id as double) is null then ride_id else format('{:.5E}', cast(ride_id "
            "as double)) end"
        ),
    ),
    published(
        "bike ride ids as floats",
        "ride ids that look like numbers were made floats: 36212525220441E5 is 3.6212525220441e+18",
        bike_columns(ride_id="coalesce(cast(try_cast(ride_id as double) as varchar), ride_id)"),
    ),
    published("bike ride ids cut", "ride ids are cut to four characters", bike_columns(ride_id="left(ride_id, 4)")),
    published("bike ride ids empty", "the column ride_id is empty", bike_columns(ride_id="null")),
    *(
        published(f"bike {name} empty", f"the column {name} is empty", bike_columns(**{name: "null"}))
        for name in (
            "start_station_name",
            "end_lng",
            "member_casual",
        )
    ),
    published(
        "bike riders exchanged",
        "members and casual riders exchanged",
        bike_columns(member_casual="case member_casual when 'member' then 'casual' else 'member' end"),
    ),
    published("bike riders all members", "every rider is a member", bike_columns(member_casual="'member'")),
    published(
        "bike riders in capitals",
        "kinds of riders begin with a capital",
        bike_columns(member_casual="upper(left(member_casual, 1)) || substr(member_casual, 2)"),
    ),
    published("bike times at midnight", "times have lost their time of day", bike_columns(**truncated("day"))),
    published(
        "bike day and month exchanged",
        "9 October is read as 10 September, where that is a date",
        bike_columns(
            **{
                name: f"case when cast({name}[9:10] as integer) <= 12 "
                f"then {name}[1:5] || {name}[9:10] || '-' || {name}[6:7] || {name}[11:] else {name} end"
                for name in TIMES
            }
        ),
    ),
    published(
        "bike twelve-hour clock",
        "the afternoon's hours are counted from 0 again",
        bike_columns(
            **{
                name: f"strftime(cast({name} as timestamp) - interval 12 hour * (hour(cast({name} as timestamp)) "
                f">= 12)::integer, {FORMAT})"
                for name in TIMES
            }
        ),
    ),
    published(
        "bike hour of the day lost",
        "the rides from 9 to 10 h are missing on each day",
        bikes(f"from rides where hour({START}) <> 9"),
    ),
    published(
        "bike nights lost", "the rides from midnight to 6 h are missing", bikes(f"from rides where hour({START}) >= 6")
    ),
    published("bike every other row lost", "every other row is missing", bikes("from rides where position % 2 = 0")),
    published(
        "bike electric bikes lost",
        "the rides on electric bikes are missing",
        bikes("from rides where rideable_type <> 'electric_bike'"),
    ),
    published(
        "bike repeated hour twice",
        "the rides of the hour that November has twice are there twice",
        bikes(
            f"from rides union all from rides where date_trunc('hour', {START}) = timestamp '2024-11-03 01:00:00'",
            NOVEMBER,
        ),
    ),
    published("bike file of Jersey City", "Jersey City's rides under New York's name", bike_columns(**JERSEY)),
    published(
        "bike file of another city",
        "Chicago's rides: the same columns",
        bike_columns(
            start_lat="cast(cast(start_lat as double) + 1.15 as varchar)",
            end_lat="cast(cast(end_lat as double) + 1.15 as varchar)",
            start_lng="cast(cast(start_lng as double) - 13.6 as varchar)",
            end_lng="cast(cast(end_lng as double) - 13.6 as varchar)",
        ),
    ),
    published(
        "bike latitude and longitude exchanged",
        "latitude and longitude exchanged at the end",
        bike_columns(end_lat="end_lng", end_lng="end_lat"),
    ),
    published(
        "bike places rounded",
        "coordinates are rounded to whole degrees",
        bike_columns(
            start_lat="cast(round(cast(start_lat as double)) as varchar)",
            start_lng="cast(round(cast(start_lng as double)) as varchar)",
        ),
    ),
    published(
        "bike places of others",
        "each ride has the end of another one, its coordinates too",
        bikes(others("end_station_id", "end_station_name", "end_lat", "end_lng")),
    ),
    published(
        "bike durations doubled",
        "rides take twice as long",
        bike_columns(
            ended_at="strftime(cast(ended_at as timestamp) + (cast(ended_at as timestamp) - cast(started_at as "
            "timestamp)),"
            f" {FORMAT})"
        ),
    ),
    published(
        "bike station lost",
        "the rides from one station, one in a hundred, are missing",
        bikes("from rides where start_station_id is distinct from '5065.10'"),
    ),
    published("bike ends of others", "each ride has the end time of another one", bikes(others("ended_at"))),
]
