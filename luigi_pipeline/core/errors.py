"""What can go wrong, in words a person can act on: every message is one line, with the file or key it is about."""

from __future__ import annotations

from pathlib import Path

from luigi_pipeline.core.datadir import DataDir
from luigi_pipeline.core.redaction import printable, redacted

_NO_SPACE = "No space left on device"
# DuckDB opens a file that lost its end, and finds out when it reads from there.
_DAMAGED = ("Corrupt database file", "bytes from location")
_MOVE_AWAY = "move it away to load everything anew"


class PipelineError(Exception):
    """A failure that is explained by its message alone; the console shows no traceback for it.

    Attributes:
        exit_code: Of a command that it ends, as luigi.cfg has them for runs.
        is_passing: Whether another attempt, a little later, may succeed; Luigi then makes it.
    """

    exit_code = 30
    is_passing = False

    def __str__(self) -> str:
        """The message in one line, whatever a publisher put into it, and without the secrets of a URL."""
        return printable(redacted(super().__str__()))


class ConfigError(PipelineError):
    """The configuration can't be used; the message names the key and the file."""

    exit_code = 40


class AlreadyRunning(PipelineError):
    """Another run holds the data dir."""

    exit_code = 10


class NotPublished(PipelineError):
    """The publisher does not have the month yet, and need not have it yet."""


class FetchFailed(PipelineError):
    """A file could not be had from its publisher, after all attempts."""


class Unavailable(FetchFailed):
    """The publisher, or the way to it, was down for as long as was waited; it may be up again soon."""

    is_passing = True


class NotThere(FetchFailed):
    """The publisher answered that there is no such file."""


class Rejected(PipelineError):
    """A file arrived and is not what it should be; it never reaches the warehouse."""


class WarehouseError(PipelineError):
    """The warehouse can't be opened, or holds something else than was loaded into it."""


class WarehouseInUse(WarehouseError):
    """Another program had the warehouse open for as long as was waited."""

    is_passing = True


class BuildFailed(PipelineError):
    """A dbt model or data test failed."""


class ValidationFailed(PipelineError):
    """A critical expectation failed, or an expectation could not be evaluated."""


class QueryError(PipelineError):
    """A question to the metrics that has no answer."""

    exit_code = 40


class UnknownName(QueryError):
    """A metric, or what it is to be cut by, is called otherwise; the message has the nearest names."""


def one_line(error: object) -> str:
    """An error's text in one line, cut where a person would stop reading."""
    return printable(redacted(str(error)))[:300]


def explain(error: BaseException, data_dir: Path) -> str:
    """What went wrong in a task, in one line that says what to do.

    Args:
        error: What was raised.
        data_dir: Where the run writes to.
    """
    if _NO_SPACE in str(error):
        return f"no space is left on the disk of {data_dir}; make some, and run again to go on from here"
    if any(sign in str(error) for sign in _DAMAGED) and _MOVE_AWAY not in str(error):
        return f"{one_line(error)}; {DataDir(data_dir).warehouse} is damaged: {_MOVE_AWAY}"
    if isinstance(error, PipelineError):
        return str(error)
    if isinstance(error, MemoryError):
        return "there was not enough memory; lower warehouse.memory_limit or --workers, and run again"
    return f"{type(error).__name__}: {one_line(error)}"
