"""Writes more to a file than the process may: `write_past_a_limit.py FILE`."""

import resource
import sys
from pathlib import Path

from luigi_pipeline.core.files import write_atomically

resource.setrlimit(resource.RLIMIT_FSIZE, (50, 50))
write_atomically(Path(sys.argv[1]), b"x" * 1000)
