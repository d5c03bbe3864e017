"""What a run says: one line per task on the console, everything with tracebacks in a log file."""

from __future__ import annotations

import logging
import time
from pathlib import Path

_FORMAT = "%(asctime)s %(levelname)s [%(process)d] %(name)s: %(message)s"
_PIPELINE = "luigi_pipeline"
_SUMMARY = "Luigi Execution Summary"


class ConsoleFormatter(logging.Formatter):
    """Time and message; an error's traceback stays out of it."""

    def format(self, record: logging.LogRecord) -> str:
        """Format a record as `HH:MM:SS message`, or as it is where it brings its own layout."""
        message = record.getMessage()
        if _SUMMARY in message:
            return message
        level = f"{record.levelname.lower()}: " if record.levelno > logging.INFO else ""
        return f"{time.strftime('%H:%M:%S', time.localtime(record.created))} {level}{message}"


class ConsoleHandler(logging.StreamHandler):  # type: ignore[type-arg]
    """Shows the pipeline's own lines and Luigi's summary; Luigi's bookkeeping goes to the log file alone."""

    def __init__(self) -> None:
        """Write to stderr, as Luigi does."""
        super().__init__()
        self.setFormatter(ConsoleFormatter())
        self.addFilter(_is_for_people)


def _is_for_people(record: logging.LogRecord) -> bool:
    if record.name.startswith(_PIPELINE):
        return True
    if _SUMMARY in record.getMessage():
        return True
    # A failed task has said why itself, in one line; Luigi's own line is the same with a traceback.
    return record.name == "luigi-interface" and record.levelno >= logging.ERROR and not _is_told_already(record)


def _is_told_already(record: logging.LogRecord) -> bool:
    return record.msg == "[pid %s] Worker %s failed    %s"


def write_to(folder: Path) -> Path:
    """Log everything to a file below the folder too.

    Returns:
        The file.
    """
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / "pipeline.log"
    handler = logging.FileHandler(path, delay=True, encoding="utf-8")
    handler.setFormatter(logging.Formatter(_FORMAT))
    for name in (_PIPELINE, "luigi-interface"):
        logger = logging.getLogger(name)
        logger.setLevel(logging.INFO)
        logger.addHandler(handler)
    return path
