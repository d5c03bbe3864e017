"""Prints, as JSON, what is imported once a command has run, or the package alone: `list_modules.py [COMMAND]`."""

import json
import sys

import luigi_pipeline

assert luigi_pipeline.__name__ in sys.modules
if len(sys.argv) > 1:
    from luigi_pipeline.__main__ import main

    main(sys.argv[1:])
print(json.dumps(sorted(sys.modules)))
