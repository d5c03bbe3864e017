"""What the metrics leave out, and how much it is."""

from __future__ import annotations

import altair as alt

from luigi_pipeline.report.charts import months
from luigi_pipeline.report.charts.drawing import Figure, colour, finished, number, source
from luigi_pipeline.report.datasets import MODES, SHORT_NAMES
from luigi_pipeline.report.questions import Answers, of_mode
from luigi_pipeline.report.stating import joined, sentence, stated


def figures(answers: Answers) -> list[Figure]:
    """The section's figures. Its tables are in the template."""
    charts = {}
    for flag in ("Voided", "Suspect"):
        bars = (
            source("flagged", "mode", "month")
            .transform_filter(f"datum.flag == '{flag}'")
            .mark_bar(cornerRadiusEnd=3)
            .encode(
                x=alt.X("month:O", title=None, axis=alt.Axis(labelAngle=0, labelOverlap=True)),
                xOffset=alt.XOffset("mode:N", sort=answers.modes),
                y=alt.Y("rate:Q", title="% of recorded trips"),
                color=colour(answers.modes),
                tooltip=[
                    alt.Tooltip("month:O", title="Month"),
                    alt.Tooltip("mode:N", title="Mode"),
                    alt.Tooltip("rate:Q", title=f"{flag} in %", format=".3f"),
                    alt.Tooltip("recorded:Q", title="Recorded trips", format=","),
                ],
            )
            .properties(height=180)
        )
        charts[f"{flag} trips"] = finished(bars)
    parts = [
        sentence(
            "{} % of the {} trips are voided and {} % suspect",
            stated(number(row["voided_trip_rate_pct"], 2), "voided_trip_rate_pct", [of_mode(mode)]),
            SHORT_NAMES[name],
            stated(number(row["suspect_trip_rate_pct"], 2), "suspect_trip_rate_pct", [of_mode(mode)]),
        )
        for mode, name in MODES.items()
        if (row := answers.by_mode.get(mode))
    ]
    return [
        months.figure(answers),
        Figure(
            "flagged",
            "Trips that are left out of the metrics, in % of all recorded ones",
            joined("; ", parts),
            answers.datasets["flagged"],
            ("mode", "month"),
            charts,
            wide=True,
            note="Voided: taken back by a negative total, or negative itself. Suspect: cannot have happened as "
            "published, such as a trip that ends before it starts. Both stay in the warehouse, flagged.",
        ),
    ]
