"""What the weather does to the number of trips."""

from __future__ import annotations

import altair as alt
from markupsafe import Markup

from luigi_pipeline.report.charts.drawing import (
    Figure,
    colour,
    counts,
    dash,
    dated,
    day_tooltip,
    finished,
    shape,
    signed,
    source,
)
from luigi_pipeline.report.datasets import MODES, SHORT_NAMES, Dataset
from luigi_pipeline.report.effects import COLD, CONDITIONS, HOT
from luigi_pipeline.report.questions import COVERED_BY_ALL, Answers, of_mode
from luigi_pipeline.report.stating import sentence, stated

_NO_WEATHER = (
    "There is no weather in what is published, or no hour of such weather to compare on days that all modes cover."
)


def figures(answers: Answers) -> list[Figure]:
    """The section's figures."""
    return [_effects(answers), _temperature(answers)]


def _effects(answers: Answers) -> Figure:
    names = [condition.name for condition in CONDITIONS]
    base = source("effects", "mode").encode(
        x=alt.X("effect:Q", title="% more or fewer trips than in comparable dry hours"),
        y=alt.Y("condition:N", title=None, sort=names, scale=alt.Scale(domain=names)),
        yOffset=alt.YOffset("mode:N", sort=answers.modes),
    )
    bars = base.mark_bar(cornerRadiusEnd=3).encode(
        color=colour(answers.modes),
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
    rows = answers.datasets["effects"].rows
    names_of = {name: mode for mode, name in MODES.items()}
    parts = [
        sentence(
            "{} {} trips",
            stated(signed(effect), "rain_effect_pct", [of_mode(names_of[mode]), COVERED_BY_ALL]),
            SHORT_NAMES[mode],
        )
        for condition, mode, effect, *_ in rows
        if condition == "Rain"
    ]
    absent = sorted(set(names) - {condition for condition, *_ in rows})
    unseen = f" There is no hour to compare of {' or '.join(absent).lower()} on these days." if absent and rows else ""
    return Figure(
        "effects",
        "The effect of rain, snow, heat and cold, in % of the trips expected",
        (sentence("In rain there are {}.", Markup(", and ").join(parts)) if parts else Markup("")) + unseen,
        answers.datasets["effects"],
        ("mode",),
        {"": finished(bars + zero)},
        note="The baseline of an hour is the mean of the dry hours of the same mode, weekday and hour of day within "
        "28 days either side: neither the season nor the time of day passes for weather. Rain and snow fell in the "
        f"hour; heat is a dry hour of {HOT:.0f} °C and more against dry hours below, cold one below {COLD:.0f} °C "
        "against dry hours above. An hour without a baseline is left out, and so are days that not all modes cover. "
        "Few hours make an uncertain bar: the tooltip counts them.",
        missing=_NO_WEATHER,
    )


def _temperature(answers: Answers) -> Figure:
    base = dated(source("daily", "mode", "day").transform_filter("datum.compared && isValid(datum.temperature)"))
    place = {
        "x": alt.X("temperature:Q", title="mean temperature of the day, °C", scale=alt.Scale(zero=False, nice=True)),
        "y": alt.Y("trips:Q", title="trips per day", axis=counts(5)),
    }
    dots = base.mark_point(filled=True, size=52, opacity=0.72).encode(
        **place,
        color=colour(answers.modes),
        shape=shape(answers.modes),
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
        .encode(**place, color=colour(answers.modes), strokeDash=dash(answers.modes))
    )
    daily = answers.datasets["daily"]
    there = any(compared and degrees is not None for *_, degrees, compared in daily.rows)
    return Figure(
        "temperature",
        "Trips per day against the day's mean temperature",
        _warmth(answers),
        daily if there else Dataset(daily.name, daily.columns, []),
        ("mode", "day"),
        {"": finished(dots + trend)},
        note="A dot is a day of a mode, of the days that all modes cover; the straight line is the least-squares fit "
        "through the dots of its mode. "
        "Seasons and holidays are in it, too: that they move together does not say that one makes the other.",
        missing=_NO_WEATHER,
    )


def _warmth(answers: Answers) -> Markup:
    """Whether the lines rise or fall. Their slope also depends on the season, so the sentence does not state it."""
    parts = []
    for mode in MODES.values():
        dots = [
            (degrees, trips)
            for _, of, trips, _, degrees, compared in answers.datasets["daily"].rows
            if of == mode and compared and degrees is not None
        ]
        if len({degrees for degrees, _ in dots}) < 3:
            continue
        mean_x, mean_y = (sum(dot[axis] for dot in dots) / len(dots) for axis in (0, 1))
        slope = sum((x - mean_x) * (y - mean_y) for x, y in dots) / sum((x - mean_x) ** 2 for x, _ in dots)
        parts.append(sentence("{} {} trips", "more" if slope >= 0 else "fewer", SHORT_NAMES[mode]))
    return sentence("On warmer days there are {}.", Markup(" and ").join(parts)) if parts else Markup("")
