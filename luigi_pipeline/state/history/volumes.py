"""Months with far fewer rows than those before them: loaded as published, and likely published in part."""

from __future__ import annotations

import statistics
from collections.abc import Iterator
from dataclasses import dataclass

from luigi_pipeline.config.settings import Settings
from luigi_pipeline.core.datadir import DataDir
from luigi_pipeline.core.months import Month
from luigi_pipeline.sources import MONTHLY
from luigi_pipeline.state import markers
from luigi_pipeline.state.markers import Marker

_EARLIER_MONTHS = 6
_LARGEST_DROP = 0.4


@dataclass(frozen=True)
class Drop:
    """A month whose rows have dropped.

    Attributes:
        source: The source.
        month: The month.
        rows: Its rows.
        usual: The median of the rows of up to six loaded months before it.
        months: How many these were.
    """

    source: str
    month: Month
    rows: int
    usual: float
    months: int

    def __str__(self) -> str:
        """In words."""
        share = 1 - self.rows / self.usual
        before = "the month" if self.months == 1 else f"usual in the {self.months} months"
        return (
            f"{self.source} {self.month} has {self.rows:,} rows, {share:.0%} fewer than {before} before it "
            f"({self.usual:,.0f}): see whether it was published in full; --mobility-refresh asks for it again"
        )


def drops(data: DataDir, settings: Settings, since: str = "") -> list[Drop]:
    """The loaded months that have over 40% fewer rows than the median of up to six months before them.

    Args:
        data: The data dir; its markers are read.
        settings: The configuration, which may ask for a part of a month.
        since: When the months to look at were loaded, at the earliest; UTC, ISO 8601.
    """
    return [drop for source in MONTHLY for drop in _drops(data, settings, source, since)]


def _drops(data: DataDir, settings: Settings, source: str, since: str) -> Iterator[Drop]:
    loads = _loads(data, settings, source)
    rows = [marker.source.rows or 0 for marker in loads.values() if marker.source]
    for number, (month, marker) in enumerate(loads.items()):
        earlier = rows[max(0, number - _EARLIER_MONTHS) : number]
        usual = statistics.median(earlier) if earlier else 0
        if marker.finished_at >= since and rows[number] < usual * (1 - _LARGEST_DROP):
            yield Drop(source, month, rows[number], usual, len(earlier))


def _loads(data: DataDir, settings: Settings, source: str) -> dict[Month, Marker]:
    """The markers of a source's months, in their order, without those of which only a part is asked for."""
    paths = sorted((data.markers / "LoadMonth" / source).glob("*.json"))
    found = ((month, markers.read(path)) for path in paths if (month := Month.or_none(path.stem)))
    block = settings.source(source)
    return {month: marker for month, marker in found if marker and marker.source and block.is_whole(month)}
