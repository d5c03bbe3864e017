"""Publishes a data dir again and again, and says when it begins: `publish_forever.py DATA_DIR`."""

import itertools
import sys
from pathlib import Path

from luigi_pipeline.config.settings import Warehouse
from luigi_pipeline.core.datadir import DataDir
from luigi_pipeline.warehouse.publishing import publish

for number in itertools.count():
    print(number, flush=True)
    publish(DataDir(Path(sys.argv[1])), Warehouse())
