"""The end of a run: what is noted and said then, whatever the run came to."""

from __future__ import annotations

import os
import sys
from typing import NoReturn

from luigi_pipeline.history import recording

_ended = False


def watch() -> None:
    """See to it that this process, when it exits, first ends the run that it is.

    Luigi ends with `sys.exit` and the code that luigi.cfg has for what happened, and tells no one else of it.
    """
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
    global _ended
    if _ended:
        return exit_code
    _ended = True
    recording.end(exit_code, outcome)
    return exit_code
