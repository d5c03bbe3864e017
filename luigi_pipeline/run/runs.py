"""One run: its configuration, its data dir, and how it begins."""

from __future__ import annotations

import atexit
import functools
import logging
import multiprocessing
import sys
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from contextlib import suppress
from pathlib import Path
from typing import IO, NoReturn

from luigi.cmdline_parser import CmdlineParser
from luigi.interface import PidLockAlreadyTakenExit, core
from luigi.setup_logging import InterfaceLogging

from luigi_pipeline.config import options, project, settings, surroundings
from luigi_pipeline.console import logs, streams, terminal
from luigi_pipeline.core import paths
from luigi_pipeline.core.clock import utc_now
from luigi_pipeline.core.datadir import DataDir
from luigi_pipeline.core.errors import AlreadyRunning, ConfigError
from luigi_pipeline.run import ending, processes, scheduling
from luigi_pipeline.run.holding import hold
from luigi_pipeline.state import identity, latest

log = logging.getLogger("luigi_pipeline")

_held: list[IO[str]] = []

# Titles of the tasks that this run does again, whether or not anything has changed.
forced: set[str] = set()
# Months beyond the configuration's that this run is to load, by source.
wanted_months: dict[str, list[str]] = {}


def _options() -> options.mobility:
    """The options of this run: once it is on, they stay, and are read a thousand times to see what is complete."""
    return _options_of_run() if is_on() else options.mobility()


@functools.lru_cache
def _options_of_run() -> options.mobility:
    return options.mobility()


def data_dir() -> DataDir:
    """The data dir of this run.

    Raises:
        ConfigError: Its path has characters that DuckDB, dlt or dbt would take for something else, or a ~ that
            stands for no folder.
    """
    return _data_dir_of_run() if is_on() else options.data_dir()


@functools.lru_cache
def _data_dir_of_run() -> DataDir:
    return options.data_dir()


def config_file() -> Path:
    """The configuration file of this run."""
    named = _options().config
    if named:
        return paths.expanded(named, "--mobility-config")
    here = Path("config/ingestion.yaml")
    return here if here.exists() else project.folder() / here


def configuration() -> settings.Settings:
    """The configuration of this run, read once; up to the newest months that are known, where it goes so far."""
    return _up_to_date(config_file().resolve(), data_dir().root)


@functools.lru_cache
def _up_to_date(path: Path, root: Path) -> settings.Settings:
    return latest.as_known(_load(path), DataDir(root))


@functools.lru_cache
def _load(path: Path) -> settings.Settings:
    return settings.load(path)


@functools.lru_cache
def started_at() -> str:
    """When this run began, UTC, ISO 8601: what is asked of a publisher later than that is asked by this run."""
    return utc_now()


def wants_to_ask(asked_at: str, settled_at: str | None) -> bool:
    """Whether this run has yet to ask a publisher again for a file that is loaded.

    A refresh asks for all. Any other run asks for those whose last values were still to come, once a day.

    Args:
        asked_at: When the publisher was asked last.
        settled_at: Until when the file's values were to change; None if what is published stands.
    """
    if _options().refresh:
        return asked_at < started_at()
    if settled_at is None or asked_at >= settled_at:
        return False
    return asked_at[:10] < started_at()[:10]


@functools.lru_cache
def found_unknown_warehouse(root: Path) -> bool:
    """Whether the run began with a warehouse in the data dir that is not known, as told when it began.

    Later it says nothing: a warehouse that a load is just making is not known for a moment either.
    """
    data = DataDir(root)
    return data.warehouse.exists() and identity.warehouse_id(data) is None


def is_on() -> bool:
    """Whether this process, or the one it was forked from, is a run from the command line."""
    return bool(_held)


