"""Holding a data dir: one run, or one command that changes it, at a time."""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from typing import IO

from luigi_pipeline.core.datadir import DataDir
from luigi_pipeline.core.errors import AlreadyRunning


@contextmanager
def holding(data: DataDir) -> Iterator[None]:
    """Hold a data dir for as long as the body runs.

    Raises:
        AlreadyRunning: A run, or a command that changes the data dir, holds it.
    """
    with hold(data) as lock:
        try:
            yield
        finally:
            # Unlock now: closing the file is not enough, because a process forked meanwhile still has it open.
            fcntl.flock(lock, fcntl.LOCK_UN)


def hold(data: DataDir) -> IO[str]:
    """Hold a data dir for as long as the returned file is open, in this process or in a child of it.

    The kernel releases the lock when they end, even if they are killed.

    Raises:
        AlreadyRunning: A run, or a command that changes the data dir, holds it.
    """
    _write_for_ourselves()
    data.root.mkdir(parents=True, exist_ok=True)
    lock = data.lock.open("a")
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        lock.close()
        raise AlreadyRunning(f"another run holds {data.root}; this one did nothing") from None
    return lock


def _write_for_ourselves() -> None:
    """Forbid other users to write to new files. A umask that lets everybody write is not meant for a warehouse."""
    mask = os.umask(0o022)
    os.umask(mask if mask & 0o002 else mask | 0o022)  # a umask of 002 shares with a group on purpose
