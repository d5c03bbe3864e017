"""What a run says: one line per task on the console, everything with tracebacks in log files, one of them per task."""

from __future__ import annotations

import contextlib
import logging
import logging.handlers
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from luigi_pipeline.console import terminal
from luigi_pipeline.core.redaction import printable, redacted

_FORMAT = "%(asctime)s %(levelname)s [%(process)d] %(name)s: %(message)s"
_FILE = "pipeline.log"
_PIPELINE = "luigi_pipeline"
_LUIGI = "luigi-interface"
_SUMMARY = "Luigi Execution Summary"
_LARGEST = 5 << 20  # of a log file; what is older is in files of the same name with a number, or gone
_KEPT = 5
# A task that failed, or waits for its publisher, has said why itself, in one line.
_TOLD_BY_THE_TASK = ("[pid %s] Worker %s failed", "Data for %s does not exist")


class ConsoleFormatter(logging.Formatter):
    """Time and message in one line; of a traceback, only what it ends with."""

    def format(self, record: logging.LogRecord) -> str:
        """Format a record as `HH:MM:SS message`; Luigi's summary stays as it is."""
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
    """Everything, tracebacks too, but no secrets: a log is passed on without a thought."""

    def __init__(self) -> None:
        """Set the format."""
        super().__init__(_FORMAT)

    def format(self, record: logging.LogRecord) -> str:
        """Format a record, secrets hidden."""
        return redacted(super().format(record))


class ConsoleHandler(logging.StreamHandler):  # type: ignore[type-arg]  # generic in the stubs only
    """Shows the pipeline's own lines and Luigi's summary; Luigi's bookkeeping goes to the log files alone."""

    def __init__(self) -> None:
        """Write to stderr, as Luigi does."""
        super().__init__()
        self.setFormatter(ConsoleFormatter())
        self.addFilter(_is_for_people)

    def emit(self, record: logging.LogRecord) -> None:
        """Write a record; above the bars, where a terminal shows them."""
        if not terminal.show_line(self.format(record), record.levelname):
            super().emit(record)


class Complaints(logging.Handler):
    """Keeps what Luigi itself complains of, for the report on the run."""

    def __init__(self) -> None:
        """Keep no line yet."""
        super().__init__(logging.WARNING)
        self.setFormatter(ConsoleFormatter())
        self.addFilter(_is_for_people)
        self.lines: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        """Keep a line, without its time and level."""
        self.lines.append(self.format(record).partition(": ")[2])


class LogFile(logging.handlers.RotatingFileHandler):
    """A log file of bounded size that is done without where it can't be opened."""

    def __init__(self, path: Path, largest: int) -> None:
        """Open it with the first record.

        Args:
            path: The file.
            largest: Its size in bytes at which another one is begun; 0 for never.
        """
        super().__init__(path, maxBytes=largest, backupCount=_KEPT, delay=True, encoding="utf-8")
        self.setFormatter(FileFormatter())

    def emit(self, record: logging.LogRecord) -> None:
        """Write a record, if the file can be opened."""
        with contextlib.suppress(OSError):
            super().emit(record)

    def close(self) -> None:
        """Close it; what a full disk did not take is on the console."""
        with contextlib.suppress(OSError):
            super().close()


def _is_for_people(record: logging.LogRecord) -> bool:
    if record.name.startswith(_PIPELINE) or _SUMMARY in record.getMessage():
        return True
    told_by_the_task = str(record.msg).startswith(_TOLD_BY_THE_TASK)
    return record.name == _LUIGI and record.levelno >= logging.WARNING and not told_by_the_task


def write_to(folder: Path) -> None:
    """Log everything to a file below the folder too."""
    # A line that a full disk does not take is on the console; a traceback there for each of them helps no one.
    logging.raiseExceptions = False
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / _FILE
    # All processes of a run write to it, so another one is begun between two runs only.
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
    """Do so for as long as the body runs, in a process that goes on after it: loggers are then as they were."""
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
    """Log an error to the file below the folder, where there is one, beside whoever else writes to it."""
    with contextlib.closing(LogFile(folder / _FILE, largest=0)) as handler:
        handler.emit(logging.LogRecord(_PIPELINE, logging.ERROR, __file__, 0, "%s", (error,), None))


def hush() -> None:
    """Show nothing on the console from here on."""
    for name in (_PIPELINE, _LUIGI):
        logger = logging.getLogger(name)
        for handler in [it for it in logger.handlers if isinstance(it, ConsoleHandler)]:
            logger.removeHandler(handler)


def complaints() -> list[str]:
    """Begin to keep what Luigi complains of.

    Returns:
        The lines, to which those to come are added.
    """
    handler = Complaints()
    logging.getLogger(_LUIGI).addHandler(handler)
    return handler.lines


class _Sender(logging.handlers.QueueHandler):
    """Sends records on, made fit to be sent."""

    def __init__(self, send: Callable[[logging.LogRecord], None]) -> None:
        super().__init__(queue=None)  # type: ignore[arg-type]  # it has none
        self._send = send

    def enqueue(self, record: logging.LogRecord) -> None:
        self._send(record)


def send_on(send: Callable[[logging.LogRecord], None]) -> None:
    """Have this process log nothing by itself from here on, but send it to another one, for which it works.

    Args:
        send: Called with what the logger of the same name is to handle there.
    """
    logging.getLogger().handlers = [_Sender(send)]
    for name in (_PIPELINE, _LUIGI):
        logging.getLogger(name).handlers = []
        logging.getLogger(name).propagate = True


@contextmanager
def of_task(path: Path) -> Iterator[None]:
    """Log what a task's own process does to a file of the task too, what libraries warn of among it."""
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
