"""MetricFlow's SQL, made quick where sums are made of sums.

MetricFlow carries every trip through its joins and adds up at the end. Three of these ways are long: a running total
joins ten million trips with each of the days after them, what several metrics of a question share is written down
trip by trip, and a trip gets classes that nobody asks for. A sum of sums is the same sum, so rows that agree in all
that a query looks at are added up before, or were added up when the models were built.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import TYPE_CHECKING, cast

from luigi_pipeline.metrics import levels, running_totals, smaller_tables
from luigi_pipeline.metrics.columns import MEASURE, columns_of, is_summed_up, keep

if TYPE_CHECKING:
    from sqlglot import expressions as exp


def presum(sql: str, tables: Mapping[str, Collection[str]]) -> str:
    """Add up a query's rows as early as that changes nothing.

    Args:
        sql: MetricFlow's, in DuckDB's dialect.
        tables: Columns of the tables and views that are published.

    Returns:
        A query with the same answer.
    """
    import sqlglot
    from sqlglot import expressions as exp

    query = cast("exp.Expression", sqlglot.parse_one(sql, dialect="duckdb"))
    for cte in list(query.find_all(exp.CTE)):
        if _measures(cte.this.named_selects):
            _share(cte, query)
    for join in running_totals.joins(query):
        if is_summed_up(join):
            running_totals.read_first(join)
            running_totals.look_up_first(join)
            _sum_source(join.this)
            levels.use(join)
    smaller_tables.use(query, tables)
    return query.sql(dialect="duckdb")


def _share(cte: exp.CTE, query: exp.Expression) -> None:
    """Let those who add up the rows of a shared part share their sums; give the others rows of their own.

    DuckDB writes down a part that several share, and so would write down all trips.
    """
    from sqlglot import expressions as exp

    references = [table for table in query.find_all(exp.Table) if table.name == cte.alias and not table.db]
    looked_at = [columns_of(table) for table in references]
    if any(columns is None for columns in looked_at):
        return
    summing = [table for table in references if is_summed_up(table)]
    for table, columns in zip(references, looked_at, strict=True):
        if not any(table is other for other in summing):
            table.replace(keep(cte.this, columns or ()).subquery(table.alias_or_name))
    if not summing:
        cte.pop()
        return
    kept = keep(cte.this, {name for table in summing for name in columns_of(table) or ()})
    cte.set("this", _summed(kept.subquery("source"), kept.named_selects).this)


def _measures(columns: list[str]) -> list[str]:
    return [name for name in columns if name.startswith(MEASURE)]


def _sum_source(source: exp.Expression) -> None:
    """Add up what a running total adds up, in as few rows as it tells apart."""
    from sqlglot import expressions as exp

    columns = columns_of(source)
    if isinstance(source, exp.Subquery) and columns and _measures(sorted(columns)):
        kept = keep(source.this, columns)
        source.replace(_summed(kept.subquery(source.alias_or_name), kept.named_selects))


def _summed(source: exp.Subquery, columns: list[str]) -> exp.Subquery:
    import sqlglot

    shown = [f'sum("{name}") as "{name}"' if name.startswith(MEASURE) else f'"{name}"' for name in columns]
    made = sqlglot.parse_one(f"select {', '.join(shown)} from source group by all", dialect="duckdb")
    made.find(sqlglot.exp.Table).replace(source)  # type: ignore[union-attr]
    return cast("exp.Subquery", made.subquery(source.alias_or_name))  # type: ignore[attr-defined]
