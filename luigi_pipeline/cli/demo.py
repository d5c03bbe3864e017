"""`make demo`: run the whole pipeline on the offline sample, served over HTTP on this machine."""

from __future__ import annotations

import socket
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import yaml
from rich.console import Console

from luigi_pipeline.cli import overview
from luigi_pipeline.config import project
from luigi_pipeline.core.datadir import DataDir, relative
from luigi_pipeline.core.errors import ConfigError
from luigi_pipeline.sample import SERVED, Publishers, generate
from luigi_pipeline.sample.generator import DEFAULT_ROWS

_MONTHS = ("2024-10", "2024-11")
# Always the same address, so that a second demo finds the same files at the same place and has nothing to do.
_PORT = 18_724


def main() -> int:
    """Generate the sample, serve it, run `Publish` on it and show the result."""
    console = Console(highlight=False)
    try:
        folder = project.folder()
    except ConfigError as error:
        console.print(f"error: {error}")
        return 40
    data = DataDir(folder / "data" / "demo")
    code = publish_sample(folder, data, console)
    if code == 0:
        overview.show(data, console)
    return code


def publish_sample(
    folder: Path, data: DataDir, console: Console, trips: int = DEFAULT_ROWS, options: Sequence[str] = ()
) -> int:
    """Generate a sample of two months below a data dir, and run `Publish` on it.

    Args:
        folder: The project's folder.
        data: The data dir.
        console: Where the sample is described.
        trips: The number of taxi trips, and of bike rides, in each month.
        options: More options for the run.

    Returns:
        Luigi's exit code.
    """
    published = data.root / "publishers"
    rows = generate(published, months=_MONTHS, taxi_trips_per_month=trips, rides_per_month=trips)
    console.print(f"sample of {sum(rows.values()):,} rows in {len(rows)} files in {relative(published)}")
    with Publishers(published, port=_free_port()) as url:
        config = data.root / "ingestion.yaml"
        config.write_text(yaml.safe_dump(_configuration(url)), encoding="utf-8")
        return _run(folder, config, data.root, options)


def _configuration(url: str) -> dict[str, object]:
    return {"sources": {name: {"base_url": url + path, "months": list(_MONTHS)} for name, path in SERVED.items()}}


def _run(folder: Path, config: Path, data: Path, more: Sequence[str]) -> int:
    command = ["luigi", "--module", "luigi_pipeline", "Publish"]
    options = ["--mobility-config", str(config), "--mobility-data-dir", str(data)]
    return subprocess.run([*command, *options, *more], cwd=folder, check=False).returncode


def _free_port() -> int:
    with socket.socket() as probe:
        try:
            probe.bind(("127.0.0.1", _PORT))
        except OSError:
            return 0
    return _PORT


if __name__ == "__main__":
    sys.exit(main())
