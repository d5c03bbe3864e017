"""The metrics that look at other hours or days than their own, a second time, in plain Python."""

import calendar
import datetime as dt
from bisect import bisect_left, bisect_right
from collections import defaultdict
from collections.abc import Callable, Sequence
from fractions import Fraction
from itertools import accumulate
from typing import Any

from metric_answers import Answer, Key, Metrics
from metric_expectations import COLUMNS

Moment = dt.datetime


def rain_effect(metrics: Metrics, by: Sequence[str]) -> Answer:
    """100 x (N in rain hours / N expected of them - 1), by columns of `hours`."""
    names = "".join(f", {COLUMNS[name]}" for name in by)
    rows = metrics.select(f"select trip_type, hour_nyc, trips, rain, precipitation_mm {names} from hours")
    dry: dict[Key, list[tuple[dt.date, int]]] = defaultdict(list)
    for trip_type, hour, trips, _, precipitation, *_ in rows:
        if precipitation == 0:
            dry[trip_type, hour.isoweekday(), hour.hour].append((hour.date(), trips))
    found: dict[Key, int] = defaultdict(int)
    expected: dict[Key, Fraction] = defaultdict(Fraction)
    for trip_type, hour, trips, rain, _, *group in rows:
        same = dry[trip_type, hour.isoweekday(), hour.hour]
        near = [of_a_dry_hour for date, of_a_dry_hour in same if abs((date - hour.date()).days) <= 28]
        if rain and near:
            found[tuple(group)] += trips
            expected[tuple(group)] += Fraction(sum(near), len(near))
    return {key: float(100 * (found[key] / mean - 1)) if mean else None for key, mean in expected.items()}


class Days:
    """Trips that count by day, and by what else they are cut by."""

    def __init__(self, metrics: Metrics, by: Sequence[str]) -> None:
        names = "".join(f", {COLUMNS[name]}" for name in by)
        rows = metrics.select(f"select day, count(*) {names} from trips where counts group by all order by 1")
        self.trips: dict[Key, int] = {(day, *group): trips for day, trips, *group in rows}
        self.days: dict[Key, list[Moment]] = defaultdict(list)
        for day, _, *group in rows:
            self.days[tuple(group)].append(day)
        loaded = {day for (day,) in metrics.select("select distinct day from hours")}
        self.all = sorted(loaded | {day for day, *_ in rows})

    def running(self, first_day: Callable[[Moment], Moment], grain: str) -> Answer:
        """Trips from a first day to each day; of a longer period, those at its last day with any."""
        found: Answer = {}
        for group, days in self.days.items():
            so_far = [0, *accumulate(self.trips[day, *group] for day in days)]
            for day in self.all:
                first, last = bisect_left(days, first_day(day)), bisect_right(days, day)
                if first < last:
                    found[start_of(day, grain), *group] = so_far[last] - so_far[first]
        return found

    def growth(self, earlier: Callable[[Moment], Moment], grain: str) -> Answer:
        """Percent over the period that is earlier by a fixed step."""
        trips: dict[Key, int] = defaultdict(int)
        for (day, *group), counted in self.trips.items():
            trips[start_of(day, grain), *group] += counted
        periods = {start_of(day, grain) for day in self.all}
        asked = set(trips) | {
            (period, *group) for period in periods for group in self.days if (earlier(period), *group) in trips
        }

        def percent(key: Key) -> float | None:
            now, before = trips.get(key), trips.get((earlier(key[0]), *key[1:]))
            return 100 * (now - before) / before if now and before else None

        return {key: percent(key) for key in asked}


def start_of(day: Moment, grain: str) -> Moment:
    """The first day of the period that a day is in; weeks start on Monday."""
    return {
        "day": day,
        "week": day - dt.timedelta(days=day.weekday()),
        "month": day.replace(day=1),
        "quarter": day.replace(day=1, month=day.month - (day.month - 1) % 3),
        "year": day.replace(day=1, month=1),
    }[grain]


def month_before(day: Moment) -> Moment:
    """The same day of the month before, or its last day where it is shorter."""
    year, month = (day.year, day.month - 1) if day.month > 1 else (day.year - 1, 12)
    return day.replace(year=year, month=month, day=min(day.day, calendar.monthrange(year, month)[1]))


def week_before(day: Moment) -> Moment:
    return day - dt.timedelta(days=7)


def growth_metrics(metrics: Metrics, by: Sequence[str], grain: str) -> dict[str, Any]:
    """The growth metrics at a grain, by columns of `trips`. Offsets only at grains that the offset is a multiple of."""
    days = Days(metrics, by)
    found = {
        "cumulative_trips": days.running(lambda day: days.all[0], grain),
        "trips_7d_rolling": days.running(lambda day: day - dt.timedelta(days=6), grain),
        "trips_month_to_date": days.running(lambda day: day.replace(day=1), grain),
    }
    if grain in ("day", "month"):
        found["trips_mom_growth_pct"] = days.growth(month_before, grain)
    if grain in ("day", "week"):
        found["trips_wow_growth_pct"] = days.growth(week_before, grain)
    return found
