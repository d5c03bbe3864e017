"""Where taxi trips begin, and where they end."""

from __future__ import annotations

from collections import Counter
from typing import Any

import altair as alt
from markupsafe import Markup

from luigi_pipeline.report.charts.drawing import NEUTRAL, PAIR, Figure, counts, finished, number, source
from luigi_pipeline.report.datasets import Dataset
from luigi_pipeline.report.questions import COVERED, WITH_ZONES, Answers
from luigi_pipeline.report.stating import joined, sentence, stated

_MOST = 15
_POWERS = [0, *(10**power for power in range(1, 10))]
_ENDS = {"Pick-up": "pickup", "Drop-off": "dropoff"}
_DIRECTIONS = list(_ENDS)
NO_TAXIS = "There are no taxi trips in what is published: their source is disabled, or none of its months is loaded."


def figures(answers: Answers) -> list[Figure]:
    """The section's figures."""
    return [_zones(answers), _boroughs(answers), _airports(answers), _flows(answers)]


def _zones(answers: Answers) -> Figure:
    charts = {}
    for direction in _DIRECTIONS:
        bars = (
            source("zones", "month")
            .transform_filter(f"datum.direction == '{direction}'")
            .transform_aggregate(trips="sum(trips)", groupby=["zone", "borough"])
            .transform_window(rank="row_number()", sort=[alt.SortField("trips", order="descending")])
            .transform_filter(f"datum.rank <= {_MOST}")
            .mark_bar(color=NEUTRAL, cornerRadiusEnd=3)
            .encode(
                x=alt.X("trips:Q", title="taxi trips", axis=counts(4)),
                y=alt.Y("zone:N", sort="-x", title=None, axis=alt.Axis(labelLimit=170)),
                tooltip=[
                    alt.Tooltip("zone:N", title="Zone"),
                    alt.Tooltip("borough:N", title="Borough"),
                    alt.Tooltip("trips:Q", title="Trips", format=","),
                ],
            )
            .properties(height=alt.Step(21))
        )
        charts[f"{direction}s"] = finished(bars)
    zones = _sums(answers.datasets["zones"], "direction", "zone")
    parts = []
    for direction in _DIRECTIONS:
        of = {zone: trips for (which, zone), trips in zones.items() if which == direction}
        if of:
            first = max(of, key=lambda zone: of[zone])
            most = _by(_ENDS[direction], "zone_name") | {"pick": "most"}
            share = stated(number(100 * of[first] / sum(of.values()), 1), **most, of="share")
            name = stated(first, **most, of="key")
            parts.append(sentence("most {}s are in {} ({} %)", direction.lower(), name, share))
    return Figure(
        "zones",
        f"The top {_MOST} pick-up and drop-off zones, in taxi trips",
        joined(", ", parts),
        answers.datasets["zones"],
        ("month",),
        charts,
        wide=True,
        note="TLC's taxi zones; `N/A` is TLC's own name for a zone that was not recorded. The CSV has all zones.",
        missing=NO_TAXIS,
    )


def _boroughs(answers: Answers) -> Figure:
    bars = (
        source("zones", "month")
        .transform_aggregate(trips="sum(trips)", groupby=["borough", "direction"])
        .transform_joinaggregate(of_all="sum(trips)", groupby=["direction"])
        .transform_calculate(share="100 * datum.trips / datum.of_all")
        .mark_bar(cornerRadiusEnd=3)
        .encode(
            x=alt.X("trips:Q", title="taxi trips (logarithmic)", scale=alt.Scale(type="symlog"), axis=counts(_POWERS)),
            y=alt.Y("borough:N", sort="-x", title=None),
            yOffset=alt.YOffset("direction:N", sort=_DIRECTIONS),
            color=_by_direction(),
            tooltip=[
                alt.Tooltip("borough:N", title="Borough"),
                alt.Tooltip("direction:N", title="End"),
                alt.Tooltip("trips:Q", title="Trips", format=","),
                alt.Tooltip("share:Q", title="Share in %", format=".2f"),
            ],
        )
    )
    boroughs = _sums(answers.datasets["zones"], "direction", "borough")
    all_pickups = sum(trips for (direction, _), trips in boroughs.items() if direction == "Pick-up")
    manhattan = 100 * boroughs["Pick-up", "Manhattan"] / all_pickups if all_pickups else 0
    return Figure(
        "boroughs",
        "Boroughs, in taxi trips that begin or end there",
        sentence(
            "{} % of the taxi trips begin in Manhattan.",
            stated(number(manhattan, 1), **_by("pickup", "borough"), pick="Manhattan", of="share"),
        )
        if all_pickups
        else Markup(""),
        answers.datasets["zones"],
        ("month",),
        {"": finished(bars)},
        note="The scale is logarithmic: a step to the right is ten times as many.",
        missing=NO_TAXIS,
    )


