"""The log of a run: one line per task on the console, and everything, with tracebacks, in log files."""

from __future__ import annotations

import contextlib
import logging
import logging.handlers
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from luigi_pipeline.console import terminal
from luigi_pipeline.core.redaction import printable, redacted

_FORMAT = "%(asctime)s %(levelname)s [%(process)d] %(name)s: %(message)s"
_FILE = "pipeline.log"
_PIPELINE = "luigi_pipeline"
_LUIGI = "luigi-interface"
_SUMMARY = "Luigi Execution Summary"
_LARGEST = 5 << 20  # bytes of a log file; older records are in numbered files of the same name, or deleted
_KEPT = 5
# What the pipeline reports in a line of its own: a task that failed, or that waits for its publisher; and a scheduler
# that is gone, which Luigi repeats once a second.
_REPORTED_OTHERWISE = ("[pid %s] Worker %s failed", "Data for %s does not exist", "Failed pinging scheduler")


class ConsoleFormatter(logging.Formatter):
    """Formats a record as time and message in one line. Of a traceback, only the last line is shown."""

    def format(self, record: logging.LogRecord) -> str:
        """Format a record as `HH:MM:SS message`. Luigi's summary keeps its form."""
        message = record.getMessage()
        if _SUMMARY in message:
            return message
        lines = [line for line in message.splitlines() if line.strip()]
        if len(lines) > 1:
            message = f"{lines[0]} {lines[-1].strip()}"
        if record.exc_info and record.name == _LUIGI:
            message = f"{message}: {record.exc_info[1]}"
        message = printable(redacted(message))
        level = f"{record.levelname.lower()}: " if record.levelno > logging.INFO else ""
        return f"{time.strftime('%H:%M:%S', time.localtime(record.created))} {level}{message}"


class FileFormatter(logging.Formatter):
    """Formats everything, with tracebacks, but without secrets, so that a log can be passed on safely."""

    def __init__(self) -> None:
        """Set the format."""
        super().__init__(_FORMAT)

    def format(self, record: logging.LogRecord) -> str:
        """Format a record and hide secrets."""
        return redacted(super().format(record))


class ConsoleHandler(logging.StreamHandler):  # type: ignore[type-arg]  # generic in the stubs only
    """Shows the pipeline's own lines and Luigi's summary. Other lines of Luigi go only to the log files."""

    def __init__(self) -> None:
        """Write to stderr, as Luigi does."""
        super().__init__()
        self.setFormatter(ConsoleFormatter())
        self.addFilter(_is_for_people)

    def emit(self, record: logging.LogRecord) -> None:
        """Write a record. If a terminal shows progress bars, it goes above them."""
        if not terminal.show_line(self.format(record), record.levelname):
            super().emit(record)


class Complaints(logging.Handler):
    """Collects Luigi's own warnings, for the report on the run."""

    def __init__(self) -> None:
        """Begin with no lines."""
        super().__init__(logging.WARNING)
        self.setFormatter(ConsoleFormatter())
        self.addFilter(_is_for_people)
        self.lines: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        """Add a line, without its time and level."""
        self.lines.append(self.format(record).partition(": ")[2])


class LogFile(logging.handlers.RotatingFileHandler):
    """A log file of bounded size. If it can't be opened, the run goes on without it."""

    def __init__(self, path: Path, largest: int) -> None:
        """Set the file, which is opened with the first record.

        Args:
            path: The file.
            largest: The size in bytes at which a new file is begun; 0 for never.
        """
        super().__init__(path, maxBytes=largest, backupCount=_KEPT, delay=True, encoding="utf-8")
        self.setFormatter(FileFormatter())

    def emit(self, record: logging.LogRecord) -> None:
        """Write a record, if the file can be opened."""
        with contextlib.suppress(OSError):
            super().emit(record)

    def close(self) -> None:
        """Close the file. If a full disk refuses its last lines, they were also shown on the console."""
        with contextlib.suppress(OSError):
            super().close()


def _is_for_people(record: logging.LogRecord) -> bool:
    if record.name.startswith(_PIPELINE) or _SUMMARY in record.getMessage():
        return True
    is_reported = str(record.msg).startswith(_REPORTED_OTHERWISE)
    return record.name == _LUIGI and record.levelno >= logging.WARNING and not is_reported


def write_to(folder: Path) -> None:
    """Also log everything to a file in the folder."""
    # If a full disk refuses a line, it is still shown on the console. A traceback for each such line would help nobody.
    logging.raiseExceptions = False
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / _FILE
    # All processes of a run write to this file, so it may be rotated only between two runs.
    handler = LogFile(path, largest=0)
    with contextlib.suppress(OSError):
        if path.stat().st_size > _LARGEST:
            handler.doRollover()
    for name in (_PIPELINE, _LUIGI):
        logger = logging.getLogger(name)
        logger.setLevel(logging.INFO)
        logger.addHandler(handler)


@contextmanager
def writing_to(folder: Path) -> Iterator[None]:
    """Log to the folder while the body runs, and then restore the loggers, because this process goes on."""
    loggers = [logging.getLogger(name) for name in (_PIPELINE, _LUIGI)]
    before = [(logger, logger.level, [*logger.handlers]) for logger in loggers]
    raises = logging.raiseExceptions
    try:
        write_to(folder)
        yield
    finally:
        for logger, level, handlers in before:
            for handler in logger.handlers:
                if handler not in handlers:
                    handler.close()
            logger.handlers = handlers
            logger.setLevel(level)
        logging.raiseExceptions = raises


def note(folder: Path, error: object) -> None:
    """Log an error to the folder's file, if there is one. Other processes may write to it too."""
    with contextlib.closing(LogFile(folder / _FILE, largest=0)) as handler:
        handler.emit(logging.LogRecord(_PIPELINE, logging.ERROR, __file__, 0, "%s", (error,), None))


def hush() -> None:
    """Show no more log lines on the console."""
    for name in (_PIPELINE, _LUIGI):
        logger = logging.getLogger(name)
        for handler in [it for it in logger.handlers if isinstance(it, ConsoleHandler)]:
            logger.removeHandler(handler)


def complaints() -> list[str]:
    """Start to collect Luigi's own warnings.

    Returns:
        The list to which each warning is added.
    """
    handler = Complaints()
    logging.getLogger(_LUIGI).addHandler(handler)
    return handler.lines


@contextmanager
def of_task(path: Path) -> Iterator[None]:
    """Log what a task's process does, with the warnings of libraries, also to a file of the task."""
    handler = LogFile(path, largest=_LARGEST)
    with contextlib.suppress(OSError):
        path.parent.mkdir(parents=True, exist_ok=True)
    loggers = [logging.getLogger(name) for name in (None, _PIPELINE, _LUIGI)]
    for logger in loggers:
        logger.addHandler(handler)
    try:
        yield
    finally:
        for logger in loggers:
            logger.removeHandler(handler)
        handler.close()
