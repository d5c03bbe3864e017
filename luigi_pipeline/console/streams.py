"""Standard input, output and error, even if they were closed at the start or break later."""

from __future__ import annotations

import os
import sys

_DESCRIPTORS = (0, 1, 2)
_closed: set[str] = set()


def open_closed() -> None:
    """Open missing standard streams on /dev/null. Some supervisors start a process without them.

    Otherwise the next opened files, such as the lock or the warehouse, would take their descriptors, and libraries
    would print into them.
    """
    for descriptor in _DESCRIPTORS:
        try:
            os.fstat(descriptor)
        except OSError:
            os.open(os.devnull, os.O_RDWR)  # takes the lowest free descriptor
    for name, mode in {"stdin": "r", "stdout": "w", "stderr": "w"}.items():
        if getattr(sys, name) is None:
            _closed.add(name)
            setattr(sys, name, open(os.devnull, mode, encoding="utf-8"))  # noqa: SIM115  (open until the process ends)


def settle() -> bool:
    """Flush the output streams. Output that can't be written (a full disk, a closed pipe) is dropped.

    Otherwise Python would try again at its end, and exit with code 120 whatever the result of the run.

    Returns:
        Whether everything was written.
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
    """Print a last line to standard error, if possible.

    Returns:
        Whether it was written.
    """
    try:
        print(text, file=sys.stderr)
    except OSError:
        settle()
        return False
    return settle() and "stderr" not in _closed
