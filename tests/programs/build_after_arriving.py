"""Goes to the project's folder once Luigi has read its configuration, and only then imports the package and builds.

`build_after_arriving.py PROJECT` prints what came of it as JSON.
"""

import json
import os
import sys

import luigi

luigi.configuration.get_config()
os.chdir(sys.argv[1])

from luigi_pipeline import Ingest  # noqa: E402 (it finds the project by the current folder)

told = luigi.build([Ingest()], local_scheduler=True, detailed_summary=True).status.name
print(json.dumps({"told": told}), flush=True)
