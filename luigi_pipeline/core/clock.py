"""The time."""

from __future__ import annotations

import datetime as dt


def utc_now() -> str:
    """The current time, in UTC, to the millisecond."""
    return dt.datetime.now(dt.UTC).isoformat(timespec="milliseconds")
