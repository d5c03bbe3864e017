"""The smallest table that answers a query: trips that were added up, or trips without the classes of their hour.

The semantic model of the trips is on `classified_trips`. `pickup_sums` and `dropoff_sums` are the same trips, added up
by hour, zone and kind, and `counted_trips` are the same rows without classes. Each has some of its columns, by the same
names.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import TYPE_CHECKING

from luigi_pipeline.metrics.columns import columns_of, is_summed_up, measures_alone

if TYPE_CHECKING:
    from sqlglot import expressions as exp

_TRIPS = "classified_trips"
_SUMS = ("pickup_sums", "dropoff_sums")
_ROWS = ("counted_trips",)
# What the sums add up: a duration there is that of many trips, of use to who adds it up, and to no one else.
_ADDED_UP = frozenset(
    {"trips", "passengers", "duration_minutes", "distance_miles", "fare_amount", "tip_amount", "total_amount"}
)


def use(query: exp.Expression, tables: Mapping[str, Collection[str]]) -> None:
    """Ask smaller tables where they have all that is asked.

    Args:
        query: The query, which is changed.
        tables: Columns of the tables that there are.
    """
    from sqlglot import expressions as exp

    for table in list(query.find_all(exp.Table)):
        columns = columns_of(table) if table.name == _TRIPS else None
        if columns is None:
            continue
        instead = (*_SUMS, *_ROWS) if is_summed_up(table) and measures_alone(table, _ADDED_UP) else _ROWS
        found = next((name for name in instead if columns <= set(tables.get(name, ()))), None)
        if found:
            table.set("this", exp.to_identifier(found, quoted=True))
