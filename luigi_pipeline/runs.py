"""One run: its configuration, its lock on the data dir, and its end by a signal."""

from __future__ import annotations

import atexit
import fcntl
import functools
import logging
import multiprocessing
import os
import signal
import sys
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from contextlib import ExitStack, contextmanager
from pathlib import Path
from types import FrameType
from typing import IO, NoReturn

import luigi
from luigi.cmdline_parser import CmdlineParser
from luigi.interface import PidLockAlreadyTakenExit, core
from luigi.setup_logging import InterfaceLogging
from luigi.worker import TaskProcess

from luigi_pipeline import (
    ending,
    failures,
    identity,
    latest,
    logs,
    markers,
    progress,
    project,
    scheduling,
    settings,
    surroundings,
    terminal,
)
from luigi_pipeline.datadir import DataDir
from luigi_pipeline.errors import AlreadyRunning, ConfigError

log = logging.getLogger("luigi_pipeline")

_SECONDS_TO_END = 4.0
# DuckDB ends a path at a question mark and dbt at a hash, as in a URL; dlt fills in what begins with a percent sign.
_NOT_IN_PATHS = "#%?"
_held: list[IO[str]] = []

# Titles of the tasks that this run does again, whether or not anything has changed.
forced: set[str] = set()
# Months beyond the configuration's that this run is to load, by source.
wanted_months: dict[str, list[str]] = {}


class mobility(luigi.Config):
    """What every task of the pipeline goes by. Each can be given as an option: --mobility-config, ..."""

    config = luigi.Parameter(
        default=os.environ.get("MOBILITY_CONFIG", ""),
        description="The configuration file (or MOBILITY_CONFIG); default config/ingestion.yaml.",
    )
    data_dir = luigi.Parameter(
        default=os.environ.get("MOBILITY_DATA_DIR", "data"),
        description="Everything written goes below this folder (or MOBILITY_DATA_DIR).",
    )
    refresh = luigi.BoolParameter(
        default=False,
        description="Ask for every month that is loaded whether its published file has changed.",
    )
    quiet = luigi.BoolParameter(
        default=False,
        description="Say nothing on success, and on failure one short report at the end: for cron.",
    )


def _options() -> mobility:
    """The options of this run: once it is on, they stay, and are read a thousand times to see what is complete."""
    return _options_of_run() if is_on() else mobility()


@functools.lru_cache
def _options_of_run() -> mobility:
    return mobility()


def data_dir() -> DataDir:
    """The data dir of this run.

    Raises:
        ConfigError: Its path has characters that DuckDB, dlt or dbt would take for something else.
    """
    return _data_dir_of_run() if is_on() else _data_dir(mobility().data_dir, Path.cwd())


@functools.lru_cache
def _data_dir_of_run() -> DataDir:
    return _data_dir(_options().data_dir, Path.cwd())


@functools.lru_cache
def _data_dir(named: str, here: Path) -> DataDir:
    root = (here / named).resolve()
    unusable = sorted(set(_NOT_IN_PATHS).intersection(str(root)))
    if unusable or not str(root).isprintable():
        which = " and ".join(unusable) or "a control character"
        raise ConfigError(f"--mobility-data-dir: the path {str(root)!r} has {which} in it; choose a folder without")
    return DataDir(root)


