"""When people ride, with which mode, how long and how far."""

from __future__ import annotations

import datetime as dt
from collections import defaultdict
from typing import Any

import altair as alt

from luigi_pipeline.report.charts.drawing import (
    RAMPS,
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
from luigi_pipeline.report.datasets import MODES, SAID
from luigi_pipeline.report.questions import Answers

_DAYS = ["Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday"]
_WEEK = ["Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"]


def figures(answers: Answers) -> list[Figure]:
    """The section's figures."""
    return [_daily(answers), _week(answers), _shares(answers), _durations(answers), _distances(answers)]


def _daily(answers: Answers) -> Figure:
    base = dated(source("daily", "mode", "day"))
    lines = base.mark_line(strokeWidth=2, interpolate="monotone").encode(
        x=day_axis(),
        y=alt.Y("trips:Q", title="trips per day", axis=counts(5)),
        color=colour(),
        strokeDash=dash(),
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
        f"A line has a gap where the month of its source is not loaded.{_strays(answers)}",
    )


def _strays(answers: Answers) -> str:
    strays = answers.totals["total_trips"] or 0
    strays -= sum(trips or 0 for trips in answers.datasets["daily"].column("trips"))
    return f" {number(strays)} trips of days beyond the loaded months count in the totals only." if strays else ""


def _busiest(answers: Answers) -> str:
    by_day: dict[str, int] = defaultdict(int)
    for day, _, trips, *_ in answers.datasets["daily"].rows:
        by_day[day] += trips or 0
    if not by_day:
        return ""
    most, least = max(by_day, key=lambda day: by_day[day]), min(by_day, key=lambda day: by_day[day] or 10**12)
    return (
        f"The busiest day was {_said(most)} with {number(by_day[most])} trips, "
        f"the quietest {_said(least)} with {number(by_day[least])}."
    )


def _said(day: str) -> str:
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
                    scale=alt.Scale(range=RAMPS[mode]),
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


def _peak(answers: Answers) -> str:
    told = []
    for mode in MODES.values():
        by_hour: dict[tuple[int, int], list[int]] = defaultdict(list)
        for day, hour, of, trips, _ in answers.datasets["hourly"].rows:
            if of == mode:
                by_hour[dt.date.fromisoformat(day).weekday(), hour].append(trips)
        if by_hour:
            weekday, hour = max(by_hour, key=lambda key: sum(by_hour[key]) / len(by_hour[key]))
            told.append(f"most {SAID[mode]} trips begin on {_DAYS[weekday]}s from {hour}:00 to {hour + 1}:00")
    sentence = "; ".join(told)
    return sentence[:1].upper() + sentence[1:] + "." if told else ""


def _shares(answers: Answers) -> Figure:
    bars = (
        dated(source("daily", "day"))
        .transform_joinaggregate(modes_there="valid(trips)", all_trips="sum(trips)", groupby=["day"])
        .transform_filter("datum.modes_there == 2 && datum.all_trips > 0")
        .transform_calculate(share="100 * datum.trips / datum.all_trips")
        .mark_bar(width=alt.RelativeBandSize(1))
        .encode(
            x=alt.X("yearmonthdate(date):T", title=None, axis=dates()),
            y=alt.Y("share:Q", title="% of trips", stack="zero", scale=alt.Scale(domain=[0, 100])),
            color=colour(),
            tooltip=[
                day_tooltip(),
                alt.Tooltip("mode:N", title="Mode"),
                alt.Tooltip("share:Q", title="Share in %", format=".1f"),
                alt.Tooltip("trips:Q", title="Trips", format=","),
            ],
        )
    )
    share = answers.totals.get("citibike_mode_share_pct")
    return Figure(
        "shares",
        "Mode share over time, in % of the day's trips",
        f"Over all days with both modes, {number(share, 1)} % of the trips were on CitiBike." if share else "",
        answers.datasets["daily"],
        ("day",),
        {"": finished(bars)},
        wide=True,
        note="Only days for which both modes are loaded; the rest would be all of one.",
    )


def _durations(answers: Answers) -> Figure:
    told = [
        f"half of the {SAID[name]} trips took less than {number(row['median_trip_duration_minutes'], 1)} minutes, "
        f"19 of 20 less than {number(row['p95_trip_duration_minutes'], 1)}"
        for mode, name in MODES.items()
        if (row := answers.by_mode.get(mode)) and row["median_trip_duration_minutes"] is not None
    ]
    sentence = "; ".join(told)
    chart = _bands("durations", "minutes", "minutes, in bands of 2; 60 is 60 and more", 2)
    return Figure(
        "durations",
        "How long trips take, in % of the mode's trips",
        sentence[:1].upper() + sentence[1:] + "." if sentence else "",
        answers.datasets["durations"],
        ("mode", "month"),
        {"": chart},
    )


def _distances(answers: Answers) -> Figure:
    mean = answers.totals.get("avg_trip_distance_miles")
    chart = _bands("distances", "miles", "miles, in bands of 1; 20 is 20 and more", 1)
    return Figure(
        "distances",
        "How far taxi trips go, in % of them",
        f"A taxi trip is {number(mean, 1)} miles long on average, at {number(answers.totals['avg_trip_speed_mph'], 1)} "
        "miles per hour."
        if mean
        else "",
        answers.datasets["distances"],
        ("month",),
        {"": chart},
        note="Nobody measures how far a bike went.",
    )


def _bands(dataset: str, band: str, title: str, width: int) -> dict[str, Any]:
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
    both = dataset == "durations"
    area = base.mark_area(opacity=0.16, interpolate="step").encode(**encoded, color=colour(legend=both))
    line = base.mark_line(strokeWidth=2, interpolate="step").encode(
        **encoded, color=colour(legend=both), strokeDash=dash(legend=both)
    )
    points = base.mark_point(size=120, filled=True, opacity=0).encode(**encoded, tooltip=tooltip)
    return finished(area + line + points)
