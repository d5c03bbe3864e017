"""Getting dbt and Great Expectations ready while files are loaded and models are built.

Importing dbt, parsing its project, and importing Great Expectations each keep one core busy for seconds. During loads
there is often an idle core. dbt is made ready in a process of its own, which later builds the models. Great
Expectations is imported in the run's own process, from which tasks are forked. Both only save time: if nothing is
ready, the task does the work itself.
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
from typing import Any, TypeVar

from luigi.worker import fork_lock

from luigi_pipeline.run import runs
from luigi_pipeline.tasks import standby
from luigi_pipeline.tasks.standby import Standby

log = logging.getLogger("luigi_pipeline.tasks")

_MANY = 6  # more loads than this are many; it is two months of three sources

Result = TypeVar("Result")

_following: Standby[Any, Any] | None = None
_validates = False
_loads: set[str] = set()
_loading: Event | None = None
_builder: Standby[Any, Any] | None = None


def build_follows(prepare: Callable[[], Any], work: Callable[..., Any]) -> None:
    """Note that this run will build models.

    Args:
        prepare: The part of the build that can be done during loads.
        work: Builds the models, given what `prepare` returned.
    """
    global _following
    _following = _following or Standby(prepare, work)


def validation_follows() -> None:
    """Note that this run will validate."""
    global _validates
    _validates = True


def load_follows(title: str) -> None:
    """Note that a file will be loaded. That leaves time to get ready for the stages noted before."""
    global _loading, _builder
    _loads.add(title)
    if _builder is None and _following is not None and runs.is_on() and standby.is_possible():
        _loading, _builder = multiprocessing.Event(), _following
        threading.Thread(target=_warm, args=(_loading, _builder), daemon=True).start()


def load_begins() -> None:
    """Start getting ready: from the first load on, tasks begin seconds apart, and few have to wait for an import."""
    if _loading is not None:
        _loading.set()


def build(work: Callable[..., Result], *arguments: Any) -> Result:
    """Build the models: in the standby process, if a file was loaded; otherwise here, with None for what is ready."""
    if _loading is None or _builder is None or not _loading.is_set():
        return work(None, *arguments)
    result: Result = _builder.call(*arguments)
    return result


def import_modules(*names: str) -> None:
    """Import modules once, for all processes that are forked from this one."""
    for name in names:
        importlib.import_module(name)
    # Modules stay in memory to the end. If the garbage collector leaves them alone, forked processes keep sharing their
    # memory pages, and the exit of this process is a second shorter.
    gc.freeze()


def _warm(loading: Event, builder: Standby[Any, Any]) -> None:
    loading.wait()
    if _validates:
        threading.Thread(target=_import_great_expectations, args=(builder,), daemon=True).start()
    builder.stand_by(beside_many=len(_loads) > _MANY)


def _import_great_expectations(builder: Standby[Any, Any]) -> None:
    """Import it once the build has begun. With a single core, wait until the builder is ready or has ended."""
    builder.wait_until_wanted()
    if len(os.sched_getaffinity(0)) == 1:
        builder.wait_until_settled()
    try:
        with fork_lock:  # a process forked during the import would have half-imported modules
            from luigi_pipeline.validation import importing

            importing.great_expectations()
            import_modules("luigi_pipeline.validation.run")
    except Exception:
        log.debug("getting Great Expectations ready", exc_info=True)
