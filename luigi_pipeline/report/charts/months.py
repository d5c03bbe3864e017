"""What each month looks like: small charts of its profile, in which unusual values are marked."""

from __future__ import annotations

import altair as alt
from markupsafe import Markup

from luigi_pipeline.report.charts.drawing import LOOKS, NEUTRAL, Figure, finished, source
from luigi_pipeline.report.datasets import Dataset
from luigi_pipeline.report.questions import Answers
from luigi_pipeline.report.stating import sentence

_UNUSUAL = "#c62828"


def figure(answers: Answers) -> Figure:
    """The figure. It needs at least two months."""
    profiles = answers.datasets["profiles"]
    unusual = _unusual(profiles)
    text = Markup("No month is unusual in these.")
    if unusual:
        text = sentence("Unusual, and accepted by nobody yet: <q>{}</q>.", ", ".join(unusual))
    return Figure(
        "profiles",
        "What each month looks like: trips, medians and shares in %, by source",
        text,
        profiles,
        ("month",),
        {caption: _chart(caption, of) for caption, of in dict(_captions(profiles)).items()},
        wide=True,
        note="Medians are of trips, or of hours. A red mark is a month that differs from what is usual, or from other "
        "months; month_profiles has these and all other statistics, config/plausibility.yml what is usual.",
        missing="There is one month only: from the second one on, months are shown beside each other.",
    )


def _captions(profiles: Dataset) -> list[tuple[str, str]]:
    return list(zip(profiles.column("caption"), profiles.column("of"), strict=True))


def _unusual(profiles: Dataset) -> list[str]:
    rows = zip(*map(profiles.column, ("month", "caption", "unusual")), strict=True)
    return [f"{caption} of {month}" for month, caption, unusual in rows if unusual]


def _chart(caption: str, of: str) -> dict[str, object]:
    base = source("profiles", "month").transform_filter(alt.datum.caption == caption)
    across = alt.X("month:O", title=None, axis=alt.Axis(labelAngle=0, labelOverlap=True))
    up = alt.Y("value:Q", title=None, axis=alt.Axis(tickCount=4))
    tooltip = [
        alt.Tooltip("month:O", title="Month"),
        alt.Tooltip("value:Q", title=caption, format=",.4~g"),
        alt.Tooltip("rows:Q", title="Rows it stands on", format=","),
    ]
    colour = LOOKS[of].colour if of in LOOKS else NEUTRAL
    line = base.mark_line(strokeWidth=2, color=colour).encode(x=across, y=up)
    points = base.mark_point(size=40, filled=True, color=colour).encode(x=across, y=up, tooltip=tooltip)
    marks = (
        base.transform_filter("datum.unusual == 1")
        .mark_point(size=140, filled=True, shape="diamond", color=_UNUSUAL)
        .encode(x=across, y=up, tooltip=tooltip)
    )
    return finished((line + points + marks).properties(height=120))
