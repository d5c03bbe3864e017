"""Open-Meteo's hours: all of a New York month in UTC, in the units that were asked for, or the answer is refused."""

import datetime as dt
import json
from collections.abc import Callable
from pathlib import Path
from time import monotonic
from typing import Any

import httpx
import pyarrow.parquet as pq
import pytest
from fixtures import Configured, Serve

from luigi_pipeline.config.settings import Download, Settings
from luigi_pipeline.core.errors import FetchFailed, NotPublished, Rejected
from luigi_pipeline.core.months import Month
from luigi_pipeline.sample import Fault, Publishers, generate
from luigi_pipeline.sources import SOURCES, Landed
from luigi_pipeline.sources.http import Publisher

WEATHER = SOURCES["weather"]
FIRST, LAST = "2024-11-01T04:00", "2024-12-01T05:00"  # New York's November: 720 hours and one more, in UTC


def fetch(settings: Settings, folder: Path, month: str = "2024-11") -> Landed:
    with Publisher(settings.download) as publisher:
        return WEATHER.fetch(Month(month), settings, folder, publisher)


def hours(fetched: Landed) -> list[str]:
    times: list[str] = json.loads(fetched.path.read_bytes())["hourly"]["time"]
    return times


@pytest.fixture
def answer(publishers: Publishers, settings: Configured) -> dict[str, Any]:
    """What the API answers for November, for a test to change."""
    request = WEATHER.request(Month("2024-11"), settings(publishers.url))
    body: dict[str, Any] = httpx.get(request["url"], params=request["params"]).raise_for_status().json()
    publishers.log.clear()
    return body


@pytest.fixture
def fetch_changed(publishers: Publishers, settings: Configured, tmp_path: Path) -> Callable[[Any], Landed]:
    """Fetch November where the API answers with another body, and status 200."""

    def changed(body: Any) -> Landed:
        content = body if isinstance(body, bytes) else json.dumps(body).encode()
        fault = Fault("/v1/archive", kind="garbage", body=content, content_type="application/json")
        publishers.faults.add(fault)
        return fetch(settings(publishers.url), tmp_path)

    return changed


def test_gmt_and_metric_units_are_asked_for(publishers: Publishers, settings: Configured, tmp_path: Path) -> None:
    place = {"location": {"latitude": 40.5, "longitude": -73.5}}
    fetch(settings(publishers.url, {"sources": {"weather": place}}), tmp_path)
    (request,) = publishers.log
    assert request.path == "/v1/archive"
    assert request.query["timezone"] == "GMT"
    assert request.query["wind_speed_unit"] == "ms"
    assert (request.query["start_date"], request.query["end_date"]) == ("2024-11-01", "2024-12-01")
    assert (request.query["latitude"], request.query["longitude"]) == ("40.5", "-73.5")
    assert set(request.query["hourly"].split(",")) == set(WEATHER.columns) - {"time"}


@pytest.mark.parametrize(
    ("month", "dates", "first", "last", "count"),
    [
        ("2024-11", None, FIRST, LAST, 722),
        ("2024-10", None, "2024-10-01T04:00", "2024-11-01T04:00", 745),
        ("2024-11", ("2024-10-01", "2024-11-03"), FIRST, "2024-11-04T05:00", 74),
        ("2024-11", ("2024-11-03", "2024-11-03"), "2024-11-03T04:00", "2024-11-04T05:00", 26),
        ("2024-11", ("2024-11-29", "2024-12-02"), "2024-11-29T05:00", LAST, 49),
    ],
)
def test_a_month_is_the_utc_hours_of_its_new_york_days_and_one_more(
    publishers: Publishers,
    settings: Configured,
    tmp_path: Path,
    month: str,
    dates: tuple[str, str] | None,
    first: str,
    last: str,
    count: int,
) -> None:
    changes = {"sources": {"weather": dict(zip(("start_date", "end_date"), dates, strict=True))}} if dates else {}
    found = hours(fetch(settings(publishers.url, changes), tmp_path, month))
    assert (found[0], found[-1], len(found)) == (first, last, count)
    assert len(set(found)) == count
    assert found == sorted(found)


