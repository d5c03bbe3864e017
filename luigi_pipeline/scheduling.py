"""What a run tells a central scheduler before it begins."""

from __future__ import annotations

import logging
from typing import Any

from luigi.interface import core
from luigi.rpc import RemoteScheduler, RPCError

from luigi_pipeline.errors import ConfigError

log = logging.getLogger("luigi_pipeline")


def release_tasks_of_ended_runs() -> None:
    """Tell luigid that no one works any more on what it takes for running.

    It finds out by itself that a worker was killed, but only after a minute; until then it would give out none of the
    tasks that the worker had. Who holds the data dir knows: one luigid serves one data dir.

    Raises:
        ConfigError: It does not answer.
    """
    settings = core()
    if settings.local_scheduler:
        return
    url = settings.scheduler_url or f"http://{settings.scheduler_host}:{settings.scheduler_port}/"
    scheduler: Any = RemoteScheduler(url)
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
    except RPCError as error:
        raise ConfigError(f"no luigid answers at {url}: start one, or run without LUIGI_CONFIG_PATH") from error
