"""Months of New York time."""

import datetime as dt

import pytest

from luigi_pipeline.core.months import (
    first_day,
    is_month,
    last_day,
    may_be_unpublished,
    months_between,
    next_month,
    utc_hour,
)


@pytest.mark.parametrize("text", ["2024-01", "2024-12", "1999-06", "2009-10"])
def test_a_month_is_a_year_and_a_number(text: str) -> None:
    assert is_month(text)


@pytest.mark.parametrize(
    "text", ["2024-00", "2024-13", "2024-1", "202401", "2024-01-01", "24-01", "", "2024-01\n", "١٩٢٤-01"]
)
def test_other_texts_are_no_months(text: str) -> None:
    assert not is_month(text)


def test_december_is_followed_by_january() -> None:
    assert next_month("2023-12") == "2024-01"
    assert next_month("2024-01") == "2024-02"


@pytest.mark.parametrize(
    ("month", "days"), [("2024-02", 29), ("2023-02", 28), ("2024-11", 30), ("2024-12", 31), ("2000-02", 29)]
)
def test_a_month_ends_on_its_last_day(month: str, days: int) -> None:
    assert first_day(month).day == 1
    assert last_day(month) == first_day(month) + dt.timedelta(days=days - 1)
    assert f"{last_day(month):%Y-%m}" == month


def test_months_between_hold_both_ends() -> None:
    assert months_between("2023-11", "2024-01") == ["2023-11", "2023-12", "2024-01"]
    assert months_between("2024-01", "2024-01") == ["2024-01"]
    assert months_between("2024-02", "2024-01") == []


@pytest.mark.parametrize(
    ("day", "hour"),
    [
        ("2024-01-01", "2024-01-01T05:00"),
        ("2024-03-10", "2024-03-10T05:00"),  # the clocks go forward at 2:00 of this day
        ("2024-03-11", "2024-03-11T04:00"),
        ("2024-11-03", "2024-11-03T04:00"),  # and back
        ("2024-11-04", "2024-11-04T05:00"),
        ("2024-12-01", "2024-12-01T05:00"),
    ],
)
def test_a_new_york_day_begins_at_four_or_five_utc(day: str, hour: str) -> None:
    begins = utc_hour(dt.date.fromisoformat(day))
    assert begins == dt.datetime.fromisoformat(hour)
    assert begins.tzinfo is None


@pytest.mark.parametrize(("month", "hours"), [("2024-03", 743), ("2024-11", 721), ("2024-10", 744), ("2024-02", 696)])
def test_months_with_a_change_of_clocks_have_an_hour_less_or_more(month: str, hours: int) -> None:
    length = utc_hour(first_day(next_month(month))) - utc_hour(first_day(month))
    assert length == dt.timedelta(hours=hours)


def test_a_month_may_be_unpublished_for_three_months() -> None:
    assert may_be_unpublished("2024-09", dt.date(2024, 9, 15))
    assert may_be_unpublished("2024-09", dt.date(2024, 10, 1))
    assert may_be_unpublished("2024-09", dt.date(2024, 12, 30))
    assert not may_be_unpublished("2024-09", dt.date(2024, 12, 31))
    assert not may_be_unpublished("2024-09", dt.date(2026, 1, 1))
    assert may_be_unpublished("2030-01", dt.date(2024, 1, 1))
