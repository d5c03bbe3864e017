"""MetricFlow's SQL, made quicker: the same answer from fewer rows.

MetricFlow carries every trip through its joins and adds up at the end. A sum of sums is the same sum, so trips that
agree in all that a query looks at can be added up before. Each rewriting has a file of its own, which begins with a
query before and after, and can be taken out by itself:

- `shared_sums`: what several metrics share is added up once;
- `running_totals`: trips are added up before they are joined with a time spine;
- `levels`: a running total goes from step to step of the time spine, without joining each row with all steps;
- `smaller_tables`: trips that dbt has added up are read in place of single ones.

MetricFlow promises no form of its SQL. A query that a rewriting can't read is run as it is.
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
        sql: MetricFlow's, in DuckDB's dialect.
        tables: Columns of the tables and views that are published.

    Returns:
        A query with the same answer; the one that was given, where it can't be read.
    """
    import sqlglot

    try:
        query = cast("exp.Expression", sqlglot.parse_one(sql, dialect="duckdb"))
        shared_sums.apply(query)
        running_totals.apply(query)
        levels.apply(query)
        smaller_tables.apply(query, tables)
        return query.sql(dialect="duckdb")
    except Exception as error:  # whatever is unusual about the SQL: the question has an answer without this
        reason = one_line(str(error).splitlines()[0] if str(error) else repr(error))
        log.warning("MetricFlow's SQL is run as it is, which may be slow: it can't be rewritten (%s)", reason)
        return sql
