"""Finding the months whose rides are built anew because another month has changed."""

from __future__ import annotations

from importlib.resources import files
from typing import TYPE_CHECKING

from luigi_pipeline.state.changes import Changes

if TYPE_CHECKING:
    import duckdb


def with_shared_rides(connection: duckdb.DuckDBPyConnection, changes: Changes) -> Changes:
    """Add the months that share a ride with a changed month of CitiBike: which copy is kept there may have changed.

    Args:
        connection: The warehouse, as the last build and the loads since have left it.
        changes: What the loads have changed since that build.
    """
    months = changes.months and changes.months.get("citibike")
    if not months:
        return changes
    query = files("luigi_pipeline.warehouse").joinpath("shared_rides.sql").read_text(encoding="utf-8")
    sharing = connection.execute(query, {"months": months}).fetchall()
    return changes.also("citibike", [month for (month,) in sharing])
