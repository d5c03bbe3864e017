"""The results of a validation, and the report that keeps them."""

from __future__ import annotations

import datetime as dt
import json
import math
from collections.abc import Iterable
from dataclasses import asdict, dataclass, field
from decimal import Decimal
from importlib.metadata import version
from pathlib import Path
from typing import Any, Literal

from luigi_pipeline.core.files import write_atomically
from luigi_pipeline.validation.suites import Expectation, Months, Severity, Suite

Status = Literal["passed", "failed", "errored", "skipped"]
STATUSES: tuple[Status, ...] = ("passed", "failed", "errored", "skipped")
SEVERITIES: tuple[Severity, ...] = ("critical", "warning", "info")
_KEPT, _LINES = 500, 5
PACKAGES = ("great_expectations", "duckdb", "duckdb-sqlalchemy", "sqlalchemy")


@dataclass(frozen=True)
class Outcome:
    """The result of one expectation.

    Attributes:
        suite: The suite it belongs to.
        expectation: Its type.
        column: The column, or columns, that it checks.
        severity: How much a failure matters.
        status: passed; failed, if the data are bad; errored, if it could not be evaluated; skipped, if its source is
            not there or its threshold is not set.
        why: What a failure would mean.
        kwargs: Its arguments, with placeholders filled in.
        observed_value: The observed value, if the type reports one.
        element_count: Number of rows that were checked.
        unexpected_count: Number of unexpected rows.
        unexpected_percent: The same as a percentage of the rows that are not null.
        samples: A few of the unexpected values or rows.
        error: Why it could not be evaluated.
    """

    suite: str
    expectation: str
    column: str | None
    severity: Severity
    status: Status
    why: str
    kwargs: dict[str, Any]
    observed_value: Any = None
    element_count: int | None = None
    unexpected_count: int | None = None
    unexpected_percent: float | None = None
    samples: list[Any] = field(default_factory=list)
    error: str | None = None

    @property
    def success(self) -> bool:
        """Whether it was evaluated and holds."""
        return self.status == "passed"

    @property
    def blocks(self) -> bool:
        """Whether it fails the run. An error always does, a failure only if it is critical."""
        return self.status == "errored" or (self.status == "failed" and self.severity == "critical")

    @property
    def line(self) -> str:
        """The outcome in one line, for a console."""
        about = f"{self.suite}: {self.expectation}" + (f" ({self.column})" if self.column else "")
        if self.status == "errored":
            return f"{about} could not be evaluated: {self.error}"
        return f"{about} {self.status}: {self.why}"


def outcome(suite: Suite, item: Expectation, status: Status, **details: Any) -> Outcome:
    """Make an outcome, with the expectation's description from its suite."""
    return Outcome(
        suite=suite.name,
        expectation=item.type,
        column=_column(item.kwargs),
        severity=item.severity,
        status=status,
        why=" ".join(item.why.split()),
        kwargs=item.kwargs,
        **details,
    )


def _column(kwargs: dict[str, Any]) -> str | None:
    if "column" in kwargs:
        return str(kwargs["column"])
    names = kwargs.get("column_list") or [kwargs[key] for key in ("column_A", "column_B") if key in kwargs]
    return ", ".join(names) or None


@dataclass(frozen=True)
class SuiteSummary:
    """The results of one suite.

    Attributes:
        suite: Its name.
        table: The table that it checks.
        months: The months whose rows were checked, by source; or all.
        passed: Number of expectations that hold.
        total: Number of expectations that were evaluated.
        skipped: Number of expectations whose source is not there, or whose threshold is not set.
        seconds: How long it took.
    """

    suite: str
    table: str
    months: Months | Literal["all"]
    passed: int
    total: int
    skipped: int
    seconds: float


@dataclass(frozen=True)
class ValidationSummary:
    """All results of a validation. `ok` is the verdict.

    Attributes:
        suites: In the order in which they were run.
        outcomes: Of every expectation, with those that were skipped.
        generated_at: When, in UTC.
        seconds: How long it took.
        report: The JSON file.
        data_docs: The first page of the Data Docs.
        data_docs_error: Why the Data Docs could not be built. Then the old ones stay.
        findings: What is unusual about months, see judging.find.
    """

    suites: list[SuiteSummary]
    outcomes: list[Outcome]
    generated_at: dt.datetime
    seconds: float
    report: Path
    data_docs: Path
    data_docs_error: str | None = None
    findings: list[dict[str, Any]] = field(default_factory=list)

    @property
    def blocking(self) -> list[Outcome]:
        """Errors and critical failures, in the suites' order."""
        return [item for item in self.outcomes if item.blocks]

    @property
    def ok(self) -> bool:
        """Whether every expectation was evaluated, and no critical one failed."""
        return not self.blocking

    def count(self, status: Status, severity: Severity | None = None) -> int:
        """Number of expectations with a status (and a severity)."""
        return sum(item.status == status and severity in (None, item.severity) for item in self.outcomes)

    def write(self) -> None:
        """Write the report in one step. A reader sees the old one or the new one."""
        content = json.dumps(plain(self._content()), indent=2, allow_nan=False)
        write_atomically(self.report, content.encode() + b"\n")
        self._note()

    def _note(self) -> None:
        """Add a line to the history beside the report. Only the newest few hundred lines are kept."""
        history = self.report.with_name("history.jsonl")
        known = history.read_text(encoding="utf-8").splitlines() if history.exists() else []
        lines = [item.line for item in self.outcomes if item.status in ("failed", "errored")]
        newest: dict[str, Any] = {
            "generated_at": self.generated_at.isoformat(timespec="seconds"),
            "success": self.ok,
            **{status: self.count(status) for status in STATUSES},
            "lines": lines[:_LINES],
        }
        kept = [*known[-_KEPT + 1 :], json.dumps(plain(newest), ensure_ascii=False)]
        write_atomically(history, "".join(f"{line}\n" for line in kept).encode())

    def _content(self) -> dict[str, Any]:
        return {
            "generated_at": self.generated_at.isoformat(timespec="seconds"),
            "success": self.ok,
            "seconds": round(self.seconds, 2),
            "summary": {
                "suites": len(self.suites),
                "expectations": len(self.outcomes),
                **{status: self.count(status) for status in STATUSES},
                "failed_by_severity": {severity: self.count("failed", severity) for severity in SEVERITIES},
            },
            "versions": {package: version(package) for package in PACKAGES},
            "data_docs_error": self.data_docs_error,
            "suites": [asdict(item) for item in self.suites],
            "results": [{**asdict(item), "success": item.success} for item in self.outcomes],
        }


def plain(value: Any) -> Any:
    """A value in a form that JSON has: dates as ISO 8601, decimals as numbers, NaN and infinity as text."""
    if isinstance(value, dict):
        return {str(key): plain(item) for key, item in value.items()}
    if isinstance(value, Iterable) and not isinstance(value, str | bytes):
        return [plain(item) for item in value]
    if value is None or isinstance(value, bool | int | str):
        return value
    if isinstance(value, Decimal):
        value = float(value)
    if isinstance(value, float):
        return float(value) if math.isfinite(value) else str(value)
    return value.isoformat() if isinstance(value, dt.date | dt.time) else str(value)
