"""Making MetricFlow's SQL quicker: the same answer from fewer rows.

MetricFlow carries every trip through its joins and sums at the end. A sum of partial sums is the same sum, so trips
that are equal in everything that a query looks at can be summed first. Each rewriting has a file of its own, which
begins with a query before and after, and each can be removed alone:

- `shared_sums`: what several metrics share is summed once;
- `running_totals`: trips are summed before they are joined with a time spine;
- `levels`: a running total goes from step to step of the time spine, without joining each row with all steps;
- `smaller_tables`: tables of sums that dbt has built are read in place of single trips.

MetricFlow does not promise the form of its SQL. A query that a rewriting can't read is run as it is.
"""

from __future__ import annotations

import logging
from collections.abc import Collection, Mapping
from typing import TYPE_CHECKING, cast

from luigi_pipeline.core.errors import one_line
from luigi_pipeline.metrics.rewrite import levels, running_totals, shared_sums, smaller_tables

if TYPE_CHECKING:
    from sqlglot import expressions as exp

log = logging.getLogger("luigi_pipeline.metrics")


def make_quick(sql: str, tables: Mapping[str, Collection[str]]) -> str:
    """Rewrite a query.

    Args:
        sql: MetricFlow's SQL, in DuckDB's dialect.
        tables: The published tables and views, with their columns.

    Returns:
        A query with the same answer; if the SQL can't be read, the same query.
    """
    import sqlglot

    try:
        query = cast("exp.Expression", sqlglot.parse_one(sql, dialect="duckdb"))
        shared_sums.apply(query)
        running_totals.apply(query)
        levels.apply(query)
        smaller_tables.apply(query, tables)
        return query.sql(dialect="duckdb")
    except Exception as error:  # any error, because the query can also be answered without a rewriting
        reason = one_line(str(error).splitlines()[0] if str(error) else repr(error))
        log.warning("MetricFlow's SQL is run as it is, which may be slow: it can't be rewritten (%s)", reason)
        return sql
