"""What several metrics share is summed once.

    with trips as (select borough, is_counted, trips as __trips, amount as __amount from classified_trips)
    select ... from (select borough, sum(__trips) from trips where is_counted group by borough) ...
    full outer join (select borough, sum(__amount) from trips group by borough) ...

becomes

    with trips as (
        select borough, is_counted, sum(__trips) as __trips, sum(__amount) as __amount
        from (select borough, is_counted, trips as __trips, amount as __amount from classified_trips) group by all
    )
    select ... from (select borough, sum(__trips) from trips where is_counted group by borough) ...
    full outer join (select borough, sum(__amount) from trips group by borough) ...

DuckDB materialises a part that is read several times. Without this rewriting, it would materialise all trips.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from luigi_pipeline.metrics.rewrite.columns import UnknownForm, columns_of, is_summed_up, keep, measures, summed

if TYPE_CHECKING:
    from sqlglot import expressions as exp


def apply(query: exp.Expression) -> None:
    """Sum each part that has measures and is read by name.

    Args:
        query: The query, which is changed.

    Raises:
        UnknownForm: It is not clear which columns of a part are read.
    """
    from sqlglot import expressions as exp

    for cte in list(query.find_all(exp.CTE)):
        if measures(cte.this.named_selects):
            _share(cte, query)


def _share(cte: exp.CTE, query: exp.Expression) -> None:
    """Let all readers that sum a shared part share its sums. Give other readers rows of their own."""
    from sqlglot import expressions as exp

    references = [table for table in query.find_all(exp.Table) if table.name == cte.alias and not table.db]
    looked_at = [columns_of(table) for table in references]
    if any(columns is None for columns in looked_at):
        raise UnknownForm(f"the columns that are read of {cte.alias}")
    summing = [table for table in references if is_summed_up(table)]
    for table, columns in zip(references, looked_at, strict=True):
        if not any(table is other for other in summing):
            table.replace(keep(cte.this, columns or ()).subquery(table.alias_or_name))
    if not summing:
        cte.pop()
        return
    kept = keep(cte.this, {name for table in summing for name in columns_of(table) or ()})
    cte.set("this", summed(kept.subquery("source")).this)
