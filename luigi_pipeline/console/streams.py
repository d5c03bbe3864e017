"""Standard input, output and error, whoever started the process and whatever became of them."""

from __future__ import annotations

import os
import sys

_DESCRIPTORS = (0, 1, 2)
_closed: set[str] = set()


def open_closed() -> None:
    """Open those that the process was started without, as some supervisors do, on /dev/null.

    The next files that are opened would else take their places, a lock or the warehouse among them, and get what
    libraries print.
    """
    for descriptor in _DESCRIPTORS:
        try:
            os.fstat(descriptor)
        except OSError:
            os.open(os.devnull, os.O_RDWR)  # takes the lowest place that is free
    for name, mode in {"stdin": "r", "stdout": "w", "stderr": "w"}.items():
        if getattr(sys, name) is None:
            _closed.add(name)
            setattr(sys, name, open(os.devnull, mode, encoding="utf-8"))  # noqa: SIM115  (to the process's end)


def settle() -> bool:
    """Write out what is still to be written; what no one takes (a full disk, a reader that has gone) is dropped.

    Python would else try once more at its end, and exit with 120 whatever became of the run.

    Returns:
        Whether all was taken.
    """
    taken = True
    for stream in (sys.stdout, sys.stderr):
        try:
            stream.flush()
        except OSError:
            taken = False
            os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())
    return taken


def say(text: str) -> bool:
    """Print a last line to standard error, if it can be written to.

    Returns:
        Whether it was taken.
    """
    try:
        print(text, file=sys.stderr)
    except OSError:
        settle()
        return False
    return settle() and "stderr" not in _closed