def test_the_month_in_which_clocks_go_forward_has_an_hour_less(
    serve: Serve, settings: Configured, tmp_path: Path
) -> None:
    published = tmp_path / "published"
    generate(published, months=["2024-03"], taxi_trips_per_month=100, rides_per_month=100)
    dates = {"sources": {"weather": {"start_date": "2024-03-01", "end_date": "2024-03-31"}}}
    found = hours(fetch(settings(serve(published).url, dates), tmp_path, "2024-03"))
    assert (found[0], found[-1], len(found)) == ("2024-03-01T05:00", "2024-04-01T04:00", 744)


def test_the_values_are_those_of_the_answer_at_the_same_hours(
    publishers: Publishers, settings: Configured, tmp_path: Path, answer: dict[str, Any]
) -> None:
    fetched = fetch(settings(publishers.url), tmp_path)
    (part,) = WEATHER.parts(fetched, Month("2024-11"), tmp_path, Download())
    assert part.name == "open-meteo-archive_2024-11.json"
    assert part.rows == 722
    table = pq.read_table(part.path).to_pydict()
    assert list(table) == list(WEATHER.columns)
    assert table["time"][0] == dt.datetime(2024, 11, 1, 4)
    assert table["time"][-1] == dt.datetime(2024, 12, 1, 5)
    published = dict(zip(answer["hourly"]["time"], range(len(answer["hourly"]["time"])), strict=True))
    for number, time in enumerate(table["time"]):
        at = published[f"{time:%Y-%m-%dT%H:%M}"]
        for column in set(WEATHER.columns) - {"time"}:
            assert table[column][number] == answer["hourly"][column][at]


def test_a_missing_value_stays_null_and_its_hour_stays(
    fetch_changed: Callable[[Any], Landed], answer: dict[str, Any], tmp_path: Path
) -> None:
    at = answer["hourly"]["time"].index("2024-11-03T06:00")
    answer["hourly"]["temperature_2m"][at] = None
    answer["hourly"]["pressure_msl"] = [None] * len(answer["hourly"]["time"])
    (part,) = WEATHER.parts(fetch_changed(answer), Month("2024-11"), tmp_path, Download())
    table = pq.read_table(part.path)
    assert part.rows == table.num_rows == 722
    assert table["pressure_msl"].null_count == 722
    assert str(table["pressure_msl"].type) == "double"
    nulls = [
        time
        for time, value in zip(*(table[n].to_pylist() for n in ("time", "temperature_2m")), strict=True)
        if value is None
    ]
    assert nulls == [dt.datetime(2024, 11, 3, 6)]


def test_what_changes_with_every_call_does_not_change_the_file(
    publishers: Publishers,
    settings: Configured,
    tmp_path: Path,
    answer: dict[str, Any],
    fetch_changed: Callable[[Any], Landed],
) -> None:
    first = fetch(settings(publishers.url), tmp_path)
    changes = {"generationtime_ms": 123.456, "latitude": 40.71, "longitude": -73.99, "elevation": 1.0}
    again = fetch_changed(answer | changes)
    assert again.sha256 == first.sha256
    answer["hourly"]["temperature_2m"][100] = -40.0
    assert fetch_changed(answer).sha256 != first.sha256


@pytest.mark.parametrize("offset", [-14400, -18000, 3600, None])
def test_an_answer_that_is_off_utc_is_refused(
    fetch_changed: Callable[[Any], Landed], answer: dict[str, Any], offset: int | None
) -> None:
    with pytest.raises(Rejected, match=f"is {offset} seconds off UTC; GMT was asked for"):
        fetch_changed(answer | {"utc_offset_seconds": offset})


@pytest.mark.parametrize("place", [{"latitude": 51.5}, {"latitude": -40.71}, {"longitude": 74.0}])
def test_an_answer_for_another_place_is_refused(
    fetch_changed: Callable[[Any], Landed], answer: dict[str, Any], place: dict[str, float]
) -> None:
    ((coordinate, value),) = place.items()
    with pytest.raises(Rejected, match=f"is the weather of {coordinate} {value}; .* was asked for"):
        fetch_changed(answer | place)


