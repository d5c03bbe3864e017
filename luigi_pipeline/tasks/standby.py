"""A process that gets ready for a task's work while other tasks run, and then does that work for the task.

Before a task can begin, it imports and reads for seconds on one core. The standby process does this beside the
earlier tasks. If there are many of them, it runs at the lowest priority and costs them nothing. If there are few, it
runs at normal priority: they lose less time than the task would otherwise wait. The work itself always has normal
priority. The task receives the log records and the progress of the work, and passes them on.

This needs Linux, where each thread has its own priority and a file descriptor shows when a process has ended.
"""

from __future__ import annotations

import gc
import logging
import multiprocessing
import os
import pickle
import select
import sys
import threading
import traceback
from collections.abc import Callable
from typing import Any, Generic, TypeVar

from luigi.worker import fork_lock

from luigi_pipeline.console import logs, progress
from luigi_pipeline.core.errors import PipelineError
from luigi_pipeline.run import processes

log = logging.getLogger("luigi_pipeline.tasks")

LOWEST_PRIORITY = 19
LOOK_SECONDS = 0.3  # seconds between checks of a process that is waited for
_LONGEST = 30.0  # seconds that a task waits for the process at most

Ready = TypeVar("Ready")
Result = TypeVar("Result")


def is_possible() -> bool:
    """Whether this system supports a standby process."""
    return sys.platform == "linux" and hasattr(os, "pidfd_open")


class Standby(Generic[Ready, Result]):
    """The standby process. The run forks it, as it forks the task's process. It does one task's work, once."""

    def __init__(self, prepare: Callable[[], Ready], work: Callable[..., Result]) -> None:
        """Set what the process will do.

        Args:
            prepare: Gets ready. Its errors are ignored: the work meets the same error and reports it.
            work: Called with what `prepare` returned, or None if nothing is ready, and with the task's arguments.
        """
        self._prepare, self._work = prepare, work
        self._ours, self._its = multiprocessing.Pipe()
        self._ready, self._settled = multiprocessing.Event(), multiprocessing.Event()
        self._wanted = multiprocessing.Event()

    def stand_by(self, *, beside_many: bool) -> None:
        """Start the process and wait for its end.

        The process ends with the run. Linux also ends it with the thread that calls this.

        Args:
            beside_many: Whether many tasks run before the work, which leaves time to get ready at low priority.
        """
        with fork_lock:
            process = multiprocessing.Process(target=self._serve, args=(beside_many,), daemon=True)
            process.start()
            self._its.close()  # the child now has the only copy of this end, so the other end sees when the child ends
        try:
            self._see_to(process)
        finally:
            self._settled.set()
        process.join()

    def _see_to(self, process: multiprocessing.Process) -> None:
        """Wait until the process is ready. If a task waits for it and it gets no processor time, kill it."""
        spent = 0.0
        while process.is_alive() and not self._ready.wait(LOOK_SECONDS):
            before, spent = spent, _cpu_seconds(process.pid)
            if self._wanted.is_set() and spent - before < LOOK_SECONDS / 2:
                process.kill()
                process.join()

    def wait_until_wanted(self) -> None:
        """Wait until the task has begun."""
        self._wanted.wait()

    def wait_until_settled(self) -> None:
        """Wait until the process is ready, or has ended."""
        self._settled.wait()

    def call(self, *arguments: Any) -> Result:
        """Do the work. Called in the task's process; uses the standby process if it is ready or soon will be.

        Raises:
            Exception: Whatever the work raised.
            PipelineError: The standby process was killed.
        """
        self._wanted.set()
        self._settled.wait(_LONGEST)
        if not self._ready.is_set():
            return self._work(None, *arguments)
        self._ready.clear()  # it works once: a second attempt does the work itself
        self._ours.send((os.getpid(), arguments))
        while True:
            try:
                kind, content = self._ours.recv()
            except EOFError:
                raise PipelineError("the process that did the work was killed") from None
            if kind == "progress":
                progress.report(*content)
            elif kind == "log":
                logging.getLogger(content.name).handle(content)
            elif kind == "error":
                raise content
            else:
                result: Result = content
                return result

    def _serve(self, beside_many: bool) -> None:
        """Get ready, wait for the task, and do its work."""
        processes.in_child()
        ready: list[Ready] = []
        thread = threading.Thread(target=self._get_ready, args=(ready, beside_many))
        thread.start()
        thread.join()
        gc.freeze()  # what is in memory now stays, so the garbage collector need not look at it
        if ready:
            self._ready.set()
            self._answer(ready[0])

    def _get_ready(self, ready: list[Ready], beside_many: bool) -> None:
        if beside_many:
            os.setpriority(os.PRIO_PROCESS, 0, LOWEST_PRIORITY)  # the priority of this thread only
        try:
            ready.append(self._prepare())
        except Exception:
            log.debug("getting ready", exc_info=True)

    def _answer(self, ready: Ready) -> None:
        task, arguments = self._its.recv()
        threading.Thread(target=_die_with, args=(task,), daemon=True).start()
        sending = threading.Lock()

        def send(kind: str, content: Any) -> None:
            with sending:
                self._its.send((kind, content))

        logs.send_on(lambda record: send("log", record))
        progress.send_on(lambda *content: send("progress", content))
        try:
            result = self._work(ready, *arguments)
        except Exception as error:
            send("error", _portable(error))
        else:
            send("result", result)


def _portable(error: Exception) -> Exception:
    """An error that another process can raise, with its traceback as a note."""
    try:
        portable: Exception = pickle.loads(pickle.dumps(error))
    except Exception:
        portable = RuntimeError(f"{type(error).__name__}: {error}")
    portable.add_note("".join(traceback.format_exception(error)))
    return portable


def _die_with(task: int) -> None:
    """End this process when the task's process ends: no other process may go on with its work."""
    try:
        ended = os.pidfd_open(task)
    except ProcessLookupError:
        os._exit(1)
    select.select([ended], [], [])
    os._exit(1)


def _cpu_seconds(pid: int | None) -> float:
    import psutil

    try:
        times = psutil.Process(pid).cpu_times()
    except psutil.NoSuchProcess:
        return 0.0
    return float(times.user + times.system)
