"""Judging months: what is usual of them, held against their profiles, as one more of Great Expectations' suites."""

from __future__ import annotations

from importlib.resources import files
from typing import TYPE_CHECKING, Any

from luigi_pipeline.validation.plausibility import PROFILES, Plausibility, Statistic
from luigi_pipeline.validation.suites import Expectation, Suite
from luigi_pipeline.warehouse import quoting

if TYPE_CHECKING:
    from sqlalchemy.engine import Engine


def find(warehouse: Engine, plausibility: Plausibility) -> list[dict[str, Any]]:
    """All that is unusual of the months in marts.month_profiles, at once.

    It is in `plausibility.findings` afterwards, in a database in memory beside the warehouse, for the suite to look at.

    Returns:
        A row for each source, month and statistic: the worst cut's values, and which rule it breaks.
    """
    query = files("luigi_pipeline.validation").joinpath("findings.sql").read_text(encoding="utf-8")
    with warehouse.connect() as connection:
        # Read and write, as the connection to the warehouse is not.
        connection.exec_driver_sql("attach if not exists ':memory:' as plausibility (read_write)")
        connection.exec_driver_sql(f"set variable plausibility = {quoting.text(plausibility.model_dump_json())}")
        connection.exec_driver_sql(f"create or replace table plausibility.findings as {query}")
        found = connection.exec_driver_sql("from plausibility.findings order by source, source_month, statistic")
        return [dict(row) for row in found.mappings()]


def suite(plausibility: Plausibility) -> Suite:
    """An expectation for each statistic, over what `find` has found."""
    expectations = [_expectation(item) for item in plausibility.statistics]
    return Suite.model_validate({"name": PROFILES, "schema": "marts", "expectations": expectations})


def _expectation(item: Statistic) -> Expectation:
    sources = ", ".join(f"'{source}'" for source in item.source)
    query = (
        "select source, source_month, statistic, cut, value, low, high, rule, amount from plausibility.findings "
        f"where statistic = '{item.statistic}' and source in ({sources}) /* of {{batch}} */"
    )
    named = f"{item.statistic} ({', '.join(item.source)})"
    why = f"{named}: {' '.join(item.why.split())} According to: {item.according_to}."
    return Expectation.model_validate({"query": query, "severity": "warning", "why": why})
