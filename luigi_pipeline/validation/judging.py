"""Checking months against what is usual, by their profiles, as one more suite of Great Expectations."""

from __future__ import annotations

from importlib.resources import files
from typing import TYPE_CHECKING, Any

from luigi_pipeline.validation.plausibility import PROFILES, Plausibility, Statistic
from luigi_pipeline.validation.suites import Expectation, Suite
from luigi_pipeline.warehouse import quoting

if TYPE_CHECKING:
    from sqlalchemy.engine import Engine


def find(warehouse: Engine, plausibility: Plausibility) -> list[dict[str, Any]]:
    """Find everything that is unusual about the months in marts.month_profiles.

    The findings are also stored in `plausibility.findings`, a table in an in-memory database, which the suite reads.

    Returns:
        A row for each source, month and statistic: the values of the worst cut, and the rule that it breaks.
    """
    query = files("luigi_pipeline.validation").joinpath("findings.sql").read_text(encoding="utf-8")
    with warehouse.connect() as connection:
        # Attached for writing, because the connection to the warehouse is read-only.
        connection.exec_driver_sql("attach if not exists ':memory:' as plausibility (read_write)")
        connection.exec_driver_sql(f"set variable plausibility = {quoting.text(plausibility.model_dump_json())}")
        connection.exec_driver_sql(f"create or replace table plausibility.findings as {query}")
        rows = connection.exec_driver_sql("from plausibility.findings order by source, source_month, statistic")
        return [dict(row) for row in rows.mappings()]


def suite(plausibility: Plausibility) -> Suite:
    """A suite with an expectation for each statistic, on the findings of `find`."""
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
