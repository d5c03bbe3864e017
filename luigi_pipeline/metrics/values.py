"""Formatting the values of answers, for people and for programs."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal
from typing import Any

NOTHING = "\N{EN DASH}"


def for_people(value: Any, unit: str = "", *, whole_days: bool = False) -> str:
    """A value in a table, with thousands separators, two decimals and a percent sign; empty if it is null.

    Args:
        value: The value.
        unit: The unit of the metric.
        whole_days: Whether times are whole days, or the first days of longer periods.
    """
    if value is None:
        return NOTHING
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, float | Decimal):
        text = f"{value:,.2f}"
    elif isinstance(value, int):
        text = f"{value:,}"
    else:
        return str(for_programs(value, whole_days=whole_days))
    return f"{text}%" if unit == "%" else text


def for_csv(value: Any, *, whole_days: bool = False) -> Any:
    """A value in CSV, in a form that DuckDB and pandas read. A null is empty."""
    if isinstance(value, bool):
        return "true" if value else "false"
    return for_programs(value, whole_days=whole_days)


def for_programs(value: Any, *, whole_days: bool = False) -> Any:
    """A value in JSON: times in ISO 8601, anything else as it is."""
    if isinstance(value, dt.datetime):
        return value.date().isoformat() if whole_days else value.isoformat(sep=" ", timespec="minutes")
    if isinstance(value, dt.date):
        return value.isoformat()
    return value
