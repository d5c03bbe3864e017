"""Getting dbt and Great Expectations ready while months are loaded and models are built.

To have dbt parse its project and to import Great Expectations keeps one core busy for seconds, and a run has a core to
spare now and then. What is parsed, dbt finds in its target folder; tasks are forked from the run's own process, so what
a thread imports there they have. Nothing depends on it: a task that finds nothing ready does it all by itself.
"""

from __future__ import annotations

import gc
import importlib
import logging
import multiprocessing
import os
import threading
from collections.abc import Callable
from multiprocessing.synchronize import Event

from luigi.worker import fork_lock

from luigi_pipeline import runs

log = logging.getLogger("luigi_pipeline.tasks")

_LOW_PRIORITY = 19  # loads go first: a parse takes what they leave of the processor
_LOOK = 0.3  # seconds between looks at a parse that a build waits for
_LONGEST_PARSE = 30.0

_parse: Callable[[], None] | None = None
_validates = False
_loading: Event | None = None
_parsed: Event | None = None
_building: Event | None = None


def build_follows(parse: Callable[[], None]) -> None:
    """Note that this run is to build models.

    Args:
        parse: Has dbt parse the project, for the build to find it parsed.
    """
    global _parse
    _parse = parse


def validation_follows() -> None:
    """Note that this run is to validate."""
    global _validates
    _validates = True


def loads_follow() -> None:
    """Note that months are to be loaded, which leaves time for what was noted before."""
    global _loading, _parsed, _building
    if _parsed is None and _parse is not None and runs.is_on():
        _loading, _parsed, _building = multiprocessing.Event(), multiprocessing.Event(), multiprocessing.Event()
        threading.Thread(target=_warm, args=(_loading, _parsed, _building), daemon=True).start()


def load_begins() -> None:
    """Tell that a month is being loaded: from now on tasks begin seconds apart, and few have to wait for an import."""
    if _loading is not None:
        _loading.set()


def build_begins() -> None:
    """Tell that models are being built; wait for the parsed project, as long as it makes progress."""
    if _loading is None or _parsed is None or _building is None or not _loading.is_set():
        return
    _building.set()
    _parsed.wait(_LONGEST_PARSE)


def _warm(loading: Event, parsed: Event, building: Event) -> None:
    loading.wait()
    try:
        _parse_apart(building)
    except Exception:
        log.debug("getting dbt ready", exc_info=True)
    finally:
        parsed.set()
    if not _validates:
        return
    building.wait()
    try:
        with fork_lock:  # a process forked meanwhile would have modules that no one finishes
            _import_great_expectations()
    except Exception:
        log.debug("getting Great Expectations ready", exc_info=True)


def import_modules(*names: str) -> None:
    """Import modules for all processes that are forked from this one."""
    for name in names:
        importlib.import_module(name)
    # What modules hold stays to the end: no process need look for garbage among it, whose pages they thus share, nor
    # this one at its exit, which would take a second.
    gc.freeze()


def _import_great_expectations() -> None:
    from luigi_pipeline.validation import importing

    importing.great_expectations()
    import_modules("luigi_pipeline.validation.run")


def _parse_apart(building: Event) -> None:
    """Parse in a process of its own, which ends with the run.

    Beside other work on the machine it may never get its turn: then a build that waits for it goes on by itself.
    """
    with fork_lock:
        process = multiprocessing.Process(target=_parse_and_exit, daemon=True)
        process.start()
    spent = 0.0
    while process.is_alive():
        process.join(_LOOK)
        before, spent = spent, _cpu_seconds(process.pid)
        if building.is_set() and spent - before < _LOOK / 2:
            process.kill()


def _cpu_seconds(pid: int | None) -> float:
    import psutil

    try:
        times = psutil.Process(pid).cpu_times()
    except psutil.NoSuchProcess:
        return 0.0
    return float(times.user + times.system)


def _parse_and_exit() -> None:
    runs.in_child()
    os.nice(_LOW_PRIORITY)
    try:
        if _parse:
            _parse()
    finally:
        os._exit(0)  # what the run's process had open when this one was forked is not this one's to close
