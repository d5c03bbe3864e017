"""Validate a warehouse: all suites, one connection, one report, one set of Data Docs."""

from __future__ import annotations

import datetime as dt
import gc
import logging
import shutil
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from luigi_pipeline.validation import data_docs
from luigi_pipeline.validation.datasource import WarehouseSource, open_warehouse
from luigi_pipeline.validation.expectations import add_suite, evaluate, explain
from luigi_pipeline.validation.quiet import quiet
from luigi_pipeline.validation.results import Outcome, SuiteSummary, ValidationSummary, outcome
from luigi_pipeline.validation.suites import Expectation, Suite, read_suites

if TYPE_CHECKING:
    from great_expectations.core import ExpectationSuite
    from great_expectations.data_context.data_context.ephemeral_data_context import (
        EphemeralDataContext,
    )

log = logging.getLogger(__name__)

# Called after each suite: its name, how many expectations passed of how many, and which part of all suites is done.
Progress = Callable[[str, int, int, float], None]


@dataclass(frozen=True)
class ValidationInput:
    """What a deployment decides about its validation.

    Attributes:
        enabled_sources: Sources whose rows the warehouse is to hold. A source that is disabled
            but still has months loaded belongs here too: its rows are in the models.
        min_rows: The least rows of each source; `{config: validation.min_rows.SOURCE}`.
        threads: What DuckDB may use; None leaves the choice to DuckDB.
        memory_limit: The same, such as 1GB.
    """

    enabled_sources: frozenset[str]
    min_rows: Mapping[str, int]
    threads: int | None = None
    memory_limit: str | None = None

    @property
    def placeholders(self) -> dict[str, Any]:
        """All that expectations may refer to."""
        return {"validation": {"min_rows": dict(self.min_rows)}}

    @property
    def limits(self) -> dict[str, str | int]:
        """DuckDB's settings."""
        given = {"threads": self.threads, "memory_limit": self.memory_limit}
        return {name: value for name, value in given.items() if value is not None}


@dataclass(frozen=True)
class _Planned:
    """A suite with its part in Great Expectations."""

    suite: Suite
    evaluated: list[Expectation]
    skipped: list[Expectation]
    made: ExpectationSuite


def validate(
    warehouse: Path,
    expectations_dir: Path,
    settings: ValidationInput,
    out: Path,
    progress: Progress | None = None,
) -> ValidationSummary:
    """Evaluate every suite on a warehouse, which is opened for reading only.

    Args:
        warehouse: The DuckDB file.
        expectations_dir: The folder with one YAML file per model.
        settings: What the deployment decides.
        out: Where report.json, data_docs/ and everything temporary goes.
        progress: Called after each suite.

    Returns:
        What was found. An expectation that could not be evaluated is an outcome too.

    Raises:
        ConfigError: The expectations can't be used; nothing was evaluated.
        WarehouseError: The warehouse can't be opened.
    """
    started = time.monotonic()
    suites = read_suites(expectations_dir, settings.placeholders)
    out.mkdir(parents=True, exist_ok=True)
    with quiet(), _scratch(out) as scratch:
        context = _context()
        planned = [_plan(context, expectations_dir, suite, settings) for suite in suites]
        summaries, outcomes = [], []
        with open_warehouse(context, warehouse, scratch, settings.limits) as source:
            for number, plan in enumerate(planned, 1):
                summary, found = _run_suite(context, source, plan)
                summaries.append(summary)
                outcomes += found
                if progress:
                    progress(summary.suite, summary.passed, summary.total, number / len(planned))
        docs_error = _build_docs(context, out)
    result = ValidationSummary(
        suites=summaries,
        outcomes=outcomes,
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
    collects = gc.isenabled()
    # The import makes hundreds of thousands of objects that stay; looking for garbage among them is a sixth of it.
    gc.disable()
    try:
        import great_expectations as gx
    finally:
        if collects:
            gc.enable()
    from great_expectations.data_context.types.base import ProgressBarsConfig

    context = gx.get_context(mode="ephemeral")
    context.variables.progress_bars = ProgressBarsConfig(globally=False)
    # The site it begins with is in the system's temporary folder.
    context.variables.data_docs_sites = {}
    return context


def _plan(context: EphemeralDataContext, folder: Path, suite: Suite, settings: ValidationInput) -> _Planned:
    evaluated, skipped = suite.select(settings.enabled_sources)
    made = add_suite(context, folder / f"{suite.name}.yml", suite, evaluated)
    return _Planned(suite, evaluated, skipped, made)


def _run_suite(
    context: EphemeralDataContext, source: WarehouseSource, plan: _Planned
) -> tuple[SuiteSummary, list[Outcome]]:
    started = time.monotonic()
    suite = plan.suite
    try:
        batch = source.table(suite.table_schema, suite.name)
        found = evaluate(context, batch, plan.made, plan.evaluated, suite)
    except Exception as error:
        # No table, for one: then none of its expectations could be evaluated, and each says so.
        log.info("suite %s could not be run", suite.name, exc_info=True)
        reason = f"{suite.table} can't be read: {explain(str(error))}"
        found = [outcome(suite, item, "errored", error=reason) for item in plan.evaluated]
    summary = SuiteSummary(
        suite=suite.name,
        table=suite.table,
        passed=sum(item.success for item in found),
        total=len(found),
        skipped=len(plan.skipped),
        seconds=round(time.monotonic() - started, 3),
    )
    return summary, [*found, *(outcome(suite, item, "skipped") for item in plan.skipped)]


def _build_docs(context: EphemeralDataContext, out: Path) -> str | None:
    """Build the Data Docs; they explain the verdict and must not stand in its way."""
    try:
        data_docs.build(context, out / "data_docs")
    except Exception as error:
        log.info("the Data Docs could not be built", exc_info=True)
        return explain(str(error))
    return None
