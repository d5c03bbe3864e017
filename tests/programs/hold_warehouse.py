"""Writes to the warehouse of a data dir, as a run does, until its standard input ends: `hold_warehouse.py DATA_DIR`."""

import sys
from pathlib import Path

from luigi_pipeline.config.settings import Warehouse
from luigi_pipeline.core.datadir import DataDir
from luigi_pipeline.warehouse import database

with database.writing(DataDir(Path(sys.argv[1])), Warehouse()):
    print("open", flush=True)
    sys.stdin.read()
