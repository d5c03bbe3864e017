"""Running one suite in Great Expectations, and reading what it says."""

from __future__ import annotations

import datetime as dt
import functools
import logging
from collections.abc import Callable, Collection, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

from luigi_pipeline.errors import ConfigError
from luigi_pipeline.validation import data_docs
from luigi_pipeline.validation.datasource import counted
from luigi_pipeline.validation.results import Outcome, outcome, plain
from luigi_pipeline.validation.suites import BATCH, CHANGED, QUERY, Expectation, Suite

if TYPE_CHECKING:
    from great_expectations.core import (
        ExpectationSuite,
        ExpectationSuiteValidationResult,
        ExpectationValidationResult,
    )
    from great_expectations.core.batch_definition import BatchDefinition
    from great_expectations.data_context.data_context.ephemeral_data_context import (
        EphemeralDataContext,
    )
    from great_expectations.data_context.types.resource_identifiers import (
        ValidationResultIdentifier,
    )

log = logging.getLogger(__name__)

# All counts of a table come from a few bundled queries. Unexpected values would cost one more per
# expectation; a limit of none makes those free, and failed expectations are run again for them.
COUNTS = {"result_format": "BASIC", "partial_unexpected_count": 0}
SAMPLE_SIZE = 5
SAMPLES = {"result_format": "SUMMARY", "partial_unexpected_count": SAMPLE_SIZE}
# The same, taught to run its query once.
QUERY_ONCE = "unexpected_rows_of_one_query"


def add_suite(
    context: EphemeralDataContext,
    path: Path,
    suite: Suite,
    items: Sequence[Expectation],
    changed: Callable[[Expectation], str] = lambda _: "true",
) -> ExpectationSuite:
    """Turn expectations into one of Great Expectations' suites.

    Args:
        context: The context to add it to.
        path: The suite's file, for messages.
        suite: The suite.
        items: Those of its expectations that are evaluated.
        changed: Gives the condition that `{changed}` stands for in an expectation's query.

    Returns:
        The suite, its expectations numbered by position in their `meta`.

    Raises:
        ConfigError: An expectation's type or arguments are unknown to Great Expectations.
    """
    import great_expectations as gx
    from great_expectations.expectations.expectation_configuration import (
        ExpectationConfiguration,
    )
    from great_expectations.expectations.metadata_types import FailureSeverity

    _register_query_once()
    made = gx.ExpectationSuite(suite.name)
    for position, item in enumerate(items):
        why = " ".join(item.why.split())
        configuration = ExpectationConfiguration(
            type=QUERY_ONCE if item.type == QUERY else item.type,
            kwargs=_filled(suite, item, changed),
            severity=FailureSeverity(item.severity),
            notes=why,
            # In place of the query, which says less; the report has it.
            description=why if item.type == QUERY else None,
            meta={"position": position},
        )
        key = f"{path}: expectation {position} ({item.type})"
        try:
            # Not add_expectation_configuration: it takes two of a type on the same column (or any
            # two queries) for one, and drops the first.
            made.add_expectation(configuration.to_domain_obj())
        except Exception as error:
            raise ConfigError(f"{key}: {_reason(error)}") from error
        if len(made.expectations) != position + 1:
            raise ConfigError(f"{key}: is there twice")
    return context.suites.add(made)


def _filled(suite: Suite, item: Expectation, changed: Callable[[Expectation], str]) -> dict[str, Any]:
    """An expectation's arguments; in a query, all but the batch is filled in."""
    if item.type != QUERY:
        return item.kwargs
    key = "unexpected_rows_query"
    query = item.kwargs[key].replace(CHANGED, changed(item))
    for name in suite.counts:
        query = query.replace(f"{{{name}}}", counted(suite.name, name))
    # Great Expectations warns of a query without a batch.
    return {**item.kwargs, key: query if BATCH in query else f"{query}/* counted from {BATCH} */"}


@functools.cache
def _register_query_once() -> None:
    """Register QUERY_ONCE: QUERY runs each query for its rows and again for their number."""
    from great_expectations.expectations.core.unexpected_rows_expectation import (
        UnexpectedRowsExpectation,
    )

    class UnexpectedRowsOfOneQuery(UnexpectedRowsExpectation):
        metric_dependencies = ("unexpected_rows_query.table",)

        def _validate(self, metrics: dict[str, Any], *_: Any, **__: Any) -> dict[str, Any]:
            # At most 200: more are not fetched.
            rows = metrics["unexpected_rows_query.table"]
            # Great Expectations takes 10 ms and more to serialise a single decimal.
            details = {"unexpected_rows": plain(rows[:SAMPLE_SIZE])}
            return {"success": not rows, "result": {"observed_value": len(rows), "details": details}}


def _reason(error: Exception) -> str:
    from great_expectations.exceptions.exceptions import ExpectationNotFoundError

    if isinstance(error, ExpectationNotFoundError):
        return "Great Expectations knows no such type"
    # pydantic puts a heading before the problems: "1 validation error for ..."
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    return ": ".join(lines[1:3] if len(lines) > 1 else lines)


