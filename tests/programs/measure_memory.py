"""Prints the most memory, in kB, that queries of a warehouse hold: `measure_memory.py DATA_DIR ours|duckdb`."""

import sys
import threading
from pathlib import Path

from luigi_pipeline.config.settings import Warehouse
from luigi_pipeline.core.datadir import DataDir
from luigi_pipeline.warehouse import database

data, whose_settings = DataDir(Path(sys.argv[1])), sys.argv[2]
most, over = [0], threading.Event()


def watch() -> None:
    """Note the most that this process holds."""
    while not over.wait(0.005):
        status = Path("/proc/self/status").read_text()
        anonymous = next(line for line in status.splitlines() if line.startswith("RssAnon"))
        most[0] = max(most[0], int(anonymous.split()[1]))


if whose_settings == "duckdb":
    database.FREED.clear()
with database.reading(data, Warehouse(threads=2, memory_limit="200MB")) as connection:
    connection.execute("set enable_progress_bar = false")  # on a busy machine it would be in what is printed
    threading.Thread(target=watch).start()
    for _ in range(3):  # the cache fills, and gives way to what a query keeps, which is freed
        connection.execute("select sum(number), bit_xor(one), bit_xor(other) from numbers").fetchall()
        connection.execute("select count(*) from (select one % 1500000, count(*) from numbers group by 1)").fetchall()
    over.set()
print(most[0])
