"""Has a DuckDB file open, as another program would: `hold_open.py FILE read|write [SECONDS]`.

It says "open", and ends with its standard input or after some seconds.
"""

import sys
import time

import duckdb

connection = duckdb.connect(sys.argv[1], read_only=sys.argv[2] == "read")
print("open", flush=True)
if len(sys.argv) > 3:
    time.sleep(float(sys.argv[3]))
else:
    sys.stdin.readline()
