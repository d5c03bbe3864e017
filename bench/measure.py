"""Running a command and seeing what it costs, its children's children included."""

from __future__ import annotations

import os
import subprocess
import threading
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import psutil

_SAMPLE_SECONDS = 0.25
_BLOCK = 512  # what the kernel counts writes in


@dataclass(frozen=True)
class Cost:
    """What a command cost.

    Attributes:
        began: When it was started, seconds since 1970.
        seconds: Until its end.
        peak_bytes: Most memory of the process tree at one moment, what processes share being counted once; 0 where it
            was not looked at.
        written_bytes: Written to disk by all of its processes that were waited for.
    """

    began: float
    seconds: float
    peak_bytes: int
    written_bytes: int


def run(command: Sequence[str], *, cwd: Path, env: Mapping[str, str], with_memory: bool = False) -> Cost:
    """Run a command to its end.

    Args:
        command: The program and its arguments.
        cwd: Where it runs.
        env: Its environment.
        with_memory: Whether to look at its memory all the while: that takes a fifth of a core, and its processes wait
            for it, the more so the more processes there are.

    Raises:
        RuntimeError: It failed; the message has what it said.
    """
    began, clock = time.time(), time.monotonic()
    process = subprocess.Popen(command, cwd=cwd, env=env, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
    assert process.stderr is not None
    said: list[bytes] = []
    reader = threading.Thread(target=lambda: said.extend(process.stderr or []))
    reader.start()
    peak, over = [0], threading.Event()
    watcher = threading.Thread(target=_watch, args=(process.pid, peak, over))
    if with_memory:
        watcher.start()
    _, status, usage = os.wait4(process.pid, 0)
    seconds = time.monotonic() - clock
    process.returncode = os.waitstatus_to_exitcode(status)
    over.set()
    if with_memory:
        watcher.join()
    reader.join()
    if process.returncode:
        raise RuntimeError(f"{' '.join(command)} ended with {process.returncode}:\n{b''.join(said).decode()}")
    return Cost(began, seconds, peak[0], usage.ru_oublock * _BLOCK)


def _watch(pid: int, peak: list[int], over: threading.Event) -> None:
    while not over.wait(_SAMPLE_SECONDS):
        try:
            tree = [psutil.Process(pid), *psutil.Process(pid).children(recursive=True)]
        except psutil.NoSuchProcess:
            return
        peak[0] = max(peak[0], sum(_memory(process) for process in tree))


def _memory(process: psutil.Process) -> int:
    """Proportional set size: forked processes share most of what they imported."""
    try:
        return int(process.memory_full_info().pss)
    except (psutil.Error, AttributeError):
        return 0
