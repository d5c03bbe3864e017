"""`python -m luigi_pipeline COMMAND`: look at a data dir, or change it by hand. Luigi runs the tasks."""

from __future__ import annotations

import argparse
import importlib
import sys
from collections.abc import Sequence

from luigi.configuration import get_config

from luigi_pipeline.config import project, surroundings
from luigi_pipeline.console import streams
from luigi_pipeline.core.errors import PipelineError, one_line

_COMMANDS = ("plan", "status", "history", "forget", "metrics", "scheduler")


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command.

    Args:
        arguments: The command line; by default that of the process.

    Returns:
        The exit code: 0, or one of those in luigi.cfg's `retcode`.
    """
    try:
        try:
            return _run(arguments)
        finally:
            sys.stdout.flush()
    except PipelineError as error:
        streams.say(f"error: {error}")
        return error.exit_code
    except BrokenPipeError:
        streams.settle()
        return 0  # the reader, such as `head`, has read enough
    except OSError as error:
        where = "" if streams.settle() else "standard output can't be written to: "
        streams.say(f"error: {where}{one_line(error)}")
        return PipelineError.exit_code


def _run(arguments: Sequence[str] | None) -> int:
    options = _parser().parse_args(arguments)
    for key in ("config", "data_dir", "refresh"):
        value = getattr(options, f"mobility_{key}", None)
        if value is not None:
            get_config().set("mobility", key, str(value))
    project.folder()
    surroundings.close()
    return int(options.run(options))


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m luigi_pipeline", description="Look at a data dir, or change it by hand."
    )
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    for name in _COMMANDS:
        module = importlib.import_module(f"luigi_pipeline.cli.{name}")
        about = (module.__doc__ or "").strip()
        command = commands.add_parser(name, help=about.splitlines()[0], description=about)
        command.add_argument("--mobility-config", metavar="FILE", help="the configuration (or MOBILITY_CONFIG)")
        command.add_argument("--mobility-data-dir", metavar="DIR", help="the data dir (or MOBILITY_DATA_DIR)")
        module.configure(command)
        command.set_defaults(run=module.run)
    return parser


if __name__ == "__main__":
    sys.exit(main())
