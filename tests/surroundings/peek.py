"""A task that notes what the processes below a run are given: those of tasks, and programs that these start."""

import json
import os
import subprocess
from typing import Any

from luigi_pipeline.state.markers import Marker
from luigi_pipeline.tasks.base import MobilityTask


class Peek(MobilityTask):
    """Notes the variables of its own process, and of one that it starts."""

    in_warehouse = False

    def inputs(self) -> dict[str, Any]:
        """None."""
        return {}

    def work(self) -> Marker:
        """Note them."""
        printed = subprocess.run(["env", "-0"], capture_output=True, text=True, check=True).stdout
        started = dict(line.split("=", 1) for line in printed.split("\0") if line)
        return self.new_marker({}, details={"variables": json.dumps([dict(os.environ), started])})