@pytest.mark.parametrize("hours", [-1, 1, 4])
def test_values_under_the_labels_of_other_hours_are_refused(
    fetch_changed: Callable[[Any], Landed], answer: dict[str, Any], hours: int
) -> None:
    times = [dt.datetime.fromisoformat(time) + dt.timedelta(hours=hours) for time in answer["hourly"]["time"]]
    answer["hourly"]["time"] = [time.strftime("%Y-%m-%dT%H:%M") for time in times]
    with pytest.raises(Rejected, match=r"does not have each hour from .* in whole days of UTC"):
        fetch_changed(answer)


@pytest.mark.parametrize(
    ("column", "unit"),
    [
        ("temperature_2m", "°F"),
        ("wind_speed_10m", "km/h"),
        ("precipitation", "inch"),
        ("snowfall", "inch"),
        ("rain", None),
    ],
)
def test_another_unit_is_refused(
    fetch_changed: Callable[[Any], Landed], answer: dict[str, Any], column: str, unit: str | None
) -> None:
    answer["hourly_units"][column] = unit
    with pytest.raises(Rejected, match=rf"{column} is in {unit!r}, not in '"):
        fetch_changed(answer)


def test_arrays_of_other_lengths_are_refused(fetch_changed: Callable[[Any], Landed], answer: dict[str, Any]) -> None:
    answer["hourly"]["rain"].pop()
    with pytest.raises(Rejected, match="rain has 743 values for 744 hours"):
        fetch_changed(answer)


def test_a_missing_variable_is_refused(fetch_changed: Callable[[Any], Landed], answer: dict[str, Any]) -> None:
    del answer["hourly"]["snowfall"]
    with pytest.raises(Rejected, match="snowfall has 0 values for 744 hours"):
        fetch_changed(answer)


@pytest.mark.parametrize("position", [4, 100, 724])
@pytest.mark.parametrize("change", ["missing", "twice"])
def test_an_hour_that_is_missing_or_there_twice_is_refused(
    fetch_changed: Callable[[Any], Landed], answer: dict[str, Any], position: int, change: str
) -> None:
    for values in answer["hourly"].values():
        if change == "missing":
            values.pop(position)
        else:
            values.insert(position, values[position])
    with pytest.raises(Rejected, match=r"does not have each hour from 2024-11-01 04:00:00 to 2024-12-01 05:00:00"):
        fetch_changed(answer)


@pytest.mark.parametrize(
    "body",
    [
        b"<!DOCTYPE html><html></html>",
        b"",
        b'{"hourly": ',
        b"[]",
        b"null",
        b'{"error": true, "reason": "Daily API request limit exceeded. Please try again tomorrow."}',
        b'{"reason": "No data is available for this location", "error": true}',
        b"\xff\xfe",
    ],
)
def test_what_is_no_answer_is_refused_and_kept_beside(
    publishers: Publishers, settings: Configured, tmp_path: Path, body: bytes
) -> None:
    fault = Fault("/v1/archive", kind="garbage", body=body) if body else Fault("/v1/archive", status=200)
    publishers.faults.add(fault)
    with pytest.raises(Rejected, match=r"^open-meteo-archive_2024-11\.json: ") as caught:
        fetch(settings(publishers.url), tmp_path)
    assert "\n" not in str(caught.value)
    assert (tmp_path / "open-meteo-archive_2024-11.json.rejected").read_bytes() == body
    assert not (tmp_path / "open-meteo-archive_2024-11.json").exists()


@pytest.mark.parametrize("key", ["hourly", "hourly_units"])
@pytest.mark.parametrize("value", [None, [], "text"])
def test_an_answer_of_another_shape_is_refused(
    fetch_changed: Callable[[Any], Landed], answer: dict[str, Any], key: str, value: Any
) -> None:
    with pytest.raises(Rejected, match=r"^open-meteo-archive_2024-11\.json: "):
        fetch_changed(answer | {key: value})


