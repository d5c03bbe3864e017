"""Running one suite in Great Expectations, and reading its results."""

from __future__ import annotations

import datetime as dt
import functools
import logging
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from luigi_pipeline.core.errors import ConfigError
from luigi_pipeline.validation.results import Outcome, outcome, plain
from luigi_pipeline.validation.suites import QUERY, Expectation, Suite

if TYPE_CHECKING:
    from great_expectations.core import ExpectationSuite, ExpectationValidationResult
    from great_expectations.core.batch_definition import BatchDefinition
    from great_expectations.data_context.data_context.ephemeral_data_context import (
        EphemeralDataContext,
    )

log = logging.getLogger(__name__)

# A few bundled queries give all counts of a table. Unexpected values would cost one more query per expectation. A limit
# of 0 saves these queries; a suite that fails is run again to get the values.
COUNTS = {"result_format": "BASIC", "partial_unexpected_count": 0}
SAMPLE_SIZE = 5
SAMPLES = {"result_format": "SUMMARY", "partial_unexpected_count": SAMPLE_SIZE}
# The same as QUERY, but it runs its query only once.
QUERY_ONCE = "unexpected_rows_of_one_query"


def add_suite(
    context: EphemeralDataContext, path: Path, suite: Suite, items: Sequence[Expectation]
) -> ExpectationSuite:
    """Turn expectations into one of Great Expectations' suites.

    Args:
        context: The context to add it to.
        path: The suite's file, for messages.
        suite: The suite.
        items: The expectations of the suite that will be evaluated.

    Returns:
        The suite. The `meta` of each expectation has its position.

    Raises:
        ConfigError: Great Expectations does not know an expectation's type or arguments.
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
            kwargs=item.kwargs,
            severity=FailureSeverity(item.severity),
            notes=why,
            # This replaces the query, which explains less. The report has the query.
            description=why if item.type == QUERY else None,
            meta={"position": position},
        )
        key = f"{path}: expectation {position} ({item.type})"
        try:
            # Not add_expectation_configuration: it takes two expectations of one type on one column, or any two
            # queries, for the same, and drops the first.
            made.add_expectation(configuration.to_domain_obj())
        except Exception as error:
            raise ConfigError(f"{key}: {_reason(error)}") from error
        if len(made.expectations) != position + 1:
            raise ConfigError(f"{key}: is there twice")
    return context.suites.add(made)


@functools.cache
def _register_query_once() -> None:
    """Register QUERY_ONCE. QUERY runs each query twice: for its rows, and for their number."""
    from great_expectations.expectations.core.unexpected_rows_expectation import (
        UnexpectedRowsExpectation,
    )

    class UnexpectedRowsOfOneQuery(UnexpectedRowsExpectation):
        metric_dependencies = ("unexpected_rows_query.table",)

        def _validate(self, metrics: dict[str, Any], *_: Any, **__: Any) -> dict[str, Any]:
            # At most 200, because no more are fetched.
            rows = metrics["unexpected_rows_query.table"]
            # Great Expectations takes 10 ms and more to serialise one decimal.
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
    made: ExpectationSuite,
    suite: Suite,
    items: Sequence[Expectation],
) -> list[Outcome]:
    """Evaluate a suite. Its result stays in the context, for the Data Docs.

    Args:
        context: The context that holds the suite.
        batch: The rows to check.
        made: The suite in Great Expectations' form.
        suite: The suite as written.
        items: The expectations that it was made from.

    Returns:
        An outcome for each expectation.
    """
    import great_expectations as gx
    from great_expectations.core import RunIdentifier

    definition = context.validation_definitions.add(
        gx.ValidationDefinition(name=f"{suite.name} on {batch.data_asset.name}", data=batch, suite=made)
    )
    now = dt.datetime.now(dt.UTC)
    run_id = RunIdentifier(run_name=f"{now:%Y%m%dT%H%M%SZ}", run_time=now)
    result = definition.run(result_format=COUNTS, run_id=run_id)
    if any(not each.success and "unexpected_count" in each.result for each in result.results):
        # With the same run id, so that this result replaces the first one.
        result = definition.run(result_format=SAMPLES, run_id=run_id)
    by_position = {each.expectation_config.meta["position"]: each for each in result.results if each.expectation_config}
    return [_outcome(suite, item, by_position[position]) for position, item in enumerate(items)]


def _outcome(suite: Suite, item: Expectation, result: ExpectationValidationResult) -> Outcome:
    error = _error(result)
    if error:
        return outcome(suite, item, "errored", error=error)
    detail = dict(result.result)
    rows = (detail.get("details") or {}).get("unexpected_rows")
    return outcome(
        suite,
        item,
        "passed" if result.success else "failed",
        observed_value=detail.get("observed_value"),
        element_count=detail.get("element_count"),
        unexpected_count=detail.get("unexpected_count"),
        unexpected_percent=detail.get("unexpected_percent"),
        samples=list(rows or detail.get("partial_unexpected_list") or [])[:SAMPLE_SIZE],
    )


def _error(result: ExpectationValidationResult) -> str | None:
    """Why an expectation could not be evaluated, in one line; None if it was evaluated."""
    info = result.exception_info or {}
    # The exception itself, or one for each metric that raised one.
    infos = [info] if "raised_exception" in info else list(info.values())
    for raised in infos:
        if raised and raised["raised_exception"]:
            log.info("%s", raised["exception_traceback"])
            return explain(str(raised["exception_message"]))
    return None


def explain(message: str) -> str:
    """The first line of an exception's message that explains it."""
    lines = [line.strip() for line in message.splitlines() if line.strip()]
    return lines[0] if lines else "no reason given"
