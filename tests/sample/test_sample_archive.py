"""The archive API: values, units, refusals."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from luigi_pipeline.sample import Publishers

POINT = {"latitude": "40.7128", "longitude": "-74.006"}


def _year(year: int, hours: int, offset: int) -> dict[str, Any]:
    labels = [f"{year}-{1 + d // 31:02d}-{1 + d % 31:02d}T{h:02d}:00" for d in range(31) for h in range(24)]
    if year == 2023:
        labels = [f"2023-12-{1 + d:02d}T{h:02d}:00" for d in range(31) for h in range(24)]
    numbers: list[float | None] = [float(offset + n) for n in range(hours)]
    numbers[5] = None
    return {
        "latitude": 40.7, "longitude": -74.0, "elevation": 32.0,
        "hourly": {"time": labels[:hours], "temperature_2m": numbers, "wind_speed_10m": numbers},
    }  # fmt: skip


@pytest.fixture
def client(tmp_path: Path) -> Iterator[httpx.Client]:
    """December 2023 and January 2024; the value of hour n of 2024 is n, of 2023 is n - 1000."""
    (tmp_path / "archive").mkdir()
    for year, offset in ((2023, -1000), (2024, 0)):
        text = json.dumps(_year(year, 31 * 24, offset))
        (tmp_path / f"archive/{year}.json").write_text(text)
    with Publishers(tmp_path) as url, httpx.Client(base_url=url, verify=False) as client:
        yield client


def _ask(client: httpx.Client, first: str, last: str, **query: str) -> dict[str, Any]:
    asked = {**POINT, "start_date": first, "end_date": last, "timezone": "GMT", "wind_speed_unit": "ms", **query}
    answer = client.get("/v1/archive", params=asked)
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.json()
    return found


def test_answers_the_hours_of_the_days_in_utc(client: httpx.Client) -> None:
    answer = _ask(client, "2024-01-01", "2024-01-02", hourly="temperature_2m")
    hourly = answer["hourly"]
    assert (hourly["time"][0], hourly["time"][-1]) == ("2024-01-01T00:00", "2024-01-02T23:00")
    assert hourly["temperature_2m"] == [0, 1, 2, 3, 4, None, *range(6, 48)]
    assert answer["utc_offset_seconds"] == 0
    assert answer["timezone"] == "GMT"
    assert answer["hourly_units"] == {"time": "iso8601", "temperature_2m": "°C"}
    assert (answer["latitude"], answer["elevation"]) == (40.7, 32.0)


def test_answers_over_the_end_of_a_year(client: httpx.Client) -> None:
    hourly = _ask(client, "2023-12-31", "2024-01-01", hourly="temperature_2m")["hourly"]
    assert hourly["temperature_2m"][22:26] == [-258, -257, 0, 1]


def test_wind_comes_in_metres_a_second(client: httpx.Client) -> None:
    answer = _ask(client, "2024-01-01", "2024-01-01", hourly="wind_speed_10m,temperature_2m")
    assert answer["hourly_units"]["wind_speed_10m"] == "m/s"
    assert answer["hourly"]["wind_speed_10m"][18] == 5
    assert answer["hourly"]["wind_speed_10m"][5] is None
    assert answer["hourly"]["temperature_2m"][18] == 18


def test_variable_that_is_not_stored_and_hour_that_is_not_there_are_null(
    client: httpx.Client,
) -> None:
    answer = _ask(client, "2024-01-31", "2024-02-01", hourly="temperature_2m,rain")
    assert answer["hourly"]["rain"] == [None] * 48
    assert answer["hourly"]["temperature_2m"] == [*range(720, 744), *[None] * 24]
    assert len(answer["hourly"]["time"]) == 48


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"latitude": None}, "Parameter 'latitude' is required"),
        ({"latitude": "91"}, "Latitude must be in range of -90 to 90°. Given: 91.0."),
        ({"longitude": "x"}, "Parameter 'longitude' is not a number"),
        ({"end_date": None}, "Both 'start_date' and 'end_date' must be set in the url"),
        ({"start_date": "2024-1-1"}, "Invalid date format. Make sure to use 'YYYY-MM-DD'"),
        ({"end_date": "2023-12-31"}, "End-date must be larger or equals than start-date"),
        (
            {"end_date": "2025-01-01"},
            "Parameter 'end_date' is out of allowed range from 2023-01-01 to 2024-12-31",
        ),
        ({"hourly": "temperature_2m,heat"}, "from invalid String value heat."),
        ({"wind_speed_unit": "kn"}, "from invalid String value kn."),
        ({"wind_speed_unit": None}, "from invalid String value kmh."),
        ({"timeformat": "unixtime"}, "from invalid String value unixtime."),
        ({"temperature_unit": "fahrenheit"}, "from invalid String value fahrenheit."),
        ({"timezone": "America/New_York"}, "Cannot initialize timezone from invalid String value America/New_York."),
    ],
)
def test_refusals_are_400_with_a_reason(client: httpx.Client, change: dict[str, str | None], reason: str) -> None:
    asked = {**POINT, "start_date": "2024-01-01", "end_date": "2024-01-01", "wind_speed_unit": "ms", **change}
    answer = client.get("/v1/archive", params={k: v for k, v in asked.items() if v is not None})
    assert answer.status_code == 400
    assert answer.json()["error"] is True
    assert answer.json()["reason"].endswith(reason)


def test_no_years_at_all(tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    with Publishers(tmp_path / "empty") as url:
        asked = {**POINT, "start_date": "2024-01-01", "end_date": "2024-01-01"}
        answer = httpx.get(f"{url}/v1/archive", params=asked)
    assert answer.status_code == 400
    assert answer.json()["reason"] == "No data is available for this location"


def test_changed_year_is_read_again(client: httpx.Client, tmp_path: Path) -> None:
    assert _ask(client, "2024-01-01", "2024-01-01", hourly="temperature_2m")["hourly"]["temperature_2m"][:2] == [0, 1]
    (tmp_path / "archive/2024.json").write_text(json.dumps(_year(2024, 744, 300)))
    assert _ask(client, "2024-01-01", "2024-01-01", hourly="temperature_2m")["hourly"]["temperature_2m"][:2] == [
        300,
        301,
    ]
