"""Validating a warehouse: all suites, one connection, one report, one set of Data Docs."""

from __future__ import annotations

import datetime as dt
import logging
import shutil
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from luigi_pipeline.validation import data_docs, datasource, importing, judging
from luigi_pipeline.validation.expectations import add_suite, evaluate, explain
from luigi_pipeline.validation.plausibility import read as read_plausibility
from luigi_pipeline.validation.quiet import quiet
from luigi_pipeline.validation.results import Outcome, SuiteSummary, ValidationSummary, outcome
from luigi_pipeline.validation.suites import Expectation, Months, Suite, read_suites

if TYPE_CHECKING:
    from great_expectations.core import ExpectationSuite
    from great_expectations.data_context.data_context.ephemeral_data_context import (
        EphemeralDataContext,
    )
    from great_expectations.datasource.fluent.sql_datasource import SQLDatasource
    from sqlalchemy.engine import Engine

log = logging.getLogger(__name__)

# Called after each suite with its name, its passed and evaluated expectations, and the finished share of all suites.
Progress = Callable[[str, int, int, float], None]


@dataclass(frozen=True)
class ValidationInput:
    """The settings of a deployment that a validation needs.

    Attributes:
        enabled_sources: The sources whose rows should be in the warehouse. A source that is disabled but still has
            loaded months belongs here too, because its rows are in the models.
        min_rows: The least number of rows of each source; None if there is no such limit.
        threads: DuckDB's threads; None leaves the choice to DuckDB.
        memory_limit: DuckDB's memory limit, such as 1GB; None leaves the choice to DuckDB.
    """

    enabled_sources: frozenset[str]
    min_rows: Mapping[str, int | None]
    threads: int | None = None
    memory_limit: str | None = None

    @property
    def placeholders(self) -> dict[str, Any]:
        """The values that expectations may refer to. A source that is not there has no least number of rows."""
        floors = {name: rows if name in self.enabled_sources else None for name, rows in self.min_rows.items()}
        return {"validation": {"min_rows": floors}}

    @property
    def limits(self) -> dict[str, str | int]:
        """DuckDB's settings."""
        given = {"threads": self.threads, "memory_limit": self.memory_limit}
        return {name: value for name, value in given.items() if value is not None}


@dataclass(frozen=True)
class _Planned:
    """A suite, its form in Great Expectations, and what must be done before it runs."""

    suite: Suite
    evaluated: list[Expectation]
    skipped: list[Expectation]
    made: ExpectationSuite
    prepare: Callable[[Engine], None] | None = None


def validate(
    warehouse: Path,
    expectations_dir: Path,
    settings: ValidationInput,
    out: Path,
    progress: Progress | None = None,
    months: Months | None = None,
    plausibility: Path | None = None,
) -> ValidationSummary:
    """Evaluate every suite on a warehouse, which is opened for reading only.

    Args:
        warehouse: The DuckDB file.
        expectations_dir: The folder with one YAML file per model.
        settings: The settings of the deployment.
        out: The folder for report.json, data_docs/ and temporary files.
        progress: Called after each suite.
        months: The months that have changed since the last successful validation, by source. Suites with `by_month`
            check only these; None for everything.
        plausibility: The file that says what is usual of a month; without it, there are no findings.

    Returns:
        The results. An expectation that could not be evaluated has an outcome too.

    Raises:
        ConfigError: The expectations can't be used; nothing was evaluated.
        WarehouseError: The warehouse can't be opened.
    """
    started = time.monotonic()
    suites = read_suites(expectations_dir, settings.placeholders)
    usual = read_plausibility(plausibility) if plausibility else None
    out.mkdir(parents=True, exist_ok=True)
    summaries: list[SuiteSummary] = []
    outcomes: list[Outcome] = []
    findings: list[dict[str, Any]] = []
    with quiet(), _scratch(out) as scratch:
        context = _context()
        planned = [_plan(context, expectations_dir / f"{suite.name}.yml", suite, settings) for suite in suites]
        if plausibility and usual:
            made = _plan(context, plausibility, judging.suite(usual), settings)
            planned.append(replace(made, prepare=lambda engine: findings.extend(judging.find(engine, usual))))
        with datasource.open_warehouse(context, warehouse, scratch, settings.limits) as source:
            for number, plan in enumerate(planned, 1):
                summary, outcomes_of_suite = _run_suite(context, source, plan, months)
                summaries.append(summary)
                outcomes += outcomes_of_suite
                if progress:
                    progress(summary.suite, summary.passed, summary.total, number / len(planned))
        docs_error = _build_docs(context, out)
    result = ValidationSummary(
        suites=summaries,
        outcomes=outcomes,
        findings=findings,
        generated_at=dt.datetime.now(dt.UTC),
        seconds=time.monotonic() - started,
        report=out / "report.json",
        data_docs=out / "data_docs" / "index.html",
        data_docs_error=docs_error,
    )
    result.write()
    return result


@contextmanager
def _scratch(out: Path) -> Iterator[Path]:
    for left in out.glob(".scratch-*"):
        shutil.rmtree(left, ignore_errors=True)
    with tempfile.TemporaryDirectory(prefix=".scratch-", dir=out) as folder:
        yield Path(folder)


def _context() -> EphemeralDataContext:
    gx = importing.great_expectations()
    from great_expectations.data_context.types.base import ProgressBarsConfig

    context: EphemeralDataContext = gx.get_context(mode="ephemeral")
    context.variables.progress_bars = ProgressBarsConfig(globally=False)
    # The default site would be in the system's temporary folder.
    context.variables.data_docs_sites = {}
    return context


def _plan(context: EphemeralDataContext, path: Path, suite: Suite, settings: ValidationInput) -> _Planned:
    evaluated, skipped = suite.split(settings.enabled_sources)
    made = add_suite(context, path, suite, evaluated)
    return _Planned(suite, evaluated, skipped, made)


def _run_suite(
    context: EphemeralDataContext, source: SQLDatasource, plan: _Planned, months: Months | None
) -> tuple[SuiteSummary, list[Outcome]]:
    started = time.monotonic()
    suite, seen = plan.suite, plan.suite.sees(months)
    outcomes: list[Outcome] = []
    try:
        if plan.prepare:
            plan.prepare(source.get_engine())
        if plan.evaluated:
            rows = None if seen is None else suite.condition(seen)
            batch = datasource.batch(source, suite.table_schema, suite.name, rows)
            outcomes = evaluate(context, batch, plan.made, suite, plan.evaluated)
    except Exception as error:
        # For example, the table is missing. Then none of the expectations can be evaluated, and each one says so.
        log.info("suite %s could not be run", suite.name, exc_info=True)
        reason = f"{suite.table} can't be read: {explain(str(error))}"
        outcomes = [outcome(suite, item, "errored", error=reason) for item in plan.evaluated]
    summary = SuiteSummary(
        suite=suite.name,
        table=suite.table,
        months="all" if seen is None else seen,
        passed=sum(item.success for item in outcomes),
        total=len(outcomes),
        skipped=len(plan.skipped),
        seconds=round(time.monotonic() - started, 3),
    )
    return summary, [*outcomes, *(outcome(suite, item, "skipped") for item in plan.skipped)]


def _build_docs(context: EphemeralDataContext, out: Path) -> str | None:
    """Build the Data Docs. They explain the verdict, and an error here must not change it."""
    try:
        data_docs.build(context, out / "data_docs")
    except Exception as error:
        log.info("the Data Docs could not be built", exc_info=True)
        return explain(str(error))
    return None
