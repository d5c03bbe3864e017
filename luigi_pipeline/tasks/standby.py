"""A process that gets ready for a task's work while other tasks run, and then does the work in the task's stead.

What a task imports and reads before it can begin keeps one core busy for seconds. It is done beside the tasks before
it, at the lowest priority where these are many, so that they lose nothing; where they are few, they leave no time, and
what they lose is less than is waited for afterwards. The work itself has the priority of any other. What the work
logs and tells of its progress is logged and told by the task. It takes Linux, where each thread has a priority of its
own and a file descriptor tells when a process has ended.
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
LOOK_SECONDS = 0.3  # seconds between looks at a process that is waited for
_LONGEST = 30.0  # seconds that the work waits for it at most

Ready = TypeVar("Ready")
Result = TypeVar("Result")


def is_possible() -> bool:
    """Whether this system can have a process stand by."""
    return sys.platform == "linux" and hasattr(os, "pidfd_open")


class Standby(Generic[Ready, Result]):
    """The process, from the run's one from which it and the task's are forked. It does one task's work, once."""

    def __init__(self, prepare: Callable[[], Ready], work: Callable[..., Result]) -> None:
        """Say what is to be done.

        Args:
            prepare: Gets ready. Whatever it fails of, the work finds too, and says so.
            work: Called with what `prepare` returned, or None where nothing is ready, and with the task's arguments.
        """
        self._prepare, self._work = prepare, work
        self._ours, self._its = multiprocessing.Pipe()
        self._ready, self._settled = multiprocessing.Event(), multiprocessing.Event()
        self._wanted = multiprocessing.Event()

    def stand_by(self, *, beside_many: bool) -> None:
        """Start the process and wait for its end.

        It ends with the thread that calls this, as Linux has it, and with the run.

        Args:
            beside_many: Whether there are many tasks before it, which leave it time.
        """
        with fork_lock:
            process = multiprocessing.Process(target=self._serve, args=(beside_many,), daemon=True)
            process.start()
            self._its.close()  # now it alone has this end: whoever has the other one sees it end
        try:
            self._see_to(process)
        finally:
            self._settled.set()
        process.join()

    def _see_to(self, process: multiprocessing.Process) -> None:
        """Wait until it is ready; where a task waits for it and it gets no processor time, end it."""
        spent = 0.0
        while process.is_alive() and not self._ready.wait(LOOK_SECONDS):
            before, spent = spent, _cpu_seconds(process.pid)
            if self._wanted.is_set() and spent - before < LOOK_SECONDS / 2:
                process.kill()
                process.join()

    def wait_until_wanted(self) -> None:
        """Wait for the task to begin."""
        self._wanted.wait()

    def wait_until_settled(self) -> None:
        """Wait until the process is ready, or has ended."""
        self._settled.wait()

    def call(self, *arguments: Any) -> Result:
        """Do the work, from the task's process: in the one that stands by, if that is ready or soon will be.

        Raises:
            Exception: What the work raised.
            PipelineError: The process was killed.
        """
        self._wanted.set()
        self._settled.wait(_LONGEST)
        if not self._ready.is_set():
            return self._work(None, *arguments)
        self._ready.clear()  # it does it once: an attempt after this one does by itself
        self._ours.send((os.getpid(), arguments))
        while True:
            try:
                kind, told = self._ours.recv()
            except EOFError:
                raise PipelineError("the process that did the work was killed") from None
            if kind == "progress":
                progress.tell(*told)
            elif kind == "log":
                logging.getLogger(told.name).handle(told)
            elif kind == "error":
                raise told
            else:
                result: Result = told
                return result

    def _serve(self, beside_many: bool) -> None:
        """Get ready, wait for the task, and do its work."""
        processes.in_child()
        ready: list[Ready] = []
        thread = threading.Thread(target=self._get_ready, args=(ready, beside_many))
        thread.start()
        thread.join()
        gc.freeze()  # what is there now stays: no need to look for garbage among it
        if ready:
            self._ready.set()
            self._answer(ready[0])

    def _get_ready(self, ready: list[Ready], beside_many: bool) -> None:
        if beside_many:
            os.setpriority(os.PRIO_PROCESS, 0, LOWEST_PRIORITY)  # of this thread only
        try:
            ready.append(self._prepare())
        except Exception:
            log.debug("getting ready", exc_info=True)

    def _answer(self, ready: Ready) -> None:
        task, arguments = self._its.recv()
        threading.Thread(target=_die_with, args=(task,), daemon=True).start()
        sending = threading.Lock()

        def send(kind: str, told: Any) -> None:
            with sending:
                self._its.send((kind, told))

        logs.send_on(lambda record: send("log", record))
        progress.send_on(lambda *told: send("progress", told))
        try:
            result = self._work(ready, *arguments)
        except Exception as error:
            send("error", _portable(error))
        else:
            send("result", result)


def _portable(error: Exception) -> Exception:
    """An error that another process can raise, with its traceback as a note."""
    try:
        told: Exception = pickle.loads(pickle.dumps(error))
    except Exception:
        told = RuntimeError(f"{type(error).__name__}: {error}")
    told.add_note("".join(traceback.format_exception(error)))
    return told


def _die_with(task: int) -> None:
    """End this process when another one ends: what that one began, no one is to go on with."""
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
