"""Writes a file again and again, each time with the next number: `write_forever.py FILE`."""

import itertools
import json
import sys
from pathlib import Path

from luigi_pipeline.core.files import write_atomically

for number in itertools.count():
    write_atomically(Path(sys.argv[1]), json.dumps({"number": number, "long": "x" * 200_000}).encode())
