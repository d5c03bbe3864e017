"""`python -m luigi_pipeline.report DATA_DIR`: make the report of the published data again, and print its path."""

from __future__ import annotations

import argparse
import sys

from luigi_pipeline.config import settings
from luigi_pipeline.core import paths
from luigi_pipeline.core.datadir import DataDir
from luigi_pipeline.core.errors import PipelineError
from luigi_pipeline.sources import BLOCKS


def main() -> int:
    """Make the report.

    Returns:
        The exit code.
    """
    parser = argparse.ArgumentParser(prog="python -m luigi_pipeline.report", description=(__doc__ or "").strip())
    parser.add_argument("data_dir", metavar="DATA_DIR")
    parser.add_argument("--config", metavar="FILE", default="config/ingestion.yaml",
                        help="the configuration of what is published; default config/ingestion.yaml")  # fmt: skip
    options = parser.parse_args()
    from luigi_pipeline.report.making import make

    try:
        data = DataDir(paths.expanded(options.data_dir, "DATA_DIR").resolve())
        print(make(data, settings.load(paths.expanded(options.config, "--config"), BLOCKS)))
    except PipelineError as error:
        print(f"error: {error}", file=sys.stderr)
        return error.exit_code
    return 0


if __name__ == "__main__":
    sys.exit(main())
