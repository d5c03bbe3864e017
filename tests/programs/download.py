"""Downloads a file: `download.py URL TARGET`."""

import sys
from pathlib import Path

from luigi_pipeline.config.settings import Download
from luigi_pipeline.sources.http import Publisher

Publisher(Download()).download(sys.argv[1], Path(sys.argv[2]))