def evaluate(
    context: EphemeralDataContext,
    batch: BatchDefinition[Any],
    suite: ExpectationSuite,
    items: Sequence[Expectation],
    described_by: Suite,
    positions: Collection[int] | None = None,
    *,
    months: str = "all",
    is_final: bool = True,
) -> dict[int, Outcome]:
    """Evaluate a suite, or some of it; its result stays in the context, for the Data Docs.

    Args:
        context: The context the suite is in.
        batch: The table, or a part of it.
        suite: The suite made from the expectations.
        items: The expectations, by position.
        described_by: The suite as written.
        positions: Those that are evaluated; by default all.
        months: The months of the rows, for people.
        is_final: Whether what does not hold is told, too; else it is left to be evaluated on more.

    Returns:
        Outcomes by position.
    """
    result, key = _run(context, batch, suite, COUNTS, positions)
    failed = [found for found in result.results if not found.success]
    if failed and is_final:
        with_counts = {_position(found) for found in failed if "unexpected_count" in found.result}
        sampled = _samples(context, batch, suite, with_counts) if with_counts else {}
        result.results = [sampled.get(_position(found), found) for found in result.results]
    elif failed:
        result.results = [found for found in result.results if found.success]
        total = len(result.results)
        result.statistics = {
            "evaluated_expectations": total,
            "successful_expectations": total,
            "unsuccessful_expectations": 0,
            "success_percent": 100.0,
        }
        result.success = True
    told = cast("dict[str, Any]", result.meta)
    told[data_docs.MONTHS] = months
    if positions is not None:
        told["batch_spec"]["data_asset_name"] = f"{described_by.table}, months: {months}"
    store: Any = context.validation_results_store
    if result.results:
        store.set(key, result)
    return {_position(found): _outcome(described_by, items[_position(found)], found) for found in result.results}


def _run(
    context: EphemeralDataContext,
    batch: BatchDefinition[Any],
    suite: ExpectationSuite,
    result_format: dict[str, Any],
    positions: Collection[int] | None = None,
) -> tuple[ExpectationSuiteValidationResult, ValidationResultIdentifier]:
    """Run a suite, or a part of it as if the suite were no more than that."""
    import great_expectations as gx
    from great_expectations.core import RunIdentifier
    from great_expectations.data_context.types.resource_identifiers import (
        ExpectationSuiteIdentifier,
        ValidationResultIdentifier,
    )

    store: Any = context.validation_results_store
    evaluated = suite if positions is None else context.suites.add(_part(suite, positions))
    name = f"{suite.name} on {batch.data_asset.name}"
    definition = context.validation_definitions.add(gx.ValidationDefinition(name=name, data=batch, suite=evaluated))
    before = set(store.list_keys())
    now = dt.datetime.now(dt.UTC)
    run_id = RunIdentifier(run_name=f"{now:%Y%m%dT%H%M%SZ}", run_time=now)
    result = definition.run(result_format=result_format, run_id=run_id)
    (key,) = set(store.list_keys()) - before
    context.validation_definitions.delete(name)
    if positions is not None:
        context.suites.delete(evaluated.name)
        store.remove_key(key)
        key = ValidationResultIdentifier(ExpectationSuiteIdentifier(suite.name), key.run_id, key.batch_identifier)
        result.suite_name = suite.name
    return result, key


def _part(suite: ExpectationSuite, positions: Collection[int]) -> ExpectationSuite:
    import great_expectations as gx

    part = gx.ExpectationSuite(f"{suite.name} in part")
    for configuration in suite.expectation_configurations:
        if configuration.meta["position"] in positions:
            expectation = configuration.to_domain_obj()
            # One with an id is taken to be in another suite already.
            expectation.id = None
            part.add_expectation(expectation)
    return part


def _samples(
    context: EphemeralDataContext,
    batch: BatchDefinition[Any],
    suite: ExpectationSuite,
    positions: Collection[int],
) -> dict[int, ExpectationValidationResult]:
    """Evaluate what failed once more, this time with the unexpected values."""
    result, _ = _run(context, batch, suite, SAMPLES, positions)
    return {_position(found): found for found in result.results if not _error(found)}


def _position(found: ExpectationValidationResult) -> int:
    assert found.expectation_config is not None
    return int(found.expectation_config.meta["position"])


def _outcome(suite: Suite, item: Expectation, found: ExpectationValidationResult) -> Outcome:
    error = _error(found)
    if error:
        return outcome(suite, item, "errored", error=error)
    detail = dict(found.result)
    return outcome(
        suite,
        item,
        "passed" if found.success else "failed",
        observed_value=detail.get("observed_value"),
        element_count=detail.get("element_count"),
        unexpected_count=detail.get("unexpected_count"),
        unexpected_percent=detail.get("unexpected_percent"),
        samples=_sample(detail),
    )


def _sample(detail: dict[str, Any]) -> list[Any]:
    rows = (detail.get("details") or {}).get("unexpected_rows")
    return list(rows or detail.get("partial_unexpected_list") or [])[:SAMPLE_SIZE]


def _error(found: ExpectationValidationResult) -> str | None:
    """The reason why an expectation could not be evaluated, in one line; None where it was."""
    info = found.exception_info or {}
    # Either the exception itself, or one per metric that raised.
    infos = [info] if "raised_exception" in info else list(info.values())
    for raised in infos:
        if raised and raised["raised_exception"]:
            log.info("%s", raised["exception_traceback"])
            return explain(str(raised["exception_message"]))
    return None


def explain(message: str) -> str:
    """The first telling line of an exception's message."""
    lines = [line.strip() for line in message.splitlines() if line.strip()]
    return lines[0] if lines else "no reason given"
