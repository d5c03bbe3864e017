"""Judging months by their profiles, as one more of Great Expectations' suites: an expectation for each statistic."""

from __future__ import annotations

import logging
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from luigi_pipeline.validation import datasource, plausibility
from luigi_pipeline.validation.expectations import add_suite, evaluate, explain
from luigi_pipeline.validation.plausibility import PROFILES, Plausibility, Statistic
from luigi_pipeline.validation.results import Outcome, SuiteSummary, outcome
from luigi_pipeline.validation.suites import QUERY, Expectation, Suite

if TYPE_CHECKING:
    from great_expectations.data_context.data_context.ephemeral_data_context import EphemeralDataContext
    from great_expectations.datasource.fluent.sql_datasource import SQLDatasource

log = logging.getLogger(__name__)

_SCHEMA = "marts"


@dataclass(frozen=True)
class Judged:
    """What was found.

    Attributes:
        suites: The suite's summary; none where nothing was judged.
        outcomes: Of each of its expectations.
        findings: Of each source, month and statistic that is unusual, see `plausibility.find`: all of them.
    """

    suites: list[SuiteSummary] = field(default_factory=list)
    outcomes: list[Outcome] = field(default_factory=list)
    findings: list[dict[str, Any]] = field(default_factory=list)


def judge(context: EphemeralDataContext, source: SQLDatasource, path: Path | None) -> Judged:
    """Judge all months of a warehouse.

    Args:
        context: The context that the suite and its result are added to, for the Data Docs.
        source: The warehouse.
        path: The file that says what is usual; None judges nothing.

    Raises:
        ConfigError: The file can't be used.
    """
    if path is None:
        return Judged()
    started = time.monotonic()
    usual = plausibility.read(path)
    suite = _suite(usual)
    made = add_suite(context, path, suite, suite.expectations)
    found: list[dict[str, Any]] = []
    try:
        with source.get_engine().connect() as connection:
            found = plausibility.find(connection, usual, suite.table)
        batch = datasource.batch(source, _SCHEMA, PROFILES)
        outcomes = evaluate(context, batch, made, suite, suite.expectations)
    except Exception as error:
        log.info("the months could not be judged", exc_info=True)
        reason = f"{suite.table} can't be judged: {explain(str(error))}"
        outcomes = [outcome(suite, item, "errored", error=reason) for item in suite.expectations]
    summary = SuiteSummary(
        suite=suite.name,
        table=suite.table,
        months="all",
        passed=sum(item.success for item in outcomes),
        total=len(outcomes),
        skipped=0,
        seconds=round(time.monotonic() - started, 3),
    )
    return Judged([summary], outcomes, found)


def _suite(usual: Plausibility) -> Suite:
    return Suite.model_validate(
        {"name": PROFILES, "schema": _SCHEMA, "expectations": [_expectation(item) for item in usual.statistics]}
    )


def _expectation(item: Statistic) -> Expectation:
    sources = ", ".join(f"'{source}'" for source in item.source)
    query = (
        "select source, source_month, statistic, cut, value, low, high, rule, amount from plausibility.findings "
        f"where statistic = '{item.statistic}' and source in ({sources}) /* of {{batch}} */"
    )
    named = f"{item.statistic} ({', '.join(item.source)})"
    return Expectation(
        type=QUERY,
        severity="warning",
        why=f"{named}: {' '.join(item.why.split())} According to: {item.according_to}.",
        kwargs={"unexpected_rows_query": query},
    )
