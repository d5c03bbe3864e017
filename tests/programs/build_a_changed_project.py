"""Parses the dbt project, builds it, changes a model and builds again: `build_a_changed_project.py MODEL`."""

import sys
from pathlib import Path

from luigi_pipeline.state.changes import EVERYTHING
from luigi_pipeline.tasks.build import DbtBuild

task = DbtBuild()
parsed = task.parse()
task.build(parsed, anew=False, changes=EVERYTHING)
with Path(sys.argv[1]).open("a") as model:
    model.write("-- by the week")
task.build(parsed, anew=False, changes=EVERYTHING)
