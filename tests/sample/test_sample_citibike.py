"""The CitiBike archives: members, spelling, oddities, rhythm, weather."""

import re
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest
from fixtures import Row

from luigi_pipeline.sample.generator import generate

ROWS = 8000
Query = Callable[[str], list[Row]]
HEADER = (
    "ride_id,rideable_type,started_at,ended_at,start_station_name,start_station_id,"
    "end_station_name,end_station_id,start_lat,start_lng,end_lat,end_lng,member_casual"
)


def _archive(sample: Path, month: str) -> zipfile.ZipFile:
    return zipfile.ZipFile(sample / f"tripdata/{month}-citibike-tripdata.zip")


def test_members_are_two_csvs_and_what_macos_leaves(sample: Path) -> None:
    with _archive(sample, "202411") as archive:
        assert archive.namelist() == [
            "202411-citibike-tripdata_1.csv",
            "__MACOSX/._202411-citibike-tripdata_1.csv",
            "202411-citibike-tripdata_2.csv",
            "__MACOSX/._202411-citibike-tripdata_2.csv",
        ]
        assert archive.testzip() is None
        assert {entry.date_time for entry in archive.infolist()} == {(2024, 12, 4, 9, 38, 14)}
        hidden = archive.read("__MACOSX/._202411-citibike-tripdata_1.csv")
        assert hidden.startswith(b"\x00\x05\x16\x07")
        with pytest.raises(UnicodeDecodeError):
            hidden.decode()
        lines = [archive.read(name).count(b"\n") for name in archive.namelist()[::2]]
        assert lines == [4001, 4001]


def test_quoting_and_line_ends_differ_between_months(sample: Path) -> None:
    with _archive(sample, "202410") as archive:
        quoted = archive.read("202410-citibike-tripdata_1.csv").decode()
    with _archive(sample, "202411") as archive:
        plain = archive.read("202411-citibike-tripdata_1.csv").decode()
    assert quoted.split("\r\n")[0] == ",".join(f'"{name}"' for name in HEADER.split(","))
    assert quoted.count("\n") == quoted.count("\r\n")
    assert plain.split("\n")[0] == HEADER
    assert "\r" not in plain
    # A comma in a name is quoted in both; a null is nothing at all, not a pair of quotes.
    assert '"Dock St, Front St"' in quoted
    assert ',"Dock St, Front St",' in plain
    assert '""' not in quoted
    assert re.search(r'"2024-10-\d\d \d\d:\d\d:\d\d\.\d{3}"', quoted)


def test_fractions_of_seconds_came_in_2024(tmp_path: Path) -> None:
    generate(tmp_path, months=["2024-02"], taxi_trips_per_month=100, rides_per_month=200)
    with _archive(tmp_path, "202402") as archive:
        first = archive.read("202402-citibike-tripdata_1.csv").decode().splitlines()[1]
    assert re.search(r'"?2024-0\d-\d\d \d\d:\d\d:\d\d"?,', first)


def test_ids_are_text(query: Query) -> None:
    rows, ids, numeric, trailing_zero = query("""
        select count(*), count(distinct ride_id),
            count(*) filter (regexp_full_match(ride_id, '[0-9]{14}E[0-9]')),
            count(distinct start_station_id) filter (start_station_id like '%.10')
        from rides
        """)[0]
    assert rows == 2 * ROWS
    assert ids == 2 * ROWS - 3  # three rides over the end of October stand in both files
    assert numeric >= 30
    assert trailing_zero >= 3
    assert query("select count(*) > 0 from rides where start_station_id = '5065.10'")[0][0]


def test_ride_in_two_files_is_the_same_in_both(query: Query) -> None:
    rows, distinct_rows, ids = query("""
        with bare as (select * exclude (month) from rides)
        select count(*), (select count(*) from (select distinct * from bare)),
            count(distinct ride_id)
        from bare
        """)[0]
    assert (rows, distinct_rows, ids) == (2 * ROWS, 2 * ROWS - 3, 2 * ROWS - 3)


def test_late_2024_files_hold_the_rides_that_ended_in_them(
    query: Query,
) -> None:
    straying = query(
        "select month, count(*) filter (strftime(started_at, '%Y%m') < month),"
        " count(*) filter (strftime(ended_at, '%Y%m') > month) from rides"
        " group by month order by month"
    )
    assert straying == [("202410", 12, 3), ("202411", 12, 3)]


