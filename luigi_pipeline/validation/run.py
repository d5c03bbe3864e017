"""Validate a warehouse: all suites, one connection, one report, one set of Data Docs."""

from __future__ import annotations

import datetime as dt
import logging
import shutil
import tempfile
import time
from collections.abc import Callable, Collection, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from luigi_pipeline.validation import data_docs, importing, judging
from luigi_pipeline.validation.datasource import WarehouseSource, counted, open_warehouse
from luigi_pipeline.validation.expectations import add_suite, evaluate, explain
from luigi_pipeline.validation.months import Changed, condition, words
from luigi_pipeline.validation.quiet import quiet
from luigi_pipeline.validation.results import Outcome, SuiteSummary, ValidationSummary, outcome
from luigi_pipeline.validation.suites import Expectation, Scope, Suite, key_of, read_suites

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
    changed: Changed | None = None,
    plausibility: Path | None = None,
) -> ValidationSummary:
    """Evaluate every suite on a warehouse, which is opened for reading only.

    Args:
        warehouse: The DuckDB file.
        expectations_dir: The folder with one YAML file per model.
        settings: What the deployment decides.
        out: Where report.json, data_docs/ and everything temporary goes.
        progress: Called after each suite.
        changed: What is not as it was when a validation last succeeded: months that are have no need to be looked at
            again. None where that is not known for certain.
        plausibility: The file that says what is usual of a month; without it, nothing is unusual.

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
        planned = [_plan(context, expectations_dir, suite, settings, changed) for suite in suites]
        summaries, outcomes = [], []
        with open_warehouse(context, warehouse, scratch, settings.limits) as source:
            for number, plan in enumerate(planned, 1):
                summary, found = _run_suite(context, source, plan, changed)
                summaries.append(summary)
                outcomes += found
                if progress:
                    progress(summary.suite, summary.passed, summary.total, number / len(planned))
            judged = judging.judge(context, source, plausibility)
            known = changed.now_known() if changed else _known(source, suites)
        docs_error = _build_docs(context, out)
    result = ValidationSummary(
        suites=[*summaries, *judged.suites],
        outcomes=[*outcomes, *judged.outcomes],
        findings=judged.findings,
        generated_at=dt.datetime.now(dt.UTC),
        seconds=time.monotonic() - started,
        report=out / "report.json",
        data_docs=out / "data_docs" / "index.html",
        data_docs_error=docs_error,
        months=changed.months if changed else "all",
        known=known,
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
    # The site it begins with is in the system's temporary folder.
    context.variables.data_docs_sites = {}
    return context


def _plan(
    context: EphemeralDataContext, folder: Path, suite: Suite, settings: ValidationInput, changed: Changed | None
) -> _Planned:
    evaluated, skipped = suite.select(settings.enabled_sources)

    def condition_for(item: Expectation) -> str:
        if changed is None or key_of(suite.name, item.type, item.kwargs) in changed.failed:
            return "true"
        return condition(suite.partitions, suite.source, changed.months)

    made = add_suite(context, folder / f"{suite.name}.yml", suite, evaluated, condition_for)
    return _Planned(suite, evaluated, skipped, made)


def _run_suite(
    context: EphemeralDataContext, source: WarehouseSource, plan: _Planned, changed: Changed | None
) -> tuple[SuiteSummary, list[Outcome]]:
    started = time.monotonic()
    suite = plan.suite
    try:
        found = _evaluate(context, source, plan, changed)
    except Exception as error:
        # No table, for one: then none of its expectations could be evaluated, and each says so.
        log.info("suite %s could not be run", suite.name, exc_info=True)
        reason = f"{suite.table} can't be read: {explain(str(error))}"
        found = [outcome(suite, item, "errored", error=reason) for item in plan.evaluated]
    summary = SuiteSummary(
        suite=suite.name,
        table=suite.table,
        months=changed.of(suite.source) if changed and suite.partitions else "all",
        passed=sum(item.success for item in found),
        total=len(found),
        on_all_months=sum(item.months == "all" for item in found),
        skipped=len(plan.skipped),
        seconds=round(time.monotonic() - started, 3),
    )
    return summary, [*found, *(outcome(suite, item, "skipped") for item in plan.skipped)]


def _evaluate(
    context: EphemeralDataContext, source: WarehouseSource, plan: _Planned, changed: Changed | None
) -> list[Outcome]:
    """Evaluate what goes by months on those that have changed, and all else on the whole table.

    What does not hold of some months is evaluated on the whole table as well, which has the verdict: at the edges of
    the months that were looked at, a neighbour may be missing.
    """
    suite = plan.suite
    scopes = [suite.scope_of(item, changed) for item in plan.evaluated]
    found: dict[int, Outcome] = {}
    if changed:
        own = changed.of(suite.source)
        parts: list[tuple[Scope, dict[str, list[str]], str]] = [
            ("changed_months", own, words(own)),
            ("neighbouring_months", changed.with_neighbours(suite.source), f"{words(own)}, and those beside"),
        ]
        for scope, months, told in parts:
            picked = condition(suite.partitions, suite.source, months)
            positions = {position for position, item in enumerate(scopes) if item == scope}
            positions -= _count(source, plan, positions, picked).keys()
            if not positions:
                continue
            batch = source.part(suite.table_schema, suite.name, picked, scope)
            there = changed.there(months)
            held = evaluate(context, batch, plan.made, plan.evaluated, suite, positions, months=told, is_final=False)
            found |= {position: replace(item, months=there) for position, item in held.items()}
    left = set(range(len(plan.evaluated))) - found.keys()
    if left:
        uncounted = _count(source, plan, left, "true")
        batch = source.table(suite.table_schema, suite.name)
        found |= evaluate(context, batch, plan.made, plan.evaluated, suite, left if found else None)
        for position, reason in uncounted.items():
            found[position] = outcome(suite, plan.evaluated[position], "errored", error=reason)
    return [found[position] for position in range(len(plan.evaluated))]


def _count(source: WarehouseSource, plan: _Planned, positions: Collection[int], rows: str) -> dict[int, str]:
    """Count, of some rows, what some expectations ask of; say of each that asks in vain why."""
    suite = plan.suite
    in_vain: dict[int, str] = {}
    for name, query in suite.counts_of([plan.evaluated[position] for position in positions]).items():
        try:
            source.count(counted(suite.name, name), query, suite.table, rows)
        except Exception as error:
            log.info("%s of %s", name, suite.table, exc_info=True)
            asking = [position for position in positions if name in plan.evaluated[position].placeholders]
            in_vain |= dict.fromkeys(asking, f"{name}: {explain(str(error))}")
    return in_vain


def _known(source: WarehouseSource, suites: list[Suite]) -> dict[str, list[str]] | None:
    """The months of trips that are there; None where no table tells of them."""
    for suite in suites:
        if "trip_type" in suite.partitions:
            try:
                return source.months(suite.table_schema, suite.name)
            except Exception:
                log.info("the months of %s can't be read", suite.table, exc_info=True)
    return None


def _build_docs(context: EphemeralDataContext, out: Path) -> str | None:
    """Build the Data Docs; they explain the verdict and must not stand in its way."""
    try:
        data_docs.build(context, out / "data_docs")
    except Exception as error:
        log.info("the Data Docs could not be built", exc_info=True)
        return explain(str(error))
    return None
