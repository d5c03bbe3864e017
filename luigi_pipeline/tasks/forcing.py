"""The option `--force`: what is asked for is done again though it is done."""

from __future__ import annotations

from typing import Any

import luigi
from luigi.cmdline_parser import CmdlineParser
from luigi.task_register import Register

from luigi_pipeline.core.errors import ConfigError
from luigi_pipeline.run import runs


class forcing(luigi.Config):
    """An option of the command line beside those of the task."""

    use_cmdline_section = False
    force = luigi.BoolParameter(
        always_in_help=True,
        description="Do the task again though it is done, and then what was made of its result.",
    )


class Forceable(Register):
    """What makes tasks that can be forced: by `--force`, or in Python by `force=True`.

    It is no parameter of theirs, as a forced task is the same task. What is given in its place is the `Redo` of it.
    """

    def __call__(self, *args: Any, force: bool = False, **kwargs: Any) -> Any:
        """Make the task, or find it among those that are made."""
        force = force or self._is_forced()
        task = super().__call__(*args, **kwargs)
        return task.redo() if force else task

    def _is_forced(self) -> bool:
        """Whether this is the task that the command line asks for, with `--force`: the first one that is made."""
        parser = CmdlineParser.get_instance()
        if parser is None or runs.is_on() or not forcing().force:
            return False
        asked_for = Register.get_task_cls(parser.known_args.root_task)
        if not isinstance(asked_for, Forceable):
            name = parser.known_args.root_task
            runs.refuse(ConfigError(f"--force: {name} is no task of the pipeline; ask for one, such as Publish"))
        return asked_for is self
