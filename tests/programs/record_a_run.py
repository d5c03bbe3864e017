"""Records a run with an alert in a history, and prints the alerts that it finds: `record_a_run.py FILE`."""

import json
import sys
from pathlib import Path

from luigi_pipeline.run.recording import Recording
from luigi_pipeline.state.history import store

store.WAIT_SECONDS = 0.1
recording = Recording(Path(sys.argv[1]), "Ingest", "luigi")
recording.record_alert(["citibike 2024-10"])
print(json.dumps(sorted(recording.alerted_before())))
recording.end(0, "done")
recording.close()
