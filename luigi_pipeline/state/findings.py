"""Findings: what is unusual about a month, in words, since when, and whether somebody has accepted it.

A file of the data dir keeps them from one validation to the next. Acceptance is not in that file: it is in the
configuration, and may change without a new validation.
"""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass, fields, replace
from typing import Any

from luigi_pipeline.config.settings import Accepted
from luigi_pipeline.core.datadir import DataDir
from luigi_pipeline.core.files import write_atomically

_MOST_LINES = 10
_UNITS = {
    "_usd": " USD",
    "_pct": " %",
    "_mps": " m/s",
    "_mm": " mm",
    "_hpa": " hPa",
    "_celsius": " °C",
}


@dataclass(frozen=True)
class Finding:
    """What is unusual about one statistic of a month.

    Attributes:
        source: The source.
        source_month: The month of the published file.
        statistic: The statistic, by its name in month_profiles.
        cut: The group of rows that deviates most; the empty text if the statistic has no groups.
        value: The value; None if the statistic as a whole is unusual.
        row_count: The number of rows behind the value.
        low: The lowest value that was expected.
        high: The highest value that was expected.
        rule: bounds, comparison, lost, moved, shift or exchange.
        amount: Of a shift, the hours; of moved rows, their percentage.
        first_seen_at: When a validation first found it, UTC, ISO 8601.
        accepted_because: Why it is accepted; None if it is not.
    """

    source: str
    source_month: str
    statistic: str
    cut: str
    value: float | None
    row_count: int
    low: float | None
    high: float | None
    rule: str
    amount: int | None
    first_seen_at: str
    accepted_because: str | None = None

    @property
    def key(self) -> str:
        """Identifies the finding, whatever its value."""
        return f"{self.source} {self.source_month} {self.statistic}"

    @property
    def is_accepted(self) -> bool:
        """Whether somebody has accepted it."""
        return self.accepted_because is not None

    @property
    def line(self) -> str:
        """The finding in one line: yellow_taxi 2020-04: median fare 8.50 USD, 9.50 to 14 in other months."""
        return f"{self.source} {self.source_month}: {label(self.statistic)}{self._cut} {self._explanation}"

    @property
    def expected(self) -> str:
        """What was expected, in words."""
        if self.rule == "bounds":
            return f"{self._range} is usual"
        if self.rule == "comparison":
            return f"{self._range} in other months"
        if self.rule in ("lost", "moved"):
            return f"{self._number(self.low)} in other months"
        return "as in other months"

    @property
    def _cut(self) -> str:
        return f" {self.cut}:" if self.cut else ""

    @property
    def _explanation(self) -> str:
        hours = abs(self.amount or 0)
        if self.rule == "shift":
            plural, where = ("s" if hours > 1 else ""), ("later" if (self.amount or 0) > 0 else "earlier")
            return f"{hours} hour{plural} {where} than in other months"
        if self.rule == "exchange":
            return "exchanged: as the other end's in other months"
        if self.rule == "moved":
            return f"{self._number(self.value)}, {self.expected}, and {self.amount} % of all rows are elsewhere"
        if self.rule == "lost":
            return f"none, {self.expected}"
        return f"{self._number(self.value)}{unit(self.statistic)}, {self.expected}"

    @property
    def _range(self) -> str:
        low, high = (None if it is None or abs(it) == float("inf") else it for it in (self.low, self.high))
        if self.statistic.startswith("share_"):
            low = None if low is not None and low <= 0 else low
            high = None if high is not None and high >= 1 else high
        if low is None:
            return f"at most {self._number(high)}"
        if high is None:
            return f"at least {self._number(low)}"
        return f"{self._number(low)} to {self._number(high)}" if low != high else self._number(low)

    def _number(self, value: float | None) -> str:
        if value is None:
            return "none"
        if self.statistic.startswith("share_"):
            return f"{100 * value:.3g} %"
        if value == int(value):
            return f"{value:,.0f}"
        return f"{value:,.2f}" if abs(value) >= 0.1 else f"{value:.2g}"


def label(statistic: str) -> str:
    """A statistic's name in words, without its unit."""
    for suffix in _UNITS:
        statistic = statistic.removesuffix(suffix)
    return statistic.replace("_", " ")


def unit(statistic: str) -> str:
    """A statistic's unit, to be put after a number."""
    return next((unit for suffix, unit in _UNITS.items() if statistic.endswith(suffix)), "")


def keep(data: DataDir, new: Iterable[dict[str, Any]], now: str) -> list[Finding]:
    """Save the findings of a validation. They replace those of the validation before.

    Args:
        data: The data dir.
        new: The findings of this validation, see judging.find.
        now: The time that new findings are first seen at, UTC, ISO 8601.

    Returns:
        All findings. Those that are not new keep the time at which they were first seen.
    """
    before = {finding.key: finding.first_seen_at for finding in read(data)}
    made = [Finding(**row, first_seen_at=now) for row in new]
    kept = [replace(finding, first_seen_at=before.get(finding.key, now)) for finding in made]
    # JSON has no infinity.
    rows = [{name: _plain(value) for name, value in asdict(finding).items()} for finding in kept]
    write_atomically(data.findings, (json.dumps(rows, indent=1) + "\n").encode())
    return kept


def _plain(value: Any) -> Any:
    return None if isinstance(value, float) and abs(value) == float("inf") else value


def read(data: DataDir, accepted: Sequence[Accepted] = ()) -> list[Finding]:
    """The findings of the newest validation, with the acceptance of the configuration.

    Args:
        data: The data dir.
        accepted: The findings that the configuration accepts.
    """
    try:
        rows = json.loads(data.findings.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return []
    known = {it.name for it in fields(Finding)}
    kept = [Finding(**{name: value for name, value in row.items() if name in known}) for row in rows]
    return [replace(finding, accepted_because=_why(finding, accepted)) for finding in kept]


def _why(finding: Finding, accepted: Sequence[Accepted]) -> str | None:
    for it in accepted:
        is_meant = it.source == finding.source and finding.source_month in it.months
        if is_meant and it.statistic in ("*", finding.statistic):
            return it.why
    return None


def unaccepted(data: DataDir, accepted: Sequence[Accepted]) -> list[Finding]:
    """The findings that nobody has accepted."""
    return [finding for finding in read(data, accepted) if not finding.is_accepted]


def days_old(finding: Finding) -> int:
    """Days since a finding was first seen."""
    return (dt.datetime.now(dt.UTC) - dt.datetime.fromisoformat(finding.first_seen_at)).days


def lines(findings: Sequence[Finding]) -> list[str]:
    """Findings as one line each, and a last line that counts those left out."""
    more = len(findings) - _MOST_LINES
    return [f"finding: {it.line}" for it in findings[:_MOST_LINES]] + (
        [f"and {more} more findings"] if more > 0 else []
    )
