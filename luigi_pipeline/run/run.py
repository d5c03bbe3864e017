"""The run that is going on: what it goes by, what it holds, and what it does again."""

from __future__ import annotations

from functools import cached_property
from pathlib import Path
from typing import ClassVar

from luigi_pipeline.config import options, settings
from luigi_pipeline.config.settings import Settings
from luigi_pipeline.core.clock import utc_now
from luigi_pipeline.core.datadir import DataDir
from luigi_pipeline.run.recording import Recording
from luigi_pipeline.run.task import PipelineTask
from luigi_pipeline.sources import BLOCKS
from luigi_pipeline.state import identity, latest
from luigi_pipeline.state.month import Asking


class Run:
    """A run, or a look at a data dir: a run that has not begun.

    Everything is read once, when it is first asked for, and then stays: tasks ask for it hundreds of times.

    Attributes:
        forced: The tasks that it does again, even if nothing has changed, by title.
        tasks: The tasks that it was asked for and those that they need, as far as Luigi has come to them, by id.
        recording: The record of it in the history, once it has begun.
    """

    # Luigi makes the tasks, and gives them nothing but their parameters. So they find the run here.
    _current: ClassVar[Run | None] = None

    def __init__(self) -> None:
        """Go by the options as they are now."""
        self._options, self._folder = options.mobility(), Path.cwd()
        self.forced: dict[str, PipelineTask] = {}
        self.tasks: dict[str, PipelineTask] = {}
        self.recording: Recording | None = None

    @classmethod
    def current(cls) -> Run:
        """The run that has begun in this process, or in the one it was forked from; otherwise a look."""
        run = cls._current
        if run is None or not (run.has_begun or run._is_up_to_date()):
            run = cls._current = Run()
        return run

    def begin(self, recording: Recording) -> None:
        """Be the run that goes on from now."""
        self.recording = recording
        Run._current = self

    def end(self) -> None:
        """Be over. This process may begin another run."""
        if self.recording is not None:
            self.recording.close()
        Run._current = None

    @property
    def has_begun(self) -> bool:
        """Whether it holds the data dir. A look does not."""
        return self.recording is not None

    @property
    def is_quiet(self) -> bool:
        """Whether it prints one report on stderr, and only if it does not succeed."""
        return bool(self._options.quiet)

    @cached_property
    def data(self) -> DataDir:
        """Its data dir.

        Raises:
            ConfigError: DuckDB, dlt or dbt would misread the path, or it begins with a ~ that stands for no folder.
        """
        return options.data_dir()

    @cached_property
    def config_file(self) -> Path:
        """Its configuration file."""
        return options.config_file()

    @cached_property
    def settings(self) -> Settings:
        """Its configuration. `latest` stands for the newest month that is known.

        Raises:
            ConfigError: The configuration can't be used.
        """
        return latest.as_known(settings.load(self.config_file.resolve(), BLOCKS), self.data)

    def ask_for_new_months(self) -> None:
        """Ask the publishers for their newest months, if the configuration says `latest`, and go by the answers."""
        if latest.open_sources(self.settings):
            latest.ask(self.settings, self.data)
            self.settings = latest.as_known(self.settings, self.data)

    @cached_property
    def asking(self) -> Asking:
        """Which files it asks the publishers for again."""
        return Asking(utc_now(), is_refresh=bool(self._options.refresh))

    @cached_property
    def found_unknown_warehouse(self) -> bool:
        """Whether the data dir held an unknown warehouse when the run began.

        Later the answer would mislead, because a warehouse that a load is just creating is unknown for a moment.
        """
        return self.data.warehouse.exists() and identity.warehouse_id(self.data) is None

    def look(self) -> None:
        """Look at what is read before the run holds the data dir.

        Raises:
            ConfigError: The configuration or the data dir can't be used.
        """
        _ = self.settings, self.asking

    def _is_up_to_date(self) -> bool:
        return self._options == options.mobility() and self._folder == Path.cwd()
