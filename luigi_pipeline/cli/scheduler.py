"""Run Luigi's central scheduler and its visualiser for a data dir, until it is stopped.

State, history and metrics (/metrics, for Prometheus) are kept below the data dir. /files/ shows its logs, Data Docs and
reports. A run with LUIGI_CONFIG_PATH=config/luigid.cfg in its environment reports to it.
"""

from __future__ import annotations

import argparse

from luigi_pipeline.core.errors import ConfigError
from luigi_pipeline.run.run import Run


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the command's options."""
    parser.add_argument("--port", type=int, default=8082, help="the port; 0 for any that is free (default: 8082)")
    parser.add_argument(
        "--address",
        default="127.0.0.1",
        help="the interface to listen on (default: 127.0.0.1); there is no password, so mind who can reach another",
    )


def run(options: argparse.Namespace) -> int:
    """Serve until it is stopped.

    Returns:
        0.

    Raises:
        ConfigError: The port can't be used.
    """
    from luigi_pipeline.cli import visualiser

    try:
        visualiser.serve(Run.current().data, options.address, options.port)
    except (OSError, OverflowError) as error:
        raise ConfigError(f"--port {options.port}: {error}") from error
    return 0
