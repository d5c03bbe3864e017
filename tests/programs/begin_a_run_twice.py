"""Notes the beginning of two runs, and the end of one, in a history: `begin_a_run_twice.py FILE`."""

import sys
from pathlib import Path

from luigi_pipeline.run import recording
from luigi_pipeline.state.history import store

store.WAIT_SECONDS = 0.1
for _ in range(2):
    recording.begin(Path(sys.argv[1]), "Ingest", "luigi")
recording.end(0, "done")
