"""Validates a warehouse: `validate_a_warehouse.py WAREHOUSE EXPECTATIONS OUT MIN_ROWS`, the last of them as JSON."""

import json
import sys
from pathlib import Path

from luigi_pipeline.validation.run import ValidationInput, validate

warehouse, expectations, out = map(Path, sys.argv[1:4])
min_rows = json.loads(sys.argv[4])
validate(warehouse, expectations, ValidationInput(frozenset({*min_rows, "taxi_zones"}), min_rows, threads=1), out)
