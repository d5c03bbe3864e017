"""How a run begins: from the command line, or from Python by `luigi.build`.

Both hold the data dir from the first task of the pipeline on. A run from the command line keeps everything until its
process ends. After one from Python, nothing is left in the process: no lock, no log file, no signal handler.
"""

from __future__ import annotations

import atexit
import logging
import multiprocessing
import sys
from concurrent.futures import ProcessPoolExecutor
from contextlib import ExitStack, suppress
from functools import partial
from typing import NoReturn

from luigi.cmdline_parser import CmdlineParser
from luigi.configuration import get_config
from luigi.interface import PidLockAlreadyTakenExit
from luigi.worker import Worker

from luigi_pipeline.config import options, project, surroundings
from luigi_pipeline.console import logs, streams, terminal
from luigi_pipeline.core.errors import AlreadyRunning, ConfigError
from luigi_pipeline.run import ending, processes, recording, scheduling
from luigi_pipeline.run.ending import Ending
from luigi_pipeline.run.holding import holding
from luigi_pipeline.run.recording import Recording
from luigi_pipeline.run.run import Run
from luigi_pipeline.run.task import PipelineTask
from luigi_pipeline.warehouse.recognise import recognise

log = logging.getLogger("luigi_pipeline")


def begin(task: PipelineTask, worker: Worker, stack: ExitStack) -> None:
    """Begin the run for which Luigi takes its first task of the pipeline.

    Args:
        task: The task.
        worker: Luigi's worker, which has taken it.
        stack: Ends a run from Python when it is closed, and lets go of the data dir.

    Raises:
        AlreadyRunning: Another run holds the data dir (`PidLockAlreadyTakenExit` on the command line).
        ConfigError: The configuration can't be used (on the command line, one line and exit code 40).
        OSError: The data dir can't be written to (the same).
    """
    try:
        _begin(task, worker, stack)
    except (ConfigError, OSError) as error:
        refuse(error)


def _begin(task: PipelineTask, worker: Worker, stack: ExitStack) -> None:
    parser = CmdlineParser.get_instance()
    run = _look(task, parser)
    asked_for = str(parser.known_args.root_task) if parser else task.task_family
    command = " ".join(["luigi", *sys.argv[1:]]) if parser else f"luigi.build in {sys.argv[0] or 'Python'}"
    if parser:
        surroundings.close()
    try:
        stack.enter_context(holding(run.data))
    except AlreadyRunning as error:
        recording.note(run.data.history, asked_for, command, AlreadyRunning.exit_code)
        if not parser:
            raise
        streams.say(f"error: {error}")
        raise PidLockAlreadyTakenExit() from None
    if parser:
        _take_the_terminal(run)
    stack.enter_context(logs.writing_to(run.data.logs))
    if run.is_quiet:
        logs.hush()
    run.begin(Recording(run.data.history, asked_for, command))
    ended = Ending(run, asked_for)
    if parser:
        ending.watch_exit(ended)
        processes.end_by_signals(ended)
    else:
        stack.push(partial(ended.end_build, worker))
    scheduling.release_tasks_of_ended_runs(worker._scheduler)
    _recognise_warehouse(run)
    run.ask_for_new_months()


def refuse(error: Exception) -> NoReturn:
    """Refuse what a run was asked for. On the command line, print one line and exit with code 40.

    Raises:
        Exception: The error, if the run was begun from Python.
    """
    if CmdlineParser.get_instance() is None:
        raise error
    run = Run.current()
    is_reported = run.has_begun and run.is_quiet  # at its end
    if not is_reported and not streams.say(f"error: {error}"):
        with suppress(ConfigError):
            logs.note(run.data.logs, error)
    logging.disable()  # the one line is all: Luigi's worker still reports that it ends, or that no scheduler answers
    # Not through luigi.cfg's exit codes: it may be missing, if the project's folder is what can't be used.
    sys.exit(ConfigError.exit_code)


def _look(task: PipelineTask, parser: CmdlineParser | None) -> Run:
    """Look at what the run goes by, and refuse what can't be used, before anything is written."""
    file = project.folder() / "luigi.cfg"
    if not get_config().has_option("resources", "download"):
        raise ConfigError(f"Luigi has not read {file}: import luigi_pipeline there, or with MOBILITY_PROJECT_DIR set")
    asked_for = parser.known_args.root_task if parser else ""
    if parser and options.forcing().force and asked_for != task.task_family:
        raise ConfigError(f"--force: {asked_for} is no task of the pipeline; ask for one, such as Publish")
    run = Run()
    run.look()
    return run


def _take_the_terminal(run: Run) -> None:
    atexit.register(streams.settle)
    if not run.is_quiet:
        terminal.open_if_any()
    atexit.register(terminal.close)


def _recognise_warehouse(run: Run) -> None:
    """Look into an unknown warehouse before tasks are scheduled: it may hold what they would load.

    This runs in a process of its own, because DuckDB does not survive a fork and Luigi forks for each task. If the
    warehouse can't be opened now, the tasks meet the same error and report it.
    """
    if not run.found_unknown_warehouse:
        return
    limits = run.settings.warehouse.model_copy(update={"wait_seconds": 0})
    with ProcessPoolExecutor(1, multiprocessing.get_context("fork"), processes.in_child) as pool:
        error = pool.submit(recognise, run.data, limits).exception()
    if error is None:
        run.found_unknown_warehouse = False
    else:
        log.info("the warehouse can't be looked into yet: %s", error)
