"""Takes itself for a run whose tasks have later stages' tools got ready: `stand_by.py CASE FOLDER [ARGUMENT]`.

Each case prints what its tasks saw, a line of JSON each. `ask` has a task's process, forked from this one, do
something, and says what came of it; `build` is a task's, with models that say who built them.
"""

import json
import logging
import multiprocessing
import os
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import psutil
from luigi.worker import fork_lock

from luigi_pipeline.console import progress
from luigi_pipeline.core.errors import BuildFailed, PipelineError
from luigi_pipeline.run import runs
from luigi_pipeline.tasks import standby, warming

Told = dict[str, Any]
Does = Callable[[], Told | None]
Work = Callable[..., Told]

CASE, FOLDER, ARGUMENTS = sys.argv[1], Path(sys.argv[2]), sys.argv[3:]
GREAT_EXPECTATIONS = "great_expectations"


def prepare() -> int:
    (FOLDER / "prepared").touch()
    return os.getpid()


def work(ready: object, *arguments: object) -> Told:
    return {"prepared_by": ready, "built_by": os.getpid(), "arguments": arguments}


def build(*arguments: object) -> Told:
    return warming.build(work, *arguments)


def forked(does: Does) -> multiprocessing.Process:
    def task() -> None:
        began = time.monotonic()
        told = does() or {}
        heavy = [name for name in ("dbt", GREAT_EXPECTATIONS) if name in sys.modules]
        told |= {"heavy": heavy, "waited": time.monotonic() - began, "task": os.getpid()}
        (FOLDER / "told.json").write_text(json.dumps(told))

    process = multiprocessing.Process(target=task)
    with fork_lock:
        process.start()
    return process


def ask(does: Does) -> Told:
    forked(does).join()
    told: Told = json.loads((FOLDER / "told.json").read_text())
    return told


def ask_after_loads(does: Does, work: Work, prepare: Callable[[], object] = prepare) -> Told:
    warming.build_follows(prepare, work)
    warming.load_follows("LoadMonth 0")
    ask(warming.load_begins)
    return ask(does)


def wait_for(happened: Callable[[], object]) -> None:
    until = time.monotonic() + 60
    while not happened():
        assert time.monotonic() < until
        time.sleep(0.05)


def tell(told: object) -> None:
    print(json.dumps(told), flush=True)


def two_builds_and_a_validation() -> None:
    warming.build_follows(prepare, work)
    warming.validation_follows()
    warming.load_follows("LoadMonth")
    ask(warming.load_begins)
    tell(ask(lambda: build("all", 2)))
    tell(ask(lambda: build("again")))
    wait_for(lambda: GREAT_EXPECTATIONS in sys.modules)
    tell(ask(lambda: None))


def import_beside_getting_ready() -> None:
    def slow() -> int:
        wait_for((FOLDER / "imported").exists)
        return os.getpid()

    def look() -> None:
        wait_for(lambda: GREAT_EXPECTATIONS in sys.modules)
        (FOLDER / "imported").touch()

    os.sched_getaffinity = lambda pid: {0, 1}
    standby.LOOK_SECONDS = 60  # it waits, and is not to be taken for one that gets no processor time
    warming.validation_follows()
    threading.Thread(target=look).start()
    tell(ask_after_loads(build, work, slow))


def import_after_getting_ready() -> None:
    def slow() -> None:
        time.sleep(3)
        (FOLDER / "ready").touch()

    def look() -> None:
        wait_for(lambda: GREAT_EXPECTATIONS in sys.modules)
        tell((FOLDER / "ready").exists())

    os.sched_getaffinity = lambda pid: {0}
    warming.validation_follows()
    looking = threading.Thread(target=look)
    looking.start()
    ask_after_loads(build, work, slow)
    looking.join()


def niceness_beside_loads() -> None:
    (months,) = ARGUMENTS

    def prepare() -> int:
        return os.getpriority(os.PRIO_PROCESS, 0)

    standby.LOWEST_PRIORITY = 7
    for number in range(3 * int(months)):
        warming.load_follows(f"LoadMonth {number}")
    tell(ask_after_loads(build, work, prepare))


