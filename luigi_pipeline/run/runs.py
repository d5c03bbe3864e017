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
from luigi_pipeline.core.months import Month
from luigi_pipeline.run import ending, processes, scheduling
from luigi_pipeline.run.holding import hold
from luigi_pipeline.state import identity, latest

log = logging.getLogger("luigi_pipeline")

_held: list[IO[str]] = []

# Titles of the tasks that this run does again, even if nothing has changed.
forced: set[str] = set()
# Months that this run loads in addition to those of the configuration, by source.
wanted_months: dict[str, list[Month]] = {}


def _options() -> options.mobility:
    """The options of this run. They are read once, because every completeness check asks for them."""
    return _options_of_run() if is_on() else options.mobility()


@functools.lru_cache
def _options_of_run() -> options.mobility:
    return options.mobility()


def data_dir() -> DataDir:
    """The data dir of this run.

    Raises:
        ConfigError: Its path has characters that DuckDB, dlt or dbt would misread, or begins with a ~ that stands for
            no folder.
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
    """The configuration of this run, read once. `latest` stands for the newest month that is known."""
    return _up_to_date(config_file().resolve(), data_dir().root)


@functools.lru_cache
def _up_to_date(path: Path, root: Path) -> settings.Settings:
    return latest.as_known(_load(path), DataDir(root))


@functools.lru_cache
def _load(path: Path) -> settings.Settings:
    return settings.load(path)


@functools.lru_cache
def started_at() -> str:
    """When this run began, UTC, ISO 8601. Whatever a publisher was asked later, it was asked by this run."""
    return utc_now()


def wants_to_ask(asked_at: str, settled_at: str | None) -> bool:
    """Whether this run must ask a publisher again for a file that is loaded.

    A refresh asks for every file. Any other run asks for files whose last values were not final, once a day.

    Args:
        asked_at: When the publisher was last asked.
        settled_at: When the file's values become final; None if they are final.
    """
    if _options().refresh:
        return asked_at < started_at()
    if settled_at is None or asked_at >= settled_at:
        return False
    return asked_at[:10] < started_at()[:10]


@functools.lru_cache
def found_unknown_warehouse(root: Path) -> bool:
    """Whether the data dir held an unknown warehouse when the run began.

    The answer is kept. Later it would mislead, because a warehouse that a load is just creating is unknown for a
    moment.
    """
    data = DataDir(root)
    return data.warehouse.exists() and identity.warehouse_id(data) is None


def is_on() -> bool:
    """Whether this process, or the one that it was forked from, is a run from the command line."""
    return bool(_held)


def begin() -> None:
    """Begin a run when its first task is made: check the configuration and hold the data dir until the process ends.

    Only a run from the command line holds the data dir here. `luigi.build` holds it when it takes the tasks (see
    `building`). Code that only looks at tasks holds nothing.

    Raises:
        ConfigError: The configuration can't be used. On the command line, this is one line and exit code 40.
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
    """Begin another run in the same process. Forget what the last run looked up, because it may have changed.

    Raises:
        ConfigError: The configuration can't be used.
    """
    for cached in (_load, _up_to_date, started_at, found_unknown_warehouse):
        cached.cache_clear()
    _look()


def _look() -> None:
    project.folder()
    configuration()
    started_at()
    found_unknown_warehouse(data_dir().root)


def refuse(error: Exception) -> NoReturn:
    """Refuse what a run was asked for. On the command line, print one line and exit with code 40.

    Raises:
        Exception: The error, if the tasks are made from Python.
    """
    if CmdlineParser.get_instance() is None:
        raise error
    if not ending.is_reported() and not streams.say(f"error: {error}"):
        with suppress(ConfigError):
            logs.note(data_dir().logs, error)
    # Not through luigi.cfg's exit codes: it may be missing, if the project's folder is what can't be used.
    sys.exit(ConfigError.exit_code)


def at_end(act: Callable[[], None]) -> None:
    """Call a function when a run from the command line has ended, in whatever way except by a signal."""
    if not is_on() or multiprocessing.parent_process() is not None:
        return
    arguments = sys.argv[1:]

    def act_with_options() -> None:
        with CmdlineParser.global_instance(arguments):  # Luigi has dropped its options by then
            act()

    atexit.register(act_with_options)


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
    # Luigi sets up logging after the first task is made. That would drop our log file, so it is done before.
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
    """Look into an unknown warehouse before tasks are scheduled: it may hold what they would load.

    This runs in a process of its own, because DuckDB does not survive a fork and Luigi forks for each task. If the
    warehouse can't be opened now, the tasks meet the same error and report it.
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
    """Ask the publishers for their newest months, if the configuration says `latest`, and use the answers."""
    if latest.open_sources(configuration()):
        latest.ask(configuration(), data_dir())
        _up_to_date.cache_clear()
        ending.go_by(configuration())


def _asked_for() -> str:
    parser = CmdlineParser.get_instance()
    return str(parser.known_args.root_task) if parser else ""


def _command() -> str:
    return " ".join(["luigi", *sys.argv[1:]])
