"""When people ride, with which mode, how long and how far."""

from __future__ import annotations

import datetime as dt
from collections import defaultdict
from typing import Any

import altair as alt
from markupsafe import Markup

from luigi_pipeline.report.charts.drawing import (
    LOOKS,
    Figure,
    colour,
    counts,
    dash,
    dated,
    dates,
    day_axis,
    day_tooltip,
    finished,
    number,
    source,
)
from luigi_pipeline.report.datasets import MODES, SHORT_NAMES, Dataset
from luigi_pipeline.report.questions import COVERED_BY_ALL, Answers, of_mode
from luigi_pipeline.report.stating import joined, sentence, stated

_DAYS = ["Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday"]
_SHARE = "share_of_all_trips_pct"
NOT_COMPARED = "There is no day that all modes cover, so they are not compared."
_WEEK = ["Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"]


def figures(answers: Answers) -> list[Figure]:
    """The section's figures."""
    return [_daily(answers), _week(answers), _shares(answers), _durations(answers), _distances(answers)]


def _daily(answers: Answers) -> Figure:
    base = dated(source("daily", "mode", "day"))
    lines = base.mark_line(strokeWidth=2, interpolate="monotone").encode(
        x=day_axis(),
        y=alt.Y("trips:Q", title="trips per day", axis=counts(5)),
        color=colour(answers.modes),
        strokeDash=dash(answers.modes),
    )
    points = base.mark_point(size=90, filled=True, opacity=0).encode(
        x="date:T",
        y="trips:Q",
        tooltip=[day_tooltip(), alt.Tooltip("mode:N", title="Mode"), alt.Tooltip("trips:Q", title="Trips", format=",")],
    )
    return Figure(
        "daily",
        "Trips per day, by mode",
        _busiest(answers),
        answers.datasets["daily"],
        ("mode", "day"),
        {"": finished(lines + points)},
        wide=True,
        note="Trips are counted by the New York day on which they began; voided and suspect ones are left out. "
        "A line has a gap where the month of its source is not loaded.",
    )


def _busiest(answers: Answers) -> Markup:
    by_day: dict[str, int] = defaultdict(int)
    for day, _, trips, _, _, is_compared in answers.datasets["daily"].rows:
        if is_compared:
            by_day[day] += trips
    by_day = {day: trips for day, trips in by_day.items() if trips}
    if not by_day:
        return Markup("")
    parts = []
    for pick, day in (("most", max(by_day, key=by_day.__getitem__)), ("least", min(by_day, key=by_day.__getitem__))):
        meant: dict[str, Any] = {
            "metric": "total_trips", "where": [COVERED_BY_ALL], "by": ["trip_date__day"], "pick": pick
        }  # fmt: skip
        parts += [stated(_in_words(day), **meant, of="key"), stated(number(by_day[day]), **meant)]
    is_all = answers.compared_days == answers.covered_days
    busiest = "The busiest day was" if is_all else "Of the days that all modes cover, the busiest was"
    return sentence(busiest + " {} with {} trips, the quietest {} with {}.", *parts)


def _in_words(day: str) -> str:
    return f"{dt.date.fromisoformat(day):%A %-d %B %Y}"


def _week(answers: Answers) -> Figure:
    charts = {}
    for mode in MODES.values():
        if mode not in answers.datasets["hourly"].column("mode"):
            continue
        cells = (
            dated(source("hourly", "mode", "day").transform_filter(f"datum.mode == '{mode}'"))
            .transform_calculate(weekday="dayAbbrevFormat(day(datum.date))")
            .mark_rect(cornerRadius=2)
            .encode(
                x=alt.X("hour:O", title="hour of day", axis=alt.Axis(labelAngle=0, values=[0, 6, 12, 18, 23])),
                y=alt.Y("weekday:N", sort=_WEEK, title=None),
                color=alt.Color(
                    "mean(trips):Q",
                    scale=alt.Scale(range=list(LOOKS[mode].shades)),
                    legend=alt.Legend(
                        title="trips per hour", orient="bottom", format="~s", gradientLength=160, tickCount=3
                    ),
                ),
                tooltip=[
                    alt.Tooltip("weekday:N", title="Weekday"),
                    alt.Tooltip("hour:O", title="Hour"),
                    alt.Tooltip("mean(trips):Q", title="Trips per hour", format=",.1f"),
                    alt.Tooltip("count():Q", title="Hours averaged", format=","),
                ],
            )
            .properties(height=200)
        )
        charts[mode] = finished(cells)
    return Figure(
        "week",
        "The week by the hour: mean trips per hour, by mode",
        _peak(answers),
        answers.datasets["hourly"],
        ("mode", "day"),
        charts,
        wide=True,
        note="Each mode has a scale of its own. The darker, the more trips.",
    )


def _peak(answers: Answers) -> Markup:
    parts = []
    for mode, name in MODES.items():
        by_hour: dict[tuple[int, int], list[int]] = defaultdict(list)
        for day, hour, of, trips, _ in answers.datasets["hourly"].rows:
            if of == name:
                by_hour[dt.date.fromisoformat(day).weekday(), hour].append(trips)
        if by_hour:
            weekday, hour = max(by_hour, key=lambda key: sum(by_hour[key]) / len(by_hour[key]))
            when = stated(
                f"{_DAYS[weekday]}s at {hour} o'clock",
                "part_covered_trips / part_covered_hours",
                [of_mode(mode)],
                by=["day_name", "hour_of_day"],
                pick="most",
                of="key",
            )
            parts.append(sentence("most {} trips begin on {}", SHORT_NAMES[name], when))
    return joined("; ", parts)


