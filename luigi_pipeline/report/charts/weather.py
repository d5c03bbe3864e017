"""What the weather does to the number of trips."""

from __future__ import annotations

import altair as alt

from luigi_pipeline.report.charts.drawing import (
    Figure,
    colour,
    counts,
    dash,
    dated,
    day_tooltip,
    finished,
    number,
    shape,
    signed,
    source,
)
from luigi_pipeline.report.datasets import SAID
from luigi_pipeline.report.effects import COLD, CONDITIONS, HOT
from luigi_pipeline.report.questions import Answers

_NO_WEATHER = "There is no weather in what is published, or no hour of such weather to compare."


def figures(answers: Answers) -> list[Figure]:
    """The section's figures."""
    return [_effects(answers), _temperature(answers)]


def _effects(answers: Answers) -> Figure:
    names = [condition.name for condition in CONDITIONS]
    base = source("effects", "mode").encode(
        x=alt.X("effect:Q", title="% more or fewer trips than in comparable dry hours"),
        y=alt.Y("condition:N", title=None, sort=names, scale=alt.Scale(domain=names)),
        yOffset=alt.YOffset("mode:N", sort=["Yellow taxi", "CitiBike"]),
    )
    bars = base.mark_bar(cornerRadiusEnd=3).encode(
        color=colour(),
        tooltip=[
            alt.Tooltip("condition:N", title="Weather"),
            alt.Tooltip("mode:N", title="Mode"),
            alt.Tooltip("effect:Q", title="Effect in %", format="+.1f"),
            alt.Tooltip("hours:Q", title="Hours compared", format=","),
            alt.Tooltip("trips:Q", title="Trips in them", format=","),
            alt.Tooltip("expected:Q", title="Trips expected", format=",.0f"),
        ],
    )
    zero = alt.Chart(alt.InlineData([{"zero": 0}])).mark_rule(strokeWidth=1.5).encode(x="zero:Q")
    found = answers.datasets["effects"].rows
    told = [f"{signed(effect)} {SAID[mode]} trips" for condition, mode, effect, *_ in found if condition == "Rain"]
    absent = sorted(set(names) - {condition for condition, *_ in found})
    unseen = (
        f" There is no hour to compare of {' or '.join(absent).lower()} in these months." if absent and found else ""
    )
    return Figure(
        "effects",
        "The effect of rain, snow, heat and cold, in % of the trips expected",
        (f"In rain there are {', and '.join(told)}." if told else "") + unseen,
        answers.datasets["effects"],
        ("mode",),
        {"": finished(bars + zero)},
        note="The baseline of an hour is the mean of the dry hours of the same mode, weekday and hour of day within "
        "28 days either side: neither the season nor the time of day passes for weather. Rain and snow fell in the "
        f"hour; heat is a dry hour of {HOT:.0f} °C and more against dry hours below, cold one below {COLD:.0f} °C "
        "against dry hours above. An hour without a baseline is left out. Few hours make an uncertain bar: the "
        "tooltip counts them.",
        missing=_NO_WEATHER,
    )


def _temperature(answers: Answers) -> Figure:
    base = dated(source("daily", "mode", "day").transform_filter("isValid(datum.temperature) && isValid(datum.trips)"))
    place = {
        "x": alt.X("temperature:Q", title="mean temperature of the day, °C", scale=alt.Scale(zero=False, nice=True)),
        "y": alt.Y("trips:Q", title="trips per day", axis=counts(5)),
    }
    dots = base.mark_point(filled=True, size=52, opacity=0.72).encode(
        **place,
        color=colour(),
        shape=shape(),
        tooltip=[
            day_tooltip(),
            alt.Tooltip("mode:N", title="Mode"),
            alt.Tooltip("temperature:Q", title="Mean °C", format=".1f"),
            alt.Tooltip("trips:Q", title="Trips", format=","),
        ],
    )
    trend = (
        base.transform_regression("temperature", "trips", groupby=["mode"])
        .mark_line(strokeWidth=2)
        .encode(**place, color=colour(), strokeDash=dash())
    )
    warm = _warmth(answers)
    return Figure(
        "temperature",
        "Trips per day against the day's mean temperature",
        warm,
        answers.datasets["daily"],
        ("mode", "day"),
        {"": finished(dots + trend)},
        note="A dot is a day of a mode; the straight line is the least-squares fit through the dots of its mode. "
        "Seasons and holidays are in it, too: that they move together does not say that one makes the other.",
        missing=_NO_WEATHER,
        lacks="temperature",
    )


def _warmth(answers: Answers) -> str:
    told = []
    for mode in ("Yellow taxi", "CitiBike"):
        dots = [
            (degrees, trips)
            for _, of, trips, _, degrees in answers.datasets["daily"].rows
            if of == mode and trips is not None and degrees is not None
        ]
        if len({degrees for degrees, _ in dots}) < 3:
            continue
        mean_x, mean_y = (sum(dot[axis] for dot in dots) / len(dots) for axis in (0, 1))
        slope = sum((x - mean_x) * (y - mean_y) for x, y in dots) / sum((x - mean_x) ** 2 for x, _ in dots)
        told.append(f"{number(abs(slope))} {'more' if slope >= 0 else 'fewer'} {SAID[mode]} trips a day")
    return f"With each °C more there are {' and '.join(told)}." if told else ""
