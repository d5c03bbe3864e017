"""The end of a run: what is noted and said then, whatever the run came to."""

from __future__ import annotations

import logging
import os
import sys
from typing import NoReturn

from luigi_pipeline import markers
from luigi_pipeline.datadir import DataDir
from luigi_pipeline.history import recording, volumes
from luigi_pipeline.settings import Settings

log = logging.getLogger("luigi_pipeline")

_runs: list[tuple[DataDir, Settings, str]] = []


def watch(data: DataDir, settings: Settings) -> None:
    """See to it that this process, when it exits, first ends the run that it is.

    Luigi ends with `sys.exit` and the code that luigi.cfg has for what happened, and tells no one else of it.

    Args:
        data: The run's data dir.
        settings: Its configuration.
    """
    _runs.append((data, settings, markers.utc_now()))
    run, leave = os.getpid(), sys.exit

    def end_and_leave(status: object = None, /) -> NoReturn:
        if os.getpid() == run:
            status = end(status if isinstance(status, int) else 0 if status is None else 1)
        leave(status)  # type: ignore[arg-type]

    sys.exit = end_and_leave


def end(exit_code: int, outcome: str | None = None) -> int:
    """End the run, once.

    Args:
        exit_code: What Luigi exits with.
        outcome: How the run ended, in words, where the code does not say it.

    Returns:
        What to exit with.
    """
    if not _runs:
        return exit_code
    data, settings, began_at = _runs.pop()
    for drop in volumes.drops(data, settings, since=began_at):
        log.warning("%s", drop)
    recording.end(exit_code, outcome)
    return exit_code
