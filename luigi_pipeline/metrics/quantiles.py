"""Medians and percentiles of the same values, taken together: the values are collected once."""

from __future__ import annotations

from typing import TYPE_CHECKING

from luigi_pipeline.metrics.columns import sources_of

if TYPE_CHECKING:
    from sqlglot import expressions as exp


def merge(query: exp.Expression) -> None:
    """Take those of the same column in one aggregate: a list of them, of which each gets its own.

    Args:
        query: The query, which is changed.
    """
    from sqlglot import expressions as exp

    for select in list(query.find_all(exp.Select)):
        found: dict[str, list[exp.WithinGroup]] = {}
        for output in select.expressions:
            taken = output.unalias()
            column = _column(taken)
            origin = _origin(column, select) if column is not None else None
            if isinstance(taken, exp.WithinGroup) and origin:
                found.setdefault(origin, []).append(taken)
        for taken in found.values():
            if len(taken) > 1:
                _merge(taken)


def _merge(quantiles: list[exp.WithinGroup]) -> None:
    from sqlglot import expressions as exp

    column = quantiles[0].expression.expressions[0].this.unnest()
    fractions = exp.Array(expressions=[quantile.this.this.copy() for quantile in quantiles])
    for place, quantile in enumerate(quantiles, start=1):
        together = exp.Anonymous(this="quantile_cont", expressions=[column.copy(), fractions.copy()])
        quantile.replace(exp.Bracket(this=together, expressions=[exp.Literal.number(place)], offset=1))


def _column(taken: exp.Expression) -> exp.Column | None:
    """The column that a percentile is taken of; None for anything else."""
    from sqlglot import expressions as exp

    if not isinstance(taken, exp.WithinGroup) or not isinstance(taken.this, exp.PercentileCont):
        return None
    ordered = taken.expression.expressions
    column = ordered[0].this.unnest() if len(ordered) == 1 and not ordered[0].args.get("desc") else None
    return column if isinstance(column, exp.Column) else None


def _origin(column: exp.Column, select: exp.Select) -> str | None:
    """What a column is in the innermost query that has it, as SQL, where the way there is through subqueries alone."""
    from sqlglot import expressions as exp

    found: exp.Expression = column
    within: exp.Expression = select
    while isinstance(within, exp.Select) and isinstance(found, exp.Column):
        name, table, sources = found.name, found.table, sources_of(within)
        source = next(
            (item for item in sources if item.alias_or_name == table or (not table and len(sources) == 1)), None
        )
        if not isinstance(source, exp.Subquery):
            break
        within = source.this
        inner = next((shown for shown in source.this.selects if shown.alias_or_name == name), None)
        if inner is None:
            return None
        found = inner.unalias()
    return f"{id(within)} {found.sql(dialect='duckdb')}"