def begin() -> None:
    """Begin a run when its first task is made: check the configuration and hold the data dir until the process ends.

    Only a run from the command line holds the data dir then; who makes tasks to look at them does not, and
    `luigi.build` does when it takes them (`building`).

    Raises:
        ConfigError: The configuration can't be used; on the command line that is one line and exit code 40.
        PidLockAlreadyTakenExit: Another run holds the data dir.
    """
    on_command_line = CmdlineParser.get_instance() is not None
    try:
        _look()
        if on_command_line and not _held:
            _hold(data_dir())
    except (ConfigError, OSError) as error:
        refuse(error)


def begin_anew() -> None:
    """Begin a further run of a process that goes on between runs: what an earlier one found may have changed.

    Raises:
        ConfigError: The configuration can't be used.
    """
    for found in (_load, _up_to_date, started_at, found_unknown_warehouse):
        found.cache_clear()
    _look()


def _look() -> None:
    project.folder()
    configuration()
    started_at()
    found_unknown_warehouse(data_dir().root)


def refuse(error: Exception) -> NoReturn:
    """End a run that was asked for something that can't be: on the command line, by one line and exit code 40.

    Raises:
        Exception: The error, where tasks are made by other code.
    """
    if CmdlineParser.get_instance() is None:
        raise error
    if not ending.is_reported() and not streams.say(f"error: {error}"):
        with suppress(ConfigError):
            logs.note(data_dir().logs, error)
    # Not by luigi.cfg, which may be out of reach: what can't be used may be the project's folder.
    sys.exit(ConfigError.exit_code)


def at_end(tell: Callable[[], None]) -> None:
    """Have something told when a run from the command line has ended, however it did but by a signal."""
    if not is_on() or multiprocessing.parent_process() is not None:
        return
    arguments = sys.argv[1:]

    def told() -> None:
        with CmdlineParser.global_instance(arguments):  # Luigi has let go of its options by then
            tell()

    atexit.register(told)


def _hold(data: DataDir) -> None:
    surroundings.close()
    try:
        _held.append(hold(data))
    except AlreadyRunning as error:
        streams.say(f"error: {error}")
        ending.note_refusal(data, _asked_for(), _command())
        raise PidLockAlreadyTakenExit() from None
    atexit.register(streams.settle)
    if not options.mobility().quiet:
        terminal.open_if_any()
    atexit.register(terminal.close)
    # Luigi sets up logging after the first task is made, which would drop the log file again.
    InterfaceLogging.setup(core())
    logs.write_to(data.logs)
    if options.mobility().quiet:
        logs.hush()
    ending.watch(data, configuration(), _asked_for(), _command(), quiet=options.mobility().quiet)
    ending.watch_exit()
    scheduling.release_tasks_of_ended_runs()
    processes.end_by_signals()
    recognise_warehouse()
    ask_for_new_months()


def recognise_warehouse() -> None:
    """Look into a warehouse that is not known, before anything is scheduled that it may hold already.

    In a process of its own: DuckDB does not outlive a fork, and Luigi forks for each task. Where the warehouse can't
    be opened now, the tasks find that too, and say so.
    """
    from luigi_pipeline.warehouse.recognise import recognise

    data = data_dir()
    if not found_unknown_warehouse(data.root):
        return
    limits = configuration().warehouse.model_copy(update={"wait_seconds": 0})
    with ProcessPoolExecutor(1, multiprocessing.get_context("fork"), processes.in_child) as pool:
        error = pool.submit(recognise, data, limits).exception()
    if error is None:
        found_unknown_warehouse.cache_clear()
    else:
        log.info("the warehouse can't be looked into yet: %s", error)


def ask_for_new_months() -> None:
    """Bring the configuration up to date, where it goes up to the newest month that is published."""
    if latest.open_sources(configuration()):
        latest.ask(configuration(), data_dir())
        _up_to_date.cache_clear()
        ending.go_by(configuration())


def _asked_for() -> str:
    parser = CmdlineParser.get_instance()
    return str(parser.known_args.root_task) if parser else ""


def _command() -> str:
    return " ".join(["luigi", *sys.argv[1:]])
