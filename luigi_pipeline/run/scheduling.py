"""What a run does with a central scheduler, if there is one."""

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
    """The scheduler's URL, ending in a slash; None if the run uses a local scheduler."""
    settings = core()
    if settings.local_scheduler:
        return None
    url = settings.scheduler_url or f"http://{settings.scheduler_host}:{settings.scheduler_port}"
    return f"{str(url).rstrip('/')}/"


def link_to(path: Path, data: DataDir) -> str | None:
    """The URL at which `python -m luigi_pipeline scheduler` shows a file; None if there is no central scheduler."""
    url = address()
    return f"{url}files/{quote(path.relative_to(data.root).as_posix())}" if url else None


def release_tasks_of_ended_runs(scheduler: object) -> None:
    """Tell luigid that nobody works on the tasks that it lists as running.

    luigid notices only after a minute that a worker was killed. Until then it would not give out that worker's tasks.
    The run knows better, because it holds the data dir, and one luigid serves one data dir.

    Args:
        scheduler: The run's scheduler. A local one lists no tasks of other runs.

    Raises:
        ConfigError: The scheduler does not answer.
    """
    if not isinstance(scheduler, RemoteScheduler):
        return
    remote: Any = scheduler  # Luigi adds its methods at runtime
    try:
        for task_id, task in remote.task_list(status="RUNNING", upstream_status="").items():
            remote.add_task(
                worker=task["worker_running"],
                task_id=task_id,
                status="FAILED",
                runnable=False,
                expl="the run was ended",
            )
            log.info("%s was cut off when its run ended", task["display_name"])
        for task_id in remote.task_list(status="DISABLED", upstream_status=""):
            remote.re_enable_task(task_id)  # disabled because it failed too often in an earlier run
    except RPCError as error:
        raise ConfigError(
            f"no luigid answers at {remote._url}/: start one, or run without LUIGI_CONFIG_PATH"
        ) from error
