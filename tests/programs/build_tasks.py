"""Builds tasks by `luigi.build` in one of several ways, and prints what came of it: `build_tasks.py WAY ...`."""

import gc
import json
import logging
import os
import signal
import sys
import threading
from collections.abc import Callable
from pathlib import Path

import luigi
from luigi.setup_logging import InterfaceLogging
from luigi.worker import ContextManagedTaskProcess

from luigi_pipeline import DbtBuild, Ingest, IngestWeather
from luigi_pipeline.core.errors import AlreadyRunning

Told = dict[str, object]


def build(*tasks: luigi.Task, **options: object) -> str:
    """Build tasks, or Ingest, and say how it went."""
    defaults: dict[str, object] = {"local_scheduler": True, "detailed_summary": True}
    status: str = luigi.build(tasks or [Ingest()], **defaults | options).status.name
    return status


def kept() -> list[object]:
    """What a process would still have of a run that it is over with."""
    loggers = [logging.getLogger(name) for name in ("luigi_pipeline", "luigi-interface")]
    return [
        [repr(signal.getsignal(number)) for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP)],
        [repr(logger.handlers) for logger in loggers],
        repr(sys.exit),
        [str(file) for file in (fd.resolve() for fd in Path("/proc/self/fd").iterdir()) if file.is_file()],
        [gc.get_freeze_count(), "dlt" in sys.modules],
    ]


def once() -> Told:
    return {"status": build()}


def twice() -> Told:
    return {"told": [build(), build()]}


def with_more_months(workers: str, config: str, later: str) -> Told:
    """Build, and build again when the configuration has become another one."""
    InterfaceLogging.setup(luigi.interface.core())  # Luigi's own, once for all builds
    before = kept()
    first = build(workers=int(workers))
    between = kept()
    Path(config).write_text(Path(later).read_text())
    second = build(workers=int(workers))
    return {"first": first, "second": second, "left": [before == between, before == kept()]}


class Nightly(luigi.WrapperTask):
    """A task of others that requires one."""

    def requires(self) -> luigi.Task:
        return Ingest()


# How tasks come to a build that must do nothing while another run holds the data dir.
REFUSED: dict[str, Callable[[], str]] = {
    "a task": lambda: build(Ingest()),
    "two workers": lambda: build(IngestWeather(), workers=2),
    "a task of others that requires one": lambda: build(Nightly()),
}


def beside_another(tasks: str) -> Told:
    try:
        return {"told": REFUSED[tasks]()}
    except AlreadyRunning as error:
        return {"told": str(error)}


def in_two_threads() -> Told:
    # Luigi's worker takes a signal, which only the first thread of a process may.
    luigi.configuration.get_config().set("worker", "no_install_shutdown_handler", "true")
    told: list[str] = []

    def work() -> None:
        try:
            told.append(build())
        except AlreadyRunning:
            told.append("refused")

    threads = [threading.Thread(target=work) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return {"told": sorted(told), "then": build()}


def after_an_interrupt() -> Told:
    try:
        return {"first": build()}
    except KeyboardInterrupt:
        return {"then": build()}


class Other(luigi.Task):
    """A task that has nothing to do with the pipeline."""

    is_done = False

    def complete(self) -> bool:
        return self.is_done

    def run(self) -> None:
        self.is_done = True


def others() -> Told:
    """Look at the pipeline's tasks, and build another."""
    looked = [[task.complete(), len(luigi.task.flatten(task.requires()))] for task in (Ingest(), DbtBuild())]
    luigi.configuration.get_config().set("worker", "force_multiprocessing", "false")
    return {"looked": looked, "other": build(Other())}


def elsewhere(project: str) -> Told:
    """Go to the project's folder when the package has been imported, and build there."""
    luigi.configuration.get_config()
    os.chdir(project)
    try:
        return {"told": build()}
    except Exception as error:
        return {"told": str(error)}


def heard_by_no_one() -> Told:
    """Build, and say how the processes of the tasks ended."""
    started: list[ContextManagedTaskProcess] = []
    start = ContextManagedTaskProcess.start

    def noting(process: ContextManagedTaskProcess) -> None:
        started.append(process)
        start(process)

    ContextManagedTaskProcess.start = noting  # type: ignore[method-assign, assignment]
    status = build()
    sys.stderr = Path(os.devnull).open("w")  # noqa: SIM115 (this process's own is not what is looked at)
    for process in started:
        process.join()
    return {"status": status, "codes": sorted({process.exitcode or 0 for process in started})}


WAYS: dict[str, Callable[..., Told]] = {
    way.__name__: way
    for way in (
        once,
        twice,
        with_more_months,
        beside_another,
        in_two_threads,
        after_an_interrupt,
        others,
        elsewhere,
        heard_by_no_one,
    )
}

if __name__ == "__main__":
    print(json.dumps(WAYS[sys.argv[1]](*sys.argv[2:])), flush=True)