def _shares(answers: Answers) -> Figure:
    bars = (
        dated(source("daily", "day"))
        .transform_joinaggregate(all_trips="sum(trips)", groupby=["day"])
        .transform_filter("datum.compared && datum.all_trips > 0")
        .transform_calculate(share="100 * datum.trips / datum.all_trips")
        .mark_bar(width=alt.RelativeBandSize(1))
        .encode(
            x=alt.X("yearmonthdate(date):T", title=None, axis=dates()),
            y=alt.Y("share:Q", title="% of trips", stack="zero", scale=alt.Scale(domain=[0, 100])),
            color=colour(answers.modes),
            tooltip=[
                day_tooltip(),
                alt.Tooltip("mode:N", title="Mode"),
                alt.Tooltip("share:Q", title="Share in %", format=".1f"),
                alt.Tooltip("trips:Q", title="Trips", format=","),
            ],
        )
    )
    parts = [
        sentence("{} % were {} trips", stated(number(row[_SHARE], 1), _SHARE, [of_mode(mode)]), SHORT_NAMES[name])
        for mode, name in MODES.items()
        if (row := answers.compared.get(mode))
    ]
    daily = answers.datasets["daily"]
    return Figure(
        "shares",
        "Mode share over time, in % of the day's trips",
        sentence("Of the trips on days that all modes cover, {}.", Markup(" and ").join(parts)),
        daily if len(parts) > 1 else Dataset(daily.name, daily.columns, []),
        ("day",),
        {"": finished(bars)},
        wide=True,
        note="Only days that all modes cover: on others, the rest would be all of one.",
        missing="There is no day that several modes cover.",
    )


def _durations(answers: Answers) -> Figure:
    median, p95 = "median_trip_duration_minutes", "p95_trip_duration_minutes"
    parts = [
        sentence(
            "half of the {} trips took less than {} minutes, all but one in twenty less than {}",
            SHORT_NAMES[name],
            *(stated(number(row[metric], 1), metric, [of_mode(mode), COVERED_BY_ALL]) for metric in (median, p95)),
        )
        for mode, name in MODES.items()
        if (row := answers.compared.get(mode)) and row[median] is not None
    ]
    chart = _bands(answers.modes, "durations", "minutes", "minutes, in bands of 2; 60 is 60 and more", 2)
    return Figure(
        "durations",
        "How long trips take, in % of the mode's trips",
        joined("; ", parts),
        answers.datasets["durations"],
        ("mode", "month"),
        {"": chart},
        note="Of the days that all modes cover.",
        missing=NOT_COMPARED,
    )


def _distances(answers: Answers) -> Figure:
    mean = answers.totals.get("avg_trip_distance_miles")
    measured = [title for title in answers.modes if LOOKS[title].has_distances]
    chart = _bands(measured, "distances", "miles", "miles, in bands of 1; 20 is 20 and more", 1)
    return Figure(
        "distances",
        "How far taxi trips go, in % of them",
        sentence(
            "A taxi trip is {} miles long on average, at {} miles per hour.",
            stated(number(mean, 1), "avg_trip_distance_miles"),
            stated(number(answers.totals["avg_trip_speed_mph"], 1), "avg_trip_speed_mph"),
        )
        if mean
        else Markup(""),
        answers.datasets["distances"],
        ("month",),
        {"": chart},
        note="Nobody measures how far a bike went.",
    )


def _bands(modes: list[str], dataset: str, band: str, title: str, width: int) -> dict[str, Any]:
    filters: tuple[Any, ...] = ("mode", "month") if dataset == "durations" else ("month",)
    base = (
        source(dataset, *filters)
        .transform_aggregate(trips="sum(trips)", groupby=["mode", band])
        .transform_joinaggregate(of_mode="sum(trips)", groupby=["mode"])
        .transform_calculate(share="100 * datum.trips / datum.of_mode", middle=f"datum.{band} + {width / 2}")
    )
    encoded = {
        "x": alt.X(
            "middle:Q", title=title, axis=alt.Axis(grid=False, tickCount=10), scale=alt.Scale(zero=True, nice=False)
        ),
        "y": alt.Y("share:Q", title="% of trips", stack=None),
    }
    tooltip = [
        alt.Tooltip("mode:N", title="Mode"),
        alt.Tooltip(f"{band}:Q", title=f"From, {band}"),
        alt.Tooltip("share:Q", title="Share in %", format=".2f"),
        alt.Tooltip("trips:Q", title="Trips", format=","),
    ]
    legend = dataset == "durations" or len(modes) > 1
    area = base.mark_area(opacity=0.16, interpolate="step").encode(**encoded, color=colour(modes, legend=legend))
    line = base.mark_line(strokeWidth=2, interpolate="step").encode(
        **encoded, color=colour(modes, legend=legend), strokeDash=dash(modes, legend=legend)
    )
    points = base.mark_point(size=120, filled=True, opacity=0).encode(**encoded, tooltip=tooltip)
    return finished(area + line + points)
