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


def share_of_all_trips(metrics: Metrics, by: Sequence[str]) -> Answer:
    """A mode's trips in percent of those of all modes, on days that all cover; without a cut by mode, all of them."""
    modes = [mode for (mode,) in metrics.select("select distinct trip_type from nyc_mobility.marts.fct_trips")]
    names = "".join(f", {COLUMNS[name]}" for name in by if name != "trip_type")
    rows = metrics.select(f"select trip_type {names}, count(*) from trips where counts and all_cover group by all")
    of_all: dict[Key, int] = defaultdict(int)
    of_mode = {(mode, tuple(group)): trips for mode, *group, trips in rows}
    for (_, group), trips in of_mode.items():
        of_all[group] += trips
    if not by:
        return {(): 100.0 if of_all else None}
    if "trip_type" not in by:
        return dict.fromkeys(of_all, 100.0)
    place = list(by).index("trip_type")
    return {
        (*group[:place], mode, *group[place:]): 100 * of_mode.get((mode, group), 0) / trips
        for group, trips in of_all.items()
        for mode in modes
    }


class Steps:
    """Trips that count by day or hour, and by what else they are cut by."""

    def __init__(self, metrics: Metrics, by: Sequence[str], step: str) -> None:
        names = "".join(f", {COLUMNS[name]}" for name in by)
        rows = metrics.select(f"select {step}, count(*) {names} from trips where counts group by all order by 1")
        self.trips: dict[Key, int] = {(at, *group): trips for at, trips, *group in rows}
        self.times: dict[Key, list[Moment]] = defaultdict(list)
        for at, _, *group in rows:
            self.times[tuple(group)].append(at)
        loaded = {at for (at,) in metrics.select(f"select distinct {step} from hours")}
        self.all = sorted(loaded | {at for at, *_ in rows})

    def running(self, since: Callable[[Moment], Moment], grain: str) -> Answer:
        """Trips from a first step to each step; of a longer period, those at its last step with any."""
        found: Answer = {}
        for group, times in self.times.items():
            so_far = [0, *accumulate(self.trips[at, *group] for at in times)]
            for at in self.all:
                first, last = bisect_left(times, since(at)), bisect_right(times, at)
                if first < last:
                    found[start_of(at, grain), *group] = so_far[last] - so_far[first]
        return found

    def growth(self, earlier: Callable[[Moment], Moment], grain: str) -> Answer:
        """Percent over the period that is earlier by a fixed step."""
        trips: dict[Key, int] = defaultdict(int)
        for (at, *group), counted in self.trips.items():
            trips[start_of(at, grain), *group] += counted
        periods = {start_of(at, grain) for at in self.all}
        asked = set(trips) | {
            (period, *group) for period in periods for group in self.times if (earlier(period), *group) in trips
        }

        def percent(key: Key) -> float | None:
            now, before = trips.get(key), trips.get((earlier(key[0]), *key[1:]))
            return 100 * (now - before) / before if now and before else None

        return {key: percent(key) for key in asked}


def start_of(day: Moment, grain: str) -> Moment:
    """The beginning of the period that an hour or a day is in; weeks start on Monday."""
    return {
        "hour": day,
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
    step = "hour" if grain == "hour" else "day"
    seven_days = {"hour": dt.timedelta(hours=7 * 24 - 1), "day": dt.timedelta(days=6)}[step]
    steps = Steps(metrics, by, step)
    # By the hour, MetricFlow has metrics of their own.
    suffix = "_by_hour" if step == "hour" else ""
    found = {
        f"cumulative_trips{suffix}": steps.running(lambda at: steps.all[0], grain),
        f"trips_7d_rolling{suffix}": steps.running(lambda at: at - seven_days, grain),
        f"trips_month_to_date{suffix}": steps.running(lambda at: at.replace(day=1, hour=0), grain),
    }
    if grain in ("hour", "day", "month"):
        found["trips_mom_growth_pct"] = steps.growth(month_before, grain)
    if grain in ("hour", "day", "week"):
        found["trips_wow_growth_pct"] = steps.growth(week_before, grain)
    return found