def loads_alone() -> None:
    warming.load_follows("LoadMonth")
    ask(warming.load_begins)
    tell(ask(build) | {"threads": threading.active_count()})


def build_without_loads() -> None:
    warming.build_follows(prepare, work)
    warming.load_follows("zones")  # which take no time
    tell(ask(build))


def never_ready() -> None:
    (how,) = ARGUMENTS

    def failing() -> None:
        if how == "fails":
            raise RuntimeError("no project")
        if how == "is killed":
            os.kill(os.getpid(), 9)
        time.sleep(60)

    standby.LOOK_SECONDS = 0.3
    tell(ask_after_loads(build, work, failing))


class Reporter:
    """Keeps what it is told."""

    def __init__(self) -> None:
        self.messages: list[object] = []

    def update_status_message(self, message: str) -> None:
        self.messages.append(message)

    def update_progress_percentage(self, percentage: float) -> None:
        self.messages.append(percentage)

    def update_tracking_url(self, tracking_url: str) -> None:
        self.messages.append(tracking_url)


class Lines(logging.Handler):
    """Keeps what is logged."""

    def __init__(self) -> None:
        super().__init__()
        self.lines: list[list[str]] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.lines.append([record.levelname, record.getMessage()])


def speaking_build() -> None:
    def work(ready: object) -> Told:
        logging.getLogger("luigi_pipeline.warehouse").warning("%s is stale", "2024-09")
        progress.report("fct_trips (9 of 14)", 0.5, step="fct_trips")
        raise BuildFailed("dbt: no")

    def task() -> Told | None:
        reporter, handler = Reporter(), Lines()
        logging.getLogger("luigi_pipeline").addHandler(handler)
        with progress.following("DbtBuild", reporter):
            try:
                build()
            except BuildFailed as error:
                notes = error.__notes__
                return {"error": str(error), "notes": notes, "lines": handler.lines, "told": reporter.messages}
        return None

    tell(ask_after_loads(task, work))


def odd_error() -> None:
    class Odd(Exception):
        def __init__(self, column: str, lock: object) -> None:
            super().__init__(f"no column {column}")
            self.lock = lock

    def work(ready: object) -> Told:
        raise Odd("fare", threading.Lock())

    tell(ask_after_loads(lambda: error_of(RuntimeError), work))


def killed_build() -> None:
    def work(ready: object) -> Told:
        os.kill(os.getpid(), 9)
        return {}

    tell(ask_after_loads(lambda: error_of(PipelineError), work))


def error_of(kind: type[Exception]) -> Told | None:
    try:
        build()
    except kind as error:
        return {"error": str(error)}
    return None


def killed_task() -> None:
    def work(ready: object) -> Told:
        (FOLDER / "building").write_text(str(os.getpid()))
        time.sleep(60)
        return {}

    warming.build_follows(prepare, work)
    warming.load_follows("LoadMonth")
    ask(warming.load_begins)
    task = forked(build)
    building = FOLDER / "building"
    wait_for(lambda: building.exists() and building.read_text())
    builder = psutil.Process(int(building.read_text()))
    task.kill()
    began = time.monotonic()
    wait_for(lambda: not builder.is_running() or builder.status() == psutil.STATUS_ZOMBIE)
    tell({"seconds": time.monotonic() - began})


CASES: dict[str, Callable[[], None]] = {
    case.__name__: case
    for case in (
        two_builds_and_a_validation,
        import_beside_getting_ready,
        import_after_getting_ready,
        niceness_beside_loads,
        loads_alone,
        build_without_loads,
        never_ready,
        speaking_build,
        odd_error,
        killed_build,
        killed_task,
    )
}

if __name__ == "__main__":
    runs.is_on = lambda: True
    standby.LOWEST_PRIORITY, standby.LOOK_SECONDS = 0, 10  # beside other tests, too, it gets a fifth of one core
    CASES[CASE]()
