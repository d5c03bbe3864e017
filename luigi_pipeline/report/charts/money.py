"""What taxi trips cost, and how passengers tip."""

from __future__ import annotations

from typing import Any

import altair as alt
from markupsafe import Markup

from luigi_pipeline.report.charts.drawing import (
    LOOKS,
    NEUTRAL,
    Figure,
    dated,
    day_axis,
    day_tooltip,
    finished,
    number,
    source,
)
from luigi_pipeline.report.charts.places import NO_TAXIS
from luigi_pipeline.report.questions import COVERED, WITH_FARES, Answers
from luigi_pipeline.report.stating import sentence, stated


def figures(answers: Answers) -> list[Figure]:
    """The section's figures."""
    return [_fares(answers), _revenue(answers), _payments(answers), _tips(answers)]


def _fares(answers: Answers) -> Figure:
    fare = answers.totals.get("avg_fare")
    return _over_days(
        answers,
        "fares",
        "Average metered fare of a taxi trip, in US dollars",
        sentence(
            "A taxi trip's meter shows {} dollars on average, before surcharges, tolls and tip.",
            stated(number(fare, 2), "avg_fare"),
        )
        if fare
        else Markup(""),
        ("fare", "fare, USD", "$.2f"),
    )


def _revenue(answers: Answers) -> Figure:
    revenue = answers.totals.get("total_revenue")
    return _over_days(
        answers,
        "revenue",
        "Taxi revenue per day, in US dollars",
        sentence("Passengers were charged {} dollars in all.", stated(number(float(revenue)), "total_revenue"))
        if revenue
        else Markup(""),
        ("revenue", "USD per day", "$~s"),
    )


def _over_days(answers: Answers, name: str, title: str, text: Markup, shown: tuple[str, str, str]) -> Figure:
    column, axis, form = shown
    base = dated(source("fares", "day")).encode(
        x=day_axis(),
        y=alt.Y(
            f"{column}:Q", title=axis, axis=alt.Axis(format=form, tickCount=5), scale=alt.Scale(zero=column != "fare")
        ),
    )
    with_fares = [LOOKS[title] for title in answers.modes if LOOKS[title].has_fares]
    colour = with_fares[0].colour if len(with_fares) == 1 else NEUTRAL
    lines = base.mark_line(color=colour, strokeWidth=2, interpolate="monotone")
    points = base.mark_point(size=90, filled=True, opacity=0).encode(
        tooltip=[day_tooltip(), alt.Tooltip(f"{column}:Q", title=axis, format="$,.2f")]
    )
    return Figure(
        name, title, text, answers.datasets["fares"], ("day",), {"": finished(lines + points)}, missing=NO_TAXIS
    )


def _payments(answers: Answers) -> Figure:
    base = (
        source("payments", "month")
        .transform_aggregate(trips="sum(trips)", fares="sum(fares)", groupby=["payment"])
        .transform_joinaggregate(of_all="sum(trips)")
        .transform_calculate(share="100 * datum.trips / datum.of_all", fare="datum.fares / datum.trips")
    )
    bars = base.mark_bar(color=NEUTRAL, cornerRadiusEnd=3).encode(
        x=alt.X("fare:Q", title="average fare, USD", axis=alt.Axis(format="$.0f")),
        y=alt.Y("payment:N", sort=alt.EncodingSortField("trips", order="descending"), title=None),
        tooltip=[
            alt.Tooltip("payment:N", title="Payment"),
            alt.Tooltip("fare:Q", title="Average fare", format="$,.2f"),
            alt.Tooltip("trips:Q", title="Trips", format=","),
            alt.Tooltip("share:Q", title="Share of trips in %", format=".1f"),
        ],
    )
    dataset = answers.datasets["payments"]
    trips = dict.fromkeys(dataset.column("payment"), 0)
    for kind, count in zip(dataset.column("payment"), dataset.column("trips"), strict=True):
        trips[kind] += count
    most = max(trips, key=lambda kind: trips[kind]) if trips else ""
    paid: dict[str, Any] = {
        "metric": "total_trips", "where": [WITH_FARES, COVERED], "by": ["payment_type"], "pick": "most"
    }  # fmt: skip
    return Figure(
        "payments",
        "Average fare by payment type, in US dollars",
        sentence(
            "{} % of the taxi trips were paid by {}.",
            stated(number(100 * trips[most] / sum(trips.values()), 1), **paid, of="share"),
            stated(most, **paid, of="key"),
        )
        if most
        else Markup(""),
        dataset,
        ("month",),
        {"": finished(bars)},
        note="Payment types with most trips come first.",
        missing=NO_TAXIS,
    )


def _tips(answers: Answers) -> Figure:
    base = (
        source("payments", "month")
        .transform_aggregate(trips="sum(trips)", fares="sum(fares)", tips="sum(tips)", groupby=["payment"])
        .transform_filter("datum.fares > 0")
        .transform_calculate(rate="100 * datum.tips / datum.fares")
    )
    bars = base.mark_bar(color=NEUTRAL, cornerRadiusEnd=3).encode(
        x=alt.X("rate:Q", title="tips in % of fares"),
        y=alt.Y("payment:N", sort=alt.EncodingSortField("trips", order="descending"), title=None),
        tooltip=[
            alt.Tooltip("payment:N", title="Payment"),
            alt.Tooltip("rate:Q", title="Tips in % of fares", format=".2f"),
            alt.Tooltip("tips:Q", title="Tips", format="$,.0f"),
            alt.Tooltip("fares:Q", title="Fares", format="$,.0f"),
            alt.Tooltip("trips:Q", title="Trips", format=","),
        ],
    )
    rate = answers.totals.get("tip_rate_pct")
    return Figure(
        "tips",
        "Tips by payment type, in % of the fares",
        sentence("Who pays by card tips {} % of the fare.", stated(number(rate, 1), "tip_rate_pct"))
        if rate
        else Markup(""),
        answers.datasets["payments"],
        ("month",),
        {"": finished(bars)},
        note="TLC records tips that are paid by card. Tips in cash are in no file, so cash seems to bring none.",
        missing=NO_TAXIS,
    )
