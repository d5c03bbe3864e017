"""Months of New York time."""

import datetime as dt
import json
import pickle
from pathlib import Path

import duckdb
import pytest

from luigi_pipeline.core.digests import digest
from luigi_pipeline.core.months import Month, spans, utc_hour


@pytest.mark.parametrize("text", ["2024-01", "2024-12", "1999-06", "2009-10", "1900-01", "2099-12"])
def test_a_month_is_a_year_and_a_number(text: str) -> None:
    month = Month(text)
    assert (f"{month.year}", f"{month.number:02}") == tuple(text.split("-"))
    assert Month.or_none(text) == month


@pytest.mark.parametrize(
    "text",
    [
        *("2024-00", "2024-13", "2024-1", "202401", "2024-01-01", "24-01", "", "0", "2024-01\n", " 2024-01"),
        *("١٩٢٤-01", "2024-٢1", "20٢٤-01", "1899-12", "2100-01", "None"),
    ],
)
def test_other_texts_are_no_months(text: str) -> None:
    with pytest.raises(ValueError, match="is not a month; write it as 2024-09"):
        Month(text)
    assert Month.or_none(text) is None


def test_a_month_is_its_text_wherever_texts_go(tmp_path: Path) -> None:
    month = Month("2024-09")
    assert f"{month}" == str(month) == "2024-09"
    assert f"{month!r}" == "'2024-09'"
    assert {"2024-09": 1}[month] == 1
    assert json.dumps({month: [month]}) == '{"2024-09": ["2024-09"]}'
    assert digest({"month": month}) == digest({"month": "2024-09"})
    assert (tmp_path / month).name == "2024-09"
    assert duckdb.execute("select ?, typeof(?)", [month, month]).fetchall() == [("2024-09", "VARCHAR")]
    again = pickle.loads(pickle.dumps(month))
    assert again == month
    assert type(again) is Month


def test_months_are_ordered_by_time() -> None:
    months = [Month(text) for text in ("2024-10", "2023-12", "2024-09", "1999-11")]
    assert sorted(months) == ["1999-11", "2023-12", "2024-09", "2024-10"]
    assert [month.ordinal for month in sorted(months)] == sorted(month.ordinal for month in months)
    assert max(months) == Month("2024-10")


def test_december_is_followed_by_january() -> None:
    assert Month("2023-12").next == "2024-01"
    assert Month("2024-01").previous == "2023-12"
    assert Month("2024-11").next == "2024-12"
    assert Month("2024-12").previous == "2024-11"
    assert Month("2024-03").shift(-27) == "2021-12"
    assert Month("2021-12").shift(27) == "2024-03"
    assert type(Month("2023-12").next) is Month


def test_there_is_no_month_beyond_the_first_and_the_last_one() -> None:
    with pytest.raises(ValueError, match="'2100-01' is not a month"):
        _ = Month("2099-12").next
    with pytest.raises(ValueError, match="'1899-12' is not a month"):
        _ = Month("1900-01").previous
    assert Month("2099-12").last_day == dt.date(2099, 12, 31)
    assert Month.between(Month("2099-11"), Month("2099-12")) == ["2099-11", "2099-12"]


@pytest.mark.parametrize(
    ("text", "days"),
    [("2024-02", 29), ("2023-02", 28), ("2024-11", 30), ("2024-12", 31), ("2000-02", 29), ("1900-02", 28)],
)
def test_a_month_ends_on_its_last_day(text: str, days: int) -> None:
    month = Month(text)
    assert month.first_day.day == 1
    assert month.last_day == month.first_day + dt.timedelta(days=days - 1)
    assert month.day_after == month.last_day + dt.timedelta(days=1)
    assert Month.of(month.first_day) == Month.of(month.last_day) == month
    assert Month.of(month.day_after) == month.next


def test_months_between_hold_both_ends() -> None:
    assert Month.between(Month("2023-11"), Month("2024-01")) == ["2023-11", "2023-12", "2024-01"]
    assert Month.between(Month("2024-01"), Month("2024-01")) == ["2024-01"]
    assert Month.between(Month("2024-02"), Month("2024-01")) == []


def test_months_in_a_row_are_listed_as_a_span() -> None:
    texts = ("2024-01", "2023-07", "2023-11", "2023-12", "2099-12", "2099-12")
    assert spans(map(Month, texts)) == ["2023-07", "2023-11 to 2024-01", "2099-12", "2099-12"]
    assert spans([]) == []


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


@pytest.mark.parametrize(("text", "hours"), [("2024-03", 743), ("2024-11", 721), ("2024-10", 744), ("2024-02", 696)])
def test_months_with_a_change_of_clocks_have_an_hour_less_or_more(text: str, hours: int) -> None:
    length = utc_hour(Month(text).day_after) - utc_hour(Month(text).first_day)
    assert length == dt.timedelta(hours=hours)


def test_a_month_may_be_unpublished_for_three_months() -> None:
    assert Month("2024-09").may_be_unpublished(dt.date(2024, 9, 15))
    assert Month("2024-09").may_be_unpublished(dt.date(2024, 10, 1))
    assert Month("2024-09").may_be_unpublished(dt.date(2024, 12, 30))
    assert not Month("2024-09").may_be_unpublished(dt.date(2024, 12, 31))
    assert not Month("2024-09").may_be_unpublished(dt.date(2026, 1, 1))
    assert Month("2030-01").may_be_unpublished(dt.date(2024, 1, 1))
