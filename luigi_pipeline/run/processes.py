"""How the processes of a run take signals, and end with one another."""

from __future__ import annotations

import logging
import multiprocessing
import os
import signal
import sys
from types import FrameType

from luigi_pipeline.console import terminal
from luigi_pipeline.run import ending

log = logging.getLogger("luigi_pipeline")

_SECONDS_TO_END = 4.0


def end_by_signals() -> None:
    """Let signals end the run, but for those that were to be ignored when it began, as under nohup."""
    for number in _not_ignored():
        signal.signal(number, _stop)


def in_child() -> None:
    """Make a process forked from the run's one that ends with it, and leaves to it what only it is to do."""
    # At once: the run's own handler is for the process that has the children.
    for number in _not_ignored():
        signal.signal(number, signal.SIG_DFL)
    _die_with_parent()
    terminal.in_child()


def _not_ignored() -> list[signal.Signals]:
    numbers = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP)
    return [number for number in numbers if signal.getsignal(number) is not signal.SIG_IGN]


def _stop(number: int, _: FrameType | None) -> None:
    """End the run and its children at once; what they had not committed, the next run does again."""
    children = multiprocessing.active_children()
    takes_sigterm = signal.SIGTERM in _not_ignored()
    for child in children:
        if takes_sigterm:
            child.terminate()
        else:
            child.kill()  # Luigi's `terminate` waits for what ignores it
    for child in children:
        child.join(_SECONDS_TO_END / max(len(children), 1))
        if child.is_alive():
            child.kill()
    terminal.close()
    log.error("stopped by %s; the next run goes on from here", signal.Signals(number).name)
    ending.end(128 + number, f"stopped by {signal.Signals(number).name}")
    logging.shutdown()
    os._exit(128 + number)


def _die_with_parent() -> None:
    """Ask Linux to end this process when its parent is killed, so that no orphan goes on writing."""
    parent = multiprocessing.parent_process()
    if not sys.platform.startswith("linux") or parent is None:
        return
    import ctypes

    set_parent_death_signal = 1
    ctypes.CDLL(None, use_errno=True).prctl(set_parent_death_signal, signal.SIGKILL)
    # Not by 1, which takes in orphans: it may be another process that does, and a container's first one is the run.
    if os.getppid() != parent.pid:  # it was killed already
        os._exit(1)
