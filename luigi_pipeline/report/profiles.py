"""The statistics of published months that the page draws."""

from __future__ import annotations

from pathlib import Path

from luigi_pipeline.core.datadir import DataDir
from luigi_pipeline.metrics import reading
from luigi_pipeline.report.datasets import Dataset
from luigi_pipeline.sources import SOURCES
from luigi_pipeline.state.findings import label, unit

_QUERY = """
    select profiles.source, profiles.statistic, profiles.source_month, profiles.value, profiles.row_count,
        coalesce(not findings.is_accepted, false) as is_unusual
    from nyc_mobility.marts.month_profiles as profiles
    left join nyc_mobility.meta.findings as findings using (source, source_month, statistic)
    where
        profiles.cut = ''
        and profiles.source in (
            select source from nyc_mobility.marts.month_profiles group by 1 having count(distinct source_month) > 1
        )
    order by profiles.source_month
"""
_COLUMNS = ("month", "of", "caption", "value", "rows", "unusual")


def ask(data_dir: Path) -> Dataset:
    """The values of months, by statistic. Sources with a single month are left out."""
    rows: dict[tuple[str, str], list[tuple[object, ...]]] = {}
    for row in reading.current(DataDir(data_dir)).run(_QUERY).to_pylist():
        source, statistic = row["source"], row["statistic"]
        is_share = statistic.startswith("share_")
        shown = SOURCES[source].title
        caption = f"{shown}: {label(statistic)}{', %' if is_share else unit(statistic).replace(' ', ', ', 1)}"
        value = 100 * row["value"] if is_share else row["value"]
        made = (row["source_month"], shown, caption, value, row["row_count"], int(row["is_unusual"]))
        rows.setdefault((source, statistic), []).append(made)
    drawn = [(name, statistic) for name, source in SOURCES.items() for statistic in source.drawn]
    return Dataset.of("profiles", _COLUMNS, [row for key in drawn for row in rows.get(key, [])])
