"""What a run has to do with a central scheduler, if there is one."""

from __future__ import annotations

import logging
from pathlib import Path
from typing import Any
from urllib.parse import quote

from luigi.interface import core
from luigi.rpc import RemoteScheduler, RPCError

from luigi_pipeline.core.datadir import DataDir
from luigi_pipeline.core.errors import ConfigError

log = logging.getLogger("luigi_pipeline")


def address() -> str | None:
    """Where the scheduler is, ending in a slash; None for a run that has one of its own."""
    settings = core()
    if settings.local_scheduler:
        return None
    url = settings.scheduler_url or f"http://{settings.scheduler_host}:{settings.scheduler_port}"
    return f"{str(url).rstrip('/')}/"


def link_to(path: Path, data: DataDir) -> str | None:
    """The URL at which `python -m luigi_pipeline scheduler` shows a file; None where there is no scheduler."""
    url = address()
    return f"{url}files/{quote(path.relative_to(data.root).as_posix())}" if url else None


def release_tasks_of_ended_runs(given: object = None) -> None:
    """Tell luigid that no one works any more on what it takes for running.

    It finds out by itself that a worker was killed, but only after a minute; until then it would give out none of the
    tasks that the worker had. Who holds the data dir knows: one luigid serves one data dir.

    Args:
        given: The run's scheduler; by default the one that Luigi's configuration names.

    Raises:
        ConfigError: It does not answer.
    """
    if given is None and (url := address()):
        given = RemoteScheduler(url)
    if not isinstance(given, RemoteScheduler):
        return  # it is the run's own
    scheduler: Any = given
    try:
        for task_id, task in scheduler.task_list(status="RUNNING", upstream_status="").items():
            scheduler.add_task(
                worker=task["worker_running"],
                task_id=task_id,
                status="FAILED",
                runnable=False,
                expl="the run was ended",
            )
            log.info("%s was cut off with the run that had it", task["display_name"])
        for task_id in scheduler.task_list(status="DISABLED", upstream_status=""):
            scheduler.re_enable_task(task_id)  # it failed too often for that run, not for this one
    except RPCError as error:
        raise ConfigError(
            f"no luigid answers at {scheduler._url}/: start one, or run without LUIGI_CONFIG_PATH"
        ) from error