def config_file() -> Path:
    """The configuration file of this run."""
    named = _options().config
    if named:
        return Path(named)
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
    return markers.utc_now()


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

    Only a run from the command line holds the data dir; who makes tasks to look at them does not.

    Raises:
        ConfigError: The configuration can't be used; on the command line that is one line and exit code 40.
        PidLockAlreadyTakenExit: Another run holds the data dir.
    """
    on_command_line = CmdlineParser.get_instance() is not None
    try:
        project.folder()
        configuration()
        started_at()
        found_unknown_warehouse(data_dir().root)
        if on_command_line and not _held:
            _hold(data_dir())
    except (ConfigError, OSError) as error:
        refuse(error)


def refuse(error: Exception) -> NoReturn:
    """End a run that was asked for something that can't be: on the command line, by one line and exit code 40.

    Raises:
        Exception: The error, where tasks are made by other code.
    """
    if CmdlineParser.get_instance() is None:
        raise error
    if not ending.is_reported():
        print(f"error: {error}", file=sys.stderr)
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


@contextmanager
def holding(data: DataDir) -> Iterator[None]:
    """Hold a data dir for a command that changes it.

    Raises:
        AlreadyRunning: A run, or another such command, holds it.
    """
    with _lock(data):
        yield


def _lock(data: DataDir) -> IO[str]:
    _write_for_ourselves()
    data.root.mkdir(parents=True, exist_ok=True)
    # Open for as long as a process of this run lives, its children too: the kernel lets go, whatever kills it.
    lock = data.lock.open("a")
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        lock.close()
        raise AlreadyRunning(f"another run holds {data.root}; this one did nothing") from None
    return lock


def _write_for_ourselves() -> None:
    """Let no one else write to what is made from here on: where a umask lets all the world, it is not meant."""
    mask = os.umask(0o022)
    os.umask(mask if mask & 0o002 else mask | 0o022)  # 002 shares with a group on purpose


def _hold(data: DataDir) -> None:
    surroundings.close()
    try:
        _held.append(_lock(data))
    except AlreadyRunning as error:
        print(f"error: {error}", file=sys.stderr)
        ending.note_refusal(data)
        raise PidLockAlreadyTakenExit() from None
    if not mobility().quiet:
        terminal.open_if_any()
    atexit.register(terminal.close)
    # Luigi sets up logging after the first task is made, which would drop the log file again.
    InterfaceLogging.setup(core())
    logs.write_to(data.logs)
    if mobility().quiet:
        logs.hush()
    failures.listen()
    ending.watch(data, configuration(), quiet=mobility().quiet)
    scheduling.release_tasks_of_ended_runs()
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        signal.signal(number, _stop)
    if found_unknown_warehouse(data.root):
        _recognise(data)
    if latest.open_sources(configuration()):
        latest.ask(configuration(), data)
        _up_to_date.cache_clear()
        ending.go_by(configuration())


def _recognise(data: DataDir) -> None:
    """Look into a warehouse that is not known, before anything is scheduled that it may hold already.

    In a process of its own: DuckDB does not outlive a fork, and Luigi forks for each task. Where the warehouse can't
    be opened now, the tasks find that too, and say so.
    """
    from luigi_pipeline.tasks.recognise import recognise

    limits = configuration().warehouse.model_copy(update={"wait_seconds": 0})
    with ProcessPoolExecutor(1, multiprocessing.get_context("fork"), in_child) as pool:
        error = pool.submit(recognise, data, limits).exception()
    if error is None:
        found_unknown_warehouse.cache_clear()
    else:
        log.info("the warehouse can't be looked into yet: %s", error)


def _stop(number: int, _: FrameType | None) -> None:
    """End the run and its children at once; what they had not committed, the next run does again."""
    children = multiprocessing.active_children()
    for child in children:
        child.terminate()
    for child in children:
        child.join(_SECONDS_TO_END / max(len(children), 1))
        if child.is_alive():
            child.kill()
    terminal.close()
    log.error("stopped by %s; the next run goes on from here", signal.Signals(number).name)
    ending.end(128 + number, f"stopped by {signal.Signals(number).name}")
    logging.shutdown()
    os._exit(128 + number)


class TaskProcessContext:
    """What a task's own process needs while the task runs; named in luigi.cfg as `task_process_context`."""

    def __init__(self, process: TaskProcess) -> None:
        """Luigi hands over the process."""
        self._process = process
        self._open = ExitStack()

    def __enter__(self) -> None:
        """Die with the run, log to the task's own file, and tell how far the task is."""
        if multiprocessing.parent_process() is not None:
            in_child()
        task = self._process.task
        # A wrapper has neither: it is Luigi's own.
        path = getattr(task, "log_path", None) or data_dir().log_of(task.task_family, {})
        self._open.enter_context(logs.of_task(path))
        title = getattr(task, "title", task.task_family)
        self._open.enter_context(progress.following(title, self._process.status_reporter))
        progress.link(scheduling.link_to(path, data_dir()))

    def __exit__(self, *_: object) -> None:
        """Close the log."""
        self._open.close()


def in_child() -> None:
    """Make a process forked from the run's one that ends with it, and leaves to it what only it is to do."""
    # At once: the run's own handler is for the process that has the children.
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        signal.signal(number, signal.SIG_DFL)
    _die_with_parent()
    terminal.in_child()


def _die_with_parent() -> None:
    """Ask Linux to end this process when its parent is killed, so that no orphan goes on writing."""
    if not sys.platform.startswith("linux"):
        return
    import ctypes

    set_parent_death_signal = 1
    ctypes.CDLL(None, use_errno=True).prctl(set_parent_death_signal, signal.SIGKILL)
    if os.getppid() == 1:  # it was killed already
        os._exit(1)