def _airports(answers: Answers) -> Figure:
    bars = (
        source("zones", "month")
        .transform_filter("datum.airport == 1")
        .transform_aggregate(trips="sum(trips)", groupby=["zone", "direction"])
        .mark_bar(cornerRadiusEnd=3)
        .encode(
            x=alt.X("trips:Q", title="taxi trips", axis=counts(5)),
            y=alt.Y("zone:N", sort="-x", title=None),
            yOffset=alt.YOffset("direction:N", sort=_DIRECTIONS),
            color=_by_direction(),
            tooltip=[
                alt.Tooltip("zone:N", title="Airport"),
                alt.Tooltip("direction:N", title="End"),
                alt.Tooltip("trips:Q", title="Trips", format=","),
            ],
        )
    )
    zones = answers.datasets["zones"]
    airports = Dataset("airports", zones.columns, [row for row in zones.rows if row[zones.columns.index("airport")]])
    ends = _sums(zones, "airport", "direction")
    shares = {
        direction: 100 * ends[1, direction] / trips
        for direction in _DIRECTIONS
        if (trips := ends[0, direction] + ends[1, direction])
    }
    return Figure(
        "airports",
        "Airports, in taxi trips from and to them",
        sentence(
            "{} % of the trips begin at airports, {} % end there.",
            *(
                stated(number(share, 1), **_by(_ENDS[direction], "is_airport"), pick="True", of="share")
                for direction, share in shares.items()
            ),
        )
        if len(shares) == len(_DIRECTIONS)
        else Markup(""),
        airports,
        ("month",),
        {"": finished(bars)},
        missing=NO_TAXIS,
    )


def _flows(answers: Answers) -> Figure:
    cells = (
        source("flows", "month")
        .transform_aggregate(trips="sum(trips)", groupby=["origin", "destination"])
        .transform_joinaggregate(of_origin="sum(trips)", groupby=["origin"])
        .transform_calculate(share="100 * datum.trips / datum.of_origin")
        .mark_rect(cornerRadius=2)
        .encode(
            x=alt.X("destination:N", title="to", axis=alt.Axis(labelAngle=-40, labelLimit=110)),
            y=alt.Y("origin:N", title="from"),
            color=alt.Color(
                "share:Q",
                scale=alt.Scale(range=["#e9f3ee", "#8dbba4", "#4b8b6e", "#1d5a41", "#08281b"]),
                legend=alt.Legend(title="% of the origin's trips", orient="bottom", gradientLength=160, tickCount=3),
            ),
            tooltip=[
                alt.Tooltip("origin:N", title="From"),
                alt.Tooltip("destination:N", title="To"),
                alt.Tooltip("trips:Q", title="Trips", format=","),
                alt.Tooltip("share:Q", title="% of the origin's trips", format=".1f"),
            ],
        )
    )
    flows = _sums(answers.datasets["flows"], "origin", "destination")
    between = {pair: trips for pair, trips in flows.items() if pair[0] != pair[1] and None not in pair}
    first = max(between, key=lambda pair: between[pair]) if between else None
    largest: dict[str, Any] = {
        "metric": "total_trips",
        "where": [WITH_ZONES, COVERED, "pickup_borough <> dropoff_borough"],
        "by": ["pickup_borough", "dropoff_borough"],
        "pick": "most",
    }
    return Figure(
        "flows",
        "Flows between boroughs, in % of the taxi trips from each",
        sentence(
            "The largest flow between two boroughs is from {}: {} trips.",
            stated(f"{first[0]} to {first[1]}", **largest, of="key"),
            stated(number(between[first]), **largest),
        )
        if first
        else Markup(""),
        answers.datasets["flows"],
        ("month",),
        {"": finished(cells)},
        wide=True,
        note="A row adds up to 100 %. The CSV has the trips themselves.",
        missing=NO_TAXIS,
    )


def _by(end: str, attribute: str) -> dict[str, Any]:
    """The arguments of `stated` for taxi trips by an attribute of one of their ends."""
    known = f"{end}_zone_name is not null"
    return {"metric": "total_trips", "where": [WITH_ZONES, COVERED, known], "by": [f"{end}_{attribute}"]}


def _by_direction() -> alt.Color:
    scale = alt.Scale(domain=_DIRECTIONS, range=PAIR)
    return alt.Color("direction:N", scale=scale, legend=alt.Legend(title=None, orient="top"))


def _sums(dataset: Dataset, *by: str) -> Counter[tuple[object, ...]]:
    """Sum the trips by some columns."""
    sums: Counter[tuple[object, ...]] = Counter()
    for key, trips in zip(zip(*map(dataset.column, by), strict=True), dataset.column("trips"), strict=True):
        sums[key] += trips
    return sums
