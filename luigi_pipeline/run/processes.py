"""How the processes of a run handle signals, and how they end together."""

from __future__ import annotations

import logging
import multiprocessing
import os
import signal
import sys
from types import FrameType

from luigi_pipeline.console import terminal
from luigi_pipeline.run.ending import Ending

log = logging.getLogger("luigi_pipeline")

_SECONDS_TO_END = 4.0


def end_by_signals(ended: Ending) -> None:
    """Let signals end the run, except those that were ignored when it began, as under nohup."""

    def stop(number: int, _: FrameType | None) -> None:
        _stop_children()
        terminal.close()
        name = signal.Signals(number).name
        log.error("stopped by %s; the next run goes on from here", name)
        ended.end(128 + number, f"stopped by {name}")
        logging.shutdown()
        os._exit(128 + number)

    for number in _not_ignored():
        signal.signal(number, stop)


def in_child() -> None:
    """Prepare a process that was forked from the run: it ends with the run, and leaves signals and terminal to it."""
    # First of all: the inherited handler would end the children, which only the run's own process may do.
    for number in _not_ignored():
        signal.signal(number, signal.SIG_DFL)
    _die_with_parent()
    terminal.in_child()


def _not_ignored() -> list[signal.Signals]:
    numbers = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP)
    return [number for number in numbers if signal.getsignal(number) is not signal.SIG_IGN]


def _stop_children() -> None:
    """End the tasks' processes at once. The next run repeats what they had not committed."""
    children = multiprocessing.active_children()
    takes_sigterm = signal.SIGTERM in _not_ignored()
    for child in children:
        if takes_sigterm:
            child.terminate()
        else:
            child.kill()  # Luigi's `terminate` would wait for a child that ignores SIGTERM
    for child in children:
        child.join(_SECONDS_TO_END / max(len(children), 1))
        if child.is_alive():
            child.kill()


def _die_with_parent() -> None:
    """Ask Linux to kill this process when its parent is killed, so that no orphan goes on writing."""
    parent = multiprocessing.parent_process()
    if not sys.platform.startswith("linux") or parent is None:
        return
    import ctypes

    set_parent_death_signal = 1
    ctypes.CDLL(None, use_errno=True).prctl(set_parent_death_signal, signal.SIGKILL)
    # Not a comparison with PID 1: orphans may go to another process, and in a container the run itself may be PID 1.
    if os.getppid() != parent.pid:  # the parent was killed before the line above
        os._exit(1)