def test_files_before_june_2024_hold_the_rides_that_started_in_them(tmp_path: Path) -> None:
    generate(tmp_path, months=["2024-04"], taxi_trips_per_month=100, rides_per_month=1000)
    starts = []
    with _archive(tmp_path, "202404") as archive:
        for name in archive.namelist()[::2]:
            lines = archive.read(name).decode().splitlines()[1:]
            starts += [line.replace('"', "").split(",")[2][:7] for line in lines]
    assert starts.count("2024-03") == 3
    assert starts.count("2024-04") == 997


def test_nulls(query: Query) -> None:
    no_end, no_start, name_only, no_place, no_place_but_station = query("""
        select count(*) filter (end_station_id is null and end_station_name is null),
            count(*) filter (start_station_id is null),
            count(*) filter (end_station_id is null and end_station_name is not null),
            count(*) filter (end_lat is null and end_lng is null),
            count(*) filter (end_lat is null and end_station_name is not null)
        from rides
        """)[0]
    assert (no_end, no_start, name_only) == (2 * (24 + 2), 2 * 3, 2 * 5)
    assert (no_place, no_place_but_station) == (2 * 3, 0)


def test_rides_over_the_repeated_hour_end_before_they_start(
    query: Query,
) -> None:
    backwards, dates, hours = query(
        "select count(*), list(distinct started_at::date::varchar), list(distinct hour(ended_at))"
        " from rides where ended_at < started_at"
    )[0]
    assert backwards >= 3
    assert dates == ["2024-11-03"]
    assert hours == [1]


def test_durations(query: Query) -> None:
    shortest, median, days, electric_faster = query("""
        with timed as (select *, epoch(ended_at - started_at) / 60 as minutes from rides)
        select min(minutes) filter (started_at::date <> '2024-11-03'), median(minutes),
            count(*) filter (minutes > 24 * 60),
            median(minutes) filter (rideable_type = 'classic_bike')
                > median(minutes) filter (rideable_type = 'electric_bike') from timed
        """)[0]
    assert shortest >= 1
    assert 7 < median < 13
    assert days == 2 * 4
    assert electric_faster


def test_bikes_peak_at_eight_and_at_five_on_weekdays(query: Query) -> None:
    hours: dict[int, int] = dict(
        query("select hour(started_at), count(*) from rides where isodow(started_at) <= 5 group by 1")
    )
    morning = {hour: hours[hour] for hour in range(5, 12)}
    evening = {hour: hours[hour] for hour in range(12, 24)}
    assert max(morning, key=morning.__getitem__) == 8
    assert max(evening, key=evening.__getitem__) in (17, 18)
    assert hours[3] < 0.05 * hours[8]
    weekend: dict[int, int] = dict(
        query("select hour(started_at), count(*) from rides where isodow(started_at) > 5 group by 1")
    )
    assert max(weekend, key=weekend.__getitem__) in range(12, 18)


@pytest.mark.parametrize(
    ("table", "start", "lowest", "highest"),
    [("rides", "started_at", 0.4, 0.65), ("taxi", "tpep_pickup_datetime", 0.95, 1.25)],
)
def test_rain_halves_riding_and_hardly_moves_taxis(
    query: Query, table: str, start: str, lowest: float, highest: float
) -> None:
    """Rain of the hour, against dry hours of the same month, hour and kind of day."""
    effect = query(f"""
        with
        hours as (
            select hour_utc, (hour_utc at time zone 'UTC') at time zone 'America/New_York' as nyc,
                lead(water) over (order by hour_utc) as falls,
                lead(snow) over (order by hour_utc) as snows
            from weather),
        trips as (select date_trunc('hour', {start}) as nyc, count(*) as trips
            from {table} group by all),
        joined as (
            select month(nyc) as m, hour(nyc) as h, isodow(nyc) > 5 as weekend, falls > 0 as wet,
                coalesce(trips, 0) as trips
            from hours left join trips using (nyc)
            where nyc between '2024-10-01' and '2024-11-30 23:00' and snows = 0
                and nyc::date not in ('2024-11-03')),
        dry as (select m, h, weekend, avg(trips) as expected from joined where not wet
            group by all)
        select sum(trips) / sum(expected) from joined join dry using (m, h, weekend) where wet
        """)[0][0]
    assert lowest < effect < highest