def test_a_value_that_is_no_number_is_refused(
    fetch_changed: Callable[[Any], Landed], answer: dict[str, Any], tmp_path: Path
) -> None:
    answer["hourly"]["temperature_2m"][200] = "warm"
    with pytest.raises(Rejected, match=r"^open-meteo-archive_2024-11\.json: "):
        WEATHER.parts(fetch_changed(answer), Month("2024-11"), tmp_path, Download())


def test_a_refusal_is_final_and_gives_the_reason(publishers: Publishers, settings: Configured, tmp_path: Path) -> None:
    old = {"sources": {"weather": {"start_date": "1950-01-01", "end_date": "1950-01-31"}}}
    with pytest.raises(FetchFailed, match=r"/v1/archive.*HTTP 400 Parameter 'start_date' is out of allowed range"):
        fetch(settings(publishers.url, old), tmp_path, "1950-01")
    assert len(publishers.log) == 1


def test_a_recent_month_out_of_range_is_not_published_yet(
    publishers: Publishers, settings: Configured, tmp_path: Path
) -> None:
    today = dt.datetime.now(dt.UTC).date()
    dates = {"sources": {"weather": {"start_date": f"{today:%Y-%m}-01", "end_date": str(today)}}}
    with pytest.raises(NotPublished, match=f"weather {today:%Y-%m} is not published yet"):
        fetch(settings(publishers.url, dates), tmp_path, f"{today:%Y-%m}")


def test_a_limit_that_lasts_too_long_ends_the_fetch_at_once(
    publishers: Publishers, settings: Configured, tmp_path: Path
) -> None:
    body = b'{"error": true, "reason": "Daily API request limit exceeded. Please try again tomorrow."}'
    publishers.faults.add(Fault("/v1/archive", status=429, body=body, times=9))
    with pytest.raises(FetchFailed, match="HTTP 429 Daily API request limit exceeded"):
        fetch(settings(publishers.url, {"download": {"max_wait_seconds": 0.5}}), tmp_path)
    assert len(publishers.log) == 1


def test_the_request_names_all_that_decides_what_is_asked_for(settings: Configured) -> None:
    def request(**weather: Any) -> dict[str, Any]:
        return WEATHER.request(Month("2024-11"), settings("http://localhost:1", {"sources": {"weather": weather}}))

    assert request() == request()
    assert request(end_date="2024-12-31") == request(), "another month's dates are of no matter"
    assert request(end_date="2024-11-29") != request()
    assert request(location={"latitude": 41.0, "longitude": -74.0}) != request()
    assert request(base_url="http://localhost:2/v1/archive") != request()


def test_requests_keep_to_the_rate_by_their_weight(
    tmp_path: Path, publishers: Publishers, settings: Configured
) -> None:
    """A month of eleven variables counts as 1.1 calls for each two weeks: 2.51 of them, a day alone as 1.1."""

    def seconds(end_date: str, calls_per_minute: float) -> float:
        weather = {"end_date": end_date, "calls_per_minute": calls_per_minute}
        policy = settings(publishers.url, {"sources": {"weather": weather}})
        begun = monotonic()
        with Publisher(policy.download) as publisher:
            for _ in range(2):
                WEATHER.fetch(Month("2024-10"), policy, tmp_path, publisher)
        return monotonic() - begun

    assert seconds("2024-10-31", 600) >= 2 * 2.514 * 60 / 600
    assert seconds("2024-10-01", 300) >= 2 * 1.1 * 60 / 300


def test_a_refusal_keeps_to_the_rate_too(tmp_path: Path, publishers: Publishers, settings: Configured) -> None:
    publishers.faults.add(Fault("/v1/archive", status=429, times=2))
    policy = settings(publishers.url, {"sources": {"weather": {"calls_per_minute": 600}}})
    begun = monotonic()
    with Publisher(policy.download) as publisher:
        WEATHER.fetch(Month("2024-10"), policy, tmp_path, publisher)
    assert monotonic() - begun >= 3 * 2.514 * 60 / 600
