"""Errors that people can act on. Every message is one line that names the file or key."""

from __future__ import annotations

from pathlib import Path

from luigi_pipeline.core.datadir import DataDir
from luigi_pipeline.core.redaction import printable, redacted

_NO_SPACE = "No space left on device"
# DuckDB opens a file that was cut off, and notices when it reads beyond the end.
_DAMAGED = ("Corrupt database file", "bytes from location")
_MOVE_AWAY = "move it away to load everything anew"


class PipelineError(Exception):
    """A failure that its message explains. The console shows no traceback for it.

    Attributes:
        exit_code: The exit code of a command that it ends, one of those in luigi.cfg.
        is_passing: Whether another attempt a little later may succeed. Luigi then makes one.
    """

    exit_code = 30
    is_passing = False

    def __str__(self) -> str:
        """The message in one line, whatever text a publisher put into it, and without the secrets of a URL."""
        return printable(redacted(super().__str__()))


class ConfigError(PipelineError):
    """The configuration can't be used. The message names the key and the file."""

    exit_code = 40


class AlreadyRunning(PipelineError):
    """Another run holds the data dir."""

    exit_code = 10


class NotPublished(PipelineError):
    """The publisher does not have the month yet, and is not expected to have it yet."""


class FetchFailed(PipelineError):
    """A file could not be fetched from its publisher, after all attempts."""


class Unavailable(FetchFailed):
    """The publisher, or the way to it, was down during all attempts. It may be up again soon."""

    is_passing = True


class NotThere(FetchFailed):
    """The publisher answered that there is no such file."""


class Rejected(PipelineError):
    """A file that arrived is not what it should be. It never reaches the warehouse."""


class WarehouseError(PipelineError):
    """The warehouse can't be opened, or holds other rows than were loaded."""


class WarehouseInUse(WarehouseError):
    """Another program had the warehouse open until `warehouse.wait_seconds` were over."""

    is_passing = True


class BuildFailed(PipelineError):
    """A dbt model or data test failed."""


class ValidationFailed(PipelineError):
    """A critical expectation failed, or an expectation could not be evaluated."""


class QueryError(PipelineError):
    """A query for metrics has no answer."""

    exit_code = 40


class UnknownName(QueryError):
    """A metric or dimension has another name. The message suggests the nearest names."""


def one_line(error: object) -> str:
    """An error's text in one line, cut off where a person would stop reading."""
    return printable(redacted(str(error)))[:300]


def explain(error: BaseException, data_dir: Path) -> str:
    """Explain in one line what went wrong in a task, and what to do.

    Args:
        error: The exception.
        data_dir: The folder that the run writes to.
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
